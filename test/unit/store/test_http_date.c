#include "test/lib/cmocka_all.h"

#include "store/base/http_date.h"

#define NOW 1767225600000 /* 2026-01-01T00:00:00Z */
#define SAMPLE 784111777000
#define REFUSED (-1)

static int64_t
date(const char *text)
{
	int64_t at_ms;

	return (http_date_parse(text, NOW, &at_ms) == 0 ? at_ms : REFUSED);
}

/* The three forms of RFC 9110, as its text writes them. */
static void
test_http_date_has_three_forms(void **state)
{
	(void)state;
	assert_int_equal(date("Sun, 06 Nov 1994 08:49:37 GMT"), SAMPLE);
	assert_int_equal(date("Sunday, 06-Nov-94 08:49:37 GMT"), SAMPLE);
	assert_int_equal(date("Sun Nov  6 08:49:37 1994"), SAMPLE);
	assert_int_equal(date("Wed Nov 16 08:49:37 1994"),
	    SAMPLE + 10 * INT64_C(86400000));
}

/* Two digits of a year never mean one 50 years or more ahead. */
static void
test_http_date_guesses_the_century(void **state)
{
	int64_t at_ms;

	(void)state;
	assert_int_equal(date("Thursday, 01-Jan-26 00:00:00 GMT"), NOW);
	assert_int_equal(date("Tuesday, 01-Jan-75 00:00:00 GMT"),
	    date("Tue, 01 Jan 2075 00:00:00 GMT"));
	assert_int_equal(date("Thursday, 01-Jan-76 00:00:00 GMT"),
	    date("Thu, 01 Jan 1976 00:00:00 GMT"));
	/* Near the end of a century the next one is nearer. */
	assert_int_equal(http_date_parse("Friday, 01-Jan-05 00:00:00 GMT",
			     date("Tue, 01 Jan 2097 00:00:00 GMT"), &at_ms),
	    0);
	assert_int_equal(at_ms, date("Thu, 01 Jan 2105 00:00:00 GMT"));
}

/* Leap days and leap seconds are real. */
static void
test_http_date_knows_leaps(void **state)
{
	(void)state;
	assert_int_equal(date("Sat, 31 Dec 2016 23:59:60 GMT"),
	    date("Sun, 01 Jan 2017 00:00:00 GMT"));
	assert_int_equal(date("Thu, 29 Feb 2024 00:00:00 GMT"),
	    date("Thu Feb 29 00:00:00 2024"));
}

/* Nothing else is a date. */
static void
test_http_date_refuses_the_rest(void **state)
{
	static const char *const texts[] = {
		"",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37",
		"sun, 06 nov 1994 08:49:37 gmt",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:00 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  0 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov  6 08:49:37 +994",
		"1994-11-06T08:49:37Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(date(texts[i]), REFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_date_has_three_forms),
		cmocka_unit_test(test_http_date_guesses_the_century),
		cmocka_unit_test(test_http_date_knows_leaps),
		cmocka_unit_test(test_http_date_refuses_the_rest),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
