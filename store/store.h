/*
 * store.h -- the durable event log, its jobs, and the tables projected from
 * it.
 *
 * Owns:    its database connections, prepared statements, the writer thread
 *          and the reader thread, the lock that keeps a second server out.
 * Touches: no HTTP, no JSON, no configuration, no log, no event loop.
 * Time:    always passed in; the store reads no clock. What is named _ms is of
 *          the wall clock; what is due, and how old it is, is of the steady
 *          one (store/base/times.h).
 * Threads: every function here is called from one thread, the caller's.
 *          Completions run in that thread too, from store_collect(), when
 *          store_fd() has become readable. Nothing else is shared.
 *
 * The store is the queue: which job may run is decided here, by lanes, so
 * that the rule survives a restart. A job may run when no earlier unfinished
 * job stands before it in any of its lanes (one lane per handler and order);
 * each commit reports the jobs that it made runnable.
 *
 * Every asynchronous call promises: done() runs exactly once, from
 * store_collect() or store_close(), and never before the call returns; or the
 * call returned -1, nothing was queued, and done() never runs.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/times.h"
#include "store/counts.h"
#include "store/job.h"
#include "store/record.h"

struct store; /* opaque; made by store_open() */

enum store_rc {
	STORE_OK = 0,
	STORE_EXISTS,   /* this event_id is stored already, in this scope */
	STORE_NOTFOUND, /* no such row, or no such store */
	STORE_REFUSED,  /* an illegal move, a broken constraint; nothing done */
	STORE_BUSY,     /* locked by another process, or no memory: try again */
	STORE_FULL,     /* no space: new work is refused, reads go on */
	STORE_MOVED,    /* its file was deleted, moved or replaced */
	STORE_NEWER,    /* written by a newer klikitd; not touched */
	STORE_NOTADB,   /* the file is no database, or is damaged */
	/*
	 * The job is not the caller's any more: it has ended, or another
	 * receiver has taken it over. Nothing was written: drop it.
	 */
	STORE_LOST,
	STORE_AWAY,  /* the database cannot be reached now; try again */
	STORE_FAILED /* anything else: I/O, permission; see the reason */
};

/* Room for a reason: one line for people, without a full stop. */
#define STORE_REASON_MAX 512

/* -- Opening and closing -- */

enum store_mode {
	STORE_SERVE,  /* create if missing, migrate, take the lock */
	STORE_CHANGE, /* must exist; takes the lock, migrates: a verb that
			 writes */
	STORE_READ    /* must exist; read-only; needs no lock; lists only */
};

/*
 * A line for the operator, about something that nobody asked the store to do.
 * Valid during the call, which comes from store_open() or store_collect().
 */
enum store_note_level { STORE_NOTE_INFO, STORE_NOTE_WARN };
typedef void store_note_fn(enum store_note_level level, const char *text,
    void *arg);

struct store_options {
	const char *url; /* "sqlite:PATH", PATH as it is to be opened; or what
			    libpq takes, "postgres://..." */
	enum store_mode mode;
	/*
	 * Of this receiver, for people: its name and its version (copied; NULL:
	 * none). Of a store that several share: for how long it counts as alive
	 * without a commit; then others take its jobs over. 0: STORE_LEASE_MS.
	 */
	const char *receiver;
	const char *version;
	unsigned lease_ms;
	size_t queue_max;   /* bytes of events waiting; one always fits */
	unsigned batch_max; /* operations per commit; 0: the default */
	int64_t now_ms;
	store_note_fn *note; /* kept, with its arg; may be NULL */
	void *note_arg;
};

#define STORE_LEASE_MS 15000

/* What sort of store it is: what differs for people, not for the program. */
struct store_traits {
	bool is_file;   /* it has a path: store_locate() */
	bool is_shared; /* several receivers at once; there is a lease */
	const char *backup_with;  /* the command that makes a backup of it, as
				     to be typed; NULL: klikitd backup */
	const char *purge_leaves; /* where customers' data may be found after a
				     purge, for a message; NULL: nowhere */
};

