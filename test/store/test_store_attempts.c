/* Attempts that begin and end apart; once; alarms; what is done by hand. */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000

static struct store_case c;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	store_case_open(&c);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_case_fini(&c);
	return (0);
}

/* The job that store_start() handed out, as its callback saw it. */
struct started {
	struct case_result res;
	unsigned attempts;
	bool replay;
	int64_t guards;
	char body[64];
};

/* store_done_fn */
static void
started_cb(const struct store_result *res, void *arg)
{
	struct started *s = arg;
	const struct store_job *job = res->runnable;

	case_done_cb(res, &s->res);
	if (res->nrunnable == 0)
		return;
	s->attempts = job->attempts;
	s->replay = job->replay;
	s->guards = job->guards;
	if (job->ev->body != NULL)
		(void)snprintf(s->body, sizeof(s->body), "%.*s",
		    (int)job->ev->body_len, (const char *)job->ev->body);
}

static struct started
start(int64_t job, bool once)
{
	struct started s = { 0 };

	assert_int_equal(store_start(c.st, job, once, NOW, started_cb, &s), 0);
	assert_int_equal(s.res.calls, 0);
	store_wait(c.st);
	assert_int_equal(s.res.calls, 1);
	return (s);
}

static struct started
act(enum store_act what, int64_t job, const char *why)
{
	struct started s = { 0 };

	assert_int_equal(store_act(c.st, what, job, why, NOW, started_cb, &s),
	    0);
	store_wait(c.st);
	assert_int_equal(s.res.calls, 1);
	return (s);
}

/* End an attempt, its orders done for good. */
static struct case_result
serve(int64_t job)
{
	struct store_attempt at = { .duration_ms = 7,
		.code = 200,
		.answer = "ok",
		.answer_len = 2 };
	struct store_outcome out = { .job = job,
		.number = case_number(&c, job),
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = NOW,
		.attempt = &at,
		.served = true };
	struct case_result r = { 0 };

	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* Append an event with these specs; the ids of its runnable jobs. */
static struct case_result
append_specs(const char *id, const char *const *orders,
    const struct store_job_spec *specs, size_t n)
{
	struct store_event *ev = case_event(id, "{\"a\":1}", orders);
	struct case_result r = { 0 };

	assert_int_equal(store_append(c.st, ev, specs, n, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* The number of rows that a condition on jobs names. */
static int64_t
jobs_where(const char *condition)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM jobs WHERE %s",
	    condition);
	return (store_case_int(&c, sql));
}

/* A start hands out the job with its body, and is an attempt on disk. */
static void
test_start_is_an_attempt(void **state)
{
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", NULL, h).runnable[0];
	struct started s;

	(void)state;
	s = start(job, false);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(s.res.runnable[0], job);
	assert_int_equal(s.attempts, 1);
	assert_false(s.replay);
	assert_string_equal(s.body, "{\"orders\":[{\"id\":1}]}");
	assert_int_equal(jobs_where("state = 'running' AND attempts = 1"), 1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM attempts WHERE number = 1 "
			     "AND outcome IS NULL AND duration = 0"),
	    1);
	assert_int_equal(case_runnable(&c, h, 9, NOW).nrunnable, 0);
	assert_int_equal(start(job, false).res.rc, STORE_LOST);
	assert_int_equal(start(99, false).res.rc, STORE_NOTFOUND);
}

/* The end of an attempt counts only while the job runs under its number. */
static void
test_only_the_attempt_under_way_ends(void **state)
{
	struct store_outcome out = { .to = JOB_WAITING,
		.outcome = "late",
		.at_ms = NOW };
	static const unsigned others[] = { 0, 1, 3 };
	int64_t h = case_handler(&c, "a");
	struct case_result r = { 0 };

	(void)state;
	out.job = case_append(&c, "e1", NULL, h).runnable[0];
	(void)start(out.job, false);
	assert_int_equal(case_finish(&c, out.job, JOB_WAITING, NOW).rc,
	    STORE_OK);
	out.number = 1; /* as its end, sent once more */
	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_LOST);
	assert_int_equal(start(out.job, false).attempts, 2);
	for (size_t i = 0; i < 3; i++) {
		out.number = others[i];
		assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
		store_wait(c.st);
		assert_int_equal(r.rc, STORE_LOST);
	}
	assert_int_equal(jobs_where("state = 'running' AND attempts = 2"), 1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM attempts WHERE outcome = "
			     "'late'"),
	    0);
	assert_int_equal(case_finish(&c, out.job, JOB_DONE, 0).rc, STORE_OK);
}

