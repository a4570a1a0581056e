/*
 * pipe.h and connect.c against a real server, and against one that a proxy has
 * do what a real one does too seldom.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/postgres/pipe.h"
#include "store/postgres/row.h"
#include "test/lib/case_database.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/pg_proxy.h"

#define LONG_MS 60000 /* nobody waits for that */
#define SHORT_MS 300  /* somebody waits for that, in vain */

struct world {
	struct case_database *db;
	struct pg_proxy *proxy;
	char url[256]; /* past the proxy */
	char through[256];
	int stop_fd;
	struct pg_conn *c;
	struct arena mem;
	char reason[STORE_REASON_MAX];
};

static const struct pg_statement add = { "add", "SELECT $1::int8 + $2::int8" };
static const struct pg_statement divide = { "divide",
	"SELECT $1::int8 / $2::int8" };
static const struct pg_statement begin = { "begin", "BEGIN" };
static const struct pg_statement commit = { "commit", "COMMIT" };
static const struct pg_statement rollback = { "rollback", "ROLLBACK" };
static const struct pg_statement insert = { "insert",
	"INSERT INTO public.kept VALUES ($1::int8)" };
static const struct pg_statement raise_state = { "raise",
	"SELECT pg_temp.raise($1::text)" };

/* One database for all: making one takes longer than a test. */
static struct case_database *all_db;
static char all_url[256];

static int
setup_all(void **state)
{
	(void)state;
	all_db = case_database_new(all_url, sizeof(all_url));
	/* What a session must not be left with. */
	case_database_sql(all_db,
	    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "
	    "synchronous_commit = off', current_database()); EXECUTE "
	    "format('ALTER DATABASE %I SET default_transaction_isolation = "
	    "serializable', current_database()); END $$");
	return (0);
}

static int
teardown_all(void **state)
{
	(void)state;
	case_database_free(all_db);
	return (0);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->db = all_db;
	memcpy(w->url, all_url, sizeof(all_url));
	w->proxy = pg_proxy_new(w->url);
	pg_proxy_url(w->proxy, w->through, sizeof(w->through));
	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	pg_conn_free(w->c);
	pg_proxy_free(w->proxy);
	case_database_sql(w->db, "DROP TABLE IF EXISTS public.kept");
	arena_fini(&w->mem);
	(void)close(w->stop_fd);
	free(w);
	return (0);
}

static enum store_rc
try_connect(struct world *w, const char *url, unsigned within_ms)
{
	struct pg_connect what = { .url = url,
		.deadline_ms = pg_now_ms() + within_ms,
		.statement_ms = LONG_MS,
		.idle_ms = LONG_MS,
		.stop_fd = w->stop_fd };
	struct pg_conn *c = NULL;
	enum store_rc rc;

	w->reason[0] = '\0';
	if ((rc = pg_connect(&what, &c, w->reason)) == STORE_OK) {
		pg_conn_free(w->c);
		w->c = c;
	} else
		assert_null(c);
	return (rc);
}

static void
connect_through(struct world *w)
{
	if (try_connect(w, w->through, LONG_MS) != STORE_OK)
		fail_msg("%s", w->reason);
}

static const struct pg_args *
two(struct world *w, struct pg_args *a, int64_t first, int64_t second)
{
	pg_args_init(a, &w->mem);
	pg_arg_int(a, first);
	pg_arg_int(a, second);
	return (a);
}

static const struct pg_args *
one(struct world *w, struct pg_args *a, int64_t only)
{
	pg_args_init(a, &w->mem);
	pg_arg_int(a, only);
	return (a);
}

/* The connection is good: it adds. */
static void
assert_works(struct world *w)
{
	PGresult *res = NULL;
	struct pg_args a;

	assert_int_equal(pg_query(w->c, &add, two(w, &a, 40, 2), &res,
			     w->reason),
	    STORE_OK);
	assert_int_equal(pg_int(res, 0, 0), 42);
	PQclear(res);
}

static void
run(struct world *w, const struct pg_statement *s)
{
	PGresult *res = NULL;

	if (pg_query(w->c, s, NULL, &res, w->reason) != STORE_OK)
		fail_msg("%s", w->reason);
	PQclear(res);
}

/* -- Statements -- */

