/*
 * Struct store_move_ops: rows out of the file, and into it. The statements are
 * made from the tables' description, one for each piece.
 */
#include <stdio.h>
#include <string.h>

#include "store/move/rows.h"
#include "store/sqlite/sqlite.h"

#define SQL_MAX 1024
#define LOG_PAGES 4096 /* then the log is copied to the file */

/* -- Statements -- */

/* Append the first n columns' names, each with `end' after it. */
static char *
sql_columns(char *p, const struct move_table *t, size_t n, const char *end)
{
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "%s%s%s", i > 0 ? ", " : "", t->columns[i].name,
		    end);
	return (p);
}

static char *
sql_places(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p = stpcpy(p, i > 0 ? ", ?" : "?");
	return (p);
}

static void
sql_read(char sql[SQL_MAX], const struct move_table *t, bool after)
{
	char *p = stpcpy(sql, "SELECT ");

	p = sql_columns(p, t, move_table_columns(t), "");
	p += sprintf(p, " FROM %s", t->name);
	if (after) {
		p = sql_columns(stpcpy(p, " WHERE ("), t, t->nkeys, "");
		p = sql_places(stpcpy(p, ") > ("), t->nkeys);
		p = stpcpy(p, ")");
	}
	p = sql_columns(stpcpy(p, " ORDER BY "), t, t->nkeys, "");
	(void)sprintf(p, " LIMIT %d", MOVE_ROWS_AT_ONCE);
}

static void
sql_last(char sql[SQL_MAX], const struct move_table *t)
{
	char *p = sql_columns(stpcpy(sql, "SELECT "), t, t->nkeys, "");

	p += sprintf(p, " FROM %s ORDER BY ", t->name);
	p = sql_columns(p, t, t->nkeys, " DESC");
	(void)strcpy(p, " LIMIT 1");
}

static void
sql_write(char sql[SQL_MAX], const struct move_table *t)
{
	size_t n = move_table_columns(t);
	char *p = sql + sprintf(sql, "INSERT INTO %s (", t->name);

	p = stpcpy(sql_columns(p, t, n, ""), ") VALUES (");
	(void)strcpy(sql_places(p, n), ")");
}

/* -- Values -- */

/* Give the statement the first n values at p. Returns how long they are. */
static size_t
bind(sqlite3_stmt *st, const unsigned char *p, size_t left, size_t n)
{
	struct move_value v;
	size_t at = 0;

	for (int i = 1; i <= (int)n; i++) {
		at += move_get(p + at, left - at, &v);
		switch (v.kind) {
		case MOVE_IS_NULL:
			(void)sqlite3_bind_null(st, i);
			break;
		case MOVE_IS_INT:
			(void)sqlite3_bind_int64(st, i, v.number);
			break;
		case MOVE_IS_TEXT:
			(void)sqlite3_bind_text64(st, i, v.p, v.len,
			    SQLITE_STATIC, SQLITE_UTF8);
			break;
		case MOVE_IS_BYTES:
			(void)sqlite3_bind_blob64(st, i, v.p, v.len,
			    SQLITE_STATIC);
			break;
		}
	}
	return (at);
}

/* Put the row that the statement is at. */
static void
put_row(struct move_rows *rows, sqlite3_stmt *st)
{
	for (int i = 0; i < sqlite3_column_count(st); i++) {
		const void *p;

		switch (sqlite3_column_type(st, i)) {
		case SQLITE_NULL:
			move_put_null(rows);
			break;
		case SQLITE_INTEGER:
			move_put_int(rows, sqlite3_column_int64(st, i));
			break;
		case SQLITE_TEXT:
			p = sqlite3_column_text(st, i);
			move_put_text(rows, p,
			    (size_t)sqlite3_column_bytes(st, i));
			break;
		default:
			p = sqlite3_column_blob(st, i);
			move_put_bytes(rows, p,
			    (size_t)sqlite3_column_bytes(st, i));
			break;
		}
	}
	rows->n++;
}

/* -- The members -- */

static enum store_rc
move_rc(struct sqlite_store *s, int rc, char *reason)
{
	return (
	    rc == SQLITE_OK ? STORE_OK : db_reason(&s->writer, s, rc, reason));
}

/* The rows that sql finds behind that key. */
static enum store_rc
move_query(struct sqlite_store *s, const char *sql, const struct move_table *t,
    const struct move_rows *key, struct move_rows *rows, char *reason)
{
	sqlite3_stmt *st;
	int rc;

	rc = sqlite3_prepare_v2(s->writer.conn, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return (move_rc(s, rc, reason));
	if (key->len > 0)
		(void)bind(st, key->bytes, key->len, t->nkeys);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && !rows->failed) {
		put_row(rows, st);
		if (rows->len >= MOVE_BYTES_AT_ONCE)
			break;
	}
	(void)sqlite3_finalize(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? STORE_OK
						      : move_rc(s, rc, reason));
}

