/* What a failing disk does to acks: nothing is said to be stored that is not.
 */
#include <pthread.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/faulty_store.h"
#include "test/lib/shim_vfs.h"
#include "test/lib/store_case.h"

/* A disk that fails: each counter is how often it still will. */
struct disk {
	pthread_mutex_t mutex;
	unsigned bad_syncs;
	unsigned full_writes;
	unsigned syncs;
};

static struct store_case c;
static struct faulty_store *f;
static struct disk disk = { .mutex = PTHREAD_MUTEX_INITIALIZER };
static struct store_sqlite_setup sqlite_setup;

/* shim_hooks write: no space as often as told. */
static int
disk_write(void *arg, const char *path, const void *data, size_t len,
    int64_t offset)
{
	struct disk *d = arg;
	int rc = SQLITE_OK;

	(void)path;
	(void)data;
	(void)len;
	(void)offset;
	(void)pthread_mutex_lock(&d->mutex);
	if (d->full_writes > 0) {
		if (d->full_writes != FAULTY_ALWAYS)
			d->full_writes--;
		rc = SQLITE_FULL;
	}
	(void)pthread_mutex_unlock(&d->mutex);
	return (rc);
}

/* shim_hooks sync: fails as often as told. */
static int
disk_sync(void *arg, const char *path)
{
	struct disk *d = arg;
	int rc = SQLITE_OK;

	(void)path;
	(void)pthread_mutex_lock(&d->mutex);
	d->syncs++;
	if (d->bad_syncs > 0) {
		if (d->bad_syncs != FAULTY_ALWAYS)
			d->bad_syncs--;
		rc = SQLITE_IOERR_FSYNC;
	}
	(void)pthread_mutex_unlock(&d->mutex);
	return (rc);
}

static void
disk_set(unsigned bad_syncs, unsigned full_writes)
{
	(void)pthread_mutex_lock(&disk.mutex);
	disk.bad_syncs = bad_syncs;
	disk.full_writes = full_writes;
	(void)pthread_mutex_unlock(&disk.mutex);
}

static const struct shim_hooks disk_hooks = {
	.write = disk_write,
	.sync = disk_sync,
	.arg = &disk,
	.traits = SQLITE_IOCAP_POWERSAFE_OVERWRITE,
};

static int
setup(void **state)
{
	(void)state;
	disk_set(0, 0);
	assert_int_equal(shim_vfs_install(&disk_hooks), 0);
	memset(&sqlite_setup, 0, sizeof(sqlite_setup));
	sqlite_setup.vfs = SHIM_VFS;
	f = faulty_store_new(&sqlite_setup);
	store_case_init(&c);
	c.setup = faulty_store_setup(f);
	store_case_open(&c);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	disk_set(0, 0);
	store_case_fini(&c);
	faulty_store_free(f);
	shim_vfs_uninstall();
	return (0);
}

/* One failed fsync: no ack for that batch; reopened, later commits pass. */
static void
test_failed_sync_acks_nothing(void **state)
{
	struct case_result r;

	(void)state;
	assert_int_equal(case_append(&c, "before", NULL, 0).rc, STORE_OK);
	disk_set(1, 0);
	r = case_append(&c, "failed", NULL, 0);
	assert_int_equal(r.rc, STORE_FAILED);
	assert_non_null(strstr(r.reason, c.path));
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(faulty_store_reopens(f), 1);
	assert_int_equal(case_append(&c, "after", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM events "
			     "WHERE event_id IN ('before', 'after')"),
	    2);
	assert_int_equal(store_case_int(&c, "SELECT probes FROM store"), 1);
}

