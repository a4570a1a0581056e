#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "store/base/parse.h"

#define UNTOUCHED INT64_C(-123456789)

struct sample {
	const char *text;
	int64_t value; /* UNTOUCHED: refused */
};

/* Only whole strings of digits within the bounds are integers. */
static void
test_parse_int_takes_digits_within_bounds(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0 },
		{ "007", 7 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
		{ "-1", -1 },
		{ "-0", 0 },
		{ "9223372036854775808", UNTOUCHED },
		{ "-9223372036854775809", UNTOUCHED },
		{ "18446744073709551616", UNTOUCHED },
		{ "99999999999999999999999999", UNTOUCHED },
		{ "", UNTOUCHED },
		{ "-", UNTOUCHED },
		{ "--1", UNTOUCHED },
		{ "+1", UNTOUCHED },
		{ " 1", UNTOUCHED },
		{ "1 ", UNTOUCHED },
		{ "1\n", UNTOUCHED },
		{ "0x10", UNTOUCHED },
		{ "1.0", UNTOUCHED },
		{ "1e3", UNTOUCHED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		int64_t value = UNTOUCHED;
		int want = samples[i].value == UNTOUCHED ? -1 : 0;

		assert_int_equal(parse_int(samples[i].text, INT64_MIN,
				     INT64_MAX, &value),
		    want);
		assert_int_equal(value, samples[i].value);
	}
}

/* Both bounds are allowed values, their neighbours outside are not. */
static void
test_parse_int_bounds_are_inclusive(void **state)
{
	int64_t value = UNTOUCHED;

	(void)state;
	assert_int_equal(parse_int("5", 5, 7, &value), 0);
	assert_int_equal(parse_int("7", 5, 7, &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(parse_int("4", 5, 7, &value), -1);
	assert_int_equal(parse_int("8", 5, 7, &value), -1);
	assert_int_equal(parse_int("-0", 0, 7, &value), -1);
	assert_int_equal(parse_int("-6", -7, -5, &value), 0);
	assert_int_equal(value, -6);
	assert_int_equal(parse_int("6", -7, -5, &value), -1);
}

/* Sizes count in powers of 1024, never overflow, and keep their bounds. */
static void
test_parse_size_knows_its_units(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0 },
		{ "1023", 1023 },
		{ "1k", 1024 },
		{ "1K", 1024 },
		{ "64m", INT64_C(64) << 20 },
		{ "2G", INT64_C(2) << 30 },
		{ "8589934591g", INT64_C(8589934591) << 30 },
		{ "8589934592g", UNTOUCHED },
		{ "9223372036854775807k", UNTOUCHED },
		{ "", UNTOUCHED },
		{ "k", UNTOUCHED },
		{ "1kb", UNTOUCHED },
		{ "1 k", UNTOUCHED },
		{ "-1k", UNTOUCHED },
		{ "1.5m", UNTOUCHED },
		{ "1t", UNTOUCHED },
	};
	int64_t value = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		int want = samples[i].value == UNTOUCHED ? -1 : 0;

		value = UNTOUCHED;
		assert_int_equal(parse_size(samples[i].text, 0, INT64_MAX,
				     &value),
		    want);
		assert_int_equal(value, samples[i].value);
	}
	value = UNTOUCHED;
	assert_int_equal(parse_size("1k", 1025, 4096, &value), -1);
	assert_int_equal(parse_size("5k", 1025, 4096, &value), -1);
	assert_int_equal(value, UNTOUCHED);
	assert_int_equal(parse_size("4k", 1025, 4096, &value), 0);
}

