/*
 * Struct store_move_ops: rows out of the database, and into it. Who is kept
 * out, and how, stands in schema/008_moving.sql; statements that read and write
 * rows are made from the tables' description.
 *
 * A source is read in one transaction that has locked all of it against
 * writing, so its rows stay as they are; the mark is set where it ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/move/rows.h"
#include "store/postgres/backend.h"
#include "store/postgres/row.h"

/* Autovacuum gives way to whoever waits for a table, but only after a second.
 */
#define BEGIN_FROM "BEGIN; SET LOCAL lock_timeout = '10s'"

/*
 * Rows are read along the keys: a plan that was made while a table was empty
 * would sort all that is left, for each piece.
 */
#define ALONG_KEYS "SET enable_sort = off; SET enable_bitmapscan = off"

#define SQL_MAX 2048

static const struct pg_statement refuse_moved = { "refuse_moved",
	"SELECT refuse_moved()" };
static const struct pg_statement move_from = { "move_from",
	"SELECT move_from()" };
static const struct pg_statement move_to = { "move_to", "SELECT move_to()" };
static const struct pg_statement move_shift = { "move_shift",
	"SELECT move_shift($1::int8)" };
static const struct pg_statement move_facts = { "move_facts",
	"SELECT clock_ms(), rejected_bytes FROM store" };
static const struct pg_statement move_done = { "move_done",
	"SELECT move_done($1::int8)" };
static const struct pg_statement move_back = { "move_back",
	"SELECT move_back()" };

/* -- Statements about a table -- */

enum move_sql { SQL_COUNT, SQL_LAST, SQL_READ, SQL_READ_AFTER, SQL_WRITE };
#define MOVE_SQLS 5

/* One that was made: a connection knows it by its address. */
struct move_statement {
	struct pg_statement s;
	char name[48];
	char text[SQL_MAX];
};

struct pg_move {
	bool moved; /* as struct store_move_facts */
	struct move_statement made[MOVE_TABLES][MOVE_SQLS];
};

static const char *
cast_of(const struct move_column *c)
{
	switch (c->type) {
	case MOVE_INT:
	case MOVE_BOOL:
		return ("int8");
	case MOVE_TEXT:
		return ("text");
	case MOVE_BYTES:
		break;
	}
	return ("bytea");
}

/* The first n columns' names, each with `end' after it. */
static char *
sql_columns(char *p, const struct move_table *t, size_t n, const char *end)
{
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "%s%s%s", i > 0 ? ", " : "", t->columns[i].name,
		    end);
	return (p);
}

/* $1::int8, $2::text and so on; of arrays if `of' is "[]". */
static char *
sql_places(char *p, const struct move_table *t, size_t n, const char *of)
{
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "%s$%zu::%s%s", i > 0 ? ", " : "", i + 1,
		    cast_of(&t->columns[i]), of);
	return (p);
}

/* How long a row is, as far as that varies; without a large value read. */
static char *
sql_length(char *p, const struct move_table *t)
{
	p = stpcpy(p, "0");
	for (const struct move_column *c = t->columns; c->name != NULL; c++)
		if (c->type == MOVE_TEXT || c->type == MOVE_BYTES)
			p += sprintf(p, " + coalesce(octet_length(%s), 0)",
			    c->name);
	return (p);
}

/* Rows as long as those before them do not fill a piece. */
static void
sql_read(char sql[SQL_MAX], const struct move_table *t, bool after)
{
	size_t n = move_table_columns(t);
	char *p = sql_columns(stpcpy(sql, "SELECT "), t, n, "");

	p = sql_columns(stpcpy(p, " FROM (SELECT "), t, n, "");
	p = sql_length(stpcpy(p, ", sum("), t);
	p = sql_columns(stpcpy(p, ") OVER (ORDER BY "), t, t->nkeys, "");
	p = sql_length(stpcpy(p, ") - ("), t);
	p += sprintf(p, ") AS before FROM %s", t->name);
	if (after) {
		p = sql_columns(stpcpy(p, " WHERE ("), t, t->nkeys, "");
		p = sql_places(stpcpy(p, ") > ("), t, t->nkeys, "");
		p = stpcpy(p, ")");
	}
	p = sql_columns(stpcpy(p, " ORDER BY "), t, t->nkeys, "");
	p += sprintf(p, " LIMIT %d) AS x WHERE before < %zu ORDER BY ",
	    MOVE_ROWS_AT_ONCE, MOVE_BYTES_AT_ONCE);
	(void)sql_columns(p, t, t->nkeys, "");
}

