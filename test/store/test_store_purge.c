/* What a purge leaves, in every byte of the files; backups. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000
#define CANARY "Kanarienvogel-4711"
#define REJECTED "[\"" CANARY "\"]" /* it names no order */
#define ROUND 200
#define ROUNDS 8
#define STAYING (ROUNDS * ROUND / 20) /* answers that are younger */

static struct store_case c;
static int64_t handler;
static char copy[STORE_CASE_PATH_MAX + 16]; /* where a backup goes */

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	(void)snprintf(copy, sizeof(copy), "%s/copy.db", c.dir);
	store_case_open(&c);
	handler = case_handler(&c, "a");
	return (0);
}

/* How often the canary is in a file; a file that is not there has none. */
static size_t
canaries(const char *path)
{
	unsigned char *buf, *at;
	size_t n = 0, len;
	struct stat sb;
	FILE *in;

	if (stat(path, &sb) == -1)
		return (0);
	assert_non_null(buf = malloc((size_t)sb.st_size + 1));
	assert_non_null(in = fopen(path, "rb"));
	len = fread(buf, 1, (size_t)sb.st_size, in);
	assert_int_equal(fclose(in), 0);
	for (at = buf; (at = memmem(at, len - (size_t)(at - buf), CANARY,
			    strlen(CANARY))) != NULL;
	     at++)
		n++;
	free(buf);
	return (n);
}

/* In the database and its log. */
static size_t
canaries_in_store(void)
{
	char wal[STORE_CASE_PATH_MAX + 8];

	(void)snprintf(wal, sizeof(wal), "%s-wal", c.path);
	return (canaries(c.path) + canaries(wal));
}

/* Queue an event that came then, its body that long and full of one text. */
static void
queue_filled(const char *id, int64_t at_ms, const char *fill, size_t len,
    struct case_result *res)
{
	const char *const orders[] = { id, NULL };
	const struct store_job_spec spec = { .handler = handler,
		.place = STORE_WHOLE_EVENT,
		.guards = STORE_NO_GUARD };
	struct store_event *ev;
	char *body;

	memset(res, 0, sizeof(*res));
	assert_non_null(body = malloc(len + 1));
	for (size_t i = 0; i < len; i++)
		body[i] = fill[i % strlen(fill)];
	body[len] = '\0';
	ev = case_event(id, body, orders);
	ev->received_at_ms = at_ms;
	memset(ev->digest, 7, sizeof(ev->digest)); /* case_event()'s repeats */
	free(body);
	assert_int_equal(store_append(c.st, ev, &spec, 1, case_done_cb, res),
	    0);
	store_event_unref(ev);
}

/* The same with canaries, waited for; its job. */
static int64_t
append_at(const char *id, int64_t at_ms, size_t len)
{
	struct case_result r;

	queue_filled(id, at_ms, CANARY, len, &r);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r.runnable[0]);
}

/* Queue the end of a job, with an answer that repeats the customer's data. */
static void
queue_finish(int64_t job, struct case_result *res)
{
	struct store_attempt at = { .code = 200,
		.answer = CANARY,
		.answer_len = sizeof(CANARY) - 1 };
	struct store_outcome out = { .job = job,
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = NOW,
		.attempt = &at,
		.served = true };

	memset(res, 0, sizeof(*res));
	assert_int_equal(store_finish(c.st, &out, case_done_cb, res), 0);
}