/* Every duration but 0 needs a unit, and ten years are the most. */
static void
test_parse_duration_needs_a_unit(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "250ms", 250 },
		{ "5s", 5000 },
		{ "2m", 120000 },
		{ "6h", 21600000 },
		{ "400d", INT64_C(34560000000) },
		{ "3650d", INT64_C(315360000000) },
		{ "3651d", UNTOUCHED },
		{ "315360000001ms", UNTOUCHED },
		{ "9223372036854775807d", UNTOUCHED },
		{ "5", UNTOUCHED },
		{ "00", UNTOUCHED },
		{ "", UNTOUCHED },
		{ "s", UNTOUCHED },
		{ "5S", UNTOUCHED },
		{ "5 s", UNTOUCHED },
		{ "-5s", UNTOUCHED },
		{ "1h30m", UNTOUCHED },
		{ "1.5h", UNTOUCHED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		int64_t value = UNTOUCHED;
		int want = samples[i].value == UNTOUCHED ? -1 : 0;

		assert_int_equal(parse_duration(samples[i].text, &value), want);
		assert_int_equal(value, samples[i].value);
	}
}

/* One point in time, however it is written, is one number. */
static void
test_parse_time_reads_equal_times_equal(void **state)
{
	static const char *const same[] = {
		"2026-06-25T09:14:11Z",
		"2026-06-25t09:14:11z",
		"2026-06-25 09:14:11Z",
		"2026-06-25T09:14:11.0Z",
		"2026-06-25T09:14:11.000999999999999999999999999Z",
		"2026-06-25T09:14:11+00:00",
		"2026-06-25T09:14:11-00:00",
		"2026-06-25T16:14:11+07:00",
		"2026-06-25T16:14:11.000+0700",
		"2026-06-25T05:44:11-03:30",
		"2026-06-26T09:13:11+23:59",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		int64_t value = UNTOUCHED;

		assert_int_equal(parse_time(same[i], strlen(same[i]), &value),
		    0);
		assert_int_equal(value, INT64_C(1782378851000));
	}
}

/* Ends of months and years, leap days and seconds, times before 1970. */
static void
test_parse_time_knows_the_calendar(void **state)
{
	static const struct sample samples[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:59:59.999Z", -1 },
		{ "1970-01-01T00:00:00.0019Z", 1 },
		{ "0000-01-01T00:00:00Z", INT64_C(-62167219200000) },
		{ "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
		{ "2000-02-29T00:00:00Z", INT64_C(951782400000) },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000) },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800000) },
		{ "2016-12-31T23:59:60.5Z", INT64_C(1483228800500) },
		{ "2100-02-29T00:00:00Z", UNTOUCHED },
		{ "2023-02-29T00:00:00Z", UNTOUCHED },
		{ "2026-04-31T00:00:00Z", UNTOUCHED },
		{ "2026-00-10T00:00:00Z", UNTOUCHED },
		{ "2026-13-10T00:00:00Z", UNTOUCHED },
		{ "2026-06-00T00:00:00Z", UNTOUCHED },
		{ "2026-06-25T24:00:00Z", UNTOUCHED },
		{ "2026-06-25T09:60:00Z", UNTOUCHED },
		{ "2026-06-25T09:00:61Z", UNTOUCHED },
		{ "2026-06-25T09:00:00+24:00", UNTOUCHED },
		{ "2026-06-25T09:00:00+00:60", UNTOUCHED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		int64_t value = UNTOUCHED;
		int want = samples[i].value == UNTOUCHED ? -1 : 0;

		assert_int_equal(parse_time(samples[i].text,
				     strlen(samples[i].text), &value),
		    want);
		assert_int_equal(value, samples[i].value);
	}
}

