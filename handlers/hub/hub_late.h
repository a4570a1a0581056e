/*
 * hub_late.h -- what was reported done under a lease that was no more: it had
 * ended, or the hub was started again.
 *
 * Owns:    the last HUB_LATE_MAX of such reports of a box, in memory.
 * Touches: handler_env's sign(). No loop.
 *
 * The end of a lease is a mark: what the box's token makes of the job, so that
 * it is the same in each attempt, at each receiver and after a restart. Who
 * reports a lease that is no more has done the job all the same. Such a job is
 * not handed out again: when its next attempt begins, it ends as done.
 */
#ifndef HANDLERS_HUB_LATE_H
#define HANDLERS_HUB_LATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "handlers/hub/hub_token.h"

#define HUB_LATE_MAX 200
#define HUB_MARK_LEN 32
#define HUB_MARK_MAX (HUB_MARK_LEN + 1) /* its text, with the NUL */

/* All zero: none. */
struct hub_late {
	struct hub_late_one {
		int64_t job;
		char mark[HUB_MARK_MAX];
	} * list; /* a ring; NULL: it was never needed */
	size_t n;
	size_t next;
};

/* What is marked: nothing else has the same of all. */
struct hub_marked {
	int64_t job;
	int64_t received_at_ms; /* its event */
	const char *key;        /* its idempotency key */
};

/*
 * The mark by the i-th token. Returns 0; -1 if there is no such token, or when
 * out of memory.
 */
int hub_mark_make(const struct handler_env *env,
    const struct hub_tokens *tokens, size_t i, const struct hub_marked *what,
    char ret_mark[HUB_MARK_MAX]);

/* The mark in a lease; NULL: it has none. */
const char *hub_mark_of(const char *lease);

/* It was done. Short of memory it is forgotten. */
void hub_late_add(struct hub_late *late, int64_t job, const char *mark);

/* Was that job done, by any of these tokens? */
bool hub_late_has(const struct hub_late *late, const struct handler_env *env,
    const struct hub_tokens *tokens, const struct hub_marked *what);

/* Accepts one that is all zero. */
void hub_late_fini(struct hub_late *late);

#endif /* HANDLERS_HUB_LATE_H */
