/* The routes of ingest, and its way to dispatch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/dispatch.h"
#include "test/lib/deliveries.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

/* -- Routes -- */

/* An event gets a job for each handler it is for, and no other. */
static void
test_jobs_follow_the_routes(void **state)
{
	static const char *const every[] = { "*" };
	static const char *const created[] = { CREATED };
	static const char *const seven[] = { "7" };
	static const char *const eight[] = { "8" };
	const struct ingest_route routes[] = {
		{ .handler = 11, .events = created, .nevents = 1 },
		{ .handler = 12,
		    .events = every,
		    .nevents = 1,
		    .brands = seven,
		    .nbrands = 1,
		    .ordered = true },
		{ .handler = 13,
		    .events = every,
		    .nevents = 1,
		    .branches = eight,
		    .nbranches = 1 },
	};
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	const struct fake_op *op;

	assert_int_equal(ingest_route(f->in, routes, 3), 0);
	(void)deliveries_submit(f, BODY, &a);
	op = fake_store_find(f->w->st, FAKE_APPEND);
	assert_int_equal(op->nspecs, 2);
	assert_int_equal(op->specs[0].handler, 11);
	assert_false(op->specs[0].ordered);
	assert_int_equal(op->specs[1].handler, 12);
	assert_true(op->specs[1].ordered);
	assert_int_equal(op->specs[1].place, STORE_WHOLE_EVENT);
	fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);

	(void)deliveries_submit_type(f, "x.new", "{\"branch_id\":\"8\"}", &a);
	op = fake_store_find(f->w->st, FAKE_APPEND);
	assert_int_equal(op->nspecs, 1);
	assert_int_equal(op->specs[0].handler, 13);
	fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);

	(void)deliveries_submit_type(f, "x.new", "[]",
	    &a); /* stored all the same */
	assert_int_equal(fake_store_find(f->w->st, FAKE_APPEND)->nspecs, 0);
}

#define THREE "{\"orders\":[{\"id\":1},{\"id\":2},{},{\"id\":3}]}"

/* By order, each has a job with its place; without any the event has one. */
static void
test_a_route_may_want_a_job_for_each_order(void **state)
{
	static const char *const every[] = { "*" };
	static const int32_t places[] = { 0, 1, 3 };
	const struct ingest_route routes[] = {
		{ .handler = 11, .events = every, .nevents = 1 },
		{ .handler = 12,
		    .events = every,
		    .nevents = 1,
		    .ordered = true,
		    .per_order = true },
	};
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	const struct fake_op *op;

	assert_int_equal(ingest_route(f->in, routes, 2), 0);
	(void)deliveries_submit(f, THREE, &a);
	op = fake_store_find(f->w->st, FAKE_APPEND);
	assert_int_equal(op->nspecs, 4);
	assert_int_equal(op->specs[0].place, STORE_WHOLE_EVENT);
	for (size_t i = 1; i < 4; i++) {
		assert_int_equal(op->specs[i].handler, 12);
		assert_int_equal(op->specs[i].place, places[i - 1]);
		assert_int_equal(op->specs[i].guards, STORE_NO_GUARD);
		assert_int_equal(op->specs[i].due_at_ms, 0);
		assert_true(op->specs[i].ordered);
	}
	fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);

	(void)deliveries_submit(f, "{}", &a);
	op = fake_store_find(f->w->st, FAKE_APPEND);
	assert_int_equal(op->nspecs, 2);
	assert_int_equal(op->specs[1].handler, 12);
	assert_int_equal(op->specs[1].place, STORE_WHOLE_EVENT);
}

/* Every guarded job has an alarm behind it, due by its deadline, in no lane. */
static void
test_a_deadline_makes_an_alarm_for_each_job(void **state)
{
	static const char *const every[] = { "*" };
	const struct ingest_route routes[] = {
		{ .handler = 11, .events = every, .nevents = 1 },
		{ .handler = 12,
		    .events = every,
		    .nevents = 1,
		    .ordered = true,
		    .per_order = true,
		    .deadline_ms = 180000,
		    .alarm = 13 },
		{ .handler = 13 },
	};
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	const struct fake_op *op;

	assert_int_equal(ingest_route(f->in, routes, 3), 0);
	(void)deliveries_submit(f, THREE, &a);
	op = fake_store_find(f->w->st, FAKE_APPEND);
	assert_int_equal(op->nspecs, 7);
	for (size_t i = 1; i < 7; i += 2) {
		assert_int_equal(op->specs[i].handler, 12);
		assert_int_equal(op->specs[i].guards, STORE_NO_GUARD);
		assert_int_equal(op->specs[i + 1].handler, 13);
		assert_int_equal(op->specs[i + 1].guards, i);
		assert_int_equal(op->specs[i + 1].place, op->specs[i].place);
		assert_int_equal(op->specs[i + 1].due_at_ms,
		    fake_clock_wall_ms() + 180000);
		assert_false(op->specs[i + 1].ordered);
	}
}

