#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/forward_verdict.h"

static struct handler_result
judge(int status, bool conflict_is_done)
{
	const struct http_client_answer answer = { .end = HTTP_CLIENT_ANSWERED,
		.status = status,
		.retry_after_ms = 7000,
		.body = "why",
		.body_len = 3 };
	struct handler_result result = { .code = 0 };

	forward_verdict(&answer, "pos", conflict_is_done, &result);
	assert_int_equal(result.code, status);
	assert_string_equal(result.answer, "why");
	assert_int_equal(result.answer_len, 3);
	assert_false(result.unknown);
	return (result);
}

/* 2xx is done, and needs no reason. */
static void
test_forward_verdict_done(void **state)
{
	struct handler_result result;

	(void)state;
	for (int status = 200; status < 300; status++) {
		result = judge(status, false);
		assert_int_equal(result.verdict, HANDLER_DONE);
		assert_string_equal(result.reason, "");
	}
	assert_int_equal(judge(409, true).verdict, HANDLER_DONE);
}

/* What may pass is tried again, when the far side wishes. */
static void
test_forward_verdict_retry(void **state)
{
	static const int some[] = { 408, 425, 429, 500, 502, 503, 504, 599 };
	struct handler_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		result = judge(some[i], true);
		assert_int_equal(result.verdict, HANDLER_RETRY);
		assert_int_equal(result.retry_after_ms, 7000);
		assert_false(result.pause);
	}
	assert_string_equal(judge(502, false).reason,
	    "pos answered 502 Bad Gateway");
	assert_string_equal(judge(599, false).reason, "pos answered 599");
}

/* Gone: nothing more is to be sent, and this is not lost. */
static void
test_forward_verdict_gone(void **state)
{
	struct handler_result result = judge(410, false);

	(void)state;
	assert_int_equal(result.verdict, HANDLER_RETRY);
	assert_true(result.pause);
	assert_string_equal(result.reason, "pos answered 410 Gone");
}

/* Every other 4xx will be the same next time. */
static void
test_forward_verdict_dead(void **state)
{
	struct handler_result result;

	(void)state;
	for (int status = 400; status < 500; status++) {
		if (status == 408 || status == 410 || status == 425 ||
		    status == 429)
			continue;
		result = judge(status, false);
		assert_int_equal(result.verdict, HANDLER_DEAD);
		assert_int_equal(result.retry_after_ms, 0);
		assert_false(result.pause);
	}
	assert_string_equal(judge(409, false).reason,
	    "pos answered 409 Conflict");
}

/* A redirect is dead, and says where it led. */
static void
test_forward_verdict_redirect(void **state)
{
	const struct http_client_answer answer = { .end = HTTP_CLIENT_ANSWERED,
		.status = 301,
		.location = "https://pos.example/" };
	struct handler_result result = { .code = 0 };

	(void)state;
	forward_verdict(&answer, "pos", false, &result);
	assert_int_equal(result.verdict, HANDLER_DEAD);
	assert_string_equal(result.reason,
	    "pos answered 301 Moved Permanently; redirects are not followed");
	assert_string_equal(result.detail, "to https://pos.example/");
	assert_string_equal(judge(304, false).reason,
	    "pos answered 304 Not Modified without a Location; redirects are "
	    "not followed");
	assert_int_equal(judge(300, false).verdict, HANDLER_DEAD);
}

/*
 * Only of what is the same for all jobs may the job be held to have no part;
 * a status is never proof of that.
 */
static void
test_forward_verdict_fault(void **state)
{
	static const int unclear[] = { 408, 429, 502, 503, 504, 522 };
	static const int jobs[] = { 410, 425, 500, 501, 505, 599 };
	struct http_client_answer answer = { .end = HTTP_CLIENT_NOT_SENT,
		.reason = "connection refused by 127.0.0.1:9000" };
	struct handler_result result = { .code = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(unclear) / sizeof(unclear[0]); i++)
		assert_int_equal(judge(unclear[i], false).fault,
		    HANDLER_FAULT_UNCLEAR);
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		assert_int_equal(judge(jobs[i], false).fault,
		    HANDLER_FAULT_JOB);
	forward_verdict(&answer, "pos", false, &result);
	assert_int_equal(result.fault, HANDLER_FAULT_DOWN);
	answer.end = HTTP_CLIENT_UNKNOWN;
	forward_verdict(&answer, "pos", false, &result);
	assert_int_equal(result.fault, HANDLER_FAULT_UNCLEAR);
}

/* Without an answer it is tried again; what may have happened is noted. */
static void
test_forward_verdict_without_answer(void **state)
{
	struct http_client_answer answer = { .end = HTTP_CLIENT_NOT_SENT,
		.reason = "connection refused by 127.0.0.1:9000" };
	struct handler_result result = { .code = 0 };

	(void)state;
	forward_verdict(&answer, "pos", true, &result);
	assert_int_equal(result.verdict, HANDLER_RETRY);
	assert_false(result.unknown);
	assert_int_equal(result.code, 0);
	assert_string_equal(result.reason, answer.reason);

	answer.end = HTTP_CLIENT_UNKNOWN;
	answer.reason = "no answer within 5s";
	forward_verdict(&answer, "pos", true, &result);
	assert_int_equal(result.verdict, HANDLER_RETRY);
	assert_true(result.unknown);
	assert_string_equal(result.reason, answer.reason);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forward_verdict_done),
		cmocka_unit_test(test_forward_verdict_retry),
		cmocka_unit_test(test_forward_verdict_gone),
		cmocka_unit_test(test_forward_verdict_dead),
		cmocka_unit_test(test_forward_verdict_redirect),
		cmocka_unit_test(test_forward_verdict_fault),
		cmocka_unit_test(test_forward_verdict_without_answer),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
