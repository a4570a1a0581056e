/*
 * pubsub_verdict.h -- what an answer of Google Pub/Sub means for the jobs whose
 * messages were published.
 *
 * Pure: one table. The names of errors are those of google.rpc.Code; which one
 * comes when is from "Error codes" at cloud.google.com/pubsub.
 */
#ifndef HANDLERS_PUBSUB_VERDICT_H
#define HANDLERS_PUBSUB_VERDICT_H

#include "handlers/handler.h"
#include "handlers/net/http_client.h"
#include "handlers/queue/pubsub_batch.h"

enum pubsub_outcome {
	PUBSUB_DONE,
	PUBSUB_RETRY,
	PUBSUB_UNKNOWN, /* retry; it may have been published all the same */
	PUBSUB_PAUSE, /* retry, and nothing more is sent until it is resumed */
	PUBSUB_DEAD,  /* of several messages: one of them is the guilty one */
	PUBSUB_TOKEN  /* with a new token at once; after that: a pause */
};

/* Of that HTTP status with that error ("": none). */
enum pubsub_outcome pubsub_outcome(int http, const char *status);

/*
 * What became of n messages that were one request: its outcome, and the same
 * with reason, fault, code in *ret_result, which is all zero: of each job, but
 * for its answer. said is what was read of the answer, and borrowed.
 */
enum pubsub_outcome pubsub_verdict(const struct http_client_answer *answer,
    const struct pubsub_answer *said, size_t n,
    struct handler_result *ret_result);

#endif /* HANDLERS_PUBSUB_VERDICT_H */
