/* Who may pull: tokens out of a file, and whether one fits. */
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/hub/hub_token.h"

#define OLD "old-token-0123456789"
#define NEW "new-token-0123456789"

static const char *
read_text(const char *text, struct hub_tokens *ret)
{
	return (hub_tokens_read(text, strlen(text), ret));
}

static void
test_two_are_valid_at_once(void **state)
{
	struct hub_tokens tokens;

	(void)state;
	assert_null(read_text(OLD "\n" NEW, &tokens));
	assert_true(hub_tokens_fit(&tokens, OLD));
	assert_true(hub_tokens_fit(&tokens, NEW));
	assert_false(hub_tokens_fit(&tokens, OLD "x"));
	assert_false(hub_tokens_fit(&tokens, "old-token-012345678"));
	assert_false(hub_tokens_fit(&tokens, ""));
	assert_false(hub_tokens_fit(&tokens, OLD "\n" NEW));
}

static void
test_one_is_enough(void **state)
{
	struct hub_tokens tokens;

	(void)state;
	assert_null(read_text("\r\n\n" OLD "\r\n\n", &tokens));
	assert_true(hub_tokens_fit(&tokens, OLD));
	assert_false(hub_tokens_fit(&tokens, "")); /* the place of the second */
}

static void
test_without_tokens_nothing_fits(void **state)
{
	static const struct hub_tokens none;

	(void)state;
	assert_false(hub_tokens_fit(&none, ""));
	assert_false(hub_tokens_fit(&none, OLD));
}

static void
test_what_is_no_token_is_named(void **state)
{
	static const char *const bad[] = { "", "\n\n", "short",
		"a token with blanks in it", OLD "\n" NEW "\n" OLD "3",
		OLD "\nshort", "token-with-\x7f-0123456789",
		"token-w\xc3\xa4hrend-0123456789" };
	struct hub_tokens tokens;
	char longest[HUB_TOKEN_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_non_null(read_text(bad[i], &tokens));
		assert_false(hub_tokens_fit(&tokens, OLD));
	}
	assert_non_null(hub_tokens_read(OLD "\0" NEW,
	    sizeof(OLD) + sizeof(NEW) - 1, &tokens));
	memset(longest, 'a', sizeof(longest));
	longest[HUB_TOKEN_MAX + 1] = '\0';
	assert_non_null(read_text(longest, &tokens));
	longest[HUB_TOKEN_MAX] = '\0';
	assert_null(read_text(longest, &tokens));
	assert_true(hub_tokens_fit(&tokens, longest));
	longest[HUB_TOKEN_MAX] = 'a';
	assert_false(hub_tokens_fit(&tokens, longest));
}

static void
test_a_change_is_seen(void **state)
{
	struct hub_tokens a, b;

	(void)state;
	assert_null(read_text(OLD, &a));
	assert_null(read_text(OLD "\n", &b));
	assert_true(hub_tokens_equal(&a, &b));
	assert_null(read_text(OLD "\n" NEW, &b));
	assert_false(hub_tokens_equal(&a, &b));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_are_valid_at_once),
		cmocka_unit_test(test_one_is_enough),
		cmocka_unit_test(test_without_tokens_nothing_fits),
		cmocka_unit_test(test_what_is_no_token_is_named),
		cmocka_unit_test(test_a_change_is_seen),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
