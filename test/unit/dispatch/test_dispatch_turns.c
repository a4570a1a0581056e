/* Jobs that fail for ever hold up no other, and a far side that is down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/dispatch/gate.h"
#include "server/dispatch/backlog.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"

#define FIRST_WAIT_MS 5000

/* Outlets by so many calls; bad jobs are answered badly, others well. */
static struct world *
outlet(void **state, size_t concurrency)
{
	struct world *w = *state;

	w->outlets = 1;
	w->concurrency = concurrency;
	w->verdict = HANDLER_DONE;
	w->bad_fault = HANDLER_FAULT_JOB;
	return (w);
}

/* n bad ones more in the store; they may have been tried before. */
static void
add_bad(struct world *w, size_t n, unsigned attempts)
{
	size_t from = w->njobs;

	world_add(w, n, 1);
	for (size_t i = from; i < w->njobs; i++) {
		w->jobs[i].bad = true;
		w->jobs[i].attempts = attempts;
		if (attempts > 0)
			w->jobs[i].state = JOB_WAITING;
	}
}

/* A good one comes in, and is done before any time has passed. */
static void
assert_served(struct world *w)
{
	int64_t id = world_arrive(w, 1);

	dispatch_open(w->d, id);
	world_settle(w);
	assert_int_equal(w->jobs[id - 1].state, JOB_DONE);
}

/* The least and the most that any of the jobs [from, to) was tried. */
static void
assert_tried(const struct world *w, size_t from, size_t to, unsigned min,
    unsigned max)
{
	for (size_t i = from; i < to; i++)
		assert_in_range(w->jobs[i].runs, min, max);
}

/* A few orders that the far side dislikes: the next one does not wait. */
static void
test_bad_orders_hold_up_no_good_one(void **state)
{
	struct world *w = outlet(state, 4);

	add_bad(w, 25, 0);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_tried(w, 0, 25, 1, 1);
	for (int i = 0; i < 500; i++) {
		assert_served(w);
		fake_clock_pass_ms(1000);
		world_settle(w);
		assert_served(w);
	}
	assert_int_equal(fake_log_count("in a row"), 0);
	assert_tried(w, 0, 25, 10, 30); /* and none of them is forgotten */
}

/* Nor with many of them, whatever it is that they get. */
static void
test_many_bad_orders_hold_up_no_good_one(void **state)
{
	static const enum handler_fault faults[] = { HANDLER_FAULT_JOB,
		HANDLER_FAULT_UNCLEAR };
	struct world *w = outlet(state, 16);

	world_handlers(w, 1, 0);
	for (size_t n = 0; n < 2; n++) {
		w->bad_fault = faults[n];
		add_bad(w, 200, 0);
		dispatch_look(w->d, 1);
		world_settle(w);
		for (int i = 0; i < 20; i++) {
			fake_clock_pass_ms(FIRST_WAIT_MS);
			world_settle(w);
			fake_clock_pass_ms(200); /* a newcomer at the latest */
			assert_served(w);
		}
	}
}

/*
 * They and good ones wait together for a far side that seems to be down: as
 * soon as it is found to work the good ones are done, between the bad.
 */
static void
test_bad_orders_do_not_hide_the_good_behind(void **state)
{
	struct world *w = outlet(state, 2);

	w->bad_fault = HANDLER_FAULT_UNCLEAR;
	add_bad(w, 200, 0);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_in_range(w->runs, GATE_DOWN_CALLS, GATE_DOWN_CALLS + 1);
	for (int i = 0; i < 30; i++)
		dispatch_open(w->d, world_arrive(w, 1));
	world_settle(w);
	fake_clock_pass_ms(100);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 30);
	assert_in_range(w->runs, 60, 150);
}

/* Ones whose calls hang have a part of the calls, and not all. */
static void
test_hanging_orders_leave_room(void **state)
{
	struct world *w = outlet(state, 4);

	add_bad(w, 10, 1);
	for (size_t i = 0; i < 10; i++)
		w->jobs[i].hangs = true;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->ncalls, 2);
	for (int i = 0; i < 40; i++) {
		assert_served(w);
		w->result.fault = HANDLER_FAULT_UNCLEAR;
		world_finish(w, HANDLER_RETRY);
		fake_clock_pass_ms(FIRST_WAIT_MS);
		world_settle(w);
		assert_in_range(w->ncalls, 1, 2);
	}
	assert_tried(w, 0, 10, 2, 10);
}

/* More than a page of them is due at the start: the others are found. */
static void
test_due_bad_orders_do_not_hide_the_others(void **state)
{
	struct world *w = outlet(state, 4);
	size_t bad = 2 * BACKLOG_FETCH;

	add_bad(w, bad, 3);
	world_add(w, 10, 1);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 10);
	assert_served(w);
	for (size_t i = 0; i < 2 * bad; i++) {
		fake_clock_pass_ms(1000);
		world_settle(w);
	}
	assert_tried(w, 0, bad, 1, 6); /* waits are spread at random */
}

