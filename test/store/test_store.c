/* Conformance: what store.h promises, on every backend. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000

static struct store_case c;

/* The first delivery of an id is stored, with its body, orders and job. */
static void
test_append_stores_event(void **state)
{
	const char *const orders[] = { "11", "12", NULL };
	int64_t h = case_handler(&c, "a");
	struct case_result r;

	(void)state;
	r = case_append(&c, "e1", orders, h);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e1");
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 1);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM bodies"), 1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM event_orders"),
	    2);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM lanes"), 2);
}

/* The second one is a duplicate: counted, with the first one's row. */
static void
test_append_again_exists(void **state)
{
	struct case_result first, again;

	(void)state;
	first = case_append(&c, "e1", NULL, 0);
	again = case_append(&c, "e1", NULL, 0);
	assert_int_equal(again.rc, STORE_EXISTS);
	assert_int_equal(again.id, first.id);
	assert_false(again.conflict);
	assert_int_equal(store_case_int(&c, "SELECT duplicates FROM events"),
	    1);
	assert_true(
	    store_case_int(&c, "SELECT last_duplicate_at FROM events") != 0);
}

/* Append an event with this body under this secret and say what came of it. */
static struct case_result
append_body(const char *id, const char *body, const char *secret)
{
	struct case_result r = { 0 };
	struct store_event *ev = case_event(id, body, NULL);

	ev->secret = secret;
	ev->digest[0] ^= (unsigned char)secret[0];
	assert_int_equal(store_append(c.st, ev, NULL, 0, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	return (r);
}

/* The same id with another body is a conflict, whichever secret signed it. */
static void
test_other_body_conflicts(void **state)
{
	(void)state;
	assert_int_equal(append_body("e", "{}", "old").rc, STORE_OK);
	assert_false(append_body("e", "{}", "old").conflict);
	assert_true(append_body("e", "[]", "old").conflict);
	assert_false(append_body("e", "{}", "new").conflict);
	assert_true(append_body("e", "[]", "new").conflict);
	assert_true(append_body("e", "{ }", "new").conflict);
	assert_int_equal(store_case_int(&c, "SELECT duplicates FROM events"),
	    5);
}

/* Duplicates that share a commit: one is stored, the others exist. */
static void
test_duplicates_in_one_batch(void **state)
{
	struct case_result r[20];
	unsigned stored = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		case_queue_append(&c, "same", NULL, 0, &r[i]);
	store_wait(c.st);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(r[i].calls, 1);
		assert_int_equal(r[i].id, r[0].id);
		if (r[i].rc == STORE_OK)
			stored++;
		else
			assert_int_equal(r[i].rc, STORE_EXISTS);
	}
	assert_int_equal(stored, 1);
	assert_int_equal(r[0].rc, STORE_OK);
}

/* A handler has one number, whatever happens between. */
static void
test_register_is_stable(void **state)
{
	int64_t a = case_handler(&c, "a");
	int64_t b = case_handler(&c, "b");

	(void)state;
	assert_int_not_equal(a, b);
	store_case_close(&c);
	store_case_open(&c);
	assert_int_equal(case_handler(&c, "a"), a);
}

/* The first rows of a list that its callback was given. */
#define ROWS_MAX 600
struct rows {
	unsigned calls;
	enum store_rc rc;
	size_t n;
	int64_t ids[ROWS_MAX];
	char first[64]; /* event_id or order_id */
	unsigned duplicates, unfinished, dead;
	size_t njobs;
	char text[256]; /* body or document */
};

/* store_events_fn */
static void
events_cb(enum store_rc rc, const struct store_event_info *info, size_t n,
    const char *reason, void *arg)
{
	struct rows *r = arg;
	unsigned calls = r->calls;

	(void)reason;
	memset(r, 0, sizeof(*r));
	r->calls = calls + 1;
	r->rc = rc;
	r->n = n;
	assert_in_range(n, 0, ROWS_MAX);
	for (size_t i = 0; i < n; i++)
		r->ids[i] = info[i].ev->id;
	if (n == 0)
		return;
	(void)snprintf(r->first, sizeof(r->first), "%s", info[0].ev->event_id);
	r->duplicates = info[0].duplicates;
	r->unfinished = info[0].unfinished;
	r->dead = info[0].dead;
	r->njobs = info[0].njobs;
	if (info[0].njobs > 0)
		assert_string_equal(info[0].jobs[0].handler, "a");
	if (info[0].ev->body != NULL)
		(void)snprintf(r->text, sizeof(r->text), "%.*s",
		    (int)info[0].ev->body_len, (const char *)info[0].ev->body);
}

/* store_orders_fn */
static void
orders_cb(enum store_rc rc, const struct store_order_info *info, size_t n,
    const char *reason, void *arg)
{
	struct rows *r = arg;

	(void)reason;
	memset(r, 0, sizeof(*r));
	r->calls++;
	r->rc = rc;
	r->n = n;
	assert_in_range(n, 0, ROWS_MAX);
	for (size_t i = 0; i < n; i++)
		r->ids[i] =
		    info[i].event != 0 ? info[i].event : info[i].cart_event;
	if (n == 0)
		return;
	(void)snprintf(r->first, sizeof(r->first), "%s",
	    info[0].order.order_id);
	(void)snprintf(r->text, sizeof(r->text), "%s",
	    info[0].document != NULL ? info[0].document : "none");
}

static struct rows
list_events(const struct store_filter *filter)
{
	static struct rows r;

	r.calls = 0;
	assert_int_equal(store_list_events(c.st, filter, events_cb, &r), 0);
	assert_int_equal(r.calls, 0);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

static struct rows
list_orders(const struct store_filter *filter)
{
	static struct rows r;

	r.calls = 0;
	assert_int_equal(store_list_orders(c.st, filter, orders_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* Pages follow each other without a gap, newest first. */
static void
test_list_pages(void **state)
{
	struct store_filter f = { .limit = 10 };
	int64_t last = INT64_MAX;
	size_t seen = 0;
	struct rows r;
	char id[16];

	(void)state;
	for (int i = 0; i < 25; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		(void)case_append(&c, id, NULL, 0);
	}
	for (;;) {
		r = list_events(&f);
		if (r.n == 0)
			break;
		assert_in_range(r.n, 1, 10);
		for (size_t i = 0; i < r.n; i++) {
			assert_true(r.ids[i] < last);
			last = r.ids[i];
		}
		seen += r.n;
		f.before = last;
	}
	assert_int_equal(seen, 25);
}

/* Each filter leaves out what it should. */
static void
test_list_filters(void **state)
{
	const char *const order[] = { "7", "8", NULL };
	struct store_filter any = { .limit = 10 };
	struct store_filter f;

	(void)state;
	(void)case_append(&c, "e1", order, 0);
	(void)case_append(&c, "e2", NULL, 0);
	assert_int_equal(list_events(&any).n, 2);
	f = (struct store_filter){ .limit = 10, .order_id = "8" };
	assert_int_equal(list_events(&f).n, 1);
	assert_string_equal(list_events(&f).first, "e1");
	f = (struct store_filter){ .limit = 10, .type = "other" };
	assert_int_equal(list_events(&f).n, 0);
	f = (struct store_filter){ .limit = 10,
		.type = "klikit.order.created.v2" };
	assert_int_equal(list_events(&f).n, 2);
	f = (struct store_filter){ .limit = 10, .brand = "1" };
	assert_int_equal(list_events(&f).n, 0);
	f = (struct store_filter){ .limit = 10, .branch = "1" };
	assert_int_equal(list_events(&f).n, 0);
	f = (struct store_filter){ .limit = 10, .since_ms = NOW + 1 };
	assert_int_equal(list_events(&f).n, 0);
	f = (struct store_filter){ .limit = 10, .until_ms = NOW };
	assert_int_equal(list_events(&f).n, 0);
	f = (struct store_filter){ .limit = 1, .until_ms = NOW + 1 };
	assert_int_equal(list_events(&f).n, 1);
}

/* One event whole: its bytes, its jobs, how often it came. */
static void
test_get_event_is_whole(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct case_result a;
	struct rows r = { 0 };

	(void)state;
	a = case_append(&c, "e1", NULL, h);
	(void)case_append(&c, "e1", NULL, h);
	assert_int_equal(store_get_event(c.st, "e1", NULL, events_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.ids[0], a.id);
	assert_string_equal(r.text, "{\"orders\":[{\"id\":1}]}");
	assert_int_equal(r.duplicates, 1);
	assert_int_equal(r.njobs, 1);
	assert_int_equal(r.unfinished, 1);
	(void)case_finish(&c, a.runnable[0], JOB_DEAD, 0);
	assert_int_equal(store_get_event(c.st, "e1", NULL, events_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.unfinished, 0);
	assert_int_equal(r.dead, 1);
	assert_int_equal(store_get_event(c.st, "none", NULL, events_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.n, 0);
}

/* Write rows for these orders as the event with that id would. */
static void
write_rows(const char *id, const char *const *order_ids, enum store_table table)
{
	int64_t h = case_handler(&c, "a");
	struct case_result a = case_append(&c, id, NULL, h);
	struct case_result r = { 0 };
	struct store_order orders[8] = { 0 };
	struct store_write w[8] = { 0 };
	struct store_outcome out = { .job = a.runnable[0],
		.to = JOB_DONE,
		.outcome = "done",
		.writes = w };

	for (; order_ids[out.nwrites] != NULL; out.nwrites++) {
		orders[out.nwrites].order_id = order_ids[out.nwrites];
		w[out.nwrites].table = table;
		w[out.nwrites].order = &orders[out.nwrites];
		w[out.nwrites].brand = "910";
		w[out.nwrites].event = a.id;
	}
	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* An order carries its document, as long as its body is there. */
static void
test_get_order_has_document(void **state)
{
	const char *const order[] = { "7", NULL };
	const char *const cart[] = { "8", NULL };
	struct rows r = { 0 };

	(void)state;
	write_rows("e1", order, STORE_ORDERS);
	write_rows("e2", cart, STORE_CARTS);
	assert_int_equal(store_get_order(c.st, "7", NULL, orders_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.text, "{\"id\":1}");
	assert_int_equal(store_get_order(c.st, "8", NULL, orders_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.text, "none");
	assert_int_equal(store_get_order(c.st, "9", NULL, orders_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 0);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM cart_documents "
			     "WHERE document = '{\"id\":1}'"),
	    1);
	store_case_close(&c);
	store_case_sql(&c,
	    "DELETE FROM bodies; UPDATE events SET purged_at = 5");
	store_case_open(&c);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM order_documents "
			     "WHERE document IS NULL AND purged_at = 5"),
	    1);
}

/* Orders page by event; those of one event stay together. */
static void
test_list_orders_pages(void **state)
{
	const char *const batch[] = { "1", "2", "3", NULL };
	const char *const one[] = { "4", NULL };
	const char *const cart[] = { "5", NULL };
	struct store_filter f = { .limit = 2 };
	struct rows r;

	(void)state;
	write_rows("e1", batch, STORE_ORDERS);
	write_rows("e2", one, STORE_ORDERS);
	write_rows("e3", cart, STORE_CARTS);
	r = list_orders(&f);
	assert_int_equal(r.n, 2);
	assert_string_equal(r.first, "5");
	f.before = r.ids[1];
	r = list_orders(&f);
	assert_int_equal(r.n, 3);
	f.before = r.ids[2];
	assert_int_equal(list_orders(&f).n, 0);
	f = (struct store_filter){ .limit = 9, .brand = "910" };
	assert_int_equal(list_orders(&f).n, 4);
	f = (struct store_filter){ .limit = 9, .order_id = "2" };
	assert_int_equal(list_orders(&f).n, 1);
	f = (struct store_filter){ .limit = 9, .since_ms = NOW + 1 };
	assert_int_equal(list_orders(&f).n, 0);
}

/* Reads under way at close end too, each exactly once. */
static void
test_close_ends_reads(void **state)
{
	struct store_filter f = { .limit = 10 };
	static struct rows r[50];

	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(store_list_events(c.st, &f, events_cb, &r[i]),
		    0);
	store_case_close(&c);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(r[i].calls, 1);
		assert_true(r[i].rc == STORE_OK || r[i].rc == STORE_FAILED);
	}
}

/* An event lives as long as somebody holds it; its body may go before. */
static void
test_event_is_counted(void **state)
{
	const char *const order[] = { "7", NULL };
	struct store_event *ev = case_event("e", "{}", order);

	(void)state;
	assert_ptr_equal(store_event_ref(ev), ev);
	store_event_unref(ev);
	assert_string_equal(ev->orders[0].order_id, "7");
	store_event_drop_body(ev);
	assert_null(ev->body);
	assert_int_equal(ev->body_len, 2);
	store_event_unref(ev);
	store_event_unref(NULL);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_append_stores_event),
		CASE(test_append_again_exists),
		CASE(test_other_body_conflicts),
		CASE(test_duplicates_in_one_batch),
		CASE(test_register_is_stable),
		CASE(test_list_pages),
		CASE(test_list_filters),
		CASE(test_get_event_is_whole),
		CASE(test_get_order_has_document),
		CASE(test_list_orders_pages),
		CASE(test_close_ends_reads),
		CASE(test_event_is_counted),
	};

	return (store_case_run("store", tests));
}
