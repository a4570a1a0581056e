#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/utf8.h"

/* The first and last character of each length are read, and written. */
static void
test_utf8_reads_every_length(void **state)
{
	static const struct {
		const char *text;
		uint32_t code;
	} cases[] = {
		{ "a", 'a' },
		{ "\x7f", 0x7f },
		{ "\xc2\x80", 0x80 },
		{ "\xdf\xbf", 0x7ff },
		{ "\xe0\xa0\x80", 0x800 },
		{ "\xef\xbf\xbf", 0xffff },
		{ "\xf0\x90\x80\x80", 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 0x10ffff },
	};
	char bytes[UTF8_MAX];
	uint32_t code;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(utf8_next(cases[i].text, strlen(cases[i].text),
				     &code),
		    strlen(cases[i].text));
		assert_int_equal(code, cases[i].code);
		assert_int_equal(utf8_put(code, bytes), strlen(cases[i].text));
		assert_memory_equal(bytes, cases[i].text,
		    strlen(cases[i].text));
	}
}

/* What a decoder must not take is not taken, nor is what is cut short. */
static void
test_utf8_refuses_malformed(void **state)
{
	static const char *const cases[] = { "\x80", "\xc0\xaf", "\xc1\xbf",
		"\xc3", "\xc3(", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80", "\xff" };
	uint32_t code = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(utf8_next(cases[i], strlen(cases[i]), &code),
		    0);
	assert_int_equal(utf8_next("", 0, &code), 0);
	assert_int_equal(code, 77);
}

/* What could fool a terminal or a reader is not plain; all else is. */
static void
test_utf8_knows_what_is_plain(void **state)
{
	static const uint32_t plain[] = { ' ', '~', '"', '\\', 0xa0, 0xe9,
		0x61b, 0x61d, 0x200b, 0x200c, 0x200d, 0x2010, 0x2027, 0x202f,
		0x2065, 0x2070, 0xfefe, 0xfff8, 0xfffc, 0xfffd, 0x1f35c,
		0xdffff, 0xe0080, 0xe0100, 0x10ffff };
	static const uint32_t others[] = { 0, '\t', '\n', 0x1b, 0x1f, 0x7f,
		0x80, 0x85, 0x9b, 0x9f, 0x61c, 0x200e, 0x200f, 0x2028, 0x2029,
		0x202a, 0x202e, 0x2066, 0x2069, 0x206a, 0x206f, 0xfeff, 0xfff9,
		0xfffb, 0xe0000, 0xe0001, 0xe007f };

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		assert_true(utf8_is_plain(plain[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(utf8_is_plain(others[i]));
}

static void
test_utf8_escapes_as_json(void **state)
{
	char text[UTF8_ESCAPE_MAX];

	(void)state;
	utf8_escape(0x9b, text);
	assert_string_equal(text, "\\u009b");
	utf8_escape(0x202e, text);
	assert_string_equal(text, "\\u202e");
	utf8_escape(0xe0001, text);
	assert_string_equal(text, "\\udb40\\udc01");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8_reads_every_length),
		cmocka_unit_test(test_utf8_refuses_malformed),
		cmocka_unit_test(test_utf8_knows_what_is_plain),
		cmocka_unit_test(test_utf8_escapes_as_json),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
