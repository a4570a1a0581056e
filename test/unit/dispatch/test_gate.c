#include "test/lib/cmocka_all.h"

#include "server/dispatch/gate.h"

#define WAIT_US INT64_C(5000000)

static struct gate gate;
static int64_t now_us;

static int
setup(void **state)
{
	(void)state;
	now_us = 1000000000;
	gate_init(&gate, 16, WAIT_US);
	return (0);
}

/* A whole call that fails. Returns whether it counts as down from now on. */
static bool
flop(enum gate_class class, enum handler_fault fault)
{
	gate_begin(&gate, class, now_us);
	gate_end(&gate, class);
	return (gate_failed(&gate, class, fault, 0, now_us));
}

static void answer(enum gate_class class)
{
	gate_begin(&gate, class, now_us);
	gate_end(&gate, class);
	(void)gate_answered(&gate, class);
}

static bool allows(enum gate_class class)
{
	return (gate_allows(&gate, class, now_us));
}

/* How many of that class may be under way. */
static size_t room(enum gate_class class)
{
	size_t n = 0;

	while (allows(class)) {
		gate_begin(&gate, class, now_us);
		n++;
	}
	for (size_t i = 0; i < n; i++)
		gate_end(&gate, class);
	return (n);
}

/* Not being reached is the same for all: any job shows it. */
static void
test_gate_unreached_is_down(void **state)
{
	(void)state;
	for (int i = 1; i < GATE_DOWN_CALLS; i++)
		assert_false(flop(GATE_TRIED, HANDLER_FAULT_DOWN));
	assert_int_equal(room(GATE_UNTRIED), 16);
	assert_true(flop(GATE_TRIED, HANDLER_FAULT_DOWN));
	assert_true(gate.probing);
	assert_int_equal(room(GATE_UNTRIED), 0);
	now_us += WAIT_US;
	assert_int_equal(room(GATE_UNTRIED), 1);
	assert_false(flop(GATE_UNTRIED, HANDLER_FAULT_DOWN)); /* it is known */
}

/* A 502 or no answer counts only for jobs that never failed before. */
static void
test_gate_no_answer_is_down_for_new_ones(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_false(flop(GATE_TRIED, HANDLER_FAULT_UNCLEAR));
	assert_int_equal(room(GATE_UNTRIED), 16);
	for (int i = 1; i < GATE_DOWN_CALLS; i++)
		assert_false(flop(GATE_UNTRIED, HANDLER_FAULT_UNCLEAR));
	assert_true(flop(GATE_UNTRIED, HANDLER_FAULT_UNCLEAR));
}

/* A 500 says less: many different jobs in a row must get it. */
static void
test_gate_bad_answers_to_all_are_down(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_false(flop(GATE_TRIED, HANDLER_FAULT_JOB));
	for (int i = 1; i < GATE_BAD_ANSWERS; i++)
		assert_false(flop(GATE_UNTRIED, HANDLER_FAULT_JOB));
	assert_int_equal(room(GATE_UNTRIED), 16);
	assert_true(flop(GATE_UNTRIED, HANDLER_FAULT_JOB));
	assert_int_equal(room(GATE_UNTRIED), 0);
}

/* It is in doubt from the first failure on, until it is open again. */
static void
test_gate_doubts(void **state)
{
	(void)state;
	assert_false(gate_doubts(&gate));
	(void)flop(GATE_TRIED, HANDLER_FAULT_JOB);
	assert_false(gate_doubts(&gate));
	(void)flop(GATE_UNTRIED, HANDLER_FAULT_JOB);
	assert_true(gate_doubts(&gate));
	answer(GATE_UNTRIED);
	assert_false(gate_doubts(&gate));
	for (int i = 0; i < GATE_DOWN_CALLS; i++)
		(void)flop(GATE_UNTRIED, HANDLER_FAULT_DOWN);
	for (int i = 0; i < 4; i++) {
		assert_true(gate_doubts(&gate));
		answer(GATE_UNTRIED);
	}
	assert_false(gate_doubts(&gate));
}

