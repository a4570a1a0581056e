#include <stdlib.h>
#include <string.h>

#include "server/base/json.h"
#include "test/lib/cmocka_all.h"

static void
assert_text(char *text, const char *want)
{
	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

/* What could steer a terminal is escaped, and the value stays what it is. */
static void
test_json_text_is_plain_and_equal(void **state)
{
	static const char raw[] = "a\xc2\x9b[31m \xe2\x80\xae \xd8\x9c \x7f "
				  "\xe2\x81\xa6 \xf3\xa0\x80\x81 caf\xc3\xa9";
	json_t *o = json_object(), *again;
	char *text;

	(void)state;
	assert_int_equal(json_set_text(o, "\xe2\x80\xa8", raw), 0);
	text = json_text(o);
	assert_non_null(text);
	again = json_loads(text, 0, NULL);
	assert_true(json_equal(o, again));
	assert_text(text,
	    "{\"\\u2028\":\"a\\u009b[31m \\u202e \\u061c \\u007f \\u2066 "
	    "\\udb40\\udc01 caf\xc3\xa9\"}");
	json_decref(again);
	json_decref(o);
	assert_null(json_text(NULL));
}

/* A document goes in digit for digit, on the same line, and plain as well. */
static void
test_json_text_with_a_document(void **state)
{
	json_t *o = json_object();

	(void)state;
	assert_text(json_text_with(o, "d", NULL), "{\"d\":null}");
	assert_int_equal(json_set_int(o, "a", 1), 0);
	assert_text(json_text_with(o, "d",
			"{\"x\":\r\n\t84.50,\"\xc2\x85\":1}"),
	    "{\"a\":1,\"d\":{\"x\":  \t84.50,\"\\u0085\":1}}");
	json_decref(o);
}

/* Bytes that JSON cannot hold, or that readers cut, are escaped once. */
static void
test_json_set_bytes_of_any_kind(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *want;
	} cases[] = {
		{ "", 0, "{\"b\":\"\"}" },
		{ "a\"b\\", 4, "{\"b\":\"a\\\"b\\\\\"}" },
		{ "\"caf\xe9\"", 6, "{\"b\":\"\\\"caf\\\\xe9\\\"\"}" },
		{ "a\0b", 3, "{\"b\":\"a\\\\x00b\"}" },
	};
	json_t *o;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o = json_object();
		assert_int_equal(json_set_bytes(o, "b", cases[i].bytes,
				     cases[i].len),
		    0);
		assert_text(json_text(o), cases[i].want);
		json_decref(o);
	}
}

/* A whole answer of 1 KB fits, however much of it is escaped. */
static void
test_json_set_bytes_keeps_a_whole_answer(void **state)
{
	char bytes[1024];
	json_t *o = json_object();

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(json_set_bytes(o, "b", bytes, sizeof(bytes)), 0);
	assert_int_equal(json_string_length(json_object_get(o, "b")),
	    4 * sizeof(bytes));
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_text_is_plain_and_equal),
		cmocka_unit_test(test_json_text_with_a_document),
		cmocka_unit_test(test_json_set_bytes_of_any_kind),
		cmocka_unit_test(test_json_set_bytes_keeps_a_whole_answer),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
