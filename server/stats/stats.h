/*
 * stats.h -- what happened in each minute, kept in the store.
 *
 * Owns:    what was counted since the last write, a timer.
 * Touches: the counters of ingest, rejections and dispatch, which it reads;
 *          store.h; an evtimer.
 *
 * Nothing more is done on the path of an ack: when a minute ends the counters
 * that are there anyway are looked at, and what they have grown by is of that
 * minute. All of it is written in one small transaction, so a server that is
 * killed loses what it counted in its last minute, and one that is stopped
 * nothing. While nothing happens it is noted every ten minutes that it runs.
 *
 * Minutes are those of the wall clock, as far as it is believed
 * (clock_watch_wall()). What it dates while it is wrong, and not known to be,
 * stands at a wrong time.
 */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include <stdint.h>

#include "store/counts.h"

#define STATS_IDLE_MS 600000

struct clock_watch;
struct dispatch;
struct event_base;
struct ingest;
struct rejections;
struct stats; /* opaque */
struct store;

struct stats_options {
	struct event_base *base; /* all kept */
	struct store *st;
	struct ingest *in;
	struct rejections *rej;
	struct dispatch *d;
	struct clock_watch *clock;
};

/* Counts, and writes nothing before stats_begin(). NULL: no memory. */
struct stats *stats_new(const struct stats_options *opt);

/* The store is there: write from now on. */
void stats_begin(struct stats *s);

/* Take in what was counted so far: some handler may be gone soon. */
void stats_take(struct stats *s);

/* Now, by the clock of its minutes. */
int64_t stats_now_ms(const struct stats *s);

/*
 * Call each() for each row that the store has not got yet, this minute's among
 * them; c is valid during the call.
 */
typedef void stats_each_fn(const struct store_count *c, void *arg);
void stats_each(struct stats *s, stats_each_fn *each, void *arg);

/*
 * Hand the store all that was counted; then ask nothing more of it. Accepts
 * NULL.
 */
void stats_stop(struct stats *s);

/* Only when the store has finished what it was asked. Accepts NULL. */
void stats_free(struct stats *s);

#endif /* SERVER_STATS_H */
