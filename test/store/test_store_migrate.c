/* Migrations: an older file becomes one of this version, or stays as it is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/base/hex.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/shim_vfs.h"
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
	assert_int_equal(c.nnotes, 2); /* it begins, it is done */
	assert_non_null(strstr(c.note, "brought to schema"));
	assert_non_null(strstr(c.note, "customers' data"));
	(void)snprintf(suffix, sizeof(suffix), ".before-v%d", SCHEMA + 1);
	assert_non_null(strstr(c.note, suffix));
	assert_int_equal(store_case_mode(&c, suffix), 0600);
	(void)strcat(c.path, suffix);
	assert_int_equal(store_case_int(&c, "PRAGMA user_version"), SCHEMA);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 1);
	c.setup = NULL;
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_NEWER);
	assert_non_null(strstr(c.reason, "klikitd restore "));
	assert_string_equal(c.reason + strlen(c.reason) - strlen(suffix),
	    suffix);
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

/* -- Room -- */

/* Too little room is noticed before anything is made. */
static void
test_migration_needs_room(void **state)
{
	struct store_sqlite_setup sqlite = { .free_bytes = 50000 };
	struct store_setup small = { .arg = &sqlite };
	struct stat before, after;
	char suffix[16];

	(void)state;
	make_third("INSERT INTO events (event_id, type, signature, secret, "
		   "peer, received_at, body_size) WITH RECURSIVE n (i) AS "
		   "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
		   "SELECT i, 't', zeroblob(32), 's', 'p', 1, 2 FROM n;");
	assert_int_equal(stat(c.path, &before), 0);
	c.setup = &small;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_FULL);
		store_case_assert_reason(&c);
		assert_non_null(strstr(c.reason, "nothing was changed"));
		(void)snprintf(suffix, sizeof(suffix), ".before-v%d", SCHEMA);
		assert_int_equal(store_case_mode(&c, suffix), 0);
		assert_int_equal(stat(c.path, &after), 0);
		assert_int_equal(before.st_size, after.st_size);
		/* The copy alone would fit. */
		sqlite.free_bytes = before.st_size + 100000;
	}
	assert_int_equal(store_case_int(&c, "PRAGMA user_version"), 3);
	assert_int_equal(c.nnotes, 0);
	sqlite.free_bytes = 4 * before.st_size + 100000;
	store_case_open(&c);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"),
	    999);
}

/* -- Cut short -- */

/* A process that is killed at some moment: no write comes after it. */
struct moment {
	unsigned left; /* writes and syncs until then */
	bool come;
};

static int
moment_pass(struct moment *m)
{
	m->come = m->come || m->left-- == 0;
	return (m->come ? SQLITE_IOERR : SQLITE_OK);
}

/* shim_hooks write */
static int
moment_write(void *arg, const char *path, const void *data, size_t len,
    int64_t offset)
{
	(void)path;
	(void)data;
	(void)len;
	(void)offset;
	return (moment_pass(arg));
}

/* shim_hooks sync */
static int
moment_sync(void *arg, const char *path)
{
	(void)path;
	return (moment_pass(arg));
}

#define NEVENTS 8

/* One third-version store with so many events and orders. */
static void
make_filled(void)
{
	char rows[1024];

	(void)snprintf(rows, sizeof(rows),
	    "INSERT INTO events (event_id, type, signature, secret, peer, "
	    "received_at, body_size) WITH RECURSIVE n (i) AS (SELECT 1 UNION "
	    "ALL SELECT i + 1 FROM n WHERE i < %d) "
	    "SELECT 'e' || i, 't', zeroblob(32), 's', 'p', 1, 2 FROM n;"
	    "INSERT INTO bodies SELECT id, randomblob(900) FROM events;"
	    "INSERT INTO event_orders (event, place, order_id) "
	    "SELECT id, 0, id FROM events;"
	    "INSERT INTO orders (order_id, version_key, event, place) "
	    "SELECT id, zeroblob(47), id, 0 FROM events;",
	    NEVENTS);
	make_third(rows);
}

static void
assert_whole(int64_t version)
{
	assert_int_equal(store_case_int(&c, "PRAGMA user_version"), version);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM pragma_integrity_check "
			     "WHERE integrity_check = 'ok'"),
	    1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM events AS e JOIN bodies AS "
			     "b "
			     "ON b.event = e.id JOIN orders AS o "
			     "ON o.event = e.id "
			     "WHERE length(b.body) = 900"),
	    NEVENTS);
}

/*
 * Cut short at a write or a sync, it is begun anew or was done; and
 * the copy beside is of the old version, whole.
 */
