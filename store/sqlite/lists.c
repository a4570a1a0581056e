/* What the reader thread lists: pages of rows, each in one statement. */
#include <string.h>

#include "store/sqlite/lists.h"

static sqlite3_stmt *
lists_filter(struct db *db, enum db_sql which, const struct store_filter *f)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, which)) == NULL)
		return (NULL);
	(void)sqlite3_bind_int64(st, 1, walk_before(f->before));
	db_bind_text(st, 3, f->brand);
	db_bind_text(st, 4, f->branch);
	(void)sqlite3_bind_int64(st, 5, f->since_ms);
	(void)sqlite3_bind_int64(st, 6, f->until_ms);
	db_bind_text(st, 10, f->scope);
	return (st);
}

/*
 * Which statement finds what the filter names by an index, or walks along the
 * events in w.
 */
static enum db_sql
lists_events_sql(const struct store_filter *f, const struct walk *w)
{
	if (f->order_id != NULL)
		return (SQL_LIST_EVENTS_OF_ORDER);
	if (w->back || f->find != NULL)
		return (SQL_LIST_EVENTS);
	switch (f->progress) {
	case STORE_PROGRESS_PENDING:
		return (SQL_LIST_EVENTS_OPEN);
	case STORE_PROGRESS_DEAD:
		return (SQL_LIST_EVENTS_DEAD);
	case STORE_PROGRESS_ANY:
	case STORE_PROGRESS_DONE:
		break;
	}
	return (SQL_LIST_EVENTS);
}

/* How it stands. */
static int
lists_event_info(struct db *db, struct store_event_info *info)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_EVENT_INFO)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, info->ev->id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		info->duplicates = (unsigned)sqlite3_column_int64(st, 0);
		info->last_duplicate_at_ms = sqlite3_column_int64(st, 1);
		info->purged_at_ms = sqlite3_column_int64(st, 2);
		info->orders_total = (size_t)sqlite3_column_int64(st, 3);
		info->jobs_total = (size_t)sqlite3_column_int64(st, 4);
		info->unfinished = (unsigned)sqlite3_column_int64(st, 5);
		info->dead = (unsigned)sqlite3_column_int64(st, 6);
		info->alarms = (unsigned)sqlite3_column_int64(st, 7);
		info->progress = STORE_PROGRESS_DONE;
		if (info->unfinished > 0)
			info->progress = STORE_PROGRESS_PENDING;
		if (info->dead > 0)
			info->progress = STORE_PROGRESS_DEAD;
		rc = SQLITE_OK;
	}
	(void)sqlite3_reset(st);
	return (rc);
}

/*
 * The event of that number, with jobs unless only its orders are asked for.
 * SQLITE_DONE: there is none.
 */
static int
lists_event_row(struct db *db, struct store_op *op, int64_t id,
    enum events_part part, struct store_event_info *info)
{
	const struct events_want want = { part, STORE_WHOLE_EVENT };
	struct store_event *ev;
	int rc;

	if ((rc = events_load(db, op, id, &want, &ev)) != SQLITE_OK)
		return (rc);
	info->ev = ev;
	if ((rc = lists_event_info(db, info)) != SQLITE_OK ||
	    part == EVENTS_ORDERS)
		return (rc);
	return (lists_jobs_of_event(db, op,
	    part == EVENTS_BRIEF ? STORE_BRIEF_MAX : SIZE_MAX, info));
}

/* The same of the event that a statement has found. */
static int
lists_event_found(struct db *db, struct store_op *op, sqlite3_stmt *st,
    enum events_part part, struct store_event_info *info)
{
	int64_t id = sqlite3_column_int64(st, 0);
	int rc = lists_event_row(db, op, id, part, info);

	return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
}

/* Each of the events that the filter names by number. */
static int
lists_events_numbered(struct db *db, struct store_op *op,
    struct store_event_info *rows)
{
	const struct store_filter *f = &op->in.filter;
	size_t n = 0;
	int rc = SQLITE_OK;

