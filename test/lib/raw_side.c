#include <sys/socket.h>

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/raw_side.h"

static void
raw_drop(struct raw_side *raw)
{
	if (raw->bev != NULL)
		bufferevent_free(raw->bev);
	raw->bev = NULL;
}

/* bufferevent: bytes have come. */
static void
raw_read_cb(struct bufferevent *bev, void *arg)
{
	struct raw_side *raw = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);

	assert_true(raw->got_len + len < sizeof(raw->got));
	evbuffer_remove(in, raw->got + raw->got_len, len);
	raw->got_len += len;
	raw->got[raw->got_len] = '\0';
}

/* bufferevent: it has ended. */
static void
raw_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct raw_side *raw = arg;

	(void)bev;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
		raw->ended = true;
		raw_drop(raw);
	}
}

static void
raw_accept_cb(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *sa, int len, void *arg)
{
	struct raw_side *raw = arg;

	(void)listener;
	(void)sa;
	(void)len;
	raw_drop(raw);
	raw->naccepted++;
	raw->ended = false;
	raw->got_len = 0;
	raw->got[0] = '\0';
	raw->bev = bufferevent_socket_new(raw->base, fd, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(raw->bev);
	bufferevent_setcb(raw->bev, raw_read_cb, NULL, raw_event_cb, raw);
	if (!raw->deaf)
		bufferevent_enable(raw->bev, EV_READ);
}

void
raw_open(struct raw_side *raw, struct event_base *base)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);

	memset(raw, 0, sizeof(*raw));
	raw->base = base;
	raw->listener = evconnlistener_new_bind(base, raw_accept_cb, raw,
	    LEV_OPT_CLOSE_ON_FREE, 16, (const struct sockaddr *)&sin,
	    sizeof(sin));
	assert_non_null(raw->listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(raw->listener),
			     (struct sockaddr *)&sin, &len),
	    0);
	raw->port = ntohs(sin.sin_port);
}

void
raw_close(struct raw_side *raw)
{
	raw_drop(raw);
	evconnlistener_free(raw->listener);
	/* Freed bufferevents close their files in the next turn. */
	event_base_loop(raw->base, EVLOOP_NONBLOCK);
}

void
raw_send(struct raw_side *raw, const void *bytes, size_t len)
{
	assert_non_null(raw->bev);
	bufferevent_write(raw->bev, bytes, len);
}

void
raw_say(struct raw_side *raw, const char *text)
{
	raw_send(raw, text, strlen(text));
}

void
raw_hang_up(struct raw_side *raw, bool reset)
{
	const struct linger now = { 1, 0 };

	assert_non_null(raw->bev);
	if (reset)
		assert_int_equal(setsockopt(bufferevent_getfd(raw->bev),
				     SOL_SOCKET, SO_LINGER, &now, sizeof(now)),
		    0);
	raw_drop(raw);
	event_base_loop(raw->base, EVLOOP_NONBLOCK);
}

void
raw_say_and_reset(struct raw_side *raw, const char *text)
{
	const ssize_t len = (ssize_t)strlen(text);

	assert_int_equal(send(bufferevent_getfd(raw->bev), text, (size_t)len,
			     MSG_NOSIGNAL),
	    len);
	raw_hang_up(raw, true);
}

void
raw_stop_reading(struct raw_side *raw)
{
	bufferevent_disable(raw->bev, EV_READ);
}
