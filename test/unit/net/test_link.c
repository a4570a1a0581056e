/* A lasting connection: coming up, being up, going. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/fake_clock.h"
#include "test/lib/heap.h"
#include "test/lib/link_case.h"

/* -- Coming up -- */

/* Nothing is dialled before it is wanted. */
static void
test_link_connects_when_wanted(void **state)
{
	struct world *w = *state;

	world_settle(w);
	assert_int_equal(w->raw.naccepted, 0);
	assert_int_equal(link_state(w->l), LINK_DOWN);
	assert_int_equal(link_pause_ms(w->l), 0);
	assert_string_equal(link_peer(w->l), "");
	link_want(w->l);
	assert_int_equal(link_state(w->l), LINK_DOWN);
	world_logged_in(w);
	assert_int_equal(link_state(w->l), LINK_UP);
	assert_int_equal(w->greeted, 1);
	assert_int_equal(w->downs, 0);
	assert_int_equal(w->raw.naccepted, 1);
	link_want(w->l); /* it is there */
	world_settle(w);
	assert_int_equal(w->raw.naccepted, 1);
}

/* Its states have names. */
static void
test_link_states_have_names(void **state)
{
	(void)state;
	assert_string_equal(link_state_name(LINK_DOWN), "down");
	assert_string_equal(link_state_name(LINK_DIALING), "dialing");
	assert_string_equal(link_state_name(LINK_SHAKING), "shaking");
	assert_string_equal(link_state_name(LINK_LOGIN), "login");
	assert_string_equal(link_state_name(LINK_UP), "up");
}

/* Several lines at once, one line in pieces: all are read, in one connection.
 */
static void
test_link_reads_in_pieces(void **state)
{
	struct world *w = *state;

	world_greeted(w);
	raw_say(&w->raw, "one\ntwo\nYE");
	UNTIL(w, w->lines == 2);
	assert_int_equal(link_state(w->l), LINK_LOGIN);
	raw_say(&w->raw, "S\nthree\n");
	UNTIL(w, w->lines == 4);
	UNTIL(w, w->ups == 1);
}

/* -- Not coming up -- */

/* Who lets us not in is asked again after pauses that grow. */
static void
test_link_refused_is_no_hot_loop(void **state)
{
	struct world *w = *state;
	int64_t pause_ms, most_ms = 200, sum_ms = 0;

	w->want_again = true;
	for (unsigned i = 1; i <= 12; i++) {
		world_greeted(w);
		raw_say(&w->raw, "NO wrong password\n");
		UNTIL(w, w->downs == i);
		world_assert_ended(w, LINK_REFUSED, false, "it let us not in");
		assert_string_equal(w->detail, "wrong password");
		assert_int_equal(w->code, 403);
		pause_ms = link_pause_ms(w->l);
		assert_in_range(pause_ms, most_ms / 2, most_ms);
		sum_ms += pause_ms;
		most_ms = 2 * most_ms < 30000 ? 2 * most_ms : 30000;
		fake_clock_pass_ms(pause_ms - 1);
		world_settle(w);
		assert_int_equal(w->raw.naccepted, i);
		fake_clock_pass_ms(1);
	}
	assert_in_range(sum_ms, 12 * 100, 12 * 30000);
}

/* It stays down, and dials no more, unless it is wanted again. */
static void
test_link_stays_down_unless_wanted(void **state)
{
	struct world *w = *state;

	world_greeted(w);
	raw_hang_up(&w->raw, false);
	UNTIL(w, w->downs == 1);
	world_assert_ended(w, LINK_UNREACHABLE, false,
	    "@ closed the connection during the login");
	world_pass_pause(w);
	world_settle(w);
	assert_int_equal(link_pause_ms(w->l), 0);
	assert_int_equal(w->raw.naccepted, 1);
	world_logged_in(w);
	assert_null(link_last_failure(w->l));
}