static void
test_migration_cut_short(void **state)
{
	struct moment m;
	const struct shim_hooks hooks = { .write = moment_write,
		.sync = moment_sync,
		.arg = &m };
	struct store_sqlite_setup sqlite = { .vfs = SHIM_VFS };
	struct store_setup shim = { .arg = &sqlite };
	char path[sizeof(c.path)], suffix[16];
	unsigned cut = 0;
	enum store_rc rc;

	(void)state;
	(void)snprintf(suffix, sizeof(suffix), ".before-v%d", SCHEMA);
	do {
		make_filled();
		m = (struct moment){ .left = cut };
		cut += 1 + cut / 12;
		assert_int_equal(shim_vfs_install(&hooks), 0);
		c.setup = &shim;
		rc = store_case_try(&c, STORE_SERVE);
		store_case_close(&c);
		shim_vfs_uninstall();
		c.setup = NULL;
		store_case_open(&c);
		assert_whole(SCHEMA);
		assert_int_equal(case_append(&c, "e7", NULL, 0).rc,
		    STORE_EXISTS);
		store_case_close(&c);
		(void)snprintf(path, sizeof(path), "%s", c.path);
		(void)strcat(c.path, suffix);
		assert_whole(3);
		assert_int_equal(unlink(c.path), 0);
		(void)snprintf(c.path, sizeof(c.path), "%s", path);
		assert_int_equal(unlink(c.path), 0);
	} while (rc != STORE_OK || m.come);
	assert_in_range(cut, 20, 10000);
}

/* -- Old copies -- */

static void
touch(const char *suffix, time_t at)
{
	char path[STORE_CASE_PATH_MAX + 32];
	struct timespec times[2] = { { .tv_sec = at }, { .tv_sec = at } };
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s%s", c.path, suffix);
	assert_non_null(out = fopen(path, "w"));
	(void)fclose(out);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
purge(const struct store_purge *what)
{
	struct case_result r = { 0 };

	assert_int_equal(store_purge(c.st, what, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* Copies go with the bodies, by their age or with any order that is purged. */
static void
test_copies_age(void **state)
{
	const time_t now = 1750000000;
	struct store_purge what = { .now_ms = now * 1000, .limit = 10 };

	(void)state;
	store_case_open(&c);
	touch(".before-v3", now - 100);
	touch(".before-v4", now - 10);
	touch(".before-v5.new", now - 100);
	touch(".before-v", now - 100);
	touch(".before-vacation", now - 100);
	touch(".before-v5.txt", now - 100);

	purge(&what); /* of nothing */
	assert_int_not_equal(store_case_mode(&c, ".before-v3"), 0);
	what.bodies_before_ms = (now - 101) * 1000;
	purge(&what);
	assert_int_not_equal(store_case_mode(&c, ".before-v3"), 0);
	what.bodies_before_ms = (now - 50) * 1000;
	purge(&what);
	assert_int_equal(store_case_mode(&c, ".before-v3"), 0);
	assert_int_equal(store_case_mode(&c, ".before-v5.new"), 0);
	assert_int_not_equal(store_case_mode(&c, ".before-v4"), 0);
	assert_int_equal(c.nnotes, 2);
	assert_non_null(strstr(c.note, "is purged"));

	purge(&(struct store_purge){ .order_id = "7", .limit = 10 });
	assert_int_equal(store_case_mode(&c, ".before-v4"), 0);
	assert_int_not_equal(store_case_mode(&c, ".before-v"), 0);
	assert_int_not_equal(store_case_mode(&c, ".before-vacation"), 0);
	assert_int_not_equal(store_case_mode(&c, ".before-v5.txt"), 0);
	assert_int_not_equal(store_case_mode(&c, ""), 0);
}

/* A clock that is wrong purges no copy, as it purges no body. */
static void
test_copies_stay_with_the_bodies(void **state)
{
	const time_t now = 1750000000; /* when the event came, by any clock */
	struct store_purge what = { .now_ms = (now + 1000) * 1000,
		.bodies_before_ms = (now + 900) * 1000,
		.bodies_came_before = { 1 },
		.limit = 10 };

	(void)state;
	store_case_open(&c);
	assert_int_equal(case_append(&c, "e", NULL, 0).rc, STORE_OK);
	touch(".before-v3", now + 5);
	purge(&what);
	purge(&what);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM bodies"), 1);
	assert_int_not_equal(store_case_mode(&c, ".before-v3"), 0);
	what.bodies_came_before.ms = 0;
	purge(&what); /* the body */
	assert_int_not_equal(store_case_mode(&c, ".before-v3"), 0);
	purge(&what); /* nothing is left of it but the copy */
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM bodies"), 0);
	assert_int_equal(store_case_mode(&c, ".before-v3"), 0);
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
	store_case_assert_reason(&c);
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
		CASE(test_migration_needs_room),
		CASE(test_migration_cut_short),
		CASE(test_copies_age),
		CASE(test_copies_stay_with_the_bodies),
		CASE(test_failed_migration_changes_nothing),
	};

	return (
	    cmocka_run_group_tests_name("store_migrate", tests, NULL, NULL));
}
