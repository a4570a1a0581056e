/*
 * Power loss after a failed write or sync: nothing that was acknowledged after
 * the failure, or before it, is lost.
 *
 * Each write and each sync of a run fails in its turn, once; the system drops
 * what it could not write, or shows it on as if it were on disk. Then events
 * are stored again, in the same process or after kill -9 or a stop, at once or
 * later, and at every sync and after every ack the power may fail. The same
 * runs without the recovery must lose events, or the test would prove nothing.
 */
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/crash_disk.h"
#include "test/lib/shim_vfs.h"
#include "test/lib/store_case.h"

#define BEFORE 4 /* events before anything fails */
#define EVENTS 14
#define LATER 10 /* the first event of the second half */
#define SYNCS 18 /* of a run, that fail in their turn */
#define WRITES 45
#define TRIES 500 /* to store an event */

/* What comes after the failure. */
enum then { STAY, KILL_AT_ONCE, KILL, STOP_AT_ONCE, STOP, NTHEN };

struct world {
	struct store_case c;
	char acked[EVENTS];
	unsigned images, findings;
	unsigned lost;     /* acknowledged, and not in an image */
	char finding[512]; /* the first */
	char dir[64];      /* of the images */
	char plan[80];
};

/* The images' part is under crash_disk_lock(). */
static struct world w;

/* The first column of the first row; -1: an error, or no row. */
static int64_t
image_int(sqlite3 *conn, const char *sql, int64_t value)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(conn, sql, -1, &st, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_int64(st, 1, value);
		if (sqlite3_step(st) == SQLITE_ROW)
			n = sqlite3_column_int64(st, 0);
	}
	(void)sqlite3_finalize(st);
	return (n);
}

static void
image_finding(const char *when, const char *what, int n)
{
	if (w.findings++ == 0)
		(void)snprintf(w.finding, sizeof(w.finding), "%s: at %s: %s %d",
		    w.plan, when, what, n);
}

