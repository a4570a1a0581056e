/*
 * Two receivers on one database: whose a job is, and what becomes of the calls
 * of one whose job it is not.
 */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "two_receivers.h"

static int64_t
jobs_where(const char *condition)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM jobs WHERE %s",
	    condition);
	return (store_case_int(&a, sql));
}

static void
assert_sound(void)
{
	assert_int_equal(store_case_int(&a,
			     "SELECT (find_fault() IS NULL)::int"),
	    1);
}

/* -- Whose it is -- */

/* Who appends a job has it: another is neither shown it nor may begin it. */
static void
test_a_job_is_who_appended_its(void **state)
{
	int64_t h = case_handler(&a, "pos");
	struct case_result r;
	int64_t job;

	(void)state;
	assert_int_equal(case_handler(&b, "pos"), h);
	r = case_append(&a, "e1", order, h);
	job = r.runnable[0];
	assert_int_equal(case_runnable(&b, h, 9, NOW).nrunnable, 0);
	r = start(&b, job);
	assert_int_equal(r.rc, STORE_LOST);
	assert_non_null(strstr(r.reason, "another receiver"));
	assert_int_equal(finish(&b, job, 0, JOB_DONE).rc, STORE_LOST);
	assert_int_equal(jobs_where("state = 'ready' AND attempts = 0"), 1);

	assert_int_equal(case_runnable(&a, h, 9, NOW).nrunnable, 1);
	assert_int_equal(start(&a, job).rc, STORE_OK);
	assert_int_equal(finish(&b, job, 1, JOB_DONE).rc, STORE_LOST);
	assert_int_equal(jobs_where("state = 'running'"), 1);
	assert_int_equal(finish(&a, job, 1, JOB_DONE).rc, STORE_OK);
	assert_int_equal(finish(&a, job, 1, JOB_DONE).rc, STORE_LOST);
	assert_sound();
}

/* What moves up in its lane is whose commit has moved it, whoever made it. */
static void
test_what_moves_up_is_the_others(void **state)
{
	int64_t h = case_handler(&a, "pos");
	int64_t first, second;
	struct case_result r;

	(void)state;
	first = case_append(&a, "e1", order, h).runnable[0];
	r = case_append(&b, "e2", order, h);
	assert_int_equal(r.nrunnable, 0);
	assert_int_equal(case_runnable(&b, h, 9, NOW).nrunnable, 0);

	assert_int_equal(start(&a, first).rc, STORE_OK);
	r = finish(&a, first, 1, JOB_DONE);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e2");
	second = r.runnable[0];
	assert_int_equal(start(&b, second).rc, STORE_LOST);
	assert_int_equal(start(&a, second).rc, STORE_OK);
	assert_sound();
}

/* Who ends a job without a run of it moves up the next, too. */
static void
test_what_is_skipped_moves_up_the_next(void **state)
{
	struct store_outcome out = { .to = JOB_DONE,
		.number = 1,
		.outcome = "done",
		.at_ms = NOW,
		.served = true };
	int64_t h = case_handler(&a, "pos");
	struct case_result r = { 0 };

	(void)state;
	out.job = case_append(&a, "e1", order, h).runnable[0];
	(void)case_append(&b, "e2", order, h);
	(void)case_append(&b, "e3", order, h);
	assert_int_equal(start(&a, out.job).rc, STORE_OK);
	assert_int_equal(store_finish(a.st, &out, case_done_cb, &r), 0);
	store_wait(a.st);
	assert_int_equal(r.nrunnable, 1);

	assert_int_equal(start_skipping(&b, r.runnable[0], STORE_SKIP_SERVED)
			     .rc,
	    STORE_LOST);
	r = start_skipping(&a, r.runnable[0], STORE_SKIP_SERVED);
	assert_int_equal(r.rc, STORE_EXISTS);
	assert_int_equal(r.id, out.job);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e3");
	assert_sound();
}

/* What one leaves behind that goes is nobody's, until another finds it. */
static void
test_what_is_nobodys_is_claimed_once(void **state)
{
	int64_t h = case_handler(&a, "pos");
	struct case_result r;

	(void)state;
	(void)case_append(&b, "e1", order, h);
	(void)case_append(&b, "e2", (const char *const[]){ "2", NULL }, h);
	store_case_close(&b);
	assert_int_equal(jobs_where("owner = 0"), 2);
	open_b();
	r = case_runnable(&b, h, 1, NOW);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e1");
	r = case_runnable(&a, h, 9, NOW);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e2");
	assert_int_equal(jobs_where("owner = 0"), 0);
	assert_int_equal(start(&b, r.runnable[0]).rc, STORE_LOST);
}

