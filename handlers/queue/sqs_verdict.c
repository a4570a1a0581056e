#include "handlers/queue/sqs_verdict.h"

#include <string.h>

#define BUSY                                                                   \
	{                                                                      \
		SQS_RETRY, HANDLER_FAULT_UNCLEAR, "SQS is throttling"          \
	}
#define DOWN                                                                   \
	{                                                                      \
		SQS_RETRY, HANDLER_FAULT_UNCLEAR, "SQS has trouble of its own" \
	}
#define KEY(text)                                                              \
	{                                                                      \
		SQS_PAUSE, HANDLER_FAULT_JOB,                                  \
		    "the queue's KMS key " text ": see to the key, or to the " \
		    "right kms:GenerateDataKey and kms:Decrypt"                \
	}
#define UNKNOWN_KEYS                                                           \
	{                                                                      \
		SQS_RENEW, HANDLER_FAULT_JOB,                                  \
		    "AWS does not know these credentials: name others, or "    \
		    "create the access key anew"                               \
	}
#define NO_QUEUE                                                               \
	{                                                                      \
		SQS_PAUSE, HANDLER_FAULT_JOB,                                  \
		    "there is no such queue: see to queue_url and region, or " \
		    "create it"                                                \
	}
#define NO_RIGHT                                                               \
	{                                                                      \
		SQS_PAUSE, HANDLER_FAULT_JOB,                                  \
		    "access denied: allow sqs:SendMessage on this queue to "   \
		    "these credentials"                                        \
	}
#define WRONG_SIGNATURE                                                        \
	{                                                                      \
		SQS_RENEW, HANDLER_FAULT_JOB,                                  \
		    "the signature does not match: see to the secret access "  \
		    "key, and that no proxy changes requests"                  \
	}
#define WRONG_CLOCK                                                            \
	{                                                                      \
		SQS_CLOCK, HANDLER_FAULT_UNCLEAR,                              \
		    "SQS refuses the time of the signature: set this "         \
		    "machine's clock"                                          \
	}
#define OLD_KEYS                                                               \
	{                                                                      \
		SQS_RENEW, HANDLER_FAULT_JOB,                                  \
		    "the credentials have expired: name others, or have them " \
		    "renewed"                                                  \
	}
#define TOO_LARGE                                                              \
	{                                                                      \
		SQS_DEAD, HANDLER_FAULT_JOB,                                   \
		    "the message is larger than the queue takes"               \
	}
#define REFUSED                                                                \
	{                                                                      \
		SQS_DEAD, HANDLER_FAULT_JOB,                                   \
		    "SQS refuses what the message "                            \
		    "holds"                                                    \
	}