/*
 * Of the backend that the URL names; NULL if it names none that is built in.
 * Static.
 */
const struct store_traits *store_traits(const char *url);

/*
 * The URL as it may be shown in a log, a page or a message: without any
 * password. Of one that no backend understands no more than its scheme.
 */
#define STORE_NAME_MAX (PATH_MAX + 16)
void store_url_name(const char *url, char ret_name[STORE_NAME_MAX]);

/*
 * Is the URL well formed? Looks at nothing else. Returns 0, and -1 with the
 * reason, which holds no password. On 0 *ret_advice is NULL, or what would be
 * better (static): a password that stands in it.
 */
int store_check_url(const char *url, const char **ret_advice,
    char reason[STORE_REASON_MAX]);

/*
 * Set up the process, once: SQLite keeps no statistics of its
 * memory, which cost a lock that all threads share for each allocation. To be
 * called first of all, before anything of store/ or handlers/; without it all
 * works the same, but slower.
 */
void store_process_init(void);

/*
 * Open the store and start its threads. May block for the disk; a server
 * calls it before it listens. One that was not closed properly is open at once
 * (STORE_SERVE), but STORE_RECOVERING; one on a server that cannot be reached
 * is open, too, but STORE_UNREACHABLE. On success *ret_st is owned by the
 * caller. On failure writes to reason one line that names the store and says
 * what to do, leaves it as it was, and returns: STORE_NOTFOUND
 * (STORE_READ and there is none), STORE_BUSY (another server holds the lock),
 * STORE_NEWER, STORE_NOTADB, STORE_FULL, STORE_AWAY (not STORE_SERVE: it
 * cannot be reached) or STORE_FAILED (path, permission, login, url, memory).
 */
enum store_rc store_open(const struct store_options *opt, struct store **ret_st,
    char reason[STORE_REASON_MAX]);

/* What store_would_open() may find, where it finds nothing wrong. */
enum store_found {
	STORE_FOUND_NONE,  /* the first start makes it */
	STORE_FOUND_OLDER, /* the next start brings it up to date */
	STORE_FOUND
};

/*
 * Is there anything about that store for which a server would not start, now
 * and the next time? Opens no database and makes nothing; a server may run
 * beside it, but not in this process. STORE_OK, and *ret_found; or why not, as
 * store_open() says. What only time shows (who holds it, a damage) is not
 * looked at.
 */
enum store_rc store_would_open(const char *url, enum store_found *ret_found,
    char reason[STORE_REASON_MAX]);

/*
 * Call each() for each file beside the store that was set aside (`what' says
 * why, at_ms is its last change): a damaged or lost store, a log without its
 * database. It may hold acknowledged events that are nowhere else, and
 * customers' data that only a purge of such files removes.
 */
typedef void store_set_aside_fn(const char *path, const char *what,
    int64_t at_ms, void *arg);
void store_set_aside(const char *url, store_set_aside_fn *each, void *arg);

/*
 * The path of the store's file without symbolic links: beside it are its other
 * files. Returns 0; -1 if the store is no file, or the path too long.
 */
int store_locate(const char *url, char ret_path[PATH_MAX]);

/* Putting a backup in the place of a store. */
struct store_restore {
	const char *url;    /* of the store */
	const char *backup; /* the file: by store_backup(), or a copy */
	int64_t now_ms;
	/*
	 * Only see whether it could be done: the backup is opened read-only and
	 * all of it is checked; nothing is changed, and a server may run.
	 */
	bool only_check;
};
struct store_restored {
	char path[PATH_MAX]; /* the store's file; "" if it is not replaced */
	char kept[PATH_MAX]; /* where what was there is now, if replaced */
	bool replaced;
	int64_t events;    /* in the backup */
	int64_t newest_ms; /* when its newest came in; 0: it has none */
};

/*
 * Check the backup, put a copy of it in the place of the store, and keep what
 * was there, with its log, under another name. Blocks. At no moment is there
 * an empty store; should it be cut short, store_open() ends it. STORE_OK;
 * STORE_BUSY (a server holds the store), STORE_NOTFOUND (there is no such
 * backup), STORE_EXISTS (it is the store's own file), STORE_NOTADB (it is
 * damaged or another program's), STORE_NEWER, STORE_FULL or STORE_FAILED, with
 * a reason.
 */
