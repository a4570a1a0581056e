/*
 * pubsub_batch.h -- what is published to Google Pub/Sub: a message, a request
 * with several of them, and what comes back.
 *
 * Pure: values in, JSON out, and back. The forms are those of
 * projects.topics.publish and PubsubMessage in the REST reference, the limits
 * those of "Quotas and limits" (cloud.google.com/pubsub).
 */
#ifndef HANDLERS_PUBSUB_BATCH_H
#define HANDLERS_PUBSUB_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "handlers/body/message.h"

/* Of a request Google takes 1,000 messages and 10 MB. */
#define PUBSUB_BATCH_MESSAGES 100
#define PUBSUB_BATCH_BYTES (1024 * 1024)  /* more than that: one alone */
#define PUBSUB_MESSAGE_MAX (10 * 1000000) /* as Google counts it */
#define PUBSUB_TEXT_MAX 1024 /* bytes of an ordering key, of a value */

/*
 * What is to be delivered in order: the order that m is for; else the first
 * one of its event, in the event's scope: "SCOPE:ORDER". NULL: there is none,
 * or when out of memory. Owned by the caller.
 */
char *pubsub_ordering_key(const struct message *m,
    const struct store_event *ev);

/*
 * The message as JSON: the body in base64, each attribute, and the ordering
 * key unless it is NULL. A value or a key of more than PUBSUB_TEXT_MAX bytes,
 * or that is no UTF-8, is "sha256:" and the digest of it, in hex. Owned by the
 * caller; NULL when out of memory.
 */
char *pubsub_message_print(const struct message *m, const char *ordering_key,
    size_t *ret_len);

/* How large it is for Google: body, names and values, ordering key. */
size_t pubsub_message_size(const struct message *m, const char *ordering_key);

/*
 * The body of a request with these messages. Owned by the caller; NULL when
 * out of memory.
 */
char *pubsub_request_print(const char *const *messages, const size_t *lens,
    size_t n, size_t *ret_len);

struct json_t;

/* An answer, read. What it does not have is empty, 0 or NULL. */
struct pubsub_answer {
	struct json_t *root; /* private */
	size_t nids;         /* of a request that was done */
	char status[32];     /* of an error: "NOT_FOUND" */
	const char *message; /* of an error, as Google words it */
};

/* The same; out of memory counts as nothing. The caller gives it back. */
void pubsub_answer_read(const void *bytes, size_t len,
    struct pubsub_answer *ret);

/* The id of the message that was i-th in the request, below nids. */
const char *pubsub_answer_id(const struct pubsub_answer *a, size_t i);

void pubsub_answer_fini(struct pubsub_answer *a);

#endif /* HANDLERS_PUBSUB_BATCH_H */
