/* How many calls a far side gets: all, one at a time, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/dispatch/gate.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"

/* End all calls under way with that verdict. */
static void
finish_all(struct world *w, enum handler_verdict verdict)
{
	for (size_t n = w->ncalls; n > 0; n--)
		world_finish(w, verdict);
	world_settle(w);
}

/* Five that fail in a row, of a backlog of a hundred. */
static struct world *
broken(void **state)
{
	struct world *w = world_outlet(state, HANDLER_RETRY, 1);

	world_add(w, 100, 1);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS);
	return (w);
}

/* Starts and calls together never exceed the concurrency. */
static void
test_concurrency_bounds_calls(void **state)
{
	struct world *w = world_outlet(state, HANDLER_PENDING, 3);

	world_add(w, 50, 1);
	for (int i = 0; i < 10; i++) {
		world_turn(w);
		assert_in_range(w->ncalls +
				    fake_store_waiting(w->st, FAKE_START),
		    0, 3);
		world_serve(w);
	}
	assert_int_equal(w->ncalls, 3);
	while (w->ncalls > 0)
		finish_all(w, HANDLER_DONE);
	assert_int_equal(w->calls_max, 3);
	assert_int_equal(world_count(w, JOB_DONE), 50);
	assert_int_equal(w->runs, 50);
}

/* A handler whose calls hang does not hold up another. */
static void
test_a_hanging_handler_holds_up_no_other(void **state)
{
	struct world *w = *state;

	w->outlets = 2;
	w->verdict = HANDLER_PENDING;
	world_add(w, 20, 2);
	world_handlers(w, 2, 0);
	world_settle(w);
	w->verdict = HANDLER_DONE;
	for (int i = 0; i < 10; i++)
		dispatch_open(w->d, world_arrive(w, 1));
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 10);
	assert_int_equal(w->ncalls, 4);
}

/* After five failures in a row one is tried at a time, now and then. */
static void
test_a_failing_handler_is_probed(void **state)
{
	struct world *w = broken(state);

	assert_int_equal(fake_log_count("warn handler h1: 5 calls failed in a "
					"row"),
	    1);
	for (size_t i = 1; i <= 10; i++) {
		fake_clock_pass_ms(4999);
		world_settle(w);
		assert_int_equal(w->runs, GATE_DOWN_CALLS + i - 1);
		fake_clock_pass_ms(1);
		world_settle(w);
		assert_int_equal(w->runs, GATE_DOWN_CALLS + i);
	}
	assert_int_equal(fake_log_count("calls failed in a row"), 1);
}

/* Failures with an answer between them are not in a row. */
static void
test_an_answer_ends_the_row(void **state)
{
	struct world *w = world_outlet(state, HANDLER_RETRY, 1);

	for (int i = 0; i < 4; i++) {
		w->verdict = HANDLER_RETRY;
		world_add(w, 4, 1);
		dispatch_look(w->d, 1);
		world_settle(w);
		w->verdict = HANDLER_DEAD; /* an answer, too */
		world_add(w, 1, 1);
		dispatch_look(w->d, 1);
		world_settle(w);
	}
	assert_int_equal(w->runs, 20);
	assert_int_equal(fake_log_count("in a row"), 0);
}

/* A probe under way is the only call, however long it takes. */
static void
test_one_probe_at_a_time(void **state)
{
	struct world *w = world_outlet(state, HANDLER_PENDING, 8);

	world_add(w, 100, 1);
	world_settle(w);
	finish_all(w, HANDLER_RETRY);
	w->calls_max = 0;
	fake_clock_pass_ms(5000);
	world_settle(w);
	assert_int_equal(w->ncalls, 1);
	fake_clock_pass_ms(60000);
	world_settle(w);
	assert_int_equal(w->ncalls, 1);
	assert_int_equal(w->calls_max, 1);
}