enum store_rc store_restore(const struct store_restore *what,
    struct store_restored *ret, char reason[STORE_REASON_MAX]);

/*
 * Commit what is queued, run the completions still due, stop the threads and
 * free st. Reads not yet finished end with STORE_FAILED; whatever a done()
 * queues now is refused with -1. Blocks for the disk. Accepts NULL.
 */
void store_close(struct store *st);

/* Readable when store_collect() has something to do. Valid until close. */
int store_fd(const struct store *st);

/* Run the done() of everything finished, in the order of completion. */
void store_collect(struct store *st);

/*
 * Wait until everything queued so far is finished, collecting as it goes.
 * Blocks: for start-up, for verbs and tests; never for a serving loop.
 */
void store_wait(struct store *st);

/*
 * Have the writer be woken not by each call that submits something, but by
 * store_flush(): a caller that takes in many deliveries in one turn of its
 * loop then sees them in one commit. fn, which must not call the store, runs
 * from the first call after which something waits for store_flush(); the
 * caller sees to it that this comes soon, when the turn ends. The writer may
 * take before that what it finds. NULL, as after open: each call wakes it.
 */
void store_gather(struct store *st, void (*fn)(void *arg), void *arg);
void store_flush(struct store *st);

/*
 * How the writer is doing; changes are reported through store_fd() too. Only
 * a READY store acknowledges anything; what is queued else ends at once with
 * STORE_FAILED, STORE_FULL or STORE_AWAY.
 */
enum store_health {
	STORE_READY,
	STORE_NOSPACE,   /* the last commit found no space, or left so little
			    that no event is taken; all else is tried */
	STORE_FILE_LOST, /* the names lead to other files than are open */
	/*
	 * A write or a sync has failed, or the store was not closed the last
	 * time: what is on disk is made sure of. It goes on trying for ever.
	 */
	STORE_RECOVERING,
	/*
	 * The database cannot be reached. Nothing is wrong with what it holds;
	 * it is tried for ever, with pauses of up to a second.
	 */
	STORE_UNREACHABLE,
	/*
	 * The file is damaged, and not only in what can be made again from the
	 * rest. Nothing is written any more; what can be read is read. It lasts
	 * until the store is opened again.
	 */
	STORE_DAMAGED
};
enum store_health store_health(const struct store *st); /* as collected */

/* Why the health is not STORE_READY; valid until the next store_collect(). */
const char *store_reason(const struct store *st);

/* What the writer did since the store was opened. */
#define STORE_SIZES 10
struct store_stats {
	uint64_t commits[STORE_SIZES + 1]; /* of up to 1, 2, 4, ... 512
					      operations; of more */
	uint64_t operations;
	uint64_t purged;  /* events and rejections */
	uint64_t repairs; /* its indexes were made anew */
};
void store_stats(struct store *st, struct store_stats *ret_stats);

/*
 * Has the writer anything to do, and how often has it answered so far? If it
 * has, and that number does not grow, it hangs: in a sync, for one. Not while
 * the health is neither STORE_READY nor STORE_NOSPACE: a repair takes long.
 */
bool store_is_behind(struct store *st, uint64_t *ret_answers);

/*
 * Of a store that several receivers share: what others did. Comes from
 * store_collect().
 */
#define STORE_NEWS_MAX 256
struct store_news {
	bool jobs;     /* some that nobody has may run: ask store_runnable() */
	bool handlers; /* one was paused, or goes on: list them again */

	/* Only while it is watched: what changed. */
	bool lost; /* more than finds room here, or nobody knows what */
	size_t nevents, nchanged, nrejections;
	int64_t events[STORE_NEWS_MAX];
	int64_t changed[STORE_NEWS_MAX]; /* jobs */
	int64_t rejections[STORE_NEWS_MAX];
};
typedef void store_news_fn(const struct store_news *news, void *arg);

