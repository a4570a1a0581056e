/*
 * admin_listener.h -- the admin listener: admin.h by HTTP.
 *
 * Owns:    its socket, its connections, the table of its routes, who may come
 *          in (access.h), and /readyz.
 * Touches: http.h, the routes, the log.
 *
 * Guarded as the public listener is, with limits of its own: at most
 * ADMIN_LISTENER_CONNECTIONS, bodies up to ADMIN_LISTENER_BODY. A connection
 * has proved itself by a request with the token: at the limit it is cut last,
 * and so strangers keep no operator out. Where none is asked for, one that made
 * any request but for a probe or the page is cut last of its address. What acts
 * is a POST with Content-Type application/json. /healthz, /readyz and the files
 * of the page need no token; they say nothing secret. Errors are {"error":
 * TEXT}.
 */
#ifndef SERVER_ADMIN_LISTENER_H
#define SERVER_ADMIN_LISTENER_H

#include <stdbool.h>

#include "server/http/http.h"

#define ADMIN_LISTENER_CONNECTIONS 160 /* readers of the stream and others */
#define ADMIN_LISTENER_BODY (1024 * 1024)

struct admin;
struct event_base;
struct metrics;
struct stream;
struct admin_listener; /* opaque */

/* Why the server is not ready; the texts are static, and need no escaping. */
struct admin_ready {
	const char *why;    /* a word or two */
	const char *advice; /* NULL: none */
	const char *check;  /* of the store, in both cases; NULL: none is due */
};

struct admin_listener_options {
	const char *address;     /* HOST:PORT; copied */
	const char *socket;      /* what is opened for it: http_listen() */
	const char *token;       /* copied; NULL: none is asked for */
	struct stream *stream;   /* kept */
	struct metrics *metrics; /* kept */
	/* Is the server ready for deliveries? Else says why in *ret_why. */
	bool (*ready)(void *arg, struct admin_ready *ret_why);

	/* What is wrong with the clock, in a word; NULL: nothing. */
	const char *(*clock)(void *arg);
	void *arg;
};

/*
 * Listen, answering by a, which is kept. ret_url is where a client on this
 * machine finds it. NULL, and one line that says what to do, on failure.
 */
struct admin_listener *admin_listener_new(struct event_base *base,
    struct admin *a, const struct admin_listener_options *opt,
    char ret_url[HTTP_URL_MAX], char reason[256]);

/* Its listener, for its numbers. */
struct http *admin_listener_http(const struct admin_listener *l);

/* How many requests were answered 429: too many wrong tokens came before. */
uint64_t admin_listener_limited(const struct admin_listener *l);

/* As http_drain(). */
void admin_listener_drain(struct admin_listener *l, void (*done)(void *arg),
    void *arg);

/* Close what is open. Only when a has nothing under way. Accepts NULL. */
void admin_listener_free(struct admin_listener *l);

#endif /* SERVER_ADMIN_LISTENER_H */
