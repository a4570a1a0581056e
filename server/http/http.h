/*
 * http.h -- a listener.
 *
 * Owns:    the listening sockets, evhttp, the guard of each connection, the
 *          limits that connections share, and the rule that every request gets
 *          exactly one answer, all of them before http_free().
 * Touches: evhttp, tls.h, the log. What is answered is its routes' (route.h).
 *
 * There may be several struct http on one loop, each with routes of its own.
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http/http_address.h"
#include "server/http/http_asker.h"
#include "server/http/http_limit.h"
#include "server/http/route.h"

struct event_base;
struct tls_context;
struct tls_stats;
struct http; /* opaque */

struct http_options {
	size_t max_body;            /* bytes; more is answered 413 */
	size_t max_connections;     /* beyond it the greediest address pays */
	int64_t request_timeout_ms; /* for a request to arrive whole */
	int64_t idle_timeout_ms;    /* between requests of a connection */

	/* Only of listeners that speak TLS. */
	int64_t handshake_timeout_ms; /* from accept to its end, absolute */
	size_t max_handshakes;        /* at once; further ones wait as well */
};

/* What a listener serves. */
struct http_site {
	const char *name;   /* in the log */
	const char *advice; /* there, when too many are connected */
	bool needs_length;  /* a POST without one is answered 411 */
	const struct http_route *routes; /* others are answered 404 */
	size_t nroutes;

	/*
	 * Before each route, also before a 405: may the request come in? If not
	 * it has been finished. NULL: every one may.
	 */
	bool (*admit)(struct http_request *r, const struct http_route *route,
	    void *arg);
	void *arg;
};

/*
 * Keeps base until http_free(), copies opt, site and the list of routes, but
 * not their texts. Listens nowhere yet. NULL when out of memory.
 */
struct http *http_new(struct event_base *base, const struct http_options *opt,
    const struct http_site *site);

/*
 * Have these routes (from malloc, taken) in place of the old ones, from the
 * next request on that has come whole.
 */
void http_set_routes(struct http *h, struct http_route *routes, size_t n);

/*
 * Listen on address (http_address.h). Returns 0 and writes "http://HOST:PORT"
 * with the real port to ret_url; -1 and one line that says what to do to
 * reason.
 */
int http_listen(struct http *h, const char *address, char ret_url[HTTP_URL_MAX],
    char reason[HTTP_ADDRESS_REASON_MAX]);

/*
 * Speak TLS by ctx, of which a reference is taken, on what http_listen_tls()
 * opens: from the next connection on, while those that are open go on with
 * what they began with. Returns 0; -1 when out of memory, and then the old
 * one, if any, stays in force.
 */
int http_set_tls(struct http *h, struct tls_context *ctx);

/* As http_listen(), with TLS and "https://..."; after http_set_tls(). */
int http_listen_tls(struct http *h, const char *address,
    char ret_url[HTTP_URL_MAX], char reason[HTTP_ADDRESS_REASON_MAX]);

/*
 * The same for trusted proxies, whose connections begin with a PROXY header;
 * others are closed.
 */
int http_listen_proxy(struct http *h, const char *address,
    char ret_url[HTTP_URL_MAX], char reason[HTTP_ADDRESS_REASON_MAX]);
int http_listen_proxy_tls(struct http *h, const char *address,
    char ret_url[HTTP_URL_MAX], char reason[HTTP_ADDRESS_REASON_MAX]);

/* Take other limits: sizes and times are for connections to come. */
void http_set_limits(struct http *h, const struct http_options *opt);

/*
 * From now on believe these proxies when they say for whom they ask, and let in
 * only who is allowed: http_asker.h. Takes trust.
 */
void http_set_trust(struct http *h, struct http_trust trust);

/*
 * Stop accepting, close idle connections, and answer what is under way with
 * "Connection: close". done() runs once, when the last connection is gone,
 * not before this call returns.
 */
void http_drain(struct http *h, void (*done)(void *arg), void *arg);

/* Connections open now. */
size_t http_connections(const struct http *h);

/* What was counted since the start. */
struct http_stats {
	uint64_t requests;
	uint64_t cuts[HTTP_NCUTS];        /* refused or cut by the guard */
	uint64_t room_cuts[HTTP_NLIMITS]; /* connections closed for a limit */
	size_t unverified; /* bytes held that are not verified, now */
};
void http_stats(const struct http *h, struct http_stats *ret_stats);

/* The same of TLS; all 0 without. */
void http_tls_stats(const struct http *h, struct tls_stats *ret_stats);

/*
 * Close what is open, drained or not. Only when every request that was kept
 * is finished. Accepts NULL.
 */
void http_free(struct http *h);

#endif /* SERVER_HTTP_H */
