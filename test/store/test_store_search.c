/*
 * How lists find what is stored: what an index has, however old it is, and all
 * else a part at a time, until everything was looked at.
 */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000
#define ROWS_MAX 64

static struct store_case c;

/* -- What a list said -- */

struct page {
	unsigned calls;
	size_t n;
	char ids[ROWS_MAX][16]; /* of events, or of the jobs' events */
	int64_t numbers[ROWS_MAX];
	struct store_scan scan;
};

static void
note(struct page *p, size_t i, int64_t number, const char *event_id)
{
	assert_in_range(i, 0, ROWS_MAX - 1);
	p->numbers[i] = number;
	(void)snprintf(p->ids[i], sizeof(p->ids[i]), "%s", event_id);
}

/* store_events_fn */
static void
events_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct page *p = arg;

	if (rc != STORE_OK)
		fail_msg("%s", reason);
	p->calls++;
	p->n = n;
	for (size_t i = 0; i < n; i++)
		note(p, i, rows[i].ev->id, rows[i].ev->event_id);
}

/* store_jobs_fn */
static void
jobs_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct page *p = arg;

	if (rc != STORE_OK)
		fail_msg("%s", reason);
	p->calls++;
	p->n = n;
	for (size_t i = 0; i < n; i++)
		note(p, i, rows[i].id, rows[i].event_id);
}

/* One page; what was looked through is in it. */
static struct page
events(struct store_filter f)
{
	struct page p = { 0 };

	f.scan = &p.scan;
	assert_int_equal(store_list_events(c.st, &f, events_cb, &p), 0);
	store_wait(c.st);
	assert_int_equal(p.calls, 1);
	return (p);
}

static struct page
jobs(struct store_job_filter f)
{
	struct page p = { 0 };

	f.scan = &p.scan;
	assert_int_equal(store_list_jobs(c.st, &f, jobs_cb, &p), 0);
	store_wait(c.st);
	assert_int_equal(p.calls, 1);
	return (p);
}

/* store_orders_fn */
static void
orders_cb(enum store_rc rc, const struct store_order_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct page *p = arg;

	if (rc != STORE_OK)
		fail_msg("%s", reason);
	p->calls++;
	p->n = n;
	for (size_t i = 0; i < n; i++)
		note(p, i, rows[i].event, rows[i].order.order_id);
}

static struct page
orders(struct store_filter f)
{
	struct page p = { 0 };

	f.scan = &p.scan;
	assert_int_equal(store_list_orders(c.st, &f, orders_cb, &p), 0);
	store_wait(c.st);
	assert_int_equal(p.calls, 1);
	return (p);
}

/*
 * The ids on all pages, each with a blank behind it, as they come; no page says
 * that it looked at more than it may, and there are at most so many pages.
 */
static void
all_events(struct store_filter f, unsigned pages_max, char ret[512])
{
	struct page p;

	ret[0] = '\0';
	do {
		assert_true(pages_max-- > 0);
		p = events(f);
		if (f.look > 0)
			assert_in_range(p.scan.looked, 0, f.look + ROWS_MAX);
		assert_true(p.scan.next == 0 || f.before == 0 ||
			    p.scan.next < f.before);
		for (size_t i = 0; i < p.n; i++) {
			(void)strcat(ret, p.ids[i]);
			(void)strcat(ret, " ");
		}
		f.before = p.scan.next;
	} while (f.before != 0);
}

/* -- What is stored -- */

struct order {
	const char *id, *external;
};

/* An event of that type and time with one order, and a job for h (0: none). */
static int64_t
append(const char *id, const char *type, int64_t at_ms, struct order order,
    int64_t h)
{
	const struct store_order o = { .order_id = order.id,
		.status = "2",
		.external_id = order.external };
	const struct store_job_spec spec = { .handler = h,
		.place = STORE_WHOLE_EVENT,
		.ordered = true,
		.guards = STORE_NO_GUARD };
	struct store_event src = { .event_id = id,
		.type = type,
		.secret = "default",
		.peer = "127.0.0.1:5",
		.received_at_ms = at_ms,
		.orders = &o,
		.norders = order.id != NULL ? 1 : 0 };
	struct store_event *ev;
	struct case_result r;

	src.body = strdup(id);
	src.body_len = strlen(id);
	memcpy(src.digest, id, strlen(id));
	assert_non_null(ev = store_event_new(&src));
	assert_int_equal(store_append(c.st, ev, &spec, h == 0 ? 0 : 1,
			     case_done_cb, &r),
	    0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r.id);
}

