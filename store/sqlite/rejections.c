/*
 * The ring of rejections, one for each class. What is kept of bodies is counted
 * in the table store, so that nobody has to add it up; the oldest of a class
 * leave in the same transaction in which the newest come.
 */
#include <string.h>

#include "store/sqlite/sqlite.h"

static int
rejections_count(struct db *db, int64_t bytes)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_REJECTED_BYTES)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, bytes);
	return (db_run(db, st));
}

static int
rejections_insert(struct db *db, const struct store_rejection *r)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_REJECTION_INSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, r->at_ms);
	db_bind_text(st, 2, r->peer);
	db_bind_text(st, 3, r->cause);
	db_bind_text(st, 4, r->diagnosis);
	db_bind_text(st, 5, r->headers);
	(void)sqlite3_bind_int64(st, 6, (int64_t)r->size);
	if (r->body != NULL)
		(void)sqlite3_bind_blob64(st, 7, r->body, r->body_len,
		    SQLITE_STATIC);
	db_bind_text(st, 8, r->code);
	if (r->came_at.ms != 0)
		(void)sqlite3_bind_int64(st, 9, r->came_at.ms);
	(void)sqlite3_bind_int64(st, 10, r->class);
	if (r->digest != NULL)
		(void)sqlite3_bind_blob(st, 11, r->digest, ORDER_DIGEST_LEN,
		    SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, 12, (int64_t)r->repeats);
	(void)sqlite3_bind_int64(st, 13, (int64_t)r->not_kept);
	db_bind_text(st, 14, r->endpoint);
	return (db_run(db, st));
}

/* Count it at the row of the same body and cause, if there is one. */
static int
rejections_again(struct db *db, const struct store_rejection *r,
    bool *ret_again)
{
	sqlite3_stmt *st;
	int rc;

	*ret_again = false;
	if (r->digest == NULL)
		return (SQLITE_OK);
	if ((st = db_stmt(db, SQL_REJECTION_AGAIN)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_blob(st, 1, r->digest, ORDER_DIGEST_LEN,
	    SQLITE_STATIC);
	db_bind_text(st, 2, r->cause);
	(void)sqlite3_bind_int64(st, 3, (int64_t)r->repeats);
	(void)sqlite3_bind_int64(st, 4, r->at_ms);
	(void)sqlite3_bind_int64(st, 5, (int64_t)r->not_kept);
	if ((rc = db_run(db, st)) == SQLITE_OK)
		*ret_again = sqlite3_changes(db->conn) > 0;
	return (rc);
}

/* Delete one whose body is so long. */
static int
rejections_delete(struct db *db, int64_t id, int64_t len)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_REJECTION_DELETE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, id);
	if ((rc = db_run(db, st)) != SQLITE_OK)
		return (rc);
	return (rejections_count(db, -len));
}

/* How many rows each class may have. */
static const int64_t rows_max[STORE_REJECT_NCLASSES] = {
	[STORE_REJECT_STRANGER] = REJECTIONS_STRANGER_MAX,
	[STORE_REJECT_KNOWN] = REJECTIONS_KNOWN_MAX,
	[STORE_REJECT_AUTHENTIC] = REJECTIONS_AUTHENTIC_MAX,
};

static int
rejections_rows(struct db *db, int class, int64_t *ret_n)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_REJECTION_COUNT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int(st, 1, class);
	rc = sqlite3_step(st);
	*ret_n = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW ? SQLITE_OK : rc);
}

