/*
 * Header fields of accepted deliveries: a set of them is written when an event
 * has it for the first time, and for the second, and then once an hour. So it
 * is known to be old without a look at its events, and which sets one event has
 * alone.
 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/headers.h"
#include "store/sqlite/sqlite.h"

#define USED_EVERY_MS (60 * 60 * 1000) /* as in 017_arrivals.sql */

void
headers_forget(struct db *db)
{
	memset(&db->headers, 0, sizeof(db->headers));
}

static int64_t
came_ms(const struct store_event *ev)
{
	return (ev->came_at.ms != 0 ? ev->came_at.ms : ev->received_at_ms);
}

/* Is the set there, shared, and used within the hour? */
static bool
headers_known(const struct db *db, const struct store_event *ev)
{
	for (size_t i = 0; i < DB_HEADERS_MAX; i++) {
		const struct db_header_set *set = &db->headers.sets[i];

		if (set->id == ev->header_set)
			return (
			    ev->received_at_ms - set->used_ms < USED_EVERY_MS &&
			    came_ms(ev) - set->came_ms < USED_EVERY_MS);
	}
	return (false);
}

static void
headers_note(struct db *db, const struct db_header_set *set)
{
	struct db_headers *h = &db->headers;
	size_t at = h->next % DB_HEADERS_MAX;

	for (size_t i = 0; i < DB_HEADERS_MAX; i++) {
		if (h->sets[i].id == set->id)
			at = i;
	}
	if (at == h->next % DB_HEADERS_MAX)
		h->next++;
	h->sets[at] = *set;
}

int
headers_keep(struct db *db, const struct store_event *ev)
{
	struct db_header_set set = { .id = ev->header_set };
	sqlite3_stmt *st;
	int rc;

	if (ev->header_set == 0 || ev->headers == NULL || headers_known(db, ev))
		return (SQLITE_OK);
	if ((st = db_stmt(db, SQL_HEADERS_KEEP)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, ev->header_set);
	db_bind_text(st, 2, ev->headers);
	(void)sqlite3_bind_int64(st, 3, ev->received_at_ms);
	(void)sqlite3_bind_int64(st, 4, came_ms(ev));
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		set.used_ms = sqlite3_column_int64(st, 0);
		set.came_ms = sqlite3_column_int64(st, 1);
		if (sqlite3_column_int(st, 2) != 0)
			headers_note(db, &set);
		rc = sqlite3_step(st);
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
headers_purge(struct db *db, const struct purge_age *age, bool *ret_some)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_PURGE_HEADERS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, age->before_ms);
	(void)sqlite3_bind_int64(st, 3, age->from_ms);
	(void)sqlite3_bind_int64(st, 4, age->came_before.ms);
	rc = db_run(db, st);
	if (rc == SQLITE_OK && sqlite3_changes(db->conn) > 0) {
		headers_forget(db);
		*ret_some = true;
	}
	return (rc);
}

int
headers_purge_own(struct db *db, int64_t event)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_PURGE_OWN_HEADERS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, event);
	rc = db_run(db, st);
	if (rc == SQLITE_OK && sqlite3_changes(db->conn) > 0)
		headers_forget(db);
	return (rc);
}

int
headers_load(struct db *db, struct store_event *ev)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_HEADERS_LOAD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, ev->id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(st, 0);

		free(ev->headers);
		if (text == NULL || (ev->headers = strdup(text)) == NULL) {
			ev->headers = NULL;
			rc = SQLITE_NOMEM;
		}
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
headers_arrival(struct db *db, struct store_op *op)
{
	struct store_arrival *arrival = &op->arrival;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_EVENT_ARRIVAL)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, op->in.event);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		arrival->answered =
		    store_answers_find((const char *)sqlite3_column_text(st, 2),
			op->in.event, &arrival->answer) == 0;
		if (db_column_text(st, 0, &op->res_mem, &arrival->headers) ==
			-1 ||
		    db_column_text(st, 1, &op->res_mem,
			&arrival->own_headers) == -1)
			rc = SQLITE_NOMEM;
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}
