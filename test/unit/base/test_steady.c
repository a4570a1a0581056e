/* The steady clock, over starts, steps and sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/steady.h"
#include "store/store.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define NOW INT64_C(1770000000000) /* in 2026 */

/* A box: its clocks, and what its store has kept. */
static struct store_clock kept;
static struct steady_reading at;
static struct steady s;

static int
setup(void **state)
{
	(void)state;
	memset(&kept, 0, sizeof(kept));
	at = (struct steady_reading){ { NOW }, 1000, "first" };
	steady_start(&s, &kept, &at);
	return (0);
}

static int64_t
steady_ms(void)
{
	return (steady_at(&s, at.boot_ms).ms);
}

/* Time passes, with a look every minute. */
static void
pass(int64_t ms)
{
	for (; ms > 0; ms -= MINUTE) {
		at.wall.ms += ms < MINUTE ? ms : MINUTE;
		at.boot_ms += ms < MINUTE ? ms : MINUTE;
		assert_int_equal(steady_look(&s, &at), 0);
	}
}

static void
step(int64_t ms)
{
	at.wall.ms += ms;
	assert_int_equal(steady_look(&s, &at), ms);
}

/* klikitd is away for so long, the machine is not. */
static void
restart(int64_t ms)
{
	steady_keep(&s, &at, &kept);
	at.wall.ms += ms;
	at.boot_ms += ms;
	steady_start(&s, &kept, &at);
}

/* The machine is switched off; then its clock says that. */
static void
reboot(int64_t wall_ms)
{
	static const char *const names[] = { "second", "third" };
	static unsigned n;

	steady_keep(&s, &at, &kept);
	at = (struct steady_reading){ { wall_ms }, 20000, names[n++ % 2] };
	steady_start(&s, &kept, &at);
}

/* What to decide by, in ms. */
static int64_t
careful(void)
{
	return (steady_wall(&s, at.wall, steady_at(&s, at.boot_ms)).ms);
}

/* -- The steady clock -- */

/* It starts as the wall clock, and is not moved when that is set. */
static void
test_it_only_passes(void **state)
{
	static const int64_t steps[] = { 10 * MINUTE, -10 * MINUTE, DAY, -DAY,
		-NOW, NOW, 2 * YEAR, -2 * YEAR };

	(void)state;
	assert_int_equal(steady_ms(), NOW);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		step(steps[i]);
		pass(MINUTE);
		assert_int_equal(steady_ms(), NOW + (int64_t)(i + 1) * MINUTE);
	}
}

/* Over a restart it counts what passed, whatever the wall clock says then. */
static void
test_a_restart_is_counted_exactly(void **state)
{
	static const int64_t steps[] = { 0, DAY, -DAY, 2 * YEAR, -NOW };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		(void)setup(state);
		pass(HOUR);
		steady_keep(&s, &at, &kept);
		at.wall.ms += steps[i] + 5 * HOUR;
		at.boot_ms += 5 * HOUR;
		steady_start(&s, &kept, &at);
		assert_int_equal(steady_ms(), NOW + 6 * HOUR);
	}
}

/* A night and a weekend of the machine are counted by the wall clock. */
static void
test_a_night_is_counted(void **state)
{
	(void)state;
	reboot(NOW + 12 * HOUR);
	assert_int_equal(steady_ms(), NOW + 12 * HOUR);
	assert_int_equal(s.doubt, STEADY_FINE);
	reboot(NOW + 12 * HOUR + 3 * DAY);
	assert_int_equal(steady_ms(), NOW + 12 * HOUR + 3 * DAY);
}

/* What no weekend lasts is not counted; nor what goes back. */
static void
test_an_unknown_gap_is_not_counted(void **state)
{
	static const int64_t clocks[] = { 0, NOW - MINUTE, NOW - YEAR,
		NOW + 3 * DAY + 1, NOW + 2 * YEAR };

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		(void)setup(state);
		reboot(clocks[i]);
		assert_int_equal(steady_ms(), NOW);
		pass(10 * MINUTE);
		step(NOW + DAY - at.wall.ms); /* NTP puts it right */
		assert_int_equal(steady_ms(), NOW + 10 * MINUTE);
	}
}