/* With n rows in the class: delete its oldest if it is over a limit. */
static int
rejections_trim(struct db *db, int class, int64_t n, bool *ret_more)
{
	int64_t id, len, total;
	sqlite3_stmt *st;
	int rc;

	*ret_more = false;
	if ((st = db_stmt(db, SQL_REJECTION_OLDEST)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int(st, 1, class);
	if ((rc = sqlite3_step(st)) != SQLITE_ROW) {
		(void)sqlite3_reset(st);
		return (rc == SQLITE_DONE ? SQLITE_OK : rc);
	}
	id = sqlite3_column_int64(st, 0);
	len = sqlite3_column_int64(st, 1);
	total = sqlite3_column_int64(st, 2);
	(void)sqlite3_reset(st);
	if (n <= rows_max[class] &&
	    (class != STORE_REJECT_AUTHENTIC || total <= REJECTIONS_BYTES_MAX))
		return (SQLITE_OK);

	*ret_more = true;
	return (rejections_delete(db, id, len));
}

/* The class has new rows. */
static int
rejections_bound(struct db *db, int class)
{
	bool more = true;
	int64_t n = 0;
	int rc;

	if ((rc = rejections_rows(db, class, &n)) != SQLITE_OK)
		return (rc);
	for (; more && rc == SQLITE_OK; n--)
		rc = rejections_trim(db, class, n, &more);
	return (rc);
}

/* What is written of a transaction: to the log, and to the file later. */
static uint64_t
rejections_written(struct db *db)
{
	int pages = 0, most;

	(void)sqlite3_db_status(db->conn, SQLITE_DBSTATUS_CACHE_WRITE, &pages,
	    &most, 1);
	return ((uint64_t)pages * 2 * (uint64_t)db->page_size);
}

int
rejections_write(struct db *db, struct store_op *op)
{
	bool again, came[STORE_REJECT_NCLASSES] = { false };
	int64_t bytes = 0;
	int rc;

	(void)rejections_written(db); /* what others wrote is not counted */
	for (size_t i = 0; i < op->in.reject.n; i++) {
		const struct store_rejection *r = &op->in.reject.rej[i];

		if ((rc = rejections_again(db, r, &again)) != SQLITE_OK)
			return (rc);
		if (again)
			continue;
		if ((rc = rejections_insert(db, r)) != SQLITE_OK)
			return (rc);
		op->res.id = sqlite3_last_insert_rowid(db->conn);
		op->res.rejections++;
		came[r->class] = true;
		bytes += r->body != NULL ? (int64_t)r->body_len : 0;
	}
	if (bytes != 0 && (rc = rejections_count(db, bytes)) != SQLITE_OK)
		return (rc);
	for (int class = 0; class < STORE_REJECT_NCLASSES; class ++) {
		if (came[class] &&
		    (rc = rejections_bound(db, class)) != SQLITE_OK)
			return (rc);
	}
	return (SQLITE_OK);
}

void
rejections_after(struct db *db, struct store_op *op)
{
	op->res.written = rejections_written(db);
}

int
rejections_purge(struct db *db, const struct purge_age *age, size_t limit,
    int64_t *ret_n)
{
	int64_t n = 0, id, len;
	sqlite3_stmt *st;
	int rc = SQLITE_ROW;

	while ((size_t)n < limit && rc == SQLITE_ROW) {
		if ((st = db_stmt(db, SQL_PURGE_REJECTIONS)) == NULL)
			return (sqlite3_extended_errcode(db->conn));
		purge_bind(st, age);
		rc = sqlite3_step(st);
		id = sqlite3_column_int64(st, 0);
		len = sqlite3_column_int64(st, 1);
		(void)sqlite3_reset(st);
		if (rc != SQLITE_ROW)
			break;
		if ((rc = rejections_delete(db, id, len)) != SQLITE_OK)
			return (rc);
		rc = SQLITE_ROW;
		n++;
	}
	*ret_n = n;
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* -- Those of one order -- */

/* May the rejection, a row of SQL_PURGE_SCAN, hold that order's data? */
static bool
may_hold(sqlite3_stmt *st, const char *order_id)
{
	const struct ring_row row = {
		.body = sqlite3_column_blob(st, 2),
		.body_len = (size_t)sqlite3_column_bytes(st, 2),
		.size = (size_t)sqlite3_column_int64(st, 1),
		.headers = sqlite3_column_blob(st, 3),
		.headers_len = (size_t)sqlite3_column_bytes(st, 3),
		.diagnosis = sqlite3_column_blob(st, 4),
		.diagnosis_len = (size_t)sqlite3_column_bytes(st, 4),
	};

	return (ring_may_hold(&row, order_id));
}

int
rejections_purge_order(struct db *db, const char *order_id, int64_t *after,
    int64_t *ret_n, bool *ret_more)
{
	struct {
		int64_t id;
		int64_t len;
	} found[RING_SCAN_ROWS];
	int64_t bytes = 0;
	size_t n = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_PURGE_SCAN)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, *after);
	(void)sqlite3_bind_int64(st, 2, RING_SCAN_ROWS);
	*ret_more = false;
	while (
	    bytes < RING_SCAN_BYTES && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*ret_more = true;
		*after = sqlite3_column_int64(st, 0);
		bytes += sqlite3_column_bytes(st, 2);
		if (!may_hold(st, order_id))
			continue;
		found[n].id = *after;
		found[n++].len = sqlite3_column_bytes(st, 2);
	}
	(void)sqlite3_reset(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return (rc);
	rc = SQLITE_OK;
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = rejections_delete(db, found[i].id, found[i].len);
	*ret_n = (int64_t)n;
	return (rc);
}
