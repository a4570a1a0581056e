/*
 * histogram.h -- how often a value fell into which bucket.
 *
 * Pure, and cheap enough for the path of an ack.
 */
#ifndef SERVER_HISTOGRAM_H
#define SERVER_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_MAX 20 /* bounds */

struct histogram {
	const int64_t *bounds; /* rising; static, in a unit of the owner's */
	size_t nbounds;        /* up to HISTOGRAM_MAX */
	uint64_t counts[HISTOGRAM_MAX + 1]; /* up to that bound; above all */
	int64_t sum;
};

/* bounds is kept. */
void histogram_init(struct histogram *h, const int64_t *bounds, size_t n);

/* Negative values, of a clock that was set, count as 0. */
void histogram_add(struct histogram *h, int64_t value);

/*
 * About the value that a share of them, 0 to 1, does not exceed: 0.5 is the
 * median. Within a bucket they count as spread evenly; of what is above the
 * last bound no more is known than that bound. -1: there are none.
 */
int64_t histogram_quantile(const struct histogram *h, double share);

#endif /* SERVER_HISTOGRAM_H */
