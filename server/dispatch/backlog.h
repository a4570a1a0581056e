/*
 * backlog.h -- the jobs of one handler that are in memory, and what the store
 * may have beside them.
 *
 * Pure: jobs and times come in, decisions go out. Runs are put in and removed
 * by run_move() alone.
 *
 * It has what may run and was not tried before, the oldest and, beside older
 * ones, some of the newest; what was tried once, and what was tried more often,
 * in the order in which their waits ended; and the waits that end first. All of
 * these are bounded: the others are rows in the store, which is asked for more
 * when there is room.
 */
#ifndef SERVER_BACKLOG_H
#define SERVER_BACKLOG_H

#include "server/dispatch/run.h"

#define BACKLOG_MAX 2048         /* untried ones; and the same of tried ones */
#define BACKLOG_FRESH_MAX 128    /* newest ones beside older ones */
#define BACKLOG_WAITING_MAX 1024 /* jobs that wait for their time */
#define BACKLOG_FETCH 256        /* jobs asked for beyond those that are here */

struct backlog {
	struct run_queue untried;    /* oldest first */
	struct run_queue fresh;      /* the newest untried, beside older ones */
	struct run_queue tried_once; /* tried once */
	struct run_queue tried_more; /* tried more often */
	struct run_queue waiting;    /* the first to end first */
	bool moves_up; /* the last end let another of its lane move up */

	/* Private. */
	bool more_untried; /* the store may have some that are not here */
	bool more_tried;
	bool fetching;                /* it has been asked */
	bool end_waits;               /* ask for waits that it has ended */
	struct steady_time store_due; /* the earliest wait in it; 0: none */
	struct steady_time as_of;     /* ask for what is due by then; 0: now */
};

/* A question to the store, and what has come of it so far. */
struct backlog_fetch {
	size_t limit; /* jobs asked for, untried and tried ones each */
	struct steady_time as_of; /* they are due by then */
	bool end_waits; /* jobs that wait here are to run if the store has it so
			 */

	/* Private: untried ones, tried ones. */
	size_t offered[2];
	size_t taken[2];
};

/* What to do with a job that the store offers. */
enum backlog_offer {
	BACKLOG_LEAVE,   /* it is in memory, or there is no room for it */
	BACKLOG_QUEUE,   /* take it in */
	BACKLOG_END_WAIT /* it waits here, and is to wait no longer */
};

/* Empty; the store is to be asked for all. */
void backlog_init(struct backlog *b);

/* Take over the jobs of old, which is empty then, and what it knows. */
void backlog_inherit(struct backlog *b, struct backlog *old);

/* -- What is in it -- */

/* Put in a run that is QUEUED, FRESH or WAITING; remove it again. */
void backlog_put(struct backlog *b, struct run *run);
void backlog_remove(struct backlog *b, struct run *run);

/* Jobs that may run. */
size_t backlog_untried(const struct backlog *b);
size_t backlog_tried(const struct backlog *b);

/* May nothing run, neither here nor, as far as is known, in the store? */
bool backlog_is_idle(const struct backlog *b);

/* The untried one that came last; NULL: there is none. */
struct run *backlog_newest(const struct backlog *b);

/* Is the job in it, and not only waiting? */
bool backlog_has(const struct backlog *b, int64_t job);

/* Any run in it, also one that waits; NULL: it is empty. */
struct run *backlog_any(const struct backlog *b);

/* -- Jobs that become runnable -- */

/*
 * Where that job belongs: RUN_QUEUED, if it is next. With more in the store, or
 * on its way from there, it would come in its turn; but that may be hours away
 * when a backlog drains into a slow far side, and an order that comes now is
 * wanted now: RUN_FRESH.
 */
enum run_state backlog_place(struct backlog *b, const struct store_job *job);

/* A fresh one too many, which is in the store as well; NULL: there is none. */
struct run *backlog_surplus(struct backlog *b);

/* -- Waits -- */

/* May one more wait here? Else it waits in the store: see backlog_due(). */
bool backlog_may_wait(const struct backlog *b);

/*
 * A wait in the store ends then. Returns whether it is the earliest that is
 * known.
 */
bool backlog_due(struct backlog *b, struct steady_time due);

/* Have the store asked if the earliest wait in it is over. */
void backlog_check_due(struct backlog *b, struct steady_time now);

/* A run whose wait is over and for which there is room; NULL: none. */
struct run *backlog_over(const struct backlog *b, struct steady_time now);

/* In how many ms one of these two has something to do; INT64_MAX: never. */
int64_t backlog_next_ms(const struct backlog *b, struct steady_time now);

/* -- Asking the store -- */

/* Have it asked for all that may run. */
void backlog_look(struct backlog *b);

/* The same, and for waits that were ended in the store by hand. */
void backlog_look_by_hand(struct backlog *b);

/* The same, as if it were as_of already. */
void backlog_look_ahead(struct backlog *b, struct steady_time as_of);

/* May the store have jobs for which there is room, and is it not asked yet? */
bool backlog_wants(const struct backlog *b);

/* The question to be put to it now. */
struct backlog_fetch backlog_fetch(const struct backlog *b,
    struct steady_time now);

/* It has been put. */
void backlog_asked(struct backlog *b);

/* There is no answer to it: it is to be put again. */
void backlog_failed(struct backlog *b, const struct backlog_fetch *f);

/*
 * The store offers job, which is not to be taken if it is in_memory: here, in
 * another state, or about to be. With BACKLOG_END_WAIT ret_waiting is its run.
 */
enum backlog_offer backlog_offer(struct backlog *b, struct backlog_fetch *f,
    const struct store_job *job, bool in_memory, struct run **ret_waiting);

/* That was all that it offers; the earliest wait in it ends at next_due. */
void backlog_answered(struct backlog *b, const struct backlog_fetch *f,
    struct steady_time next_due);

#endif /* SERVER_BACKLOG_H */