/* It never starts behind the newest event, however old what was kept is. */
static void
test_it_starts_no_earlier_than_the_newest_event(void **state)
{
	(void)state;
	steady_keep(&s, &at, &kept);
	kept.newest_came.ms = NOW + 50 * MINUTE;
	at = (struct steady_reading){ { 0 }, 20000, "second" };
	steady_start(&s, &kept, &at);
	assert_int_equal(steady_ms(), NOW + 50 * MINUTE);
}

/* The name of the machine's run alone is not enough: time must have passed. */
static void
test_a_run_that_went_back_is_another(void **state)
{
	(void)state;
	pass(HOUR);
	steady_keep(&s, &at, &kept);
	at.boot_ms = 500; /* a container with a time of its own */
	at.wall.ms += 2 * HOUR;
	steady_start(&s, &kept, &at);
	assert_int_equal(steady_ms(), NOW + 3 * HOUR);
	kept.boot[0] = '\0'; /* no name at all */
	at.boot = "";
	at.wall.ms += HOUR;
	steady_start(&s, &kept, &at);
	assert_int_equal(steady_ms(), NOW + 4 * HOUR);
}

/* What an older klikitd has written may be of another clock. */
static void
test_a_store_of_before_is_foreign(void **state)
{
	(void)state;
	assert_false(s.foreign);
	kept = (struct store_clock){ .steady.ms = NOW - DAY,
		.wall.ms = NOW - DAY,
		.believed.ms = NOW - DAY,
		.in_step.ms = NOW - DAY };
	steady_start(&s, &kept, &at);
	assert_true(s.foreign);
	assert_int_equal(steady_ms(), NOW);
	restart(0);
	assert_false(s.foreign);
}

/* -- What the wall clock is worth -- */

/* Up to a day it is put right all the time. */
static void
test_small_steps_are_believed(void **state)
{
	(void)state;
	step(DAY);
	assert_int_equal(s.doubt, STEADY_FINE);
	assert_int_equal(careful(), NOW + DAY);
	step(-DAY);
	assert_int_equal(s.doubt, STEADY_FINE);
	assert_int_equal(careful(), NOW);
}

/* A jump ahead is not, until it has lasted a week; restarts do not matter. */
static void
test_a_jump_ahead_is_believed_after_a_week(void **state)
{
	(void)state;
	step(2 * YEAR);
	for (int day = 0; day < 7; day++) {
		assert_int_equal(s.doubt, STEADY_AHEAD);
		assert_int_equal(careful(), NOW + day * DAY);
		pass(DAY / 2);
		if (day == 3)
			reboot(at.wall.ms + DAY / 2);
		else
			restart(DAY / 2);
	}
	assert_int_equal(s.doubt, STEADY_FINE);
	assert_int_equal(careful(), NOW + 2 * YEAR + 7 * DAY);
}

/* Set back to where it should be it is believed at once. */
static void
test_a_jump_taken_back_is_forgotten(void **state)
{
	(void)state;
	step(2 * YEAR);
	pass(DAY);
	step(-2 * YEAR);
	assert_int_equal(s.doubt, STEADY_FINE);
	assert_int_equal(careful(), NOW + DAY);
}

/* Started two years ahead, then put right: the right time is decided by. */
static void
test_a_store_made_ahead_is_put_right(void **state)
{
	(void)state;
	memset(&kept, 0, sizeof(kept));
	at.wall.ms += 2 * YEAR;
	steady_start(&s, &kept, &at);
	step(-2 * YEAR);
	assert_int_equal(s.doubt, STEADY_BEHIND);
	assert_int_equal(careful(), at.wall.ms);
	pass(7 * DAY);
	assert_int_equal(s.doubt, STEADY_FINE);
}

/* Not set: what it should be stands in for it, for ever if need be. */
static void
test_a_clock_that_is_not_set_is_stood_in_for(void **state)
{
	(void)state;
	reboot(0);
	assert_int_equal(s.doubt, STEADY_NOT_SET);
	assert_int_equal(careful(), NOW);
	pass(8 * DAY);
	assert_int_equal(s.doubt, STEADY_NOT_SET);
	assert_int_equal(careful(), NOW + 8 * DAY);
	step(NOW + 9 * DAY - at.wall.ms);
	assert_int_equal(s.doubt, STEADY_FINE);
}