#define CREATED "klikit.order.created.v2"
#define NONE ((struct order){ NULL, NULL })

/* e01 to e30, a second apart, of which each third is rare. */
static void
fill(int64_t handler)
{
	char id[16], order[16], external[16];

	for (int i = 1; i <= 30; i++) {
		(void)snprintf(id, sizeof(id), "e%02d", i);
		(void)snprintf(order, sizeof(order), "70%02d", i / 2);
		(void)snprintf(external, sizeof(external), "GF-%d", 500 + i);
		(void)append(id, i % 10 == 3 ? "rare" : CREATED, NOW + 1000 * i,
		    (struct order){ order, external },
		    i % 10 == 5 ? handler : 0);
	}
}

/* -- Tests -- */

/* A filter that few pass is looked for a part at a time, and all are found. */
static void
test_rare_is_found_in_parts(void **state)
{
	char ids[512];
	struct page p;

	(void)state;
	fill(case_handler(&c, "a"));
	all_events((struct store_filter){ .type = "rare", .look = 4 }, 9, ids);
	assert_string_equal(ids, "e23 e13 e03 ");
	all_events((struct store_filter){ .handler = "a", .look = 7 }, 6, ids);
	assert_string_equal(ids, "e25 e15 e05 ");
	all_events((struct store_filter){ .type = "none", .look = 7 }, 6, ids);
	assert_string_equal(ids, "");
	all_events((struct store_filter){ .handler = "b", .look = 7 }, 6, ids);
	assert_string_equal(ids, "");

	p = events((struct store_filter){ .type = "rare", .look = 4 });
	assert_int_equal(p.n, 0);
	assert_int_equal(p.scan.looked, 4);
	/* A page that is full goes on from its last row. */
	p = events((struct store_filter){ .limit = 3 });
	assert_int_equal(p.n, 3);
	assert_int_equal(p.scan.next, p.numbers[2]);
	/* At the end there is no more. */
	p = events((struct store_filter){ .type = "rare" });
	assert_int_equal(p.n, 3);
	assert_int_equal(p.scan.next, 0);
}

