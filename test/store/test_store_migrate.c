/* Migrations: an older file becomes one of this version, or stays as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/base/hex.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"
#include "test/store/schema_version.h"

static struct store_case c;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_case_fini(&c);
	return (0);
}

/* The mode bits of the file beside the store with that suffix; 0: none. */
static unsigned
mode_of(const char *suffix)
{
	char path[STORE_CASE_PATH_MAX + 16];
	struct stat sb;

	(void)snprintf(path, sizeof(path), "%s%s", c.path, suffix);
	return (stat(path, &sb) == -1 ? 0 : sb.st_mode & 0777);
}

/* One line that names the file. */
static void
assert_reason(void)
{
	assert_non_null(strstr(c.reason, c.dir));
	assert_null(strchr(c.reason, '\n'));
	assert_true(strlen(c.reason) > strlen(c.dir) + 20);
}

/* An older file is copied, then brought up to date. */
static void
test_migration_keeps_copy(void **state)
{
	struct store_sqlite_setup sqlite = {
		.more_schema = "CREATE TABLE more (a INTEGER) STRICT;",
	};
	struct store_setup more = { .arg = &sqlite };
	char suffix[16];

	(void)state;
	store_case_open(&c);
	assert_int_equal(case_append(&c, "e", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
	c.setup = &more;
	assert_int_equal(store_case_try(&c, STORE_READ), STORE_FAILED);
	assert_non_null(strstr(c.reason, "older"));
	store_case_open(&c);
	store_case_close(&c);
	assert_int_equal(store_case_int(&c, "PRAGMA user_version"), SCHEMA + 1);
	(void)snprintf(suffix, sizeof(suffix), ".before-v%d", SCHEMA + 1);
	assert_int_equal(mode_of(suffix), 0600);
	(void)strcat(c.path, suffix);
	assert_int_equal(store_case_int(&c, "PRAGMA user_version"), SCHEMA);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 1);
	c.setup = NULL;
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_NEWER);
}

extern const char schema_001_init[];

/*
 * The first schema, with work half done, becomes the present one: what stood
 * in a lane is ordered, as its replay will be.
 */
static void
test_first_schema_is_migrated(void **state)
{
	static const char rows[] =
	    "INSERT INTO handlers VALUES (1, 'a', 1, 1, NULL, NULL, NULL);"
	    "INSERT INTO events (id, event_id, type, signature, secret, peer, "
	    "received_at, body_size) VALUES "
	    "(1, 'e1', 't', zeroblob(32), 's', 'p', 1, 2), "
	    "(2, 'e2', 't', zeroblob(32), 's', 'p', 1, 2);"
	    "INSERT INTO bodies VALUES (1, x'7b7d'), (2, x'7b7d');"
	    "INSERT INTO event_orders VALUES (1, 0, '7', NULL, NULL, NULL), "
	    "(2, 0, '7', NULL, NULL, NULL);"
	    "INSERT INTO jobs (id, event, place, handler, state, behind, "
	    "finished_at) VALUES (1, 1, -1, 1, 'ready', 0, NULL), "
	    "(2, 2, -1, 1, 'ready', 1, NULL), (3, 2, -1, 1, 'dead', 0, 1);"
	    "INSERT INTO lanes VALUES (1, '7', 1), (1, '7', 2);"
	    "INSERT INTO orders (order_id, version_key, event, place) VALUES "
	    "('7', x'01', 1, 0);"
	    "INSERT INTO carts (order_id, version_key, event, place) VALUES "
	    "('7', x'01', 2, 0);"
	    "INSERT INTO rejections (at, peer, cause, size) "
	    "VALUES (1, 'p', 'signature', 2);"
	    "PRAGMA application_id = 0x6b6c696b; PRAGMA user_version = 1;";
	struct case_result r;

	(void)state;
	store_case_sql(&c, schema_001_init);
	store_case_sql(&c, rows);
	store_case_open(&c);
	assert_int_equal(store_case_int(&c, "PRAGMA user_version"), SCHEMA);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM clock WHERE boot = '' AND "
			     "steady_at = (SELECT received_at FROM events "
			     "ORDER BY id DESC LIMIT 1)"),
	    1);
	assert_int_equal(store_case_int(&c,
			     "SELECT sum(ordered * id) FROM jobs"),
	    3);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM rejections "
			     "WHERE code IS NULL AND diagnosis IS NULL"),
	    1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM events AS e "
			     "JOIN event_orders AS eo ON eo.event = e.id "
			     "JOIN lanes AS l ON l.job = e.id "
			     "WHERE e.scope = '' AND e.origin = 'klikit' "
			     "AND e.repeat_of IS NULL AND e.secret = 's' "
			     "AND length(e.signature) = 32 "
			     "AND eo.scope = '' AND l.scope = ''"),
	    2);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM orders AS o "
			     "JOIN carts AS c USING (order_id, scope) "
			     "WHERE o.scope = '' AND o.event = 1 "
			     "AND c.event = 2"),
	    1);
	assert_int_equal(case_append(&c, "e2", NULL, 0).rc, STORE_EXISTS);
	r = case_finish(&c, 1, JOB_DONE, 0);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], 2);
}

