/* Every way in which there is no answer, and every moment to give up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/client_case.h"
#include "test/lib/heap.h"
#include "test/lib/raw_side.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SOON_MS 60              /* a limit that is to be reached */
#define MUCH ((size_t)24 << 20) /* more than sockets hold */
#define HEAD "HTTP/1.1 200 OK\r\n"

/* -- Not sent -- */

/* Refused means that nothing was sent. */
static void
test_http_client_is_refused(void **state)
{
	struct client_case *c = *state;
	char expected[64];
	unsigned port;
	int fd;

	port = far_refuse(&fd);
	client_use(c, "127.0.0.1", port, 4);
	client_post(c);
	client_wait(c, 1);
	snprintf(expected, sizeof(expected),
	    "connection refused by 127.0.0.1:%u", port);
	assert_failed(c, HTTP_CLIENT_NOT_SENT, expected);
	client_use(c, "::1", port, 4);
	client_post(c);
	client_wait(c, 2);
	assert_int_equal(c->answer.end, HTTP_CLIENT_NOT_SENT);
	close(fd);
}

/* What the system refuses to reach fails at once, but not within post(). */
static void
test_http_client_cannot_reach(void **state)
{
	struct client_case *c = *state;

	client_use(c, "255.255.255.255", 9, 4);
	client_post(c);
	client_wait(c, 1);
	assert_int_equal(c->answer.end, HTTP_CLIENT_NOT_SENT);
	assert_memory_equal(c->reason,
	    "no connection to 255.255.255.255:9: ", 36);
}

/* Numeric hosts and localhost need no name server. */
static void
test_http_client_knows_localhost(void **state)
{
	struct client_case *c = *state;

	client_use(c, "localhost", c->far.port, 4);
	client_play(c, FAR_ANSWER, OK);
	assert_answered(c, 200, "ok");
}

/* A name that does not exist is not tried for long. */
static void
test_http_client_finds_no_host(void **state)
{
	struct client_case *c = *state;

	c->speaks = true;
	client_use(c, "none.test", 80, 4);
	client_post(c);
	client_wait(c, 1);
	assert_failed(c, HTTP_CLIENT_NOT_SENT, "no such host: none.test");
}

/* Of several addresses the next one is tried where one refuses. */
static void
test_http_client_tries_the_next_address(void **state)
{
	struct client_case *c = *state;

	c->speaks = true;
	client_use(c, "two.test", c->far.port, 4);
	client_play(c, FAR_ANSWER, OK);
	assert_answered(c, 200, "ok");
	assert_string_equal(c->host, "two.test");
	client_use(c, "two.test", 1, 4);
	client_post(c);
	client_wait(c, 2);
	assert_failed(c, HTTP_CLIENT_NOT_SENT,
	    "connection refused by 127.0.0.1:1");
}

/* -- Nobody knows -- */

/* A connection that ends after the request says nothing about its effect. */
static void
test_http_client_loses_the_connection(void **state)
{
	static const char lost[] = "the connection was lost before the answer";
	struct client_case *c = *state;

	client_play(c, FAR_CLOSE, "");
	assert_failed(c, HTTP_CLIENT_UNKNOWN, lost);
	client_play(c, FAR_RESET, "");
	assert_failed(c, HTTP_CLIENT_UNKNOWN, lost);
	client_play(c, FAR_CLOSE, "HTTP/1.1 200");
	assert_failed(c, HTTP_CLIENT_UNKNOWN, lost);
	assert_int_equal(c->far.nrequests, 3);
}

/* Once the request is sent on a kept connection, it is not sent again. */
static void
test_http_client_repeats_nothing(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER, OK);
	client_play(c, FAR_CLOSE, "");
	assert_failed(c, HTTP_CLIENT_UNKNOWN,
	    "the connection was lost before the answer");
	assert_int_equal(c->far.nrequests, 2);
	assert_int_equal(c->far.naccepted, 1);
}

/* What is not HTTP is said to be so. */
static void
test_http_client_is_answered_nonsense(void **state)
{
	static const char *const texts[] = { "SSH-2.0-x\r\n\r\n",
		"HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"HTTP/1.1 700 X\r\n\r\n", "HTTP/1.1 -200 X\r\n\r\n",
		"HTTP/1.1 2000 X\r\n\r\n", "\r\n\r\n" };
	struct client_case *c = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		client_play(c, FAR_ANSWER, texts[i]);
		assert_failed(c, HTTP_CLIENT_UNKNOWN,
		    "what answered is not HTTP");
	}
	client_settle(c);
	assert_int_equal(c->far.nopen, 0);
}

