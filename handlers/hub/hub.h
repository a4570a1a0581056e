/*
 * hub.h -- jobs that wait for somebody who comes for them.
 *
 * Owns:    the boxes, one for each name that is pulled; the jobs that handlers
 *          of type pull have under way, in their box; the asks of pullers who
 *          wait for some; the leases; the timers of both.
 * Touches: handler_env's finish() and may_call(), the loop. No HTTP: who asks
 *          and reports comes by functions, the answers leave by callbacks.
 *
 * A job is in one of these states:
 *
 *   OFFERED ---> HANDED ---> REPORTED ---> gone, when it is on disk
 *    |    ^        |  |
 *    |    `--------'  `-----> gone: its lease is over, `unknown'
 *    |  the answer did not leave
 *    `--> gone: nobody came for it
 *
 * A box outlives a reload: the instance that was made last says which tokens
 * fit, and how long a lease is. A name without one is a name that nobody has.
 */
#ifndef HANDLERS_HUB_H
#define HANDLERS_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/hub/hub_late.h"
#include "handlers/hub/hub_outcomes.h"
#include "handlers/hub/hub_token.h"

struct event_base;
struct hub;        /* opaque; outlives every handler, and dispatch */
struct hub_ask;    /* opaque: a puller that waits */
struct hub_batch;  /* opaque: jobs in an answer that is leaving */
struct hub_box;    /* opaque */
struct hub_member; /* opaque: an instance of a name */
struct hub_report; /* opaque: outcomes on their way to the disk */

#define HUB_WAIT_MIN_MS 500 /* an ask waits so long: the store is asked */

/*
 * room(arg) runs when somebody asks for jobs, and when nobody has for away_ms.
 * NULL when out of memory.
 */
struct hub *hub_new(struct event_base *base, int64_t away_ms,
    void (*room)(void *arg), void *arg);

/* When no instance, ask or report is left. Accepts NULL. */
void hub_free(struct hub *hub);

/*
 * Every ask is answered now, with no job; later ones at once.
 */
void hub_stop(struct hub *hub);

/*
 * Nobody can report any more: every job that is under way is to be tried again.
 */
void hub_end(struct hub *hub);

/*
 * Every ask and report is answered now, whatever became of it: nobody may wait
 * when the listener goes. Accepts NULL.
 */
void hub_close(struct hub *hub);

/* -- For instances -- */

struct hub_terms {
	const char *name;
	const struct hub_tokens *tokens;
	int64_t lease_ms;
	const struct handler_env *env; /* kept */
};

/* NULL when out of memory. */
struct hub_member *hub_join(struct hub *hub, const struct hub_terms *terms);

/* It gets no job any more; those that it has stay in the box. */
void hub_retire(struct hub_member *member);

/* The same, and free it. Accepts NULL. */
void hub_leave(struct hub_member *member);

/* How many jobs pullers are waiting for, beyond those that are offered. */
size_t hub_room(const struct hub_member *member);

/* Has nobody asked for away_ms, so that no job should be kept for one? */
bool hub_is_away(const struct hub_member *member);

/* Was it reported done already, under a lease that was no more? */
bool hub_is_done(const struct hub_member *member,
    const struct hub_marked *what);

/* A job that is PENDING, to be offered. */
struct hub_offer {
	struct handler_call *call;
	struct hub_marked what;
	char *text; /* hub_text.h's */
	size_t len;
};

/*
 * Takes its text. Returns 0; -1 when out of memory, and then text is the
 * caller's.
 */
int hub_offer(struct hub_member *member, const struct hub_offer *offer);

/* Hand out what is offered, now. */
void hub_flush(struct hub_member *member);

/* Forget that attempt. */
void hub_cancel(struct hub_member *member, struct handler_call *call);

/* -- For pullers -- */

/*
 * The box of that name, if token is one of its; else NULL, and then it took as
 * long for whatever reason. Valid until the loop turns, or as long as an ask or
 * a report is in it.
 */
struct hub_box *hub_open(struct hub *hub, const char *name, const char *token);

/*
 * There is an answer: JSON, borrowed. With a batch, hub_left() is to be called
 * for it, once. json is NULL when out of memory.
 */
typedef void hub_answer_fn(void *arg, struct hub_batch *batch, const char *json,
    size_t len);

/*
 * Ask for up to max jobs: there is one answer, not before this call returns, at
 * the latest after about wait_ms, unless the ask is cancelled first. NULL when
 * out of memory.
 */
struct hub_ask *hub_ask(struct hub_box *box, unsigned max, int64_t wait_ms,
    hub_answer_fn *answer, void *arg);

/* It is gone: no answer. */
void hub_ask_cancel(struct hub_ask *ask);

/*
 * The answer has left, whole, or never will: then its jobs are offered again,
 * as if they had not been handed out.
 */
void hub_left(struct hub_batch *batch, bool left);

/*
 * recorded[i]: outcome i is on disk; else its lease was not, or no more, of
 * that job. NULL: that could not be found out in time.
 */
typedef void hub_recorded_fn(void *arg, const bool *recorded);

/*
 * Record outcomes, which are borrowed for the call. done() runs once, not
 * before this call returns. NULL when out of memory.
 */
struct hub_report *hub_report(struct hub_box *box,
    const struct hub_outcome *outcomes, size_t n, hub_recorded_fn *done,
    void *arg);

/* -- To be shown -- */

struct hub_stats {
	const char *name; /* borrowed */
	size_t pullers;   /* that wait now */
	size_t out;       /* jobs with a lease that is not over */
	uint64_t handed;  /* jobs, since the start */
	uint64_t expired; /* leases, since the start */
	int64_t seen_ms;  /* when one was last here, by the wall; 0: never */
};

/* Of every name that somebody may pull. */
void hub_each(const struct hub *hub,
    void (*fn)(const struct hub_stats *stats, void *arg), void *arg);

/* Of that one's. */
void hub_member_stats(const struct hub_member *member, struct hub_stats *ret);

#endif /* HANDLERS_HUB_H */
