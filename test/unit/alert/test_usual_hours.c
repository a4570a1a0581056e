/* Usual hours: learnt from the last weeks, missed since the last event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/alert/usual_hours.h"

#define HOUR INT64_C(3600000)
#define WEEK (168 * HOUR)
/* The beginning of a week of these, some time after 2025. */
#define START (2890 * WEEK)

static struct usual_hours u;

static int
setup(void **state)
{
	(void)state;
	memset(&u, 0, sizeof(u));
	return (0);
}

/* An event in each hour from `from' to before `to' of that week. */
static void
open_in(int week, int from, int to)
{
	for (int hour = from; hour < to; hour++)
		usual_hours_note(&u, START + week * WEEK + hour * HOUR + 5);
}

/* Missed at that hour of that week, if the last event came at `last'. */
static unsigned
missed(int week, int last, int hour)
{
	return (usual_hours_missed(&u, START + week * WEEK + last * HOUR + 5,
	    START + week * WEEK + hour * HOUR + 5));
}

static void
test_nothing_is_usual_without_history(void **state)
{
	(void)state;
	assert_int_equal(missed(4, 10, 20), 0);
	open_in(2, 10, 20);
	open_in(3, 10, 20);
	open_in(4, 10, 12);
	assert_int_equal(missed(4, 11, 20), 0);
}

/* Three of the last four weeks are enough, one holiday is forgiven. */
static void
test_three_weeks_make_it_usual(void **state)
{
	(void)state;
	open_in(0, 10, 20);
	open_in(1, 10, 20);
	open_in(3, 10, 20);
	open_in(4, 10, 12);
	assert_int_equal(missed(4, 11, 12), 0);
	assert_int_equal(missed(4, 11, 13), 1);
	assert_int_equal(missed(4, 11, 15), 3);
	assert_int_equal(missed(4, 11, 24), 8);
}

/* Hours in which it is closed are no silence. */
static void
test_closed_hours_do_not_count(void **state)
{
	(void)state;
	for (int week = 0; week < 4; week++) {
		open_in(week, 10, 14);
		open_in(week, 34, 38);
	}
	assert_int_equal(missed(4, 13, 34), 0);
	assert_int_equal(missed(4, 13, 36), 2);
}

/* Only whole hours count: it may come in the rest of this one. */
static void
test_this_hour_may_still_bring_one(void **state)
{
	(void)state;
	for (int week = 0; week < 4; week++)
		open_in(week, 10, 14);
	assert_int_equal(usual_hours_missed(&u, START + 4 * WEEK + 10 * HOUR,
			     START + 4 * WEEK + 12 * HOUR - 1),
	    0);
	assert_int_equal(usual_hours_missed(&u, START + 4 * WEEK + 10 * HOUR,
			     START + 4 * WEEK + 12 * HOUR),
	    1);
}

/* Events are read newest first: what is learnt is the same. */
static void
test_any_order_is_as_good(void **state)
{
	struct usual_hours forwards;

	(void)state;
	for (int week = 0; week < 4; week++)
		open_in(week, 10, 14);
	forwards = u;
	memset(&u, 0, sizeof(u));
	for (int week = 3; week >= 0; week--)
		open_in(week, 10, 14);
	assert_memory_equal(&u, &forwards, sizeof(u));
}

/* What is closed for good is forgotten, and a gap of years harms nothing. */
static void
test_habits_are_forgotten(void **state)
{
	(void)state;
	for (int week = 0; week < 4; week++)
		open_in(week, 10, 14);
	assert_int_equal(missed(5, 0, 20), 4);
	assert_int_equal(missed(6, 0, 20), 0);
	usual_hours_note(&u, START + 500 * WEEK);
	assert_int_equal(missed(500, 0, 20), 0);
	open_in(0, 10, 14); /* too old to be noted */
	assert_int_equal(missed(500, 0, 20), 0);
}

/* Of a silence of months the last week counts. */
static void
test_the_last_week_counts(void **state)
{
	(void)state;
	for (int week = 0; week < 4; week++)
		open_in(week, 0, 168);
	assert_int_equal(usual_hours_missed(&u, START, START + 4 * WEEK), 168);
	assert_int_equal(usual_hours_missed(&u, START,
			     START + 4 * WEEK + 10 * HOUR),
	    168);
	usual_hours_note(&u, 0); /* no clock that was set */
	assert_int_equal(usual_hours_missed(&u, 0, HOUR), 0);
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_nothing_is_usual_without_history),
		CASE(test_three_weeks_make_it_usual),
		CASE(test_closed_hours_do_not_count),
		CASE(test_this_hour_may_still_bring_one),
		CASE(test_any_order_is_as_good),
		CASE(test_habits_are_forgotten),
		CASE(test_the_last_week_counts),
	};

	return (cmocka_run_group_tests_name("usual_hours", tests, NULL, NULL));
}
