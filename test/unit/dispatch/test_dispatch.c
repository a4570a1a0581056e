/* Events held and opened, slices, reloads, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "server/dispatch/pace.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

/* A dispatch with one handler that has asked the store and got nothing. */
static struct world *
idle(void **state)
{
	struct world *w = *state;

	world_handlers(w, 1, 0);
	world_settle(w);
	return (w);
}

/* -- Events that are held -- */

/* However often the loop turns, a job waits for its event's answer. */
static void
test_jobs_wait_for_the_answer(void **state)
{
	struct world *w = idle(state);
	int64_t ev = world_arrive(w, 1);

	world_turn(w);
	world_turn(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(fake_log_count("event=event-1"), 0);

	dispatch_open(w->d, ev);
	assert_int_equal(w->runs, 0); /* not inside the call */
	world_settle(w);
	assert_int_equal(w->jobs[0].runs, 1);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	assert_int_equal(fake_log_count(
			     "[klikit.order.created.v2] brand=- branch=- "
			     "orders=0 event=event-1"),
	    1);
}

/* A job whose lane is freed by another's outcome still waits. */
static void
test_a_freed_lane_does_not_start_a_held_job(void **state)
{
	struct world *w = idle(state);
	struct store_event *ev;
	int64_t first = world_arrive(w, 1);

	dispatch_open(w->d, first);
	world_turn(w); /* runs it; its outcome is under way */
	assert_int_equal(w->runs, 1);

	world_add(w, 1, 1); /* the second stands behind the first */
	w->jobs[1].behind = 1;
	ev = store_event_new(&(struct store_event){ .event_id = "second",
	    .type = "klikit.order.created.v2",
	    .secret = "default",
	    .peer = "-" });
	ev->id = 2;
	dispatch_hold(w->d, ev, NULL, 0);
	store_event_unref(ev);

	world_serve(w); /* frees the lane */
	world_settle(w);
	assert_int_equal(w->jobs[1].runs, 0);
	dispatch_open(w->d, 2);
	world_settle(w);
	assert_int_equal(w->jobs[1].runs, 1);
}

/* A held job that a fetch finds waits too, and is run once. */
static void
test_a_fetch_does_not_start_a_held_job(void **state)
{
	struct world *w = *state;
	int64_t ev;

	world_handlers(w, 1, 0);
	world_turn(w); /* asks the store */
	ev = world_arrive(w, 1);
	world_settle(w); /* which offers the job */
	assert_int_equal(w->runs, 0);
	dispatch_open(w->d, ev);
	world_settle(w);
	assert_int_equal(w->jobs[0].runs, 1);
	assert_int_equal(fake_log_count("not recorded"), 0);
}

/* Found between its answer and its turn, a job is still run once. */
static void
test_a_fetch_does_not_double_an_opened_job(void **state)
{
	struct world *w = *state;
	int64_t ev;

	world_handlers(w, 1, 0);
	world_turn(w); /* asks the store */
	ev = world_arrive(w, 1);
	dispatch_open(w->d, ev);
	world_serve(w); /* which offers the job before its turn */
	world_settle(w);
	assert_int_equal(w->jobs[0].runs, 1);
	assert_int_equal(fake_log_count("not recorded"), 0);
}

/* Without memory to hold it, an event's jobs run once it is answered. */
static void
test_an_event_that_could_not_be_held_is_not_lost(void **state)
{
	struct world *w = idle(state);

	world_add(w, 1, 1);
	heap_fail(0, 1);
	dispatch_hold(w->d, &(struct store_event){ .id = 1, .refs = 1 }, NULL,
	    0);
	assert_int_equal(heap_heal(), 0);
	dispatch_open(w->d, 1);
	world_settle(w);
	assert_int_equal(w->jobs[0].runs, 1);
}

/* Each type klikit does not document is logged once. */
static void
test_unknown_types_are_warned_of_once_each(void **state)
{
	struct world *w = idle(state);
	const char *types[] = { "x.new", "x.other", "x.new", "x.new",
		"klikit.order.created.v2" };

	for (size_t i = 0; i < 5; i++) {
		struct store_event *ev =
		    store_event_new(&(struct store_event){ .event_id = "e",
			.type = types[i],
			.secret = "default",
			.peer = "-" });

		ev->id = (int64_t)i + 1;
		dispatch_hold(w->d, ev, NULL, 0);
		store_event_unref(ev);
		dispatch_open(w->d, (int64_t)i + 1);
	}
	world_settle(w);
	assert_int_equal(fake_log_count("unknown event type: x.new"), 1);
	assert_int_equal(fake_log_count("unknown event type: x.other"), 1);
	assert_int_equal(fake_log_count("unknown event type"), 2);
}

/* However many types there are, only so many are worth a line. */
static void
test_warnings_of_types_are_bounded(void **state)
{
	struct world *w = idle(state);
	char type[32];

	for (int64_t i = 1; i <= 200; i++) {
		struct store_event *ev;

		(void)snprintf(type, sizeof(type), "x.%d.", (int)i);
		ev = store_event_new(&(struct store_event){ .event_id = "e",
		    .type = type,
		    .secret = "default",
		    .peer = "-" });
		ev->id = i;
		dispatch_hold(w->d, ev, NULL, 0);
		store_event_unref(ev);
		dispatch_open(w->d, i);
	}
	world_settle(w);
	assert_int_equal(fake_log_count("unknown event type"), 64);
}

/* -- Slices -- */

/* Runs once in each turn of the loop, as a delivery would. */
static void
other_cb(evutil_socket_t fd, short what, void *arg)
{
	size_t *turns = arg;

	(void)fd;
	(void)what;
	++*turns;
}

/* When every job overruns the slice, a turn still runs a few. */
static void
test_a_turn_runs_its_minimum_and_stops(void **state)
{
	struct world *w = *state;

	world_add(w, 10000, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w); /* the queue is filled */
	fake_clock_step_us(DISPATCH_SLICE_US);
	for (size_t turn = 1; turn <= 4; turn++) { /* then the records end */
		world_turn(w);
		assert_int_equal(w->runs, turn * DISPATCH_SLICE_MIN);
	}
}

/* With quick jobs a turn ends with its slice, not with the queue. */
static void
test_a_turn_ends_with_its_slice(void **state)
{
	struct world *w = *state;

	world_add(w, 10000, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w);
	fake_clock_step_us(DISPATCH_SLICE_US / 40);
	world_turn(w);
	assert_in_range(w->runs, DISPATCH_SLICE_MIN + 1, PACE_RECORDS_MIN - 1);
}

/* After a turn with much else to do the slice is longer. */
static void
test_a_slice_keeps_up_with_the_rest_of_the_loop(void **state)
{
	struct world *w = *state;

	world_add(w, 10000, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w);
	fake_clock_step_us(DISPATCH_SLICE_US / 2);
	fake_clock_pass_ms(1000);
	world_turn(w);
	assert_in_range(w->runs, DISPATCH_SLICE_MIN + 1,
	    DISPATCH_SLICE_MAX_US / DISPATCH_SLICE_US);
}

/* Between two slices everything else of the loop has its turn. */
static void
test_other_events_run_between_slices(void **state)
{
	struct world *w = *state;
	size_t turns = 0;
	struct event *other =
	    event_new(w->base, -1, EV_PERSIST, other_cb, &turns);

	world_add(w, 10000, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w);
	fake_clock_step_us(DISPATCH_SLICE_US);
	for (size_t turn = 1; turn <= 4; turn++) {
		event_active(other, EV_TIMEOUT, 1);
		world_turn(w);
		assert_int_equal(turns, turn);
		assert_int_equal(w->runs, turn * DISPATCH_SLICE_MIN);
	}
	event_free(other);
}

/* A flood of answers does not keep jobs from their share. */
static void
test_opened_events_do_not_starve_jobs(void **state)
{
	struct world *w = *state;

	world_add(w, 100, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w);
	for (int i = 0; i < 50; i++)
		dispatch_open(w->d, world_arrive(w, 2));
	fake_clock_step_us(DISPATCH_SLICE_US);
	world_turn(w);
	assert_int_equal(w->runs, DISPATCH_SLICE_MIN);
	assert_int_equal(fake_log_count("info ["), DISPATCH_SLICE_MIN);
}

/* Handlers take turns, however long their queues are. */
static void
test_handlers_take_turns(void **state)
{
	struct world *w = *state;

	world_add(w, 200, 1);
	world_add(w, 2, 2);
	world_handlers(w, 2, 0);
	world_turn(w);
	world_serve(w);
	fake_clock_step_us(DISPATCH_SLICE_US);
	world_turn(w);
	assert_int_equal(w->runs, 4);
	assert_int_equal(w->jobs[200].runs + w->jobs[201].runs, 2);
}

/* However busy one handler is, another's job runs when it comes due. */
static void
test_a_backlog_does_not_hold_up_what_comes_due(void **state)
{
	struct world *w = *state;

	world_add(w, 10000, 1);
	world_add(w, 1, 2);
	w->jobs[10000].state = JOB_WAITING;
	w->jobs[10000].due_ms = FAKE_CLOCK_START_MS + 1000;
	world_handlers(w, 2, 0);
	world_turn(w);
	world_serve(w);
	fake_clock_step_us(DISPATCH_SLICE_US);
	for (int turn = 0; turn < 100; turn++) {
		fake_clock_pass_ms(20);
		world_turn(w);
		world_serve(w);
	}
	assert_int_equal(w->jobs[10000].runs, 1);
	assert_int_equal(world_count(w, JOB_READY), 10001 - w->runs);
}

/* -- Reload -- */

/* Jobs of a handler that is gone wait in the store for its return. */
static void
test_a_removed_handler_keeps_its_jobs(void **state)
{
	struct world *w = *state;

	world_handlers(w, 2, 0);
	world_add(w, 3, 2);
	world_turn(w);
	world_serve(w); /* they are in memory */
	world_handlers(w, 2, 2);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(world_count(w, JOB_READY), 3);

	dispatch_open(w->d, world_arrive(w, 2)); /* parked as well */
	world_settle(w);
	assert_int_equal(w->runs, 0);

	world_handlers(w, 2, 0);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 4);
	assert_int_equal(w->runs, 4);
	assert_int_equal(w->disorder, 0);
}

