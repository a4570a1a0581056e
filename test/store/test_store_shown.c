/* What an operator is shown: how events stand, open orders, figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000
#define ROWS_MAX 16

static struct store_case c;
static int64_t handler;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	store_case_open(&c);
	handler = case_handler(&c, "a");
	return (0);
}

/* -- Events -- */

struct shown {
	size_t n;
	struct {
		int64_t id;
		enum store_progress progress;
		int64_t purged_at_ms;
		size_t njobs, jobs_total;
		size_t norders, orders_total;
		bool body;
		int64_t job; /* the first */
	} rows[ROWS_MAX];
};

/* store_events_fn */
static void
events_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct shown *s = arg;

	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	assert_in_range(n, 0, ROWS_MAX);
	s->n = n;
	for (size_t i = 0; i < n; i++) {
		s->rows[i].id = rows[i].ev->id;
		s->rows[i].progress = rows[i].progress;
		s->rows[i].purged_at_ms = rows[i].purged_at_ms;
		s->rows[i].njobs = rows[i].njobs;
		s->rows[i].jobs_total = rows[i].jobs_total;
		s->rows[i].norders = rows[i].ev->norders;
		s->rows[i].orders_total = rows[i].orders_total;
		s->rows[i].body = rows[i].ev->body != NULL;
		s->rows[i].job = rows[i].njobs > 0 ? rows[i].jobs[0].id : 0;
	}
}

static struct shown
list(struct store_filter filter)
{
	struct shown s = { 0 };

	assert_int_equal(store_list_events(c.st, &filter, events_cb, &s), 0);
	store_wait(c.st);
	return (s);
}

static struct shown
standing(enum store_progress progress)
{
	return (list((struct store_filter){ .progress = progress }));
}

static struct case_result
replay(int64_t job)
{
	struct case_result r = { 0 };

	assert_int_equal(store_act(c.st, STORE_REPLAY, job, NULL, NOW,
			     case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* An event is in exactly one of the three, by its jobs. */
static void
test_how_events_stand(void **state)
{
	int64_t done = case_append(&c, "e1", NULL, handler).runnable[0];
	int64_t waits = case_append(&c, "e2", NULL, handler).runnable[0];
	int64_t dead = case_append(&c, "e3", NULL, handler).runnable[0];
	struct case_result again;
	struct shown s;

	(void)state;
	(void)case_append(&c, "e4", NULL, handler);
	(void)case_finish(&c, done, JOB_DONE, 0);
	(void)case_finish(&c, waits, JOB_WAITING, NOW + 5);
	(void)case_finish(&c, dead, JOB_DEAD, 0);
	s = standing(STORE_PROGRESS_DONE);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.rows[0].id, 1);
	assert_int_equal(s.rows[0].progress, STORE_PROGRESS_DONE);
	s = standing(STORE_PROGRESS_PENDING);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.rows[0].id, 4);
	assert_int_equal(s.rows[1].id, 2);
	s = standing(STORE_PROGRESS_DEAD);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.rows[0].id, 3);

	again = replay(dead);
	assert_int_equal(standing(STORE_PROGRESS_DEAD).n, 0);
	assert_int_equal(standing(STORE_PROGRESS_PENDING).n, 3);
	(void)case_finish(&c, again.id, JOB_DEAD, 0);
	assert_int_equal(standing(STORE_PROGRESS_DEAD).n, 1);
	again = replay(dead);
	(void)case_finish(&c, again.id, JOB_DONE, 0);
	assert_int_equal(standing(STORE_PROGRESS_DONE).n, 2);
	assert_int_equal(standing(STORE_PROGRESS_DEAD).n, 0);
	assert_int_equal(standing(STORE_PROGRESS_ANY).n, 4);
}

/* The filters go together, and with the pages. */
static void
test_standing_with_other_filters(void **state)
{
	const char *const one[] = { "1", NULL };
	struct store_filter f = { .progress = STORE_PROGRESS_PENDING };

	(void)state;
	(void)case_append(&c, "e1", one, handler);
	(void)case_append(&c, "e2", NULL, handler);
	(void)case_append(&c, "e3", one, handler); /* behind the first */
	f.order_id = "1";
	assert_int_equal(list(f).n, 2);
	f.progress = STORE_PROGRESS_DONE;
	assert_int_equal(list(f).n, 0);
	f = (struct store_filter){ .progress = STORE_PROGRESS_PENDING,
		.limit = 2 };
	assert_int_equal(list(f).rows[1].id, 2);
	f.before = 2;
	assert_int_equal(list(f).n, 1);
	assert_int_equal(list(f).rows[0].id, 1);
}

