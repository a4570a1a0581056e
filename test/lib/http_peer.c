/*
 * http_peer.c -- a listener under test, and clients of it.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "server/base/log.h"
#include "test/lib/http_peer.h"

/* -- Routes -- */

/* http_left_fn */
static void
left_cb(void *arg, bool left)
{
	struct http_case *f = arg;

	f->nleft += left;
	f->nlost += !left;
}

/* http_gone_fn: of one that waits; a test has no other one then. */
static void
gone_cb(void *arg)
{
	struct http_case *f = arg;

	assert_int_equal(f->nkept, 1);
	f->nkept = 0;
	f->ngone++;
}

static void
keep_run(struct http_request *r, void *arg)
{
	struct http_case *f = *(struct http_case **)arg;

	assert_in_range(f->nkept, 0, KEPT_MAX - 1);
	f->kept[f->nkept++] = r;
	http_request_on_left(r, left_cb, f);
	http_request_keep(r);
}

static void
wait_run(struct http_request *r, void *arg)
{
	struct http_case *f = *(struct http_case **)arg;

	assert_in_range(f->nkept, 0, KEPT_MAX - 1);
	f->kept[f->nkept++] = r;
	http_request_on_left(r, left_cb, f);
	http_request_wait(r, gone_cb, f);
}

static struct http_case *now; /* the case of the running test */

const struct http_route peer_routes[] = {
	{ "/healthz", HTTP_GET | HTTP_HEAD, http_request_run_health, NULL,
	    true },
	{ "/keep", HTTP_POST, keep_run, &now, false },
	{ "/wait", HTTP_GET, wait_run, &now, false },
};
const size_t peer_nroutes = sizeof(peer_routes) / sizeof(peer_routes[0]);

struct http_request *
peer_take(struct http_case *f)
{
	struct http_request *r = f->kept[0];

	assert_int_not_equal(f->nkept, 0);
	memmove(&f->kept[0], &f->kept[1], --f->nkept * sizeof(f->kept[0]));
	return (r);
}

/* -- The listener -- */

/* evtimer: the test takes too long. */
static void
limit_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_case *f = arg;

	(void)fd;
	(void)what;
	f->late = true;
}

void
peer_begin(struct http_case *f)
{
	static const struct timeval limit = { HTTP_PEER_LIMIT_S, 0 };

	(void)signal(SIGPIPE, SIG_IGN); /* as the server does */
	log_setup(LOG_ERROR, LOG_TEXT);
	assert_non_null(f->base = event_base_new());
	assert_non_null(f->limit = evtimer_new(f->base, limit_cb, f));
	assert_int_equal(evtimer_add(f->limit, &limit), 0);
	now = f;
}

void
peer_listen(struct http_case *f, const struct http_route *routes,
    size_t nroutes)
{
	static const struct http_options opt = { .max_body = 65536,
		.max_connections = 16,
		.request_timeout_ms = 30000,
		.idle_timeout_ms = 30000,
		.handshake_timeout_ms = 30000 };
	const struct http_site site = { .name = "http",
		.advice = "close some",
		.needs_length = true,
		.routes = routes,
		.nroutes = nroutes };
	char url[HTTP_URL_MAX], reason[HTTP_ADDRESS_REASON_MAX];

	assert_non_null(f->http = http_new(f->base, &opt, &site));
	assert_int_equal(http_listen(f->http, "127.0.0.1:0", url, reason), 0);
	f->port = (unsigned)atoi(strrchr(url, ':') + 1);
}

void
peer_end(struct http_case *f)
{
	assert_int_equal(f->nkept, 0);
	http_free(f->http);
	event_free(f->limit);
	event_base_free(f->base);
}

int
peer_setup(void **state)
{
	struct http_case *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	peer_begin(f);
	peer_listen(f, peer_routes, peer_nroutes);
	*state = f;
	return (0);
}

int
peer_teardown(void **state)
{
	peer_end(*state);
	free(*state);
	return (0);
}

void
peer_turn(struct http_case *f)
{
	assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
	assert_false(f->late);
}

void
peer_wait_kept(struct http_case *f, size_t n)
{
	while (f->nkept < n)
		peer_turn(f);
}

void
peer_wait_connections(struct http_case *f, size_t n)
{
	while (http_connections(f->http) != n)
		peer_turn(f);
}

/* -- A client -- */

static void
peer_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct peer *c = arg;

	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		c->eof = true;
}

void
peer_open(struct peer *c, struct http_case *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)f->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	c->f = f;
	c->eof = false;
	c->bev = f->client_bev != NULL ? f->client_bev(f)
				       : bufferevent_socket_new(f->base, -1,
					     BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(c->bev);
	bufferevent_setcb(c->bev, NULL, NULL, peer_event_cb, c);
	assert_int_equal(bufferevent_setfd(c->bev, fd), 0);
	assert_int_equal(bufferevent_enable(c->bev, EV_READ | EV_WRITE), 0);
}

void
peer_close(struct peer *c)
{
	bufferevent_free(c->bev);
}

void
peer_reset(struct peer *c)
{
	struct linger hard = { 1, 0 };

	assert_int_equal(setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET,
			     SO_LINGER, &hard, sizeof(hard)),
	    0);
	peer_close(c);
	/* From where libevent closes it. */
	(void)event_base_loop(c->f->base, EVLOOP_NONBLOCK);
}

void
peer_send(struct peer *c, const char *text)
{
	assert_int_equal(bufferevent_write(c->bev, text, strlen(text)), 0);
}

void
peer_post(struct peer *c)
{
	peer_send(c, "POST /keep HTTP/1.1\r\nHost: x\r\n"
		     "Content-Length: 2\r\n\r\n{}");
}

void
peer_wait(struct peer *c, const char *text)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	struct evbuffer_ptr at;

	for (;;) {
		at = evbuffer_search(input, text, strlen(text), NULL);
		if (at.pos != -1)
			break;
		if (c->eof)
			fail_msg("closed before %s: %.*s", text,
			    (int)evbuffer_get_length(input),
			    (const char *)evbuffer_pullup(input, -1));
		peer_turn(c->f);
	}
	evbuffer_drain(input, (size_t)at.pos + strlen(text));
}

void
peer_wait_eof(struct peer *c)
{
	while (!c->eof)
		peer_turn(c->f);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(c->bev)), 0);
}
