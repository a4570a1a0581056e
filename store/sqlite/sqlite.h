/*
 * sqlite.h -- private to store/sqlite/: the pieces of the backend.
 *
 * Functions of type int return a result code of SQLite's, SQLITE_OK when all
 * is well, unless they say otherwise.
 */
#ifndef STORE_SQLITE_SQLITE_H
#define STORE_SQLITE_SQLITE_H

#include <limits.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <sqlite3.h>

#include "store/sqlite/db.h"
#include "store/sqlite/disk.h"
#include "store/op.h"
#include "store/ring.h"
#include "store/store_ops.h"

/* The files of a store whose names are watched: watch.c. */
enum watch_part { WATCH_FILE, WATCH_LOG, WATCH_INDEX, WATCH_PARTS };
struct watched {
	bool known;
	dev_t dev;
	ino_t ino;
};

struct sqlite_store {
	struct store *st; /* for its notes; NULL in a restore */
	char *path;       /* without symbolic links */
	char *lock_path;
	enum store_mode mode;
	enum store_moving moving;
	int64_t now_ms;                  /* when it was opened */
	char receiver[128], version[32]; /* who opened it */
	struct store_sqlite_setup setup;
	struct disk disk; /* of all connections but a STORE_READ's */
	int lock_fd;      /* of lock_path */
	int file_fd; /* of path; open for as long as SQLite's are: lock.c */
	bool unclean;
	bool started; /* what ran before was looked after */
	struct watched watched[WATCH_PARTS]; /* the open files */
	atomic_bool moved;                   /* the last look found another */
	atomic_bool interrupted;             /* whatever reads is to end */
	int64_t reserve_bytes;               /* set aside */
	bool copy_soon;                      /* the disk is nearly full */
	bool reserve_due;      /* it is smaller than it should be */
	bool low;              /* reserve_is_low(); the writer's */
	unsigned looks;        /* see sqlite_look() */
	pthread_mutex_t mutex; /* reader.conn, for who interrupts it */
	bool scrub_all;        /* also what looks clean: see recover.c */
	int64_t scrub_page;    /* the next one to scrub, from 0 */
	bool scrubbed;         /* nothing was purged since */
	atomic_bool reading;   /* the reader has a snapshot */
	int log_warn_at;       /* pages: it is time to warn; 0: not set */
	bool log_warned;       /* it is too large, and that was noted */
	int checkpoint_at;     /* pages in the log at which one is due */
	struct db writer;      /* the writer thread's */
	struct db reader;      /* the reader thread's */
	struct db copier;      /* for checkpoint_upkeep_long() */
	int copier_rc;         /* what its last one came to */
	struct db_log copier_log;
};

/* -- schema.c: the tables of the file -- */

/*
 * Make the empty file at path a store without events. Nothing is synced: the
 * file counts when the caller has done so and given it its name.
 */
int schema_write(const struct sqlite_store *s, const char *path);

/*
 * Say in the file's header, within a transaction, what it is now: a store
 * (STORE_MOVING_NOT), or one that was moved away, or is being filled, and that
 * nothing but the next move opens.
 */
int schema_mark(struct db *db, enum store_moving what);

/* Was it moved away? */
int schema_is_moved(struct db *db, bool *ret_moved);

/* Whether the file that db has open is ours to use. */
enum store_rc schema_allows(struct sqlite_store *s, struct db *db,
    char *reason);

/*
 * See what the file is, and bring it to this version (STORE_SERVE). On
 * failure nothing in it has changed.
 */
enum store_rc schema_prepare(struct sqlite_store *s, char *reason);

/*
 * Take all steps from that version on, in one transaction, on any connection
 * that can write.
 */
int schema_steps(const struct sqlite_store *s, struct db *db, int64_t from);

/* See whether the file, opened again, is still the one it was. */
enum store_rc schema_check(struct sqlite_store *s, char *reason);

/* The same of the file at `of', opened by db, that is to become the store. */
enum store_rc schema_of_backup(const struct sqlite_store *s, struct db *db,
    const char *of, char *reason);

