#include "test/lib/cmocka_all.h"

#include "server/dispatch/run.h"

/* Every move there is, as the diagram in run.h has it. */
static const struct {
	enum run_state from, to;
} moves[] = {
	{ RUN_MADE, RUN_QUEUED },
	{ RUN_MADE, RUN_FRESH },
	{ RUN_MADE, RUN_STARTING },
	{ RUN_QUEUED, RUN_STARTING },
	{ RUN_QUEUED, RUN_CALLING },
	{ RUN_QUEUED, RUN_RECORDING },
	{ RUN_QUEUED, RUN_ENDED },
	{ RUN_FRESH, RUN_STARTING },
	{ RUN_FRESH, RUN_CALLING },
	{ RUN_FRESH, RUN_RECORDING },
	{ RUN_FRESH, RUN_ENDED },
	{ RUN_STARTING, RUN_CALLING },
	{ RUN_STARTING, RUN_RECORDING },
	{ RUN_STARTING, RUN_UNRECORDED },
	{ RUN_STARTING, RUN_ENDED },
	{ RUN_CALLING, RUN_RECORDING },
	{ RUN_CALLING, RUN_UNRECORDED },
	{ RUN_CALLING, RUN_ENDED },
	{ RUN_RECORDING, RUN_RECORDING },
	{ RUN_RECORDING, RUN_UNRECORDED },
	{ RUN_RECORDING, RUN_WAITING },
	{ RUN_RECORDING, RUN_ENDED },
	{ RUN_UNRECORDED, RUN_RECORDING },
	{ RUN_UNRECORDED, RUN_UNRECORDED },
	{ RUN_UNRECORDED, RUN_ENDED },
	{ RUN_WAITING, RUN_QUEUED },
	{ RUN_WAITING, RUN_ENDED },
};

static bool
is_listed(enum run_state from, enum run_state to)
{
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		if (moves[i].from == from && moves[i].to == to)
			return (true);
	}
	return (false);
}

/* Of all pairs of states exactly the listed moves are allowed. */
static void
test_run_allows_exactly_the_listed_moves(void **state)
{
	(void)state;
	for (int from = 0; from < RUN_NSTATES; from++) {
		for (int to = 0; to < RUN_NSTATES; to++) {
			if (run_may_move(from, to) != is_listed(from, to))
				fail_msg("%s to %s: not as listed",
				    run_state_name(from), run_state_name(to));
		}
	}
}

/* Nothing follows the end, and nothing is made twice. */
static void
test_run_ended_is_the_end(void **state)
{
	(void)state;
	for (int to = 0; to < RUN_NSTATES; to++) {
		assert_false(run_may_move(RUN_ENDED, to));
		assert_false(run_may_move(to, RUN_MADE));
	}
}

/* A job is found in the queue it is in, and in no other. */
static void
test_run_queue_finds_what_is_in_it(void **state)
{
	static struct run runs[3];
	struct run_queue q, other;

	(void)state;
	run_queue_init(&q);
	run_queue_init(&other);
	for (size_t i = 0; i < 3; i++) {
		runs[i].job.id = (int64_t)i + 7;
		run_queue_put(&q, &runs[i]);
	}
	assert_ptr_equal(run_queue_find(&q, 8), &runs[1]);
	assert_null(run_queue_find(&q, 10));
	assert_null(run_queue_find(&other, 8));
	run_queue_remove(&q, &runs[1]);
	assert_null(run_queue_find(&q, 8));
	assert_int_equal(q.n, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_allows_exactly_the_listed_moves),
		cmocka_unit_test(test_run_ended_is_the_end),
		cmocka_unit_test(test_run_queue_finds_what_is_in_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