/* Have fn called with the news; NULL, as after open: nobody. */
void store_on_news(struct store *st, store_news_fn *fn, void *arg);

/* Whether somebody looks at what changes: then news tell it, within 2 s. */
void store_watch(struct store *st, bool watched);

/*
 * What this receiver counts, for the others: a JSON text, which is copied; at
 * most STORE_REPORT_MAX - 1 bytes of it, else it is left out. Others find it
 * by store_list_receivers().
 */
#define STORE_REPORT_MAX 4096
void store_report(struct store *st, const char *json);

/* Bytes of events that wait for their commit, of options.queue_max. */
size_t store_queued(const struct store *st);

/*
 * Whether the store was not closed properly the last time, so that a
 * store_check() is due.
 */
bool store_was_unclean(const struct store *st);

/* -- Writing -- */

struct store_result {
	enum store_rc rc;
	int64_t id;        /* of the row: event, handler */
	int64_t repeat_of; /* of an event that repeats another: which; else 0 */
	int64_t hold;      /* store_start(): for store_holds() */
	bool conflict;     /* with STORE_EXISTS: the bodies differ */
	bool begun;        /* store_finish(): the one runnable job is begun */
	const struct store_job *runnable; /* made runnable by this, or found */
	size_t nrunnable;
	struct steady_time next_due; /* earliest that comes due later, of those
					that were found or moved up; 0: none */
	int64_t rejections;          /* store_purge(): how many of id they are;
					store_reject(): how many rows came */
	uint64_t written; /* store_reject(): bytes, in the log and later in
			     the file */
	/* store_purge(): files beside the store */
	int64_t files;      /* that were removed at its end */
	int64_t files_left; /* that may hold what was to be purged */
	const char *reason; /* with a failure; never NULL then */
};
typedef void store_done_fn(const struct store_result *res, void *arg);

/*
 * Events appended from now on that repeat one of at most that age are stored
 * as its repeats; 0, as after open: none is. See store/sqlite/repeats.c for
 * what a repeat is.
 */
void store_set_repeat_window(struct store *st, int64_t window_ms);

/*
 * Queue ev and its jobs for the next commit. Refs ev until done() has run;
 * copies jobs. Outcomes: STORE_OK (on disk, ev->id and ev->repeat_of set,
 * runnable jobs listed; a repeat has no alarms but for what it may have to
 * do), STORE_EXISTS (id is the earlier event's, whose count of duplicates
 * goes up; of a flood of them only some are noted), or a failure, and then
 * nothing was written. Returns 0; -1 if the queue is full or memory is short.
 */
int store_append(struct store *st, struct store_event *ev,
    const struct store_job_spec *jobs, size_t njobs, store_done_fn *done,
    void *arg);

/*
 * Record what became of a job, its attempt and its rows in one commit. Copies
 * out. Outcomes: STORE_OK (runnable lists the jobs that stood behind this one
 * and may run now, or, if begun is set, has the one that runs from now on, as
 * store_start() gives it), STORE_NOTFOUND, STORE_REFUSED (no such end),
 * STORE_LOST (it has ended, or runs under another number, here or at another
 * receiver), or a failure; then nothing was written, and but for STORE_LOST the
 * caller still has the job. Never refused for a full queue: the caller bounds
 * what it has under way. Returns 0; -1 if memory is short.
 */
int store_finish(struct store *st, const struct store_outcome *out,
    store_done_fn *done, void *arg);

/* How store_start() begins a job. The first two: it ends done, `already'. */
enum store_start_how {
	/* All of its orders were served before (store_outcome.served). */
	STORE_SKIP_SERVED = 1,
	/*
	 * Its event is a repeat, and the handler's job of the original, or of
	 * an earlier repeat of it, is done or has not ended.
	 */
	STORE_SKIP_REPEATS = 2,
	/* Read what the header fields of its event said, too. */
	STORE_WITH_HEADERS = 4
};

