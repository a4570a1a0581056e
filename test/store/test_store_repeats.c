/* Repeats: which events are some, and how they are stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/repeat_case.h"

#define LOOKS 64 /* as store/sqlite/repeats.c has it */

static void
test_same_bytes_and_type_of_one_order(void **state)
{
	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_timed("again", "a");
	assert_int_equal(repeat_original("again"), 1);
	(void)repeat_timed("third", "a");
	assert_int_equal(repeat_original("third"), 1); /* not of the repeat */
	assert_int_equal(repeat_count("bodies"), 1);
	assert_int_equal(repeat_count("event_orders"), 1);

	(void)repeat_timed("other", "b");
	assert_int_equal(repeat_original("other"), 0);
	(void)repeat_append((struct repeat_given){ .id = "type",
	    .body = "a",
	    .orders = { "1" },
	    .time = TIME,
	    .type = "other" });
	assert_int_equal(repeat_original("type"), 0);
	(void)repeat_append((struct repeat_given){ .id = "scope",
	    .body = "a",
	    .orders = { "1" },
	    .time = TIME,
	    .scope = "sandbox" });
	assert_int_equal(repeat_original("scope"), 0);
	assert_int_equal(repeat_count("bodies"), 4);
}

/* Without orders there is nothing to find it by: each id is an event. */
static void
test_no_orders_no_repeats(void **state)
{
	(void)state;
	(void)repeat_append((struct repeat_given){ .id = "e", .body = "a" });
	(void)repeat_append(
	    (struct repeat_given){ .id = "again", .body = "a" });
	assert_int_equal(repeat_original("again"), 0);
	assert_int_equal(repeat_count("bodies"), 2);
}

static void
test_within_the_window(void **state)
{
	struct repeat_given g = { .id = "in",
		.body = "a",
		.orders = { "1" },
		.time = TIME,
		.at_ms = WINDOW };

	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_append(g);
	assert_int_equal(repeat_original("in"), 1);
	g.id = "late";
	g.at_ms = WINDOW + 1;
	(void)repeat_append(g);
	assert_int_equal(repeat_original("late"), 0);
	g.id = "next";
	(void)repeat_append(g); /* of the newest that it can be of */
	assert_int_equal(repeat_original("next"), 3);
	store_set_repeat_window(repeat_case.st, 0);
	g.id = "off";
	(void)repeat_append(g);
	assert_int_equal(repeat_original("off"), 0);
}

/* After a rotation the same bytes have another MAC. */
static void
test_under_another_secret(void **state)
{
	struct repeat_given g = { .id = "again",
		.body = "a",
		.orders = { "1" },
		.time = TIME,
		.secret = "t" };

	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_append(g);
	assert_int_equal(repeat_original("again"), 1);
	g.id = "other";
	g.body = "b";
	(void)repeat_append(g);
	assert_int_equal(repeat_original("other"), 0);
}

/* A cart may be changed, and changed back. */
static void
test_without_a_time_another_version_parts_them(void **state)
{
	(void)state;
	(void)repeat_timeless("a1", "a");
	(void)repeat_timeless("a2", "a");
	(void)repeat_timeless("b1", "b");
	(void)repeat_timeless("a3", "a");
	(void)repeat_timeless("a4", "a");
	(void)repeat_timeless("b2", "b");
	assert_int_equal(repeat_original("a2"), 1);
	assert_int_equal(repeat_original("b1"), 0);
	assert_int_equal(repeat_original("a3"), 0);
	assert_int_equal(repeat_original("a4"), 4); /* which is a3 */
	assert_int_equal(repeat_original("b2"), 0);
	assert_int_equal(repeat_count("bodies"), 4);
}

