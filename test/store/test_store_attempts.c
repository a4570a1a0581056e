/* Attempts that begin and end apart; once; alarms. */
#include <stdio.h>
#include <string.h>

#include "test/lib/attempts_case.h"
#include "test/lib/cmocka_all.h"

/* A start hands out the job with its body, and is an attempt on disk. */
static void
test_start_is_an_attempt(void **state)
{
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", NULL, h).runnable[0];
	struct started s;

	(void)state;
	s = case_start(job, false);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(s.res.runnable[0], job);
	assert_int_equal(s.attempts, 1);
	assert_false(s.replay);
	assert_string_equal(s.body, "{\"orders\":[{\"id\":1}]}");
	assert_int_equal(case_jobs_where("state = 'running' AND attempts = 1"),
	    1);
	assert_int_equal(store_case_int(&attempts_case,
			     "SELECT count(*) FROM attempts WHERE number = 1 "
			     "AND outcome IS NULL AND duration = 0"),
	    1);
	assert_int_equal(case_runnable(&attempts_case, h, 9, ATTEMPTS_NOW)
			     .nrunnable,
	    0);
	assert_int_equal(case_start(job, false).res.rc, STORE_LOST);
	assert_int_equal(case_start(99, false).res.rc, STORE_NOTFOUND);
}

/* The end of an attempt counts only while the job runs under its number. */
static void
test_only_the_attempt_under_way_ends(void **state)
{
	struct store_outcome out = { .to = JOB_WAITING,
		.outcome = "late",
		.at_ms = ATTEMPTS_NOW };
	static const unsigned others[] = { 0, 1, 3 };
	int64_t h = case_handler(&attempts_case, "a");
	struct case_result r = { 0 };

	(void)state;
	out.job = case_append(&attempts_case, "e1", NULL, h).runnable[0];
	(void)case_start(out.job, false);
	assert_int_equal(case_finish(&attempts_case, out.job, JOB_WAITING,
			     ATTEMPTS_NOW)
			     .rc,
	    STORE_OK);
	out.number = 1; /* as its end, sent once more */
	assert_int_equal(store_finish(attempts_case.st, &out, case_done_cb, &r),
	    0);
	store_wait(attempts_case.st);
	assert_int_equal(r.rc, STORE_LOST);
	assert_int_equal(case_start(out.job, false).attempts, 2);
	for (size_t i = 0; i < 3; i++) {
		out.number = others[i];
		assert_int_equal(store_finish(attempts_case.st, &out,
				     case_done_cb, &r),
		    0);
		store_wait(attempts_case.st);
		assert_int_equal(r.rc, STORE_LOST);
	}
	assert_int_equal(case_jobs_where("state = 'running' AND attempts = 2"),
	    1);
	assert_int_equal(store_case_int(&attempts_case,
			     "SELECT count(*) FROM attempts WHERE outcome = "
			     "'late'"),
	    0);
	assert_int_equal(case_finish(&attempts_case, out.job, JOB_DONE, 0).rc,
	    STORE_OK);
}

/* Its end completes that row; the next start is the second attempt. */
static void
test_finish_completes_attempt(void **state)
{
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", NULL, h).runnable[0];

	(void)state;
	(void)case_start(job, false);
	assert_int_equal(case_finish(&attempts_case, job, JOB_WAITING,
			     ATTEMPTS_NOW + 9)
			     .rc,
	    STORE_OK);
	assert_int_equal(case_jobs_where("attempts = 1 AND state = 'waiting'"),
	    1);
	assert_int_equal(case_start(job, false).attempts, 2);
	(void)case_serve(job);
	assert_int_equal(case_jobs_where("attempts = 2 AND state = 'done'"), 1);
	assert_int_equal(store_case_int(&attempts_case,
			     "SELECT count(*) FROM attempts WHERE (number = 1 "
			     "AND outcome = 'waiting') OR (number = 2 AND "
			     "outcome = 'done' AND duration = 7 AND "
			     "code = 200 AND length(answer) = 2 "
			     "AND started_at = 1750000000000)"),
	    2);
}

/* A job behind another cannot be started. */
static void
test_start_keeps_lanes(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", order, h).runnable[0];
	struct case_result r;

	(void)state;
	(void)case_append(&attempts_case, "e2", order, h);
	assert_int_equal(case_start(job + 1, false).res.rc, STORE_REFUSED);
	(void)case_start(job, false);
	assert_int_equal(case_start(job + 1, false).res.rc, STORE_REFUSED);
	r = case_serve(job);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], job + 1);
}

