/*
 * The listener with a real loop and real sockets; ingest and rejections are
 * played by this file, so that an outcome comes when a test wants it.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "server/http.h"
#include "server/ingest.h"
#include "server/log.h"
#include "server/rejections.h"
#include "server/secrets.h"
#include "store/base/hex.h"

#define PENDING_MAX 4

struct ingest {
	enum ingest_rc verdict; /* of ingest_submit() */
	struct {
		ingest_done_fn *done;
		void *arg;
		void *body;
		size_t len;
	} pending[PENDING_MAX];
	size_t npending;
	char event_id[64];
	char peer[64];
	int64_t answered; /* the last event */
	unsigned nanswered;
};

struct rejections {
	unsigned n;
	enum reject_cause cause;
	char headers[8192];
	size_t body_len;
	size_t size;
};

enum ingest_rc
ingest_submit(struct ingest *in, const struct delivery *del,
    ingest_done_fn *done, void *arg)
{
	snprintf(in->event_id, sizeof(in->event_id), "%s", del->event_id);
	snprintf(in->peer, sizeof(in->peer), "%s", del->peer);
	if (in->verdict != INGEST_PENDING)
		return (in->verdict);
	assert_in_range(in->npending, 0, PENDING_MAX - 1);
	in->pending[in->npending].done = done;
	in->pending[in->npending].arg = arg;
	in->pending[in->npending].body = del->body;
	in->pending[in->npending++].len = del->body_len;
	return (INGEST_PENDING);
}

void
ingest_answered(struct ingest *in, int64_t event)
{
	in->answered = event;
	in->nanswered++;
}

void
rejections_add(struct rejections *rej, const struct rejection *r)
{
	rej->n++;
	rej->cause = r->cause;
	snprintf(rej->headers, sizeof(rej->headers), "%s", r->headers);
	rej->body_len = r->body_len;
	rej->size = r->size;
}

const char *
rejections_cause_name(enum reject_cause cause)
{
	(void)cause;
	return ("cause");
}

struct fixture {
	struct event_base *base;
	struct ingest in;
	struct rejections rej;
	struct secrets *sec;
	struct http *http;
	unsigned port;
	unsigned drained;
};

struct client {
	struct fixture *f;
	struct bufferevent *bev;
	bool eof;
};

/* Let the oldest delivery have its outcome. */
static void
commit(struct fixture *f, enum ingest_rc rc, int64_t event)
{
	assert_int_not_equal(f->in.npending, 0);
	f->in.npending--;
	free(f->in.pending[0].body);
	f->in.pending[0].done(rc, event, f->in.pending[0].arg);
	memmove(&f->in.pending[0], &f->in.pending[1],
	    f->in.npending * sizeof(f->in.pending[0]));
}

static void
start(struct fixture *f, const struct http_options *opt)
{
	char url[HTTP_URL_MAX], reason[256];

	f->in.verdict = INGEST_PENDING;
	f->http = http_new(f->base, opt, &f->in, &f->rej, f->sec);
	assert_non_null(f->http);
	assert_int_equal(http_listen(f->http, "127.0.0.1:0", url, reason), 0);
	f->port = (unsigned)atoi(strrchr(url, ':') + 1);
}

static int
setup(void **state)
{
	static struct http_options opt = { .max_body = 65536,
		.max_connections = 16,
		.request_timeout_ms = 30000,
		.idle_timeout_ms = 30000 };
	struct fixture *f = calloc(1, sizeof(*f));

	log_setup(LOG_ERROR, LOG_TEXT);
	f->base = event_base_new();
	f->sec = secrets_new();
	secrets_add(f->sec, "default", "secret", 6, 0);
	start(f, &opt);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->in.npending, 0);
	http_free(f->http);
	secrets_free(f->sec);
	event_base_free(f->base);
	free(f);
	return (0);
}

static void
client_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		c->eof = true;
}

