/*
 * Damage on purpose, in a closed or an open store: indexes are made anew with
 * all rows there; in what is damaged elsewhere nothing is stored any more.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define EVENTS 1500 /* enough for indexes of several pages */
#define PAGE 4096
#define SQL_MAX 256

static struct store_case c;
static int64_t handler;

/* A store with events, orders, jobs done and not done; closed. */
static int
setup(void **state)
{
	static struct case_result results[EVENTS];
	char id[32], order[32];
	const char *orders[] = { order, NULL };

	(void)state;
	store_case_init(&c);
	store_case_open(&c);
	handler = case_handler(&c, "pos");
	memset(results, 0, sizeof(results));
	for (int i = 0; i < EVENTS; i++) {
		(void)snprintf(id, sizeof(id), "event-%d", i * 7919 % 100003);
		(void)snprintf(order, sizeof(order), "%d", i);
		case_queue_append(&c, id, orders, handler, &results[i]);
	}
	store_wait(c.st);
	for (int i = 0; i < EVENTS; i++)
		assert_int_equal(results[i].rc, STORE_OK);
	store_case_close(&c);
	return (0);
}

/* -- Damage -- */

static int64_t
root_of(const char *name)
{
	char sql[SQL_MAX];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT rootpage FROM sqlite_master WHERE name = '%s'", name);
	return (store_case_int(&c, sql));
}

static void
page_io(int64_t page, unsigned char *buf, bool out)
{
	off_t at = (off_t)(page - 1) * PAGE;
	int fd = open(c.path, O_RDWR);

	assert_true(fd != -1);
	assert_int_equal(out ? pwrite(fd, buf, PAGE, at)
			     : pread(fd, buf, PAGE, at),
	    PAGE);
	(void)close(fd);
}

static void
damage_page(int64_t page)
{
	unsigned char junk[PAGE];

	memset(junk, 0xa5, sizeof(junk));
	page_io(page, junk, true);
}

/* The n-th page below the root of a tree with two levels or more. */
static int64_t
child_of(int64_t root, unsigned n)
{
	unsigned char page[PAGE];
	const unsigned char *cell;

	page_io(root, page, false);
	assert_true(page[0] == 2 || page[0] == 5); /* not a leaf */
	cell = page + 12 + 2 * n;
	cell = page + (cell[0] << 8 | cell[1]);
	return (
	    (int64_t)cell[0] << 24 | cell[1] << 16 | cell[2] << 8 | cell[3]);
}

/* -- What became of it -- */

/* The writer hears of damage a moment after the check is through. */
static void
wait_repaired(void)
{
	struct store_stats stats;

	for (;;) {
		store_case_wait_health(&c, STORE_READY);
		store_stats(c.st, &stats);
		if (stats.repairs > 0)
			return;
		store_case_collect(&c);
	}
}

static enum store_rc
check(void)
{
	struct case_result r = { 0 };

	assert_int_equal(store_check(c.st, case_done_cb, &r), 0);
	store_wait(c.st);
	return (r.rc);
}

/* Is it whole, with all that was stored and what comes now? */
static void
assert_repaired(void)
{
	struct store_stats stats;
	char id[32];

	wait_repaired();
	store_stats(c.st, &stats);
	assert_int_equal(stats.repairs, 1);
	assert_non_null(strstr(c.note, "made anew"));
	assert_int_equal(check(), STORE_OK);
	for (int i = 0; i < EVENTS; i++) {
		(void)snprintf(id, sizeof(id), "event-%d", i * 7919 % 100003);
		assert_int_equal(case_append(&c, id, NULL, handler).rc,
		    STORE_EXISTS);
	}
	for (int i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof(id), "new-%d", i);
		assert_int_equal(case_append(&c, id, NULL, handler).rc,
		    STORE_OK);
	}
	store_stats(c.st, &stats);
	assert_int_equal(stats.repairs, 1);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"),
	    EVENTS + 100);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(DISTINCT event_id) FROM events"),
	    EVENTS + 100);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM jobs"),
	    EVENTS + 100);
	/* And so it is for the next who opens it. */
	store_case_close(&c);
	store_case_open(&c);
	assert_int_equal(check(), STORE_OK);
}

/* Is nothing stored any more, and does the reason say what to do? */
static void
assert_damaged(void)
{
	unsigned char before[PAGE], after[PAGE];
	struct store_stats stats;

	store_case_wait_health(&c, STORE_DAMAGED);
	page_io(1, before, false);
	assert_non_null(strstr(store_reason(c.st), "klikitd restore BACKUP"));
	assert_non_null(strstr(store_reason(c.st), "replay"));
	for (int i = 0; i < 10; i++)
		assert_int_not_equal(case_append(&c, "void", NULL, 0).rc,
		    STORE_OK);
	assert_int_equal(store_health(c.st), STORE_DAMAGED);
	assert_int_not_equal(check(), STORE_OK);
	store_stats(c.st, &stats);
	assert_int_equal(stats.repairs, 0);
	store_case_close(&c);
	page_io(1, after, false);
	assert_memory_equal(before, after, PAGE);
	/* A restart does not forget it. */
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_OK);
	assert_true(store_was_unclean(c.st));
	(void)check();
	store_case_wait_health(&c, STORE_DAMAGED);
}

