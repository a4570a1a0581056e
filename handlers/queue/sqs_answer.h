/*
 * sqs_answer.h -- what Amazon SQS answers.
 *
 * Owns: nothing; pure. Bytes in, facts out; what they mean is sqs_verdict.h's.
 *
 * The forms are those of the JSON protocol ("AWS JSON 1.0" in the guide of
 * Amazon SQS): SendMessageBatch's result, and an error with "__type".
 */
#ifndef HANDLERS_SQS_ANSWER_H
#define HANDLERS_SQS_ANSWER_H

#include <stddef.h>

#include "handlers/queue/sqs_entry.h"

#define SQS_CODE_MAX 64     /* of what is kept of an error's name */
#define SQS_MESSAGE_MAX 180 /* of its message, and of a message id */

/* An error as it is named, without what stands around its name. */
struct sqs_error {
	char code[SQS_CODE_MAX];       /* empty: it has no name */
	char message[SQS_MESSAGE_MAX]; /* printable ASCII, one line */
};

/* What became of one entry of a batch. */
enum sqs_entry_end {
	SQS_ENTRY_MISSING, /* the answer says nothing of it, or two things */
	SQS_ENTRY_TAKEN,   /* it is in the queue, as it was sent */
	SQS_ENTRY_DAMAGED, /* it was taken, and is not what was sent */
	SQS_ENTRY_FAILED   /* it was refused: error says why */
};

struct sqs_entry_answer {
	enum sqs_entry_end end;
	char message_id[SQS_MESSAGE_MAX]; /* of what was taken */
	struct sqs_error error;
};

/*
 * Read the answer to a batch of n entries into ret[0..n). Returns 0; -1 if it
 * is no such answer, and then all of them are MISSING.
 */
int sqs_answer_batch(const char *text, size_t len,
    const struct sqs_entry *const *entries, size_t n,
    struct sqs_entry_answer *ret);

/* Read the error of a whole call; without a code: it is none of SQS's. */
void sqs_answer_error(const char *text, size_t len,
    struct sqs_error *ret_error);

/* What is looked for in the answer to GetQueueAttributes. */
struct sqs_queue {
	bool fifo;
	bool redrive;          /* what fails too often goes to another queue */
	long long retention_s; /* of a message; 0: not said */
	long long size_max;    /* of a message; 0: not said */
};

/* Returns 0, or -1: it is no such answer. */
int sqs_answer_queue(const char *text, size_t len, struct sqs_queue *ret_queue);

#endif /* HANDLERS_SQS_ANSWER_H */
