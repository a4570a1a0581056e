#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/http_peer.h"

static void
drained_cb(void *arg)
{
	struct http_case *f = arg;

	f->drained++;
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
	peer_send(&c, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait(&c, "405 Method Not Allowed");
	peer_wait(&c, "Allow: POST\r\n");
	peer_wait(&c, "{\"error\":\"method not allowed\"}");
	peer_send(&c, "PUT /else HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 3\r\n\r\nabc");
	peer_wait(&c, "404 Not Found");
	peer_wait(&c, "{\"error\":\"not found\"}");
	peer_close(&c);
}

/* A drain closes what is idle and answers what is under way. */
static void
test_http_drains(void **state)
{
	struct http_case *f = *state;
	struct peer idle, busy;

	peer_open(&idle, f);
	peer_open(&busy, f);
	peer_post(&busy);
	peer_wait_kept(f, 1);
	peer_wait_connections(f, 2);
	http_drain(f->http, drained_cb, f);
	assert_int_equal(f->drained, 0);
	peer_wait_eof(&idle);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait(&busy, "200 OK");
	peer_wait(&busy, "Connection: close");
	peer_wait(&busy, "answered");
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

/* Why an address cannot be had is one line. */
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
		HTTP_TEST(test_http_knows_its_paths_and_methods),
		HTTP_TEST(test_http_drains),
		HTTP_TEST(test_http_drains_from_idle),
		HTTP_TEST(test_http_listen_says_why_not),
	};
#undef HTTP_TEST

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