/*
 * Note that an attempt of a job begins: it is RUNNING from now on, also after
 * a crash, and its attempts are one more. how: any of enum store_start_how. One
 * that is to be skipped ends done instead, and names the job that stands for it
 * (that served the first of its orders); but a replay always begins. Whether
 * it is due is not asked.
 * Outcomes: STORE_OK (runnable is the job itself, its event with the body, the
 * headers if asked for, and, of its orders, those that the job is for),
 * STORE_EXISTS (it ended as `already'; id is the job that it names, runnable
 * lists those that stood behind it), STORE_NOTFOUND, STORE_REFUSED (it stands
 * behind another), STORE_LOST (it is not ready or waiting, or is another
 * receiver's), or a failure, and then nothing was written. Returns 0; -1 if
 * memory is short.
 * Of job its id counts, and its event with its place, if that is there: what is
 * known of it is copied, and need not be read again.
 *
 * The attempts of jobs that receivers which are gone left RUNNING get the
 * outcome `unknown', and the jobs wait, due at once: nobody knows how far their
 * call came. Of a store with one receiver store_open() sees to that.
 */
int store_start(struct store *st, const struct store_job *job, unsigned how,
    int64_t now_ms, store_done_fn *done, void *arg);

/*
 * Is a job that was begun with that hold still this receiver's for sure? Of a
 * store that is not shared always. Of another not, once the lease is over, as
 * after a time in which this process was stopped: then another may have it. To
 * be asked before its call leaves; if not, the attempt ends without a call.
 */
bool store_holds(const struct store *st, int64_t hold);

/* What can be done to a job by hand. */
enum store_act {
	STORE_REPLAY,      /* a new job like this one, which must have ended */
	STORE_REPLAY_ANEW, /* the same, with an idempotency key of its own */
	STORE_RETRY,       /* a waiting one is due at once */
	STORE_DISCARD,     /* nothing more is to be done about it: see below */
	STORE_ACKNOWLEDGE  /* somebody has seen that this alarm rang */
};

/*
 * Do that to a job. why (copied, may be NULL) is kept with a discarded one: it
 * was ready, waiting or dead, is dead by its state, and is not counted or
 * listed as dead. That holds of a purged event's jobs, too. STORE_OK: id is the
 * new job of a replay; runnable lists what may run by it. STORE_NOTFOUND,
 * STORE_REFUSED (its state does not allow it, it was replayed before and that
 * job has not ended, the event's body was purged, or another job of the event
 * carries a newer record of the order), or a failure. Replays form a chain:
 * whichever of its jobs is named, the new one repeats the last, whose key it
 * has unless it gets a new one. Nor is an alarm replayed.
 *
 * Of an alarm that rang, why says who has seen it. It is not tried again. It is
 * STORE_REFUSED of any other job, and the second time. Returns 0; -1 if memory
 * is short.
 */
int store_act(struct store *st, enum store_act act, int64_t job,
    const char *why, int64_t now_ms, store_done_fn *done, void *arg);

/*
 * Pause the handler of that name, or let it go on (by NULL). by and why are
 * copied. STORE_OK: id is its number; STORE_NOTFOUND. Returns 0; -1 if memory
 * is short.
 */
int store_pause(struct store *st, const char *handler, const char *by,
    const char *why, int64_t now_ms, store_done_fn *done, void *arg);

/*
 * That handler has no deadline any more: the alarms of its jobs end, cancelled,
 * but for one under way. STORE_OK: id is how many did. Returns 0; -1 if memory
 * is short.
 */
int store_unguard(struct store *st, int64_t handler, int64_t now_ms,
    store_done_fn *done, void *arg);

/*
 * Jobs of that handler which may run are not to be only this receiver's any
 * more, up to STORE_RELEASE_MAX of them: another that has more use for them may
 * find them by store_runnable(). Those that are begun stay. STORE_OK: id is how
 * many; of a store that is not shared 0. Returns 0; -1 if memory is short.
 */
#define STORE_RELEASE_MAX 1000
int store_release(struct store *st, int64_t handler, store_done_fn *done,
    void *arg);

