/* Lists of rejections. */
#include "store/sqlite/lists.h"

/* One row of REJECTION_COLUMNS, headers, body and endpoint. 0, or -1: out of
 * memory. */
static int
lists_rejection_row(sqlite3_stmt *st, struct arena *a,
    struct store_rejection_info *info)
{
	const void *body = sqlite3_column_blob(st, 11);
	struct store_rejection *r = &info->r;

	info->id = sqlite3_column_int64(st, 0);
	r->at_ms = sqlite3_column_int64(st, 1);
	r->size = (size_t)sqlite3_column_int64(st, 6);
	r->repeats = (uint64_t)sqlite3_column_int64(st, 7);
	r->last_at_ms = sqlite3_column_int64(st, 8);
	r->not_kept = (uint64_t)sqlite3_column_int64(st, 9);
	if (body != NULL) {
		r->body_len = (size_t)sqlite3_column_bytes(st, 11);
		if ((r->body = arena_dup(a, body, r->body_len)) == NULL)
			return (-1);
	}
	if (db_column_text(st, 2, a, &r->peer) == -1 ||
	    db_column_text(st, 3, a, &r->cause) == -1 ||
	    db_column_text(st, 4, a, &r->code) == -1 ||
	    db_column_text(st, 5, a, &r->diagnosis) == -1 ||
	    db_column_text(st, 10, a, &r->headers) == -1 ||
	    db_column_text(st, 12, a, &r->endpoint) == -1)
		return (-1);
	return (0);
}

/* All rows of a bound statement. */
static int
lists_rejection_rows(struct store_op *op, sqlite3_stmt *st)
{
	struct store_rejection_info *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows = arena_more(&op->res_mem, rows, n, &room, sizeof(*rows));
		if (rows == NULL ||
		    lists_rejection_row(st, &op->res_mem, &rows[n]) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n++;
	}
	(void)sqlite3_reset(st);
	op->rejections = rows;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lists_rejections(struct db *db, struct store_op *op)
{
	const struct store_rejection_filter *f = &op->in.rejections;
	sqlite3_stmt *st;

	st = db_stmt(db,
	    f->code == NULL ? SQL_LIST_REJECTIONS : SQL_LIST_REJECTIONS_FOUND);
	if (st == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, f->before);
	db_bind_text(st, 2, f->cause);
	(void)sqlite3_bind_int64(st, 3, f->since_ms);
	(void)sqlite3_bind_int64(st, 4, f->until_ms);
	(void)sqlite3_bind_int64(st, 5, (int64_t)f->limit);
	if (f->code != NULL)
		db_bind_text(st, 6, f->code);
	return (lists_rejection_rows(op, st));
}

static int
lists_group_row(sqlite3_stmt *st, struct arena *a,
    struct store_rejection_group *g)
{
	g->rows = (uint64_t)sqlite3_column_int64(st, 2);
	g->deliveries = (uint64_t)sqlite3_column_int64(st, 3);
	g->first_ms = sqlite3_column_int64(st, 4);
	g->last_ms = sqlite3_column_int64(st, 5);
	g->newest = sqlite3_column_int64(st, 6);
	if (db_column_text(st, 0, a, &g->cause) == -1 ||
	    db_column_text(st, 1, a, &g->code) == -1)
		return (-1);
	return (db_column_text(st, 7, a, &g->diagnosis));
}

int
lists_rejection_groups(struct db *db, struct store_op *op)
{
	const struct store_rejection_filter *f = &op->in.rejections;
	struct store_rejection_group *rows = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_GROUP_REJECTIONS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, f->cause);
	db_bind_text(st, 2, f->code);
	(void)sqlite3_bind_int64(st, 3, f->since_ms);
	(void)sqlite3_bind_int64(st, 4, f->until_ms);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows = arena_more(&op->res_mem, rows, n, &room, sizeof(*rows));
		if (rows == NULL ||
		    lists_group_row(st, &op->res_mem, &rows[n]) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n++;
	}
	(void)sqlite3_reset(st);
	op->groups = rows;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lists_rejection(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_GET_REJECTION)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->in.rejection);
	return (lists_rejection_rows(op, st));
}
