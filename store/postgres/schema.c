/*
 * Migrations. Several versions of klikitd run on one database at a time, so
 * each migration is additive; the first that comes with a new one runs it, with
 * the others held off by a lock of its transaction. A session's lock would be
 * left behind by a pooler, and CREATE ... IF NOT EXISTS fails when two do it at
 * once.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres/pipe_private.h"
#include "store/postgres/schema.h"

#define NAME "klikitd"
/* "klik": whoever else takes such locks in this database. */
#define LOCK 1802266987
/* Of large tables a new index takes its time. */
#define MIGRATE_MS 600000
#define MIGRATIONS_MAX 64

/* Made by store/embed.sh. */
extern const char *const pg_schema_names[];
extern const char *const pg_schema_texts[];

bool
schema_step(size_t i, struct schema_step *ret_step)
{
	static const char sign[] = "-- usable_from: ";
	const char *at;

	for (size_t k = 0; k <= i; k++)
		if (pg_schema_names[k] == NULL)
			return (false);
	ret_step->text = pg_schema_texts[i];
	ret_step->number = atoi(pg_schema_names[i]);
	at = strstr(ret_step->text, sign);
	ret_step->usable_from = at != NULL ? atoi(at + strlen(sign)) : 1;
	return (true);
}

/* The newest that this klikitd knows. */
static int
newest_known(void)
{
	struct schema_step step = { 0 };

	for (size_t i = 0; schema_step(i, &step); i++)
		assert(i < MIGRATIONS_MAX);
	return (step.number);
}

/* -- What the database has -- */

/* What there is in the database, and what the role may do there. */
struct schema_state {
	bool may_create; /* a schema, in the database */
	bool present;
	bool may_use, may_add; /* the schema */
	bool has_migrations;
	bool may_read;  /* all tables */
	bool may_write; /* and sequences, too */
	int newest, usable_from;
	bool taken[MIGRATIONS_MAX]; /* of the known ones, by index */
	bool complete;
};

enum {
	LOOK_CREATE,
	LOOK_USE,
	LOOK_ADD,
	LOOK_MIGRATIONS,
	LOOK_READ,
	LOOK_WRITE
};
static const char look[] =
    "SELECT has_database_privilege(current_database(), 'CREATE'), "
    "has_schema_privilege(n.oid, 'USAGE'), "
    "has_schema_privilege(n.oid, 'CREATE'), EXISTS (SELECT 1 FROM pg_class "
    "WHERE relnamespace = n.oid AND relname = 'migrations'), "
    "NOT EXISTS (SELECT 1 FROM pg_class AS t WHERE t.relnamespace = n.oid "
    "AND t.relkind IN ('r', 'v') AND NOT has_table_privilege(t.oid, "
    "'SELECT')), NOT EXISTS (SELECT 1 FROM pg_class AS t WHERE "
    "t.relnamespace = n.oid AND CASE t.relkind WHEN 'r' THEN NOT ("
    "has_table_privilege(t.oid, 'INSERT') AND "
    "has_table_privilege(t.oid, 'UPDATE') AND "
    "has_table_privilege(t.oid, 'DELETE')) WHEN 'S' THEN "
    "NOT has_sequence_privilege(t.oid, 'USAGE') ELSE false END) "
    "FROM (SELECT 1) AS one LEFT JOIN pg_namespace AS n "
    "ON n.nspname = '" NAME "'";
static const char look_taken[] =
    "SELECT number, usable_from FROM " NAME ".migrations";

static enum store_rc
ask(struct pg_conn *c, const char *sql, PGresult **ret_res, char *reason)
{
	*ret_res = NULL;
	if (pg_ask(c, sql, pg_now_ms() + c->statement_ms, ret_res) == STORE_OK)
		return (STORE_OK);
	return (pg_reason(c, reason));
}

static bool
is_true(const PGresult *res, int column)
{
	return (strcmp(PQgetvalue(res, 0, column), "t") == 0);
}

