/* Conformance: what store.h promises, on every backend. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000

static struct store_case c;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	store_case_open(&c);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_case_fini(&c);
	return (0);
}

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

/* Jobs of one order run one after the other; each end frees the next. */
static void
test_lane_is_a_queue(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&c, "a");
	struct case_result a, b, d, f;

	(void)state;
	a = case_append(&c, "e1", order, h);
	b = case_append(&c, "e2", order, h);
	d = case_append(&c, "e3", order, h);
	assert_int_equal(a.nrunnable, 1);
	assert_int_equal(b.nrunnable, 0);
	assert_int_equal(d.nrunnable, 0);
	f = case_finish(&c, a.runnable[0], JOB_WAITING, NOW + 1000);
	assert_int_equal(f.rc, STORE_OK);
	assert_int_equal(f.nrunnable, 0);
	f = case_finish(&c, a.runnable[0], JOB_DONE, 0);
	assert_int_equal(f.nrunnable, 1);
	assert_string_equal(f.event_id, "e2");
	f = case_finish(&c, f.runnable[0], JOB_DEAD, 0);
	assert_int_equal(f.nrunnable, 1);
	assert_string_equal(f.event_id, "e3");
	f = case_finish(&c, f.runnable[0], JOB_DONE, 0);
	assert_int_equal(f.nrunnable, 0);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM lanes"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_append_stores_event, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_append_again_exists, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_lane_is_a_queue, setup,
		    teardown),
	};

	return (cmocka_run_group_tests_name("store", tests, NULL, NULL));
}
