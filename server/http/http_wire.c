/*
 * http_wire.c -- short cuts to the socket of a plain connection.
 *
 * evhttp stops reading while a request is with us, and writes when the loop
 * says that it may: three epoll_ctl() and a turn of the loop for a request
 * whose answer comes later than its turn. Its bufferevent asks how much there
 * is to be read, then reads at most 4 KB of it. So
 *
 * - a second reading event, the reader, stays on the socket: the kernel need
 *   not know that evhttp does not read for a while. Should something come in
 *   nevertheless (a client that pipelines, or leaves), the reader would run in
 *   every turn: it takes itself off until the next request. It may run once
 *   for the request's own bytes, so the second time counts.
 * - the reader runs before the bufferevent's own event, which libevent does
 *   not promise but does for the event that was added last, and reads a whole
 *   request at once on its behalf. Once that is whole evhttp takes the other
 *   event off, before it has run. In any other order, and for what does not
 *   come at once, it finds what there is, errors and the end among it.
 * - an answer is written at once. Only what the socket does not take waits
 *   for the loop. evhttp learns it by the same callback as ever.
 *
 * None of this for TLS, whose bytes are not the socket's.
 */
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "server/http/http_guard.h"
#include "server/http/http_wire.h"

#define UNREAD_WAKES_MAX 2

/* A head and a usual body; with libevent's own part a chain of 8 KB. */
#define READ_MAX 8000
/* What is read at once of a longer body; others are not held up by it. */
#define READ_ON_MAX ((size_t)64 * 1024)
/* With libevent's own part a chain of 16 KB. */
#define PART_MAX ((size_t)16 * 1024 - 64)

/* Is evhttp waiting for bytes? While it writes it only looks for the end. */
static bool
wire_is_awaited(const struct http_wire *w)
{
	bufferevent_data_cb read_cb;

	if (!(bufferevent_get_enabled(w->bev) & EV_READ))
		return (false);
	bufferevent_getcb(w->bev, &read_cb, NULL, NULL, NULL);
	return (read_cb != NULL);
}

/* Read once into memory of the input's own. Returns how much came, or -1. */
static ssize_t
read_in_place(struct http_wire *w, struct evbuffer *input)
{
	struct evbuffer_iovec seg;
	ssize_t n;

	if (evbuffer_reserve_space(input, READ_MAX, &seg, 1) != 1)
		return (-1);
	n = recv(w->fd, seg.iov_base, READ_MAX, MSG_DONTWAIT);
	if (n > 0) {
		seg.iov_len = (size_t)n;
		(void)evbuffer_commit_space(input, &seg, 1);
	}
	return (n);
}

/* Read once, and append in parts, so that no block of input is half empty. */
static ssize_t
read_on(struct http_wire *w, struct evbuffer *input, size_t max)
{
	unsigned char bytes[READ_ON_MAX];
	size_t len, part;
	ssize_t n;

	n = recv(w->fd, bytes, max < sizeof(bytes) ? max : sizeof(bytes),
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
wire_read(struct http_wire *w)
{
	struct evbuffer *input = bufferevent_get_input(w->bev);
	size_t rest;
	ssize_t n = 0, more = 0;

	(void)evbuffer_unfreeze(input, 0);
	rest = http_guard_awaits(w->guard);
	if (evbuffer_get_length(input) == 0 && rest <= READ_MAX) {
		n = read_in_place(w, input);
		rest = n < READ_MAX ? 0 : http_guard_awaits(w->guard);
	} else if (rest < READ_MAX)
		rest = READ_MAX;
	if (rest > 0)
		more = read_on(w, input, rest);
	(void)evbuffer_freeze(input, 0);
	return (n > 0 || more > 0);
}

/* event: the socket of a connection has something to be read. */
static void
wire_reader_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_wire *w = arg;

	(void)fd;
	(void)what;
	if (w->paused) {
		if (++w->unread_wakes == UNREAD_WAKES_MAX)
			(void)event_del(w->reader);
	} else if (wire_is_awaited(w) && wire_read(w)) {
		/* This may be the connection's end. */
		bufferevent_trigger(w->bev, EV_READ, 0);
	}
}

void
http_wire_init(struct http_wire *w, struct event_base *base,
    struct bufferevent *bev, const struct http_guard *guard)
{
	*w = (struct http_wire){ .bev = bev,
		.guard = guard,
		.fd = bufferevent_getfd(bev) };
	w->reader =
	    event_new(base, w->fd, EV_READ | EV_PERSIST, wire_reader_cb, w);
	if (w->reader != NULL)
		(void)event_add(w->reader, NULL);
}

void
http_wire_fini(struct http_wire *w)
{
	if (w->reader != NULL)
		event_free(w->reader);
	w->reader = NULL;
	if (w->destroyed_flag != NULL)
		*w->destroyed_flag = true;
	w->destroyed_flag = NULL;
}

void
http_wire_pause(struct http_wire *w)
{
	w->paused = true;
	if (w->reader != NULL && w->unread_wakes >= UNREAD_WAKES_MAX)
		(void)event_add(w->reader, NULL);
	w->unread_wakes = 0;
}

void
http_wire_resume(struct http_wire *w)
{
	w->paused = false;
}

/* Have the reader run before the event that evhttp has just added. */
static void
wire_go_first(struct http_wire *w)
{
	if (w->reader == NULL)
		return;
	(void)event_del(w->reader);
	(void)event_add(w->reader, NULL);
	w->unread_wakes = 0;
}

void
http_wire_push(struct http_wire *w)
{
	struct evbuffer *output;
	bool destroyed = false;

	if (w->bev == NULL)
		return;
	/* As a bufferevent does it; an error is left for it to find. */
	output = bufferevent_get_output(w->bev);
	(void)evbuffer_unfreeze(output, 1);
	(void)evbuffer_write(output, w->fd);
	(void)evbuffer_freeze(output, 1);
	if (evbuffer_get_length(output) > 0)
		return;
	w->destroyed_flag = &destroyed;
	bufferevent_trigger(w->bev, EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS);
	if (destroyed)
		return;
	w->destroyed_flag = NULL;
	wire_go_first(w);
}