/* Open an image as after a restart. */
static void
image_check(const char *when, bool some)
{
	char path[STORE_CASE_PATH_MAX];
	sqlite3 *conn = NULL;

	crash_disk_image(w.dir, some);
	w.images++;
	(void)snprintf(path, sizeof(path), "%s/x.db", w.dir);
	if (sqlite3_open(path, &conn) != SQLITE_OK)
		image_finding(when, "does not open", 0);
	(void)sqlite3_exec(conn, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	if (image_int(conn,
		"SELECT count(*) FROM pragma_integrity_check "
		"WHERE integrity_check <> 'ok'",
		0) != 0)
		image_finding(when, "damaged", 0);
	for (int i = 0; i < EVENTS; i++) {
		if (w.acked[i] == 0 ||
		    image_int(conn,
			"SELECT count(*) FROM events JOIN bodies ON "
			"event = events.id WHERE event_id = 'e' || ?1 "
			"AND length(body) = 3000",
			i) == 1)
			continue;
		w.lost++;
		image_finding(when, "lost", i);
	}
	(void)sqlite3_close(conn);
}

/* crash_sync_fn: the power fails before this sync, after the failure. */
static void
sync_cb(void *arg, const char *path)
{
	const char *name = strrchr(path, '/');

	(void)arg;
	if (!crash_disk_failed())
		return;
	image_check(name, false);
	image_check(name, true);
}

static enum store_rc
append(int n)
{
	struct case_result r = { 0 };
	struct store_event *ev;
	char id[16], body[3001];

	(void)snprintf(id, sizeof(id), "e%d", n);
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	ev = case_event(id, body, NULL);
	assert_int_equal(store_append(w.c.st, ev, NULL, 0, case_done_cb, &r),
	    0);
	store_event_unref(ev);
	store_wait(w.c.st);
	if (r.rc > STORE_EXISTS)
		return (r.rc);
	crash_disk_lock();
	w.acked[n] = 1;
	if (crash_disk_failed())
		image_check("ack", false);
	crash_disk_unlock();
	return (STORE_OK);
}

/* Deliver an event until it is taken. Returns whether it was. */
static bool
deliver(int n)
{
	for (int i = 0; i < TRIES; i++) {
		if (append(n) == STORE_OK)
			return (true);
		if (store_health(w.c.st) == STORE_RECOVERING)
			store_case_collect(&w.c);
	}
	return (false);
}

/* The process ends, and another one opens the files. */
static void
begin_anew(bool by_kill)
{
	struct store_case next;

	if (by_kill) {
		store_case_init(&next);
		next.setup = w.c.setup;
		crash_disk_kill(w.c.path, next.path);
		store_case_fini(&w.c);
		w.c = next;
	} else {
		store_case_close(&w.c);
	}
	/* It may meet the failure as well, and be started again. */
	for (int i = 0; store_case_try(&w.c, STORE_SERVE) != STORE_OK; i++)
		assert_in_range(i, 0, TRIES);
	while (store_health(w.c.st) == STORE_RECOVERING)
		store_case_collect(&w.c);
}

static void
run_events(enum then then)
{
	bool anew = then == STAY;

	for (int i = BEFORE; i < EVENTS; i++) {
		if (!anew && ((then == KILL || then == STOP) && i == LATER)) {
			begin_anew(then == KILL);
			anew = true;
		}
		if (!anew && append(i) != STORE_OK) {
			if (then == KILL || then == STOP) {
				if (!deliver(i))
					return;
				continue;
			}
			begin_anew(then == KILL_AT_ONCE);
			anew = true;
		}
		if (w.acked[i] == 0 && !deliver(i)) {
			crash_disk_lock();
			image_finding("the end", "never stored", i);
			crash_disk_unlock();
			return;
		}
	}
}

/* One run, in which what is planned fails. */
static void
run(const struct crash_plan *plan, enum then then, bool no_recovery)
{
	struct store_sqlite_setup sqlite = { .vfs = SHIM_VFS,
		.checkpoint_pages = 12,
		.no_recovery = no_recovery };
	struct store_setup setup = { .arg = &sqlite, .pause_ms = 1 };
	struct store_case image;

	(void)snprintf(w.plan, sizeof(w.plan),
	    "fault %d at %u, keeps %d, again %u, then %d", (int)plan->fault,
	    plan->nth, plan->keeps, plan->bad_sync, (int)then);
	memset(w.acked, 0, sizeof(w.acked));
	store_case_init(&image);
	(void)snprintf(w.dir, sizeof(w.dir), "%s", image.dir);
	store_case_init(&w.c);
	w.c.setup = &setup;
	crash_disk_install(SQLITE_IOCAP_POWERSAFE_OVERWRITE, sync_cb, NULL);
	store_case_open(&w.c);
	for (int i = 0; i < BEFORE; i++)
		assert_true(deliver(i));
	crash_disk_plan(plan);
	run_events(then);
	store_case_close(&w.c);
	crash_disk_lock();
	image_check("the end", false);
	crash_disk_unlock();
	store_case_fini(&w.c);
	crash_disk_uninstall();
	store_case_fini(&image);
}

/* Each sync fails in its turn, in one of the ways a sync may fail. */
static void
run_syncs(bool keeps, bool no_recovery)
{
	struct crash_plan plan = { .keeps = keeps };

	for (plan.nth = 1; plan.nth <= SYNCS; plan.nth++) {
		plan.fault = CRASH_SYNC_EIO + plan.nth % 3;
		for (unsigned i = 0; i < 2 && (!no_recovery || w.lost == 0);
		     i++)
			run(&plan, (enum then)((plan.nth * 2 + i) % NTHEN),
			    no_recovery);
	}
}

/* Each write fails in its turn, and one of the next syncs as well. */
static void
run_writes(void)
{
	struct crash_plan plan = { 0 };

	for (plan.nth = 1; plan.nth <= WRITES; plan.nth++) {
		plan.fault = CRASH_WRITE_EIO + plan.nth % 3;
		plan.keeps = plan.nth % 2 == 0;
		plan.bad_sync = plan.nth / 3 % 4;
		run(&plan, (enum then)(plan.nth % NTHEN), false);
	}
}

static int
setup(void **state)
{
	(void)state;
	w.images = w.findings = w.lost = 0;
	return (0);
}

static void
assert_nothing_lost(void)
{
	assert_true(w.images > 500);
	if (w.findings != 0)
		fail_msg("%u in %u images: %s", w.findings, w.images,
		    w.finding);
}

static void
test_dropped_pages_lose_nothing(void **state)
{
	(void)state;
	run_syncs(false, false);
	assert_nothing_lost();
}

static void
test_kept_pages_lose_nothing(void **state)
{
	(void)state;
	run_syncs(true, false);
	assert_nothing_lost();
}

static void
test_failed_writes_lose_nothing(void **state)
{
	(void)state;
	run_writes();
	assert_nothing_lost();
}

/*
 * Without the recovery events are lost. Where pages are dropped that takes a
 * copier at work in the right moment, so both ways count together.
 */
static void
test_without_recovery_events_are_lost(void **state)
{
	(void)state;
	run_syncs(true, true);
	run_syncs(false, true);
	assert_true(w.lost > 0);
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_without_recovery_events_are_lost),
		CASE(test_dropped_pages_lose_nothing),
		CASE(test_kept_pages_lose_nothing),
		CASE(test_failed_writes_lose_nothing),
	};

	return (cmocka_run_group_tests_name("failed_sync", tests, NULL, NULL));
}
