#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/upstream/upstream_words.h"

static const char *
words(struct http_client_answer answer, const char *why)
{
	static char text[HANDLER_REASON_MAX];

	upstream_words(&answer, why, text);
	assert_non_null(upstream_advice(&answer));
	return (text);
}

#define ANSWERED(s) .end = HTTP_CLIENT_ANSWERED, .status = (s)

static void
test_upstream_words_tell_them_apart(void **state)
{
	(void)state;
	assert_string_equal(
	    words((struct http_client_answer){ .end = HTTP_CLIENT_NOT_SENT,
		      .reason = "connection refused" },
		NULL),
	    "connection refused");
	assert_non_null(
	    strstr(words((struct http_client_answer){ ANSWERED(401) }, NULL),
		"token"));
	assert_non_null(strstr(words((struct http_client_answer){ ANSWERED(302),
					 .location =
					     "http://login.example/\x1b[31m" },
				   NULL),
	    "answered 302 to http://login.example/\\x1b[31m: a login page"));
	assert_non_null(
	    strstr(words((struct http_client_answer){ ANSWERED(200) }, NULL),
		"cut"));
	assert_non_null(strstr(words((struct http_client_answer){ ANSWERED(200),
					 .whole = true },
				   "it is no JSON object"),
	    "not as a hub does (it is no JSON object)"));
	assert_non_null(
	    strstr(words((struct http_client_answer){ ANSWERED(599) }, NULL),
		"599"));
}

/* What is wrong with our own settings is not tried again all the time. */
static void
test_upstream_words_know_what_lasts(void **state)
{
	static const struct {
		int status;
		bool lasting;
	} cases[] = {
		{ 401, true },
		{ 404, true },
		{ 429, false }, /* which says itself how long */
		{ 200, false },
		{ 302, false },
		{ 503, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_client_answer answer = { ANSWERED(
		    cases[i].status) };

		assert_int_equal(upstream_is_lasting(&answer),
		    cases[i].lasting);
		assert_false(upstream_is_answer(&answer));
	}
	assert_true(upstream_is_answer(
	    &(struct http_client_answer){ ANSWERED(200), .whole = true }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upstream_words_tell_them_apart),
		cmocka_unit_test(test_upstream_words_know_what_lasts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