/* The pauses begin anew once it has been up for a while, not sooner. */
static void
test_link_forgets_failures(void **state)
{
	struct world *w = *state;

	w->want_again = true;
	for (unsigned i = 1; i <= 8; i++) {
		world_logged_in(w);
		raw_hang_up(&w->raw, false);
		UNTIL(w, w->downs == i);
		world_assert_ended(w, LINK_LOST, true,
		    "@ closed the connection");
		world_pass_pause(w);
	}
	world_logged_in(w);
	fake_clock_pass_ms(20000);
	raw_hang_up(&w->raw, true);
	UNTIL(w, w->downs == 9);
	world_assert_ended(w, LINK_LOST, true,
	    "the connection to @ was lost: Connection reset by peer");
	assert_in_range(link_pause_ms(w->l), 100, 200);
}

/* By hand a pause is over at once, and those after it are short again. */
static void
test_link_is_hurried(void **state)
{
	struct world *w = *state;

	link_hurry(w->l); /* nobody wants it: nothing is dialled */
	world_settle(w);
	assert_int_equal(w->raw.naccepted, 0);
	w->want_again = true;
	for (unsigned i = 1; i <= 8; i++) {
		world_greeted(w);
		raw_say(&w->raw, "NO wrong password\n");
		UNTIL(w, w->downs == i);
		if (i < 8)
			world_pass_pause(w);
	}
	assert_true(link_pause_ms(w->l) > 10000);
	link_hurry(w->l);
	assert_int_equal(link_pause_ms(w->l), 0);
	world_greeted(w);
	raw_say(&w->raw, "NO wrong password\n");
	UNTIL(w, w->downs == 9);
	assert_in_range(link_pause_ms(w->l), 100, 200);
}

/* Nobody listens there. */
static void
test_link_is_not_connected(void **state)
{
	struct world *w = *state;
	char expected[128];
	unsigned port;
	int fd;

	port = far_refuse(&fd);
	world_use(w, "127.0.0.1", port, false);
	link_want(w->l);
	UNTIL(w, w->downs == 1);
	snprintf(expected, sizeof(expected),
	    "connection refused by 127.0.0.1:%u", port);
	world_assert_ended(w, LINK_UNREACHABLE, false, expected);
	assert_true(link_pause_ms(w->l) > 0);
	assert_false(w->left);
	assert_int_equal(close(fd), 0);
}

/* A connection that is never made ends with its time. */
static void
test_link_hangs_while_dialing(void **state)
{
	struct world *w = *state;
	char expected[128];
	int fds[FAR_STUCK_FDS];
	unsigned port = far_stuck(fds);

	world_use(w, "127.0.0.1", port, false);
	link_want(w->l);
	UNTIL(w, link_state(w->l) == LINK_DIALING);
	world_settle(w);
	fake_clock_pass_ms(CONNECT_MS - 1);
	world_settle(w);
	assert_int_equal(w->downs, 0);
	fake_clock_pass_ms(1);
	UNTIL(w, w->downs == 1);
	snprintf(expected, sizeof(expected),
	    "no connection to 127.0.0.1:%u within 6s", port);
	world_assert_ended(w, LINK_UNREACHABLE, false, expected);
	for (int i = 0; i < FAR_STUCK_FDS; i++)
		assert_int_equal(close(fds[i]), 0);
}

/* No name server speaks. */
static void
test_link_hangs_while_looking_up(void **state)
{
	struct world *w = *state;

	world_use(w, "two.test", w->raw.port, false);
	link_want(w->l);
	UNTIL(w, link_state(w->l) == LINK_DIALING);
	world_settle(w);
	fake_clock_pass_ms(CONNECT_MS);
	UNTIL(w, w->downs == 1);
	assert_int_equal(w->fault, LINK_UNREACHABLE);
	assert_memory_equal(w->reason, "no name server answered for two.test",
	    36);
}

