/*
 * fake_tls.c -- a bufferevent with a handshake.
 *
 * A filter that moves nothing by itself: what its socket tells comes here.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/fake_tls.h"

enum fake_state { FAKE_CONNECTING, FAKE_SHAKING, FAKE_OPEN, FAKE_FAILED };

struct fake_tls {
	struct bufferevent *bev;
	struct bufferevent *below;
	struct event *kick; /* evhttp has written */
	enum fake_state state;
	const char *failure;
	size_t taken;  /* of the output, into below's */
	uint64_t sent; /* of earlier outputs */
};

unsigned fake_tls_leaves;

/* The output is emptied only when the socket has taken all of it. */
static void
fake_write(struct fake_tls *fake)
{
	struct evbuffer *out = bufferevent_get_output(fake->bev);
	struct evbuffer *below = bufferevent_get_output(fake->below);
	size_t len = evbuffer_get_length(out);

	if (fake->state != FAKE_OPEN || len == 0)
		return;
	if (fake->taken < len) {
		evbuffer_add(below, evbuffer_pullup(out, -1) + fake->taken,
		    len - fake->taken);
		fake->taken = len;
	} else if (evbuffer_get_length(below) == 0) {
		fake->sent += len;
		fake->taken = 0;
		evbuffer_drain(out, len);
		bufferevent_trigger(fake->bev, EV_WRITE,
		    BEV_TRIG_DEFER_CALLBACKS);
	}
}

static void
fake_raise(struct fake_tls *fake, short what)
{
	bufferevent_trigger_event(fake->bev, what, BEV_TRIG_DEFER_CALLBACKS);
}

/* event: something was put into the output. */
static void
fake_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	fake_write(arg);
}

/* evbuffer: something is being put there. */
static void
fake_output_cb(struct evbuffer *buf, const struct evbuffer_cb_info *info,
    void *arg)
{
	const struct fake_tls *fake = arg;

	(void)buf;
	if (info->n_added > 0)
		event_active(fake->kick, EV_WRITE, 0);
}

static void
below_read_cb(struct bufferevent *below, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(below);
	struct fake_tls *fake = arg;
	char answer;

	if (fake->state == FAKE_SHAKING && evbuffer_remove(in, &answer, 1)) {
		fake->state = FAKE_OPEN;
		if (answer != FAKE_TLS_YES[0]) {
			fake->state = FAKE_FAILED;
			fake->failure = FAKE_TLS_REFUSED;
			fake_raise(fake, BEV_EVENT_ERROR | BEV_EVENT_READING);
			return;
		}
		fake_raise(fake, BEV_EVENT_CONNECTED);
	}
	if (fake->state == FAKE_OPEN && evbuffer_get_length(in) > 0) {
		evbuffer_add_buffer(bufferevent_get_input(fake->bev), in);
		bufferevent_trigger(fake->bev, EV_READ,
		    BEV_TRIG_DEFER_CALLBACKS);
	}
}

static void
below_write_cb(struct bufferevent *below, void *arg)
{
	struct fake_tls *fake = arg;

	(void)below;
	if (fake->state == FAKE_CONNECTING) { /* the hello has left */
		fake->state = FAKE_SHAKING;
		bufferevent_enable(fake->bev, EV_READ);
	}
	fake_write(fake);
}

static void
below_event_cb(struct bufferevent *below, short what, void *arg)
{
	struct fake_tls *fake = arg;

	(void)below;
	if (fake->state == FAKE_SHAKING)
		fake->failure = FAKE_TLS_CLOSED;
	fake_raise(fake, what);
}

/* bufferevent: moves nothing. */
static enum bufferevent_filter_result
fake_nothing_cb(struct evbuffer *src, struct evbuffer *dst, ev_ssize_t limit,
    enum bufferevent_flush_mode mode, void *arg)
{
	(void)src;
	(void)dst;
	(void)limit;
	(void)mode;
	(void)arg;
	return (BEV_NEED_MORE);
}

static void
fake_free_cb(void *arg)
{
	struct fake_tls *fake = arg;

	if (fake->kick != NULL)
		event_free(fake->kick);
	free(fake);
}

struct bufferevent *
fake_tls_connect(struct event_base *base)
{
	struct fake_tls *fake;

	if ((fake = calloc(1, sizeof(*fake))) == NULL)
		return (NULL);
	fake->kick = event_new(base, -1, 0, fake_kick_cb, fake);
	fake->below = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	fake->bev = bufferevent_filter_new(fake->below, fake_nothing_cb,
	    fake_nothing_cb, BEV_OPT_CLOSE_ON_FREE, fake_free_cb, fake);
	bufferevent_setcb(fake->below, below_read_cb, below_write_cb,
	    below_event_cb, fake);
	evbuffer_add_cb(bufferevent_get_output(fake->bev), fake_output_cb,
	    fake);
	bufferevent_write(fake->below, FAKE_TLS_HELLO, strlen(FAKE_TLS_HELLO));
	return (fake->bev);
}

static struct fake_tls *
fake_of(struct bufferevent *bev)
{
	void *arg;

	bufferevent_getcb(bufferevent_get_underlying(bev), NULL, NULL, NULL,
	    &arg);
	return (arg);
}

const char *
fake_tls_failure(struct bufferevent *bev)
{
	return (fake_of(bev)->failure);
}

uint64_t
fake_tls_sent(struct bufferevent *bev)
{
	const struct fake_tls *fake = fake_of(bev);

	return (fake->sent + fake->taken -
		(fake->taken == 0 ? 0
				  : evbuffer_get_length(
					bufferevent_get_output(fake->below))));
}

void
fake_tls_flush(struct bufferevent *bev)
{
	struct fake_tls *fake = fake_of(bev);
	struct evbuffer *below = bufferevent_get_output(fake->below);

	fake_write(fake);
	(void)evbuffer_unfreeze(below, 1);
	while (evbuffer_write(below, bufferevent_getfd(fake->below)) > 0)
		;
	(void)evbuffer_freeze(below, 1);
	fake_write(fake);
}

void
fake_tls_leave(struct bufferevent *bev)
{
	(void)bev;
	fake_tls_leaves++;
}
