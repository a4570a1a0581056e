/*
 * server_service.h -- the server as a service: what its manager is told, and
 * its watchdog.
 */
#ifndef SERVER_SERVER_SERVICE_H
#define SERVER_SERVER_SERVICE_H

struct server;

/* Take up the manager's socket, if there is one. Returns 0, or -1, logged. */
int server_open_service(struct server *s);

/* It serves at url: say so, and feed the watchdog from now on. */
void server_service_ready(struct server *s, const char *url);

/* A reload begins; it has ended. Until the second it counts as refused. */
void server_service_reloading(struct server *s);
void server_service_reloaded(struct server *s);

/* The store's health, or what is done, has changed: say what it is now. */
void server_service_tell(struct server *s);

/* A stop has begun. */
void server_service_stopping(struct server *s);

void server_close_service(struct server *s);

#endif /* SERVER_SERVER_SERVICE_H */
