#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/auth/secret_shape.h"

#define NONE "(none)"

/* The variant as text, in memory of just the room that is promised. */
static const char *
variant(enum secret_variant v, const char *secret)
{
	static char text[256];
	char *out = malloc(SECRET_VARIANT_SIZE(strlen(secret)));
	size_t len;

	assert_non_null(out);
	strcpy(text, NONE);
	if (secret_variant_make(v, secret, strlen(secret), out, &len) == 0) {
		memcpy(text, out, len);
		text[len] = '\0';
	}
	free(out);
	return (text);
}

static void
test_variants_undo_or_do_what_happens_to_secrets(void **state)
{
	static const struct {
		enum secret_variant variant;
		const char *secret, *want;
	} cases[] = {
		{ SECRET_AS_IS, "s3cret", "s3cret" },
		{ SECRET_NO_NEWLINE, "s3cret\r\n", "s3cret" },
		{ SECRET_NO_NEWLINE, "s3cret", NONE },
		{ SECRET_NO_NEWLINE, "\n", NONE },
		{ SECRET_TRIMMED, "\t s3cret \n", "s3cret" },
		{ SECRET_TRIMMED, "a b", NONE },
		{ SECRET_UNQUOTED, "\"s3cret\"", "s3cret" },
		{ SECRET_UNQUOTED, " 's3cret'\n", "s3cret" },
		{ SECRET_UNQUOTED, "\"s3cret'", NONE },
		{ SECRET_UNQUOTED, "\"\"", NONE },
		{ SECRET_UNASSIGNED, "KLIKIT_WEBHOOK_SECRET=abc=", "abc=" },
		{ SECRET_UNASSIGNED, "export A_SECRET=\"abc\"\n", "abc" },
		{ SECRET_UNASSIGNED, "ABCD==", NONE },
		{ SECRET_UNASSIGNED, "abc=d", NONE },
		{ SECRET_NO_BOM, "\xef\xbb\xbfs3cret", "s3cret" },
		{ SECRET_WITH_NEWLINE, "s", "s\n" },
		{ SECRET_WITH_CRLF, "s", "s\r\n" },
		{ SECRET_WITH_BLANK, "s", "s " },
		{ SECRET_WITH_QUOTES, "s", "\"s\"" },
		{ SECRET_WITH_APOSTROPHES, "s", "'s'" },
		{ SECRET_FROM_HEX, "30313233343536374a4B", "01234567JK" },
		{ SECRET_FROM_HEX, "30313233343536374a4", NONE },
		{ SECRET_FROM_HEX, "3031", NONE },
		{ SECRET_FROM_BASE64, "MDEyMzQ1Njc4OUpL", "0123456789JK" },
		{ SECRET_FROM_BASE64, "no base64 at all!", NONE },
		{ SECRET_TO_HEX, "JK", "4a4b" },
		{ SECRET_TO_UPPER_HEX, "JK", "4A4B" },
		{ SECRET_TO_BASE64, "0123456789J", "MDEyMzQ1Njc4OUo=" },
		{ SECRET_LOWER, "AbC", "abc" },
		{ SECRET_LOWER, "abc", NONE },
		{ SECRET_UPPER, "AbC", "ABC" },
		{ SECRET_EMPTY, "abc", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(variant(cases[i].variant, cases[i].secret),
		    cases[i].want);
}

/*
 * Make a variant in the room that is promised, and not a byte more. Returns its
 * length, 0 if there is none of that kind.
 */
static size_t
assert_fits(enum secret_variant v, const char *secret, size_t len)
{
	static const char guard[] = "guard";
	size_t room = SECRET_VARIANT_SIZE(len), made = SIZE_MAX;
	char *out = malloc(room + sizeof(guard));
	int rc;

	assert_non_null(out);
	memcpy(out + room, guard, sizeof(guard));
	rc = secret_variant_make(v, secret, len, out, &made);
	assert_memory_equal(out + room, guard, sizeof(guard));
	if (rc == 0) {
		assert_in_range(made, 1, room);
		assert_false(v != SECRET_AS_IS && made == len &&
			     memcmp(out, secret, len) == 0);
	} else
		assert_int_equal(rc, -1);
	free(out);
	return (rc == 0 ? made : 0);
}

/*
 * Secrets of every length fit in the room that is promised, and no variant is
 * the secret again; the widest ones take what they must.
 */
static void
test_every_variant_fits(void **state)
{
	char secret[100];

	(void)state;
	for (size_t len = 1; len < sizeof(secret); len++) {
		memset(secret, 'a', sizeof(secret));
		secret[len] = '\0';
		for (int v = 0; v < SECRET_NVARIANTS; v++)
			(void)assert_fits(v, secret, len);
		assert_int_equal(assert_fits(SECRET_AS_IS, secret, len), len);
		assert_int_equal(assert_fits(SECRET_TO_HEX, secret, len),
		    2 * len);
		assert_int_equal(assert_fits(SECRET_TO_BASE64, secret, len),
		    (len + 2) / 3 * 4);
		assert_int_equal(assert_fits(SECRET_WITH_CRLF, secret, len),
		    len + 2);
		assert_int_equal(assert_fits(SECRET_UPPER, secret, len), len);
		assert_int_equal(assert_fits(SECRET_LOWER, secret, len), 0);
	}
}

/* What looks like a mistake is named, and what does not is not. */
static void
test_odd_shapes_are_warned_of(void **state)
{
	static const char *const good[] = { "s3cret", "a b",
		"MDEyMzQ=", "whsec_MDEyMzQ==", "\"", "ABCD==" };
	static const struct {
		const char *secret, *word;
	} odd[] = { { "s\n", "line end" }, { "s\r", "line end" },
		{ "s ", "ends with a blank" }, { " s", "begins with a blank" },
		{ "\"s\"", "quotes" }, { "'s'", "quotes" },
		{ "\xef\xbb\xbfs", "byte order mark" },
		{ "KLIKIT_WEBHOOK_SECRET=s", "NAME=" },
		{ "a\nb", "several lines" }, { "", "empty" } };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(secret_shape_warning(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_non_null(strstr(secret_shape_warning(odd[i].secret,
					   strlen(odd[i].secret)),
		    odd[i].word));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_variants_undo_or_do_what_happens_to_secrets),
		cmocka_unit_test(test_every_variant_fits),
		cmocka_unit_test(test_odd_shapes_are_warned_of),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
