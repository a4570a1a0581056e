#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/hex.h"

/* Every byte is written as two lower-case digits, and a NUL ends them. */
static void
test_hex_encode_is_lower_case(void **state)
{
	static const unsigned char bytes[] = { 0x00, 0x09, 0x0a, 0x9f, 0xa0,
		0xff };
	char text[2 * sizeof(bytes) + 2];

	(void)state;
	memset(text, '!', sizeof(text));
	hex_encode(bytes, sizeof(bytes), text);
	assert_string_equal(text, "00090a9fa0ff");
	assert_int_equal(text[sizeof(text) - 1], '!');
	hex_encode(bytes, 0, text);
	assert_string_equal(text, "");
}

/* What was encoded decodes to itself, for every value of a byte. */
static void
test_hex_decode_inverts_encode(void **state)
{
	unsigned char bytes[256], back[256];
	char text[2 * sizeof(bytes) + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	hex_encode(bytes, sizeof(bytes), text);
	assert_int_equal(hex_decode(text, sizeof(back), back), 0);
	assert_memory_equal(bytes, back, sizeof(bytes));
}

/* Of all characters only 0-9 and a-f are digits, in either place. */
static void
test_hex_decode_refuses_other_characters(void **state)
{
	unsigned char byte;
	char text[2];

	(void)state;
	for (int c = 0; c < 256; c++) {
		int want =
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ? 0 : -1;

		text[0] = (char)c;
		text[1] = '0';
		assert_int_equal(hex_decode(text, 1, &byte), want);
		text[0] = '0';
		text[1] = (char)c;
		assert_int_equal(hex_decode(text, 1, &byte), want);
	}
}

/* Decoding stops at the end of the text, and at what is no digit. */
static void
test_hex_decode_reads_no_further(void **state)
{
	char *text;
	unsigned char byte = 7;

	(void)state;
	text = test_malloc(1);
	text[0] = '\0';
	assert_int_equal(hex_decode(text, 1, &byte), -1);
	assert_int_equal(hex_decode(text, 0, &byte), 0);
	assert_int_equal(byte, 7);
	test_free(text);
}

/* A number may have digits of either case, and nothing else. */
static void
test_hex_value_takes_either_case(void **state)
{
	char text[2] = { '0', 0 };

	(void)state;
	assert_int_equal(hex_value("1aBfF00", 7), 0x1abff00);
	assert_int_equal(hex_value("ff", 1), 15);
	assert_int_equal(hex_value("", 0), 0);
	for (int c = 0; c < 256; c++) {
		text[1] = (char)c;
		assert_int_equal(hex_value(text, 2) != -1,
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
			(c >= 'A' && c <= 'F'));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex_encode_is_lower_case),
		cmocka_unit_test(test_hex_decode_inverts_encode),
		cmocka_unit_test(test_hex_decode_refuses_other_characters),
		cmocka_unit_test(test_hex_decode_reads_no_further),
		cmocka_unit_test(test_hex_value_takes_either_case),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