extern const char schema_002_attempts[];
extern const char schema_003_diagnosis[];

/* A store of schema 3, with these rows. */
static void
make_third(const char *rows)
{
	store_case_sql(&c, schema_001_init);
	store_case_sql(&c, schema_002_attempts);
	store_case_sql(&c, schema_003_diagnosis);
	store_case_sql(&c, rows);
	store_case_sql(&c,
	    "PRAGMA application_id = 0x6b6c696b; PRAGMA user_version = 3;");
}

/* Is that the key of the row that the condition names? */
static void
assert_key(const char *table, const char *id, const struct order_version *v)
{
	unsigned char key[ORDER_KEY_LEN];
	char hex[2 * ORDER_KEY_LEN + 1], sql[256];

	order_key(v, key);
	hex_encode(key, sizeof(key), hex);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM %s WHERE order_id = '%s' "
	    "AND version_key = x'%s'",
	    table, id, hex);
	assert_int_equal(store_case_int(&c, sql), 1);
}

/* 2026-06-25T09:14:11Z in an old key, after its mark that there is a time. */
#define OLD_TIME "8000019efe0eeab8"
#define OLD_DIGEST                                                             \
	"abababababababababababababababababababababababababababababababab"

/* Keys are made anew from what was stored: rank, row id, missing zones. */
static void
test_version_keys_are_made_anew(void **state)
{
	static const char rows[] =
	    "INSERT INTO events (id, event_id, type, signature, secret, peer, "
	    "received_at, body_size) VALUES "
	    "(8, 'e8', 'klikit.order.cart.updated', zeroblob(32), 's', 'p', 1, "
	    "2);"
	    "INSERT INTO event_orders (event, place, order_id, status, "
	    "updated_at) VALUES (8, 1, '7', '4', '2026-06-25T09:14:11Z'), "
	    "(8, 2, '9', '2', '2026-06-25T09:14:11');"
	    "INSERT INTO orders (order_id, status, updated_at, version_key, "
	    "event, place) VALUES "
	    "('7', '3', '2026-06-25T09:14:11Z', "
	    "x'01" OLD_TIME "0101" OLD_DIGEST "00000002', 5, 2),"
	    "('9', '2', '2026-06-25T09:14:11', "
	    "x'000000000000000000"
	    "0001" OLD_DIGEST "00000000', 6, 0),"
	    "('10', NULL, NULL, "
	    "x'000000000000000000"
	    "0000" OLD_DIGEST "00000000', 7, 0);"
	    "INSERT INTO carts (order_id, version_key, event, place) VALUES "
	    "('7', x'01" OLD_TIME "0000" OLD_DIGEST "00000001', 8, 1),"
	    "('9', x'000000000000000000"
	    "0000" OLD_DIGEST "00000002', 8, 2),"
	    /* Its event was purged. */
	    "('11', x'01" OLD_TIME "0000" OLD_DIGEST "00000000', 4, 0);";
	static const char *const when = "2026-06-25T09:14:11Z";

	(void)state;
	make_third(rows);
	store_case_open(&c);
	assert_key("orders", "7",
	    &(struct order_version){ .updated_at = when,
		.terminal = true,
		.rank = 3,
		.status_event = true,
		.event = 5,
		.place = 2 });
	assert_key("orders", "9",
	    &(struct order_version){ .updated_at = when,
		.rank = 2,
		.status_event = true,
		.event = 6 });
	assert_key("orders", "10", &(struct order_version){ .event = 7 });
	assert_key("carts", "7",
	    &(struct order_version){ .updated_at = when,
		.rank = 4,
		.event = 8,
		.place = 1 });
	assert_key("carts", "9",
	    &(struct order_version){ .updated_at = when,
		.rank = 2,
		.event = 8,
		.place = 2 });
	assert_key("carts", "11",
	    &(struct order_version){ .updated_at = when, .event = 4 });
}

