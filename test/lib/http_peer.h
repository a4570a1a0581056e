/*
 * http_peer.h -- a listener under test, and clients of it.
 *
 * A real loop and real sockets, all in one thread. Its routes keep a request
 * until a test wants it answered. Whatever goes wrong fails the test, and so
 * does one that takes longer than HTTP_PEER_LIMIT_S.
 */
#ifndef TEST_LIB_HTTP_PEER_H
#define TEST_LIB_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http/http.h"

struct bufferevent;
struct event;
struct event_base;

#define HTTP_PEER_LIMIT_S 120
#define KEPT_MAX 4

struct http_case {
	struct event_base *base;
	struct event *limit;
	bool late;
	struct http *http;
	unsigned port;
	/* A client's bufferevent, without a socket; NULL: a plain one. */
	struct bufferevent *(*client_bev)(struct http_case *f);
	void *tls; /* what it needs */

	/* By the routes of peer_setup(). */
	struct http_request *kept[KEPT_MAX]; /* the oldest first */
	size_t nkept;
	unsigned nleft; /* answers that left, and that never will */
	unsigned nlost;
	unsigned ngone;
	unsigned drained;
};

/* A client. */
struct peer {
	struct http_case *f;
	struct bufferevent *bev;
	bool eof;
};

/* A loop with a limit, and a listener on it; without the routes below. */
void peer_begin(struct http_case *f);
void peer_listen(struct http_case *f, const struct http_route *routes,
    size_t nroutes);
void peer_end(struct http_case *f);

/*
 * For cmocka: a listener with GET /healthz, POST /keep, which keeps requests
 * and counts answers that left or did not, and GET /wait, which has them wait.
 */
int peer_setup(void **state);
int peer_teardown(void **state);
extern const struct http_route peer_routes[];
extern const size_t peer_nroutes;

/* Take the oldest request out of the kept ones. */
struct http_request *peer_take(struct http_case *f);

/* Run the loop until something has happened. */
void peer_turn(struct http_case *f);

/* Run the loop until n requests are kept; until n connections are open. */
void peer_wait_kept(struct http_case *f, size_t n);
void peer_wait_connections(struct http_case *f, size_t n);

void peer_open(struct peer *c, struct http_case *f);
void peer_close(struct peer *c);

/* Close so that nothing more can be sent to it. */
void peer_reset(struct peer *c);
void peer_send(struct peer *c, const char *text);

/* POST to /keep. */
void peer_post(struct peer *c);

/* Run the loop until the client has got the text; forget all up to it. */
void peer_wait(struct peer *c, const char *text);

/* Run the loop until the connection is closed; nothing more may come. */
void peer_wait_eof(struct peer *c);

#endif /* TEST_LIB_HTTP_PEER_H */
