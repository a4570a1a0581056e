/*
 * server_alerts.h -- the server's calls for help.
 */
#ifndef SERVER_SERVER_ALERTS_H
#define SERVER_SERVER_ALERTS_H

struct config;
struct server;

/* Once ingest and dispatch are there. Returns 0, or -1, logged. */
int server_open_alerts(struct server *s);

/* Look and tell by that configuration from now on. */
void server_set_alerts(struct server *s, const struct config *cfg);

/* Look and tell no more. */
void server_stop_alerts(struct server *s);

/* Once the store has finished what it was asked. */
void server_close_alerts(struct server *s);

#endif /* SERVER_SERVER_ALERTS_H */
