/*
 * store_ops.h -- private to store/: the operation that travels through the
 * queues, and the table of functions that a backend is.
 *
 * An operation belongs to one thread at a time: to the caller's until it is
 * queued and again once it is on the list of finished ones, in between to the
 * writer or the reader. Only the queue heads are shared, under the mutex.
 */
#ifndef STORE_STORE_OPS_H
#define STORE_STORE_OPS_H

#include <limits.h>
#include <pthread.h>

#include "store/base/arena.h"
#include "store/store_read.h"

enum store_op_kind {
	STORE_OP_APPEND,
	STORE_OP_FINISH,
	STORE_OP_START,
	STORE_OP_ACT,
	STORE_OP_PAUSE,
	STORE_OP_UNGUARD,
	STORE_OP_RUNNABLE,
	STORE_OP_REGISTER,
	STORE_OP_CLOCK_NOTE,
	STORE_OP_REJECT, /* background: alone in its transaction */
	STORE_OP_PURGE,  /* as well */
	STORE_OP_LIST_EVENTS,
	STORE_OP_GET_EVENT,
	STORE_OP_LIST_ORDERS,
	STORE_OP_GET_ORDER,
	STORE_OP_LIST_JOBS,
	STORE_OP_LIST_ATTEMPTS,
	STORE_OP_LIST_EVENT_ATTEMPTS,
	STORE_OP_LIST_HANDLERS,
	STORE_OP_MEASURE,
	STORE_OP_CLOCK_GET,
	STORE_OP_LIST_REJECTIONS,
	STORE_OP_GET_REJECTION,
	STORE_OP_BACKUP,
	STORE_OP_CHECK
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
			unsigned skip; /* of enum store_skip */
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
		struct store_filter filter;
		struct store_job_filter jobs;
		struct store_rejection_filter rejections;
		int64_t rejection; /* which one */
		int64_t job;       /* whose attempts */
		int64_t event;     /* of whose jobs */
		struct {
			struct store *st; /* gets the progress */
			const char *path;
			store_progress_fn *progress; /* caller's thread */
		} backup;
		struct {
			const char *id;    /* event_id or order_id */
			const char *scope; /* NULL: in each that has it */
		} named;
	} in;

	bool again; /* background: commit it once more, after others */
	struct {
		bool scanning;   /* rejections, for those that name an order */
		int64_t after;   /* up to this one all were looked at */
		int64_t removed; /* of them */
	} purge;
	struct store_result res;
	struct store_event_info *events; /* rows of a read */
	struct store_order_info *orders;
	struct store_job_info *jobs;
	struct store_attempt_info *attempts;
	struct store_handler_info *handlers;
	struct store_figures *figures;
	struct store_rejection_info *rejections;
	size_t nrows;
	struct store_loaded *loaded;

	union {
		store_done_fn *result;
		store_events_fn *events;
		store_orders_fn *orders;
		store_jobs_fn *jobs;
		store_attempts_fn *attempts;
		store_handlers_fn *handlers;
		store_figures_fn *figures;
		store_clock_fn *clock;
		store_rejections_fn *rejections;
	} done;
	void *arg;

	struct arena in_mem;   /* holds the copies in `in' */
	struct arena res_mem;  /* holds what the results point at */
	size_t weight;         /* bytes counted against queue_max */
	uint64_t seq;          /* order of submission */
	struct store_op *next; /* in a queue */
	struct store_op *pend_prev, *pend_next; /* caller's thread only */
};

/* What a backend is to open, and how. */
struct store_place {
	struct store *st; /* for notes only */
	const char *path; /* the URL after its scheme and colon */
	enum store_mode mode;
	int64_t now_ms;
	void *arg; /* of the struct store_setup */
};

/*
 * The long part of house-keeping, which the reader does for the writer:
 *
 *   NONE --> WANTED --> RUNNING --> DONE     the writer: NONE, WANTED;
 *    ^ ^-------'                     |       the reader: RUNNING, DONE
 *    '-------------------------------'
 */
enum store_aside {
	STORE_ASIDE_NONE,
	STORE_ASIDE_WANTED,
	STORE_ASIDE_RUNNING,
	STORE_ASIDE_DONE /* no read begins until the writer has seen it */
};

/*
 * A backend. One thread calls open and close, with no other running; commit,
 * reopen, repair, probe and tidy belong to the writer thread, read and aside to
 * the reader thread, beside them, but never beside reopen or repair; interrupt
 * may come from any thread between open and close. Every `reason' has room for
 * STORE_REASON_MAX bytes and is written on failure.
 */
struct store_ops {
	const char *scheme; /* the URL's first part */

	/* As store_process_init(); NULL: there is nothing to set up. */
	void (*process_init)(void);

	/* As store_locate(), from what follows the URL's scheme. */
	int (*locate)(const char *path, char ret_path[PATH_MAX]);

