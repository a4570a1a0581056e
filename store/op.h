/*
 * op.h -- private to store/: the operation that travels through the queues.
 *
 * An operation belongs to one thread at a time: to the caller's until it is
 * queued and again once it is on the list of finished ones, in between to the
 * writer or the reader.
 */
#ifndef STORE_OP_H
#define STORE_OP_H

#include "store/base/arena.h"
#include "store/store_read.h"

enum store_op_kind {
	STORE_OP_APPEND,
	STORE_OP_FINISH,
	STORE_OP_START,
	STORE_OP_ACT,
	STORE_OP_PAUSE,
	STORE_OP_UNGUARD,
	STORE_OP_RELEASE,
	STORE_OP_RUNNABLE,
	STORE_OP_REGISTER,
	STORE_OP_CLOCK_NOTE,
	STORE_OP_COUNT,
	STORE_OP_REJECT,
	STORE_OP_PURGE,
	STORE_OP_LIST_EVENTS,
	STORE_OP_GET_EVENT,
	STORE_OP_LAST_EVENT,
	STORE_OP_LIST_ORDERS,
	STORE_OP_GET_ORDER,
	STORE_OP_BOARD,
	STORE_OP_LIST_JOBS,
	STORE_OP_LIST_ATTEMPTS,
	STORE_OP_LIST_EVENT_ATTEMPTS,
	STORE_OP_LIST_HANDLERS,
	STORE_OP_LIST_RECEIVERS,
	STORE_OP_MEASURE,
	STORE_OP_CLOCK_GET,
	STORE_OP_LIST_REJECTIONS,
	STORE_OP_GROUP_REJECTIONS,
	STORE_OP_GET_REJECTION,
	STORE_OP_LIST_COUNTS,
	STORE_OP_GET_ARRIVAL,
	STORE_OP_BACKUP,
	STORE_OP_CHECK,
	STORE_NOPS
};

/* An event that the backend read for a result; dropped after done(). */
struct store_loaded {
	struct store_loaded *next;
	struct store_event *ev;
};

struct store_op {
	enum store_op_kind kind;
	union {
		struct {
			struct store_event *ev; /* one reference */
			struct store_job_spec *jobs;
			size_t njobs;
			int64_t repeat_window_ms; /* 0: it is no repeat */
		} append;
		struct store_outcome finish;
		struct {
			int64_t job;
			struct store_event *ev; /* NULL: to be read; else
						   but for the body */
			unsigned skip;          /* STORE_SKIP_... */
			bool headers;           /* STORE_WITH_HEADERS */
			int64_t now_ms;
		} start;
		struct {
			enum store_act act;
			int64_t job;
			const char *why;
			int64_t now_ms;
		} act;
		struct {
			const char *handler;
			const char *by;
			const char *why;
			int64_t now_ms;
		} pause;
		struct {
			int64_t handler;
			int64_t now_ms;
		} unguard;
		int64_t release; /* of that handler */
		struct store_purge purge;
		struct {
			int64_t handler;
			size_t limit;
			struct steady_time now;
		} runnable;
		struct {
			const char *name;
			int64_t now_ms;
		} registered;
		struct store_clock clock; /* noted, or found */
		struct {
			struct store_rejection *rej;
			size_t n;
		} reject;
		struct {
			const struct store_count *list;
			size_t n;
			int64_t now_ms;
			bool sweep; /* store_count_sweep() */
		} counts;
		struct {
			enum store_count_step step;
			int64_t from_ms;
			int64_t to_ms;
		} counted; /* which are asked for */
		struct store_filter filter;
		struct store_job_filter jobs;
		struct store_rejection_filter rejections;
		int64_t rejection; /* which one */
		int64_t job;       /* whose attempts */
		int64_t event;     /* of whose jobs; or its arrival */
		struct {
			struct store *st; /* gets the progress */
			const char *path;
			store_progress_fn *progress; /* caller's thread */
		} backup;
		struct {
			const char *id;    /* event_id or order_id; or what it
					      begins with */
			const char *scope; /* NULL: in each that has it */
		} named;
	} in;

