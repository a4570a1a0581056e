/* Jumps of the wall clock: no wait is cut short, none lasts for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"

#define DAY_MS INT64_C(86400000)

/* Jobs that have failed once and wait, about 5 s. */
static struct world *
waiting(void **state, size_t n)
{
	struct world *w = *state;

	w->verdict = HANDLER_RETRY;
	world_add(w, n, 1);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->runs, n);
	assert_int_equal(world_count(w, JOB_WAITING), n);
	w->verdict = HANDLER_DONE;
	return (w);
}

/* The clock jumps by so much: the waits last what they last. */
static void
assert_waits_hold(void **state, int64_t jump_ms)
{
	struct world *w = waiting(state, 3);

	fake_clock_jump_ms(jump_ms);
	world_settle(w);
	dispatch_open(w->d, world_arrive(w, 1)); /* has the store looked at */
	fake_clock_pass_ms(4400);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_WAITING), 3);
	fake_clock_pass_ms(1200);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 4);
	assert_int_equal(fake_log_count("dead"), 0);
}

static void
test_a_day_back_changes_no_wait(void **state)
{
	assert_waits_hold(state, -DAY_MS);
}

static void
test_a_day_ahead_changes_no_wait(void **state)
{
	assert_waits_hold(state, DAY_MS);
}

/* As many as there are: those beyond what is kept in memory, too. */
static void
test_waits_beyond_memory_hold_too(void **state)
{
	size_t n = DISPATCH_WAITS_MAX + 500;
	struct world *w = waiting(state, n);

	fake_clock_jump_ms(DAY_MS);
	fake_clock_pass_ms(4400);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 0);
	fake_clock_jump_ms(-2 * DAY_MS);
	fake_clock_pass_ms(1200);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), n);
	assert_int_equal(w->runs, 2 * n);
}

/* A jump does not make jobs old that came before it, or after. */
static void
test_a_jump_makes_no_job_old(void **state)
{
	struct world *w = waiting(state, 1);

	w->verdict = HANDLER_RETRY;
	fake_clock_jump_ms(DAY_MS);
	fake_clock_pass_ms(6000);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	assert_int_equal(w->jobs[0].state, JOB_WAITING);
	fake_clock_jump_ms(-2 * DAY_MS);
	fake_clock_pass_ms(40000);
	world_settle(w);
	assert_int_equal(w->runs, 3);
	assert_int_equal(w->jobs[0].state, JOB_WAITING);
	fake_clock_jump_ms(DAY_MS);
	fake_clock_pass_ms(WORLD_MAX_AGE_MS);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DEAD);
}

/* Due times that no wait can have made come from another clock: due now. */
static void
test_a_due_time_of_another_clock_is_not_believed(void **state)
{
	struct world *w = *state;

	world_add(w, 300, 1);
	for (size_t i = 0; i < 300; i++) {
		w->jobs[i].state = JOB_WAITING;
		w->jobs[i].due_ms =
		    FAKE_CLOCK_START_MS + DAY_MS + (int64_t)i * 7000;
	}
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 300);
	assert_int_equal(w->runs, 300);
}

/* A due time that can be true is waited for, at the start as well. */
static void
test_a_due_time_that_can_be_true_is_believed(void **state)
{
	struct world *w = *state;

	w->alarm_max_ms = DAY_MS;
	world_add(w, 1, 1);
	w->jobs[0].state = JOB_WAITING;
	w->jobs[0].due_ms = FAKE_CLOCK_START_MS + DAY_MS;
	world_handlers(w, 1, 0);
	world_settle(w);
	fake_clock_pass_ms(DAY_MS - 1);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	fake_clock_pass_ms(1);
	world_settle(w);
	assert_int_equal(w->runs, 1);
}

/* A clock that starts behind the newest event goes on from there. */
static void
test_the_clock_of_jobs_starts_at_the_newest_event(void **state)
{
	struct world *w = *state;

	dispatch_set_newest(w->d, FAKE_CLOCK_START_MS - DAY_MS);
	assert_int_equal(dispatch_now_ms(w->d), FAKE_CLOCK_START_MS);
	dispatch_set_newest(w->d, FAKE_CLOCK_START_MS + DAY_MS);
	assert_int_equal(dispatch_now_ms(w->d), FAKE_CLOCK_START_MS + DAY_MS);
	fake_clock_jump_ms(DAY_MS);
	fake_clock_pass_ms(10);
	assert_int_equal(dispatch_now_ms(w->d),
	    FAKE_CLOCK_START_MS + DAY_MS + 10);
	assert_int_equal(dispatch_time_ms(w->d, fake_clock_wall_ms() + 5),
	    dispatch_now_ms(w->d) + 5);
}

/* What people set by the wall clock is found, wherever the other one is. */
static void
test_a_look_goes_by_both_clocks(void **state)
{
	struct world *w = waiting(state, 1);

	fake_clock_jump_ms(DAY_MS);
	w->jobs[0].due_ms = fake_clock_wall_ms(); /* retry, by hand */
	dispatch_look(w->d, 1);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* Only what the store says is due is released by a look. */
static void
test_a_look_leaves_other_waits_alone(void **state)
{
	struct world *w = waiting(state, 2);

	w->jobs[1].due_ms = fake_clock_wall_ms();
	dispatch_look(w->d, 1);
	dispatch_look(w->d, 9); /* of no handler */
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_WAITING);
	assert_int_equal(w->jobs[1].state, JOB_DONE);
}

#define world_test(f)                                                          \
	cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_a_day_back_changes_no_wait),
		world_test(test_a_day_ahead_changes_no_wait),
		world_test(test_waits_beyond_memory_hold_too),
		world_test(test_a_jump_makes_no_job_old),
		world_test(test_a_due_time_of_another_clock_is_not_believed),
		world_test(test_a_due_time_that_can_be_true_is_believed),
		world_test(test_the_clock_of_jobs_starts_at_the_newest_event),
		world_test(test_a_look_goes_by_both_clocks),
		world_test(test_a_look_leaves_other_waits_alone),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