static void
test_a_statement_has_a_result(void **state)
{
	struct world *w = *state;

	connect_through(w);
	assert_works(w);
	assert_works(w); /* prepared by now */
	assert_false(pg_warned(w->c));
	assert_false(pg_in_transaction(w->c));
}

/* What fails alone leaves the connection, and is said without values. */
static void
test_a_failure_leaves_the_connection(void **state)
{
	struct world *w = *state;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	for (int i = 0; i < 2; i++) { /* then it is prepared */
		assert_int_equal(pg_query(w->c, &divide, two(w, &a, 1, 0), &res,
				     w->reason),
		    STORE_REFUSED);
		assert_null(res);
		assert_non_null(strstr(w->reason, "division by zero (22012)"));
		assert_non_null(strstr(w->reason, "postgres://127.0.0.1:"));
		assert_int_equal(pg_verdict(w->c), PG_ALONE);
		assert_works(w);
	}
}

/* A pipeline's results come in order; after a failure none does. */
static void
test_a_pipeline_fails_as_a_whole(void **state)
{
	struct world *w = *state;
	int64_t deadline = pg_now_ms() + LONG_MS;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	assert_int_equal(pg_send(w->c, &begin, NULL), STORE_OK);
	assert_int_equal(pg_send(w->c, &add, two(w, &a, 1, 2)), STORE_OK);
	assert_int_equal(pg_send(w->c, &divide, two(w, &a, 1, 0)), STORE_OK);
	assert_int_equal(pg_send(w->c, &rollback, NULL), STORE_OK);
	assert_int_equal(pg_send(w->c, &add, two(w, &a, 3, 4)), STORE_OK);
	assert_int_equal(pg_sync(w->c), STORE_OK);

	assert_int_equal(pg_receive(w->c, deadline, &res), STORE_OK);
	PQclear(res);
	assert_int_equal(pg_receive(w->c, deadline, &res), STORE_OK);
	assert_int_equal(pg_int(res, 0, 0), 3);
	PQclear(res);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pg_receive(w->c, deadline, &res),
		    STORE_REFUSED);
	assert_int_equal(pg_receive_end(w->c, deadline), STORE_REFUSED);
	assert_true(pg_in_transaction(w->c));

	/* What was to be prepared behind the failure was not. */
	run(w, &rollback);
	assert_false(pg_in_transaction(w->c));
	assert_works(w);
}

/* Who does not want the rest goes to the end. */
static void
test_results_may_be_left(void **state)
{
	struct world *w = *state;
	struct pg_args a;

	connect_through(w);
	for (int i = 0; i < 50; i++)
		assert_int_equal(pg_send(w->c, &add, two(w, &a, i, i)),
		    STORE_OK);
	assert_int_equal(pg_sync(w->c), STORE_OK);
	assert_int_equal(pg_receive_end(w->c, pg_now_ms() + LONG_MS), STORE_OK);
	assert_works(w);
}

/* More than any buffer of the way holds, in both directions at once. */
static void
test_large_values_pass(void **state)
{
	static const struct pg_statement twice = { "twice",
		"SELECT $1::bytea || $1::bytea" };
	size_t len = 12 << 20, n;
	struct world *w = *state;
	unsigned char *bytes;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	assert_non_null(bytes = arena_alloc(&w->mem, len));
	memset(bytes, 'x', len);
	pg_args_init(&a, &w->mem);
	pg_arg_bytes(&a, bytes, len);
	assert_int_equal(pg_send(w->c, &twice, &a), STORE_OK);
	assert_int_equal(pg_send(w->c, &twice, &a), STORE_OK);
	assert_int_equal(pg_sync(w->c), STORE_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pg_receive(w->c, pg_now_ms() + LONG_MS, &res),
		    STORE_OK);
		assert_non_null(pg_bytes(res, 0, 0, &n));
		assert_int_equal(n, 2 * len);
		PQclear(res);
	}
	assert_int_equal(pg_receive_end(w->c, pg_now_ms() + LONG_MS), STORE_OK);
}

/*
 * While it works on one statement it does not read the next, for longer than a
 * network may be silent; that is no reason to give it up.
 */
