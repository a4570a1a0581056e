/*
 * tls_filter.h -- private to tls*.c: a connection that speaks TLS.
 *
 * tls_filter.c       the bufferevent: bytes in, bytes out
 * tls_handshake.c    its handshake
 * tls_bufferevent.c  what may be done to it from outside
 * tls_end.c          how it ends, and who learns of that
 */
#ifndef SERVER_TLS_FILTER_H
#define SERVER_TLS_FILTER_H

#include <mbedtls/ssl.h>

#include "server/tls/tls.h"
#include "server/tls/tls_context.h"
#include "server/tls/tls_engine.h"
#include "server/tls/tls_step.h"

#define TLS_WHY_MAX 224 /* of a connection's reason */

/*
 *   NEW --> SILENT --> HANDSHAKE --> OPEN   FAILED is the end. SILENT is a
 *    |         |           |          |     server's connection of which no
 *    +---------+-----------+----------+     byte has come; a client's begins
 *                    |                      its handshake at once. OPEN lasts
 *                    v                      until the bufferevent is freed;
 *                 FAILED                    close_notify does not change it.
 */
enum tls_state { TLS_NEW, TLS_SILENT, TLS_HANDSHAKE, TLS_OPEN, TLS_FAILED };

struct tls_filter {
	struct tls_handshake hs; /* the engine's part; the first member */
	struct tls_context *ctx;
	struct bufferevent *bev;   /* which others see */
	struct bufferevent *under; /* its socket's */
	mbedtls_ssl_context ssl;
	bool prepared; /* ssl has its buffers */
	enum tls_state state;
	struct tls_far_side far;
	bool first_read;      /* the first byte was looked at */
	struct tls_step step; /* of the handshake, that is being computed */
	bool freed;           /* by libevent, while it was */

	/* Sending. */
	uint64_t written;   /* bytes of mbedTLS for the socket, so far */
	uint64_t own_bytes; /* of them TLS's own; 0: no handshake yet */
	size_t encrypted;   /* of bev's output: is on its way */
	bool direct;        /* try the socket before its buffer */
	bool draining;      /* bytes that have left are being removed */

	/* The end. */
	bool timed_out;        /* its deadline ended the handshake */
	bool close_received;   /* the peer's close_notify has come */
	bool close_sent;       /* ours was sent */
	bool shut_when_sent;   /* shut down the socket once all is sent */
	bool socket_ended;     /* the socket has */
	int socket_error;      /* by this, in the handshake; 0: by its end */
	char why[TLS_WHY_MAX]; /* empty: it has not failed */
};

/* -- tls_filter.c -- */

/* tls_bufferevent_new(), with the handshake's ops. */
struct bufferevent *tls_filter_new(struct tls_engine *e,
    struct tls_context *ctx, const char *host,
    const struct tls_handshake_ops *ops);

/* The filter of bev; NULL if it has none, or is being freed. */
struct tls_filter *tls_filter_of(struct bufferevent *bev);

/* Its time begins, unless it has. */
void tls_filter_begin(struct tls_filter *f);

/* Is the bufferevent being freed? Then nobody may be called for it. */
bool tls_filter_is_gone(const struct tls_filter *f);

/* The part below libevent, unless it is there. Returns 0; -1: no memory. */
int tls_filter_prepare(struct tls_filter *f);

/*
 * A step of the handshake has been computed: send what came of it. mbedTLS
 * reads from the connection again. Returns 0; -1: out of memory.
 */
int tls_filter_take_up(struct tls_filter *f, const unsigned char *out,
    size_t len);

/* Send what there is, read what has come. May end the connection. */
void tls_filter_pump(struct tls_filter *f);

/* Send what the socket takes of its output now. May end the connection. */
void tls_filter_flush(struct tls_filter *f);

/* Has all of its output left? */
bool tls_filter_sent(const struct tls_filter *f);

/* Also of one half made; later, while a step of it is being computed. */
void tls_filter_free(struct tls_filter *f);

/* -- tls_handshake.c -- */

extern const struct tls_handshake_ops tls_handshake_ops;

/* -- tls_end.c -- */

/* The handshake or the connection counts no longer. */
void tls_end_leave(struct tls_filter *f);

/*
 * Report to whom it belongs, by BEV_EVENT_* and errno. As with each of the
 * following, the connection may be on its way out on return.
 */
void tls_end_raise(struct tls_filter *f, short what, int error);

/* It has failed, for this reason; the peer gets what alert there is. */
void tls_end_fail(struct tls_filter *f, const char *why);

/* The same: mbedTLS has given up with rc. */
void tls_end_fail_rc(struct tls_filter *f, int rc);

/* The same, for the engine: its deadline has passed; others need its place. */
void tls_end_late(struct tls_handshake *hs);
void tls_end_idle(struct tls_handshake *hs);

#endif /* SERVER_TLS_FILTER_H */