/* What the third schema knew of events, and who was served, is known. */
static void
test_third_schema_is_migrated(void **state)
{
	static const char rows[] =
	    "INSERT INTO handlers VALUES (1, 'a', 1, 1, NULL, NULL, NULL);"
	    "INSERT INTO events (id, event_id, type, brand, branch, signature, "
	    "secret, peer, received_at, body_size, duplicates, "
	    "last_duplicate_at, purged_at) VALUES "
	    "(3, 'e3', 't', '910', NULL, x'" OLD_DIGEST "', 's', 'p', 11, 2, "
	    "4, 12, 13), (9, 'e9', 't', NULL, '2041', zeroblob(32), 's', 'p', "
	    "11, 2, 0, NULL, NULL);"
	    "INSERT INTO jobs (id, event, place, handler, state, behind, "
	    "finished_at) VALUES (5, 3, -1, 1, 'done', 0, 1);"
	    "INSERT INTO event_orders (event, place, order_id) VALUES "
	    "(3, 0, '7');"
	    "INSERT INTO served VALUES (1, '7', 5);";

	(void)state;
	make_third(rows);
	store_case_open(&c);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM events WHERE id = 3 "
			     "AND event_id = 'e3' AND brand = '910' "
			     "AND branch IS NULL AND signature = x'" OLD_DIGEST
			     "' AND received_at = 11 AND duplicates = 4 "
			     "AND last_duplicate_at = 12 AND purged_at = 13"),
	    1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM served WHERE handler = 1 "
			     "AND order_id = '7' AND scope = '' AND job = 5"),
	    1);
	/* Row ids go on. */
	assert_int_equal(case_append(&c, "new", NULL, 0).id, 10);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM pragma_integrity_check "
			     "WHERE integrity_check = 'ok'"),
	    1);
}

/* A migration that fails leaves the file as it was. */
static void
test_failed_migration_changes_nothing(void **state)
{
	struct store_sqlite_setup sqlite = {
		.more_schema = "CREATE TABLE more (a) ; SELECT nonsense;",
	};
	struct store_setup more = { .arg = &sqlite };

	(void)state;
	store_case_open(&c);
	store_case_close(&c);
	c.setup = &more;
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_FAILED);
	assert_reason();
	c.setup = NULL;
	store_case_open(&c);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM sqlite_master "
			     "WHERE name = 'more'"),
	    0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_migration_keeps_copy),
		CASE(test_first_schema_is_migrated),
		CASE(test_third_schema_is_migrated),
		CASE(test_version_keys_are_made_anew),
		CASE(test_failed_migration_changes_nothing),
	};

	return (
	    cmocka_run_group_tests_name("store_migrate", tests, NULL, NULL));
}