static void
test_a_server_that_works_may_not_read(void **state)
{
	static const struct pg_statement work = { "work",
		"SELECT pg_sleep(3)" };
	static const struct pg_statement length = { "length",
		"SELECT length($1::bytea)" };
	size_t len = 16 << 20;
	struct world *w = *state;
	PGresult *res = NULL;
	struct pg_args a;

	assert_int_equal(try_connect(w, w->url, LONG_MS), STORE_OK);
	pg_args_init(&a, &w->mem);
	pg_arg_bytes(&a, arena_alloc(&w->mem, len), len);
	assert_int_equal(pg_send(w->c, &work, NULL), STORE_OK);
	assert_int_equal(pg_send(w->c, &length, &a), STORE_OK);
	assert_int_equal(pg_sync(w->c), STORE_OK);
	assert_int_equal(pg_receive(w->c, pg_now_ms() + LONG_MS, &res),
	    STORE_OK);
	PQclear(res);
	assert_int_equal(pg_receive(w->c, pg_now_ms() + LONG_MS, &res),
	    STORE_OK);
	assert_int_equal(pg_int(res, 0, 0), len);
	PQclear(res);
	assert_int_equal(pg_receive_end(w->c, pg_now_ms() + LONG_MS), STORE_OK);
}

static void
test_a_script_is_one_transaction(void **state)
{
	struct world *w = *state;

	connect_through(w);
	assert_int_equal(pg_script(w->c,
			     "CREATE TABLE public.kept (n int8); "
			     "INSERT INTO public.kept VALUES (1); SELECT 1/0",
			     0, w->reason),
	    STORE_REFUSED);
	assert_int_equal(case_database_int(w->db,
			     "SELECT count(*) FROM pg_tables WHERE "
			     "tablename = 'kept'"),
	    0);
	assert_works(w);
	assert_int_equal(pg_script(w->c, "BEGIN; SELECT 1/0", 0, w->reason),
	    STORE_REFUSED);
	assert_true(pg_in_transaction(w->c));
	assert_int_equal(pg_script(w->c, "ROLLBACK", 0, w->reason), STORE_OK);
	assert_false(pg_warned(w->c));
	assert_int_equal(pg_script(w->c, "ROLLBACK", 0, w->reason), STORE_OK);
	assert_true(pg_warned(w->c)); /* there is none */
	assert_works(w);
	assert_false(pg_warned(w->c));
}

/* Each of the notes, as the server itself raises it. */
static void
test_each_sqlstate_has_its_outcome(void **state)
{
	static const struct {
		const char *sqlstate;
		enum store_rc rc;
		enum pg_verdict verdict;
	} rows[] = {
		{ "22021", STORE_REFUSED, PG_ALONE },
		{ "23505", STORE_REFUSED, PG_ALONE },
		{ "54000", STORE_REFUSED, PG_ALONE },
		{ "40001", STORE_BUSY, PG_AGAIN },
		{ "40P01", STORE_BUSY, PG_AGAIN },
		{ "55P03", STORE_BUSY, PG_AGAIN },
		{ "53100", STORE_FULL, PG_FULL },
		{ "53200", STORE_BUSY, PG_BUSY },
		{ "57014", STORE_BUSY, PG_BUSY },
		{ "53300", STORE_BUSY, PG_BUSY },
		{ "25006", STORE_AWAY, PG_AWAY },
		{ "KL001", STORE_AWAY, PG_FENCED },
		{ "42883", STORE_FAILED, PG_FAILED },
	};
	struct world *w = *state;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	assert_int_equal(pg_script(w->c,
			     "CREATE FUNCTION pg_temp.raise(s text) RETURNS "
			     "void LANGUAGE plpgsql AS $$ BEGIN RAISE "
			     "EXCEPTION USING ERRCODE = s, MESSAGE = "
			     "E'two\\nlines', DETAIL = 'a secret'; END $$",
			     0, w->reason),
	    STORE_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pg_args_init(&a, &w->mem);
		pg_arg_text(&a, rows[i].sqlstate);
		assert_int_equal(pg_query(w->c, &raise_state, &a, &res,
				     w->reason),
		    rows[i].rc);
		assert_int_equal(pg_verdict(w->c), rows[i].verdict);
		assert_non_null(strstr(w->reason, "two lines ("));
		assert_non_null(strstr(w->reason, rows[i].sqlstate));
		assert_null(strstr(w->reason, "secret"));
	}
	assert_works(w);
}

/* -- A connection that is lost -- */

