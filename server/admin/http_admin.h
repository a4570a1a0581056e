/*
 * http_admin.h -- the admin listener: admin.h by HTTP.
 *
 * Owns:    its socket, its connections, the door that keeps strangers out
 *          (http_door.h), /healthz and /readyz.
 * Touches: evhttp, admin.h, http_inspector.h, http_stream.h, http_metrics.h,
 *          the log.
 *
 * Guarded as the public listener is, with limits of its own: at most
 * HTTP_ADMIN_CONNECTIONS, bodies up to HTTP_ADMIN_BODY. A connection has proved
 * itself by a request with the token; where none is asked for, by any but for a
 * probe or the page. At the limit it is cut last, and so strangers keep no
 * operator out. What acts is a POST
 * with Content-Type application/json. /healthz and /readyz, which tell
 * nothing else, and the files of the page need no token. Errors are
 * {"error": TEXT}.
 */
#ifndef SERVER_HTTP_ADMIN_H
#define SERVER_HTTP_ADMIN_H

#include <stdbool.h>

#include "server/http/http.h"

#define HTTP_ADMIN_CONNECTIONS 160 /* readers of the stream and others */
#define HTTP_ADMIN_BODY (1024 * 1024)

struct admin;
struct event_base;
struct metrics;
struct stream;
struct http_admin; /* opaque */

/* Why the server is not ready; the texts are static, and need no escaping. */
struct http_ready {
	const char *why;    /* a word or two */
	const char *advice; /* NULL: none */
	const char *check;  /* of the store, in both cases; NULL: none is due */
};

struct http_admin_options {
	const char *address;     /* HOST:PORT; copied */
	const char *token;       /* copied; NULL: none is asked for */
	struct stream *stream;   /* kept */
	struct metrics *metrics; /* kept */
	/* Is the server ready for deliveries? Else says why in *ret_why. */
	bool (*ready)(void *arg, struct http_ready *ret_why);

	/* What is wrong with the clock, in a word; NULL: nothing. */
	const char *(*clock)(void *arg);
	void *arg;
};

/*
 * Listen, answering by a, which is kept. ret_url is where a client on this
 * machine finds it. NULL, and one line that says what to do, on failure.
 */
struct http_admin *http_admin_new(struct event_base *base, struct admin *a,
    const struct http_admin_options *opt, char ret_url[HTTP_URL_MAX],
    char reason[256]);

/* Its listener, for its numbers. */
struct http *http_admin_http(const struct http_admin *ha);

/* As http_drain(). */
void http_admin_drain(struct http_admin *ha, void (*done)(void *arg),
    void *arg);

/* Close what is open. Only when a has nothing under way. Accepts NULL. */
void http_admin_free(struct http_admin *ha);

#endif /* SERVER_HTTP_ADMIN_H */
