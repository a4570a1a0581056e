/*
 * http_tls.c -- the listeners that speak TLS.
 *
 * A handshake costs us some milliseconds, and the peer nothing: so only so many
 * are under way at once, and the others wait. Turns and places go first
 * to the address that has the fewest under way; for that the address that has
 * the most gives up the one that is longest connected. So neither a flood nor
 * handshakes that stand still keep out others, and an address that opens many
 * at a time, such as a proxy's, loses none of them to itself.
 */
#include "server/http/http_conn.h"
#include "server/http/http_room.h"
#include "server/http/http_tls.h"
#include "server/tls/tls.h"

/* tls_engine_options: a handshake has begun or ended. */
static void
tls_handshake_cb(void *owner, bool begun, void *arg)
{
	struct http_tls *tls = arg;
	struct http_conn *conn = owner;

	if (conn == NULL)
		return;
	http_share_hold(&tls->conns->shares, &conn->share,
	    HTTP_SHARE_HANDSHAKES, begun ? 1 : 0);
	if (!begun) /* and has its state for good; so have few until then */
		http_guard_weigh(&conn->guard);
}

/* tls_engine_options: the greediest address pays, unless it is its own. */
static void
tls_make_room_cb(void *owner, void *arg)
{
	struct http_tls *tls = arg;
	const struct http_conn *conn = owner;
	struct http_holder *pays =
	    http_shares_greediest(&tls->conns->shares, HTTP_SHARE_HANDSHAKES);
	struct http_conn *other;

	if (conn == NULL || pays == NULL ||
	    http_share_of(pays, HTTP_SHARE_HANDSHAKES) <=
		http_share_of(&conn->share, HTTP_SHARE_HANDSHAKES) + 1)
		return;
	other = http_conn_of_share(pays);
	tls_blame(other->bev, "others wait for a handshake, and its address "
			      "has the most under way");
	http_room_cut(tls->room, other, HTTP_LIMIT_HANDSHAKES);
}

/*
 * tls_engine_options: how many handshakes its address has, when there are
 * others that it could be in the way of.
 */
static size_t
tls_rank_cb(void *owner, void *arg)
{
	const struct http_tls *tls = arg;
	const struct http_conn *conn = owner;

	if (conn == NULL || http_shares_addresses(&tls->conns->shares) < 2)
		return (0);
	return (http_share_of(&conn->share, HTTP_SHARE_HANDSHAKES));
}

void
http_tls_limit(struct http_tls *tls, int64_t handshake_timeout_ms,
    size_t max_handshakes)
{
	if (tls->engine != NULL)
		tls_engine_set_limits(tls->engine, handshake_timeout_ms,
		    max_handshakes);
}

int
http_tls_open(struct http_tls *tls, int64_t handshake_timeout_ms,
    size_t max_handshakes)
{
	const struct tls_engine_options opt = {
		.handshake_timeout_ms = handshake_timeout_ms,
		.has_thread = true,
		.max_handshakes = max_handshakes,
		.shaking = tls_handshake_cb,
		.rank = tls_rank_cb,
		.make_room = tls_make_room_cb,
		.arg = tls,
	};

	if (tls->engine == NULL)
		tls->engine = tls_engine_new(tls->conns->base, &opt);
	return (tls->engine == NULL ? -1 : 0);
}

int
http_tls_set(struct http_tls *tls, struct http_side *side,
    struct tls_context *ctx)
{
	struct tls_context *old_ctx = side->tls;
	struct http_conn *old = side->spare;

	/* The connection made in advance has the old certificate. */
	side->tls_engine = tls->engine;
	side->tls = tls_context_ref(ctx);
	side->spare = NULL;
	if (http_side_prepare(side) == -1) {
		tls_context_unref(ctx);
		side->tls = old_ctx;
		side->spare = old;
		return (-1);
	}
	http_conn_discard(old);
	tls_context_unref(old_ctx);
	return (0);
}

void
http_tls_fini(struct http_tls *tls, struct http_side *side)
{
	tls_context_unref(side->tls);
	tls_engine_free(tls->engine);
}
