/* schema.c: how a database becomes a store, and who may make it one. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/postgres/schema.h"
#include "test/lib/case_database.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/pg_proxy.h"

#define LONG_MS 60000

struct world {
	struct case_database *db;
	char url[256]; /* of the database's owner */
	char role[64]; /* somebody else, who may do nothing yet */
	char as_role[384];
	char reason[STORE_REASON_MAX];
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	static unsigned number;
	char sql[160];

	assert_non_null(w);
	w->db = case_database_new(w->url, sizeof(w->url));
	/* That of the test before is empty, but there. */
	case_database_sql(w->db, "DROP SCHEMA IF EXISTS klikitd CASCADE");
	(void)snprintf(w->role, sizeof(w->role), "Role %d_%u", (int)getpid(),
	    ++number);
	(void)snprintf(sql, sizeof(sql), "CREATE ROLE \"%s\" LOGIN", w->role);
	case_database_sql(w->db, sql);
	(void)snprintf(w->as_role, sizeof(w->as_role), "%s?user=%s", w->url,
	    w->role);
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
	    "DROP OWNED BY \"%s\"; DROP ROLE \"%s\"", w->role, w->role);
	case_database_sql(w->db, sql);
	case_database_free(w->db);
	free(w);
	return (0);
}

static enum store_rc
bring(const char *url, enum store_mode mode, char *reason)
{
	struct pg_connect what = { .url = url,
		.read_only = mode == STORE_READ,
		.deadline_ms = pg_now_ms() + LONG_MS,
		.statement_ms = LONG_MS,
		.idle_ms = LONG_MS,
		.stop_fd = -1 };
	struct pg_conn *c = NULL;
	enum store_rc rc;

	reason[0] = '\0';
	if ((rc = pg_connect(&what, &c, reason)) != STORE_OK)
		return (rc);
	rc = schema_bring(c, mode, reason);
	if (rc != STORE_AWAY)
		assert_false(pg_in_transaction(c));
	pg_conn_free(c);
	return (rc);
}

static void
bring_well(struct world *w)
{
	if (bring(w->url, STORE_SERVE, w->reason) != STORE_OK)
		fail_msg("%s", w->reason);
}

static int64_t
taken(struct world *w)
{
	return (case_database_int(w->db,
	    "SELECT count(*) FROM klikitd.migrations"));
}

/* What the reason says is to be run. */
static void
run_advice(struct world *w)
{
	const char *sql = strstr(w->reason, "run: ");

	if (sql == NULL)
		fail_msg("no SQL in: %s", w->reason);
	case_database_sql(w->db, sql + 5);
}

/* The texts are numbered upwards, and none is left out of the list. */
static void
test_migrations_have_numbers(void **state)
{
	struct schema_step step;
	size_t i;
	int last = 0;

	(void)state;
	for (i = 0; schema_step(i, &step); i++) {
		assert_true(step.number > last);
		assert_true(step.usable_from <= step.number);
		assert_non_null(strstr(step.text, "CREATE "));
		last = step.number;
	}
	assert_true(i > 0);
	assert_false(schema_step(i + 1, &step));
}

static void
test_an_empty_database_becomes_a_store(void **state)
{
	struct world *w = *state;
	struct schema_step step;
	size_t n = 0;

	assert_int_equal(bring(w->url, STORE_READ, w->reason), STORE_NOTFOUND);
	assert_int_equal(bring(w->url, STORE_CHANGE, w->reason),
	    STORE_NOTFOUND);
	assert_int_equal(case_database_int(w->db,
			     "SELECT count(*) FROM pg_namespace WHERE nspname "
			     "= 'klikitd'"),
	    0);
	bring_well(w);
	while (schema_step(n, &step))
		n++;
	assert_int_equal(taken(w), n);
	for (enum store_mode mode = STORE_SERVE; mode <= STORE_READ; mode++)
		assert_int_equal(bring(w->url, mode, w->reason), STORE_OK);
	assert_int_equal(taken(w), n);
}

/* Large values are never compressed by pglz, which is slow. */
static void
test_bodies_are_not_compressed_slowly(void **state)
{
	struct world *w = *state;

	bring_well(w);
	assert_int_equal(case_database_int(w->db,
			     "SELECT count(*) FROM pg_attribute AS a JOIN "
			     "pg_class AS t ON t.oid = a.attrelid WHERE "
			     "t.relnamespace = 'klikitd'::regnamespace AND "
			     "t.relkind = 'r' AND a.atttypid = "
			     "'bytea'::regtype AND a.attname IN ('body', "
			     "'answer') AND (a.attcompression = 'l' OR "
			     "a.attstorage = 'e')"),
	    3);
}

struct runner {
	pthread_t thread;
	const char *url;
	enum store_rc rc;
	char reason[STORE_REASON_MAX];
};

static void *
runner_main(void *arg)
{
	struct runner *r = arg;

	do /* one that waits too long for the lock is told to come again */
		r->rc = bring(r->url, STORE_SERVE, r->reason);
	while (r->rc == STORE_BUSY);
	return (NULL);
}

/* Several receivers that start at once. */
static void
test_many_may_begin_at_once(void **state)
{
	struct runner runners[6] = { 0 };
	struct world *w = *state;

	for (size_t i = 0; i < 6; i++) {
		runners[i].url = w->url;
		assert_int_equal(pthread_create(&runners[i].thread, NULL,
				     runner_main, &runners[i]),
		    0);
	}
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(pthread_join(runners[i].thread, NULL), 0);
		if (runners[i].rc != STORE_OK)
			fail_msg("%s", runners[i].reason);
	}
}

