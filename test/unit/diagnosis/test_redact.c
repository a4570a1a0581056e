#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/diagnosis/redact.h"
#include "server/diagnosis/diagnosis.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define URL64 "ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8"

/* What is shown of one header. */
static const char *
shown(const char *name, const char *value)
{
	const struct diagnosis_header h = { name, value };
	static char text[512];

	redact_headers(&h, 1, text, sizeof(text));
	return (text);
}

/* Secret by its name, however it is written. */
static void
test_secret_names_show_only_lengths(void **state)
{
	static const char *const names[] = { "Authorization",
		"proxy-authorization", "Cookie", "x-klikit-signature",
		"X_Klikit_Signature", "X-API-Key", "X-Auth-Token",
		"x-webhook-secret" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_null(strstr(shown(names[i], "CANARY"), "CANARY"));
		assert_non_null(
		    strstr(shown(names[i], "CANARY"), ": (6 bytes)\n"));
	}
	assert_string_equal(shown("Host", "example.com:80"),
	    "Host: example.com:80\n");
}

/* A MAC is one under any name, and in any writing of it. */
static void
test_values_that_may_be_macs_are_not_shown(void **state)
{
	(void)state;
	assert_string_equal(shown("x-a", HEX), "x-a: (64 bytes)\n");
	assert_string_equal(shown("x-a", "v1=" HEX ";"), "x-a: (68 bytes)\n");
	assert_string_equal(shown("x-a", URL64), "x-a: (43 bytes)\n");
	assert_true(redact_is_mac("of " HEX "!"));
	assert_false(redact_is_mac("f47ac10b-58cc-4372-a567-0e02b2c3d479"));
	assert_false(redact_is_mac("curl/7.88.1 (x86_64-pc-linux-gnu) a/b"));
}

/* Whole lines only, and never past the end. */
static void
test_lines_are_whole(void **state)
{
	const struct diagnosis_header two[] = { { "a", "1" }, { "b", "2" } };
	char text[16];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, '!', sizeof(text));
		redact_headers(two, 2, text, size);
		assert_string_equal(text, size > 10  ? "a: 1\nb: 2\n"
					  : size > 5 ? "a: 1\n"
						     : "");
		assert_int_equal(text[size], '!');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret_names_show_only_lengths),
		cmocka_unit_test(test_values_that_may_be_macs_are_not_shown),
		cmocka_unit_test(test_lines_are_whole),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
