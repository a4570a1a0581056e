/*
 * dispatch.h -- runnable jobs: call the handler, record its verdict.
 *
 * Owns:    the handlers at work, a bounded queue of runnable jobs for each,
 *          the events whose answer has not left yet, the timer for the
 *          earliest job due, and the slices of time that jobs get.
 * Touches: store.h, handler.h, the log, evtimers. No HTTP, no SQL.
 *
 * The store decides which job may run; dispatch keeps only those in memory,
 * at most DISPATCH_QUEUE_MAX per handler, and asks the store for more when it
 * has room. An event's jobs start only after dispatch_open() for it.
 */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "store/store.h"

struct event_base;
struct dispatch; /* opaque */

#define DISPATCH_QUEUE_MAX 2048     /* runnable jobs held per handler */
#define DISPATCH_FETCH_MAX 256      /* of them asked for at a time */
#define DISPATCH_RECORDS_MIN 16     /* outcomes on their way to the store */
#define DISPATCH_RECORDS_MAX 1024   /* with what deliveries allow beside */
#define DISPATCH_EVENT_RECORDS 2    /* outcomes that a delivery allows */
#define DISPATCH_SLICE_US 2000      /* of each turn of the loop */
#define DISPATCH_SLICE_MAX_US 20000 /* of one in which much else was done */
#define DISPATCH_SLICE_MIN 4        /* jobs of each turn, whatever they take */

/* A handler to be put to work; all borrowed. */
struct dispatch_handler {
	int64_t number; /* in the store */
	const char *name;
	const struct handler *type;
	struct handler_options options;
	const int64_t *retry_ms; /* waits between attempts, the last repeats */
	size_t nretry;
	int64_t max_age_ms; /* since the event came in; then it is dead */
};

/*
 * Keeps base, st and env (which lends the clock). NULL when out of memory.
 */
struct dispatch *dispatch_new(struct event_base *base, struct store *st,
    const struct handler_env *env);

/*
 * Put exactly these handlers to work from now on. One that was there before
 * (by number) keeps its queue; jobs of one that is gone stay in the store.
 * Returns 0; or -1 and one line in reason, and then all stays as it was.
 */
int dispatch_set_handlers(struct dispatch *d,
    const struct dispatch_handler *handlers, size_t n,
    char reason[HANDLER_REASON_MAX]);

/*
 * An event was committed, with these runnable jobs: log its line and hold its
 * jobs back until dispatch_open(). Refs ev, copies jobs. Short of memory it
 * lets the jobs go: they are found in the store later.
 */
void dispatch_hold(struct dispatch *d, struct store_event *ev,
    const struct store_job *jobs, size_t njobs);

/* The event's answer has left, or never will: its jobs may run. */
void dispatch_open(struct dispatch *d, int64_t event);

/* Start no further job; those whose outcome is being recorded go on. */
void dispatch_stop(struct dispatch *d);

/* Jobs that have run, whose outcome is not yet on disk. */
size_t dispatch_recording(const struct dispatch *d);

/* What was counted since the start. */
struct dispatch_stats {
	uint64_t done;
	uint64_t retries;
	uint64_t dead;
};
void dispatch_stats(const struct dispatch *d, struct dispatch_stats *ret);

/* Only when nothing is being recorded. Accepts NULL. */
void dispatch_free(struct dispatch *d);

#endif /* SERVER_DISPATCH_H */
