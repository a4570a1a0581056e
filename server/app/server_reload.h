/*
 * server_reload.h -- HUP: another configuration comes into force.
 */
#ifndef SERVER_SERVER_RELOAD_H
#define SERVER_SERVER_RELOAD_H

struct config;
struct server;

/* Log what is odd about a configuration that comes into force. */
void server_warn(const struct config *cfg);

/* HUP: read the configuration again and put what changed into force. */
void server_reload(struct server *s);

#endif /* SERVER_SERVER_RELOAD_H */
