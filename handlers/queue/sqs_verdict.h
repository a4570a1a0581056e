/*
 * sqs_verdict.h -- what an error of Amazon SQS means, and what is to be done.
 *
 * Owns: nothing; pure: one table.
 *
 * The names are those of "Common Errors" and of SendMessageBatch in the API
 * reference of Amazon SQS.
 */
#ifndef HANDLERS_SQS_VERDICT_H
#define HANDLERS_SQS_VERDICT_H

#include "handlers/handler.h"
#include "handlers/queue/sqs_answer.h"

enum sqs_action {
	SQS_RETRY, /* later, as it is */
	SQS_RENEW, /* now, with new credentials; if they are the same: pause */
	SQS_CLOCK, /* now, by the far side's clock; else later */
	SQS_PAUSE, /* later, and nothing else is sent till then */
	/* Never; of a whole batch: each is sent by itself, now. */
	SQS_DEAD
};

struct sqs_meaning {
	enum sqs_action action;
	enum handler_fault fault; /* if it is tried again */
	const char *reason; /* in our words, with what to do; at most 160 */
};

/*
 * Of an error with that status (0: of one entry in a batch that was taken).
 * Never NULL.
 */
const struct sqs_meaning *sqs_verdict(const struct sqs_error *error,
    int status);

#endif /* HANDLERS_SQS_VERDICT_H */
