/*
 * evhttp over TLS, as server and as client, on one loop.
 */
#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "test/lib/cmocka_all.h"

#include "server/tls/tls.h"
#include "test/lib/test_ca.h"

#define LIMIT_S 60

static char dir[TEST_CA_PATH]; /* of the certificates */

struct world {
	struct event_base *base;
	struct tls_engine *engine;
	struct tls_context *server, *client;
	struct evhttp *http;
	ev_uint16_t port;
	struct event *later; /* answers what is kept */
	struct evhttp_request *kept;
	unsigned served;

	/* of the client's last request */
	bool done;
	int status; /* 0: there was no answer */
	int error;
	size_t body_len;
};

static int
group_setup(void **state)
{
	static const struct test_leaf leaf = { .dns = "localhost" };
	struct test_ca *ca;

	(void)state;
	test_dir_make(dir);
	ca = test_ca_new(dir, "root");
	test_ca_issue(ca, "leaf", &leaf);
	test_ca_free(ca);
	return (0);
}

static int
group_teardown(void **state)
{
	(void)state;
	test_dir_remove(dir);
	return (0);
}

static struct bufferevent *
accept_cb(struct event_base *base, void *arg)
{
	struct world *w = arg;

	(void)base;
	return (tls_bufferevent_new(w->engine, w->server, NULL));
}

/* Answer with as many bytes as were sent; "/later" from another event. */
static void
answer(struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);

	(void)evbuffer_add_buffer(evhttp_request_get_output_buffer(req), in);
	evhttp_send_reply(req, 200, "OK", NULL);
}

static void
later_cb(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;
	struct evhttp_request *req = w->kept;

	(void)fd;
	(void)what;
	w->kept = NULL;
	answer(req);
}

static void
request_cb(struct evhttp_request *req, void *arg)
{
	static const struct timeval soon = { 0, 1000 };
	struct world *w = arg;

	w->served++;
	if (strcmp(evhttp_request_get_uri(req), "/later") != 0) {
		answer(req);
		return;
	}
	assert_null(w->kept);
	w->kept = req;
	(void)evtimer_add(w->later, &soon);
}

static int
setup(void **state)
{
	const struct tls_engine_options opt = { .handshake_timeout_ms = 10000 };
	char certificate[TEST_CA_PATH + 64], reason[TLS_REASON_MAX];
	const struct tls_server_options server = { certificate,
		test_path(dir, "leaf", "key") };
	const struct tls_client_options client = {
		.ca_file = test_path(dir, "root", "pem"),
	};
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct evhttp_bound_socket *bound;

	assert_non_null(w);
	(void)strcpy(certificate, test_path(dir, "leaf", "pem"));
	w->base = event_base_new();
	assert_non_null(w->engine = tls_engine_new(w->base, &opt));
	assert_non_null(w->server = tls_server_new(&server, reason));
	assert_non_null(w->client = tls_client_new(&client, reason));
	assert_non_null(w->later = evtimer_new(w->base, later_cb, w));
	assert_non_null(w->http = evhttp_new(w->base));
	evhttp_set_bevcb(w->http, accept_cb, w);
	evhttp_set_gencb(w->http, request_cb, w);
	bound = evhttp_bind_socket_with_handle(w->http, "127.0.0.1", 0);
	assert_non_null(bound);
	assert_int_equal(getsockname(evhttp_bound_socket_get_fd(bound),
			     (struct sockaddr *)&sin, &len),
	    0);
	w->port = ntohs(sin.sin_port);
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	evhttp_free(w->http);
	event_free(w->later);
	tls_context_unref(w->server);
	tls_context_unref(w->client);
	tls_engine_free(w->engine);
	event_base_free(w->base);
	free(w);
	return (0);
}

/* A connection of the client, used as its http_client_conn.c does. */
static struct evhttp_connection *
client_open(struct world *w, const char *host)
{
	struct bufferevent *bev =
	    tls_bufferevent_new(w->engine, w->client, host);
	struct evhttp_connection *evcon;

	assert_non_null(bev);
	evcon = evhttp_connection_base_bufferevent_new(w->base, NULL, bev,
	    "127.0.0.1", w->port);
	assert_non_null(evcon);
	return (evcon);
}

static void
done_cb(struct evhttp_request *req, void *arg)
{
	struct world *w = arg;

	w->error = errno;
	w->done = true;
	w->status = req != NULL ? evhttp_request_get_response_code(req) : 0;
	if (req != NULL)
		w->body_len =
		    evbuffer_get_length(evhttp_request_get_input_buffer(req));
}

static void
client_post(struct world *w, struct evhttp_connection *evcon, const char *path,
    size_t len)
{
	struct evhttp_request *req = evhttp_request_new(done_cb, w);
	time_t end = time(NULL) + LIMIT_S;
	char *body = malloc(len + 1);

	assert_non_null(req);
	assert_non_null(body);
	memset(body, 'b', len);
	(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Host",
	    "localhost");
	assert_int_equal(evbuffer_add(evhttp_request_get_output_buffer(req),
			     body, len),
	    0);
	free(body);
	w->done = false;
	assert_int_equal(evhttp_make_request(evcon, req, EVHTTP_REQ_POST, path),
	    0);
	while (!w->done) {
		assert_true(time(NULL) < end);
		assert_int_not_equal(event_base_loop(w->base, EVLOOP_ONCE), -1);
	}
}

