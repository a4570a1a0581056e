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

static int64_t
between(int64_t from, int64_t to, double part)
{
	return (from + (int64_t)(part * (double)(to - from)));
}

int64_t
histogram_quantile(const struct histogram *h, double share)
{
	double total = 0, below = 0;
	int64_t from = 0;

	for (size_t i = 0; i <= h->nbounds; i++)
		total += (double)h->counts[i];
	if (total == 0)
		return (-1);
	for (size_t i = 0; i < h->nbounds; i++) {
		double n = (double)h->counts[i], rank = share * total - below;

		if (n > 0 && rank <= n)
			return (between(from, h->bounds[i], rank / n));
		below += n;
		from = h->bounds[i];
	}
	return (from);
}
