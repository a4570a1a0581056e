/*
 * http_tls.c -- the listeners that speak TLS.
 *
 * A handshake costs the loop some milliseconds, and the peer nothing: so only
 * so many are under way at once, and the others wait. Turns and places go first
 * to the address that has the fewest under way; for that the address that has
 * the most gives up the one that is longest connected. So neither a flood nor
 * handshakes that stand still keep out others, and an address that opens many
 * at a time, such as a proxy's, loses none of them to itself.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/http/http_private.h"
#include "server/tls/tls.h"

/* tls_engine_options: a handshake has begun or ended. */
static void
tls_shaking_cb(struct bufferevent *bev, bool begun, void *arg)
{
	struct http *h = arg;
	struct http_conn *conn = http_conn_of_bev(h, bev);

	if (conn == NULL)
		return;
	http_share_hold(&h->shares, &conn->share, HTTP_SHARE_HANDSHAKES,
	    begun ? 1 : 0);
	if (!begun) /* and has its state for good; so have few until then */
		http_guard_weigh(&conn->guard);
}

/* tls_engine_options: the greediest address pays, unless it is its own. */
static void
tls_make_room_cb(struct bufferevent *bev, void *arg)
{
	struct http *h = arg;
	const struct http_conn *conn = http_conn_of_bev(h, bev);
	struct http_holder *pays =
	    http_shares_greediest(&h->shares, HTTP_SHARE_HANDSHAKES);
	struct http_conn *other;

	if (conn == NULL || pays == NULL ||
	    http_share_of(pays, HTTP_SHARE_HANDSHAKES) <=
		http_share_of(&conn->share, HTTP_SHARE_HANDSHAKES) + 1)
		return;
	other = http_conn_of_share(pays);
	tls_blame(other->bev, "others wait for a handshake, and its address "
			      "has the most under way");
	http_room_cut(other, HTTP_LIMIT_HANDSHAKES);
}

/*
 * tls_engine_options: how many handshakes its address has, when there are
 * others that it could be in the way of.
 */
static size_t
tls_rank_cb(struct bufferevent *bev, void *arg)
{
	struct http *h = arg;
	const struct http_conn *conn = http_conn_of_bev(h, bev);

	if (conn == NULL || http_shares_addresses(&h->shares) < 2)
		return (0);
	return (http_share_of(&conn->share, HTTP_SHARE_HANDSHAKES));
}

void
http_tls_set_limits(struct http *h)
{
	if (h->tls_engine != NULL)
		tls_engine_set_limits(h->tls_engine,
		    h->opt.handshake_timeout_ms, h->opt.max_handshakes);
}

/* The first time: an engine, and an evhttp of its own. */
static int
tls_open(struct http *h)
{
	const struct tls_engine_options opt = {
		.handshake_timeout_ms = h->opt.handshake_timeout_ms,
		.max_handshakes = h->opt.max_handshakes,
		.shaking = tls_shaking_cb,
		.rank = tls_rank_cb,
		.make_room = tls_make_room_cb,
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
