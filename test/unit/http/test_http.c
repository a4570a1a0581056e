#include <sys/socket.h>

#include <signal.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/http_peer.h"

static void
drained_cb(void *arg)
{
	struct http_case *f = arg;

	f->drained++;
}

/* No answer before the commit, and one after; then its jobs may run. */
static void
test_http_answers_after_the_commit(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_post(&c, "a", "{}", NULL);
	peer_wait_pending(f, 1);
	assert_string_equal(f->in.event_id, "a");
	assert_memory_equal(f->in.peer, "127.0.0.1:", 10);
	assert_int_equal(f->in.pending[0].len, 2);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(c.bev)), 0);
	assert_int_equal(f->in.nanswered, 0);
	peer_commit(f, INGEST_RECEIVED, 7);
	peer_wait(&c, "HTTP/1.1 200 OK");
	peer_wait(&c, "Content-Type: application/json; charset=utf-8");
	peer_wait(&c, "{\"status\":\"received\"}");
	assert_int_equal(f->in.nanswered, 1);
	assert_int_equal(f->in.answered, 7);

	peer_post(&c, "a", "{}", NULL);
	peer_wait_pending(f, 1);
	peer_commit(f, INGEST_DUPLICATE, 7);
	peer_wait(&c, "200 OK");
	peer_wait(&c, "{\"status\":\"duplicate-ignored\"}");
	assert_int_equal(f->in.nanswered, 1);
	peer_close(&c);
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
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->in.verdict = cases[i].rc;
		peer_post(&c, "a", "nonsense", NULL);
		peer_wait(&c, cases[i].status);
		if (cases[i].rc == INGEST_BUSY)
			peer_wait(&c, "Retry-After: ");
		peer_wait(&c, cases[i].body);
	}
	f->in.verdict = INGEST_PENDING;
	peer_post(&c, "a", "{}", NULL);
	peer_wait_pending(f, 1);
	peer_commit(f, INGEST_BUSY, 0);
	peer_wait(&c, "503");
	peer_wait(&c, "Retry-After: ");
	assert_int_equal(f->in.nanswered, 0);
	assert_int_equal(f->diag.n, 2);
	assert_int_equal(f->diag.cause, REJECT_TOO_MANY_ORDERS);
	assert_int_equal(f->diag.body_len, strlen("nonsense"));
	peer_close(&c);
}

/* A forged delivery is 401, and noted without what is secret in it. */
static void
test_http_notes_forgeries_without_secrets(void **state)
{
	static char zeros[SIGNATURE_TEXT_LEN + 1];
	struct http_case *f = *state;
	struct peer c;
	char body[3000] = "";

	memset(zeros, '0', SIGNATURE_TEXT_LEN);
	memset(body, 'x', sizeof(body) - 1);
	peer_open(&c, f);
	peer_post(&c, "a", body, zeros);
	peer_wait(&c, "401 Unauthorized");
	peer_wait(&c, "{\"error\":\"invalid signature\"}");
	assert_int_equal(f->diag.n, 1);
	assert_int_equal(f->diag.cause, REJECT_SIGNATURE);
	assert_int_equal(f->diag.body_len, sizeof(body) - 1);
	assert_int_equal(f->diag.size, sizeof(body) - 1);
	assert_null(strstr(f->diag.headers, "aGVtbGln"));
	assert_null(strstr(f->diag.headers, "private"));
	assert_null(strstr(f->diag.headers, "0000"));
	assert_non_null(strstr(f->diag.headers, "x-klikit-event-id: a\n"));
	peer_close(&c);
}

/* klikit's headers must be there and be names. */
static void
test_http_checks_the_headers_first(void **state)
{
	struct http_case *f = *state;
	struct peer c;
	char id[257] = "";

	peer_open(&c, f);
	peer_send(&c, "POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
		      "x-klikit-event-id: a\r\nx-klikit-event-type: \r\n"
		      "x-klikit-signature: b\r\nContent-Length: 0\r\n\r\n");
	peer_wait(&c, "400 Bad Request");
	peer_wait(&c, "{\"error\":\"missing klikit headers\"}");
	memset(id, 'a', 256);
	peer_post(&c, id, "{}", NULL);
	peer_wait(&c, "{\"error\":\"invalid klikit headers\"}");
	peer_post(&c, "caf\xc3\xa9", "{}", NULL);
	peer_wait(&c, "{\"error\":\"invalid klikit headers\"}");
	id[255] = '\0';
	peer_post(&c, id, "{}", NULL);
	peer_wait_pending(f, 1);
	peer_commit(f, INGEST_DUPLICATE, 1);
	peer_wait(&c, "200 OK");
	peer_close(&c);
}

