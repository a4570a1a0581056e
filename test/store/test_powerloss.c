/*
 * Power loss at any moment: no acknowledged event is lost, none is half there.
 *
 * The store runs on a disk that remembers which writes were synced
 * (crash_disk.h). After each ack and at each sync a crash image is made of it -
 * some of the unsynced writes lost, some torn at sectors - and opened as after
 * a restart. Checkpoints run beside the commits, in the reader thread. The same
 * run without the fsync per commit must lose events, or the test would prove
 * nothing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/store_private.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/crash_disk.h"
#include "test/lib/crash_image.h"
#include "test/lib/shim_vfs.h"
#include "test/lib/store_case.h"

#define EVENTS 60
#define LANES 5
#define RUNS_MAX 10

struct power {
	struct store *st;     /* NULL while it is opened */
	char acked[EVENTS];   /* the last promise made: its place, from 1 */
	unsigned checkpoints; /* syncs of the database itself */
	unsigned aside;       /* of these, by the reader thread */
	struct image_report report;
	char dir[64];
};

/* Under crash_disk_lock(). */
static struct power m;

/* Two images: without all unsynced writes, and with some of them. */
static void
images(const char *when)
{
	char path[STORE_CASE_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/x.db", m.dir);
	for (int some = 0; some < 2; some++) {
		crash_disk_image(m.dir, some);
		crash_image_check(path, when, m.acked, EVENTS, &m.report);
	}
}

/* crash_sync_fn: the moment before a sync is the richest one. */
static void
power_sync_cb(void *arg, const char *path)
{
	(void)arg;
	images(path);
	if (strstr(path, ".db-") != NULL)
		return;
	m.checkpoints++;
	if (m.st != NULL && pthread_equal(pthread_self(), m.st->reader.id))
		m.aside++;
}

/* One event of the run, from its append to the end of its job. */
struct run_event {
	struct store_case *c;
	int n;
	int64_t job; /* that ended */
};

/* store_done_fn: an end is acknowledged; those behind it may be ended too. */
static void run_finished_cb(const struct store_result *res, void *arg);
static void run_started_cb(const struct store_result *res, void *arg);

static void
run_finish(struct store_case *c, const struct store_job *job, unsigned number)
{
	static struct run_event ends[EVENTS];
	struct store_attempt attempt = { .code = 200 };
	struct store_write writes[2] = { 0 };
	struct store_outcome out = {
		.job = job->id,
		.number = number,
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = 1,
		.attempt = &attempt,
		.served = true,
		.writes = writes,
		.nwrites = job->ev->norders,
	};
	int n = atoi(job->ev->event_id + 1);

	for (size_t i = 0; i < job->ev->norders; i++) {
		writes[i].order = &job->ev->orders[i];
		writes[i].event = job->ev->id;
		writes[i].place = job->ev->orders[i].place;
		writes[i].key[0] = (unsigned char)n;
	}
	/* Each event has an order of its own beside the shared one. */
	ends[n].c = c;
	ends[n].n = n;
	ends[n].job = job->id;
	assert_int_equal(store_finish(c->st, &out, run_finished_cb, &ends[n]),
	    0);
}

/* Every other job is started first, the rest end in one commit. */
static void
run_job(struct store_case *c, const struct store_job *job)
{
	static struct run_event starts[EVENTS];
	int n = atoi(job->ev->event_id + 1);

	if (job->replay) /* or there would be no end of it */
		return;
	if (n % 2 == 0) {
		run_finish(c, job, 0);
		return;
	}
	starts[n].c = c;
	starts[n].n = n;
	assert_int_equal(store_start(c->st, job, false, 1, run_started_cb,
			     &starts[n]),
	    0);
}

static void
run_promised(int n, enum image_promise promise, const char *when)
{
	crash_disk_lock();
	m.acked[n] = (char)promise;
	images(when);
	crash_disk_unlock();
}

/* store_done_fn: a job runs, on disk. */
static void
run_started_cb(const struct store_result *res, void *arg)
{
	struct run_event *e = arg;

	assert_int_equal(res->rc, STORE_OK);
	run_promised(e->n, IMAGE_STARTED, "start");
	run_finish(e->c, &res->runnable[0], res->runnable[0].attempts);
}

/* store_done_fn: a job is replayed; the replay is left as it is. */
static void
run_replayed_cb(const struct store_result *res, void *arg)
{
	struct run_event *e = arg;

	assert_int_equal(res->rc, STORE_OK);
	run_promised(e->n, IMAGE_REPLAYED, "replay");
}

static void
run_finished_cb(const struct store_result *res, void *arg)
{
	struct run_event *e = arg;

	assert_int_equal(res->rc, STORE_OK);
	run_promised(e->n, IMAGE_DONE, "end");
	for (size_t i = 0; i < res->nrunnable; i++)
		run_job(e->c, &res->runnable[i]);
	if (e->n % 10 == 7)
		assert_int_equal(store_act(e->c->st, STORE_REPLAY, e->job, NULL,
				     1, run_replayed_cb, e),
		    0);
}

/* store_done_fn: the event is acknowledged; most jobs end at once. */
static void
run_appended_cb(const struct store_result *res, void *arg)
{
	struct run_event *e = arg;

	assert_int_equal(res->rc, STORE_OK);
	run_promised(e->n, IMAGE_EVENT, "ack");
	if (e->n < EVENTS / 2 || e->n % 3 != 0)
		for (size_t i = 0; i < res->nrunnable; i++)
			run_job(e->c, &res->runnable[i]);
}

static void
run_append(struct store_case *c, struct run_event *e, int64_t handler)
{
	struct store_job_spec spec = { .handler = handler,
		.place = STORE_WHOLE_EVENT,
		.ordered = true,
		.guards = STORE_NO_GUARD };
	char id[16], own[16], lane[16], body[3001];
	const char *const orders[] = { own, lane, NULL };
	struct store_event *ev;

	(void)snprintf(id, sizeof(id), "e%d", e->n);
	(void)snprintf(own, sizeof(own), "own%d", e->n);
	(void)snprintf(lane, sizeof(lane), "lane%d", e->n % LANES);
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	ev = case_event(id, body, orders);
	assert_int_equal(store_append(c->st, ev, &spec, 1, run_appended_cb, e),
	    0);
	store_event_unref(ev);
}

/*
 * Run all events through a store in batches of mixed sizes. On a disk with
 * trait SQLITE_IOCAP_POWERSAFE_OVERWRITE the writer gathers its writes.
 */
static void
run(bool sync_normal, int traits)
{
	static struct run_event events[EVENTS];
	struct store_sqlite_setup sqlite = { .vfs = SHIM_VFS,
		.sync_normal = sync_normal,
		.checkpoint_pages = 20 };
	struct store_setup setup = { .arg = &sqlite };
	struct store_case c, image;
	int64_t handler;

	m.checkpoints = m.aside = 0;
	memset(&m.report, 0, sizeof(m.report));
	memset(m.acked, 0, sizeof(m.acked));
	store_case_init(&image);
	(void)snprintf(m.dir, sizeof(m.dir), "%s", image.dir);
	store_case_init(&c);
	c.setup = &setup;
	crash_disk_install(traits, power_sync_cb, NULL);
	store_case_open(&c);
	crash_disk_lock();
	m.st = c.st;
	m.checkpoints = 0; /* those of the start */
	crash_disk_unlock();
	handler = case_handler(&c, "orders");
	for (int i = 0; i < EVENTS; i++) {
		events[i].c = &c;
		events[i].n = i;
		run_append(&c, &events[i], handler);
		if (i % 7 == 0 || i % 5 == 0)
			store_wait(c.st);
	}
	while (c.st->caller.pend_head != NULL) /* what ends has others begin */
		store_wait(c.st);
	crash_disk_lock();
	assert_true(m.checkpoints > 1);
	m.st = NULL;
	crash_disk_unlock();
	/* One that was started, ended and replayed: all was promised. */
	assert_int_equal(m.acked[7], IMAGE_REPLAYED);
	store_case_fini(&c);
	crash_disk_uninstall();
	store_case_fini(&image);
}

/*
 * With the store as it is, every crash image has all that was promised. On a
 * busy machine the reader may not get to copy anything beside the commits, and
 * the writer does: then a run shows only half, and there is another.
 */
static void
no_ack_is_lost(int traits)
{
	int runs = 0;

	do
		run(false, traits);
	while (m.report.findings == 0 && m.aside == 0 && ++runs < RUNS_MAX);
	assert_true(m.report.images > 2 * EVENTS);
	if (m.report.findings != 0)
		fail_msg("%u in %u images: %s", m.report.findings,
		    m.report.images, m.report.finding);
	assert_true(m.aside > 0);
}

static void
test_no_ack_is_lost(void **state)
{
	(void)state;
	no_ack_is_lost(SQLITE_IOCAP_POWERSAFE_OVERWRITE);
}

static void
test_no_ack_is_lost_on_the_least_disk(void **state)
{
	(void)state;
	no_ack_is_lost(0);
}

/* Without an fsync per commit events are lost, and the images show it. */
static void
test_normal_loses_acks(void **state)
{
	(void)state;
	run(true, 0);
	assert_true(m.report.lost > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_ack_is_lost),
		cmocka_unit_test(test_no_ack_is_lost_on_the_least_disk),
		cmocka_unit_test(test_normal_loses_acks),
	};

	return (cmocka_run_group_tests_name("powerloss", tests, NULL, NULL));
}
