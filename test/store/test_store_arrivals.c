/*
 * How events came: a set of header fields is kept once, goes with the bodies,
 * and how an event was answered is found in a later one's row.
 */
#include <stdio.h>
#include <string.h>

#include "store/store_read.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW INT64_C(1750000000000)
#define HOUR (INT64_C(3600) * 1000)
#define DAY (24 * HOUR)
#define SETS "SELECT count(*) FROM header_sets"

static struct store_case c;

/* What came with an event. */
struct came {
	int64_t set;
	const char *headers, *own, *answers;
	int64_t at_ms; /* 0: NOW */
	const char *order;
	const char *body; /* NULL: one of its own */
	int64_t handler;  /* that has a job; 0: none */
};

static struct case_result
append(const char *id, const struct came *came)
{
	const struct store_job_spec spec = { .handler = came->handler,
		.place = STORE_WHOLE_EVENT,
		.guards = STORE_NO_GUARD };
	const char *const orders[] = { came->order, NULL };
	struct case_result r = { 0 };
	struct store_event *ev, *copy;
	struct store_event src;
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\"}", id);
	ev = case_event(id, came->body != NULL ? came->body : body, orders);
	src = *ev;
	src.received_at_ms = came->at_ms != 0 ? came->at_ms : NOW;
	src.header_set = came->set;
	src.headers = (char *)(uintptr_t)came->headers;
	src.own_headers = came->own;
	src.answers = came->answers;
	assert_non_null(copy = store_event_new(&src));
	ev->body = NULL; /* the copy's */
	store_event_unref(ev);
	assert_int_equal(store_append(c.st, copy, &spec, came->handler != 0,
			     case_done_cb, &r),
	    0);
	store_event_unref(copy);
	store_wait(c.st);
	return (r);
}

static int64_t
stored(const char *id, const struct came *came)
{
	struct case_result r = append(id, came);

	assert_int_equal(r.rc, STORE_OK);
	return (r.id);
}

/* What is known of an event's arrival. */
static struct {
	struct store_arrival a;
	char headers[256], own[256];
} known;

/* store_arrival_fn */
static void
arrival_cb(enum store_rc rc, const struct store_arrival *arrival,
    const char *reason, void *arg)
{
	(void)arg;
	if (rc != STORE_OK)
		fail_msg("%s", reason);
	known.a = *arrival;
	(void)snprintf(known.headers, sizeof(known.headers), "%s",
	    arrival->headers == NULL ? "-" : arrival->headers);
	(void)snprintf(known.own, sizeof(known.own), "%s",
	    arrival->own_headers == NULL ? "-" : arrival->own_headers);
}

static void
look(int64_t event)
{
	memset(&known, 0, sizeof(known));
	assert_int_equal(store_get_arrival(c.st, event, arrival_cb, NULL), 0);
	store_wait(c.st);
}

/* store_done_fn: what an attempt got; "-" if nothing was read. */
static void
begun_cb(const struct store_result *res, void *arg)
{
	const struct store_event *ev;

	if (res->rc != STORE_OK)
		fail_msg("%s", res->reason);
	ev = res->runnable[0].ev;
	assert_non_null(ev->body);
	(void)snprintf(arg, 64, "%s", ev->headers == NULL ? "-" : ev->headers);
}

static void
begin(int64_t job, unsigned how, char ret_headers[64])
{
	assert_int_equal(store_start(c.st, &(struct store_job){ .id = job },
			     how, NOW, begun_cb, ret_headers),
	    0);
}

static void
purge(const struct store_purge *what)
{
	struct case_result r = { 0 };

	do {
		assert_int_equal(store_purge(c.st, what, case_done_cb, &r), 0);
		store_wait(c.st);
		assert_int_equal(r.rc, STORE_OK);
	} while (r.id > 0);
}

static void
purge_order(const char *order)
{
	purge(&(struct store_purge){ .order_id = order,
	    .now_ms = NOW,
	    .limit = 100 });
}

