/*
 * store_read.h -- what can be asked of the store: pages of its tables, single
 * rows, figures, a check, a copy of the whole.
 *
 * Owns:    the forms of rows and filters.
 * Touches: nothing that is stored: all this is done by the reader thread,
 *          beside all writing, so that no list delays an ack.
 *
 * Asynchronous calls promise what store.h says.
 */
#ifndef STORE_STORE_READ_H
#define STORE_STORE_READ_H

#include "store/arrival.h"
#include "store/store.h"

struct store_job_info {
	int64_t id;
	const char *event_id; /* x-klikit-event-id of its event */
	const char *scope;    /* of its event */
	const char *type;
	int64_t replay_of;   /* the job it repeats; 0: none */
	int64_t replayed_by; /* the newest job that repeats it; 0: none */
	const char *handler;
	int32_t place;
	enum job_state state;
	unsigned attempts;
	int64_t due_at_ms;
	int64_t finished_at_ms;  /* 0: not finished */
	int64_t discarded_at_ms; /* 0: it was not */
	const char *outcome;     /* NULL: not tried */
	const char *order_id;    /* the one it is for; NULL: none, or several */

	/* Only of an alarm. */
	int64_t guards;             /* whose it is; 0: it is none */
	const char *guarded;        /* the handler of that job; or NULL */
	int64_t rang_at_ms;         /* 0: it did not ring */
	int64_t acknowledged_at_ms; /* 0: it was not */
	const char *acknowledged_by;
};

/* How an alarm stands. */
enum store_alarm {
	STORE_ALARM_NONE,     /* the job is no alarm */
	STORE_ALARM_SET,      /* it has not rung */
	STORE_ALARM_NEEDLESS, /* it had not to ring */
	STORE_ALARM_RINGS,    /* it rang, and nobody has acknowledged it */
	STORE_ALARM_HEARD     /* it rang; somebody has, or it was discarded */
};
enum store_alarm store_alarm_of(const struct store_job_info *job);

/* An attempt as it was recorded. */
struct store_attempt_info {
	int64_t job;
	unsigned number;
	int64_t started_at_ms;
	int64_t duration_ms;
	const char *outcome; /* NULL while it runs */
	int code;
	const void *answer;
	size_t answer_len;
};

/* How an event stands, by its jobs. */
enum store_progress {
	STORE_PROGRESS_ANY,     /* only in a filter */
	STORE_PROGRESS_PENDING, /* not dead, and some job has not ended */
	STORE_PROGRESS_DONE,    /* neither of the two */
	STORE_PROGRESS_DEAD     /* some job is dead now */
};

struct store_event_info {
	const struct store_event *ev; /* with body only from store_get_event */
	unsigned duplicates;
	int64_t last_duplicate_at_ms; /* 0: none */
	int64_t purged_at_ms;         /* 0: it was not */
	unsigned unfinished;          /* jobs */
	unsigned dead;                /* jobs, now */
	unsigned alarms; /* that rang, and nobody has acknowledged */
	enum store_progress progress;
	size_t orders_total; /* ev has at most STORE_BRIEF_MAX in a list */
	size_t jobs_total;
	const struct store_job_info *jobs; /* NULL unless asked for */
	size_t njobs;
};

struct store_order_info {
	struct store_order order;
	const char *scope;
	const char *brand;  /* NULL if unknown */
	const char *branch; /* NULL if unknown */
	int64_t event;      /* that carries the newest record; 0: none yet */
	int32_t place;
	const char *event_id; /* of that event; NULL if none */
	int64_t
	    received_at_ms;   /* of that event, or of the cart's; 0: unknown */
	int64_t cart_event;   /* that carries the newest cart; 0: none yet */
	const char *document; /* of the newest record; only from get; or NULL */
};

/* A handler with its backlog. */
struct store_handler_info {
	int64_t number;
	const char *name;
	int64_t last_seen_ms;
	int64_t paused_at_ms;   /* 0: it is not */
	const char *paused_by;  /* NULL if it is not */
	const char *paused_why; /* NULL if it is not */
	uint64_t unfinished;
	uint64_t dead;        /* now: neither replayed nor discarded */
	uint64_t dead_alerts; /* of them: of klikitd's alerts */
	int64_t
	    oldest_ms; /* when its oldest unfinished event came in; 0: none */
	struct steady_time oldest; /* the same moment */
};

