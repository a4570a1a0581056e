#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/reconcile/reconcile_words.h"

static const char *
words(struct http_client_answer answer, const char *why)
{
	static char text[HANDLER_REASON_MAX];

	reconcile_words(&answer, why, text);
	assert_non_null(reconcile_advice(&answer));
	return (text);
}

#define ANSWERED(s)                                                            \
	(struct http_client_answer)                                            \
	{                                                                      \
		.end = HTTP_CLIENT_ANSWERED, .status = (s), .whole = true      \
	}

static void
test_words_tell_answers_apart(void **state)
{
	(void)state;
	assert_string_equal(
	    words((struct http_client_answer){ .end = HTTP_CLIENT_NOT_SENT,
		      .reason = "connection refused" },
		NULL),
	    "connection refused");
	assert_non_null(strstr(words(ANSWERED(401), NULL), "credentials"));
	assert_non_null(strstr(words(ANSWERED(302), NULL), "login page"));
	assert_non_null(strstr(words(ANSWERED(429), NULL), "too often"));
	assert_non_null(strstr(words(ANSWERED(503), NULL), "503"));
	assert_non_null(strstr(words(ANSWERED(200), "it is no JSON\x1b"),
	    "answered 200, but it is no JSON\\x1b"));
	assert_non_null(
	    strstr(words((struct http_client_answer){ .end =
							  HTTP_CLIENT_ANSWERED,
			     .status = 200 },
		       NULL),
		"cut"));
}

static void
test_words_know_what_lasts(void **state)
{
	static const struct {
		int status;
		bool lasting;
	} cases[] = { { 401, true }, { 404, true }, { 400, true },
		{ 408, false }, { 429, false }, { 200, false },
		{ 500, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_client_answer answer =
		    ANSWERED(cases[i].status);

		assert_int_equal(reconcile_is_lasting(&answer),
		    cases[i].lasting);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_tell_answers_apart),
		cmocka_unit_test(test_words_know_what_lasts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