static void
purge_before(int64_t before_ms)
{
	purge(&(struct store_purge){ .bodies_before_ms = before_ms,
	    .now_ms = NOW + 30 * DAY,
	    .limit = 100 });
}

/* Two events that say the same share a set; what differs is each one's own. */
static void
test_a_set_is_kept_once(void **state)
{
	int64_t one, two, none;

	(void)state;
	one = stored("e1", &(struct came){ .set = 7,
			       .headers = "host: a\n",
			       .own = "date: 1\n" });
	two = stored("e2", &(struct came){ .set = 7,
			       .headers = "host: a\n",
			       .own = "date: 2\n" });
	none = stored("e3", &(struct came){ .set = 0 });
	assert_int_equal(store_case_int(&c, SETS), 1);
	look(one);
	assert_string_equal(known.headers, "host: a\n");
	assert_string_equal(known.own, "date: 1\n");
	assert_false(known.a.answered);
	look(two);
	assert_string_equal(known.headers, "host: a\n");
	assert_string_equal(known.own, "date: 2\n");
	look(none);
	assert_string_equal(known.headers, "-");
	assert_string_equal(known.own, "-");
	look(99);
	assert_string_equal(known.headers, "-");
}

/* Who asks for them gets them with the body, and who does not does not. */
static void
test_an_attempt_gets_them_if_it_asks(void **state)
{
	int64_t handler = case_handler(&c, "branch");
	const struct came came[] = {
		{ .set = 7,
		    .headers = "host: a\n",
		    .own = "date: 1\n",
		    .handler = handler },
		{ .set = 7, .headers = "host: a\n", .handler = handler },
		{ .own = "date: 3\n", .handler = handler },
		{ .handler = handler },
	};
	static const char *const ids[] = { "e1", "e2", "e3", "e4" };
	static const char *const said[] = { "host: a\ndate: 1\n", "host: a\n",
		"date: 3\n", "" };
	char begun[4][64], not [64];
	int64_t jobs[4], other;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		jobs[i] = append(ids[i], &came[i]).runnable[0];
	other = append("e5", &came[0]).runnable[0];
	for (size_t i = 0; i < 2; i++)
		begin(jobs[i], STORE_WITH_HEADERS, begun[i]);
	begin(other, 0, not ); /* beside them */
	for (size_t i = 2; i < 4; i++)
		begin(jobs[i], STORE_WITH_HEADERS, begun[i]);
	store_wait(c.st);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(begun[i], said[i]);
	assert_string_equal(not, "-");
}

/* What anybody can make, who has seen a delivery, keeps nothing of his. */
static void
test_duplicates_and_repeats_keep_none(void **state)
{
	struct came came = { .set = 7,
		.headers = "host: a\n",
		.own = "date: 1\n" };
	struct case_result r;

	(void)state;
	(void)stored("e1", &came);
	came.set = 8;
	came.headers = "host: b\n";
	r = append("e1", &came);
	assert_int_equal(r.rc, STORE_EXISTS);
	assert_int_equal(store_case_int(&c, SETS), 1);

	store_set_repeat_window(c.st, DAY);
	came = (struct came){ .set = 9,
		.headers = "host: c\n",
		.own = "date: 3\n",
		.order = "77",
		.body = "{\"orders\":[{\"id\":77}]}" };
	(void)stored("e4", &came);
	came.set = 10;
	came.headers = "host: d\n";
	look(stored("e5", &came));
	assert_string_equal(known.headers, "-");
	assert_string_equal(known.own, "-");
	assert_int_equal(store_case_int(&c, SETS), 2);
}

