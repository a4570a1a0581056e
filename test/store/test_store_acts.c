/* What is done to jobs by hand: replay, retry, discard. */
#include <stdio.h>
#include <string.h>

#include "test/lib/attempts_case.h"
#include "test/lib/cmocka_all.h"

/* A replay is a new job at the end of its lanes, and begins despite once. */
static void
test_replay_is_a_new_job(void **state)
{
	const char *const order[] = { "1", NULL };
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job, other;
	struct started s;

	(void)state;
	job = case_append(&attempts_case, "e1", order, h).runnable[0];
	(void)case_start(job, true);
	assert_int_equal(case_act(STORE_REPLAY, job, NULL).res.rc,
	    STORE_REFUSED);
	(void)case_serve(job);
	other = case_append(&attempts_case, "e2", order, h).runnable[0];
	s = case_act(STORE_REPLAY, job, NULL);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(s.res.id, other + 1);
	assert_int_equal(s.res.nrunnable, 0);
	assert_int_equal(case_act(STORE_REPLAY, job, NULL).res.rc,
	    STORE_REFUSED);
	assert_int_equal(case_serve(other).runnable[0], other + 1);
	s = case_start(other + 1, true);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_true(s.replay);
	assert_int_equal(s.attempts, 1);
	assert_int_equal(case_jobs_where("replay_of = 1 AND ordered"), 1);
	assert_int_equal(case_act(STORE_REPLAY, 99, NULL).res.rc,
	    STORE_NOTFOUND);
}

/* Replays form one chain, whichever of its jobs is named. */
static void
test_replays_are_a_chain(void **state)
{
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", NULL, h).runnable[0];
	struct started s;

	(void)state;
	(void)case_finish(&attempts_case, job, JOB_DEAD, 0);
	s = case_act(STORE_REPLAY, job, NULL);
	assert_int_equal(s.res.nrunnable, 1);
	assert_true(s.replay);
	(void)case_finish(&attempts_case, s.res.id, JOB_DEAD, 0);
	s = case_act(STORE_REPLAY, job, NULL);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(case_jobs_where("replay_of = 1"), 1);
	assert_int_equal(case_jobs_where("replay_of = 2"), 1);
	assert_int_equal(case_act(STORE_REPLAY, 2, NULL).res.rc, STORE_REFUSED);
}

/* A replay of a guarded job makes no alarm. */
static void
test_replay_makes_no_alarm(void **state)
{
	int64_t h = case_handler(&attempts_case, "a"),
		bell = case_handler(&attempts_case, "bell");
	int64_t job = case_append_guarded("e1", h, bell).runnable[0];

	(void)state;
	(void)case_finish(&attempts_case, job, JOB_DEAD, 0);
	assert_int_equal(case_act(STORE_REPLAY, job, NULL).res.rc, STORE_OK);
	assert_int_equal(case_jobs_where("guards IS NOT NULL"), 1);
}

/* A new key is kept by what repeats it; each new one is another. */
static void
test_a_replay_may_have_a_new_key(void **state)
{
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", NULL, h).runnable[0];
	static const struct {
		enum store_act act;
		int64_t key_of;
	} replays[] = {
		{ STORE_REPLAY, 0 },
		{ STORE_REPLAY_ANEW, 3 },
		{ STORE_REPLAY, 3 },
		{ STORE_REPLAY_ANEW, 5 },
	};

	(void)state;
	assert_int_equal(case_start(job, false).key_of, 0);
	(void)case_finish(&attempts_case, job, JOB_DEAD, 0);
	for (size_t i = 0; i < sizeof(replays) / sizeof(replays[0]); i++) {
		int64_t made = case_act(replays[i].act, job, NULL).res.id;

		assert_int_equal(made, i + 2);
		assert_int_equal(case_start(made, false).key_of,
		    replays[i].key_of);
		/* It is the same when it is tried again, and after a crash. */
		store_case_close(&attempts_case);
		store_case_open(&attempts_case);
		assert_int_equal(case_start(made, false).key_of,
		    replays[i].key_of);
		(void)case_finish(&attempts_case, made, JOB_DEAD, 0);
	}
}

