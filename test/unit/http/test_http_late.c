/* An answer that leaves later: not before its time, in turn, and bounded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "server/http/http_late.h"
#include "test/lib/fake_clock.h"
#include "test/lib/http_peer.h"

/* What has come to the route, and the body's length after it was let go. */
static struct {
	unsigned n;
	size_t body;
} came;

static void
late_run(struct http_request *r, void *arg)
{
	(void)arg;
	came.n++;
	http_request_finish_late(r, 401, "{\"late\":true}");
	came.body = evbuffer_get_length(http_request_body(r));
}

static int
setup(void **state)
{
	static const struct http_route routes[] = { { "/late", HTTP_POST,
	    late_run, NULL, false } };
	struct http_case *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	memset(&came, 0, sizeof(came));
	fake_clock_reset();
	peer_begin(f);
	peer_listen(f, routes, 1);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	peer_end(*state);
	free(*state);
	return (0);
}

static void
wait_come(struct http_case *f, unsigned n)
{
	while (came.n < n)
		peer_turn(f);
}

static void
post(struct peer *c)
{
	peer_send(c,
	    "POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
}

/* Nothing has come back in a few turns of the loop. */
static void
assert_silent(const struct peer *c)
{
	for (unsigned i = 0; i < 5; i++)
		(void)event_base_loop(c->f->base, EVLOOP_NONBLOCK);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(c->bev)), 0);
}

/* Each of three on one connection waits its time; its body does not. */
static void
test_an_answer_does_not_leave_before_its_time(void **state)
{
	struct peer c;

	peer_open(&c, *state);
	for (unsigned i = 1; i <= 3; i++)
		post(&c);
	for (unsigned i = 1; i <= 3; i++) {
		wait_come(*state, i);
		assert_int_equal(came.body, 0);
		fake_clock_pass_ms(HTTP_LATE_MS - 1);
		assert_silent(&c);
		fake_clock_pass_ms(1);
		peer_wait(&c, "401 Unauthorized\r\n");
		peer_wait(&c, "{\"late\":true}");
	}
	assert_int_equal(came.n, 3);
	peer_close(&c);
}

/* A client that goes meanwhile, which nobody sees yet, holds up no other. */
static void
test_who_goes_holds_up_no_other(void **state)
{
	struct http_case *f = *state;
	struct peer gone, stays;

	peer_open(&gone, f);
	peer_open(&stays, f);
	post(&gone);
	post(&stays);
	wait_come(f, 2);
	peer_reset(&gone);
	fake_clock_pass_ms(HTTP_LATE_MS);
	peer_wait(&stays, "{\"late\":true}");
	peer_close(&stays);
	peer_wait_connections(f, 0);
}

/* Beyond so many the first is answered when one more comes. */
static void
test_no_more_wait_than_there_may(void **state)
{
	const struct http_options opt = { .max_body = 100,
		.max_connections = 2 * HTTP_LATE_MAX,
		.request_timeout_ms = 30000,
		.idle_timeout_ms = 30000 };
	struct http_case *f = *state;
	struct peer c[HTTP_LATE_MAX + 1];

	http_set_limits(f->http, &opt);
	for (unsigned i = 0; i < HTTP_LATE_MAX; i++) {
		peer_open(&c[i], f);
		post(&c[i]);
		wait_come(f, i + 1);
	}
	assert_silent(&c[0]);
	peer_open(&c[HTTP_LATE_MAX], f);
	post(&c[HTTP_LATE_MAX]);
	peer_wait(&c[0], "{\"late\":true}");
	assert_silent(&c[1]);
	assert_silent(&c[HTTP_LATE_MAX]);
	for (unsigned i = 0; i <= HTTP_LATE_MAX; i++)
		peer_close(&c[i]);
}

/* A listener that ends leaves none behind. */
static void
test_a_listener_may_end_meanwhile(void **state)
{
	struct peer c;

	peer_open(&c, *state);
	post(&c);
	wait_come(*state, 1);
	peer_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_an_answer_does_not_leave_before_its_time, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_who_goes_holds_up_no_other,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_no_more_wait_than_there_may, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_listener_may_end_meanwhile, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
