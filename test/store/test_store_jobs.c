/* Jobs: lanes, verdicts, what may run, and the rows written with a verdict. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "store/sqlite/sqlite.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000

static struct store_case c;

/* Jobs whose `behind' is not what their lanes say. */
static int64_t
wrong_behind(void)
{
	return (store_case_int(&c,
	    "SELECT count(*) FROM jobs AS j WHERE finished_at IS NULL AND "
	    "behind <> (SELECT count(*) FROM lanes AS l WHERE l.job = j.id "
	    "AND EXISTS (SELECT 1 FROM lanes AS k WHERE "
	    "k.handler = l.handler AND k.lane = l.lane AND k.job < l.job))"));
}

/* Jobs of one order run one after the other; each end frees the next. */
static void
test_lane_is_a_queue(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&c, "a");
	struct case_result a, b, f;

	(void)state;
	a = case_append(&c, "e1", order, h);
	b = case_append(&c, "e2", order, h);
	assert_int_equal(a.nrunnable, 1);
	assert_int_equal(b.nrunnable, 0);
	assert_int_equal(case_append(&c, "e3", order, h).nrunnable, 0);
	f = case_finish(&c, a.runnable[0], JOB_DONE, 0);
	assert_int_equal(f.nrunnable, 1);
	assert_string_equal(f.event_id, "e2");
	f = case_finish(&c, f.runnable[0], JOB_DEAD, 0);
	assert_int_equal(f.nrunnable, 1);
	assert_string_equal(f.event_id, "e3");
	f = case_finish(&c, f.runnable[0], JOB_DONE, 0);
	assert_int_equal(f.nrunnable, 0);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM lanes"), 0);
}

/* A job that waits for its next try holds back its orders. */
static void
test_waiting_keeps_lanes(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&c, "a");
	struct case_result a, f;

	(void)state;
	a = case_append(&c, "e1", order, h);
	(void)case_append(&c, "e2", order, h);
	f = case_finish(&c, a.runnable[0], JOB_WAITING, NOW + 1000);
	assert_int_equal(f.rc, STORE_OK);
	assert_int_equal(f.nrunnable, 0);
	assert_int_equal(case_append(&c, "e3", order, h).nrunnable, 0);
	f = case_finish(&c, a.runnable[0], JOB_DONE, 0);
	assert_int_equal(f.nrunnable, 1);
	assert_string_equal(f.event_id, "e2");
}

/* A batch waits for all its orders, and holds them all back. */
static void
test_batch_holds_all_orders(void **state)
{
	const char *const one[] = { "1", NULL };
	const char *const two[] = { "2", NULL };
	const char *const both[] = { "1", "2", "1", NULL };
	int64_t h = case_handler(&c, "a");
	struct case_result a, b, f;

	(void)state;
	a = case_append(&c, "a", one, h);
	b = case_append(&c, "b", two, h);
	assert_int_equal(case_append(&c, "both", both, h).nrunnable, 0);
	assert_int_equal(case_append(&c, "d", one, h).nrunnable, 0);
	assert_int_equal(case_append(&c, "e", two, h).nrunnable, 0);
	assert_int_equal(case_finish(&c, a.runnable[0], JOB_DONE, 0).nrunnable,
	    0);
	f = case_finish(&c, b.runnable[0], JOB_DONE, 0);
	assert_int_equal(f.nrunnable, 1);
	assert_string_equal(f.event_id, "both");
	f = case_finish(&c, f.runnable[0], JOB_DONE, 0);
	assert_int_equal(f.nrunnable, 2);
}

/* Handlers do not wait for each other; unordered jobs wait for nobody. */
static void
test_other_lanes_go_on(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&c, "a");
	int64_t other = case_handler(&c, "b");
	struct store_job_spec loose = { .handler = h,
		.place = STORE_WHOLE_EVENT,
		.guards = STORE_NO_GUARD };
	struct case_result r = { 0 };
	struct store_event *ev;

	(void)state;
	assert_int_equal(case_append(&c, "e1", order, h).nrunnable, 1);
	assert_int_equal(case_append(&c, "e2", order, other).nrunnable, 1);
	ev = case_event("e3", "{}", order);
	assert_int_equal(store_append(c.st, ev, &loose, 1, case_done_cb, &r),
	    0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.nrunnable, 1);
}

