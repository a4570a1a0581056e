/*
 * server_upkeep.h -- what the server does by itself, by a clock: retention,
 * backups.
 */
#ifndef SERVER_SERVER_UPKEEP_H
#define SERVER_SERVER_UPKEEP_H

struct config;
struct server;

/* Make what does it; it begins with server_set_upkeep(). Returns 0, or -1. */
int server_open_upkeep(struct server *s);

/* Go by that configuration from now on. */
void server_set_upkeep(struct server *s, const struct config *cfg);

/* Begin nothing more. Accepts a server without it. */
void server_stop_upkeep(struct server *s);

/* When the store has finished what it was asked. The same. */
void server_close_upkeep(struct server *s);

#endif /* SERVER_SERVER_UPKEEP_H */
