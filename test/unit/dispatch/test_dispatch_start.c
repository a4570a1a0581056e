/* Outlets: a job is begun in the store before it is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>

#include "server/dispatch/pace.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"

/* The store knows of an attempt before the call is made, and gives the body. */
static void
test_a_job_is_begun_before_it_is_called(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 1);

	world_turn(w);
	world_serve(w); /* found */
	world_turn(w);
	assert_int_equal(fake_store_waiting(w->st, FAKE_START), 1);
	assert_int_equal(fake_store_find(w->st, FAKE_START)->job, 1);
	assert_int_equal(w->runs, 0);
	assert_int_equal(dispatch_busy(w->d), 1);
	world_serve(w);
	assert_int_equal(w->runs, 1);
	assert_int_equal(w->bodies, 1);
	assert_int_equal(w->attempt, 1);
	assert_int_equal(w->jobs[0].state, JOB_RUNNING);
	assert_int_equal(dispatch_recording(w->d), 0);
	assert_int_equal(dispatch_busy(w->d), 1);
}

/* The next job's start, and then its end as done: once, and served. */
static void
assert_once(struct world *w, bool once, bool served)
{
	world_turn(w);
	assert_int_equal(fake_store_find(w->st, FAKE_START)->skip &
			     STORE_SKIP_SERVED,
	    once ? STORE_SKIP_SERVED : 0);
	world_serve(w);
	world_finish(w, HANDLER_DONE);
	assert_int_equal(fake_store_find(w->st, FAKE_FINISH)->out.served,
	    served);
	world_settle(w);
}

/* Once per order is asked for created events, and not for replays. */
static void
test_once_is_for_created_events_that_are_no_replays(void **state)
{
	struct world *w = *state;

	w->once = true;
	w = world_calls(state, HANDLER_PENDING, 1);
	world_turn(w);
	world_serve(w);
	assert_once(w, true, true);

	world_add(w, 1, 1);
	w->jobs[1].replay = true;
	dispatch_look(w->d, 1);
	world_turn(w);
	world_serve(w);
	assert_once(w, false, true);

	w->type = "klikit.order.status.updated";
	dispatch_open(w->d, world_arrive(w, 1));
	assert_once(w, false, false);
}

/* A handler may ring for an order that it has done itself, and do it later. */
static void
test_an_alarm_is_not_what_is_done_once(void **state)
{
	struct world *w = *state;

	w->once = true;
	w = world_calls(state, HANDLER_PENDING, 1);
	w->jobs[0].guards = 9;
	world_turn(w);
	world_serve(w);
	assert_once(w, false, false);
}

/* Without once_per_order nothing is asked and nothing noted. */
static void
test_once_may_be_turned_off(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 1);

	world_turn(w);
	world_serve(w);
	assert_once(w, false, false);
}

/* What was done before is not called, counted, and frees its lane. */
static void
test_an_already_done_job_is_not_called(void **state)
{
	struct world *w = world_calls(state, HANDLER_DONE, 2);
	struct dispatch_stats stats;

	w->already = 1;
	world_settle(w);
	assert_int_equal(w->jobs[0].runs, 0);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
	assert_int_equal(w->jobs[1].runs, 1);
	dispatch_stats(w->d, &stats);
	assert_int_equal(stats.already, 1);
	assert_int_equal(stats.done, 1);
	assert_int_equal(fake_log_count("job 1 h1: already: job "), 1);
}