/* From then on nothing waits. */
static void
assert_lost(struct world *w)
{
	PGresult *res = NULL;
	struct pg_args a;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pg_query(w->c, &add, two(w, &a, 1, 1), &res,
				     w->reason),
		    STORE_AWAY);
		assert_int_equal(pg_verdict(w->c), PG_AWAY);
		assert_int_equal(pg_script(w->c, "SELECT 1", 0, w->reason),
		    STORE_AWAY);
	}
}

/* The words of the server are kept: somebody ended the session. */
static void
test_a_session_that_was_ended_says_so(void **state)
{
	struct world *w = *state;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	case_database_sql(w->db,
	    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
	    "WHERE application_name = 'klikitd' AND datname = "
	    "current_database()");
	assert_int_equal(pg_query(w->c, &add, two(w, &a, 1, 1), &res,
			     w->reason),
	    STORE_AWAY);
	assert_non_null(strstr(w->reason, "57P01"));
	assert_lost(w);
}

static void
test_a_cut_is_no_answer(void **state)
{
	struct world *w = *state;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	pg_proxy_play(w->proxy, PG_TRICK_CUT, "add", NULL);
	assert_int_equal(pg_query(w->c, &add, two(w, &a, 1, 1), &res,
			     w->reason),
	    STORE_AWAY);
	assert_int_equal(pg_proxy_played(w->proxy), 1);
	assert_lost(w);
}

/* A server that was stopped keeps its connections: the deadline is ours. */
static void
test_silence_has_an_end(void **state)
{
	struct world *w = *state;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	pg_proxy_play(w->proxy, PG_TRICK_SILENCE, "add", NULL);
	assert_int_equal(pg_send(w->c, &add, two(w, &a, 1, 1)), STORE_OK);
	assert_int_equal(pg_sync(w->c), STORE_OK);
	assert_int_equal(pg_receive(w->c, pg_now_ms() + SHORT_MS, &res),
	    STORE_AWAY);
	assert_int_equal(pg_receive_end(w->c, pg_now_ms() + LONG_MS),
	    STORE_AWAY);
	(void)pg_reason(w->c, w->reason);
	assert_non_null(strstr(w->reason, "no answer in time"));
	assert_lost(w);
}

/* Also when so much is to be sent that it waits for the server to read. */
static void
test_silence_while_sending_has_an_end(void **state)
{
	static const struct pg_statement length = { "length",
		"SELECT length($1::bytea)" };
	size_t len = 16 << 20;
	struct world *w = *state;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	assert_int_equal(pg_script(w->c, "SELECT 1", 0, w->reason), STORE_OK);
	pg_proxy_play(w->proxy, PG_TRICK_SILENCE, "length", NULL);
	pg_args_init(&a, &w->mem);
	pg_arg_bytes(&a, arena_alloc(&w->mem, len), len);
	if (pg_send(w->c, &length, &a) != STORE_OK ||
	    pg_sync(w->c) != STORE_OK) {
		(void)pg_reason(w->c, w->reason);
		fail_msg("%s", w->reason);
	}
	assert_int_equal(pg_receive(w->c, pg_now_ms() + SHORT_MS, &res),
	    STORE_AWAY);
	assert_lost(w);
}

static void
test_an_interrupt_ends_the_wait(void **state)
{
	struct world *w = *state;
	PGresult *res = NULL;
	struct pg_args a;

	connect_through(w);
	pg_proxy_play(w->proxy, PG_TRICK_SILENCE, "add", NULL);
	assert_int_equal(eventfd_write(w->stop_fd, 1), 0);
	assert_int_equal(pg_query(w->c, &add, two(w, &a, 1, 1), &res,
			     w->reason),
	    STORE_AWAY);
	assert_non_null(strstr(w->reason, "interrupted"));
	assert_lost(w);
}

/* -- COMMIT -- */

static void
prepare_kept(struct world *w)
{
	connect_through(w);
	assert_int_equal(pg_script(w->c,
			     "CREATE TABLE public.kept (n int8 PRIMARY KEY "
			     "DEFERRABLE INITIALLY DEFERRED)",
			     0, w->reason),
	    STORE_OK);
}

