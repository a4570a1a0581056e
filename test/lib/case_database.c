#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "test/lib/case_database.h"
#include "test/lib/cmocka_all.h"

#define OWNER "klikitd" /* as test/blackbox/postgres_server.py names it */

struct case_database {
	char name[48];
	PGconn *conn;
};

/* Connect to a database of the server; NULL: the one that its URL names. */
static PGconn *
case_connect(const char *dbname)
{
	const char *const keys[] = { "dbname", "dbname", "options",
		"client_encoding", NULL };
	const char *const values[] = { getenv(CASE_SERVER), dbname,
		"-c search_path=klikitd,public -c bytea_output=escape "
		"-c client_min_messages=warning",
		"UTF8", NULL };
	PGconn *conn;

	if (values[0] == NULL)
		fail_msg(CASE_SERVER " is not set: see test/with_postgres.py");
	conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(conn) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(conn));
	return (conn);
}

/* Run statements; the last one's rows. */
static PGresult *
case_exec(PGconn *conn, const char *sql)
{
	PGresult *res = PQexec(conn, sql);

	if (PQresultStatus(res) != PGRES_COMMAND_OK &&
	    PQresultStatus(res) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(res));
	return (res);
}

/* Make the database, and connect to it. */
static void
case_create(struct case_database *db)
{
	PGconn *conn = case_connect(NULL);
	char sql[160];

	(void)snprintf(db->name, sizeof(db->name), "c%d", (int)getpid());
	(void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s OWNER " OWNER,
	    db->name);
	PQclear(case_exec(conn, sql));
	PQfinish(conn);
	db->conn = case_connect(db->name);
}

struct case_database *
case_database_new(char *ret_url, size_t room)
{
	static struct case_database db;

	if (db.conn == NULL)
		case_create(&db);
	assert_in_range(snprintf(ret_url, room, "postgres://" OWNER "@%s:%s/%s",
			    PQhost(db.conn), PQport(db.conn), db.name),
	    1, room - 1);
	return (&db);
}

void
case_database_free(struct case_database *db)
{
	if (db != NULL)
		case_database_sql(db, "SELECT empty_klikitd()");
}

int64_t
case_database_int(struct case_database *db, const char *sql)
{
	PGresult *res = case_exec(db->conn, sql);
	int64_t value;
	char *end;

	if (PQntuples(res) == 0 || PQgetisnull(res, 0, 0))
		fail_msg("%s: no number", sql);
	value = strtoll(PQgetvalue(res, 0, 0), &end, 10);
	if (*end != '\0')
		fail_msg("%s: %s is no number", sql, PQgetvalue(res, 0, 0));
	PQclear(res);
	return (value);
}

void
case_database_sql(struct case_database *db, const char *sql)
{
	PQclear(case_exec(db->conn, sql));
}

bool
case_database_says(struct case_database *db, const char *text)
{
	PGresult *tables = case_exec(db->conn,
	    "SELECT format('SELECT count(*) FROM %I AS t WHERE "
	    "strpos(t::text, ', tablename) FROM pg_tables "
	    "WHERE schemaname = 'klikitd'");
	bool says = false;
	char sql[256];

	assert_true(PQntuples(tables) > 0);
	for (int i = 0; i < PQntuples(tables) && !says; i++) {
		(void)snprintf(sql, sizeof(sql), "%s'%s') > 0",
		    PQgetvalue(tables, i, 0), text);
		says = case_database_int(db, sql) > 0;
	}
	PQclear(tables);
	return (says);
}
