/*
 * gate.h -- which calls a far side may get now.
 *
 * Pure: what became of its calls and the time come in, answers go out. Times
 * are in us of the monotonic clock.
 *
 * What failed once may fail for ever. So jobs that were tried before have a
 * share of the calls and no more, and what becomes of them says nothing about
 * the others. A far side counts as down when jobs
 * fail in a row that never failed before, with no answer in between; how many
 * depends on what their failures show (see enum handler_fault). Then it is
 * probed: one call at a time, and one for what comes in meanwhile.
 */
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"

#define GATE_DOWN_CALLS 5   /* in a row, unanswered: the far side is down */
#define GATE_BAD_ANSWERS 40 /* in a row, answered badly: so it is as well */
#define GATE_TRIED_CALLS 5  /* in a row, tried before: these are slowed */
#define GATE_TRIED_GAP_US INT64_C(1000000)   /* between two of them, at most */
#define GATE_NEWCOMER_GAP_US INT64_C(100000) /* between two of them */
#define GATE_HOLD_MAX_US INT64_C(3600000000) /* that Retry-After holds off */

enum gate_class {
	GATE_UNTRIED, /* a job that was not tried before */
	GATE_TRIED,   /* one that was */
	GATE_NEWCOMER /* new, and it came in after the last call began */
};

struct gate {
	/* The caller's to set, and to change. */
	size_t concurrency; /* calls that may ever be under way, at least 1 */
	int64_t first_wait_us; /* the first wait of a job that failed */

	/* To be read. */
	size_t under_way; /* starts and calls */
	size_t tried;     /* those of them that were tried before */
	unsigned failed;  /* calls in a row */
	bool probing;     /* it counts as down */
	int64_t begun_us; /* the last call */

	/* Private. */
	size_t window;         /* calls that may be under way, unless probing */
	unsigned doubt;        /* what the failed ones show */
	int64_t probe_us;      /* no probe before then */
	int64_t hold_us;       /* Retry-After: no call before then */
	unsigned tried_failed; /* calls in a row of jobs tried before */
	int64_t tried_us;      /* none of these before then */
};

void gate_init(struct gate *g, size_t concurrency, int64_t first_wait_us);

/* Go on where old was, with g's own concurrency and first wait. */
void gate_inherit(struct gate *g, const struct gate *old);

/* May a call of that class begin now? Newcomers are for probing alone. */
bool gate_allows(const struct gate *g, enum gate_class class, int64_t now_us);

/* Has a call failed since the last answer, or are not all allowed yet? */
bool gate_doubts(const struct gate *g);

/*
 * When that may change by itself; INT64_MAX: it may begin now, or what it
 * waits for is no time.
 */
int64_t gate_next_us(const struct gate *g, enum gate_class class,
    int64_t now_us);

/* A call begins, at the latest when its start is noted. */
void gate_begin(struct gate *g, enum gate_class class, int64_t now_us);

/* One is under way that began before this gate was made. */
void gate_count(struct gate *g, enum gate_class class);

/* It is over, whatever came of it; or it was not made after all. */
void gate_end(struct gate *g, enum gate_class class);

/*
 * It failed; the far side asked not to be called for retry_after_us (0: it did
 * not). Returns whether it counts as down from now on.
 */
bool gate_failed(struct gate *g, enum gate_class class,
    enum handler_fault fault, int64_t retry_after_us, int64_t now_us);

/* It was answered, well or not. Returns whether it counted as down. */
bool gate_answered(struct gate *g, enum gate_class class);

/* By hand: a probe, or a job that was tried, may begin at once. */
void gate_hurry(struct gate *g);

#endif /* SERVER_GATE_H */
