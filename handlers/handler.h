/*
 * handler.h -- what happens to a stored event.
 *
 * Owns:    the interface between dispatch, which decides when a job runs and
 *          records its verdict, and the handlers, which know what to do.
 * Touches: a handler never logs, reads no configuration and no clock, and
 *          does not write the store: what it needs arrives in handler_env
 *          and handler_options, what it wants written leaves in its result,
 *          so that rows and the job's end become true in one commit.
 *
 * To add a type: one file that exports one const struct handler, and a line
 * in registry.c. See DESIGN.md for the rules of idempotency.
 */
#ifndef HANDLERS_HANDLER_H
#define HANDLERS_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum handler_verdict {
	HANDLER_DONE,  /* accepted: the rows in the result are to be written */
	HANDLER_RETRY, /* not now; the result's reason says why */
	HANDLER_DEAD   /* never; the result's reason says why */
};

#define HANDLER_REASON_MAX 256

/* What dispatch lends a handler; outlives every handler made with it. */
struct handler_env {
	int64_t (*now_ms)(void *arg); /* the wall clock */
	void *arg;
};

/* One configured handler's own settings; borrowed for open(). */
struct handler_options {
	const char *name;
	const char *const *terminal; /* status codes that end an order */
	size_t nterminal;
};

/* A job handed to run(); all borrowed for the call. */
struct handler_job {
	const struct store_event *ev; /* without its body */
	int32_t place;    /* the order it is for, or STORE_WHOLE_EVENT */
	unsigned attempt; /* 1 for the first */
};

/* Set to all zero before run(); result and writes are the handler's. */
struct handler_result {
	char reason[HANDLER_REASON_MAX]; /* with RETRY and DEAD */
	struct store_write *writes; /* borrowed; valid until the next run() */
	size_t nwrites;
};

/* One configured handler at work; each type embeds it first. */
struct handler_instance {
	const struct handler *type;
};

struct handler {
	const char *type; /* as it stands in the configuration */

	/*
	 * Does it matter to it in which order the events of one order come?
	 * Then its jobs wait in lanes, unless the configuration says otherwise.
	 */
	bool ordered;

	/*
	 * Make an instance, owned by the caller. Copies what it keeps of opt;
	 * keeps env. On failure returns NULL and writes one line to reason.
	 */
	struct handler_instance *(*open)(const struct handler_env *env,
	    const struct handler_options *opt, char reason[HANDLER_REASON_MAX]);

	/*
	 * Do the job, now and without blocking; the same job may come again
	 * (after a crash, or when its commit failed) and must then have the
	 * same effect once.
	 */
	enum handler_verdict (*run)(struct handler_instance *h,
	    const struct handler_job *job, struct handler_result *ret_result);

	/* Free the instance. */
	void (*close)(struct handler_instance *h);
};

/* The handler of that type; NULL if there is none. */
const struct handler *handler_find(const char *type);

/* The i-th type of the table, for messages; NULL past the end. */
const struct handler *handler_at(size_t i);

#endif /* HANDLERS_HANDLER_H */