static void
client_open(struct client *c, struct fixture *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)f->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };

	c->f = f;
	c->eof = false;
	c->bev = bufferevent_socket_new(f->base, -1, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(c->bev, NULL, NULL, client_event_cb, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	assert_int_equal(bufferevent_socket_connect(c->bev,
			     (struct sockaddr *)&sin, sizeof(sin)),
	    0);
}

static void
client_send(struct client *c, const char *text)
{
	assert_int_equal(bufferevent_write(c->bev, text, strlen(text)), 0);
}

/* A signed delivery; "signature" replaces the right one. */
static void
client_post(struct client *c, const char *id, const char *body,
    const char *signature)
{
	struct iovec seg = { (void *)(uintptr_t)body, strlen(body) };
	unsigned char mac[SIGNATURE_LEN];
	char hex[SIGNATURE_TEXT_LEN + 1];

	assert_int_equal(secrets_mac(c->f->sec, 0, &seg, 1, mac), 0);
	hex_encode(mac, sizeof(mac), hex);
	evbuffer_add_printf(bufferevent_get_output(c->bev),
	    "POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
	    "Authorization: Basic aGVtbGln\r\nCookie: private\r\n"
	    "x-klikit-event-id: %s\r\n"
	    "x-klikit-event-type: klikit.order.created.v2\r\n"
	    "x-klikit-signature: %s\r\nContent-Length: %zu\r\n\r\n%s",
	    id, signature != NULL ? signature : hex, strlen(body), body);
}

static void
turn(struct fixture *f)
{
	assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
}

/* Run the loop until the client has got the text; forget all up to it. */
static void
client_wait(struct client *c, const char *text)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	struct evbuffer_ptr at;

	for (;;) {
		at = evbuffer_search(input, text, strlen(text), NULL);
		if (at.pos != -1)
			break;
		if (c->eof)
			fail_msg("closed before %s: %s", text,
			    (char *)evbuffer_pullup(input, -1));
		turn(c->f);
	}
	evbuffer_drain(input, (size_t)at.pos + strlen(text));
}

/* Run the loop until the connection is closed; nothing more may come. */
static void
client_wait_eof(struct client *c)
{
	while (!c->eof)
		turn(c->f);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(c->bev)), 0);
}

static void
client_close(struct client *c)
{
	bufferevent_free(c->bev);
}

static void
wait_pending(struct fixture *f, size_t n)
{
	while (f->in.npending < n)
		turn(f);
}

static void
wait_connections(struct fixture *f, size_t n)
{
	while (http_connections(f->http) != n)
		turn(f);
}

static void
drained_cb(void *arg)
{
	struct fixture *f = arg;

	f->drained++;
}

/* No answer before the commit, and one after; then its jobs may run. */
static void
test_http_answers_after_the_commit(void **state)
{
	struct fixture *f = *state;
	struct client c;

	client_open(&c, f);
	client_post(&c, "a", "{}", NULL);
	wait_pending(f, 1);
	assert_string_equal(f->in.event_id, "a");
	assert_memory_equal(f->in.peer, "127.0.0.1:", 10);
	assert_int_equal(f->in.pending[0].len, 2);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(c.bev)), 0);
	commit(f, INGEST_RECEIVED, 7);
	assert_int_equal(f->in.nanswered, 0);
	client_wait(&c, "HTTP/1.1 200 OK");
	client_wait(&c, "Content-Type: application/json; charset=utf-8");
	client_wait(&c, "{\"status\":\"received\"}");
	assert_int_equal(f->in.nanswered, 1);
	assert_int_equal(f->in.answered, 7);

	client_post(&c, "a", "{}", NULL);
	wait_pending(f, 1);
	commit(f, INGEST_DUPLICATE, 7);
	client_wait(&c, "200 OK");
	client_wait(&c, "{\"status\":\"duplicate-ignored\"}");
	assert_int_equal(f->in.nanswered, 1);
	client_close(&c);
}

