/*
 * run.h -- a job in memory, and the states that it goes through.
 *
 * The table of allowed moves is pure (run.c). Only run_move() changes a run's
 * state, and puts it into a list or takes it out.
 *
 *       MADE ------------> STARTING: the end of another has begun it
 *         |
 *         v                 its wait is over
 *   QUEUED, FRESH <------------------------------ WAITING
 *     |   |   |                                      ^
 *     |   |   `-- outlet --> STARTING                | to be tried again
 *     |   |                    |   |                 |
 *     |   |                    v   |                 |
 *     |   `- projection -> CALLING |  its handler    |
 *     |                        |   | is gone         |
 *     |                        v   v                 |
 *     `- repeat -----------> RECORDING --------------+----> ENDED
 *                              |   ^
 *                              v   |
 *                            UNRECORDED
 *
 * A projection is called without a start, and writes nothing of a repeat. The
 * outcome of an outlet's call that the store cannot take is UNRECORDED,
 * directly if it cannot even be asked. From every state but MADE a run may go
 * to ENDED: it leaves memory. Its job may be done, dead, or in the store to be
 * found again.
 */
#ifndef SERVER_RUN_H
#define SERVER_RUN_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "server/dispatch/gate.h"
#include "server/dispatch/pace.h"
#include "store/store.h"

struct dispatch;
struct live_handler;
struct run;
struct shared_instance;

enum run_state {
	RUN_MADE,       /* in no list yet */
	RUN_QUEUED,     /* of its handler's backlog, in the order of the jobs */
	RUN_FRESH,      /* the same, one of the newest, beside older ones */
	RUN_WAITING,    /* for its time, in the backlog as well */
	RUN_STARTING,   /* in the store's hands, to be noted as begun */
	RUN_CALLING,    /* its handler has it */
	RUN_RECORDING,  /* in the store's hands, with its outcome */
	RUN_UNRECORDED, /* the store could not take the outcome of a call */
	RUN_ENDED,      /* in no list any more; freed */
	RUN_NSTATES
};

/* What a handler knows of an attempt. */
struct handler_call {
	struct run *run;
};

struct run {
	TAILQ_ENTRY(run) link;
	enum run_state state; /* changed by run_move() alone */
	struct dispatch *d;
	struct store_job job;  /* holds a reference to its event; while QUEUED
				  its attempts say in which list it is */
	int64_t came_us;       /* when its event was answered; 0: long ago */
	enum gate_class class; /* it was, when its turn came */
	struct pace_load load; /* it was, at the same time */
	bool outlet;           /* its handler is one; set as well then */

	/* An attempt under way. */
	struct handler_call call;
	struct shared_instance *shared; /* while CALLING */
	bool once_per_order; /* its orders are not to be done again */
	int64_t hold;        /* for store_holds() */
	int64_t started_us;

	/* RECORDING: its place among the calls is kept for the next in its
	   lane. Called if its end has begun that one; NULL: it is not kept. */
	void (*begun)(struct run *run, const struct store_result *res);
	struct run *next; /* MADE, for that one; NULL: there is none */

	void (*recorded)(void *arg, bool kept); /* handler_result's, or NULL */
	void *recorded_arg;

	/* What is being recorded; out points to the rest. */
	bool refused; /* an earlier outcome was; now it is to be dead */
	bool unknown; /* the verdict was RETRY, and it may have been done */
	struct store_outcome out;
	struct store_attempt attempt;
	void *answer;
	char outcome[HANDLER_REASON_MAX + 64];
	char detail[HANDLER_REASON_MAX]; /* what the far side said of it */
};
TAILQ_HEAD(run_list, run);

struct run_queue {
	struct run_list list;
	size_t n;
};

/* May a run go from one state to the other in one step? */
bool run_may_move(enum run_state from, enum run_state to);

/* "queued" and so on. */
const char *run_state_name(enum run_state state);

void run_queue_init(struct run_queue *q);
void run_queue_put(struct run_queue *q, struct run *run); /* at its end */
void run_queue_remove(struct run_queue *q, struct run *run);

/* The run of that job in q; NULL: it is not in it. */
struct run *run_queue_find(const struct run_queue *q, int64_t job);

/*
 * -- dispatch_move.c: it owns all lists that a run can be in, and all that is
 *    counted of where runs are; no other code changes these --
 */

/*
 * Have a job, whose event was answered at came_us or long ago (0), QUEUED or
 * FRESH. Short of memory, the store is asked for it later.
 */
void run_new(struct dispatch *d, struct live_handler *live,
    const struct store_job *job, int64_t came_us, enum run_state state);

/*
 * Move run to that state: into the list and the counts of it, out of those
 * before. An illegal move (see run.h) is our own bug, and asserted.
 */
void run_move(struct run *run, enum run_state to);

/* Have it ENDED, and free it. */
void run_free(struct run *run);

/* Its outcome is on disk, or never will be: who asked for it hears of it. */
void run_tell_recorded(struct run *run, bool kept);

/* Have the gate of a handler, which may be new, count what is under way. */
void runs_recount(const struct dispatch *d, struct live_handler *live);

#endif /* SERVER_RUN_H */