/* Once on disk an alarm is looked for at its time, by the clock of jobs. */
static void
test_a_stored_alarm_is_looked_for_in_time(void **state)
{
	static const char *const every[] = { "*" };
	const struct ingest_route routes[] = {
		{ .handler = 1,
		    .events = every,
		    .nevents = 1,
		    .deadline_ms = 180000,
		    .alarm = 2 },
		{ .handler = 2 },
	};
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	size_t asked;

	f->w->alarm_max_ms = 180000;
	world_handlers(f->w, 2, 0);
	world_settle(f->w);
	fake_clock_jump_ms(-86400000);
	assert_int_equal(ingest_route(f->in, routes, 2), 0);
	(void)deliveries_submit(f, BODY, &a);
	assert_int_equal(fake_store_find(f->w->st, FAKE_APPEND)
			     ->specs[1]
			     .due_at_ms,
	    dispatch_now_ms(f->w->d) + 180000);
	deliveries_commit(f, 1);
	ingest_answered(f->in, a.event, true);
	world_settle(f->w);
	asked = fake_store_total(f->w->st, FAKE_RUNNABLE);
	fake_clock_pass_ms(179999);
	world_settle(f->w);
	assert_int_equal(fake_store_total(f->w->st, FAKE_RUNNABLE), asked);
	fake_clock_pass_ms(1);
	world_turn(f->w);
	assert_int_equal(fake_store_find(f->w->st, FAKE_RUNNABLE)->handler, 2);
	world_settle(f->w);
}

/* Short of memory the old routes stay. */
static void
test_routes_stay_without_memory(void **state)
{
	static const char *const none[] = { "nothing" };
	const struct ingest_route other = { .handler = 2,
		.events = none,
		.nevents = 1 };
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	size_t n = 0;

	for (;; n++) {
		heap_fail(n, 1);
		if (ingest_route(f->in, &other, 1) == 0)
			break;
		assert_int_equal(heap_heal(), 0);
		(void)deliveries_submit(f, BODY, &a);
		assert_int_equal(fake_store_find(f->w->st, FAKE_APPEND)->nspecs,
		    1);
		fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);
	}
	assert_int_equal(heap_heal(), 1);
	assert_int_equal(n, 5); /* two lists, three of texts */
}

/* -- Towards dispatch -- */

/* Committed is not enough: the answer has to leave before jobs run. */
static void
test_jobs_run_once_the_answer_has_left(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;

	world_handlers(f->w, 1, 0);
	world_settle(f->w);
	(void)deliveries_submit(f, BODY, &a);
	deliveries_commit(f, 1);
	world_settle(f->w);
	assert_int_equal(f->w->runs, 0);
	ingest_answered(f->in, a.event, true);
	world_settle(f->w);
	assert_int_equal(f->w->jobs[0].runs, 1);
}

/* An event that was stored needs no body in memory any more. */
static void
test_a_stored_body_is_let_go(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	struct store_event *ev;

	(void)deliveries_submit(f, BODY, &a);
	ev = store_event_ref(fake_store_find(f->w->st, FAKE_APPEND)->ev);
	deliveries_commit(f, 1);
	assert_null(ev->body);
	assert_int_equal(ev->body_len, strlen(BODY));
	store_event_unref(ev);
}

/* Orders without an id are told of, not counted among the orders. */
static void
test_orders_without_id_are_told_of(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;

	(void)deliveries_submit(f, "{\"orders\":[{\"id\":1},{},7]}", &a);
	assert_int_equal(fake_store_find(f->w->st, FAKE_APPEND)->ev->norders,
	    1);
	assert_int_equal(fake_log_count(
			     "warn event evt-1: 2 of its orders have no id"),
	    1);
}

/* Short of memory there is no ingest, and nothing is left behind. */
static void
test_new_without_memory_is_null(void **state)
{
	struct deliveries *f = *state;
	struct ingest *in = NULL;
	size_t n = 0;

	for (;; n++) {
		heap_fail(n, 1);
		in = ingest_new(f->w->base, f->w->st, f->w->d, f->rej);
		if (in != NULL)
			break;
		assert_int_equal(heap_heal(), 0);
	}
	assert_int_equal(heap_heal(), 1);
	assert_in_range(n, 4, 10);
	ingest_free(in);
}

#define ingest_test(f)                                                         \
	cmocka_unit_test_setup_teardown(f, deliveries_setup,                   \
	    deliveries_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ingest_test(test_jobs_follow_the_routes),
		ingest_test(test_a_route_may_want_a_job_for_each_order),
		ingest_test(test_a_deadline_makes_an_alarm_for_each_job),
		ingest_test(test_a_stored_alarm_is_looked_for_in_time),
		ingest_test(test_routes_stay_without_memory),
		ingest_test(test_jobs_run_once_the_answer_has_left),
		ingest_test(test_a_stored_body_is_let_go),
		ingest_test(test_orders_without_id_are_told_of),
		ingest_test(test_new_without_memory_is_null),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