/* One that stays goes on with its queue, none of it twice. */
static void
test_a_kept_handler_keeps_its_queue(void **state)
{
	struct world *w = *state;

	world_handlers(w, 1, 0);
	world_add(w, 500, 1);
	world_turn(w);
	world_serve(w);
	fake_clock_step_us(DISPATCH_SLICE_US);
	for (int i = 0; i < 20; i++) {
		world_handlers(w, 1 + (size_t)i % 2, 0);
		assert_int_equal(w->opened, 1 + (size_t)i % 2);
		world_turn(w);
		assert_int_equal(w->runs, 4 * ((size_t)i + 1));
		if (i % 3 == 0)
			world_serve(w);
	}
	fake_clock_step_us(0);
	world_settle(w);
	assert_int_equal(w->runs, 500);
	assert_int_equal(w->disorder, 0);
	assert_int_equal(world_count(w, JOB_DONE), 500);
}

/* An outcome under way survives its handler and its return. */
static void
test_outcomes_outlive_their_handler(void **state)
{
	struct world *w = *state;

	world_handlers(w, 1, 0);
	world_add(w, 1, 1);
	world_turn(w);
	world_serve(w);
	world_turn(w);
	assert_int_equal(dispatch_recording(w->d), 1);
	world_handlers(w, 1, 1);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->jobs[0].runs, 1);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* A reload that runs out of memory, wherever, leaves all as it was. */