/* One job per order: each stands in the lane of its own order only. */
static void
test_place_is_one_lane(void **state)
{
	const char *const both[] = { "1", "2", NULL };
	const char *const two[] = { "2", NULL };
	int64_t h = case_handler(&c, "a");
	struct store_job_spec specs[2] = {
		{ .handler = h,
		    .place = 0,
		    .ordered = true,
		    .guards = STORE_NO_GUARD },
		{ .handler = h,
		    .place = 1,
		    .ordered = true,
		    .guards = STORE_NO_GUARD },
	};
	struct case_result first, r = { 0 };
	struct store_event *ev;

	(void)state;
	first = case_append(&c, "first", two, h);
	ev = case_event("both", "{}", both);
	assert_int_equal(store_append(c.st, ev, specs, 2, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.nrunnable, 1);
	r = case_finish(&c, first.runnable[0], JOB_DONE, 0);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "both");
}

/* Ends stay ends; unknown jobs are not there; nothing is written. */
static void
test_illegal_moves_are_refused(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct case_result a, r;

	(void)state;
	a = case_append(&c, "e1", NULL, h);
	r = case_finish(&c, a.runnable[0], JOB_READY, 0);
	assert_int_equal(r.rc, STORE_REFUSED);
	assert_int_equal(case_finish(&c, 999, JOB_DONE, 0).rc, STORE_NOTFOUND);
	assert_int_equal(case_finish(&c, a.runnable[0], JOB_DONE, 0).rc,
	    STORE_OK);
	r = case_finish(&c, a.runnable[0], JOB_DEAD, 0);
	assert_int_equal(r.rc, STORE_LOST);
	assert_int_equal(store_case_int(&c, "SELECT attempts FROM jobs"), 1);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM jobs WHERE state = 'done'"),
	    1);
}

/*
 * What is ready is found oldest first, what has waited long enough first to
 * end first, each up to a limit; with the next due time.
 */
static void
test_runnable_finds_due(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct case_result job[5], r;
	char id[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		job[i] = case_append(&c, id, NULL, h);
	}
	(void)case_finish(&c, job[0].runnable[0], JOB_WAITING, NOW + 100);
	(void)case_finish(&c, job[1].runnable[0], JOB_WAITING, NOW + 900);
	(void)case_finish(&c, job[2].runnable[0], JOB_DONE, 0);
	r = case_runnable(&c, h, 10, NOW);
	assert_int_equal(r.nrunnable, 2);
	assert_int_equal(r.runnable[0], job[3].runnable[0]);
	assert_int_equal(r.next_due_ms, NOW + 100);
	r = case_runnable(&c, h, 1, NOW + 100);
	assert_int_equal(r.nrunnable, 2);
	assert_int_equal(r.runnable[0], job[3].runnable[0]);
	assert_int_equal(r.runnable[1], job[0].runnable[0]);
	assert_int_equal(r.next_due_ms, NOW + 900);
	r = case_runnable(&c, h, 10, NOW + 900);
	assert_int_equal(r.nrunnable, 4);
	assert_int_equal(r.next_due_ms, 0);
	assert_int_equal(case_runnable(&c, h + 1, 10, NOW).nrunnable, 0);
}

/* Retries that are due hide neither what is ready nor a due alarm. */
static void
test_runnable_hides_none_behind_retries(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct case_result job[20], r;
	char id[16], sql[256];

	(void)state;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		job[i] = case_append(&c, id, NULL, h);
		if (i < 18)
			(void)case_finish(&c, job[i].runnable[0], JOB_WAITING,
			    NOW);
	}
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE jobs SET state = 'waiting', due_at = %" PRId64 ", "
	    "guards = 1 WHERE id = (SELECT max(id) FROM jobs)",
	    (int64_t)NOW);
	store_case_close(&c);
	store_case_sql(&c, sql);
	store_case_open(&c);
	r = case_runnable(&c, h, 4, NOW);
	assert_int_equal(r.nrunnable, 4 + 2);
	assert_int_equal(r.runnable[0], job[18].runnable[0]);
	assert_int_equal(r.runnable[1], job[19].runnable[0]);
	assert_int_equal(r.runnable[2], job[0].runnable[0]);
}

