/*
 * dispatch_private.h -- the structs that the files of dispatch share.
 *
 * dispatch.c decides (the pump), dispatch_held.c holds events back,
 * dispatch_worker.c has the handlers at work, dispatch_queue.c their queues and
 * dispatch_fetch.c fills them from the store, dispatch_pace.c says whose turn
 * it is, with dispatch_gate.c for what a far side may get, dispatch_run.c runs
 * a projection's job and records verdicts, dispatch_call.c makes an outlet's
 * calls, and dispatch_move.c moves jobs between all these.
 */
#ifndef SERVER_DISPATCH_PRIVATE_H
#define SERVER_DISPATCH_PRIVATE_H

#include <sys/queue.h>

#include "server/base/histogram.h"
#include "server/base/steady.h"
#include "server/dispatch/dispatch.h"
#include "server/dispatch/dispatch_gate.h"
#include "server/dispatch/journal.h"
#include "server/dispatch/run.h"

/* Unknown types that are warned of; further ones are not worth a line. */
#define UNKNOWN_MAX 64

/* An event whose answer has not left, or whose line is not yet logged. */
struct held {
	TAILQ_ENTRY(held) link; /* in d->held, then in d->opened */
	struct store_event *ev; /* a reference */
	bool found;             /* the store offered jobs of it meanwhile */
	size_t njobs;
	struct store_job jobs[];
};
TAILQ_HEAD(held_list, held);

/* A handler's instance; outlives its worker while calls of it are under way. */
struct engine {
	TAILQ_ENTRY(engine) link; /* in d->retired */
	struct handler_instance *instance;
	size_t calls; /* that are PENDING */
};
TAILQ_HEAD(engine_list, engine);

/* A handler at work. */
struct worker {
	int64_t number;
	char *name;
	struct engine *engine;
	bool outlet;
	int64_t *retry_ms;
	size_t nretry;
	int64_t max_age_ms;
	int64_t wait_max_ms; /* no due time of our clock is further ahead */

	/* See dispatch_queue.c; runnable but for those that wait. */
	struct run_queue jobs;   /* not tried before, oldest first */
	struct run_queue fresh;  /* the same, the newest, beside older ones */
	struct run_queue second; /* tried once */
	struct run_queue again;  /* tried more often */
	struct run_queue waits;  /* first to end first */
	bool fresh_next;         /* jobs and fresh take turns */
	bool second_next;        /* second and again too */
	unsigned since_again; /* new ones that were taken since one of these */
	bool more;       /* the store may have jobs for it that are not here */
	bool more_again; /* the same, of those that were tried before */
	bool fetching;   /* it has been asked for them */
	bool release;    /* waits are over if the store says so */
	struct steady_time due;   /* of the store's earliest other one; 0 */
	struct steady_time catch; /* what is due by then is, now; 0 */

	/* See dispatch_pace.c. */
	bool paused;
	bool once_per_order;
	bool sends_repeats;
	bool tells;
	struct gate gate;
	struct dispatch_attempts attempts;
};

struct dispatch {
	struct store *st;
	const struct handler_env *env;
	struct journal *journal; /* NULL: nobody is told */
	const struct steady *clock;
	struct event *turn; /* evtimer(0): there is work to do */
	struct event *due;  /* evtimer: work comes due, or a rest ends */
	struct worker *workers;
	size_t nworkers;
	size_t next; /* the worker whose turn it is */
	struct held_list held;
	struct held_list opened; /* answered, to be logged and started */
	struct run_queue starting;
	struct run_queue calling;
	struct run_queue recording;
	struct run_queue unrecorded; /* the store could not take them */
	size_t nbig;                 /* starts of big bodies among them */
	size_t nexpected;            /* deliveries that wait for their commit */
	int64_t calm_us;             /* none are coming any more from then on */
	size_t nold;                 /* old ones among those being recorded */
	int64_t old_since_us;        /* their time is counted up to here */
	int64_t old_resume_us;       /* the rest that they owe ends then */
	int64_t slice_end_us;        /* of the last turn */
	size_t allowance;            /* outcomes beyond DISPATCH_RECORDS_MIN */
	struct engine_list retired;
	int64_t rest_until_us; /* the store is in trouble; 0: it is not */
	bool stopped;
	bool cancelled;
	char *unknown[UNKNOWN_MAX]; /* types that were warned of */
	size_t nunknown;
	struct dispatch_stats stats;
	struct histogram ages; /* ms; of what is done */
};

/* -- dispatch.c -- */

/* Have the pump look at things in the next turn of the loop. */
void dispatch_wake(struct dispatch *d);

/*
 * Have it look in this turn, before the store gets what is submitted after this
 * call: the start of a job goes into the commit of the outcome that made room.
 */
void dispatch_wake_soon(struct dispatch *d);

/* The store is in trouble: leave it alone for a moment. */
void dispatch_rest(struct dispatch *d);

/* A commit made this job runnable: queue it, if it is next. */
void dispatch_add(struct dispatch *d, const struct store_job *job);

/* Have the store asked for every handler's jobs. */
void dispatch_look_all(struct dispatch *d);

/* -- dispatch_held.c -- */