/* An attempt that is not the last one says nothing any more. */
static void
test_an_old_attempt_is_lost(void **state)
{
	int64_t h = case_handler(&a, "pos");
	int64_t job = case_append(&a, "e1", order, h).runnable[0];

	(void)state;
	assert_int_equal(start(&a, job).rc, STORE_OK);
	assert_int_equal(finish(&a, job, 1, JOB_WAITING).rc, STORE_OK);
	assert_int_equal(finish(&a, job, 1, JOB_DONE).rc, STORE_LOST);
	assert_int_equal(start(&a, job).rc, STORE_OK);
	assert_int_equal(finish(&a, job, 1, JOB_DONE).rc, STORE_LOST);
	assert_int_equal(jobs_where("state = 'running' AND attempts = 2"), 1);
	assert_int_equal(finish(&a, job, 2, JOB_DEAD).rc, STORE_OK);
	assert_int_equal(start(&a, job).rc, STORE_LOST);
}

/* -- By hand -- */

/* A retry takes the job from who waits for its time. */
static void
test_retry_at_another(void **state)
{
	int64_t h = case_handler(&a, "pos");
	int64_t job = case_append(&a, "e1", order, h).runnable[0];
	struct case_result r;

	(void)state;
	assert_int_equal(start(&a, job).rc, STORE_OK);
	assert_int_equal(case_finish(&a, job, JOB_WAITING, NOW + 500).rc,
	    STORE_OK);
	assert_int_equal(case_runnable(&a, h, 9, NOW).next_due_ms, NOW + 500);
	assert_int_equal(case_runnable(&b, h, 9, NOW).next_due_ms, 0);
	r = act(&b, STORE_RETRY, job);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(start(&b, job).rc, STORE_OK);
	assert_int_equal(start(&a, job).rc, STORE_LOST);
	assert_int_equal(act(&a, STORE_RETRY, job).rc, STORE_REFUSED);
}

static struct case_result
release(struct store_case *c, int64_t h)
{
	struct case_result r = { 0 };

	assert_int_equal(store_release(c->st, h, case_done_cb, &r), 0);
	store_wait(c->st);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* What a receiver gives up another may have; what it has begun stays its own.
 */
static void
test_what_is_released_is_anybodys(void **state)
{
	int64_t h = case_handler(&a, "pos");
	int64_t other = case_handler(&a, "other");
	int64_t begun, ready;

	(void)state;
	begun = case_append(&b, "e1", NULL, h).runnable[0];
	ready = case_append(&b, "e2", NULL, h).runnable[0];
	(void)case_append(&b, "e3", NULL, other);
	assert_int_equal(start(&b, begun).rc, STORE_OK);
	assert_int_equal(case_runnable(&a, h, 9, NOW).nrunnable, 0);
	assert_int_equal(release(&a, h).id, 0);
	assert_int_equal(release(&b, h).id, 1);
	assert_int_equal(release(&b, h).id, 0);
	assert_int_equal(case_runnable(&a, h, 9, NOW).nrunnable, 1);
	assert_int_equal(case_runnable(&a, other, 9, NOW).nrunnable, 0);
	assert_int_equal(start(&b, ready).rc, STORE_LOST);
	assert_int_equal(start(&a, ready).rc, STORE_OK);
	assert_int_equal(finish(&b, begun, 1, JOB_DONE).rc, STORE_OK);
}

/* Whoever replays or discards, anyone may have what comes of it. */
static void
test_what_is_done_by_hand_is_for_all(void **state)
{
	int64_t h = case_handler(&a, "pos");
	int64_t job = case_append(&a, "e1", order, h).runnable[0];
	struct case_result r;

	(void)state;
	(void)case_append(&a, "e2", order, h);
	r = act(&b, STORE_DISCARD, job);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e2");
	assert_int_equal(start(&a, job).rc, STORE_LOST);
	assert_int_equal(start(&a, r.runnable[0]).rc, STORE_OK);
	assert_int_equal(start(&b, r.runnable[0]).rc, STORE_LOST);

	r = act(&b, STORE_REPLAY, job);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 0); /* behind the job of e2 */
	assert_int_equal(start(&b, r.id).rc, STORE_REFUSED);
	assert_sound();
}