/* What may run is known after a restart too. */
static void
test_runnable_survives_restart(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&c, "a");
	struct case_result r;

	(void)state;
	(void)case_append(&c, "e1", order, h);
	(void)case_append(&c, "e2", order, h);
	store_case_close(&c);
	store_case_open(&c);
	assert_int_equal(case_handler(&c, "a"), h);
	r = case_runnable(&c, h, 10, NOW);
	assert_int_equal(r.nrunnable, 1);
	assert_string_equal(r.event_id, "e1");
}

/* An attempt is recorded with its verdict. */
static void
test_attempt_is_recorded(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct store_attempt at = { .started_at_ms = 5,
		.duration_ms = 6,
		.code = 502,
		.answer = "bad",
		.answer_len = 3 };
	struct store_outcome out = { .to = JOB_WAITING,
		.outcome = "answered 502",
		.at_ms = NOW,
		.due_at.ms = NOW + 1,
		.attempt = &at };
	struct case_result r = { 0 };

	(void)state;
	out.job = case_append(&c, "e1", NULL, h).runnable[0];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
		store_wait(c.st);
		assert_int_equal(r.rc, STORE_OK);
	}
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM attempts "
			     "WHERE outcome = 'answered 502' AND code = 502 "
			     "AND length(answer) = 3 AND number IN (1, 2)"),
	    2);
}

/* One operation with an unknown handler fails alone in its batch. */
static void
test_constraint_fails_alone(void **state)
{
	int64_t h = case_handler(&c, "a");
	struct case_result r[5];

	(void)state;
	case_queue_append(&c, "e0", NULL, h, &r[0]);
	case_queue_append(&c, "e1", NULL, h, &r[1]);
	case_queue_append(&c, "bad", NULL, 99, &r[2]);
	case_queue_append(&c, "e3", NULL, h, &r[3]);
	case_queue_append(&c, "e1", NULL, h, &r[4]);
	store_wait(c.st);
	assert_int_equal(r[0].rc, STORE_OK);
	assert_int_equal(r[1].rc, STORE_OK);
	assert_int_equal(r[2].rc, STORE_REFUSED);
	assert_string_not_equal(r[2].reason, "");
	assert_int_equal(r[3].rc, STORE_OK);
	assert_int_equal(r[4].rc, STORE_EXISTS);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM events"), 3);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM bodies"), 3);
	assert_int_equal(store_health(c.st), STORE_READY);
}

/* After any mix of appends and verdicts `behind' is what the lanes say. */
static void
test_random_work_keeps_lanes(void **state)
{
	static struct case_result appended[300], finished[300];
	const char *const names[] = { "1", "2", "3", "4" };
	const char *orders[4];
	struct case_result r;
	int64_t h = case_handler(&c, "a");
	char id[16];
	unsigned n;

	(void)state;
	srand(7);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		n = (unsigned)rand() % 3 + 1;
		for (unsigned k = 0; k < n; k++)
			orders[k] = names[rand() % 4];
		orders[n] = NULL;
		case_queue_append(&c, id, orders, h, &appended[i]);
		if (i % 10 != 9)
			continue;
		r = case_runnable(&c, h, 4, NOW);
		for (size_t k = 0; k < r.nrunnable; k++)
			case_queue_finish(&c, r.runnable[k],
			    rand() % 4 == 0 ? JOB_WAITING : JOB_DONE, NOW,
			    &finished[k]);
		store_wait(c.st);
		assert_int_equal(wrong_behind(), 0);
	}
	/* And in the end every job gets its turn, in its lane's order. */
	while ((r = case_runnable(&c, h, 4, NOW)).nrunnable > 0)
		for (size_t k = 0; k < r.nrunnable; k++)
			assert_int_equal(case_finish(&c, r.runnable[k],
					     JOB_DONE, 0)
					     .rc,
			    STORE_OK);
	assert_int_equal(store_case_int(&c,
			     "SELECT count(*) FROM jobs WHERE state = 'done'"),
	    300);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM lanes"), 0);
}

