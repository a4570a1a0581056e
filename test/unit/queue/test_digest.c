#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/queue/digest.h"
#include "store/base/hex.h"

static void
expect_hex(const unsigned char *bytes, size_t len, const char *hex)
{
	char text[2 * SHA256_LEN + 1];

	hex_encode(bytes, len, text);
	assert_string_equal(text, hex);
}

/* FIPS 180-4's example "abc". */
static void
test_sha256_is_that_of_the_standard(void **state)
{
	unsigned char digest[SHA256_LEN];

	(void)state;
	assert_int_equal(digest_sha256("abc", 3, digest), 0);
	expect_hex(digest, sizeof(digest),
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, test case 2. */
static void
test_hmac_is_that_of_the_rfc(void **state)
{
	static const char text[] = "what do ya want for nothing?";
	unsigned char mac[SHA256_LEN];

	(void)state;
	assert_int_equal(digest_hmac_sha256("Jefe", 4, text, strlen(text), mac),
	    0);
	expect_hex(mac, sizeof(mac),
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
}

/* FIPS 180-4's example "abc". */
static void
test_sha1_is_that_of_the_standard(void **state)
{
	unsigned char digest[SHA1_LEN];

	(void)state;
	assert_int_equal(digest_sha1("abc", 3, digest), 0);
	expect_hex(digest, sizeof(digest),
	    "a9993e364706816aba3e25717850c26c9cd0d89d");
}

/* RFC 1321, A.5. */
static void
test_md5_is_that_of_the_rfc(void **state)
{
	unsigned char digest[MD5_LEN];

	(void)state;
	assert_int_equal(digest_md5("abc", 3, digest), 0);
	expect_hex(digest, sizeof(digest), "900150983cd24fb0d6963f7d28e17f72");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_is_that_of_the_standard),
		cmocka_unit_test(test_hmac_is_that_of_the_rfc),
		cmocka_unit_test(test_sha1_is_that_of_the_standard),
		cmocka_unit_test(test_md5_is_that_of_the_rfc),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