/* A connection serves one request after the other, late answers too. */
static void
test_tls_http_keeps_connections(void **state)
{
	struct world *w = *state;
	struct evhttp_connection *evcon = client_open(w, "localhost");
	struct tls_stats stats;

	for (int i = 0; i < 20; i++) {
		client_post(w, evcon, i % 2 == 0 ? "/" : "/later",
		    (size_t)i * 5000 + 1);
		assert_int_equal(w->status, 200);
		assert_int_equal(w->body_len, i * 5000 + 1);
	}
	tls_engine_stats(w->engine, &stats);
	assert_int_equal(stats.handshakes, 2); /* both sides of one */
	evhttp_connection_free(evcon);
}

/* A forced reconnect costs nothing but a resumed handshake. */
static void
test_tls_http_reconnects(void **state)
{
	struct world *w = *state;
	struct evhttp_connection *evcon;
	struct tls_stats stats;

	for (int i = 0; i < 30; i++) {
		evcon = client_open(w, "localhost");
		for (int j = 0; j < 5; j++) {
			client_post(w, evcon, "/", 100);
			assert_int_equal(w->status, 200);
		}
		evhttp_connection_free(evcon);
	}
	assert_int_equal(w->served, 150);
	tls_engine_stats(w->engine, &stats);
	assert_int_equal(stats.handshakes, 60);
	assert_int_equal(stats.resumed, 58);
}

/* A megabyte each way. */
static void
test_tls_http_carries_large_bodies(void **state)
{
	struct world *w = *state;
	struct evhttp_connection *evcon = client_open(w, "localhost");

	client_post(w, evcon, "/", 1000000);
	assert_int_equal(w->status, 200);
	assert_int_equal(w->body_len, 1000000);
	evhttp_connection_free(evcon);
}

/* Nothing is sent to another name; the reason is there when evhttp reports it.
 */
static void
test_tls_http_refuses_another_name(void **state)
{
	struct world *w = *state;
	struct evhttp_connection *evcon = client_open(w, "elsewhere");
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);

	client_post(w, evcon, "/", 100);
	assert_int_equal(w->status, 0);
	assert_int_equal(w->error, EPROTO);
	assert_string_equal(tls_reason(bev),
	    "the certificate is for another name (localhost)");
	assert_int_equal(w->served, 0);
	evhttp_connection_free(evcon);
}

/* A port that refuses is reported as without TLS. */
static void
test_tls_http_reports_a_refused_connection(void **state)
{
	struct world *w = *state;
	struct evhttp_connection *evcon;
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	w->port = ntohs(sin.sin_port); /* bound, and nobody listens */
	evcon = client_open(w, "localhost");
	client_post(w, evcon, "/", 1);
	assert_int_equal(w->served, 0);
	assert_int_not_equal(w->status, 200);
	assert_null(tls_reason(evhttp_connection_get_bufferevent(evcon)));
	evhttp_connection_free(evcon);
	(void)close(fd);
}

/* -- a client that pipelines -- */

struct piper {
	bool eof;
	char text[65536];
	size_t len;
};

static void
piper_read_cb(struct bufferevent *bev, void *arg)
{
	struct piper *p = arg;

	p->len += bufferevent_read(bev, p->text + p->len,
	    sizeof(p->text) - 1 - p->len);
	p->text[p->len] = '\0';
}

static void
piper_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct piper *p = arg;

	(void)bev;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
		p->eof = true;
}

/*
 * Requests that come while others are unanswered are served in order. What
 * comes in pieces meanwhile must not be handed to evhttp at the wrong time:
 * it would end the process.
 */
static void
test_tls_http_serves_pipelines(void **state)
{
	static const char one[] =
	    "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
	static const char last[] = "POST / HTTP/1.1\r\nHost: x\r\nConnection: "
				   "close\r\nContent-Length: 3\r\n\r\nend";
	struct world *w = *state;
	static struct piper p;
	struct bufferevent *bev =
	    tls_bufferevent_new(w->engine, w->client, "localhost");
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	time_t end = time(NULL) + LIMIT_S;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	unsigned n = 0;

	memset(&p, 0, sizeof(p));
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	bufferevent_setcb(bev, piper_read_cb, NULL, piper_event_cb, &p);
	assert_int_equal(bufferevent_setfd(bev, fd), 0);
	(void)bufferevent_enable(bev, EV_READ);
	for (size_t i = 0; i < 40; i++) /* in pieces of many sizes */
		for (size_t at = 0; at < strlen(one); at += 1 + i * 3) {
			size_t len = strlen(one) - at;

			(void)bufferevent_write(bev, one + at,
			    len < 1 + i * 3 ? len : 1 + i * 3);
			(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
		}
	(void)bufferevent_write(bev, last, strlen(last));
	while (!p.eof) {
		assert_true(time(NULL) < end);
		(void)event_base_loop(w->base, EVLOOP_ONCE);
	}
	for (const char *at = p.text; (at = strstr(at, "200 OK")) != NULL; at++)
		n++;
	assert_int_equal(n, 41);
	assert_string_equal(p.text + p.len - 3, "end");
	bufferevent_free(bev);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tls_http_keeps_connections),
		TEST(test_tls_http_reconnects),
		TEST(test_tls_http_carries_large_bodies),
		TEST(test_tls_http_refuses_another_name),
		TEST(test_tls_http_reports_a_refused_connection),
		TEST(test_tls_http_serves_pipelines),
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
