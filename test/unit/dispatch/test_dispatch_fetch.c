/* How a backlog is kept filled from the store, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/dispatch/backlog.h"
#include "server/dispatch/pace.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

/* A backlog of any size runs once each, in order, in bounded memory. */
static void
test_a_backlog_runs_once_in_order_within_bounds(void **state)
{
	struct world *w = *state;

	world_add(w, 100000, 1);
	world_handlers(w, 1, 0);
	fake_clock_step_us(50);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 100000);
	assert_int_equal(w->runs, 100000);
	assert_int_equal(w->disorder, 0);
	assert_in_range(w->queue_max, 1, BACKLOG_MAX);
	assert_in_range(w->records_max, 1, PACE_RECORDS_CALM);
}

/* Outcomes that the store is slow with hold back the next jobs. */
static void
test_outcomes_under_way_are_bounded(void **state)
{
	struct world *w = *state;

	world_add(w, 1000, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w);
	dispatch_expect(w->d, 1);
	for (int i = 0; i < 100; i++)
		world_turn(w);
	assert_int_equal(dispatch_recording(w->d), PACE_RECORDS_MIN);
	assert_int_equal(w->runs, PACE_RECORDS_MIN);
	dispatch_expect(w->d, 0);
	fake_clock_pass_ms(PACE_CALM_US / 1000);
	for (int i = 0; i < 100; i++)
		world_turn(w);
	assert_int_equal(w->runs, PACE_RECORDS_CALM);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 1000);
}

/* What arrives must not pile up: each delivery allows more outcomes. */
static void
test_deliveries_allow_more_outcomes_under_way(void **state)
{
	struct world *w = *state;

	world_add(w, 1000, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w);
	for (int i = 0; i < 10; i++)
		dispatch_open(w->d, world_arrive(w, 1));
	for (int i = 0; i < 20; i++)
		world_turn(w); /* the store is silent */
	assert_int_equal(dispatch_recording(w->d),
	    PACE_RECORDS_MIN + 10 * PACE_PER_DELIVERY);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 1010);
}

/* Jobs that come with events fill the queue no further than its bound. */
static void
test_arrivals_do_not_overfill_the_queue(void **state)
{
	struct world *w = *state;

	world_handlers(w, 1, 0);
	world_settle(w);
	for (int i = 0; i < 3200; i++)
		dispatch_open(w->d, world_arrive(w, 1));
	for (int i = 0; i < 20; i++)
		world_turn(w); /* the store is silent */
	assert_int_equal(w->runs, PACE_RECORDS_MAX);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 3200);
	assert_int_equal(w->runs, 3200);
	assert_in_range(w->queue_max, 1, BACKLOG_MAX);
}

/* Old jobs that come due join those in memory without breaking the bound. */
static void
test_old_jobs_do_not_overfill_the_queue(void **state)
{
	struct world *w = *state;

	world_add(w, BACKLOG_MAX, 1);
	for (size_t i = 0; i < w->njobs; i++) {
		w->jobs[i].state = JOB_WAITING;
		w->jobs[i].due_ms = FAKE_CLOCK_START_MS + 1000;
	}
	world_add(w, BACKLOG_FETCH / 4, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w); /* the young ones */
	fake_clock_step_us(DISPATCH_SLICE_US);
	world_turn(w); /* runs a few, and sets the timer */
	fake_clock_pass_ms(1001);
	world_turn(w); /* the old ones are due */
	assert_int_equal(fake_store_waiting(w->st, FAKE_RUNNABLE), 1);
	world_settle(w);
	assert_in_range(w->queue_max, 1, BACKLOG_MAX);
	assert_int_equal(world_count(w, JOB_DONE), w->njobs);
	assert_int_equal(w->runs, w->njobs);
}

/* A page full of jobs that all wait for answers is asked for again. */
static void
test_a_page_of_held_jobs_is_not_forgotten(void **state)
{
	struct world *w = *state;

	world_handlers(w, 1, 0);
	world_turn(w); /* asks */
	for (int i = 0; i < 300; i++)
		(void)world_arrive(w, 1);
	world_add(w, 300, 1);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	for (int64_t i = 1; i <= 300; i++)
		dispatch_open(w->d, i);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 600);
	assert_int_equal(w->runs, 600);
	assert_in_range(w->queue_max, 1, BACKLOG_MAX);
}