/* A job of that event, done with its order's record, in that status. */
static void
record(int64_t job, int64_t event, const char *order, const char *status)
{
	const struct store_order o = { .order_id = order, .status = status };
	const struct store_write w = { .table = STORE_ORDERS,
		.order = &o,
		.event = event };
	const struct store_outcome out = { .job = job,
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = NOW,
		.writes = &w,
		.nwrites = 1 };
	struct case_result r;

	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* Few open orders are looked for a part at a time; one that is named at once.
 */
static void
test_orders_are_found_in_parts(void **state)
{
	const char *const ends[] = { "9" };
	struct store_filter open = { .open = true,
		.ends = ends,
		.nends = 1,
		.look = 4 };
	int64_t handler = case_handler(&c, "a"), event;
	char id[16], order[16], ids[128] = "";
	unsigned pages = 0;
	struct page p;

	(void)state;
	for (int i = 1; i <= 20; i++) {
		(void)snprintf(id, sizeof(id), "e%02d", i);
		(void)snprintf(order, sizeof(order), "70%02d", i);
		event = append(id, CREATED, NOW + 1000 * i,
		    (struct order){ order, NULL }, handler);
		record(i, event, order, i % 10 == 3 ? "1" : "9");
	}
	p = orders(open);
	assert_int_equal(p.n, 0);
	assert_int_equal(p.scan.looked, 4);
	assert_true(p.scan.next > 0);
	do {
		p = orders(open);
		for (size_t i = 0; i < p.n; i++) {
			(void)strcat(ids, p.ids[i]);
			(void)strcat(ids, " ");
		}
		open.before = p.scan.next;
		assert_true(++pages < 9);
	} while (open.before != 0);
	assert_string_equal(ids, "7013 7003 ");
	assert_true(pages >= 5);

	p = orders((struct store_filter){ .order_id = "7002", .look = 4 });
	assert_int_equal(p.n, 1);
	assert_string_equal(p.ids[0], "7002");
	assert_int_equal(p.scan.next, 0);
	/* A page that is full goes on from its last row. */
	p = orders((struct store_filter){ .limit = 2 });
	assert_int_equal(p.n, 2);
	assert_int_equal(p.scan.next, p.numbers[1]);
	p = orders((struct store_filter){ .since_ms = NOW + 3000,
	    .until_ms = NOW + 5000 });
	assert_int_equal(p.n, 2);
	assert_int_equal(p.scan.next, 0);
}

/* An empty stretch of numbers is stepped over, however long it is. */
static void
test_gaps_are_stepped_over(void **state)
{
	char ids[512];

	(void)state;
	(void)append("old", "rare", NOW, NONE, 0);
	store_case_close(&c);
	if (store_case_is_shared())
		store_case_sql(&c, "SELECT setval('event_numbers', 9000000)");
	else
		store_case_sql(&c,
		    "INSERT INTO events (id, event_id, type, peer, "
		    "received_at, body_size) VALUES (9000000, 'x', 'y', 'p', "
		    "1, 0)");
	store_case_open(&c);
	(void)append("new", "rare", NOW + 1, NONE, 0);
	all_events((struct store_filter){ .type = "rare", .look = 5 }, 3, ids);
	assert_string_equal(ids, "new old ");
}

/* A short time is found by its dates, in one page, however old it is. */
static void
test_time_is_found_at_once(void **state)
{
	struct page p;

	(void)state;
	fill(0);
	/* Dated before all others, and the newest. */
	(void)append("late", CREATED, NOW - 5000, NONE, 0);
	p = events((struct store_filter){ .since_ms = NOW + 2000,
	    .until_ms = NOW + 4000,
	    .look = 8 });
	assert_int_equal(p.n, 2);
	assert_string_equal(p.ids[0], "e03");
	assert_string_equal(p.ids[1], "e02");
	assert_int_equal(p.scan.next, 0);
	p = events((struct store_filter){ .until_ms = NOW, .look = 8 });
	assert_int_equal(p.n, 1);
	assert_string_equal(p.ids[0], "late");
	p = events((struct store_filter){ .since_ms = NOW + 90000, .look = 8 });
	assert_int_equal(p.n, 0);
	assert_int_equal(p.scan.next, 0);
}

/* What is pending or dead is found by its index, however old it is. */
static void
test_few_unfinished_are_found_at_once(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct page p;

	(void)state;
	(void)append("open", CREATED, NOW, NONE, h);
	fill(0);
	p = events((struct store_filter){ .progress = STORE_PROGRESS_PENDING,
	    .look = 3 });
	assert_int_equal(p.n, 1);
	assert_string_equal(p.ids[0], "open");
	assert_int_equal(p.scan.next, 0);
	/* There are no dead ones: that is known at once as well. */
	p = events((
	    struct store_filter){ .progress = STORE_PROGRESS_DEAD, .look = 3 });
	assert_int_equal(p.n, 0);
	assert_int_equal(p.scan.next, 0);
	assert_int_equal(jobs((struct store_job_filter){ .pending = true,
				  .look = 1 })
			     .n,
	    1);
}

/* An id, or what it begins with, finds its events on the first page. */
static void
test_ids_are_found(void **state)
{
	struct page p;

	(void)state;
	fill(0);
	p = events((struct store_filter){ .find = "e07", .look = 3 });
	assert_int_equal(p.n, 1);
	assert_string_equal(p.ids[0], "e07");
	p = events((struct store_filter){ .find = "7004", .look = 3 });
	assert_int_equal(p.n, 2);
	assert_string_equal(p.ids[0], "e09");
	assert_string_equal(p.ids[1], "e08");
	/* By its beginning: ten events, the newest first. */
	p = events((struct store_filter){ .find = "e1", .look = 3 });
	assert_int_equal(p.n, 10);
	assert_string_equal(p.ids[0], "e19");
	assert_string_equal(p.ids[9], "e10");
	/* With another filter. */
	p = events((struct store_filter){ .find = "e1", .type = "rare" });
	assert_int_equal(p.n, 1);
	assert_string_equal(p.ids[0], "e13");
	/* What no text holds is no error. */
	assert_int_equal(events((struct store_filter){ .find = "\xff" }).n, 0);
	assert_int_equal(events((struct store_filter){ .find = "%" }).n, 0);
	assert_int_equal(events((struct store_filter){ .find = "e0_" }).n, 0);
}

/* A part of an external id, in any letters, is looked for in parts. */
static void
test_external_ids_are_found(void **state)
{
	char ids[512];

	(void)state;
	fill(0);
	all_events((struct store_filter){ .find = "gf-504", .look = 4 }, 9,
	    ids);
	assert_string_equal(ids, "e04 ");
	all_events((struct store_filter){ .find = "-52", .look = 4 }, 9, ids);
	assert_string_equal(ids, "e29 e28 e27 e26 e25 e24 e23 e22 e21 e20 ");
	/* A page that is full goes on where it ended. */
	all_events((struct store_filter){ .find = "-52", .limit = 3 }, 9, ids);
	assert_string_equal(ids, "e29 e28 e27 e26 e25 e24 e23 e22 e21 e20 ");
}

/* Each comes once: what the first page had by its id does not come again. */
static void
test_each_is_found_once(void **state)
{
	char ids[512];

	(void)state;
	(void)append("a", CREATED, NOW, (struct order){ "77", "X-77" }, 0);
	fill(0);
	(void)append("b", CREATED, NOW, (struct order){ "1", "Y-77" }, 0);
	all_events((struct store_filter){ .find = "77", .look = 4 }, 12, ids);
	assert_string_equal(ids, "b a ");
	/* More than a page: no id is before the others, all come in turn. */
	all_events((struct store_filter){ .find = "e0",
		       .limit = 4,
		       .look = 50 },
	    9, ids);
	assert_string_equal(ids, "e09 e08 e07 e06 e05 e04 e03 e02 e01 ");
}

/* A repeat is found by the order that its original carries. */
static void
test_repeats_are_found(void **state)
{
	const char *const order[] = { "88", NULL };
	struct page p;

	(void)state;
	store_set_repeat_window(c.st, 1000000);
	(void)case_append(&c, "first", order, 0);
	(void)case_append(&c, "again", order, 0);
	p = events((struct store_filter){ .find = "88" });
	assert_int_equal(p.n, 2);
	assert_string_equal(p.ids[0], "again");
}

/* Jobs: a rare type in parts; a time, an event and an order at once. */
static void
test_jobs_are_found(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct store_job_filter f = { .any_state = true,
		.type = "rare",
		.look = 4 };
	struct page p;
	unsigned pages = 0;
	size_t n = 0;

	(void)state;
	(void)append("old", "rare", NOW, (struct order){ "1", NULL }, h);
	for (int i = 0; i < 12; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "e%02d", i);
		(void)append(id, CREATED, NOW + 1000 + i,
		    (struct order){ "2", NULL }, h);
	}
	do {
		p = jobs(f);
		n += p.n;
		f.before = p.scan.next;
	} while (f.before != 0 && ++pages < 9);
	assert_int_equal(n, 1);
	assert_int_equal(pages, 3);
	assert_string_equal(p.ids[0], "old");

