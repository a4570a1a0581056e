/* Jobs that guard others, and jobs that are born at their end. */
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
		    .due_at_ms = NOW + 100,
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_born_at_its_end),
		CASE(test_born_dead_is_replayed),
	};

	return (cmocka_run_group_tests_name("store_alarms", tests, NULL, NULL));
}
