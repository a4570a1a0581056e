#include "server/intake/branches.h"

#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

static void
note(struct branches *b, const char *branch, int64_t steady_ms)
{
	branches_note(b, branch, (struct steady_time){ steady_ms });
}

/* Each has its own time, the latest that was noted. */
static void
test_latest(void **state)
{
	struct branches b = { 0 };

	(void)state;
	note(&b, "1", 10);
	note(&b, "2", 20);
	note(&b, "1", 30);
	note(&b, "2", 15); /* read from the store, after the start */
	note(&b, NULL, 40);
	assert_int_equal(b.n, 3);
	assert_string_equal(b.list[0].name, "1");
	assert_int_equal(b.list[0].last.ms, 30);
	assert_int_equal(b.list[1].last.ms, 20);
	assert_string_equal(b.list[2].name, "");
	assert_int_equal(b.rest.ms, 0);
}

/* However many there are, only so many are kept; the rest is one. */
static void
test_bounded(void **state)
{
	struct branches b = { 0 };
	char name[16], longest[BRANCHES_NAME_MAX], longer[sizeof(longest) + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	note(&b, longest, 1);
	assert_int_equal(b.n, 1);
	note(&b, longer, 2);
	assert_int_equal(b.n, 1);
	assert_int_equal(b.rest.ms, 2);
	for (int i = 0; i < 2 * BRANCHES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		note(&b, name, 100 + i);
	}
	assert_int_equal(b.n, BRANCHES_MAX);
	assert_int_equal(b.rest.ms, 100 + 2 * BRANCHES_MAX - 1);
	note(&b, "0", 1000); /* is among those that are kept */
	assert_int_equal(b.list[1].last.ms, 1000);
	assert_int_equal(b.rest.ms, 100 + 2 * BRANCHES_MAX - 1);
}

/* Only what comes in after the start is counted. */
static void
test_events_are_counted(void **state)
{
	char name[BRANCHES_NAME_MAX + 1];
	struct branches b = { 0 };

	(void)state;
	note(&b, "1", 10);
	branches_count(&b, "1", (struct steady_time){ 20 });
	branches_count(&b, "1", (struct steady_time){ 30 });
	branches_count(&b, NULL, (struct steady_time){ 30 });
	assert_int_equal(b.list[0].events, 2);
	assert_int_equal(b.list[0].last.ms, 30);
	assert_int_equal(b.list[1].events, 1);
	memset(name, 'x', BRANCHES_NAME_MAX);
	name[BRANCHES_NAME_MAX] = '\0';
	branches_count(&b, name, (struct steady_time){ 40 });
	assert_int_equal(b.n, 2);
	assert_int_equal(b.rest_events, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_are_counted),
		cmocka_unit_test(test_latest),
		cmocka_unit_test(test_bounded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