static enum store_rc
keep(struct world *w, int64_t n, unsigned within_ms)
{
	int64_t deadline = pg_now_ms() + LONG_MS;
	PGresult *res = NULL;
	struct pg_args a;
	enum store_rc rc;

	assert_int_equal(pg_send(w->c, &begin, NULL), STORE_OK);
	assert_int_equal(pg_send(w->c, &insert, one(w, &a, n)), STORE_OK);
	assert_int_equal(pg_sync(w->c), STORE_OK);
	assert_int_equal(pg_receive_end(w->c, deadline), STORE_OK);
	assert_true(pg_in_transaction(w->c));
	assert_int_equal(pg_send(w->c, &commit, NULL), STORE_OK);
	assert_int_equal(pg_sync(w->c), STORE_OK);
	deadline = pg_now_ms() + within_ms;
	if ((rc = pg_receive(w->c, deadline, &res)) == STORE_OK)
		PQclear(res);
	assert_int_equal(pg_receive_end(w->c, deadline), rc);
	return (rc);
}

static int64_t
kept(struct world *w)
{
	return (case_database_int(w->db, "SELECT count(*) FROM public.kept"));
}

/* It is committed, and nobody knows. */
static void
test_the_answer_to_a_commit_may_be_lost(void **state)
{
	struct world *w = *state;

	prepare_kept(w);
	pg_proxy_play(w->proxy, PG_TRICK_CUT_ANSWER, "COMMIT", NULL);
	assert_int_equal(keep(w, 1, LONG_MS), STORE_AWAY);
	assert_int_equal(kept(w), 1);
	assert_lost(w);

	/* And here it is not, which looks the same. */
	connect_through(w);
	pg_proxy_play(w->proxy, PG_TRICK_CUT, "COMMIT", NULL);
	assert_int_equal(keep(w, 2, LONG_MS), STORE_AWAY);
	assert_int_equal(kept(w), 1);
	assert_lost(w);

	connect_through(w);
	pg_proxy_play(w->proxy, PG_TRICK_SILENCE, "COMMIT", NULL);
	assert_int_equal(keep(w, 3, SHORT_MS), STORE_AWAY);
	assert_lost(w);
	assert_int_equal(pg_proxy_played(w->proxy), 3);
}

/* As when the standby is gone that had to have it: it may be lost yet. */
static void
test_a_warning_at_commit_is_seen(void **state)
{
	struct world *w = *state;

	prepare_kept(w);
	assert_int_equal(keep(w, 1, LONG_MS), STORE_OK);
	assert_false(pg_warned(w->c));
	pg_proxy_play(w->proxy, PG_TRICK_WARN, "commit", NULL);
	assert_int_equal(keep(w, 2, LONG_MS), STORE_OK);
	assert_true(pg_warned(w->c));
	assert_int_equal(pg_reason(w->c, w->reason), STORE_AWAY);
	assert_non_null(strstr(w->reason, "the server warns: canceling wait"));
	assert_int_equal(keep(w, 3, LONG_MS), STORE_OK);
	assert_false(pg_warned(w->c));
}

/* COMMIT itself fails: then nothing is committed. */
static void
test_a_commit_may_fail(void **state)
{
	static const struct {
		const char *sqlstate;
		enum store_rc rc;
	} rows[] = {
		{ "53100", STORE_FULL },
		{ "40001", STORE_BUSY },
		{ "57014", STORE_BUSY },
		{ "25006", STORE_AWAY },
		{ "KL001", STORE_AWAY },
	};
	struct world *w = *state;

	prepare_kept(w);
	assert_int_equal(keep(w, 1, LONG_MS), STORE_OK);
	assert_int_equal(keep(w, 1, LONG_MS), STORE_REFUSED); /* for real */
	assert_false(pg_in_transaction(w->c));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pg_proxy_play(w->proxy, PG_TRICK_RAISE, "commit",
		    rows[i].sqlstate);
		assert_int_equal(keep(w, 2, LONG_MS), rows[i].rc);
		assert_true(pg_in_transaction(w->c));
		run(w, &rollback);
	}
	assert_int_equal(pg_proxy_played(w->proxy), 5);
	assert_int_equal(keep(w, 2, LONG_MS), STORE_OK);
	assert_int_equal(kept(w), 2);
}

/* -- Connecting -- */

static void
test_who_never_answers_is_away(void **state)
{
	struct pg_proxy *mute = pg_proxy_new(NULL);
	struct world *w = *state;
	char url[256];

	pg_proxy_url(mute, url, sizeof(url));
	assert_int_equal(try_connect(w, url, SHORT_MS), STORE_AWAY);
	assert_non_null(strstr(w->reason, "no answer in time"));
	pg_proxy_free(mute);
}

