#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/intake/probe_body.h"

static const unsigned char nonce[PROBE_NONCE_LEN] = "\x00\x01 a nonce \xff";

static void
test_what_is_made_is_read(void **state)
{
	unsigned char again[PROBE_NONCE_LEN];
	char text[PROBE_BODY_LEN + 1];

	(void)state;
	probe_body_make(nonce, text);
	assert_int_equal(strlen(text), PROBE_BODY_LEN);
	assert_true(probe_body_read(text, PROBE_BODY_LEN, again));
	assert_memory_equal(again, nonce, sizeof(nonce));
}

/* Whatever else klikit signs is an event. */
static void
test_nothing_else_is_a_probe(void **state)
{
	unsigned char again[PROBE_NONCE_LEN];
	char text[PROBE_BODY_LEN + 1], other[PROBE_BODY_LEN + 1];

	(void)state;
	probe_body_make(nonce, text);
	for (size_t len = 0; len < PROBE_BODY_LEN; len++)
		assert_false(probe_body_read(text, len, again));
	for (size_t i = 0; i < PROBE_BODY_LEN; i++) {
		memcpy(other, text, sizeof(other));
		other[i] = other[i] == 'X' ? 'Y' : 'X';
		assert_false(probe_body_read(other, PROBE_BODY_LEN, again));
	}
	/* Digits have one form. */
	memcpy(other, text, sizeof(other));
	*strchr(other + 18, 'f') = 'F';
	assert_false(probe_body_read(other, PROBE_BODY_LEN, again));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_made_is_read),
		cmocka_unit_test(test_nothing_else_is_a_probe),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
