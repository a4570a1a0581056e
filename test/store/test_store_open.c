/* Opening: what is made, what is refused, and in which words. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/sqlite/sql.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"
#include "test/store/schema_version.h"

static struct store_case c;

static void
write_file(const char *text, size_t times)
{
	FILE *out = fopen(c.path, "w");

	assert_non_null(out);
	while (times-- > 0)
		assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* Nobody else may read any file of the store. */
static void
test_files_are_private(void **state)
{
	mode_t mask = umask(0);

	(void)state;
	store_case_open(&c);
	(void)umask(mask);
	assert_int_equal(case_append(&c, "e", NULL, 0).rc, STORE_OK);
	assert_int_equal(store_case_mode(&c, ""), 0600);
	assert_int_equal(store_case_mode(&c, "-wal"), 0600);
	assert_int_equal(store_case_mode(&c, "-shm"), 0600);
	assert_int_equal(store_case_mode(&c, ".lock"), 0600);
}

/* The settings that durability and privacy rest on. */
static void
test_file_is_set_up(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(store_case_int(&c, "PRAGMA page_size"), 4096);
	assert_int_equal(store_case_int(&c, "PRAGMA user_version"), SCHEMA);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM pragma_journal_mode "
			     "WHERE journal_mode = 'wal'"),
	    1);
}

/* What was stored is there after closing; a clean stop is known as one. */
static void
test_reopen_sees_all(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_false(store_was_unclean(c.st));
	assert_int_equal(case_append(&c, "e", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
	assert_int_equal(store_case_mode(&c, "-wal"), 0);
	store_case_open(&c);
	assert_false(store_was_unclean(c.st));
	assert_int_equal(case_append(&c, "e", NULL, 0).rc, STORE_EXISTS);
}

/* A log that was left behind tells of an unclean stop. */
static void
test_left_log_is_unclean(void **state)
{
	char wal[STORE_CASE_PATH_MAX + 8];
	FILE *out;

	(void)state;
	store_case_open(&c);
	store_case_close(&c);
	(void)snprintf(wal, sizeof(wal), "%s-wal", c.path);
	assert_non_null(out = fopen(wal, "w"));
	assert_true(fputs("half a frame", out) >= 0);
	assert_int_equal(fclose(out), 0);
	store_case_open(&c);
	assert_true(store_was_unclean(c.st));
}

/* One server per store; the second is told which lock it is about. */
static void
test_second_server_is_busy(void **state)
{
	struct store *first;

	(void)state;
	store_case_open(&c);
	first = c.st;
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_BUSY);
	c.st = first;
	store_case_assert_reason(&c);
	assert_non_null(strstr(c.reason, ".lock"));
}

/* Readers need no lock, and see what is committed; they cannot write. */
static void
test_reader_needs_no_lock(void **state)
{
	struct store *first;
	struct case_result r = { 0 };

	(void)state;
	store_case_open(&c);
	assert_int_equal(case_append(&c, "e", NULL, 0).rc, STORE_OK);
	first = c.st;
	assert_int_equal(store_case_try(&c, STORE_READ), STORE_OK);
	assert_int_equal(store_check(c.st, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(store_register(c.st, "a", 1, case_done_cb, &r), -1);
	store_case_close(&c);
	c.st = first;
}

/* Reading what is not there makes nothing. */
static void
test_reader_creates_nothing(void **state)
{
	(void)state;
	assert_int_equal(store_case_try(&c, STORE_READ), STORE_NOTFOUND);
	store_case_assert_reason(&c);
	assert_int_equal(store_case_mode(&c, ""), 0);
	assert_int_equal(store_case_mode(&c, ".lock"), 0);
}

/* A newer schema is refused, and not one byte of the file changes. */
static void
test_newer_schema_is_refused(void **state)
{
	struct stat before, after;

	(void)state;
	store_case_open(&c);
	store_case_close(&c);
	store_case_sql(&c, "PRAGMA user_version = 99");
	assert_int_equal(stat(c.path, &before), 0);
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_NEWER);
	store_case_assert_reason(&c);
	/* No copy was made: none is named. */
	assert_null(strstr(c.reason, "restore"));
	assert_int_equal(store_case_try(&c, STORE_READ), STORE_NEWER);
	assert_int_equal(stat(c.path, &after), 0);
	assert_memory_equal(&before.st_mtim, &after.st_mtim,
	    sizeof(before.st_mtim));
	assert_int_equal(before.st_size, after.st_size);
}

/* Text is no database; it stays as it is. */
static void
test_text_is_no_database(void **state)
{
	(void)state;
	write_file("this is not a database\n", 1000);
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_NOTADB);
	store_case_assert_reason(&c);
	assert_int_equal(store_case_try(&c, STORE_READ), STORE_NOTADB);
	store_case_assert_reason(&c);
}

/* Another program's database is not touched. */
static void
test_foreign_database_is_refused(void **state)
{
	(void)state;
	store_case_sql(&c, "CREATE TABLE theirs (a)");
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_NOTADB);
	store_case_assert_reason(&c);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM sqlite_master"),
	    1);
}

