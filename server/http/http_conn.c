/*
 * http_conn.c -- a connection's record, from accept to close.
 *
 * evhttp tells of a new connection by asking for its bufferevent, before it
 * has made the connection itself. Right after that the bufferevent's
 * callbacks carry the evhttp_connection as their argument: an event without
 * delay, which runs before any byte can be read, takes it from there and sets
 * the close callback, by which evhttp tells of the end. That callback runs
 * exactly once for a server's connection: evhttp_connection_free() is the one
 * way out, for errors, timeouts and evhttp_free() alike.
 *
 * A bevcb cannot refuse (NULL makes evhttp use a plain bufferevent, without a
 * guard and without TLS), so it must not fail: the record for the next
 * connection is made in advance, with all the memory that TLS needs, and
 * without one nothing is accepted.
 */
#include <sys/socket.h>

#include <arpa/inet.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "server/auth/signature.h"
#include "server/http/http_private.h"
#include "server/tls/tls.h"

#define MANY 256 /* connections whose memory is worth giving back */

static struct bufferevent *conn_bev_cb(struct event_base *base, void *arg);

static void
conn_free(struct http_conn *conn)
{
	http_guard_fini(&conn->guard);
	free(conn);
}

int
http_conn_prepare(struct http_side *side)
{
	struct http *h = side->h;
	struct http_conn *conn;

	if (side->spare != NULL)
		return (0);
	if ((conn = calloc(1, sizeof(*conn))) == NULL)
		return (-1);
	conn->h = h;
	conn->fd = -1;
	conn->tls = side == &h->sides[HTTP_TLS];
	conn->bev = conn->tls ? tls_bufferevent_new(h->tls_engine, h->tls, NULL)
			      : bufferevent_socket_new(h->base, -1, 0);
	if (conn->bev == NULL)
		goto fail;
	if (http_guard_init(&conn->guard, &h->guards, conn->bev,
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

int
http_conns_prepare(struct http *h)
{
	int rc = 0;

	for (size_t i = 0; i < HTTP_NSIDES; i++) {
		if (h->sides[i].evhttp == NULL)
			continue;
		evhttp_set_bevcb(h->sides[i].evhttp, conn_bev_cb, &h->sides[i]);
		if (http_conn_prepare(&h->sides[i]) == -1)
			rc = -1;
	}
	return (rc);
}

/* evhttp: a connection was accepted and needs its bufferevent. */
static struct bufferevent *
conn_bev_cb(struct event_base *base, void *arg)
{
	struct http_side *side = arg;
	struct http *h = side->h;
	struct http_conn *conn = side->spare;

	(void)base;
	side->spare = NULL;
	h->told = false;
	http_guard_limit(&conn->guard, h->opt.max_body,
	    h->opt.request_timeout_ms);
	/* Until it is adopted evhttp may fail and free it behind our back. */
	bufferevent_incref(conn->bev);
	TAILQ_INSERT_TAIL(&h->fresh, conn, next);
	h->nconns++;
	if (h->nconns > h->most_conns)
		h->most_conns = h->nconns;
	event_active(h->adopt, EV_TIMEOUT, 0);
	if (conn->tls)
		tls_start(conn->bev);
	if (http_conn_prepare(side) == -1)
		http_listen_starve(h, "out of memory");
	http_listen_pump(h);
	return (conn->bev);
}

static void
conn_gone(struct http_conn *conn)
{
	struct http *h = conn->h;

	h->nconns--;
	if (h->most_conns > MANY && h->nconns < h->most_conns / 4) {
		h->most_conns = h->nconns;
		http_guards_freed(&h->guards);
	}
	http_listen_pump(h);
	http_drain_pump(h);
}

/* evhttp: the connection is about to be freed, for whatever reason. */
static void
conn_close_cb(struct evhttp_connection *evcon, void *arg)
{
	struct http_conn *conn = arg;
	struct http *h = conn->h;

	(void)evcon;
	if (conn->leaving)
		http_webhook_left(conn, false);
	if (conn->tls)
		http_tls_closed(conn);
	http_wire_let_go(conn);
	h->by_fd[conn->fd] = NULL;
	http_share_leave(&h->shares, &conn->share);
	TAILQ_REMOVE(&h->conns, conn, next);
	conn->evcon = NULL;
	conn->closed = true;
	http_guard_fini(&conn->guard);
	if (conn->on_close != NULL)
		conn->on_close(conn);
	conn_gone(conn);
	if (conn->kept == NULL)
		free(conn);
}

/* Have the table know how the connection stands now. */
static void
conn_stand(struct http_conn *conn)
{
	struct http *h = conn->h;

	http_share_stand(&conn->share, conn->served   ? HTTP_SHARE_SERVED
				       : conn->proven ? HTTP_SHARE_PROVEN
						      : HTTP_SHARE_STRANGER);
	/* Another one, or one less, may be closed for those that come. */
	if (http_room_is_there(h) != h->sides[HTTP_PLAIN].accepting)
		http_listen_pump(h);
}

void
http_conn_keep(struct http_conn *conn, struct evhttp_request *req)
{
	conn->kept = req;
	conn->served = true;
	conn_stand(conn);
}

struct evhttp_request *
http_conn_take_kept(struct http_conn *conn)
{
	struct evhttp_request *req = conn->kept;

	conn->kept = NULL;
	return (req);
}

void
http_conn_answered(struct http_conn *conn)
{
	conn->served = false;
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
http_conn_release(struct http_conn *conn)
{
	assert(conn->closed);
	free(conn);
}

/* Make room for fd in the table. Returns 0, or -1 when out of memory. */
static int
by_fd_reach(struct http *h, size_t fd)
{
	struct http_conn **grown;
	size_t len = h->by_fd_len;

	if (fd < len)
		return (0);
	while (len <= fd)
		len = len == 0 ? 64 : 2 * len;
	if ((grown = realloc(h->by_fd, len * sizeof(*grown))) == NULL)
		return (-1);
	memset(grown + h->by_fd_len, 0, (len - h->by_fd_len) * sizeof(*grown));
	h->by_fd = grown;
	h->by_fd_len = len;
	return (0);
}

static void
conn_adopt(struct http_conn *conn)
{
	struct http *h = conn->h;
	struct bufferevent *bev = conn->bev;
	bufferevent_event_cb event_cb;
	void *arg;

	bufferevent_getcb(bev, NULL, NULL, &event_cb, &arg);
	if (event_cb == NULL) { /* evhttp gave it up at once */
		conn_gone(conn);
		conn_free(conn);
		goto out;
	}
	conn->evcon = arg;
	assert(evhttp_connection_get_bufferevent(conn->evcon) == bev);
	conn->fd = bufferevent_getfd(bev);
	if (by_fd_reach(h, (size_t)conn->fd) == -1 ||
	    http_share_join(&h->shares, &conn->share,
		peer_net_parse(http_conn_peer(conn))) == -1) {
		evhttp_connection_free(conn->evcon);
		conn_gone(conn);
		conn_free(conn);
		goto out;
	}
	h->by_fd[conn->fd] = conn;
	TAILQ_INSERT_TAIL(&h->conns, conn, next);
	evhttp_connection_set_closecb(conn->evcon, conn_close_cb, conn);
	http_wire_hold(conn);
	if (h->draining)
		http_guard_close(&conn->guard);
	http_room_make(h, conn);
out:
	(void)bufferevent_decref(bev);
}

/* event: bevcb made records in this turn of the loop. */
static void
conn_adopt_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	struct http_conn *conn;

	(void)fd;
	(void)what;
	while ((conn = TAILQ_FIRST(&h->fresh)) != NULL) {
		TAILQ_REMOVE(&h->fresh, conn, next);
		conn_adopt(conn);
	}
	http_listen_pump(h);
}

struct http_conn *
http_conn_of(struct http *h, struct evhttp_request *req)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);

	return (http_conn_of_bev(h, evhttp_connection_get_bufferevent(evcon)));
}

struct http_conn *
http_conn_of_share(struct http_holder *share)
{
	return ((struct http_conn *)((char *)share -
				     offsetof(struct http_conn, share)));
}

struct http_conn *
http_conn_of_bev(struct http *h, struct bufferevent *bev)
{
	int fd = bufferevent_getfd(bev);

	if (fd < 0 || (size_t)fd >= h->by_fd_len)
		return (NULL);
	return (h->by_fd[fd]);
}

const char *
http_conn_peer(struct http_conn *conn)
{
	const char *mapped = "::ffff:";
	char *address = NULL;
	ev_uint16_t port = 0;

	if (conn->peer[0] != '\0' || conn->evcon == NULL)
		return (conn->peer);
	evhttp_connection_get_peer(conn->evcon, &address, &port);
	if (strncmp(address, mapped, strlen(mapped)) == 0)
		address += strlen(mapped); /* IPv4 on a socket for both */
	(void)snprintf(conn->peer, sizeof(conn->peer),
	    strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address,
	    (unsigned)port);
	return (conn->peer);
}

int
http_conns_init(struct http *h)
{
	uint64_t seed;

	h->adopt = event_new(h->base, -1, 0, conn_adopt_cb, h);
	return (h->adopt == NULL ||
			signature_random(&seed, sizeof(seed)) == -1 ||
			http_shares_init(&h->shares, seed) == -1
		    ? -1
		    : 0);
}

void
http_conns_fini(struct http *h)
{
	conn_adopt_cb(-1, 0, h); /* those that evhttp_free() has freed */
	for (size_t i = 0; i < HTTP_NSIDES; i++)
		http_conn_discard(h->sides[i].spare);
	if (h->adopt != NULL)
		event_free(h->adopt);
	free(h->by_fd);
	http_shares_fini(&h->shares);
}
