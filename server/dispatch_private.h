/*
 * dispatch_private.h -- the structs that the files of dispatch share.
 *
 * dispatch.c holds events back and decides (the pump), dispatch_worker.c keeps
 * the queue of each handler filled, dispatch_run.c runs one job and records
 * its verdict.
 */
#ifndef SERVER_DISPATCH_PRIVATE_H
#define SERVER_DISPATCH_PRIVATE_H

#include <sys/queue.h>

#include "server/dispatch.h"

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

/* A job in memory: in its worker's queue, or its outcome being recorded. */
struct run {
	TAILQ_ENTRY(run) link;
	struct dispatch *d;
	struct store_job job; /* holds a reference to its event */
	enum job_state to;    /* what is being recorded */
	int64_t due_ms;       /* with JOB_WAITING: when it is due again */
	bool refused;         /* an earlier outcome was; now it is to be dead */
	char outcome[HANDLER_REASON_MAX + 32];
};
TAILQ_HEAD(run_list, run);

/* A handler at work. */
struct worker {
	int64_t number;
	char *name;
	struct handler_instance *instance;
	int64_t *retry_ms;
	size_t nretry;
	int64_t max_age_ms;
	struct run_list queue;
	size_t nqueue;
	bool more;      /* the store may have jobs for it that are not here */
	bool fetching;  /* it has been asked for them */
	int64_t due_ms; /* when its earliest waiting job is due; 0: none */
};

struct dispatch {
	struct store *st;
	const struct handler_env *env;
	struct event *turn; /* evtimer(0): there is work to do */
	struct event *due;  /* evtimer: work comes due, or a pause ends */
	struct worker *workers;
	size_t nworkers;
	size_t next; /* the worker whose turn it is */
	struct held_list held;
	struct held_list opened; /* answered, to be logged and started */
	struct run_list recording;
	size_t nrecording;
	int64_t slice_end_us;    /* of the last turn */
	size_t allowance;        /* outcomes beyond DISPATCH_RECORDS_MIN */
	int64_t paused_until_us; /* the store is in trouble; 0: it is not */
	bool stopped;
	char *unknown[UNKNOWN_MAX]; /* types that were warned of */
	size_t nunknown;
	struct dispatch_stats stats;
};

/* -- dispatch.c -- */

/* Have the pump look at things in the next turn of the loop. */
void dispatch_wake(struct dispatch *d);

/* The store is in trouble: leave it alone for a moment. */
void dispatch_pause(struct dispatch *d);

/* A commit made this job runnable: queue it, if it is next. */
void dispatch_add(struct dispatch *d, const struct store_job *job);

/*
 * Is the event's answer still on its way, or its start due in the next turn?
 * Then the store is asked for its jobs after that.
 */
bool dispatch_defers(struct dispatch *d, int64_t event);

/* -- dispatch_worker.c -- */

/*
 * Make a worker of h. Returns 0; or -1 and a reason, and then w is fit for
 * worker_fini().
 */
int worker_init(struct worker *w, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX]);

/* Free what w owns, its queue too. */
void worker_fini(struct worker *w);

/* Let w go on with the queue and the knowledge of its predecessor. */
void worker_inherit(struct worker *w, struct worker *old);

/* The worker of that handler; NULL if it is not configured. */
struct worker *worker_find(struct dispatch *d, int64_t number);

/* Queue a job; short of memory, the store is asked for it later. */
void worker_push(struct dispatch *d, struct worker *w,
    const struct store_job *job);

/* Ask the store for jobs if there may be some and there is room for them. */
void worker_fetch(struct dispatch *d, struct worker *w);

/* -- dispatch_run.c -- */

/* Hand the first job of w's queue to its handler and record the verdict. */
void worker_run(struct dispatch *d, struct worker *w);

void run_free(struct run *run);

#endif /* SERVER_DISPATCH_PRIVATE_H */
