/* regroup.c: in which order a batch is run, and how much in one statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/postgres/regroup.h"

#define N 6

static struct store_event events[N];
static struct store_op all[N];
static struct store_op *ops[N];
static unsigned char body[1];

static int
setup(void **state)
{
	(void)state;
	memset(all, 0, sizeof(all));
	memset(events, 0, sizeof(events));
	for (size_t i = 0; i < N; i++)
		ops[i] = &all[i];
	return (0);
}

static void
append(size_t i, size_t body_len)
{
	events[i].body = body;
	events[i].body_len = body_len;
	all[i].kind = STORE_OP_APPEND;
	all[i].in.append.ev = &events[i];
}

static void
finish(size_t i, int64_t job)
{
	all[i].kind = STORE_OP_FINISH;
	all[i].in.finish.job = job;
}

static void
start(size_t i, int64_t job)
{
	all[i].kind = STORE_OP_START;
	all[i].in.start.job = job;
}

static void
test_others_are_sorted_together(void **state)
{
	(void)state;
	append(0, 1);
	start(1, 1);
	finish(2, 2);
	append(3, 1);
	finish(4, 3);
	start(5, 4);
	assert_int_equal(regroup_next(ops, N), N);
	assert_int_equal(regroup_next(ops, 1), 1);
	assert_int_equal(regroup_next(ops, 0), 0);
}

/* What is queued before a pause or an act is done before it. */
static void
test_what_keeps_its_place_is_alone(void **state)
{
	(void)state;
	append(0, 1);
	start(1, 1);
	all[2].kind = STORE_OP_PAUSE;
	all[3].kind = STORE_OP_RUNNABLE;
	append(4, 1);
	append(5, 1);
	assert_int_equal(regroup_next(ops, N), 2);
	assert_int_equal(regroup_next(ops + 2, N - 2), 1);
	assert_int_equal(regroup_next(ops + 3, N - 3), 1);
	assert_int_equal(regroup_next(ops + 4, N - 4), 2);
}

/* A start and the end of it would change places; two ends be one. */
static void
test_job_is_named_once(void **state)
{
	(void)state;
	start(0, 7);
	start(1, 8);
	finish(2, 7);
	finish(3, 9);
	finish(4, 9);
	start(5, 8);
	assert_int_equal(regroup_next(ops, N), 2);
	assert_int_equal(regroup_next(ops + 2, N - 2), 2);
	assert_int_equal(regroup_next(ops + 4, N - 4), 2);
}

static void
test_picked_in_their_order(void **state)
{
	struct store_op *list[N];

	(void)state;
	start(0, 1);
	append(1, 1);
	finish(2, 2);
	append(3, 1);
	start(4, 3);
	append(5, 1);
	assert_int_equal(regroup_pick(ops, N, PG_APPENDS, list), 3);
	assert_ptr_equal(list[0], ops[1]);
	assert_ptr_equal(list[1], ops[3]);
	assert_ptr_equal(list[2], ops[5]);
	assert_int_equal(regroup_pick(ops, N, PG_FINISHES, list), 1);
	assert_ptr_equal(list[0], ops[2]);
	assert_int_equal(regroup_pick(ops, N, PG_STARTS, list), 2);
	assert_ptr_equal(list[0], ops[0]);
	assert_ptr_equal(list[1], ops[4]);
	assert_int_equal(regroup_pick(ops, N, PG_IN_PLACE, list), 0);
}

/* One that is larger than a statement should be goes alone. */
static void
test_statements_are_bounded(void **state)
{
	(void)state;
	append(0, 3 << 20);
	append(1, 4 << 20);
	append(2, 4 << 20);
	append(3, 64 << 20);
	append(4, 1);
	append(5, 1);
	assert_int_equal(regroup_fits(ops, N), 2);
	assert_int_equal(regroup_fits(ops + 2, N - 2), 1);
	assert_int_equal(regroup_fits(ops + 3, N - 3), 1);
	assert_int_equal(regroup_fits(ops + 4, N - 4), 2);
	assert_int_equal(regroup_fits(ops, 0), 0);
}

/* The body of a repeat, of which no more is stored, may be gone. */
static void
test_body_that_is_gone_takes_nothing(void **state)
{
	(void)state;
	append(0, 64 << 20);
	events[0].body = NULL;
	assert_true(regroup_bytes(ops[0]) < 1 << 20);
}

/* Each kind is either written or read, as its queue says. */
static void
test_each_kind_has_its_way(void **state)
{
	(void)state;
	for (int kind = 0; kind < STORE_NOPS; kind++) {
		struct store_op op = { .kind = (enum store_op_kind)kind };
		bool reads = store_op_queue(&op) == STORE_QUEUE_READS;

		assert_true(reads == (pg_kinds[kind].read != NULL));
		assert_true(reads == (pg_kinds[kind].add == NULL));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_others_are_sorted_together, setup),
		cmocka_unit_test_setup(test_what_keeps_its_place_is_alone,
		    setup),
		cmocka_unit_test_setup(test_job_is_named_once, setup),
		cmocka_unit_test_setup(test_picked_in_their_order, setup),
		cmocka_unit_test_setup(test_statements_are_bounded, setup),
		cmocka_unit_test_setup(test_body_that_is_gone_takes_nothing,
		    setup),
		cmocka_unit_test(test_each_kind_has_its_way),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
