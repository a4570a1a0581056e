#include "test/lib/cmocka_all.h"

#include "server/dispatch/turn.h"

#define RUNS 64
#define WAIT_US INT64_C(5000000)

static struct backlog backlog;
static struct gate gate;
static struct pace pace;
static struct turns turns;
static struct run runs[RUNS];
static struct store_event events[RUNS];
static struct turn turn;

static int
setup(void **state)
{
	(void)state;
	backlog_init(&backlog);
	gate_init(&gate, 4, WAIT_US);
	pace = (struct pace){ 0 };
	turns = (struct turns){ 0 };
	turn = (struct turn){
		.turns = &turns,
		.backlog = &backlog,
		.gate = &gate,
		.pace = &pace,
		.now = { 1000000000, { 1000000 } },
	};
	for (size_t i = 0; i < RUNS; i++) {
		events[i] = (struct store_event){
			.came_at = turn.now.steady,
		};
		runs[i] = (struct run){
			.job.id = (int64_t)i,
			.job.ev = &events[i],
		};
	}
	return (0);
}

static void
put(size_t i, size_t n, enum run_state state, unsigned attempts)
{
	for (; n > 0; n--, i++) {
		runs[i].state = state;
		runs[i].job.attempts = attempts;
		backlog_put(&backlog, &runs[i]);
	}
}

/* The job whose turn it is; -1: none may begin. */
static int64_t
next(void)
{
	enum gate_class class;
	const struct run *run = turn_choose(&turn, &class);

	return (run == NULL ? -1 : run->job.id);
}

/* The same, and it begins and has ended. */
static int64_t
take(void)
{
	enum gate_class class;
	struct run *run = turn_choose(&turn, &class);

	if (run == NULL)
		return (-1);
	turn_taken(&turns, class);
	backlog_remove(&backlog, run);
	return (run->job.id);
}

static void
assert_taken(const int64_t *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(take(), jobs[i]);
}

/* Nothing to do, and nothing to wait for. */
static void
test_turn_of_nobody(void **state)
{
	(void)state;
	assert_int_equal(next(), -1);
	assert_int_equal(turn_next_us(&turn), INT64_MAX);
	put(0, 1, RUN_WAITING, 1);
	assert_int_equal(next(), -1);
}

/* The oldest and the newest, by turns. */
static void
test_turn_of_the_oldest_and_the_newest(void **state)
{
	static const int64_t want[] = { 10, 0, 11, 1, 2, -1 };

	(void)state;
	put(0, 3, RUN_QUEUED, 0);
	put(10, 2, RUN_FRESH, 0);
	assert_taken(want, 6);
}

/* One in four is for what was tried, once or more often by turns. */
static void
test_turn_of_what_was_tried(void **state)
{
	static const int64_t want[] = { 0, 1, 2, 20, 3, 4, 5, 30, 21, 31, -1 };

	(void)state;
	put(0, 6, RUN_QUEUED, 0);
	put(20, 2, RUN_QUEUED, 1);
	put(30, 2, RUN_QUEUED, 5);
	assert_taken(want, 11);
}

/* Where the gate is shut for what was tried the others go on. */
static void
test_turn_goes_by_the_gate(void **state)
{
	(void)state;
	put(0, 1, RUN_QUEUED, 0);
	put(20, 1, RUN_QUEUED, 1);
	turns.untried = 3;
	assert_int_equal(next(), 20);
	gate_begin(&gate, GATE_TRIED, 0);
	gate_begin(&gate, GATE_TRIED, 0); /* their share of four */
	assert_int_equal(next(), 0);
	gate_begin(&gate, GATE_UNTRIED, 0);
	gate_begin(&gate, GATE_UNTRIED, 0);
	assert_int_equal(next(), -1);
	assert_int_equal(turn_next_us(&turn), INT64_MAX); /* no time helps */
	turn.gate = NULL;                                 /* a projection */
	assert_int_equal(next(), 20);
}

