/*
 * sqs_inspect.h -- a look at a queue of Amazon SQS, for doctor.
 *
 * Owns: one call.
 */
#ifndef HANDLERS_SQS_INSPECT_H
#define HANDLERS_SQS_INSPECT_H

#include "handlers/queue/sqs_client.h"

struct sqs_inspect; /* opaque */

struct sqs_inspect_options {
	struct sqs_client *client; /* kept */
	const char *queue_url;     /* borrowed for the call */
	bool fifo;                 /* its name says so */
	int64_t timeout_ms;
};

/*
 * Begin; what is found goes to in, which is copied, and its done() last, from
 * the loop. NULL when out of memory, and then none of it is called.
 */
struct sqs_inspect *sqs_inspect_new(const struct sqs_inspect_options *opt,
    const struct handler_inspection *in);

/* At any time; also from done(). Accepts NULL. */
void sqs_inspect_free(struct sqs_inspect *i);

#endif /* HANDLERS_SQS_INSPECT_H */
