/* Rows as bytes, how they change on the way, and their digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/move/digest.h"
#include "store/move/rows.h"

static const struct move_table table = {
	.name = "things",
	.nkeys = 2,
	.columns = {
		{ .name = "id", .type = MOVE_INT },
		{ .name = "word", .type = MOVE_TEXT, .names = true },
		{ .name = "due_at", .type = MOVE_INT, .steady = true },
		{ .name = "remark", .type = MOVE_TEXT },
		{ .name = "body", .type = MOVE_BYTES },
	},
};

static void
put_row(struct move_rows *rows, int64_t due, const char *word,
    const char *remark)
{
	move_put_int(rows, -17);
	move_put_text(rows, word, strlen(word));
	move_put_int(rows, due);
	move_put_text(rows, remark, strlen(remark));
	move_put_bytes(rows, "\0\xff", 2);
	rows->n++;
}

/* The text of the n-th value; valid as long as rows. */
static struct move_value
value_at(const struct move_rows *rows, size_t n)
{
	size_t at = n == 0 ? 0 : move_length(rows->bytes, rows->len, n);
	struct move_value v;

	assert_true(move_get(rows->bytes + at, rows->len - at, &v) > 0);
	return (v);
}

static void
test_what_is_put_is_got(void **state)
{
	struct move_rows rows = { 0 };
	struct move_value v;

	(void)state;
	move_put_int(&rows, INT64_MIN);
	move_put_int(&rows, 0);
	move_put_null(&rows);
	move_put_text(&rows, "", 0);
	move_put_bytes(&rows, "a\0b", 3);
	assert_int_equal(move_length(rows.bytes, rows.len, 5), rows.len);
	assert_true(value_at(&rows, 0).number == INT64_MIN);
	v = value_at(&rows, 1);
	assert_true(v.kind == MOVE_IS_INT && v.number == 0);
	assert_int_equal(value_at(&rows, 2).kind, MOVE_IS_NULL);
	v = value_at(&rows, 3);
	assert_true(v.kind == MOVE_IS_TEXT && v.len == 0);
	v = value_at(&rows, 4);
	assert_int_equal(v.kind, MOVE_IS_BYTES);
	assert_int_equal(v.len, 3);
	assert_memory_equal(v.p, "a\0b", 3);
	move_rows_fini(&rows);
}

/* Bytes that end too soon, or are none, are no values. */
static void
test_nothing_is_read_past_the_end(void **state)
{
	struct move_rows rows = { 0 };
	struct move_value v;

	(void)state;
	put_row(&rows, 5, "word", "remark");
	assert_int_equal(move_length(rows.bytes, rows.len, 5), rows.len);
	assert_int_equal(move_length(rows.bytes, rows.len, 6), 0);
	for (size_t len = 0; len < rows.len; len++)
		assert_int_equal(move_length(rows.bytes, len, 5), 0);
	assert_int_equal(move_get((const unsigned char *)"\x04", 1, &v), 0);
	move_rows_fini(&rows);
}

static void
test_only_times_of_the_steady_clock_are_shifted(void **state)
{
	const struct move_change how = { .shift_ms = 1000 };
	struct move_rows rows = { 0 }, to = { 0 };
	int64_t mended = 0;

	(void)state;
	put_row(&rows, 5, "word", "remark \xff");
	assert_null(
	    move_change_row(&table, &how, rows.bytes, rows.len, &to, &mended));
	assert_int_equal(value_at(&to, 2).number, 1005);
	assert_int_equal(value_at(&to, 0).number, -17);
	assert_int_equal(to.len, rows.len);
	assert_int_equal(mended, 0);

	move_rows_clear(&rows);
	move_rows_clear(&to);
	put_row(&rows, 0, "word", ""); /* at once stays at once */
	assert_null(
	    move_change_row(&table, &how, rows.bytes, rows.len, &to, &mended));
	assert_memory_equal(to.bytes, rows.bytes, rows.len);
	move_rows_fini(&rows);
	move_rows_fini(&to);
}