/* By the names of errors, without a word Exception behind them. */
static const struct {
	const char *code;
	struct sqs_meaning meaning;
} codes[] = {
	{ "RequestThrottled", BUSY },
	{ "Throttling", BUSY },
	{ "Throttled", BUSY },
	{ "RequestLimitExceeded", BUSY },
	{ "TooManyRequests", BUSY },
	{ "BandwidthLimitExceeded", BUSY },
	{ "SlowDown", BUSY },
	{ "KmsThrottled", BUSY },
	{ "OverLimit", BUSY },
	{ "ServiceUnavailable", DOWN },
	{ "InternalFailure", DOWN },
	{ "InternalError", DOWN },
	{ "InternalServerError", DOWN },
	{ "RequestTimeout", DOWN },

	{ "ExpiredToken", OLD_KEYS },
	{ "UnrecognizedClient", UNKNOWN_KEYS },
	{ "InvalidClientTokenId", UNKNOWN_KEYS },
	{ "InvalidSecurity", UNKNOWN_KEYS },
	{ "InvalidAccessKeyId", UNKNOWN_KEYS },
	{ "SignatureDoesNotMatch", WRONG_SIGNATURE },
	{ "InvalidSignature", WRONG_SIGNATURE },
	{ "IncompleteSignature", WRONG_SIGNATURE },
	{ "MissingAuthenticationToken", WRONG_SIGNATURE },

	{ "RequestTimeTooSkewed", WRONG_CLOCK },
	{ "RequestExpired", WRONG_CLOCK },
	{ "RequestInTheFuture", WRONG_CLOCK },

	{ "AccessDenied", NO_RIGHT },
	{ "NotAuthorized", NO_RIGHT },
	{ "AuthFailure", NO_RIGHT },
	{ "OptInRequired",
	    { SQS_PAUSE, HANDLER_FAULT_JOB,
		"the account is not signed up for SQS in this region" } },
	{ "QueueDoesNotExist", NO_QUEUE },
	{ "NonExistentQueue", NO_QUEUE },
	{ "QueueDeletedRecently", NO_QUEUE },
	{ "InvalidAddress", NO_QUEUE },
	{ "InvalidQueueUrl", NO_QUEUE },
	{ "MissingParameter",
	    { SQS_PAUSE, HANDLER_FAULT_JOB,
		"SQS misses something in the message: is it a FIFO queue "
		"whose queue_url does not end in .fifo?" } },
	{ "KmsAccessDenied", KEY("refuses these credentials") },
	{ "KmsDisabled", KEY("is disabled") },
	{ "KmsInvalidKeyUsage", KEY("is not made for this") },
	{ "KmsInvalidState", KEY("cannot be used now") },
	{ "KmsNotFound", KEY("does not exist") },
	{ "KmsOptInRequired", KEY("needs a subscription") },
	{ "UnsupportedOperation",
	    { SQS_PAUSE, HANDLER_FAULT_JOB,
		"the queue does not take messages: see to its kind" } },
	{ "UnknownOperation",
	    { SQS_PAUSE, HANDLER_FAULT_JOB,
		"what answers does not know SendMessageBatch: see to "
		"queue_url and endpoint" } },
	{ "InvalidAction",
	    { SQS_PAUSE, HANDLER_FAULT_JOB,
		"what answers does not know SendMessageBatch: see to "
		"queue_url and endpoint" } },

	{ "BatchRequestTooLong", TOO_LARGE },
	{ "MessageTooLong", TOO_LARGE },
	{ "TooManyEntriesInBatchRequest", TOO_LARGE },
	{ "InvalidMessageContents", REFUSED },
	{ "InvalidParameterValue", REFUSED },
	{ "InvalidParameterCombination", REFUSED },
	{ "InvalidAttributeValue", REFUSED },
	{ "InvalidAttributeName", REFUSED },
	{ "ValidationError", REFUSED },
	{ "Serialization", REFUSED },
};

/* One name stands for several faults: only its message says which. */
static const struct {
	const char *text;
	struct sqs_meaning meaning;
} messages[] = {
	{ "Signature expired", WRONG_CLOCK },
	{ "Signature not yet current", WRONG_CLOCK },
	{ "Credential should be scoped",
	    { SQS_PAUSE, HANDLER_FAULT_JOB,
		"the region is wrong: set region to that of the queue" } },
};

/* What carries no name that we know. */
static const struct sqs_meaning busy = BUSY, down = DOWN, no_right = NO_RIGHT,
				too_large = TOO_LARGE;
static const struct sqs_meaning stranger = { SQS_PAUSE, HANDLER_FAULT_JOB,
	"what answers is not SQS: see to queue_url and endpoint" };
static const struct sqs_meaning unknown = { SQS_RETRY, HANDLER_FAULT_JOB,
	"SQS refused it with an error that klikitd does not know" };

static const struct sqs_meaning *
status_meaning(int status)
{
	switch (status) {
	case 401:
	case 403:
		return (&no_right);
	case 404:
		return (&stranger);
	case 413:
		return (&too_large);
	case 408:
	case 425:
	case 429:
		return (&busy);
	default:
		break;
	}
	if (status >= 500)
		return (&down);
	return (status >= 300 && status < 400 ? &stranger : &unknown);
}

const struct sqs_meaning *
sqs_verdict(const struct sqs_error *error, int status)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (strstr(error->message, messages[i].text) != NULL &&
		    strstr(error->code, "Signature") != NULL)
			return (&messages[i].meaning);
	}
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(error->code, codes[i].code) == 0)
			return (&codes[i].meaning);
	}
	return (status_meaning(status));
}
