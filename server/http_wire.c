/*
 * http_wire.c -- short cuts to the socket of a plain connection.
 *
 * evhttp stops reading while a request is with us, and writes when the loop
 * says that it may: three epoll_ctl() and a turn of the loop for a request
 * whose answer comes later than its turn. So
 *
 * - a second reading event, the holder, stays on the socket: the kernel need
 *   not be told that evhttp does not read for a while. Should something come
 *   in nevertheless (a client that pipelines, or leaves), the holder would
 *   run in every turn: it takes itself off until the next request. It may run
 * once for the request's own bytes, so the second time counts.
 * - an answer is written at once. Only what the socket does not take waits
 *   for the loop. evhttp is told by the same callback as ever.
 *
 * None of this for TLS, whose bytes are not the socket's.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "server/http_private.h"

#define STIRRED_MAX 2

/* event: the socket of a connection has something to be read. */
static void
wire_holder_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *conn = arg;

	(void)fd;
	(void)what;
	if (conn->kept != NULL && ++conn->stirred == STIRRED_MAX)
		(void)event_del(conn->holder);
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
}

void
http_wire_keep(struct http_conn *conn, struct evhttp_request *req)
{
	conn->kept = req;
	if (conn->holder != NULL && conn->stirred >= STIRRED_MAX)
		(void)event_add(conn->holder, NULL);
	conn->stirred = 0;
}

void
http_wire_push(struct http_conn *conn)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);

	if (conn->tls)
		return;
	/* As a bufferevent does it; an error is left for it to find. */
	(void)evbuffer_unfreeze(output, 1);
	(void)evbuffer_write(output, conn->fd);
	(void)evbuffer_freeze(output, 1);
	if (evbuffer_get_length(output) == 0)
		bufferevent_trigger(conn->bev, EV_WRITE,
		    BEV_TRIG_IGNORE_WATERMARKS);
}