/*
 * Is the event's answer still on its way, or its start due in the next turn?
 * Then the store is asked for its jobs after that.
 */
bool dispatch_defers(struct dispatch *d, int64_t event);

/* Log the line of the first opened event and let its jobs run. */
void held_start(struct dispatch *d);

void held_clear(struct held_list *list);

/* -- dispatch_worker.c -- */

/*
 * Make a worker of h. Returns 0; or -1 and a reason, and then w is fit for
 * worker_fini().
 */
int worker_init(struct worker *w, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX]);

/* Free what w owns, its queues too; its engine when its calls have ended. */
void worker_fini(struct dispatch *d, struct worker *w);

/* Let w go on with the queues and the knowledge of its predecessor. */
void worker_inherit(struct worker *w, struct worker *old);

/* The worker of that handler; NULL if it is not configured. */
struct worker *worker_find(struct dispatch *d, int64_t number);

/* Close the engines whose calls have ended. */
void engines_sweep(struct dispatch *d);

/* -- dispatch_move.c -- */

/*
 * Move run to that state: into the list and the counts of it, out of those
 * before. An illegal move (see run.h) is our own bug, and asserted.
 */
void run_move(struct run *run, enum run_state to);

/* Have it ended, and free it. */
void run_free(struct run *run);

/* Count the starts and calls under way of a handler, which may be new. */
void gate_recount(const struct dispatch *d, struct worker *w);

/* -- dispatch_queue.c -- */

void queues_init(struct worker *w);

/* Free all jobs in the queues. */
void queues_fini(struct worker *w);

/* Take over all jobs of old, whose queues are empty then. */
void queues_inherit(struct worker *w, struct worker *old);

/* Jobs that may run and were not tried before; those that were. */
size_t queues_new(const struct worker *w);
size_t queues_tried(const struct worker *w);

/* Is that job in one of them, and not only waiting? */
bool queues_have(const struct worker *w, int64_t job);

/* The one that waits; NULL: it does not. */
struct run *queues_waiting(const struct worker *w, int64_t job);

/*
 * Queue a job whose event was answered at came_us, or long ago: 0. Short of
 * memory, the store is asked for it later.
 */
void worker_push(struct dispatch *d, struct worker *w,
    const struct store_job *job, int64_t came_us);

/* Have the store asked for all that is runnable. */
void worker_look(struct worker *w);

/* The same for one of the newest, beside a backlog. */
void worker_push_fresh(struct dispatch *d, struct worker *w,
    const struct store_job *job, int64_t came_us);

/* It is the turn of the job that pace_choose() chose. */
void worker_take(struct worker *w, struct run *run, enum gate_class class);

/* Keep a job whose wait was recorded; takes run. */
void worker_wait(struct worker *w, struct run *run);

/* Queue what has waited long enough; have the store asked for the rest. */
void worker_check_due(struct dispatch *d, struct worker *w);

/* In how many us w has something to do; INT64_MAX: not by itself. */
int64_t worker_next_us(const struct dispatch *d, const struct worker *w);

/* -- dispatch_fetch.c -- */

/* Ask the store for jobs if there may be some and there is room for them. */
void worker_fetch(struct dispatch *d, struct worker *w);

/* -- dispatch_pace.c -- */

/*
 * The job of w that may start now, still in its queue, and what it is for the
 * gate; NULL: none may.
 */
struct run *pace_choose(const struct dispatch *d, const struct worker *w,
    int64_t now_us, enum gate_class *ret_class);

/* Has the job's event come in so long ago that it counts as old? */
bool pace_is_old(const struct run *run);

/* Is the job's body so large that few are to be started at a time? */
bool pace_is_big(const struct run *run);

/* In how many us that may change by itself; INT64_MAX: it may now, or not. */
int64_t pace_next_us(const struct dispatch *d, const struct worker *w,
    int64_t now_us);

/* For run_move(): the store has been asked to record something of run. */
void pace_recording(struct run *run);

/* It has answered, whatever that was. */
void pace_recorded(struct run *run);

/* A call for run, a job of w, failed, as result says. */
void pace_failed(struct run *run, struct worker *w,
    const struct handler_result *result);

/* It was answered, well or not. */
void pace_answered(struct run *run, struct worker *w);

/* -- dispatch_run.c -- */

/* How old the job's event is, by the steady clock. */
int64_t run_age_ms(const struct run *run);

/* Hand a job whose turn it is to its projection; record the verdict. */
void worker_run(struct worker *w, struct run *run);

/* Turn a verdict into what is recorded; says so unless all went well. */
void run_judge(struct run *run, struct worker *w,
    const struct handler_result *result);

/*
 * Hand the outcome to the store; takes run. If it has no memory, a projection's
 * job is run again, an outlet's outcome is kept for the next try.
 */
void run_record(struct run *run, struct worker *w);

/* Try again to record the outcomes that the store could not take. */
void unrecorded_retry(struct dispatch *d);

/* -- dispatch_call.c -- */

/* Have an outlet's job whose turn it is noted as begun, and then called. */
void worker_call(struct worker *w, struct run *run);

#endif /* SERVER_DISPATCH_PRIVATE_H */