static void
sql_last(char sql[SQL_MAX], const struct move_table *t)
{
	char *p = sql_columns(stpcpy(sql, "SELECT "), t, t->nkeys, "");

	p += sprintf(p, " FROM %s ORDER BY ", t->name);
	p = sql_columns(p, t, t->nkeys, " DESC");
	(void)strcpy(p, " LIMIT 1");
}

/* Only into what is being filled. */
static void
sql_write(char sql[SQL_MAX], const struct move_table *t)
{
	size_t n = move_table_columns(t);
	char *p = sql + sprintf(sql, "INSERT INTO %s (", t->name);

	p = sql_columns(p, t, n, "");
	p = stpcpy(p, ") OVERRIDING SYSTEM VALUE SELECT ");
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "%s%s%s", i > 0 ? ", " : "", t->columns[i].name,
		    t->columns[i].type == MOVE_BOOL ? " <> 0" : "");
	p = sql_places(stpcpy(p, " FROM unnest("), t, n, "[]");
	p = sql_columns(stpcpy(p, ") AS x ("), t, n, "");
	(void)strcpy(p, ") WHERE EXISTS (SELECT 1 FROM moving WHERE NOT away)");
}

static const struct pg_statement *
statement(struct pg_store *s, const struct move_table *t, enum move_sql which)
{
	struct move_statement *m = &s->move->made[t - move_tables][which];

	if (m->s.name != NULL)
		return (&m->s);
	switch (which) {
	case SQL_COUNT:
		(void)sprintf(m->text, "SELECT count(*) FROM %s", t->name);
		break;
	case SQL_LAST:
		sql_last(m->text, t);
		break;
	case SQL_READ:
	case SQL_READ_AFTER:
		sql_read(m->text, t, which == SQL_READ_AFTER);
		break;
	case SQL_WRITE:
		sql_write(m->text, t);
		break;
	}
	(void)snprintf(m->name, sizeof(m->name), "move_%s_%d", t->name,
	    (int)which);
	m->s = (struct pg_statement){ m->name, m->text };
	return (&m->s);
}

/* -- Values -- */

/* Put the first n columns of a result's row. */
static void
put_row(struct move_rows *rows, const struct move_table *t, size_t n,
    const PGresult *res, int row)
{
	for (int i = 0; i < (int)n; i++) {
		size_t len = 0;
		const void *p = pg_bytes(res, row, i, &len);

		if (p == NULL) {
			move_put_null(rows);
			continue;
		}
		switch (t->columns[i].type) {
		case MOVE_INT:
			move_put_int(rows, pg_int(res, row, i));
			break;
		case MOVE_BOOL:
			move_put_int(rows, pg_bool(res, row, i));
			break;
		case MOVE_TEXT:
			move_put_text(rows, p, len);
			break;
		case MOVE_BYTES:
			move_put_bytes(rows, p, len);
			break;
		}
	}
	rows->n++;
}

/* The values of a key, in their order. */
static void
key_args(struct pg_args *args, const struct move_rows *key, size_t n)
{
	struct move_value v;
	size_t at = 0;

	for (; n > 0; n--) {
		at += move_get(key->bytes + at, key->len - at, &v);
		if (v.kind == MOVE_IS_INT)
			pg_arg_int(args, v.number);
		else
			pg_arg_bytes(args, v.p, v.len);
	}
}

