#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/auth/signature_form.h"
#include "store/base/base64.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define UPPER "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
#define BASE64 "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="
#define URL64 "ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8"

static void
test_ways_of_writing_a_mac_are_told(void **state)
{
	static const struct {
		const char *value;
		enum signature_form form;
	} cases[] = {
		{ HEX, SIGNATURE_EXACT },
		{ UPPER, SIGNATURE_UPPERCASE },
		{ " " HEX, SIGNATURE_PADDED },
		{ "\"" HEX "\"", SIGNATURE_PADDED },
		{ "0x" HEX, SIGNATURE_PADDED },
		{ "sha256=" HEX, SIGNATURE_PREFIXED },
		{ "SHA256=" UPPER, SIGNATURE_PREFIXED },
		{ "sha256=" BASE64, SIGNATURE_PREFIXED },
		{ "v1=" HEX, SIGNATURE_PREFIXED },
		{ BASE64, SIGNATURE_BASE64 },
		{ URL64, SIGNATURE_BASE64 },
		{ "t=1750000000,v1=" HEX, SIGNATURE_OLD_SCHEME },
		{ "v1=" UPPER ", t=1750000000", SIGNATURE_OLD_SCHEME },
	};
	struct signature_claim claim;
	unsigned char mac[SIGNATURE_LEN];

	(void)state;
	assert_int_equal(signature_parse(HEX, mac), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		signature_form_read(cases[i].value, &claim);
		assert_int_equal(claim.form, cases[i].form);
		assert_true(claim.has_mac);
		assert_memory_equal(claim.mac, mac, SIGNATURE_LEN);
		if (claim.form == SIGNATURE_OLD_SCHEME)
			assert_string_equal(claim.time, "1750000000");
	}
}

/* Base64 of the digits, as a program that encodes twice makes. */
static void
test_base64_of_the_digits_is_told(void **state)
{
	struct signature_claim claim;
	char text[BASE64_SIZE(SIGNATURE_TEXT_LEN)];

	(void)state;
	(void)base64_encode(HEX, SIGNATURE_TEXT_LEN, text);
	signature_form_read(text, &claim);
	assert_int_equal(claim.form, SIGNATURE_BASE64);
	assert_int_equal(claim.mac[1], 0x11);
}

/* What has no MAC in it is named as far as it is known. */
static void
test_other_values_have_no_mac(void **state)
{
	static const struct {
		const char *value;
		enum signature_form form;
		const char *hash;
	} cases[] = {
		{ "", SIGNATURE_NONE, NULL },
		{ "x", SIGNATURE_NONE, NULL },
		{ HEX "0", SIGNATURE_NONE, NULL },
		{ "\xe9\xe9", SIGNATURE_NONE, NULL },
		{ "sha256=", SIGNATURE_NONE, NULL },
		{ "sha256=zz", SIGNATURE_PREFIXED, NULL },
		{ "t=1", SIGNATURE_NONE, NULL },
		{ "t=,v1=", SIGNATURE_NONE, NULL },
		{ "t=1,v1=0", SIGNATURE_OLD_SCHEME, NULL },
		{ "d41d8cd98f00b204e9800998ecf8427e", SIGNATURE_OTHER_HASH,
		    "MD5" },
		{ "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709",
		    SIGNATURE_OTHER_HASH, "SHA-1" },
		{ "da39a3ee5e6b4b0d3255bfef95601890afd80709",
		    SIGNATURE_OTHER_HASH, "SHA-1" },
		{ HEX HEX, SIGNATURE_OTHER_HASH, "SHA-512" },
	};
	struct signature_claim claim;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		signature_form_read(cases[i].value, &claim);
		assert_int_equal(claim.form, cases[i].form);
		assert_false(claim.has_mac);
		if (cases[i].hash != NULL)
			assert_string_equal(claim.hash, cases[i].hash);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways_of_writing_a_mac_are_told),
		cmocka_unit_test(test_base64_of_the_digits_is_told),
		cmocka_unit_test(test_other_values_have_no_mac),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
