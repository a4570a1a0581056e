/*
 * http_turn.h -- whose question to the store is next, at the admin listener.
 *
 * Owns:    the requests that wait for others to be answered.
 * Touches: connections, and how many questions each address has (http_share.h).
 *
 * The store answers one question after the other, and a page of 500 rows takes
 * it a while. So only HTTP_TURNS_MAX are with it at a time, and the next one is
 * of the address that asks for the fewest: one that asks for much keeps no
 * other waiting for more than those. A request that waits is not being served:
 * its connection may be cut.
 */
#ifndef SERVER_HTTP_TURN_H
#define SERVER_HTTP_TURN_H

#include <sys/queue.h>

#include <stddef.h>

struct evhttp_request;
struct http_conn;

#define HTTP_TURNS_MAX 4

TAILQ_HEAD(http_turn_queue, http_conn);

/* Of one listener; fields private to http_turn.c, but for start. */
struct http_turns {
	struct http_turn_queue waiting; /* the first that came first */
	size_t running;
	/* Ask. http_turn_end() follows, perhaps before this returns. */
	void (*start)(struct http_conn *conn, struct evhttp_request *req);
};

void http_turns_init(struct http_turns *turns,
    void (*start)(struct http_conn *conn, struct evhttp_request *req));

/* Start req when it is its turn, which may be now. Keeps req until then. */
void http_turn_wait(struct http_turns *turns, struct http_conn *conn,
    struct evhttp_request *req);

/* What was started has its answer, which is still to be sent. */
void http_turn_end(struct http_turns *turns, struct http_conn *conn);

/* Start those whose turn it is. After http_turn_end(). */
void http_turns_pump(struct http_turns *turns);

#endif /* SERVER_HTTP_TURN_H */