/* Which of the known ones are there, and what all that are there ask for. */
static void
note_taken(const PGresult *res, struct schema_state *ret)
{
	struct schema_step step;
	int number, from;

	ret->newest = ret->usable_from = 0;
	memset(ret->taken, 0, sizeof(ret->taken));
	for (int row = 0; row < PQntuples(res); row++) {
		number = atoi(PQgetvalue(res, row, 0));
		from = atoi(PQgetvalue(res, row, 1));
		if (number > ret->newest)
			ret->newest = number;
		if (from > ret->usable_from)
			ret->usable_from = from;
		for (size_t i = 0; schema_step(i, &step); i++)
			if (step.number == number)
				ret->taken[i] = true;
	}
	ret->complete = true;
	for (size_t i = 0; schema_step(i, &step); i++)
		ret->complete = ret->complete && ret->taken[i];
}

static enum store_rc
schema_look(struct pg_conn *c, struct schema_state *ret, char *reason)
{
	enum store_rc rc;
	PGresult *res;

	memset(ret, 0, sizeof(*ret));
	if ((rc = ask(c, look, &res, reason)) != STORE_OK)
		return (rc);
	ret->may_create = is_true(res, LOOK_CREATE);
	ret->present = PQgetisnull(res, 0, LOOK_USE) == 0;
	ret->may_use = is_true(res, LOOK_USE);
	ret->may_add = is_true(res, LOOK_ADD);
	ret->has_migrations = is_true(res, LOOK_MIGRATIONS);
	ret->may_read = is_true(res, LOOK_READ);
	ret->may_write = is_true(res, LOOK_WRITE);
	PQclear(res);
	if (!ret->has_migrations || !ret->may_use || !ret->may_read)
		return (STORE_OK);
	if ((rc = ask(c, look_taken, &res, reason)) != STORE_OK)
		return (rc);
	note_taken(res, ret);
	PQclear(res);
	return (STORE_OK);
}

/* -- Words -- */

static enum store_rc
say(char *reason, const struct pg_conn *c, enum store_rc rc, const char *text)
{
	(void)snprintf(reason, STORE_REASON_MAX, "%s: %s", pg_name(c), text);
	return (rc);
}

/* The SQL that is to be run by somebody who may, for this role. */
static enum store_rc
say_grant(char *reason, const struct pg_conn *c, const char *what,
    const char *sql)
{
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%s: role %.63s may not %s; as the owner of the database run: %s",
	    pg_name(c), PQuser(c->pg), what, sql);
	return (STORE_FAILED);
}

static enum store_rc
say_use(char *reason, const struct pg_conn *c, bool write)
{
	char sql[320];

	(void)snprintf(sql, sizeof(sql),
	    "GRANT USAGE ON SCHEMA " NAME " TO \"%.63s\"; GRANT SELECT%s ON "
	    "ALL TABLES IN SCHEMA " NAME " TO \"%.63s\"",
	    PQuser(c->pg), write ? ", INSERT, UPDATE, DELETE" : "",
	    PQuser(c->pg));
	if (write)
		(void)snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql),
		    "; GRANT USAGE ON ALL SEQUENCES IN SCHEMA " NAME
		    " TO \"%.63s\"",
		    PQuser(c->pg));
	return (
	    say_grant(reason, c, write ? "write there" : "read there", sql));
}

/* -- Migrating -- */

static enum store_rc
schema_judge(const struct schema_state *s, const struct pg_conn *c,
    enum store_mode mode, char *reason)
{
	char sql[160];

	if (!s->present && !s->may_create && mode == STORE_SERVE) {
		(void)snprintf(sql, sizeof(sql),
		    "CREATE SCHEMA " NAME " AUTHORIZATION \"%.63s\"",
		    PQuser(c->pg));
		return (say_grant(reason, c, "create a schema", sql));
	}
	if (s->present && !s->may_use)
		return (say_use(reason, c, mode != STORE_READ));
	if (!s->has_migrations && mode != STORE_SERVE)
		return (say(reason, c, STORE_NOTFOUND,
		    "there is no store in this database; start the server "
		    "once"));
	if (s->has_migrations && !s->may_read)
		return (say_use(reason, c, mode != STORE_READ));
	if (s->usable_from > newest_known()) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: written by a newer klikitd (schema %d, usable from "
		    "%d on, this one knows %d); install that version",
		    pg_name(c), s->newest, s->usable_from, newest_known());
		return (STORE_NEWER);
	}
	return (STORE_OK);
}

