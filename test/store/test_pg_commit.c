/*
 * What becomes of a commit on PostgreSQL when the connection, the server or an
 * operation fails: nothing that is said to be stored is not, and what is not
 * known is found out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "test/lib/case_database.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/pg_proxy.h"
#include "test/lib/store_case.h"

#define COMMIT "commit" /* the prepared statement's name */

static struct store_case c;
static struct pg_proxy *proxy;
static int64_t handler;

/* -- The world -- */

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	proxy = pg_proxy_new(c.url);
	pg_proxy_url(proxy, c.url, sizeof(c.url));
	store_case_open(&c);
	handler = case_handler(&c, "pos");
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_case_close(&c);
	pg_proxy_free(proxy);
	proxy = NULL;
	store_case_fini(&c);
	return (0);
}

static int64_t
count(const char *sql)
{
	return (case_database_int(c.db, sql));
}

/* Let nobody connect to the store's database, or anybody again. */
static void
allow_connections(bool allowed)
{
	PGconn *conn = PQconnectdb(getenv(CASE_SERVER));
	const char *name = strrchr(c.url, '/') + 1;
	char sql[256];
	PGresult *res;

	(void)count("SELECT 1"); /* ours is open already */
	(void)snprintf(sql, sizeof(sql),
	    "ALTER DATABASE %.*s ALLOW_CONNECTIONS %s", (int)strcspn(name, "?"),
	    name, allowed ? "true" : "false");
	res = PQexec(conn, sql);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(res));
	PQclear(res);
	PQfinish(conn);
}

static struct case_result
append(const char *event_id)
{
	return (case_append(&c, event_id, NULL, handler));
}

static struct case_result
begin(int64_t job)
{
	struct case_result r = { 0 };

	assert_int_equal(store_start(c.st, &(struct store_job){ .id = job }, 0,
			     0, case_done_cb, &r),
	    0);
	store_wait(c.st);
	return (r);
}

static void
assert_stored_once(const char *event_id)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM events WHERE event_id = '%s'", event_id);
	assert_int_equal(count(sql), 1);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM jobs AS j JOIN events AS e ON e.id = "
	    "j.event WHERE e.event_id = '%s'",
	    event_id);
	assert_int_equal(count(sql), 1);
}

/* -- An answer that is lost -- */

/* It is there: the receiver's row says so to a new connection. */
static void
test_lost_answer_is_found(void **state)
{
	(void)state;
	pg_proxy_play(proxy, PG_TRICK_CUT_ANSWER, COMMIT, NULL);
	assert_int_equal(append("e1").rc, STORE_OK);
	assert_int_equal(pg_proxy_played(proxy), 1);
	assert_stored_once("e1");
	assert_int_equal(append("e2").rc, STORE_OK);
	assert_int_equal(count("SELECT count(*) FROM receivers"), 1);
	assert_int_equal(store_health(c.st), STORE_READY);
}

/* It is not there, nor will be: it is done again, while there is time. */
static void
test_lost_commit_is_repeated(void **state)
{
	(void)state;
	pg_proxy_play(proxy, PG_TRICK_CUT, COMMIT, NULL);
	assert_int_equal(append("e1").rc, STORE_OK);
	assert_int_equal(pg_proxy_played(proxy), 1);
	assert_stored_once("e1");
	assert_int_equal(append("e1").rc, STORE_EXISTS);
	assert_int_equal(store_health(c.st), STORE_READY);
}

/*
 * COMMIT does not reach the server, which keeps the session, with the row of
 * this receiver locked: when the time is over, that session is ended.
 */
static void
test_silent_server_is_left(void **state)
{
	(void)state;
	pg_proxy_play(proxy, PG_TRICK_SILENCE, COMMIT, NULL);
	assert_int_equal(append("e1").rc, STORE_AWAY);
	assert_int_equal(pg_proxy_played(proxy), 1);
	assert_int_equal(count("SELECT count(*) FROM events"), 0);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(append("e1").rc, STORE_OK);
	assert_stored_once("e1");
	assert_int_equal(count("SELECT count(*) FROM receivers"), 1);
}

/* A standby may lack it: a further transaction that is there says no. */
static void
test_commit_with_a_warning_is_made_sure_of(void **state)
{
	int64_t batch;

	(void)state;
	batch = count("SELECT batch FROM receivers");
	pg_proxy_play(proxy, PG_TRICK_WARN, COMMIT, NULL);
	assert_int_equal(append("e1").rc, STORE_OK);
	assert_int_equal(pg_proxy_played(proxy), 1);
	assert_true(count("SELECT batch FROM receivers") >= batch + 2);
	assert_stored_once("e1");
}

