#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/table.h"

static const struct table_column columns[] = {
	{ .title = "ID", .look = TABLE_ID },
	{ .title = "NAME", .least = 6, .spare = 1 },
	{ .title = "LAST", .look = TABLE_STATE, .spare = 2 },
};
static const struct screen program = { 0 };

/* What the table prints; owned by the caller. */
static char *
print_on(struct table *t, const struct screen *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(table_print(t, s, out), 0);
	assert_int_equal(fclose(out), 0);
	return (text);
}

static char *
print(struct table *t)
{
	return (print_on(t, &program));
}

/* Columns are as wide as their widest cell, counted in characters. */
static void
test_table_aligns(void **state)
{
	static const char *const cells[] = { "1", "Ph\xe1\xbb\x9f", "x",
		"12345", "tea", NULL };
	struct table *t = table_new(columns, 3);
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
	struct table *t = table_new(columns, 3);
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
	struct table *t = table_new(columns, 3);
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

/* What a table of these cells looks like on a terminal that wide. */
static void
assert_on_terminal(const char *const *cells, size_t n, unsigned width,
    const char *want)
{
	const struct screen s = { .terminal = true, .width = width };
	struct table *t = table_new(columns, 3);
	char *text;

	for (size_t i = 0; i < n; i++)
		table_add(t, cells[i]);
	text = print_on(t, &s);
	assert_string_equal(text, want);
	free(text);
	table_free(t);
}

/* Cells are cut, then columns are left out: the most spare one first. */
static void
test_table_fits(void **state)
{
	static const char *const cells[] = { "1", "nasi goreng kampung", "done",
		"2", "\xe9\xa3\x9f\xe3\x81\xb9\xe7\x89\xa9 and tea", "dead" };

	(void)state;
	assert_on_terminal(cells, 6, 80,
	    "ID  NAME                 LAST\n"
	    "1   nasi goreng kampung  done\n"
	    "2   \xe9\xa3\x9f\xe3\x81\xb9\xe7\x89\xa9 and tea       dead\n");
	assert_on_terminal(cells, 6, 20,
	    "ID  NAME        LAST\n"
	    "1   nasi gore\xe2\x80\xa6  done\n"
	    "2   \xe9\xa3\x9f\xe3\x81\xb9\xe7\x89\xa9 an\xe2\x80\xa6  dead\n");
	assert_on_terminal(cells, 6, 14,
	    "ID  NAME\n"
	    "1   nasi gore\xe2\x80\xa6\n"
	    "2   \xe9\xa3\x9f\xe3\x81\xb9\xe7\x89\xa9 an\xe2\x80\xa6\n"
	    "--wide shows LAST as well\n");
	assert_on_terminal(cells, 6, 5,
	    "ID\n1\n2\n--wide shows NAME, LAST as well\n");
}

/* Ids are as short as they can be told apart; one's scope stays. */
static void
test_table_shortens_ids(void **state)
{
	static const char *const cells[] = {
		"0197a2b3-1111-7000-8000-000000000001", "-", "-",
		"0197a2b3-2222-7000-8000-000000000001", "-", "-",
		"0197a2b3-2222-7000-8000-000000000001 (burger)", "-", "-",
		"test-9fb1a2c3-1111-4000-8000-000000000001", "-", "-", "e1",
		"-", "-"
	};

	(void)state;
	assert_on_terminal(cells, 15, 80,
	    "ID\n0197a2b3-1\n0197a2b3-2\n0197a2b3-2 (burger)\n"
	    "test-9fb1a2c3\ne1\n");
	assert_on_terminal(cells + 9, 6, 80, "ID\ntest-9fb1a2c3\ne1\n");
}

/* A state is coloured, and nothing else is but the heading. */
static void
test_table_colours_states(void **state)
{
	const struct screen s = { .terminal = true,
		.colours = true,
		.width = 80 };
	struct table *t = table_new(columns, 3);
	char *text;

	(void)state;
	table_add(t, "dead");
	table_add(t, "dead");
	table_add(t, "dead");
	text = print_on(t, &s);
	assert_string_equal(strchr(text, '\n') + 1,
	    "dead  dead  \033[31mdead\033[0m\n");
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
		cmocka_unit_test(test_table_fits),
		cmocka_unit_test(test_table_shortens_ids),
		cmocka_unit_test(test_table_colours_states),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
