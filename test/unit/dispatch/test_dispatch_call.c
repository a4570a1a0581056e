/* Outlets: how calls end, and how that is recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/histogram.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

/* The attempt has code, duration and the first KB of the answer. */
static void
test_an_attempt_is_recorded_whole(void **state)
{
	static char answer[3000];
	struct world *w = world_calls(state, HANDLER_PENDING, 1);
	const struct fake_op *op;

	memset(answer, 'x', sizeof(answer));
	world_turn(w);
	world_serve(w);
	world_turn(w);
	world_serve(w);
	fake_clock_jump_ms(-86400000); /* durations do not care */
	fake_clock_pass_ms(1234);
	w->result.code = 201;
	w->result.answer = answer;
	w->result.answer_len = sizeof(answer);
	world_finish(w, HANDLER_DONE);
	memset(answer, 'y', sizeof(answer)); /* it was copied */
	op = fake_store_find(w->st, FAKE_FINISH);
	assert_int_equal(op->out.to, JOB_DONE);
	assert_string_equal(op->outcome, "done");
	assert_int_equal(op->out.attempt->code, 201);
	assert_int_equal(op->out.attempt->duration_ms, 1234);
	assert_int_equal(op->out.attempt->started_at_ms, FAKE_CLOCK_START_MS);
	assert_int_equal(op->out.attempt->answer_len, 1024);
	assert_int_equal(op->answer[1023], 'x');
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	assert_int_equal(w->jobs[0].attempts, 1);
	assert_int_equal(dispatch_busy(w->d), 0);
}

/* A retry whose effect is not known says so, and is counted. */
static void
test_an_unknown_outcome_says_so(void **state)
{
	struct world *w = world_calls(state, HANDLER_RETRY, 1);
	struct dispatch_stats stats;

	w->result.unknown = true;
	world_settle(w);
	assert_string_equal(w->outcome, "unknown: the POS is closed");
	dispatch_stats(w->d, &stats);
	assert_int_equal(stats.retries, 1);
	assert_int_equal(stats.unknown, 1);
	w->result.unknown = false;
	fake_clock_pass_ms(6000);
	world_settle(w);
	assert_int_equal(w->attempt, 2);
	assert_string_equal(w->outcome, "the POS is closed");
}

/* The last error stays until an attempt succeeds, over a reload, too. */
static void
test_the_last_error_is_kept(void **state)
{
	struct world *w = world_calls(state, HANDLER_RETRY, 1);
	struct dispatch_live live;

	assert_int_equal(dispatch_live(w->d, 0, &live), 0);
	assert_null(live.error);
	world_settle(w);
	world_handlers(w, 1, 0);
	assert_int_equal(dispatch_live(w->d, 0, &live), 0);
	assert_string_equal(live.error, "the POS is closed");
	assert_int_equal(live.error_ms, FAKE_CLOCK_START_MS);
	assert_true(live.lasting);
	w->verdict = HANDLER_DONE;
	fake_clock_pass_ms(6000);
	world_settle(w);
	assert_int_equal(dispatch_live(w->d, 0, &live), 0);
	assert_null(live.error);
}

/* What waits for a person is not given up, however old it gets. */
static void
test_a_pause_makes_no_job_too_old(void **state)
{
	struct world *w = world_calls(state, HANDLER_RETRY, 1);

	fake_clock_pass_ms(WORLD_MAX_AGE_MS);
	w->result.pause = true;
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_WAITING);
	fake_clock_pass_ms(6000);
	world_settle(w);
	assert_int_equal(w->runs, 1); /* it is paused */
	w->result.pause = false;
	w->verdict = HANDLER_DONE;
	dispatch_pause(w->d, 1, false);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* The far side's wish counts if it is longer than the backoff. */
static void
test_retry_after_is_obeyed(void **state)
{
	struct world *w = world_calls(state, HANDLER_RETRY, 1);

	w->result.retry_after_ms = 60000;
	world_settle(w);
	assert_int_equal(w->jobs[0].due_ms, FAKE_CLOCK_START_MS + 60000);
	fake_clock_pass_ms(59999);
	world_settle(w);
	assert_int_equal(w->runs, 1);
	w->result.retry_after_ms = 1000;
	fake_clock_pass_ms(1);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	assert_in_range(w->jobs[0].due_ms, fake_clock_wall_ms() + 27000,
	    fake_clock_wall_ms() + 33000);
}

