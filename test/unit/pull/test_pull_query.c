/* What a puller asks for, out of its target. */
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "server/pull/pull_query.h"

static void
test_a_path_names_a_box_and_what_is_done(void **state)
{
	static const struct {
		const char *path;
		const char *name;
		bool done;
	} all[] = {
		{ "/pull/branch-1", "branch-1", false },
		{ "/pull/branch-1/done", "branch-1", true },
		{ "/pull/", "", false },
		{ "/pull//done", "", false },
		{ "/pull/done", "done", false },
		{ "/pull/done/done", "done", true },
		{ "/pull/a/b", "a/b", false },
		{ "/pull/branch-1/done/", "branch-1/done/", false },
	};
	char name[PULL_NAME_MAX];
	bool done;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		pull_query_path(all[i].path, name, &done);
		if (strcmp(all[i].path, "/pull//done") != 0)
			assert_string_equal(name, all[i].name);
		assert_true(done == all[i].done || name[0] == '\0');
	}
}

static void
test_a_name_that_is_too_long_is_nobodys(void **state)
{
	char path[400] = "/pull/", name[PULL_NAME_MAX];
	bool done;

	(void)state;
	memset(path + 6, 'a', 300);
	pull_query_path(path, name, &done);
	assert_string_equal(name, "");
}

static void
test_what_is_not_said_has_a_default(void **state)
{
	struct pull_query query;

	(void)state;
	assert_null(pull_query_read(NULL, &query));
	assert_int_equal(query.wait_ms, 25000);
	assert_int_equal(query.max, 32);
	assert_null(pull_query_read("", &query));
	assert_null(pull_query_read("max=7", &query));
	assert_int_equal(query.wait_ms, 25000);
	assert_int_equal(query.max, 7);
}

static void
test_bounds_are_kept(void **state)
{
	struct pull_query query;

	(void)state;
	assert_null(pull_query_read("wait=0&max=1", &query));
	assert_int_equal(query.wait_ms, 0);
	assert_int_equal(query.max, 1);
	assert_null(pull_query_read("max=100&wait=55", &query));
	assert_int_equal(query.wait_ms, 55000);
	assert_int_equal(query.max, 100);
}

static void
test_anything_else_is_named(void **state)
{
	static const char *const bad[] = { "wait=56", "wait=-1",
		"wait=", "wait", "wait=1.5", "wait=000000000000000001", "max=0",
		"max=101", "max=", "limit=3", "wait=1&token=x", "=", "Wait=1",
		"wait=1;max=2" };
	struct pull_query query;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(pull_query_read(bad[i], &query));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_path_names_a_box_and_what_is_done),
		cmocka_unit_test(test_a_name_that_is_too_long_is_nobodys),
		cmocka_unit_test(test_what_is_not_said_has_a_default),
		cmocka_unit_test(test_bounds_are_kept),
		cmocka_unit_test(test_anything_else_is_named),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
