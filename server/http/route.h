/*
 * route.h -- what a route may do with a request.
 *
 * A route is a path, its methods, and a function. The function gets a request
 * that has come whole, and answers it by http_request_finish(): at once, or
 * later if it keeps it. Exactly one answer for each request, always, also when
 * its client has gone, and all of them before http_free(). A second answer is
 * a bug of ours, and ends the process.
 *
 * Owns:    the request, from the call of its route until its answer has left.
 * Touches: evhttp, the connection and what it holds. No webhook, no admin.
 */
#ifndef SERVER_HTTP_ROUTE_H
#define SERVER_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/peer_net.h"

struct evbuffer;
struct http_request; /* opaque; valid until it is finished */

/* Bits, so that a route may have several. */
enum http_method {
	HTTP_GET = 1 << 0,
	HTTP_HEAD = 1 << 1,
	HTTP_POST = 1 << 2,
	HTTP_OTHER = 1 << 3
};
#define HTTP_EVERY_METHOD (HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_OTHER)

struct http_route {
	/*
	 * As it is decoded; one that ends in "/" and "*" is of all that is
	 * below it, unless that has a route of its own before. NULL: of every
	 * other request.
	 */
	const char *path;
	unsigned methods; /* of enum http_method; others are answered 405 */
	void (*run)(struct http_request *r, void *arg);
	void *arg;
	bool open; /* for http_site.admit(): nobody has to prove himself */
};

/* -- To be read; valid until r is finished -- */

enum http_method http_request_method(const struct http_request *r);

/* What stands in its first line, as it came: a path, or a whole URI. */
const char *http_request_target(const struct http_request *r);

/* Of that the path and the query, not decoded; NULL: there is no query. */
const char *http_request_path(const struct http_request *r);
const char *http_request_query(const struct http_request *r);

/* The value of a header field, in whatever case; NULL: it has none. */
const char *http_request_field(const struct http_request *r, const char *name);

/* All header fields, as far as there is room. Returns how many. */
struct http_field {
	const char *name;
	const char *value;
};
size_t http_request_fields(const struct http_request *r,
    struct http_field ret_fields[], size_t max);

/* The body. The route may take bytes out of it. */
struct evbuffer *http_request_body(struct http_request *r);

/*
 * Who asks, and what limits take for his address: http_asker_peer() and
 * http_asker_net(). A peer_net_is_nobody() is not to be limited by its address.
 */
const char *http_request_peer(struct http_request *r);
struct peer_net http_request_net(struct http_request *r);

/* -- What is known of the client -- */

/*
 * It did what only one can do who has the secret, or the token: its connection
 * is now among the last to be closed for a limit that all share.
 */
void http_request_prove(struct http_request *r);
bool http_request_is_proven(const struct http_request *r);

/*
 * It asked as a client does, which anybody can: of those of its address its
 * connection is no longer among the first to be closed.
 */
void http_request_call(struct http_request *r);

/* -- An answer later -- */

/*
 * Keep r when its route returns: it is being worked on. Its connection is not
 * closed for any limit until the answer has left; if the client goes, r stays
 * valid all the same, and is to be finished.
 */
void http_request_keep(struct http_request *r);

/*
 * The same, but r only waits: its connection may be closed for a limit. When
 * that, or the client's going, ends it, gone(arg) runs, once: then r is not
 * valid any more. http_request_keep() ends the waiting.
 */
typedef void http_gone_fn(void *arg);
void http_request_wait(struct http_request *r, http_gone_fn *gone, void *arg);

/*
 * While r waits: its client has gone when it closes its side of the connection,
 * though it might still read an answer. Else that is noticed only when one is
 * written. Without memory nothing is noticed.
 */
void http_request_heed_leave(struct http_request *r);

/* -- The answer -- */

/* A header field of the answer, in place of one of that name. Copies both. */
void http_request_set_field(struct http_request *r, const char *name,
    const char *value);

/*
 * left(arg, true) is to run when the whole answer has left, or left(arg, false)
 * when it never will: once, from http_request_finish() or after it. The answer
 * may leave at once, so that this does not wait for the loop.
 */
typedef void http_left_fn(void *arg, bool left);
void http_request_on_left(struct http_request *r, http_left_fn *left,
    void *arg);

/* Answer r, with JSON. */
void http_request_finish(struct http_request *r, int status, const char *json);

/* The same with these bytes. They are JSON unless Content-Type was set. */
void http_request_finish_bytes(struct http_request *r, int status,
    const void *bytes, size_t len);

/*
 * The same as http_request_finish(), a moment later (http_late.h): for one who
 * fails too often. Its body is let go of now; its connection may be closed for
 * a limit. json is not copied: valid until http_free().
 */
void http_request_finish_late(struct http_request *r, int status,
    const char *json);

/* http_route: {"status":"ok"}, whatever arg is. */
void http_request_run_health(struct http_request *r, void *arg);

/* What a status is called: "Not Found". */
const char *http_status_phrase(int status);

/* -- An answer without an end: a stream -- */

/*
 * Begin an answer of unknown length; gone() is as for http_request_wait(). A
 * client that takes nothing for so many seconds is gone.
 */
void http_request_begin(struct http_request *r, int64_t stuck_s,
    http_gone_fn *gone, void *arg);

/* Send what is in chunk. ready(arg) runs when the socket has taken it all. */
void http_request_chunk(struct http_request *r, struct evbuffer *chunk,
    void (*ready)(void *arg), void *arg);

/* Finish what was begun. cut: what has not left by now never will. */
void http_request_end(struct http_request *r, bool cut);

/* Close the connection: gone() runs soon, from the loop. */
void http_request_cut(struct http_request *r);

/*
 * Close the connection of a stream now, for the sake of another one: gone()
 * runs before this returns. Counted, and logged.
 */
void http_request_make_room(struct http_request *r);

#endif /* SERVER_HTTP_ROUTE_H */
