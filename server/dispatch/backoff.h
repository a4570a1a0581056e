/*
 * backoff.h -- when to try again.
 *
 * Pure: waits, attempt, time and randomness in, a time out.
 */
#ifndef SERVER_BACKOFF_H
#define SERVER_BACKOFF_H

#include <stddef.h>
#include <stdint.h>

struct backoff {
	const int64_t *waits_ms; /* at least one; the last repeats */
	size_t nwaits;
};

/*
 * When a job whose attempt-th try (1 for the first) has just failed at now_ms
 * is due again: now_ms plus its wait, spread by up to a tenth either way as
 * rnd says, so that what failed together does not come back together.
 */
int64_t backoff_next(const struct backoff *b, unsigned attempt, int64_t now_ms,
    uint32_t rnd);

#endif /* SERVER_BACKOFF_H */