/*
 * Nobody can be asked in time: the callers hear of a failure. What their starts
 * began is given back once it is known.
 */
static void
test_starts_that_nobody_heard_of_are_given_back(void **state)
{
	struct case_result r;
	int64_t job;

	(void)state;
	job = append("e1").runnable[0];
	allow_connections(false);
	pg_proxy_play(proxy, PG_TRICK_CUT_ANSWER, COMMIT, NULL);
	assert_int_equal(begin(job).rc, STORE_AWAY);
	assert_int_equal(pg_proxy_played(proxy), 1);
	assert_int_equal(count("SELECT count(*) FROM jobs WHERE state = "
			       "'running'"),
	    1);
	store_case_wait_health(&c, STORE_UNREACHABLE);
	assert_string_not_equal(store_reason(c.st), "");
	assert_int_equal(append("e2").rc, STORE_AWAY);

	allow_connections(true);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(count("SELECT count(*) FROM jobs WHERE state = "
			       "'ready' AND attempts = 0"),
	    1);
	assert_int_equal(count("SELECT count(*) FROM attempts"), 0);
	r = case_runnable(&c, handler, 10, 0);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], job);
	assert_int_equal(begin(job).rc, STORE_OK);
	assert_int_equal(count("SELECT count(*) FROM receivers"), 1);
}

/* What was appended so is found by the next delivery of it. */
static void
test_append_that_nobody_heard_of_is_there(void **state)
{
	(void)state;
	allow_connections(false);
	pg_proxy_play(proxy, PG_TRICK_CUT_ANSWER, COMMIT, NULL);
	assert_int_equal(append("e1").rc, STORE_AWAY);
	allow_connections(true);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(append("e1").rc, STORE_EXISTS);
	assert_stored_once("e1");
}

/* -- Before COMMIT -- */

/* Nothing was written: it is done again, on a new connection. */
static void
test_cut_in_a_statement_writes_nothing(void **state)
{
	(void)state;
	(void)append("e1"); /* the statement is prepared */
	pg_proxy_play(proxy, PG_TRICK_CUT_ANSWER, "append", NULL);
	assert_int_equal(append("e2").rc, STORE_OK);
	assert_int_equal(pg_proxy_played(proxy), 1);
	assert_stored_once("e2");
	assert_int_equal(store_health(c.st), STORE_READY);
}

/* If there is none, the callers hear of it, and all resumes by itself. */
static void
test_no_new_connection(void **state)
{
	(void)state;
	allow_connections(false);
	pg_proxy_play(proxy, PG_TRICK_CUT, "append", NULL);
	assert_int_equal(append("e1").rc, STORE_AWAY);
	store_case_wait_health(&c, STORE_UNREACHABLE);
	assert_int_equal(count("SELECT count(*) FROM events"), 0);
	allow_connections(true);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(append("e1").rc, STORE_OK);
	assert_stored_once("e1");
}

/* What the server says about an operation, and what is made of it. */
static const struct {
	const char *sqlstate;
	enum store_rc rc;
	bool away; /* the store has to be reopened */
} states[] = {
	{ "40001", STORE_OK, false }, /* at once again */
	{ "40P01", STORE_OK, false },
	{ "55P03", STORE_OK, false },
	{ "22021", STORE_REFUSED, false },
	{ "23505", STORE_REFUSED, false },
	{ "54000", STORE_REFUSED, false },
	{ "53100", STORE_FULL, false },
	{ "53200", STORE_BUSY, false },
	{ "57014", STORE_BUSY, false },
	{ "53300", STORE_BUSY, false },
	{ "25006", STORE_OK, false }, /* by a new connection */
	{ "57P01", STORE_OK, false },
	{ "0A000", STORE_OK, false },
	{ "42P01", STORE_FAILED, true },
	{ "XX000", STORE_FAILED, true },
};

