/*
 * The board: orders that are open, the oldest first, and how many there are in
 * each status. One walk over what came in since some time, then what is shown
 * of those that fit the page.
 */
#include <string.h>

#include "store/sqlite/lists.h"

/* The columns of SQL_BOARD. */
enum column {
	ORDER_ID,
	SCOPE,
	BRAND,
	BRANCH,
	EXTERNAL_ID,
	STATUS,
	UPDATED_AT,
	RECORD, /* the event of the newest record; 0: there is none */
	EVENT,  /* that one, or the newest that carries the order */
	PLACE,
	EVENT_ID,
	FIRST, /* the first event that carries it */
	FIRST_AT,
	FIRST_PLACE,
	CART_EVENT, /* of the newest cart; 0: there is none */
	CART_PLACE
};

static bool
is_end(const struct store_filter *f, const char *status)
{
	for (size_t i = 0; status != NULL && i < f->nends; i++) {
		if (strcmp(status, f->ends[i]) == 0)
			return (true);
	}
	return (false);
}

/* One more of that status; after STORE_BOARD_STATUSES those are not told
   apart any more. Returns 0, or -1 when out of memory. */
static int
count(struct arena *a, struct store_board *b, struct store_board_count *counts,
    const char *status)
{
	size_t i;

	for (i = 0; i < b->ncounts; i++) {
		if (status == NULL ? counts[i].status == NULL
				   : counts[i].status != NULL &&
					 strcmp(counts[i].status, status) == 0)
			break;
	}
	if (i == STORE_BOARD_STATUSES)
		return (0);
	if (i == b->ncounts) {
		if (arena_text(a, status, &counts[i].status) == -1)
			return (-1);
		b->ncounts++;
	}
	counts[i].n++;
	return (0);
}

static int
document(struct db *db, struct arena *a, int64_t event, int64_t place,
    const char **ret)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_BOARD_DOCUMENT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, event);
	(void)sqlite3_bind_int64(st, 2, place);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		rc = db_column_text(st, 0, a, ret) == -1 ? SQLITE_NOMEM
							 : SQLITE_OK;
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* What its jobs say. */
static int
jobs(struct db *db, struct arena *a, struct store_board_row *row)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_BOARD_JOBS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, row->order.order.order_id);
	db_bind_text(st, 2, row->order.scope);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		row->alarms = (unsigned)sqlite3_column_int64(st, 2);
		rc = db_column_text(st, 0, a, &row->pending) == -1 ||
			     db_column_text(st, 1, a, &row->dead) == -1
			 ? SQLITE_NOMEM
			 : SQLITE_OK;
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

static int
read_row(sqlite3_stmt *st, struct arena *a, struct store_board_row *row)
{
	struct store_order_info *o = &row->order;

	o->event = sqlite3_column_int64(st, EVENT);
	o->place = sqlite3_column_int(st, PLACE);
	o->order.place = o->place;
	o->cart_event = sqlite3_column_int64(st, CART_EVENT);
	o->received_at_ms = sqlite3_column_int64(st, FIRST_AT);
	row->recorded = sqlite3_column_int64(st, RECORD) != 0;
	row->first = sqlite3_column_int64(st, FIRST);
	if (db_column_text(st, ORDER_ID, a, &o->order.order_id) == -1 ||
	    db_column_text(st, SCOPE, a, &o->scope) == -1 ||
	    db_column_text(st, BRAND, a, &o->brand) == -1 ||
	    db_column_text(st, BRANCH, a, &o->branch) == -1 ||
	    db_column_text(st, EXTERNAL_ID, a, &o->order.external_id) == -1 ||
	    db_column_text(st, STATUS, a, &o->order.status) == -1 ||
	    db_column_text(st, UPDATED_AT, a, &o->order.updated_at) == -1 ||
	    db_column_text(st, EVENT_ID, a, &o->event_id) == -1)
		return (SQLITE_NOMEM);
	return (SQLITE_OK);
}

/* All that is shown of the order. */
static int
take_row(struct db *db, struct arena *a, sqlite3_stmt *st,
    struct store_board_row *row)
{
	int64_t event = sqlite3_column_int64(st, CART_EVENT);
	int64_t place = sqlite3_column_int64(st, CART_PLACE);
	int rc;

	if (event == 0) {
		event = sqlite3_column_int64(st, FIRST);
		place = sqlite3_column_int64(st, FIRST_PLACE);
	}
	if ((rc = read_row(st, a, row)) != SQLITE_OK ||
	    (rc = document(db, a, row->order.event, row->order.place,
		 &row->order.document)) != SQLITE_OK)
		return (rc);
	if ((event != row->order.event || place != row->order.place) &&
	    (rc = document(db, a, event, place, &row->cart)) != SQLITE_OK)
		return (rc);
	return (jobs(db, a, row));
}

int
lists_board(struct db *db, struct store_op *op)
{
	const struct store_filter *f = &op->in.filter;
	struct store_board_count *counts;
	struct arena *a = &op->res_mem;
	struct store_board_row *rows = NULL;
	struct store_board *b;
	const char *status;
	size_t room = 0;
	sqlite3_stmt *st;
	int64_t first;
	int rc;

	if ((b = arena_alloc(a, sizeof(*b))) == NULL ||
	    (counts = arena_array(a, STORE_BOARD_STATUSES, sizeof(*counts))) ==
		NULL)
		return (SQLITE_NOMEM);
	if ((st = db_stmt(db, SQL_BOARD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, f->since_ms);
	db_bind_text(st, 2, f->brand);
	db_bind_text(st, 3, f->branch);
	db_bind_text(st, 4, f->scope);
	db_bind_text(st, 5, f->carts);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		status = (const char *)sqlite3_column_text(st, STATUS);
		first = sqlite3_column_int64(st, FIRST);
		if (count(a, b, counts, status) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		/* The orders of one event are never torn between pages. */
		if (is_end(f, status) || first <= f->after ||
		    (b->nrows >= f->limit && rows[b->nrows - 1].first != first))
			continue;
		rows = arena_more(a, rows, b->nrows, &room, sizeof(*rows));
		rc = rows == NULL ? SQLITE_NOMEM
				  : take_row(db, a, st, &rows[b->nrows]);
		if (rc != SQLITE_OK)
			break;
		b->nrows++;
	}
	(void)sqlite3_reset(st);
	b->rows = rows;
	b->counts = counts;
	op->board = b;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}
