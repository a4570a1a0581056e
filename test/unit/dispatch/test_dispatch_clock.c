/* Jumps of the wall clock, and sleep: no wait is cut short, none lasts on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/dispatch/backlog.h"
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
	size_t n = BACKLOG_WAITING_MAX + 500;
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

/* 300 jobs that wait for a day and longer. */
static struct world *
far_ahead(void **state)
{
	struct world *w = *state;

	world_add(w, 300, 1);
	for (size_t i = 0; i < 300; i++) {
		w->jobs[i].state = JOB_WAITING;
		w->jobs[i].due_ms =
		    FAKE_CLOCK_START_MS + DAY_MS + (int64_t)i * 7000;
	}
	return (w);
}

/*
 * Of a klikitd without a steady clock: due times that no wait can have made
 * come from a clock that was set back since: due now.
 */
static void
test_a_due_time_of_another_clock_is_not_believed(void **state)
{
	struct world *w = far_ahead(state);

	w->clock.foreign = true;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 300);
	assert_int_equal(w->runs, 300);
}

/* One of ours is believed, however far ahead: a Retry-After of a day. */
static void
test_a_due_time_of_ours_is_believed(void **state)
{
	struct world *w = far_ahead(state);

	world_handlers(w, 1, 0);
	world_settle(w);
	fake_clock_jump_ms(2 * DAY_MS);
	fake_clock_pass_ms(DAY_MS - 1);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	fake_clock_pass_ms(300 * 7000);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 300);
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

/* A retry by hand is due at once, wherever the wall clock is. */
static void
test_a_retry_by_hand_is_due_at_once(void **state)
{
	struct world *w = waiting(state, 1);

	fake_clock_jump_ms(-DAY_MS);
	w->jobs[0].due_ms = 0;
	dispatch_look(w->d, 1);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* A wall clock that is ahead does not have it release the others. */
static void
test_a_retry_by_hand_leaves_other_waits_alone(void **state)
{
	struct world *w = waiting(state, 2);

	fake_clock_jump_ms(DAY_MS);
	w->jobs[1].due_ms = 0;
	dispatch_look(w->d, 1);
	dispatch_look(w->d, 9); /* of no handler */
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_WAITING);
	assert_int_equal(w->jobs[1].state, JOB_DONE);
}

/* -- Sleep -- */

/* A wait goes on while the machine sleeps, in memory and in the store. */
static void
test_a_wait_goes_on_in_sleep(void **state)
{
	size_t n = BACKLOG_WAITING_MAX + 100;
	struct world *w = waiting(state, n);

	fake_clock_sleep_ms(3000);
	dispatch_slept(w->d);
	world_settle(w);
	assert_int_equal(w->runs, n);
	fake_clock_sleep_ms(3000);
	dispatch_slept(w->d);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), n);
}

/* An alarm that came due in the machine's sleep rings when it wakes. */
static void
test_an_alarm_of_the_sleep_rings_after_it(void **state)
{
	struct world *w = *state;

	w->alarm_max_ms = 180000;
	world_handlers(w, 1, 0);
	world_settle(w);
	world_add(w, 1, 1);
	w->jobs[0].state = JOB_WAITING;
	w->jobs[0].guards = 1;
	w->jobs[0].due_ms = FAKE_CLOCK_START_MS + 180000;
	dispatch_due(w->d, 1, (struct steady_time){ w->jobs[0].due_ms });
	world_settle(w);
	fake_clock_sleep_ms(3600000);
	dispatch_slept(w->d);
	world_settle(w);
	assert_int_equal(w->runs, 1);
}

/* A job that slept past its max_age is too old, as if nobody had slept. */
static void
test_age_goes_on_in_sleep(void **state)
{
	struct world *w = waiting(state, 1);

	w->verdict = HANDLER_RETRY;
	fake_clock_sleep_ms(WORLD_MAX_AGE_MS);
	dispatch_slept(w->d);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DEAD);
}

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
		world_test(test_a_due_time_of_ours_is_believed),
		world_test(test_a_retry_by_hand_is_due_at_once),
		world_test(test_a_retry_by_hand_leaves_other_waits_alone),
		world_test(test_a_wait_goes_on_in_sleep),
		world_test(test_an_alarm_of_the_sleep_rings_after_it),
		world_test(test_age_goes_on_in_sleep),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
