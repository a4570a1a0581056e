/* A backup in the place of the store: what is checked, kept and lost. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW_MS 1750000000000
#define KEPT "s.db.damaged-20250615-150640"

static struct store_case c;
static struct store_restored got;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	memset(&got, 0, sizeof(got));
	return (0);
}

static enum store_rc
restore(const char *backup)
{
	const struct store_restore what = { .url = c.url,
		.backup = store_case_file(&c, backup),
		.now_ms = NOW_MS };

	return (store_restore(&what, &got, c.reason));
}

/* The store with an event `old', and a backup of that; then `new' comes. */
static void
make_backup(void)
{
	struct case_result r = { 0 };

	store_case_open(&c);
	assert_int_equal(case_append(&c, "old", NULL, 0).rc, STORE_OK);
	assert_int_equal(store_backup(c.st, store_case_file(&c, "copy.db"),
			     NULL, case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(case_append(&c, "new", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
}

/* Does the store open and know just that of the two events? */
static void
assert_only_old(void)
{
	store_case_open(&c);
	assert_int_equal(case_append(&c, "old", NULL, 0).rc, STORE_EXISTS);
	assert_int_equal(case_append(&c, "new", NULL, 0).rc, STORE_OK);
}

/* What was there is kept, and what is lost can be said. */
static void
test_backup_takes_the_place(void **state)
{
	(void)state;
	make_backup();
	assert_int_equal(restore("copy.db"), STORE_OK);
	assert_int_equal(got.events, 1);
	assert_true(got.newest_ms > 0);
	assert_true(got.replaced);
	assert_string_equal(got.kept, store_case_file(&c, KEPT));
	assert_true(store_case_has_file(&c, "copy.db"));
	assert_false(store_case_has_file(&c, "s.db.restoring"));
	assert_only_old();
	store_case_close(&c);
	(void)snprintf(c.path, sizeof(c.path), "%s", store_case_file(&c, KEPT));
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 2);
}

/* The log of the old one is kept with it, and not played into the new. */
static void
test_log_goes_with_its_database(void **state)
{
	FILE *out;

	(void)state;
	make_backup();
	assert_non_null(out = fopen(store_case_file(&c, "s.db-wal"), "w"));
	assert_true(fputs("frames", out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(restore("copy.db"), STORE_OK);
	assert_true(store_case_has_file(&c, KEPT "-wal"));
	assert_false(store_case_has_file(&c, "s.db-wal"));
	assert_only_old();
}

/* A copy of the files of a killed server has its last events in its log. */
static void
test_log_of_the_backup_is_used(void **state)
{
	pid_t child;
	int status;

	(void)state;
	make_backup();
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		(void)snprintf(c.url, sizeof(c.url), "sqlite:%s",
		    store_case_file(&c, "copy.db"));
		if (store_case_try(&c, STORE_SERVE) != STORE_OK)
			_exit(1);
		(void)case_append(&c, "in the log", NULL, 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(restore("copy.db"), STORE_OK);
	assert_int_equal(got.events, 2);
	assert_true(store_case_has_file(&c, "copy.db-wal"));
	store_case_open(&c);
	assert_int_equal(case_append(&c, "in the log", NULL, 0).rc,
	    STORE_EXISTS);
}

/* A missing store is no reason not to restore one. */
static void
test_store_may_be_missing(void **state)
{
	(void)state;
	make_backup();
	assert_int_equal(unlink(c.path), 0);
	assert_int_equal(restore("copy.db"), STORE_OK);
	assert_false(got.replaced);
	assert_only_old();
}

/* Twice in one second: what was kept first stays. */
static void
test_kept_is_never_overwritten(void **state)
{
	(void)state;
	make_backup();
	assert_int_equal(restore("copy.db"), STORE_OK);
	assert_int_equal(restore("copy.db"), STORE_OK);
	assert_true(store_case_has_file(&c, KEPT));
	assert_true(store_case_has_file(&c, "s.db.damaged-20250615-150641"));
}

/* A bad backup changes nothing. */
static void
test_bad_backups_are_refused(void **state)
{
	char junk[4096];
	FILE *out;
	int fd;

	(void)state;
	make_backup();
	assert_int_equal(restore("nothing"), STORE_NOTFOUND);
	assert_int_equal(restore("s.db"), STORE_EXISTS);
	assert_int_equal(link(c.path, store_case_file(&c, "hard.db")), 0);
	assert_int_equal(restore("hard.db"), STORE_EXISTS);
	assert_non_null(out = fopen(store_case_file(&c, "text"), "w"));
	for (int i = 0; i < 1000; i++)
		(void)fputs("this is no database\n", out);
	(void)fclose(out);
	assert_int_equal(restore("text"), STORE_NOTADB);
	assert_non_null(out = fopen(store_case_file(&c, "empty"), "w"));
	(void)fclose(out);
	assert_int_equal(restore("empty"), STORE_NOTADB);

	memset(junk, 0xff, sizeof(junk));
	assert_true((fd = open(store_case_file(&c, "copy.db"), O_RDWR)) != -1);
	for (int page = 2; page < 12; page++)
		(void)!pwrite(fd, junk, sizeof(junk), page * 4096);
	(void)close(fd);
	assert_int_equal(restore("copy.db"), STORE_NOTADB);
	assert_non_null(strstr(c.reason, "copy.db"));
	assert_false(store_case_has_file(&c, "s.db.restoring"));
	assert_false(store_case_has_file(&c, "s.db.restoring.tmp"));
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 2);
}

/* Nobody is served from a file that is moved away under him. */
static void
test_server_is_in_the_way(void **state)
{
	struct store *first;
	pid_t child;
	int status;

	(void)state;
	make_backup();
	store_case_open(&c);
	first = c.st;
	child = fork(); /* closing files would end our locks */
	assert_int_not_equal(child, -1);
	if (child == 0)
		_exit(restore("copy.db") == STORE_BUSY ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(case_append(&c, "more", NULL, 0).rc, STORE_OK);
	assert_ptr_equal(c.st, first);
}

/* Each state that a power cut can leave is completed by the next start. */
static void
test_cut_short_is_completed(void **state)
{
	FILE *out;

	(void)state;
	for (int moved = 0; moved < 3; moved++) {
		make_backup();
		assert_non_null(
		    out = fopen(store_case_file(&c, "s.db-wal"), "w"));
		assert_true(fputs("frames", out) >= 0);
		assert_int_equal(fclose(out), 0);
		assert_int_equal(restore("copy.db"), STORE_OK);

		/* Back to where it stood after so many renames. */
		assert_int_equal(rename(c.path,
				     store_case_file(&c, "s.db.restoring")),
		    0);
		if (moved < 2)
			assert_int_equal(rename(store_case_file(&c,
						    KEPT "-wal"),
					     store_case_file(&c, "s.db-wal")),
			    0);
		if (moved < 1)
			assert_int_equal(rename(store_case_file(&c, KEPT),
					     c.path),
			    0);
		assert_int_equal(store_case_try(&c, STORE_READ), STORE_FAILED);
		assert_non_null(strstr(c.reason, "cut short"));
		c.nnotes = 0;
		assert_only_old();
		assert_true(c.nnotes > 0);
		assert_true(store_case_has_file(&c, KEPT));
		assert_true(store_case_has_file(&c, KEPT "-wal"));
		assert_false(store_case_has_file(&c, "s.db.restoring"));
		store_case_fini(&c);
		store_case_init(&c);
	}
}

/* A verb that writes completes it as well. */
static void
test_verbs_complete_it(void **state)
{
	(void)state;
	make_backup();
	assert_int_equal(restore("copy.db"), STORE_OK);
	assert_int_equal(rename(c.path, store_case_file(&c, "s.db.restoring")),
	    0);
	assert_int_equal(store_case_try(&c, STORE_CHANGE), STORE_OK);
	assert_int_equal(case_append(&c, "old", NULL, 0).rc, STORE_EXISTS);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_backup_takes_the_place),
		CASE(test_log_goes_with_its_database),
		CASE(test_log_of_the_backup_is_used),
		CASE(test_store_may_be_missing),
		CASE(test_kept_is_never_overwritten),
		CASE(test_bad_backups_are_refused),
		CASE(test_server_is_in_the_way),
		CASE(test_cut_short_is_completed),
		CASE(test_verbs_complete_it),
	};

	return (
	    cmocka_run_group_tests_name("store_restore", tests, NULL, NULL));
}