/* One answer in between, and nothing counts that was before. */
static void
test_gate_an_answer_ends_the_doubt(void **state)
{
	(void)state;
	for (int n = 0; n < 100; n++) {
		for (int i = 1; i < GATE_DOWN_CALLS; i++)
			assert_false(flop(GATE_UNTRIED, HANDLER_FAULT_UNCLEAR));
		answer(n % 2 == 0 ? GATE_UNTRIED : GATE_TRIED);
	}
	assert_false(gate.probing);
}

/* Doubts of different kinds add up. */
static void
test_gate_doubts_add_up(void **state)
{
	(void)state;
	for (int i = 1; i < GATE_DOWN_CALLS; i++)
		assert_false(flop(GATE_UNTRIED, HANDLER_FAULT_UNCLEAR));
	for (int i = 1; i < GATE_BAD_ANSWERS / GATE_DOWN_CALLS; i++)
		assert_false(flop(GATE_UNTRIED, HANDLER_FAULT_JOB));
	assert_true(flop(GATE_UNTRIED, HANDLER_FAULT_JOB));
}

/* What was tried before has half the calls; of one it may have that. */
static void
test_gate_half_is_for_what_was_tried(void **state)
{
	(void)state;
	assert_int_equal(room(GATE_TRIED), 8);
	gate_init(&gate, 3, WAIT_US);
	assert_int_equal(room(GATE_TRIED), 1);
	gate_init(&gate, 1, WAIT_US);
	assert_int_equal(room(GATE_TRIED), 1);
	gate_begin(&gate, GATE_TRIED, now_us);
	assert_int_equal(room(GATE_UNTRIED), 0);
}

/* After a row of its own it is slowed; what is new is not. */
static void
test_gate_slows_what_fails_again_and_again(void **state)
{
	(void)state;
	for (int i = 0; i < GATE_TRIED_CALLS; i++) {
		assert_true(allows(GATE_TRIED));
		(void)flop(GATE_TRIED, HANDLER_FAULT_JOB);
	}
	(void)flop(GATE_TRIED, HANDLER_FAULT_JOB);
	assert_false(allows(GATE_TRIED));
	answer(GATE_UNTRIED); /* says nothing about these */
	assert_false(allows(GATE_TRIED));
	assert_int_equal(gate_next_us(&gate, GATE_TRIED, now_us),
	    now_us + GATE_TRIED_GAP_US);
	assert_int_equal(room(GATE_UNTRIED), 16);
	now_us += GATE_TRIED_GAP_US;
	assert_int_equal(room(GATE_TRIED), 1);
	now_us += GATE_TRIED_GAP_US;
	answer(GATE_TRIED);
	assert_int_equal(room(GATE_TRIED), 8);
}

/* While it is probed, what comes in is tried, beside a probe that hangs. */
static void
test_gate_tries_newcomers(void **state)
{
	(void)state;
	for (int i = 0; i < GATE_DOWN_CALLS; i++)
		(void)flop(GATE_UNTRIED, HANDLER_FAULT_UNCLEAR);
	assert_false(allows(GATE_NEWCOMER)); /* the last call has just begun */
	now_us += WAIT_US;
	gate_begin(&gate, GATE_UNTRIED, now_us); /* and hangs */
	assert_false(allows(GATE_NEWCOMER));
	assert_int_equal(gate_next_us(&gate, GATE_NEWCOMER, now_us),
	    now_us + GATE_NEWCOMER_GAP_US);
	now_us += GATE_NEWCOMER_GAP_US;
	assert_int_equal(room(GATE_NEWCOMER), 1);
	assert_int_equal(room(GATE_UNTRIED), 0);
	now_us += GATE_NEWCOMER_GAP_US;
	answer(GATE_NEWCOMER);
	assert_false(gate.probing);
	assert_false(allows(GATE_NEWCOMER));     /* it is nothing special now */
	assert_int_equal(room(GATE_UNTRIED), 1); /* beside the one that hangs */
}

