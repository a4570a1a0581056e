/*
 * upstream_round.h -- one batch of a hub's jobs, on its way to the disk.
 *
 * Owns:    what the hub answered, the state of each of its jobs, what is
 *          counted of them.
 * Touches: ingest by upstream_take.h, the clock. No network, no loop: who has
 *          it is told when something has settled, and when to look again.
 */
#ifndef SERVER_UPSTREAM_ROUND_H
#define SERVER_UPSTREAM_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "server/upstream/upstream_report.h"
#include "server/upstream/upstream_take.h"

struct upstream_round; /* opaque */

/* What became of jobs. */
enum upstream_end {
	UPSTREAM_END_STORED,
	UPSTREAM_END_DUPLICATE,
	UPSTREAM_END_REFUSED,
	UPSTREAM_END_LEFT, /* it comes again: the store was not well for long */
	UPSTREAM_NENDS
};

struct upstream_counts {
	uint64_t ends[UPSTREAM_NENDS];
	int64_t event_ms; /* when the last job came; 0: none yet */
	int64_t lag_ms;   /* how long that one was under way */
};

struct upstream_round_options {
	struct upstream_taker taker; /* copied */
	void (*settled)(void *arg);  /* a job is: go on */
	void *arg;
};

/* Nothing is at hand yet. NULL when out of memory. */
struct upstream_round *upstream_round_new(
    const struct upstream_round_options *opt);

/* Only when ingest has nothing of it. Accepts NULL. */
void upstream_round_free(struct upstream_round *r);

/*
 * Nothing is at hand: this is, what the hub answered, from malloc, which is
 * taken. Returns 0; -1, and one line in reason, if it is no batch.
 */
int upstream_round_read(struct upstream_round *r, char *bytes, size_t len,
    char reason[HANDLER_REASON_MAX]);

/* How many jobs are at hand. */
size_t upstream_round_jobs(const struct upstream_round *r);

/*
 * Is each job at hand settled? If not, take what one turn of the loop may take
 * of the others; what is still not is to be asked again when settled() is
 * called, or after *ret_wait_ms (-1: only then). With last, what ingest has not
 * got is given up. Once all are settled their bodies are forgotten.
 */
bool upstream_round_go(struct upstream_round *r, bool last,
    int64_t *ret_wait_ms);

/* What is to be reported; valid until the round is cleared. How many. */
size_t upstream_round_outcomes(const struct upstream_round *r,
    struct upstream_outcome ret_list[UPSTREAM_JOBS_MAX]);

/* It is over: nothing is at hand. */
void upstream_round_clear(struct upstream_round *r);

/* What is counted since the start; one that replaces another goes on there. */
const struct upstream_counts *upstream_round_counts(
    const struct upstream_round *r);
void upstream_round_inherit(struct upstream_round *r,
    const struct upstream_round *old);

#endif /* SERVER_UPSTREAM_ROUND_H */
