/* Verdicts, and what becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/dispatch/backlog.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"

/* One job in memory, about to be run. */
static struct world *
one_job(void **state, enum handler_verdict verdict)
{
	struct world *w = *state;

	w->verdict = verdict;
	world_add(w, 1, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w);
	return (w);
}

/* Done is recorded as done, and needs no attempt that says why. */
static void
test_done_is_recorded(void **state)
{
	struct world *w = one_job(state, HANDLER_DONE);
	const struct fake_op *op;
	struct dispatch_stats stats;

	world_turn(w);
	op = fake_store_find(w->st, FAKE_FINISH);
	assert_int_equal(op->out.job, 1);
	assert_int_equal(op->out.to, JOB_DONE);
	assert_int_equal(op->out.at_ms, FAKE_CLOCK_START_MS);
	assert_string_equal(op->outcome, "done");
	assert_null(op->out.attempt);
	world_settle(w);
	dispatch_stats(w->d, &stats);
	assert_int_equal(stats.done, 1);
	assert_int_equal(stats.retries + stats.dead, 0);
}

/* A retry waits its backoff, and the attempt says why. */
static void
test_retry_waits_with_its_reason(void **state)
{
	struct world *w = one_job(state, HANDLER_RETRY);
	const struct fake_op *op;

	world_turn(w);
	op = fake_store_find(w->st, FAKE_FINISH);
	assert_int_equal(op->out.to, JOB_WAITING);
	assert_in_range(op->out.due_at.ms, FAKE_CLOCK_START_MS + 4500,
	    FAKE_CLOCK_START_MS + 5500);
	assert_string_equal(op->outcome, "the POS is closed");
	assert_non_null(op->out.attempt);
	assert_int_equal(op->out.attempt->started_at_ms, FAKE_CLOCK_START_MS);
	assert_int_equal(fake_log_count("job 1 h1: retry in"), 1);
	assert_int_equal(fake_log_count("event event-1: the POS is closed"), 1);
}

/* A retry is run again when it is due, no sooner; the next waits longer. */
static void
test_retry_runs_again_when_due(void **state)
{
	struct world *w = one_job(state, HANDLER_RETRY);
	struct dispatch_stats stats;
	int64_t due_ms;

	world_settle(w);
	assert_int_equal(w->runs, 1);
	due_ms = w->jobs[0].due_ms;
	fake_clock_pass_ms(due_ms - fake_clock_wall_ms() - 1);
	world_settle(w);
	assert_int_equal(w->runs, 1);
	fake_clock_pass_ms(1);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	assert_in_range(w->jobs[0].due_ms, fake_clock_wall_ms() + 27000,
	    fake_clock_wall_ms() + 33000);
	w->verdict = HANDLER_DONE;
	fake_clock_pass_ms(33000);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	dispatch_stats(w->d, &stats);
	assert_int_equal(stats.retries, 2);
	assert_int_equal(stats.done, 1);
}

/* A certificate out of its dates is soon tried again: the clock may be wrong.
 */
static void
test_dates_are_soon_tried_again(void **state)
{
	static const char *const reasons[] = {
		"10.0.0.5: the certificate is not valid yet, or this clock is "
		"wrong (CN=pos from 2026-01-01T00:00:00.000Z)",
		"10.0.0.5: the certificate has expired (CN=pos)",
	};
	struct world *w = *state;

	w->outlets = 1;
	(void)strcpy(w->result.reason, reasons[0]);
	(void)one_job(state, HANDLER_RETRY);
	world_settle(w); /* due in about 5 s, as it is configured */
	for (unsigned run = 2; run < 10; run++) {
		(void)strcpy(w->result.reason, reasons[run % 2]);
		fake_clock_pass_ms(15000);
		world_settle(w);
		assert_int_equal(w->runs, run);
		assert_int_equal(w->jobs[0].due_ms,
		    fake_clock_wall_ms() + DISPATCH_DATES_WAIT_MS);
	}
	(void)strcpy(w->result.reason, "10.0.0.5: connection refused");
	fake_clock_pass_ms(15000);
	world_settle(w);
	assert_in_range(w->jobs[0].due_ms, fake_clock_wall_ms() + 27000,
	    fake_clock_wall_ms() + 33000);
}

