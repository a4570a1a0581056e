/*
 * stats_numbers.h -- what the numbers of a row of counts mean.
 *
 * Pure. They are in the store by their places: new ones come behind the others.
 */
#ifndef SERVER_STATS_NUMBERS_H
#define SERVER_STATS_NUMBERS_H

#include "server/diagnosis/reject_cause.h"
#include "server/dispatch/call_time.h"
#include "store/counts.h"

/* Of the intake. */
enum stats_intake {
	STATS_SECONDS, /* in which a receiver served: 0, it did not run */
	STATS_RECEIVED,
	STATS_REPEATS, /* of the received */
	STATS_DUPLICATES,
	STATS_BUSY,   /* turned away, to be sent again */
	STATS_REFUSED /* by cause: this and those behind it */
};
_Static_assert(STATS_REFUSED + REJECT_NCAUSES <= STORE_COUNT_NUMBERS,
    "room for each cause");

/* Of a handler; its peak is its backlog, jobs that have not ended. */
enum stats_handler {
	STATS_DONE,    /* attempts, as those that follow */
	STATS_RETRY,   /* to be tried again */
	STATS_UNKNOWN, /* the same, though it may have been done */
	STATS_DEAD,
	STATS_CALLS /* calls by how long they took: the buckets of call_time.h
		     */
};
#define STATS_CALL_BUCKETS (CALL_TIME_BOUNDS + 1)
_Static_assert(STATS_CALLS + STATS_CALL_BUCKETS <= STORE_COUNT_NUMBERS,
    "room for each bucket");

/* Of a branch. */
enum stats_branch {
	STATS_EVENTS /* new ones, and no repeats */
};

#endif /* SERVER_STATS_NUMBERS_H */