	for (size_t i = 0; i < f->nnumbers && rc == SQLITE_OK; i++) {
		rc = lists_event_row(db, op, f->numbers[i],
		    f->with_jobs ? EVENTS_BRIEF : EVENTS_ORDERS, &rows[n]);
		if (rc == SQLITE_OK)
			n++;
		else if (rc == SQLITE_DONE)
			rc = SQLITE_OK;
	}
	op->events = rows;
	op->nrows = n;
	return (rc);
}

/* A bound statement of a page of events, which w is about. */
static sqlite3_stmt *
lists_events_bound(struct db *db, struct store_op *op, const struct walk *w,
    const char *among)
{
	const struct store_filter *f = &op->in.filter;
	sqlite3_stmt *st;

	st = lists_filter(db,
	    among != NULL ? SQL_LIST_EVENTS_AMONG : lists_events_sql(f, w), f);
	if (st == NULL)
		return (NULL);
	if (among == NULL) {
		(void)sqlite3_bind_int64(st, 1, w->high);
		(void)sqlite3_bind_int64(st, 11, w->low);
	}
	db_bind_text(st, 2, f->type);
	(void)sqlite3_bind_int64(st, 7, (int64_t)f->limit);
	if (among != NULL || f->order_id != NULL)
		db_bind_text(st, 8, among != NULL ? among : f->order_id);
	(void)sqlite3_bind_int(st, 9, (int)f->progress);
	db_bind_text(st, 12, f->handler);
	return (walk_bind(st, &op->res_mem, f->find) == SQLITE_OK ? st : NULL);
}

int
lists_events(struct db *db, struct store_op *op)
{
	const struct store_filter *f = &op->in.filter;
	struct store_event_info *rows;
	const char *among = NULL;
	sqlite3_stmt *st;
	const struct walk_asks asks = walk_asks(db);
	struct walk w;
	size_t n = 0;
	int rc;

	rows = arena_array(&op->res_mem,
	    f->nnumbers > 0 ? f->nnumbers : f->limit, sizeof(*rows));
	if (rows == NULL)
		return (SQLITE_NOMEM);
	if (f->nnumbers > 0)
		return (lists_events_numbered(db, op, rows));
	if ((rc = walk_events(&asks, f, &w)) != SQLITE_OK ||
	    (f->find != NULL &&
		(rc = walk_find(db, f, &w, &op->res_mem, &among)) != SQLITE_OK))
		return (rc);
	if ((st = lists_events_bound(db, op, &w, among)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && n < f->limit) {
		rc = lists_event_found(db, op, st,
		    f->with_jobs ? EVENTS_BRIEF : EVENTS_ORDERS, &rows[n]);
		if (rc != SQLITE_OK)
			break;
		n++;
	}
	(void)sqlite3_reset(st);
	op->events = rows;
	op->nrows = n;
	if (rc != SQLITE_DONE && rc != SQLITE_OK)
		return (rc);
	return (walk_end(&asks, WALK_EVENTS, &w, n,
	    n > 0 ? rows[n - 1].ev->id : 0, &op->scan));
}

/* The rows of a statement that asks for events by name. */
static int
lists_named(struct db *db, struct store_op *op, sqlite3_stmt *st)
{
	struct store_event_info *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows = arena_more(&op->res_mem, rows, n, &room, sizeof(*rows));
		if (rows == NULL)
			rc = SQLITE_NOMEM;
		else
			rc = lists_event_found(db, op, st, EVENTS_WHOLE,
			    &rows[n]);
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
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_GET_EVENT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.named.id);
	db_bind_text(st, 2, op->in.named.scope);
	return (lists_named(db, op, st));
}

int
lists_last_event(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_LAST_EVENT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.named.id);
	return (lists_named(db, op, st));
}

