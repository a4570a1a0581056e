/*
 * Two receivers on one database, at the same moment: what both append, refuse
 * and purge is neither lost nor doubled, and none waits for the other in vain.
 */
#include <stdio.h>
#include <string.h>

#include "test/lib/case_database.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW INT64_C(1750000000000)
#define WINDOW 1000000
#define N 24 /* rounds, or events of one */

static struct store_case a; /* has the database */
static struct store_case b;
static int64_t handler;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&a);
	store_case_open(&a);
	memset(&b, 0, sizeof(b));
	(void)snprintf(b.url, sizeof(b.url), "%s", a.url);
	b.queue_max = a.queue_max;
	store_case_open(&b);
	handler = case_handler(&a, "pos");
	store_set_repeat_window(a.st, WINDOW);
	store_set_repeat_window(b.st, WINDOW);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_case_close(&b);
	store_case_fini(&a);
	return (0);
}

/* -- Short-hands -- */

static void
wait_for_both(void)
{
	store_wait(a.st);
	store_wait(b.st);
}

/* Queue an event, signed, of that order. */
static void
queue(struct store_case *c, const char *id, const char *body, const char *order,
    struct case_result *r)
{
	const struct store_job_spec spec = { .handler = handler,
		.place = STORE_WHOLE_EVENT,
		.ordered = true,
		.guards = STORE_NO_GUARD };
	const struct store_order orders[] = { { .order_id = order,
	    .updated_at = "2026-06-25T09:14:11Z" } };
	struct store_event event = { .event_id = id,
		.type = "klikit.order.created.v2",
		.secret = "s",
		.peer = "127.0.0.1:1",
		.received_at_ms = NOW,
		.orders = orders,
		.norders = 1,
		.body_len = strlen(body) };
	struct store_event *ev;

	(void)snprintf((char *)event.digest, sizeof(event.digest), "%s", body);
	assert_non_null(event.body = strdup(body));
	assert_non_null(ev = store_event_new(&event));
	memset(r, 0, sizeof(*r));
	assert_int_equal(store_append(c->st, ev, &spec, 1, case_done_cb, r), 0);
	store_event_unref(ev);
}

/* An event whose only job has ended so. */
static int64_t
ended(const char *id, const char *body, const char *order, enum job_state to)
{
	struct case_result r;
	int64_t job;

	queue(&a, id, body, order, &r);
	store_wait(a.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	job = r.runnable[0];
	assert_int_equal(store_start(a.st, &(struct store_job){ .id = job }, 0,
			     NOW, case_done_cb, &r),
	    0);
	store_wait(a.st);
	assert_int_equal(case_finish(&a, job, to, 0).rc, STORE_OK);
	return (job);
}

static void
queue_purge(struct store_case *c, struct store_purge p, struct case_result *r)
{
	p.now_ms = NOW + 10;
	if (p.limit == 0)
		p.limit = 100;
	memset(r, 0, sizeof(*r));
	assert_int_equal(store_purge(c->st, &p, case_done_cb, r), 0);
}

static const struct store_purge of_age = { .bodies_before_ms = NOW + 5 };

static int64_t
count(const char *from)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", from);
	return (store_case_int(&a, sql));
}

/* The counters are right, and what is not purged has its bytes. */
static void
assert_sound(void)
{
	assert_int_equal(store_case_int(&a,
			     "SELECT (find_fault() IS NULL)::int"),
	    1);
	assert_int_equal(count("events AS e WHERE purged_at IS NULL AND NOT "
			       "EXISTS (SELECT FROM bodies AS b WHERE "
			       "b.event = coalesce(e.repeat_of, e.id))"),
	    0);
}

/* -- Appending -- */

/* One event at both: new at one, a duplicate at the other, counted. */
static void
test_one_event_at_both(void **state)
{
	static struct case_result ra[N], rb[N];
	char id[16];

	(void)state;
	for (int i = 0; i < N; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		queue(&a, id, id, "1", &ra[i]);
		(void)snprintf(id, sizeof(id), "e%d", N - 1 - i);
		queue(&b, id, id, "1", &rb[N - 1 - i]);
	}
	wait_for_both();
	for (int i = 0; i < N; i++) {
		assert_int_equal((ra[i].rc == STORE_OK) +
				     (rb[i].rc == STORE_OK),
		    1);
		assert_int_equal((ra[i].rc == STORE_EXISTS) +
				     (rb[i].rc == STORE_EXISTS),
		    1);
		assert_int_equal(ra[i].id, rb[i].id);
		assert_false(ra[i].conflict || rb[i].conflict);
	}
	assert_int_equal(count("events WHERE duplicates = 1"), N);
	assert_int_equal(count("jobs WHERE behind = 0"), 1);
	assert_sound();
}