/* A first start that power has cut short leaves nothing that matters. */
static void
test_cut_short_first_start(void **state)
{
	char path[STORE_CASE_PATH_MAX + 16];
	static const char *const ends[] = { ".new", ".new-wal", ".new-shm" };
	FILE *out;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", c.path, ends[i]);
		assert_non_null(out = fopen(path, "wb"));
		assert_true(fputs("half a page", out) >= 0);
		(void)fclose(out);
	}
	store_case_open(&c);
	assert_int_equal(case_append(&c, "a", NULL, 0).rc, STORE_OK);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", c.path, ends[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
	store_case_close(&c);
	store_case_open(&c);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 1);
}

/* A file that somebody has made, but not filled, becomes the store. */
static void
test_empty_file_is_taken(void **state)
{
	FILE *out;

	(void)state;
	assert_non_null(out = fopen(c.path, "wb"));
	(void)fclose(out);
	store_case_open(&c);
	assert_int_equal(case_append(&c, "a", NULL, 0).rc, STORE_OK);
	assert_int_equal(store_case_int(&c, "PRAGMA user_version"), SCHEMA);
}

/* A file made with other pages keeps them, and works. */
static void
test_page_size_of_a_file_is_kept(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(case_append(&c, "a", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
	store_case_sql(&c, "PRAGMA journal_mode = DELETE;"
			   "PRAGMA page_size = 16384; VACUUM");
	store_case_open(&c);
	assert_int_equal(case_append(&c, "b", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
	assert_int_equal(store_case_int(&c, "PRAGMA page_size"), 16384);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 2);
}

/* A damaged file is told from a good one, when opened or when checked. */
static void
test_damage_is_found(void **state)
{
	struct case_result r = { 0 };
	char junk[4096];
	int fd;

	(void)state;
	store_case_open(&c);
	for (int i = 0; i < 50; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "e%d", i);
		(void)case_append(&c, id, NULL, 0);
	}
	store_case_close(&c);
	memset(junk, 0xff, sizeof(junk));
	assert_true((fd = open(c.path, O_RDWR)) != -1);
	for (int page = 2; page < 12; page++)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), page * 4096),
		    sizeof(junk));
	(void)close(fd);
	r.rc = store_case_try(&c, STORE_SERVE);
	if (r.rc != STORE_OK) {
		assert_int_equal(r.rc, STORE_NOTADB);
		store_case_assert_reason(&c);
		return;
	}
	assert_int_equal(store_check(c.st, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_NOTADB);
}

/* A sound file passes the check. */
static void
test_check_passes(void **state)
{
	struct case_result r = { 0 };

	(void)state;
	store_case_open(&c);
	assert_int_equal(store_check(c.st, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.rc, STORE_OK);
}

/* A folder that is not there is named. */
static void
test_missing_folder_is_named(void **state)
{
	(void)state;
	(void)snprintf(c.url, sizeof(c.url), "sqlite:%s/no/s.db", c.dir);
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_FAILED);
	store_case_assert_reason(&c);
	assert_non_null(strstr(c.reason, "does not exist"));
}