/* -- restore.c -- */

/* Struct store_ops restore; what->url is the path alone. */
enum store_rc restore_store(const struct store_restore *what,
    struct store_restored *ret, char *reason);

/* Was a restore cut short, so that nothing else may use the store? */
bool restore_is_pending(const char *path);

/* With the lock: end a restore that was cut short, and note it. */
enum store_rc restore_resume(struct sqlite_store *s, char *reason);
/*
 * Whether the file itself, without its log, is a store of this version: then
 * it may be written.
 */
bool schema_is_present(const struct sqlite_store *s);

/*
 * The same of any file, by its first bytes. STORE_OK: *ret_found says what it
 * is. Not while this process has the file open.
 */
enum store_rc schema_of_file(const struct sqlite_store *s,
    enum store_found *ret_found, char *reason);

/* -- would_open.c: as struct store_ops would_open -- */
enum store_rc would_open(const char *path, enum store_found *ret_found,
    char *reason);

/* -- kept.c: files beside the store that hold customers' data -- */

struct kept_purged {
	size_t removed;
	size_t left; /* files that may hold purged data */
};

/*
 * Remove the copies that are as old as the bodies to be purged, with an order
 * all of them; or what was set aside, if that is to be purged. Each is noted.
 */
void kept_purge(struct sqlite_store *s, const struct store_purge *purge,
    struct kept_purged *ret);

/* As struct store_ops set_aside. */
void kept_set_aside(const char *path, store_set_aside_fn *each, void *arg);

/* -- open.c: struct store_ops open and close -- */
enum store_rc backend_open(const struct store_place *place, void **ret_be,
    char *reason);

void backend_close(struct sqlite_store *s); /* accepts NULL */

/* -- connect.c -- */

/*
 * Open all connections, look at the schema, and the first time look after
 * what ran before. On failure some are open.
 */
enum store_rc connect_all(struct sqlite_store *s, char *reason);

/* Open the reader, which reads on while nothing can be written. */
enum store_rc connect_reader(struct sqlite_store *s, char *reason);

/* Close them all and leave the log as it is. */
void connect_leave(struct sqlite_store *s);

/* -- recover.c -- */

/*
 * Bring the files, which nobody has open, to what was acknowledged, on disk
 * and with an empty log. STORE_BUSY: somebody has them open; STORE_FULL.
 */
enum store_rc recover_run(struct sqlite_store *s, char *reason);

/* -- check.c -- */

/*
 * Run quick_check or integrity_check; the first thing that is wrong, or "". An
 * error of SQLite's may be what is wrong, too.
 */
#define CHECK_FOUND_MAX 128
int check_run(sqlite3 *conn, const char *check,
    char ret_found[CHECK_FOUND_MAX]);

/*
 * That the file is damaged outlasts a restart: a check is due then, as after an
 * unclean stop, until one finds it sound. To note that may fail.
 */
bool check_is_due(const struct sqlite_store *s);
void check_note_due(const struct sqlite_store *s, bool due);

/* -- repair.c -- */

/* As struct store_ops repair. */
enum store_rc repair_run(struct sqlite_store *s, bool *ret_made, char *reason);

/* -- repair_index.c -- */

/* An index, and its table. */
struct repair_index {
	char *name;
	char *table;
	char *sql; /* NULL: it belongs to a UNIQUE of the table */
};

/* Run SQL; the other one made by sqlite3_mprintf(), which it frees. */
int repair_exec(struct db *db, const char *sql);
int repair_exec_made(struct db *db, char *sql);

/*
 * Make an index anew, and give its tree to the old one's name. Reads nothing
 * of the old tree, and leaves its pages unused.
 */
int repair_swap(struct db *db, const struct repair_index *x);

/* -- place.c: paths, owners, reasons -- */

/* Say why the file cannot be opened or made. STORE_FULL or STORE_FAILED. */
enum store_rc place_errno(const char *path, int err, char *reason);

/* Make the name of a new file durable. Returns 0, or -1 with errno. */
int place_sync_folder(const char *path);