/* The same bytes at both: one of the two repeats the other. */
static void
test_a_repeat_at_both(void **state)
{
	char ida[16], idb[16], body[16];
	struct case_result ra, rb;

	(void)state;
	for (int i = 0; i < N; i++) {
		(void)snprintf(ida, sizeof(ida), "a%d", i);
		(void)snprintf(idb, sizeof(idb), "b%d", i);
		(void)snprintf(body, sizeof(body), "{\"n\":%d}", i);
		queue(&a, ida, body, "1", &ra);
		queue(&b, idb, body, "1", &rb);
		wait_for_both();
		assert_int_equal(ra.rc, STORE_OK);
		assert_int_equal(rb.rc, STORE_OK);
	}
	assert_int_equal(count("events"), 2 * N);
	assert_int_equal(count("events WHERE repeat_of IS NOT NULL"), N);
	assert_int_equal(count("bodies"), N);
	assert_sound();
}

/* -- Refusing -- */

static void
queue_rejections(struct store_case *c, struct case_result *r)
{
	static const unsigned char digests[N][32] = { [1] = { 1 } };
	struct store_rejection rej[N];

	for (int i = 0; i < N; i++)
		rej[i] = (struct store_rejection){
			.class = STORE_REJECT_AUTHENTIC,
			.at_ms = NOW,
			.peer = "127.0.0.1:1",
			.cause = i % 3 == 0 ? "type" : "json",
			.body = "{\"n\":1}",
			.body_len = 7,
			.size = 7,
			.digest = i % 2 == 0 ? digests[i / 2 % 2] : NULL,
		};
	memset(r, 0, sizeof(*r));
	assert_int_equal(store_reject(c->st, rej, N, case_done_cb, r), 0);
}

/* What comes again is counted at one row, wherever it comes. */
static void
test_the_same_is_refused_at_both(void **state)
{
	struct case_result ra, rb;

	(void)state;
	for (int i = 0; i < N; i++) {
		queue_rejections(&a, &ra);
		queue_rejections(&b, &rb);
		wait_for_both();
		assert_int_equal(ra.rc, STORE_OK);
		assert_int_equal(rb.rc, STORE_OK);
		assert_int_not_equal(ra.id, rb.id);
	}
	assert_int_equal(count("rejections WHERE digest IS NULL"), N * N);
	assert_int_equal(count("rejections WHERE digest IS NOT NULL"), 4);
	assert_int_equal(store_case_int(&a,
			     "SELECT sum(repeats)::int FROM rejections"),
	    N * N - 4);
	assert_int_equal(store_case_int(&a,
			     "SELECT (sum(length(body)) = max(rejected_bytes))"
			     "::int FROM rejections, store"),
	    1);
}

/* -- Purging -- */

/* Two purges at once: each event goes once; what has to be done yet stays. */
static void
test_two_purges_at_once(void **state)
{
	struct store_purge few = of_age;
	struct case_result ra = { .id = 1 }, rb, r;
	int64_t purged = 0;
	char id[16];

	(void)state;
	for (int i = 0; i < N; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		(void)ended(id, id, id, JOB_DONE);
	}
	queue(&b, "open", "open", "1", &r);
	queue_rejections(&b, &r);
	wait_for_both();
	few.limit = 3;
	for (int rounds = 0; count("bodies") > 1 || count("rejections") > 0;
	     rounds++) {
		assert_true(rounds < 4 * N);
		queue_purge(&a, few, &ra);
		queue_purge(&b, few, &rb);
		wait_for_both();
		assert_int_equal(ra.rc, STORE_OK);
		assert_int_equal(rb.rc, STORE_OK);
		assert_true(ra.id <= 3 && rb.id <= 3);
		purged += ra.id + rb.id;
	}
	assert_int_equal(purged, N + N / 2 + 4);
	assert_int_equal(count("events WHERE purged_at IS NOT NULL"), N);
	assert_int_equal(store_case_int(&a,
			     "SELECT rejected_bytes::int FROM store"),
	    0);
	assert_sound();
}

/* What is repeated keeps its bytes, or is not repeated. */
static void
test_a_repeat_of_what_is_purged(void **state)
{
	char ida[16], idb[16];
	struct case_result ra, rb;

	(void)state;
	for (int i = 0; i < N; i++) {
		(void)snprintf(ida, sizeof(ida), "a%d", i);
		(void)snprintf(idb, sizeof(idb), "b%d", i);
		(void)ended(ida, ida, ida, JOB_DONE);
		queue_purge(&a, of_age, &ra);
		queue(&b, idb, ida, ida, &rb);
		wait_for_both();
		assert_int_equal(ra.rc, STORE_OK);
		assert_int_equal(rb.rc, STORE_OK);
		assert_sound();
	}
}

/* What is replayed has its bytes, or is not replayed. */
static void
test_a_replay_of_what_is_purged(void **state)
{
	struct case_result ra, rb;
	char id[16];

	(void)state;
	for (int i = 0; i < N; i++) {
		int64_t job;

		(void)snprintf(id, sizeof(id), "e%d", i);
		job = ended(id, id, id, JOB_DEAD);
		queue_purge(&a, of_age, &ra);
		memset(&rb, 0, sizeof(rb));
		assert_int_equal(store_act(b.st, STORE_REPLAY, job, NULL, NOW,
				     case_done_cb, &rb),
		    0);
		wait_for_both();
		assert_int_equal(ra.rc, STORE_OK);
		assert_int_equal(ra.id, rb.rc == STORE_OK ? 0 : 1);
		assert_int_equal(rb.rc, ra.id == 0 ? STORE_OK : STORE_REFUSED);
		assert_sound();
	}
}

