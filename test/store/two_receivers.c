#include "two_receivers.h"

#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

struct store_case a;
struct store_case b;

const char *const order[] = { "1", NULL };

void
open_b(void)
{
	memset(&b, 0, sizeof(b));
	(void)snprintf(b.url, sizeof(b.url), "%s", a.url);
	b.queue_max = a.queue_max;
	store_case_open(&b);
}

int
two_setup(void **state)
{
	(void)state;
	store_case_init(&a);
	store_case_open(&a);
	open_b();
	return (0);
}

int
two_teardown(void **state)
{
	(void)state;
	store_case_close(&b);
	store_case_fini(&a);
	return (0);
}

struct case_result
start_skipping(struct store_case *c, int64_t job, unsigned skip)
{
	struct case_result r = { 0 };

	assert_int_equal(store_start(c->st, &(struct store_job){ .id = job },
			     skip, NOW, case_done_cb, &r),
	    0);
	store_wait(c->st);
	assert_int_equal(r.calls, 1);
	return (r);
}

struct case_result
start(struct store_case *c, int64_t job)
{
	return (start_skipping(c, job, 0));
}

struct case_result
finish(struct store_case *c, int64_t job, unsigned number, enum job_state to)
{
	struct store_outcome out = {
		.job = job,
		.number = number,
		.to = to,
		.outcome = job_state_name(to),
		.at_ms = NOW,
	};
	struct case_result r = { 0 };

	assert_int_equal(store_finish(c->st, &out, case_done_cb, &r), 0);
	store_wait(c->st);
	assert_int_equal(r.calls, 1);
	return (r);
}

void
queue_act(struct store_case *c, enum store_act what, int64_t job,
    struct case_result *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(store_act(c->st, what, job, NULL, NOW, case_done_cb,
			     r),
	    0);
}

struct case_result
act(struct store_case *c, enum store_act what, int64_t job)
{
	struct case_result r;

	queue_act(c, what, job, &r);
	store_wait(c->st);
	assert_int_equal(r.calls, 1);
	return (r);
}

struct case_result
append_guarded(int64_t h, int64_t bell)
{
	const struct store_job_spec specs[] = {
		{ .handler = h,
		    .place = STORE_WHOLE_EVENT,
		    .guards = STORE_NO_GUARD },
		{ .handler = bell,
		    .place = STORE_WHOLE_EVENT,
		    .due_at.ms = NOW + 100,
		    .guards = 0 },
	};
	struct store_event *ev = case_event("e1", "{\"a\":1}", order);
	struct case_result r = { 0 };

	assert_int_equal(store_append(b.st, ev, specs, 2, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(b.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(start(&b, r.runnable[0]).rc, STORE_OK);
	return (r);
}
