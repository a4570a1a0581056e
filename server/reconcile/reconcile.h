/*
 * reconcile.h -- fills the gaps: what klikit's list of orders has and the store
 * has not is fed to ingest.
 *
 * Owns:    one run at a time: its question, one page, what it counted; when
 *          the next one is due.
 * Touches: the loop, reconcile_link.h, reconcile_fill.h, the alerts, the log.
 *
 * A run goes through all pages of a window of time up to now. It comes after
 * the start, by the clock, and as soon as deliveries can come again that could
 * not: cut() says so. One that fails is tried again, from the first page on;
 * what it had filled by then is right all the same.
 */
#ifndef SERVER_RECONCILE_H
#define SERVER_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "server/reconcile/reconcile_fill.h"
#include "server/reconcile/reconcile_link.h"

struct alerts;
struct reconcile; /* opaque */

struct reconcile_options {
	const struct handler_env *env; /* these kept */
	struct alerts *alerts;
	struct reconcile_filler filler; /* copied */
	/* Would an event be written now? Else no run begins. */
	bool (*well)(void *arg);
	/* Is the way cut by which deliveries come, as far as we know? */
	bool (*cut)(void *arg);
	/* Is our wall clock not to be believed? */
	bool (*clock_doubted)(void *arg);
	void *arg;
};

/* All borrowed for reconcile_set(). */
struct reconcile_settings {
	struct reconcile_far far; /* its url NULL: it is off */
	int64_t every_ms;
	int64_t window_ms;
	int64_t grace_ms; /* what changed since then is left alone */
	int64_t alert_after_ms;
	int64_t size; /* orders of a page */
	struct selection takes;
	struct status_codes codes;
};

/* It is off. Copies opt. NULL when out of memory. */
struct reconcile *reconcile_new(const struct reconcile_options *opt);

/*
 * From now on by these settings; a run under way is given up, and one is due.
 * Returns 0; -1, with one line in reason, and then all stays as it was.
 */
int reconcile_set(struct reconcile *r, const struct reconcile_settings *set,
    char reason[HANDLER_REASON_MAX]);

struct reconcile_status {
	const char *url; /* valid until reconcile_set(); NULL: it is off */
	bool running;
	int64_t run_ms;     /* when the last run began; 0: none did */
	int64_t success_ms; /* when the last one went through; 0: none did */
	uint64_t runs;      /* that ended */
	uint64_t failures;  /* of them */
	uint64_t unknown;   /* orders that were filled */
	uint64_t newer;
	const char *error; /* why the last one failed; "": it did not */
	const char *advice;
	int64_t error_ms;
};
void reconcile_status(const struct reconcile *r,
    struct reconcile_status *ret_status);

/* Begin nothing more. Accepts NULL. */
void reconcile_stop(struct reconcile *r);

/* Only when store and ingest have nothing of it. Accepts NULL. */
void reconcile_free(struct reconcile *r);

#endif /* SERVER_RECONCILE_H */