static bool
each_type(const char *type)
{
	assert_non_null(type);
	return (true);
}

/* With an end the next of the lane may begin, in one commit; once. */
static void
test_an_end_begins_the_next(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", order, h).runnable[0];
	struct started s;

	(void)state;
	for (int i = 2; i <= 4; i++)
		(void)case_append(&attempts_case,
		    (const char *[]){ "e2", "e3", "e4" }[i - 2], order, h);
	(void)case_start(job, false);
	s = case_go_on(job, NULL);
	assert_true(s.begun);
	assert_int_equal(s.res.nrunnable, 1);
	assert_int_equal(s.res.runnable[0], job + 1);
	assert_int_equal(s.attempts, 1);
	assert_string_equal(s.body, "{\"orders\":[{\"id\":1}]}");
	assert_int_equal(case_jobs_where("state = 'running' AND attempts = 1"),
	    1);
	assert_int_equal(store_case_int(&attempts_case,
			     "SELECT count(*) FROM attempts WHERE job = 2 "
			     "AND number = 1 AND outcome IS NULL "
			     "AND started_at = 1750000000000"),
	    1);
	assert_int_equal(case_start(job + 1, false).res.rc, STORE_LOST);

	/* The order is served: what is done once stands in line instead. */
	s = case_go_on(job + 1, each_type);
	assert_false(s.begun);
	assert_int_equal(s.res.runnable[0], job + 2);
	assert_int_equal(case_start(job + 2, false).res.rc, STORE_OK);
	assert_true(case_go_on(job + 2, NULL).begun);

	/* We die with its call under way. */
	store_case_close(&attempts_case);
	assert_int_equal(store_case_try(&attempts_case, STORE_CHANGE),
	    STORE_OK);
	assert_int_equal(case_jobs_where("state = 'waiting' AND attempts = 1 "
					 "AND outcome = 'unknown'"),
	    1);
	assert_int_equal(case_start(job + 3, false).attempts, 2);
	assert_false(case_go_on(job + 3, NULL).begun); /* nobody is next */
}

/* Nor does one begin so that was tried before. */
static void
test_an_end_begins_no_retry(void **state)
{
	const char *const orders[] = { "7", NULL }, *const both[] = { "7", "8",
		NULL };
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", orders, h).runnable[0];
	struct started s;

	(void)state;
	(void)case_append(&attempts_case, "e2", both, h);
	store_case_close(&attempts_case);
	store_case_sql(&attempts_case,
	    "UPDATE jobs SET attempts = 1 WHERE id = 2");
	store_case_open(&attempts_case);
	(void)case_start(job, false);
	s = case_go_on(job, NULL);
	assert_false(s.begun);
	assert_int_equal(s.res.runnable[0], job + 1);
	assert_int_equal(case_jobs_where("state = 'ready'"), 1);
}

/* What ran when we died is unknown, due at once, and next in its lane. */
static void
test_running_is_unknown_after_crash(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", order, h).runnable[0];
	struct case_result r;

	(void)state;
	(void)case_append(&attempts_case, "e2", order, h);
	(void)case_start(job, false);
	store_case_close(&attempts_case);
	assert_int_equal(store_case_try(&attempts_case, STORE_CHANGE),
	    STORE_OK);
	r = case_runnable(&attempts_case, h, 9, 1);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], job);
	assert_int_equal(case_jobs_where(
			     "state = 'waiting' AND attempts = 1 AND "
			     "outcome = 'unknown'"),
	    1);
	assert_int_equal(store_case_int(&attempts_case,
			     "SELECT count(*) FROM attempts "
			     "WHERE outcome = 'unknown'"),
	    1);
	assert_int_equal(case_start(job, false).attempts, 2);
}