/* What answers again is called again, twice as much with each answer. */
static void
test_recovery_ramps_up(void **state)
{
	static const size_t ramp[] = { 1, 2, 4, 8, 8 };
	struct world *w = world_outlet(state, HANDLER_PENDING, 8);

	world_add(w, 200, 1);
	world_settle(w);
	finish_all(w, HANDLER_RETRY);
	fake_clock_pass_ms(5000);
	world_settle(w);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(w->ncalls, ramp[i]);
		world_finish(w, HANDLER_DONE);
		world_settle(w);
		while (i + 1 < 5 && w->ncalls > ramp[i + 1])
			world_finish(w, HANDLER_DONE);
	}
	assert_int_equal(fake_log_count("info handler h1: answers again"), 1);
	w->verdict = HANDLER_DONE;
	while (w->ncalls > 0)
		finish_all(w, HANDLER_DONE);
	fake_clock_pass_ms(60000);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 200);
}

/* A reload does not make a dead far side look alive. */
static void
test_probing_outlives_a_reload(void **state)
{
	struct world *w = broken(state);

	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS);
	fake_clock_pass_ms(5000);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 1);
}

/* Retry-After holds off the next probe as well. */
static void
test_retry_after_holds_off_probes(void **state)
{
	struct world *w = broken(state);

	w->result.retry_after_ms = 120000;
	fake_clock_pass_ms(5000);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 1);
	fake_clock_pass_ms(119999);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 1);
	fake_clock_pass_ms(1);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 2);
}

/* Who says to come back tomorrow is asked every hour all the same. */
static void
test_retry_after_holds_off_probes_an_hour_at_most(void **state)
{
	struct world *w = broken(state);

	w->result.retry_after_ms = INT64_C(86400000);
	fake_clock_pass_ms(5000);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 1);
	dispatch_open(w->d, world_arrive(w, 1));
	fake_clock_pass_ms(3599999);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 1);
	fake_clock_pass_ms(1);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 2);
}

/* Whoever retries or resumes by hand wants to see it tried now. */
static void
test_by_hand_a_probe_is_made_at_once(void **state)
{
	struct world *w = broken(state);

	dispatch_look(w->d, 1);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 1);
	dispatch_pause(w->d, 1, true);
	dispatch_pause(w->d, 1, false);
	world_settle(w);
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 2);
	world_settle(w); /* one, and not the backlog */
	assert_int_equal(w->runs, GATE_DOWN_CALLS + 2);
}

/* Paused, nothing is started; calls under way end; then it goes on. */
static void
test_a_paused_handler_starts_nothing(void **state)
{
	struct world *w = world_outlet(state, HANDLER_PENDING, 2);

	world_add(w, 20, 1);
	world_settle(w);
	dispatch_pause(w->d, 1, true);
	finish_all(w, HANDLER_RETRY);
	dispatch_open(w->d, world_arrive(w, 1));
	fake_clock_pass_ms(600000);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	assert_int_equal(world_count(w, JOB_WAITING), 2);
	dispatch_pause(w->d, 7, true); /* of no handler */
	assert_int_equal(w->hurries, 0);

	w->verdict = HANDLER_DONE;
	dispatch_pause(w->d, 1, false);
	assert_int_equal(w->hurries, 1); /* nor does its connection wait */
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 21);
	assert_int_equal(fake_log_count("info handler h1: paused"), 1);
	assert_int_equal(fake_log_count("info handler h1: goes on"), 1);
}

/* A handler that the store has as paused is paused from the start. */
static void
test_a_handler_may_be_paused_from_the_start(void **state)
{
	struct world *w = *state;

	world_add(w, 5, 1);
	w->paused = true;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	w->paused = false;
	world_handlers(w, 1, 0); /* a reload changes nothing */
	world_settle(w);
	assert_int_equal(w->runs, 0);
	dispatch_pause(w->d, 1, false);
	world_settle(w);
	assert_int_equal(w->runs, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_concurrency_bounds_calls),
		world_test(test_a_hanging_handler_holds_up_no_other),
		world_test(test_a_failing_handler_is_probed),
		world_test(test_an_answer_ends_the_row),
		world_test(test_one_probe_at_a_time),
		world_test(test_recovery_ramps_up),
		world_test(test_probing_outlives_a_reload),
		world_test(test_retry_after_holds_off_probes),
		world_test(test_retry_after_holds_off_probes_an_hour_at_most),
		world_test(test_by_hand_a_probe_is_made_at_once),
		world_test(test_a_paused_handler_starts_nothing),
		world_test(test_a_handler_may_be_paused_from_the_start),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
