#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/admin/admin_query.h"

/* The segment that stands for * comes out decoded. */
static void
test_admin_query_matches_a_segment(void **state)
{
	static const struct {
		const char *pattern;
		const char *path;
		const char *value; /* NULL: no match */
	} cases[] = {
		{ "/jobs", "/jobs", "" },
		{ "/jobs", "/jobs/", NULL },
		{ "/jobs/*", "/jobs/7", "7" },
		{ "/jobs/*", "/jobs/", NULL },
		{ "/jobs/*", "/jobs/7/retry", NULL },
		{ "/jobs/*", "/job/7", NULL },
		{ "/h/*/pause", "/h/p%C3%B6s/pause", "p\xc3\xb6s" },
		{ "/h/*/pause", "/h/a%2fb/pause", "a/b" },
		{ "/h/*/pause", "/h/a+b/pause", "a+b" },
		{ "/h/*/pause", "/h/a/resume", NULL },
		{ "/h/*/pause", "/h//pause", NULL },
		{ "/h/*/pause", "/h/a%/pause", NULL },
		{ "/h/*/pause", "/h/a%2/pause", NULL },
		{ "/h/*/pause", "/h/a%zz/pause", NULL },
		{ "/h/*/pause", "/h/a%00/pause", NULL },
	};
	char value[ADMIN_VALUE_MAX];
	bool fits;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fits = admin_path_match(cases[i].pattern, cases[i].path, value);
		assert_int_equal(fits, cases[i].value != NULL);
		if (fits)
			assert_string_equal(value, cases[i].value);
	}
}

/* A query is read from left to right, each part decoded. */
static void
test_admin_query_reads_parts(void **state)
{
	const char *query = "state=dead&type=a%26b%3dc&order=&why=a+b";
	char name[ADMIN_VALUE_MAX], value[ADMIN_VALUE_MAX];
	static const char *const parts[][2] = { { "state", "dead" },
		{ "type", "a&b=c" }, { "order", "" }, { "why", "a b" } };

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		assert_int_equal(admin_query_next(&query, name, value), 1);
		assert_string_equal(name, parts[i][0]);
		assert_string_equal(value, parts[i][1]);
	}
	assert_int_equal(admin_query_next(&query, name, value), 0);
	query = NULL;
	assert_int_equal(admin_query_next(&query, name, value), 0);
}

/* What is no name=value, or cannot be decoded, is an error. */
static void
test_admin_query_refuses_nonsense(void **state)
{
	static const char *const bad[] = { "state", "a&b=c", "&a=b", "a=%",
		"a=%4", "a=%4g", "a=%00", "%zz=a" };
	char name[ADMIN_VALUE_MAX], value[ADMIN_VALUE_MAX];
	const char *query;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		query = bad[i];
		assert_int_equal(admin_query_next(&query, name, value), -1);
	}
}

/* A value as long as there is room for is read; a longer one is refused. */
static void
test_admin_query_has_a_limit(void **state)
{
	char text[ADMIN_VALUE_MAX + 8] = "a=", name[ADMIN_VALUE_MAX];
	char value[ADMIN_VALUE_MAX];
	const char *query = text;

	(void)state;
	memset(text + 2, 'x', ADMIN_VALUE_MAX - 1);
	assert_int_equal(admin_query_next(&query, name, value), 1);
	assert_int_equal(strlen(value), ADMIN_VALUE_MAX - 1);
	query = text;
	memset(text + 2, 'x', ADMIN_VALUE_MAX);
	assert_int_equal(admin_query_next(&query, name, value), -1);
}

/* Every byte but NUL comes back as it was. */
static void
test_admin_query_encodes_every_byte(void **state)
{
	char text[256], encoded[3 * sizeof(text)], query[4 * sizeof(text)];
	char name[ADMIN_VALUE_MAX], value[ADMIN_VALUE_MAX];
	const char *at = query;

	(void)state;
	for (int c = 1; c < 256; c++)
		text[c - 1] = (char)c;
	text[255] = '\0';
	assert_int_equal(admin_query_encode(text, encoded, sizeof(encoded)), 0);
	(void)snprintf(query, sizeof(query), "x=%s", encoded);
	assert_int_equal(admin_query_next(&at, name, value), 1);
	assert_string_equal(value, text);
}

/* What does not fit is refused, to the byte. */
static void
test_admin_query_encodes_into_its_room(void **state)
{
	char room[8];

	(void)state;
	assert_int_equal(admin_query_encode("a b", room, 6), 0);
	assert_string_equal(room, "a%20b");
	assert_int_equal(admin_query_encode("a b", room, 5), -1);
	assert_int_equal(admin_query_encode("", room, 1), 0);
	assert_int_equal(admin_query_encode("", room, 0), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admin_query_matches_a_segment),
		cmocka_unit_test(test_admin_query_reads_parts),
		cmocka_unit_test(test_admin_query_refuses_nonsense),
		cmocka_unit_test(test_admin_query_has_a_limit),
		cmocka_unit_test(test_admin_query_encodes_every_byte),
		cmocka_unit_test(test_admin_query_encodes_into_its_room),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
