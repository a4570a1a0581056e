/* What each error of SQS leads to: a row of the table, a row here. */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/sqs_verdict.h"

static const struct {
	const char *code;
	enum sqs_action action;
} rows[] = {
	{ "RequestThrottled", SQS_RETRY },
	{ "Throttling", SQS_RETRY },
	{ "Throttled", SQS_RETRY },
	{ "RequestLimitExceeded", SQS_RETRY },
	{ "TooManyRequests", SQS_RETRY },
	{ "BandwidthLimitExceeded", SQS_RETRY },
	{ "SlowDown", SQS_RETRY },
	{ "KmsThrottled", SQS_RETRY },
	{ "OverLimit", SQS_RETRY },
	{ "ServiceUnavailable", SQS_RETRY },
	{ "InternalFailure", SQS_RETRY },
	{ "InternalError", SQS_RETRY },
	{ "InternalServerError", SQS_RETRY },
	{ "RequestTimeout", SQS_RETRY },
	{ "ExpiredToken", SQS_RENEW },
	{ "UnrecognizedClient", SQS_RENEW },
	{ "InvalidClientTokenId", SQS_RENEW },
	{ "InvalidSecurity", SQS_RENEW },
	{ "InvalidAccessKeyId", SQS_RENEW },
	{ "SignatureDoesNotMatch", SQS_RENEW },
	{ "InvalidSignature", SQS_RENEW },
	{ "IncompleteSignature", SQS_RENEW },
	{ "MissingAuthenticationToken", SQS_RENEW },
	{ "RequestTimeTooSkewed", SQS_CLOCK },
	{ "RequestExpired", SQS_CLOCK },
	{ "RequestInTheFuture", SQS_CLOCK },
	{ "AccessDenied", SQS_PAUSE },
	{ "NotAuthorized", SQS_PAUSE },
	{ "AuthFailure", SQS_PAUSE },
	{ "OptInRequired", SQS_PAUSE },
	{ "QueueDoesNotExist", SQS_PAUSE },
	{ "NonExistentQueue", SQS_PAUSE },
	{ "QueueDeletedRecently", SQS_PAUSE },
	{ "InvalidAddress", SQS_PAUSE },
	{ "InvalidQueueUrl", SQS_PAUSE },
	{ "MissingParameter", SQS_PAUSE },
	{ "KmsAccessDenied", SQS_PAUSE },
	{ "KmsDisabled", SQS_PAUSE },
	{ "KmsInvalidKeyUsage", SQS_PAUSE },
	{ "KmsInvalidState", SQS_PAUSE },
	{ "KmsNotFound", SQS_PAUSE },
	{ "KmsOptInRequired", SQS_PAUSE },
	{ "UnsupportedOperation", SQS_PAUSE },
	{ "UnknownOperation", SQS_PAUSE },
	{ "InvalidAction", SQS_PAUSE },
	{ "BatchRequestTooLong", SQS_DEAD },
	{ "MessageTooLong", SQS_DEAD },
	{ "TooManyEntriesInBatchRequest", SQS_DEAD },
	{ "InvalidMessageContents", SQS_DEAD },
	{ "InvalidParameterValue", SQS_DEAD },
	{ "InvalidParameterCombination", SQS_DEAD },
	{ "InvalidAttributeValue", SQS_DEAD },
	{ "InvalidAttributeName", SQS_DEAD },
	{ "ValidationError", SQS_DEAD },
	{ "Serialization", SQS_DEAD },
};

static const struct sqs_meaning *
meaning(const char *code, const char *message, int status)
{
	struct sqs_error error;

	(void)snprintf(error.code, sizeof(error.code), "%s", code);
	(void)snprintf(error.message, sizeof(error.message), "%s", message);
	return (sqs_verdict(&error, status));
}

/* Whatever status comes with it. */
static void
test_each_name_has_its_verdict(void **state)
{
	static const int statuses[] = { 0, 400, 403, 500 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t j = 0; j < 4; j++) {
			const struct sqs_meaning *m =
			    meaning(rows[i].code, "", statuses[j]);

			if (m->action != rows[i].action)
				fail_msg("%s: %d", rows[i].code, m->action);
			assert_in_range(strlen(m->reason), 8, 160);
		}
	}
}

static void
test_a_status_speaks_without_a_name(void **state)
{
	static const struct {
		int status;
		enum sqs_action action;
	} cases[] = {
		{ 0, SQS_RETRY },
		{ 302, SQS_PAUSE },
		{ 400, SQS_RETRY },
		{ 401, SQS_PAUSE },
		{ 403, SQS_PAUSE },
		{ 404, SQS_PAUSE },
		{ 408, SQS_RETRY },
		{ 413, SQS_DEAD },
		{ 425, SQS_RETRY },
		{ 429, SQS_RETRY },
		{ 500, SQS_RETRY },
		{ 503, SQS_RETRY },
		{ 599, SQS_RETRY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(meaning("NeverHeardOf", "", cases[i].status)
				     ->action,
		    cases[i].action);
		assert_int_equal(meaning("", "", cases[i].status)->action,
		    cases[i].action);
	}
}

/* One name for a wrong secret, a wrong clock and a wrong region. */
static void
test_a_message_tells_the_signatures_apart(void **state)
{
	(void)state;
	assert_int_equal(meaning("SignatureDoesNotMatch",
			     "Signature expired: 20260101T000000Z is now "
			     "earlier than 20260101T001500Z",
			     403)
			     ->action,
	    SQS_CLOCK);
	assert_int_equal(meaning("InvalidSignature",
			     "Signature not yet current: 20260101T000000Z is "
			     "still later than",
			     403)
			     ->action,
	    SQS_CLOCK);
	assert_int_equal(meaning("SignatureDoesNotMatch",
			     "Credential should be scoped to a valid region.",
			     403)
			     ->action,
	    SQS_PAUSE);
	assert_int_equal(meaning("InvalidParameterValue", "Signature expired",
			     400)
			     ->action,
	    SQS_DEAD);
}

/* What it is tried again for says how much of the far side is down. */
static void
test_throttling_is_no_jobs_fault(void **state)
{
	(void)state;
	assert_int_equal(meaning("RequestThrottled", "", 400)->fault,
	    HANDLER_FAULT_UNCLEAR);
	assert_int_equal(meaning("InternalFailure", "", 500)->fault,
	    HANDLER_FAULT_UNCLEAR);
	assert_int_equal(meaning("NeverHeardOf", "", 400)->fault,
	    HANDLER_FAULT_JOB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_name_has_its_verdict),
		cmocka_unit_test(test_a_status_speaks_without_a_name),
		cmocka_unit_test(test_a_message_tells_the_signatures_apart),
		cmocka_unit_test(test_throttling_is_no_jobs_fault),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