/* A folder or a file that this user cannot write to is named. */
static void
test_unwritable_is_named(void **state)
{
	bool root = geteuid() == 0;
	enum store_rc folder, file;
	char reason[STORE_REASON_MAX];

	(void)state;
	store_case_open(&c);
	store_case_close(&c);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	else
		assert_int_equal(chmod(c.dir, 0500) | chmod(c.path, 0400), 0);
	folder = store_case_try(&c, STORE_SERVE);
	memcpy(reason, c.reason, sizeof(reason));
	file = store_case_try(&c, STORE_READ);
	if (root)
		assert_int_equal(seteuid(0), 0);
	else
		assert_int_equal(chmod(c.dir, 0700), 0);
	assert_int_equal(folder, STORE_FAILED);
	assert_non_null(strstr(reason, c.dir));
	assert_non_null(strstr(reason, "cannot be written"));
	if (root)
		assert_int_equal(file, STORE_FAILED);
}

/* A URL of no known kind is named. */
static void
test_unknown_url_is_named(void **state)
{
	(void)state;
	(void)snprintf(c.url, sizeof(c.url), "file:%s", c.path);
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_FAILED);
	assert_non_null(strstr(c.reason, "sqlite:"));
}

/* A verb that writes needs a store that is there, and nobody serving it. */
static void
test_change_needs_store_and_lock(void **state)
{
	struct case_result r = { 0 };
	struct store *first;

	(void)state;
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_NOTFOUND);
	store_case_assert_reason(&c);
	assert_int_equal(store_case_mode(&c, ""), 0);
	assert_int_equal(store_case_mode(&c, ".lock"), 0);
	store_case_open(&c);
	first = c.st;
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_BUSY);
	c.st = first;
	store_case_close(&c);
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_OK);
	assert_int_equal(store_register(c.st, "a", 1, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* What each delivery and each job runs makes no table in memory. */
static void
test_ack_makes_no_table_in_memory(void **state)
{
	static const enum db_sql often[] = { SQL_EVENT_INSERT, SQL_BODY_INSERT,
		SQL_EVENT_ORDER_INSERT, SQL_JOB_INSERT, SQL_JOB_MOVE,
		SQL_REPEAT_EVENTS, SQL_REPEAT_LOOK, SQL_JOB_LOAD, SQL_JOB_START,
		SQL_JOB_ADVANCE, SQL_JOB_ORDERS, SQL_ALARM_FIND,
		SQL_LANE_DELETE, SQL_LANE_FIRST, SQL_ATTEMPT_INSERT,
		SQL_ATTEMPT_END, SQL_SERVED_BY, SQL_SERVED_INSERT,
		SQL_EVENT_LOAD, SQL_EVENT_ORDERS_LOAD, SQL_BODY_LOAD };
	sqlite3_stmt *st;
	sqlite3 *conn;
	char *sql;

	(void)state;
	store_case_open(&c);
	store_case_close(&c);
	assert_int_equal(sqlite3_open(c.path, &conn), SQLITE_OK);
	for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++) {
		sql = sqlite3_mprintf("EXPLAIN %s", db_sql_text(often[i]));
		assert_int_equal(sqlite3_prepare_v2(conn, sql, -1, &st, NULL),
		    SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW)
			assert_string_not_equal((const char *)
						    sqlite3_column_text(st, 1),
			    "OpenEphemeral");
		(void)sqlite3_finalize(st);
		sqlite3_free(sql);
	}
	(void)sqlite3_close(conn);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup,       \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_files_are_private),
		CASE(test_file_is_set_up),
		CASE(test_reopen_sees_all),
		CASE(test_left_log_is_unclean),
		CASE(test_second_server_is_busy),
		CASE(test_reader_needs_no_lock),
		CASE(test_reader_creates_nothing),
		CASE(test_newer_schema_is_refused),
		CASE(test_text_is_no_database),
		CASE(test_foreign_database_is_refused),
		CASE(test_cut_short_first_start),
		CASE(test_empty_file_is_taken),
		CASE(test_page_size_of_a_file_is_kept),
		CASE(test_damage_is_found),
		CASE(test_check_passes),
		CASE(test_missing_folder_is_named),
		CASE(test_unwritable_is_named),
		CASE(test_unknown_url_is_named),
		CASE(test_change_needs_store_and_lock),
		CASE(test_ack_makes_no_table_in_memory),
	};

	return (cmocka_run_group_tests_name("store_open", tests, NULL, NULL));
}
