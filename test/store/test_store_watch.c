/* The file that is open is no longer the file of the name. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

static struct store_case c;

static enum store_rc
append(const char *id)
{
	return (case_append(&c, id, NULL, 0).rc);
}

/* Is it said, and nothing more taken? */
static void
assert_lost(const char *end)
{
	store_case_wait_health(&c, STORE_FILE_LOST);
	assert_non_null(strstr(store_reason(c.st), c.path));
	assert_non_null(strstr(store_reason(c.st), end));
	assert_int_not_equal(append("into the void"), STORE_OK);
}

/* What a backup of the open file has. */
static int64_t
rescued_events(void)
{
	struct case_result r = { 0 };
	struct store_case copy = c;

	(void)snprintf(copy.path, sizeof(copy.path), "%s",
	    store_case_file(&c, "rescued.db"));
	assert_int_equal(store_backup(c.st, copy.path, NULL, case_done_cb, &r),
	    0);
	store_wait(c.st);
	if (r.rc != STORE_OK)
		fail_msg("%s", r.reason);
	return (store_case_int(&copy, "SELECT count(*) FROM events"));
}

static void
test_deleted_file_is_noticed(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(append("one"), STORE_OK);
	assert_int_equal(unlink(c.path), 0);
	assert_lost("deleted");
	assert_int_equal(rescued_events(), 1);
}

/* Under load it is a commit that sees it; no ack comes after that. */
static void
test_deleted_file_is_noticed_by_commits(void **state)
{
	unsigned long acked = 0;
	char id[32];

	(void)state;
	store_case_open(&c);
	assert_int_equal(append("one"), STORE_OK);
	assert_int_equal(unlink(c.path), 0);
	do
		(void)snprintf(id, sizeof(id), "e%lu", ++acked);
	while (append(id) == STORE_OK);
	store_collect(c.st);
	assert_int_equal(store_health(c.st), STORE_FILE_LOST);
	/* All that was acknowledged meanwhile can be saved. */
	assert_true(rescued_events() >= (int64_t)acked);
}

/* Moved away and back: nothing happened. */
static void
test_file_comes_back(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(append("one"), STORE_OK);
	assert_int_equal(rename(c.path, store_case_file(&c, "away.db")), 0);
	assert_lost("moved away");
	assert_int_equal(rename(store_case_file(&c, "away.db"), c.path), 0);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(append("two"), STORE_OK);
	store_case_close(&c);
	store_case_open(&c);
	assert_int_equal(append("one"), STORE_EXISTS);
	assert_int_equal(append("two"), STORE_EXISTS);
}

/* Another file takes the name: it is not written to, and its log stays. */
static void
test_replaced_file_is_noticed(void **state)
{
	FILE *out;

	(void)state;
	store_case_open(&c);
	assert_int_equal(append("one"), STORE_OK);
	assert_int_equal(rename(c.path, store_case_file(&c, "away.db")), 0);
	assert_int_equal(rename(store_case_file(&c, "s.db-wal"),
			     store_case_file(&c, "away.db-wal")),
	    0);
	assert_non_null(out = fopen(c.path, "w"));
	(void)fputs("another one's database", out);
	(void)fclose(out);
	assert_non_null(out = fopen(store_case_file(&c, "s.db-wal"), "w"));
	(void)fputs("and its log", out);
	(void)fclose(out);
	assert_lost("another file");
	assert_int_equal(rescued_events(), 1);
	store_case_close(&c);
	assert_true(store_case_has_file(&c, "s.db-wal"));

	/* The one that was moved away is whole, with its log. */
	(void)snprintf(c.path, sizeof(c.path), "%s",
	    store_case_file(&c, "away.db"));
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 1);
}

/* The folder is moved, or another is mounted over it. */
static void
test_moved_folder_is_noticed(void **state)
{
	char away[sizeof(c.dir) + 8];

	(void)state;
	store_case_open(&c);
	(void)snprintf(away, sizeof(away), "%s.away", c.dir);
	assert_int_equal(rename(c.dir, away), 0);
	store_case_wait_health(&c, STORE_FILE_LOST);
	assert_int_equal(mkdir(c.dir, 0700), 0);
	assert_int_not_equal(append("into the void"), STORE_OK);
	assert_int_equal(rmdir(c.dir), 0);
	assert_int_equal(rename(away, c.dir), 0);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(append("one"), STORE_OK);
}

/* The lock's file is made again, with a warning; nothing else stops. */
static void
test_removed_lock_is_made_again(void **state)
{
	struct pollfd p;

	(void)state;
	store_case_open(&c);
	assert_int_equal(unlink(store_case_file(&c, "s.db.lock")), 0);
	p = (struct pollfd){ .fd = store_fd(c.st), .events = POLLIN };
	while (c.nnotes == 0) {
		assert_int_equal(poll(&p, 1, 60000), 1);
		store_collect(c.st);
	}
	assert_non_null(strstr(c.note, "s.db.lock"));
	assert_true(store_case_has_file(&c, "s.db.lock"));
	assert_int_equal(append("one"), STORE_OK);
	assert_int_equal(store_health(c.st), STORE_READY);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup,       \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_deleted_file_is_noticed),
		CASE(test_deleted_file_is_noticed_by_commits),
		CASE(test_file_comes_back),
		CASE(test_replaced_file_is_noticed),
		CASE(test_moved_folder_is_noticed),
		CASE(test_removed_lock_is_made_again),
	};

	return (cmocka_run_group_tests_name("store_watch", tests, NULL, NULL));
}
