/*
 * server_upstreams.h -- private to server*.c: the hubs that events are fetched
 * from.
 */
#ifndef SERVER_SERVER_UPSTREAMS_H
#define SERVER_SERVER_UPSTREAMS_H

#include "handlers/handler.h"

struct config;
struct server;

/*
 * Nothing is fetched yet. idle, after a stop: none has to report any more.
 * Returns 0; -1, and logs why.
 */
int server_open_upstreams(struct server *s, void (*idle)(void *arg));

/*
 * Fetch from those of cfg from now on. Returns 0; -1, with one line in reason,
 * and then the old ones stay.
 */
int server_set_upstreams(struct server *s, const struct config *cfg,
    char reason[HANDLER_REASON_MAX]);

#endif /* SERVER_SERVER_UPSTREAMS_H */
