/*
 * dispatch_private.h -- the structs that the files of dispatch share.
 *
 * dispatch.c decides (the pump), dispatch_held.c holds events back,
 * dispatch_worker.c has the queues of each handler and dispatch_fetch.c fills
 * them from the store, dispatch_pace.c
 * says how many calls it may have, dispatch_run.c runs a projection's job and
 * records verdicts, dispatch_call.c makes an outlet's calls, dispatch_clock.c
 * is the clock of jobs.
 */
#ifndef SERVER_DISPATCH_PRIVATE_H
#define SERVER_DISPATCH_PRIVATE_H

#include <sys/queue.h>

#include "server/dispatch.h"
#include "server/histogram.h"
#include "server/journal.h"

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

/* What a handler knows of an attempt. */
struct handler_call {
	struct run *run;
};

/*
 * A job in memory, in one list at a time: its worker's queue, fresh or waits;
 * d->recording (in the store's hands, to be started or ended), d->calls or
 * d->unrecorded.
 */
struct run {
	TAILQ_ENTRY(run) link;
	struct dispatch *d;
	struct store_job job; /* holds a reference to its event */
	int64_t due_us;       /* in waits: the monotonic deadline */
	bool old;             /* it was, when it was taken from its queue */

	/* An attempt under way. */
	struct handler_call call;
	struct engine *engine; /* while PENDING */
	bool once_per_order;   /* its orders are not to be done again */
	int64_t started_us;

	/* What is being recorded; out points to the rest. */
	bool to_start; /* in the store's hands for store_start() */
	bool outlet;   /* it went out: to be recorded, whatever it takes */
	bool refused;  /* an earlier outcome was; now it is to be dead */
	bool unknown;  /* the verdict was RETRY, and it may have been done */
	struct store_outcome out;
	struct store_attempt attempt;
	void *answer;
	char outcome[HANDLER_REASON_MAX + 64];
};
TAILQ_HEAD(run_list, run);

/* A handler at work. */
struct worker {
	int64_t number;
	char *name;
	struct engine *engine;
	bool outlet;
	int64_t *retry_ms;
	size_t nretry;
	int64_t max_age_ms;
	int64_t wait_max_ms;   /* no honest due time is further ahead */
	struct run_list queue; /* runnable, oldest first */
	size_t nqueue;
	struct run_list fresh; /* runnable, newest; beside older ones */
	size_t nfresh;
	bool fresh_next; /* they take turns */
	struct run_list waits;
	size_t nwaits;
	bool more;        /* the store may have jobs for it that are not here */
	bool fetching;    /* it has been asked for them */
	bool release;     /* waits are over if the store says so */
	int64_t due_ms;   /* when the store's earliest other one is due; 0 */
	int64_t catch_ms; /* due times up to then are of another clock; 0 */

	/* See dispatch_pace.c. */
	bool paused;
	bool once_per_order;
	bool tells;
	size_t concurrency;
	size_t window;    /* calls that may be under way now */
	size_t under_way; /* starts and calls */
	unsigned failed;  /* calls in a row */
	bool probing;
	int64_t probe_us; /* no probe before then */
	struct dispatch_attempts attempts;
};

struct dispatch {
	struct store *st;
	const struct handler_env *env;
	struct journal *journal; /* NULL: nobody is told */
	int64_t clock_ms;        /* of jobs, minus the monotonic one */
	struct event *turn;      /* evtimer(0): there is work to do */
	struct event *due;       /* evtimer: work comes due, or a rest ends */
	struct worker *workers;
	size_t nworkers;
	size_t next; /* the worker whose turn it is */
	struct held_list held;
	struct held_list opened; /* answered, to be logged and started */
	struct run_list recording;
	size_t nrecording;
	size_t nexpected;      /* deliveries that wait for their commit */
	int64_t calm_us;       /* none are coming any more from then on */
	size_t nold;           /* old ones among those being recorded */
	int64_t old_since_us;  /* their time is counted up to here */
	int64_t old_resume_us; /* the rest that they owe ends then */
	int64_t slice_end_us;  /* of the last turn */
	size_t allowance;      /* outcomes beyond DISPATCH_RECORDS_MIN */
	struct run_list calls;
	size_t ncalls;
	struct run_list unrecorded; /* the store could not take them */
	size_t nunrecorded;
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

/* Queue a job; short of memory, the store is asked for it later. */
void worker_push(struct dispatch *d, struct worker *w,
    const struct store_job *job);

/* The same for one of the newest, beside a backlog. */
void worker_push_fresh(struct dispatch *d, struct worker *w,
    const struct store_job *job);

/* The job whose turn it is, out of its queue; there is one. */
struct run *worker_take(struct dispatch *d, struct worker *w);

/* Keep a job whose wait was recorded; takes run. */
void worker_wait(struct worker *w, struct run *run);

/* Queue what has waited long enough; have the store asked for the rest. */
void worker_check_due(struct dispatch *d, struct worker *w);

/* In how many us w has something to do; INT64_MAX: not by itself. */
int64_t worker_next_us(const struct dispatch *d, const struct worker *w);

/* A wait is over: the job joins the queue, among the others by its age. */
void worker_unwait(struct worker *w, struct run *run);

/* Close the engines whose calls have ended. */
void engines_sweep(struct dispatch *d);

/* -- dispatch_fetch.c -- */

/* Ask the store for jobs if there may be some and there is room for them. */
void worker_fetch(struct dispatch *d, struct worker *w);

/* -- dispatch_pace.c -- */

/* May w start a job now? */
bool pace_allows(const struct dispatch *d, const struct worker *w,
    int64_t now_us);

/* Has the job's event come in so long ago that it counts as old? */
bool pace_is_old(const struct run *run);

/* May the oldest job in the queue of w be started now, for its age? */
bool pace_allows_oldest(const struct dispatch *d, const struct worker *w,
    int64_t now_us);

/* In how many us that may change by itself; INT64_MAX: it may now, or not. */
int64_t pace_next_us(const struct dispatch *d, const struct worker *w,
    int64_t now_us);

/* The store has been asked to record something of run. */
void pace_recording(struct run *run);

/* It has answered, whatever that was. */
void pace_recorded(struct run *run);

/* A call of w failed; it was asked not to come again for so long. */
void pace_failed(struct dispatch *d, struct worker *w, int64_t retry_after_ms,
    const char *reason);

/* A call of w was answered, well or not. */
void pace_answered(struct dispatch *d, struct worker *w);

/* -- dispatch_run.c -- */

/*
 * How old the job's event is. Where the two clocks differ the wall clock was
 * put right on the way, and the younger age is taken: better to try once too
 * often.
 */
int64_t run_age_ms(const struct run *run);

/* Hand the next job of a projection to it and record the verdict. */
void worker_run(struct dispatch *d, struct worker *w);

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

/* Have the next job of an outlet noted as begun, and then called. */
void worker_call(struct dispatch *d, struct worker *w);

void run_free(struct run *run);

#endif /* SERVER_DISPATCH_PRIVATE_H */
