/*
 * Purging: which rows go. They are deleted with secure_delete; what that
 * leaves in the files is scrub.c's. See store/DESIGN.md for what stays.
 */
#include "store/sqlite/headers.h"
#include "store/sqlite/sqlite.h"

/* Run a statement on one event. */
static int
purge_exec(struct db *db, enum db_sql which, int64_t event)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, which)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, event);
	return (db_run(db, st));
}

/* Customers' data of an event; its id and digest stay. */
static int
purge_body(struct db *db, int64_t event, int64_t now_ms)
{
	sqlite3_stmt *st;
	int rc;

	if ((rc = headers_purge_own(db, event)) != SQLITE_OK ||
	    (rc = purge_exec(db, SQL_PURGE_BODY, event)) != SQLITE_OK ||
	    (rc = purge_exec(db, SQL_PURGE_ANSWERS, event)) != SQLITE_OK ||
	    (rc = purge_exec(db, SQL_PURGE_REASONS, event)) != SQLITE_OK)
		return (rc);
	if ((st = db_stmt(db, SQL_PURGE_NOTE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, event);
	(void)sqlite3_bind_int64(st, 2, now_ms);
	return (db_run(db, st));
}

/* All that there is of an event; its body went before. */
static int
purge_event(struct db *db, int64_t event)
{
	static const enum db_sql steps[] = {
		SQL_PURGE_SERVED,
		SQL_PURGE_ATTEMPTS,
		SQL_PURGE_JOBS,
		SQL_PURGE_ORDERS,
		SQL_PURGE_EVENT,
	};
	int rc = SQLITE_OK;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if ((rc = purge_exec(db, steps[i], event)) != SQLITE_OK)
			break;
	return (rc);
}

/* The events that a look-up finds, at most limit, in op's memory. */
static int
purge_find(struct store_op *op, sqlite3_stmt *st, size_t limit,
    int64_t **ret_ids, size_t *ret_n)
{
	int64_t *ids = NULL;
	size_t n = 0, room = 0;
	int rc;

	(void)sqlite3_bind_int64(st, 2, (int64_t)limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		ids = arena_more(&op->res_mem, ids, n, &room, sizeof(*ids));
		if (ids == NULL) {
			rc = SQLITE_NOMEM;
			break;
		}
		ids[n++] = sqlite3_column_int64(st, 0);
	}
	(void)sqlite3_reset(st);
	*ret_ids = ids;
	*ret_n = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Purge what a look-up finds, as long as the limit allows more. */
static int
purge_found(struct db *db, struct store_op *op, enum db_sql which,
    sqlite3_stmt *st)
{
	size_t limit = op->in.purge.limit - (size_t)op->res.id;
	int64_t *ids;
	size_t n;
	int rc;

	rc = purge_find(op, st, limit, &ids, &n);
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = which == SQL_PURGE_FIND_IDS
			 ? purge_event(db, ids[i])
			 : purge_body(db, ids[i], op->in.purge.now_ms);
	if (rc == SQLITE_OK)
		op->res.id += (int64_t)n;
	return (rc);
}

void
purge_bind(sqlite3_stmt *st, const struct purge_age *age)
{
	(void)sqlite3_bind_int64(st, 1, age->before_ms);
	(void)sqlite3_bind_int64(st, 3, age->from_ms);
	(void)sqlite3_bind_int64(st, 4, age->came_before.ms);
}

static int
purge_older(struct db *db, struct store_op *op, enum db_sql which,
    const struct purge_age *age)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, which)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	purge_bind(st, age);
	return (purge_found(db, op, which, st));
}

static int
purge_order(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;

	if (op->in.purge.order_id == NULL)
		return (SQLITE_OK);
	if ((st = db_stmt(db, SQL_PURGE_FIND_ORDER)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.purge.order_id);
	db_bind_text(st, 3, op->in.purge.scope);
	return (purge_found(db, op, SQL_PURGE_FIND_ORDER, st));
}

static int64_t
later(int64_t a, int64_t b)
{
	return (a > b ? a : b);
}

/* What has the age of bodies, then what has that of ids. */
static int
purge_aged(struct db *db, struct store_op *op, const struct purge_age *bodies,
    const struct purge_age *ids)
{
	int64_t n = 0;
	int rc = SQLITE_OK;

	if (bodies->before_ms != 0)
		rc = purge_older(db, op, SQL_PURGE_FIND, bodies);
	if (rc == SQLITE_OK && ids->before_ms != 0)
		rc = purge_older(db, op, SQL_PURGE_FIND_IDS, ids);
	if (rc == SQLITE_OK && bodies->before_ms != 0)
		rc = rejections_purge(db, bodies,
		    op->in.purge.limit - (size_t)op->res.id, &n);
	op->res.id += n;
	op->res.rejections += n;
	if (rc == SQLITE_OK && bodies->before_ms != 0)
		rc = headers_purge(db, bodies, &op->purge.headers);
	return (rc);
}

/* What a clock that was ahead has dated after now: by its true age. */
static int
purge_misdated(struct db *db, struct store_op *op, struct purge_age *bodies,
    struct purge_age *ids)
{
	bodies->from_ms = ids->from_ms = op->in.purge.now_ms + 1;
	if (bodies->before_ms != 0)
		bodies->before_ms = INT64_MAX;
	if (ids->before_ms != 0)
		ids->before_ms = INT64_MAX;
	return (purge_aged(db, op, bodies, ids));
}

/*
 * The next rejections that may hold the order's data; once all were looked at,
 * the result is how many there were.
 */
static int
purge_rejections(struct db *db, struct store_op *op)
{
	bool more = false;
	int64_t n = 0;
	int rc;

	rc = rejections_purge_order(db, op->in.purge.order_id, &op->purge.after,
	    &n, &more);
	if (rc != SQLITE_OK)
		return (rc);
	op->purge.removed += n;
	op->purge.scanning = more;
	op->again = more;
	if (!more) {
		op->res.id = op->purge.removed;
		op->res.rejections = op->purge.removed;
	}
	return (SQLITE_OK);
}

int
purge_run(struct db *db, struct store_op *op)
{
	const struct store_purge *p = &op->in.purge;
	struct purge_age bodies = {
		.from_ms = INT64_MIN,
		.before_ms = later(p->bodies_before_ms, p->ids_before_ms),
		.came_before.ms =
		    later(p->bodies_came_before.ms, p->ids_came_before.ms),
	};
	struct purge_age ids = {
		.from_ms = INT64_MIN,
		.before_ms = p->ids_before_ms,
		.came_before = p->ids_came_before,
	};
	bool steady = bodies.came_before.ms != 0;
	int rc;

	if (op->purge.scanning)
		return (purge_rejections(db, op));
	if (op->again) /* nothing is left, but for the scrubbing */
		return (SQLITE_OK);
	if (!steady)
		bodies.came_before.ms = ids.came_before.ms = INT64_MAX;
	if ((rc = purge_order(db, op)) != SQLITE_OK ||
	    (rc = purge_aged(db, op, &bodies, &ids)) != SQLITE_OK)
		return (rc);
	if (steady)
		rc = purge_misdated(db, op, &bodies, &ids);
	if (rc == SQLITE_OK && op->res.id == 0 && p->order_id != NULL)
		rc = purge_rejections(db, op);
	return (rc);
}
