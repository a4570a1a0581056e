#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/pubsub_verdict.h"

/* What became of n messages, answered so. */
static enum pubsub_outcome
judge(int http, const char *status, size_t n, struct handler_result *ret)
{
	const struct http_client_answer answer = { .end = HTTP_CLIENT_ANSWERED,
		.status = http,
		.retry_after_ms = 7000,
		.body = "why",
		.body_len = 3 };
	struct pubsub_answer said = { .nids = 2, .message = "in words\n" };

	(void)strcpy(said.status, status);
	memset(ret, 0, sizeof(*ret));
	return (pubsub_verdict(&answer, &said, n, ret));
}

/* Each row of the table, and what its reason says. */
static void
test_each_answer_has_its_row(void **state)
{
	static const struct {
		int http;
		const char *status;
		enum pubsub_outcome outcome;
		const char *text;
	} rows[] = {
		{ 200, "", PUBSUB_DONE, "" },
		{ 204, "", PUBSUB_UNKNOWN, "no answer of Pub/Sub" },
		{ 400, "FAILED_PRECONDITION", PUBSUB_PAUSE,
		    "look at its encryption key" },
		{ 400, "INVALID_ARGUMENT", PUBSUB_DEAD,
		    "400 INVALID_ARGUMENT: it does not take this message" },
		{ 400, "", PUBSUB_DEAD, "does not take this message" },
		{ 401, "UNAUTHENTICATED", PUBSUB_TOKEN,
		    "see that the key of the service account was not" },
		{ 403, "PERMISSION_DENIED", PUBSUB_PAUSE,
		    "give the service account the role" },
		{ 404, "NOT_FOUND", PUBSUB_PAUSE, "create it" },
		{ 408, "", PUBSUB_RETRY, "answered 408" },
		{ 409, "ABORTED", PUBSUB_RETRY, "409 ABORTED" },
		{ 413, "", PUBSUB_DEAD, "too large" },
		{ 429, "RESOURCE_EXHAUSTED", PUBSUB_RETRY, "quota" },
		{ 499, "CANCELLED", PUBSUB_UNKNOWN, "499 CANCELLED" },
		{ 500, "INTERNAL", PUBSUB_RETRY, "500 INTERNAL" },
		{ 502, "", PUBSUB_RETRY, "502" },
		{ 503, "UNAVAILABLE", PUBSUB_RETRY, "503 UNAVAILABLE" },
		{ 504, "DEADLINE_EXCEEDED", PUBSUB_UNKNOWN,
		    "504 DEADLINE_EXCEEDED" },
		{ 302, "", PUBSUB_PAUSE, "see whether endpoint is right" },
		{ 405, "", PUBSUB_PAUSE, "see whether endpoint is right" },
	};
	struct handler_result res;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(pubsub_outcome(rows[i].http, rows[i].status),
		    rows[i].outcome);
		assert_int_equal(judge(rows[i].http, rows[i].status, 2, &res),
		    rows[i].outcome);
		assert_non_null(strstr(res.reason, rows[i].text));
		assert_int_equal(res.code, rows[i].http);
		assert_string_equal(res.answer, "why");
	}
}

/* What an outcome means is the same for each of its rows. */
static void
test_each_outcome_has_its_result(void **state)
{
	struct handler_result res;

	(void)state;
	(void)judge(200, "", 2, &res);
	assert_int_equal(res.verdict, HANDLER_DONE);
	assert_string_equal(res.reason, "");
	(void)judge(503, "", 2, &res);
	assert_int_equal(res.verdict, HANDLER_RETRY);
	assert_int_equal(res.fault, HANDLER_FAULT_UNCLEAR);
	assert_int_equal(res.retry_after_ms, 7000);
	assert_false(res.unknown || res.pause);
	(void)judge(504, "", 2, &res);
	assert_int_equal(res.verdict, HANDLER_RETRY);
	assert_int_equal(res.retry_after_ms, 7000);
	assert_true(res.unknown);
	(void)judge(403, "", 2, &res);
	assert_int_equal(res.verdict, HANDLER_RETRY);
	assert_true(res.pause);
	(void)judge(401, "", 2, &res);
	assert_int_equal(res.verdict, HANDLER_RETRY);
	assert_true(res.pause);
	(void)judge(400, "", 2, &res);
	assert_int_equal(res.verdict, HANDLER_DEAD);
	assert_false(res.pause);
}

/* Done is only what has an id for each message. */
static void
test_200_with_another_number_of_ids_is_unknown(void **state)
{
	struct handler_result res;

	(void)state;
	for (size_t n = 1; n <= 3; n += 2) {
		assert_int_equal(judge(200, "", n, &res), PUBSUB_UNKNOWN);
		assert_int_equal(res.verdict, HANDLER_RETRY);
		assert_true(res.unknown);
	}
	assert_string_equal(res.reason,
	    "Pub/Sub answered 200 with 2 ids for 3 messages");
}

/* The log has no words from outside; the detail has them, on one line. */
static void
test_words_from_outside_are_the_detail(void **state)
{
	struct handler_result res;

	(void)state;
	(void)judge(503, "HUSH", 2, &res);
	assert_string_equal(res.reason, "Pub/Sub answered 503");
	assert_string_equal(res.detail, "in words?");
}

static void
test_no_answer_is_unknown_if_anything_was_sent(void **state)
{
	struct http_client_answer answer = { .end = HTTP_CLIENT_UNKNOWN,
		.reason = "no answer in time" };
	const struct pubsub_answer said = { .nids = 0 };
	struct handler_result res = { .code = 0 };

	(void)state;
	assert_int_equal(pubsub_verdict(&answer, &said, 1, &res),
	    PUBSUB_UNKNOWN);
	assert_int_equal(res.verdict, HANDLER_RETRY);
	assert_int_equal(res.fault, HANDLER_FAULT_UNCLEAR);
	assert_true(res.unknown);
	assert_string_equal(res.reason, "no answer in time");
	answer.end = HTTP_CLIENT_NOT_SENT;
	assert_int_equal(pubsub_verdict(&answer, &said, 1, &res), PUBSUB_RETRY);
	assert_int_equal(res.fault, HANDLER_FAULT_DOWN);
	assert_false(res.unknown);
}

/* Whatever comes, there is a verdict with a reason that fits. */
static void
test_no_status_is_without_a_verdict(void **state)
{
	struct handler_result res;

	(void)state;
	for (int http = 200; http <= 599; http++) {
		(void)judge(http, "UNIMPLEMENTED", 2, &res);
		assert_true(http == 200 || res.verdict != HANDLER_DONE);
		assert_true(http == 200 || res.reason[0] != '\0');
		assert_true(strlen(res.reason) < HANDLER_REASON_MAX - 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_answer_has_its_row),
		cmocka_unit_test(test_each_outcome_has_its_result),
		cmocka_unit_test(
		    test_200_with_another_number_of_ids_is_unknown),
		cmocka_unit_test(test_words_from_outside_are_the_detail),
		cmocka_unit_test(
		    test_no_answer_is_unknown_if_anything_was_sent),
		cmocka_unit_test(test_no_status_is_without_a_verdict),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
