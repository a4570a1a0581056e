/*
 * metrics_print.h -- every metric, printed from the modules that count and
 * what the store counted last. metrics.h says when.
 */
#ifndef SERVER_METRICS_PRINT_H
#define SERVER_METRICS_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "store/store_read.h"

struct alerts;
struct backups;
struct clock_watch;
struct diagnosis_queue;
struct dispatch;
struct endpoints;
struct histogram;
struct http;
struct http_admin;
struct hub;
struct ingest;
struct probe;
struct pull_route;
struct reconcile;
struct upstreams;
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
	const struct alerts *alerts;
	struct rejections *rej;
	struct diagnosis_queue *diag;
	struct stream *stream;
	const struct backups *backups;
	const struct probe *probe;
	const struct hub *hub;
	const struct upstreams *upstreams;
	const struct reconcile *reconcile;
	int64_t started_at_ms;
	size_t queue_max;
	struct http *(*http)(void *arg);            /* NULL: not open yet */
	struct http *(*http_admin)(void *arg);      /* the same */
	const struct histogram *(*acks)(void *arg); /* the same; in us */
	/* Requests answered 429, at the public or the admin listener. */
	uint64_t (*limited)(void *arg, bool admin);
	const struct pull_route *(*pulls)(void *arg); /* NULL: none yet */
	const struct secrets *(*secrets)(void *arg);
	struct endpoints *(*endpoints)(void *arg); /* NULL: none yet */
	/* The i-th; false past the end. NULL: there are none. */
	bool (
	    *certificate)(void *arg, size_t i, struct metrics_certificate *ret);
	/* False: no TLS is spoken. NULL: the same. */
	bool (*tls)(void *arg, struct metrics_tls *ret);
	void *arg;
};

/* What the store counted last. */
struct metrics_figures {
	bool known;
	int64_t at_ms; /* monotonic */
	struct store_figures f;
	struct store_handler_info *handlers; /* with names of their own */
};

/* Print all to f. */
void metrics_print(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures);

#endif /* SERVER_METRICS_PRINT_H */
