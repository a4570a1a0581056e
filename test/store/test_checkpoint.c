/*
 * The log is copied by the reader thread, stays bounded, and starts over; the
 * writer copes when the reader has no time or meets an error.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "store/store_private.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/faulty_store.h"
#include "test/lib/shim_vfs.h"
#include "test/lib/store_case.h"

#define DUE 80 /* pages in the log that make a checkpoint */
#define PAGE (4096 + 24)
#define LOG_MAX ((int64_t)40 * DUE * PAGE)
#define COMMIT_MAX 40 /* pages that one event's commit takes at most */

/* Who copied how often, and how the next copying by the reader fails. */
struct disk {
	pthread_mutex_t mutex;
	bool open; /* the store is: its threads have names */
	unsigned by_reader, here;
	bool bad_sync, full;
	size_t unsynced; /* bytes that the reader copied since its last sync */
	size_t left;     /* the most of them that a sync of the writer's met */
};

static struct store_case c;
static struct faulty_store *f;
static struct disk disk = { .mutex = PTHREAD_MUTEX_INITIALIZER };
static struct store_sqlite_setup sqlite_setup;

/* With the mutex held: whether this is the database itself, copied by the
 * reader. */
static bool
disk_by_reader(const struct disk *d, const char *path)
{
	return (d->open && strstr(path, ".db-") == NULL &&
		pthread_equal(pthread_self(), c.st->reader.id));
}

/* shim_hooks write: no space for the reader, once, if told so. */
static int
disk_write(void *arg, const char *path, const void *data, size_t len,
    int64_t offset)
{
	struct disk *d = arg;
	int rc = SQLITE_OK;

	(void)data;
	(void)offset;
	(void)pthread_mutex_lock(&d->mutex);
	if (d->full && disk_by_reader(d, path)) {
		d->full = false;
		rc = SQLITE_FULL;
	} else if (disk_by_reader(d, path)) {
		d->unsynced += len;
	}
	(void)pthread_mutex_unlock(&d->mutex);
	return (rc);
}

/* shim_hooks sync: fails for the reader, once, if told so. */
static int
disk_sync(void *arg, const char *path)
{
	struct disk *d = arg;
	int rc = SQLITE_OK;

	(void)pthread_mutex_lock(&d->mutex);
	if (disk_by_reader(d, path)) {
		if (d->bad_sync)
			rc = SQLITE_IOERR_FSYNC;
		else
			d->by_reader++;
		d->bad_sync = false;
		d->unsynced = 0;
	} else if (strstr(path, ".db-") == NULL) {
		d->here++;
		if (d->unsynced > d->left)
			d->left = d->unsynced;
	}
	(void)pthread_mutex_unlock(&d->mutex);
	return (rc);
}

static const struct shim_hooks disk_hooks = {
	.write = disk_write,
	.sync = disk_sync,
	.arg = &disk,
	.traits = SQLITE_IOCAP_POWERSAFE_OVERWRITE,
};

static void
disk_set(bool open, bool bad_sync, bool full)
{
	(void)pthread_mutex_lock(&disk.mutex);
	disk.open = open;
	disk.by_reader = disk.here = 0;
	disk.unsynced = disk.left = 0;
	disk.bad_sync = bad_sync;
	disk.full = full;
	(void)pthread_mutex_unlock(&disk.mutex);
}

static struct disk
disk_get(void)
{
	struct disk d;

	(void)pthread_mutex_lock(&disk.mutex);
	d = disk;
	(void)pthread_mutex_unlock(&disk.mutex);
	return (d);
}

/* Append one event; its id is its number. */
static enum store_rc
append(void)
{
	static unsigned n;
	char id[16];

	(void)snprintf(id, sizeof(id), "e%u", n++);
	return (case_append(&c, id, NULL, 0).rc);
}

static int
setup(void **state)
{
	(void)state;
	disk_set(false, false, false);
	assert_int_equal(shim_vfs_install(&disk_hooks), 0);
	memset(&sqlite_setup, 0, sizeof(sqlite_setup));
	sqlite_setup.vfs = SHIM_VFS;
	sqlite_setup.checkpoint_pages = DUE;
	f = faulty_store_new(&sqlite_setup);
	store_case_init(&c);
	c.setup = faulty_store_setup(f);
	store_case_open(&c);
	assert_int_equal(append(), STORE_OK); /* the log's head */
	disk_set(true, false, false);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	disk_set(false, false, false);
	faulty_store_release_reads(f);
	store_case_fini(&c);
	faulty_store_free(f);
	shim_vfs_uninstall();
	return (0);
}

/* What the log's file has: its size, and how often it was started over. */
static int64_t
log_state(uint32_t *ret_restarts)
{
	char path[STORE_CASE_PATH_MAX + 8];
	unsigned char head[32];
	struct stat sb;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s-wal", c.path);
	assert_int_equal(stat(path, &sb), 0);
	assert_non_null(in = fopen(path, "rb"));
	assert_int_equal(fread(head, 1, sizeof(head), in), sizeof(head));
	(void)fclose(in);
	*ret_restarts = (uint32_t)head[12] << 24 | (uint32_t)head[13] << 16 |
			(uint32_t)head[14] << 8 | head[15];
	return (sb.st_size);
}

