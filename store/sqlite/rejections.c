/*
 * The ring of rejections. What is kept of bodies is counted in the table
 * store, so that nobody has to add it up; the oldest leave in the same
 * transaction in which the newest come.
 */
#include <string.h>

#include "store/base/mention.h"
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

/* -- Those of one order -- */

/* Rows and bytes that are looked at in one transaction: acks wait for it. */
#define SCAN_ROWS 256
#define SCAN_BYTES (1 << 20)

static bool
column_names(sqlite3_stmt *st, int column, const char *order_id)
{
	const void *text = sqlite3_column_blob(st, column);

	return (text != NULL &&
		mention_finds(text, (size_t)sqlite3_column_bytes(st, column),
		    order_id));
}

/*
 * Can nobody say which orders the body is of? It was cut, or does not look like
 * the text of JSON.
 */
static bool
is_obscure(const char *body, int64_t len, int64_t size)
{
	int64_t i = 0;

	if (len < size)
		return (true);
	while (i < len && strchr(" \t\r\n", body[i]) != NULL && body[i] != '\0')
		i++;
	return (i < len && ((body[i] != '{' && body[i] != '[') ||
			       memchr(body, '\0', (size_t)len) != NULL));
}

/* May the rejection, a row of SQL_PURGE_SCAN, hold that order's data? */
static bool
may_hold(sqlite3_stmt *st, const char *order_id)
{
	const char *body = sqlite3_column_blob(st, 2);
	int64_t len = sqlite3_column_bytes(st, 2);

	return (is_obscure(body, len, sqlite3_column_int64(st, 1)) ||
		column_names(st, 2, order_id) ||
		column_names(st, 3, order_id) || column_names(st, 4, order_id));
}

int
rejections_purge_order(struct db *db, const char *order_id, int64_t *after,
    int64_t *ret_n, bool *ret_more)
{
	struct {
		int64_t id;
		int64_t len;
	} found[SCAN_ROWS];
	int64_t bytes = 0;
	size_t n = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_PURGE_SCAN)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, *after);
	(void)sqlite3_bind_int64(st, 2, SCAN_ROWS);
	*ret_more = false;
	while (bytes < SCAN_BYTES && (rc = sqlite3_step(st)) == SQLITE_ROW) {
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
