/*
 * http_tls.c -- the listeners that speak TLS.
 *
 * A handshake costs the loop some milliseconds, and the peer nothing: so only
 * so many are under way at once, and while they are, nothing more is accepted
 * there. Who waits in the backlog is not refused.
 */
#include <stdlib.h>
#include <string.h>

#include "server/http_private.h"
#include "server/log.h"
#include "server/tls.h"

/* tls_engine_options: there is room for another handshake. */
static void
tls_fewer_cb(void *arg)
{
	http_listen_pump(arg);
}

bool
http_tls_has_room(const struct http *h)
{
	struct tls_stats stats;

	if (h->tls_engine == NULL)
		return (true);
	tls_engine_stats(h->tls_engine, &stats);
	return (stats.handshaking < h->opt.max_handshakes);
}

void
http_tls_set_limits(struct http *h)
{
	if (h->tls_engine != NULL)
		tls_engine_set_timeout(h->tls_engine,
		    h->opt.handshake_timeout_ms);
}

/* The first time: an engine, and an evhttp of its own. */
static int
tls_open(struct http *h)
{
	const struct tls_engine_options opt = {
		.handshake_timeout_ms = h->opt.handshake_timeout_ms,
		.fewer = tls_fewer_cb,
		.arg = h,
	};

	if (h->tls_engine == NULL &&
	    (h->tls_engine = tls_engine_new(h->base, &opt)) == NULL)
		return (-1);
	if (h->sides[HTTP_TLS].evhttp == NULL)
		return (http_side_open(h, HTTP_TLS));
	return (0);
}

int
http_set_tls(struct http *h, struct tls_context *ctx)
{
	struct http_side *side = &h->sides[HTTP_TLS];
	struct tls_context *old_ctx = h->tls;
	struct http_conn *old = side->spare;

	if (tls_open(h) == -1)
		return (-1);
	/* The connection made in advance has the old certificate. */
	h->tls = tls_context_ref(ctx);
	side->spare = NULL;
	if (http_conns_prepare(h) == -1 && side->spare == NULL) {
		tls_context_unref(ctx);
		h->tls = old_ctx;
		side->spare = old;
		return (-1);
	}
	http_conn_discard(old);
	tls_context_unref(old_ctx);
	return (0);
}

void
http_tls_closed(struct http_conn *conn)
{
	const char *why;
	char more[RATE_MORE_MAX];

	tls_close(conn->bev);
	if ((why = tls_reason(conn->bev)) != NULL &&
	    rate_ask(&conn->h->tls_rate, more))
		log_info("tls: %s: %s%s", http_conn_peer(conn), why, more);
}

void
http_tls_stats(const struct http *h, struct tls_stats *ret_stats)
{
	memset(ret_stats, 0, sizeof(*ret_stats));
	if (h->tls_engine != NULL)
		tls_engine_stats(h->tls_engine, ret_stats);
}

void
http_tls_fini(struct http *h)
{
	tls_context_unref(h->tls);
	tls_engine_free(h->tls_engine);
}
