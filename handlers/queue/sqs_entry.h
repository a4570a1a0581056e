/*
 * sqs_entry.h -- a message as one entry of Amazon SQS's SendMessageBatch.
 *
 * Owns: nothing that outlasts the struct; pure.
 *
 * Limits and rules are those of SendMessageBatch, SendMessage and
 * MessageAttributeValue in the API reference of Amazon SQS, and of "Quotas" in
 * its guide.
 */
#ifndef HANDLERS_SQS_ENTRY_H
#define HANDLERS_SQS_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "handlers/body/message.h"

#define SQS_SIZE_MAX (1024 * 1024)      /* of a message, and of a whole batch */
#define SQS_GROUP_MAX 128               /* of the ids of a FIFO queue */
#define SQS_ENCODING "klikitd-encoding" /* of a body that is not as it came */

struct sqs_entry {
	char *json; /* what follows the entry's Id, up to its bracket */
	size_t json_len;
	size_t size; /* as SQS counts: the body, names, types and values */
	/* Lower-case hex, of what is sent; empty: MD5 is not to be had here. */
	char body_md5[33];
	char attributes_md5[33];
	char group[SQS_GROUP_MAX + 1]; /* empty: the queue is no FIFO queue */
};

/*
 * The entry of a message for a standard or a FIFO queue.
 *
 * The body is sent as it is. One that SQS refuses (it is empty, no UTF-8, or
 * has characters that are not for XML 1.0) goes as base64, and the attribute
 * klikitd-encoding says so. The attributes are strings; a value that SQS
 * refuses is binary: its very bytes. klikitd-scope is left out if there are
 * ten without it.
 *
 * In a FIFO queue the messages of one order are one group, in each scope
 * another; so are those of an event, by its first order, and an event without
 * orders is a group of its own. An id that is too long is the SHA-256 of it.
 *
 * Returns 0; -1 when out of memory. The caller gives it back in both cases.
 */
int sqs_entry_make(struct sqs_entry *e, const struct message *m,
    const struct store_event *ev, bool fifo);

/* Accepts one that is all zero. */
void sqs_entry_fini(struct sqs_entry *e);

/*
 * The request's body: the entries, at least one, with their indices as ids.
 * Owned by the caller; NULL: out of memory.
 */
char *sqs_entries_join(const char *queue_url,
    const struct sqs_entry *const *entries, size_t n, size_t *ret_len);

/*
 * A body like {"QueueUrl":QUEUE_URL, MORE}; owned by the caller; NULL: out of
 * memory.
 */
char *sqs_request_body(const char *queue_url, const char *more,
    size_t *ret_len);

#endif /* HANDLERS_SQS_ENTRY_H */