/* Its end completes that row; the next start is the second attempt. */
static void
test_finish_completes_attempt(void **state)
{
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", NULL, h).runnable[0];

	(void)state;
	(void)start(job, false);
	assert_int_equal(case_finish(&c, job, JOB_WAITING, NOW + 9).rc,
	    STORE_OK);
	assert_int_equal(jobs_where("attempts = 1 AND state = 'waiting'"), 1);
	assert_int_equal(start(job, false).attempts, 2);
	(void)serve(job);
	assert_int_equal(jobs_where("attempts = 2 AND state = 'done'"), 1);
	assert_int_equal(store_case_int(&c,
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
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", order, h).runnable[0];
	struct case_result r;

	(void)state;
	(void)case_append(&c, "e2", order, h);
	assert_int_equal(start(job + 1, false).res.rc, STORE_REFUSED);
	(void)start(job, false);
	assert_int_equal(start(job + 1, false).res.rc, STORE_REFUSED);
	r = serve(job);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], job + 1);
}

/* What ran when we died is unknown, due at once, and next in its lane. */
static void
test_running_is_unknown_after_crash(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", order, h).runnable[0];
	struct case_result r;

	(void)state;
	(void)case_append(&c, "e2", order, h);
	(void)start(job, false);
	store_case_close(&c);
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_OK);
	r = case_runnable(&c, h, 9, 1);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], job);
	assert_int_equal(jobs_where("state = 'waiting' AND attempts = 1 AND "
				    "outcome = 'unknown'"),
	    1);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM attempts "
					    "WHERE outcome = 'unknown'"),
	    1);
	assert_int_equal(start(job, false).attempts, 2);
}

/* Once: a job whose orders were all served ends, and frees its lane. */
static void
test_once_ends_already(void **state)
{
	const char *const one[] = { "1", NULL };
	const char *const both[] = { "1", "2", NULL };
	const char *const two[] = { "2", NULL };
	int64_t h = case_handler(&c, "a");
	int64_t first, batch, last;
	struct started s;

	(void)state;
	first = case_append(&c, "e1", one, h).runnable[0];
	(void)start(first, true);
	(void)serve(first);
	/* Not all of these were. */
	batch = case_append(&c, "e2", both, h).runnable[0];
	assert_int_equal(start(batch, true).res.rc, STORE_OK);
	(void)serve(batch);
	last = case_append(&c, "e3", both, h).runnable[0];
	(void)case_append(&c, "e4", two, h);
	s = start(last, true);
	assert_int_equal(s.res.rc, STORE_EXISTS);
	assert_int_equal(s.res.nrunnable, 1);
	assert_int_equal(s.res.runnable[0], last + 1);
	assert_int_equal(jobs_where("outcome = 'already: job 1' AND "
				    "state = 'done' AND attempts = 0"),
	    1);
	/* The first to serve an order is who is named. */
	assert_int_equal(start(last + 1, true).res.rc, STORE_EXISTS);
	assert_int_equal(jobs_where("outcome = 'already: job 2'"), 1);
}

/* Neither another handler's work nor an event without orders is `already'. */
static void
test_once_is_per_handler(void **state)
{
	const char *const one[] = { "1", NULL };
	int64_t a = case_handler(&c, "a"), b = case_handler(&c, "b");
	int64_t job;

	(void)state;
	job = case_append(&c, "e1", one, a).runnable[0];
	(void)serve(job);
	job = case_append(&c, "e2", one, b).runnable[0];
	assert_int_equal(start(job, true).res.rc, STORE_OK);
	job = case_append(&c, "e3", NULL, a).runnable[0];
	assert_int_equal(start(job, true).res.rc, STORE_OK);
	job = case_append(&c, "e4", one, a).runnable[0];
	assert_int_equal(start(job, false).res.rc, STORE_OK);
}