/* What waits in the store from an earlier run is run when it is due. */
static void
test_a_waiting_job_found_at_the_start_runs_when_due(void **state)
{
	struct world *w = *state;

	world_add(w, 1, 1);
	w->jobs[0].state = JOB_WAITING;
	w->jobs[0].due_ms = FAKE_CLOCK_START_MS + 30000;
	world_handlers(w, 1, 0);
	world_settle(w);
	fake_clock_pass_ms(29999);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	fake_clock_pass_ms(1);
	world_settle(w);
	assert_int_equal(w->runs, 1);
}

/* When the store cannot say what may run, it is asked again in a second. */
static void
test_a_failed_fetch_is_repeated_after_a_pause(void **state)
{
	struct world *w = *state;

	world_add(w, 1, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	fake_store_end(w->st, FAKE_RUNNABLE, STORE_FAILED);
	world_settle(w);
	assert_int_equal(fake_store_total(w->st, FAKE_RUNNABLE), 1);
	fake_clock_pass_ms(1001);
	world_settle(w);
	assert_int_equal(fake_store_total(w->st, FAKE_RUNNABLE), 2);
	assert_int_equal(w->runs, 1);
}

/* Nor is it forgotten when the question could not even be put. */
static void
test_a_refused_fetch_is_repeated_after_a_pause(void **state)
{
	struct world *w = *state;

	world_add(w, 1, 1);
	world_handlers(w, 1, 0);
	fake_store_refuse(w->st, 1);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	fake_clock_pass_ms(1001);
	world_settle(w);
	assert_int_equal(w->runs, 1);
}

/* Nor for want of memory. */
static void
test_a_fetch_without_memory_is_repeated_after_a_pause(void **state)
{
	struct world *w = *state;

	world_add(w, 1, 1);
	world_handlers(w, 1, 0);
	heap_fail(0, 1);
	world_turn(w);
	assert_int_equal(heap_heal(), 0);
	fake_clock_pass_ms(1001);
	world_settle(w);
	assert_int_equal(w->runs, 1);
}

/* Jobs there was no memory for are found again in the store. */
static void
test_a_job_without_memory_is_not_lost(void **state)
{
	struct world *w = *state;
	int64_t ev;

	world_handlers(w, 1, 0);
	world_settle(w);
	ev = world_arrive(w, 1);
	dispatch_open(w->d, ev);
	heap_fail(0, 1); /* to queue it */
	world_turn(w);
	assert_int_equal(heap_heal(), 0);
	world_settle(w);
	assert_int_equal(w->runs, 1);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* Memory that fails now here, now there, delays jobs but loses none. */
static void
test_failing_memory_loses_no_job(void **state)
{
	struct world *w = *state;

	world_handlers(w, 2, 0);
	world_add(w, 500, 1);
	for (size_t i = 0; i < 200; i++) {
		dispatch_open(w->d, world_arrive(w, 2));
		heap_fail(i % 3, i % 5);
		world_turn(w);
		(void)heap_heal();
		if (i % 2 == 0)
			world_serve(w);
		fake_clock_pass_ms(100);
	}
	fake_clock_pass_ms(2000);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 700);
	/* Where the store had no memory for an outcome the job ran again. */
	assert_in_range(w->runs, 700, 800);
}

/* The answer to a question of a handler that is gone harms nobody. */
static void
test_a_fetch_may_outlive_its_handler(void **state)
{
	struct world *w = *state;

	world_add(w, 600, 1);
	world_handlers(w, 1, 0);
	world_turn(w); /* asks */
	world_handlers(w, 1, 1);
	world_handlers(w, 1, 0);
	world_turn(w); /* asks again, before the first answer */
	world_settle(w);
	assert_int_equal(w->runs, 600);
	assert_int_equal(w->disorder, 0);
	assert_int_equal(world_count(w, JOB_DONE), 600);
	assert_in_range(w->queue_max, 1, BACKLOG_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_a_backlog_runs_once_in_order_within_bounds),
		world_test(test_outcomes_under_way_are_bounded),
		world_test(test_deliveries_allow_more_outcomes_under_way),
		world_test(test_arrivals_do_not_overfill_the_queue),
		world_test(test_old_jobs_do_not_overfill_the_queue),
		world_test(test_a_page_of_held_jobs_is_not_forgotten),
		world_test(test_a_waiting_job_found_at_the_start_runs_when_due),
		world_test(test_a_failed_fetch_is_repeated_after_a_pause),
		world_test(test_a_refused_fetch_is_repeated_after_a_pause),
		world_test(
		    test_a_fetch_without_memory_is_repeated_after_a_pause),
		world_test(test_a_job_without_memory_is_not_lost),
		world_test(test_failing_memory_loses_no_job),
		world_test(test_a_fetch_may_outlive_its_handler),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