/* A login without an answer ends with its time. */
static void
test_link_hangs_in_the_login(void **state)
{
	struct world *w = *state;

	world_greeted(w);
	fake_clock_pass_ms(CONNECT_MS - 1);
	world_settle(w);
	assert_int_equal(w->downs, 0);
	fake_clock_pass_ms(1);
	UNTIL(w, w->downs == 1);
	world_assert_ended(w, LINK_UNREACHABLE, false,
	    "login at @ not done within 6s");
	assert_int_equal(w->raw.naccepted, 1);
}

/* It may drag on, as long as it is done in time. */
static void
test_link_waits_for_a_slow_login(void **state)
{
	struct world *w = *state;

	world_greeted(w);
	for (int i = 0; i < 5; i++) {
		fake_clock_pass_ms(CONNECT_MS / 6);
		raw_say(&w->raw, "wait\n");
		UNTIL(w, w->lines == (unsigned)i + 1);
	}
	raw_say(&w->raw, "YES\n");
	UNTIL(w, w->ups == 1);
	fake_clock_pass_ms(CONNECT_MS);
	world_settle(w);
	assert_int_equal(w->downs, 0);
}

/* An address that answers nothing is left for another, and tried last. */
static void
test_link_tries_another_address(void **state)
{
	struct world *w = *state;

	w->c->speaks = true;
	world_use(w, "both.test", w->raw.port, false);
	world_greeted(w);
	fake_clock_pass_ms(CONNECT_MS / 3);
	UNTIL(w, w->greeted == 2);
	assert_int_equal(w->downs, 0);
	UNTIL(w, w->raw.naccepted == 2 && w->raw.got_len == 3);
	assert_string_equal(w->raw.got, "HI\n");
	/* There is no third one. */
	fake_clock_pass_ms(CONNECT_MS / 3);
	world_settle(w);
	assert_int_equal(w->greeted, 2);
	raw_say(&w->raw, "YES\n");
	UNTIL(w, w->ups == 1);
	assert_int_equal(w->downs, 0);
}

/* -- Being up -- */

/* What is written goes by itself, and one can see that it has. */
static void
test_link_writes(void **state)
{
	struct world *w = *state;
	uint64_t mark;

	assert_null(link_output(w->l));
	assert_int_equal(link_mark(w->l), 0);
	assert_false(link_has_left(w->l, 0));
	world_logged_in(w);
	mark = link_mark(w->l);
	assert_int_equal(mark, 3);
	assert_false(link_has_left(w->l, mark));
	assert_true(link_has_left(w->l, 2));
	evbuffer_add_printf(link_output(w->l), "ORDER\n");
	assert_int_equal(link_mark(w->l), 9);
	assert_false(link_has_left(w->l, mark));
	UNTIL(w, w->raw.got_len == 6);
	assert_string_equal(w->raw.got, "ORDER\n");
	assert_true(link_has_left(w->l, mark));
	assert_true(link_has_left(w->l, 8));
	assert_false(link_has_left(w->l, 9));
}

/* What stands behind a byte that has left may not have: that is exact. */
static void
test_link_knows_what_has_left(void **state)
{
	struct world *w = *state;
	const size_t much = (size_t)24 << 20; /* more than sockets hold */
	char *bytes = heap_alloc(much);

	world_logged_in(w);
	raw_stop_reading(&w->raw);
	w->mark = link_mark(w->l);
	assert_int_equal(evbuffer_add(link_output(w->l), bytes, much), 0);
	UNTIL(w, link_has_left(w->l, w->mark));
	world_settle(w);
	w->mark += much - 1;
	assert_false(link_has_left(w->l, w->mark));
	raw_hang_up(&w->raw, true);
	UNTIL(w, w->downs == 1);
	assert_false(w->left);
	free(bytes);
}

/* Also in down(), when some of it has. */
static void
test_link_knows_in_down(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	w->mark = link_mark(w->l);
	evbuffer_add_printf(link_output(w->l), "ORDER\n");
	UNTIL(w, w->raw.got_len == 6);
	raw_hang_up(&w->raw, true);
	UNTIL(w, w->downs == 1);
	assert_true(w->left);
}

