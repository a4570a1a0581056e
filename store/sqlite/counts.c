/* What was counted: added to the rows that are there, in both steps. */
#include <string.h>

#include "store/sqlite/lists.h"

/* In one commit: what was not written for long goes in several. */
#define COUNTS_DELETE_MAX 500

/* Add to it what its row has; one that has none may have none of its own. */
static int
counts_load(struct db *db, enum store_count_step step, struct store_count *c,
    bool *ret_found)
{
	struct store_count had = { .kind = c->kind };
	sqlite3_stmt *st;
	int rc;

	*ret_found = false;
	if ((st = db_stmt(db, SQL_COUNT_FIND)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, store_count_step_ms(step));
	(void)sqlite3_bind_int64(st, 2, c->at_ms);
	db_bind_text(st, 3, store_count_kind_name(c->kind));
	db_bind_text(st, 4, c->name);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		store_count_parse((const char *)sqlite3_column_text(st, 0),
		    had.numbers);
		had.peak = sqlite3_column_int64(st, 1);
		store_count_add(c, &had);
		*ret_found = true;
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* How many names have rows of that time and kind. */
static int
counts_names(struct db *db, enum store_count_step step,
    const struct store_count *c, int64_t *ret_n)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_COUNT_NAMES)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, store_count_step_ms(step));
	(void)sqlite3_bind_int64(st, 2, c->at_ms);
	db_bind_text(st, 3, store_count_kind_name(c->kind));
	rc = sqlite3_step(st);
	*ret_n = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW ? SQLITE_OK : rc);
}

static int
counts_put(struct db *db, enum store_count_step step,
    const struct store_count *c)
{
	char text[STORE_COUNT_TEXT_MAX];
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_COUNT_PUT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	store_count_print(c->numbers, text);
	(void)sqlite3_bind_int64(st, 1, store_count_step_ms(step));
	(void)sqlite3_bind_int64(st, 2, c->at_ms);
	db_bind_text(st, 3, store_count_kind_name(c->kind));
	db_bind_text(st, 4, c->name);
	db_bind_text(st, 5, text);
	(void)sqlite3_bind_int64(st, 6, c->peak);
	return (db_run(db, st));
}

static int
counts_add(struct db *db, enum store_count_step step,
    const struct store_count *more)
{
	int64_t most = store_count_names(more->kind, step), n = 0;
	struct store_count c = *more;
	bool found;
	int rc;

	if (most == 0)
		return (SQLITE_OK);
	c.at_ms = store_count_begin_ms(step, c.at_ms);
	if ((rc = counts_load(db, step, &c, &found)) != SQLITE_OK)
		return (rc);
	if (!found && (rc = counts_names(db, step, &c, &n)) != SQLITE_OK)
		return (rc);
	if (!found && n >= most) {
		c.name = STORE_COUNT_REST;
		if ((rc = counts_load(db, step, &c, &found)) != SQLITE_OK)
			return (rc);
	}
	return (counts_put(db, step, &c));
}

/* What is older than it is to be kept, or dated by a clock that was wrong. */
static int
counts_delete(struct db *db, enum store_count_step step, int64_t now_ms)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_COUNT_DELETE_OLD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, store_count_step_ms(step));
	(void)sqlite3_bind_int64(st, 2,
	    store_count_begin_ms(STORE_COUNT_HOUR, now_ms) -
		store_count_keep_ms(step));
	(void)sqlite3_bind_int64(st, 3, COUNTS_DELETE_MAX);
	if ((rc = db_run(db, st)) != SQLITE_OK)
		return (rc);
	if ((st = db_stmt(db, SQL_COUNT_DELETE_AHEAD)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, store_count_step_ms(step));
	(void)sqlite3_bind_int64(st, 2, now_ms + STORE_COUNT_AHEAD_MS);
	(void)sqlite3_bind_int64(st, 3, COUNTS_DELETE_MAX);
	return (db_run(db, st));
}

int
counts_write(struct db *db, struct store_op *op)
{
	int rc = SQLITE_OK;

	for (int step = 0; step < STORE_COUNT_NSTEPS; step++) {
		for (size_t i = 0; i < op->in.counts.n && rc == SQLITE_OK; i++)
			rc = counts_add(db, (enum store_count_step)step,
			    &op->in.counts.list[i]);
		if (rc == SQLITE_OK && op->in.counts.sweep)
			rc = counts_delete(db, (enum store_count_step)step,
			    op->in.counts.now_ms);
	}
	return (rc);
}

/* Of a word that no klikitd has written nothing is shown. */
static int
counts_row(sqlite3_stmt *st, struct arena *a, struct store_count *c,
    bool *ret_known)
{
	const char *word = (const char *)sqlite3_column_text(st, 1);

	*ret_known = store_count_kind_parse(word, &c->kind) == 0;
	c->at_ms = sqlite3_column_int64(st, 0);
	store_count_parse((const char *)sqlite3_column_text(st, 3), c->numbers);
	c->peak = sqlite3_column_int64(st, 4);
	return (db_column_text(st, 2, a, &c->name));
}

int
counts_list(struct db *db, struct store_op *op)
{
	struct store_count *rows = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *st;
	bool known;
	int rc;

	if ((st = db_stmt(db, SQL_COUNT_LIST)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1,
	    store_count_step_ms(op->in.counted.step));
	(void)sqlite3_bind_int64(st, 2, op->in.counted.from_ms);
	(void)sqlite3_bind_int64(st, 3, op->in.counted.to_ms);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows = arena_more(&op->res_mem, rows, n, &room, sizeof(*rows));
		if (rows == NULL ||
		    counts_row(st, &op->res_mem, &rows[n], &known) == -1) {
			rc = SQLITE_NOMEM;
			break;
		}
		n += known;
	}
	(void)sqlite3_reset(st);
	op->counts = rows;
	op->nrows = n;
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}