/* Where it was never set any time is better. */
static void
test_the_first_time_set_is_believed(void **state)
{
	at = (struct steady_reading){ { 0 }, 1000, "first" };
	(void)state;
	memset(&kept, 0, sizeof(kept));
	steady_start(&s, &kept, &at);
	assert_int_equal(s.doubt, STEADY_NOT_SET);
	step(NOW);
	assert_int_equal(s.doubt, STEADY_FINE);
	assert_int_equal(careful(), NOW);
}

/* What drifts a little in a minute is not set. */
static void
test_slewing_is_no_step(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		at.wall.ms += MINUTE + 6000;
		at.boot_ms += MINUTE;
		assert_int_equal(steady_look(&s, &at), 0);
	}
	assert_int_equal(s.doubt, STEADY_FINE);
	assert_true(steady_is_proven(&s, at.boot_ms));
}

/* -- Proof -- */

/* An hour after a start of the machine, and after each step. */
static void
test_proof_takes_an_hour(void **state)
{
	(void)state;
	assert_false(steady_is_proven(&s, at.boot_ms));
	pass(HOUR - MINUTE);
	assert_false(steady_is_proven(&s, at.boot_ms));
	pass(MINUTE);
	assert_true(steady_is_proven(&s, at.boot_ms));
	step(-10 * MINUTE);
	assert_false(steady_is_proven(&s, at.boot_ms));
	pass(HOUR);
	assert_true(steady_is_proven(&s, at.boot_ms));
	reboot(at.wall.ms + HOUR);
	assert_false(steady_is_proven(&s, at.boot_ms));
}

/* A restart alone needs none: all of its time was counted. */
static void
test_a_restart_needs_no_proof(void **state)
{
	(void)state;
	restart(MINUTE);
	assert_true(steady_is_proven(&s, at.boot_ms));
	steady_keep(&s, &at, &kept);
	at.wall.ms += DAY; /* set while klikitd was away */
	steady_start(&s, &kept, &at);
	assert_false(steady_is_proven(&s, at.boot_ms));
}

/* Each doubt has a word and a line. */
static void
test_each_doubt_has_words(void **state)
{
	(void)state;
	for (int i = STEADY_FINE; i <= STEADY_AHEAD; i++) {
		assert_true(
		    strlen(steady_doubt_name((enum steady_doubt)i)) > 1);
		assert_non_null(
		    strstr(steady_doubt_text((enum steady_doubt)i), "clock"));
	}
}

/* Of a shared store the clock is the database's, and is only followed. */
static void
test_a_shared_clock_is_the_databases(void **state)
{
	(void)state;
	kept = (struct store_clock){ .steady = { NOW + 5000 }, .shared = true };
	steady_start(&s, &kept, &at);
	assert_int_equal(steady_ms(), NOW + 5000);
	assert_int_equal(s.doubt, STEADY_FINE);
	assert_false(s.foreign);
	pass(HOUR);
	assert_int_equal(steady_ms(), NOW + 5000 + HOUR);
	step(3 * MINUTE);
	assert_int_equal(steady_ms(), NOW + 5000 + HOUR);
	/* A wall clock here that is days from the database's is not believed.
	 */
	at.wall.ms = NOW - 2 * DAY;
	steady_start(&s, &kept, &at);
	assert_int_equal(s.doubt, STEADY_BEHIND);
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_it_only_passes),
		TEST(test_a_restart_is_counted_exactly),
		TEST(test_a_night_is_counted),
		TEST(test_an_unknown_gap_is_not_counted),
		TEST(test_it_starts_no_earlier_than_the_newest_event),
		TEST(test_a_run_that_went_back_is_another),
		TEST(test_a_store_of_before_is_foreign),
		TEST(test_small_steps_are_believed),
		TEST(test_a_jump_ahead_is_believed_after_a_week),
		TEST(test_a_jump_taken_back_is_forgotten),
		TEST(test_a_store_made_ahead_is_put_right),
		TEST(test_a_clock_that_is_not_set_is_stood_in_for),
		TEST(test_the_first_time_set_is_believed),
		TEST(test_slewing_is_no_step),
		TEST(test_proof_takes_an_hour),
		TEST(test_a_restart_needs_no_proof),
		TEST(test_a_shared_clock_is_the_databases),
		TEST(test_each_doubt_has_words),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
