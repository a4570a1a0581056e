/*
 * The table of functions, and the transaction around a batch.
 *
 * A batch runs without savepoints, since almost always all of it succeeds. If
 * an operation meets a constraint, the batch is rolled back and run again
 * with a savepoint around each, so that it fails alone.
 */
#include <stdio.h>
#include <string.h>

#include "store/sqlite/lists.h"
#include "store/sqlite/headers.h"
#include "store/sqlite/sqlite.h"

#define LOOKS_RESERVE 20 /* so many looks until the reserve is tried again */

/* -- What differs by kind -- */

/* All rows of a purge are deleted: now overwrite their bytes. */
static void
backend_purged(struct sqlite_store *s, struct store_op *op)
{
	struct kept_purged kept;

	if (!op->again) {
		kept_purge(s, &op->in.purge, &kept);
		op->res.files = (int64_t)kept.removed;
		op->res.files_left = (int64_t)kept.left;
	}
	scrub_run(s, op);
}

static void
after_purge(struct sqlite_store *s, struct store_op *op)
{
	if (op->res.id != 0 || op->purge.removed != 0 || op->purge.headers)
		scrub_forget(s);
	op->purge.headers = false;
	if (op->res.id == 0 && op->purge.removed == 0 && !op->purge.scanning &&
	    op->res.rc == STORE_OK)
		backend_purged(s, op);
}

static void
after_reject(struct sqlite_store *s, struct store_op *op)
{
	rejections_after(&s->writer, op);
}

static void
read_check(struct sqlite_store *s, struct store_op *op)
{
	char found[CHECK_FOUND_MAX], reason[STORE_REASON_MAX];
	struct db *db = &s->reader;
	int rc = check_run(db->conn, "quick_check", found);

	if (rc != SQLITE_OK) {
		enum store_rc what = db_reason(db, s, rc, reason);

		store_op_fail(op, what == STORE_NOTADB ? what : STORE_FAILED,
		    reason);
	} else if (found[0] != '\0') {
		bool unread = db_read_failed(db);

		(void)snprintf(reason, sizeof(reason), "%s: %s%s", s->path,
		    unread ? DB_UNREAD ": " : "", found);
		store_op_fail(op, unread ? STORE_FAILED : STORE_NOTADB, reason);
	} else if (s->mode != STORE_READ) {
		check_note_due(s, false);
	}
}

/* Whoever serves, alone. */
static void
read_receivers(struct sqlite_store *s, struct store_op *op)
{
	struct store_receiver_info *row;

	if (s->mode != STORE_SERVE)
		return;
	if ((row = arena_alloc(&op->res_mem, sizeof(*row))) == NULL) {
		store_op_fail(op, STORE_FAILED, "out of memory");
		return;
	}
	*row = (struct store_receiver_info){
		.number = 1,
		.name = s->receiver,
		.version = s->version,
		.started_at_ms = s->now_ms,
		.alive = true,
		.own = true,
	};
	op->receivers = row;
	op->nrows = 1;
}

/*
 * run: within a transaction of others' making. after: what it asks for beside
 * its rows, once its batch is committed. read: without a transaction.
 */
static const struct {
	int (*run)(struct db *db, struct store_op *op);
	void (*after)(struct sqlite_store *s, struct store_op *op);
	void (*read)(struct sqlite_store *s, struct store_op *op);
} kinds[] = {
	[STORE_OP_APPEND] = { .run = events_append },
	[STORE_OP_FINISH] = { .run = attempts_finish },
	[STORE_OP_START] = { .run = attempts_start },
	[STORE_OP_ACT] = { .run = acts_run },
	[STORE_OP_PAUSE] = { .run = acts_pause },
	[STORE_OP_UNGUARD] = { .run = acts_unguard },
	[STORE_OP_RELEASE] = { .run = acts_release },
	[STORE_OP_RUNNABLE] = { .run = jobs_runnable },
	[STORE_OP_REGISTER] = { .run = acts_register },
	[STORE_OP_CLOCK_NOTE] = { .run = clock_note },
	[STORE_OP_COUNT] = { .run = counts_write },
	[STORE_OP_REJECT] = { .run = rejections_write, .after = after_reject },
	[STORE_OP_PURGE] = { .run = purge_run, .after = after_purge },
	[STORE_OP_LIST_EVENTS] = { .run = lists_events },
	[STORE_OP_GET_EVENT] = { .run = lists_event },
	[STORE_OP_LAST_EVENT] = { .run = lists_last_event },
	[STORE_OP_LIST_ORDERS] = { .run = lists_orders },
	[STORE_OP_GET_ORDER] = { .run = lists_order },
	[STORE_OP_BOARD] = { .run = lists_board },
	[STORE_OP_LIST_JOBS] = { .run = lists_jobs },
	[STORE_OP_LIST_ATTEMPTS] = { .run = lists_attempts },
	[STORE_OP_LIST_EVENT_ATTEMPTS] = { .run = lists_event_attempts },
	[STORE_OP_LIST_HANDLERS] = { .run = lists_handlers },
	[STORE_OP_LIST_RECEIVERS] = { .read = read_receivers },
	[STORE_OP_MEASURE] = { .run = measure_run },
	[STORE_OP_CLOCK_GET] = { .run = clock_get },
	[STORE_OP_LIST_REJECTIONS] = { .run = lists_rejections },
	[STORE_OP_GROUP_REJECTIONS] = { .run = lists_rejection_groups },
	[STORE_OP_GET_REJECTION] = { .run = lists_rejection },
	[STORE_OP_LIST_COUNTS] = { .run = counts_list },
	[STORE_OP_GET_ARRIVAL] = { .run = headers_arrival },
	[STORE_OP_BACKUP] = { .read = backup_run },
	[STORE_OP_CHECK] = { .read = read_check },
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == STORE_NOPS,
    "every kind of operation has a row");

