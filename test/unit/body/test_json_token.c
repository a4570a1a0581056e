#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/body/json_token.h"

/* A value ends where the next thing of the document begins. */
static void
test_json_token_end_finds_the_end(void **state)
{
	static const char *const tokens[] = { "0", "-1.5e+3", "null", "true",
		"\"\"", "\"a,]}\"", "\"\\\"\"", "\"\\\\\"", "\"\\\\\\\"]\"",
		"[]", "{}", "[1,[2],{\"a\":[\"]\\\"\"]}]",
		"{\"}\":\"{\",\"b\":[{}]}", "[ \"\" , \"x\" ]" };
	static const char *const followers[] = { ",1", "]", "}", " ]", "\n",
		"" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		for (size_t k = 0; k < 6; k++) {
			strcpy(text, tokens[i]);
			strcat(text, followers[k]);
			assert_ptr_equal(json_token_end(text),
			    text + strlen(tokens[i]));
		}
	}
}

/* Numbers and strings have a text, and nothing else has. */
static void
test_json_token_text_of_numbers_and_strings(void **state)
{
	char text[16];

	(void)state;
	assert_int_equal(json_token_text("84.50,9", 5, sizeof(text), text), 5);
	assert_string_equal(text, "84.50");
	assert_int_equal(json_token_text("\"a\\n\"", 5, sizeof(text), text), 2);
	assert_string_equal(text, "a\n");
	assert_int_equal(json_token_text("\"\"", 2, sizeof(text), text), 0);
	assert_string_equal(text, "");
	assert_int_equal(json_token_text("null", 4, sizeof(text), text), -1);
	assert_int_equal(json_token_text("false", 5, sizeof(text), text), -1);
	assert_int_equal(json_token_text("[1]", 3, sizeof(text), text), -1);
	assert_int_equal(json_token_text("{}", 2, sizeof(text), text), -1);
}

/* Text fits in size bytes with its NUL, or there is none. */
static void
test_json_token_text_keeps_to_its_size(void **state)
{
	char text[8];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		int want = size >= 4 ? 3 : -1;

		memset(text, '!', sizeof(text));
		assert_int_equal(json_token_text("123", 3, size, text), want);
		assert_int_equal(text[size], '!');
		assert_int_equal(json_token_text("\"123\"", 5, size, text),
		    want);
		assert_int_equal(text[size], '!');
		/* U+20AC is three bytes: all or none. */
		assert_int_equal(json_token_text("\"\\u20ac\"", 8, size, text),
		    want);
		assert_int_equal(text[size], '!');
	}
}

/* Every character decodes from its escapes to the bytes of RFC 3629. */
static void
test_json_token_text_decodes_to_shortest_utf8(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} cases[] = {
		{ "\"\\u0001\"", "\x01" },
		{ "\"\\u007F\"", "\x7f" },
		{ "\"\\u0080\"", "\xc2\x80" },
		{ "\"\\u07fF\"", "\xdf\xbf" },
		{ "\"\\u0800\"", "\xe0\xa0\x80" },
		{ "\"\\uD7FF\"", "\xed\x9f\xbf" },
		{ "\"\\uE000\"", "\xee\x80\x80" },
		{ "\"\\uFFFF\"", "\xef\xbf\xbf" },
		{ "\"\\uD800\\uDC00\"", "\xf0\x90\x80\x80" },
		{ "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf" },
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(json_token_text(cases[i].json,
				strlen(cases[i].json), sizeof(text), text) > 0);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_token_end_finds_the_end),
		cmocka_unit_test(test_json_token_text_of_numbers_and_strings),
		cmocka_unit_test(test_json_token_text_keeps_to_its_size),
		cmocka_unit_test(test_json_token_text_decodes_to_shortest_utf8),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
