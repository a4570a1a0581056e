/*
 * server_begin.h -- the work that needs a store which can be written.
 */
#ifndef SERVER_SERVER_BEGIN_H
#define SERVER_SERVER_BEGIN_H

struct server;

/*
 * Put the handlers to work and take deliveries, at once if the store is ready
 * for that. Returns 0, or -1, logged.
 */
int server_open_work(struct server *s);

/* The store is ready, or may be: begin, unless that is done. */
void server_begin(struct server *s);

void server_close_work(struct server *s);

#endif /* SERVER_SERVER_BEGIN_H */
