#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "server/base/when.h"

#define NOW INT64_C(1795874591250) /* 2026-11-28T14:03:11.250Z */
#define DAY INT64_C(86400000)

/* A zone that needs no files: seven hours ahead of UTC. */
static int
setup(void **state)
{
	(void)state;
	(void)setenv("TZ", "WIB-7", 1);
	tzset();
	return (0);
}

static void
assert_when(const char *text, bool utc, int64_t want)
{
	int64_t ms = -1;

	assert_int_equal(when_parse(text, NOW, utc, &ms), 0);
	assert_int_equal(ms, want);
}

static void
test_when_reads_what_people_write(void **state)
{
	const int64_t midnight = NOW / DAY * DAY;

	(void)state;
	assert_when("2h", false, NOW - 2 * 3600000);
	assert_when("1d", true, NOW - DAY);
	assert_when("2026-11-28", true, midnight);
	assert_when("2026-11-28", false, midnight - 7 * 3600000);
	assert_when("2026-11-28T14:00", true, midnight + 14 * 3600000);
	assert_when("2026-11-28 14:00", false, midnight + 7 * 3600000);
	assert_when("2026-11-28T14:00:05", true,
	    midnight + 14 * 3600000 + 5000);
	/* A zone that is named counts. */
	assert_when("2026-11-28T14:00:00Z", false, midnight + 14 * 3600000);
	assert_when("2026-11-28T14:00:00+01:00", false,
	    midnight + 13 * 3600000);
}

static void
test_when_refuses_the_rest(void **state)
{
	static const char *const bad[] = { "", "2", "yesterday", "2026-13-01",
		"2026-11", "2026-11-28T", "2026-11-28T1", "2026-11-28T25:00",
		"2h ", "-2h" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(when_parse(bad[i], NOW, true, &ms), -1);
}

static void
test_when_writes_the_zone_of_the_machine(void **state)
{
	char text[WHEN_MAX], zone[WHEN_ZONE_MAX];

	(void)state;
	assert_string_equal(when_format(NOW, true, WHEN_SECONDS, text),
	    "2026-11-28 14:03:11");
	assert_string_equal(when_format(NOW, false, WHEN_SECONDS, text),
	    "2026-11-28 21:03:11");
	assert_string_equal(when_format(NOW, false, WHEN_WHOLE, text),
	    "2026-11-28 21:03:11.250 WIB");
	assert_string_equal(when_format(-1, true, WHEN_WHOLE, text),
	    "1969-12-31 23:59:59.999 UTC");
	assert_string_equal(when_zone(NOW, false, zone), "WIB");
	assert_string_equal(when_zone(NOW, true, zone), "UTC");
}

static void
test_when_says_durations_in_words(void **state)
{
	static const struct {
		int64_t ms;
		const char *words;
	} cases[] = {
		{ 60000, "one minute" },
		{ 30 * DAY, "30 days" },
		{ DAY, "one day" },
		{ 5400000, "one hour 30 minutes" },
		{ DAY + 60000, "one day one minute" },
		{ 2 * DAY + 3600000, "2 days one hour" },
		{ 1500, "one second 500 milliseconds" },
		{ 0, "0 milliseconds" },
	};
	char text[WHEN_WORDS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(when_words(cases[i].ms, text),
		    cases[i].words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when_reads_what_people_write),
		cmocka_unit_test(test_when_refuses_the_rest),
		cmocka_unit_test(test_when_writes_the_zone_of_the_machine),
		cmocka_unit_test(test_when_says_durations_in_words),
	};

	return (cmocka_run_group_tests(tests, setup, NULL));
}
