/*
 * server_upkeep.h -- what the server does by itself, by a clock: retention,
 * backups, probes.
 */
#ifndef SERVER_SERVER_UPKEEP_H
#define SERVER_SERVER_UPKEEP_H

#include "server/admin/admin.h"

struct config;
struct server;

/*
 * Make what does it, after the alerts; it begins with server_set_upkeep().
 * Returns 0, or -1, logged.
 */
int server_open_upkeep(struct server *s);

/* Go by that configuration from now on. */
void server_set_upkeep(struct server *s, const struct config *cfg);

/* The webhook is there: have it tell of probes. */
void server_watch_probes(struct server *s);

/* admin_fns.probe; arg is the server. */
int server_probe_cb(void *arg, const char *url, probe_done_fn *done,
    void *done_arg, char reason[HANDLER_REASON_MAX]);

/* Begin nothing more. Accepts a server without it. */
void server_stop_upkeep(struct server *s);

/* When the store has finished what it was asked. The same. */
void server_close_upkeep(struct server *s);

#endif /* SERVER_SERVER_UPKEEP_H */
