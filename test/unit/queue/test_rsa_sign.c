#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>

#include "handlers/queue/digest.h"
#include "handlers/queue/rsa_sign.h"
#include "test/lib/rsa_keys.h"

/* How the last signatures ended. */
struct ends {
	struct event_base *base;
	unsigned n;
	unsigned wanted;
	unsigned char signature[RSA_SIGNATURE_MAX];
	size_t len;
};

/* rsa_sign_fn */
static void
signed_cb(const unsigned char *signature, size_t len, void *arg)
{
	struct ends *ends = arg;

	ends->len = len;
	if (signature != NULL)
		memcpy(ends->signature, signature, len);
	if (++ends->n == ends->wanted)
		event_base_loopbreak(ends->base);
}

static void
ends_wait(struct ends *ends, unsigned n)
{
	ends->wanted = n;
	while (ends->n < n)
		assert_int_equal(event_base_loop(ends->base, EVLOOP_ONCE), 0);
}

/* Does the public half of the key verify it? */
static bool
is_signature(const char *text, const unsigned char *signature, size_t len)
{
	unsigned char hash[SHA256_LEN];
	mbedtls_pk_context pk;
	int rc;

	mbedtls_pk_init(&pk);
	assert_int_equal(mbedtls_pk_parse_public_key(&pk,
			     (const unsigned char *)rsa_key_2048_public,
			     sizeof(rsa_key_2048_public)),
	    0);
	assert_int_equal(digest_sha256(text, strlen(text), hash), 0);
	rc = mbedtls_pk_verify(&pk, MBEDTLS_MD_SHA256, hash, sizeof(hash),
	    signature, len);
	mbedtls_pk_free(&pk);
	return (rc == 0);
}

static int
setup(void **state)
{
	struct ends *ends = calloc(1, sizeof(*ends));

	assert_non_null(ends);
	ends->base = event_base_new();
	assert_non_null(ends->base);
	*state = ends;
	return (0);
}

static int
teardown(void **state)
{
	struct ends *ends = *state;

	event_base_free(ends->base);
	free(ends);
	return (0);
}

static void
test_a_signature_is_that_of_the_key(void **state)
{
	struct ends *ends = *state;

	assert_non_null(
	    rsa_sign_start(ends->base, rsa_key_2048, "a.b", signed_cb, ends));
	assert_int_equal(ends->n, 0); /* never before it returns */
	ends_wait(ends, 1);
	assert_int_equal(ends->len, 256);
	assert_true(is_signature("a.b", ends->signature, ends->len));
	assert_false(is_signature("a.c", ends->signature, ends->len));
}

static void
test_several_are_made_at_once(void **state)
{
	struct ends *ends = *state;

	for (int i = 0; i < 8; i++)
		assert_non_null(rsa_sign_start(ends->base, rsa_key_2048, "a.b",
		    signed_cb, ends));
	ends_wait(ends, 8);
	assert_int_equal(ends->n, 8);
	assert_true(is_signature("a.b", ends->signature, ends->len));
}

static void
test_a_key_of_no_use_signs_nothing(void **state)
{
	static const char *const keys[] = { "", "no key", ec_key, rsa_key_1024,
		rsa_key_2048_public };
	struct ends *ends = *state;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		ends->len = 1;
		assert_non_null(rsa_sign_start(ends->base, keys[i], "a.b",
		    signed_cb, ends));
		ends_wait(ends, (unsigned)i + 1);
		assert_int_equal(ends->len, 0);
	}
}

/* The other one shows that the loop has heard of all that was made. */
static void
test_what_is_cancelled_does_not_come_back(void **state)
{
	struct ends *ends = *state;
	struct rsa_signing *s;

	for (int i = 0; i < 8; i++) {
		s = rsa_sign_start(ends->base, rsa_key_2048, "a.b", signed_cb,
		    NULL);
		assert_non_null(s);
		rsa_sign_cancel(s);
	}
	assert_non_null(
	    rsa_sign_start(ends->base, rsa_key_2048, "a.b", signed_cb, ends));
	ends_wait(ends, 1);
	assert_int_equal(event_base_loop(ends->base, EVLOOP_NONBLOCK), 1);
	assert_int_equal(ends->n, 1);
}

static void
test_a_key_is_judged_in_words(void **state)
{
	static const struct {
		const char *key;
		const char *reason;
	} rows[] = {
		{ "", "not one in PEM" },
		{ "hush", "not one in PEM" },
		{ rsa_key_2048_public, "not one in PEM" },
		{ ec_key, "not one of RSA" },
		{ rsa_key_1024, "fewer than 2048 bits" },
	};
	char reason[KEY_REASON_MAX];

	(void)state;
	assert_int_equal(rsa_sign_judge(rsa_key_2048, reason), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(rsa_sign_judge(rows[i].key, reason), -1);
		assert_non_null(strstr(reason, rows[i].reason));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_a_signature_is_that_of_the_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several_are_made_at_once,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_key_of_no_use_signs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_what_is_cancelled_does_not_come_back, setup, teardown),
		cmocka_unit_test(test_a_key_is_judged_in_words),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
