/*
 * http.h -- the public listener.
 *
 * Owns:    the listening sockets, evhttp, the guard of each connection, the
 *          table of routes, and the rule that every request kept gets exactly
 *          one reply, all of them before http_free().
 * Touches: evhttp, tls.h, ingest.h, secrets.h, diagnosis_queue.h, the log. No
 *          store.
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diagnosis_queue;
struct event_base;
struct histogram;
struct ingest;
struct secrets;
struct steady;
struct tls_context;
struct tls_stats;
struct http; /* opaque */

#define HTTP_WEBHOOK_PATH "/webhooks/klikit"

/* How many are accepted beyond max_connections, before as many are closed. */
#define HTTP_ROOM_OVER 64

struct http_options {
	size_t max_body;            /* bytes; more is answered 413 */
	size_t max_connections;     /* beyond it the greediest address pays */
	int64_t request_timeout_ms; /* for a request to arrive whole */
	int64_t idle_timeout_ms;    /* between requests of a connection */

	/* Only of listeners that speak TLS. */
	int64_t handshake_timeout_ms; /* from accept to its end, absolute */
	size_t max_handshakes;        /* at once; further ones wait as well */
};

/*
 * Keeps base, in, diag and sec until http_free(), copies opt. Listens nowhere
 * yet. NULL when out of memory.
 */
struct http *http_new(struct event_base *base, const struct http_options *opt,
    struct ingest *in, struct diagnosis_queue *diag, struct secrets *sec);

/*
 * Listen on "HOST:PORT", "[V6]:PORT" or "*:PORT" (every address, IPv6 and
 * IPv4), HOST numeric or "localhost"; port 0 lets the kernel choose. Returns
 * 0 and writes "http://HOST:PORT" with the real port to ret_url; -1 and one
 * line that says what to do to reason.
 */
#define HTTP_URL_MAX 128
int http_listen(struct http *h, const char *address, char ret_url[HTTP_URL_MAX],
    char reason[256]);

/*
 * Could http_listen() have the address now? It is bound for a moment, and not
 * listened on. Returns 0, or the errno of why not; EINVAL if it is none.
 */
int http_listen_test(const char *address);

/* Why one cannot listen there, by errno (0: it is no address): what to do. */
#define HTTP_LISTEN_REASON_MAX 256
void http_listen_reason(const char *address, int error,
    char reason[HTTP_LISTEN_REASON_MAX]);

/*
 * Speak TLS by ctx, of which a reference is taken, on what http_listen_tls()
 * opens: from the next connection on, while those that are open go on with
 * what they began with. Returns 0; -1 when out of memory, and then the old
 * one, if any, stays in force.
 */
int http_set_tls(struct http *h, struct tls_context *ctx);

/* As http_listen(), with TLS and "https://..."; after http_set_tls(). */
int http_listen_tls(struct http *h, const char *address,
    char ret_url[HTTP_URL_MAX], char reason[256]);

/*
 * Judge by clock, which is kept, whether a secret is still valid: a wall clock
 * that is not believed refuses no delivery. Without, by the wall clock.
 */
void http_set_clock(struct http *h, const struct steady *clock);

/* Take other secrets from now on; keeps sec, lets go of the old ones. */
void http_set_secrets(struct http *h, struct secrets *sec);

/* Take other limits: sizes and times are for connections to come. */
void http_set_limits(struct http *h, const struct http_options *opt);

/*
 * Stop accepting, close idle connections, and answer what is under way with
 * "Connection: close". done() runs once, when the last connection is gone,
 * not before this call returns.
 */
void http_drain(struct http *h, void (*done)(void *arg), void *arg);

/* Connections open now. */
size_t http_connections(const struct http *h);

/* Limits of all connections together: one is closed for the sake of another. */
enum http_limit {
	HTTP_LIMIT_CONNECTIONS, /* http_options.max_connections */
	HTTP_LIMIT_DESCRIPTORS, /* files that the process may open */
	HTTP_LIMIT_HANDSHAKES,  /* http_options.max_handshakes */
	HTTP_LIMIT_STREAMS      /* STREAM_READERS_MAX */
};
#define HTTP_NLIMITS 4

/* What was counted since the start. */
struct http_stats {
	uint64_t requests;
	uint64_t bad_requests;            /* refused by the strict check */
	uint64_t cut;                     /* connections cut by the guard */
	uint64_t room_cuts[HTTP_NLIMITS]; /* connections closed for a limit */
	size_t unverified; /* bytes held that are not verified, now */
};
void http_stats(const struct http *h, struct http_stats *ret_stats);

/* The same of TLS; all 0 without. */
void http_tls_stats(const struct http *h, struct tls_stats *ret_stats);

/*
 * From a delivery's being whole to its `received' having left, in us; until
 * free.
 */
const struct histogram *http_acks(const struct http *h);

/*
 * Close what is open, drained or not. Only when ingest has nothing pending.
 * Accepts NULL.
 */
void http_free(struct http *h);

#endif /* SERVER_HTTP_H */