/* Of several that wait, the timer is for the first. */
static void
test_the_earliest_retry_comes_first(void **state)
{
	struct world *w = one_job(state, HANDLER_RETRY);

	world_settle(w); /* due in about 5 s */
	fake_clock_pass_ms(3000);
	dispatch_open(w->d, world_arrive(w, 1));
	world_settle(w); /* due in about 8 s */
	w->verdict = HANDLER_DONE;
	fake_clock_pass_ms(2500);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	assert_int_equal(w->jobs[1].state, JOB_WAITING);
	fake_clock_pass_ms(3000);
	world_settle(w);
	assert_int_equal(w->jobs[1].state, JOB_DONE);
}

/* A job that would be due beyond its age is dead, and says what it died of. */
static void
test_a_retry_beyond_max_age_is_dead(void **state)
{
	struct world *w = *state;
	struct dispatch_stats stats;

	fake_clock_pass_ms(WORLD_MAX_AGE_MS - 4000);
	w = one_job(state, HANDLER_RETRY);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DEAD);
	assert_string_equal(w->outcome, "too old: the POS is closed");
	assert_int_equal(fake_log_count("error job 1 h1: dead: event event-1: "
					"too old: the POS is closed"),
	    1);
	dispatch_stats(w->d, &stats);
	assert_int_equal(stats.dead, 1);
}

/* Dead is recorded with its reason, and not run again. */
static void
test_dead_is_recorded_with_its_reason(void **state)
{
	struct world *w = one_job(state, HANDLER_DEAD);

	world_settle(w);
	fake_clock_pass_ms(WORLD_MAX_AGE_MS);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DEAD);
	assert_int_equal(w->runs, 1);
	assert_string_equal(w->outcome, "the POS is closed");
	assert_int_equal(fake_log_count("error job 1 h1: dead"), 1);
}

/* The end of a job lets the one behind it run. */
static void
test_an_end_lets_the_next_in_the_lane_run(void **state)
{
	struct world *w = *state;

	world_add(w, 5, 1);
	for (size_t i = 1; i < 5; i++)
		w->jobs[i].behind = (int64_t)i;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->runs, 5);
	assert_int_equal(w->disorder, 0);
	assert_int_equal(world_count(w, JOB_DONE), 5);
	assert_int_equal(fake_store_total(w->st, FAKE_RUNNABLE), 1);
}

/* Where nothing was written the job is run again, after a second's pause. */
static void
test_a_failed_recording_is_repeated_after_a_pause(void **state)
{
	static const enum store_rc failures[] = { STORE_FULL, STORE_FAILED,
		STORE_BUSY, STORE_NOTADB, STORE_NEWER, STORE_AWAY };
	struct world *w = one_job(state, HANDLER_DONE);

	for (size_t i = 0; i < 6; i++) {
		w->finish_rc = failures[i];
		world_settle(w);
		assert_int_equal(w->runs, i + 1);
		fake_clock_pass_ms(990);
		world_settle(w);
		assert_int_equal(w->runs, i + 1);
		fake_clock_pass_ms(20);
	}
	w->finish_rc = STORE_OK;
	world_settle(w);
	assert_int_equal(w->runs, 7);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* Many outcomes that fail at once are all repeated, none lost. */
static void
test_no_job_is_lost_while_the_store_fails(void **state)
{
	struct world *w = *state;

	w->finish_rc = STORE_FULL;
	world_add(w, 1000, 1);
	world_add(w, 10, 2);
	world_handlers(w, 2, 0);
	for (int i = 0; i < 20; i++) {
		world_settle(w);
		fake_clock_pass_ms(1001);
	}
	assert_int_equal(world_count(w, JOB_READY), 1010);
	w->finish_rc = STORE_OK;
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 1010);
	assert_in_range(w->queue_max, 1, BACKLOG_MAX);
}