/* Other paths are 404, other methods 405 with what is allowed. */
static void
test_http_knows_its_paths_and_methods(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_send(&c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait(&c, "200 OK");
	peer_wait(&c, "{\"status\":\"ok\"}");
	peer_send(&c, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait(&c, "200 OK");
	peer_wait(&c, "\r\n\r\n");
	peer_send(&c, "GET /webhooks/klikit HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait(&c, "405 Method Not Allowed");
	peer_wait(&c, "Allow: POST\r\n");
	peer_wait(&c, "{\"error\":\"method not allowed\"}");
	peer_send(&c, "PUT /else HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 3\r\n\r\nabc");
	peer_wait(&c, "404 Not Found");
	peer_wait(&c, "{\"error\":\"not found\"}");
	peer_close(&c);
}

/* The client is gone, and takes nothing that is sent from now on. */
static void
reset(struct peer *c)
{
	struct linger hard = { 1, 0 };

	assert_int_equal(setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET,
			     SO_LINGER, &hard, sizeof(hard)),
	    0);
	peer_close(c);
	peer_turn(c->f); /* from where libevent closes it */
}

/* A client gone before its commit costs nothing, and its jobs run. */
static void
test_http_outlives_a_client_gone_before_its_commit(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_post(&c, "a", "{}", NULL);
	peer_wait_pending(f, 1);
	reset(&c);
	peer_commit(f, INGEST_RECEIVED, 9);
	peer_wait_connections(f, 0);
	assert_int_equal(f->in.nanswered, 1);
	assert_int_equal(f->in.answered, 9);
}

/* An answer that was given but never left is told of once, too. */
static void
test_http_tells_of_an_answer_that_never_left(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_post(&c, "a", "{}", NULL);
	peer_wait_pending(f, 1);
	reset(&c);
	peer_commit(f, INGEST_RECEIVED, 11);
	assert_int_equal(f->in.nanswered, 0);
	http_free(f->http);
	f->http = NULL;
	assert_int_equal(f->in.nanswered, 1);
}

/* A drain closes what is idle and answers what is under way. */
static void
test_http_drains(void **state)
{
	struct http_case *f = *state;
	struct peer idle, busy;

	peer_open(&idle, f);
	peer_open(&busy, f);
	peer_post(&busy, "a", "{}", NULL);
	peer_wait_pending(f, 1);
	peer_wait_connections(f, 2);
	http_drain(f->http, drained_cb, f);
	assert_int_equal(f->drained, 0);
	peer_wait_eof(&idle);
	peer_commit(f, INGEST_RECEIVED, 3);
	peer_wait(&busy, "200 OK");
	peer_wait(&busy, "Connection: close");
	peer_wait(&busy, "{\"status\":\"received\"}");
	peer_wait_eof(&busy);
	while (f->drained == 0)
		peer_turn(f);
	assert_int_equal(http_connections(f->http), 0);
	assert_int_equal(f->drained, 1);
	peer_close(&idle);
	peer_close(&busy);
}

/* Without connections a drain ends at once, but not within the call. */
static void
test_http_drains_from_idle(void **state)
{
	struct http_case *f = *state;

	http_drain(f->http, drained_cb, f);
	assert_int_equal(f->drained, 0);
	while (f->drained == 0)
		peer_turn(f);
	assert_int_equal(f->drained, 1);
}

/* An address that cannot be had is told in one line. */
static void
test_http_listen_says_why_not(void **state)
{
	static const char *const bad[] = { "8080", ":80", "host:", "a:b",
		"1.2.3.4:65536", "[::1:80", "::1:80", "example.org:80" };
	struct http_case *f = *state;
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
#define HTTP_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
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
		HTTP_TEST(test_http_listen_says_why_not),
	};
#undef HTTP_TEST

	(void)signal(SIGPIPE, SIG_IGN); /* as the server does */
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
