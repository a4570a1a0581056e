/* Lists of jobs, attempts and handlers; pausing. */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000
#define ROWS_MAX 16

static struct store_case c;

/* The rows of a list of jobs; texts of the first. */
struct jobs {
	unsigned calls;
	size_t n;
	struct store_job_info rows[ROWS_MAX];
	char event_id[32], type[32], handler[32], outcome[32];
};

/* store_jobs_fn */
static void
jobs_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct jobs *j = arg;

	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	assert_in_range(n, 0, ROWS_MAX);
	j->calls++;
	j->n = n;
	if (n == 0)
		return;
	memcpy(j->rows, rows, n * sizeof(*rows));
	(void)snprintf(j->event_id, sizeof(j->event_id), "%s",
	    rows[0].event_id);
	(void)snprintf(j->type, sizeof(j->type), "%s", rows[0].type);
	(void)snprintf(j->handler, sizeof(j->handler), "%s", rows[0].handler);
	(void)snprintf(j->outcome, sizeof(j->outcome), "%s",
	    rows[0].outcome != NULL ? rows[0].outcome : "none");
}

static struct jobs
list(const struct store_job_filter *filter)
{
	struct jobs j = { 0 };

	assert_int_equal(store_list_jobs(c.st, filter, jobs_cb, &j), 0);
	assert_int_equal(j.calls, 0);
	store_wait(c.st);
	assert_int_equal(j.calls, 1);
	return (j);
}

static size_t
count(const struct store_job_filter *filter)
{
	return (list(filter).n);
}