/* Once: a job whose orders were all served ends, and frees its lane. */
static void
test_once_ends_already(void **state)
{
	const char *const one[] = { "1", NULL };
	const char *const both[] = { "1", "2", NULL };
	const char *const two[] = { "2", NULL };
	int64_t h = case_handler(&attempts_case, "a");
	int64_t first, batch, last;
	struct started s;

	(void)state;
	first = case_append(&attempts_case, "e1", one, h).runnable[0];
	(void)case_start(first, true);
	(void)case_serve(first);
	/* Not all of these were. */
	batch = case_append(&attempts_case, "e2", both, h).runnable[0];
	assert_int_equal(case_start(batch, true).res.rc, STORE_OK);
	(void)case_serve(batch);
	last = case_append(&attempts_case, "e3", both, h).runnable[0];
	(void)case_append(&attempts_case, "e4", two, h);
	s = case_start(last, true);
	assert_int_equal(s.res.rc, STORE_EXISTS);
	assert_int_equal(s.res.nrunnable, 1);
	assert_int_equal(s.res.runnable[0], last + 1);
	assert_int_equal(case_jobs_where("outcome = 'already: job 1' AND "
					 "state = 'done' AND attempts = 0"),
	    1);
	/* The first to serve an order is who is named. */
	assert_int_equal(case_start(last + 1, true).res.rc, STORE_EXISTS);
	assert_int_equal(case_jobs_where("outcome = 'already: job 2'"), 1);
}

/* Neither another handler's work nor an event without orders is `already'. */
static void
test_once_is_per_handler(void **state)
{
	const char *const one[] = { "1", NULL };
	int64_t a = case_handler(&attempts_case, "a"),
		b = case_handler(&attempts_case, "b");
	int64_t job;

	(void)state;
	job = case_append(&attempts_case, "e1", one, a).runnable[0];
	(void)case_serve(job);
	job = case_append(&attempts_case, "e2", one, b).runnable[0];
	assert_int_equal(case_start(job, true).res.rc, STORE_OK);
	job = case_append(&attempts_case, "e3", NULL, a).runnable[0];
	assert_int_equal(case_start(job, true).res.rc, STORE_OK);
	job = case_append(&attempts_case, "e4", one, a).runnable[0];
	assert_int_equal(case_start(job, false).res.rc, STORE_OK);
}

/* A job for one place asks and answers for that place's order only. */
static void
test_once_of_a_place(void **state)
{
	const char *const both[] = { "1", "2", NULL };
	int64_t h = case_handler(&attempts_case, "a");
	const struct store_job_spec specs[] = {
		{ .handler = h, .place = 0, .guards = STORE_NO_GUARD },
		{ .handler = h, .place = 1, .guards = STORE_NO_GUARD },
	};
	struct case_result r;

	(void)state;
	r = case_append_specs("e1", both, specs, 2);
	(void)case_serve(r.runnable[0]);
	r = case_append_specs("e2", both, specs, 2);
	assert_int_equal(case_start(r.runnable[0], true).res.rc, STORE_EXISTS);
	assert_int_equal(case_start(r.runnable[1], true).res.rc, STORE_OK);
}

/* An alarm stands in no lane, waits for its time, and says what it is. */
static void
test_alarm_waits_for_its_time(void **state)
{
	int64_t h = case_handler(&attempts_case, "a"),
		bell = case_handler(&attempts_case, "bell");
	struct case_result r;
	struct started s;

	(void)state;
	r = case_append_guarded("e1", h, bell);
	assert_int_equal(r.nrunnable, 1);
	(void)case_append_guarded("e2", h, bell);
	assert_int_equal(store_case_int(&attempts_case,
			     "SELECT count(*) FROM lanes"),
	    2);
	r = case_runnable(&attempts_case, bell, 9, ATTEMPTS_NOW + 99);
	assert_int_equal(r.nrunnable, 0);
	assert_int_equal(r.next_due_ms, ATTEMPTS_NOW + 100);
	r = case_runnable(&attempts_case, bell, 9, ATTEMPTS_NOW + 100);
	assert_int_equal(r.nrunnable, 2);
	s = case_start(r.runnable[1], false);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_true(s.guards != 0);
}

/* Done cancels the alarm in the same commit, `already' as well. */
static void
test_done_cancels_alarm(void **state)
{
	int64_t h = case_handler(&attempts_case, "a"),
		bell = case_handler(&attempts_case, "bell");
	int64_t job;

	(void)state;
	job = case_append_guarded("e1", h, bell).runnable[0];
	(void)case_start(job, false);
	(void)case_serve(job);
	assert_int_equal(case_jobs_where(
			     "state = 'done' AND guards IS NOT NULL AND "
			     "outcome = 'cancelled'"),
	    1);
	job = case_append_guarded("e2", h, bell).runnable[0];
	assert_int_equal(case_start(job, true).res.rc, STORE_EXISTS);
	assert_int_equal(case_jobs_where("outcome = 'cancelled'"), 2);
	assert_int_equal(case_runnable(&attempts_case, bell, 9,
			     ATTEMPTS_NOW + 999)
			     .nrunnable,
	    0);
}