static void
test_each_state_has_its_outcome(void **state)
{
	struct case_result r;
	char id[32];

	(void)state;
	(void)append("e1");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		print_message("%s\n", states[i].sqlstate);
		(void)snprintf(id, sizeof(id), "of-%s", states[i].sqlstate);
		pg_proxy_play(proxy, PG_TRICK_RAISE, "append",
		    states[i].sqlstate);
		r = append(id);
		assert_int_equal(pg_proxy_played(proxy), i + 1);
		assert_int_equal(r.rc, states[i].rc);
		if (r.rc != STORE_OK) {
			assert_non_null(strstr(r.reason, states[i].sqlstate));
			assert_non_null(strstr(r.reason, "127.0.0.1"));
		}
		if (states[i].away)
			assert_int_not_equal(store_health(c.st), STORE_READY);
		if (states[i].away)
			store_case_wait_health(&c, STORE_READY);
		/* And it goes on, with nothing left behind. */
		r = append(id);
		assert_int_equal(r.rc,
		    states[i].rc == STORE_OK ? STORE_EXISTS : STORE_OK);
		assert_stored_once(id);
		assert_int_equal(store_health(c.st), STORE_READY);
	}
	assert_int_equal(count("SELECT count(*) FROM receivers"), 1);
}

static void
gather(void *arg)
{
	(void)arg;
}

/* Of a batch only the one that cannot be is refused. */
static void
test_what_cannot_be_fails_alone(void **state)
{
	static const char *const ids[] = { "a", "b\xff", "c", "d", "e\x80", "f",
		"g", "a" };
	enum { N = sizeof(ids) / sizeof(ids[0]) };
	struct case_result r[N] = { 0 };

	(void)state;
	store_gather(c.st, gather, NULL); /* in one batch */
	for (size_t i = 0; i < N; i++)
		case_queue_append(&c, ids[i], NULL, handler, &r[i]);
	store_flush(c.st);
	store_wait(c.st);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(r[i].rc, i == 1 || i == 4 ? STORE_REFUSED
					  : i == N - 1     ? STORE_EXISTS
							   : STORE_OK);
		if (r[i].rc == STORE_REFUSED)
			assert_non_null(strstr(r[i].reason, "22021"));
	}
	assert_int_equal(count("SELECT count(*) FROM events"), 5);
	assert_int_equal(store_health(c.st), STORE_READY);
}

/* -- The fence -- */

/* Another has taken over: nothing is written, and this is another receiver. */
static void
test_dead_receiver_writes_nothing(void **state)
{
	struct store_outcome out = { .to = JOB_DONE, .number = 1 };
	struct case_result r = { 0 };

	(void)state;
	out.job = append("e1").runnable[0];
	assert_int_equal(begin(out.job).rc, STORE_OK);
	case_database_sql(c.db, "UPDATE receivers SET dead = true");
	assert_int_equal(append("e2").rc, STORE_AWAY);
	assert_int_equal(count("SELECT count(*) FROM events"), 1);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(append("e2").rc, STORE_OK);
	assert_int_equal(count("SELECT count(*) FROM receivers WHERE NOT dead"),
	    1);
	/* What it had under way is not its own any more. */
	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_LOST);
	assert_int_equal(count("SELECT count(*) FROM attempts WHERE outcome = "
			       "'unknown'"),
	    1);
}

/*
 * A session of ours that the server has, but that has stopped, say, keeps the
 * receiver's row locked. Once the lease is over nobody waits for it any more.
 */
static void
test_locked_row_is_left_after_the_lease(void **state)
{
	struct store_options opt = { .url = c.url,
		.mode = STORE_SERVE,
		.lease_ms = 1000,
		.queue_max = c.queue_max };

	(void)state;
	store_case_close(&c);
	if (store_open(&opt, &c.st, c.reason) != STORE_OK)
		fail_msg("%s", c.reason);
	handler = case_handler(&c, "pos");
	(void)append("e1");
	case_database_sql(c.db, "BEGIN; SELECT 1 FROM receivers FOR UPDATE");
	store_case_wait_health(&c, STORE_UNREACHABLE);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(append("e2").rc, STORE_OK);
	case_database_sql(c.db, "COMMIT");
	assert_int_equal(count("SELECT count(*) FROM receivers"), 2);
	assert_stored_once("e1");
	assert_stored_once("e2");
}

/* -- Opening and closing -- */

static void
test_opens_while_the_server_is_away(void **state)
{
	(void)state;
	store_case_close(&c);
	pg_proxy_away(proxy, true);
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_OK);
	assert_int_equal(store_health(c.st), STORE_UNREACHABLE);
	assert_string_not_equal(store_reason(c.st), "");
	assert_int_equal(append("e1").rc, STORE_AWAY);
	pg_proxy_away(proxy, false);
	store_case_wait_health(&c, STORE_READY);
	handler = case_handler(&c, "pos");
	assert_int_equal(append("e1").rc, STORE_OK);
}

