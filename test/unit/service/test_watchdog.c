#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/service/watchdog.h"

static void
test_only_the_process_that_is_meant_is_watched(void **state)
{
	(void)state;
	assert_int_equal(watchdog_every_ms("60000000", NULL, 7), 15000);
	assert_int_equal(watchdog_every_ms("60000000", "7", 7), 15000);
	assert_int_equal(watchdog_every_ms("60000000", "8", 7), 0);
	assert_int_equal(watchdog_every_ms("60000000", "x", 7), 0);
	assert_int_equal(watchdog_every_ms(NULL, "7", 7), 0);
	assert_int_equal(watchdog_every_ms("0", "7", 7), 0);
	assert_int_equal(watchdog_every_ms("1s", "7", 7), 0);
	assert_int_equal(watchdog_every_ms("1", NULL, 7), 1);
}

/* One batch that is still there at the next look: it hangs. */
static void
test_a_writer_that_hangs_starves_it(void **state)
{
	struct watchdog w = { 0 };

	(void)state;
	assert_true(watchdog_look(&w, true, true, 5));
	assert_false(watchdog_look(&w, true, true, 5));
	assert_false(watchdog_look(&w, true, true, 5));
	assert_true(watchdog_look(&w, true, true, 6));
	assert_true(watchdog_look(&w, true, false, 7));
}

static void
test_a_busy_writer_and_an_idle_one_are_fed_for(void **state)
{
	struct watchdog w = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		assert_true(watchdog_look(&w, true, true, i));
	for (uint64_t i = 0; i < 5; i++)
		assert_true(watchdog_look(&w, true, false, 9));
	/* The same number as before it was idle: that is another batch. */
	assert_true(watchdog_look(&w, true, true, 9));
}

/* A repair, or a database that is away, is no reason for a restart. */
static void
test_a_store_that_says_what_ails_it_is_fed_for(void **state)
{
	struct watchdog w = { 0 };

	(void)state;
	assert_true(watchdog_look(&w, true, true, 5));
	assert_true(watchdog_look(&w, false, true, 5));
	assert_true(watchdog_look(&w, false, true, 5));
	assert_true(watchdog_look(&w, true, true, 5));
	assert_false(watchdog_look(&w, true, true, 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_only_the_process_that_is_meant_is_watched),
		cmocka_unit_test(test_a_writer_that_hangs_starves_it),
		cmocka_unit_test(
		    test_a_busy_writer_and_an_idle_one_are_fed_for),
		cmocka_unit_test(
		    test_a_store_that_says_what_ails_it_is_fed_for),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
