/*
 * Lists on PostgreSQL, beyond what both backends promise: no statement reads
 * more than its page, whatever the planner believes; nothing that a body or a
 * filter holds makes one fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "store/postgres/lists_sql.h"
#include "store/postgres/row.h"
#include "test/lib/case_database.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

static struct store_case c;

/* -- Plans -- */

/*
 * 5100 events, of which 5000 have two jobs each; of these the last 20 wait, and
 * some are dead. An order for each three events, of which only the first is
 * open, and carts, of which only the oldest ones have no record.
 */
static const char fill[] =
    "INSERT INTO handlers (name, first_seen, last_seen) "
    "VALUES ('a', 0, 0), ('b', 0, 0), ('idle', 0, 0);"
    "INSERT INTO events (id, event_id, type, peer, received_at, body_size, "
    "repeat_of, purged_at) SELECT g, 'e' || g, 'order.created', 'p', "
    "1000000 + g, 2, CASE WHEN g % 100 = 0 THEN g - 1 END, "
    "CASE WHEN g < 2000 THEN 9000000 END FROM generate_series(1, 5000) AS g;"
    "INSERT INTO events (id, event_id, type, peer, received_at, body_size, "
    "purged_at) SELECT 9000 + g, 'f' || g, 'order.created', 'p', 1, 2, 1 "
    "FROM generate_series(1, 100) AS g;"
    "INSERT INTO counts SELECT s, s::int8 * g, 'handler', h, '1 2', 0 "
    "FROM (VALUES (60000), (3600000)) AS v (s), "
    "(VALUES ('a'), ('b')) AS w (h), generate_series(1, 1000) AS g;"
    "INSERT INTO bodies SELECT g, '{}' FROM generate_series(2000, 5000) AS g "
    "WHERE g % 100 <> 0;"
    "INSERT INTO event_orders (event, place, order_id) SELECT g, 0, g / 3 "
    "FROM generate_series(1, 5000) AS g WHERE g % 100 <> 0;"
    "INSERT INTO jobs (id, event, place, handler, state, attempts, behind, "
    "finished_at, outcome, replay_of) SELECT 2 * g + h, g, 0, h + 1, "
    "CASE WHEN g > 4980 AND h = 1 THEN 'waiting' "
    "WHEN g % 500 = 7 AND h = 1 THEN 'dead' ELSE 'done' END, 1, "
    "CASE WHEN g > 4990 AND h = 1 THEN 1 ELSE 0 END, "
    "CASE WHEN g > 4980 AND h = 1 THEN NULL ELSE 1000000 + g END, 'done', "
    "CASE WHEN g % 500 = 8 AND h = 1 AND g > 3000 THEN 2 * g - 1 END "
    "FROM generate_series(1, 5000) AS g, generate_series(0, 1) AS h;"
    "UPDATE jobs SET guards = id - 1, acknowledged_at = CASE WHEN id < 9000 "
    "THEN id END WHERE id % 100 = 0 AND id > 4000;"
    "INSERT INTO attempts SELECT 2 * g, 1, 1, 1, 'done', 0 "
    "FROM generate_series(1, 5000) AS g;"
    "INSERT INTO lanes (handler, lane, job) SELECT 2, g / 2, 2 * g + 1 "
    "FROM generate_series(4981, 5000) AS g;"
    "INSERT INTO orders (order_id, status, version_key, event, place) "
    "SELECT o, CASE WHEN o = 1 THEN '1' ELSE '4' END, '', 3 * o, 0 "
    "FROM generate_series(1, 1600) AS o;"
    "INSERT INTO carts (order_id, version_key, event, place) "
    "SELECT CASE WHEN o <= 5 THEN 'cart' ELSE '' END || o, '', 3 * o + 1, 0 "
    "FROM generate_series(1, 1600) AS o;"
    "INSERT INTO rejections (at, peer, cause, size, class) SELECT "
    "1000000 + g, 'p', 'signature', 1, 0 FROM generate_series(1, 1000) AS g;";

