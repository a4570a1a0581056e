/*
 * alert_silence.h -- branches that are silent in their usual hours, looked at
 * for alerts.
 *
 * Owns:    what is known of the hours of each branch, how far it has read back
 *          in the store, a timer for that.
 * Touches: store_read.h (pages of events, newest first), ingest.h (branches),
 *          steady.h, alerts.h, an evtimer.
 *
 * After the start it reads back five weeks, at most ALERT_SILENCE_PAGES pages,
 * with a pause after each. Nothing is sent before that is done.
 */
#ifndef SERVER_ALERT_SILENCE_H
#define SERVER_ALERT_SILENCE_H

#include <stdint.h>

#include "store/base/times.h"

struct alert_silence; /* opaque */
struct alerts;
struct event_base;
struct ingest;
struct steady;
struct store;

#define ALERT_SILENCE_PAGES 800
#define ALERT_SILENCE_PAUSE_MS 200

struct alert_silence_options {
	struct event_base *base; /* all kept */
	struct store *st;
	struct ingest *in;
	const struct steady *clock;
	struct alerts *alerts;
};

/* NULL when out of memory. */
struct alert_silence *alert_silence_new(
    const struct alert_silence_options *opt);

/* So long, of usual hours, is silence reported; 0: never. Begins to read. */
void alert_silence_set(struct alert_silence *s, int64_t silence_ms);

void alert_silence_look(struct alert_silence *s);

/* Ask nothing more of the store. Accepts NULL. */
void alert_silence_stop(struct alert_silence *s);

/* Only when the store has finished what it was asked. Accepts NULL. */
void alert_silence_free(struct alert_silence *s);

#endif /* SERVER_ALERT_SILENCE_H */
