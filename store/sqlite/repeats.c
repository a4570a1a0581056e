/*
 * Repeats: klikit signs a body, not the event's id, so that anyone who has seen
 * a delivery can send it again under another id; and klikit's operator does so
 * for what has failed. A repeat has the bytes and the type of an event of the
 * same orders that is not too old and whose bytes are kept. It is found by
 * walking back through those orders' events.
 *
 * A repeat has a row in `events', jobs and lanes of its own. It has none in
 * `event_orders': so a flood of repeats does not bury the events that are
 * looked at here, and a repeat of a repeat points to the original. What is read
 * of its orders and its body is the original's.
 *
 * A body says what happened at some time. If no order in it has one, the same
 * bytes may be true twice: a cart that is changed and changed back. So then it
 * is a repeat only while no other version of its orders came in between.
 */
#include <string.h>

#include "store/sqlite/sqlite.h"

#define REPEATS_LOOK 64 /* events of an order that are looked at */

/* What is looked for among the events of one order. */
struct look {
	const struct store_event *ev;
	int64_t from_ms;  /* not before then, by the steady clock */
	int64_t after;    /* only events after this one */
	int64_t repeated; /* has those bytes and that type; 0: none was found */
	bool others;      /* other bytes were found */
	size_t n;         /* how many were looked at */
};

/* Is that event's body, which another secret has signed, the same? */
static int
repeats_compare_bodies(struct db *db, const struct store_event *ev, int64_t id,
    bool *ret_same)
{
	sqlite3_stmt *st;
	int rc;

	*ret_same = false;
	if ((st = db_stmt(db, SQL_BODY_LOAD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const void *body = sqlite3_column_blob(st, 0);

		*ret_same =
		    (size_t)sqlite3_column_bytes(st, 0) == ev->body_len &&
		    (ev->body_len == 0 ||
			memcmp(body, ev->body, ev->body_len) == 0);
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Has the event of this row of SQL_REPEAT_LOOK the bytes of ev? */
static int
repeats_compare(struct db *db, const struct store_event *ev, int64_t id,
    sqlite3_stmt *st, bool *ret_same)
{
	const char *secret = (const char *)sqlite3_column_text(st, 1);

	*ret_same = sqlite3_column_bytes(st, 0) == (int)sizeof(ev->digest) &&
		    memcmp(sqlite3_column_blob(st, 0), ev->digest,
			sizeof(ev->digest)) == 0;
	if (*ret_same || secret == NULL || strcmp(secret, ev->secret) == 0 ||
	    (size_t)sqlite3_column_int64(st, 3) != ev->body_len)
		return (SQLITE_OK);
	return (repeats_compare_bodies(db, ev, id, ret_same));
}

static int
repeats_look_at(struct db *db, struct look *look, int64_t id)
{
	sqlite3_stmt *st;
	const char *type;
	bool same = false;
	int rc;

	if ((st = db_stmt(db, SQL_REPEAT_LOOK)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		type = (const char *)sqlite3_column_text(st, 2);
		rc = repeats_compare(db, look->ev, id, st, &same);
		if (!same)
			look->others = true;
		else if (type != NULL && strcmp(type, look->ev->type) == 0 &&
			 sqlite3_column_int64(st, 4) >= look->from_ms &&
			 sqlite3_column_int(st, 5) != 0)
			look->repeated = id;
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Walk back through the order's events, up to one with the same bytes. */
static int
repeats_walk(struct db *db, const struct store_order *order, struct look *look)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_REPEAT_EVENTS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, order->order_id);
	db_bind_text(st, 2, look->ev->scope);
	(void)sqlite3_bind_int64(st, 3, look->after);
	look->repeated = 0;
	look->n = 0;
	while (look->repeated == 0 && look->n < REPEATS_LOOK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		look->n++;
		rc = repeats_look_at(db, look, sqlite3_column_int64(st, 0));
		if (rc != SQLITE_OK)
			break;
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Has another version of one of the orders come since then? */
static int
repeats_others_since(struct db *db, const struct store_event *ev, int64_t since,
    bool *ret_others)
{
	/* None is repeated: nothing came in so late. */
	struct look look = { .ev = ev, .from_ms = INT64_MAX, .after = since };
	int rc = SQLITE_OK;

	for (size_t i = 0; i < ev->norders && !look.others && rc == SQLITE_OK;
	     i++)
		rc = repeats_walk(db, &ev->orders[i], &look);
	*ret_others = look.others;
	return (rc);
}

int
repeats_find(struct db *db, const struct store_op *op, int64_t *ret_repeat_of)
{
	const struct store_event *ev = op->in.append.ev;
	int64_t came_ms =
	    ev->came_at.ms != 0 ? ev->came_at.ms : ev->received_at_ms;
	struct look look = { .ev = ev,
		.from_ms = came_ms - op->in.append.repeat_window_ms,
		.n = REPEATS_LOOK };
	bool others = false;
	int rc = SQLITE_OK;

	*ret_repeat_of = 0;
	if (op->in.append.repeat_window_ms == 0 || ev->secret == NULL)
		return (SQLITE_OK);
	/* The next order only if of this one there may be more. */
	for (size_t i = 0; i < ev->norders && look.repeated == 0 &&
			   look.n == REPEATS_LOOK && rc == SQLITE_OK;
	     i++)
		rc = repeats_walk(db, &ev->orders[i], &look);
	if (rc != SQLITE_OK || look.repeated == 0)
		return (rc);
	if (!store_event_has_time(ev))
		rc = repeats_others_since(db, ev, look.repeated, &others);
	if (rc == SQLITE_OK && !others)
		*ret_repeat_of = look.repeated;
	return (rc);
}

int
repeats_stands(struct db *db, const struct lanes_job *job, int64_t *ret_by)
{
	sqlite3_stmt *st;
	int rc;

	*ret_by = 0;
	if ((st = db_stmt(db, SQL_REPEAT_STANDS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, job->source);
	(void)sqlite3_bind_int64(st, 2, job->event);
	(void)sqlite3_bind_int64(st, 3, job->handler);
	(void)sqlite3_bind_int64(st, 4, job->place);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		*ret_by = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}