	/* As store_would_open(), from what follows the URL's scheme. */
	enum store_rc (*would_open)(const char *path,
	    enum store_found *ret_found, char *reason);

	/* As store_set_aside(), from what follows the URL's scheme. */
	void (
	    *set_aside)(const char *path, store_set_aside_fn *each, void *arg);

	/* As store_restore(); the url is what follows the scheme. */
	enum store_rc (*restore)(const struct store_restore *what,
	    struct store_restored *ret, char *reason);

	/*
	 * Open or create, migrate, lock, as mode says. Returns as store_open();
	 * *ret_be is set on success only, nothing stays open otherwise.
	 */
	enum store_rc (*open)(const struct store_place *place, void **ret_be,
	    char *reason);

	/*
	 * Run ops[0..n) in order in one transaction, durable on return, and
	 * set each one's res: an operation that fails alone is undone alone.
	 * One that is alone may set `again': then it is not finished yet.
	 * Any return value but STORE_OK means that none was written, what
	 * was set is void, and: STORE_BUSY, STORE_FULL: calling again may
	 * succeed; all else: only after reopen.
	 */
	enum store_rc (*commit)(void *be, struct store_op *const *ops, size_t n,
	    char *reason);

	/*
	 * Write a little and make it durable. Returns as commit.
	 */
	enum store_rc (*probe)(void *be, char *reason);

	/*
	 * Close all, bring the files to what was acknowledged and durable,
	 * open anew and look whether it is sound; also the way out of is_shut.
	 * No read and no aside is under way. On failure the backend takes only
	 * reopen, read and close, and returns STORE_FULL if the cause is lack
	 * of space, STORE_BUSY if another program is in the way, else any
	 * other code.
	 */
	enum store_rc (*reopen)(void *be, char *reason);

	/*
	 * After a reopen that came to STORE_OK or STORE_NOTADB: see what is
	 * damaged, and make it whole if no row is lost by that; then it is
	 * noted and *ret_made is true, else it stays as it was. STORE_OK: it is
	 * sound, after one more reopen. STORE_NOTADB: it cannot be made whole;
	 * nothing is written any more. All else: as reopen.
	 */
	enum store_rc (*repair)(void *be, bool *ret_made, char *reason);

	/*
	 * After a commit or a probe that passed: is so little space left that
	 * from now on no event is to be taken, but all else is? Then each
	 * append ends as STORE_FULL, until it is asked again; reason says why.
	 * May be NULL: never.
	 */
	bool (*is_low)(void *be, char *reason);

	/*
	 * Are the open files still those under their names? Takes little time.
	 * STORE_OK, or STORE_MOVED: commits may be lost until it is STORE_OK
	 * again. May be NULL.
	 */
	enum store_rc (*look)(void *be, char *reason);

	/*
	 * House-keeping between commits; short, since acks wait for it.
	 * `at' is the state of aside(), the long part of it; DONE is passed
	 * once after each run, and if that run failed, tidy returns its
	 * failure. Sets *ret_aside (false before the call) to have aside()
	 * run, in the states NONE and DONE only. Returns STORE_OK, or as
	 * commit.
	 */
	enum store_rc (*tidy)(void *be, enum store_aside at, bool *ret_aside,
	    char *reason);

	/*
	 * The long part of house-keeping, in the reader thread. What it
	 * leaves for tidy() is that thread's until tidy() gets DONE.
	 */
	void (*aside)(void *be);

	/*
	 * Run one operation that reads; sets its rows, and its res to success
	 * or failure.
	 */
	void (*read)(void *be, struct store_op *op);

	/* Make a read that is under way fail soon. */
	void (*interrupt)(void *be);

	/* Whether the last user did not close it; as found by open. */
	bool (*was_unclean)(const void *be);

	/* Whether open left it to reopen to make it fit for writing. */
	bool (*is_shut)(const void *be);

	/* Never fails. */
	void (*close)(void *be);
};

extern const struct store_ops store_sqlite_ops;

/* For tests: how the SQLite backend is to differ from the product. */
struct store_sqlite_setup {
	const char *vfs;         /* NULL: the default */
	bool sync_normal;        /* synchronous=NORMAL, which loses acks */
	int busy_ms;             /* 0: the default */
	unsigned lock_ms;        /* a server waits for the lock; 0: default */
	int checkpoint_pages;    /* of the log; 0: the default */
	const char *more_schema; /* one more migration; NULL: none */
	int64_t free_bytes;      /* of a migration's disk; 0: as it is */
	bool no_recovery; /* trust the files after a failure: loses acks */
};

/*
 * For tests: who gets the operations in place of the threads, which are not
 * started then. Called in the caller's thread.
 */
struct store_stand_in {
	/* No: the next call for the writer returns -1. */
	bool (*accepts)(void *arg);