/* Silence is broken by a question, and what comes is life. */
static void
test_link_asks_after_silence(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	for (unsigned i = 1; i <= 3; i++) {
		fake_clock_pass_ms(KEEPALIVE_MS - 1);
		world_settle(w);
		assert_int_equal(w->idles, i - 1);
		fake_clock_pass_ms(1);
		UNTIL(w, w->idles == i);
		UNTIL(w, w->raw.got_len == 5);
		assert_string_equal(w->raw.got, "PING\n");
		w->raw.got_len = 0;
		fake_clock_pass_ms(KEEPALIVE_MS - 1);
		world_settle(w);
		assert_int_equal(w->idles, i);
		raw_say(&w->raw, "PONG\n");
		UNTIL(w, w->lines == 1 + i);
	}
	assert_int_equal(w->downs, 0);
	/* Who speaks is not asked. */
	fake_clock_pass_ms(KEEPALIVE_MS / 2);
	world_settle(w);
	raw_say(&w->raw, "news\n");
	UNTIL(w, w->lines == 5);
	fake_clock_pass_ms(KEEPALIVE_MS / 2);
	world_settle(w);
	assert_int_equal(w->idles, 3);
}

/* Who does not answer for as long again is lost. */
static void
test_link_loses_the_silent(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	fake_clock_pass_ms(KEEPALIVE_MS);
	UNTIL(w, w->idles == 1);
	fake_clock_pass_ms(KEEPALIVE_MS - 1);
	world_settle(w);
	assert_int_equal(w->downs, 0);
	fake_clock_pass_ms(1);
	UNTIL(w, w->downs == 1);
	world_assert_ended(w, LINK_LOST, true,
	    "nothing has come from @ for 120s");
	UNTIL(w, w->raw.ended);
}

/* A machine that slept asks first. */
static void
test_link_asks_after_a_sleep(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	fake_clock_pass_ms(10 * KEEPALIVE_MS);
	UNTIL(w, w->idles == 1);
	world_settle(w);
	assert_int_equal(w->downs, 0);
}

/* What breaks the protocol: the first word counts. */
static void
test_link_breaks(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	raw_say(&w->raw, "BROKEN\nmore\n");
	UNTIL(w, w->downs == 1);
	world_assert_ended(w, LINK_BROKEN, true, "BROKEN is no line");
	assert_int_equal(w->lines, 2); /* YES, BROKEN */
	world_pass_pause(w);
	world_greeted(w);
	raw_say(&w->raw, "BAD\n");
	UNTIL(w, w->downs == 2);
	world_assert_ended(w, LINK_BROKEN, false,
	    "what it sends makes no sense");
}

/* A line without end is cut. */
static void
test_link_bounds_its_input(void **state)
{
	struct world *w = *state;
	char line[INPUT_MAX];

	memset(line, 'x', sizeof(line));
	world_logged_in(w);
	raw_send(&w->raw, line, sizeof(line) - 1);
	raw_send(&w->raw, "\n", 1);
	UNTIL(w, w->lines == 2);
	raw_send(&w->raw, line, sizeof(line));
	raw_send(&w->raw, line, 1);
	UNTIL(w, w->downs == 1);
	assert_int_equal(w->fault, LINK_BROKEN);
	assert_int_equal(w->lines, 2);
}

/* A farewell counts, though a reset follows it at once. */
static void
test_link_reads_a_farewell(void **state)
{
	struct world *w = *state;

	for (unsigned i = 1; i <= 2; i++) {
		world_logged_in(w);
		if (i == 2) /* then it is the writing that fails */
			evbuffer_add_printf(link_output(w->l), "ORDER\n");
		raw_say_and_reset(&w->raw, "AWAY\n");
		UNTIL(w, w->downs == i);
		world_assert_ended(w, LINK_REFUSED, true, "it sends us away");
		assert_int_equal(w->code, 320);
		assert_string_equal(w->detail, "");
		world_pass_pause(w);
	}
}