static void
test_an_interrupt_ends_connecting(void **state)
{
	struct pg_proxy *mute = pg_proxy_new(NULL);
	struct world *w = *state;
	char url[256];

	pg_proxy_url(mute, url, sizeof(url));
	assert_int_equal(eventfd_write(w->stop_fd, 1), 0);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_AWAY);
	assert_non_null(strstr(w->reason, "interrupted"));
	pg_proxy_free(mute); /* what is left alone learns that it may end */
}

/* It falls silent, or is cut off, between the login and its first answer. */
static void
test_a_session_that_fails_to_begin_is_away(void **state)
{
	struct world *w = *state;

	pg_proxy_play(w->proxy, PG_TRICK_SILENCE, "pg_backend_pid", NULL);
	assert_int_equal(try_connect(w, w->through, SHORT_MS), STORE_AWAY);
	pg_proxy_play(w->proxy, PG_TRICK_CUT, "pg_backend_pid", NULL);
	assert_int_equal(try_connect(w, w->through, LONG_MS), STORE_AWAY);
	pg_proxy_play(w->proxy, PG_TRICK_CUT, "set_config", NULL);
	assert_int_equal(try_connect(w, w->through, LONG_MS), STORE_AWAY);
	pg_proxy_play(w->proxy, PG_TRICK_RAISE, "set_config", "57P03");
	assert_int_equal(try_connect(w, w->through, LONG_MS), STORE_AWAY);
	assert_int_equal(pg_proxy_played(w->proxy), 4);
	pg_proxy_away(w->proxy, 1);
	assert_int_equal(try_connect(w, w->through, LONG_MS), STORE_AWAY);
	pg_proxy_away(w->proxy, 0);
	connect_through(w);
	assert_works(w);
}

/* One of several hosts that does not answer costs its share of the time. */
static void
test_another_host_is_tried(void **state)
{
	struct pg_proxy *mute = pg_proxy_new(NULL);
	struct world *w = *state;
	char url[256], *port, several[512], name[256];

	pg_proxy_url(mute, url, sizeof(url));
	assert_non_null(port = strstr(url, "127.0.0.1:"));
	port[strcspn(port, "/")] = '\0';
	(void)snprintf(name, sizeof(name), "%s", strrchr(w->url, '/') + 1);
	(void)snprintf(several, sizeof(several),
	    "postgres://klikitd@nowhere.invalid:1,%s,%s&connect_timeout=3",
	    port, strstr(w->through, "127.0.0.1:"));
	assert_int_equal(try_connect(w, several, LONG_MS), STORE_OK);
	assert_works(w);
	assert_non_null(strstr(pg_name(w->c), "nowhere.invalid:1,127.0.0.1:"));

	(void)snprintf(several, sizeof(several),
	    "postgres://klikitd@nowhere.invalid,127.0.0.1,localhost/%s?port=1",
	    name);
	assert_int_equal(try_connect(w, several, LONG_MS), STORE_AWAY);
	assert_non_null(strstr(w->reason, "Connection refused; "));
	assert_non_null(strstr(w->reason, ": nowhere.invalid: "));
	assert_int_equal(try_connect(w, "postgres://nowhere.invalid/d",
			     LONG_MS),
	    STORE_AWAY);
	pg_proxy_free(mute);
}

/* By what somebody has set wrongly, a start fails. */
static void
test_a_wrong_setting_is_told_apart(void **state)
{
	struct world *w = *state;
	char url[320];

	(void)snprintf(url, sizeof(url), "%s&dbname=none", w->through);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_REFUSED);
	assert_non_null(strstr(w->reason, "\"none\" does not exist"));
	(void)snprintf(url, sizeof(url), "%s&user=nobody_here", w->through);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_REFUSED);
	(void)snprintf(url, sizeof(url), "%s&sslkey=/x&sslmode=nonsense",
	    w->through);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_FAILED);
	assert_int_equal(try_connect(w, "postgres:?service=none", LONG_MS),
	    STORE_FAILED);
}

