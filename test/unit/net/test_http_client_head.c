#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/http_client_head.h"

#define NOW 1767225600000 /* 2026-01-01T00:00:00Z, a Thursday */

/* Retry-After in seconds, up to a day. */
static void
test_http_client_head_waits_seconds(void **state)
{
	(void)state;
	assert_int_equal(client_head_wait("0", NOW), 0);
	assert_int_equal(client_head_wait("120", NOW), 120000);
	assert_int_equal(client_head_wait("86400", NOW), HTTP_CLIENT_WAIT_MAX);
	assert_int_equal(client_head_wait("86401", NOW), HTTP_CLIENT_WAIT_MAX);
	assert_int_equal(client_head_wait("99999999999999999999999", NOW),
	    HTTP_CLIENT_WAIT_MAX);
}

/* Retry-After as a date, up to a day; one in the past asks for nothing. */
static void
test_http_client_head_waits_for_a_date(void **state)
{
	(void)state;
	assert_int_equal(client_head_wait("Thu, 01 Jan 2026 00:00:05 GMT", NOW),
	    5000);
	assert_int_equal(client_head_wait("Thursday, 01-Jan-26 00:00:05 GMT",
			     NOW),
	    5000);
	assert_int_equal(client_head_wait("Thu Jan  1 00:00:05 2026", NOW),
	    5000);
	assert_int_equal(client_head_wait("Wed, 31 Dec 2025 23:59:59 GMT", NOW),
	    0);
	assert_int_equal(client_head_wait("Sat, 03 Jan 2026 00:00:00 GMT", NOW),
	    HTTP_CLIENT_WAIT_MAX);
	assert_int_equal(client_head_wait("Fri, 01 Jan 9999 00:00:00 GMT", NOW),
	    HTTP_CLIENT_WAIT_MAX);
}

/* The far side's clock is its Date, if that makes sense. */
static void
test_http_client_head_reads_the_far_clock(void **state)
{
	(void)state;
	assert_int_equal(client_head_date("Thu, 01 Jan 2026 00:00:05 GMT", 7),
	    NOW + 5000);
	assert_int_equal(client_head_date("", 7), 0);
	assert_int_equal(client_head_date("today", 7), 0);
	assert_int_equal(client_head_date("Wed, 31 Dec 1969 23:59:59 GMT", 7),
	    0);
}

/* What makes no sense asks for nothing. */
static void
test_http_client_head_waits_for_no_nonsense(void **state)
{
	(void)state;
	assert_int_equal(client_head_wait("", NOW), 0);
	assert_int_equal(client_head_wait("-5", NOW), 0);
	assert_int_equal(client_head_wait("5s", NOW), 0);
	assert_int_equal(client_head_wait("soon", NOW), 0);
	assert_int_equal(client_head_wait("Thu, 01 Jan 2026 00:00:05 GMT+1",
			     NOW),
	    0);
}

/* A value is copied as far as it fits, without what could harm a log. */
static void
test_http_client_head_copies(void **state)
{
	char text[6];

	(void)state;
	client_head_copy("a\tb\033\xc3\xa9", sizeof(text), text);
	assert_string_equal(text, "a?b??");
	client_head_copy("", sizeof(text), text);
	assert_string_equal(text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_client_head_waits_seconds),
		cmocka_unit_test(test_http_client_head_waits_for_a_date),
		cmocka_unit_test(test_http_client_head_waits_for_no_nonsense),
		cmocka_unit_test(test_http_client_head_reads_the_far_clock),
		cmocka_unit_test(test_http_client_head_copies),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
