/* The words by which a status is asked for. */
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/body/status_ask.h"

static int
check(const char *first, const char *second)
{
	char *items[] = { (char *)(uintptr_t)first, (char *)(uintptr_t)second };
	struct key_list list = { .items = items, .n = second == NULL ? 1 : 2 };
	char reason[KEY_REASON_MAX] = "";
	int rc = status_ask_check(&list, NULL, reason);

	assert_int_equal(rc == 0, reason[0] == '\0');
	return (rc);
}

static void
test_status_ask_check(void **state)
{
	static const char *const bad[] = { "accept", "accept:", ": accepted",
		"ac cept: x", "accept: a b", "accept: a:b", "" };

	(void)state;
	assert_int_equal(check("accept:accepted", "picked-up: picked_up"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check(bad[i], NULL), -1);
	assert_int_equal(check("a: b", "a: c"), -1);
	assert_int_equal(check("a: b", "ab: c"), 0);
}

/* A word, or klikit's own; a word wins over another's status. */
static void
test_status_ask_find(void **state)
{
	char *items[] = { (char *)"accept: accepted", (char *)"go: ready",
		(char *)"ready: go" };
	const struct key_list list = { .items = items, .n = 3 };

	(void)state;
	assert_string_equal(status_ask_find(&list, "accept"), "accepted");
	assert_string_equal(status_ask_find(&list, "accepted"), "accepted");
	assert_string_equal(status_ask_find(&list, "ready"), "go");
	assert_null(status_ask_find(&list, "acc"));
	assert_null(status_ask_find(&list, ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_ask_check),
		cmocka_unit_test(test_status_ask_find),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