/* How much there is. */
struct store_figures {
	int64_t bytes;          /* of the database */
	int64_t log_bytes;      /* of the log: commits not yet copied into it */
	int64_t reserve_bytes;  /* set aside for a purge on a full disk */
	int64_t floor_bytes;    /* with less free space no event is taken */
	int64_t free_bytes;     /* on its disk; -1: not known */
	uint64_t lanes_blocked; /* in which a job stands behind another */
	uint64_t receivers;     /* that serve from it, and are alive */
	uint64_t alarms;        /* that rang, and nobody has acknowledged */
	const struct store_handler_info *handlers;
	size_t nhandlers;
};

/*
 * How far a list was looked through. Few rows that pass are no reason to read
 * all: what no index has is looked for among the newest, so many of them in one
 * call, and the next call goes on from there.
 */
struct store_scan {
	int64_t looked; /* at so many rows, about; those in the page too */
	int64_t next;   /* `before' of the next page; 0: there is no more */
};
#define STORE_LOOK_MAX 50000

/* Newest first. NULL, 0 and the like mean: any. Texts are borrowed. */
struct store_filter {
	int64_t before; /* only rows with a smaller event id: the next page */
	/*
	 * Kept, and written before done() runs. With it a page that is not full
	 * need not be the last. NULL: the call looks at all there are.
	 */
	struct store_scan *scan;
	size_t look; /* with scan: at so many in one call; 0: STORE_LOOK_MAX */
	const char *type;
	const char *order_id;
	const char *scope; /* "": only the empty one */
	const char *brand;
	const char *branch;
	int64_t since_ms; /* received at or after */
	int64_t until_ms; /* received before */
	size_t limit;     /* 1 to STORE_PAGE_MAX */

	/* Only of events. */
	enum store_progress progress;
	const char *handler; /* that has a job for it */
	/*
	 * What the id of the event or of an order in it begins with, or what
	 * stands in an external id, in large or small letters. What the ids of
	 * few events begin with is in the first page, however old they are.
	 */
	const char *find;
	bool with_jobs; /* too; of orders and jobs STORE_BRIEF_MAX at most */
	const int64_t *numbers; /* of these only, all else is ignored */
	size_t nnumbers;        /* up to STORE_PAGE_MAX */

	/* Only of orders. */
	const char *status;
	bool open; /* not in one of these; carts alone are not open */
	const char *const *ends;
	size_t nends;

	/* Only of the board. */
	int64_t after;     /* only orders whose first event has a greater id */
	const char *carts; /* types that carry no more than a cart; for LIKE */
};
#define STORE_PAGE_MAX 500
#define STORE_BRIEF_MAX 64 /* orders and jobs of an event in a list */

/* An open order, as the board shows it. */
struct store_board_row {
	/*
	 * The newest record, with its document (NULL also if its body is large)
	 * and when its first event came in. Of an order that is not recorded
	 * it is what its newest event says.
	 */
	struct store_order_info order;
	bool recorded;       /* a projection has written it */
	int64_t first;       /* the first event that carries it */
	const char *cart;    /* document that has its items; NULL: the same */
	const char *pending; /* handlers with a job that has not ended, with
				commas between; NULL: none */
	const char *dead;    /* the same, with one that is dead now */
	unsigned alarms;     /* that rang, and nobody has acknowledged */
};

/* How many orders are in a status, open or not. */
struct store_board_count {
	const char *status; /* NULL: they have none */
	uint64_t n;
};

#define STORE_BOARD_STATUSES 64 /* more are not counted */
struct store_board {
	const struct store_board_row *rows; /* the oldest first */
	size_t nrows;
	const struct store_board_count *counts;
	size_t ncounts;
};

/* Rows are valid during the call. rc: STORE_OK or a failure with a reason. */
typedef void store_events_fn(enum store_rc rc,
    const struct store_event_info *rows, size_t n, const char *reason,
    void *arg);
typedef void store_board_fn(enum store_rc rc, const struct store_board *board,
    const char *reason, void *arg);
typedef void store_orders_fn(enum store_rc rc,
    const struct store_order_info *rows, size_t n, const char *reason,
    void *arg);

/* Which jobs; NULL, 0 and the like mean: any. Texts are borrowed. */
struct store_job_filter {
	int64_t before; /* only jobs with a smaller id: the next page */
	struct store_scan *scan; /* as in store_filter */
	size_t look;
	bool any_state; /* else only those in `state' */
	bool pending;   /* only those that have not ended, in any state */
	enum job_state state;
	const char *handler;
	const char *event_id;
	const char *order_id;
	const char *scope; /* of the event; "": only the empty one */
	const char *type;
	int64_t since_ms;       /* event received at or after */
	int64_t until_ms;       /* event received before */
	bool newest;            /* of a chain of replays only the last */
	bool rang;              /* only alarms that rang; of them */
	bool unacknowledged;    /* only those that nobody has acknowledged */
	size_t limit;           /* 1 to STORE_PAGE_MAX */
	const int64_t *numbers; /* of these only, all else is ignored */
	size_t nnumbers;        /* up to STORE_PAGE_MAX */
};
typedef void store_jobs_fn(enum store_rc rc, const struct store_job_info *rows,
    size_t n, const char *reason, void *arg);