/* The folder that path is in, owned by the caller; NULL: no memory. */
char *place_folder(const char *path);

/*
 * The path without symbolic links, also of a file that is not there yet;
 * owned by the caller. NULL: no memory.
 */
char *place_real(const char *path);

/* As struct store_ops locate. */
int place_locate(const char *path, char ret_path[PATH_MAX]);

/*
 * Give a file to who owns the database at path (or, while there is none, its
 * folder): what root made must not keep the service out. Does nothing for
 * anybody but root.
 */
void place_own(const char *path, int fd);

/* "20260131-235959", UTC: for the names of files. */
#define PLACE_STAMP_MAX 32
void place_stamp(int64_t now_ms, char ret_stamp[PLACE_STAMP_MAX]);

/* Rename without overwriting, on any file system. 0, or -1 with errno. */
int place_rename(const char *from, const char *to);

/* -- lock.c -- */

/*
 * Take the lock of the name and, if there is a file, that of the file; a
 * server waits a short while for them. STORE_BUSY: they are held.
 */
enum store_rc lock_take(struct sqlite_store *s, char *reason);

/* The file is made: lock it. */
enum store_rc lock_made(struct sqlite_store *s, char *reason);

/* Somebody may have removed PATH.lock: make it again. */
void lock_renew(struct sqlite_store *s);

/* The file is no longer the store's; the lock of the name stays. */
void lock_leave_file(struct sqlite_store *s);

/* When SQLite has closed the file. */
void lock_release(struct sqlite_store *s);

/* -- watch.c: struct store_ops look -- */

/* What is open by now is what the names must lead to. */
void watch_begin(struct sqlite_store *s);

enum store_rc watch_look(struct sqlite_store *s, char *reason);

/* -- reserve.c: what a full disk still has for a purge -- */

struct statvfs;

/* With less space on the disk and free in the file no event is taken. */
int64_t reserve_floor(const struct statvfs *fs);

/*
 * Is there less? Notes it in s->low, which makes appends end as STORE_FULL,
 * and writes why to reason.
 */
bool reserve_is_low(struct sqlite_store *s, char *reason);

/* Make it, or make it larger, unless the disk is nearly full. */
void reserve_keep(struct sqlite_store *s);

/* After reserve_release(): set aside again what was not used. */
void reserve_refill(struct sqlite_store *s);

/* After a purge: leave half of the reserve for the log to use. */
void reserve_share(struct sqlite_store *s);

/* Is the disk so nearly full that the log is to be kept short? */
bool reserve_is_near(const struct sqlite_store *s);

/* Give its space back to the disk. False: there is none. */
bool reserve_release(struct sqlite_store *s);

/* -- log_fits.c -- */

/*
 * Can the log at log_path belong to the database that is open as file_fd?
 * False: for certain not. Nothing of it may be open by SQLite.
 */
bool log_fits(int file_fd, const char *log_path);

/* -- holder.c -- */

/* Who keeps the log from starting over, and what to do, in words. */
#define HOLDER_MAX 128
void holder_of_log(const struct sqlite_store *s, char ret_text[HOLDER_MAX]);

/* -- migrate.c: from an older version, with a copy kept aside -- */

/* The copy's name: the store's, this, and the version that is made of it. */
#define SCHEMA_COPY ".before-v"

/*
 * Bring the writer's file from one version to another: see that there is room
 * for it, copy it aside, take the steps. Notes how that goes. Whatever fails,
 * and wherever the power does, the file is of one version or of the other, and
 * complete. Fails as schema_prepare(); STORE_FULL when there is no room.
 */
enum store_rc migrate_run(struct sqlite_store *s, int64_t from, int64_t to,
    char *reason);

/* -- siblings.c: -wal, -shm, -journal -- */

/* Is there a log beside path with something in it? */
bool siblings_hold_data(const char *path);

/* Rename the siblings of path to those of to. Returns 0, or -1 with errno. */
int siblings_aside(const char *path, const char *to);

/*
 * Before a store is made where `what' says that none was: keep the log that
 * is there aside, and note it.
 */
