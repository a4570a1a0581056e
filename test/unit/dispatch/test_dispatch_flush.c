/* Batches: what one turn of the loop begins is flushed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/lib/dispatch_world.h"
#include "test/lib/heap.h"

/* An outlet that batches, with n jobs, and as many calls at once. */
static struct world *
batches(void **state, size_t n, size_t concurrency)
{
	struct world *w = *state;

	world_add(w, n, 1);
	w->batches = true;
	return (world_outlet(state, HANDLER_PENDING, concurrency));
}

/* The store has started the jobs that the pump chose; nothing is flushed yet.
 */
static void
begin(struct world *w)
{
	world_turn(w); /* asks for jobs */
	world_serve(w);
	world_turn(w);  /* has them started */
	world_serve(w); /* one commit: run() for each */
	assert_int_equal(w->flushes, 0);
}

/* The jobs of one commit come in one flush, in that turn, without a timer. */
static void
test_one_commit_is_one_flush(void **state)
{
	struct world *w = batches(state, 10, 10);

	begin(w);
	assert_int_equal(w->unflushed, 10);
	world_turn(w);
	assert_int_equal(w->flushes, 1);
	assert_int_equal(w->batch, 10);
	world_turn(w);
	assert_int_equal(w->flushes, 1); /* and not for nothing */
}

/* Each job is ended by itself, and its place is taken: that is a new batch. */
static void
test_each_job_of_a_batch_ends_by_itself(void **state)
{
	struct world *w = batches(state, 6, 4);

	world_settle(w);
	assert_int_equal(w->batch, 4);
	world_finish(w, HANDLER_DONE);
	world_finish(w, HANDLER_RETRY);
	world_finish(w, HANDLER_DEAD);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	assert_int_equal(w->jobs[1].state, JOB_WAITING);
	assert_int_equal(w->jobs[2].state, JOB_DEAD);
	assert_int_equal(w->jobs[3].state, JOB_RUNNING);
	assert_int_equal(w->flushes, 2);
	assert_int_equal(w->batch, 2);
}

/* flush() itself may end what it finds. */
static void
test_flush_may_end_calls(void **state)
{
	struct world *w = batches(state, 50, 8);

	w->flush_ends = true;
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 50);
	assert_int_equal(w->runs, 50);
}

/* What ended before the flush, all of it, needs none. */
static void
test_nothing_left_is_not_flushed(void **state)
{
	struct world *w = batches(state, 2, 2);

	begin(w);
	world_finish(w, HANDLER_RETRY);
	world_finish(w, HANDLER_RETRY);
	world_turn(w);
	assert_int_equal(w->flushes, 0);
}

/* A cancelled call may be one that was not flushed yet. */
static void
test_unflushed_calls_can_be_cancelled(void **state)
{
	struct world *w = batches(state, 3, 3);

	begin(w);
	dispatch_stop(w->d);
	dispatch_cancel(w->d);
	assert_int_equal(w->cancelled, 3);
	world_turn(w);
	assert_int_equal(w->flushes, 0);
}

/* A reload between run() and flush(): the old instance is flushed, and closed
 * when its calls have ended. */
static void
test_flush_reaches_an_instance_that_was_replaced(void **state)
{
	struct world *w = batches(state, 4, 2);

	begin(w);
	world_handlers(w, 1, 0);
	assert_int_equal(w->opened, 2);
	world_turn(w);
	assert_int_equal(w->flushes, 1);
	assert_int_equal(w->batch, 2);
	world_finish(w, HANDLER_DONE);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(w->opened, 1);
	assert_int_equal(w->flushes, 2); /* the new one, with the other two */
	assert_int_equal(w->batch, 2);
}

/* Nor does one that is gone from the configuration keep them. */
static void
test_flush_reaches_a_handler_that_is_gone(void **state)
{
	struct world *w = batches(state, 2, 2);

	begin(w);
	world_handlers(w, 1, 1);
	world_turn(w);
	assert_int_equal(w->batch, 2);
	world_finish(w, HANDLER_DONE);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 2);
	assert_int_equal(w->opened, 0);
}

/* A stop flushes what was begun: the drain ends by itself. */
static void
test_drain_flushes(void **state)
{
	struct world *w = batches(state, 5, 2);

	begin(w);
	dispatch_stop(w->d);
	w->flush_ends = true;
	world_settle(w);
	assert_int_equal(w->flushes, 1);
	assert_int_equal(dispatch_busy(w->d), 0);
	assert_int_equal(world_count(w, JOB_DONE), 2);
}

/* Wherever memory ends, what was begun is flushed. */
static void
test_flush_without_memory(void **state)
{
	struct world *w = batches(state, 4, 4);

	begin(w);
	heap_fail(0, 1000);
	world_turn(w);
	assert_int_equal(w->flushes, 1);
	assert_int_equal(w->batch, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_one_commit_is_one_flush),
		world_test(test_each_job_of_a_batch_ends_by_itself),
		world_test(test_flush_may_end_calls),
		world_test(test_nothing_left_is_not_flushed),
		world_test(test_unflushed_calls_can_be_cancelled),
		world_test(test_flush_reaches_an_instance_that_was_replaced),
		world_test(test_flush_reaches_a_handler_that_is_gone),
		world_test(test_drain_flushes),
		world_test(test_flush_without_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
