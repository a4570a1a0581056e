/* rounds.c: which appends go in one statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/postgres/rounds.h"

#define N 3
#define TIME "2026-01-01T00:00:00Z"

static struct store_order orders[N];
static struct store_event events[N];
static struct store_op all[N];
static struct store_op *ops[N];

/* Three events, each signed, of an order of its own, with other bytes. */
static int
setup(void **state)
{
	static const char *const ids[N] = { "1", "2", "3" };

	(void)state;
	for (size_t i = 0; i < N; i++) {
		orders[i] = (struct store_order){ .order_id = ids[i],
			.updated_at = TIME };
		events[i] = (struct store_event){ .event_id = ids[i],
			.scope = "",
			.type = "order.created",
			.secret = "main",
			.digest = { (unsigned char)i },
			.orders = &orders[i],
			.norders = 1,
			.body_len = 10 };
		all[i] = (struct store_op){ .kind = STORE_OP_APPEND };
		all[i].in.append.ev = &events[i];
		all[i].in.append.repeat_window_ms = 1000;
		ops[i] = &all[i];
	}
	return (0);
}

static void
test_others_go_together(void **state)
{
	(void)state;
	assert_int_equal(rounds_next(ops, 0), 0);
	assert_int_equal(rounds_next(ops, 1), 1);
	assert_int_equal(rounds_next(ops, N), N);
}

static void
test_repeat_begins_a_round(void **state)
{
	(void)state;
	events[2].digest[0] = events[0].digest[0];
	assert_int_equal(rounds_next(ops, N), 2);
	assert_int_equal(rounds_next(ops + 2, 1), 1);
	/* There is none before it in its own round. */
	assert_int_equal(rounds_next(ops + 1, 2), 2);
}

/* Other secrets may have signed the same bytes, if they are as long. */
static void
test_other_secret_may_repeat(void **state)
{
	(void)state;
	events[1].secret = "next";
	assert_int_equal(rounds_next(ops, N), 1);
	events[1].body_len = 11;
	assert_int_equal(rounds_next(ops, N), N);
}

static void
test_what_repeats_nothing_goes_together(void **state)
{
	(void)state;
	events[2].digest[0] = events[0].digest[0];
	all[2].in.append.repeat_window_ms = 0;
	assert_int_equal(rounds_next(ops, N), N);
	all[2].in.append.repeat_window_ms = 1000;
	events[2].norders = 0;
	assert_int_equal(rounds_next(ops, N), N);
	events[2].norders = 1;
	events[2].secret = NULL;
	assert_int_equal(rounds_next(ops, N), N);
	events[2].secret = "main";
	events[0].secret = NULL; /* not signed: never repeated */
	assert_int_equal(rounds_next(ops, N), N);
}

/* The same event again is a duplicate. */
static void
test_duplicates_go_together(void **state)
{
	(void)state;
	events[2] = events[0];
	assert_int_equal(rounds_next(ops, N), N);
	events[2].scope = "other"; /* it is another event there */
	assert_int_equal(rounds_next(ops, N), 2);
}

/* Without times, another version that came in between parts the two. */
static void
test_version_in_between_begins_a_round(void **state)
{
	(void)state;
	orders[2].order_id = orders[1].order_id;
	assert_int_equal(rounds_next(ops, N), N);
	orders[2].updated_at = NULL;
	assert_int_equal(rounds_next(ops, N), 2);
	events[1].scope = "other";
	assert_int_equal(rounds_next(ops, N), N);
}

/* Too many orders to compare: in doubt they share one. */
static void
test_many_orders_are_not_compared(void **state)
{
	static struct store_order many[2][65];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 65; k++)
			many[i][k].order_id = i == 0 ? "a" : "b";
		events[i].orders = many[i];
		events[i].norders = 64;
	}
	assert_int_equal(rounds_next(ops, 2), 2);
	events[0].norders = events[1].norders = 65;
	assert_int_equal(rounds_next(ops, 2), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_others_go_together, setup),
		cmocka_unit_test_setup(test_repeat_begins_a_round, setup),
		cmocka_unit_test_setup(test_other_secret_may_repeat, setup),
		cmocka_unit_test_setup(test_what_repeats_nothing_goes_together,
		    setup),
		cmocka_unit_test_setup(test_duplicates_go_together, setup),
		cmocka_unit_test_setup(test_version_in_between_begins_a_round,
		    setup),
		cmocka_unit_test_setup(test_many_orders_are_not_compared,
		    setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
