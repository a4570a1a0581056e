#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/queue/google_jwt.h"
#include "store/base/base64.h"

static const struct google_claims claims = {
	.email = "svc@demo.example",
	.key_id = "k1",
	.audience = "https://pubsub.googleapis.com/",
	.issued_s = 1700000000,
};

/* The part that ends at the dot or at the end of text, decoded. */
static void
expect_part(const char *text, const char *json)
{
	char bytes[512];
	size_t len;

	assert_int_equal(base64_decode(text, strcspn(text, "."), bytes, &len),
	    0);
	bytes[len] = '\0';
	assert_string_equal(bytes, json);
}

static void
test_header_and_claims_are_those_that_google_asks_for(void **state)
{
	char *input = google_jwt_input(&claims);

	(void)state;
	assert_non_null(input);
	assert_null(strpbrk(input, "+/=\n "));
	expect_part(input,
	    "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}");
	expect_part(strchr(input, '.') + 1,
	    "{\"iss\":\"svc@demo.example\",\"sub\":\"svc@demo.example\","
	    "\"aud\":\"https://pubsub.googleapis.com/\","
	    "\"iat\":1700000000,\"exp\":1700003600}");
	free(input);
}

static void
test_a_key_without_an_id_is_not_named(void **state)
{
	struct google_claims c = claims;
	char *input;

	(void)state;
	c.key_id = NULL;
	input = google_jwt_input(&c);
	expect_part(input, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
	free(input);
}

static void
test_text_that_is_no_utf8_makes_no_token(void **state)
{
	struct google_claims c = claims;

	(void)state;
	c.email = "\xff@demo.example";
	assert_null(google_jwt_input(&c));
}

/* RFC 4648, section 5: no padding, and '-' and '_' of the alphabet. */
static void
test_the_signature_goes_behind_in_base64url(void **state)
{
	static const unsigned char signature[] = { 0xfb, 0xff, 0xfe, 0x3e };
	char *token = google_jwt_join("a.b", signature, sizeof(signature));

	(void)state;
	assert_string_equal(token, "a.b.-__-Pg");
	free(token);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_header_and_claims_are_those_that_google_asks_for),
		cmocka_unit_test(test_a_key_without_an_id_is_not_named),
		cmocka_unit_test(test_text_that_is_no_utf8_makes_no_token),
		cmocka_unit_test(test_the_signature_goes_behind_in_base64url),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
