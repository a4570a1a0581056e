/*
 * http_wire.c -- short cuts to the socket of a plain connection.
 *
 * evhttp stops reading while a request is with us, and writes when the loop
 * says that it may: three epoll_ctl() and a turn of the loop for a request
 * whose answer comes later than its turn. Its bufferevent asks how much there
 * is to be read, then reads at most 4 KB of it. So
 *
 * - a second reading event, the holder, stays on the socket: the kernel need
 *   not be told that evhttp does not read for a while. Should something come
 *   in nevertheless (a client that pipelines, or leaves), the holder would
 *   run in every turn: it takes itself off until the next request. It may run
 *   once for the request's own bytes, so the second time counts.
 * - the holder runs before the bufferevent's own event, which libevent does
 *   not promise but does for the event that was added last, and reads a whole
 *   request at once on its behalf. Once that is whole evhttp takes the other
 *   event off, before it has run. In any other order, and for what does not
 *   come at once, it finds what there is, errors and the end among it.
 * - an answer is written at once. Only what the socket does not take waits
 *   for the loop. evhttp is told by the same callback as ever.
 *
 * None of this for TLS, whose bytes are not the socket's.
 */
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "server/http/http_private.h"

#define STIRRED_MAX 2

/* A head and a usual body; with libevent's own part a chain of 8 KB. */
#define READ_MAX 8000
/* What is read at once of a longer body; others are not held up by it. */
#define READ_ON_MAX ((size_t)64 * 1024)
/* With libevent's own part a chain of 16 KB. */
#define PART_MAX ((size_t)16 * 1024 - 64)

/* Is evhttp waiting for bytes? While it writes it only looks for the end. */
static bool
wire_is_awaited(const struct http_conn *conn)
{
	bufferevent_data_cb read_cb;

	if (!(bufferevent_get_enabled(conn->bev) & EV_READ))
		return (false);
	bufferevent_getcb(conn->bev, &read_cb, NULL, NULL, NULL);
	return (read_cb != NULL);
}

/* Read once into memory of the input's own. Returns how much came, or -1. */
static ssize_t
read_in_place(struct http_conn *conn, struct evbuffer *input)
{
	struct evbuffer_iovec seg;
	ssize_t n;

	if (evbuffer_reserve_space(input, READ_MAX, &seg, 1) != 1)
		return (-1);
	n = recv(conn->fd, seg.iov_base, READ_MAX, MSG_DONTWAIT);
	if (n > 0) {
		seg.iov_len = (size_t)n;
		(void)evbuffer_commit_space(input, &seg, 1);
	}
	return (n);
}

/* Read once, and append in parts, so that no block of input is half empty. */
static ssize_t
read_on(struct http_conn *conn, struct evbuffer *input, size_t max)
{
	unsigned char bytes[READ_ON_MAX];
	size_t len, part;
	ssize_t n;

	n = recv(conn->fd, bytes, max < sizeof(bytes) ? max : sizeof(bytes),
	    MSG_DONTWAIT);
	len = n > 0 ? (size_t)n : 0;
	for (size_t i = 0; i < len; i += part) {
		part = len - i < PART_MAX ? len - i : PART_MAX;
		(void)evbuffer_add(input, bytes + i, part);
	}
	return (n);
}

/*
 * Read what there is, as a bufferevent does it, and of a body that is longer
 * than that the rest, so that not each 8 KB of it cost a turn of the loop.
 * Returns whether there was any.
 */
static bool
wire_read(struct http_conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	size_t rest;
	ssize_t n = 0, more = 0;

	(void)evbuffer_unfreeze(input, 0);
	rest = http_guard_awaits(&conn->guard);
	if (evbuffer_get_length(input) == 0 && rest <= READ_MAX) {
		n = read_in_place(conn, input);
		rest = n < READ_MAX ? 0 : http_guard_awaits(&conn->guard);
	} else if (rest < READ_MAX)
		rest = READ_MAX;
	if (rest > 0)
		more = read_on(conn, input, rest);
	(void)evbuffer_freeze(input, 0);
	return (n > 0 || more > 0);
}

/* event: the socket of a connection has something to be read. */
static void
wire_holder_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *conn = arg;

	(void)fd;
	(void)what;
	if (conn->kept != NULL) {
		if (++conn->stirred == STIRRED_MAX)
			(void)event_del(conn->holder);
	} else if (wire_is_awaited(conn) && wire_read(conn)) {
		/* This may be the connection's end. */
		bufferevent_trigger(conn->bev, EV_READ, 0);
	}
}

void
http_wire_hold(struct http_conn *conn)
{
	if (conn->tls)
		return;
	conn->holder = event_new(conn->h->base, conn->fd, EV_READ | EV_PERSIST,
	    wire_holder_cb, conn);
	if (conn->holder != NULL)
		(void)event_add(conn->holder, NULL);
}

void
http_wire_let_go(struct http_conn *conn)
{
	if (conn->holder != NULL)
		event_free(conn->holder);
	conn->holder = NULL;
	if (conn->gone != NULL)
		*conn->gone = true;
	conn->gone = NULL;
}

void
http_wire_keep(struct http_conn *conn, struct evhttp_request *req)
{
	http_conn_keep(conn, req);
	if (conn->holder != NULL && conn->stirred >= STIRRED_MAX)
		(void)event_add(conn->holder, NULL);
	conn->stirred = 0;
}

/* Have the holder run before the event that evhttp has just added. */
static void
wire_go_first(struct http_conn *conn)
{
	if (conn->holder == NULL)
		return;
	(void)event_del(conn->holder);
	(void)event_add(conn->holder, NULL);
	conn->stirred = 0;
}

void
http_wire_push(struct http_conn *conn)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);
	bool gone = false;

	if (conn->tls)
		return;
	/* As a bufferevent does it; an error is left for it to find. */
	(void)evbuffer_unfreeze(output, 1);
	(void)evbuffer_write(output, conn->fd);
	(void)evbuffer_freeze(output, 1);
	if (evbuffer_get_length(output) > 0)
		return;
	conn->gone = &gone;
	bufferevent_trigger(conn->bev, EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS);
	if (gone)
		return;
	conn->gone = NULL;
	wire_go_first(conn);
}
