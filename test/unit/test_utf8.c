#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/utf8.h"

/* The first and last character of each length are read. */
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
	uint32_t code;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(utf8_next(cases[i].text, strlen(cases[i].text),
				     &code),
		    strlen(cases[i].text));
		assert_int_equal(code, cases[i].code);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8_reads_every_length),
		cmocka_unit_test(test_utf8_refuses_malformed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
