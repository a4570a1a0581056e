/*
 * http_conn.c -- a connection's record, from accept to close.
 *
 * evhttp announces a new connection by asking for its bufferevent, before it
 * has made the connection itself. Right after that the bufferevent's
 * callbacks carry the evhttp_connection as their argument: an event without
 * delay, which runs before any byte can be read, takes it from there and sets
 * the close callback, by which evhttp announces the end. That callback runs
 * exactly once for a server's connection: evhttp_connection_free() is the one
 * way out, for errors, timeouts and evhttp_free() alike.
 *
 * A bevcb cannot refuse (NULL makes evhttp use a plain bufferevent, without a
 * guard and without TLS), so it must not fail: the record for the next
 * connection is made in advance, with all the memory that TLS needs, and
 * without one nothing is accepted.
 */
#include <sys/socket.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "server/auth/signature.h"
#include "server/base/log.h"
#include "server/base/spare_memory.h"
#include "server/http/http_conn.h"
#include "server/tls/tls.h"

#define DRAIN_GRACE_S 1
#define LIMIT_LOG_EVERY_S 60
#define MANY 256 /* connections whose memory is worth giving back */

static struct http_conn *
conn_of_guard(struct http_guard *g)
{
	return ((
	    struct http_conn *)((char *)g - offsetof(struct http_conn, guard)));
}

struct http_conn *
http_conn_of_share(const struct http_holder *share)
{
	return ((struct http_conn *)((uintptr_t)share -
				     offsetof(struct http_conn, share)));
}

struct http_conn *
http_conn_of_request(const struct http_request *r)
{
	return ((struct http_conn *)((uintptr_t)r -
				     offsetof(struct http_conn, request)));
}

/* http_guard: whose share is it? */
static struct http_guard *
guard_of(struct http_holder *holder)
{
	return (&http_conn_of_share(holder)->guard);
}

/* http_guard: a connection was refused or cut. */
static void
guard_report(struct http_guard *g, enum http_cut why, const char *reason,
    void *arg)
{
	struct http_conns *all = arg;
	struct rate *rate = &all->guard_rates[why];
	char more[RATE_MORE_MAX];

	/* Bad requests differ; of a limit one line says it. */
	if (why == HTTP_CUT_BAD ? rate_ask(rate, more)
				: rate_ask_every(rate, LIMIT_LOG_EVERY_S, more))
		log_info("%s: refused %s: %s%s", all->name,
		    http_conn_peer(conn_of_guard(g)), reason, more);
}

/* -- The next connection -- */

int
http_side_prepare(struct http_side *side)
{
	struct http_conn *conn;

	if (side->evhttp == NULL || side->spare != NULL)
		return (0);
	if ((conn = calloc(1, sizeof(*conn))) == NULL)
		return (-1);
	conn->all = side->conns;
	conn->fd = -1;
	conn->tls = side->tls_engine != NULL;
	conn->proxied = side->proxied;
	conn->bev = conn->tls
			? tls_bufferevent_new(side->tls_engine, side->tls, NULL)
			: bufferevent_socket_new(side->conns->base, -1, 0);
	if (conn->bev == NULL)
		goto fail;
	if (http_guard_init(&conn->guard, &side->conns->guards, conn->bev,
		&conn->share) == -1)
		goto fail;
	side->spare = conn;
	return (0);
fail:
	if (conn->bev != NULL)
		bufferevent_free(conn->bev);
	free(conn);
	return (-1);
}

void
http_conn_discard(struct http_conn *spare)
{
	if (spare == NULL)
		return;
	http_guard_fini(&spare->guard);
	bufferevent_free(spare->bev);
	free(spare);
}

/* evhttp: a connection was accepted and needs its bufferevent. */
static struct bufferevent *
conn_bev_cb(struct event_base *base, void *arg)
{
	struct http_side *side = arg;
	struct http_conns *all = side->conns;
	struct http_conn *conn = side->spare;

	(void)base;
	side->spare = NULL;
	http_guard_limit(&conn->guard, all->max_body, all->request_timeout_ms);
	/* Until it is adopted evhttp may fail and free it behind our back. */
	bufferevent_incref(conn->bev);
	TAILQ_INSERT_TAIL(&all->fresh, conn, next);
	all->n++;
	if (all->n > all->most)
		all->most = all->n;
	event_active(all->adopt, EV_TIMEOUT, 0);
	if (conn->tls)
		tls_start(conn->bev);
	all->fns.accepted(all->fns.arg,
	    http_side_prepare(side) == 0 && !spare_memory_is_short());
	return (conn->bev);
}

void
http_side_watch(struct http_side *side)
{
	evhttp_set_bevcb(side->evhttp, conn_bev_cb, side);
}