/* Neither a head nor a stream of 100s may go on for ever. */
static void
test_http_client_cuts_an_endless_head(void **state)
{
	struct client_case *c = *state;
	char *text = malloc(80000);
	int n;

	n = sprintf(text, "HTTP/1.1 100 Continue\r\nX: ");
	memset(text + n, 'x', 70000);
	text[n + 70000] = '\0';
	client_play(c, FAR_ANSWER, text);
	assert_failed(c, HTTP_CLIENT_UNKNOWN, "what answered is not HTTP");
	client_play(c, FAR_ENDLESS, "HTTP/1.1 100 Continue\r\n");
	assert_failed(c, HTTP_CLIENT_UNKNOWN, "what answered is not HTTP");
	client_play(c, FAR_ENDLESS, HEAD); /* its status is known */
	assert_answered(c, 200, "");
	free(text);
}

/* -- Too late -- */

static void
late(struct client_case *c, size_t len, enum http_client_end end,
    const char *reason)
{
	unsigned n = c->ndone;

	assert_non_null(client_post_bytes(c, len, SOON_MS));
	client_wait(c, n + 1);
	assert_failed(c, end, reason);
	client_settle(c);
	assert_int_equal(c->far.nopen, 0);
}

/* A name server that keeps silent. */
static void
test_http_client_is_late_in_lookup(void **state)
{
	struct client_case *c = *state;

	client_use(c, "none.test", 80, 4);
	late(c, 5, HTTP_CLIENT_NOT_SENT,
	    "no name server answered for none.test within 20 ms");
}

/* A connection that is never made. */
static void
test_http_client_is_late_in_connect(void **state)
{
	struct client_case *c = *state;
	int fds[FAR_STUCK_FDS];
	char expected[64];
	unsigned port;

	port = far_stuck(fds);
	snprintf(expected, sizeof(expected),
	    "no connection to 127.0.0.1:%u within 40ms", port);
	client_use(c, "127.0.0.1", port, 4);
	late(c, 5, HTTP_CLIENT_NOT_SENT, expected);
	for (int i = 0; i < FAR_STUCK_FDS; i++)
		close(fds[i]);
}

/* A request that is not taken, but for a part; then the same by a kept one. */
static void
test_http_client_is_late_in_send(void **state)
{
	struct client_case *c = *state;
	char expected[64];

	snprintf(expected, sizeof(expected),
	    "127.0.0.1:%u did not take the request within 60ms", c->far.port);
	for (unsigned i = 0; i < 2; i++) {
		if (i == 1)
			client_play(c, FAR_ANSWER, OK);
		far_play(&c->far, FAR_DEAF, "");
		assert_non_null(client_post_bytes(c, MUCH, SOON_MS));
		client_wait(c, 2 * i + 1);
		assert_failed(c, HTTP_CLIENT_UNKNOWN, expected);
		far_hang_up(&c->far, false);
	}
	assert_int_equal(c->far.naccepted, 2);
}

/* An answer that does not come, or not whole. */
static void
test_http_client_is_late_in_the_answer(void **state)
{
	struct client_case *c = *state;

	far_play(&c->far, FAR_ANSWER, "");
	late(c, 5, HTTP_CLIENT_UNKNOWN, "no answer within 60ms");
	far_play(&c->far, FAR_ANSWER, "HTTP/1.1 2");
	late(c, 5, HTTP_CLIENT_UNKNOWN, "no complete answer within 60ms");
	far_play(&c->far, FAR_ANSWER, "HTTP/1.1 100 Continue\r\n\r\n");
	late(c, 5, HTTP_CLIENT_UNKNOWN, "no complete answer within 60ms");
	far_play(&c->far, FAR_ANSWER, HEAD "Content-Length: 9\r\n\r\nabc");
	assert_non_null(client_post_bytes(c, 5, SOON_MS));
	client_wait(c, 4);
	assert_answered(c, 200, "abc");
	assert_int_equal(c->far.nrequests, 4);
}

/* -- Cancelled -- */

static void
assert_cancelled(struct client_case *c, struct http_client_call *call)
{
	http_client_cancel(call);
	client_settle(c);
	assert_int_equal(c->ndone, 0);
	assert_int_equal(c->far.nopen, 0);
}

/* Before anything has happened, and while a name is looked up. */
static void
test_http_client_is_cancelled_in_lookup(void **state)
{
	struct client_case *c = *state;

	assert_cancelled(c, client_post(c));
	client_use(c, "none.test", 80, 4);
	assert_cancelled(c, client_post(c));
	c->speaks = true;
	assert_cancelled(c, client_post(c));
}

