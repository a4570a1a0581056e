/*
 * metrics.h -- asks each module for its numbers and prints them for
 * Prometheus.
 *
 * Owns:    the names of all metrics; what the store counted last, which is
 *          asked for on its reader thread at most once at a time and kept for
 *          a second, or ten times as long as counting took.
 * Touches: the modules named in struct metrics_sources; an evtimer.
 *
 * No label has an id: handlers, secrets and causes are few, branches bounded
 * (branches.h). server/admin/alerts.yml has rules for what is worth a call.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stddef.h>

#include "server/admin/metrics_print.h"

struct event_base;
struct metrics; /* opaque */

#define METRICS_WAIT_MS 2000 /* for the store; then what it said last */

/* Copies from; keeps what it names. NULL when out of memory. */
struct metrics *metrics_new(struct event_base *base,
    const struct metrics_sources *from);

/*
 * text (its length known too) is valid during the call; NULL when out of
 * memory.
 */
typedef void metrics_done_fn(const char *text, size_t len, void *arg);

/*
 * Print all. done() runs exactly once, after at most METRICS_WAIT_MS, not
 * before this call returns. Returns 0; -1 when out of memory, and then it
 * never runs.
 */
int metrics_ask(struct metrics *m, metrics_done_fn *done, void *arg);

/* Answer all who wait, with what is known. Accepts NULL. */
void metrics_flush(struct metrics *m);

/*
 * When nobody waits and the store has finished what it was asked. Accepts
 * NULL.
 */
void metrics_free(struct metrics *m);

#endif /* SERVER_METRICS_H */