#define NOT_FOUND "NULL, NULL, NULL"
#define ANY "9223372036854775807, 0, 9223372036854775807, 10, NULL, "
#define LATE "9223372036854775807, 1004990, 9223372036854775807, 10, NULL, "

/* What each is asked for, and how many rows that has. */
static const struct {
	enum list_sql which;
	const char *values;
	int rows;
	bool far; /* it may walk along all events, or thousands */
} asked[] = {
	{ LIST_EVENTS, ANY "NULL, NULL, NULL, 0, true, NULL, 0, " NOT_FOUND, 10,
	    false },
	{ LIST_EVENTS, ANY "NULL, NULL, NULL, 2, false, NULL, 0, " NOT_FOUND,
	    10, false },
	{ LIST_EVENTS,
	    ANY "'order.none', NULL, NULL, 0, false, NULL, 4900, " NOT_FOUND, 0,
	    false },
	{ LIST_EVENTS,
	    ANY "NULL, NULL, NULL, 0, false, 'idle', 4950, " NOT_FOUND, 0,
	    false },
	{ LIST_EVENTS,
	    ANY "NULL, NULL, NULL, 0, false, NULL, 4950, 'e49', 'e5', 'e49'",
	    10, false },
	{ LIST_EVENTS_AMONG,
	    ANY "NULL, NULL, NULL, 0, true, NULL, '{7, 0, 4999}'", 2, false },
	{ LIST_EVENTS_OF_ORDER, ANY "NULL, NULL, NULL, 0, true, NULL, '833'", 3,
	    false },
	{ LIST_EVENTS_OPEN, ANY "NULL, NULL, NULL, 1, true, NULL", 10, false },
	{ LIST_EVENTS_DEAD, ANY "NULL, NULL, NULL, 3, true, NULL", 6, false },
	{ LIST_EVENTS_NUMBERED, "'{7, 0, 4999}', true", 2, false },
	{ LIST_EVENT_NAMED, "'e4999', NULL", 1, false },
	{ LIST_EVENT_LAST, "'e499'", 1, false },
	{ LIST_ORDERS, ANY "NULL, NULL, NULL, false, '{}', 0", 10, false },
	{ LIST_ORDERS, LATE "NULL, NULL, '1', false, '{}', 0", 0, false },
	{ LIST_ORDERS, ANY "NULL, NULL, '1', false, '{}', 4700", 0, false },
	{ LIST_BOARD, "0, 1004990, 1, 10, NULL, NULL, NULL, 'x', '{}'", 5,
	    false },
	{ LIST_ORDERS_OF_ID, ANY "NULL, NULL, NULL, false, '{}', '77'", 1,
	    false },
	{ LIST_ORDERS_OF_ID, ANY "NULL, NULL, NULL, false, '{}', 'cart3'", 1,
	    false },
	{ LIST_ORDER_NAMED, "'77', NULL", 1, false },
	{ LIST_JOBS, ANY "NULL, NULL, false, NULL, true, 0", 10, false },
	{ LIST_JOBS, ANY "NULL, NULL, false, 'nobody', false, 9900", 0, false },
	{ LIST_JOBS, ANY "'order.created', 'done', false, 'b', false, 9900", 10,
	    false },
	{ LIST_JOBS, ANY "'order.none', NULL, false, NULL, false, 9900", 0,
	    false },
	{ LIST_JOBS_OF_TIME, LATE "NULL, NULL, false, 'b', false", 10, false },
	{ LIST_JOBS_OF_TIME, LATE "'order.none', NULL, false, NULL, false", 0,
	    false },
	{ LIST_JOBS_DEAD, ANY "NULL, 'dead', false, NULL, false", 6, false },
	{ LIST_JOBS_OPEN, ANY "NULL, NULL, true, NULL, false", 10, false },
	{ LIST_JOBS_OPEN, ANY "NULL, 'running', false, 'b', false", 0, false },
	{ LIST_JOBS_OF_EVENT, ANY "NULL, NULL, false, NULL, false, 'e77', NULL",
	    2, false },
	{ LIST_JOBS_OF_EVENT, ANY "NULL, NULL, false, NULL, false, 'e77', '25'",
	    2, false },
	{ LIST_JOBS_OF_ORDER, ANY "NULL, NULL, false, NULL, false, '833'", 6,
	    false },
	{ LIST_JOBS_NUMBERED, "'{77, 0, 9999}'", 2, false },
	{ LIST_ALARMS, ANY "NULL, NULL, false, NULL, false", 10, false },
	{ LIST_ALARMS_OPEN, ANY "NULL, NULL, false, NULL, false", 10, false },
	{ LIST_WALK_EVENTS, "4000", 1, false },
	{ LIST_WALK_JOBS, "4000", 1, false },
	{ LIST_FEW_OF_TIME, "100, 1000, 9223372036854775807", 1, false },
	{ LIST_FEW_OPEN, "100", 1, false },
	{ LIST_FEW_DEAD, "100", 1, false },
	{ LIST_FIND_IDS, "'e499', 'e5', 50", 11, false },
	{ LIST_FIND_IDS, "'83', '84', 200", 33, false },
	{ LIST_FIND_EXTERNAL, "'1', 4950, 5000, 20", 0, false },
	{ LIST_ATTEMPTS, "9998", 1, false },
	{ LIST_EVENT_ATTEMPTS, "4999, 500", 1, false },
	{ LIST_HANDLERS, "", 3, false },
	{ LIST_FIGURES, "", 1, false },
	{ LIST_RECEIVERS, "500", 0, false },
	{ LIST_REJECTIONS, "900, 0, 9223372036854775807, 10, NULL, NULL", 10,
	    false },
	{ LIST_REJECTIONS, "900, 0, 9223372036854775807, 10, NULL, 'x'", 0,
	    false },
	{ LIST_REJECTION_GROUPS, "0, 9223372036854775807, NULL, NULL", 1,
	    true },
	{ LIST_REJECTION, "7", 1, false },
	{ LIST_COUNTS, "60000, 600000, 1200000", 20, false },
	{ LIST_ARRIVAL, "4000", 1, false },
};
#define NASKED (sizeof(asked) / sizeof(asked[0]))

