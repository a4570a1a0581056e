/* What a puller reports, out of its JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/hub/hub_outcomes.h"

#define ONE(rest) "{\"outcomes\":[{\"id\":\"81\",\"lease\":\"ab\"" rest "}]}"

static const char *
read_text(const char *text, struct hub_outcome **ret, size_t *ret_n)
{
	return (hub_outcomes_read(text, strlen(text), ret, ret_n));
}

static void
test_the_three_outcomes_are_read(void **state)
{
	static const char text[] =
	    "{\"outcomes\":[{\"id\":\"81\",\"lease\":\"ab\",\"outcome\":"
	    "\"done\"},{\"id\":\"9223372036854775807\",\"lease\":\"cd\","
	    "\"outcome\":\"retry\",\"reason\":\"no\\npaper\\u0001\","
	    "\"retry_after_ms\":5000,\"more\":1},{\"id\":\"3\",\"lease\":"
	    "\"ef\",\"outcome\":\"dead\",\"reason\":null}]}";
	struct hub_outcome *all;
	size_t n;

	(void)state;
	assert_null(read_text(text, &all, &n));
	assert_int_equal(n, 3);
	assert_int_equal(all[0].id, 81);
	assert_string_equal(all[0].id_text, "81");
	assert_string_equal(all[0].lease, "ab");
	assert_int_equal(all[0].verdict, HANDLER_DONE);
	assert_string_equal(all[0].reason, "");
	assert_true(all[1].id == INT64_MAX);
	assert_int_equal(all[1].verdict, HANDLER_RETRY);
	assert_string_equal(all[1].reason, "no paper ");
	assert_int_equal(all[1].retry_after_ms, 5000);
	assert_int_equal(all[2].verdict, HANDLER_DEAD);
	free(all);
}

static void
test_no_outcome_is_one_too(void **state)
{
	struct hub_outcome *all;
	size_t n;

	(void)state;
	assert_null(read_text("{\"outcomes\":[]}", &all, &n));
	assert_int_equal(n, 0);
	free(all);
}

static void
test_a_wait_has_an_end(void **state)
{
	struct hub_outcome *all;
	size_t n;

	(void)state;
	assert_null(read_text(ONE(",\"outcome\":\"retry\",\"retry_after_ms\":"
				  "9000000000000000000"),
	    &all, &n));
	assert_true(all[0].retry_after_ms == HUB_RETRY_MAX_MS);
	free(all);
}

static void
test_what_is_wrong_is_named(void **state)
{
	static const char *const bad[] = { "", "nothing", "[]", "{}",
		"{\"outcomes\":{}}", "{\"outcomes\":[1]}", ONE(""),
		ONE(",\"outcome\":\"DONE\""), ONE(",\"outcome\":1"),
		ONE(",\"outcome\":\"done\",\"retry_after_ms\":1"),
		ONE(",\"outcome\":\"retry\",\"retry_after_ms\":-1"),
		ONE(",\"outcome\":\"retry\",\"retry_after_ms\":1.5"),
		ONE(",\"outcome\":\"done\",\"reason\":7"),
		ONE(",\"outcome\":\"done\",\"lease\":\"twice\""),
		"{\"outcomes\":[{\"id\":81,\"lease\":\"a\",\"outcome\":"
		"\"done\"}]}",
		"{\"outcomes\":[{\"id\":\"0\",\"lease\":\"a\",\"outcome\":"
		"\"done\"}]}",
		"{\"outcomes\":[{\"id\":\"8x\",\"lease\":\"a\",\"outcome\":"
		"\"done\"}]}",
		"{\"outcomes\":[{\"id\":\"99999999999999999999\",\"lease\":"
		"\"a\",\"outcome\":\"done\"}]}",
		"{\"outcomes\":[{\"id\":\"8\",\"outcome\":\"done\"}]}" };
	struct hub_outcome *all;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(read_text(bad[i], &all, &n));
}

/* A report of n outcomes, each with a reason of that length. */
static const char *
read_many(size_t n, size_t reason)
{
	static char text[512 * 1024];
	struct hub_outcome *all = NULL;
	size_t len = (size_t)sprintf(text, "{\"outcomes\":["), got;
	const char *why;

	for (size_t i = 0; i < n; i++) {
		len += (size_t)sprintf(text + len,
		    "%s{\"id\":\"1\",\"lease\":\"a\",\"outcome\":\"dead\","
		    "\"reason\":\"",
		    i > 0 ? "," : "");
		memset(text + len, 'r', reason);
		len += reason;
		len += (size_t)sprintf(text + len, "\"}");
	}
	(void)sprintf(text + len, "]}");
	why = read_text(text, &all, &got);
	free(all);
	return (why);
}

static void
test_bounds_are_kept(void **state)
{
	(void)state;
	assert_null(read_many(HUB_OUTCOMES_MAX, HUB_REASON_MAX));
	assert_non_null(read_many(HUB_OUTCOMES_MAX + 1, 1));
	assert_non_null(read_many(1, HUB_REASON_MAX + 1));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_three_outcomes_are_read),
		cmocka_unit_test(test_no_outcome_is_one_too),
		cmocka_unit_test(test_a_wait_has_an_end),
		cmocka_unit_test(test_what_is_wrong_is_named),
		cmocka_unit_test(test_bounds_are_kept),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