/* A dead or discarded job was not done: the alarm stays. */
static void
test_dead_leaves_alarm(void **state)
{
	int64_t h = case_handler(&attempts_case, "a"),
		bell = case_handler(&attempts_case, "bell");
	int64_t job;

	(void)state;
	job = case_append_guarded("e1", h, bell).runnable[0];
	assert_int_equal(case_finish(&attempts_case, job, JOB_DEAD, 0).rc,
	    STORE_OK);
	job = case_append_guarded("e2", h, bell).runnable[0];
	assert_int_equal(case_act(STORE_DISCARD, job, NULL).res.rc, STORE_OK);
	assert_int_equal(case_runnable(&attempts_case, bell, 9,
			     ATTEMPTS_NOW + 999)
			     .nrunnable,
	    2);
}

/* An alarm under way is let end; it is not tried again for nothing. */
static void
test_running_alarm_ends_once(void **state)
{
	int64_t h = case_handler(&attempts_case, "a"),
		bell = case_handler(&attempts_case, "bell");
	int64_t job, alarm;

	(void)state;
	job = case_append_guarded("e1", h, bell).runnable[0];
	alarm = job + 1;
	(void)case_start(alarm, false);
	(void)case_serve(job);
	assert_int_equal(case_jobs_where("state = 'running'"), 1);
	assert_int_equal(case_finish(&attempts_case, alarm, JOB_WAITING,
			     ATTEMPTS_NOW + 1)
			     .rc,
	    STORE_OK);
	assert_int_equal(case_jobs_where("state = 'done' AND attempts = 1 AND "
					 "outcome = 'cancelled'"),
	    1);
	/* The same if we die meanwhile. */
	job = case_append_guarded("e2", h, bell).runnable[0];
	(void)case_start(job + 1, false);
	(void)case_serve(job);
	store_case_close(&attempts_case);
	store_case_open(&attempts_case);
	assert_int_equal(case_jobs_where("outcome = 'cancelled'"), 2);
	assert_int_equal(case_jobs_where("finished_at IS NULL"), 0);
}

/* A job that is due later waits for its time in its lane. */
static void
test_due_job_holds_its_lane(void **state)
{
	const char *const order[] = { "1", NULL };
	int64_t h = case_handler(&attempts_case, "a");
	const struct store_job_spec spec = { .handler = h,
		.place = STORE_WHOLE_EVENT,
		.ordered = true,
		.due_at.ms = ATTEMPTS_NOW + 50,
		.guards = STORE_NO_GUARD };
	struct case_result r;

	(void)state;
	assert_int_equal(case_append_specs("e1", order, &spec, 1).nrunnable, 0);
	assert_int_equal(case_append(&attempts_case, "e2", order, h).nrunnable,
	    0);
	r = case_runnable(&attempts_case, h, 9, ATTEMPTS_NOW);
	assert_int_equal(r.nrunnable, 0);
	assert_int_equal(r.next_due_ms, ATTEMPTS_NOW + 50);
	r = case_runnable(&attempts_case, h, 9, ATTEMPTS_NOW + 50);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTEMPTS_CASE(test_start_is_an_attempt),
		ATTEMPTS_CASE(test_only_the_attempt_under_way_ends),
		ATTEMPTS_CASE(test_finish_completes_attempt),
		ATTEMPTS_CASE(test_start_keeps_lanes),
		ATTEMPTS_CASE(test_an_end_begins_the_next),
		ATTEMPTS_CASE(test_an_end_begins_no_retry),
		ATTEMPTS_CASE(test_running_is_unknown_after_crash),
		ATTEMPTS_CASE(test_once_ends_already),
		ATTEMPTS_CASE(test_once_is_per_handler),
		ATTEMPTS_CASE(test_once_of_a_place),
		ATTEMPTS_CASE(test_alarm_waits_for_its_time),
		ATTEMPTS_CASE(test_done_cancels_alarm),
		ATTEMPTS_CASE(test_dead_leaves_alarm),
		ATTEMPTS_CASE(test_running_alarm_ends_once),
		ATTEMPTS_CASE(test_due_job_holds_its_lane),
	};

	return (store_case_run("store_attempts", tests));
}