/* An alarm that is due behind them rings. */
static void
test_due_bad_orders_do_not_hide_an_alarm(void **state)
{
	struct world *w = outlet(state, 2);

	add_bad(w, 2 * BACKLOG_FETCH, 3);
	world_add(w, 1, 1);
	w->jobs[w->njobs - 1].guards = 1;
	w->jobs[w->njobs - 1].state = JOB_WAITING;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 1);
}

/* A projection's jobs that fail do not stand before the others either. */
static void
test_bad_jobs_of_a_projection_hold_up_no_good_one(void **state)
{
	struct world *w = *state;

	w->verdict = HANDLER_RETRY;
	add_bad(w, 2 * BACKLOG_FETCH, 3);
	world_add(w, 20, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	w->verdict = HANDLER_DONE;
	for (size_t n = 0; n < w->njobs && world_count(w, JOB_READY) > 0; n++) {
		fake_clock_step_us(DISPATCH_SLICE_US);
		world_serve(w);
		world_turn(w);
	}
	assert_in_range(w->runs, 20, 40); /* of 532: three in four are new */
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), w->njobs);
}

/* However many new ones come, what failed has its turn. */
static void
test_new_orders_do_not_starve_retries(void **state)
{
	struct world *w = outlet(state, 1);

	add_bad(w, 4, 1);
	world_add(w, 1000, 1);
	w->verdict = HANDLER_PENDING;
	world_handlers(w, 1, 0);
	world_settle(w);
	for (int i = 0; i < 15; i++) {
		w->verdict = HANDLER_PENDING;
		world_finish(w, HANDLER_DONE);
		world_settle(w);
	}
	assert_tried(w, 0, 4, 1, 1);
}

/* Once-failed ones do not wait behind those that fail for ever. */
static void
test_a_second_try_does_not_wait_for_the_hopeless(void **state)
{
	struct world *w = outlet(state, 4);

	add_bad(w, 200, 7);
	world_handlers(w, 1, 0);
	world_settle(w);
	w->verdict = HANDLER_RETRY;
	dispatch_open(w->d, world_arrive(w, 1)); /* it had bad luck */
	world_settle(w);
	w->verdict = HANDLER_DONE;
	assert_int_equal(world_count(w, JOB_DONE), 0);
	fake_clock_pass_ms(FIRST_WAIT_MS * 11 / 10);
	for (int i = 0; i < 2; i++) {
		world_settle(w);
		fake_clock_pass_ms(1000);
	}
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 1);
}

/* Who answers badly to all is called as little as one who is silent. */
static void
test_broken_for_all_is_probed(void **state)
{
	struct world *w = outlet(state, 16);

	add_bad(w, 5000, 0);
	world_handlers(w, 1, 0);
	for (int i = 0; i < 600; i++) {
		world_settle(w);
		fake_clock_pass_ms(100);
	}
	/* One a wait, but for what it took to see it. */
	assert_in_range(w->runs, GATE_BAD_ANSWERS, GATE_BAD_ANSWERS + 16 + 12);
	assert_int_equal(fake_log_count("calls failed in a row"), 1);
	assert_tried(w, 0, 5000, 0, 2); /* another one each time */
}

/* Of what comes in while it is down one is tried, at most ten a second. */
static void
test_newcomers_are_tried_while_it_is_down(void **state)
{
	struct world *w = outlet(state, 4);

	w->bad_fault = HANDLER_FAULT_DOWN;
	add_bad(w, 100, 0);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_in_range(w->runs, GATE_DOWN_CALLS, GATE_DOWN_CALLS + 4);
	w->runs = 0;
	for (int i = 0; i < 100; i++) {
		int64_t id = world_arrive(w, 1);

		w->jobs[id - 1].bad = true;
		dispatch_open(w->d, id);
		world_settle(w);
		fake_clock_pass_ms(10);
	}
	assert_in_range(w->runs, 9, 11);
	fake_clock_pass_ms(100);
	world_settle(w); /* the last one; nobody else is new any more */
	w->runs = 0;
	fake_clock_pass_ms(1000);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	assert_served(w); /* it works again, and is found to at once */
	assert_int_equal(fake_log_count("info handler h1: answers again"), 1);
}

/* A reload while calls of either kind are under way counts them right. */
static void
test_a_reload_keeps_the_share(void **state)
{
	struct world *w = outlet(state, 4);

	add_bad(w, 10, 1);
	for (size_t i = 0; i < 10; i++)
		w->jobs[i].hangs = true;
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->ncalls, 2);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->ncalls, 2);
	world_finish(w, HANDLER_DONE);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(w->ncalls, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_bad_orders_hold_up_no_good_one),
		world_test(test_many_bad_orders_hold_up_no_good_one),
		world_test(test_bad_orders_do_not_hide_the_good_behind),
		world_test(test_hanging_orders_leave_room),
		world_test(test_due_bad_orders_do_not_hide_the_others),
		world_test(test_due_bad_orders_do_not_hide_an_alarm),
		world_test(test_bad_jobs_of_a_projection_hold_up_no_good_one),
		world_test(test_new_orders_do_not_starve_retries),
		world_test(test_a_second_try_does_not_wait_for_the_hopeless),
		world_test(test_broken_for_all_is_probed),
		world_test(test_newcomers_are_tried_while_it_is_down),
		world_test(test_a_reload_keeps_the_share),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
