#include "server/base/histogram.h"

#include <assert.h>
#include <string.h>

void
histogram_init(struct histogram *h, const int64_t *bounds, size_t n)
{
	assert(n <= HISTOGRAM_MAX);
	memset(h, 0, sizeof(*h));
	h->bounds = bounds;
	h->nbounds = n;
}

void
histogram_add(struct histogram *h, int64_t value)
{
	size_t i = 0;

	if (value < 0)
		value = 0;
	while (i < h->nbounds && value > h->bounds[i])
		i++;
	h->counts[i]++;
	h->sum += value;
}
