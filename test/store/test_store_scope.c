/* Scopes: what has the same id in two of them has nothing in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_read.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000
#define ROWS_MAX 8

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

/* What an event is to be, beside what all of them are. */
struct given {
	const char *event_id;
	const char *scope;
	const char *order_id;
	const char *body; /* NULL: any */
	const char *secret;
	enum store_origin origin;
	const char *endpoint;
};

static struct case_result
append(struct given g)
{
	const struct store_order order = { .order_id = g.order_id };
	const struct store_job_spec spec = { .handler = handler,
		.place = STORE_WHOLE_EVENT,
		.ordered = true,
		.guards = STORE_NO_GUARD };
	struct store_event src = {
		.event_id = g.event_id,
		.scope = g.scope,
		.type = "klikit.order.created.v2",
		.origin = g.origin,
		.digest = { 7 },
		.secret = g.secret,
		.endpoint = g.endpoint,
		.peer = "p",
		.received_at_ms = NOW,
		.orders = &order,
		.norders = g.order_id != NULL ? 1 : 0,
	};
	struct case_result r = { 0 };
	struct store_event *ev;

	src.body =
	    strdup(g.body != NULL ? g.body : "{\"orders\":[{\"id\":1}]}");
	src.body_len = strlen(src.body);
	assert_non_null(ev = store_event_new(&src));
	assert_int_equal(store_append(c.st, ev, &spec, 1, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	return (r);
}

static struct case_result
order_in(const char *event_id, const char *scope, const char *order_id)
{
	return (append((struct given){ .event_id = event_id,
	    .scope = scope,
	    .order_id = order_id,
	    .secret = "s" }));
}

/* What a list said; texts that were NULL are "-". */
struct rows {
	size_t n;
	int64_t ids[ROWS_MAX];
	char scopes[ROWS_MAX][16];
	char texts[ROWS_MAX][64];
	enum store_origin origins[ROWS_MAX];
	bool signed_[ROWS_MAX];
	char endpoints[ROWS_MAX][16];
};

static void
note(struct rows *r, int64_t id, const char *scope, const char *text)
{
	assert_in_range(r->n, 0, ROWS_MAX - 1);
	assert_non_null(scope);
	r->ids[r->n] = id;
	(void)snprintf(r->scopes[r->n], sizeof(r->scopes[0]), "%s", scope);
	(void)snprintf(r->texts[r->n], sizeof(r->texts[0]), "%s",
	    text == NULL ? "-" : text);
	r->n++;
}

/* store_events_fn */
static void
events_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct rows *r = arg;

	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	for (size_t i = 0; i < n; i++) {
		const struct store_event *ev = rows[i].ev;
		char body[64] = "-";

		if (ev->body != NULL)
			(void)snprintf(body, sizeof(body), "%.*s",
			    (int)ev->body_len, (const char *)ev->body);
		note(r, ev->id, ev->scope, body);
		r->origins[r->n - 1] = ev->origin;
		r->signed_[r->n - 1] = ev->secret != NULL;
		(void)snprintf(r->endpoints[r->n - 1], sizeof(r->endpoints[0]),
		    "%s", ev->endpoint == NULL ? "-" : ev->endpoint);
	}
}

/* store_orders_fn */
static void
orders_cb(enum store_rc rc, const struct store_order_info *rows, size_t n,
    const char *reason, void *arg)
{
	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	for (size_t i = 0; i < n; i++)
		note(arg,
		    rows[i].event != 0 ? rows[i].event : rows[i].cart_event,
		    rows[i].scope, rows[i].document);
}

/* store_jobs_fn */
static void
jobs_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	for (size_t i = 0; i < n; i++)
		note(arg, rows[i].id, rows[i].scope, rows[i].event_id);
}

static struct rows
get_event(const char *id, const char *scope)
{
	struct rows r = { 0 };

	assert_int_equal(store_get_event(c.st, id, scope, events_cb, &r), 0);
	store_wait(c.st);
	return (r);
}

static struct rows
get_order(const char *id, const char *scope)
{
	struct rows r = { 0 };

	assert_int_equal(store_get_order(c.st, id, scope, orders_cb, &r), 0);
	store_wait(c.st);
	return (r);
}