/*
 * Rows of any step of a plan, at the most: far fewer than there are, more than
 * any list above is to look at. Rejections are bounded themselves.
 */
#define ROWS_MAX 300

static struct pg_conn *
connect_as_reader(void)
{
	const struct pg_connect what = { .url = c.url,
		.deadline_ms = pg_now_ms() + 60000,
		.statement_ms = 60000,
		.idle_ms = 60000,
		.stop_fd = -1 };
	char reason[STORE_REASON_MAX];
	struct pg_conn *conn;

	if (pg_connect(&what, &conn, reason) != STORE_OK)
		fail_msg("%s", reason);
	return (conn);
}

#define NRUNS 512 /* a connection knows a statement by its address */

/* Run SQL on that connection. */
static PGresult *
run(struct pg_conn *conn, const char *text)
{
	static struct pg_statement statements[NRUNS];
	static char names[NRUNS][16];
	static unsigned n;
	struct pg_statement *s = &statements[n];
	char reason[STORE_REASON_MAX];
	struct arena mem = { 0 };
	struct pg_args args;
	PGresult *res;

	assert_in_range(n, 0, NRUNS - 1);
	(void)snprintf(names[n], sizeof(names[n]), "t%u", n);
	*s = (struct pg_statement){ names[n++], text };
	pg_args_init(&args, &mem);
	if (pg_query(conn, s, &args, &res, reason) != STORE_OK)
		fail_msg("%s: %.80s", reason, text);
	return (res);
}