	bool again; /* background: commit it once more, after others */
	struct {
		bool headers;    /* a set of them was removed */
		bool scanning;   /* rejections, for those that name an order */
		int64_t after;   /* up to this one all were looked at */
		int64_t removed; /* of them */
		/* Those that were found and are to be removed; in in_mem. */
		int64_t *found;
		size_t nfound, room;
	} purge;
	struct store_result res;
	struct store_event_info *events; /* rows of a read */
	struct store_order_info *orders;
	struct store_board *board;
	struct store_job_info *jobs;
	struct store_attempt_info *attempts;
	struct store_handler_info *handlers;
	struct store_receiver_info *receivers;
	struct store_figures *figures;
	struct store_rejection_info *rejections;
	struct store_rejection_group *groups;
	struct store_count *counts;
	struct store_arrival arrival;
	size_t nrows;
	struct store_scan scan; /* of a list that has a filter */
	struct store_loaded *loaded;

	union {
		store_done_fn *result;
		store_events_fn *events;
		store_orders_fn *orders;
		store_board_fn *board;
		store_jobs_fn *jobs;
		store_attempts_fn *attempts;
		store_handlers_fn *handlers;
		store_receivers_fn *receivers;
		store_figures_fn *figures;
		store_clock_fn *clock;
		store_rejections_fn *rejections;
		store_rejection_groups_fn *groups;
		store_counts_fn *counts;
		store_arrival_fn *arrival;
	} done;
	void *arg;

	struct arena in_mem;   /* holds the copies in `in' */
	struct arena res_mem;  /* holds what the results point at */
	size_t weight;         /* bytes counted against queue_max */
	uint64_t seq;          /* order of submission */
	struct store_op *next; /* in a queue */
	struct store_op *pend_prev, *pend_next; /* caller's thread only */
};

/* Who runs an operation. */
enum store_op_queue {
	STORE_QUEUE_URGENT,     /* the writer, with others in one commit */
	STORE_QUEUE_BACKGROUND, /* the writer, alone in its transaction */
	STORE_QUEUE_READS       /* the reader */
};

enum store_op_queue store_op_queue(const struct store_op *op);

/* Returns NULL when out of memory. */
struct store_op *store_op_new(enum store_op_kind kind);

/* Frees op with all it holds, without calling done. Accepts NULL. */
void store_op_free(struct store_op *op);

/* Forget the results set so far. */
void store_op_reset(struct store_op *op);

/* About how many rows it writes: what a commit holds is bounded by that. */
size_t store_op_rows(const struct store_op *op);

/* Forget the results; the operation ends with rc. Copies reason. */
void store_op_fail(struct store_op *op, enum store_rc rc, const char *reason);

/*
 * Keep ev (takes the reference, also on failure) until op is freed or reset.
 * Returns 0, or -1 when out of memory.
 */
int store_op_keep(struct store_op *op, struct store_event *ev);

/* Call done(), in the caller's thread. */
void store_op_deliver(struct store_op *op);

/* -- Submitting (queue.c) -- */

/* Is there no room for an event of that weight? */
bool store_is_full(struct store *st, size_t weight);

/* As store_set_repeat_window() set it. */
int64_t store_repeat_window(const struct store *st);

/* An operation for the writer, or NULL; then the call returns -1. */
struct store_op *store_write_op(struct store *st, enum store_op_kind kind,
    store_done_fn *done, void *arg);

/* The same for the reader; done is the caller's to set. */
struct store_op *store_read_op(struct store *st, enum store_op_kind kind,
    void *arg);

/*
 * Hand op to its queue, and return 0; if its copies could not be made (copied
 * is -1), free it and return -1.
 */
int store_submit(struct store *st, struct store_op *op, int copied);

/* Reader thread, in a backup: have the caller called with how far it is. */
void store_report_progress(struct store_op *op, int64_t copied, int64_t total);

#endif /* STORE_OP_H */
