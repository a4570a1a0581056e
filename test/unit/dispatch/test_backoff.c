#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/dispatch/backoff.h"

#define NOW_MS INT64_C(1750000000000)
#define MIDDLE UINT32_C(0x80000000) /* the randomness that spreads nothing */

static const int64_t waits[] = { 5000, 30000, 120000 };
static const struct backoff three = { waits, 3 };

/* The first failure waits the first time, the second the second. */
static void
test_each_attempt_waits_its_own_time(void **state)
{
	(void)state;
	assert_int_equal(backoff_next(&three, 1, NOW_MS, MIDDLE),
	    NOW_MS + 5000);
	assert_int_equal(backoff_next(&three, 2, NOW_MS, MIDDLE),
	    NOW_MS + 30000);
	assert_int_equal(backoff_next(&three, 3, NOW_MS, MIDDLE),
	    NOW_MS + 120000);
}

/* However often it fails, it never waits longer than the last says. */
static void
test_the_last_wait_repeats(void **state)
{
	(void)state;
	assert_int_equal(backoff_next(&three, 4, NOW_MS, MIDDLE),
	    NOW_MS + 120000);
	assert_int_equal(backoff_next(&three, UINT32_MAX, NOW_MS, MIDDLE),
	    NOW_MS + 120000);
}

/* A job that was never tried counts as tried once. */
static void
test_attempt_zero_is_the_first(void **state)
{
	(void)state;
	assert_int_equal(backoff_next(&three, 0, NOW_MS, MIDDLE),
	    NOW_MS + 5000);
}

/* Randomness spreads by a tenth down to a tenth up, and no further. */
static void
test_spread_is_a_tenth_either_way(void **state)
{
	(void)state;
	assert_int_equal(backoff_next(&three, 1, NOW_MS, 0), NOW_MS + 4500);
	assert_in_range(backoff_next(&three, 1, NOW_MS, UINT32_MAX),
	    NOW_MS + 5499, NOW_MS + 5500);
}

/* A wait of years is still spread within its tenth. */
static void
test_long_waits_do_not_overflow(void **state)
{
	static const int64_t years[] = { INT64_C(10) * 365 * 86400000 };
	const struct backoff b = { years, 1 };

	(void)state;
	for (uint32_t rnd = 0; rnd < UINT32_MAX - 0x1000000; rnd += 0x1000000)
		assert_in_range(backoff_next(&b, 1, NOW_MS, rnd),
		    NOW_MS + years[0] / 10 * 9, NOW_MS + years[0] / 10 * 11);
}

/* A wait too short to spread is kept as it is. */
static void
test_a_tiny_wait_is_not_spread(void **state)
{
	static const int64_t tiny[] = { 1 };
	const struct backoff b = { tiny, 1 };

	(void)state;
	assert_int_equal(backoff_next(&b, 1, NOW_MS, 0), NOW_MS + 1);
	assert_int_equal(backoff_next(&b, 1, NOW_MS, UINT32_MAX), NOW_MS + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_attempt_waits_its_own_time),
		cmocka_unit_test(test_the_last_wait_repeats),
		cmocka_unit_test(test_attempt_zero_is_the_first),
		cmocka_unit_test(test_spread_is_a_tenth_either_way),
		cmocka_unit_test(test_long_waits_do_not_overflow),
		cmocka_unit_test(test_a_tiny_wait_is_not_spread),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
