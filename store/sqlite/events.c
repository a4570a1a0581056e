/* Events: append once, count duplicates, read back. */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/headers.h"
#include "store/sqlite/sqlite.h"

/* The event that has the orders and the body of ev: itself, but for a repeat.
 */
static int64_t
events_source(const struct store_event *ev)
{
	return (ev->repeat_of != 0 ? ev->repeat_of : ev->id);
}

static int
events_insert(struct db *db, const struct store_event *ev, int64_t repeat_of)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_EVENT_INSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, ev->event_id);
	db_bind_text(st, 2, ev->type);
	db_bind_text(st, 3, ev->brand);
	db_bind_text(st, 4, ev->branch);
	if (ev->secret != NULL)
		(void)sqlite3_bind_blob(st, 5, ev->digest, sizeof(ev->digest),
		    SQLITE_STATIC);
	db_bind_text(st, 6, ev->secret);
	db_bind_text(st, 7, ev->peer);
	(void)sqlite3_bind_int64(st, 8, ev->received_at_ms);
	(void)sqlite3_bind_int64(st, 9, (int64_t)ev->body_len);
	db_bind_text(st, 10, ev->scope);
	db_bind_text(st, 11, store_origin_name(ev->origin));
	if (repeat_of != 0)
		(void)sqlite3_bind_int64(st, 12, repeat_of);
	if (ev->came_at.ms != 0)
		(void)sqlite3_bind_int64(st, 13, ev->came_at.ms);
	(void)sqlite3_bind_int(st, 14, ev->date_doubted);
	db_bind_text(st, 15, ev->endpoint);
	/* Repeats anybody can make, who has seen a delivery. */
	if (repeat_of == 0 && ev->header_set != 0)
		(void)sqlite3_bind_int64(st, 16, ev->header_set);
	if (repeat_of == 0)
		db_bind_text(st, 17, ev->own_headers);
	db_bind_text(st, 18, ev->answers);
	return (db_run(db, st));
}

static int
events_insert_body(struct db *db, const struct store_event *ev, int64_t id)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_BODY_INSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, id);
	(void)sqlite3_bind_blob64(st, 2, ev->body != NULL ? ev->body : "",
	    ev->body != NULL ? ev->body_len : 0, SQLITE_STATIC);
	return (db_run(db, st));
}

static int
events_insert_orders(struct db *db, const struct store_event *ev, int64_t id)
{
	sqlite3_stmt *st;
	int rc = SQLITE_OK;

	for (size_t i = 0; i < ev->norders && rc == SQLITE_OK; i++) {
		const struct store_order *o = &ev->orders[i];

		st = db_stmt(db, SQL_EVENT_ORDER_INSERT);
		if (st == NULL)
			return (sqlite3_extended_errcode(db->conn));
		(void)sqlite3_bind_int64(st, 1, id);
		(void)sqlite3_bind_int64(st, 2, o->place);
		db_bind_text(st, 3, o->order_id);
		db_bind_text(st, 4, o->status);
		db_bind_text(st, 5, o->updated_at);
		db_bind_text(st, 6, o->external_id);
		db_bind_text(st, 7, ev->scope);
		rc = db_run(db, st);
	}
	return (rc);
}

/*
 * Does the stored event, a row of SQL_EVENT_FIND, have another body than ev?
 * The digests answer it if one secret made both; else the bytes do, as long
 * as they are there.
 */
static bool
events_differ(sqlite3_stmt *st, const struct store_event *ev)
{
	const void *digest = sqlite3_column_blob(st, 1);
	const char *secret = (const char *)sqlite3_column_text(st, 2);
	const void *body;
	int len;

	if (ev->secret != NULL &&
	    sqlite3_column_bytes(st, 1) == (int)sizeof(ev->digest) &&
	    memcmp(digest, ev->digest, sizeof(ev->digest)) == 0)
		return (false);
	if (secret != NULL && ev->secret != NULL &&
	    strcmp(secret, ev->secret) == 0)
		return (true);
	body = sqlite3_column_blob(st, 3);
	len = sqlite3_column_bytes(st, 3);
	return (body == NULL || ev->body == NULL ||
		(size_t)len != ev->body_len ||
		memcmp(body, ev->body, ev->body_len) != 0);
}