/* Damage that only a check finds. */
static void
open_and_check(void)
{
	assert_int_equal(store_case_try(&c, STORE_SERVE), STORE_OK);
	(void)check();
}

/* -- Indexes -- */

static void
leaf_is_found_by_check(const char *index)
{
	damage_page(child_of(root_of(index), 1));
	open_and_check();
	assert_repaired();
}

static void
test_leaf_of_event_ids(void **state)
{
	(void)state;
	leaf_is_found_by_check("events_event_id");
}

static void
test_leaf_of_an_index_of_a_table_without_rowid(void **state)
{
	(void)state;
	leaf_is_found_by_check("event_orders_order");
}

static void
test_root_of_event_ids(void **state)
{
	(void)state;
	damage_page(root_of("events_event_id"));
	open_and_check();
	assert_repaired();
}

/* The index behind UNIQUE, which has no SQL of its own. */
static void
test_index_of_a_constraint(void **state)
{
	(void)state;
	damage_page(root_of("sqlite_autoindex_handlers_1"));
	open_and_check();
	assert_repaired();
	assert_int_equal(case_handler(&c, "pos"), handler);
}

/* The start itself meets it, before any check. */
static void
test_index_that_the_start_needs(void **state)
{
	(void)state;
	damage_page(root_of("jobs_runnable"));
	damage_page(root_of("jobs_event"));
	open_and_check();
	assert_repaired();
}

/* Met by a commit, while serving: its sender is refused, and tries again. */
static void
test_index_damaged_while_running(void **state)
{
	enum store_rc rc;
	char id[32];

	(void)state;
	store_case_open(&c);
	for (unsigned i = 0; i < 20; i++)
		damage_page(child_of(root_of("events_event_id"), i));
	for (int i = 0;; i++) {
		assert_in_range(i, 0, 1000);
		(void)snprintf(id, sizeof(id), "event-%d", i * 7919 % 100003);
		rc = case_append(&c, id, NULL, handler).rc;
		if (rc != STORE_EXISTS)
			break;
	}
	assert_int_not_equal(rc, STORE_OK);
	assert_repaired();
}

/* A pointer of an index leads to a page of a table, which must not be freed. */
static void
test_index_that_leads_into_a_table(void **state)
{
	int64_t root = root_of("events_event_id");
	int64_t leaf = child_of(root_of("events"), 2);
	unsigned char page[PAGE], *cell;

	(void)state;
	page_io(root, page, false);
	cell = page + (page[14] << 8 | page[15]);
	cell[0] = (unsigned char)(leaf >> 24);
	cell[1] = (unsigned char)(leaf >> 16);
	cell[2] = (unsigned char)(leaf >> 8);
	cell[3] = (unsigned char)leaf;
	page_io(root, page, true);
	open_and_check();
	assert_repaired();
}

