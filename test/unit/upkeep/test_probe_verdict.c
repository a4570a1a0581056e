#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/upkeep/probe_verdict.h"

static struct http_client_answer
answered(int status, const char *body)
{
	return ((struct http_client_answer){ .end = HTTP_CLIENT_ANSWERED,
	    .status = status,
	    .body = body,
	    .body_len = strlen(body) });
}

static struct probe_verdict
judge(const struct http_client_answer *answer, bool arrived, bool committed)
{
	const struct probe_seen seen = { .url = "http://h/",
		.answer = answer,
		.arrived = arrived,
		.committed = committed,
		.peer = "192.0.2.7",
		.took_ms = 23 };
	struct probe_verdict v;

	probe_judge(&seen, &v);
	/* What is wrong has an advice, and only that. */
	assert_int_equal(v.advice == NULL, v.code == PROBE_ARRIVED);
	return (v);
}

static void
test_only_an_answer_of_ours_after_a_commit_is_an_arrival(void **state)
{
	struct http_client_answer ours = answered(200, PROBE_ANSWER);
	struct http_client_answer busy = answered(503, "{}");
	struct http_client_answer page = answered(200, "<html>");
	struct http_client_answer none = { .end = HTTP_CLIENT_UNKNOWN,
		.reason = "time limit" };
	struct probe_verdict v = judge(&ours, true, true);

	(void)state;
	assert_int_equal(v.code, PROBE_ARRIVED);
	assert_non_null(strstr(v.text, "192.0.2.7"));
	assert_non_null(strstr(v.text, "23 ms"));
	assert_int_equal(judge(&ours, true, false).code, PROBE_STORE);
	assert_int_equal(judge(&busy, true, false).code, PROBE_STORE);
	assert_int_equal(judge(&busy, true, true).code, PROBE_ANSWERED);
	assert_int_equal(judge(&page, true, true).code, PROBE_ANSWERED);
	v = judge(&none, true, true);
	assert_int_equal(v.code, PROBE_NO_ANSWER);
	assert_non_null(strstr(v.text, "time limit"));
	assert_int_equal(judge(&ours, false, false).code, PROBE_ELSEWHERE);
}

static void
test_what_did_not_arrive_is_known_by_its_answer(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum probe_code code;
	} cases[] = {
		{ 200, "<!DOCTYPE HTML><title>Sign in", PROBE_PAGE },
		{ 200, "\n<HTML>", PROBE_PAGE },
		{ 200, "{\"status\":\"received\"}", PROBE_STRANGER },
		{ 200, "ok", PROBE_STRANGER },
		{ 204, "", PROBE_STRANGER },
		{ 302, "", PROBE_REDIRECTED },
		{ 400, "{}", PROBE_STRANGER },
		{ 401, "{\"error\":\"invalid signature\"}", PROBE_UNSIGNED },
		{ 403, "", PROBE_STRANGER },
		{ 404, "", PROBE_PATH },
		{ 405, "", PROBE_PATH },
		{ 500, "", PROBE_STRANGER },
		{ 502, "", PROBE_PROXY },
		{ 503, "", PROBE_PROXY },
		{ 504, "", PROBE_PROXY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_client_answer a =
		    answered(cases[i].status, cases[i].body);

		assert_int_equal(judge(&a, false, false).code, cases[i].code);
	}
}

static void
test_no_answer_has_the_reason(void **state)
{
	struct http_client_answer none = { .end = HTTP_CLIENT_NOT_SENT,
		.reason = "cannot look up example: no such name" };
	struct probe_verdict v = judge(&none, false, false);

	(void)state;
	assert_int_equal(v.code, PROBE_UNREACHED);
	assert_non_null(strstr(v.text, "no such name"));
}

static void
test_a_wrong_signature_that_came_in_says_that_it_was_changed(void **state)
{
	struct http_client_answer a = answered(401, "{}");
	const struct probe_seen seen = { .url = "http://h/",
		.answer = &a,
		.refused = true };
	struct probe_verdict v;

	(void)state;
	probe_judge(&seen, &v);
	assert_int_equal(v.code, PROBE_CHANGED);
}

static void
test_every_code_has_its_own_word(void **state)
{
	(void)state;
	for (int i = 0; i < PROBE_NCODES; i++) {
		for (int j = 0; j < i; j++)
			assert_string_not_equal(probe_code_name(
						    (enum probe_code)i),
			    probe_code_name((enum probe_code)j));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_only_an_answer_of_ours_after_a_commit_is_an_arrival),
		cmocka_unit_test(
		    test_what_did_not_arrive_is_known_by_its_answer),
		cmocka_unit_test(test_no_answer_has_the_reason),
		cmocka_unit_test(
		    test_a_wrong_signature_that_came_in_says_that_it_was_changed),
		cmocka_unit_test(test_every_code_has_its_own_word),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
