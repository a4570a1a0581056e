/* Alarms that rang: what is listed of them, and who has acknowledged them. */
#include <string.h>

#include "test/lib/attempts_case.h"
#include "test/lib/cmocka_all.h"

#define c attempts_case
#define NOW ATTEMPTS_NOW

static int64_t pos, bell;

static int
setup(void **state)
{
	(void)attempts_setup(state);
	pos = case_handler(&c, "pos");
	bell = case_handler(&c, "bell");
	return (0);
}

/* What a list said of at most one alarm. */
struct listed {
	size_t n;
	enum store_alarm stands;
	struct store_job_info job;
	char texts[3][32]; /* order, guarded, by whom */
};

static void
copy(char to[32], const char *text)
{
	(void)strncpy(to, text == NULL ? "none" : text, 31);
}

/* store_jobs_fn */
static void
listed_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct listed *l = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	l->n = n;
	if (n == 0)
		return;
	l->job = rows[0];
	l->stands = store_alarm_of(&rows[0]);
	copy(l->texts[0], rows[0].order_id);
	copy(l->texts[1], rows[0].guarded);
	copy(l->texts[2], rows[0].acknowledged_by);
}

static struct listed
list(struct store_job_filter filter)
{
	struct listed l = { 0 };

	filter.any_state = true;
	assert_int_equal(store_list_jobs(c.st, &filter, listed_cb, &l), 0);
	store_wait(c.st);
	return (l);
}

static struct listed
list_open(void)
{
	return (list(
	    (struct store_job_filter){ .rang = true, .unacknowledged = true }));
}

static struct listed
list_all(void)
{
	return (list((struct store_job_filter){ .rang = true }));
}

static struct listed
list_one(int64_t job)
{
	return (
	    list((struct store_job_filter){ .numbers = &job, .nnumbers = 1 }));
}

/* store_figures_fn */
static void
figures_cb(enum store_rc rc, const struct store_figures *figures,
    const char *reason, void *arg)
{
	(void)reason;
	assert_int_equal(rc, STORE_OK);
	*(uint64_t *)arg = figures->alarms;
}

static uint64_t
counted(void)
{
	uint64_t n = 99;

	assert_int_equal(store_measure(c.st, figures_cb, &n), 0);
	store_wait(c.st);
	return (n);
}

/* store_events_fn */
static void
event_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_int_equal(n, 1);
	*(unsigned *)arg = rows[0].alarms;
	for (size_t i = 0; i < rows[0].njobs; i++)
		assert_int_equal(rows[0].jobs[i].guards != 0,
		    strcmp(rows[0].jobs[i].handler, "bell") == 0);
}

static unsigned
of_event(const char *id)
{
	unsigned n = 99;

	assert_int_equal(store_get_event(c.st, id, NULL, event_cb, &n), 0);
	store_wait(c.st);
	return (n);
}

/* The alarm, which is begun, of a job that is dead. */
static int64_t
ring(const char *id)
{
	static const char *const orders[] = { "7", NULL };
	const struct store_job_spec specs[] = {
		{ .handler = pos,
		    .place = STORE_WHOLE_EVENT,
		    .guards = STORE_NO_GUARD },
		{ .handler = bell,
		    .place = STORE_WHOLE_EVENT,
		    .due_at.ms = NOW + 100,
		    .guards = 0 },
	};
	int64_t job = case_append_specs(id, orders, specs, 2).runnable[0];

	(void)case_finish(&c, job, JOB_DEAD, 0);
	assert_int_equal(case_start(job + 1, false).res.rc, STORE_OK);
	return (job + 1);
}

/* It counts from its first attempt on, until somebody has seen it. */
static void
test_it_is_open_until_acknowledged(void **state)
{
	struct listed l;
	int64_t alarm;

	(void)state;
	assert_int_equal(counted(), 0);
	alarm = ring("e1");
	for (int ended = 0; ended < 2; ended++) {
		l = list_open();
		assert_int_equal(l.n, 1);
		assert_int_equal(l.job.id, alarm);
		assert_int_equal(l.job.guards, alarm - 1);
		assert_int_equal(l.job.rang_at_ms, NOW);
		assert_int_equal(l.stands, STORE_ALARM_RINGS);
		assert_string_equal(l.texts[0], "7");
		assert_string_equal(l.texts[1], "pos");
		assert_int_equal(counted(), 1);
		assert_int_equal(of_event("e1"), 1);
		if (ended == 0)
			(void)case_finish(&c, alarm, JOB_DONE, 0);
	}
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, alarm, "Rina").res.rc,
	    STORE_OK);
	store_case_close(&c);
	store_case_open(&c);
	assert_int_equal(list_open().n, 0);
	assert_int_equal(counted(), 0);
	assert_int_equal(of_event("e1"), 0);
	l = list_all();
	assert_int_equal(l.n, 1);
	assert_int_equal(l.job.state, JOB_DONE);
	assert_int_equal(l.job.acknowledged_at_ms, NOW);
	assert_int_equal(l.stands, STORE_ALARM_HEARD);
	assert_string_equal(l.texts[2], "Rina");
}

