#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/table.h"

static const char *const titles[] = { "ID", "NAME", "LAST", NULL };

/* What the table prints; owned by the caller. */
static char *
print(const struct table *t)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(table_print(t, out), 0);
	assert_int_equal(fclose(out), 0);
	return (text);
}

/* Columns are as wide as their widest cell, counted in characters. */
static void
test_table_aligns(void **state)
{
	static const char *const cells[] = { "1", "Ph\xe1\xbb\x9f", "x",
		"12345", "tea", NULL };
	struct table *t = table_new(titles);
	char *text;

	(void)state;
	assert_non_null(t);
	for (size_t i = 0; i < 6; i++)
		table_add(t, cells[i]);
	text = print(t);
	assert_string_equal(text, "ID     NAME  LAST\n"
				  "1      Ph\xe1\xbb\x9f   x\n"
				  "12345  tea   -\n");
	free(text);
	table_free(t);
}

/* What could steer a terminal is shown as bytes. */
static void
test_table_escapes(void **state)
{
	struct table *t = table_new(titles);
	char *text;

	(void)state;
	table_add(t, "\033[2J");
	table_add(t, "a\nb");
	table_add(t, "");
	text = print(t);
	assert_string_equal(text, "ID       NAME    LAST\n"
				  "\\x1b[2J  a\\x0ab  \n");
	free(text);
	table_free(t);
}

/* A long table is kept whole. */
static void
test_table_grows(void **state)
{
	struct table *t = table_new(titles);
	char *text;
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < 3 * 1000; i++)
		table_add(t, "x");
	text = print(t);
	for (char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 1001);
	free(text);
	table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_aligns),
		cmocka_unit_test(test_table_escapes),
		cmocka_unit_test(test_table_grows),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