static void
test_a_failed_reload_changes_nothing(void **state)
{
	struct world *w = *state;
	size_t n = 0;

	world_handlers(w, 2, 0);
	world_settle(w);
	for (;; n++) {
		heap_fail(n, 1);
		if (world_try_handlers(w, 1, 0) == 0)
			break;
		assert_int_equal(heap_heal(), 0);
		assert_int_equal(w->opened, 2);
		dispatch_open(w->d, world_arrive(w, 2));
		world_settle(w);
		assert_int_equal(w->jobs[n].runs, 1);
	}
	assert_int_equal(heap_heal(), 1);
	assert_int_equal(n, 5); /* the list, name, waits, instance, itself */
	assert_int_equal(w->opened, 1);
}

/* -- Stopping -- */

/* What was answered but not begun is logged, not run, and not lost. */
static void
test_stop_leaves_opened_events_to_the_store(void **state)
{
	struct world *w = idle(state);

	dispatch_open(w->d, world_arrive(w, 1));
	dispatch_stop(w->d);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(w->jobs[0].state, JOB_READY);
	assert_int_equal(fake_log_count("event=event-1"), 1);
}

/* Held events, never answered, go with dispatch. */
static void
test_stop_leaves_held_events_to_the_store(void **state)
{
	struct world *w = idle(state);

	(void)world_arrive(w, 1);
	dispatch_stop(w->d);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(w->jobs[0].state, JOB_READY);
}

