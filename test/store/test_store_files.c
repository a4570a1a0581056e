/* The files of a store: who may have them, what may lie beside them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

static struct store_case c;

static int
setup(void **state)
{
	static struct store_sqlite_setup quick = { .lock_ms = 50 };
	static const struct store_setup hurry = { .arg = &quick };

	(void)state;
	store_case_init(&c);
	c.setup = &hurry;
	return (0);
}

static void
write_file(const char *name, const char *text)
{
	FILE *out = fopen(store_case_file(&c, name), "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* Name the store by another of its names. */
static void
rename_url(const char *name)
{
	(void)snprintf(c.url, sizeof(c.url), "sqlite:%s",
	    store_case_file(&c, name));
}

/*
 * Leave the store as a killed server does: with a log. A child, since SQLite's
 * locks end with the process.
 */
static void
kill_with_events(const char *first, const char *second)
{
	pid_t child = fork();
	int status;

	assert_int_not_equal(child, -1);
	if (child == 0) {
		if (store_case_try(&c, STORE_SERVE) != STORE_OK)
			_exit(1);
		if (case_append(&c, first, NULL, 0).rc != STORE_OK ||
		    case_append(&c, second, NULL, 0).rc != STORE_OK)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static enum store_rc
append(const char *id)
{
	return (case_append(&c, id, NULL, 0).rc);
}

/* -- Locks -- */

/* Is a second server kept out, in a process of its own? */
static void
assert_second_is_busy(void)
{
	pid_t child = fork();
	int status;

	assert_int_not_equal(child, -1);
	if (child == 0) {
		struct store_case second = c;

		second.st = NULL;
		_exit(store_case_try(&second, STORE_SERVE) == STORE_BUSY &&
			      strstr(second.reason, "another klikitd") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(case_append(&c, "still mine", NULL, 0).rc, STORE_OK);
}

/* Another name of the same file is the same store. */
static void
test_symlink_is_the_same_store(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(symlink("s.db", store_case_file(&c, "link.db")), 0);
	rename_url("link.db");
	assert_second_is_busy();
	assert_false(store_case_has_file(&c, "link.db.lock"));
}

static void
test_hard_link_is_the_same_store(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(link(c.path, store_case_file(&c, "hard.db")), 0);
	rename_url("hard.db");
	assert_second_is_busy();
}

static void
test_folder_link_is_the_same_store(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(symlink(".", store_case_file(&c, "here")), 0);
	rename_url("here/here/s.db");
	assert_second_is_busy();
}

/* Also when somebody has taken the lock's file away. */
static void
test_lock_file_removed(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(unlink(store_case_file(&c, "s.db.lock")), 0);
	assert_second_is_busy();
}

/* A link to nothing is no place for a new store: a disk may be missing. */
static void
test_link_to_nothing_is_refused(void **state)
{
	(void)state;
	assert_int_equal(symlink("nothing.db", store_case_file(&c, "link.db")),
	    0);
	rename_url("link.db");
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_FAILED);
	assert_non_null(strstr(c.reason, "symbolic link"));
	assert_false(store_case_has_file(&c, "nothing.db"));
}

/* What root makes belongs to whose store it is. */
static void
test_root_leaves_the_owner_his_files(void **state)
{
	static const char *const names[] = { "s.db.lock", "s.db-wal",
		"s.db-shm", "copy.db" };
	struct case_result r = { 0 };
	struct stat sb;

	(void)state;
	if (geteuid() != 0)
		skip();
	store_case_open(&c);
	store_case_close(&c);
	assert_int_equal(chown(c.path, 65534, 65534), 0);
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_OK);
	assert_int_equal(case_append(&c, "e", NULL, 0).rc, STORE_OK);
	assert_int_equal(store_backup(c.st, store_case_file(&c, "copy.db"),
			     NULL, case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(stat(store_case_file(&c, names[i]), &sb), 0);
		assert_int_equal(sb.st_uid, 65534);
	}
}

/* A new store belongs to whose folder it is in. */
static void
test_root_makes_a_store_for_the_folder(void **state)
{
	struct stat sb;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(c.dir, 65534, 65534), 0);
	store_case_open(&c);
	assert_int_equal(stat(c.path, &sb), 0);
	assert_int_equal(sb.st_uid, 65534);
	assert_int_equal(stat(store_case_file(&c, "s.db-wal"), &sb), 0);
	assert_int_equal(sb.st_uid, 65534);
	assert_int_equal(stat(store_case_file(&c, "s.db.lock"), &sb), 0);
	assert_int_equal(sb.st_uid, 65534);
}

/* -- Siblings -- */

/* A log without its database is kept, and not played into a new one. */
static void
test_log_without_database_is_kept(void **state)
{
	(void)state;
	kill_with_events("one", "two");
	assert_int_equal(rename(c.path, store_case_file(&c, "away.db")), 0);
	store_case_open(&c);
	assert_non_null(strstr(c.note, "s.db.aside-20250615-150640-wal"));
	assert_true(store_case_has_file(&c, "s.db.aside-20250615-150640-wal"));
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 0);
	assert_int_equal(case_append(&c, "new", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM pragma_integrity_check "
			     "WHERE integrity_check = 'ok'"),
	    1);

	/* Together again they have all of it. */
	assert_int_equal(rename(store_case_file(&c, "away.db"),
			     store_case_file(&c, "s.db.aside-20250615-150640")),
	    0);
	(void)snprintf(c.path, sizeof(c.path), "%s",
	    store_case_file(&c, "s.db.aside-20250615-150640"));
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 2);
}