/* A job that was discarded, or is cancelled, between is let go. */
static void
test_a_job_that_ended_meanwhile_is_let_go(void **state)
{
	struct world *w = world_calls(state, HANDLER_DONE, 1);

	world_turn(w);
	world_serve(w);
	w->jobs[0].state = JOB_DEAD;
	world_settle(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(dispatch_busy(w->d), 0);
	assert_int_equal(fake_log_count("warn"), 0);
}

/* A start that could not be written is made again after a rest. */
static void
test_a_failed_start_is_repeated_after_a_rest(void **state)
{
	struct world *w = world_calls(state, HANDLER_DONE, 1);

	w->start_rc = STORE_FULL;
	world_settle(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(fake_store_total(w->st, FAKE_START), 1);
	fake_clock_pass_ms(990);
	world_settle(w);
	assert_int_equal(fake_store_total(w->st, FAKE_START), 1);
	w->start_rc = STORE_OK;
	fake_clock_pass_ms(20);
	world_settle(w);
	assert_int_equal(w->jobs[0].runs, 1);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* Nor is a job lost when the store has no memory for its start. */
static void
test_a_refused_start_is_repeated_after_a_rest(void **state)
{
	struct world *w = world_calls(state, HANDLER_DONE, 1);

	world_turn(w);
	world_serve(w);
	fake_store_refuse(w->st, 1);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	fake_clock_pass_ms(1001);
	world_settle(w);
	assert_int_equal(w->jobs[0].state, JOB_DONE);
}

/* An alarm is logged and counted when it rings, not when it is retried. */
static void
test_an_alarm_is_logged_once(void **state)
{
	struct world *w = world_calls(state, HANDLER_RETRY, 1);
	struct dispatch_stats stats;

	w->jobs[0].guards = 1;
	world_settle(w);
	fake_clock_pass_ms(6000);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	assert_int_equal(fake_log_count("warn alarm: h1 rings: event event-1"),
	    1);
	dispatch_stats(w->d, &stats);
	assert_int_equal(stats.alarms, 1);
}

/* An alarm that ingest has announced is started when it is due. */
static void
test_an_announced_alarm_rings_when_due(void **state)
{
	struct world *w = *state;
	struct steady_time due;

	w->alarm_max_ms = 180000;
	w = world_calls(state, HANDLER_DONE, 0);
	world_settle(w);
	world_add(w, 1, 1);
	w->jobs[0].state = JOB_WAITING;
	w->jobs[0].due_ms = FAKE_CLOCK_START_MS + 180000;
	due.ms = w->jobs[0].due_ms;
	dispatch_due(w->d, 1, due);
	dispatch_due(w->d, 1, steady_add(due, 1)); /* later: no matter */
	fake_clock_pass_ms(179999);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	fake_clock_pass_ms(1);
	world_settle(w);
	assert_int_equal(w->runs, 1);
}

/* Starts of big bodies are one at a time, and none is held for good. */
static void
test_big_starts_are_one_at_a_time(void **state)
{
	struct world *w = *state;

	w->outlets = 1;
	w->concurrency = 4;
	w->verdict = HANDLER_PENDING;
	w->body_len = PACE_BIG_BODY + 1;
	world_add(w, 10, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w); /* the jobs are here */
	for (int i = 0; i < 3; i++)
		world_turn(w);
	assert_int_equal(fake_store_waiting(w->st, FAKE_START), 1);
	world_settle(w);
	assert_int_equal(w->ncalls, 4);
	w->verdict = HANDLER_DONE;
	while (w->ncalls > 0) {
		world_finish(w, HANDLER_DONE);
		world_settle(w);
	}
	assert_int_equal(world_count(w, JOB_DONE), 10);
}

/* What is in the store's hands when a turn of the loop hands it over. */
struct handed {
	struct world *w;
	struct event *flush;
	size_t finishes, starts;
};

/* event: as the server does it for the store, at the end of a turn. */
static void
handed_flush_cb(evutil_socket_t fd, short what, void *arg)
{
	struct handed *h = arg;

	(void)fd;
	(void)what;
	h->finishes = fake_store_waiting(h->w->st, FAKE_FINISH);
	h->starts = fake_store_waiting(h->w->st, FAKE_START);
}

/* event: the far side answers. */
static void
handed_answer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct handed *h = arg;

	(void)fd;
	(void)what;
	world_finish(h->w, HANDLER_DONE);
	event_active(h->flush, EV_TIMEOUT, 0);
}

/* The next job starts in the commit of the outcome that made room for it. */
static void
test_an_outcome_takes_the_next_start_along(void **state)
{
	struct world *w = *state;
	struct handed h = { .w = w };
	struct event *answer;

	w->outlets = 1;
	w->concurrency = 1;
	w->verdict = HANDLER_PENDING;
	world_add(w, 2, 1);
	world_handlers(w, 1, 0);
	world_settle(w);
	assert_int_equal(w->ncalls, 1);
	h.flush = evtimer_new(w->base, handed_flush_cb, &h);
	answer = evtimer_new(w->base, handed_answer_cb, &h);
	assert_non_null(h.flush);
	assert_non_null(answer);
	event_active(answer, EV_TIMEOUT, 0);
	world_turn(w);
	assert_int_equal(h.finishes, 1);
	assert_int_equal(h.starts, 1);
	event_free(answer);
	event_free(h.flush);
	world_settle(w);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 2);
}

/*
 * One handler, one call at a time: three jobs of a lane, the second called. The
 * end of the first has shown that there is a next.
 */
static struct world *
world_lane(void **state)
{
	struct world *w = *state;

	w->outlets = 1;
	w->concurrency = 1;
	w->verdict = HANDLER_PENDING;
	w->begins_next = true;
	world_add(w, 3, 1);
	w->jobs[1].behind = 1;
	w->jobs[2].behind = 2;
	world_handlers(w, 1, 0);
	world_settle(w);
	world_finish(w, HANDLER_DONE);
	assert_false(fake_store_find(w->st, FAKE_FINISH)->out.begin_next);
	world_settle(w);
	assert_int_equal(w->runs, 2);
	return (w);
}

/* Within a lane a job is begun with the end of the one before; called once. */
static void
test_an_end_begins_the_next_of_its_lane(void **state)
{
	struct world *w = world_lane(state);

	world_finish(w, HANDLER_DONE);
	assert_true(fake_store_find(w->st, FAKE_FINISH)->out.begin_next);
	assert_null(fake_store_find(w->st, FAKE_FINISH)->out.once);
	world_settle(w);
	assert_int_equal(w->runs, 3);
	assert_int_equal(w->attempt, 1);
	assert_int_equal(fake_store_total(w->st, FAKE_START), 2);
	world_finish(w, HANDLER_RETRY);
	assert_false(fake_store_find(w->st, FAKE_FINISH)->out.begin_next);
	world_settle(w);
	assert_int_equal(w->jobs[2].state, JOB_WAITING);
	assert_int_equal(dispatch_busy(w->d), 0);
}

/* Meanwhile its call has its place: no other is begun beside. */
static void
test_the_next_of_a_lane_keeps_its_place(void **state)
{
	struct world *w = world_lane(state);

	world_finish(w, HANDLER_DONE);
	dispatch_open(w->d, world_arrive(w, 1));
	world_turn(w);
	assert_int_equal(fake_store_waiting(w->st, FAKE_START), 0);
	world_settle(w);
	assert_int_equal(w->runs, 3);
	/* Who came meanwhile is next, and nobody is begun before it. */
	world_finish(w, HANDLER_DONE);
	assert_false(fake_store_find(w->st, FAKE_FINISH)->out.begin_next);
	world_settle(w);
	assert_int_equal(w->runs, 4);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(w->calls_max, 1);
	assert_int_equal(world_count(w, JOB_DONE), 4);
	assert_int_equal(dispatch_busy(w->d), 0);
}

/* An end that cannot be written keeps no place, and begins nothing later. */
static void
test_an_unwritten_end_begins_nothing(void **state)
{
	struct world *w = world_lane(state);

	w->finish_rc = STORE_FULL;
	world_finish(w, HANDLER_DONE);
	world_serve(w);
	w->finish_rc = STORE_OK;
	fake_clock_pass_ms(2000);
	world_turn(w);
	assert_false(fake_store_find(w->st, FAKE_FINISH)->out.begin_next);
	world_settle(w);
	assert_int_equal(w->runs, 3);
	assert_int_equal(fake_store_total(w->st, FAKE_START), 3);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 3);
}