/* What a purge is to remove; see store/DESIGN.md for what stays. */
struct store_purge {
	int64_t
	    bodies_before_ms;  /* bodies of events received before; 0: none */
	int64_t ids_before_ms; /* whole events received before; 0: none */
	const char *order_id;  /* bodies of all events of this order; or NULL */
	const char *scope;     /* of that order; NULL: whatever its scope */
	bool set_aside;        /* only the files of store_set_aside() */
	/*
	 * By age only what came before then, by the steady clock, too; and
	 * what did, though the wall clock dates it later than now_ms. 0: the
	 * steady clock is not asked.
	 */
	struct steady_time bodies_came_before;
	struct steady_time ids_came_before;
	int64_t now_ms;
	size_t limit; /* events per transaction */
};

/*
 * Remove one batch of customers' data, in a transaction of its own that makes
 * no ack wait: bodies, answers of attempts, and rejections of that age. Events
 * with unfinished jobs are left alone. Copies purge. STORE_OK: id is how many
 * events and rejections were purged. 0: nothing is left to do, and the files
 * were scrubbed and the log truncated as well, so that no trace remains in
 * them, and files beside it removed; STORE_BUSY if a reader stood in the way of
 * that: call again later. Of a shared store traits.purge_leaves says what keeps
 * traces; by age, what another receiver has in use is left for a later call,
 * and of an order it is STORE_BUSY. Returns 0; -1 if memory is short.
 */
int store_purge(struct store *st, const struct store_purge *purge,
    store_done_fn *done, void *arg);

/*
 * Find the jobs of a handler that may run at `now', after all that was queued
 * before is committed: up to limit that are ready, oldest first, and of those
 * whose wait is over, the first to end first, up to limit alarms and up to
 * limit that were tried before, lest many of one kind hide the others. Jobs the
 * caller holds already are among them. next_due is when
 * the earliest waiting job that is not yet due comes due. Returns 0; -1 if
 * memory is short.
 */
int store_runnable(struct store *st, int64_t handler, size_t limit,
    struct steady_time now, store_done_fn *done, void *arg);

/*
 * Make sure the handler of that name has a row, and note that it was seen at
 * now_ms. Copies name. STORE_OK: id is its number. Returns 0; -1 if memory is
 * short.
 */
int store_register(struct store *st, const char *name, int64_t now_ms,
    store_done_fn *done, void *arg);

/*
 * What the clocks said, all at one moment. A run of the machine has a name,
 * and a time since its start that goes on in suspend.
 */
#define STORE_BOOT_MAX 40
struct store_clock {
	struct steady_time steady; /* 0: it was never noted */
	struct wall_time wall;
	struct wall_time believed;  /* what it should be */
	struct steady_time in_step; /* wall has gone on evenly since then */
	int64_t boot_ms;
	char boot[STORE_BOOT_MAX]; /* "": not known */
	/*
	 * Only from store_get_clock(): steady is the database's own clock, now,
	 * which all receivers follow; the rest was never noted.
	 */
	bool shared;

	/* Only from store_get_clock(): the newest event's; 0: there is none. */
	struct steady_time newest_came;
};

/* Keep these readings instead of earlier ones. 0; -1 if memory is short. */
int store_note_clock(struct store *st, const struct store_clock *clock,
    store_done_fn *done, void *arg);

/*
 * Add n rejections to the capped ring, in a transaction of their own that
 * makes no ack wait. Copies rej. done may be NULL. One whose cause and digest
 * are those of a row is counted there, and is no row of its own. STORE_OK: id
 * is the number of the last row that came (0: none did), and those before it
 * have the numbers before it. Returns 0; -1 if memory is short.
 */
int store_reject(struct store *st, const struct store_rejection *rej, size_t n,
    store_done_fn *done, void *arg);

/*
 * Add n rows of what was counted (store/counts.h) by the minute, to the rows
 * of their minutes and hours, in a transaction of their own that makes no ack
 * wait; once an hour those that are too old at now_ms go with it. Copies
 * counts. Returns 0; -1 if memory is short.
 */
int store_add_counts(struct store *st, const struct store_count *counts,
    size_t n, int64_t now_ms, store_done_fn *done, void *arg);

#endif /* STORE_STORE_H */
