/* Jobs that guard others, and jobs that are born at their end. */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000

static struct store_case c;

static struct case_result
append(const char *id, const struct store_job_spec *specs, size_t n)
{
	static const char *const orders[] = { "1", NULL };
	struct store_event *ev = case_event(id, "{\"a\":1}", orders);
	struct case_result r = { 0 };

	assert_int_equal(store_append(c.st, ev, specs, n, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

static struct case_result
act(enum store_act what, int64_t job)
{
	struct case_result r = { 0 };

	assert_int_equal(store_act(c.st, what, job, NULL, NOW, case_done_cb,
			     &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	return (r);
}

static int64_t
jobs_where(const char *condition)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM jobs WHERE %s",
	    condition);
	return (store_case_int(&c, sql));
}

/* -- Born at their end -- */

/* Of four jobs one runs; the others only say what became of their places. */
static struct case_result
append_born(int64_t handler, int64_t bell)
{
	const struct store_job_spec specs[] = {
		{ .handler = handler,
		    .ordered = true,
		    .guards = STORE_NO_GUARD },
		{ .handler = handler,
		    .place = 1,
		    .ordered = true,
		    .guards = STORE_NO_GUARD,
		    .born = JOB_DEAD,
		    .outcome = "no usable order id" },
		{ .handler = bell,
		    .place = 1,
		    .due_at.ms = NOW + 100,
		    .guards = 1 },
		{ .handler = handler,
		    .place = 2,
		    .ordered = true,
		    .guards = STORE_NO_GUARD,
		    .born = JOB_DONE,
		    .outcome = "superseded by place 0" },
	};

	return (append("e1", specs, 4));
}

/* It never runs, holds nobody up, and is an end from the first moment. */
static void
test_born_at_its_end(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	struct case_result r;

	(void)state;
	r = append_born(h, bell);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], 1);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM lanes"), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(jobs_where("id = 2 AND state = 'dead' AND "
					    "finished_at = 1750000000000 AND "
					    "outcome = 'no usable order id'"),
		    1);
		assert_int_equal(jobs_where("id = 4 AND state = 'done' AND "
					    "outcome = 'superseded by place "
					    "0'"),
		    1);
		r = case_runnable(&c, h, 9, NOW);
		assert_int_equal(r.nrunnable, 1);
		store_case_close(&c);
		store_case_open(&c);
	}
	/* Dead is not done: its alarm rings. */
	assert_int_equal(case_runnable(&c, bell, 9, NOW + 100).nrunnable, 1);
	assert_int_equal(case_finish(&c, 1, JOB_DONE, 0).rc, STORE_OK);
}

/* What is dead can be asked for again; an older record cannot. */
static void
test_born_dead_is_replayed(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	struct case_result r;

	(void)state;
	(void)append_born(h, bell);
	r = act(STORE_REPLAY, 2);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(jobs_where("replay_of = 2 AND state = 'ready' AND "
				    "outcome IS NULL"),
	    1);
	r = act(STORE_REPLAY, 4);
	assert_int_equal(r.rc, STORE_REFUSED);
	assert_non_null(strstr(r.reason, "a newer record of that order"));
	assert_int_equal(jobs_where("id > 4"), 1);
}

/* -- Alarms -- */

/* A job and its alarm, whose number is the next. */
static int64_t
append_guarded(const char *id, int64_t handler, int64_t bell)
{
	const struct store_job_spec specs[] = {
		{ .handler = handler,
		    .place = STORE_WHOLE_EVENT,
		    .guards = STORE_NO_GUARD },
		{ .handler = bell,
		    .place = STORE_WHOLE_EVENT,
		    .due_at.ms = NOW + 100,
		    .guards = 0 },
	};
	struct case_result r = append(id, specs, 2);

	assert_int_equal(r.nrunnable, 1);
	return (r.runnable[0]);
}