/* A line of a plan; behind the last "". */
static const char *
plan_line(const PGresult *res, int row, struct arena *mem)
{
	const char *line = NULL;

	assert_int_equal(pg_text(res, row, 0, mem, &line), 0);
	return (line != NULL ? line : "");
}

/* Is it a list of what the database is made of, which is short? */
static bool
is_catalog(const char *line)
{
	return (strstr(line, " on pg_") != NULL);
}

/* Each step of the plan, by its words. */
static void
look_at_step(size_t i, const char *line, const char *next)
{
	const char *name = list_statement(asked[i].which)->name;
	const char *rows = strstr(line, "actual rows=");
	double n = 0, loops = 0;

	if (strstr(line, "Seq Scan") != NULL && !is_catalog(line))
		fail_msg("%s: %s", name, line);
	if (strstr(line, "Hash Join") != NULL ||
	    strstr(line, "Merge Join") != NULL ||
	    strstr(line, "hashed SubPlan") != NULL)
		fail_msg("%s: %s", name, line);
	if (strstr(line, "Index") != NULL && strstr(line, " Scan") != NULL &&
	    !is_catalog(line) && strstr(next, "Index Cond:") == NULL)
		fail_msg("%s: %s without a condition: %s", name, line, next);
	if (rows == NULL || asked[i].far || strstr(line, "rejections") != NULL)
		return;
	assert_int_equal(sscanf(rows, "actual rows=%lf loops=%lf", &n, &loops),
	    2);
	if (n * loops > ROWS_MAX)
		fail_msg("%s reads %.0f rows: %s", name, n * loops, line);
}

/* The plan of a prepared statement, asked for as `how' says. */
static void
look_at_plan(struct pg_conn *conn, size_t i, const char *how)
{
	const char *name = list_statement(asked[i].which)->name;
	const char *line, *next;
	struct arena mem = { 0 };
	char text[512];
	PGresult *res;

	(void)snprintf(text, sizeof(text),
	    "EXPLAIN (COSTS OFF%s) EXECUTE p_%s%s%s%s", how, name,
	    asked[i].values[0] != '\0' ? "(" : "", asked[i].values,
	    asked[i].values[0] != '\0' ? ")" : "");
	res = run(conn, text);
	line = plan_line(res, 0, &mem);
	for (int row = 0; row < PQntuples(res); row++, line = next) {
		next = plan_line(res, row + 1, &mem);
		look_at_step(i, line, next);
	}
	PQclear(res);
	arena_fini(&mem);
}

/* All of them prepared, by names of their own. */
static void
prepare(struct pg_conn *conn)
{
	static char text[16384];

	for (size_t i = 0; i < LIST_NSQL; i++) {
		const struct pg_statement *s = list_statement(i);

		assert_in_range(snprintf(text, sizeof(text),
				    "PREPARE p_%s AS %s", s->name, s->text),
		    1, sizeof(text) - 1);
		PQclear(run(conn, text));
	}
}

/* What the lists above find is what they are to find. */
static void
assert_rows(struct pg_conn *conn)
{
	char text[512];
	PGresult *res;

	for (size_t i = 0; i < NASKED; i++) {
		const char *name = list_statement(asked[i].which)->name;

		(void)snprintf(text, sizeof(text), "EXECUTE p_%s%s%s%s", name,
		    asked[i].values[0] != '\0' ? "(" : "", asked[i].values,
		    asked[i].values[0] != '\0' ? ")" : "");
		res = run(conn, text);
		if (PQntuples(res) != asked[i].rows)
			fail_msg("%s: %d rows", text, PQntuples(res));
		PQclear(res);
	}
}