/* Who has no rights hears which SQL gives them, and that is enough. */
static void
test_the_reason_has_the_sql(void **state)
{
	struct world *w = *state;

	assert_int_equal(bring(w->as_role, STORE_SERVE, w->reason),
	    STORE_FAILED);
	assert_non_null(strstr(w->reason, "CREATE SCHEMA klikitd"));
	run_advice(w);
	assert_int_equal(bring(w->as_role, STORE_SERVE, w->reason), STORE_OK);
}

static void
test_rights_on_tables_are_asked_for(void **state)
{
	struct world *w = *state;

	bring_well(w);
	assert_int_equal(bring(w->as_role, STORE_READ, w->reason),
	    STORE_FAILED);
	assert_null(strstr(w->reason, "INSERT"));
	run_advice(w);
	assert_int_equal(bring(w->as_role, STORE_READ, w->reason), STORE_OK);
	assert_int_equal(bring(w->as_role, STORE_SERVE, w->reason),
	    STORE_FAILED);
	run_advice(w);
	assert_int_equal(bring(w->as_role, STORE_SERVE, w->reason), STORE_OK);
	assert_int_equal(bring(w->as_role, STORE_CHANGE, w->reason), STORE_OK);
}

/* An older database, and a role that may write there but not migrate. */
static void
test_who_migrates_owns_the_schema(void **state)
{
	struct world *w = *state;

	bring_well(w);
	(void)bring(w->as_role, STORE_SERVE, w->reason);
	run_advice(w);
	case_database_sql(w->db,
	    "DELETE FROM klikitd.migrations WHERE number = (SELECT "
	    "max(number) FROM klikitd.migrations)");
	assert_int_equal(bring(w->as_role, STORE_SERVE, w->reason),
	    STORE_FAILED);
	assert_non_null(strstr(w->reason, "may not migrate"));
	assert_int_equal(bring(w->as_role, STORE_READ, w->reason),
	    STORE_FAILED);
	assert_non_null(strstr(w->reason, "older klikitd"));
}

/* Several versions run side by side, until one says that this is over. */
static void
test_a_newer_one_may_have_been_here(void **state)
{
	struct world *w = *state;

	bring_well(w);
	case_database_sql(w->db,
	    "ALTER TABLE klikitd.events ADD COLUMN more text; INSERT INTO "
	    "klikitd.migrations (number, usable_from, taken_by) VALUES "
	    "(900, 1, 'newer')");
	for (enum store_mode mode = STORE_SERVE; mode <= STORE_READ; mode++)
		assert_int_equal(bring(w->url, mode, w->reason), STORE_OK);
	case_database_sql(w->db,
	    "UPDATE klikitd.migrations SET usable_from = 900 WHERE number = "
	    "900");
	for (enum store_mode mode = STORE_SERVE; mode <= STORE_READ; mode++) {
		assert_int_equal(bring(w->url, mode, w->reason), STORE_NEWER);
		assert_non_null(strstr(w->reason, "schema 900"));
	}
}

/* A schema of another's is in the way: nothing of it is touched. */
static void
test_a_failed_migration_leaves_nothing(void **state)
{
	struct world *w = *state;

	case_database_sql(w->db,
	    "CREATE SCHEMA klikitd AUTHORIZATION klikitd; CREATE TABLE "
	    "klikitd.orders (n int); GRANT ALL ON klikitd.orders TO klikitd");
	assert_int_equal(bring(w->url, STORE_SERVE, w->reason), STORE_FAILED);
	assert_non_null(strstr(w->reason, "migration 1"));
	assert_non_null(strstr(w->reason, "already exists (42P07)"));
	assert_int_equal(case_database_int(w->db,
			     "SELECT count(*) FROM pg_tables WHERE schemaname "
			     "= 'klikitd'"),
	    1);
}

/* Whatever fails in the middle, the next start ends it. */
static void
test_what_was_cut_short_is_made_whole(void **state)
{
	static const struct {
		enum pg_trick trick;
		const char *text, *sqlstate;
		enum store_rc rc;
	} rows[] = {
		{ PG_TRICK_CUT, "CREATE SCHEMA", NULL, STORE_AWAY },
		{ PG_TRICK_CUT, "CREATE TABLE receivers", NULL, STORE_AWAY },
		{ PG_TRICK_CUT, "INSERT INTO klikitd.migrations", NULL,
		    STORE_AWAY },
		{ PG_TRICK_CUT, "COMMIT", NULL, STORE_AWAY },
		{ PG_TRICK_WARN, "COMMIT", NULL, STORE_AWAY },
	};
	struct world *w = *state;
	struct pg_proxy *proxy = pg_proxy_new(w->url);
	char url[256];

	pg_proxy_url(proxy, url, sizeof(url));
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pg_proxy_play(proxy, rows[i].trick, rows[i].text,
		    rows[i].sqlstate);
		assert_int_equal(bring(url, STORE_SERVE, w->reason),
		    rows[i].rc);
		assert_int_equal(pg_proxy_played(proxy), i + 1);
	}
	assert_int_equal(bring(url, STORE_SERVE, w->reason), STORE_OK);
	pg_proxy_free(proxy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migrations_have_numbers),
		TEST(test_an_empty_database_becomes_a_store),
		TEST(test_bodies_are_not_compressed_slowly),
		TEST(test_many_may_begin_at_once),
		TEST(test_the_reason_has_the_sql),
		TEST(test_rights_on_tables_are_asked_for),
		TEST(test_who_migrates_owns_the_schema),
		TEST(test_a_newer_one_may_have_been_here),
		TEST(test_a_failed_migration_leaves_nothing),
		TEST(test_what_was_cut_short_is_made_whole),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