/* A job for one place asks and answers for that place's order only. */
static void
test_once_of_a_place(void **state)
{
	const char *const both[] = { "1", "2", NULL };
	int64_t h = case_handler(&c, "a");
	const struct store_job_spec specs[] = {
		{ .handler = h, .place = 0, .guards = STORE_NO_GUARD },
		{ .handler = h, .place = 1, .guards = STORE_NO_GUARD },
	};
	struct case_result r;

	(void)state;
	r = append_specs("e1", both, specs, 2);
	(void)serve(r.runnable[0]);
	r = append_specs("e2", both, specs, 2);
	assert_int_equal(start(r.runnable[0], true).res.rc, STORE_EXISTS);
	assert_int_equal(start(r.runnable[1], true).res.rc, STORE_OK);
}

/* An event with a job of h and an alarm of bell for it, due at NOW + 100. */
static struct case_result
append_guarded(const char *id, int64_t h, int64_t bell)
{
	const char *const order[] = { "1", NULL };
	const struct store_job_spec specs[] = {
		{ .handler = h,
		    .place = STORE_WHOLE_EVENT,
		    .ordered = true,
		    .guards = STORE_NO_GUARD },
		{ .handler = bell,
		    .place = STORE_WHOLE_EVENT,
		    .ordered = true,
		    .due_at.ms = NOW + 100,
		    .guards = 0 },
	};

	return (append_specs(id, order, specs, 2));
}

/* An alarm stands in no lane, waits for its time, and says what it is. */
static void
test_alarm_waits_for_its_time(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	struct case_result r;
	struct started s;

	(void)state;
	r = append_guarded("e1", h, bell);
	assert_int_equal(r.nrunnable, 1);
	(void)append_guarded("e2", h, bell);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM lanes"), 2);
	r = case_runnable(&c, bell, 9, NOW + 99);
	assert_int_equal(r.nrunnable, 0);
	assert_int_equal(r.next_due_ms, NOW + 100);
	r = case_runnable(&c, bell, 9, NOW + 100);
	assert_int_equal(r.nrunnable, 2);
	s = start(r.runnable[1], false);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_true(s.guards != 0);
}

/* Done cancels the alarm in the same commit, `already' as well. */
static void
test_done_cancels_alarm(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	int64_t job;

	(void)state;
	job = append_guarded("e1", h, bell).runnable[0];
	(void)start(job, false);
	(void)serve(job);
	assert_int_equal(jobs_where("state = 'done' AND guards IS NOT NULL AND "
				    "outcome = 'cancelled'"),
	    1);
	job = append_guarded("e2", h, bell).runnable[0];
	assert_int_equal(start(job, true).res.rc, STORE_EXISTS);
	assert_int_equal(jobs_where("outcome = 'cancelled'"), 2);
	assert_int_equal(case_runnable(&c, bell, 9, NOW + 999).nrunnable, 0);
}

/* A dead or discarded job was not done: the alarm stays. */
static void
test_dead_leaves_alarm(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	int64_t job;

	(void)state;
	job = append_guarded("e1", h, bell).runnable[0];
	assert_int_equal(case_finish(&c, job, JOB_DEAD, 0).rc, STORE_OK);
	job = append_guarded("e2", h, bell).runnable[0];
	assert_int_equal(act(STORE_DISCARD, job, NULL).res.rc, STORE_OK);
	assert_int_equal(case_runnable(&c, bell, 9, NOW + 999).nrunnable, 2);
}