/* -- Commits -- */

/* Run op; if it is refused it is undone alone. */
static int
backend_run_alone(struct sqlite_store *s, struct store_op *op)
{
	struct db *db = &s->writer;
	char reason[STORE_REASON_MAX];
	int rc, undo;

	if ((rc = db_exec(db, SQL_SAVEPOINT)) != SQLITE_OK)
		return (rc);
	rc = kinds[op->kind].run(db, op);
	if (db_rc(db, rc) == STORE_REFUSED) {
		(void)db_reason(db, s, rc, reason);
		headers_forget(db);
		if ((undo = db_exec(db, SQL_ROLLBACK_TO)) != SQLITE_OK)
			return (undo);
		store_op_fail(op, STORE_REFUSED, reason);
		rc = SQLITE_OK;
	}
	if (rc == SQLITE_OK)
		rc = db_exec(db, SQL_RELEASE);
	return (rc);
}

/* Run one of a batch; with little space left no event is taken. */
static int
backend_run_one(struct sqlite_store *s, struct store_op *op, bool alone)
{
	char reason[STORE_REASON_MAX];

	if (op->kind == STORE_OP_APPEND && s->low) {
		if (reserve_is_low(s, reason)) {
			store_op_fail(op, STORE_FULL, reason);
			return (SQLITE_OK);
		}
	}
	return (alone ? backend_run_alone(s, op)
		      : kinds[op->kind].run(&s->writer, op));
}

static int
backend_batch(struct sqlite_store *s, struct store_op *const *ops, size_t n,
    bool alone)
{
	struct db *db = &s->writer;
	int rc;

	if ((rc = db_exec(db, SQL_BEGIN)) != SQLITE_OK)
		return (rc);
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = backend_run_one(s, ops[i], alone);
	if (rc == SQLITE_OK)
		rc = db_exec(db, SQL_COMMIT);
	return (rc);
}

/*
 * Say why a transaction failed and leave it. Says STORE_FAILED if it cannot
 * be left: then the connection is of no use. Without memory nothing was
 * written, or no more than a log has behind its last commit: it is tried again.
 */
static enum store_rc
backend_abort(struct sqlite_store *s, int rc, char *reason)
{
	struct db *db = &s->writer;
	enum store_rc what = db_reason(db, s, rc, reason);

	headers_forget(db);
	if (db->conn != NULL && sqlite3_get_autocommit(db->conn) == 0)
		(void)db_exec(db, SQL_ROLLBACK);
	if (db->conn == NULL || sqlite3_get_autocommit(db->conn) == 0 ||
	    atomic_load(&s->disk.failed))
		return (STORE_FAILED);
	if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM)
		return (STORE_BUSY);
	return (what);
}

/* What failed, be it in another thread: nothing counts until it is healed. */
static enum store_rc
backend_failed(const struct sqlite_store *s, char *reason)
{
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s: a write or a sync of it has failed", s->path);
	return (STORE_FAILED);
}

/* What an operation of a committed batch asks for beside its rows. */
static void
backend_after(struct sqlite_store *s, struct store_op *const *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (kinds[ops[i]->kind].after != NULL)
			kinds[ops[i]->kind].after(s, ops[i]);
	}
}