/* Of two replays at the same moment one is made. */
static void
test_replayed_by_two(void **state)
{
	int64_t h = case_handler(&a, "pos");
	int64_t job = case_append(&a, "e1", order, h).runnable[0];
	struct case_result ra, rb;

	(void)state;
	assert_int_equal(start(&a, job).rc, STORE_OK);
	assert_int_equal(case_finish(&a, job, JOB_DEAD, 0).rc, STORE_OK);
	for (int64_t n = 1; n <= 8; n++) {
		queue_act(&a, STORE_REPLAY, job, &ra);
		queue_act(&b, STORE_REPLAY, job, &rb);
		store_wait(a.st);
		store_wait(b.st);
		assert_int_equal((ra.rc == STORE_OK) + (rb.rc == STORE_OK), 1);
		assert_int_equal((ra.rc == STORE_REFUSED) +
				     (rb.rc == STORE_REFUSED),
		    1);
		assert_int_equal(jobs_where("replay_of IS NOT NULL"), n);
		if (ra.rc != STORE_OK)
			ra = rb;
		assert_int_equal(ra.nrunnable, 1);
		assert_int_equal(start(&b, ra.id).rc, STORE_OK);
		assert_int_equal(finish(&b, ra.id, 1, JOB_DEAD).rc, STORE_OK);
	}
	assert_sound();
}

/* -- Alarms -- */

/* Another ends the job that is guarded: the alarm is cancelled, if it waits. */
static void
test_alarm_of_anothers_job(void **state)
{
	int64_t h = case_handler(&a, "pos"), bell = case_handler(&a, "bell");
	struct case_result r;

	(void)state;
	r = append_guarded(h, bell);
	assert_int_equal(case_runnable(&a, bell, 9, NOW).next_due_ms,
	    NOW + 100);
	assert_int_equal(finish(&b, r.runnable[0], 1, JOB_DONE).rc, STORE_OK);
	assert_int_equal(jobs_where("guards IS NOT NULL AND "
				    "outcome = 'cancelled'"),
	    1);
	assert_int_equal(case_runnable(&a, bell, 9, NOW + 100).nrunnable, 0);
}

/* One under way ends by itself; it is not tried again once that is done. */
static void
test_alarm_under_way(void **state)
{
	int64_t h = case_handler(&a, "pos"), bell = case_handler(&a, "bell");
	struct case_result r, ring;

	(void)state;
	r = append_guarded(h, bell);
	ring = case_runnable(&a, bell, 9, NOW + 100);
	assert_int_equal(ring.nrunnable, 1);
	assert_int_equal(start(&a, ring.runnable[0]).rc, STORE_OK);
	assert_int_equal(finish(&b, r.runnable[0], 1, JOB_DONE).rc, STORE_OK);
	assert_int_equal(jobs_where("guards IS NOT NULL AND "
				    "state = 'running'"),
	    1);
	assert_int_equal(finish(&a, ring.runnable[0], 1, JOB_WAITING).rc,
	    STORE_OK);
	assert_int_equal(jobs_where("guards IS NOT NULL AND state = 'done' "
				    "AND outcome = 'cancelled'"),
	    1);
}

/* Both end at the same moment: whoever is first, nothing rings any more. */
static void
test_alarm_and_its_job_end_at_once(void **state)
{
	struct store_outcome done = { .number = 1,
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = NOW };
	struct store_outcome again = { .number = 1,
		.to = JOB_WAITING,
		.outcome = "no answer",
		.at_ms = NOW };
	int64_t h = case_handler(&a, "pos"), bell = case_handler(&a, "bell");
	struct case_result ra = { 0 }, rb = { 0 }, ring;

	(void)state;
	done.job = append_guarded(h, bell).runnable[0];
	ring = case_runnable(&a, bell, 9, NOW + 100);
	again.job = ring.runnable[0];
	assert_int_equal(start(&a, again.job).rc, STORE_OK);
	assert_int_equal(store_finish(a.st, &again, case_done_cb, &ra), 0);
	assert_int_equal(store_finish(b.st, &done, case_done_cb, &rb), 0);
	store_wait(a.st);
	store_wait(b.st);
	assert_int_equal(ra.rc, STORE_OK);
	assert_int_equal(rb.rc, STORE_OK);
	assert_int_equal(jobs_where("finished_at IS NULL"), 0);
}

/* Both are given one number, and none is used up by that. */
static void
test_a_handler_has_one_number(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(case_handler(&a, "pos"), 1);
		assert_int_equal(case_handler(&b, "pos"), 1);
	}
	assert_int_equal(case_handler(&b, "bell"), 2);
	assert_int_equal(case_handler(&a, "bell"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_job_is_who_appended_its),
		CASE(test_what_moves_up_is_the_others),
		CASE(test_what_is_skipped_moves_up_the_next),
		CASE(test_what_is_nobodys_is_claimed_once),
		CASE(test_an_old_attempt_is_lost),
		CASE(test_retry_at_another),
		CASE(test_what_is_released_is_anybodys),
		CASE(test_what_is_done_by_hand_is_for_all),
		CASE(test_replayed_by_two),
		CASE(test_alarm_of_anothers_job),
		CASE(test_alarm_under_way),
		CASE(test_alarm_and_its_job_end_at_once),
		CASE(test_a_handler_has_one_number),
	};

	return (store_case_run("shared", tests));
}
