/*
 * times.h -- a type for each clock, so that two of them cannot be compared.
 *
 * Pure. There are three clocks:
 *
 *   wall     what people read and set: ms since the epoch, UTC. It may jump,
 *            by minutes or by decades. It dates things.
 *   steady   klikitd's own: it only passes. It started as the wall clock when
 *            the store was made; it goes on over restarts, and counts suspends
 *            (see steady.h of the server). It says what is due, and how old.
 *   monotonic  the kernel's, in us; libevent's. It measures what begins and
 *            ends within one run: a plain int64_t whose name ends in _us.
 *
 * A plain int64_t whose name ends in _ms is a length of time, or a time of the
 * wall clock where no other clock is near.
 */
#ifndef STORE_BASE_TIMES_H
#define STORE_BASE_TIMES_H

#include <stdbool.h>
#include <stdint.h>

struct wall_time {
	int64_t ms;
};

struct steady_time {
	int64_t ms; /* 0: none, where that is said */
};

static inline struct steady_time
steady_add(struct steady_time t, int64_t ms)
{
	return ((struct steady_time){ t.ms + ms });
}

/* How long after `from' it is; negative: before. */
static inline int64_t
steady_since(struct steady_time t, struct steady_time from)
{
	return (t.ms - from.ms);
}

static inline bool
steady_before(struct steady_time a, struct steady_time b)
{
	return (a.ms < b.ms);
}

static inline struct wall_time
wall_add(struct wall_time t, int64_t ms)
{
	return ((struct wall_time){ t.ms + ms });
}

static inline int64_t
wall_since(struct wall_time t, struct wall_time from)
{
	return (t.ms - from.ms);
}

static inline bool
wall_before(struct wall_time a, struct wall_time b)
{
	return (a.ms < b.ms);
}

#endif /* STORE_BASE_TIMES_H */