static void
finish_with_answer(int64_t job)
{
	struct case_result r;

	queue_finish(job, &r);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

static void
reject_at(int64_t at_ms)
{
	struct store_rejection rej = { .at_ms = at_ms,
		.peer = "p",
		.cause = "json",
		.headers = "x: " CANARY,
		.size = sizeof(REJECTED) - 1,
		.body = REJECTED,
		.body_len = sizeof(REJECTED) - 1 };
	struct case_result r = { 0 };

	assert_int_equal(store_reject(c.st, &rej, 1, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

static struct case_result
purge_once(const struct store_purge *p)
{
	struct case_result r = { 0 };

	assert_int_equal(store_purge(c.st, p, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	return (r);
}

/* Purge batch by batch to the end; how much went. */
static int64_t
purge_all(const struct store_purge *p)
{
	struct case_result r;
	int64_t n = 0;

	do {
		r = purge_once(p);
		if (r.rc != STORE_OK)
			fail_msg("purge: %s", r.reason);
		assert_in_range(r.id, 0, p->limit);
		n += r.id;
	} while (r.id != 0);
	return (n);
}

static struct case_result
backup(const char *path, store_progress_fn *progress)
{
	struct case_result r = { 0 };

	assert_int_equal(store_backup(c.st, path, progress, case_done_cb, &r),
	    0);
	assert_int_equal(r.calls, 0);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	return (r);
}

/* Bodies, answers and rejections of that age leave no byte; ids stay. */
static void
test_purge_leaves_no_trace(void **state)
{
	struct store_purge p = { .bodies_before_ms = NOW,
		.now_ms = NOW,
		.limit = 3 };

	(void)state;
	for (int i = 0; i < 10; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "e%d", i);
		finish_with_answer(append_at(id, NOW - 1, 50000));
	}
	for (int i = 0; i < 5; i++)
		reject_at(NOW - 1);
	assert_true(canaries_in_store() > 0);
	assert_int_equal(purge_all(&p), 15);
	assert_int_equal(canaries_in_store(), 0);
	assert_int_equal(case_append(&c, "e3", NULL, 0).rc, STORE_EXISTS);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events "
					    "WHERE purged_at = 1750000000000"),
	    10);
	assert_int_equal(store_case_int(&c, "SELECT rejected_bytes FROM store"),
	    0);
	assert_int_equal(backup(copy, NULL).rc, STORE_OK);
	assert_int_equal(canaries(copy), 0);
}

/*
 * Purges out of order, among bodies of all sizes that stay: SQLite splits and
 * joins pages, moving what is purged later, and still nothing of it is left.
 */
static void
test_purge_in_any_order_leaves_no_trace(void **state)
{
	static struct case_result r[ROUND], f[ROUND];
	struct store_purge p = { .limit = ROUND, .now_ms = NOW };
	bool stays;
	char id[16];

	(void)state;
	srand(11);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < ROUND; i++) {
			stays = i % 20 == 0;
			(void)snprintf(id, sizeof(id), "e%d-%d", round, i);
			queue_filled(id, stays ? NOW : NOW - 1 - rand() % 600,
			    stays ? "stays" : CANARY,
			    (size_t)rand() % (i % 2 == 0 ? 900 : 9000), &r[i]);
		}
		store_wait(c.st);
		for (int i = 0; i < ROUND; i++)
			queue_finish(r[i].runnable[0], &f[i]);
		store_wait(c.st);
		p.bodies_before_ms = NOW - 600 + 60 * round;
		(void)purge_once(&p);
	}
	p.bodies_before_ms = NOW;
	assert_true(purge_all(&p) > 0);
	assert_int_equal(canaries_in_store(), STAYING);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM pragma_integrity_check "
			     "WHERE integrity_check <> 'ok'"),
	    0);
}

/* What is younger, of another order, or not finished is left alone. */
static void
test_purge_takes_only_its_own(void **state)
{
	struct store_purge p = { .bodies_before_ms = NOW - 100,
		.now_ms = NOW,
		.limit = 10 };
	int64_t job;

	(void)state;
	job = append_at("old", NOW - 200, 10);
	finish_with_answer(append_at("young", NOW - 100, 10));
	finish_with_answer(append_at("other", NOW - 100, 10));
	reject_at(NOW - 100);
	assert_int_equal(purge_all(&p), 0);
	finish_with_answer(job);
	assert_int_equal(purge_all(&p), 1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM bodies WHERE event > 1"),
	    2);
	p = (struct store_purge){ .order_id = "young",
		.limit = 10,
		.now_ms = NOW };
	assert_int_equal(purge_all(&p), 1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM events AS e JOIN bodies "
			     "AS b ON b.event = e.id WHERE event_id = 'other'"),
	    1);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM rejections"),
	    1);
}