/* Twice in one second: nothing is overwritten. */
static void
test_logs_are_kept_apart(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		kill_with_events("one", "two");
		assert_int_equal(unlink(c.path), 0);
	}
	store_case_open(&c);
	assert_true(store_case_has_file(&c, "s.db.aside-20250615-150640-wal"));
	assert_true(
	    store_case_has_file(&c, "s.db.aside-20250615-150640.2-wal"));
}

/* An older program's rollback journal is no less a sibling. */
static void
test_journal_without_database_is_kept(void **state)
{
	(void)state;
	write_file("s.db-journal", "of some other database");
	store_case_open(&c);
	assert_true(
	    store_case_has_file(&c, "s.db.aside-20250615-150640-journal"));
	assert_false(store_case_has_file(&c, "s.db-journal"));
}

/* A file that was emptied: SQLite itself would delete the log. */
static void
test_log_beside_an_empty_file_is_kept(void **state)
{
	(void)state;
	kill_with_events("one", "two");
	assert_int_equal(truncate(c.path, 0), 0);
	assert_int_equal(store_case_try(&c, STORE_READ), STORE_NOTADB);
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_NOTADB);
	assert_non_null(strstr(c.reason, "klikitd restore"));
	assert_true(store_case_has_file(&c, "s.db-wal"));
	store_case_open(&c);
	assert_true(store_case_has_file(&c, "s.db.aside-20250615-150640-wal"));
	assert_int_equal(case_append(&c, "new", NULL, 0).rc, STORE_OK);
}

/* Copy a file of the store over another, as cp does. */
static void
copy_over(const char *from, const char *to)
{
	char buf[65536];
	size_t n;
	FILE *in = fopen(store_case_file(&c, from), "rb");
	FILE *out = fopen(store_case_file(&c, to), "wb");

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		assert_int_equal(fwrite(buf, 1, n, out), n);
	assert_int_equal(fclose(in) | fclose(out), 0);
}