/* What is in use is left for later, and nobody is waited for. */
static void
test_what_is_in_use_is_left(void **state)
{
	struct case_result r;

	(void)state;
	(void)ended("e1", "one", "1", JOB_DONE);
	(void)ended("e2", "two", "2", JOB_DONE);
	(void)ended("e3", "three", "3", JOB_DONE);
	case_database_sql(a.db,
	    "BEGIN; SELECT FROM events WHERE event_id = 'e1' FOR KEY SHARE; "
	    "SELECT FROM jobs AS j JOIN events AS e ON e.id = j.event "
	    "WHERE event_id = 'e2' FOR NO KEY UPDATE OF j");
	queue_purge(&b, of_age, &r);
	store_wait(b.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.id, 1);
	/* Who asks for an order is to hear when all is gone. */
	queue_purge(&b, (struct store_purge){ .order_id = "2" }, &r);
	store_wait(b.st);
	assert_int_equal(r.rc, STORE_BUSY);
	case_database_sql(a.db, "COMMIT");
	queue_purge(&b, (struct store_purge){ .order_id = "2" }, &r);
	store_wait(b.st);
	assert_int_equal(r.id, 1);
	queue_purge(&b, of_age, &r);
	store_wait(b.st);
	assert_int_equal(r.id, 1);
	assert_int_equal(count("bodies"), 0);
	assert_sound();
}

/* -- Plans -- */

#define MANY 5000

/* How many rows of the tables that grow were read, or found by an index. */
static int64_t
rows_read(void)
{
	/* Ours says now what it has counted; one that ends says so then. */
	case_database_sql(a.db, "SELECT pg_stat_force_next_flush()");
	while (count("pg_stat_activity WHERE datname = current_database() "
		     "AND pid <> pg_backend_pid()") > 0)
		;
	return (store_case_int(&a,
	    "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables "
	    "WHERE relname = ANY (t)) + (SELECT sum(idx_tup_read) "
	    "FROM pg_stat_user_indexes WHERE relname = ANY (t)) FROM "
	    "(VALUES ('{events,bodies,event_orders,jobs,attempts}'::text[])) "
	    "AS x (t)"));
}

static void
fill(void)
{
	case_database_sql(a.db,
	    "INSERT INTO events (id, event_id, type, signature, secret, peer, "
	    "received_at, body_size, purged_at) SELECT g, 'old' || g, 't', "
	    "decode(repeat('ab', 32), 'hex'), 's', 'p', 1750000000000 - g, 1, "
	    "CASE WHEN g % 2 = 0 THEN 1 END FROM generate_series(1, 5000) AS g;"
	    "INSERT INTO bodies SELECT id, 'x' FROM events "
	    "WHERE purged_at IS NULL;"
	    "INSERT INTO event_orders (event, place, order_id) "
	    "SELECT id, 0, (id / 3)::text FROM events;"
	    "INSERT INTO jobs (id, event, place, handler, state, finished_at) "
	    "SELECT id, id, -1, 1, 'done', 1 FROM events;"
	    "INSERT INTO attempts SELECT id, 1, 1, 1, 'done', 200, 'x' "
	    "FROM events;"
	    "SELECT setval('event_numbers', 5000), setval('job_numbers', 5000);"
	    "ANALYZE");
	assert_int_equal(count("events"), MANY);
}

/* However much is stored, little is read. */
static void
test_little_is_read(void **state)
{
	const struct store_purge aged = { .bodies_before_ms = NOW + 5,
		.ids_before_ms = NOW + 4,
		.limit = 9 };
	struct case_result r;
	int64_t before;

	(void)state;
	store_case_close(&a);
	store_case_close(&b);
	fill();
	before = rows_read();
	store_case_open(&a);
	store_case_open(&b);
	queue(&a, "new", "new", "1000", &r);
	queue(&b, "old1", "again", "1", &r);
	wait_for_both();
	assert_int_equal(r.rc, STORE_EXISTS);
	queue_purge(&a, (struct store_purge){ .order_id = "900" }, &r);
	store_wait(a.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_true(r.id > 0);
	queue_purge(&b, aged, &r);
	store_wait(b.st);
	assert_int_equal(r.id, 9);
	store_case_close(&a);
	store_case_close(&b);
	assert_in_range(rows_read() - before, 1, MANY / 5);
	store_case_open(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_one_event_at_both),
		T(test_a_repeat_at_both),
		T(test_the_same_is_refused_at_both),
		T(test_two_purges_at_once),
		T(test_a_repeat_of_what_is_purged),
		T(test_a_replay_of_what_is_purged),
		T(test_what_is_in_use_is_left),
		T(test_little_is_read),
#undef T
	};

	return (store_case_run("store_shared_purge", tests));
}