/* A call that was not answered takes it down. */
static void
test_link_drops(void **state)
{
	struct world *w = *state;

	link_drop(w->l, "ignored");
	world_logged_in(w);
	link_drop(w->l, "no answer within %ds", 5);
	assert_int_equal(w->downs, 0);
	UNTIL(w, w->downs == 1);
	world_assert_ended(w, LINK_LOST, true, "no answer within 5s");
	UNTIL(w, w->raw.ended);
	link_break(w->l, "ignored");
	link_up(w->l);
	world_settle(w);
	assert_int_equal(w->downs, 1);
}

/* -- Going -- */

/* In each state it can be freed; who is up says goodbye. */
static void
test_link_is_freed_in_each_state(void **state)
{
	struct world *w = *state;

	for (int s = LINK_DOWN; s <= LINK_UP; s++) {
		world_use(w, "127.0.0.1", w->raw.port, s == LINK_SHAKING);
		if (s != LINK_DOWN)
			link_want(w->l);
		if (s == LINK_UP)
			world_logged_in(w);
		UNTIL(w, link_state(w->l) == (enum link_state)s);
		link_free(w->l);
		w->l = NULL;
		world_settle(w);
	}
	assert_int_equal(w->leaves, 1);
	assert_int_equal(w->downs, 0);
	UNTIL(w, w->raw.ended);
	assert_string_equal(w->raw.got, "BYE\n");
}

/* Half a request is not followed by a goodbye. */
static void
test_link_leaves_without_a_word(void **state)
{
	struct world *w = *state;

	world_logged_in(w);
	evbuffer_add_printf(link_output(w->l), "ORDER\n");
	link_free(w->l);
	w->l = NULL;
	UNTIL(w, w->raw.ended);
	assert_int_equal(w->leaves, 0);
	assert_int_equal(w->raw.got_len, 0);
}

/* The protocol may free it from within its functions. */
static void
test_link_is_freed_from_within(void **state)
{
	struct world *w = *state;

	w->free_on = "DIE";
	world_logged_in(w);
	raw_say(&w->raw, "DIE\nDIE\n");
	UNTIL(w, w->raw.ended);
	assert_int_equal(w->leaves, 1);
	assert_int_equal(w->downs, 0);
	world_use(w, "127.0.0.1", w->raw.port, false);
	w->free_in_down = true;
	world_logged_in(w);
	raw_say(&w->raw, "AWAY\n");
	UNTIL(w, w->raw.ended);
	assert_int_equal(w->downs, 1);
	assert_null(w->l);
}

int
main(void)
{
#define LINK_TEST(f)                                                           \
	cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_link_connects_when_wanted),
		LINK_TEST(test_link_states_have_names),
		LINK_TEST(test_link_reads_in_pieces),
		LINK_TEST(test_link_refused_is_no_hot_loop),
		LINK_TEST(test_link_stays_down_unless_wanted),
		LINK_TEST(test_link_forgets_failures),
		LINK_TEST(test_link_is_hurried),
		LINK_TEST(test_link_is_not_connected),
		LINK_TEST(test_link_hangs_while_dialing),
		LINK_TEST(test_link_hangs_while_looking_up),
		LINK_TEST(test_link_hangs_in_the_login),
		LINK_TEST(test_link_waits_for_a_slow_login),
		LINK_TEST(test_link_tries_another_address),
		LINK_TEST(test_link_writes),
		LINK_TEST(test_link_knows_what_has_left),
		LINK_TEST(test_link_knows_in_down),
		LINK_TEST(test_link_asks_after_silence),
		LINK_TEST(test_link_loses_the_silent),
		LINK_TEST(test_link_asks_after_a_sleep),
		LINK_TEST(test_link_breaks),
		LINK_TEST(test_link_bounds_its_input),
		LINK_TEST(test_link_reads_a_farewell),
		LINK_TEST(test_link_drops),
		LINK_TEST(test_link_is_freed_in_each_state),
		LINK_TEST(test_link_leaves_without_a_word),
		LINK_TEST(test_link_is_freed_from_within),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
