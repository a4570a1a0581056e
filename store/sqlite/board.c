/*
 * The board: orders that are open, the oldest first, and how many there are in
 * each status. One walk over what came in since some time, which looks at no
 * more than the status of each; then what is shown of those that fit the page.
 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/lists.h"

/* The columns of SQL_BOARD. */
enum walked { ORDER_ID, SCOPE, STATUS };

/* The columns of SQL_BOARD_ORDER. */
enum column {
	BRAND,
	BRANCH,
	EXTERNAL_ID,
	STATUS_NOW,
	UPDATED_AT,
	RECORD, /* the event of the newest record; 0: there is none */
	EVENT,  /* that one, or the newest that carries the order */
	PLACE,
	EVENT_ID,
	FIRST_AT, /* of the first event that carries it */
	FIRST_PLACE,
	CART_EVENT, /* of the newest cart; 0: there is none */
	CART_PLACE
};

/* An order that is open. */
struct open_order {
	const char *order_id, *scope;
	int64_t first; /* the first event that carries it */
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
read_row(sqlite3_stmt *st, struct arena *a, const struct open_order *open,
    struct store_board_row *row)
{
	struct store_order_info *o = &row->order;

	o->order.order_id = open->order_id;
	o->scope = open->scope;
	o->event = sqlite3_column_int64(st, EVENT);
	o->place = sqlite3_column_int(st, PLACE);
	o->order.place = o->place;
	o->cart_event = sqlite3_column_int64(st, CART_EVENT);
	o->received_at_ms = sqlite3_column_int64(st, FIRST_AT);
	row->recorded = sqlite3_column_int64(st, RECORD) != 0;
	row->first = open->first;
	if (db_column_text(st, BRAND, a, &o->brand) == -1 ||
	    db_column_text(st, BRANCH, a, &o->branch) == -1 ||
	    db_column_text(st, EXTERNAL_ID, a, &o->order.external_id) == -1 ||
	    db_column_text(st, STATUS_NOW, a, &o->order.status) == -1 ||
	    db_column_text(st, UPDATED_AT, a, &o->order.updated_at) == -1 ||
	    db_column_text(st, EVENT_ID, a, &o->event_id) == -1)
		return (SQLITE_NOMEM);
	return (SQLITE_OK);
}

/* All that is shown of the order. */
static int
take_row(struct db *db, struct arena *a, const struct open_order *open,
    struct store_board_row *row)
{
	int64_t event = 0, place = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_BOARD_ORDER)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, open->order_id);
	db_bind_text(st, 2, open->scope);
	(void)sqlite3_bind_int64(st, 3, open->first);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		event = sqlite3_column_int64(st, CART_EVENT);
		place = sqlite3_column_int64(st, CART_PLACE);
		if (event == 0) {
			event = open->first;
			place = sqlite3_column_int64(st, FIRST_PLACE);
		}
		rc = read_row(st, a, open, row);
	} else if (rc == SQLITE_DONE)
		rc = SQLITE_CORRUPT; /* the walk has seen it */
	(void)sqlite3_reset(st);
	if (rc != SQLITE_OK ||
	    (rc = document(db, a, row->order.event, row->order.place,
		 &row->order.document)) != SQLITE_OK)
		return (rc);
	if ((event != row->order.event || place != row->order.place) &&
	    (rc = document(db, a, event, place, &row->cart)) != SQLITE_OK)
		return (rc);
	return (jobs(db, a, row));
}

/* The open order of a row of the walk. */
static int
take_open(struct db *db, struct arena *a, sqlite3_stmt *walk,
    struct open_order *open)
{
	sqlite3_stmt *st;
	int rc;

	if (db_column_text(walk, ORDER_ID, a, &open->order_id) == -1 ||
	    db_column_text(walk, SCOPE, a, &open->scope) == -1)
		return (SQLITE_NOMEM);
	if ((st = db_stmt(db, SQL_BOARD_FIRST)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, open->order_id);
	db_bind_text(st, 2, open->scope);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		open->first = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	(void)sqlite3_reset(st);
	return (rc);
}

/* What the walk has found. */
struct found {
	struct open_order *open;
	size_t n, room;
};

/* Count what came in, and note what of it is open. */
static int
look(struct db *db, struct store_op *op, struct store_board_count *counts,
    struct found *ret)
{
	const struct store_filter *f = &op->in.filter;
	struct arena *a = &op->res_mem;
	struct open_order *open;
	const char *status;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_BOARD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, f->since_ms);
	db_bind_text(st, 2, f->brand);
	db_bind_text(st, 3, f->branch);
	db_bind_text(st, 4, f->scope);
	db_bind_text(st, 5, f->carts);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		status = (const char *)sqlite3_column_text(st, STATUS);
		if (count(a, op->board, counts, status) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		if (is_end(f, status))
			continue;
		ret->open =
		    arena_more(a, ret->open, ret->n, &ret->room, sizeof(*open));
		open = ret->open == NULL ? NULL : &ret->open[ret->n];
		rc = open == NULL ? SQLITE_NOMEM : take_open(db, a, st, open);
		if (rc != SQLITE_OK)
			break;
		if (open->first > f->after)
			ret->n++;
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* The oldest first. */
static int
compare(const void *left, const void *right)
{
	const struct open_order *x = left, *y = right;
	int by_id = strcmp(x->order_id, y->order_id);

	if (x->first != y->first)
		return (x->first < y->first ? -1 : 1);
	return (by_id != 0 ? by_id : strcmp(x->scope, y->scope));
}

int
lists_board(struct db *db, struct store_op *op)
{
	const struct store_filter *f = &op->in.filter;
	struct store_board_count *counts;
	struct arena *a = &op->res_mem;
	struct store_board_row *rows = NULL;
	struct found found = { 0 };
	struct store_board *b;
	size_t room = 0;
	int rc;

	if ((b = arena_alloc(a, sizeof(*b))) == NULL ||
	    (counts = arena_array(a, STORE_BOARD_STATUSES, sizeof(*counts))) ==
		NULL)
		return (SQLITE_NOMEM);
	op->board = b;
	if ((rc = look(db, op, counts, &found)) == SQLITE_OK && found.n > 0)
		qsort(found.open, found.n, sizeof(*found.open), compare);
	for (size_t i = 0; i < found.n && rc == SQLITE_OK; i++) {
		/* The orders of one event are never torn between pages. */
		if (b->nrows >= f->limit &&
		    rows[b->nrows - 1].first != found.open[i].first)
			break;
		rows = arena_more(a, rows, b->nrows, &room, sizeof(*rows));
		rc = rows == NULL
			 ? SQLITE_NOMEM
			 : take_row(db, a, &found.open[i], &rows[b->nrows++]);
	}
	b->rows = rows;
	b->counts = counts;
	return (rc);
}