/* A wish beyond its age kills no job: it is tried once more, at the end. */
static void
test_retry_after_beyond_max_age_leaves_a_try(void **state)
{
	struct world *w = world_calls(state, HANDLER_RETRY, 1);

	w->result.retry_after_ms = WORLD_MAX_AGE_MS * 100;
	w->result.unknown = true;
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_WAITING);
	assert_int_equal(w->jobs[0].due_ms,
	    FAKE_CLOCK_START_MS + WORLD_MAX_AGE_MS);
	fake_clock_pass_ms(WORLD_MAX_AGE_MS);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	assert_int_equal(w->jobs[0].state, JOB_DEAD);
	assert_string_equal(w->outcome, "too old: unknown: the POS is closed");
}

/* What became of a call is kept until the store can take it: not made anew. */
static void
test_an_outcome_is_kept_until_it_is_recorded(void **state)
{
	struct world *w = world_calls(state, HANDLER_DONE, 1);

	w->finish_rc = STORE_FULL;
	world_settle(w);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(w->runs, 1);
		assert_int_equal(dispatch_busy(w->d), 1);
		fake_clock_pass_ms(1001);
		world_settle(w);
	}
	assert_int_equal(fake_store_total(w->st, FAKE_FINISH), 6);
	w->finish_rc = STORE_OK;
	fake_clock_pass_ms(1001);
	world_settle(w);
	assert_int_equal(w->runs, 1);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	assert_int_equal(dispatch_busy(w->d), 0);
}

/* Also while stopping, and when the store has no memory to be asked. */
static void
test_a_kept_outcome_is_recorded_while_stopping(void **state)
{
	struct world *w = world_calls(state, HANDLER_DONE, 1);

	world_turn(w);
	world_serve(w);
	world_turn(w);
	fake_store_refuse(w->st, 1);
	world_serve(w); /* begun, run, not recorded */
	assert_int_equal(dispatch_busy(w->d), 1);
	dispatch_stop(w->d);
	fake_clock_pass_ms(1001);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	assert_int_equal(dispatch_busy(w->d), 0);
}

/* Without memory for the answer the outcome is recorded all the same. */
static void
test_an_answer_without_memory_is_left_out(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 1);

	world_settle(w);
	w->result.answer = "created";
	w->result.answer_len = 7;
	heap_fail(0, 1);
	world_finish(w, HANDLER_DONE);
	assert_int_equal(heap_heal(), 0);
	assert_int_equal(fake_store_find(w->st, FAKE_FINISH)
			     ->out.attempt->answer_len,
	    0);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* A far side that says it is gone for good pauses its handler, for ever. */
static void
test_a_far_side_can_pause_its_handler(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 10);
	const struct fake_op *op;

	w->concurrency = 1;
	world_handlers(w, 1, 0);
	world_settle(w);
	w->result.pause = true;
	world_finish(w, HANDLER_RETRY);
	op = fake_store_find(w->st, FAKE_PAUSE);
	assert_string_equal(op->name, "h1");
	assert_string_equal(op->by, "klikitd");
	assert_string_equal(op->why, "the POS is closed");
	assert_int_equal(fake_log_count("error handler h1: paused: the POS"),
	    1);
	fake_clock_pass_ms(WORLD_MAX_AGE_MS / 2);
	world_settle(w);
	assert_int_equal(w->runs, 1);
	w->result.pause = false;
	w->verdict = HANDLER_DONE;
	dispatch_pause(w->d, 1, false);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 10);
}

/* A call is timed from its start to its end, whatever comes of it. */
static void
test_calls_are_timed(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 2);
	struct dispatch_live live;

	w->concurrency = 1;
	world_handlers(w, 1, 0);
	world_settle(w);
	fake_clock_pass_ms(30);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	fake_clock_pass_ms(700);
	world_finish(w, HANDLER_DEAD);
	world_settle(w);
	assert_int_equal(dispatch_live(w->d, 0, &live), 0);
	assert_int_equal(live.calls->sum, 730000);
	assert_int_equal(histogram_quantile(live.calls, 0), 20000);
	assert_int_equal(histogram_quantile(live.calls, 1), 1000000);
	world_handlers(w, 1, 0); /* a reload changes nothing of it */
	assert_int_equal(dispatch_live(w->d, 0, &live), 0);
	assert_int_equal(live.calls->sum, 730000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_an_attempt_is_recorded_whole),
		world_test(test_an_unknown_outcome_says_so),
		world_test(test_the_last_error_is_kept),
		world_test(test_a_pause_makes_no_job_too_old),
		world_test(test_retry_after_is_obeyed),
		world_test(test_retry_after_beyond_max_age_leaves_a_try),
		world_test(test_an_outcome_is_kept_until_it_is_recorded),
		world_test(test_a_kept_outcome_is_recorded_while_stopping),
		world_test(test_an_answer_without_memory_is_left_out),
		world_test(test_a_far_side_can_pause_its_handler),
		world_test(test_calls_are_timed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
