/*
 * store_ops.h -- private to store/: the table of functions that a backend is,
 * and what tests may set when they open a store.
 */
#ifndef STORE_STORE_OPS_H
#define STORE_STORE_OPS_H

#include <limits.h>

#include "store/store.h"

struct store_op;
struct move_rows;
struct move_table;

/* Why a store is opened by klikitd migrate-store. */
enum store_moving {
	STORE_MOVING_NOT, /* it is not */
	STORE_MOVING_FROM,
	STORE_MOVING_TO,  /* it is made if it is not there */
	STORE_MOVING_BACK /* what was moved away is to be served again */
};

/* What a backend is to open, and how. */
struct store_place {
	struct store *st; /* for notes only */
	const char *url;
	const char *path; /* the URL after its scheme and colon */
	enum store_mode mode;
	enum store_moving moving; /* else STORE_CHANGE */
	int64_t now_ms;
	const char *receiver; /* never NULL, nor is the version */
	const char *version;
	unsigned lease_ms; /* never 0 */
	void *arg;         /* of the struct store_setup */
};

/*
 * The long part of the upkeep, which the reader does for the writer:
 *
 *   NONE --> WANTED --> RUNNING --> DONE     the writer: NONE, WANTED;
 *    ^ ^-------'                     |       the reader: RUNNING, DONE
 *    '-------------------------------'
 */
enum store_upkeep {
	STORE_UPKEEP_NONE,
	STORE_UPKEEP_WANTED,
	STORE_UPKEEP_RUNNING,
	STORE_UPKEEP_DONE /* no read begins until the writer has seen it */
};

/* What the writer hands to tick(). */
struct store_asked {
	bool watched;       /* as store_watch() */
	const char *report; /* a new one, or NULL */
};

/* What is no row of a table that is moved. */
struct store_move_facts {
	bool moved; /* it is marked: only what was copied before may be ended */
	struct store_clock clock; /* as of store_get_clock() */
	int64_t rejected_bytes;   /* of all bodies in the ring */
};

/*
 * How a store that was opened for a move is read and filled: all by one thread,
 * with no other running. What goes wrong is returned with a reason. A source
 * nobody else can write until it is closed. A target is no store that could be
 * opened for anything else until end() has passed, however this process ends.
 */
struct store_move_ops {
	bool utf8; /* takes no text that is not UTF-8, and no NUL in it */

	/* Of a source, before anything is read. */
	enum store_rc (
	    *facts)(void *be, struct store_move_facts *ret, char *reason);

	/*
	 * (-) Of a target whose steady clock is not the store's own: what is to
	 * be added to times of a clock that is at `now'. The first answer is
	 * kept: it is the same when a move goes on that was cut short.
	 */
	enum store_rc (*shift)(void *be, struct steady_time now,
	    int64_t *ret_ms, char *reason);

	/* How many rows there are. */
	enum store_rc (*count)(void *be, const struct move_table *t,
	    int64_t *ret_n, char *reason);

	/* Put the key of the last row to *key; there is none: nothing. */
	enum store_rc (*last)(void *be, const struct move_table *t,
	    struct move_rows *key, char *reason);

	/*
	 * Put the rows that come after that key (empty: from the first on), in
	 * the order of keys: as many as rows.h says, and one at least if there
	 * is one. No more room: rows->failed.
	 */
	enum store_rc (*read)(void *be, const struct move_table *t,
	    const struct move_rows *key, struct move_rows *rows, char *reason);

	/* Add all of them, or none: durable on return. */
	enum store_rc (*write)(void *be, const struct move_table *t,
	    const struct move_rows *rows, char *reason);

	/*
	 * A source is not to be served any more, until it is taken back; a
	 * target is a store from now on, with these facts (NULL for all but a
	 * target); what was moved away is a store again. Durable on return.
	 */
	enum store_rc (
	    *end)(void *be, const struct store_move_facts *facts, char *reason);
};

/*
 * A backend. One thread calls open and close, with no other running; commit,
 * reopen, repair, probe and upkeep belong to the writer thread, read and
 * upkeep_long to the reader thread, beside them, but never beside reopen or
 * repair; interrupt may come from any thread between open and close; tick is
 * the writer's. What is marked with (-) may be NULL: there is no such thing.
 * Every `reason' has room for STORE_REASON_MAX bytes and is written on failure.
 */
struct store_ops {
	struct store_traits traits;

	/*
	 * (-) As store_url_name(), which shows the URL as it stands without it;
	 * and as store_check_url().
	 */
	void (*url_name)(const char *url, char ret_name[STORE_NAME_MAX]);
	int (
	    *check_url)(const char *url, const char **ret_advice, char *reason);

	/* (-) As store_process_init(). */
	void (*process_init)(void);

