#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/base64.h"

/* The examples of RFC 4648 section 10, both ways. */
static void
test_examples_of_the_rfc(void **state)
{
	static const char *const texts[] = { "", "Zg==", "Zm8=", "Zm9v",
		"Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	char text[BASE64_SIZE(6)], bytes[BASE64_BYTES_MAX(8)];
	size_t len;

	(void)state;
	for (size_t n = 0; n <= 6; n++) {
		assert_int_equal(base64_encode("foobar", n, text),
		    strlen(texts[n]));
		assert_string_equal(text, texts[n]);
		assert_int_equal(base64_decode(text, strlen(text), bytes, &len),
		    0);
		assert_int_equal(len, n);
		assert_memory_equal(bytes, "foobar", n);
	}
}

/* Every byte survives, also without padding and in the other alphabet. */
static void
test_bytes_survive_in_all_forms(void **state)
{
	unsigned char bytes[256], back[BASE64_BYTES_MAX(BASE64_SIZE(256))];
	char text[BASE64_SIZE(256)];
	size_t n, len;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		bytes[i] = (unsigned char)(i * 7 + 250);
	n = base64_encode(bytes, sizeof(bytes), text);
	while (text[n - 1] == '=')
		n--;
	assert_int_equal(base64_decode(text, n, back, &len), 0);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(back, bytes, sizeof(bytes));
	for (size_t i = 0; i < n; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	assert_int_equal(base64_decode(text, n, back, &len), 0);
	assert_memory_equal(back, bytes, sizeof(bytes));
}

/* What is no base64 is refused. */
static void
test_other_texts_are_refused(void **state)
{
	static const char *const wrong[] = { "Z", "Zm9vY", "Zm 9", "Zm9v\n",
		"====", "=", "Zg=a",
		"Z===", "Zh==", "Zm9=", "Zg==Zg==", "caf\xc3\xa9" };
	char bytes[32];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(base64_decode(wrong[i], strlen(wrong[i]),
				     bytes, &len),
		    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples_of_the_rfc),
		cmocka_unit_test(test_bytes_survive_in_all_forms),
		cmocka_unit_test(test_other_texts_are_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