/* What ingest decides at once or too late has its status each. */
static void
test_http_answers_each_outcome(void **state)
{
	static const struct {
		enum ingest_rc rc;
		const char *status, *body;
	} cases[] = {
		{ INGEST_BUSY, "503 Service Unavailable",
		    "{\"error\":\"try again later\"}" },
		{ INGEST_INVALID, "400 Bad Request",
		    "{\"error\":\"invalid JSON\"}" },
		{ INGEST_TOO_MANY, "400 Bad Request",
		    "{\"error\":\"too many orders\"}" },
		{ INGEST_DUPLICATE, "200 OK",
		    "{\"status\":\"duplicate-ignored\"}" },
	};
	struct fixture *f = *state;
	struct client c;

	client_open(&c, f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->in.verdict = cases[i].rc;
		client_post(&c, "a", "nonsense", NULL);
		client_wait(&c, cases[i].status);
		if (cases[i].rc == INGEST_BUSY)
			client_wait(&c, "Retry-After: ");
		client_wait(&c, cases[i].body);
	}
	f->in.verdict = INGEST_PENDING;
	client_post(&c, "a", "{}", NULL);
	wait_pending(f, 1);
	commit(f, INGEST_BUSY, 0);
	client_wait(&c, "503");
	client_wait(&c, "Retry-After: ");
	assert_int_equal(f->in.nanswered, 0);
	assert_int_equal(f->rej.n, 2);
	assert_int_equal(f->rej.cause, REJECT_TOO_MANY_ORDERS);
	assert_int_equal(f->rej.body_len, strlen("nonsense"));
	client_close(&c);
}

/* A forged delivery is 401, and noted without what is secret in it. */
static void
test_http_notes_forgeries_without_secrets(void **state)
{
	static char zeros[SIGNATURE_TEXT_LEN + 1];
	struct fixture *f = *state;
	struct client c;
	char body[3000] = "";

	memset(zeros, '0', SIGNATURE_TEXT_LEN);
	memset(body, 'x', sizeof(body) - 1);
	client_open(&c, f);
	client_post(&c, "a", body, zeros);
	client_wait(&c, "401 Unauthorized");
	client_wait(&c, "{\"error\":\"invalid signature\"}");
	assert_int_equal(f->rej.n, 1);
	assert_int_equal(f->rej.cause, REJECT_SIGNATURE);
	assert_int_equal(f->rej.body_len, REJECTIONS_BODY_MAX);
	assert_int_equal(f->rej.size, sizeof(body) - 1);
	assert_null(strstr(f->rej.headers, "aGVtbGln"));
	assert_null(strstr(f->rej.headers, "private"));
	assert_null(strstr(f->rej.headers, "0000"));
	assert_non_null(strstr(f->rej.headers, "x-klikit-event-id: a\n"));
	client_close(&c);
}

/* klikit's headers must be there and be names. */
static void
test_http_checks_the_headers_first(void **state)
{
	struct fixture *f = *state;
	struct client c;
	char id[257] = "";

	client_open(&c, f);
	client_send(&c, "POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
			"x-klikit-event-id: a\r\nx-klikit-event-type: \r\n"
			"x-klikit-signature: b\r\nContent-Length: 0\r\n\r\n");
	client_wait(&c, "400 Bad Request");
	client_wait(&c, "{\"error\":\"missing klikit headers\"}");
	memset(id, 'a', 256);
	client_post(&c, id, "{}", NULL);
	client_wait(&c, "{\"error\":\"invalid klikit headers\"}");
	client_post(&c, "caf\xc3\xa9", "{}", NULL);
	client_wait(&c, "{\"error\":\"invalid klikit headers\"}");
	id[255] = '\0';
	client_post(&c, id, "{}", NULL);
	wait_pending(f, 1);
	commit(f, INGEST_DUPLICATE, 1);
	client_wait(&c, "200 OK");
	client_close(&c);
}

