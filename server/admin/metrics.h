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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock_watch;
struct diagnosis_queue;
struct dispatch;
struct event_base;
struct http;
struct http_admin;
struct ingest;
struct metrics; /* opaque */
struct rejections;
struct secrets;
struct store;
struct stream;

/* A certificate that is in use. */
struct metrics_certificate {
	const char *name; /* "server", or whose it is */
	int64_t until_ms;
};

/* TLS connections of the public listener, since the start. */
struct metrics_tls {
	uint64_t handshakes;
	uint64_t resumed; /* of them */
	uint64_t failed;
	uint64_t timed_out;
};

/* What a reload replaces is asked for anew each time. */
struct metrics_sources {
	struct store *st;
	struct ingest *ingest;
	struct dispatch *dispatch;
	const struct clock_watch *clock;
	struct rejections *rej;
	struct diagnosis_queue *diag;
	struct stream *stream;
	int64_t started_at_ms;
	size_t queue_max;
	struct http *(*http)(void *arg);       /* NULL: not open yet */
	struct http *(*http_admin)(void *arg); /* the same */
	const struct secrets *(*secrets)(void *arg);
	/* The i-th; false past the end. NULL: there are none. */
	bool (
	    *certificate)(void *arg, size_t i, struct metrics_certificate *ret);
	/* False: no TLS is spoken. NULL: the same. */
	bool (*tls)(void *arg, struct metrics_tls *ret);
	void *arg;
};

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
