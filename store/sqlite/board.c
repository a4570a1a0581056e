/*
 * The board: orders that are open, the oldest first, and how many there are in
 * each status. Those of which the newest record came in since some time, of
 * which no more than the status is looked at; then others with an event since
 * then; then what is shown of those that fit the page.
 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/lists.h"

/* The columns of SQL_BOARD_RECORDS; of SQL_BOARD_EVENTS the first two. */
enum record { ORDER_ID, SCOPE, STATUS, FITS };

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

/* An order; of an open one also the first event that carries it. */
struct open_order {
	const char *order_id, *scope;
	int64_t first;
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

/* Orders, one after the other. */
struct orders {
	struct open_order *list;
	size_t n, room;
};

/* The oldest first; those whose age is not known, or equal, by name. */
static int
compare(const void *left, const void *right)
{
	const struct open_order *x = left, *y = right;
	int by_id;

	if (x->first != y->first)
		return (x->first < y->first ? -1 : 1);
	by_id = strcmp(x->order_id, y->order_id);
	return (by_id != 0 ? by_id : strcmp(x->scope, y->scope));
}

static void
sort(struct orders *orders)
{
	if (orders->n > 0)
		qsort(orders->list, orders->n, sizeof(*orders->list), compare);
}

/* Add one, whose texts stay. */
static int
add(struct arena *a, struct orders *to, const struct open_order *order)
{
	to->list = arena_more(a, to->list, to->n, &to->room, sizeof(*order));
	if (to->list == NULL)
		return (SQLITE_NOMEM);
	to->list[to->n++] = *order;
	return (SQLITE_OK);
}

/* Add the one that a row names. */
static int
add_row(struct arena *a, sqlite3_stmt *st, struct orders *to)
{
	struct open_order order = { .first = 0 };

	if (db_column_text(st, ORDER_ID, a, &order.order_id) == -1 ||
	    db_column_text(st, SCOPE, a, &order.scope) == -1)
		return (SQLITE_NOMEM);
	return (add(a, to, &order));
}

/* What is looked for, and what is found. */
struct look {
	struct db *db;
	struct store_op *op;
	struct store_board_count *counts;
	struct orders open;
	int64_t since; /* an event */
};

/* A bound statement about events since then, or about one order. */
static sqlite3_stmt *
look_stmt(const struct look *l, enum db_sql which)
{
	const struct store_filter *f = &l->op->in.filter;
	sqlite3_stmt *st;

	if ((st = db_stmt(l->db, which)) == NULL)
		return (NULL);
	(void)sqlite3_bind_int64(st, 1, l->since);
	db_bind_text(st, 2, f->brand);
	db_bind_text(st, 3, f->branch);
	db_bind_text(st, 4, f->scope);
	db_bind_text(st, 5, f->carts);
	return (st);
}

/* Count the order; is it open, note it. */
static int
take(struct look *l, const struct open_order *order, const char *status)
{
	struct open_order open = *order;
	sqlite3_stmt *st;
	int rc;

	if (count(&l->op->res_mem, l->op->board, l->counts, status) == -1)
		return (SQLITE_NOMEM);
	if (is_end(&l->op->in.filter, status))
		return (SQLITE_OK);
	if ((st = db_stmt(l->db, SQL_BOARD_FIRST)) == NULL)
		return (sqlite3_extended_errcode(l->db->conn));
	db_bind_text(st, 1, open.order_id);
	db_bind_text(st, 2, open.scope);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		open.first = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	(void)sqlite3_reset(st);
	if (rc != SQLITE_OK || open.first <= l->op->in.filter.after)
		return (rc);
	return (add(&l->op->res_mem, &l->open, &open));
}

/* Those with a record since then; all of them into known. */
static int
look_at_records(struct look *l, struct orders *known)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = look_stmt(l, SQL_BOARD_RECORDS)) == NULL)
		return (sqlite3_extended_errcode(l->db->conn));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = add_row(&l->op->res_mem, st, known);
		if (rc == SQLITE_OK && sqlite3_column_int(st, FITS))
			rc = take(l, &known->list[known->n - 1],
			    (const char *)sqlite3_column_text(st, STATUS));
		if (rc != SQLITE_OK)
			break;
	}
	(void)sqlite3_reset(st);
	sort(known);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Whose events came in since then, and whose record, if any, did not. */
static int
find_others(const struct look *l, const struct orders *known,
    struct orders *others)
{
	struct open_order order = { .first = 0 };
	sqlite3_stmt *st;
	int rc;

	if ((st = look_stmt(l, SQL_BOARD_EVENTS)) == NULL)
		return (sqlite3_extended_errcode(l->db->conn));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		order.order_id =
		    (const char *)sqlite3_column_text(st, ORDER_ID);
		order.scope = (const char *)sqlite3_column_text(st, SCOPE);
		if (order.order_id == NULL || order.scope == NULL)
			rc = SQLITE_NOMEM;
		else if (known->n > 0 && bsearch(&order, known->list, known->n,
					     sizeof(order), compare) != NULL)
			continue;
		else
			rc = add_row(&l->op->res_mem, st, others);
		if (rc != SQLITE_OK)
			break;
	}
	(void)sqlite3_reset(st);
	sort(others);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* An order that find_others() found. */
static int
look_at_other(struct look *l, const struct open_order *order)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = look_stmt(l, SQL_BOARD_OTHER)) == NULL)
		return (sqlite3_extended_errcode(l->db->conn));
	db_bind_text(st, 6, order->order_id);
	db_bind_text(st, 7, order->scope);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		rc = take(l, order, (const char *)sqlite3_column_text(st, 0));
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Count what came in, and note what of it is open. */
static int
look(struct look *l)
{
	struct orders known = { 0 }, others = { 0 };
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(l->db, SQL_BOARD_SINCE)) == NULL)
		return (sqlite3_extended_errcode(l->db->conn));
	(void)sqlite3_bind_int64(st, 1, l->op->in.filter.since_ms);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		l->since = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	(void)sqlite3_reset(st);
	if (rc != SQLITE_OK || (rc = look_at_records(l, &known)) != SQLITE_OK ||
	    (rc = find_others(l, &known, &others)) != SQLITE_OK)
		return (rc);
	for (size_t i = 0; i < others.n && rc == SQLITE_OK; i++) {
		if (i == 0 ||
		    compare(&others.list[i], &others.list[i - 1]) != 0)
			rc = look_at_other(l, &others.list[i]);
	}
	sort(&l->open);
	return (rc);
}

int
lists_board(struct db *db, struct store_op *op)
{
	const struct store_filter *f = &op->in.filter;
	struct look l = { .db = db, .op = op };
	struct arena *a = &op->res_mem;
	struct store_board_row *rows = NULL;
	struct store_board *b;
	size_t room = 0;
	int rc;

	if ((b = arena_alloc(a, sizeof(*b))) == NULL ||
	    (l.counts = arena_array(a, STORE_BOARD_STATUSES,
		 sizeof(*l.counts))) == NULL)
		return (SQLITE_NOMEM);
	op->board = b;
	rc = look(&l);
	for (size_t i = 0; i < l.open.n && rc == SQLITE_OK; i++) {
		/* The orders of one event are never torn between pages. */
		if (b->nrows >= f->limit &&
		    rows[b->nrows - 1].first != l.open.list[i].first)
			break;
		rows = arena_more(a, rows, b->nrows, &room, sizeof(*rows));
		rc = rows == NULL
			 ? SQLITE_NOMEM
			 : take_row(db, a, &l.open.list[i], &rows[b->nrows++]);
	}
	b->rows = rows;
	b->counts = l.counts;
	return (rc);
}