/* With jobs a row is brief, however much the event has. */
static void
test_brief_rows(void **state)
{
	struct store_order orders[2 * STORE_BRIEF_MAX];
	struct store_job_spec specs[2 * STORE_BRIEF_MAX];
	struct store_event src = {
		.event_id = "big",
		.type = "t",
		.secret = "s",
		.peer = "p",
		.received_at_ms = NOW,
		.orders = orders,
		.norders = 2 * STORE_BRIEF_MAX,
		.body = strdup("{}"),
		.body_len = 2,
	};
	struct case_result r = { 0 };
	struct store_event *ev;
	struct shown s = { 0 };

	(void)state;
	for (int32_t i = 0; i < 2 * STORE_BRIEF_MAX; i++) {
		orders[i] =
		    (struct store_order){ .place = i, .order_id = "same" };
		specs[i] = (struct store_job_spec){ .handler = handler,
			.place = i,
			.guards = STORE_NO_GUARD };
	}
	ev = store_event_new(&src);
	assert_non_null(ev);
	assert_int_equal(store_append(c.st, ev, specs, 2 * STORE_BRIEF_MAX,
			     case_done_cb, &r),
	    0);
	store_wait(c.st);
	store_event_unref(ev);
	s = list((struct store_filter){ .with_jobs = true });
	assert_int_equal(s.n, 1);
	assert_int_equal(s.rows[0].norders, STORE_BRIEF_MAX);
	assert_int_equal(s.rows[0].orders_total, 2 * STORE_BRIEF_MAX);
	assert_int_equal(s.rows[0].njobs, STORE_BRIEF_MAX);
	assert_int_equal(s.rows[0].jobs_total, 2 * STORE_BRIEF_MAX);
	s = list((struct store_filter){ 0 });
	assert_int_equal(s.rows[0].norders, 2 * STORE_BRIEF_MAX);
	assert_int_equal(s.rows[0].njobs, 0);
	assert_int_equal(store_get_event(c.st, "big", NULL, events_cb, &s), 0);
	store_wait(c.st);
	assert_int_equal(s.rows[0].norders, 2 * STORE_BRIEF_MAX);
	assert_int_equal(s.rows[0].njobs, 2 * STORE_BRIEF_MAX);
	assert_true(s.rows[0].body);
}

/* Those that are named come as they are named; who is not there is left out. */
static void
test_events_by_number(void **state)
{
	const int64_t numbers[] = { 3, 99, 1 };
	struct shown s;

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)case_append(&c, (const char *[]){ "a", "b", "c" }[i],
		    NULL, handler);
	s = list((struct store_filter){ .numbers = numbers,
	    .nnumbers = 3,
	    .with_jobs = true });
	assert_int_equal(s.n, 2);
	assert_int_equal(s.rows[0].id, 3);
	assert_int_equal(s.rows[0].njobs, 1);
	assert_int_equal(s.rows[1].id, 1);
}

struct job_ids {
	size_t n;
	int64_t ids[ROWS_MAX];
};

/* store_jobs_fn */
static void
jobs_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct job_ids *got = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_in_range(n, 0, ROWS_MAX);
	got->n = n;
	for (size_t i = 0; i < n; i++)
		got->ids[i] = rows[i].id;
}

static void
test_jobs_by_number(void **state)
{
	int64_t first = case_append(&c, "a", NULL, handler).runnable[0];
	int64_t second = case_append(&c, "b", NULL, handler).runnable[0];
	const int64_t numbers[] = { second, 99, first };
	const struct store_job_filter f = { .numbers = numbers, .nnumbers = 3 };
	struct job_ids got = { 0 };

	(void)state;
	assert_int_equal(store_list_jobs(c.st, &f, jobs_cb, &got), 0);
	store_wait(c.st);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.ids[0], second);
	assert_int_equal(got.ids[1], first);
}

struct attempts {
	size_t n;
	int64_t jobs[ROWS_MAX];
	unsigned numbers[ROWS_MAX];
};

/* store_attempts_fn */
static void
attempts_cb(enum store_rc rc, const struct store_attempt_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct attempts *got = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_in_range(n, 0, ROWS_MAX);
	got->n = n;
	for (size_t i = 0; i < n; i++) {
		got->jobs[i] = rows[i].job;
		got->numbers[i] = rows[i].number;
	}
}

