#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/http/route.h"
#include "server/intake/header_sets.h"

#define HOUR_US (INT64_C(3600) * 1000 * 1000)

static struct header_sets *hs;
static struct kept_headers kept;

static int
setup(void **state)
{
	(void)state;
	assert_non_null(hs = header_sets_new());
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	header_sets_free(hs);
	return (0);
}

/* A delivery with that agent, and one more field. Returns its set. */
static int64_t
take(const char *agent, const char *name, const char *value)
{
	const struct http_field fields[] = { { "Host", "a:1" },
		{ "User-Agent", agent }, { "X-Klikit-Event-Id", value },
		{ "X-Klikit-Signature", value }, { "Content-Length", "7" },
		{ name, value } };

	header_sets_take(hs, fields, 6, 1, &kept);
	return (kept.set);
}

/* What all have in common is a set; what the event has in its row is no part.
 */
static void
test_deliveries_that_say_the_same_share_a_set(void **state)
{
	int64_t one;

	(void)state;
	one = take("klikit/1", "Accept", "x");
	assert_true(one > 0);
	assert_string_equal(kept.text, "Host: a:1\nUser-Agent: klikit/1\n"
				       "Accept: x\n");
	assert_string_equal(kept.own, "");
	assert_int_equal(take("klikit/1", "Accept", "x"), one);
	assert_true(take("klikit/2", "Accept", "x") != one);
	assert_int_equal(take("klikit/1", "Accept", "x"), one);
}

/* Names that everybody knows as different in each are each one's own. */
static void
test_what_differs_by_its_name_is_own(void **state)
{
	int64_t one;

	(void)state;
	one = take("k", "traceparent", "00-1");
	assert_string_equal(kept.own, "traceparent: 00-1\n");
	assert_null(strstr(kept.text, "trace"));
	assert_int_equal(take("k", "traceparent", "00-2"), one);
	assert_string_equal(kept.own, "traceparent: 00-2\n");
}

/* A value that changes again and again makes its name one of those. */
static void
test_what_keeps_changing_is_learned(void **state)
{
	char value[16];
	int64_t set = 0, sets = 0, last = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		(void)snprintf(value, sizeof(value), "v%d", i);
		set = take("k", "X-Odd", value);
		sets += set != last;
		last = set;
	}
	assert_in_range(sets, 2, 6);
	assert_string_equal(kept.own, "X-Odd: v49\n");
	assert_string_equal(kept.text, "Host: a:1\nUser-Agent: k\n");
}

/* Two that take turns are two sets, not a value that keeps changing. */
static void
test_turns_are_not_learned(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		(void)take("k", "X-Node", i % 2 == 0 ? "a" : "b");
		assert_string_equal(kept.own, "");
	}
}

/* Secrets are left out, and bytes that no store takes. */
static void
test_values_are_redacted(void **state)
{
	(void)state;
	(void)take("k\xff\t", "Authorization", "Bearer abc");
	assert_string_equal(kept.text, "Host: a:1\nUser-Agent: k??\n"
				       "Authorization: (10 bytes)\n");
}

/* Other names with each delivery: so many an hour, and no more. */
static void
test_new_sets_are_bounded(void **state)
{
	int64_t taken = 0;
	char name[16];

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct http_field field = { name, "x" };

		(void)snprintf(name, sizeof(name), "X-%d", i);
		header_sets_take(hs, &field, 1, 1, &kept);
		taken += kept.set != 0;
	}
	assert_int_equal(taken, HEADER_SETS_AN_HOUR);
	header_sets_take(hs, &(struct http_field){ "X-new", "x" }, 1,
	    1 + HOUR_US, &kept);
	assert_true(kept.set != 0);
	header_sets_take(hs, NULL, 0, 1, &kept);
	assert_int_equal(kept.set, 0);
	header_sets_take(NULL, NULL, 0, 1, &kept);
	assert_int_equal(kept.set, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_deliveries_that_say_the_same_share_a_set),
		TEST(test_what_differs_by_its_name_is_own),
		TEST(test_what_keeps_changing_is_learned),
		TEST(test_turns_are_not_learned),
		TEST(test_values_are_redacted),
		TEST(test_new_sets_are_bounded),
#undef TEST
	};

	return (cmocka_run_group_tests_name("header_sets", tests, NULL, NULL));
}
