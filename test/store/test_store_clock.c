/* Two clocks in the store: what is due and old by one is not by the other. */
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW INT64_C(1750000000000)
#define DAY INT64_C(86400000)
#define YEAR (365 * DAY)

static struct store_case c;
static int64_t pos, bell;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	store_case_open(&c);
	pos = case_handler(&c, "pos");
	bell = case_handler(&c, "bell");
	return (0);
}

/* An event of an order of its own, by both clocks, with those jobs. */
static struct case_result
append(const char *id, int64_t wall_ms, int64_t steady_ms,
    const struct store_job_spec *specs, size_t n)
{
	const char *const orders[] = { id, NULL };
	struct store_event *ev = case_event(id, "{}", orders);
	struct case_result r = { 0 };

	ev->received_at_ms = wall_ms;
	ev->came_at.ms = steady_ms;
	assert_int_equal(store_append(c.st, ev, specs, n, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

static struct case_result
append_done(const char *id, int64_t wall_ms, int64_t steady_ms)
{
	const struct store_job_spec spec = { .handler = pos,
		.place = STORE_WHOLE_EVENT,
		.guards = STORE_NO_GUARD };
	struct case_result r = append(id, wall_ms, steady_ms, &spec, 1);

	assert_int_equal(case_finish(&c, r.runnable[0], JOB_DONE, 0).rc,
	    STORE_OK);
	return (r);
}

/*
 * An alarm waits for its time whatever the event's date is: a wall clock that
 * is ahead of the steady one by more than the deadline rings nothing.
 */
static void
test_a_date_ahead_rings_no_alarm(void **state)
{
	const struct store_job_spec specs[] = {
		{ .handler = pos,
		    .place = STORE_WHOLE_EVENT,
		    .guards = STORE_NO_GUARD },
		{ .handler = bell,
		    .place = STORE_WHOLE_EVENT,
		    .due_at.ms = NOW + 180000,
		    .guards = 0 },
	};
	struct case_result r;

	(void)state;
	r = append("e", NOW + DAY, NOW, specs, 2);
	assert_int_equal(r.nrunnable, 1);
	r = case_runnable(&c, bell, 10, NOW + 179999);
	assert_int_equal(r.nrunnable, 0);
	assert_int_equal(r.next_due_ms, NOW + 180000);
	assert_int_equal(case_runnable(&c, bell, 10, NOW + 180000).nrunnable,
	    1);
}

/*
 * A job that comes to the head of its lanes before its time is not to run then,
 * whatever the date of the end is that let it move up; its time is reported.
 */
static void
test_a_date_ahead_lets_no_wait_end(void **state)
{
	struct store_job_spec spec = { .handler = pos,
		.place = STORE_WHOLE_EVENT,
		.ordered = true,
		.guards = STORE_NO_GUARD };
	const struct store_outcome done = { .job = 1,
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = NOW + YEAR };
	struct case_result r = { 0 };
	const char *const orders[] = { "1", NULL };
	struct store_event *ev;

	(void)state;
	case_queue_append(&c, "first", orders, pos, &r);
	store_wait(c.st);
	assert_int_equal(r.runnable[0], 1);
	spec.due_at.ms = NOW + 5000;
	ev = case_event("second", "{}", orders);
	assert_int_equal(store_append(c.st, ev, &spec, 1, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	memset(&r, 0, sizeof(r));
	assert_int_equal(store_finish(c.st, &done, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 0);
	assert_int_equal(r.next_due_ms, NOW + 5000);
}

/* Purge what is 30 days old for a wall clock and a steady one. */
static int64_t
purge(int64_t wall_ms, int64_t steady_ms)
{
	const struct store_purge p = {
		.bodies_before_ms = wall_ms - 30 * DAY,
		.ids_before_ms = wall_ms - 400 * DAY,
		.bodies_came_before.ms = steady_ms - 30 * DAY,
		.ids_came_before.ms = steady_ms - 400 * DAY,
		.now_ms = wall_ms,
		.limit = 10,
	};
	struct case_result r;
	int64_t n = 0;

	do {
		memset(&r, 0, sizeof(r));
		assert_int_equal(store_purge(c.st, &p, case_done_cb, &r), 0);
		store_wait(c.st);
		assert_int_equal(r.rc, STORE_OK);
		n += r.id;
	} while (r.id != 0);
	return (n);
}

/* A body is old when it is by both clocks. */
static void
test_old_is_what_both_clocks_call_so(void **state)
{
	(void)state;
	(void)append_done("a", NOW, NOW);
	assert_int_equal(purge(NOW + 2 * YEAR, NOW + DAY), 0);
	assert_int_equal(purge(NOW + DAY, NOW + 31 * DAY), 0);
	assert_int_equal(purge(NOW + 31 * DAY, NOW + 31 * DAY), 1);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM bodies"), 0);
}

/* So is an id, and with it what once_per_order goes by. */
static void
test_an_id_is_kept_from_a_clock_ahead(void **state)
{
	(void)state;
	(void)append_done("a", NOW, NOW);
	(void)append_done("b", NOW, NOW);
	(void)append_done("newest", NOW, NOW);
	assert_int_equal(purge(NOW + 31 * DAY, NOW + 31 * DAY), 3);
	assert_int_equal(purge(NOW + 2 * YEAR, NOW + 399 * DAY), 0);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 3);
	assert_int_equal(purge(NOW + 2 * YEAR, NOW + 401 * DAY), 2);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 1);
}

/* What is dated after now was dated by a wrong clock: its age decides. */
static void
test_a_date_to_come_keeps_nothing_for_years(void **state)
{
	(void)state;
	(void)append_done("a", NOW + 2 * YEAR, NOW);
	assert_int_equal(purge(NOW + 29 * DAY, NOW + 29 * DAY), 0);
	assert_int_equal(purge(NOW + 31 * DAY, NOW + 31 * DAY), 1);
}

/* The same holds for rejections. */
static void
test_rejections_have_two_ages_too(void **state)
{
	struct store_rejection rej[] = {
		{ .at_ms = NOW, .came_at.ms = NOW, .peer = "p", .cause = "c" },
		{ .at_ms = NOW + 2 * YEAR,
		    .came_at.ms = NOW,
		    .peer = "p",
		    .cause = "c" },
		{ .at_ms = NOW, .peer = "p", .cause = "c" },
	};

	(void)state;
	assert_int_equal(store_reject(c.st, rej, 3, NULL, NULL), 0);
	store_wait(c.st);
	assert_int_equal(purge(NOW + 2 * YEAR, NOW + DAY), 0);
	assert_int_equal(purge(NOW + 31 * DAY, NOW + 31 * DAY), 3);
}

/* Where the clock's last look is, over a restart of the store. */
struct found {
	unsigned calls;
	struct store_clock clock;
};

/* store_clock_fn */
static void
found_cb(enum store_rc rc, const struct store_clock *clock, const char *reason,
    void *arg)
{
	struct found *found = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	found->calls++;
	found->clock = *clock;
}

static struct store_clock
get_clock(void)
{
	struct found found = { 0 };

	assert_int_equal(store_get_clock(c.st, found_cb, &found), 0);
	store_wait(c.st);
	assert_int_equal(found.calls, 1);
	return (found.clock);
}

static void
test_the_clocks_are_kept(void **state)
{
	const struct store_clock kept = { .steady.ms = NOW,
		.wall.ms = NOW + 1,
		.believed.ms = NOW + 2,
		.in_step.ms = NOW + 3,
		.boot_ms = 4,
		.boot = "0b8a2d7e-3c2f-4b34-9f0e-6f9d4f3a1c55" };
	struct case_result r = { 0 };
	struct store_clock got;

	(void)state;
	assert_int_equal(get_clock().steady.ms, 0);
	assert_int_equal(store_note_clock(c.st, &kept, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	(void)append_done("a", NOW + 9, NOW + 7);
	store_case_close(&c);
	store_case_open(&c);
	got = get_clock();
	assert_int_equal(got.newest_came.ms, NOW + 7);
	got.newest_came.ms = 0;
	assert_memory_equal(&got, &kept, sizeof(kept));
}

/* store_jobs_fn: when the one job is shown to be due. */
static void
due_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_int_equal(n, 1);
	*(int64_t *)arg = rows[0].due_at_ms;
}

/* Due times are shown as the wall clock has them. */
static void
test_due_times_are_shown_by_the_wall_clock(void **state)
{
	const struct store_clock kept = { .steady.ms = 1000,
		.wall.ms = NOW + 1000 };
	const struct store_job_filter all = { .any_state = true, .limit = 5 };
	const struct store_job_spec spec = { .handler = pos,
		.place = STORE_WHOLE_EVENT,
		.guards = STORE_NO_GUARD };
	struct case_result r = append("a", NOW, 500, &spec, 1);
	int64_t due_ms = 1;

	(void)state;
	assert_int_equal(store_note_clock(c.st, &kept, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(store_list_jobs(c.st, &all, due_cb, &due_ms), 0);
	store_wait(c.st);
	assert_int_equal(due_ms, 0);
	assert_int_equal(case_finish(&c, 1, JOB_WAITING, 6000).rc, STORE_OK);
	assert_int_equal(store_list_jobs(c.st, &all, due_cb, &due_ms), 0);
	store_wait(c.st);
	assert_int_equal(due_ms, NOW + 6000);
}

/* Ids of events whose date is doubted, with a blank behind each. */
struct doubted {
	char ids[64];
};

/* store_events_fn */
static void
doubted_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct doubted *d = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].ev->date_doubted)
			continue;
		(void)strcat(d->ids, rows[i].ev->event_id);
		(void)strcat(d->ids, " ");
	}
}

static void
assert_doubted(const char *ids)
{
	const struct store_filter all = { .limit = 9 };
	struct doubted d = { "" };

	assert_int_equal(store_list_events(c.st, &all, doubted_cb, &d), 0);
	store_wait(c.st);
	assert_string_equal(d.ids, ids);
}

static void
queue_event(const char *id, int64_t wall_ms, bool doubted,
    struct case_result *res)
{
	struct store_event *ev = case_event(id, "{}", NULL);

	ev->received_at_ms = wall_ms;
	ev->came_at.ms = NOW;
	ev->date_doubted = doubted;
	assert_int_equal(store_append(c.st, ev, NULL, 0, case_done_cb, res), 0);
	store_event_unref(ev);
}

/*
 * What came in while the clock was not believed is marked, and only that: not
 * what is committed with it, nor what came in before and comes again.
 */
static void
test_a_doubted_date_is_marked(void **state)
{
	struct case_result res[6] = { { 0 } };
	struct doubted d = { "" };

	(void)state;
	queue_event("right", NOW, false, &res[0]);
	queue_event("1970", 5, true, &res[1]);
	queue_event("right", 6, true, &res[2]);
	queue_event("too", NOW, false, &res[3]);
	store_wait(c.st);
	assert_doubted("1970 ");
	assert_int_equal(res[2].rc, STORE_EXISTS);
	queue_event("1970", NOW, false, &res[4]);
	queue_event("too", 7, true, &res[5]);
	store_wait(c.st);
	assert_doubted("1970 ");
	assert_int_equal(store_get_event(c.st, "1970", NULL, doubted_cb, &d),
	    0);
	store_wait(c.st);
	assert_string_equal(d.ids, "1970 ");
}

#define CASE(fn)                                                               \
	cmocka_unit_test_prestate_setup_teardown(fn, setup,                    \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_date_ahead_rings_no_alarm),
		CASE(test_a_date_ahead_lets_no_wait_end),
		CASE(test_old_is_what_both_clocks_call_so),
		CASE(test_an_id_is_kept_from_a_clock_ahead),
		CASE(test_a_date_to_come_keeps_nothing_for_years),
		CASE(test_rejections_have_two_ages_too),
		CASE(test_the_clocks_are_kept),
		CASE(test_due_times_are_shown_by_the_wall_clock),
		CASE(test_a_doubted_date_is_marked),
	};

	return (store_case_run("store_clock", tests));
}
