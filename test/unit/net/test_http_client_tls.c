/* What comes before the request when there is TLS: here a fake of it. */
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/client_case.h"
#include "test/lib/fake_tls.h"
#include "test/lib/heap.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SOON_MS 60              /* a limit that is to be reached */
#define LATER_MS 1000           /* when MUCH has begun to leave */
#define MUCH ((size_t)24 << 20) /* more than sockets hold */

static int
setup(void **state)
{
	struct client_case *c;

	client_setup(state);
	c = *state;
	c->far.shake = FAR_SHAKE;
	client_use_tls(c, "localhost", c->far.port);
	return (0);
}

static void
assert_not_sent(const struct client_case *c, const char *before,
    const char *after)
{
	char expected[HANDLER_REASON_MAX];

	snprintf(expected, sizeof(expected), "%s 127.0.0.1:%u%s", before,
	    c->far.port, after);
	assert_failed(c, HTTP_CLIENT_NOT_SENT, expected);
	assert_int_equal(c->far.nrequests, 0);
}

/* The connector is told the name; then it is as without TLS. */
static void
test_http_client_posts_by_tls(void **state)
{
	struct client_case *c = *state;

	for (int i = 0; i < 3; i++) {
		client_play(c, FAR_ANSWER, OK);
		assert_answered(c, 200, "ok");
	}
	assert_string_equal(c->host, "localhost");
	assert_int_equal(c->far.nrequests, 3);
	assert_int_equal(c->far.naccepted, 1);
	assert_int_equal(fake_tls_leaves, 0);
	client_use_tls(c, "localhost", c->far.port); /* closes the other */
	assert_int_equal(fake_tls_leaves, 1);
}

/* A handshake that hangs is what the deadline names. */
static void
test_http_client_is_late_in_the_handshake(void **state)
{
	struct client_case *c = *state;

	c->far.shake = FAR_SHAKE_SLOW;
	assert_non_null(client_post_bytes(c, 5, SOON_MS));
	client_wait(c, 1);
	assert_not_sent(c, "TLS handshake with", " not done within 40ms");
	client_settle(c);
	assert_int_equal(c->far.nopen, 0);
}

/* Why TLS failed is told, and no other address is tried. */
static void
test_http_client_names_the_failure(void **state)
{
	struct client_case *c = *state;

	c->far.shake = FAR_SHAKE_REFUSE;
	client_post(c);
	client_wait(c, 1);
	assert_not_sent(c, "no TLS with", ": " FAKE_TLS_REFUSED);
	client_settle(c);
	assert_int_equal(c->far.naccepted, 1);
	assert_int_equal(c->far.nopen, 0);
}

/* So is a far side that closes in the midst of the handshake. */
static void
test_http_client_is_closed_in_the_handshake(void **state)
{
	struct client_case *c = *state;

	c->far.shake = FAR_SHAKE_CLOSE;
	client_post(c);
	client_wait(c, 1);
	assert_not_sent(c, "no TLS with", ": " FAKE_TLS_CLOSED);
	client_post(c);
	while (c->far.nopen == 0)
		event_base_loop(c->env.base, EVLOOP_ONCE);
	far_hang_up(&c->far, true);
	client_wait(c, 2);
	assert_int_equal(c->answer.end, HTTP_CLIENT_NOT_SENT);
	assert_memory_equal(c->reason, "no TLS with 127.0.0.1:", 22);
}

/* An address whose handshake hangs is left for another one. */
static void
test_http_client_leaves_a_hanging_handshake(void **state)
{
	struct client_case *c = *state;
	unsigned before;

	c->speaks = true;
	c->far.shake = FAR_SHAKE_SLOW;
	far_play(&c->far, FAR_ANSWER, OK);
	client_use_tls(c, "both.test", c->far.port);
	assert_non_null(client_post_bytes(c, 5, 3000));
	while (c->far.naccepted < 1)
		event_base_loop(c->env.base, EVLOOP_ONCE);
	client_settle(c);         /* the hello has been read */
	c->far.shake = FAR_SHAKE; /* the second one does it */
	before = c->far.naccepted;
	client_wait(c, 1);
	assert_answered(c, 200, "ok");
	assert_int_equal(c->far.naccepted, before + 1);
	assert_int_equal(c->far.nrequests, 1);
}