/* An alarm under way is let end; it is not tried again for nothing. */
static void
test_running_alarm_ends_once(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	int64_t job, alarm;

	(void)state;
	job = append_guarded("e1", h, bell).runnable[0];
	alarm = job + 1;
	(void)start(alarm, false);
	(void)serve(job);
	assert_int_equal(jobs_where("state = 'running'"), 1);
	assert_int_equal(case_finish(&c, alarm, JOB_WAITING, NOW + 1).rc,
	    STORE_OK);
	assert_int_equal(jobs_where("state = 'done' AND attempts = 1 AND "
				    "outcome = 'cancelled'"),
	    1);
	/* The same if we die meanwhile. */
	job = append_guarded("e2", h, bell).runnable[0];
	(void)start(job + 1, false);
	(void)serve(job);
	store_case_close(&c);
	store_case_open(&c);
	assert_int_equal(jobs_where("outcome = 'cancelled'"), 2);
	assert_int_equal(jobs_where("finished_at IS NULL"), 0);
}

/* A job that is due later waits for its time in its lane. */
static void
test_due_job_holds_its_lane(void **state)
{
	const char *const order[] = { "1", NULL };
	int64_t h = case_handler(&c, "a");
	const struct store_job_spec spec = { .handler = h,
		.place = STORE_WHOLE_EVENT,
		.ordered = true,
		.due_at.ms = NOW + 50,
		.guards = STORE_NO_GUARD };
	struct case_result r;

	(void)state;
	assert_int_equal(append_specs("e1", order, &spec, 1).nrunnable, 0);
	assert_int_equal(case_append(&c, "e2", order, h).nrunnable, 0);
	r = case_runnable(&c, h, 9, NOW);
	assert_int_equal(r.nrunnable, 0);
	assert_int_equal(r.next_due_ms, NOW + 50);
	r = case_runnable(&c, h, 9, NOW + 50);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e1");
}

/* A replay is a new job at the end of its lanes, and begins despite once. */
static void
test_replay_is_a_new_job(void **state)
{
	const char *const order[] = { "1", NULL };
	int64_t h = case_handler(&c, "a");
	int64_t job, other;
	struct started s;

	(void)state;
	job = case_append(&c, "e1", order, h).runnable[0];
	(void)start(job, true);
	assert_int_equal(act(STORE_REPLAY, job, NULL).res.rc, STORE_REFUSED);
	(void)serve(job);
	other = case_append(&c, "e2", order, h).runnable[0];
	s = act(STORE_REPLAY, job, NULL);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(s.res.id, other + 1);
	assert_int_equal(s.res.nrunnable, 0);
	assert_int_equal(act(STORE_REPLAY, job, NULL).res.rc, STORE_REFUSED);
	assert_int_equal(serve(other).runnable[0], other + 1);
	s = start(other + 1, true);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_true(s.replay);
	assert_int_equal(s.attempts, 1);
	assert_int_equal(jobs_where("replay_of = 1 AND ordered"), 1);
	assert_int_equal(act(STORE_REPLAY, 99, NULL).res.rc, STORE_NOTFOUND);
}

/* Replays form one chain, whichever of its jobs is named. */
static void
test_replays_are_a_chain(void **state)
{
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", NULL, h).runnable[0];
	struct started s;

	(void)state;
	(void)case_finish(&c, job, JOB_DEAD, 0);
	s = act(STORE_REPLAY, job, NULL);
	assert_int_equal(s.res.nrunnable, 1);
	assert_true(s.replay);
	(void)case_finish(&c, s.res.id, JOB_DEAD, 0);
	s = act(STORE_REPLAY, job, NULL);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(jobs_where("replay_of = 1"), 1);
	assert_int_equal(jobs_where("replay_of = 2"), 1);
	assert_int_equal(act(STORE_REPLAY, 2, NULL).res.rc, STORE_REFUSED);
}

/* A replay of a guarded job makes no alarm. */
static void
test_replay_makes_no_alarm(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	int64_t job = append_guarded("e1", h, bell).runnable[0];

	(void)state;
	(void)case_finish(&c, job, JOB_DEAD, 0);
	assert_int_equal(act(STORE_REPLAY, job, NULL).res.rc, STORE_OK);
	assert_int_equal(jobs_where("guards IS NOT NULL"), 1);
}