/* Outcomes under way reach the disk, but nothing new begins. */
static void
test_stop_lets_outcomes_end(void **state)
{
	struct world *w = *state;

	world_add(w, 10, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w);
	fake_clock_step_us(DISPATCH_SLICE_US);
	world_turn(w);
	dispatch_stop(w->d);
	world_settle(w);
	assert_int_equal(w->runs, 4);
	assert_int_equal(world_count(w, JOB_DONE), 4);
	assert_int_equal(world_count(w, JOB_READY), 6);
	assert_int_equal(dispatch_recording(w->d), 0);
}

/* Short of memory there is no dispatch, and nothing is left behind. */
static void
test_new_without_memory_is_null(void **state)
{
	struct world *w = *state;

	heap_fail(0, 1);
	assert_null(dispatch_new(w->base, w->st, &w->env, &w->clock));
	assert_int_equal(heap_heal(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_jobs_wait_for_the_answer),
		world_test(test_a_freed_lane_does_not_start_a_held_job),
		world_test(test_a_fetch_does_not_start_a_held_job),
		world_test(test_a_fetch_does_not_double_an_opened_job),
		world_test(test_an_event_that_could_not_be_held_is_not_lost),
		world_test(test_unknown_types_are_warned_of_once_each),
		world_test(test_warnings_of_types_are_bounded),
		world_test(test_a_turn_runs_its_minimum_and_stops),
		world_test(test_a_turn_ends_with_its_slice),
		world_test(test_a_slice_keeps_up_with_the_rest_of_the_loop),
		world_test(test_other_events_run_between_slices),
		world_test(test_opened_events_do_not_starve_jobs),
		world_test(test_handlers_take_turns),
		world_test(test_a_backlog_does_not_hold_up_what_comes_due),
		world_test(test_a_removed_handler_keeps_its_jobs),
		world_test(test_a_kept_handler_keeps_its_queue),
		world_test(test_outcomes_outlive_their_handler),
		world_test(test_a_failed_reload_changes_nothing),
		world_test(test_stop_leaves_opened_events_to_the_store),
		world_test(test_stop_leaves_held_events_to_the_store),
		world_test(test_stop_lets_outcomes_end),
		world_test(test_new_without_memory_is_null),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