/* A port where nobody listens is refused as ever. */
static void
test_http_client_is_refused_without_a_handshake(void **state)
{
	struct client_case *c = *state;

	client_use_tls(c, "127.0.0.1", 1);
	client_post(c);
	client_wait(c, 1);
	assert_failed(c, HTTP_CLIENT_NOT_SENT,
	    "connection refused by 127.0.0.1:1");
}

/* Once bytes of the request have left, nobody knows. */
static void
test_http_client_knows_what_left_by_tls(void **state)
{
	struct client_case *c = *state;
	char expected[64];

	client_play(c, FAR_CLOSE, "");
	assert_failed(c, HTTP_CLIENT_UNKNOWN,
	    "the connection was lost before the answer");
	far_play(&c->far, FAR_ANSWER, "");
	assert_non_null(client_post_bytes(c, 5, SOON_MS));
	client_wait(c, 2);
	assert_failed(c, HTTP_CLIENT_UNKNOWN, "no answer within 60ms");
	client_play(c, FAR_ANSWER, OK);
	far_play(&c->far, FAR_DEAF, "");
	assert_non_null(client_post_bytes(c, MUCH, LATER_MS));
	client_wait(c, 4);
	snprintf(expected, sizeof(expected),
	    "127.0.0.1:%u did not take the request within 1s", c->far.port);
	assert_failed(c, HTTP_CLIENT_UNKNOWN, expected);
	far_hang_up(&c->far, false);
}

/* A kept connection that is lost before anything left is replaced. */
static void
test_http_client_tries_anew_by_tls(void **state)
{
	struct client_case *c = *state;

	client_play(c, FAR_ANSWER, OK);
	far_hang_up(&c->far, false);
	client_settle(c);
	client_post(c);
	client_wait(c, 2);
	assert_answered(c, 200, "ok");
	client_post(c);
	far_hang_up(&c->far, true);
	client_wait(c, 3);
	assert_answered(c, 200, "ok");
	assert_int_equal(c->far.nrequests, 3);
	assert_int_equal(c->far.naccepted, 3);
}

/* Given up at any time, nothing is left. */
static void
test_http_client_is_cancelled_in_the_handshake(void **state)
{
	struct client_case *c = *state;
	struct http_client_call *call;

	for (unsigned turns = 0; turns < 8; turns++) {
		call = client_post(c);
		for (unsigned i = 0; i < turns; i++)
			event_base_loop(c->env.base, EVLOOP_NONBLOCK);
		http_client_cancel(call);
		client_settle(c);
		assert_int_equal(c->ndone, 0);
		assert_int_equal(c->far.nopen, 0);
	}
}

/* Wherever memory ends: no call, or one that ends exactly once. */
static void
test_http_client_runs_out_of_memory_by_tls(void **state)
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
		client_use_tls(c, "127.0.0.1", c->far.port);
		client_settle(c);
	}
	assert_answered(c, 200, "ok");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_http_client_posts_by_tls),
		CASE(test_http_client_is_late_in_the_handshake),
		CASE(test_http_client_names_the_failure),
		CASE(test_http_client_is_closed_in_the_handshake),
		CASE(test_http_client_leaves_a_hanging_handshake),
		CASE(test_http_client_is_refused_without_a_handshake),
		CASE(test_http_client_knows_what_left_by_tls),
		CASE(test_http_client_tries_anew_by_tls),
		CASE(test_http_client_is_cancelled_in_the_handshake),
		CASE(test_http_client_runs_out_of_memory_by_tls),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