/* A job whose event's body is gone cannot be replayed. */
static void
test_purged_is_not_replayed(void **state)
{
	struct store_purge p = { .bodies_before_ms = NOW, .limit = 10 };
	int64_t job = append_at("e", NOW - 1, 10);
	struct case_result r = { 0 };

	(void)state;
	finish_with_answer(job);
	assert_int_equal(purge_all(&p), 1);
	assert_int_equal(store_act(c.st, STORE_REPLAY, job, NULL, NOW,
			     case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_REFUSED);
	assert_non_null(strstr(r.reason, "purged"));
}

/* Ids go with all that hangs on them, but no row id is given out twice. */
static void
test_purge_of_ids_keeps_row_ids(void **state)
{
	struct store_purge p = { .ids_before_ms = NOW,
		.now_ms = NOW,
		.limit = 2 };
	struct case_result r;

	(void)state;
	for (int i = 0; i < 5; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "e%d", i);
		finish_with_answer(append_at(id, NOW - 1, 10));
	}
	assert_int_equal(purge_all(&p), 5 + 4);
	assert_int_equal(store_case_int(&c,
			     "SELECT (SELECT count(*) FROM events) * 1000 + "
			     "(SELECT count(*) FROM jobs) * 100 + "
			     "(SELECT count(*) FROM attempts) * 10 + "
			     "(SELECT count(*) FROM event_orders)"),
	    1111);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM served"), 1);
	r = case_append(&c, "e0", NULL, case_handler(&c, "a"));
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.id, 6);
	assert_int_equal(r.runnable[0], 6);
	assert_int_equal(case_append(&c, "e4", NULL, 0).rc, STORE_EXISTS);
}

/* A reader in the way: busy, at once; the next try truncates the log. */
static void
test_reader_makes_purge_busy(void **state)
{
	struct store_purge p = { .bodies_before_ms = NOW, .limit = 10 };
	struct case_result r;
	sqlite3 *conn;

	(void)state;
	finish_with_answer(append_at("e", NOW - 1, 5000));
	assert_int_equal(sqlite3_open(c.path, &conn), SQLITE_OK);
	assert_int_equal(sqlite3_exec(conn,
			     "BEGIN; SELECT count(*) FROM bodies", NULL, NULL,
			     NULL),
	    SQLITE_OK);
	assert_int_equal(purge_once(&p).id, 1);
	r = purge_once(&p);
	assert_int_equal(r.rc, STORE_BUSY);
	assert_int_equal(store_health(c.st), STORE_READY);
	assert_true(canaries_in_store() > 0);
	assert_int_equal(sqlite3_close(conn), SQLITE_OK);
	assert_int_equal(purge_once(&p).rc, STORE_OK);
	assert_int_equal(canaries_in_store(), 0);
}

/* How far a backup was, as progress told. */
static struct {
	unsigned calls;
	int64_t copied, total;
} told;

/* store_progress_fn */
static void
told_cb(int64_t copied, int64_t total, void *arg)
{
	const struct case_result *r = arg;

	assert_int_equal(r->calls, 0);
	assert_in_range(copied, told.copied, total);
	told.calls++;
	told.copied = copied;
	told.total = total;
}