/* An order's purge takes a set that no other event has, and only such a one. */
static void
test_a_purge_takes_what_is_not_shared(void **state)
{
	int64_t shared;

	(void)state;
	(void)stored("e1", &(struct came){ .set = 7,
			       .headers = "host: canary-1\n",
			       .own = "x: own-1\n",
			       .order = "1" });
	purge_order("1");
	assert_int_equal(store_case_int(&c, SETS), 0);
	assert_false(store_case_says(&c, "canary-1"));
	assert_false(store_case_says(&c, "own-1"));

	/* It was known as kept: it is kept anew. */
	(void)stored("e2", &(struct came){ .set = 7,
			       .headers = "host: canary-1\n",
			       .order = "2" });
	assert_int_equal(store_case_int(&c, SETS), 1);
	shared = stored("e3", &(struct came){ .set = 7,
				  .headers = "host: canary-1\n",
				  .order = "3" });
	purge_order("2");
	look(shared);
	assert_string_equal(known.headers, "host: canary-1\n");
}

/* By age a set goes with the last body whose event has it. */
static void
test_a_set_is_as_old_as_its_last_event(void **state)
{
	const struct came first = { .set = 7, .headers = "host: canary-2\n" };
	struct came later = first;
	int64_t last;

	(void)state;
	(void)stored("e1", &first);
	later.at_ms = NOW + HOUR / 2; /* within the hour: it is not written */
	(void)stored("e2", &later);
	later.at_ms = NOW + 2 * DAY;
	last = stored("e3", &later);
	purge_before(NOW + DAY);
	assert_int_equal(store_case_int(&c, SETS), 1);
	look(last);
	assert_string_equal(known.headers, "host: canary-2\n");
	purge_before(NOW + 2 * DAY + 2 * HOUR);
	assert_int_equal(store_case_int(&c, SETS), 0);
	assert_false(store_case_says(&c, "canary-2"));
	look(last);
	assert_string_equal(known.headers, "-");
}

/* A set that was undone with its event is kept by the next one. */
static void
test_a_set_that_was_undone_comes_again(void **state)
{
	const struct store_job_spec nobody = { .handler = 99,
		.place = STORE_WHOLE_EVENT,
		.guards = STORE_NO_GUARD };
	struct case_result r = { 0 };
	struct store_event *ev, *copy;
	struct store_event src;

	(void)state;
	ev = case_event("bad", "{}", NULL);
	src = *ev;
	src.header_set = 7;
	src.headers = (char *)(uintptr_t) "host: a\n";
	assert_non_null(copy = store_event_new(&src));
	ev->body = NULL;
	store_event_unref(ev);
	assert_int_equal(store_append(c.st, copy, &nobody, 1, case_done_cb, &r),
	    0);
	store_event_unref(copy);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_REFUSED);
	assert_int_equal(store_case_int(&c, SETS), 0);
	look(
	    stored("good", &(struct came){ .set = 7, .headers = "host: a\n" }));
	assert_string_equal(known.headers, "host: a\n");
}

/* The answer stands in the row of an event that came later. */
static void
test_an_answer_is_found_in_a_later_row(void **state)
{
	char text[64];
	int64_t one, two;

	(void)state;
	one = stored("e1", &(struct came){ .set = 0 });
	two = stored("e2", &(struct came){ .set = 0 });
	look(one);
	assert_false(known.a.answered);
	(void)snprintf(text, sizeof(text), "%lld:200:1850 %lld:0:12",
	    (long long)one, (long long)two);
	(void)stored("e3", &(struct came){ .answers = text });
	look(one);
	assert_true(known.a.answered);
	assert_int_equal(known.a.answer.status, 200);
	assert_int_equal(known.a.answer.took_us, 1850);
	look(two);
	assert_true(known.a.answered);
	assert_int_equal(known.a.answer.status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)
		TEST(test_a_set_is_kept_once),
		TEST(test_an_attempt_gets_them_if_it_asks),
		TEST(test_duplicates_and_repeats_keep_none),
		TEST(test_a_purge_takes_what_is_not_shared),
		TEST(test_a_set_is_as_old_as_its_last_event),
		TEST(test_a_set_that_was_undone_comes_again),
		TEST(test_an_answer_is_found_in_a_later_row),
#undef TEST
	};

	return (store_case_run("store_arrivals", tests));
}