/* While it connects. */
static void
test_http_client_is_cancelled_in_connect(void **state)
{
	struct client_case *c = *state;
	struct http_client_call *call;
	int fds[FAR_STUCK_FDS];

	client_use(c, "127.0.0.1", far_stuck(fds), 4);
	call = client_post(c);
	client_settle(c);
	assert_cancelled(c, call);
	for (int i = 0; i < FAR_STUCK_FDS; i++)
		close(fds[i]);
}

/* While it sends. */
static void
test_http_client_is_cancelled_in_send(void **state)
{
	struct client_case *c = *state;
	struct http_client_call *call;

	far_play(&c->far, FAR_DEAF, "");
	call = client_post_bytes(c, MUCH, 600000);
	client_settle(c);
	http_client_cancel(call);
	client_settle(c);
	assert_int_equal(c->ndone, 0);
	far_hang_up(&c->far, false);
}

/* While it waits, in the middle of an answer, on a kept connection. */
static void
test_http_client_is_cancelled_in_the_answer(void **state)
{
	static const char *const texts[] = { "", HEAD,
		HEAD "Content-Length: 9\r\n\r\nabc",
		HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" };
	struct client_case *c = *state;
	struct http_client_call *call;

	for (unsigned i = 0; i < 4; i++) {
		far_play(&c->far, FAR_ANSWER, texts[i]);
		call = client_post(c);
		client_wait_requests(c, i + 1);
		client_settle(c);
		assert_cancelled(c, call);
	}
	client_play(c, FAR_ANSWER, OK);
	c->ndone = 0;
	assert_cancelled(c, client_post(c));
}

/* -- Answered while it is being sent -- */

/* A status that has come counts, though writing fails on the reset behind it.
 */
static void
test_http_client_reads_before_a_reset(void **state)
{
	struct client_case *c = *state;
	struct raw_side raw;

	raw_open(&raw, c->env.base);
	raw.deaf = true;
	client_use(c, "127.0.0.1", raw.port, 4);
	assert_non_null(client_post_bytes(c, (size_t)24 << 20, 600000));
	while (raw.bev == NULL)
		event_base_loop(c->env.base, EVLOOP_ONCE);
	client_settle(c); /* the sockets are full */
	raw_say_and_reset(&raw,
	    "HTTP/1.1 413 Large\r\nContent-Length: 3\r\n\r\nbig");
	client_wait(c, 1);
	assert_answered(c, 413, "big");
	raw_close(&raw);
}

/* -- Out of memory -- */

/* Wherever memory ends: no call, or one that ends exactly once. */
static void
test_http_client_runs_out_of_memory(void **state)
{
	struct client_case *c = *state;
	size_t left = 0;

	far_play(&c->far, FAR_ANSWER, OK);
	for (size_t n = 0; left == 0; n++) {
		struct http_client_call *call;
		unsigned ndone = c->ndone;

		heap_fail(n, 1);
		call = client_post_bytes(c, 5, 600000);
		if (call != NULL)
			client_wait(c, ndone + 1);
		left = heap_heal();
		if (left == 0 && call != NULL)
			assert_failed(c, HTTP_CLIENT_NOT_SENT, "out of memory");
		client_use(c, "127.0.0.1", c->far.port, 4);
		client_settle(c);
	}
	assert_answered(c, 200, "ok");
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_http_client_is_refused),
		CASE(test_http_client_cannot_reach),
		CASE(test_http_client_knows_localhost),
		CASE(test_http_client_finds_no_host),
		CASE(test_http_client_tries_the_next_address),
		CASE(test_http_client_loses_the_connection),
		CASE(test_http_client_repeats_nothing),
		CASE(test_http_client_is_answered_nonsense),
		CASE(test_http_client_cuts_an_endless_head),
		CASE(test_http_client_is_late_in_lookup),
		CASE(test_http_client_is_late_in_connect),
		CASE(test_http_client_is_late_in_send),
		CASE(test_http_client_is_late_in_the_answer),
		CASE(test_http_client_is_cancelled_in_lookup),
		CASE(test_http_client_is_cancelled_in_connect),
		CASE(test_http_client_is_cancelled_in_send),
		CASE(test_http_client_is_cancelled_in_the_answer),
		CASE(test_http_client_reads_before_a_reset),
		CASE(test_http_client_runs_out_of_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