/* Write the row of an order, as the event of that number carries it. */
static void
write_row(struct case_result a, const char *scope, const char *order_id,
    enum store_table table)
{
	const struct store_order order = { .order_id = order_id };
	const struct store_write w = { .table = table,
		.order = &order,
		.scope = scope,
		.event = a.id };
	const struct store_outcome out = { .job = a.runnable[0],
		.to = JOB_DONE,
		.outcome = "done",
		.served = true,
		.writes = &w,
		.nwrites = 1 };
	struct case_result r = { 0 };

	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* An id is stored once in each scope; a duplicate is one of its scope. */
static void
test_event_id_is_unique_in_its_scope(void **state)
{
	struct case_result a, b, again;
	struct rows r;

	(void)state;
	a = append(
	    (struct given){ .event_id = "e", .body = "1", .secret = "s" });
	b = append((struct given){ .event_id = "e",
	    .scope = "sandbox",
	    .body = "2",
	    .secret = "s" });
	assert_int_equal(a.rc, STORE_OK);
	assert_int_equal(b.rc, STORE_OK);
	assert_int_not_equal(a.id, b.id);
	again = append((struct given){ .event_id = "e",
	    .scope = "sandbox",
	    .body = "2",
	    .secret = "s" });
	assert_int_equal(again.rc, STORE_EXISTS);
	assert_int_equal(again.id, b.id);
	assert_false(again.conflict);
	again = append((struct given){ .event_id = "e",
	    .scope = "",
	    .body = "1",
	    .secret = "s" });
	assert_int_equal(again.rc, STORE_EXISTS);
	assert_int_equal(again.id, a.id);

	r = get_event("e", NULL);
	assert_int_equal(r.n, 2);
	assert_string_equal(r.scopes[0], "");
	assert_string_equal(r.texts[0], "1");
	assert_string_equal(r.scopes[1], "sandbox");
	assert_string_equal(r.texts[1], "2");
	r = get_event("e", "sandbox");
	assert_int_equal(r.n, 1);
	assert_int_equal(r.ids[0], b.id);
	assert_int_equal(get_event("e", "").ids[0], a.id);
	assert_int_equal(get_event("e", "other").n, 0);
}

/* An event has the endpoint that it came through, whatever its scope. */
static void
test_endpoint_is_kept(void **state)
{
	struct store_filter f = { .limit = ROWS_MAX };
	struct rows r = { 0 };

	(void)state;
	(void)append((struct given){ .event_id = "a",
	    .endpoint = "burger",
	    .secret = "s" });
	(void)append((struct given){ .event_id = "b", .secret = "s" });
	(void)append((struct given){ .event_id = "c",
	    .scope = "pizza",
	    .endpoint = "pizza",
	    .secret = "s" });
	assert_int_equal(store_list_events(c.st, &f, events_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.endpoints[0], "pizza");
	assert_string_equal(r.endpoints[1], "-");
	assert_string_equal(r.endpoints[2], "burger");
	assert_string_equal(get_event("a", NULL).endpoints[0], "burger");

	/* It stays that of the first delivery. */
	(void)append((struct given){ .event_id = "a",
	    .endpoint = "other",
	    .secret = "s" });
	assert_string_equal(get_event("a", NULL).endpoints[0], "burger");
}

/* An order of another scope neither holds jobs back nor lets them go. */
static void
test_lanes_are_apart(void **state)
{
	struct case_result a, b, a2, b2, r;

	(void)state;
	a = order_in("e1", "", "7");
	b = order_in("e2", "sandbox", "7");
	assert_int_equal(a.nrunnable, 1);
	assert_int_equal(b.nrunnable, 1);
	a2 = order_in("e3", NULL, "7");
	b2 = order_in("e4", "sandbox", "7");
	assert_int_equal(a2.nrunnable, 0);
	assert_int_equal(b2.nrunnable, 0);
	r = case_finish(&c, b.runnable[0], JOB_DONE, 0);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e4");
	r = case_finish(&c, a.runnable[0], JOB_DEAD, 0);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e3");
}

/* What was done for an order of one scope is to be done for the other's. */
static void
test_once_is_within_the_scope(void **state)
{
	struct case_result a = order_in("e1", "", "7"), b, r = { 0 };

	(void)state;
	write_row(a, "", "7", STORE_ORDERS);
	b = order_in("e2", "sandbox", "7");
	assert_int_equal(store_start(c.st,
			     &(struct store_job){ .id = b.runnable[0] }, true,
			     NOW, case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	b = order_in("e3", "", "7");
	assert_int_equal(store_start(c.st,
			     &(struct store_job){ .id = b.runnable[0] }, true,
			     NOW, case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_EXISTS);
	assert_int_equal(r.id, a.runnable[0]);
}

/* Each scope has its row of an order, with its own document. */
static void
test_rows_are_apart(void **state)
{
	struct case_result a, b, d;
	struct rows r;

	(void)state;
	a = append((struct given){ .event_id = "e",
	    .order_id = "7",
	    .body = "{\"orders\":[{\"a\":1}]}",
	    .secret = "s" });
	b = append((struct given){ .event_id = "e",
	    .scope = "sandbox",
	    .order_id = "7",
	    .body = "{\"orders\":[{\"b\":1}]}",
	    .secret = "s" });
	d = order_in("f", "third", "7");
	write_row(a, NULL, "7", STORE_ORDERS);
	write_row(b, "sandbox", "7", STORE_ORDERS);
	write_row(d, "third", "7", STORE_CARTS);
	r = get_order("7", NULL);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.scopes[0], "");
	assert_string_equal(r.texts[0], "{\"a\":1}");
	assert_string_equal(r.scopes[1], "sandbox");
	assert_string_equal(r.texts[1], "{\"b\":1}");
	assert_string_equal(r.scopes[2], "third");
	assert_string_equal(r.texts[2], "-");
	r = get_order("7", "sandbox");
	assert_int_equal(r.n, 1);
	assert_string_equal(r.texts[0], "{\"b\":1}");
	assert_int_equal(get_order("7", "third").ids[0], d.id);
	assert_int_equal(get_order("7", "none").n, 0);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM order_documents "
			     "WHERE scope = 'sandbox' "
			     "AND document = '{\"b\":1}'"),
	    1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM cart_documents "
			     "WHERE scope = 'third'"),
	    1);
}

/* Lists show all scopes, or one of them. */
static void
test_lists_by_scope(void **state)
{
	struct store_filter f = { .scope = "sandbox" };
	struct store_job_filter jf = { .any_state = true };
	struct case_result a = order_in("e", "", "7");
	struct case_result b = order_in("e", "sandbox", "7");
	struct rows r = { 0 };

	(void)state;
	write_row(a, "", "7", STORE_ORDERS);
	write_row(b, "sandbox", "7", STORE_CARTS);
	assert_int_equal(store_list_events(c.st, &f, events_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.ids[0], b.id);
	f.order_id = "7";
	f.scope = "";
	r.n = 0;
	assert_int_equal(store_list_events(c.st, &f, events_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.ids[0], a.id);
	f.scope = NULL;
	r.n = 0;
	assert_int_equal(store_list_orders(c.st, &f, orders_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 2);
	f.scope = "sandbox";
	r.n = 0;
	assert_int_equal(store_list_orders(c.st, &f, orders_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.scopes[0], "sandbox");

	jf.event_id = "e";
	r.n = 0;
	assert_int_equal(store_list_jobs(c.st, &jf, jobs_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 2);
	assert_string_equal(r.scopes[0], "sandbox");
	assert_string_equal(r.scopes[1], "");
	jf.scope = "";
	r.n = 0;
	assert_int_equal(store_list_jobs(c.st, &jf, jobs_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.ids[0], a.runnable[0]);
}

/* A purge of an order is one of its scope, if it names one. */
static void
test_purge_by_scope(void **state)
{
	struct store_purge purge = { .order_id = "7",
		.scope = "sandbox",
		.now_ms = NOW,
		.limit = 10 };
	struct case_result r = { 0 };
	struct case_result a = order_in("e1", "", "7");
	struct case_result b = order_in("e2", "sandbox", "7");

	(void)state;
	write_row(a, "", "7", STORE_ORDERS);
	write_row(b, "sandbox", "7", STORE_ORDERS);
	assert_int_equal(store_purge(c.st, &purge, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.id, 1);
	assert_string_equal(get_event("e2", NULL).texts[0], "-");
	assert_string_not_equal(get_event("e1", NULL).texts[0], "-");
	purge.scope = NULL;
	assert_int_equal(store_purge(c.st, &purge, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.id, 1);
	assert_string_equal(get_event("e1", NULL).texts[0], "-");
}

/* Origin and repeated event are kept; what is not signed has no digest. */
static void
test_origin_is_kept(void **state)
{
	static const enum store_origin origins[] = { STORE_KLIKIT, STORE_HUB,
		STORE_RECONCILE, STORE_INTERNAL };
	struct case_result again;
	enum store_origin origin;
	struct rows r;
	char id[8];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(id, sizeof(id), "e%zu", i);
		assert_int_equal(append((struct given){ .event_id = id,
					    .origin = origins[i],
					    .body = "1",
					    .secret = i < 2 ? "s" : NULL })
				     .rc,
		    STORE_OK);
		r = get_event(id, NULL);
		assert_int_equal(r.n, 1);
		assert_int_equal(r.origins[0], origins[i]);
		assert_int_equal(r.signed_[0], i < 2);
		assert_int_equal(store_origin_parse(store_origin_name(
							origins[i]),
				     &origin),
		    0);
		assert_int_equal(origin, origins[i]);
	}
	assert_int_equal(store_origin_parse("other", &origin), -1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM events "
			     "WHERE signature IS NULL AND secret IS NULL"),
	    2);
	/* Without digests the bytes say whether it is the same. */
	again = append((struct given){ .event_id = "e3",
	    .origin = STORE_INTERNAL,
	    .body = "1" });
	assert_int_equal(again.rc, STORE_EXISTS);
	assert_false(again.conflict);
	again = append((struct given){ .event_id = "e3",
	    .origin = STORE_INTERNAL,
	    .body = "2" });
	assert_true(again.conflict);
	again = append(
	    (struct given){ .event_id = "e3", .body = "1", .secret = "s" });
	assert_false(again.conflict);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_event_id_is_unique_in_its_scope),
		CASE(test_endpoint_is_kept),
		CASE(test_lanes_are_apart),
		CASE(test_once_is_within_the_scope),
		CASE(test_rows_are_apart),
		CASE(test_lists_by_scope),
		CASE(test_purge_by_scope),
		CASE(test_origin_is_kept),
	};

	return (store_case_run("store_scope", tests));
}