/* A backup is a store with all that was there, private, and nothing beside. */
static void
test_backup_is_a_store(void **state)
{
	struct stat sb;

	(void)state;
	memset(&told, 0, sizeof(told));
	(void)append_at("e1", NOW, 9000000);
	assert_int_equal(backup(copy, told_cb).rc, STORE_OK);
	assert_true(told.calls > 0);
	assert_int_equal(told.copied, told.total);
	assert_int_equal(stat(copy, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_true(canaries(copy) > 0);
	(void)append_at("e2", NOW, 10);
	store_case_close(&c);
	assert_int_equal(rename(copy, c.path), 0);
	store_case_open(&c);
	assert_false(store_was_unclean(c.st));
	assert_int_equal(case_append(&c, "e1", NULL, 0).rc, STORE_EXISTS);
	assert_int_equal(case_append(&c, "e2", NULL, 0).rc, STORE_OK);
	store_case_close(&c);
	/* Store, lock and reserve: no file of the backup stays behind. */
	(void)snprintf(copy, sizeof(copy), "%s.lock", c.path);
	assert_int_equal(unlink(copy), 0);
	(void)snprintf(copy, sizeof(copy), "%s.reserve", c.path);
	assert_int_equal(unlink(copy), 0);
	assert_int_equal(unlink(c.path), 0);
	assert_int_equal(rmdir(c.dir), 0);
	assert_int_equal(mkdir(c.dir, 0700), 0);
}

/* Nothing is overwritten; what cannot be written is named. */
static void
test_backup_overwrites_nothing(void **state)
{
	struct case_result r;
	struct stat sb;
	int fd;

	(void)state;
	assert_true((fd = open(copy, O_WRONLY | O_CREAT, 0600)) != -1);
	(void)close(fd);
	r = backup(copy, NULL);
	assert_int_equal(r.rc, STORE_EXISTS);
	assert_int_equal(stat(copy, &sb), 0);
	assert_int_equal(sb.st_size, 0);
	r = backup("/nonexistent/copy.db", NULL);
	assert_int_equal(r.rc, STORE_FAILED);
	assert_non_null(strstr(r.reason, "/nonexistent/copy.db"));
}

/* A reader can make one too, without a lock, while a server commits. */
static void
test_backup_by_reader(void **state)
{
	struct store *first = c.st;

	(void)state;
	(void)append_at("e1", NOW, 100);
	assert_int_equal(store_case_try(&c, STORE_READ), STORE_OK);
	assert_int_equal(backup(copy, NULL).rc, STORE_OK);
	store_case_close(&c);
	c.st = first;
	assert_true(canaries(copy) > 0);
}

/* The snapshot is of one moment: commits meanwhile are not in it. */
static void
test_backup_is_one_moment(void **state)
{
	struct case_result r = { 0 }, appended[50];
	char path[STORE_CASE_PATH_MAX], id[16];
	int64_t events;

	(void)state;
	(void)append_at("e1", NOW, 9000000);
	assert_int_equal(store_backup(c.st, copy, NULL, case_done_cb, &r), 0);
	for (int i = 0; i < 50; i++) {
		(void)snprintf(id, sizeof(id), "m%d", i);
		case_queue_append(&c, id, NULL, 0, &appended[i]);
	}
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	for (int i = 0; i < 50; i++)
		assert_int_equal(appended[i].rc, STORE_OK);
	(void)snprintf(path, sizeof(path), "%s", c.path);
	(void)snprintf(c.path, sizeof(c.path), "%.200s", copy);
	events = store_case_int(&c, "SELECT count(*) FROM events");
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM bodies"),
	    events);
	assert_in_range(events, 1, 51);
	(void)snprintf(c.path, sizeof(c.path), "%s", path);
}

/* Closing does not wait for a backup to end, and leaves no half of one. */
static void
test_close_ends_backup(void **state)
{
	struct case_result r = { 0 };
	char tmp[sizeof(copy) + 8];
	struct stat sb;

	(void)state;
	(void)append_at("e1", NOW, 9000000);
	assert_int_equal(store_backup(c.st, copy, NULL, case_done_cb, &r), 0);
	store_case_close(&c);
	assert_int_equal(r.calls, 1);
	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", copy);
	assert_int_equal(stat(tmp, &sb), -1);
	assert_int_equal(stat(copy, &sb), r.rc == STORE_OK ? 0 : -1);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_purge_leaves_no_trace),
		CASE(test_purge_in_any_order_leaves_no_trace),
		CASE(test_purge_takes_only_its_own),
		CASE(test_purged_is_not_replayed),
		CASE(test_purge_of_ids_keeps_row_ids),
		CASE(test_reader_makes_purge_busy),
		CASE(test_backup_is_a_store),
		CASE(test_backup_overwrites_nothing),
		CASE(test_backup_by_reader),
		CASE(test_backup_is_one_moment),
		CASE(test_close_ends_backup),
	};

	return (store_case_run("store_purge", tests));
}
