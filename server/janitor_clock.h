/*
 * janitor_clock.h -- is the wall clock fit to throw things away by?
 *
 * Pure: clocks in, answer out. A clock that jumps ahead by a year must not
 * take a year's bodies with it; one that starts in 1970 and is put right a
 * minute later must not stop retention for ever.
 */
#ifndef SERVER_JANITOR_CLOCK_H
#define SERVER_JANITOR_CLOCK_H

#include <stdint.h>

/* A jump of more than this is not believed... */
#define JANITOR_JUMP_MS INT64_C(86400000)

/* ... until the clock has gone on like that for so long. */
#define JANITOR_DOUBT_MS (7 * INT64_C(86400000))

struct janitor_clock {
	int64_t offset_ms; /* wall minus monotonic, as last believed */
	int64_t doubt_ms;  /* monotonic, since when it is not; -1: it is */
};

enum janitor_clock_rc {
	JANITOR_CLOCK_OK,
	JANITOR_CLOCK_BEHIND, /* it is before the newest event */
	JANITOR_CLOCK_JUMPED  /* it has jumped, and nothing says why */
};

/* What the clocks say at the start is what later looks are compared with. */
void janitor_clock_init(struct janitor_clock *c, int64_t wall_ms,
    int64_t mono_ms);

/*
 * Look at the clocks. newest_ms is when the newest event was received; 0:
 * there is none. A jump away from a time before that event puts the clock
 * right and is believed at once.
 */
enum janitor_clock_rc janitor_clock_look(struct janitor_clock *c,
    int64_t wall_ms, int64_t mono_ms, int64_t newest_ms);

#endif /* SERVER_JANITOR_CLOCK_H */
