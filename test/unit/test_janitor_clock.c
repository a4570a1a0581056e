/* Is the wall clock fit to throw things away by? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/janitor_clock.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define NOW INT64_C(1750000000000)

/* A clock that just runs is good, also before the first event. */
static void
test_a_steady_clock_is_good(void **state)
{
	struct janitor_clock c;

	(void)state;
	janitor_clock_init(&c, NOW, 5);
	for (int64_t t = 0; t < 1000 * HOUR; t += HOUR) {
		assert_int_equal(janitor_clock_look(&c, NOW + t, 5 + t, 0),
		    JANITOR_CLOCK_OK);
		assert_int_equal(janitor_clock_look(&c, NOW + t, 5 + t, NOW),
		    JANITOR_CLOCK_OK);
	}
}

/* A little is put right all the time. */
static void
test_small_steps_are_good(void **state)
{
	struct janitor_clock c;

	(void)state;
	janitor_clock_init(&c, NOW, 0);
	for (int64_t t = 1; t < 100; t++)
		assert_int_equal(janitor_clock_look(&c, NOW + t * DAY, t, NOW),
		    JANITOR_CLOCK_OK);
}

/* Before the newest event's time the clock is wrong, for however long. */
static void
test_a_clock_before_the_newest_event_is_not_good(void **state)
{
	struct janitor_clock c;

	(void)state;
	janitor_clock_init(&c, 0, 0);
	for (int64_t t = 0; t < 1000 * HOUR; t += HOUR)
		assert_int_equal(janitor_clock_look(&c, t, t, NOW),
		    JANITOR_CLOCK_BEHIND);
}

/* From there any jump past the newest event is the cure. */
static void
test_a_clock_put_right_is_good_at_once(void **state)
{
	struct janitor_clock c;

	(void)state;
	janitor_clock_init(&c, 0, 0);
	assert_int_equal(janitor_clock_look(&c, NOW + YEAR, HOUR, NOW),
	    JANITOR_CLOCK_OK);

	janitor_clock_init(&c, 0, 0);
	assert_int_equal(janitor_clock_look(&c, HOUR, HOUR, NOW),
	    JANITOR_CLOCK_BEHIND);
	assert_int_equal(janitor_clock_look(&c, NOW + DAY, 2 * HOUR, NOW),
	    JANITOR_CLOCK_OK);
	assert_int_equal(janitor_clock_look(&c, NOW + DAY + HOUR, 3 * HOUR,
			     NOW),
	    JANITOR_CLOCK_OK);
}

/* A year ahead is not believed, whatever arrives meanwhile. */
static void
test_a_jump_is_not_believed(void **state)
{
	struct janitor_clock c;

	(void)state;
	janitor_clock_init(&c, NOW, 0);
	for (int64_t t = 0; t < JANITOR_DOUBT_MS; t += HOUR)
		assert_int_equal(janitor_clock_look(&c, NOW + YEAR + t, t, NOW),
		    JANITOR_CLOCK_JUMPED);
	assert_int_equal(janitor_clock_look(&c, NOW + YEAR + JANITOR_DOUBT_MS,
			     JANITOR_DOUBT_MS, NOW),
	    JANITOR_CLOCK_OK);
}

/* Once it is back it is good again, and the next jump is doubted anew. */
static void
test_a_jump_back_is_good(void **state)
{
	struct janitor_clock c;

	(void)state;
	janitor_clock_init(&c, NOW, 0);
	for (int64_t t = 0; t < 30 * DAY; t += 6 * DAY) {
		assert_int_equal(janitor_clock_look(&c, NOW + YEAR + t, t, NOW),
		    JANITOR_CLOCK_JUMPED);
		assert_int_equal(janitor_clock_look(&c, NOW + t + HOUR,
				     t + HOUR, NOW),
		    JANITOR_CLOCK_OK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_steady_clock_is_good),
		cmocka_unit_test(test_small_steps_are_good),
		cmocka_unit_test(
		    test_a_clock_before_the_newest_event_is_not_good),
		cmocka_unit_test(test_a_clock_put_right_is_good_at_once),
		cmocka_unit_test(test_a_jump_is_not_believed),
		cmocka_unit_test(test_a_jump_back_is_good),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
