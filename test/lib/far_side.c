/*
 * far_side.c -- a tiny HTTP peer that misbehaves.
 */
#include <sys/socket.h>

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/fake_tls.h"
#include "test/lib/far_side.h"
#include "test/lib/heap.h"

struct far_conn {
	struct far_side *far;
	struct bufferevent *bev;
	const char *rest; /* of what drips */
	struct event *drip;
	bool closing;
	bool shaken; /* the handshake is over, or there is none */
	LIST_ENTRY(far_conn) next;
};

static const struct sockaddr_in loopback = {
	.sin_family = AF_INET,
	.sin_addr = { 0x0100007f },
};

static void
conn_close(struct far_conn *c)
{
	c->far->nopen--;
	LIST_REMOVE(c, next);
	event_free(c->drip);
	bufferevent_free(c->bev);
	free(c);
}

static void
conn_reset(struct far_conn *c)
{
	const struct linger now = { 1, 0 };
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	int fd = bufferevent_getfd(c->bev);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now,
			     sizeof(now)),
	    0);
	/* Now: closed it is in the next turn. */
	(void)connect(fd, &nobody, sizeof(nobody));
	conn_close(c);
}

/* Take a whole request from the input. Returns whether there was one. */
static bool
conn_take_request(struct far_conn *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	struct far_side *far = c->far;
	struct evbuffer_ptr end;
	const char *length;
	size_t len;

	end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
	if (end.pos == -1)
		return (false);
	len = (size_t)end.pos + 4;
	assert_true(len < sizeof(far->request));
	evbuffer_copyout(input, far->request, len);
	far->request[len] = '\0';
	length = strcasestr(far->request, "\r\nContent-Length: ");
	assert_true(length != NULL || strncmp(far->request, "GET ", 4) == 0);
	if (length != NULL)
		len += strtoul(length + 18, NULL, 10);
	assert_true(len < sizeof(far->request));
	if (evbuffer_get_length(input) < len)
		return (false);
	evbuffer_remove(input, far->request, len);
	far->request[len] = '\0';
	far->nrequests++;
	return (true);
}

static void
conn_act(struct far_conn *c)
{
	struct far_side *far = c->far;
	size_t len = strlen(far->text);

	switch (far->act) {
	case FAR_CLOSE:
		c->closing = true;
		if (len == 0) {
			conn_close(c);
			return;
		}
		/* FALLTHROUGH */
	case FAR_ANSWER:
	case FAR_ENDLESS:
		bufferevent_write(c->bev, far->text, len);
		break;
	case FAR_RESET:
		conn_reset(c);
		break;
	case FAR_DRIP:
		c->rest = far->text;
		event_active(c->drip, EV_TIMEOUT, 0);
		break;
	case FAR_EARLY:
	case FAR_DEAF:
		break;
	}
}

/* Take the handshake from the input, and answer it. May close. */
static void
conn_shake(struct far_conn *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	size_t len = strlen(FAKE_TLS_HELLO);

	if (evbuffer_get_length(input) < len)
		return;
	evbuffer_drain(input, len);
	switch (c->far->shake) {
	case FAR_SHAKE:
		c->shaken = true;
		bufferevent_write(c->bev, FAKE_TLS_YES, 1);
		break;
	case FAR_SHAKE_REFUSE:
		bufferevent_write(c->bev, FAKE_TLS_NO, 1);
		break;
	case FAR_SHAKE_CLOSE:
		conn_close(c);
		break;
	case FAR_SHAKE_SLOW:
	case FAR_PLAIN:
		break;
	}
}

/* Before the request is whole. */
static void
conn_answer_early(struct far_conn *c)
{
	bufferevent_disable(c->bev, EV_READ);
	bufferevent_write(c->bev, c->far->text, strlen(c->far->text));
}

static void
conn_read_cb(struct bufferevent *bev, void *arg)
{
	struct far_conn *c = arg;

	(void)bev;
	if (!c->shaken)
		conn_shake(c);
	else if (c->far->act == FAR_EARLY)
		conn_answer_early(c);
	else if (conn_take_request(c))
		conn_act(c);
}

/* bufferevent: what was written has left. */
static void
conn_write_cb(struct bufferevent *bev, void *arg)
{
	static const char filler[65536];
	struct far_conn *c = arg;

	if (c->closing)
		conn_close(c);
	else if (c->far->act == FAR_ENDLESS)
		bufferevent_write(bev, filler, sizeof(filler));
}

static void
conn_drip_cb(evutil_socket_t fd, short what, void *arg)
{
	struct far_conn *c = arg;

	(void)fd;
	(void)what;
	bufferevent_write(c->bev, c->rest++, 1);
	if (*c->rest != '\0')
		event_active(c->drip, EV_TIMEOUT, 0);
}

static void
conn_event_cb(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		conn_close(arg);
}

static void
far_accept_cb(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *sa, int len, void *arg)
{
	struct far_side *far = arg;
	struct far_conn *c = heap_alloc(sizeof(*c));

	(void)listener;
	(void)sa;
	(void)len;
	c->far = far;
	c->shaken = far->shake == FAR_PLAIN;
	c->bev = bufferevent_socket_new(far->base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->drip = evtimer_new(far->base, conn_drip_cb, c);
	bufferevent_setcb(c->bev, conn_read_cb, conn_write_cb, conn_event_cb,
	    c);
	if (far->act != FAR_DEAF)
		bufferevent_enable(c->bev, EV_READ);
	LIST_INSERT_HEAD(&far->conns, c, next);
	far->naccepted++;
	far->nopen++;
}

static unsigned
port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return (ntohs(sin.sin_port));
}

void
far_open(struct far_side *far, struct event_base *base)
{
	memset(far, 0, sizeof(*far));
	LIST_INIT(&far->conns);
	far->base = base;
	far->text = "";
	far->listener = evconnlistener_new_bind(base, far_accept_cb, far,
	    LEV_OPT_CLOSE_ON_FREE, 16, (const struct sockaddr *)&loopback,
	    sizeof(loopback));
	assert_non_null(far->listener);
	far->port = port_of(evconnlistener_get_fd(far->listener));
}

void
far_close(struct far_side *far)
{
	far_hang_up(far, false);
	evconnlistener_free(far->listener);
}

void
far_play(struct far_side *far, enum far_act act, const char *text)
{
	struct far_conn *c;

	far->act = act;
	far->text = text;
	LIST_FOREACH(c, &far->conns, next)
	{
		if (act == FAR_DEAF)
			bufferevent_disable(c->bev, EV_READ);
	}
}

void
far_hang_up(struct far_side *far, bool reset)
{
	struct far_conn *c;

	while ((c = LIST_FIRST(&far->conns)) != NULL) {
		if (reset)
			conn_reset(c);
		else
			conn_close(c);
	}
	/* Freed bufferevents close their files in the next turn. */
	event_base_loop(far->base, EVLOOP_NONBLOCK);
}

static int
bound_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&loopback,
			     sizeof(loopback)),
	    0);
	return (fd);
}

unsigned
far_refuse(int *ret_fd)
{
	*ret_fd = bound_socket();
	return (port_of(*ret_fd));
}

unsigned
far_stuck(int ret_fds[FAR_STUCK_FDS])
{
	struct sockaddr_in sin = loopback;
	unsigned port;

	ret_fds[0] = bound_socket();
	assert_int_equal(listen(ret_fds[0], 0), 0);
	port = port_of(ret_fds[0]);
	sin.sin_port = htons((uint16_t)port);
	for (int i = 1; i < FAR_STUCK_FDS; i++) {
		ret_fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(ret_fds[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	return (port);
}

unsigned
far_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return (n);
}