/* The event is there already: count it. */
static int
events_again(struct db *db, struct store_op *op)
{
	const struct store_event *ev = op->in.append.ev;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_EVENT_FIND)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, ev->event_id);
	db_bind_text(st, 2, ev->scope);
	if ((rc = sqlite3_step(st)) != SQLITE_ROW) {
		(void)sqlite3_reset(st);
		return (rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
	}
	op->res.rc = STORE_EXISTS;
	op->res.id = sqlite3_column_int64(st, 0);
	op->res.conflict = events_differ(st, ev);
	(void)sqlite3_reset(st);

	if (flood_left(&db->again, ev->received_at_ms) <= 0)
		return (SQLITE_OK);
	db->again.left--;
	if ((st = db_stmt(db, SQL_EVENT_AGAIN)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->res.id);
	(void)sqlite3_bind_int64(st, 2, ev->received_at_ms);
	return (db_run(db, st));
}

int
events_append(struct db *db, struct store_op *op)
{
	const struct store_event *ev = op->in.append.ev;
	int64_t id, repeat_of = 0;
	int rc;

	if ((rc = repeats_find(db, op, &repeat_of)) != SQLITE_OK ||
	    (rc = events_insert(db, ev, repeat_of)) != SQLITE_OK)
		return (rc);
	if (sqlite3_changes(db->conn) == 0)
		return (events_again(db, op));
	id = sqlite3_last_insert_rowid(db->conn);
	op->res.rc = STORE_OK;
	op->res.id = id;
	op->res.repeat_of = repeat_of;
	if (repeat_of == 0 &&
	    ((rc = headers_keep(db, ev)) != SQLITE_OK ||
		(rc = events_insert_body(db, ev, id)) != SQLITE_OK ||
		(rc = events_insert_orders(db, ev, id)) != SQLITE_OK))
		return (rc);
	return (jobs_make(db, op));
}

/* The orders of an event, which are those of its source, into a. */
static int
events_load_orders(struct db *db, struct arena *a,
    const struct events_want *want, struct store_event *ev)
{
	struct store_order *orders = NULL, *more;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_EVENT_ORDERS_LOAD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, events_source(ev));
	(void)sqlite3_bind_int64(st, 2, want->place);
	(void)sqlite3_bind_int64(st, 3,
	    want->part == EVENTS_BRIEF ? STORE_BRIEF_MAX : -1);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (n == room) {
			room = room == 0 ? 4 : room * 2;
			more = arena_array(a, room, sizeof(*more));
			if (more == NULL) {
				rc = SQLITE_NOMEM;
				break;
			}
			if (n > 0)
				memcpy(more, orders, n * sizeof(*more));
			orders = more;
		}
		orders[n].place = sqlite3_column_int(st, 0);
		if (db_column_text(st, 1, a, &orders[n].order_id) == -1 ||
		    db_column_text(st, 2, a, &orders[n].status) == -1 ||
		    db_column_text(st, 3, a, &orders[n].updated_at) == -1 ||
		    db_column_text(st, 4, a, &orders[n].external_id) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n++;
	}
	(void)sqlite3_reset(st);
	ev->orders = orders;
	ev->norders = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
events_load_body(struct db *db, struct store_event *ev)
{
	sqlite3_stmt *st;
	const void *body;
	size_t len;
	int rc;

	if (ev->body != NULL)
		return (SQLITE_OK);
	if ((st = db_stmt(db, SQL_BODY_LOAD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, events_source(ev));
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		body = sqlite3_column_blob(st, 0);
		len = (size_t)sqlite3_column_bytes(st, 0);
		/* One byte more: an empty body is there, not absent. */
		if ((ev->body = malloc(len + 1)) == NULL) {
			rc = SQLITE_NOMEM;
		} else {
			if (len > 0)
				memcpy(ev->body, body, len);
			ev->body_len = len;
		}
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* The row of an event, its texts copied to a. SQLITE_ROW: found. */
static int
events_load_row(struct db *db, struct arena *a, int64_t id,
    struct store_event *ev)
{
	const char *origin;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_EVENT_LOAD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		ev->id = id;
		origin = (const char *)sqlite3_column_text(st, 11);
		if (origin == NULL ||
		    store_origin_parse(origin, &ev->origin) == -1)
			rc = SQLITE_CORRUPT;
		if (db_column_text(st, 1, a, &ev->event_id) == -1 ||
		    db_column_text(st, 10, a, &ev->scope) == -1 ||
		    db_column_text(st, 2, a, &ev->type) == -1 ||
		    db_column_text(st, 3, a, &ev->brand) == -1 ||
		    db_column_text(st, 4, a, &ev->branch) == -1 ||
		    db_column_text(st, 6, a, &ev->secret) == -1 ||
		    db_column_text(st, 7, a, &ev->peer) == -1 ||
		    db_column_text(st, 14, a, &ev->original) == -1 ||
		    db_column_text(st, 16, a, &ev->endpoint) == -1)
			rc = SQLITE_NOMEM;
		if (sqlite3_column_bytes(st, 5) == (int)sizeof(ev->digest))
			memcpy(ev->digest, sqlite3_column_blob(st, 5),
			    sizeof(ev->digest));
		ev->received_at_ms = sqlite3_column_int64(st, 8);
		ev->body_len = (size_t)sqlite3_column_int64(st, 9);
		ev->repeat_of = sqlite3_column_int64(st, 12);
		ev->came_at.ms = sqlite3_column_int64(st, 13);
		ev->date_doubted = sqlite3_column_int(st, 15) != 0;
	}
	(void)sqlite3_reset(st);
	return (rc);
}

int
events_load(struct db *db, struct store_op *op, int64_t id,
    const struct events_want *want, struct store_event **ret_ev)
{
	struct store_event ev = { 0 };
	struct store_event *copy;
	struct arena a = { 0 };
	int rc;

	rc = events_load_row(db, &a, id, &ev);
	if (rc == SQLITE_ROW)
		rc = events_load_orders(db, &a, want, &ev);
	if (rc == SQLITE_OK && want->part == EVENTS_WHOLE)
		rc = events_load_body(db, &ev);
	if (rc == SQLITE_OK) {
		if ((copy = store_event_new(&ev)) == NULL) {
			free(ev.body);
			rc = SQLITE_NOMEM;
		} else {
			copy->id = id;
			*ret_ev = copy;
			if (store_op_keep(op, copy) == -1)
				rc = SQLITE_NOMEM;
		}
	}
	arena_fini(&a);
	return (rc);
}