/* A file with that text and mode; the caller removes it. */
static void
write_file(char *ret_path, size_t room, const char *text, mode_t mode)
{
	int fd;

	(void)snprintf(ret_path, room, "/tmp/test_pg_pipe.XXXXXX");
	assert_true((fd = mkstemp(ret_path)) != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

/* try_connect(); how many bytes were written to stderr meanwhile. */
static off_t
try_aloud(struct world *w, const char *url, enum store_rc rc)
{
	FILE *out = tmpfile();
	int old = dup(STDERR_FILENO);
	enum store_rc got;
	struct stat sb;

	assert_true(out != NULL && old != -1);
	assert_true(dup2(fileno(out), STDERR_FILENO) != -1);
	got = try_connect(w, url, LONG_MS);
	assert_true(dup2(old, STDERR_FILENO) != -1);
	(void)close(old);
	assert_int_equal(fstat(fileno(out), &sb), 0);
	(void)fclose(out);
	assert_int_equal(got, rc);
	return (sb.st_size);
}

/* A user who has to give a password; the URL is without it. */
static void
add_guarded(struct world *w, char *ret_url, size_t room)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
	    "CREATE ROLE pipe_%d LOGIN PASSWORD 'sEcret' IN ROLE guarded",
	    (int)getpid());
	case_database_sql(w->db, sql);
	(void)snprintf(ret_url, room, "%s&user=pipe_%d", w->through,
	    (int)getpid());
}

static void
drop_guarded(struct world *w)
{
	char sql[64];

	pg_conn_free(w->c);
	w->c = NULL;
	(void)snprintf(sql, sizeof(sql), "DROP ROLE pipe_%d", (int)getpid());
	case_database_sql(w->db, sql);
}

static void
test_a_password_is_asked_for(void **state)
{
	struct world *w = *state;
	char url[400], with[480], sql[128];

	add_guarded(w, url, sizeof(url));
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_REFUSED);
	assert_non_null(strstr(w->reason, "PGPASSFILE"));
	(void)snprintf(with, sizeof(with), "%s&password=wRong", url);
	assert_int_equal(try_connect(w, with, LONG_MS), STORE_REFUSED);
	assert_non_null(strstr(w->reason, "password authentication failed"));
	assert_null(strstr(w->reason, "wRong"));
	(void)snprintf(with, sizeof(with), "%s&password=sEcret", url);
	assert_int_equal(try_connect(w, with, LONG_MS), STORE_OK);
	assert_null(strstr(pg_name(w->c), "sEcret"));

	(void)snprintf(sql, sizeof(sql),
	    "ALTER ROLE pipe_%d VALID UNTIL 'yesterday'", (int)getpid());
	case_database_sql(w->db, sql);
	assert_int_equal(try_connect(w, with, LONG_MS), STORE_REFUSED);
	assert_null(strstr(w->reason, "sEcret"));
	drop_guarded(w);
}