/* Other paths are 404, other methods 405 with what is allowed. */
static void
test_http_knows_its_paths_and_methods(void **state)
{
	struct fixture *f = *state;
	struct client c;

	client_open(&c, f);
	client_send(&c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&c, "200 OK");
	client_wait(&c, "{\"status\":\"ok\"}");
	client_send(&c, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&c, "200 OK");
	client_wait(&c, "\r\n\r\n");
	client_send(&c, "GET /webhooks/klikit HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&c, "405 Method Not Allowed");
	client_wait(&c, "Allow: POST\r\n");
	client_wait(&c, "{\"error\":\"method not allowed\"}");
	client_send(&c, "PUT /else HTTP/1.1\r\nHost: x\r\n"
			"Content-Length: 3\r\n\r\nabc");
	client_wait(&c, "404 Not Found");
	client_wait(&c, "{\"error\":\"not found\"}");
	client_close(&c);
}

/* A client gone before its commit costs nothing, and its jobs run. */
static void
test_http_outlives_a_client_gone_before_its_commit(void **state)
{
	struct fixture *f = *state;
	struct linger hard = { 1, 0 };
	struct client c;

	client_open(&c, f);
	client_post(&c, "a", "{}", NULL);
	wait_pending(f, 1);
	assert_int_equal(setsockopt(bufferevent_getfd(c.bev), SOL_SOCKET,
			     SO_LINGER, &hard, sizeof(hard)),
	    0);
	client_close(&c);
	commit(f, INGEST_RECEIVED, 9);
	wait_connections(f, 0);
	assert_int_equal(f->in.nanswered, 1);
	assert_int_equal(f->in.answered, 9);
}

/* An answer that was given but never left is told of once, too. */
static void
test_http_tells_of_an_answer_that_never_left(void **state)
{
	struct fixture *f = *state;
	struct client c;

	client_open(&c, f);
	client_post(&c, "a", "{}", NULL);
	wait_pending(f, 1);
	commit(f, INGEST_RECEIVED, 11);
	assert_int_equal(f->in.nanswered, 0);
	http_free(f->http);
	f->http = NULL;
	assert_int_equal(f->in.nanswered, 1);
	client_close(&c);
}

/* A drain closes what is idle and answers what is under way. */
static void
test_http_drains(void **state)
{
	struct fixture *f = *state;
	struct client idle, busy;

	client_open(&idle, f);
	client_open(&busy, f);
	client_post(&busy, "a", "{}", NULL);
	wait_pending(f, 1);
	wait_connections(f, 2);
	http_drain(f->http, drained_cb, f);
	assert_int_equal(f->drained, 0);
	client_wait_eof(&idle);
	commit(f, INGEST_RECEIVED, 3);
	client_wait(&busy, "200 OK");
	client_wait(&busy, "Connection: close");
	client_wait(&busy, "{\"status\":\"received\"}");
	client_wait_eof(&busy);
	while (f->drained == 0)
		turn(f);
	assert_int_equal(http_connections(f->http), 0);
	assert_int_equal(f->drained, 1);
	client_close(&idle);
	client_close(&busy);
}

/* Without connections a drain ends at once, but not within the call. */
static void
test_http_drains_from_idle(void **state)
{
	struct fixture *f = *state;

	http_drain(f->http, drained_cb, f);
	assert_int_equal(f->drained, 0);
	while (f->drained == 0)
		turn(f);
	assert_int_equal(f->drained, 1);
}

/* What stands before a bad request is answered, what is after it is not. */
static void
test_http_answers_up_to_the_bad_request(void **state)
{
	struct fixture *f = *state;
	struct http_stats stats;
	struct client c;

	client_open(&c, f);
	client_post(&c, "a", "{}", NULL);
	client_send(&c, "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n"
			"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_pending(f, 1);
	commit(f, INGEST_RECEIVED, 3);
	client_wait(&c, "{\"status\":\"received\"}");
	client_wait(&c, "HTTP/1.1 400 Bad Request\r\n");
	client_wait(&c, "Connection: close\r\n");
	client_wait(&c, "{\"error\":\"bad request\"}");
	client_wait_eof(&c);
	http_stats(f->http, &stats);
	assert_int_equal(stats.requests, 1);
	assert_int_equal(stats.bad_requests, 1);
	assert_int_equal(stats.unverified, 0);
	client_close(&c);
	wait_connections(f, 0);
}

/* A request that takes too long is cut, and counts no longer. */
static void
test_http_cuts_a_slow_request(void **state)
{
	struct fixture *f = *state;
	struct http_options opt = { .max_body = 65536,
		.max_connections = 16,
		.request_timeout_ms = 20,
		.idle_timeout_ms = 30000 };
	struct http_stats stats;
	struct client c;

	http_set_limits(f->http, &opt);
	client_open(&c, f);
	client_send(&c, "POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
			"Content-Length: 5\r\n\r\nab");
	client_wait(&c, "HTTP/1.1 408 Request Timeout");
	client_wait(&c, "{\"error\":\"request timeout\"}");
	client_wait_eof(&c);
	wait_connections(f, 0);
	http_stats(f->http, &stats);
	assert_int_equal(stats.cut, 1);
	assert_int_equal(stats.unverified, 0);
	client_close(&c);
}

/* Beyond the cap a client waits until another one has gone. */
static void
test_http_accepts_up_to_its_cap(void **state)
{
	struct fixture *f = *state;
	struct http_options opt = { .max_body = 65536,
		.max_connections = 1,
		.request_timeout_ms = 30000,
		.idle_timeout_ms = 30000 };
	struct client first, second;

	http_set_limits(f->http, &opt);
	client_open(&first, f);
	client_send(&first, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&first, "ok");
	client_open(&second, f);
	client_send(&second, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_send(&first, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&first, "{\"status\":\"ok\"}");
	assert_int_equal(http_connections(f->http), 1);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(second.bev)),
	    0);
	client_close(&first);
	client_wait(&second, "{\"status\":\"ok\"}");
	client_close(&second);
}

/* A body is counted while it comes, and no longer once it is verified. */
static void
test_http_counts_what_is_unverified(void **state)
{
	struct fixture *f = *state;
	struct http_stats stats;
	struct client c;

	client_open(&c, f);
	client_send(&c, "POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
			"Content-Length: 4\r\n\r\nabc");
	do {
		turn(f);
		http_stats(f->http, &stats);
	} while (stats.unverified == 0);
	assert_in_range(stats.unverified, 60, 80);
	client_send(&c, "d");
	client_wait(&c, "missing klikit headers");
	http_stats(f->http, &stats);
	assert_int_equal(stats.unverified, 0);
	client_close(&c);
}

/* An address that cannot be had is told in one line. */
static void
test_http_listen_says_why_not(void **state)
{
	static const char *const bad[] = { "8080", ":80", "host:", "a:b",
		"1.2.3.4:65536", "[::1:80", "::1:80", "example.org:80" };
	struct fixture *f = *state;
	char url[HTTP_URL_MAX] = "kept", reason[256], used[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(http_listen(f->http, bad[i], url, reason), -1);
		assert_non_null(strstr(reason, "not HOST:PORT"));
	}
	snprintf(used, sizeof(used), "127.0.0.1:%u", f->port);
	assert_int_equal(http_listen(f->http, used, url, reason), -1);
	assert_non_null(strstr(reason, "in use"));
	assert_string_equal(url, "kept");
	assert_int_equal(http_listen(f->http, "*:0", url, reason), 0);
	assert_memory_equal(url, "http://", 7);
}

int
main(void)
{
#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		HTTP_TEST(test_http_answers_after_the_commit),
		HTTP_TEST(test_http_answers_each_outcome),
		HTTP_TEST(test_http_notes_forgeries_without_secrets),
		HTTP_TEST(test_http_checks_the_headers_first),
		HTTP_TEST(test_http_knows_its_paths_and_methods),
		HTTP_TEST(test_http_outlives_a_client_gone_before_its_commit),
		HTTP_TEST(test_http_tells_of_an_answer_that_never_left),
		HTTP_TEST(test_http_drains),
		HTTP_TEST(test_http_drains_from_idle),
		HTTP_TEST(test_http_answers_up_to_the_bad_request),
		HTTP_TEST(test_http_cuts_a_slow_request),
		HTTP_TEST(test_http_accepts_up_to_its_cap),
		HTTP_TEST(test_http_counts_what_is_unverified),
		HTTP_TEST(test_http_listen_says_why_not),
	};
#undef HTTP_TEST

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