/* Nobody else writes to it from here on: a shell might. */
static enum store_rc
move_facts(void *be, struct store_move_facts *ret, char *reason)
{
	struct sqlite_store *s = be;
	struct store_op op = { 0 };
	int rc;

	rc = db_exec(&s->writer, SQL_BEGIN);
	if (rc == SQLITE_OK)
		rc = schema_is_moved(&s->writer, &ret->moved);
	if (rc == SQLITE_OK)
		rc = clock_get(&s->writer, &op);
	if (rc == SQLITE_OK)
		rc = db_int(&s->writer, "SELECT rejected_bytes FROM store",
		    &ret->rejected_bytes);
	ret->clock = op.in.clock;
	return (move_rc(s, rc, reason));
}

static enum store_rc
move_count(void *be, const struct move_table *t, int64_t *ret_n, char *reason)
{
	struct sqlite_store *s = be;
	char sql[SQL_MAX];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", t->name);
	return (move_rc(s, db_int(&s->writer, sql, ret_n), reason));
}

static enum store_rc
move_last(void *be, const struct move_table *t, struct move_rows *key,
    char *reason)
{
	const struct move_rows none = { 0 };
	char sql[SQL_MAX];

	sql_last(sql, t);
	return (move_query(be, sql, t, &none, key, reason));
}

static enum store_rc
move_read(void *be, const struct move_table *t, const struct move_rows *key,
    struct move_rows *rows, char *reason)
{
	char sql[SQL_MAX];

	sql_read(sql, t, key->len > 0);
	return (move_query(be, sql, t, key, rows, reason));
}

static int
move_insert(struct sqlite_store *s, const struct move_table *t,
    const struct move_rows *rows)
{
	size_t n = move_table_columns(t), at = 0;
	sqlite3_stmt *st;
	char sql[SQL_MAX];
	int rc;

	sql_write(sql, t);
	rc = sqlite3_prepare_v2(s->writer.conn, sql, -1, &st, NULL);
	while (rc == SQLITE_OK && at < rows->len) {
		at += bind(st, rows->bytes + at, rows->len - at, n);
		rc = db_run(&s->writer, st);
	}
	(void)sqlite3_finalize(st);
	return (rc);
}

/* End the transaction; a failure's code is kept. */
static int
move_commit(struct sqlite_store *s, int rc)
{
	if (rc == SQLITE_OK)
		rc = db_exec(&s->writer, SQL_COMMIT);
	if (rc != SQLITE_OK && sqlite3_get_autocommit(s->writer.conn) == 0)
		(void)db_exec(&s->writer, SQL_ROLLBACK);
	return (rc);
}

static enum store_rc
move_write(void *be, const struct move_table *t, const struct move_rows *rows,
    char *reason)
{
	struct sqlite_store *s = be;
	int rc;

	if ((rc = db_exec(&s->writer, SQL_BEGIN)) == SQLITE_OK)
		rc = move_commit(s, move_insert(s, t, rows));
	if (rc == SQLITE_OK && s->writer.wal_pages > LOG_PAGES)
		rc = scrub_log(s, SQLITE_CHECKPOINT_TRUNCATE);
	return (move_rc(s, rc == SQLITE_BUSY ? SQLITE_OK : rc, reason));
}

/* A new store's clock goes on where the old one's was. */
static int
move_set_facts(struct sqlite_store *s, const struct store_move_facts *facts)
{
	struct store_op op = { .in.clock = facts->clock };
	char sql[SQL_MAX];
	int rc;

	if ((rc = clock_note(&s->writer, &op)) != SQLITE_OK)
		return (rc);
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE store SET rejected_bytes = %lld",
	    (long long)facts->rejected_bytes);
	return (sqlite3_exec(s->writer.conn, sql, NULL, NULL, NULL));
}

static enum store_rc
move_end(void *be, const struct store_move_facts *facts, char *reason)
{
	struct sqlite_store *s = be;
	int rc = SQLITE_OK;

	if (s->moving != STORE_MOVING_FROM) /* that is in one already */
		rc = db_exec(&s->writer, SQL_BEGIN);
	if (rc == SQLITE_OK && facts != NULL)
		rc = move_set_facts(s, facts);
	if (rc == SQLITE_OK)
		rc = schema_mark(&s->writer, s->moving == STORE_MOVING_FROM
						 ? STORE_MOVING_FROM
						 : STORE_MOVING_NOT);
	rc = move_commit(s, rc);
	/* What looks at the file's first bytes alone sees it, too. */
	if (rc == SQLITE_OK)
		(void)scrub_log(s, SQLITE_CHECKPOINT_TRUNCATE);
	return (move_rc(s, rc, reason));
}

const struct store_move_ops sqlite_move_ops = {
	.facts = move_facts,
	.count = move_count,
	.last = move_last,
	.read = move_read,
	.write = move_write,
	.end = move_end,
};
