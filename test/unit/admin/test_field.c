/* Rows by a list of their fields: a field that is in the list is shown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/admin/field.h"

struct part {
	const char *name;
};

struct row {
	int64_t id;
	int32_t place;
	unsigned tries;
	int64_t took_ms;
	const char *text;
	int64_t at_ms;
	bool open;
	const void *bytes;
	size_t nbytes;
	const struct part *parts;
	size_t nparts;
};

static const char *
word(const void *row)
{
	const struct row *r = row;

	return (r->open ? "open" : "shut");
}

static bool
has_text(const void *row)
{
	const struct row *r = row;

	return (r->text != NULL);
}

static const char *
cell(const json_t *object, char *buf, size_t max)
{
	(void)snprintf(buf, max, "%lld times",
	    (long long)json_integer_value(json_object_get(object, "tries")));
	return (buf);
}

static const struct field part_fields[] = {
	{ "name", "NAME", .kind = FIELD_TEXT, FIELD(struct part, name) },
	{ .name = NULL },
};

#define AT(member) FIELD(struct row, member)
static const struct field first_fields[] = {
	{ "id", "ID", .kind = FIELD_COUNT, AT(id) },
	{ "place", "PLACE", .kind = FIELD_NUMBER, AT(place), .none = -1 },
	{ .name = NULL },
};
static const struct field fields[] = {
	{ "first", .kind = FIELD_ALL, .fields = first_fields },
	{ "tries", "TRIES", .kind = FIELD_COUNT, AT(tries), .cell = cell },
	{ "took", "TOOK", .kind = FIELD_MS, AT(took_ms) },
	{ "text", "TEXT", .kind = FIELD_TEXT, AT(text), .has = has_text },
	{ "word", "WORD", .kind = FIELD_WORD, .word = word },
	{ "at", "AT", .kind = FIELD_TIME, AT(at_ms) },
	{ "open", "OPEN", .kind = FIELD_BOOL, AT(open) },
	{ "bytes", "BYTES", .kind = FIELD_BYTES, AT(bytes),
	    .len_at = offsetof(struct row, nbytes) },
	{ "base64", .kind = FIELD_BASE64, AT(bytes),
	    .len_at = offsetof(struct row, nbytes) },
	{ "parts", "PARTS", .kind = FIELD_ROWS, AT(parts),
	    .len_at = offsetof(struct row, nparts), .fields = part_fields,
	    .stride = sizeof(struct part) },
	{ "later", .kind = FIELD_LATER, .fields = part_fields },
	{ .name = NULL },
};
#undef AT

static const struct part parts[] = { { "a" }, { NULL } };
static const struct row whole = { INT64_MAX, 3, 7, 35, "t\xff", 1750000000000,
	true, "\x01\x02\xff", 3, parts, 2 };
static const struct row empty = { 1, -1, 0, 0, NULL, 0, false, NULL, 0, NULL,
	0 };

static void
assert_json(const struct field *list, const struct row *row, const char *want)
{
	json_t *o = field_json(list, row);
	char *text;

	assert_non_null(o);
	text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	assert_string_equal(text, want);
	free(text);
	json_decref(o);
}

static void
test_every_kind_has_its_json(void **state)
{
	(void)state;
	assert_json(fields, &whole,
	    "{\"id\":9223372036854775807,\"place\":3,\"tries\":7,\"took\":35,"
	    "\"text\":\"t\\\\xff\",\"word\":\"open\","
	    "\"at\":\"2025-06-15T15:06:40.000Z\",\"open\":true,"
	    "\"bytes\":\"\\\\x01\\\\x02\\\\xff\",\"base64\":\"AQL/\","
	    "\"parts\":[{\"name\":\"a\"},{\"name\":null}]}");
}

static void
test_nothing_is_null_or_left_out(void **state)
{
	(void)state;
	assert_json(fields, &empty,
	    "{\"id\":1,\"place\":null,\"tries\":0,\"took\":0,"
	    "\"word\":\"shut\",\"at\":null,\"open\":false,\"bytes\":\"\","
	    "\"base64\":\"\",\"parts\":[]}");
}

static void
test_rows_are_an_array(void **state)
{
	json_t *list = field_array(part_fields, parts, 2, sizeof(parts[0]));

	(void)state;
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(
				json_object_get(json_array_get(list, 0),
				    "name")),
	    "a");
	json_decref(list);
}

struct seen {
	const struct field *all[16];
	size_t n;
};

static void
note(const struct field *f, void *arg)
{
	struct seen *seen = arg;

	seen->all[seen->n++] = f;
}

static void
test_each_goes_through_lists_within(void **state)
{
	struct seen seen = { .n = 0 };

	(void)state;
	field_each(fields, note, &seen);
	assert_int_equal(seen.n, 12);
	assert_ptr_equal(seen.all[0], &first_fields[0]);
	assert_ptr_equal(seen.all[2], &fields[1]);
	assert_string_equal(seen.all[11]->name, "later");
}

static void
assert_cell(const json_t *o, const char *name, const char *want)
{
	struct seen seen = { .n = 0 };
	char buf[FIELD_CELL_MAX];

	field_each(fields, note, &seen);
	for (size_t i = 0; i < seen.n; i++) {
		if (strcmp(seen.all[i]->name, name) == 0) {
			assert_string_equal(field_cell(seen.all[i], o, buf),
			    want);
			return;
		}
	}
	fail_msg("no field %s", name);
}

static void
test_every_kind_has_its_cell(void **state)
{
	json_t *o = field_json(fields, &whole), *none;

	(void)state;
	assert_cell(o, "id", "9223372036854775807");
	assert_cell(o, "tries", "7 times");
	assert_cell(o, "took", "35 ms");
	assert_cell(o, "text", "t\\xff");
	assert_cell(o, "at", "2025-06-15T15:06:40.000Z");
	assert_cell(o, "open", "yes");
	assert_cell(o, "parts", "2");
	assert_cell(o, "later", "-");
	json_decref(o);
	none = field_json(fields, &empty);
	assert_cell(none, "place", "-");
	assert_cell(none, "text", "-");
	assert_cell(none, "open", "no");
	json_decref(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_has_its_json),
		cmocka_unit_test(test_nothing_is_null_or_left_out),
		cmocka_unit_test(test_rows_are_an_array),
		cmocka_unit_test(test_each_goes_through_lists_within),
		cmocka_unit_test(test_every_kind_has_its_cell),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