static enum store_rc
backend_commit(struct sqlite_store *s, struct store_op *const *ops, size_t n,
    char *reason)
{
	enum store_rc what;
	int rc;

	if (atomic_load(&s->disk.failed))
		return (backend_failed(s, reason));
	if ((rc = backend_batch(s, ops, n, false)) == SQLITE_OK) {
		backend_after(s, ops, n);
		return (STORE_OK);
	}
	what = backend_abort(s, rc, reason);
	if (what != STORE_REFUSED)
		return (what);
	for (size_t i = 0; i < n; i++)
		store_op_reset(ops[i]);
	if ((rc = backend_batch(s, ops, n, true)) == SQLITE_OK) {
		backend_after(s, ops, n);
		return (STORE_OK);
	}
	what = backend_abort(s, rc, reason);
	return (what == STORE_REFUSED ? STORE_FAILED : what);
}

/*
 * Did it fail for lack of space, and is it what the reserve is for: a purge,
 * or what a start writes of its handlers?
 */
static bool
backend_lacks_space(enum store_rc what, struct store_op *const *ops, size_t n)
{
	if (n != 1 || (ops[0]->kind != STORE_OP_PURGE &&
			  ops[0]->kind != STORE_OP_REGISTER))
		return (false);
	return (what == STORE_FULL ||
		(what == STORE_OK && ops[0]->res.rc == STORE_FULL));
}

/*
 * On a full disk the log cannot grow, but once all of it was copied it can be
 * written over.
 */
static bool
backend_starts_log_over(struct sqlite_store *s)
{
	struct db_log log;

	return (db_checkpoint(&s->writer, &log) == SQLITE_OK && log.left == 0 &&
		log.pages > 0);
}

/* Is a purge at its end, with all that it can free? */
static bool
backend_has_purged(const struct store_op *op)
{
	return (op->kind == STORE_OP_PURGE && op->res.rc == STORE_OK &&
		op->res.id == 0 && !op->again);
}

/*
 * With what the reserve gave back: as much of the operation as finds room. The
 * log can be written over where it is when all of it was copied.
 */
static enum store_rc
backend_commit_less(struct sqlite_store *s, struct store_op *op, char *reason)
{
	enum store_rc what;
	struct db_log log;

	for (;;) {
		(void)db_checkpoint(&s->writer, &log);
		store_op_reset(op);
		what = backend_commit(s, &op, 1, reason);
		if (!backend_lacks_space(what, &op, 1) ||
		    op->kind != STORE_OP_PURGE || op->in.purge.limit <= 1)
			return (what);
		op->in.purge.limit = (op->in.purge.limit + 3) / 4;
	}
}

static enum store_rc
sqlite_commit(void *be, struct store_op *const *ops, size_t n, char *reason)
{
	struct sqlite_store *s = be;
	enum store_rc what = backend_commit(s, ops, n, reason);

	if (what == STORE_FULL && backend_starts_log_over(s)) {
		for (size_t i = 0; i < n; i++)
			store_op_reset(ops[i]);
		what = backend_commit(s, ops, n, reason);
	}
	if (!backend_lacks_space(what, ops, n)) {
		if (what == STORE_OK && n == 1 && backend_has_purged(ops[0]))
			reserve_share(s);
		return (what);
	}
	(void)reserve_release(s);
	what = backend_commit_less(s, ops[0], reason);
	/* What the log has grown by is given back, if nobody reads it. */
	(void)scrub_log(s, SQLITE_CHECKPOINT_TRUNCATE);
	if (what == STORE_OK && backend_has_purged(ops[0]))
		reserve_share(s);
	else
		reserve_refill(s);
	return (what);
}

static enum store_rc
backend_probe(struct sqlite_store *s, char *reason)
{
	int rc;

	if (atomic_load(&s->disk.failed))
		return (backend_failed(s, reason));
	if ((rc = db_exec(&s->writer, SQL_BEGIN)) == SQLITE_OK &&
	    (rc = db_exec(&s->writer, SQL_PROBE)) == SQLITE_OK &&
	    (rc = db_exec(&s->writer, SQL_COMMIT)) == SQLITE_OK)
		return (STORE_OK);
	return (backend_abort(s, rc, reason));
}

static enum store_rc
sqlite_probe(void *be, char *reason)
{
	struct sqlite_store *s = be;
	enum store_rc what = backend_probe(s, reason);

	if (what == STORE_FULL && backend_starts_log_over(s))
		what = backend_probe(s, reason);
	return (what);
}

static enum store_rc
backend_recover(struct sqlite_store *s, char *reason)
{
	enum store_rc what = recover_run(s, reason);

	return (what == STORE_OK ? connect_all(s, reason) : what);
}

