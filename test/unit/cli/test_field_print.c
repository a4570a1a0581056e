/* A field that is in the list is in the table, and in what one row shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/cli/field_print.h"

struct part {
	const char *name;
};

struct row {
	int64_t id;
	const char *text;
	const char *added;
	const struct part *parts;
	size_t nparts;
};

static const struct field part_fields[] = {
	{ "name", "NAME", .kind = FIELD_TEXT, FIELD(struct part, name) },
	{ "of", "OF", true, .kind = FIELD_TEXT, FIELD(struct part, name) },
	{ .name = NULL },
};

#define AT(member) FIELD(struct row, member)
#define FIRST                                                                  \
	{ "id", "ID", .kind = FIELD_COUNT, AT(id) },                           \
	{                                                                      \
		"text", .kind = FIELD_LINES, AT(text)                          \
	}
static const struct field before[] = {
	FIRST,
	{ .name = NULL },
};
static const struct field after[] = {
	FIRST,
	{ "added", "ADDED", .kind = FIELD_TEXT, AT(added) },
	{ "parts", .kind = FIELD_ROWS, AT(parts),
	    .len_at = offsetof(struct row, nparts), .fields = part_fields,
	    .stride = sizeof(struct part) },
	{ .name = NULL },
};
#undef AT

static const struct part parts[] = { { "a" }, { "\x1b[2J" } };
static const struct row row = { 7, "one\ntwo", "new", parts, 2 };

/* What a row with these fields looks like, in a table or alone. */
static char *
printed(const struct field *fields, bool table)
{
	json_t *o = field_json(fields, &row);
	static const struct screen program = { 0 };
	struct field_table *t = field_table_new(fields, false, &program);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(o);
	assert_non_null(t);
	assert_non_null(out);
	field_table_add(t, o);
	if (table)
		assert_int_equal(field_table_print(t, out), 0);
	else
		assert_int_equal(field_print(fields, o, &program, out), 0);
	(void)fclose(out);
	field_table_free(t);
	json_decref(o);
	return (text);
}

static void
assert_printed(const struct field *fields, bool table, const char *want)
{
	char *text = printed(fields, table);

	assert_string_equal(text, want);
	free(text);
}

static void
test_a_field_added_is_a_column(void **state)
{
	(void)state;
	assert_printed(before, true, "ID\n7\n");
	assert_printed(after, true, "ID  ADDED\n7   new\n");
}

static void
test_a_field_added_is_shown_of_one(void **state)
{
	(void)state;
	assert_printed(before, false, "id    7\ntext\n  one\n  two\n");
	assert_printed(after, false,
	    "id     7\ntext\n  one\n  two\nadded  new\n\nparts\nNAME\na\n"
	    "\\x1b[2J\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_field_added_is_a_column),
		cmocka_unit_test(test_a_field_added_is_shown_of_one),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
