/*
 * usual_hours.h -- in which hours of the week events usually come.
 *
 * Pure: times in, answers out. Times are ms since the epoch by the wall clock;
 * an hour of the week is one of UTC, so it moves when summer time begins or
 * ends.
 *
 * An hour is usual when an event came in it in 3 of the last 4 weeks. So
 * nothing is usual before three weeks are known, a holiday is forgiven, and a
 * branch that closes for good is forgotten after two.
 */
#ifndef SERVER_USUAL_HOURS_H
#define SERVER_USUAL_HOURS_H

#include <stdint.h>

#define USUAL_HOURS_WEEK 168
#define USUAL_HOURS_KNOWN_MS (5 * INT64_C(604800000)) /* older is no use */

/* All zero: nothing is known. */
struct usual_hours {
	uint8_t weeks[USUAL_HOURS_WEEK]; /* a bit for each of the last eight */
	int64_t newest;                  /* the week of the newest event */
};

/* An event came in then; in any order. */
void usual_hours_note(struct usual_hours *u, int64_t at_ms);

/*
 * How many usual hours have passed whole, without an event, since the last one
 * came in? Of the last week at most.
 */
unsigned usual_hours_missed(const struct usual_hours *u, int64_t last_ms,
    int64_t now_ms);

#endif /* SERVER_USUAL_HOURS_H */
