/*
 * pipe.h against a real server, and against one that a proxy has do what a real
 * one does too seldom.
 */
#include <sys/eventfd.h>

#include <string.h>

#include "test/store/pg_pipe_case.h"

static const struct pg_statement divide = { "divide",
	"SELECT $1::int8 / $2::int8" };
static const struct pg_statement begin = { "begin", "BEGIN" };
static const struct pg_statement commit = { "commit", "COMMIT" };
static const struct pg_statement rollback = { "rollback", "ROLLBACK" };
static const struct pg_statement insert = { "insert",
	"INSERT INTO public.kept VALUES ($1::int8)" };
static const struct pg_statement raise_state = { "raise",
	"SELECT pg_temp.raise($1::text)" };

static const struct pg_args *
one(struct world *w, struct pg_args *a, int64_t only)
{
	pg_args_init(a, &w->mem);
	pg_arg_int(a, only);
	return (a);
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
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(w), STORE_AWAY);
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

	connect_through(w);
	case_database_sql(w->db,
	    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
	    "WHERE application_name = 'klikitd' AND datname = "
	    "current_database()");
	assert_int_equal(ask(w), STORE_AWAY);
	assert_non_null(strstr(w->reason, "57P01"));
	assert_lost(w);
}

static void
test_a_cut_is_no_answer(void **state)
{
	struct world *w = *state;

	connect_through(w);
	pg_proxy_play(w->proxy, PG_TRICK_CUT, "add", NULL);
	assert_int_equal(ask(w), STORE_AWAY);
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

	connect_through(w);
	pg_proxy_play(w->proxy, PG_TRICK_SILENCE, "add", NULL);
	assert_int_equal(eventfd_write(w->stop_fd, 1), 0);
	assert_int_equal(ask(w), STORE_AWAY);
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
	};

	return (cmocka_run_group_tests(tests, pg_pipe_setup_all,
	    pg_pipe_teardown_all));
}