/* An array of each column. */
static void
rows_args(struct pg_args *args, const struct move_table *t,
    const struct move_rows *rows)
{
	static const enum pg_array types[] = {
		[MOVE_INT] = PG_INT8S,
		[MOVE_BOOL] = PG_INT8S,
		[MOVE_TEXT] = PG_TEXTS,
		[MOVE_BYTES] = PG_BYTES,
	};
	size_t columns = move_table_columns(t), at = 0;
	struct move_value *values, *v;

	values = arena_array(args->mem, rows->n * columns, sizeof(*values));
	if (values == NULL) {
		args->failed = true;
		return;
	}
	for (size_t i = 0; i < rows->n * columns; i++)
		at += move_get(rows->bytes + at, rows->len - at, &values[i]);
	for (size_t i = 0; i < columns; i++) {
		pg_arg_array(args, types[t->columns[i].type], rows->n);
		for (size_t row = 0; row < rows->n; row++) {
			v = &values[row * columns + i];
			if (v->kind == MOVE_IS_INT)
				pg_item_int(args, v->number);
			else
				pg_item_bytes(args,
				    v->kind == MOVE_IS_NULL ? NULL : v->p,
				    v->len);
		}
	}
}

/* -- Beginning -- */

static enum store_rc
move_nomem(char *reason)
{
	(void)snprintf(reason, STORE_REASON_MAX, "out of memory");
	return (STORE_FAILED);
}

/* A statement of which only the first value counts; NULL: none does. */
static enum store_rc
move_ask(struct pg_conn *c, const struct pg_statement *st,
    const struct pg_args *args, int64_t *ret_number, char *reason)
{
	enum store_rc rc;
	PGresult *res;

	if (args != NULL && pg_args_failed(args))
		return (move_nomem(reason));
	if ((rc = pg_query(c, st, args, &res, reason)) != STORE_OK)
		return (rc);
	if (ret_number != NULL)
		*ret_number = pg_int(res, 0, 0);
	PQclear(res);
	/* It may be on no standby: so it does not count. */
	return (pg_warned(c) ? pg_reason(c, reason) : STORE_OK);
}

/* The same with one number. */
static enum store_rc
move_ask_with(struct pg_conn *c, const struct pg_statement *st, int64_t number,
    int64_t *ret_number, char *reason)
{
	struct arena mem = { 0 };
	struct pg_args args;
	enum store_rc rc;

	pg_args_init(&args, &mem);
	pg_arg_int(&args, number);
	rc = move_ask(c, st, &args, ret_number, reason);
	arena_fini(&mem);
	return (rc);
}

static enum store_rc
move_enter_from(struct pg_store *s, char *reason)
{
	enum store_rc rc;
	PGresult *res;

	if ((rc = pg_script(s->conn, BEGIN_FROM, 0, reason)) != STORE_OK ||
	    (rc = pg_query(s->conn, &move_from, NULL, &res, reason)) !=
		STORE_OK)
		return (rc);
	s->move->moved = pg_bool(res, 0, 0);
	PQclear(res);
	return (STORE_OK);
}

enum store_rc
move_look(struct pg_conn *c, char *reason)
{
	return (move_ask(c, &refuse_moved, NULL, NULL, reason));
}

enum store_rc
move_enter(struct pg_store *s, char *reason)
{
	enum store_rc rc;

	if (s->moving == STORE_MOVING_NOT)
		return (move_look(s->conn, reason));
	if (s->move == NULL && (s->move = calloc(1, sizeof(*s->move))) == NULL)
		return (move_nomem(reason));
	if ((rc = pg_script(s->conn, ALONG_KEYS, 0, reason)) != STORE_OK)
		return (rc);
	switch (s->moving) {
	case STORE_MOVING_FROM:
		return (move_enter_from(s, reason));
	case STORE_MOVING_TO:
		return (move_ask(s->conn, &move_to, NULL, NULL, reason));
	case STORE_MOVING_NOT:
	case STORE_MOVING_BACK: /* move_back() looks itself */
		break;
	}
	return (STORE_OK);
}

/* -- The members -- */

static enum store_rc
postgres_facts(void *be, struct store_move_facts *ret, char *reason)
{
	struct pg_store *s = be;
	enum store_rc rc;
	PGresult *res;

	if ((rc = pg_query(s->conn, &move_facts, NULL, &res, reason)) !=
	    STORE_OK)
		return (rc);
	ret->moved = s->move->moved;
	ret->clock.shared = true;
	ret->clock.steady.ms = pg_int(res, 0, 0);
	ret->rejected_bytes = pg_int(res, 0, 1);
	PQclear(res);
	return (STORE_OK);
}