/* An outcome the store has no memory to take is repeated as well. */
static void
test_a_refused_recording_is_repeated_after_a_pause(void **state)
{
	struct world *w = one_job(state, HANDLER_DONE);

	fake_store_refuse(w->st, 1);
	world_settle(w);
	assert_int_equal(w->runs, 1);
	assert_int_equal(dispatch_recording(w->d), 0);
	fake_clock_pass_ms(1001);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* What the store refuses to write ends dead: it must not block its lane. */
static void
test_rows_that_are_refused_make_a_job_dead(void **state)
{
	struct world *w = *state;
	struct dispatch_stats stats;

	w->refuse_done = 1;
	world_add(w, 2, 1);
	w->jobs[1].behind = 1;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DEAD);
	assert_int_equal(w->jobs[0].runs, 1);
	assert_int_equal(w->jobs[1].state, JOB_DONE);
	assert_int_equal(fake_log_count("error job 1 h1: dead: event event-1: "
					"not recorded "
					"as done: a constraint failed"),
	    1);
	dispatch_stats(w->d, &stats);
	assert_int_equal(stats.done, 1);
	assert_int_equal(stats.dead, 1);
}

/* A job that has ended meanwhile is let go, and that is all. */
static void
test_an_outcome_that_comes_too_late_is_let_go(void **state)
{
	struct world *w = one_job(state, HANDLER_DONE);
	struct dispatch_stats stats;

	world_turn(w);
	w->jobs[0].state = JOB_DEAD; /* discarded by somebody */
	world_settle(w);
	fake_clock_pass_ms(2000);
	world_settle(w);
	assert_int_equal(w->runs, 1);
	assert_int_equal(w->jobs[0].state, JOB_DEAD);
	assert_int_equal(fake_log_count("warn job 1 h1: done, which is not "
					"recorded: the job has ended"),
	    1);
	assert_int_equal(dispatch_recording(w->d), 0);
	dispatch_stats(w->d, &stats);
	assert_int_equal(stats.lost, 1);
	assert_int_equal(stats.done, 0);
}

/*
 * One whose wait was recorded by a commit whose answer was lost is found again
 * by the store: it is not forgotten.
 */
static void
test_a_wait_that_is_lost_is_found_again(void **state)
{
	struct world *w = one_job(state, HANDLER_RETRY);

	world_turn(w);
	w->jobs[0].state = JOB_WAITING;
	w->jobs[0].attempts = 1;
	w->jobs[0].due_ms = fake_clock_wall_ms() + 5000;
	fake_store_end(w->st, FAKE_FINISH, STORE_LOST);
	w->verdict = HANDLER_DONE;
	world_settle(w);
	assert_int_equal(w->runs, 1);
	fake_clock_pass_ms(5001);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* A job whose row is gone is let go too. */
static void
test_an_outcome_of_no_job_is_let_go(void **state)
{
	struct world *w = one_job(state, HANDLER_DONE);

	world_turn(w);
	fake_store_end(w->st, FAKE_FINISH, STORE_NOTFOUND);
	w->jobs[0].state = JOB_DONE;
	world_settle(w);
	assert_int_equal(w->runs, 1);
	assert_int_equal(fake_log_count("warn job 1 h1: not recorded"), 1);
	assert_int_equal(dispatch_recording(w->d), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_done_is_recorded),
		world_test(test_retry_waits_with_its_reason),
		world_test(test_retry_runs_again_when_due),
		world_test(test_dates_are_soon_tried_again),
		world_test(test_the_earliest_retry_comes_first),
		world_test(test_a_retry_beyond_max_age_is_dead),
		world_test(test_dead_is_recorded_with_its_reason),
		world_test(test_an_end_lets_the_next_in_the_lane_run),
		world_test(test_a_failed_recording_is_repeated_after_a_pause),
		world_test(test_no_job_is_lost_while_the_store_fails),
		world_test(test_a_refused_recording_is_repeated_after_a_pause),
		world_test(test_rows_that_are_refused_make_a_job_dead),
		world_test(test_an_outcome_that_comes_too_late_is_let_go),
		world_test(test_a_wait_that_is_lost_is_found_again),
		world_test(test_an_outcome_of_no_job_is_let_go),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
