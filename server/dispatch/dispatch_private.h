/*
 * dispatch_private.h -- what the acting files of dispatch share: the whole,
 * that holds its parts, and the handlers at work.
 */
#ifndef SERVER_DISPATCH_PRIVATE_H
#define SERVER_DISPATCH_PRIVATE_H

#include "server/base/histogram.h"
#include "server/base/steady.h"
#include "server/dispatch/dispatch.h"
#include "server/dispatch/held.h"
#include "server/dispatch/journal.h"
#include "server/dispatch/live_handler.h"

/* Unknown types that are warned of; further ones are not worth a line. */
#define UNKNOWN_TYPES_MAX 64

struct dispatch {
	struct store *st;
	const struct handler_env *env;
	struct journal *journal; /* NULL: nobody listens */
	const struct steady *clock;
	struct event *pump;  /* evtimer(0): there is work to do */
	struct event *timer; /* evtimer: there will be by then */
	struct event *flush; /* active: an instance is to be flushed */
	struct live_handler *handlers;
	size_t nhandlers;
	size_t next;                  /* the handler whose turn it is */
	struct instance_list closing; /* when their last call has ended */
	struct held held;
	struct pace pace;
	struct run_queue starting; /* runs in these states, of all handlers */
	struct run_queue calling;
	struct run_queue recording;
	struct run_queue unrecorded;
	int64_t slice_end_us;  /* of the last turn */
	int64_t rest_until_us; /* the store is in trouble; 0: it is not */
	bool stopped;
	bool cancelled;
	char *unknown_types[UNKNOWN_TYPES_MAX]; /* that were warned of */
	size_t nunknown_types;
	struct dispatch_stats stats;
	struct histogram ages; /* ms; of what is done */
};

/* -- dispatch_whole.c -- */

/* Have the pump look at things in the next turn of the loop. */
void dispatch_wake(struct dispatch *d);

/*
 * Have it look in this turn, before the store gets what is submitted after this
 * call: the start of a job goes into the commit of the outcome that made room.
 */
void dispatch_wake_soon(struct dispatch *d);

/* The store is in trouble: leave it alone for a moment. */
void dispatch_rest(struct dispatch *d);

/* The handler with that number; NULL if it is not configured. */
struct live_handler *live_handler_find(struct dispatch *d, int64_t number);

/* -- dispatch_handlers.c -- */

/* Have the store asked for every handler's jobs. */
void dispatch_look_all(struct dispatch *d);

/* Free all handlers, and the runs in their backlogs. */
void live_handlers_free(struct dispatch *d);

/* -- dispatch_events.c: events whose answer has left -- */

/* Log the line of the first one and let its jobs run; false: there is none. */
bool dispatch_start_event(struct dispatch *d);

/* A commit made this job runnable: queue it, unless its event is held. */
void dispatch_add(struct dispatch *d, const struct store_job *job);

/* -- dispatch_fetch.c -- */

/* Ask the store for jobs if there may be some and there is room for them. */
void live_handler_fetch(struct dispatch *d, struct live_handler *live);
/* While nobody comes for its jobs: let the store and others have them. */
void live_handler_let_go(struct dispatch *d, struct live_handler *live);

/* -- dispatch_verdict.c -- */

/* How old the job's event is, by the steady clock. */
int64_t run_age_ms(const struct run *run);

/* Turn a verdict into what is recorded; log it unless all went well. */
void run_judge(struct run *run, struct live_handler *live,
    const struct handler_result *result);

/* That the job is dead. */
void run_log_dead(const struct run *run, const struct live_handler *live);

/* -- dispatch_record.c -- */

/*
 * Hand the outcome to the store; takes run. If it has no memory, a projection's
 * job is run again, an outlet's outcome is kept for the next try.
 */
void run_record(struct run *run, struct live_handler *live);

/* Try again to record the outcomes that the store could not take. */
void dispatch_record_again(struct dispatch *d);

/* -- dispatch_projection.c, dispatch_call.c -- */

/* Hand a job whose turn it is to its projection; record the verdict. */
void run_project(struct run *run, struct live_handler *live);

/* Have an outlet's job whose turn it is noted as begun, and then called. */
void run_call(struct run *run, struct live_handler *live);

#endif /* SERVER_DISPATCH_PRIVATE_H */
