/*
 * upstream_take.h -- a job of a hub goes the way of a delivery.
 *
 * Owns:    nothing.
 * Touches: ingest.h, endpoint.h, diagnosis_queue.h, the secrets. No network.
 *
 * It comes in as through the usual endpoint: the same secrets, the same scope,
 * the same events taken. What is refused is kept as a rejection.
 */
#ifndef SERVER_UPSTREAM_TAKE_H
#define SERVER_UPSTREAM_TAKE_H

#include <stdbool.h>

#include "server/intake/ingest.h"
#include "server/upstream/upstream_batch.h"

struct clock_watch;
struct diagnosis_queue;
struct endpoint;
struct header_sets;

/* What it takes; all kept. */
struct upstream_taker {
	struct ingest *in;
	struct diagnosis_queue *diag;
	struct clock_watch *clock;   /* by which secrets are valid */
	struct header_sets *headers; /* what is kept of them; NULL: nothing */
	/* The usual one, for the moment; NULL: there is none yet. */
	const struct endpoint *(*endpoint)(void *arg);
	void *arg;
	const char *name; /* of the upstream whose jobs they are */
	bool trust;       /* their signatures need not be of our secrets */
};

enum upstream_took {
	UPSTREAM_PENDING, /* done() will run, once, not before this returns */
	UPSTREAM_DEAD,    /* it never can be taken: *ret_why, which is static */
	UPSTREAM_BUSY     /* not now */
};

/*
 * Take a job. done() gets what ingest_done_fn is promised; ingest_answered() is
 * the caller's to call.
 */
enum upstream_took upstream_take(const struct upstream_taker *t,
    const struct upstream_job *job, ingest_done_fn *done, void *arg,
    const char **ret_why);

#endif /* SERVER_UPSTREAM_TAKE_H */