/* -- The end -- */

static void
conns_fewer(struct http_conns *all)
{
	all->n--;
	if (all->most > MANY && all->n < all->most / 4) {
		all->most = all->n;
		http_guards_freed(&all->guards);
	}
	all->fns.changed(all->fns.arg);
}

/* Take leave of the peer, and log what TLS failed of. */
static void
conn_close_tls(struct http_conn *conn)
{
	const char *why;
	char more[RATE_MORE_MAX];

	tls_close(conn->bev);
	tls_set_owner(conn->bev, NULL);
	if ((why = tls_reason(conn->bev)) != NULL &&
	    rate_ask(&conn->all->tls_rate, more))
		log_info("tls: %s: %s%s", http_conn_peer(conn), why, more);
}

/* evhttp: the connection is about to be freed, for whatever reason. */
static void
conn_close_cb(struct evhttp_connection *evcon, void *arg)
{
	struct http_conn *conn = arg;
	struct http_conns *all = conn->all;

	(void)evcon;
	if (conn->tls)
		conn_close_tls(conn);
	http_wire_fini(&conn->wire);
	http_proxy_fini(&conn->proxy);
	all->by_fd[conn->fd] = NULL;
	http_share_leave(&all->shares, &conn->share);
	TAILQ_REMOVE(&all->adopted, conn, next);
	conn->evcon = NULL;
	conn->closed = true;
	http_guard_fini(&conn->guard);
	if (!all->fns.closed(conn))
		free(conn);
	conns_fewer(all);
}

void
http_conn_free(struct http_conn *conn)
{
	assert(conn->closed);
	free(conn);
}

/* -- Its standing -- */

/* Have the table know how the connection stands now. */
static void
conn_stand(struct http_conn *conn)
{
	if (conn->closed)
		return;
	http_share_stand(&conn->share, conn->served   ? HTTP_SHARE_SERVED
				       : conn->proven ? HTTP_SHARE_PROVEN
				       : conn->called ? HTTP_SHARE_CALLER
						      : HTTP_SHARE_STRANGER);
	/* Another one, or one less, may be closed for those that come. */
	conn->all->fns.changed(conn->all->fns.arg);
}

void
http_conn_serve(struct http_conn *conn, bool served)
{
	conn->served = served;
	conn_stand(conn);
}

void
http_conn_call(struct http_conn *conn)
{
	conn->called = true;
	conn_stand(conn);
}

void
http_conn_prove(struct http_conn *conn)
{
	conn->proven = true;
	conn_stand(conn);
	if (!conn->closed)
		http_guard_prove(&conn->guard);
}

void
http_conn_answered(struct http_conn *conn)
{
	http_asker_end(&conn->asker, http_guard_has_head(&conn->guard));
	if (http_asker_is_proxy(&conn->asker))
		conn->called = conn->proven = false;
	http_conn_serve(conn, false);
}

/* -- Its beginning -- */

/* Make room for fd in the table. Returns 0, or -1 when out of memory. */
static int
by_fd_reach(struct http_conns *all, size_t fd)
{
	struct http_conn **grown;
	size_t len = all->by_fd_len;

	if (fd < len)
		return (0);
	while (len <= fd)
		len = len == 0 ? 64 : 2 * len;
	if ((grown = realloc(all->by_fd, len * sizeof(*grown))) == NULL)
		return (-1);
	memset(grown + all->by_fd_len, 0,
	    (len - all->by_fd_len) * sizeof(*grown));
	all->by_fd = grown;
	all->by_fd_len = len;
	return (0);
}

/* The address that it has come from. */
static struct address
conn_address(const struct http_conn *conn)
{
	struct address address = { 0 };
	char *text = NULL;
	ev_uint16_t port = 0;

	evhttp_connection_get_peer(conn->evcon, &text, &port);
	/* Of a link it has a scope, RFC 4007; a Unix socket has none. */
	if (text == NULL ||
	    address_parse_host(text, strcspn(text, "%"), &address) == -1)
		return ((struct address){ 0 });
	address.port = port;
	return (address);
}

/* Enter it where it is looked for. Returns 0; -1 when out of memory. */
static int
conn_enter(struct http_conn *conn)
{
	const struct address from = conn_address(conn);
	struct http_conns *all = conn->all;

	if (by_fd_reach(all, (size_t)conn->fd) == -1 ||
	    http_asker_join(&conn->asker, &all->askers, &conn->share, &from) ==
		-1)
		return (-1);
	http_guard_watch(&conn->guard, http_asker_watch(&conn->asker));
	all->by_fd[conn->fd] = conn;
	TAILQ_INSERT_TAIL(&all->adopted, conn, next);
	return (0);
}

