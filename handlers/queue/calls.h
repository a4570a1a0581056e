/*
 * calls.h -- the calls of one outlet under way, in their order, each with its
 * deadline: first they wait, then they are sent, then they end, once.
 *
 * Owns:    the calls, and one timer for the earliest deadline.
 * Touches: the loop, env's finish(). Knows no protocol.
 */
#ifndef HANDLERS_QUEUE_CALLS_H
#define HANDLERS_QUEUE_CALLS_H

#include <sys/queue.h>

#include "handlers/handler.h"

struct queue_calls; /* opaque */

struct queue_call {
	TAILQ_ENTRY(queue_call) next; /* calls' */
	struct handler_call *call;    /* dispatch's */
	bool sent;
	uint64_t mark; /* the type's: where it stands in the output */
	uint64_t tag;  /* the type's: what the answer will name */
	void *bytes;   /* the type's: what is to be written; freed at end */
	size_t len;
	/* The type's: what is kept for its answer; freed at the end. */
	void *more;
	/* Private to calls.c. */
	int64_t deadline_us; /* by a clock that stands still while held */
	bool timed;          /* it is not over yet */
	TAILQ_ENTRY(queue_call) timed_next;
	LIST_ENTRY(queue_call) found_next;
};
TAILQ_HEAD(queue_call_list, queue_call);

/*
 * A deadline is over, from the loop, once for each call. The type ends the call
 * (queue_call_end), or has its connection taken down (link_drop), which ends
 * all of its calls.
 */
typedef void queue_late_fn(void *arg, struct queue_call *qc);

/* Keeps env and arg. Each call has timeout_ms. NULL when out of memory. */
struct queue_calls *queue_calls_new(const struct handler_env *env,
    int64_t timeout_ms, queue_late_fn *late, void *arg);

/* Only when no call is in it; also from late() and finish(). Accepts NULL. */
void queue_calls_free(struct queue_calls *calls);

/* A call that waits, last in order; its time begins. NULL: out of memory. */
struct queue_call *queue_call_add(struct queue_calls *calls,
    struct handler_call *call);

/* The first that waits, that was sent; NULL: none. Follow by TAILQ_NEXT(). */
struct queue_call *queue_calls_waiting(const struct queue_calls *calls);
struct queue_call *queue_calls_sent(const struct queue_calls *calls);

/*
 * It has been written, perhaps once more: it joins those that were sent, as the
 * last of them.
 */
void queue_call_sent(struct queue_calls *calls, struct queue_call *qc);

/*
 * The clocks of all calls stand still while the far side has asked us to wait
 * (connection.blocked), and go on by what was left.
 */
void queue_calls_hold(struct queue_calls *calls, bool held);

/*
 * End it: finish() runs with result, which may point into qc; then qc is gone.
 */
void queue_call_end(struct queue_calls *calls, struct queue_call *qc,
    const struct handler_result *result);

/* Dispatch cancels it: gone without finish(). Unknown ones are ignored. */
void queue_calls_cancel(struct queue_calls *calls, struct handler_call *call);

#endif /* HANDLERS_QUEUE_CALLS_H */