/* No space: the batch is refused, and work goes on once there is some. */
static void
test_full_disk_passes(void **state)
{
	struct case_result r;

	(void)state;
	disk_set(0, FAULTY_ALWAYS);
	r = case_append(&c, "failed", NULL, 0);
	assert_int_equal(r.rc, STORE_FULL);
	assert_non_null(strstr(r.reason, "no space"));
	store_case_wait_health(&c, STORE_NOSPACE);
	assert_string_not_equal(store_reason(c.st), "");
	disk_set(0, 0);
	assert_int_equal(case_append(&c, "after", NULL, 0).rc, STORE_OK);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(faulty_store_reopens(f), 0);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 1);
}

/* A store that is left alone finds out by itself that there is space. */
static void
test_full_disk_is_probed(void **state)
{
	(void)state;
	disk_set(0, 1);
	assert_int_equal(case_append(&c, "failed", NULL, 0).rc, STORE_FULL);
	store_case_wait_health(&c, STORE_READY);
	assert_true(store_case_int(&c, "SELECT probes FROM store") > 0);
}

/* However long a disk fails: all is answered, and one that is back is used. */
static void
test_lasting_failure_is_outlasted(void **state)
{
	(void)state;
	disk_set(FAULTY_ALWAYS, 0);
	assert_int_equal(case_append(&c, "failed", NULL, 0).rc, STORE_FAILED);
	store_case_wait_health(&c, STORE_RECOVERING);
	assert_string_not_equal(store_reason(c.st), "");
	while (faulty_store_reopens(f) < 20)
		assert_int_equal(case_append(&c, "late", NULL, 0).rc,
		    STORE_FAILED);
	disk_set(0, 0);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(case_append(&c, "later", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 1);
}

/* While reopening takes its time, what is queued is answered at once. */
static void
test_reopening_leaves_none_hanging(void **state)
{
	struct case_result r;

	(void)state;
	faulty_store_fail_reopen(f, 3, STORE_FAILED);
	faulty_store_fail(f, 1, 1, STORE_FAILED);
	r = case_append(&c, "failed", NULL, 0);
	assert_int_equal(r.rc, STORE_FAILED);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(faulty_store_reopens(f), 4);
	assert_int_equal(case_append(&c, "after", NULL, 0).rc, STORE_OK);
}

/* Reopening that fails for lack of space is never given up. */
static void
test_reopening_outlasts_full_disk(void **state)
{
	(void)state;
	faulty_store_fail_reopen(f, 13, STORE_FULL);
	faulty_store_fail(f, 1, 1, STORE_FAILED);
	assert_int_equal(case_append(&c, "failed", NULL, 0).rc, STORE_FAILED);
	store_case_wait_health(&c, STORE_READY);
	assert_int_equal(faulty_store_reopens(f), 14);
}

/* A foreign lock fails the batch; nothing is broken by it. */
static void
test_foreign_lock_is_busy(void **state)
{
	sqlite3 *conn = NULL;

	(void)state;
	store_case_close(&c);
	sqlite_setup.busy_ms = 1;
	store_case_open(&c);
	assert_int_equal(sqlite3_open(c.path, &conn), SQLITE_OK);
	assert_int_equal(sqlite3_exec(conn, "BEGIN IMMEDIATE", NULL, NULL,
			     NULL),
	    0);
	assert_int_equal(case_append(&c, "busy", NULL, 0).rc, STORE_BUSY);
	assert_int_equal(store_health(c.st), STORE_READY);
	assert_int_equal(sqlite3_close(conn), SQLITE_OK);
	assert_int_equal(case_append(&c, "busy", NULL, 0).rc, STORE_OK);
}

/* A commit that hangs is seen from outside; it has ended, so that is over. */
static void
test_a_hanging_commit_shows(void **state)
{
	struct case_result r;
	uint64_t before, after;

	(void)state;
	assert_false(store_is_behind(c.st, &before));
	faulty_store_block(f);
	case_queue_append(&c, "first", NULL, 0, &r);
	faulty_store_wait_blocked(f);
	assert_true(store_is_behind(c.st, &after));
	assert_int_equal(after, before);
	faulty_store_release(f);
	store_wait(c.st);
	assert_false(store_is_behind(c.st, &after));
	assert_int_equal(after, before + 1);
}

/* What gathers behind a slow commit shares the next one. */
static void
test_batch_gathers(void **state)
{
	struct case_result r[20];
	char id[16];

	(void)state;
	faulty_store_block(f);
	case_queue_append(&c, "first", NULL, 0, &r[0]);
	faulty_store_wait_blocked(f);
	for (int i = 1; i < 20; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		case_queue_append(&c, id, NULL, 0, &r[i]);
	}
	faulty_store_release(f);
	store_wait(c.st);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(r[i].calls, 1);
		assert_int_equal(r[i].rc, STORE_OK);
	}
	assert_int_equal(faulty_store_commits(f), 2);
	assert_int_equal(faulty_store_largest(f), 19);
}

