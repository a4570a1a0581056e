/*
 * hub_text.h -- what a puller is sent: a job as JSON, and a batch of them.
 *
 * Pure but for memory.
 */
#ifndef HANDLERS_HUB_TEXT_H
#define HANDLERS_HUB_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "handlers/body/message.h"

#define HUB_LEASE_MAX 65                          /* its text, with the NUL */
#define HUB_BATCH_BYTES ((size_t)4 * 1024 * 1024) /* of texts, about */
#define HUB_HEADERS_MAX 64      /* of a job: a box takes no more */
#define HUB_HEADER_NAME_MAX 128 /* likewise */

/*
 * The members of a job's object that are the same each time it is handed out:
 * attempt, event_id, received_at, headers, body. The headers are what a handler
 * of type forward would send, and those of the event's that say something
 * behind the hub as well. Owned by the caller; NULL when out of memory.
 */
char *hub_text_new(const struct handler_job *job, const struct message *m,
    size_t *ret_len);

/* One job of a batch. */
struct hub_text_job {
	int64_t id;
	const char *lease;
	int64_t lease_ms;
	const char *text; /* hub_text_new()'s */
	size_t len;
};

/* {"jobs":[...]}, owned by the caller; NULL when out of memory. */
char *hub_text_batch(const struct hub_text_job *jobs, size_t n,
    size_t *ret_len);

#endif /* HANDLERS_HUB_TEXT_H */