	p = jobs((struct store_job_filter){ .any_state = true,
	    .until_ms = NOW + 1,
	    .look = 4 });
	assert_int_equal(p.n, 1);
	assert_string_equal(p.ids[0], "old");
	assert_int_equal(p.scan.next, 0);
	p = jobs((struct store_job_filter){ .any_state = true,
	    .event_id = "old",
	    .look = 4 });
	assert_int_equal(p.n, 1);
	p = jobs((struct store_job_filter){ .any_state = true,
	    .order_id = "1",
	    .look = 4 });
	assert_int_equal(p.n, 1);
}

/* An event and an order: the jobs that are of both. */
static void
test_jobs_of_event_and_order(void **state)
{
	const char *const two[] = { "10", "11", NULL };
	int64_t h = case_handler(&c, "a");
	const struct store_job_spec specs[] = {
		{ .handler = h, .place = 0, .guards = STORE_NO_GUARD },
		{ .handler = h, .place = 1, .guards = STORE_NO_GUARD },
		{ .handler = h,
		    .place = STORE_WHOLE_EVENT,
		    .guards = STORE_NO_GUARD },
	};
	struct store_job_filter f = { .any_state = true, .event_id = "both" };
	struct store_event *ev = case_event("both", "{}", two);
	struct case_result r;

	(void)state;
	assert_int_equal(store_append(c.st, ev, specs, 3, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(jobs(f).n, 3);
	f.order_id = "11";
	assert_int_equal(jobs(f).n, 2); /* its own, and the whole event's */
	f.order_id = "12";
	assert_int_equal(jobs(f).n, 0);
	f.event_id = "none";
	f.order_id = "11";
	assert_int_equal(jobs(f).n, 0);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_rare_is_found_in_parts),
		CASE(test_orders_are_found_in_parts),
		CASE(test_gaps_are_stepped_over),
		CASE(test_time_is_found_at_once),
		CASE(test_few_unfinished_are_found_at_once),
		CASE(test_ids_are_found),
		CASE(test_external_ids_are_found),
		CASE(test_each_is_found_once),
		CASE(test_repeats_are_found),
		CASE(test_jobs_are_found),
		CASE(test_jobs_of_event_and_order),
	};

	return (store_case_run("store_search", tests));
}
