/* A log that cannot start over: who is in the way is said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define DUE 64 /* pages: four times that are worth a warning */

static struct store_case c;
static unsigned long appended;

static int
setup(void **state)
{
	static struct store_sqlite_setup small = { .checkpoint_pages = DUE };
	static const struct store_setup often = { .arg = &small };

	(void)state;
	store_case_init(&c);
	c.setup = &often;
	store_case_open(&c);
	return (0);
}

static void
append(void)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "e%lu", appended++);
	assert_int_equal(case_append(&c, id, NULL, 0).rc, STORE_OK);
	store_collect(c.st);
}

/* Append until the store has something to say. */
static void
append_until_note(void)
{
	unsigned before = c.nnotes;

	for (int i = 0; c.nnotes == before; i++) {
		assert_true(i < 2000);
		append();
	}
}

/* A reader with a snapshot, in this process. */
static sqlite3 *
open_snapshot(void)
{
	sqlite3 *conn = NULL;

	assert_int_equal(sqlite3_open(c.path, &conn), SQLITE_OK);
	assert_int_equal(sqlite3_exec(conn,
			     "BEGIN; SELECT count(*) FROM events", NULL, NULL,
			     NULL),
	    SQLITE_OK);
	return (conn);
}

/* It is said, said again at each doubling, and said when it is over. */
static void
test_growth_is_said(void **state)
{
	sqlite3 *conn;

	(void)state;
	append();
	conn = open_snapshot();
	append_until_note();
	assert_non_null(strstr(c.note, "s.db-wal"));
	assert_non_null(strstr(c.note, "cannot start over"));
	for (int i = 0; i < DUE / 8; i++)
		append();
	assert_int_equal(c.nnotes, 1); /* not with every commit */
	append_until_note();
	assert_non_null(strstr(c.note, "cannot start over"));
	assert_int_equal(c.nnotes, 2);
	assert_int_equal(sqlite3_close_v2(conn), SQLITE_OK);
	append_until_note();
	assert_non_null(strstr(c.note, "started over"));
}

/* Without a reader in the way there is nothing to say. */
static void
test_usual_growth_is_not(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++)
		append();
	assert_int_equal(c.nnotes, 0);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_growth_is_said),
		CASE(test_usual_growth_is_not),
	};

	return (cmocka_run_group_tests_name("store_log", tests, NULL, NULL));
}