typedef void store_attempts_fn(enum store_rc rc,
    const struct store_attempt_info *rows, size_t n, const char *reason,
    void *arg);
typedef void store_handlers_fn(enum store_rc rc,
    const struct store_handler_info *rows, size_t n, const char *reason,
    void *arg);

/*
 * One page of jobs, newest first; with filter->numbers, those of them that
 * there are, in that order. Copies filter. 0; -1 if memory is short.
 */
int store_list_jobs(struct store *st, const struct store_job_filter *filter,
    store_jobs_fn *done, void *arg);

/* The attempts of a job, oldest first. 0; -1 if memory is short. */
int store_list_attempts(struct store *st, int64_t job, store_attempts_fn *done,
    void *arg);

/*
 * The attempts of all jobs of an event (by number), by job, oldest first, at
 * most STORE_PAGE_MAX. 0; -1 if memory is short.
 */
int store_list_event_attempts(struct store *st, int64_t event,
    store_attempts_fn *done, void *arg);

/* Every handler the store has seen. 0; -1 if memory is short. */
int store_list_handlers(struct store *st, store_handlers_fn *done, void *arg);

/* A receiver that has this store open, or had it within a day. */
struct store_receiver_info {
	int64_t number;
	const char *name;    /* "" if it has none */
	const char *version; /* of its klikitd */
	int64_t started_at_ms;
	bool alive;
	bool own;           /* it is this one */
	const char *report; /* its newest store_report(); NULL: none */
};
typedef void store_receivers_fn(enum store_rc rc,
    const struct store_receiver_info *rows, size_t n, const char *reason,
    void *arg);

/*
 * The receivers, oldest first; of a store that is not shared only this one,
 * and nobody if it does not serve. 0; -1 if memory is short.
 */
int store_list_receivers(struct store *st, store_receivers_fn *done, void *arg);

struct store_rejection_info {
	int64_t id;
	struct store_rejection r; /* headers and body only from get */
};

/* Which rejections; NULL, 0 and the like mean: any. Texts are borrowed. */
struct store_rejection_filter {
	int64_t before; /* only those with a smaller id: the next page */
	const char *cause;
	const char *code; /* STORE_NO_CODE: nothing was found */
	int64_t since_ms; /* came in at or after */
	int64_t until_ms; /* came in before */
	size_t limit;     /* 1 to STORE_PAGE_MAX */
};
typedef void store_rejections_fn(enum store_rc rc,
    const struct store_rejection_info *rows, size_t n, const char *reason,
    void *arg);

/*
 * One page of rejections, newest first. Copies filter. 0; -1 if memory is
 * short.
 */
int store_list_rejections(struct store *st,
    const struct store_rejection_filter *filter, store_rejections_fn *done,
    void *arg);

/* Those for one cause of which the same was found. */
struct store_rejection_group {
	const char *cause;
	const char *code;    /* NULL: nothing was found */
	uint64_t rows;       /* that are kept */
	uint64_t deliveries; /* that they stand for; each counts once */
	int64_t first_ms;
	int64_t last_ms;
	int64_t newest;        /* the number of that row */
	const char *diagnosis; /* of that */
};
typedef void store_rejection_groups_fn(enum store_rc rc,
    const struct store_rejection_group *rows, size_t n, const char *reason,
    void *arg);
#define STORE_NO_CODE "none"

/*
 * What was refused, in groups, the one of most deliveries first: all that are
 * kept, but for what filter leaves out; it has no page, and `before' and
 * `limit' are ignored. Copies filter. 0; -1 if memory is short.
 */
int store_group_rejections(struct store *st,
    const struct store_rejection_filter *filter,
    store_rejection_groups_fn *done, void *arg);

/* The rejection of that id: n is 1 or 0. 0; -1 if memory is short. */
int store_get_rejection(struct store *st, int64_t id, store_rejections_fn *done,
    void *arg);

/*
 * What was counted in the minutes or hours that begin at from_ms or later, and
 * before to_ms, in the order of time; of at most STORE_COUNT_SLOTS_MAX of them.
 * 0; -1 if memory is short.
 */