static struct case_result
act(enum store_act what, int64_t job)
{
	struct case_result r = { 0 };

	assert_int_equal(store_act(c.st, what, job, NULL, NOW, case_done_cb,
			     &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* A row tells all about its job. */
static void
test_job_row_is_whole(void **state)
{
	const struct store_job_filter any = { .any_state = true };
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", NULL, h).runnable[0];
	struct jobs j;

	(void)state;
	j = list(&any);
	assert_int_equal(j.n, 1);
	assert_int_equal(j.rows[0].id, job);
	assert_int_equal(j.rows[0].state, JOB_READY);
	assert_int_equal(j.rows[0].place, STORE_WHOLE_EVENT);
	assert_string_equal(j.event_id, "e1");
	assert_string_equal(j.type, "klikit.order.created.v2");
	assert_string_equal(j.handler, "a");
	assert_string_equal(j.outcome, "none");
	(void)case_finish(&c, job, JOB_WAITING, NOW + 5);
	j = list(&any);
	assert_int_equal(j.rows[0].state, JOB_WAITING);
	assert_int_equal(j.rows[0].due_at_ms, NOW + 5);
	assert_int_equal(j.rows[0].attempts, 1);
	assert_string_equal(j.outcome, "waiting");
	(void)case_finish(&c, job, JOB_DEAD, 0);
	j = list(&any);
	assert_int_equal(j.rows[0].finished_at_ms, NOW);
}

/* Each filter leaves out what it should, whichever way rows are found. */
static void
test_job_filters(void **state)
{
	const char *const one[] = { "1", NULL };
	const char *const both[] = { "1", "2", NULL };
	int64_t a = case_handler(&c, "a"), b = case_handler(&c, "b");
	int64_t job[3];
	struct store_job_filter f;

	(void)state;
	job[0] = case_append(&c, "e1", one, a).runnable[0];
	job[1] = case_append(&c, "e2", both, b).runnable[0];
	job[2] = case_append(&c, "e3", NULL, b).runnable[0];
	(void)case_append(&c, "e4", one, a); /* behind the first */
	(void)case_finish(&c, job[1], JOB_DEAD, 0);
	(void)case_finish(&c, job[2], JOB_DONE, 0);
	f = (struct store_job_filter){ .state = JOB_READY };
	assert_int_equal(count(&f), 2);
	f = (struct store_job_filter){ .state = JOB_DEAD };
	assert_int_equal(count(&f), 1);
	assert_string_equal(list(&f).event_id, "e2");
	f.handler = "a";
	assert_int_equal(count(&f), 0);
	f = (struct store_job_filter){ .state = JOB_DONE };
	assert_string_equal(list(&f).event_id, "e3");
	f = (struct store_job_filter){ .state = JOB_WAITING };
	assert_int_equal(count(&f), 0);
	f = (struct store_job_filter){ .any_state = true, .pending = true };
	assert_int_equal(count(&f), 2);
	f.event_id = "e2";
	assert_int_equal(count(&f), 0);
	f.event_id = "e4";
	assert_int_equal(count(&f), 1);
	f = (struct store_job_filter){ .any_state = true, .handler = "b" };
	assert_int_equal(count(&f), 2);
	f = (struct store_job_filter){ .any_state = true, .event_id = "e2" };
	assert_int_equal(count(&f), 1);
	f = (struct store_job_filter){ .any_state = true, .order_id = "1" };
	assert_int_equal(count(&f), 3);
	f.order_id = "2";
	assert_int_equal(count(&f), 1);
	f = (struct store_job_filter){ .any_state = true, .type = "other" };
	assert_int_equal(count(&f), 0);
	f = (struct store_job_filter){ .any_state = true, .since_ms = NOW + 1 };
	assert_int_equal(count(&f), 0);
	f = (struct store_job_filter){ .any_state = true, .until_ms = NOW };
	assert_int_equal(count(&f), 0);
}

/* An order's jobs: of the whole event, and of its own places. */
static void
test_jobs_of_an_order(void **state)
{
	const char *const both[] = { "1", "2", NULL };
	int64_t h = case_handler(&c, "a");
	const struct store_job_spec specs[] = {
		{ .handler = h, .place = 0, .guards = STORE_NO_GUARD },
		{ .handler = h, .place = 1, .guards = STORE_NO_GUARD },
		{ .handler = h,
		    .place = STORE_WHOLE_EVENT,
		    .guards = STORE_NO_GUARD },
	};
	struct store_job_filter f = { .any_state = true, .order_id = "2" };
	struct store_event *ev = case_event("e1", "{}", both);
	struct case_result r = { 0 };
	struct jobs j;

	(void)state;
	assert_int_equal(store_append(c.st, ev, specs, 3, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	j = list(&f);
	assert_int_equal(j.n, 2);
	assert_int_equal(j.rows[0].place, STORE_WHOLE_EVENT);
	assert_int_equal(j.rows[1].place, 1);
}

/* Pages follow each other without a gap, newest first. */
static void
test_job_pages(void **state)
{
	struct store_job_filter f = { .any_state = true, .limit = 2 };
	int64_t h = case_handler(&c, "a"), last = INT64_MAX;
	size_t seen = 0;
	struct jobs j;
	char id[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		(void)case_append(&c, id, NULL, h);
	}
	while ((j = list(&f)).n > 0) {
		assert_in_range(j.n, 1, 2);
		for (size_t i = 0; i < j.n; i++) {
			assert_true(j.rows[i].id < last);
			last = j.rows[i].id;
		}
		seen += j.n;
		f.before = last;
	}
	assert_int_equal(seen, 5);
}

/* A chain of replays shows who repeats whom; the newest can be asked for. */
static void
test_replays_are_linked(void **state)
{
	struct store_job_filter f = { .any_state = true };
	int64_t h = case_handler(&c, "a");
	int64_t job = case_append(&c, "e1", NULL, h).runnable[0];
	struct jobs j;

	(void)state;
	for (int i = 0; i < 2; i++) {
		(void)case_finish(&c, job + i, JOB_DEAD, 0);
		assert_int_equal(act(STORE_REPLAY, job).id, job + i + 1);
	}
	j = list(&f);
	assert_int_equal(j.n, 3);
	assert_int_equal(j.rows[0].replay_of, job + 1);
	assert_int_equal(j.rows[0].replayed_by, 0);
	assert_int_equal(j.rows[1].replay_of, job);
	assert_int_equal(j.rows[1].replayed_by, job + 2);
	assert_int_equal(j.rows[2].replay_of, 0);
	assert_int_equal(j.rows[2].replayed_by, job + 2);
	f.newest = true;
	j = list(&f);
	assert_int_equal(j.n, 1);
	assert_int_equal(j.rows[0].id, job + 2);
	f = (struct store_job_filter){ .state = JOB_DEAD, .newest = true };
	assert_int_equal(count(&f), 0);
}

/* The rows of a list of attempts. */
struct attempts {
	unsigned calls;
	size_t n;
	struct store_attempt_info rows[ROWS_MAX];
	bool running; /* the last has no outcome */
	char answer[32];
};

/* store_attempts_fn */
static void
attempts_cb(enum store_rc rc, const struct store_attempt_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct attempts *a = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_in_range(n, 0, ROWS_MAX);
	a->calls++;
	a->n = n;
	if (n == 0)
		return;
	memcpy(a->rows, rows, n * sizeof(*rows));
	a->running = rows[n - 1].outcome == NULL;
	(void)snprintf(a->answer, sizeof(a->answer), "%.*s",
	    (int)rows[0].answer_len,
	    rows[0].answer != NULL ? (const char *)rows[0].answer : "");
}

/* Attempts are listed oldest first; the one under way has no outcome. */
static void
test_attempts_in_order(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct store_attempt at = { .duration_ms = 3,
		.code = 502,
		.answer = "bad",
		.answer_len = 3 };
	struct store_outcome out = { .number = 1,
		.to = JOB_WAITING,
		.outcome = "answered 502",
		.at_ms = NOW,
		.attempt = &at };
	struct case_result r = { 0 };
	struct attempts a = { 0 };

	(void)state;
	out.job = case_append(&c, "e1", NULL, h).runnable[0];
	assert_int_equal(store_start(c.st, &(struct store_job){ .id = out.job },
			     false, NOW, case_done_cb, &r),
	    0);
	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	assert_int_equal(store_start(c.st, &(struct store_job){ .id = out.job },
			     false, NOW + 9, case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(store_list_attempts(c.st, out.job, attempts_cb, &a),
	    0);
	store_wait(c.st);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.rows[0].job, out.job);
	assert_int_equal(a.rows[0].number, 1);
	assert_int_equal(a.rows[0].started_at_ms, NOW);
	assert_int_equal(a.rows[0].duration_ms, 3);
	assert_int_equal(a.rows[0].code, 502);
	assert_string_equal(a.answer, "bad");
	assert_int_equal(a.rows[1].number, 2);
	assert_int_equal(a.rows[1].started_at_ms, NOW + 9);
	assert_true(a.running);
}

/* The rows of a list of handlers. */
struct handlers {
	unsigned calls;
	size_t n;
	struct store_handler_info rows[ROWS_MAX];
	char name[32], by[32], why[32]; /* of the first */
};

/* store_handlers_fn */
static void
handlers_cb(enum store_rc rc, const struct store_handler_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct handlers *h = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_in_range(n, 1, ROWS_MAX);
	h->calls++;
	h->n = n;
	memcpy(h->rows, rows, n * sizeof(*rows));
	(void)snprintf(h->name, sizeof(h->name), "%s", rows[0].name);
	(void)snprintf(h->by, sizeof(h->by), "%s",
	    rows[0].paused_by != NULL ? rows[0].paused_by : "nobody");
	(void)snprintf(h->why, sizeof(h->why), "%s",
	    rows[0].paused_why != NULL ? rows[0].paused_why : "nothing");
}

static struct handlers
handlers(void)
{
	struct handlers h = { 0 };

	assert_int_equal(store_list_handlers(c.st, handlers_cb, &h), 0);
	store_wait(c.st);
	assert_int_equal(h.calls, 1);
	return (h);
}

/* A handler's backlog counts all that is not finished; the oldest is told. */
static void
test_handlers_tell_backlog(void **state)
{
	const char *const one[] = { "1", NULL };
	int64_t a = case_handler(&c, "a"), b = case_handler(&c, "b");
	int64_t job = case_append(&c, "e1", one, a).runnable[0];
	struct handlers h;

	(void)state;
	(void)case_append(&c, "e2", one, a);
	(void)case_append(&c, "e3", NULL, a);
	h = handlers();
	assert_int_equal(h.n, 2);
	assert_string_equal(h.name, "a");
	assert_int_equal(h.rows[0].number, a);
	assert_int_equal(h.rows[0].unfinished, 3);
	assert_int_equal(h.rows[0].dead, 0);
	assert_int_equal(h.rows[0].oldest_ms, NOW);
	assert_int_equal(h.rows[1].number, b);
	assert_int_equal(h.rows[1].unfinished, 0);
	assert_int_equal(h.rows[1].oldest_ms, 0);
	for (int64_t i = 0; i < 3; i++)
		(void)case_finish(&c, job + i, JOB_DEAD, 0);
	h = handlers();
	assert_int_equal(h.rows[0].unfinished, 0);
	assert_int_equal(h.rows[0].dead, 3);
	assert_int_equal(h.rows[0].oldest_ms, 0);
	/* A replay is as old as its event. */
	(void)act(STORE_REPLAY, job);
	h = handlers();
	assert_int_equal(h.rows[0].unfinished, 1);
	assert_int_equal(h.rows[0].oldest_ms, NOW);
}

static struct case_result
pause_handler(const char *name, const char *by)
{
	struct case_result r = { 0 };

	assert_int_equal(store_pause(c.st, name, by, "answered 410", NOW,
			     case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	return (r);
}

/* A pause is kept, with who and why, across a restart, until it is ended. */
static void
test_pause_is_kept(void **state)
{
	int64_t a = case_handler(&c, "a");
	struct handlers h;

	(void)state;
	assert_int_equal(handlers().rows[0].paused_at_ms, 0);
	assert_int_equal(pause_handler("a", "far side").id, a);
	store_case_close(&c);
	store_case_open(&c);
	(void)case_handler(&c, "a");
	h = handlers();
	assert_int_equal(h.rows[0].paused_at_ms, NOW);
	assert_string_equal(h.by, "far side");
	assert_string_equal(h.why, "answered 410");
	assert_int_equal(pause_handler("a", NULL).rc, STORE_OK);
	h = handlers();
	assert_int_equal(h.rows[0].paused_at_ms, 0);
	assert_string_equal(h.by, "nobody");
	assert_string_equal(h.why, "nothing");
	assert_int_equal(pause_handler("none", "me").rc, STORE_NOTFOUND);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_job_row_is_whole),
		CASE(test_job_filters),
		CASE(test_jobs_of_an_order),
		CASE(test_job_pages),
		CASE(test_replays_are_linked),
		CASE(test_attempts_in_order),
		CASE(test_handlers_tell_backlog),
		CASE(test_pause_is_kept),
	};

	return (store_case_run("store_lists", tests));
}