	/*
	 * Takes op: once the call that made it has returned, set op->res,
	 * then store_op_deliver() and store_op_free().
	 */
	void (*take)(struct store_op *op, void *arg);
	void *arg;
};

/* What store_open() does not let its caller choose. */
struct store_setup {
	const struct store_ops *ops;
	void *arg;         /* for ops->open */
	unsigned pause_ms; /* first pause between reopenings; 0: the default */
	const struct store_stand_in *stand_in; /* kept; NULL: none */
};

/* As store_open(); setup NULL: the backend that the URL names. */
enum store_rc store_open_with(const struct store_options *opt,
    const struct store_setup *setup, struct store **ret_st,
    char reason[STORE_REASON_MAX]);

/* -- Operations (op.c) -- */

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

/* -- Submitting (submit.c) -- */

/* An operation for the writer, or NULL; then the call returns -1. */
struct store_op *store_write_op(struct store *st, enum store_op_kind kind,
    store_done_fn *done, void *arg);

/* The same for the reader; done is the caller's to set. */
struct store_op *store_read_op(struct store *st, enum store_op_kind kind,
    void *arg);

/* -- Queues and threads (store.c, writer.c, reader.c) -- */

struct store_queue {
	struct store_op *head;
	struct store_op **tail;
	size_t n;
};

void store_queue_init(struct store_queue *q);
void store_queue_put(struct store_queue *q, struct store_op *op);
struct store_op *store_queue_get(struct store_queue *q);
void store_queue_unget(struct store_queue *q, struct store_op *op);

/* How far a backup is; op NULL: nothing new. */
struct store_backup_progress {
	struct store_op *op;
	int64_t copied, total;
};

/* Lines for the operator that wait for the caller's thread. */
#define STORE_NOTES_MAX 8
struct store_note {
	enum store_note_level level;
	char text[STORE_REASON_MAX];
};
struct store_notes {
	pthread_mutex_t mutex;
	struct store_note list[STORE_NOTES_MAX];
	size_t n;
};

struct store {
	/* Set by open, then constant. */
	const struct store_ops *ops;
	void *be;
	enum store_mode mode;
	size_t queue_max;
	unsigned batch_max;
	unsigned pause_ms;
	const struct store_stand_in *stand_in; /* NULL: the threads do it */
	int fd; /* eventfd: something is finished, or the health changed */
	pthread_t writer, reader;
	bool has_writer, has_reader;

	/* Shared, under the mutex. */
	pthread_mutex_t mutex;
	pthread_cond_t writer_cond; /* urgent, background, aside, stop */
	pthread_cond_t reader_cond; /* reads, aside, stop */
	pthread_cond_t done_cond;   /* finished */
	struct store_queue urgent;
	struct store_queue background;
	struct store_queue reads;
	struct store_queue finished;
	struct store_backup_progress progress;
	size_t queued_bytes;
	struct store_stats stats;
	enum store_health health;
	char reason[STORE_REASON_MAX];
	enum store_aside aside;
	int64_t looked_ms; /* when look was called last; the writer's */
	bool held;         /* the reader is not to begin anything */
	bool reading;      /* it is in ops->read() */
	bool damage;       /* somebody met damage: repair is due */
	unsigned tries;    /* repairs that came to STORE_OK; the writer's */
	bool stop;

	struct store_notes notes; /* has a mutex of its own */

	/* The caller's thread only. */
	int64_t repeat_window_ms;
	store_note_fn *note; /* may be NULL */
	void *note_arg;
	void (*gather)(void *arg); /* NULL: the writer is woken at once */
	void *gather_arg;
	bool unflushed; /* gather was called, store_flush() is due */
	struct store_queue collected; /* done() is due */
	struct store_op *pend_head, *pend_tail;
	uint64_t next_seq;
	enum store_health seen_health;
	char seen_reason[STORE_REASON_MAX];
	bool closing;
	struct store_op **batch; /* writer's: batch_max places */
};

/* Caller's thread: hand op to a queue. */
void store_submit(struct store *st, struct store_op *op);

/* Any other thread, with the mutex held: op is finished. */
void store_finished(struct store *st, struct store_op *op);

/* Reader thread, in a backup: have the caller called with how far it is. */
void store_report_progress(struct store_op *op, int64_t copied, int64_t total);

/* Make store_fd() readable. */
void store_wake(struct store *st);

/*
 * Any thread: a line for the operator, which the caller gets by his note().
 * Those that find no room are dropped.
 */
void store_note(struct store *st, enum store_note_level level, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* Caller's thread: hand the lines on. */
void store_deliver_notes(struct store *st);

/* Thread bodies; arg is the struct store. */
void *store_writer_main(void *arg);
void *store_reader_main(void *arg);

#endif /* STORE_STORE_OPS_H */
