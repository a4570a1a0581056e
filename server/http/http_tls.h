/*
 * http_tls.h -- the listeners that speak TLS.
 *
 * Owns:    the engine of their handshakes, and whose handshake goes first.
 * Touches: tls.h, connections and their shares, http_room.h.
 */
#ifndef SERVER_HTTP_TLS_H
#define SERVER_HTTP_TLS_H

#include <stddef.h>
#include <stdint.h>

struct http_conns;
struct http_room;
struct http_side;
struct tls_context;
struct tls_engine;

/* Of one listener. */
struct http_tls {
	struct http_conns *conns;
	struct http_room *room;
	struct tls_engine *engine; /* NULL: there are none yet */
};

/*
 * Let side speak TLS by ctx, of which a reference is taken, from its next
 * connection on. Returns 0; -1 when out of memory, and then the old one stays.
 */
int http_tls_set(struct http_tls *tls, struct http_side *side,
    struct tls_context *ctx);

/* An engine, the first time. Returns 0; -1 when out of memory. */
int http_tls_open(struct http_tls *tls, int64_t handshake_timeout_ms,
    size_t max_handshakes);

void http_tls_limit(struct http_tls *tls, int64_t handshake_timeout_ms,
    size_t max_handshakes);

/* When no connection is left. */
void http_tls_fini(struct http_tls *tls, struct http_side *side);

#endif /* SERVER_HTTP_TLS_H */
