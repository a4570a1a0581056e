/*
 * A value below 64 has a bucket of its own; above, each doubling is cut into
 * 64 parts: a percentile is right to 1.6 %.
 */
#include "load.h"

static size_t
hist_bucket(uint64_t us)
{
	unsigned shift = 0;
	size_t at;

	while (us >> shift >= 2 * HIST_SUB)
		shift++;
	at = us < HIST_SUB ? us : HIST_SUB * shift + (us >> shift);
	return (at < HIST_BUCKETS ? at : HIST_BUCKETS - 1);
}

/* The greatest value of a bucket. */
static uint64_t
hist_top(size_t at)
{
	size_t shift = at < 2 * HIST_SUB ? 0 : at / HIST_SUB - 1;
	uint64_t low = at - HIST_SUB * shift;

	return (((low + 1) << shift) - 1);
}

void
hist_add(struct hist *h, uint64_t us)
{
	h->count[hist_bucket(us)]++;
	h->n++;
	h->sum_us += us;
	if (us > h->max_us)
		h->max_us = us;
}

uint64_t
hist_at(const struct hist *h, double share)
{
	uint64_t want = (uint64_t)(share * (double)h->n + 0.999999);
	uint64_t seen = 0;

	if (want < 1)
		want = 1;
	for (size_t i = 0; i < HIST_BUCKETS && h->n > 0; i++) {
		seen += h->count[i];
		if (seen >= want)
			return (
			    hist_top(i) < h->max_us ? hist_top(i) : h->max_us);
	}
	return (h->max_us);
}
