/* Outlets: calls that a reload or a stop finds under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/heap.h"

/* A call under way ends on the old instance, which then is closed. */
static void
test_calls_outlive_a_reload(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 2);

	w->concurrency = 1;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->ncalls, 1);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->opened, 2);
	assert_int_equal(w->ncalls, 1); /* it still counts as a call */
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(w->opened, 1);
	assert_int_equal(w->ncalls, 1); /* the second */
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* A call of a handler that is gone is recorded; a retry waits in the store. */
static void
test_calls_outlive_their_handler(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 2);

	world_settle(w);
	world_handlers(w, 1, 1);
	world_finish(w, HANDLER_DONE);
	world_finish(w, HANDLER_RETRY);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	assert_int_equal(w->jobs[1].state, JOB_WAITING);
	assert_int_equal(w->opened, 0);
	w->verdict = HANDLER_DONE;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->jobs[1].state, JOB_DONE);
	assert_int_equal(w->jobs[1].attempts, 2);
}

/* A job that was begun for a handler that went meanwhile is not stuck. */
static void
test_a_start_outlives_its_handler(void **state)
{
	struct world *w = world_calls(state, HANDLER_DONE, 1);

	world_turn(w);
	world_serve(w);
	world_turn(w);
	assert_int_equal(fake_store_waiting(w->st, FAKE_START), 1);
	world_handlers(w, 1, 1);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(w->jobs[0].state, JOB_WAITING);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* Stopping lets calls end, and begins none. */
static void
test_stop_lets_calls_end(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 10);

	world_settle(w);
	assert_int_equal(w->ncalls, 4);
	dispatch_stop(w->d);
	while (w->ncalls > 0)
		world_finish(w, HANDLER_DONE);
	assert_int_equal(dispatch_busy(w->d), 4);
	world_settle(w);
	assert_int_equal(dispatch_busy(w->d), 0);
	assert_int_equal(w->runs, 4);
	assert_int_equal(world_count(w, JOB_DONE), 4);
}

/* Cancelled calls never end; their jobs stay RUNNING for the next start. */
static void
test_cancelled_calls_stay_running_in_the_store(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 10);

	world_settle(w);
	world_add(w, 1, 1);
	dispatch_stop(w->d);
	dispatch_cancel(w->d);
	world_settle(w);
	assert_int_equal(w->cancelled, 4);
	assert_int_equal(dispatch_busy(w->d), 0);
	assert_int_equal(world_count(w, JOB_RUNNING), 4);
}

/* A start whose answer comes after that is not called any more. */
static void
test_a_start_after_cancel_is_not_called(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 1);

	world_turn(w);
	world_serve(w);
	world_turn(w);
	dispatch_stop(w->d);
	dispatch_cancel(w->d);
	world_serve(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(w->jobs[0].state, JOB_RUNNING);
	assert_int_equal(dispatch_busy(w->d), 0);
}

/* Memory that fails now here, now there, delays calls but loses none. */
static void
test_failing_memory_loses_no_call(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 100);

	for (size_t i = 0; i < 300; i++) {
		heap_fail(i % 3, i % 5);
		world_turn(w);
		if (w->ncalls > 0)
			world_finish(w, HANDLER_DONE);
		(void)heap_heal();
		world_serve(w);
		fake_clock_pass_ms(300);
	}
	w->verdict = HANDLER_DONE;
	while (w->ncalls > 0)
		world_finish(w, HANDLER_DONE);
	fake_clock_pass_ms(2000);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 100);
	assert_int_equal(w->runs, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_calls_outlive_a_reload),
		world_test(test_calls_outlive_their_handler),
		world_test(test_a_start_outlives_its_handler),
		world_test(test_stop_lets_calls_end),
		world_test(test_cancelled_calls_stay_running_in_the_store),
		world_test(test_a_start_after_cancel_is_not_called),
		world_test(test_failing_memory_loses_no_call),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