static void
test_plans_look_up(void **state)
{
	struct pg_conn *conn;
	bool seen[LIST_NSQL] = { false };

	(void)state;
	for (size_t i = 0; i < NASKED; i++)
		seen[asked[i].which] = true;
	for (size_t i = 0; i < LIST_NSQL; i++)
		assert_true(seen[i]);
	store_case_close(&c);
	/* Plans that are made for empty tables stay. */
	conn = connect_as_reader();
	prepare(conn);
	for (size_t i = 0; i < NASKED; i++)
		look_at_plan(conn, i, "");
	case_database_sql(c.db, fill);
	for (size_t i = 0; i < NASKED; i++)
		look_at_plan(conn, i, ", ANALYZE, TIMING OFF");
	assert_rows(conn);
	pg_conn_free(conn);
	/* So do those that are made when the planner knows all. */
	case_database_sql(c.db, "ANALYZE");
	conn = connect_as_reader();
	prepare(conn);
	for (size_t i = 0; i < NASKED; i++)
		look_at_plan(conn, i, ", ANALYZE, TIMING OFF");
	assert_rows(conn);
	pg_conn_free(conn);
}

/* -- Whatever a filter holds -- */

/* What was listed last, of any kind. */
struct listed {
	unsigned calls;
	enum store_rc rc;
	size_t n;
};

static void
note_list(struct listed *l, enum store_rc rc, size_t n)
{
	l->calls++;
	l->rc = rc;
	l->n = n;
}

/* store_events_fn */
static void
events_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	(void)rows;
	(void)reason;
	note_list(arg, rc, n);
}

/* store_orders_fn */
static void
orders_cb(enum store_rc rc, const struct store_order_info *rows, size_t n,
    const char *reason, void *arg)
{
	(void)rows;
	(void)reason;
	note_list(arg, rc, n);
}

/* store_jobs_fn */
static void
jobs_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	(void)rows;
	(void)reason;
	note_list(arg, rc, n);
}

/* store_rejections_fn */
static void
rejections_cb(enum store_rc rc, const struct store_rejection_info *rows,
    size_t n, const char *reason, void *arg)
{
	(void)rows;
	(void)reason;
	note_list(arg, rc, n);
}

/* It has been called once more, and found nothing; or one. */
static void
assert_listed(const struct listed *l, unsigned calls, size_t n)
{
	store_wait(c.st);
	assert_int_equal(l->calls, calls);
	assert_int_equal(l->rc, STORE_OK);
	assert_int_equal(l->n, n);
}

/* No text of the database is like that: nothing is found, and nothing fails. */
static void
test_no_text_matches_nothing(void **state)
{
	static const char *const bad[] = { "\xff", "a\xc3", "\xed\xa0\x80",
		"\xc0\x80" };
	const char *const ends[] = { "\xff", "4" };
	const struct store_filter open = { .limit = 5,
		.open = true,
		.ends = ends,
		.nends = 2 };
	struct listed l = { 0 };
	unsigned calls = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct store_filter f = { .limit = 5, .scope = bad[i] };
		const struct store_job_filter jobs = { .limit = 5,
			.any_state = true,
			.handler = bad[i] };
		const struct store_rejection_filter r = { .limit = 5,
			.cause = bad[i] };

		assert_int_equal(store_list_events(c.st, &f, events_cb, &l), 0);
		assert_listed(&l, ++calls, 0);
		assert_int_equal(store_get_event(c.st, bad[i], NULL, events_cb,
				     &l),
		    0);
		assert_listed(&l, ++calls, 0);
		assert_int_equal(store_list_orders(c.st, &f, orders_cb, &l), 0);
		assert_listed(&l, ++calls, 0);
		assert_int_equal(store_get_order(c.st, "1", bad[i], orders_cb,
				     &l),
		    0);
		assert_listed(&l, ++calls, 0);
		assert_int_equal(store_list_jobs(c.st, &jobs, jobs_cb, &l), 0);
		assert_listed(&l, ++calls, 0);
		assert_int_equal(store_list_rejections(c.st, &r, rejections_cb,
				     &l),
		    0);
		assert_listed(&l, ++calls, 0);
	}
	case_database_sql(c.db,
	    "INSERT INTO orders (order_id, status, version_key, event, place) "
	    "VALUES ('1', '1', '', 1, 0), ('2', '4', '', 2, 0)");
	assert_int_equal(store_list_orders(c.st, &open, orders_cb, &l), 0);
	assert_listed(&l, ++calls, 1);
}

