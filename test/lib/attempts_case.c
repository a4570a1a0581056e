#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/attempts_case.h"

struct store_case attempts_case;

int
attempts_setup(void **state)
{
	(void)state;
	store_case_init(&attempts_case);
	store_case_open(&attempts_case);
	return (0);
}

int
attempts_teardown(void **state)
{
	(void)state;
	store_case_fini(&attempts_case);
	return (0);
}

/* store_done_fn */
static void
started_cb(const struct store_result *res, void *arg)
{
	struct started *s = arg;
	const struct store_job *job = res->runnable;

	case_done_cb(res, &s->res);
	if (res->nrunnable == 0)
		return;
	s->begun = res->begun;
	s->attempts = job->attempts;
	s->replay = job->replay;
	s->guards = job->guards;
	s->key_of = job->key_of;
	if (job->ev->body != NULL)
		(void)snprintf(s->body, sizeof(s->body), "%.*s",
		    (int)job->ev->body_len, (const char *)job->ev->body);
}

struct started
case_start(int64_t job, bool once)
{
	struct started s = { 0 };

	assert_int_equal(store_start(attempts_case.st,
			     &(struct store_job){ .id = job }, once,
			     ATTEMPTS_NOW, started_cb, &s),
	    0);
	assert_int_equal(s.res.calls, 0);
	store_wait(attempts_case.st);
	assert_int_equal(s.res.calls, 1);
	return (s);
}

struct started
case_go_on(int64_t job, bool (*once)(const char *type))
{
	struct store_outcome out = { .job = job,
		.number = case_number(&attempts_case, job),
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = ATTEMPTS_NOW,
		.served = true,
		.begin_next = true,
		.once = once };
	struct started s = { 0 };

	assert_int_equal(store_finish(attempts_case.st, &out, started_cb, &s),
	    0);
	store_wait(attempts_case.st);
	assert_int_equal(s.res.rc, STORE_OK);
	return (s);
}

struct started
case_act(enum store_act what, int64_t job, const char *why)
{
	struct started s = { 0 };

	assert_int_equal(store_act(attempts_case.st, what, job, why,
			     ATTEMPTS_NOW, started_cb, &s),
	    0);
	store_wait(attempts_case.st);
	assert_int_equal(s.res.calls, 1);
	return (s);
}

struct case_result
case_serve(int64_t job)
{
	struct store_attempt at = { .duration_ms = 7,
		.code = 200,
		.answer = "ok",
		.answer_len = 2 };
	struct store_outcome out = { .job = job,
		.number = case_number(&attempts_case, job),
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = ATTEMPTS_NOW,
		.attempt = &at,
		.served = true };
	struct case_result r = { 0 };

	assert_int_equal(store_finish(attempts_case.st, &out, case_done_cb, &r),
	    0);
	store_wait(attempts_case.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

struct case_result
case_append_specs(const char *id, const char *const *orders,
    const struct store_job_spec *specs, size_t n)
{
	struct store_event *ev = case_event(id, "{\"a\":1}", orders);
	struct case_result r = { 0 };

	assert_int_equal(store_append(attempts_case.st, ev, specs, n,
			     case_done_cb, &r),
	    0);
	store_event_unref(ev);
	store_wait(attempts_case.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

int64_t
case_jobs_where(const char *condition)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM jobs WHERE %s",
	    condition);
	return (store_case_int(&attempts_case, sql));
}

struct case_result
case_append_guarded(const char *id, int64_t h, int64_t bell)
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
		    .due_at.ms = ATTEMPTS_NOW + 100,
		    .guards = 0 },
	};

	return (case_append_specs(id, order, specs, 2));
}