static void
conn_adopt(struct http_conn *conn)
{
	struct http_conns *all = conn->all;
	struct bufferevent *bev = conn->bev;
	bufferevent_event_cb event_cb;
	void *arg;

	bufferevent_getcb(bev, NULL, NULL, &event_cb, &arg);
	if (event_cb == NULL) /* evhttp gave it up at once */
		goto fail;
	conn->evcon = arg;
	assert(evhttp_connection_get_bufferevent(conn->evcon) == bev);
	conn->fd = bufferevent_getfd(bev);
	if (conn_enter(conn) == -1) {
		evhttp_connection_free(conn->evcon);
		goto fail;
	}
	evhttp_connection_set_closecb(conn->evcon, conn_close_cb, conn);
	if (conn->tls)
		tls_set_owner(bev, conn);
	else
		http_wire_init(&conn->wire, all->base, bev, &conn->guard);
	if (conn->proxied)
		http_proxy_await(&conn->proxy, bev, &conn->guard, &conn->asker);
	all->fns.adopted(all->fns.arg, conn);
	(void)bufferevent_decref(bev);
	return;
fail:
	conns_fewer(all);
	http_guard_fini(&conn->guard);
	free(conn);
	(void)bufferevent_decref(bev);
}

/* event: bevcb made records in this turn of the loop. */
static void
conn_adopt_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_conns *all = arg;
	struct http_conn *conn;

	(void)fd;
	(void)what;
	while ((conn = TAILQ_FIRST(&all->fresh)) != NULL) {
		TAILQ_REMOVE(&all->fresh, conn, next);
		conn_adopt(conn);
	}
	all->fns.changed(all->fns.arg);
}

struct http_conn *
http_conn_of(const struct http_conns *all, struct evhttp_request *req)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));

	/* One that is not adopted is freed at once. */
	assert(
	    fd >= 0 && (size_t)fd < all->by_fd_len && all->by_fd[fd] != NULL);
	return (all->by_fd[fd]);
}

const char *
http_conn_peer(struct http_conn *conn)
{
	return (http_asker_peer(&conn->asker));
}

void
http_conns_trust(struct http_conns *all, struct http_trust trust)
{
	struct http_conn *conn;

	http_askers_trust(&all->askers, trust);
	TAILQ_FOREACH (conn, &all->adopted, next) {
		http_asker_judge(&conn->asker);
		http_guard_watch(&conn->guard, http_asker_watch(&conn->asker));
	}
}

/* Close what is idle, and has been heard of before or need not be waited for.
 */
static void
conns_close_idle(struct http_conns *all, bool silent_too)
{
	struct http_conn *conn;

	TAILQ_FOREACH (conn, &all->adopted, next)
		if (http_guard_idle(&conn->guard) &&
		    (silent_too || conn->guard.spoke))
			http_guard_close(&conn->guard);
}

/* evtimer: who has said nothing had its time. */
static void
conns_grace_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conns_close_idle(arg, true);
}

void
http_conns_drain(struct http_conns *all)
{
	static const struct timeval grace = { DRAIN_GRACE_S, 0 };

	all->draining = true;
	conns_close_idle(all, false);
	(void)evtimer_add(all->grace, &grace);
}

int
http_conns_init(struct http_conns *all, bool needs_length)
{
	uint64_t seed;

	TAILQ_INIT(&all->adopted);
	TAILQ_INIT(&all->fresh);
	all->guards.needs_length = needs_length;
	all->guards.report = guard_report;
	all->guards.arg = all;
	all->guards.shares = &all->shares;
	all->guards.of = guard_of;
	all->askers.shares = &all->shares;
	all->adopt = event_new(all->base, -1, 0, conn_adopt_cb, all);
	all->grace = evtimer_new(all->base, conns_grace_cb, all);
	return (all->adopt == NULL || all->grace == NULL ||
			http_lates_init(&all->lates, all->base,
			    all->fns.late) == -1 ||
			http_guards_init(&all->guards, all->base) == -1 ||
			signature_random(&seed, sizeof(seed)) == -1 ||
			http_shares_init(&all->shares, seed) == -1
		    ? -1
		    : 0);
}

void
http_conns_fini(struct http_conns *all)
{
	if (all->adopt != NULL) {
		/* Those that evhttp_free() has freed. */
		conn_adopt_cb(-1, 0, all);
		event_free(all->adopt);
	}
	if (all->grace != NULL)
		event_free(all->grace);
	assert(all->kept == 0); /* every request has had its answer */
	free(all->by_fd);
	http_lates_fini(&all->lates);
	http_askers_fini(&all->askers);
	http_shares_fini(&all->shares);
	http_guards_fini(&all->guards);
}