static void
start(int64_t job)
{
	struct case_result r = { 0 };

	assert_int_equal(store_start(c.st, &(struct store_job){ .id = job },
			     false, NOW, case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* Dead, replayed, dead, replayed and done: nobody needs to ring. */
static void
test_a_replay_done_in_time_cancels_the_alarm(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	int64_t job, again;

	(void)state;
	job = append_guarded("e1", h, bell);
	assert_int_equal(case_finish(&c, job, JOB_DEAD, 0).rc, STORE_OK);
	again = act(STORE_REPLAY, job).id;
	assert_int_equal(case_finish(&c, again, JOB_DEAD, 0).rc, STORE_OK);
	assert_int_equal(case_runnable(&c, bell, 9, NOW + 100).nrunnable, 1);
	again = act(STORE_REPLAY, job).id;
	assert_int_equal(jobs_where("outcome = 'cancelled'"), 0);
	assert_int_equal(case_finish(&c, again, JOB_DONE, 0).rc, STORE_OK);
	assert_int_equal(jobs_where("id = 2 AND outcome = 'cancelled' AND "
				    "state = 'done'"),
	    1);
	assert_int_equal(case_runnable(&c, bell, 9, NOW + 999).nrunnable, 0);
}

/* The same of an alarm that rings meanwhile: it is not tried again. */
static void
test_a_replay_done_ends_a_ringing_alarm(void **state)
{
	int64_t h = case_handler(&c, "a"), bell = case_handler(&c, "bell");
	int64_t job;

	(void)state;
	for (int crash = 0; crash < 2; crash++) {
		job = append_guarded(crash == 0 ? "e1" : "e2", h, bell);
		assert_int_equal(case_finish(&c, job, JOB_DEAD, 0).rc,
		    STORE_OK);
		start(job + 1);
		assert_int_equal(case_finish(&c, act(STORE_REPLAY, job).id,
				     JOB_DONE, 0)
				     .rc,
		    STORE_OK);
		assert_int_equal(jobs_where("state = 'running'"), 1);
		if (crash == 0) {
			assert_int_equal(case_finish(&c, job + 1, JOB_WAITING,
					     NOW + 1)
					     .rc,
			    STORE_OK);
		} else {
			store_case_close(&c);
			store_case_open(&c);
		}
		assert_int_equal(jobs_where("finished_at IS NULL"), 0);
	}
	assert_int_equal(jobs_where("outcome = 'cancelled'"), 2);
}

static struct case_result
unguard(int64_t handler)
{
	struct case_result r = { 0 };

	assert_int_equal(store_unguard(c.st, handler, NOW, case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* Without a deadline nothing rings, but what rings; others' alarms stay. */
static void
test_unguard_cancels_what_has_not_begun(void **state)
{
	int64_t h = case_handler(&c, "a"), other = case_handler(&c, "b");
	int64_t bell = case_handler(&c, "bell");

	(void)state;
	(void)append_guarded("e1", h, bell);
	(void)append_guarded("e2", other, bell);
	start(append_guarded("e3", h, bell) + 1);
	assert_int_equal(unguard(bell).id, 0);
	assert_int_equal(unguard(h).id, 1);
	assert_int_equal(jobs_where("id = 2 AND state = 'done' AND outcome = "
				    "'cancelled: there is no deadline any "
				    "more'"),
	    1);
	assert_int_equal(jobs_where("guards IS NOT NULL AND "
				    "finished_at IS NULL"),
	    2);
	assert_int_equal(unguard(h).id, 0);
	/* What is to be done is still to be done. */
	assert_int_equal(case_runnable(&c, h, 9, NOW).nrunnable, 2);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_born_at_its_end),
		CASE(test_born_dead_is_replayed),
		CASE(test_a_replay_done_in_time_cancels_the_alarm),
		CASE(test_a_replay_done_ends_a_ringing_alarm),
		CASE(test_unguard_cancels_what_has_not_begun),
	};

	return (store_case_run("store_alarms", tests));
}
