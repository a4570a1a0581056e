/*
 * steady.h -- the steady clock, and what the wall clock is worth.
 *
 * Pure, but for steady_now(), which reads the time since the machine's start.
 *
 * The steady clock only passes. It starts as the wall clock when the store is
 * made. While klikitd runs it goes with CLOCK_BOOTTIME, so also in suspend.
 * Over a restart of klikitd alone it does the same. Over a restart of the
 * machine nobody knows for sure how long it was off; then the wall clock is
 * believed up to STEADY_GAP_MAX_MS: a night, a weekend. What goes beyond that,
 * or back, is not counted at all, so no wait is cut short by it.
 *
 * The wall clock is believed as long as it goes on from where it was. A jump
 * of more than STEADY_JUMP_MS is believed only when it has gone on like that
 * for STEADY_DOUBT_MS, or at once when it leads away from a time in which it
 * was plainly not set.
 */
#ifndef SERVER_STEADY_H
#define SERVER_STEADY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/times.h"

struct store_clock;

#define STEADY_DAY_MS INT64_C(86400000)
#define STEADY_GAP_MAX_MS (3 * STEADY_DAY_MS)
#define STEADY_JUMP_MS STEADY_DAY_MS
#define STEADY_DOUBT_MS (7 * STEADY_DAY_MS)
#define STEADY_STEP_MS 10000 /* less is no step: it is slewed */
#define STEADY_PROOF_MS                                                        \
	INT64_C(3600000) /* in step, after a start or a step                   \
			  */

/* The clocks at one moment. */
struct steady_reading {
	struct wall_time wall;
	int64_t boot_ms;  /* clock_boot_ms() */
	const char *boot; /* name of this run of the machine; "": unknown */
};

enum steady_doubt {
	STEADY_FINE,
	STEADY_NOT_SET, /* the wall clock is before 2025 */
	STEADY_BEHIND,  /* it is before the time that it had reached */
	STEADY_AHEAD    /* it has jumped ahead, and nothing says why */
};

struct steady {
	int64_t base_ms;   /* steady minus boot: constant while we run */
	int64_t trust_ms;  /* wall minus steady, as last believed */
	int64_t offset_ms; /* wall minus boot, at the last look */
	int64_t proof_ms;  /* the wall clock was not set since then (boot) */
	struct steady_time in_step; /* the same, and over restarts */
	bool foreign; /* due times in the store may be of another clock */
	enum steady_doubt doubt;
};

/* What the store has kept (see store_note_clock()), and the clocks now. */
void steady_start(struct steady *s, const struct store_clock *kept,
    const struct steady_reading *now);

/*
 * Look at the clocks; to be done every minute. Returns by how much the wall
 * clock was set since the last look; 0: it was not.
 */
int64_t steady_look(struct steady *s, const struct steady_reading *now);

/* By the clock of this moment. */
struct steady_time steady_now(const struct steady *s);

/* The steady time at that time since the machine's start. */
struct steady_time steady_at(const struct steady *s, int64_t boot_ms);

/*
 * What time of the wall clock to decide by, where a wrong one does harm if it
 * is too late: while it is not set what it should be, and else the earlier of
 * that and of what it is.
 */
struct wall_time steady_wall(const struct steady *s, struct wall_time wall,
    struct steady_time now);

/*
 * Has the wall clock gone in step for long enough that a gap it vouched for
 * may be held against what is stored?
 */
bool steady_is_proven(const struct steady *s, int64_t boot_ms);

/* What to write down for the next start. boot as in steady_reading. */
void steady_keep(const struct steady *s, const struct steady_reading *now,
    struct store_clock *ret_kept);

/* What is wrong, in a word ("ok" if nothing is), and what to do about it. */
const char *steady_doubt_name(enum steady_doubt doubt);
const char *steady_doubt_text(enum steady_doubt doubt);

#endif /* SERVER_STEADY_H */