/* -- Whatever a body holds -- */

/* The document of the order, in a body given as SQL; NULL: there is none. */
static void
assert_document(const char *body, int place, const char *document)
{
	char sql[1024];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT (order_document(%s, %d) IS NOT DISTINCT FROM %s)::int",
	    body, place, document != NULL ? document : "NULL");
	if (case_database_int(c.db, sql) != 1)
		fail_msg("%s is not so", sql);
}

static void
test_documents_are_as_written(void **state)
{
	(void)state;
	assert_document("'{\"orders\": [{\"price\": 1.10}, 7]}'", 0,
	    "'{\"price\": 1.10}'");
	assert_document("'{\"orders\": [{\"price\": 1.10}, 7]}'", 1, "'7'");
	assert_document("'{\"orders\": [{\"price\": 1.10}, 7]}'", 2, NULL);
	assert_document("'{\"orders\": [7]}'", -1, NULL);
	assert_document("'{\"orders\": [null]}'", 0, "'null'");
	/* The first counts, by whatever escapes its name is written. */
	assert_document("'{\"orders\": [1], \"orders\": [2]}'", 0, "'1'");
	assert_document("'{\"\\\\u006frders\": [5]}'::bytea", 0, "'5'");
	/* Escapes that are no text of the database, here and elsewhere. */
	assert_document("'{\"a\": \"\\\\u0000\", \"orders\": [3]}'::bytea", 0,
	    "'3'");
	assert_document("'{\"orders\": [\"\\\\ud83d\\\\\\\\u0041\"]}'::bytea",
	    0, "'\"\\ud83d\\\\u0041\"'");
	/* None is found, and nothing fails. */
	assert_document("NULL", 0, NULL);
	assert_document("''", 0, NULL);
	assert_document("'[1]'", 0, NULL);
	assert_document("'\"orders\"'", 0, NULL);
	assert_document("'{\"orders\": \"abc\"}'", 0, NULL);
	assert_document("'{\"orders\": {\"0\": 1}}'", 0, NULL);
	assert_document("'{\"orders\": [1]} x'", 0, NULL);
	assert_document("'{\"orders\": [\"\\\\ux\"]}'::bytea", 0, NULL);
	assert_document("'\\xefbbbf7b7d'", 0, NULL);     /* a mark, {} */
	assert_document("'\\x7b2261223aff7d'", 0, NULL); /* no UTF-8 */
	assert_document("'\\x7b227d00'", 0, NULL);       /* a NUL */
	assert_document("convert_to(repeat('[', 100000), 'UTF8')", 0, NULL);
}

/* A body that is none fails no SELECT over all. */
static void
test_views_outlive_any_body(void **state)
{
	(void)state;
	case_database_sql(c.db,
	    "INSERT INTO bodies VALUES (1, '\\xff'), (2, '{\"orders\":[9]}');"
	    "INSERT INTO orders (order_id, version_key, event, place) "
	    "VALUES ('1', '', 1, 0), ('2', '', 2, 0);"
	    "INSERT INTO carts (order_id, version_key, event, place) "
	    "VALUES ('1', '', 1, 0), ('2', '', 2, 0)");
	assert_int_equal(case_database_int(c.db,
			     "SELECT count(*) * 10 + count(document) "
			     "FROM order_documents"),
	    21);
	assert_int_equal(case_database_int(c.db,
			     "SELECT count(*) * 10 + count(document) "
			     "FROM cart_documents"),
	    21);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_plans_look_up),
		CASE(test_no_text_matches_nothing),
		CASE(test_documents_are_as_written),
		CASE(test_views_outlive_any_body),
	};

	return (store_case_run("pg_lists", tests));
}