/* A far side in doubt is shown the very newest, fresh or not. */
static void
test_turn_in_doubt(void **state)
{
	(void)state;
	put(0, 3, RUN_QUEUED, 0);
	assert_int_equal(next(), 0);
	(void)gate_failed(&gate, GATE_UNTRIED, HANDLER_FAULT_JOB, 0,
	    turn.now.us);
	assert_int_equal(next(), 2);
	turn_taken(&turns, GATE_UNTRIED);
	assert_int_equal(next(), 0);
}

/* While it is down what came in since the last call is tried. */
static void
test_turn_of_a_newcomer(void **state)
{
	(void)state;
	put(0, 3, RUN_QUEUED, 0);
	for (int i = 0; i < GATE_DOWN_CALLS; i++) {
		gate_begin(&gate, GATE_UNTRIED, turn.now.us);
		gate_end(&gate, GATE_UNTRIED);
		(void)gate_failed(&gate, GATE_UNTRIED, HANDLER_FAULT_DOWN, 0,
		    turn.now.us);
	}
	assert_int_equal(next(), -1);
	assert_int_equal(turn_next_us(&turn), WAIT_US);
	runs[2].came_us = turn.now.us;
	assert_int_equal(turn_next_us(&turn), GATE_NEWCOMER_GAP_US);
	turn.now.us += GATE_NEWCOMER_GAP_US;
	assert_int_equal(next(), 2);
	runs[2].came_us = 0;
	assert_int_equal(next(), -1);
	turn.now.us += WAIT_US;
	assert_int_not_equal(next(), -1);
}

/* An old one rests while deliveries come; a new one behind it does not. */
static void
test_turn_goes_by_the_pace(void **state)
{
	static const struct pace_load old = { .old = true };

	(void)state;
	put(0, 1, RUN_QUEUED, 0);
	put(1, 1, RUN_QUEUED, 1);
	events[0].came_at.ms -= 2 * PACE_OLD_MS;
	pace_expect(&pace, 1, turn.now.us);
	pace_submit(&pace, old, turn.now.us - 1000);
	pace_complete(&pace, old, turn.now.us);
	assert_int_equal(take(), 1);
	assert_int_equal(next(), -1);
	assert_int_equal(turn_next_us(&turn), 1000 * PACE_REST_FACTOR);
	turn.now.us += 1000 * PACE_REST_FACTOR;
	assert_int_equal(next(), 0);
}

/* A job that waits for the gate alone does not wake up for the pace. */
static void
test_turn_waits_for_what_holds_it_up(void **state)
{
	static const struct pace_load old = { .old = true };

	(void)state;
	put(1, 1, RUN_QUEUED, 1);
	for (int i = 0; i < GATE_DOWN_CALLS; i++)
		(void)gate_failed(&gate, GATE_TRIED, HANDLER_FAULT_DOWN, 0,
		    turn.now.us);
	pace_expect(&pace, 1, turn.now.us);
	pace_submit(&pace, old, turn.now.us - 1000);
	pace_complete(&pace, old, turn.now.us);
	assert_int_equal(next(), -1);
	assert_int_equal(turn_next_us(&turn), WAIT_US);
}

/* With too many records on their way nothing begins. */
static void
test_turn_waits_for_the_store(void **state)
{
	(void)state;
	put(0, 1, RUN_QUEUED, 0);
	for (int i = 0; i < PACE_RECORDS_CALM; i++)
		pace_submit(&pace, (struct pace_load){ 0 }, turn.now.us);
	assert_int_equal(next(), -1);
	pace_complete(&pace, (struct pace_load){ 0 }, turn.now.us);
	assert_int_equal(next(), 0);
}

#define turn_test(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		turn_test(test_turn_of_nobody),
		turn_test(test_turn_of_the_oldest_and_the_newest),
		turn_test(test_turn_of_what_was_tried),
		turn_test(test_turn_goes_by_the_gate),
		turn_test(test_turn_in_doubt),
		turn_test(test_turn_of_a_newcomer),
		turn_test(test_turn_goes_by_the_pace),
		turn_test(test_turn_waits_for_what_holds_it_up),
		turn_test(test_turn_waits_for_the_store),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