/* All trees are sound, but an index does not have the key of a row. */
static void
test_index_that_disagrees(void **state)
{
	const struct store_purge purge = {
		.ids_before_ms = INT64_MAX,
		.bodies_before_ms = INT64_MAX,
		.limit = 10,
	};
	struct case_result r = { 0 };
	struct store_stats stats;
	char sql[SQL_MAX];

	(void)state;
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES "
	    "('index', 'events_event_id', 'events', %lld, 'CREATE UNIQUE INDEX "
	    "events_event_id ON events (event_id, scope)')",
	    (long long)root_of("events_event_id"));
	store_case_sql(&c, "PRAGMA writable_schema = ON;"
			   "DELETE FROM sqlite_master "
			   "WHERE name = 'events_event_id'");
	store_case_sql(&c, "UPDATE events SET event_id = 'moved' WHERE id = 1;"
			   "DELETE FROM jobs; DELETE FROM lanes");
	store_case_sql(&c, sql);
	store_case_open(&c);
	assert_int_equal(check(), STORE_OK); /* it sees trees only */
	do {
		assert_int_equal(store_purge(c.st, &purge, case_done_cb, &r),
		    0);
		store_wait(c.st);
		assert_true(r.rc != STORE_OK || r.id > 0);
	} while (r.rc == STORE_OK);
	wait_repaired();
	store_stats(c.st, &stats);
	assert_int_equal(stats.repairs, 1);
	assert_int_equal(case_append(&c, "moved", NULL, handler).rc,
	    STORE_EXISTS);
	assert_int_equal(store_purge(c.st, &purge, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/*
 * A process that ends at any moment of a repair leaves a store that the next
 * one repairs: what was acknowledged is there.
 */
static void
test_kill_during_a_repair(void **state)
{
	struct timespec delay = { 0 };
	int status;
	pid_t pid;

	(void)state;
	damage_page(child_of(root_of("events_event_id"), 1));
	damage_page(root_of("jobs_event"));
	for (int i = 0; i < 20; i++) {
		if ((pid = fork()) == 0) {
			if (store_case_try(&c, STORE_SERVE) == STORE_OK)
				(void)check();
			(void)pause();
			_exit(0);
		}
		delay.tv_nsec = (long)i * 4000000; /* where it is cut */
		(void)nanosleep(&delay, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	open_and_check();
	store_case_wait_health(&c, STORE_READY);
	while (check() != STORE_OK)
		wait_repaired();
	for (int i = 0; i < EVENTS; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "event-%d", i * 7919 % 100003);
		assert_int_equal(case_append(&c, id, NULL, handler).rc,
		    STORE_EXISTS);
	}
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"),
	    EVENTS);
}

/* Twice in a row: each time it is made whole. */
static void
test_two_repairs(void **state)
{
	struct store_stats stats;

	(void)state;
	damage_page(root_of("events_event_id"));
	open_and_check();
	wait_repaired();
	store_case_close(&c);
	damage_page(root_of("jobs_event"));
	damage_page(root_of("events_whole"));
	open_and_check();
	wait_repaired();
	store_stats(c.st, &stats);
	assert_int_equal(stats.repairs, 1);
	assert_int_equal(check(), STORE_OK);
}

/* A copy of a repaired store is sound, though it has unused pages. */
static void
test_backup_of_a_repaired_store(void **state)
{
	struct case_result r = { 0 };
	struct store_restored back;
	struct store_restore what = { .url = c.url, .now_ms = 1 };
	char copy[STORE_CASE_PATH_MAX + 16], reason[STORE_REASON_MAX];

	(void)state;
	damage_page(child_of(root_of("events_event_id"), 1));
	open_and_check();
	wait_repaired();
	(void)snprintf(copy, sizeof(copy), "%s.copy", c.path);
	assert_int_equal(store_backup(c.st, copy, NULL, case_done_cb, &r), 0);
	store_wait(c.st);
	if (r.rc != STORE_OK)
		fail_msg("%s", r.reason);
	store_case_close(&c);
	what.backup = copy;
	if (store_restore(&what, &back, reason) != STORE_OK)
		fail_msg("%s", reason);
	store_case_open(&c);
	assert_int_equal(check(), STORE_OK);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"),
	    EVENTS);
}

/* -- Tables -- */

static void
table_is_damaged(const char *table)
{
	damage_page(child_of(root_of(table), 1));
	open_and_check();
	assert_damaged();
}

static void
test_leaf_of_events(void **state)
{
	(void)state;
	table_is_damaged("events");
}

static void
test_leaf_of_bodies(void **state)
{
	(void)state;
	table_is_damaged("bodies");
}

/* A table without rowid is a tree of an index's kind, but a table. */
static void
test_leaf_of_lanes(void **state)
{
	(void)state;
	table_is_damaged("lanes");
}

static void
test_root_of_served(void **state)
{
	(void)state;
	damage_page(root_of("served"));
	open_and_check();
	assert_damaged();
}

/* An index as well: the rows that are lost are not made less by it. */
static void
test_table_and_index(void **state)
{
	(void)state;
	damage_page(child_of(root_of("events_event_id"), 1));
	damage_page(child_of(root_of("event_orders"), 1));
	open_and_check();
	assert_damaged();
}

/* A leaf of a table is well-formed, but has lost rows: its indexes know. */
static void
test_rows_are_missing(void **state)
{
	unsigned char page[PAGE];
	int64_t leaf = child_of(root_of("events"), 1);

	(void)state;
	page_io(leaf, page, false);
	page[3] = 0;
	page[4] = 0; /* no cells */
	page[5] = PAGE >> 8;
	page[6] = 0; /* which begin at the end */
	page[1] = page[2] = page[7] = 0;
	page_io(leaf, page, true);
	damage_page(child_of(root_of("events_whole"), 0));
	open_and_check();
	assert_damaged();
}

/* Met by a commit: the row goes to the last leaf. */
static void
test_table_damaged_while_running(void **state)
{
	unsigned char page[PAGE];
	int64_t root = root_of("bodies");

	(void)state;
	store_case_open(&c);
	page_io(root, page, false);
	damage_page(
	    (int64_t)page[8] << 24 | page[9] << 16 | page[10] << 8 | page[11]);
	assert_int_not_equal(case_append(&c, "last", NULL, handler).rc,
	    STORE_OK);
	assert_damaged();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)
		T(test_leaf_of_event_ids),
		T(test_leaf_of_an_index_of_a_table_without_rowid),
		T(test_root_of_event_ids),
		T(test_index_of_a_constraint),
		T(test_index_that_the_start_needs),
		T(test_index_damaged_while_running),
		T(test_index_that_leads_into_a_table),
		T(test_index_that_disagrees),
		T(test_kill_during_a_repair),
		T(test_two_repairs),
		T(test_backup_of_a_repaired_store),
		T(test_leaf_of_events),
		T(test_leaf_of_bodies),
		T(test_leaf_of_lanes),
		T(test_root_of_served),
		T(test_table_and_index),
		T(test_rows_are_missing),
		T(test_table_damaged_while_running),
#undef T
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