static void
mends(const char *remark, size_t len, const char *into)
{
	const struct move_change how = { .utf8 = true };
	struct move_rows rows = { 0 }, to = { 0 };
	struct move_value v;
	int64_t mended = 0;

	move_put_int(&rows, 1);
	move_put_text(&rows, "word", 4);
	move_put_null(&rows);
	move_put_text(&rows, remark, len);
	move_put_bytes(&rows, "\xff", 1); /* is no text */
	assert_null(
	    move_change_row(&table, &how, rows.bytes, rows.len, &to, &mended));
	assert_int_equal(move_length(to.bytes, to.len, 5), to.len);
	v = value_at(&to, 3);
	assert_int_equal(v.len, strlen(into));
	assert_memory_equal(v.p, into, v.len);
	assert_int_equal(mended, strlen(into) == len ? 0 : 1);
	move_rows_fini(&rows);
	move_rows_fini(&to);
}

static void
test_what_is_no_utf8_is_mended(void **state)
{
	(void)state;
	mends("", 0, "");
	mends("caf\xc3\xa9", 5, "caf\xc3\xa9");
	mends("caf\xe9", 4, "caf\xef\xbf\xbd");
	mends("\xff\xfe", 2, "\xef\xbf\xbd\xef\xbf\xbd");
	mends("a\0b", 3,
	    "a\xef\xbf\xbd"
	    "b");
	mends("\xc3", 1, "\xef\xbf\xbd");
}

static void
test_a_name_is_not_mended(void **state)
{
	const struct move_change how = { .utf8 = true };
	struct move_rows rows = { 0 }, to = { 0 };
	int64_t mended = 0;

	(void)state;
	put_row(&rows, 5, "w\xff", "remark");
	assert_string_equal(move_change_row(&table, &how, rows.bytes, rows.len,
				&to, &mended),
	    "word");
	assert_int_equal(mended, 0);
	move_rows_fini(&rows);
	move_rows_fini(&to);
}

static void
test_a_key_is_shown(void **state)
{
	char text[MOVE_KEY_MAX], word[400];
	struct move_rows rows = { 0 };

	(void)state;
	put_row(&rows, 5, "eu", "remark");
	move_key_text(&table, rows.bytes, rows.len, text);
	assert_string_equal(text, "-17 eu");
	move_rows_clear(&rows);
	put_row(&rows, 5, "", "remark");
	move_key_text(&table, rows.bytes, rows.len, text);
	assert_string_equal(text, "-17");
	move_rows_clear(&rows);
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	put_row(&rows, 5, word, "remark");
	move_key_text(&table, rows.bytes, rows.len, text);
	assert_int_equal(strlen(text), MOVE_KEY_MAX - 1);
	move_rows_fini(&rows);
}

/* FIPS 180-2, "abc" and the empty message. */
static void
test_the_digest_is_sha256(void **state)
{
	char text[MOVE_DIGEST_TEXT_MAX];
	struct move_digest *d = move_digest_new();

	(void)state;
	assert_non_null(d);
	move_digest_add(d, "a", 1);
	move_digest_add(d, "bc", 2);
	assert_int_equal(move_digest_end(d, text), 0);
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223"
				  "b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(move_digest_end(d, text), 0);
	assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb924"
				  "27ae41e4649b934ca495991b7852b855");
	move_digest_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_put_is_got),
		cmocka_unit_test(test_nothing_is_read_past_the_end),
		cmocka_unit_test(
		    test_only_times_of_the_steady_clock_are_shifted),
		cmocka_unit_test(test_what_is_no_utf8_is_mended),
		cmocka_unit_test(test_a_name_is_not_mended),
		cmocka_unit_test(test_a_key_is_shown),
		cmocka_unit_test(test_the_digest_is_sha256),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
