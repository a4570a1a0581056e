/*
 * http_wire.h -- short cuts to the socket of a plain connection.
 *
 * Owns:    an event on the socket beside the bufferevent's own.
 * Touches: the socket, the bufferevent's buffers, the guard's count of bytes
 *          that are to come.
 */
#ifndef SERVER_HTTP_WIRE_H
#define SERVER_HTTP_WIRE_H

#include <stdbool.h>

struct bufferevent;
struct event;
struct event_base;
struct http_guard;

/* One connection's, to be embedded; all zero: there are no short cuts. */
struct http_wire {
	struct bufferevent *bev;
	const struct http_guard *guard;
	struct event *reader; /* NULL: a TLS connection, or no memory */
	int fd;
	bool paused;           /* its request is kept: nothing is read */
	unsigned unread_wakes; /* how often the reader ran since then */
	bool *destroyed_flag;  /* to be set when it ends; or NULL */
};

/*
 * Spare the kernel the news of each request. bev has a socket, and speaks no
 * TLS; keeps both. Without memory for it all works the same.
 */
void http_wire_init(struct http_wire *w, struct event_base *base,
    struct bufferevent *bev, const struct http_guard *guard);

/* Before the socket is closed. */
void http_wire_fini(struct http_wire *w);

/* A request is kept: what comes in meanwhile is left where it is. */
void http_wire_pause(struct http_wire *w);
void http_wire_resume(struct http_wire *w);

/*
 * An answer was given: have it leave now, not when the loop comes to it. Not
 * from a callback of evhttp. This may be the connection's end.
 */
void http_wire_push(struct http_wire *w);

#endif /* SERVER_HTTP_WIRE_H */