/* Once per order holds for what is begun so. */
static void
test_once_is_asked_of_the_next_too(void **state)
{
	struct world *w = *state;
	bool (*once)(const char *);

	w->once = true;
	(void)world_lane(state);
	world_finish(w, HANDLER_DONE);
	once = fake_store_find(w->st, FAKE_FINISH)->out.once;
	assert_true(once("klikit.order.created.v2"));
	assert_false(once("klikit.order.status.updated"));
	world_settle(w);
	world_finish(w, HANDLER_DONE);
	assert_true(fake_store_find(w->st, FAKE_FINISH)->out.served);
	world_settle(w);
}

/*
 * A receiver that was stopped for longer than its lease: what it has begun may
 * be another's, and is not called.
 */
static void
test_what_may_be_anothers_is_not_called(void **state)
{
	struct world *w = world_calls(state, HANDLER_PENDING, 1);

	world_turn(w);
	world_serve(w); /* found */
	world_turn(w);
	fake_store_lose(w->st);
	world_serve(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(fake_log_count("another may do it"), 1);
	world_settle(w);
	assert_int_equal(w->runs, 0);
	assert_int_equal(w->jobs[0].state, JOB_WAITING);
	assert_int_equal(dispatch_busy(w->d), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_a_job_is_begun_before_it_is_called),
		world_test(test_once_is_for_created_events_that_are_no_replays),
		world_test(test_an_alarm_is_not_what_is_done_once),
		world_test(test_once_may_be_turned_off),
		world_test(test_an_already_done_job_is_not_called),
		world_test(test_a_job_that_ended_meanwhile_is_let_go),
		world_test(test_a_failed_start_is_repeated_after_a_rest),
		world_test(test_a_refused_start_is_repeated_after_a_rest),
		world_test(test_an_alarm_is_logged_once),
		world_test(test_an_announced_alarm_rings_when_due),
		world_test(test_big_starts_are_one_at_a_time),
		world_test(test_an_outcome_takes_the_next_start_along),
		world_test(test_an_end_begins_the_next_of_its_lane),
		world_test(test_the_next_of_a_lane_keeps_its_place),
		world_test(test_an_unwritten_end_begins_nothing),
		world_test(test_once_is_asked_of_the_next_too),
		world_test(test_what_may_be_anothers_is_not_called),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