/* Many events with a log that started over, so that the file has grown. */
static void
kill_with_many(int n)
{
	pid_t child = fork();
	int status;

	assert_int_not_equal(child, -1);
	if (child == 0) {
		static struct store_sqlite_setup often = { .checkpoint_pages =
							       32 };
		static const struct store_setup copies = { .arg = &often };
		char id[32];

		c.setup = &copies;
		if (store_case_try(&c, STORE_SERVE) != STORE_OK)
			_exit(1);
		for (int i = 0; i < n; i++) {
			(void)snprintf(id, sizeof(id), "many%d", i);
			(void)case_append(&c, id, NULL, 0);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* An older copy of the database beside the newer one's log. */
static void
test_older_copy_is_not_given_the_newer_log(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(append("old"), STORE_OK);
	store_case_close(&c);
	copy_over("s.db", "old.db");
	kill_with_many(2000);
	copy_over("s.db", "new.db");
	copy_over("old.db", "s.db");
	store_case_open(&c);
	assert_non_null(strstr(c.note, "not its own"));
	assert_true(store_case_has_file(&c, "s.db.aside-20250615-150640-wal"));
	assert_int_equal(append("old"), STORE_EXISTS);
	assert_int_equal(append("many0"), STORE_OK);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM pragma_integrity_check "
			     "WHERE integrity_check = 'ok'"),
	    1);
	store_case_close(&c);

	/* The newer one with its log has all of it. */
	assert_int_equal(rename(store_case_file(&c,
				    "s.db.aside-20250615-150640-wal"),
			     store_case_file(&c, "new.db-wal")),
	    0);
	(void)snprintf(c.path, sizeof(c.path), "%s",
	    store_case_file(&c, "new.db"));
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"),
	    2001);
}

/* Another store's log. */
static void
test_log_with_other_pages_is_kept_apart(void **state)
{
	(void)state;
	store_case_open(&c);
	assert_int_equal(append("one"), STORE_OK);
	store_case_close(&c);
	copy_over("s.db", "mine.db");
	store_case_sql(&c, "PRAGMA journal_mode = DELETE;"
			   "PRAGMA page_size = 16384; VACUUM;"
			   "PRAGMA journal_mode = WAL");
	kill_with_events("two", "three");
	copy_over("mine.db", "s.db");
	store_case_open(&c);
	assert_non_null(strstr(c.note, "not its own"));
	assert_int_equal(append("one"), STORE_EXISTS);
}

/* A log that is its own is used, whatever it holds. */
static void
test_own_log_is_used(void **state)
{
	(void)state;
	kill_with_many(500);
	kill_with_many(700);
	store_case_open(&c);
	assert_int_equal(c.nnotes, 0);
	assert_int_equal(append("many699"), STORE_EXISTS);
}

/* A backup would be taken for the database of the log beside it. */
static void
test_backup_beside_a_log_is_refused(void **state)
{
	struct case_result r = { 0 };

	(void)state;
	store_case_open(&c);
	write_file("copy.db-wal", "of some other database");
	assert_int_equal(store_backup(c.st, store_case_file(&c, "copy.db"),
			     NULL, case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_EXISTS);
	assert_true(store_case_has_file(&c, "copy.db-wal"));
	assert_false(store_case_has_file(&c, "copy.db"));
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_symlink_is_the_same_store),
		CASE(test_hard_link_is_the_same_store),
		CASE(test_folder_link_is_the_same_store),
		CASE(test_lock_file_removed),
		CASE(test_link_to_nothing_is_refused),
		CASE(test_root_leaves_the_owner_his_files),
		CASE(test_root_makes_a_store_for_the_folder),
		CASE(test_log_without_database_is_kept),
		CASE(test_logs_are_kept_apart),
		CASE(test_journal_without_database_is_kept),
		CASE(test_log_beside_an_empty_file_is_kept),
		CASE(test_older_copy_is_not_given_the_newer_log),
		CASE(test_log_with_other_pages_is_kept_apart),
		CASE(test_own_log_is_used),
		CASE(test_backup_beside_a_log_is_refused),
	};

	return (cmocka_run_group_tests_name("store_files", tests, NULL, NULL));
}
