/* What the reader thread lists: pages of rows, each in one statement. */
#include <string.h>

#include "store/sqlite/sqlite.h"

static sqlite3_stmt *
lists_filter(struct db *db, enum db_sql which, const struct store_filter *f)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, which)) == NULL)
		return (NULL);
	(void)sqlite3_bind_int64(st, 1, f->before);
	db_bind_text(st, 3, f->brand);
	db_bind_text(st, 4, f->branch);
	(void)sqlite3_bind_int64(st, 5, f->since_ms);
	(void)sqlite3_bind_int64(st, 6, f->until_ms);
	return (st);
}

/* The row of an EVENT_INFO statement, its event read anew with its orders. */
static int
lists_event_row(struct db *db, struct store_op *op, sqlite3_stmt *st,
    bool with_body, struct store_event_info *info)
{
	struct store_event *ev;
	int rc;

	rc = events_load(db, op, sqlite3_column_int64(st, 0), with_body, &ev);
	if (rc != SQLITE_OK)
		return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
	info->ev = ev;
	info->duplicates = (unsigned)sqlite3_column_int64(st, 10);
	info->last_duplicate_at_ms = sqlite3_column_int64(st, 11);
	info->unfinished = (unsigned)sqlite3_column_int64(st, 12);
	info->dead = (unsigned)sqlite3_column_int64(st, 13);
	return (SQLITE_OK);
}

int
lists_events(struct db *db, struct store_op *op)
{
	const struct store_filter *f = &op->in.filter;
	struct store_event_info *rows;
	sqlite3_stmt *st;
	size_t n = 0;
	int rc;

	rows = arena_array(&op->res_mem, f->limit, sizeof(*rows));
	if (rows == NULL)
		return (SQLITE_NOMEM);
	st = lists_filter(db,
	    f->order_id == NULL ? SQL_LIST_EVENTS : SQL_LIST_EVENTS_OF_ORDER,
	    f);
	if (st == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 2, f->type);
	(void)sqlite3_bind_int64(st, 7, (int64_t)f->limit);
	if (f->order_id != NULL)
		db_bind_text(st, 8, f->order_id);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && n < f->limit) {
		rc = lists_event_row(db, op, st, false, &rows[n]);
		if (rc != SQLITE_OK)
			break;
		n++;
	}
	(void)sqlite3_reset(st);
	op->events = rows;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lists_event(struct db *db, struct store_op *op)
{
	struct store_event_info *info;
	sqlite3_stmt *st;
	int rc;

	if ((info = arena_alloc(&op->res_mem, sizeof(*info))) == NULL)
		return (SQLITE_NOMEM);
	if ((st = db_stmt(db, SQL_GET_EVENT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = lists_event_row(db, op, st, true, info);
		if (rc == SQLITE_OK)
			rc = lists_jobs_of_event(db, op, info);
		if (rc == SQLITE_OK) {
			op->events = info;
			op->nrows = 1;
		}
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* One row of ORDER_COLUMNS. Returns 0, or -1 when out of memory. */
static int
lists_order_row(sqlite3_stmt *st, struct arena *a, struct store_order_info *o)
{
	o->event = sqlite3_column_int64(st, 7);
	o->place = sqlite3_column_int(st, 8);
	o->order.place = o->place;
	o->cart_event = sqlite3_column_int64(st, 10);
	if (db_column_text(st, 1, a, &o->order.order_id) == -1 ||
	    db_column_text(st, 2, a, &o->brand) == -1 ||
	    db_column_text(st, 3, a, &o->branch) == -1 ||
	    db_column_text(st, 4, a, &o->order.external_id) == -1 ||
	    db_column_text(st, 5, a, &o->order.status) == -1 ||
	    db_column_text(st, 6, a, &o->order.updated_at) == -1 ||
	    db_column_text(st, 9, a, &o->event_id) == -1)
		return (-1);
	return (0);
}

int
lists_orders(struct db *db, struct store_op *op)
{
	const struct store_filter *f = &op->in.filter;
	struct store_order_info *rows = NULL, *more;
	int64_t at = 0;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = lists_filter(db, SQL_LIST_ORDERS, f)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 2, f->order_id);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		/* The orders of one event are never torn between pages. */
		if (n >= f->limit && sqlite3_column_int64(st, 0) != at) {
			rc = SQLITE_DONE;
			break;
		}
		if (n == room) {
			room = room == 0 ? f->limit : room * 2;
			more = arena_array(&op->res_mem, room, sizeof(*more));
			if (more == NULL) {
				rc = SQLITE_NOMEM;
				break;
			}
			if (n > 0)
				memcpy(more, rows, n * sizeof(*more));
			rows = more;
		}
		at = sqlite3_column_int64(st, 0);
		if (lists_order_row(st, &op->res_mem, &rows[n]) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n++;
	}
	(void)sqlite3_reset(st);
	op->orders = rows;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

static int
lists_document(struct db *db, struct store_op *op, struct store_order_info *o)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_GET_DOCUMENT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW &&
	    db_column_text(st, 0, &op->res_mem, &o->document) == -1)
		rc = SQLITE_NOMEM;
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lists_order(struct db *db, struct store_op *op)
{
	struct store_order_info *o;
	sqlite3_stmt *st;
	int rc;

	if ((o = arena_alloc(&op->res_mem, sizeof(*o))) == NULL)
		return (SQLITE_NOMEM);
	if ((st = db_stmt(db, SQL_GET_ORDER)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = lists_order_row(st, &op->res_mem, o) == -1
			 ? SQLITE_NOMEM
			 : lists_document(db, op, o);
		if (rc == SQLITE_OK) {
			op->orders = o;
			op->nrows = 1;
		}
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}
