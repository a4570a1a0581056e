/*
 * Two receivers on one database, which grows: nothing that they ask for has a
 * table read whole, or the more work there is.
 */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "two_receivers.h"

/* A connection says what it has counted when it ends; ours when it is asked. */
static void
close_both(void)
{
	store_case_close(&a);
	store_case_close(&b);
	while (store_case_int(&a, "SELECT count(*) FROM pg_stat_activity "
				  "WHERE datname = current_database() "
				  "AND pid <> pg_backend_pid()") > 0)
		;
	(void)store_case_int(&a, "SELECT 1 FROM pg_stat_force_next_flush()");
}

/* How often one of the tables that grow was read from end to end. */
static int64_t
scans(void)
{
	return (store_case_int(&a,
	    "SELECT sum(seq_scan) FROM pg_stat_user_tables "
	    "WHERE relname IN ('events', 'bodies', 'event_orders', 'jobs', "
	    "'lanes', 'order_locks', 'attempts', 'served', 'orders', "
	    "'carts')"));
}

/* An event with an alarm comes, is done, and is written to the orders. */
static void
work_through(int64_t h, int64_t bell, enum job_state to)
{
	const struct store_order record = { .order_id = "1", .status = "2" };
	struct store_write writes[] = {
		{ .table = STORE_ORDERS, .order = &record, .event = 1 },
		{ .table = STORE_CARTS, .order = &record, .event = 1 },
	};
	struct store_outcome out = { .number = 1,
		.to = to,
		.outcome = job_state_name(to),
		.at_ms = NOW,
		.served = true,
		.writes = writes,
		.nwrites = 2 };
	struct case_result r = { 0 };

	out.job = append_guarded(h, bell).runnable[0];
	assert_int_equal(store_finish(b.st, &out, case_done_cb, &r), 0);
	store_wait(b.st);
	assert_int_equal(r.rc, STORE_OK);
}

/* Whatever is asked for, no table is read whole. */
static void
test_no_write_scans(void **state)
{
	int64_t h = case_handler(&a, "pos"), bell = case_handler(&a, "bell");
	struct case_result r = { 0 };
	int64_t before, job;

	(void)state;
	close_both();
	before = scans();
	store_case_open(&a);
	open_b();
	work_through(h, bell, JOB_DONE);
	job = case_append(&b, "e2", order, h).runnable[0];
	(void)case_append(&a, "e3", order, h);
	assert_int_equal(case_runnable(&a, h, 9, NOW).nrunnable, 0);
	assert_int_equal(act(&a, STORE_DISCARD, job).rc, STORE_OK);
	assert_int_equal(act(&a, STORE_REPLAY, job).rc, STORE_OK);
	r = case_runnable(&a, h, 9, NOW);
	assert_int_equal(r.nrunnable, 1);
	r = start_skipping(&a, r.runnable[0],
	    STORE_SKIP_SERVED | STORE_SKIP_REPEATS);
	assert_int_equal(r.rc, STORE_EXISTS);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(start(&b, r.runnable[0]).rc, STORE_LOST);
	assert_int_equal(start(&a, r.runnable[0]).rc, STORE_OK);
	assert_int_equal(finish(&a, r.runnable[0], 1, JOB_WAITING).rc,
	    STORE_OK);
	assert_int_equal(act(&b, STORE_RETRY, r.runnable[0]).rc, STORE_OK);
	assert_int_equal(store_unguard(a.st, h, NOW, case_done_cb, &r), 0);
	store_wait(a.st);
	close_both();
	assert_int_equal(scans(), before);
}

/* How many rows of the jobs' indexes were read. */
static int64_t
index_reads(void)
{
	return (store_case_int(&a,
	    "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes "
	    "WHERE relname IN ('jobs', 'lanes', 'attempts')"));
}

/*
 * Plans are made while there is next to nothing. They are still good when there
 * is a lot to do: what is found by its number is not looked for among all that
 * is unfinished.
 */
static void
test_plans_are_good_for_many(void **state)
{
	enum { MANY = 400, ENDED = 100 };
	int64_t h = case_handler(&a, "pos"), bell = case_handler(&a, "bell");
	static struct case_result r[MANY];
	int64_t before;
	char id[16];

	(void)state;
	close_both();
	before = index_reads();
	store_case_open(&a);
	open_b();
	work_through(h, bell, JOB_DONE);
	assert_int_equal(case_runnable(&b, h, 9, NOW).nrunnable, 0);
	for (int i = 0; i < MANY; i++) {
		const char *const orders[] = { id, NULL };

		(void)snprintf(id, sizeof(id), "m%d", i);
		case_queue_append(&b, id, orders, h, &r[i]);
	}
	store_wait(b.st);
	for (int i = 0; i < ENDED; i++) {
		assert_int_equal(r[i].nrunnable, 1);
		assert_int_equal(start_skipping(&b, r[i].runnable[0],
				     STORE_SKIP_SERVED | STORE_SKIP_REPEATS)
				     .rc,
		    STORE_OK);
		assert_int_equal(finish(&b, r[i].runnable[0], 1, JOB_DONE).rc,
		    STORE_OK);
	}
	close_both();
	assert_in_range(index_reads() - before, ENDED, (MANY + 2 * ENDED) * 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_no_write_scans),
		CASE(test_plans_are_good_for_many),
	};

	return (store_case_run("shared_plans", tests));
}