	/* (-) As store_locate(), from what follows the URL's scheme. */
	int (*locate)(const char *path, char ret_path[PATH_MAX]);

	/* (-) As store_would_open(), from what follows the URL's scheme. */
	enum store_rc (*would_open)(const char *path,
	    enum store_found *ret_found, char *reason);

	/* (-) As store_set_aside(), from what follows the URL's scheme. */
	void (
	    *set_aside)(const char *path, store_set_aside_fn *each, void *arg);

	/* (-) As store_restore(); the url is what follows the scheme. */
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
	 * succeed; all else: only after reopen. STORE_AWAY: whether it was
	 * written is not known; reopen settles it, and gives back what it
	 * began.
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
	 * No read and no upkeep is under way. On failure the backend takes only
	 * reopen, read and close, and returns STORE_FULL if the cause is lack
	 * of space, STORE_BUSY if another program is in the way, STORE_AWAY if
	 * the database cannot be reached, else any other code.
	 */
	enum store_rc (*reopen)(void *be, char *reason);

	/*
	 * (-) After a reopen that came to STORE_OK or STORE_NOTADB: see what is
	 * damaged, and make it whole if no row is lost by that; then it is
	 * noted and *ret_made is true, else it stays as it was. STORE_OK: it is
	 * sound, after one more reopen. STORE_NOTADB: it cannot be made whole;
	 * nothing is written any more. All else: as reopen.
	 */
	enum store_rc (*repair)(void *be, bool *ret_made, char *reason);

	/*
	 * (-) After a commit or a probe that passed: is so little space left
	 * that from now on no event is to be taken, but all else is? Then each
	 * append ends as STORE_FULL, until it is asked again; reason says why.
	 */
	bool (*is_low)(void *be, char *reason);

	/*
	 * (-) Are the open files still those under their names? Takes little
	 * time. STORE_OK, or STORE_MOVED: commits may be lost until it is
	 * STORE_OK again.
	 */
	enum store_rc (*look)(void *be, char *reason);

	/*
	 * (-) What has to be done at least every tick_ms, whether there are
	 * commits or not, while the store is READY or NOSPACE. Adds to *news
	 * what others did. Returns as commit.
	 */
	unsigned tick_ms;
	enum store_rc (*tick)(void *be, const struct store_asked *asked,
	    struct store_news *news, char *reason);

	/* (-) As store_holds(); any thread. */
	bool (*holds)(const void *be, int64_t hold);

	/*
	 * (-) What has to be done between commits; short, since acks wait for
	 * it. `at' is the state of upkeep_long(); DONE is passed once after
	 * each run, and if that run failed, upkeep returns its failure. Sets
	 * *ret_long (false before the call) to have upkeep_long() run, in the
	 * states NONE and DONE only. Returns STORE_OK, or as commit.
	 */
	enum store_rc (*upkeep)(void *be, enum store_upkeep at, bool *ret_long,
	    char *reason);

	/*
	 * (-) The long part of it, in the reader thread. What it leaves for
	 * upkeep() is that thread's until upkeep() gets DONE.
	 */
	void (*upkeep_long)(void *be);

	/*
	 * Run one operation that reads; sets its rows, and its res to success
	 * or failure.
	 */
	void (*read)(void *be, struct store_op *op);

	/* Make a read that is under way fail soon. */
	void (*interrupt)(void *be);

	/* Whether the last user did not close it; as found by open. */
	bool (*was_unclean)(const void *be);

	/*
	 * Whether open left it to reopen to make it fit for writing: STORE_OK,
	 * it did not; STORE_AWAY, the database cannot be reached; or
	 * STORE_FAILED. Else reason says why.
	 */
	enum store_rc (*is_shut)(const void *be, char *reason);

	/* How its content comes from, or goes to, another backend. */
	const struct store_move_ops *move;

	/* Never fails. */
	void (*close)(void *be);
};

extern const struct store_ops store_sqlite_ops;
extern const struct store_ops store_postgres_ops; /* if HAVE_POSTGRES */

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
	enum store_moving moving;
};

/*
 * The backend that the URL names, and what follows its scheme; or NULL, with
 * the reason, which holds no password.
 */
const struct store_ops *store_backend(const char *url, const char **ret_path,
    char reason[STORE_REASON_MAX]);

/* As store_open(); setup NULL: the backend that the URL names. */
enum store_rc store_open_with(const struct store_options *opt,
    const struct store_setup *setup, struct store **ret_st,
    char reason[STORE_REASON_MAX]);

/*
 * Any thread, for a backend: a line for the operator, which the caller gets by
 * his note(). Those that find no room are dropped.
 */
void store_note(struct store *st, enum store_note_level level, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/*
 * The thread that noted them: hand the lines on at once, if that is within
 * store_open().
 */
void store_deliver_notes_of_open(struct store *st);

#endif /* STORE_STORE_OPS_H */