enum store_rc siblings_orphans(struct sqlite_store *s, const char *what,
    char *reason);

/*
 * A log of another state of the database, or of another database, is kept
 * aside, and noted.
 */
enum store_rc siblings_foreign(struct sqlite_store *s, char *reason);

/* Delete a file that we made ourselves, with its siblings. */
void siblings_unlink(const char *path);

/* -- checkpoint.c: struct store_ops upkeep -- */
enum store_rc checkpoint_upkeep(struct sqlite_store *s, enum store_upkeep at,
    bool *ret_long, char *reason);
void checkpoint_upkeep_long(struct sqlite_store *s);

/* The disk is nearly full, or no longer: the log is kept short then. */
void checkpoint_soon(struct sqlite_store *s, bool soon);

/* How many pages in the log make a checkpoint due; needs the page size. */
int checkpoint_pages(const struct sqlite_store *s);

/* -- events.c -- */
int events_append(struct db *db, struct store_op *op);

/* What is read of an event. */
enum events_part {
	EVENTS_BRIEF,  /* of its orders the first STORE_BRIEF_MAX */
	EVENTS_ORDERS, /* all but the body */
	EVENTS_WHOLE   /* the body too, if it is there */
};

struct events_want {
	enum events_part part;
	int32_t place; /* of its orders that one, or STORE_WHOLE_EVENT: all */
};

/* Have the body of an event in it, if it is kept, and is not there yet. */
int events_load_body(struct db *db, struct store_event *ev);

/* Read an event and let op keep it. SQLITE_DONE: there is none. */
int events_load(struct db *db, struct store_op *op, int64_t id,
    const struct events_want *want, struct store_event **ret_ev);

/* -- lanes.c -- */

/* A job as its lanes need it. */
struct lanes_job {
	int64_t id;
	int64_t event;
	int64_t source; /* which event has its orders; see repeats.c */
	int32_t place;
	int64_t handler;
};

/* A job's row, as far as a move needs it. */
struct jobs_row {
	struct lanes_job lanes;
	enum job_state state;
	unsigned attempts;
	struct steady_time due;
	int64_t behind;
	bool ordered;
	int64_t guards;    /* 0: none */
	int64_t replay_of; /* 0: none */
	int64_t key_of;    /* see struct store_job */
};

/* Those next in line that have moved up, each once; see lanes_leave(). */
struct lanes_next {
	int64_t *jobs; /* in op's result memory */
	size_t n;
};

/*
 * Stand last in every lane of ev's that spec is for; in ret_behind of them
 * another job stands already.
 */
int lanes_enter(struct db *db, const struct store_event *ev,
    const struct store_job_spec *spec, int64_t job, int64_t *ret_behind);

/* Leave every lane, and let those behind move up: one lane less is before
   them. */
int lanes_leave(struct db *db, struct store_op *op, const struct lanes_job *job,
    struct lanes_next *ret_next);

/* -- repeats.c -- */

/* The event that op, which appends one, repeats; 0: none. */
int repeats_find(struct db *db, const struct store_op *op,
    int64_t *ret_repeat_of);

/*
 * The first job, of that handler and place and of an earlier event with the
 * same source, that is done or has not ended: job, of a repeat, has nothing to
 * do but what that one does. 0: there is none.
 */
int repeats_stands(struct db *db, const struct lanes_job *job, int64_t *ret_by);

/* -- jobs.c -- */

/* A job to be written; ev has its orders, event is its number. */
struct jobs_new {
	const struct store_event *ev;
	int64_t event;
	const struct store_job_spec *spec;
	int64_t guards;    /* 0: none */
	int64_t replay_of; /* 0: none */
};

/* A move of a job that is known to be legal. */
struct jobs_move {
	int64_t job;
	enum job_state to;
	struct steady_time due_at; /* of JOB_WAITING */
	int64_t at_ms;             /* of an end */
	const char *outcome;       /* NULL: stays */
	unsigned begun;            /* attempts that began with it */
};

/* Write a job and fill *job, but for its event. ret_runs: it may run now. */
int jobs_insert(struct db *db, const struct jobs_new *new,
    struct store_job *job, bool *ret_runs);