/* What names no point in time, or is not written as one, is refused. */
static void
test_parse_time_refuses_what_is_no_time(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-06-25",
		"2026-06-25T09:14:11",
		"2026-06-25T09:14:11.5",
		"2026-06-25T09:14:11.Z",
		"2026-06-25T09:14:11,5Z",
		"2026-06-25T09:14Z",
		"2026-06-25_09:14:11Z",
		"2026-6-25T09:14:11Z",
		"26-06-25T09:14:11Z",
		"+2026-06-25T09:14:11Z",
		" 2026-06-25T09:14:11Z",
		"2026-06-25T09:14:11Z ",
		"2026-06-25T09:14:11ZZ",
		"2026-06-25T09:14:11+07",
		"2026-06-25T09:14:11+7:00",
		"2026-06-25T09:14:11 +07:00",
		"2026-06-25T-1:14:11Z",
		"1782378851",
		"null",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t value = UNTOUCHED;

		assert_int_equal(parse_time(bad[i], strlen(bad[i]), &value),
		    -1);
		assert_int_equal(value, UNTOUCHED);
	}
	/* A NUL among the bytes matches no character of a set. */
	assert_int_equal(parse_time("2026-06-25\00009:14:11Z", 20,
			     &(int64_t){ 0 }),
	    -1);
}

/* No byte past the length is read: every prefix of a time is refused. */
static void
test_parse_time_keeps_to_its_length(void **state)
{
	static const char text[] = "2026-06-25T09:14:11.123+07:00";
	int64_t value = UNTOUCHED;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = test_malloc(len + 1);

		memcpy(copy + 1, text, len);
		assert_int_equal(parse_time(copy + 1, len, &value), -1);
		test_free(copy);
	}
	assert_int_equal(value, UNTOUCHED);
	assert_int_equal(parse_time(text, sizeof(text) - 1, &value), 0);
}

/* A time is written in UTC, with milliseconds, always in the same length. */
static void
test_format_time_writes_rfc_3339(void **state)
{
	char text[FORMAT_TIME_MAX];

	(void)state;
	assert_string_equal(format_time(INT64_C(1782378851000), text),
	    "2026-06-25T09:14:11.000Z");
	assert_string_equal(format_time(-1, text), "1969-12-31T23:59:59.999Z");
	assert_string_equal(format_time(INT64_C(-62167219200000), text),
	    "0000-01-01T00:00:00.000Z");
	assert_string_equal(format_time(INT64_C(253402300799999), text),
	    "9999-12-31T23:59:59.999Z");
	assert_string_equal(format_time(INT64_C(-62167219200001), text), "-");
	assert_string_equal(format_time(INT64_C(253402300800000), text), "-");
	assert_string_equal(format_time(INT64_MIN, text), "-");
	assert_string_equal(format_time(INT64_MAX, text), "-");
}

/* Over all years, writing agrees with libc's calendar and reads back. */
static void
test_format_time_and_parse_time_agree(void **state)
{
	/* A prime step, so that days and hours of all kinds are met. */
	const int64_t step = INT64_C(86028121) * 1009;

	(void)state;
	for (int64_t at = INT64_C(-62167219200000);
	     at < INT64_C(253402300800000); at += step) {
		char text[FORMAT_TIME_MAX];
		struct tm tm = { .tm_year = 0 };
		int64_t back = UNTOUCHED;

		format_time(at, text);
		assert_int_equal(parse_time(text, strlen(text), &back), 0);
		assert_int_equal(back, at);
		assert_ptr_equal(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm),
		    text + 19);
		assert_int_equal(timegm(&tm),
		    (at - ((at % 1000) + 1000) % 1000) / 1000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_int_takes_digits_within_bounds),
		cmocka_unit_test(test_parse_int_bounds_are_inclusive),
		cmocka_unit_test(test_parse_size_knows_its_units),
		cmocka_unit_test(test_parse_duration_needs_a_unit),
		cmocka_unit_test(test_parse_time_reads_equal_times_equal),
		cmocka_unit_test(test_parse_time_knows_the_calendar),
		cmocka_unit_test(test_parse_time_refuses_what_is_no_time),
		cmocka_unit_test(test_parse_time_keeps_to_its_length),
		cmocka_unit_test(test_format_time_writes_rfc_3339),
		cmocka_unit_test(test_format_time_and_parse_time_agree),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
