#include <assert.h>

#include "server/dispatch/backoff.h"

int64_t
backoff_next(const struct backoff *b, unsigned attempt, int64_t now_ms,
    uint32_t rnd)
{
	size_t i = attempt == 0 ? 0 : attempt - 1;
	int64_t wait;
	int64_t spread;

	assert(b->nwaits > 0);
	if (i >= b->nwaits)
		i = b->nwaits - 1;
	wait = b->waits_ms[i];

	/* -wait/10 to +wait/10, in steps of rnd's 2^-32. */
	spread = wait / 5;
	return (now_ms + wait - spread / 2 +
		(int64_t)(((uint64_t)spread * rnd) >> 32));
}
