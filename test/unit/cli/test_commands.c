#include "server/cli/commands.h"

#include <stdlib.h>

#include "test/lib/cmocka_all.h"

/* A path with blanks and quotes is one word to a shell. */
static void
test_words_are_quoted(void **state)
{
	const struct commands_place place = {
		.program = "/opt/my klikitd",
		.secret_file = "/it's/secret",
		.url = "http://127.0.0.1:8080/webhooks/klikit",
	};
	char *text;

	(void)state;
	text = commands_trigger(&place);
	assert_string_equal(text,
	    "KLIKIT_WEBHOOK_SECRET_FILE='/it'\\''s/secret' '/opt/my klikitd' "
	    "trigger created --to http://127.0.0.1:8080/webhooks/klikit");
	free(text);
	text = commands_sign(&place);
	assert_string_equal(text,
	    "KLIKIT_WEBHOOK_SECRET_FILE='/it'\\''s/secret' '/opt/my klikitd' "
	    "sign --header");
	free(text);
}

/* A secret of the environment is looked for there. */
static void
test_secret_of_the_environment(void **state)
{
	const struct commands_place place = {
		.program = "klikitd",
		.url = "http://[::1]:1/webhooks/klikit",
	};
	char *text = commands_sign(&place);

	(void)state;
	assert_string_equal(text, "'klikitd' sign --header");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_are_quoted),
		cmocka_unit_test(test_secret_of_the_environment),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
