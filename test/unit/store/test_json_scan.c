#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/json_scan.h"

/* A value ends where the next thing of the document begins. */
static void
test_json_scan_value_finds_the_end(void **state)
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
			assert_ptr_equal(json_scan_value(text,
					     text + strlen(text)),
			    text + strlen(tokens[i]));
		}
	}
}

/* What does not end, or is no value, leads no further than the text. */
static void
test_json_scan_keeps_to_its_text(void **state)
{
	static const char *const cut[] = { "", "\"", "\"a", "\"\\", "\"\\\"",
		"\"\\\\\\\"", "[", "[[]", "{\"a\":", "[\"]", "12", "tru" };
	const char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		const char *end = cut[i] + strlen(cut[i]);

		assert_ptr_equal(json_scan_value(cut[i], end), end);
		if (cut[i][0] == '"')
			assert_null(json_scan_string(cut[i], end));
	}
	text = "]x";
	assert_ptr_equal(json_scan_value(text, text + 2), text);
	text = " \t\r\n\v";
	assert_ptr_equal(json_scan_blanks(text, text + 5), text + 4);
	assert_ptr_equal(json_scan_blanks(text, text + 2), text + 2);
}

/* A scalar is right, cut short, or wrong from one byte on. */
static void
test_json_scan_scalar_finds_the_wrong_byte(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		enum json_scan_rc rc;
	} cases[] = {
		{ "0", 1, JSON_SCAN_OK },
		{ "01", 1, JSON_SCAN_OK }, /* what follows is not asked */
		{ "-0.5e-07]", 8, JSON_SCAN_OK },
		{ "1E+2", 4, JSON_SCAN_OK },
		{ "null", 4, JSON_SCAN_OK },
		{ "true,", 4, JSON_SCAN_OK },
		{ "false", 5, JSON_SCAN_OK },
		{ "\"\\u00aF\\\"\xff\" ", 11, JSON_SCAN_OK },
		{ "", 0, JSON_SCAN_CUT },
		{ "-", 1, JSON_SCAN_CUT },
		{ "1.", 2, JSON_SCAN_CUT },
		{ "1e+", 3, JSON_SCAN_CUT },
		{ "tru", 3, JSON_SCAN_CUT },
		{ "\"a", 2, JSON_SCAN_CUT },
		{ "\"\\", 2, JSON_SCAN_CUT },
		{ "\"\\u12", 5, JSON_SCAN_CUT },
		{ "+1", 0, JSON_SCAN_BAD },
		{ ".5", 0, JSON_SCAN_BAD },
		{ "1.e5", 2, JSON_SCAN_BAD },
		{ "nul!", 3, JSON_SCAN_BAD },
		{ "NaN", 0, JSON_SCAN_BAD },
		{ "\"\n\"", 1, JSON_SCAN_BAD },
		{ "\"\\x\"", 2, JSON_SCAN_BAD },
		{ "\"\\u12G4\"", 5, JSON_SCAN_BAD },
		{ "\"\\u\x11\x11\x11\x11\"", 3, JSON_SCAN_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text, *end;

		assert_int_equal(json_scan_scalar(text, text + strlen(text),
				     &end),
		    cases[i].rc);
		assert_ptr_equal(end, text + cases[i].len);
	}
}

/* An escape is a character, a pair of surrogates one, and all else none. */
static void
test_json_scan_escape_reads_one(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t code;
	} cases[] = {
		{ "\\n", 2, '\n' },
		{ "\\/", 2, '/' },
		{ "\\u00E9x", 6, 0xe9 },
		{ "\\ud83c\\udf5c", 12, 0x1f35c },
		{ "\\ud83c\\ud83c", 6, 0xd83c },
		{ "\\ud83c\\n", 6, 0xd83c },
		{ "\\udf5c\\ud83c", 6, 0xdf5c },
		{ "\\u0000", 6, 0 },
		{ "\\", 0, 0 },
		{ "\\x", 0, 0 },
		{ "\\u12", 0, 0 },
		{ "\\u12g4", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text;
		uint32_t code = 0;

		assert_int_equal(json_scan_escape(text, text + strlen(text),
				     &code),
		    cases[i].len);
		assert_int_equal(code, cases[i].code);
	}
}

/* Numbers and strings have a text, and nothing else has. */
static void
test_json_scan_text_of_numbers_and_strings(void **state)
{
	char text[16];

	(void)state;
	assert_int_equal(json_scan_text("84.50,9", 5, sizeof(text), text), 5);
	assert_string_equal(text, "84.50");
	assert_int_equal(json_scan_text("\"a\\n\"", 5, sizeof(text), text), 2);
	assert_string_equal(text, "a\n");
	assert_int_equal(json_scan_text("\"\"", 2, sizeof(text), text), 0);
	assert_string_equal(text, "");
	assert_int_equal(json_scan_text("null", 4, sizeof(text), text), -1);
	assert_int_equal(json_scan_text("false", 5, sizeof(text), text), -1);
	assert_int_equal(json_scan_text("[1]", 3, sizeof(text), text), -1);
	assert_int_equal(json_scan_text("{}", 2, sizeof(text), text), -1);
}

/* Text fits in size bytes with its NUL, or there is none. */
static void
test_json_scan_text_keeps_to_its_size(void **state)
{
	char text[8];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		int want = size >= 4 ? 3 : -1;

		memset(text, '!', sizeof(text));
		assert_int_equal(json_scan_text("123", 3, size, text), want);
		assert_int_equal(text[size], '!');
		assert_int_equal(json_scan_text("\"123\"", 5, size, text),
		    want);
		assert_int_equal(text[size], '!');
		/* U+20AC is three bytes: all or none. */
		assert_int_equal(json_scan_text("\"\\u20ac\"", 8, size, text),
		    want);
		assert_int_equal(text[size], '!');
	}
}

/* Every character decodes from its escapes to the bytes of RFC 3629. */
static void
test_json_scan_text_decodes_to_shortest_utf8(void **state)
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
		assert_true(json_scan_text(cases[i].json, strlen(cases[i].json),
				sizeof(text), text) > 0);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_scan_value_finds_the_end),
		cmocka_unit_test(test_json_scan_keeps_to_its_text),
		cmocka_unit_test(test_json_scan_scalar_finds_the_wrong_byte),
		cmocka_unit_test(test_json_scan_escape_reads_one),
		cmocka_unit_test(test_json_scan_text_of_numbers_and_strings),
		cmocka_unit_test(test_json_scan_text_keeps_to_its_size),
		cmocka_unit_test(test_json_scan_text_decodes_to_shortest_utf8),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
