/*
 * The ring of rejections. What is kept of bodies is counted in the table
 * store, so that nobody has to add it up; the oldest leave in the same
 * transaction in which the newest come.
 */
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
	return (db_run(db, st));
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

/* Delete the oldest if the ring is over a limit; says whether it was. */
static int
rejections_trim(struct db *db, bool *ret_more)
{
	int64_t id, len, total, newest;
	sqlite3_stmt *st;
	int rc;

	*ret_more = false;
	if ((st = db_stmt(db, SQL_REJECTION_OLDEST)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	if ((rc = sqlite3_step(st)) != SQLITE_ROW) {
		(void)sqlite3_reset(st);
		return (rc == SQLITE_DONE ? SQLITE_OK : rc);
	}
	id = sqlite3_column_int64(st, 0);
	len = sqlite3_column_int64(st, 1);
	total = sqlite3_column_int64(st, 2);
	newest = sqlite3_column_int64(st, 3);
	(void)sqlite3_reset(st);
	/* Where a purge left gaps among the ids, the ring is a little short. */
	if (newest - id < REJECTIONS_MAX && total <= REJECTIONS_BYTES_MAX)
		return (SQLITE_OK);

	*ret_more = true;
	return (rejections_delete(db, id, len));
}

int
rejections_write(struct db *db, struct store_op *op)
{
	int64_t bytes = 0;
	bool more = true;
	int rc;

	for (size_t i = 0; i < op->in.reject.n; i++) {
		const struct store_rejection *r = &op->in.reject.rej[i];

		if ((rc = rejections_insert(db, r)) != SQLITE_OK)
			return (rc);
		bytes += r->body != NULL ? (int64_t)r->body_len : 0;
	}
	op->res.id = sqlite3_last_insert_rowid(db->conn);
	if ((rc = rejections_count(db, bytes)) != SQLITE_OK)
		return (rc);
	while (more)
		if ((rc = rejections_trim(db, &more)) != SQLITE_OK)
			return (rc);
	return (SQLITE_OK);
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