/* The end of a job that stood in the middle frees nobody too early. */
static void
test_end_in_the_middle(void **state)
{
	const char *const order[] = { "7", NULL };
	int64_t h = case_handler(&c, "a");
	struct case_result a, f = { 0 };

	(void)state;
	a = case_append(&c, "e1", order, h);
	(void)case_append(&c, "e2", order, h);
	(void)case_append(&c, "e3", order, h);
	assert_int_equal(store_act(c.st, STORE_DISCARD, a.runnable[0] + 1, NULL,
			     NOW, case_done_cb, &f),
	    0);
	store_wait(c.st);
	assert_int_equal(f.rc, STORE_OK);
	assert_int_equal(f.nrunnable, 0);
	assert_int_equal(wrong_behind(), 0);
	f = case_finish(&c, a.runnable[0], JOB_DONE, 0);
	assert_int_equal(f.nrunnable, 1);
	assert_string_equal(f.event_id, "e3");
}

/* Finish a job together with one row in orders and one in carts. */
static void
finish_with_rows(int64_t job, int64_t event, unsigned version, bool cart)
{
	char status[8];
	struct store_order o = { .order_id = "7", .status = status };
	struct store_write w[2] = {
		{ .table = STORE_ORDERS, .order = &o, .event = event },
		{ .table = STORE_CARTS, .order = &o, .event = event },
	};
	struct store_outcome out = { .job = job,
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = NOW,
		.writes = w,
		.nwrites = cart ? 2 : 1 };
	struct case_result r = { 0 };

	(void)snprintf(status, sizeof(status), "%u", version);
	/* Only every other version names a brand: nothing is merged. */
	w[0].brand = version % 2 == 0 ? "910" : NULL;
	w[0].key[0] = w[1].key[0] = (unsigned char)version;
	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* In whatever order versions arrive, the same rows remain. */
static void
test_rows_forget_order_of_arrival(void **state)
{
	int64_t h = case_handler(&c, "a");
	unsigned v[4] = { 1, 2, 3, 4 };
	int64_t event[5], job[5];
	struct case_result r;
	char id[16];

	(void)state;
	for (int perm = 0; perm < 24; perm++) {
		int left[4] = { 0, 1, 2, 3 };

		for (int i = 0, k = perm; i < 4; k /= 4 - i, i++) {
			int at = k % (4 - i);

			v[i] = (unsigned)left[at] + 1;
			for (int j = at; j < 3; j++)
				left[j] = left[j + 1];
		}
		for (unsigned i = 1; i <= 4; i++) {
			(void)snprintf(id, sizeof(id), "p%de%u", perm, i);
			r = case_append(&c, id, NULL, h);
			event[i] = r.id;
			job[i] = r.runnable[0];
		}
		for (int i = 0; i < 4; i++)
			finish_with_rows(job[v[i]], event[v[i]], v[i],
			    v[i] <= 2);
		assert_int_equal(store_case_int(&c,
				     "SELECT event FROM orders "
				     "WHERE status = '4' AND brand = '910'"),
		    event[4]);
		assert_int_equal(store_case_int(&c, "SELECT event FROM carts"),
		    event[2]);
		store_case_close(&c);
		store_case_sql(&c, "DELETE FROM orders; DELETE FROM carts");
		store_case_open(&c);
	}
}

/* Have each step of the plan looked at. */
static void
each_step(enum db_sql which, void (*look)(const char *sql, const char *step))
{
	sqlite3_stmt *st;
	sqlite3 *conn;
	char sql[8192];

	assert_int_equal(sqlite3_open(c.path, &conn), SQLITE_OK);
	(void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
	    db_sql_text(which));
	assert_int_equal(sqlite3_prepare_v2(conn, sql, -1, &st, NULL),
	    SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		look(sql, (const char *)sqlite3_column_text(st, 3));
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(conn);
}

/*
 * r: a chain of replays; h: the few handlers; o: few orders; c, l: orders that
 * were found before; json_each: numbers of a page.
 */
static void
refuse_scans(const char *sql, const char *step)
{
	if (strncmp(step, "SCAN ", 5) == 0 &&
	    (step[6] != '\0' || strchr("rhocl", step[5]) == NULL) &&
	    strncmp(step + 5, "json_each ", 10) != 0 &&
	    strcmp(step + 5, "CONSTANT ROW") != 0 &&
	    strstr(step, "subquery") == NULL && strncmp(step, "SCAN (", 6) != 0)
		fail_msg("%s: %s", sql, step);
}

static void
refuse_all_dead(const char *sql, const char *step)
{
	if (strstr(step, "jobs_dead") != NULL ||
	    strstr(step, "jobs_rang") != NULL)
		fail_msg("%s: %s", sql, step);
}

/* Neither what may run nor a lane is found by reading a whole table. */
static void
test_no_look_up_scans(void **state)
{
	static const enum db_sql looks[] = { SQL_JOB_RUNNABLE, SQL_JOB_NEXT_DUE,
		SQL_LANE_EARLIER, SQL_LANE_FIRST, SQL_LANE_DELETE, SQL_JOB_LOAD,
		SQL_JOB_ORDERS, SQL_REPEAT_EVENTS, SQL_REPEAT_LOOK,
		SQL_REPEAT_STANDS, SQL_LIST_EVENTS_OF_ORDER, SQL_EVENT_FIND,
		SQL_EVENT_LOAD, SQL_EVENT_ORDERS_LOAD, SQL_BODY_LOAD,
		SQL_EVENT_JOBS, SQL_GET_ORDER, SQL_JOB_REPLAY, SQL_ALARM_FIND,
		SQL_ALARM_CANCEL, SQL_ALARM_NEEDLESS, SQL_JOB_SUPERSEDED,
		SQL_SERVED_INSERT, SQL_SERVED_BY, SQL_ATTEMPT_END,
		SQL_RECOVER_ATTEMPTS, SQL_RECOVER_ALARMS, SQL_RECOVER_JOBS,
		SQL_LIST_JOBS_OF_EVENT, SQL_LIST_JOBS_OF_ORDER,
		SQL_LIST_ATTEMPTS, SQL_LIST_HANDLERS, SQL_PURGE_FIND,
		SQL_PURGE_FIND_ORDER, SQL_PURGE_FIND_IDS, SQL_PURGE_BODY,
		SQL_PURGE_ANSWERS, SQL_PURGE_SERVED, SQL_PURGE_ATTEMPTS,
		SQL_PURGE_JOBS, SQL_PURGE_ORDERS, SQL_PURGE_REJECTIONS,
		SQL_JOB_IS_DEAD, SQL_LIST_JOBS_DEAD, SQL_LIST_EVENTS_DEAD,
		SQL_LAST_EVENT, SQL_EVENT_INFO, SQL_LIST_ALARMS_OPEN,
		SQL_ALARMS_OPEN, SQL_ALARM_ACKNOWLEDGE, SQL_JOB_KEY,
		SQL_LIST_EVENTS, SQL_LIST_EVENTS_AMONG, SQL_LIST_JOBS,
		SQL_LIST_JOBS_OF_TIME, SQL_WALK_EVENTS, SQL_WALK_JOBS,
		SQL_FEW_OF_TIME, SQL_FIND_IDS, SQL_FIND_EXTERNAL,
		SQL_BOARD_SINCE, SQL_BOARD_RECORDS, SQL_BOARD_EVENTS,
		SQL_BOARD_OTHER, SQL_BOARD_FIRST, SQL_BOARD_ORDER };

	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		each_step(looks[i], refuse_scans);
}

/* Of each event in a list its jobs are looked at, not all that are dead. */
static void
test_no_list_looks_at_all_dead(void **state)
{
	static const enum db_sql lists[] = { SQL_LIST_EVENTS,
		SQL_LIST_EVENTS_AMONG, SQL_LIST_EVENTS_OF_ORDER,
		SQL_LIST_EVENTS_OPEN, SQL_GET_EVENT, SQL_EVENT_INFO,
		SQL_LAST_EVENT, SQL_EVENT_JOBS };

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		each_step(lists[i], refuse_all_dead);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_lane_is_a_queue),
		CASE(test_waiting_keeps_lanes),
		CASE(test_batch_holds_all_orders),
		CASE(test_other_lanes_go_on),
		CASE(test_place_is_one_lane),
		CASE(test_illegal_moves_are_refused),
		CASE(test_runnable_finds_due),
		CASE(test_runnable_hides_none_behind_retries),
		CASE(test_runnable_survives_restart),
		CASE(test_attempt_is_recorded),
		CASE(test_constraint_fails_alone),
		CASE(test_random_work_keeps_lanes),
		CASE(test_end_in_the_middle),
		CASE(test_rows_forget_order_of_arrival),
		CASE(test_no_look_up_scans),
		CASE(test_no_list_looks_at_all_dead),
	};

	return (store_case_run("store_jobs", tests));
}