/* libpq would say on stderr that others may read it: with each try. */
static void
test_a_file_of_passwords_is_for_one_reader(void **state)
{
	struct world *w = *state;
	char url[400], with[512], path[64];

	add_guarded(w, url, sizeof(url));
	write_file(path, sizeof(path), "*:*:*:*:sEcret\n", 0644);
	(void)snprintf(with, sizeof(with), "%s&passfile=%s", url, path);
	assert_int_equal(try_aloud(w, with, STORE_REFUSED), 0);
	assert_non_null(strstr(w->reason, path));
	assert_non_null(strstr(w->reason, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(try_aloud(w, with, STORE_OK), 0);
	assert_works(w);
	(void)unlink(path);
	drop_guarded(w);
}

static void
test_a_service_may_be_named(void **state)
{
	struct world *w = *state;
	char text[512], path[64];

	(void)snprintf(text, sizeof(text),
	    "[kitchen]\nhost=127.0.0.1\nport=%.*s\nuser=klikitd\n"
	    "dbname=%s\nsslmode=disable\n",
	    (int)strcspn(strrchr(w->url, ':') + 1, "/"),
	    strrchr(w->url, ':') + 1, strrchr(w->url, '/') + 1);
	write_file(path, sizeof(path), text, 0600);
	assert_int_equal(setenv("PGSERVICEFILE", path, 1), 0);
	assert_int_equal(try_connect(w, "postgres:?service=kitchen", LONG_MS),
	    STORE_OK);
	assert_works(w);
	assert_string_equal(pg_name(w->c), "postgres:///?service=kitchen");
	assert_int_equal(try_connect(w, "postgres:?service=bar", LONG_MS),
	    STORE_FAILED);
	assert_non_null(strstr(w->reason, "service \"bar\" not found"));
	assert_int_equal(unsetenv("PGSERVICEFILE"), 0);
	(void)unlink(path);
}

/* What the session needs is set, whatever the role or the URL say. */
static void
test_the_session_is_set_up(void **state)
{
	static const struct pg_statement look = { "look",
		"SELECT current_setting('synchronous_commit'), "
		"current_setting('enable_seqscan'), "
		"current_setting('plan_cache_mode'), "
		"current_setting('search_path'), "
		"current_setting('client_encoding'), "
		"current_setting('application_name'), "
		"current_setting('default_transaction_isolation'), "
		"current_setting('statement_timeout')" };
	static const char *const values[] = { "on", "off", "force_generic_plan",
		"klikitd, pg_temp", "UTF8", "klikitd", "read committed",
		"1min" };
	struct world *w = *state;
	PGresult *res = NULL;
	const char *text;
	char url[400];

	(void)snprintf(url, sizeof(url),
	    "%s&client_encoding=LATIN1&options=-c%%20enable_seqscan%%3Don",
	    w->through);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_OK);
	assert_int_equal(pg_query(w->c, &look, NULL, &res, w->reason),
	    STORE_OK);
	for (int i = 0; i < (int)(sizeof(values) / sizeof(values[0])); i++) {
		assert_int_equal(pg_text(res, 0, i, &w->mem, &text), 0);
		assert_string_equal(text, values[i]);
	}
	PQclear(res);
}

/* A connection for lists only cannot write. */
static void
test_a_reader_does_not_write(void **state)
{
	struct world *w = *state;
	struct pg_connect what = { .url = w->through,
		.read_only = true,
		.deadline_ms = pg_now_ms() + LONG_MS,
		.statement_ms = LONG_MS,
		.idle_ms = LONG_MS,
		.stop_fd = -1 };

	assert_int_equal(pg_connect(&what, &w->c, w->reason), STORE_OK);
	assert_works(w);
	assert_int_equal(pg_script(w->c, "CREATE TABLE public.x (n int8)", 0,
			     w->reason),
	    STORE_AWAY);
	assert_non_null(strstr(w->reason, "25006"));
}

/* A statement that takes too long is ended by the server, and the connection
 * lives. */
static void
test_a_slow_statement_is_ended(void **state)
{
	struct world *w = *state;
	struct pg_connect what = { .url = w->through,
		.deadline_ms = pg_now_ms() + LONG_MS,
		.statement_ms = 50,
		.idle_ms = LONG_MS,
		.stop_fd = -1 };

	assert_int_equal(pg_connect(&what, &w->c, w->reason), STORE_OK);
	assert_int_equal(pg_script(w->c, "SELECT pg_sleep(60)", LONG_MS,
			     w->reason),
	    STORE_BUSY);
	assert_non_null(strstr(w->reason, "57014"));
	assert_int_equal(pg_script(w->c, "SELECT 1", LONG_MS, w->reason),
	    STORE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_statement_has_a_result),
		TEST(test_a_failure_leaves_the_connection),
		TEST(test_a_pipeline_fails_as_a_whole),
		TEST(test_results_may_be_left),
		TEST(test_large_values_pass),
		TEST(test_a_server_that_works_may_not_read),
		TEST(test_a_script_is_one_transaction),
		TEST(test_each_sqlstate_has_its_outcome),
		TEST(test_a_session_that_was_ended_says_so),
		TEST(test_a_cut_is_no_answer),
		TEST(test_silence_has_an_end),
		TEST(test_silence_while_sending_has_an_end),
		TEST(test_an_interrupt_ends_the_wait),
		TEST(test_the_answer_to_a_commit_may_be_lost),
		TEST(test_a_warning_at_commit_is_seen),
		TEST(test_a_commit_may_fail),
		TEST(test_who_never_answers_is_away),
		TEST(test_an_interrupt_ends_connecting),
		TEST(test_a_session_that_fails_to_begin_is_away),
		TEST(test_another_host_is_tried),
		TEST(test_a_wrong_setting_is_told_apart),
		TEST(test_a_password_is_asked_for),
		TEST(test_a_file_of_passwords_is_for_one_reader),
		TEST(test_a_service_may_be_named),
		TEST(test_the_session_is_set_up),
		TEST(test_a_reader_does_not_write),
		TEST(test_a_slow_statement_is_ended),
	};

	return (cmocka_run_group_tests(tests, setup_all, teardown_all));
}