static enum store_rc
sqlite_reopen(void *be, char *reason)
{
	struct sqlite_store *s = be;
	char unread[STORE_REASON_MAX];
	bool released = false;
	enum store_rc what;

	/* What is open has data that is nowhere else: keep it so. */
	if ((what = watch_look(s, reason)) != STORE_OK)
		return (what);
	connect_leave(s);
	atomic_store(&s->interrupted, false);
	if ((what = backend_recover(s, reason)) == STORE_FULL &&
	    (released = reserve_release(s)))
		what = backend_recover(s, reason);
	if (what == STORE_OK) {
		if (released)
			reserve_refill(s);
		else if (s->mode == STORE_SERVE)
			reserve_keep(s);
		checkpoint_soon(s, reserve_is_near(s));
		return (STORE_OK);
	}
	(void)connect_reader(s, unread);
	return (what);
}

static void
backend_read(struct sqlite_store *s, struct store_op *op)
{
	char reason[STORE_REASON_MAX];
	enum store_rc what;
	int rc;

	if (s->reader.conn == NULL) {
		(void)snprintf(reason, sizeof(reason), "%s: cannot be read now",
		    s->path);
		store_op_fail(op, STORE_FAILED, reason);
		return;
	}
	if (kinds[op->kind].read != NULL) {
		kinds[op->kind].read(s, op);
		return;
	}
	rc = db_exec(&s->reader, SQL_BEGIN_READ);
	if (rc == SQLITE_OK)
		rc = kinds[op->kind].run(&s->reader, op);
	if (rc != SQLITE_OK) {
		what = db_reason(&s->reader, s, rc, reason);
		store_op_fail(op, what, reason);
	}
	/* Ends the snapshot; there is nothing to undo. */
	if (sqlite3_get_autocommit(s->reader.conn) == 0)
		(void)db_exec(&s->reader, SQL_ROLLBACK);
}

static void
sqlite_read(void *be, struct store_op *op)
{
	struct sqlite_store *s = be;

	atomic_store(&s->reading, true);
	backend_read(s, op);
	atomic_store(&s->reading, false);
}

static enum store_rc
sqlite_repair(void *be, bool *ret_made, char *reason)
{
	return (repair_run(be, ret_made, reason));
}

static enum store_rc
sqlite_look(void *be, char *reason)
{
	struct sqlite_store *s = be;
	enum store_rc what = watch_look(s, reason);

	if (what == STORE_OK && s->reserve_due &&
	    ++s->looks % LOOKS_RESERVE == 0)
		reserve_keep(s);
	if (what == STORE_OK)
		checkpoint_soon(s, reserve_is_near(s));
	return (what);
}

static bool
sqlite_is_low(void *be, char *reason)
{
	return (reserve_is_low(be, reason));
}

static enum store_rc
sqlite_upkeep(void *be, enum store_upkeep at, bool *ret_long, char *reason)
{
	struct sqlite_store *s = be;
	enum store_rc what = checkpoint_upkeep(s, at, ret_long, reason);

	if (what == STORE_OK && atomic_load(&s->disk.failed))
		what = backend_failed(s, reason);
	return (what);
}

static void
sqlite_upkeep_long(void *be)
{
	checkpoint_upkeep_long(be);
}

static void
sqlite_interrupt(void *be)
{
	struct sqlite_store *s = be;

	atomic_store(&s->interrupted, true);
	(void)pthread_mutex_lock(&s->mutex);
	if (s->reader.conn != NULL)
		sqlite3_interrupt(s->reader.conn);
	(void)pthread_mutex_unlock(&s->mutex);
}

static bool
sqlite_was_unclean(const void *be)
{
	const struct sqlite_store *s = be;

	return (s->unclean);
}

static enum store_rc
sqlite_is_shut(const void *be, char *reason)
{
	const struct sqlite_store *s = be;

	if (s->mode == STORE_READ || s->writer.conn != NULL)
		return (STORE_OK);
	(void)snprintf(reason, STORE_REASON_MAX,
	    "it was not closed properly; its log is being copied");
	return (STORE_FAILED);
}

static void
sqlite_close(void *be)
{
	backend_close(be);
}

static void
sqlite_process_init(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

const struct store_ops store_sqlite_ops = {
	.traits = { .is_file = true },
	.process_init = sqlite_process_init,
	.locate = place_locate,
	.would_open = would_open,
	.set_aside = kept_set_aside,
	.restore = restore_store,
	.open = backend_open,
	.commit = sqlite_commit,
	.probe = sqlite_probe,
	.reopen = sqlite_reopen,
	.repair = sqlite_repair,
	.is_low = sqlite_is_low,
	.look = sqlite_look,
	.upkeep = sqlite_upkeep,
	.upkeep_long = sqlite_upkeep_long,
	.read = sqlite_read,
	.interrupt = sqlite_interrupt,
	.was_unclean = sqlite_was_unclean,
	.is_shut = sqlite_is_shut,
	.move = &sqlite_move_ops,
	.close = sqlite_close,
};