static void
try_once(int64_t job, enum job_state to)
{
	const struct store_attempt attempt = { .started_at_ms = NOW };
	const struct store_outcome out = { .job = job,
		.to = to,
		.outcome = "x",
		.at_ms = NOW,
		.due_at.ms = NOW,
		.attempt = &attempt };
	struct case_result r = { 0 };

	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* The attempts of an event are those of all its jobs, and of no other. */
static void
test_attempts_of_an_event(void **state)
{
	int64_t first = case_append(&c, "a", NULL, handler).runnable[0];
	int64_t other = case_append(&c, "b", NULL, handler).runnable[0];
	struct attempts got = { 0 };
	int64_t again;

	(void)state;
	try_once(first, JOB_WAITING);
	try_once(first, JOB_DEAD);
	try_once(other, JOB_DONE);
	again = replay(first).id;
	try_once(again, JOB_DONE);
	assert_int_equal(store_list_event_attempts(c.st, 1, attempts_cb, &got),
	    0);
	store_wait(c.st);
	assert_int_equal(got.n, 3);
	assert_int_equal(got.jobs[0], first);
	assert_int_equal(got.numbers[0], 1);
	assert_int_equal(got.jobs[1], first);
	assert_int_equal(got.numbers[1], 2);
	assert_int_equal(got.jobs[2], again);
}

/* -- Orders -- */

struct orders {
	size_t n;
	char ids[ROWS_MAX][16];
	int64_t received_ms;
};

/* store_orders_fn */
static void
orders_cb(enum store_rc rc, const struct store_order_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct orders *got = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_in_range(n, 0, ROWS_MAX);
	got->n = n;
	for (size_t i = 0; i < n; i++)
		(void)strncpy(got->ids[i], rows[i].order.order_id, 15);
	got->received_ms = n > 0 ? rows[0].received_at_ms : 0;
}

static struct orders
list_orders(struct store_filter filter)
{
	struct orders got = { 0 };

	assert_int_equal(store_list_orders(c.st, &filter, orders_cb, &got), 0);
	store_wait(c.st);
	return (got);
}

/* An event whose job writes an order, or a cart, of that status. */
static void
make_order(const char *id, const char *status, enum store_table table)
{
	const char *const ids[] = { id, NULL };
	int64_t job = case_append(&c, id, ids, handler).runnable[0];
	const struct store_order order = { .order_id = id, .status = status };
	const struct store_write write = { .table = table,
		.order = &order,
		.event = job }; /* its event has the same number */
	const struct store_outcome out = { .job = job,
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = NOW,
		.writes = &write,
		.nwrites = 1 };
	struct case_result r = { 0 };

	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* Open is what has a record that says neither of the ends. */
static void
test_open_orders(void **state)
{
	const char *const ends[] = { "3", "9" };
	struct store_filter open = { .open = true, .ends = ends, .nends = 2 };
	struct orders got;

	(void)state;
	make_order("new", "1", STORE_ORDERS);
	make_order("cancelled", "3", STORE_ORDERS);
	make_order("given", "9", STORE_ORDERS);
	make_order("silent", NULL, STORE_ORDERS);
	make_order("cart", NULL, STORE_CARTS);
	got = list_orders(open);
	assert_int_equal(got.n, 2);
	assert_string_equal(got.ids[0], "silent");
	assert_string_equal(got.ids[1], "new");
	assert_true(got.received_ms > 0);
	open.limit = 1; /* what is left out takes no place on a page */
	open.before = 4;
	got = list_orders(open);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.ids[0], "new");
	got = list_orders((struct store_filter){ .status = "9" });
	assert_int_equal(got.n, 1);
	assert_string_equal(got.ids[0], "given");
	assert_int_equal(list_orders((struct store_filter){ 0 }).n, 5);
}

/* -- Figures -- */

struct figures {
	struct store_figures f;
	struct store_handler_info h; /* of the first handler */
};

/* store_figures_fn */
static void
figures_cb(enum store_rc rc, const struct store_figures *f, const char *reason,
    void *arg)
{
	struct figures *got = arg;

	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	got->f = *f;
	got->h = f->handlers[0];
}

static struct figures
measure(void)
{
	struct figures got = { 0 };

	assert_int_equal(store_measure(c.st, figures_cb, &got), 0);
	store_wait(c.st);
	return (got);
}

static void
test_figures(void **state)
{
	const char *const one[] = { "1", NULL };
	const char *const two[] = { "2", NULL };
	struct figures got;
	int64_t dead;

	(void)state;
	dead = case_append(&c, "e1", NULL, handler).runnable[0];
	(void)case_finish(&c, dead, JOB_DEAD, 0);
	(void)case_append(&c, "e2", one, handler);
	(void)case_append(&c, "e3", one, handler);
	(void)case_append(&c, "e4", one, handler);
	(void)case_append(&c, "e5", two, handler);
	got = measure();
	assert_int_equal(got.f.nhandlers, 1);
	assert_true(got.f.bytes > 0);
	/* A server's disk is not seen. */
	assert_int_equal(got.f.log_bytes > 0, !store_case_is_shared());
	assert_int_equal(got.f.free_bytes == -1, store_case_is_shared());
	assert_int_equal(got.f.lanes_blocked, 1);
	assert_int_equal(got.h.unfinished, 4);
	assert_int_equal(got.h.dead, 1);
	(void)replay(dead);
	got = measure();
	assert_int_equal(got.h.dead, 0);
}

/* The writer counts its commits by their size, and what was purged. */
static void
test_stats(void **state)
{
	struct case_result r[3] = { { 0 } };
	struct store_stats before, after;
	uint64_t commits = 0;
	struct case_result done = { 0 };
	const struct store_purge purge = { .order_id = "1",
		.now_ms = NOW,
		.limit = 10 };
	const char *const one[] = { "1", NULL };
	int64_t job;

	(void)state;
	store_stats(c.st, &before);
	for (size_t i = 0; i < 3; i++)
		case_queue_append(&c, (const char *[]){ "a", "b", "c" }[i],
		    NULL, handler, &r[i]);
	store_wait(c.st);
	store_stats(c.st, &after);
	assert_int_equal(after.operations - before.operations, 3);
	for (size_t i = 0; i <= STORE_SIZES; i++)
		commits += after.commits[i] - before.commits[i];
	assert_in_range(commits, 1, 3);
	assert_int_equal(after.purged, 0);
	job = case_append(&c, "d", one, handler).runnable[0];
	(void)case_finish(&c, job, JOB_DONE, 0);
	assert_int_equal(store_purge(c.st, &purge, case_done_cb, &done), 0);
	store_wait(c.st);
	assert_int_equal(done.id, 1);
	store_stats(c.st, &after);
	assert_int_equal(after.purged, 1);
}

static void
nothing_cb(void *arg)
{
	(void)arg;
}

/* A huge body is committed alone: what is queued beside it waits for one. */
static void
test_huge_bodies_share_no_commit(void **state)
{
	static const char *const ids[] = { "huge 1", "small 1", "huge 2",
		"small 2" };
	const char *huge[CASE_ORDERS_MAX + 1] = { NULL };
	const char *const small[] = { "1", NULL };
	static char digits[CASE_ORDERS_MAX][8];
	struct case_result r[4] = { { 0 } };
	struct store_stats before, after;

	(void)state;
	for (size_t i = 0; i < CASE_ORDERS_MAX; i++) {
		(void)snprintf(digits[i], sizeof(digits[i]), "%zu", i + 10);
		huge[i] = digits[i];
	}
	store_stats(c.st, &before);
	store_gather(c.st, nothing_cb, NULL);
	for (size_t i = 0; i < 4; i++)
		case_queue_append(&c, ids[i], i % 2 == 0 ? huge : small,
		    handler, &r[i]);
	store_flush(c.st);
	store_wait(c.st);
	store_gather(c.st, NULL, NULL);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(r[i].rc, STORE_OK);
	store_stats(c.st, &after);
	assert_int_equal(after.commits[0] - before.commits[0], 4);
	assert_int_equal(after.operations - before.operations, 4);
}

#define TEST(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_how_events_stand),
		TEST(test_standing_with_other_filters),
		TEST(test_brief_rows),
		TEST(test_events_by_number),
		TEST(test_jobs_by_number),
		TEST(test_attempts_of_an_event),
		TEST(test_open_orders),
		TEST(test_figures),
		TEST(test_stats),
		TEST(test_huge_bodies_share_no_commit),
	};

	return (store_case_run("store_shown", tests));
}