#define STORE_COUNT_SLOTS_MAX 128
typedef void store_counts_fn(enum store_rc rc, const struct store_count *rows,
    size_t n, const char *reason, void *arg);
int store_list_counts(struct store *st, enum store_count_step step,
    int64_t from_ms, int64_t to_ms, store_counts_fn *done, void *arg);

/*
 * How that event (by number) came, and was answered; nothing is known of one
 * that there is not. arrival is valid during the call. 0; -1 if memory is
 * short.
 */
typedef void store_arrival_fn(enum store_rc rc,
    const struct store_arrival *arrival, const char *reason, void *arg);
int store_get_arrival(struct store *st, int64_t event, store_arrival_fn *done,
    void *arg);

/*
 * What store_note_clock() kept last, and of when the newest event is. clock is
 * valid during the call. 0; -1 if memory is short.
 */
typedef void store_clock_fn(enum store_rc rc, const struct store_clock *clock,
    const char *reason, void *arg);
int store_get_clock(struct store *st, store_clock_fn *done, void *arg);

/*
 * Count and measure. It takes longer with a backlog, some tens of ms for
 * 100,000 jobs. figures is valid during the call, NULL unless rc is STORE_OK.
 * 0; -1 if memory is short.
 */
typedef void store_figures_fn(enum store_rc rc,
    const struct store_figures *figures, const char *reason, void *arg);
int store_measure(struct store *st, store_figures_fn *done, void *arg);

/*
 * Copy the whole store, as it is at one moment, to a new file (0600, fsynced,
 * checked), without holding up any ack. What was purged is not in the backup.
 * Copies path. progress (may be NULL) runs from
 * store_collect() with pages copied and in all, now and then. STORE_OK;
 * STORE_EXISTS (there is a file of that name), STORE_FULL, STORE_FAILED: the
 * incomplete file is removed; STORE_REFUSED: store_traits.backup_with makes it.
 * Returns 0; -1 if memory is short.
 */
typedef void store_progress_fn(int64_t copied, int64_t total, void *arg);
int store_backup(struct store *st, const char *path,
    store_progress_fn *progress, store_done_fn *done, void *arg);

/*
 * One page of events; with filter->numbers, those of them that there are, in
 * that order. Copies filter. Returns 0; -1 if memory is short.
 */
int store_list_events(struct store *st, const struct store_filter *filter,
    store_events_fn *done, void *arg);

/*
 * The events of that x-klikit-event-id with their bodies and jobs: one for
 * each scope that has it, or with scope the one of that scope; by scope,
 * none if there is none. Copies event_id and scope. Returns 0; -1 if
 * memory is short.
 */
int store_get_event(struct store *st, const char *event_id, const char *scope,
    store_events_fn *done, void *arg);

/*
 * Of the events without a scope whose x-klikit-event-id begins with prefix the
 * one whose id is the greatest, byte by byte, with its body: n is 1 or 0.
 * Copies prefix. Returns 0; -1 if memory is short.
 */
int store_last_event(struct store *st, const char *prefix,
    store_events_fn *done, void *arg);

/*
 * One page of orders, those changed by the newest events first; `before' and
 * the times apply to that event: the one of the newest record, or of the
 * newest cart while there is no record. The orders of one event are never
 * torn between pages, so a page may be longer than its limit by the rest of
 * its last event. With filter->scan it looks among the orders of so many of the
 * newest events. filter->type is ignored. Returns 0; -1 if memory is short.
 */
int store_list_orders(struct store *st, const struct store_filter *filter,
    store_orders_fn *done, void *arg);

/*
 * The board: of the orders that an event since filter->since_ms carries, those
 * that are open, the oldest first, by their first event; and how many of all of
 * them are in each status. So what a projection has not recorded is there, too.
 * The orders of one event are never torn between pages. Copies filter (since,
 * after, limit, brand, branch, scope, ends, carts; no other). 0; -1 if memory
 * is short.
 */
int store_read_board(struct store *st, const struct store_filter *filter,
    store_board_fn *done, void *arg);

/*
 * The orders of that id with their documents: one for each scope that has it,
 * or with scope the one of that scope; by scope, none if there is none. Copies
 * order_id and scope. Returns 0; -1 if memory is short.
 */
int store_get_order(struct store *st, const char *order_id, const char *scope,
    store_orders_fn *done, void *arg);

/*
 * Check the whole file's structure. STORE_OK, STORE_NOTADB with the first
 * finding as reason, or STORE_FAILED. Returns 0; -1 if memory is short.
 */
int store_check(struct store *st, store_done_fn *done, void *arg);

#endif /* STORE_STORE_READ_H */
