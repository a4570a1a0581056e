/*
 * hub_outcomes.h -- what a puller reports of its jobs, out of its JSON.
 *
 * Pure but for memory.
 */
#ifndef HANDLERS_HUB_OUTCOMES_H
#define HANDLERS_HUB_OUTCOMES_H

#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"

#define HUB_OUTCOMES_MAX 200                    /* in one report */
#define HUB_OUTCOMES_BYTES ((size_t)256 * 1024) /* of its text */
#define HUB_REASON_MAX 200
#define HUB_RETRY_MAX_MS (INT64_C(24) * 3600 * 1000)

struct hub_outcome {
	int64_t id; /* of the job */
	char id_text[20 + 1];
	char lease[64 + 1];
	enum handler_verdict verdict;    /* not PENDING */
	char reason[HUB_REASON_MAX + 1]; /* the puller's words; or empty */
	int64_t retry_after_ms;          /* with RETRY; 0: not said */
};

/*
 * Read a report. Returns NULL, and the outcomes, owned by the caller; or what
 * is wrong with it, for people, and then there is nothing to be freed.
 */
const char *hub_outcomes_read(const char *text, size_t len,
    struct hub_outcome **ret, size_t *ret_n);

#endif /* HANDLERS_HUB_OUTCOMES_H */
