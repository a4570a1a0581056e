#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/http_peer.h"

/* What stands before a bad request is answered, what is after it is not. */
static void
test_http_guard_answers_up_to_the_bad_request(void **state)
{
	struct http_case *f = *state;
	struct http_stats stats;
	struct peer c;

	peer_open(&c, f);
	peer_post(&c);
	peer_send(&c, "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n"
		      "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait_kept(f, 1);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait(&c, "answered");
	peer_wait(&c, "HTTP/1.1 400 Bad Request\r\n");
	peer_wait(&c, "Connection: close\r\n");
	peer_wait(&c, "{\"error\":\"bad request\"}");
	peer_wait_eof(&c);
	http_stats(f->http, &stats);
	assert_int_equal(stats.requests, 1);
	assert_int_equal(stats.cuts[HTTP_CUT_BAD], 1);
	assert_in_range(stats.unverified, 0, 1024); /* of its head */
	peer_close(&c);
	peer_wait_connections(f, 0);
	http_stats(f->http, &stats);
	assert_int_equal(stats.unverified, 0);
}

/* A request that takes too long is cut, and counts no longer. */
static void
test_http_guard_cuts_a_slow_request(void **state)
{
	struct http_case *f = *state;
	struct http_options opt = { .max_body = 65536,
		.max_connections = 16,
		.request_timeout_ms = 20,
		.idle_timeout_ms = 30000 };
	struct http_stats stats;
	struct peer c;

	http_set_limits(f->http, &opt);
	peer_open(&c, f);
	peer_send(&c, "POST /keep HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 5\r\n\r\nab");
	peer_wait(&c, "HTTP/1.1 408 Request Timeout");
	peer_wait(&c, "{\"error\":\"request timeout\"}");
	peer_wait_eof(&c);
	peer_wait_connections(f, 0);
	http_stats(f->http, &stats);
	assert_int_equal(stats.cuts[HTTP_CUT_TIME], 1);
	assert_int_equal(stats.unverified, 0);
	peer_close(&c);
}

/*
 * What is held counts as it is allocated while it comes, and no longer once it
 * is verified.
 */
static void
test_http_guard_counts_what_is_unverified(void **state)
{
	struct http_case *f = *state;
	struct http_stats stats;
	struct peer c;

	peer_open(&c, f);
	peer_send(&c, "POST /keep HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 4\r\n\r\nabc");
	do {
		peer_turn(f);
		http_stats(f->http, &stats);
	} while (stats.unverified == 0);
	assert_in_range(stats.unverified, 8192, 9000);
	peer_send(&c, "d");
	peer_wait_kept(f, 1);
	http_stats(f->http, &stats);
	assert_int_equal(stats.unverified, 0);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait(&c, "answered");
	peer_close(&c);
}

/* A client that was refused may close late; what it still says is dropped. */
static void
test_http_guard_drops_what_follows_a_refusal(void **state)
{
	struct http_case *f = *state;
	struct http_stats stats;
	struct peer c;

	peer_open(&c, f);
	peer_send(&c, "GET /healthz HTTP/1.1\r\n\r\n");
	peer_wait(&c, "400 Bad Request");
	for (int i = 0; i < 8; i++)
		peer_send(&c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait(&c, "{\"error\":\"bad request\"}");
	peer_wait_eof(&c);
	http_stats(f->http, &stats);
	assert_int_equal(stats.requests, 0);
	assert_int_equal(stats.cuts[HTTP_CUT_BAD], 1);
	peer_close(&c);
	peer_wait_connections(f, 0);
}

/* A client that was refused and talks on without end is cut. */
static void
test_http_guard_cuts_a_refused_client_that_talks_on(void **state)
{
	static char much[1024 * 1024];
	struct http_case *f = *state;
	struct peer c;

	memset(much, 'x', sizeof(much) - 1);
	peer_open(&c, f);
	peer_send(&c, "POST / HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait(&c, "411 Length Required");
	peer_send(&c, much);
	peer_wait_connections(f, 0);
	peer_close(&c);
}

int
main(void)
{
#define HTTP_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
	const struct CMUnitTest tests[] = {
		HTTP_TEST(test_http_guard_answers_up_to_the_bad_request),
		HTTP_TEST(test_http_guard_cuts_a_slow_request),
		HTTP_TEST(test_http_guard_counts_what_is_unverified),
		HTTP_TEST(test_http_guard_drops_what_follows_a_refusal),
		HTTP_TEST(test_http_guard_cuts_a_refused_client_that_talks_on),
	};
#undef HTTP_TEST

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
