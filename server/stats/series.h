/*
 * series.h -- rows of counts as one series for each kind and name, with a slot
 * for each minute or hour.
 *
 * Pure but for memory.
 */
#ifndef SERVER_SERIES_H
#define SERVER_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "store/counts.h"

#define SERIES_SLOTS_MAX 1441 /* a day of minutes that begins within one */

struct series_line {
	enum store_count_kind kind;
	char *name;
	struct store_count *slots; /* so many as series.n; without names */
};

/* To be read. */
struct series {
	enum store_count_step step;
	int64_t from_ms;
	size_t n;
	struct series_line *lines; /* in the order in which they came */
	size_t nlines;
};

/* Of n slots from from_ms on, which begins one, n at most SERIES_SLOTS_MAX. */
void series_init(struct series *s, enum store_count_step step, int64_t from_ms,
    size_t n);

/*
 * Add a row, of any minute, to the slot in which it lies; what lies outside, or
 * is not kept in that step, is left out. Returns 0, or -1: no memory.
 */
int series_add(struct series *s, const struct store_count *c);

/* The line of that kind and name; NULL: there is none. */
const struct series_line *series_find(const struct series *s,
    enum store_count_kind kind, const char *name);

/*
 * Of a handler's slot, or sum of slots: the time in us that a share of its
 * calls did not exceed (histogram_quantile()); -1: there were none.
 */
int64_t series_call_us(const struct store_count *c, double share);

void series_fini(struct series *s);

#endif /* SERVER_SERIES_H */