/* A newcomer that fails does not put off the turn of the others. */
static void
test_gate_newcomers_do_not_put_off_probes(void **state)
{
	(void)state;
	for (int i = 0; i < GATE_DOWN_CALLS; i++)
		(void)flop(GATE_UNTRIED, HANDLER_FAULT_DOWN);
	for (int64_t us = 0; us < WAIT_US; us += GATE_NEWCOMER_GAP_US) {
		assert_false(allows(GATE_UNTRIED));
		now_us += GATE_NEWCOMER_GAP_US;
		assert_true(allows(GATE_NEWCOMER));
		(void)flop(GATE_NEWCOMER, HANDLER_FAULT_DOWN);
	}
	assert_true(allows(GATE_UNTRIED));
}

/* Who asks for time gets it, up to an hour, from newcomers as well. */
static void
test_gate_obeys_a_wish(void **state)
{
	(void)state;
	for (int i = 0; i < GATE_DOWN_CALLS; i++)
		(void)gate_failed(&gate, GATE_UNTRIED, HANDLER_FAULT_UNCLEAR,
		    INT64_MAX, now_us);
	now_us += GATE_HOLD_MAX_US - 1;
	assert_false(allows(GATE_NEWCOMER));
	assert_false(allows(GATE_UNTRIED));
	now_us++;
	assert_true(allows(GATE_NEWCOMER));
	assert_true(allows(GATE_UNTRIED));
	(void)gate_failed(&gate, GATE_UNTRIED, HANDLER_FAULT_UNCLEAR,
	    3 * WAIT_US, now_us);
	assert_false(allows(GATE_UNTRIED));
	gate_hurry(&gate);
	assert_true(allows(GATE_UNTRIED));
}

/* Each answer doubles the calls. */
static void
test_gate_opens_by_and_by(void **state)
{
	(void)state;
	for (int i = 0; i < GATE_DOWN_CALLS; i++)
		(void)flop(GATE_UNTRIED, HANDLER_FAULT_DOWN);
	for (size_t n = 2; n <= 16; n *= 2) {
		answer(GATE_UNTRIED);
		assert_int_equal(room(GATE_UNTRIED), n);
	}
	answer(GATE_UNTRIED);
	assert_int_equal(room(GATE_UNTRIED), 16);
}

/* A reload may change the numbers, and nothing else. */
static void
test_gate_inherits(void **state)
{
	struct gate next;

	(void)state;
	gate_init(&next, 4, WAIT_US);
	gate_inherit(&next, &gate);
	assert_int_equal(next.window, 4);
	gate = next;
	gate_init(&next, 16, WAIT_US);
	gate_inherit(&next, &gate);
	assert_int_equal(next.window, 16);
	gate = next;
	for (int i = 0; i < GATE_DOWN_CALLS; i++)
		(void)flop(GATE_UNTRIED, HANDLER_FAULT_DOWN);
	gate_init(&next, 4, 1);
	gate_inherit(&next, &gate);
	assert_true(next.probing);
	assert_int_equal(next.window, 1);
	assert_int_equal(next.first_wait_us, 1);
}

#define gate_test(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		gate_test(test_gate_unreached_is_down),
		gate_test(test_gate_no_answer_is_down_for_new_ones),
		gate_test(test_gate_bad_answers_to_all_are_down),
		gate_test(test_gate_doubts),
		gate_test(test_gate_an_answer_ends_the_doubt),
		gate_test(test_gate_doubts_add_up),
		gate_test(test_gate_half_is_for_what_was_tried),
		gate_test(test_gate_slows_what_fails_again_and_again),
		gate_test(test_gate_tries_newcomers),
		gate_test(test_gate_newcomers_do_not_put_off_probes),
		gate_test(test_gate_obeys_a_wish),
		gate_test(test_gate_opens_by_and_by),
		gate_test(test_gate_inherits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
