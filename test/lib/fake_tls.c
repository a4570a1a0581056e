/*
 * fake_tls.c -- a bufferevent with a handshake.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/fake_tls.h"

enum fake_state { FAKE_SHAKING, FAKE_OPEN, FAKE_REFUSED };

struct fake_tls {
	struct bufferevent *bev;
	struct event *kick; /* evhttp writes while EV_WRITE is off */
	enum fake_state state;
	LIST_ENTRY(fake_tls) next;
};

static LIST_HEAD(, fake_tls) fakes = LIST_HEAD_INITIALIZER(fakes);

static void
fake_free_cb(void *arg)
{
	struct fake_tls *fake = arg;

	LIST_REMOVE(fake, next);
	event_free(fake->kick);
	free(fake);
}

/* event: something was written. */
static void
fake_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct fake_tls *fake = arg;

	(void)fd;
	(void)what;
	bufferevent_flush(fake->bev, EV_WRITE, BEV_NORMAL);
}

/* evbuffer: something is being written. */
static void
fake_written_cb(struct evbuffer *buf, const struct evbuffer_cb_info *info,
    void *arg)
{
	const struct fake_tls *fake = arg;

	(void)buf;
	if (info->n_added > 0)
		event_active(fake->kick, EV_WRITE, 0);
}

static void
fake_raise(struct fake_tls *fake, short what)
{
	bufferevent_trigger_event(fake->bev, what, BEV_TRIG_DEFER_CALLBACKS);
}

/* bufferevent_filter: what has come. */
static enum bufferevent_filter_result
fake_input_cb(struct evbuffer *src, struct evbuffer *dst, ev_ssize_t limit,
    enum bufferevent_flush_mode mode, void *arg)
{
	struct fake_tls *fake = arg;
	char answer;

	(void)limit;
	(void)mode;
	if (fake->state == FAKE_OPEN)
		return (
		    evbuffer_add_buffer(dst, src) == 0 ? BEV_OK : BEV_ERROR);
	if (evbuffer_remove(src, &answer, 1) != 1)
		return (BEV_NEED_MORE);
	if (answer == FAKE_TLS_YES[0]) {
		fake->state = FAKE_OPEN;
		fake_raise(fake, BEV_EVENT_CONNECTED);
		return (BEV_NEED_MORE);
	}
	fake->state = FAKE_REFUSED;
	fake_raise(fake, BEV_EVENT_ERROR | BEV_EVENT_READING);
	return (BEV_ERROR);
}

/* bufferevent_filter: what is to leave. */
static enum bufferevent_filter_result
fake_output_cb(struct evbuffer *src, struct evbuffer *dst, ev_ssize_t limit,
    enum bufferevent_flush_mode mode, void *arg)
{
	const struct fake_tls *fake = arg;

	(void)limit;
	(void)mode;
	if (fake->state != FAKE_OPEN)
		return (BEV_NEED_MORE);
	return (evbuffer_add_buffer(dst, src) == 0 ? BEV_OK : BEV_ERROR);
}

struct bufferevent *
fake_tls_connect(struct event_base *base)
{
	struct bufferevent *below = NULL;
	struct fake_tls *fake;

	if ((fake = calloc(1, sizeof(*fake))) == NULL ||
	    (fake->kick = event_new(base, -1, 0, fake_kick_cb, fake)) == NULL ||
	    (below = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE)) ==
		NULL ||
	    (fake->bev =
		    bufferevent_filter_new(below, fake_input_cb, fake_output_cb,
			BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS,
			fake_free_cb, fake)) == NULL)
		goto fail;
	evbuffer_add_cb(bufferevent_get_output(fake->bev), fake_written_cb,
	    fake);
	LIST_INSERT_HEAD(&fakes, fake, next);
	bufferevent_write(below, FAKE_TLS_HELLO, strlen(FAKE_TLS_HELLO));
	return (fake->bev);
fail:
	if (below != NULL)
		bufferevent_free(below);
	if (fake != NULL && fake->kick != NULL)
		event_free(fake->kick);
	free(fake);
	return (NULL);
}

const char *
fake_tls_failure(struct bufferevent *bev)
{
	const struct fake_tls *fake;

	LIST_FOREACH(fake, &fakes, next)
	{
		if (fake->bev == bev && fake->state == FAKE_REFUSED)
			return (FAKE_TLS_FAILURE);
	}
	return (NULL);
}

bool
fake_tls_is_quiet(struct bufferevent *bev)
{
	char byte;

	return (recv(bufferevent_getfd(bev), &byte, 1,
		    MSG_PEEK | MSG_DONTWAIT) == -1 &&
		errno == EAGAIN);
}