/* May it be used as it is? */
static enum store_rc
schema_end(const struct schema_state *s, const struct pg_conn *c,
    enum store_mode mode, char *reason)
{
	if (!s->complete) /* then mode is STORE_READ */
		return (say(reason, c, STORE_FAILED,
		    "written by an older klikitd; start the server once to "
		    "bring it up to date"));
	if (mode != STORE_READ && !s->may_write)
		return (say_use(reason, c, true));
	return (STORE_OK);
}

static enum store_rc
step_take(struct pg_conn *c, const struct schema_step *step, char *reason)
{
	char row[256], words[STORE_REASON_MAX];
	enum store_rc rc;

	(void)snprintf(row, sizeof(row),
	    "INSERT INTO " NAME ".migrations (number, usable_from, taken_by) "
	    "VALUES (%d, %d, '" KLIKITD_VERSION "')",
	    step->number, step->usable_from);
	rc = pg_script(c, step->text, MIGRATE_MS, words);
	if (rc == STORE_OK)
		rc = pg_script(c, row, 0, words);
	if (rc != STORE_OK)
		(void)snprintf(reason, STORE_REASON_MAX, "migration %d: %.400s",
		    step->number, words);
	return (rc);
}

/* Within the transaction: all that are missing, after whoever was before. */
static enum store_rc
steps_take(struct pg_conn *c, enum store_mode mode, char *reason)
{
	struct schema_state s;
	struct schema_step step;
	enum store_rc rc;

	if ((rc = schema_look(c, &s, reason)) != STORE_OK ||
	    (rc = schema_judge(&s, c, mode, reason)) != STORE_OK)
		return (rc);
	if (!s.complete && s.present && !s.may_add)
		return (say_grant(reason, c, "migrate",
		    "GRANT CREATE ON SCHEMA " NAME " TO that role, which must "
		    "be the owner of its tables"));
	if (!s.present)
		rc = pg_script(c, "CREATE SCHEMA " NAME, 0, reason);
	for (size_t i = 0; rc == STORE_OK && schema_step(i, &step); i++)
		if (!s.taken[i])
			rc = step_take(c, &step, reason);
	return (rc);
}

static enum store_rc
schema_migrate(struct pg_conn *c, enum store_mode mode, char *reason)
{
	char begin[160], words[STORE_REASON_MAX];
	enum store_rc rc;

	(void)snprintf(begin, sizeof(begin),
	    "BEGIN; SET LOCAL statement_timeout = %d; "
	    "SELECT pg_advisory_xact_lock(%d)",
	    MIGRATE_MS, LOCK);
	rc = pg_script(c, begin, 0, reason);
	if (rc == STORE_OK)
		rc = steps_take(c, mode, reason);
	if (rc == STORE_OK)
		rc = pg_script(c, "COMMIT", 0, reason);
	if (rc == STORE_OK && pg_warned(c)) /* on no standby: asked again */
		return (pg_reason(c, reason));
	if (rc != STORE_OK && rc != STORE_AWAY && pg_in_transaction(c) &&
	    pg_script(c, "ROLLBACK", 0, words) != STORE_OK)
		return (pg_reason(c, reason));
	return (rc);
}

enum store_rc
schema_bring(struct pg_conn *c, enum store_mode mode,
    char reason[STORE_REASON_MAX])
{
	struct schema_state s;
	enum store_rc rc;

	if ((rc = schema_look(c, &s, reason)) != STORE_OK ||
	    (rc = schema_judge(&s, c, mode, reason)) != STORE_OK)
		return (rc);
	if (!s.complete && mode != STORE_READ &&
	    ((rc = schema_migrate(c, mode, reason)) != STORE_OK ||
		(rc = schema_look(c, &s, reason)) != STORE_OK))
		return (rc);
	return (schema_end(&s, c, mode, reason));
}