static enum store_rc
postgres_shift(void *be, struct steady_time now, int64_t *ret_ms, char *reason)
{
	struct pg_store *s = be;

	return (move_ask_with(s->conn, &move_shift, now.ms, ret_ms, reason));
}

static enum store_rc
postgres_count(void *be, const struct move_table *t, int64_t *ret_n,
    char *reason)
{
	struct pg_store *s = be;

	return (
	    move_ask(s->conn, statement(s, t, SQL_COUNT), NULL, ret_n, reason));
}

/* The rows of a statement, of n columns each. */
static enum store_rc
put_all(struct pg_store *s, const struct pg_statement *st,
    const struct pg_args *args, const struct move_table *t, size_t n,
    struct move_rows *rows, char *reason)
{
	enum store_rc rc;
	PGresult *res;

	if ((rc = pg_query(s->conn, st, args, &res, reason)) != STORE_OK)
		return (rc);
	for (int row = 0; row < PQntuples(res); row++)
		put_row(rows, t, n, res, row);
	PQclear(res);
	return (STORE_OK);
}

static enum store_rc
postgres_last(void *be, const struct move_table *t, struct move_rows *key,
    char *reason)
{
	return (put_all(be, statement(be, t, SQL_LAST), NULL, t, t->nkeys, key,
	    reason));
}

static enum store_rc
postgres_read(void *be, const struct move_table *t, const struct move_rows *key,
    struct move_rows *rows, char *reason)
{
	size_t n = move_table_columns(t);
	struct arena mem = { 0 };
	struct pg_args args;
	enum store_rc rc;

	if (key->len == 0)
		return (put_all(be, statement(be, t, SQL_READ), NULL, t, n,
		    rows, reason));
	pg_args_init(&args, &mem);
	key_args(&args, key, t->nkeys);
	rc = pg_args_failed(&args)
		 ? move_nomem(reason)
		 : put_all(be, statement(be, t, SQL_READ_AFTER), &args, t, n,
		       rows, reason);
	arena_fini(&mem);
	return (rc);
}

static enum store_rc
postgres_write(void *be, const struct move_table *t,
    const struct move_rows *rows, char *reason)
{
	struct pg_store *s = be;
	struct arena mem = { 0 };
	struct pg_args args;
	PGresult *res = NULL;
	enum store_rc rc;

	pg_args_init(&args, &mem);
	rows_args(&args, t, rows);
	if (pg_args_failed(&args))
		rc = move_nomem(reason);
	else
		rc = pg_query(s->conn, statement(s, t, SQL_WRITE), &args, &res,
		    reason);
	if (rc == STORE_OK && pg_warned(s->conn))
		rc = pg_reason(s->conn, reason);
	if (rc == STORE_OK && strtoull(PQcmdTuples(res), NULL, 10) != rows->n) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: somebody else has ended the move", pg_name(s->conn));
		rc = STORE_REFUSED;
	}
	PQclear(res);
	arena_fini(&mem);
	return (rc);
}

static enum store_rc
postgres_end(void *be, const struct store_move_facts *facts, char *reason)
{
	struct pg_store *s = be;
	enum store_rc rc = STORE_OK;

	switch (s->moving) {
	case STORE_MOVING_FROM:
		rc =
		    pg_script(s->conn, "SELECT move_away(); COMMIT", 0, reason);
		if (rc == STORE_OK && pg_warned(s->conn))
			rc = pg_reason(s->conn, reason);
		break;
	case STORE_MOVING_TO:
		rc = move_ask_with(s->conn, &move_done, facts->rejected_bytes,
		    NULL, reason);
		break;
	case STORE_MOVING_BACK:
		rc = move_ask(s->conn, &move_back, NULL, NULL, reason);
		break;
	case STORE_MOVING_NOT:
		break;
	}
	return (rc);
}

const struct store_move_ops postgres_move_ops = {
	.utf8 = true,
	.facts = postgres_facts,
	.shift = postgres_shift,
	.count = postgres_count,
	.last = postgres_last,
	.read = postgres_read,
	.write = postgres_write,
	.end = postgres_end,
};
