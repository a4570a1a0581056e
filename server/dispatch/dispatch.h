/*
 * dispatch.h -- runnable jobs: call the handler, record its verdict.
 *
 * Owns:    the handlers at work, a bounded queue of runnable jobs for each,
 *          the calls under way, the events whose answer has not left yet, the
 *          timer for the earliest job due, and the slices of time that jobs
 *          get.
 * Touches: store.h, handler.h, the log, evtimers. No HTTP, no SQL.
 *
 * The store decides which job may run; dispatch keeps only those in memory,
 * so many per handler as backlog.h says, and asks the store for more when it
 * has room. An event's jobs start only after dispatch_open() for it.
 *
 * A projection's job is run and recorded in one go. An outlet's is first noted
 * as begun in the store, then called, then recorded: whatever happens between,
 * the store knows that a call may have gone out.
 */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/dispatch/dispatch_handler.h"
#include "store/store.h"

struct event_base;
struct histogram;
struct journal;
struct steady;
struct dispatch; /* opaque */

#define DISPATCH_DATES_WAIT_MS 15000 /* where a clock may be wrong */
#define DISPATCH_SLICE_US 2000       /* of each turn of the loop */
#define DISPATCH_SLICE_MAX_US 20000  /* of one in which much else was done */
#define DISPATCH_SLICE_MIN 4         /* jobs of each turn, whatever they take */

/*
 * Keeps base, st, env (which lends the wall clock, for dates) and clock, by
 * which jobs are due and old. NULL when out of memory.
 */
struct dispatch *dispatch_new(struct event_base *base, struct store *st,
    const struct handler_env *env, const struct steady *clock);

/*
 * Put exactly these handlers to work from now on. One that was there before
 * (by number) keeps its queue; jobs of one that is gone stay in the store.
 * Returns 0; or -1 and one line in reason, and then all stays as it was.
 */
int dispatch_set_handlers(struct dispatch *d,
    const struct dispatch_handler *handlers, size_t n,
    char reason[HANDLER_REASON_MAX]);

/* Note in j, which is kept, what happens to jobs and handlers. */
void dispatch_set_journal(struct dispatch *d, struct journal *j);

/*
 * An event was committed, with these runnable jobs: log its line and hold its
 * jobs back until dispatch_open(). Refs ev, copies jobs. Short of memory it
 * lets the jobs go: they are found in the store later.
 */
void dispatch_hold(struct dispatch *d, struct store_event *ev,
    const struct store_job *jobs, size_t njobs);

/* The event's answer has left, or never will: its jobs may run. */
void dispatch_open(struct dispatch *d, int64_t event);

/*
 * So many deliveries wait for their commit now. While some do, and for a
 * moment after that, work on old jobs is kept to a share of the time: see
 * pace.h.
 */
void dispatch_expect(struct dispatch *d, size_t deliveries);

/* Somebody has come for jobs of a handler that is pulled. */
void dispatch_has_room(struct dispatch *d);

/*
 * handler_env.finish: the end of a call that was PENDING. Copies what it needs
 * of result.
 */
void dispatch_finish(struct handler_call *call,
    const struct handler_result *result);

/* handler_env.may_call. */
bool dispatch_may_call(const struct handler_call *call);

/* -- Time -- */

/* Now, by the clock of jobs. */
struct steady_time dispatch_now(const struct dispatch *d);

/* Is the wall clock not believed now, so that nothing should be dated by it? */
bool dispatch_doubts_date(const struct dispatch *d);

/*
 * The machine has slept: look at once at what came due meanwhile, as timers
 * that were armed before do not know of it.
 */
void dispatch_slept(struct dispatch *d);

/* A job of that handler is on disk that comes due then (its alarm). */
void dispatch_due(struct dispatch *d, int64_t handler, struct steady_time due);

/* -- By hand: what the store has done already, and dispatch is to follow -- */

/*
 * The handler was paused, or goes on, and then is probed at once if it is
 * being probed. While paused nothing of it is started; calls under way end as
 * they may. Unknown numbers are ignored.
 */
void dispatch_pause(struct dispatch *d, int64_t handler, bool paused);

/*
 * The store has new runnable jobs of that handler, or waiting ones that are
 * due now: after a replay, a retry, a discarded job. If it is being probed, the
 * next probe is made at once.
 */
void dispatch_look(struct dispatch *d, int64_t handler);

/*
 * The store may have runnable jobs of any handler that nobody has yet: look,
 * when it suits. No probe is made earlier for it.
 */
void dispatch_look_again(struct dispatch *d);

/* -- Stopping -- */

/* Start no further job; calls and outcomes under way go on. */
void dispatch_stop(struct dispatch *d);

/* Jobs that have begun, whose outcome is not yet on disk. */
size_t dispatch_busy(const struct dispatch *d);

/* Those of them that are in the store's hands now. */
size_t dispatch_recording(const struct dispatch *d);

/*
 * After dispatch_stop(): end all calls at once. Their jobs stay RUNNING in the
 * store, which takes them for `unknown' at its next start.
 */
void dispatch_cancel(struct dispatch *d);

/*
 * Who comes for the jobs of that handler now, and, returned, when somebody last
 * did (0: not since the start). Empty, and -1: it is not one that is pulled.
 */
int64_t dispatch_pullers(struct dispatch *d, int64_t handler,
    char ret_text[HANDLER_REASON_MAX]);

/*
 * The i-th of the handlers at work, from 0. Returns 0; -1: there are not so
 * many.
 */
int dispatch_live(const struct dispatch *d, size_t i,
    struct dispatch_live *ret_live);

/* What was counted since the start. */
struct dispatch_stats {
	uint64_t done;
	uint64_t already; /* an earlier job stands for it, so not called */
	uint64_t retries;
	uint64_t unknown; /* of the retries: it may have been done */
	uint64_t dead;
	uint64_t lost;   /* ends that did not count: see STORE_LOST */
	uint64_t alarms; /* that rang */
};
void dispatch_stats(const struct dispatch *d, struct dispatch_stats *ret);

/* From the event's coming in to its job's being done, in ms; until free. */
const struct histogram *dispatch_ages(const struct dispatch *d);

/*
 * Only when nothing is in the store's hands and no call is under way. Accepts
 * NULL.
 */
void dispatch_free(struct dispatch *d);

#endif /* SERVER_DISPATCH_H */
