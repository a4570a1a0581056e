#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/queue/json_secret.h"

/* Takes "key" out of text; both are compared, and text is NULL for none. */
static void
check(const char *json, const char *secret, const char *left)
{
	char *bytes = strdup(json), *text;

	assert_non_null(bytes);
	text = json_secret_take(bytes, strlen(bytes), "key");
	if (secret == NULL) {
		assert_null(text);
		assert_string_equal(bytes, json);
	} else {
		assert_non_null(text);
		assert_string_equal(text, secret);
		assert_string_equal(bytes, left);
	}
	free(text);
	free(bytes);
}

static void
test_a_secret_is_taken_out(void **state)
{
	(void)state;
	check("{\"key\":\"abc\"}", "abc", "{\"key\":\"xxx\"}");
	check(" { \"a\" : {\"key\":1} , \"key\" : \"a\\nb\" , \"z\":[] } ",
	    "a\nb",
	    " { \"a\" : {\"key\":1} , \"key\" : \"xxxx\" , \"z\":[] } ");
	check("{\"key\":\"\"}", "", "{\"key\":\"\"}");
}

static void
test_what_has_none_stays_as_it_is(void **state)
{
	static const char *const jsons[] = {
		"",
		"{}",
		"[\"key\"]",
		"{\"key\":1}",
		"{\"key\":null}",
		"{\"a\":{\"key\":\"x\"}}",
		"{\"keys\":\"x\"}",
		"{\"ke\":\"x\"}",
		"{\"key\"",
		"{\"key\":",
		"{\"key\":\"abc",
		"{\"key\":\"a\\q\"}",
		"{\"key\" \"abc\"}",
		"{key:\"abc\"}",
		"{\"a\":]\"key\":\"abc\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(jsons) / sizeof(jsons[0]); i++)
		check(jsons[i], NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_secret_is_taken_out),
		cmocka_unit_test(test_what_has_none_stays_as_it_is),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
