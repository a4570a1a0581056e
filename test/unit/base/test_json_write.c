#include <stdlib.h>
#include <string.h>

#include "server/base/json.h"
#include "server/base/json_write.h"
#include "test/lib/cmocka_all.h"

/* As text, and as a value, the string is what jansson makes of it. */
static void
assert_same(const char *bytes, size_t len)
{
	struct json_write w = { .value = false }, v = { .value = true };
	json_t *o = json_object(), *value;
	char *want, *text;
	size_t n;

	assert_int_equal(json_set_bytes(o, "b", bytes, len), 0);
	want = json_text(o);
	for (struct json_write *to = &w; to != NULL;
	     to = to == &w ? &v : NULL) {
		json_write_object(to);
		json_write_name(to, "b");
		json_write_bytes(to, bytes, len);
		json_write_object_end(to);
	}
	text = json_write_end(&w, &n);
	assert_non_null(text);
	assert_string_equal(text, want);
	assert_int_equal(n, strlen(want));
	value = json_write_value(&v);
	assert_true(json_equal(value, o));
	json_decref(value);
	free(text);
	free(want);
	json_decref(o);
}

static void
test_json_write_strings_as_jansson_does(void **state)
{
	static const char *const texts[] = { "", "abc", "a\"b\\c/d",
		"\b\f\n\r\t\v\x01\x1f\x7f", "caf\xc3\xa9 \xe2\x82\xac",
		"\xc2\x85 \xe2\x80\xa8 \xe2\x80\xae \xf3\xa0\x80\x81",
		"\xf0\x9f\x8d\x95", "caf\xe9", "\xed\xa0\x80", "\xc0\xaf",
		"\xf4\x90\x80\x80", "\xe2\x82", "\"\xff\n\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_same(texts[i], strlen(texts[i]));
	assert_same("a\0b", 3);
	assert_same("\0", 1);
}

/* Every pair of bytes, alone and within what is plain. */
static void
test_json_write_any_bytes(void **state)
{
	char text[] = "a..z";

	(void)state;
	for (unsigned i = 0; i < 0x10000; i++) {
		text[1] = (char)(i >> 8);
		text[2] = (char)i;
		assert_same(text, 4);
		assert_same(text + 1, 2);
	}
}

/* It grows as it must, and an answer of 1 KB that is all escaped fits. */
static void
test_json_write_long_strings(void **state)
{
	static char text[100000];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_same(text, sizeof(text));
	memset(text, '\n', sizeof(text));
	assert_same(text, sizeof(text));
	memset(text, 0xff, sizeof(text));
	assert_same(text, 1024);
	assert_same(text, 5000);
}

static void
write_others(struct json_write *w)
{
	json_write_array(w);
	json_write_int(w, INT64_MIN);
	json_write_int(w, INT64_MAX);
	json_write_object(w);
	json_write_object_end(w);
	json_write_object(w);
	json_write_name(w, "a");
	json_write_array(w);
	json_write_bool(w, true);
	json_write_bool(w, false);
	json_write_array_end(w);
	json_write_name(w, "b");
	json_write_time(w, 0);
	json_write_object_end(w);
	json_write_time(w, 1750000000000);
	json_write_text(w, NULL);
	json_write_array_end(w);
}

/* Values of every kind, within each other, as text and as a value. */
static void
test_json_write_other_values(void **state)
{
	static const char want[] =
	    "[-9223372036854775808,9223372036854775807,{},"
	    "{\"a\":[true,false],\"b\":null},"
	    "\"2025-06-15T15:06:40.000Z\",null]";
	struct json_write w = { .value = true };
	json_t *value;
	char *text;
	size_t len;

	(void)state;
	write_others(&w);
	assert_non_null(value = json_write_value(&w));
	assert_non_null(text = json_text(value));
	assert_string_equal(text, want);
	free(text);
	json_decref(value);
	w.value = false;
	write_others(&w);
	assert_non_null(text = json_write_end(&w, &len));
	assert_string_equal(text, want);
	free(text);
}

/* What is short of memory gives nothing, and may begin anew. */
static void
test_json_write_failed(void **state)
{
	struct json_write w = { .value = false };
	json_t *value;
	char *text;
	size_t len;

	(void)state;
	json_write_array(&w);
	json_write_failed(&w);
	write_others(&w);
	assert_null(json_write_end(&w, &len));
	write_others(&w);
	assert_non_null(text = json_write_end(&w, &len));
	free(text);
	w.value = true;
	json_write_array(&w);
	json_write_failed(&w);
	write_others(&w);
	json_write_array_end(&w);
	assert_null(json_write_value(&w));
	write_others(&w);
	assert_non_null(value = json_write_value(&w));
	json_decref(value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_write_strings_as_jansson_does),
		cmocka_unit_test(test_json_write_any_bytes),
		cmocka_unit_test(test_json_write_long_strings),
		cmocka_unit_test(test_json_write_other_values),
		cmocka_unit_test(test_json_write_failed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