/* What has a time says the same for ever; one that cannot be read is none. */
static void
test_with_a_time_nothing_parts_them(void **state)
{
	struct repeat_given g = { .body = "x",
		.orders = { "1" },
		.time = "soon" };

	(void)state;
	(void)repeat_timed("a1", "a");
	(void)repeat_timed("b1", "b");
	(void)repeat_timed("a2", "a");
	assert_int_equal(repeat_original("a2"), 1);
	g.id = "x1";
	(void)repeat_append(g);
	(void)repeat_timed("b2", "b"); /* no version: a repeat */
	assert_int_equal(repeat_original("b2"), 2);
	g.id = "x2";
	(void)repeat_append(g);
	assert_int_equal(repeat_original("x2"), 4);
	(void)repeat_timed("c1", "c");
	g.id = "x3";
	(void)repeat_append(g);
	assert_int_equal(repeat_original("x3"), 0);
}

/* Of two orders in a body, another version of either counts. */
static void
test_a_version_of_any_of_its_orders(void **state)
{
	struct repeat_given g = { .id = "e",
		.body = "a",
		.orders = { "1", "2" } };

	(void)state;
	(void)repeat_append(g);
	(void)repeat_append((struct repeat_given){ .id = "other",
	    .body = "b",
	    .orders = { "2" } });
	g.id = "again";
	(void)repeat_append(g);
	assert_int_equal(repeat_original("again"), 0);
}

static void
test_so_many_events_are_looked_at(void **state)
{
	char id[16];

	(void)state;
	(void)repeat_timed("e", "a");
	for (int i = 1; i < LOOKS; i++) {
		(void)snprintf(id, sizeof(id), "n%d", i);
		(void)repeat_timed(id, id);
	}
	(void)repeat_timed("last", "a");
	assert_int_equal(repeat_original("last"), 1);
	(void)repeat_timed("one more", "one more");
	(void)repeat_timed("beyond", "a");
	assert_int_equal(repeat_original("beyond"), 0);
}

/* Another order of the body leads to it all the same. */
static void
test_the_next_order_is_looked_at(void **state)
{
	struct repeat_given g = { .id = "e",
		.body = "a",
		.orders = { "1", "2" },
		.time = TIME };
	char id[16];

	(void)state;
	(void)repeat_append(g);
	for (int i = 0; i <= LOOKS; i++) {
		(void)snprintf(id, sizeof(id), "n%d", i);
		(void)repeat_timed(id, id);
	}
	g.id = "again";
	(void)repeat_append(g);
	assert_int_equal(repeat_original("again"), 1);
}

static void
test_repeats_bury_nothing(void **state)
{
	char id[16];

	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_timed("other", "b");
	for (int i = 0; i < 2 * LOOKS; i++) {
		(void)snprintf(id, sizeof(id), "n%d", i);
		(void)repeat_timed(id, "a");
	}
	(void)repeat_timed("again", "b");
	assert_int_equal(repeat_original("again"), 2);
	assert_int_equal(repeat_count("events WHERE repeat_of IS NULL"), 2);
}

/* What is found is as it is committed: also one in the same batch. */
static void
test_two_in_one_batch(void **state)
{
	static const char *const orders[] = { "1", NULL };
	struct case_result r[2] = { { 0 }, { 0 } };

	(void)state;
	case_queue_append(&repeat_case, "e", orders, repeat_handler, &r[0]);
	case_queue_append(&repeat_case, "again", orders, repeat_handler, &r[1]);
	store_wait(repeat_case.st);
	assert_int_equal(repeat_count("events WHERE repeat_of = 1"), 1);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, repeat_setup, repeat_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_same_bytes_and_type_of_one_order),
		CASE(test_no_orders_no_repeats),
		CASE(test_within_the_window),
		CASE(test_under_another_secret),
		CASE(test_without_a_time_another_version_parts_them),
		CASE(test_with_a_time_nothing_parts_them),
		CASE(test_a_version_of_any_of_its_orders),
		CASE(test_so_many_events_are_looked_at),
		CASE(test_the_next_order_is_looked_at),
		CASE(test_repeats_bury_nothing),
		CASE(test_two_in_one_batch),
	};

	return (store_case_run("store_repeats", tests));
}