/* A verb does not wait for it; nor does what only reads. */
static void
test_verbs_need_the_server(void **state)
{
	(void)state;
	store_case_close(&c);
	pg_proxy_away(proxy, true);
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_AWAY);
	assert_string_not_equal(c.reason, "");
	assert_int_equal(store_case_try(&c, STORE_READ), STORE_AWAY);
	assert_string_not_equal(c.reason, "");
	pg_proxy_away(proxy, false);
}

/* By a mistake in the settings a start fails, and says what it is. */
static void
test_refused_login_fails_the_start(void **state)
{
	char *name;

	(void)state;
	store_case_close(&c);
	name = strrchr(c.url, '/') + 1;
	(void)strcpy(name, "nowhere?sslmode=disable&gssencmode=disable");
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_FAILED);
	assert_non_null(strstr(c.reason, "\"nowhere\" does not exist"));
}

/* The server was restarted, say, while nobody had anything to do. */
static void
test_all_connect_again(void **state)
{
	int64_t job;

	(void)state;
	job = append("e1").runnable[0];
	assert_int_equal(case_number(&c, job), 0);
	pg_proxy_away(proxy, true);
	pg_proxy_away(proxy, false);
	assert_int_equal(case_number(&c, job), 0);
	assert_int_equal(append("e2").rc, STORE_OK);
	assert_int_equal(store_health(c.st), STORE_READY);
}

/* Its jobs are anybody's at once: no lease has to pass. */
static void
test_closing_gives_all_away(void **state)
{
	(void)state;
	(void)append("e1");
	assert_int_equal(count("SELECT count(*) FROM jobs WHERE owner <> 0"),
	    1);
	store_case_close(&c);
	assert_int_equal(count("SELECT count(*) FROM receivers"), 0);
	assert_int_equal(count("SELECT count(*) FROM jobs WHERE owner = 0"), 1);
}

/* Also if the connection was lost with a start whose end nobody knows. */
static void
test_closing_finds_out_what_is_not_known(void **state)
{
	int64_t job;

	(void)state;
	job = append("e1").runnable[0];
	allow_connections(false);
	pg_proxy_play(proxy, PG_TRICK_CUT_ANSWER, COMMIT, NULL);
	assert_int_equal(begin(job).rc, STORE_AWAY);
	allow_connections(true);
	store_case_close(&c);
	assert_int_equal(count("SELECT count(*) FROM receivers"), 0);
	assert_int_equal(count("SELECT count(*) FROM jobs WHERE owner = 0 AND "
			       "state = 'ready' AND attempts = 0"),
	    1);
}

/* A verb is nobody: what it makes runnable is anybody's. */
static void
test_verbs_own_nothing(void **state)
{
	struct case_result r = { 0 };
	int64_t job;

	(void)state;
	job = append("e1").runnable[0];
	assert_int_equal(case_finish(&c, job, JOB_DEAD, 0).rc, STORE_OK);
	store_case_close(&c);
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_OK);
	assert_int_equal(count("SELECT count(*) FROM receivers"), 0);
	assert_int_equal(store_act(c.st, STORE_REPLAY, job, NULL, 0,
			     case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(count("SELECT count(*) FROM jobs WHERE owner = 0 AND "
			       "state = 'ready'"),
	    1);

	/* It has no number by which it could be asked. */
	pg_proxy_play(proxy, PG_TRICK_CUT_ANSWER, COMMIT, NULL);
	assert_int_equal(store_pause(c.st, "pos", "me", NULL, 0, case_done_cb,
			     &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_AWAY);
	assert_non_null(strstr(r.reason, "look whether"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost_answer_is_found,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_commit_is_repeated,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_server_is_left,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_commit_with_a_warning_is_made_sure_of, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_starts_that_nobody_heard_of_are_given_back, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_append_that_nobody_heard_of_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_cut_in_a_statement_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_new_connection, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_each_state_has_its_outcome,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_fails_alone,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_dead_receiver_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_locked_row_is_left_after_the_lease, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_opens_while_the_server_is_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verbs_need_the_server,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_refused_login_fails_the_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_connect_again, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_closing_gives_all_away,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_closing_finds_out_what_is_not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verbs_own_nothing, setup,
		    teardown),
	};

	(void)setenv("STORE_CASE", "postgres", 1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