/* Rejections share no transaction with acks, nor with each other. */
static void
test_rejections_stay_apart(void **state)
{
	struct store_rejection rej = { .peer = "p", .cause = "signature" };
	struct case_result r[4], rejected[2] = { 0 };

	(void)state;
	faulty_store_block(f);
	case_queue_append(&c, "first", NULL, 0, &r[0]);
	faulty_store_wait_blocked(f);
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_reject(c.st, &rej, 1, case_done_cb,
				     &rejected[i]),
		    0);
	case_queue_append(&c, "e1", NULL, 0, &r[1]);
	case_queue_append(&c, "e2", NULL, 0, &r[2]);
	case_queue_append(&c, "e3", NULL, 0, &r[3]);
	faulty_store_release(f);
	store_wait(c.st);
	assert_int_equal(rejected[0].calls + rejected[1].calls, 2);
	assert_int_equal(rejected[0].rc, STORE_OK);
	assert_int_equal(faulty_store_commits(f), 4);
	assert_int_equal(faulty_store_largest(f), 3);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM rejections"),
	    2);
}

/* The queue has a limit in bytes; beyond it the call says so at once. */
static void
test_full_queue_refuses(void **state)
{
	struct case_result r[2];
	struct case_result refused = { 0 };
	struct store_event *ev;

	(void)state;
	store_case_close(&c);
	c.queue_max = 100;
	store_case_open(&c);
	faulty_store_block(f);
	case_queue_append(&c, "first", NULL, 0, &r[0]);
	ev = case_event("second", "{}", NULL);
	assert_int_equal(store_append(c.st, ev, NULL, 0, case_done_cb,
			     &refused),
	    -1);
	store_event_unref(ev);
	faulty_store_release(f);
	store_wait(c.st);
	assert_int_equal(r[0].rc, STORE_OK);
	assert_int_equal(refused.calls, 0);
	assert_int_equal(case_append(&c, "second", NULL, 0).rc, STORE_OK);
}

/* Closing commits all that is queued and answers it. */
static void
test_close_commits_queue(void **state)
{
	struct case_result r[3];

	(void)state;
	faulty_store_block(f);
	case_queue_append(&c, "e0", NULL, 0, &r[0]);
	case_queue_append(&c, "e1", NULL, 0, &r[1]);
	case_queue_append(&c, "e2", NULL, 0, &r[2]);
	faulty_store_wait_blocked(f);
	faulty_store_release(f);
	store_case_close(&c);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(r[i].calls, 1);
		assert_int_equal(r[i].rc, STORE_OK);
	}
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_failed_sync_acks_nothing),
		CASE(test_full_disk_passes),
		CASE(test_full_disk_is_probed),
		CASE(test_lasting_failure_is_outlasted),
		CASE(test_reopening_leaves_none_hanging),
		CASE(test_reopening_outlasts_full_disk),
		CASE(test_foreign_lock_is_busy),
		CASE(test_a_hanging_commit_shows),
		CASE(test_batch_gathers),
		CASE(test_rejections_stay_apart),
		CASE(test_full_queue_refuses),
		CASE(test_close_commits_queue),
	};

	return (cmocka_run_group_tests_name("faults", tests, NULL, NULL));
}