/* Retry makes a waiting job due, and no other. */
static void
test_retry_is_due_at_once(void **state)
{
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", NULL, h).runnable[0];
	struct started s;

	(void)state;
	assert_int_equal(case_act(STORE_RETRY, job, NULL).res.rc,
	    STORE_REFUSED);
	(void)case_finish(&attempts_case, job, JOB_WAITING, ATTEMPTS_NOW + 999);
	assert_int_equal(case_runnable(&attempts_case, h, 9, ATTEMPTS_NOW)
			     .nrunnable,
	    0);
	s = case_act(STORE_RETRY, job, NULL);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(s.res.runnable[0], job);
	assert_int_equal(s.attempts, 1);
	assert_int_equal(case_runnable(&attempts_case, h, 9, ATTEMPTS_NOW)
			     .nrunnable,
	    1);
	assert_int_equal(case_jobs_where("outcome = 'waiting'"), 1);
}

/* A discarded job is dead, for the reason given, and out of the way. */
static void
test_discard_frees_lane(void **state)
{
	const char *const order[] = { "1", NULL };
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", order, h).runnable[0];
	struct started s;

	(void)state;
	(void)case_append(&attempts_case, "e2", order, h);
	(void)case_append(&attempts_case, "e3", order, h);
	/* From the middle: those behind still wait for the first. */
	s = case_act(STORE_DISCARD, job + 1, "by phone");
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(s.res.nrunnable, 0);
	assert_int_equal(case_jobs_where("outcome = 'discarded: by phone' AND "
					 "state = 'dead'"),
	    1);
	s = case_act(STORE_DISCARD, job, NULL);
	assert_int_equal(s.res.nrunnable, 1);
	assert_int_equal(s.res.runnable[0], job + 2);
	assert_int_equal(case_jobs_where("outcome = 'discarded'"), 1);
	assert_int_equal(case_act(STORE_DISCARD, job, NULL).res.rc,
	    STORE_REFUSED);
	assert_int_equal(case_jobs_where("discarded_at = finished_at"), 2);
	(void)case_start(job + 2, false);
	assert_int_equal(case_act(STORE_DISCARD, job + 2, NULL).res.rc,
	    STORE_REFUSED);
}

/* A dead job keeps its end, and how it died; a replayed one is not dead. */
static void
test_discard_dead(void **state)
{
	int64_t h = case_handler(&attempts_case, "a");
	int64_t job = case_append(&attempts_case, "e1", NULL, h).runnable[0];

	(void)state;
	(void)case_start(job, false);
	assert_int_equal(case_finish(&attempts_case, job, JOB_DEAD, 0).rc,
	    STORE_OK);
	assert_int_equal(case_act(STORE_REPLAY, job, NULL).res.rc, STORE_OK);
	assert_int_equal(case_act(STORE_DISCARD, job, "x").res.rc,
	    STORE_REFUSED);
	(void)case_start(job + 1, false);
	assert_int_equal(case_finish(&attempts_case, job + 1, JOB_DEAD, 0).rc,
	    STORE_OK);
	assert_int_equal(case_act(STORE_DISCARD, job + 1, "x").res.rc,
	    STORE_OK);
	assert_int_equal(case_jobs_where(
			     "discarded_at IS NOT NULL AND "
			     "outcome LIKE 'discarded: x; it was: %'"),
	    1);
	assert_int_equal(case_act(STORE_DISCARD, job + 1, "x").res.rc,
	    STORE_REFUSED);
	assert_int_equal(case_act(STORE_REPLAY, job + 1, NULL).res.rc,
	    STORE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTEMPTS_CASE(test_replay_is_a_new_job),
		ATTEMPTS_CASE(test_replays_are_a_chain),
		ATTEMPTS_CASE(test_replay_makes_no_alarm),
		ATTEMPTS_CASE(test_a_replay_may_have_a_new_key),
		ATTEMPTS_CASE(test_retry_is_due_at_once),
		ATTEMPTS_CASE(test_discard_frees_lane),
		ATTEMPTS_CASE(test_discard_dead),
	};

	return (store_case_run("store_acts", tests));
}