/* Retry makes a waiting job due, and no other. */
static void
test_retry_is_due_at_once(void **state)
{
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", NULL, h).runnable[0];
	struct started s;

	(void)state;
	assert_int_equal(act(STORE_RETRY, job, NULL).res.rc, STORE_REFUSED);
	(void)case_finish(&c, job, JOB_WAITING, NOW + 999);
	assert_int_equal(case_runnable(&c, h, 9, NOW).nrunnable, 0);
	s = act(STORE_RETRY, job, NULL);
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(s.res.runnable[0], job);
	assert_int_equal(s.attempts, 1);
	assert_int_equal(case_runnable(&c, h, 9, NOW).nrunnable, 1);
	assert_int_equal(jobs_where("outcome = 'waiting'"), 1);
}

/* A discarded job is dead, for the reason given, and out of the way. */
static void
test_discard_frees_lane(void **state)
{
	const char *const order[] = { "1", NULL };
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", order, h).runnable[0];
	struct started s;

	(void)state;
	(void)case_append(&c, "e2", order, h);
	(void)case_append(&c, "e3", order, h);
	/* From the middle: those behind still wait for the first. */
	s = act(STORE_DISCARD, job + 1, "by phone");
	assert_int_equal(s.res.rc, STORE_OK);
	assert_int_equal(s.res.nrunnable, 0);
	assert_int_equal(jobs_where("outcome = 'discarded: by phone' AND "
				    "state = 'dead'"),
	    1);
	s = act(STORE_DISCARD, job, NULL);
	assert_int_equal(s.res.nrunnable, 1);
	assert_int_equal(s.res.runnable[0], job + 2);
	assert_int_equal(jobs_where("outcome = 'discarded'"), 1);
	assert_int_equal(act(STORE_DISCARD, job, NULL).res.rc, STORE_REFUSED);
	assert_int_equal(jobs_where("discarded_at = finished_at"), 2);
	(void)start(job + 2, false);
	assert_int_equal(act(STORE_DISCARD, job + 2, NULL).res.rc,
	    STORE_REFUSED);
}

/* A dead job keeps its end, and how it died; a replayed one is not dead. */
static void
test_discard_dead(void **state)
{
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", NULL, h).runnable[0];

	(void)state;
	(void)start(job, false);
	assert_int_equal(case_finish(&c, job, JOB_DEAD, 0).rc, STORE_OK);
	assert_int_equal(act(STORE_REPLAY, job, NULL).res.rc, STORE_OK);
	assert_int_equal(act(STORE_DISCARD, job, "x").res.rc, STORE_REFUSED);
	(void)start(job + 1, false);
	assert_int_equal(case_finish(&c, job + 1, JOB_DEAD, 0).rc, STORE_OK);
	assert_int_equal(act(STORE_DISCARD, job + 1, "x").res.rc, STORE_OK);
	assert_int_equal(jobs_where("discarded_at IS NOT NULL AND "
				    "outcome LIKE 'discarded: x; it was: %'"),
	    1);
	assert_int_equal(act(STORE_DISCARD, job + 1, "x").res.rc,
	    STORE_REFUSED);
	assert_int_equal(act(STORE_REPLAY, job + 1, NULL).res.rc, STORE_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_start_is_an_attempt),
		CASE(test_only_the_attempt_under_way_ends),
		CASE(test_finish_completes_attempt),
		CASE(test_start_keeps_lanes),
		CASE(test_running_is_unknown_after_crash),
		CASE(test_once_ends_already),
		CASE(test_once_is_per_handler),
		CASE(test_once_of_a_place),
		CASE(test_alarm_waits_for_its_time),
		CASE(test_done_cancels_alarm),
		CASE(test_dead_leaves_alarm),
		CASE(test_running_alarm_ends_once),
		CASE(test_due_job_holds_its_lane),
		CASE(test_replay_is_a_new_job),
		CASE(test_replays_are_a_chain),
		CASE(test_replay_makes_no_alarm),
		CASE(test_retry_is_due_at_once),
		CASE(test_discard_frees_lane),
		CASE(test_discard_dead),
	};

	return (store_case_run("store_attempts", tests));
}