/* One row of ORDER_COLUMNS. Returns 0, or -1 when out of memory. */
static int
lists_order_row(sqlite3_stmt *st, struct arena *a, struct store_order_info *o)
{
	o->event = sqlite3_column_int64(st, 7);
	o->place = sqlite3_column_int(st, 8);
	o->order.place = o->place;
	o->cart_event = sqlite3_column_int64(st, 10);
	o->received_at_ms = sqlite3_column_int64(st, 11);
	if (db_column_text(st, 1, a, &o->order.order_id) == -1 ||
	    db_column_text(st, 2, a, &o->brand) == -1 ||
	    db_column_text(st, 3, a, &o->branch) == -1 ||
	    db_column_text(st, 4, a, &o->order.external_id) == -1 ||
	    db_column_text(st, 5, a, &o->order.status) == -1 ||
	    db_column_text(st, 6, a, &o->order.updated_at) == -1 ||
	    db_column_text(st, 9, a, &o->event_id) == -1 ||
	    db_column_text(st, 12, a, &o->scope) == -1)
		return (-1);
	return (0);
}

/* Has the order of this row ended? */
static bool
lists_order_ended(const struct store_filter *f, sqlite3_stmt *st)
{
	const char *status = (const char *)sqlite3_column_text(st, 5);

	for (size_t i = 0; status != NULL && i < f->nends; i++) {
		if (strcmp(status, f->ends[i]) == 0)
			return (true);
	}
	return (false);
}

/* A bound statement of a page of orders, which w is about. */
static sqlite3_stmt *
lists_orders_bound(struct db *db, const struct store_filter *f,
    const struct walk *w)
{
	sqlite3_stmt *st;

	st = lists_filter(db,
	    f->order_id != NULL ? SQL_LIST_ORDERS_OF_ID : SQL_LIST_ORDERS, f);
	if (st == NULL)
		return (NULL);
	(void)sqlite3_bind_int64(st, 1, w->high);
	if (f->order_id != NULL)
		db_bind_text(st, 2, f->order_id);
	else
		(void)sqlite3_bind_int64(st, 11, w->low);
	db_bind_text(st, 7, f->status);
	(void)sqlite3_bind_int(st, 8, f->open);
	return (st);
}

/* The rows of a bound statement; *ret_last is the event of the last one. */
static int
lists_orders_rows(struct store_op *op, sqlite3_stmt *st, int64_t *ret_last)
{
	const struct store_filter *f = &op->in.filter;
	struct store_order_info *rows = NULL, *more;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (f->open && lists_order_ended(f, st))
			continue;
		/* The orders of one event are never torn between pages. */
		if (n >= f->limit && sqlite3_column_int64(st, 0) != *ret_last) {
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
		*ret_last = sqlite3_column_int64(st, 0);
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

int
lists_orders(struct db *db, struct store_op *op)
{
	sqlite3_stmt *st;
	int64_t last = 0;
	const struct walk_asks asks = walk_asks(db);
	struct walk w;
	int rc;

	if ((rc = walk_orders(&asks, &op->in.filter, &w)) != SQLITE_OK)
		return (rc);
	if ((st = lists_orders_bound(db, &op->in.filter, &w)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	if ((rc = lists_orders_rows(op, st, &last)) != SQLITE_OK)
		return (rc);
	return (walk_end(&asks, WALK_EVENTS, &w, op->nrows, last, &op->scan));
}

static int
lists_document(struct db *db, struct store_op *op, struct store_order_info *o)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_GET_DOCUMENT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, o->order.order_id);
	db_bind_text(st, 2, o->scope);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW &&
	    db_column_text(st, 0, &op->res_mem, &o->document) == -1)
		rc = SQLITE_NOMEM;
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
lists_order(struct db *db, struct store_op *op)
{
	struct store_order_info *rows = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_GET_ORDER)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, op->in.named.id);
	db_bind_text(st, 2, op->in.named.scope);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows = arena_more(&op->res_mem, rows, n, &room, sizeof(*rows));
		if (rows == NULL ||
		    lists_order_row(st, &op->res_mem, &rows[n]) == -1)
			rc = SQLITE_NOMEM;
		else
			rc = lists_document(db, op, &rows[n]);
		if (rc != SQLITE_OK)
			break;
		n++;
	}
	(void)sqlite3_reset(st);
	op->orders = rows;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}