/* Append until the log has started over so many more times. */
static void
append_until_restarts(uint32_t more)
{
	uint32_t before, now;

	(void)log_state(&before);
	do {
		assert_int_equal(append(), STORE_OK);
		assert_in_range(log_state(&now), 1, LOG_MAX);
	} while (now - before < more);
}

/* While commits go on the reader copies, and the log starts over. */
static void
test_reader_copies(void **state)
{
	(void)state;
	append_until_restarts(60); /* of some the copying meets commits */
	assert_true(disk_get().by_reader > 0);
	/* What the reader copied it has synced: acks wait for the writer. */
	assert_true(disk_get().here > 0);
	assert_int_equal(disk_get().left, 0);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM pragma_integrity_check "
			     "WHERE integrity_check <> 'ok'"),
	    0);
}

/* store_events_fn: count the page and ask for the next. */
static void
list_again_cb(enum store_rc rc, const struct store_event_info *events, size_t n,
    const char *reason, void *arg)
{
	struct store_filter filter = { 0 };
	unsigned *left = arg;

	(void)events;
	(void)n;
	(void)reason;
	assert_int_equal(rc, STORE_OK);
	if (*left > 0 && --*left > 0)
		assert_int_equal(store_list_events(c.st, &filter, list_again_cb,
				     arg),
		    0);
}

/* A list that is read over and over does not keep the log from its end. */
static void
test_lists_leave_log_bounded(void **state)
{
	struct store_filter filter = { 0 };
	unsigned left = 1000000;

	(void)state;
	for (int i = 0; i < 500; i++) /* a page's worth */
		assert_int_equal(append(), STORE_OK);
	assert_int_equal(store_list_events(c.st, &filter, list_again_cb, &left),
	    0);
	append_until_restarts(5);
	assert_in_range(left, 1, 999999);
	left = 0;
	store_wait(c.st);
}

/* A reader that is busy is not waited for: the writer copies by itself. */
static void
test_busy_reader_is_not_awaited(void **state)
{
	struct store_filter filter = { 0 };
	unsigned left = 1;
	struct case_result r;
	uint32_t restarts;
	char id[16];

	(void)state;
	faulty_store_block_reads(f);
	assert_int_equal(store_list_events(c.st, &filter, list_again_cb, &left),
	    0);
	faulty_store_wait_read_blocked(f);
	for (int i = 0; disk_get().here < 3; i++) {
		(void)snprintf(id, sizeof(id), "b%d", i);
		case_queue_append(&c, id, NULL, 0, &r);
		while (r.calls == 0) {
			struct pollfd p = { .fd = store_fd(c.st),
				.events = POLLIN };

			assert_int_equal(poll(&p, 1, 30000), 1);
			store_collect(c.st);
		}
		assert_int_equal(r.rc, STORE_OK);
		assert_in_range(log_state(&restarts), 1,
		    (int64_t)(3 * DUE + COMMIT_MAX) * PAGE);
	}
	assert_int_equal(disk_get().by_reader, 0);
	faulty_store_release_reads(f);
	store_wait(c.st);
	assert_int_equal(left, 0);
	append_until_restarts(2);
}

/* A failed fsync of the reader's makes the writer open the store anew. */
static void
test_failed_copy_reopens(void **state)
{
	unsigned acked = 0;

	(void)state;
	disk_set(true, true, false);
	for (int i = 0; i < 1000 && faulty_store_reopens(f) == 0; i++)
		if (append() == STORE_OK)
			acked++;
	assert_int_equal(faulty_store_reopens(f), 1);
	while (append() != STORE_OK)
		;
	acked++;
	assert_false(disk_get().bad_sync);
	append_until_restarts(2);
	assert_int_equal(faulty_store_reopens(f), 1);
	assert_true(store_case_int(&c, "SELECT count(*) FROM events") >= acked);
}

/* No space for the reader's copy: nothing fails, and it is tried again. */
static void
test_full_copy_is_no_failure(void **state)
{
	(void)state;
	disk_set(true, false, true);
	while (disk_get().full)
		assert_int_equal(append(), STORE_OK);
	append_until_restarts(2);
	assert_int_equal(faulty_store_reopens(f), 0);
	assert_int_equal(store_health(c.st), STORE_READY);
}

/* A foreign snapshot only puts it off, and is not run against all the time. */
static void
test_foreign_snapshot_puts_off(void **state)
{
	uint32_t before, now;
	sqlite3 *conn = NULL;
	int64_t pages;

	(void)state;
	assert_int_equal(append(), STORE_OK);
	assert_int_equal(sqlite3_open(c.path, &conn), SQLITE_OK);
	assert_int_equal(sqlite3_exec(conn,
			     "BEGIN; SELECT count(*) FROM events", NULL, NULL,
			     NULL),
	    SQLITE_OK);
	(void)log_state(&before);
	do {
		assert_int_equal(append(), STORE_OK);
		pages = log_state(&now) / PAGE;
		assert_int_equal(now, before);
	} while (pages < 10 * DUE);
	/* Once for every time as much has come, and the one under way. */
	assert_in_range(faulty_store_upkeeps(f), 1, 12);
	assert_int_equal(sqlite3_close(conn), SQLITE_OK);
	append_until_restarts(2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_reader_copies),
		CASE(test_lists_leave_log_bounded),
		CASE(test_busy_reader_is_not_awaited),
		CASE(test_failed_copy_reopens),
		CASE(test_full_copy_is_no_failure),
		CASE(test_foreign_snapshot_puts_off),
	};

	return (cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL));
}
