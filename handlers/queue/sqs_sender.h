/*
 * sqs_sender.h -- the messages of one handler on their way to Amazon SQS: they
 * gather, go out in batches, and end each by itself.
 *
 * Owns:    messages, batches, and a timer for those that wait too long.
 * Touches: the loop, env's finish().
 *
 * In a FIFO queue no two messages of one group are under way at once, so none
 * can overtake one that fails.
 */
#ifndef HANDLERS_SQS_SENDER_H
#define HANDLERS_SQS_SENDER_H

#include "handlers/queue/sqs_client.h"
#include "handlers/queue/sqs_entry.h"

#define SQS_BATCH_MAX 10 /* entries of one call */

struct sqs_sender; /* opaque */

struct sqs_sender_options {
	const struct handler_env *env; /* kept */
	struct sqs_client *client;     /* kept */
	const char *queue_url;         /* copied */
	int64_t timeout_ms;            /* of a message, a third of it to wait */
	size_t calls_max;              /* batches under way at once */
};

/* NULL when out of memory. */
struct sqs_sender *sqs_sender_new(const struct sqs_sender_options *opt);

/* Only when no message is in it; also from finish(). Accepts NULL. */
void sqs_sender_free(struct sqs_sender *s);

/*
 * Take a message, whose entry is empty afterwards. Returns 0, and finish()
 * follows; -1 when out of memory.
 */
int sqs_sender_add(struct sqs_sender *s, struct handler_call *call,
    struct sqs_entry *entry);

/* Send what may be sent. */
void sqs_sender_flush(struct sqs_sender *s);

/* That message is gone, without finish(). Unknown ones are ignored. */
void sqs_sender_cancel(struct sqs_sender *s, struct handler_call *call);

#endif /* HANDLERS_SQS_SENDER_H */