/* The jobs of the event that op has appended. */
int jobs_make(struct db *db, struct store_op *op);

/*
 * Read a row. SQLITE_ROW: found. SQLITE_DONE: there is none; op says so, and
 * there is nothing more to do.
 */
int jobs_load(struct db *db, struct store_op *op, int64_t id,
    struct jobs_row *row);

/* It runs from now on, and its attempts are one more. */
int jobs_start(struct db *db, int64_t job);
int jobs_move(struct db *db, const struct jobs_move *move);

/* After a move to an end: leave the lanes, list who may run now in op. */
int jobs_end(struct db *db, struct store_op *op, const struct jobs_row *row,
    const struct jobs_move *move);

/* Make one job, which was loaded, op's whole result; of a start with body. */
int jobs_report_one(struct db *db, struct store_op *op,
    const struct jobs_row *row);

/* Op ends with rc without having written anything. Returns SQLITE_OK. */
int jobs_refuse(struct store_op *op, enum store_rc rc, const char *reason);

int jobs_runnable(struct db *db, struct store_op *op);

/* -- attempts.c -- */
int attempts_start(struct db *db, struct store_op *op);
int attempts_finish(struct db *db, struct store_op *op);

/* At open: whatever runs has lost who ran it. */
int attempts_recover(struct db *db, int64_t now_ms);

/* -- acts.c -- */
int acts_run(struct db *db, struct store_op *op);
int acts_register(struct db *db, struct store_op *op);
int acts_pause(struct db *db, struct store_op *op);
int acts_unguard(struct db *db, struct store_op *op);
int acts_release(struct db *db, struct store_op *op);

/* -- purge.c -- */

/* Dated in [from_ms, before_ms), and come in before that by the steady clock.
 */
struct purge_age {
	int64_t from_ms;
	int64_t before_ms; /* 0: nothing */
	struct steady_time came_before;
};

/* Bind it to a statement that has OLD_EVENT, or the like for rejections. */
void purge_bind(sqlite3_stmt *st, const struct purge_age *age);

int purge_run(struct db *db, struct store_op *op);

/* -- clock.c -- */
int clock_note(struct db *db, struct store_op *op);
int clock_get(struct db *db, struct store_op *op);

/* -- counts.c -- */
int counts_write(struct db *db, struct store_op *op);
int counts_list(struct db *db, struct store_op *op);

/* -- scrub.c -- */

/*
 * After the commit of a purge that found nothing: remove what deleting left
 * behind, a slice at a time (op->again: there is more), then truncate the log.
 * Waits for nobody: op says STORE_BUSY, and the next one goes on from there.
 */
void scrub_run(struct sqlite_store *s, struct store_op *op);

/*
 * Copy the log to its end, and truncate it if asked. Waits for nobody:
 * SQLITE_BUSY: not all of it.
 */
int scrub_log(struct sqlite_store *s, int how);

/* Something was purged: begin anew. */
void scrub_forget(struct sqlite_store *s);

/* -- move.c: how its rows come from another store, or go there -- */
extern const struct store_move_ops sqlite_move_ops;

/* -- backup.c -- */
void backup_run(struct sqlite_store *s, struct store_op *op);

/* -- orders.c -- */
int orders_write(struct db *db, const struct store_write *w);

/* -- rejections.c -- */
int rejections_write(struct db *db, struct store_op *op);

/* The transaction of rejections_write() was committed: note what it cost. */
void rejections_after(struct db *db, struct store_op *op);

/* Remove up to limit of that age. */
int rejections_purge(struct db *db, const struct purge_age *age, size_t limit,
    int64_t *ret_n);

/*
 * Look at some of those with a number above *after, which goes up, and remove
 * what names the order, or may: a body that was cut, or is no JSON to look at,
 * could hold anything. ret_more: not all were looked at.
 */
int rejections_purge_order(struct db *db, const char *order_id, int64_t *after,
    int64_t *ret_n, bool *ret_more);

#endif /* STORE_SQLITE_SQLITE_H */