/* Only what rang can be, and once. */
static void
test_what_cannot_be_acknowledged(void **state)
{
	int64_t alarm = ring("e1"),
		quiet = case_append_guarded("e2", pos, bell).runnable[0] + 1;

	(void)state;
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, alarm - 1, "a").res.rc,
	    STORE_REFUSED);
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, quiet, "a").res.rc,
	    STORE_REFUSED);
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, 99, "a").res.rc,
	    STORE_NOTFOUND);
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, alarm, "a").res.rc,
	    STORE_OK);
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, alarm, "b").res.rc,
	    STORE_REFUSED);
	assert_string_equal(list_one(alarm).texts[2], "a");
}

/* A bell that did not answer is not tried again for who has seen it. */
static void
test_acknowledged_is_not_tried_again(void **state)
{
	int64_t waits = ring("e1"), runs = ring("e2");

	(void)state;
	(void)case_finish(&c, waits, JOB_WAITING, NOW + 1);
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, waits, "a").res.rc,
	    STORE_OK);
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, runs, "a").res.rc,
	    STORE_OK);
	assert_int_equal(case_jobs_where("state = 'running'"), 1);
	(void)case_finish(&c, runs, JOB_WAITING, NOW + 1);
	assert_int_equal(case_jobs_where("state = 'done' AND outcome = "
					 "'acknowledged' AND finished_at > 0"),
	    2);
	assert_int_equal(case_runnable(&c, bell, 9, NOW + 999).nrunnable, 0);
	assert_int_equal(list_one(waits).stands, STORE_ALARM_HEARD);
}

/* Neither one that was not needed, nor one that was discarded, is open. */
static void
test_what_is_not_open(void **state)
{
	int64_t job = case_append_guarded("e1", pos, bell).runnable[0], alarm;

	(void)state;
	assert_int_equal(list_one(job).stands, STORE_ALARM_NONE);
	assert_int_equal(list_one(job + 1).stands, STORE_ALARM_SET);
	(void)case_finish(&c, job, JOB_DONE, 0);
	assert_int_equal(list_one(job + 1).stands, STORE_ALARM_NEEDLESS);
	/* Tried in vain before it was not needed any more. */
	alarm = ring("e2");
	(void)case_act(STORE_REPLAY, alarm - 1, NULL);
	(void)case_finish(&c, alarm + 1, JOB_DONE, 0);
	(void)case_finish(&c, alarm, JOB_WAITING, NOW + 1);
	assert_int_equal(list_one(alarm).stands, STORE_ALARM_NEEDLESS);
	alarm = ring("e3");
	(void)case_finish(&c, alarm, JOB_WAITING, NOW + 1);
	assert_int_equal(list_open().n, 1);
	(void)case_act(STORE_DISCARD, alarm, "seen");
	assert_int_equal(list_open().n, 0);
	assert_int_equal(counted(), 0);
	assert_int_equal(list_all().n, 1);
}

/* The filters of jobs hold for alarms as well. */
static void
test_filters_choose_alarms(void **state)
{
	struct store_job_filter f = { .rang = true };
	int64_t first = ring("e1"), second = ring("e2");

	(void)state;
	assert_int_equal(list(f).n, 2);
	assert_int_equal(list(f).job.id, second);
	f.limit = 1;
	f.before = second;
	assert_int_equal(list(f).job.id, first);
	f.handler = "pos";
	assert_int_equal(list(f).n, 0);
}

/* An alarm is for its time: it is not replayed. */
static void
test_an_alarm_is_not_replayed(void **state)
{
	int64_t alarm = ring("e1");
	struct started s;

	(void)state;
	(void)case_finish(&c, alarm, JOB_DONE, 0);
	s = case_act(STORE_REPLAY, alarm, NULL);
	assert_int_equal(s.res.rc, STORE_REFUSED);
	assert_non_null(strstr(s.res.reason, "replay the job that it guards"));
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, attempts_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_it_is_open_until_acknowledged),
		CASE(test_what_cannot_be_acknowledged),
		CASE(test_acknowledged_is_not_tried_again),
		CASE(test_what_is_not_open),
		CASE(test_filters_choose_alarms),
		CASE(test_an_alarm_is_not_replayed),
	};

	return (store_case_run("store_rang", tests));
}
