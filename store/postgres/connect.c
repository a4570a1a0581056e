/*
 * A connection that may be used: to a server that keeps what it acknowledges,
 * in a session that has the settings this backend needs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres/pipe_private.h"
#include "store/postgres/dial.h"
#include "store/postgres/row.h"
#include "store/postgres/url.h"

#define VERSION_MIN 140000
#define LOCK_MS 1000

/* What the server is asked first. */
enum { ASK_PID, ASK_ENCODING, ASK_FSYNC, ASK_PAGES, ASK_STANDBY, ASK_COLUMNS };
static const char ask[] =
    "SELECT pg_backend_pid(), current_setting('server_encoding'), "
    "current_setting('fsync'), current_setting('full_page_writes'), "
    "pg_is_in_recovery()";

/*
 * Plans that are made while the tables are empty stay for ever. So they may not
 * depend on how many rows there are: all go along indexes, in their order, one
 * row after another. A role or a database may have weakened synchronous_commit.
 */
static const char set[] =
    "SELECT set_config('search_path', 'klikitd, pg_temp', false), "
    "set_config('enable_seqscan', 'off', false), "
    "set_config('enable_bitmapscan', 'off', false), "
    "set_config('enable_hashjoin', 'off', false), "
    "set_config('enable_mergejoin', 'off', false), "
    "set_config('max_parallel_workers_per_gather', '0', false), "
    "set_config('plan_cache_mode', 'force_generic_plan', false), "
    "set_config('jit', 'off', false), "
    "set_config('standard_conforming_strings', 'on', false), "
    "set_config('client_min_messages', 'warning', false), "
    "set_config('default_transaction_isolation', 'read committed', false), "
    "set_config('synchronous_commit', CASE "
    "current_setting('synchronous_commit') WHEN 'remote_apply' THEN "
    "'remote_apply' ELSE 'on' END, false), "
    "set_config('lock_timeout', '%u', false), "
    "set_config('statement_timeout', '%u', false), "
    "set_config('idle_in_transaction_session_timeout', '%u', false), "
    "set_config('default_transaction_read_only', CASE WHEN %s THEN 'on' "
    "ELSE current_setting('default_transaction_read_only') END, false)";

static enum store_rc
say(char *reason, const struct pg_conn *c, enum store_rc rc, const char *text)
{
	(void)snprintf(reason, STORE_REASON_MAX, "%s: %s", c->name, text);
	return (rc);
}

static bool
is(const PGresult *res, int column, const char *value)
{
	return (strcmp(PQgetvalue(res, 0, column), value) == 0);
}

/* May what it answered be relied on? */
static enum store_rc
judge(const struct pg_conn *c, const struct pg_connect *what,
    const PGresult *res, char *reason)
{
	if (PQntuples(res) != 1 || PQnfields(res) != ASK_COLUMNS)
		return (say(reason, c, STORE_FAILED, "is no PostgreSQL"));
	if (atoi(PQgetvalue(res, 0, ASK_PID)) != PQbackendPID(c->pg))
		return (say(reason, c, STORE_FAILED,
		    "a pooler stands between, and this needs a session of its "
		    "own: connect to PostgreSQL itself"));
	if (PQserverVersion(c->pg) < VERSION_MIN)
		return (say(reason, c, STORE_FAILED,
		    "this PostgreSQL is too old: 14 is the oldest that will "
		    "do"));
	if (!is(res, ASK_ENCODING, "UTF8"))
		return (say(reason, c, STORE_FAILED,
		    "this database is not UTF8: create one with ENCODING "
		    "'UTF8' TEMPLATE template0"));
	if (what->read_only)
		return (STORE_OK);
	if (is(res, ASK_STANDBY, "t"))
		return (say(reason, c, STORE_AWAY,
		    "this server is a standby, and takes no writes"));
	if (!is(res, ASK_FSYNC, "on") || !is(res, ASK_PAGES, "on"))
		return (say(reason, c, STORE_FAILED,
		    "this server loses what it has acknowledged when it "
		    "crashes: set fsync = on and full_page_writes = on "
		    "there"));
	return (STORE_OK);
}

/* Look at the server, and set up the session. */
static enum store_rc
session_open(struct pg_conn *c, const struct pg_connect *what, char *reason)
{
	PGresult *res = NULL;
	enum store_rc rc;
	char sql[2048];

	if (pg_ask(c, ask, what->deadline_ms, &res) != STORE_OK)
		return (pg_reason(c, reason));
	rc = judge(c, what, res, reason);
	PQclear(res);
	res = NULL;
	if (rc != STORE_OK)
		return (rc);
	(void)snprintf(sql, sizeof(sql), set, LOCK_MS, what->statement_ms,
	    what->idle_ms, what->read_only ? "true" : "false");
	if (pg_ask(c, sql, what->deadline_ms, &res) != STORE_OK)
		return (pg_reason(c, reason));
	PQclear(res);
	return (STORE_OK);
}

enum store_rc
pg_connect(const struct pg_connect *what, struct pg_conn **ret_c,
    char reason[STORE_REASON_MAX])
{
	char name[STORE_NAME_MAX], words[STORE_REASON_MAX];
	struct pg_conn *c;
	enum store_rc rc;
	PGconn *pg;

	url_name(what->url, name);
	if ((rc = dial(what, &pg, words)) != STORE_OK) {
		(void)snprintf(reason, STORE_REASON_MAX, "%.200s: %.300s", name,
		    words);
		return (rc);
	}
	if ((c = pg_conn_new(pg, name, what->stop_fd)) == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%.200s: out of memory", name);
		return (STORE_AWAY);
	}
	c->statement_ms = what->statement_ms;
	if ((rc = session_open(c, what, reason)) != STORE_OK) {
		pg_conn_free(c);
		return (rc);
	}
	*ret_c = c;
	return (STORE_OK);
}
