/* The subs of ingest, and its way to dispatch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/dispatch/dispatch.h"
#include "test/lib/deliveries.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

static const struct status_codes no_codes;

/* -- Routes -- */

/* An event gets a job for each handler it is for, and no other. */
static void
test_jobs_follow_the_subscriptions(void **state)
{
	static const char *const every[] = { "*" };
	static const char *const created[] = { CREATED };
	static const char *const seven[] = { "7" };
	static const char *const eight[] = { "8" };
	const struct subscription subs[] = {
		{ .handler = 11, .takes.events = created, .takes.nevents = 1 },
		{ .handler = 12,
		    .takes.events = every,
		    .takes.nevents = 1,
		    .takes.brands = seven,
		    .takes.nbrands = 1,
		    .ordered = true },
		{ .handler = 13,
		    .takes.events = every,
		    .takes.nevents = 1,
		    .takes.branches = eight,
		    .takes.nbranches = 1 },
	};
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	const struct fake_op *op;

	assert_int_equal(ingest_subscribe(f->in, subs, 3, &no_codes), 0);
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
#define STRAY 2 /* its place */

static const char *const every[] = { "*" };

/* What is queued for a delivery with these subs; valid until forget(). */
static const struct fake_op *
made(struct deliveries *f, const struct subscription *subs, size_t n,
    const char *body)
{
	static const char *const terminal[] = { "9" };
	static const char *const order[] = { "2", "5", "4" };
	const struct status_codes codes = { terminal, 1, order, 3 };
	static struct deliveries_answer a;

	assert_int_equal(ingest_subscribe(f->in, subs, n, &codes), 0);
	(void)deliveries_submit(f, body, &a);
	return (fake_store_find(f->w->st, FAKE_APPEND));
}

static void
forget(struct deliveries *f)
{
	fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);
}

/* By order, each place has a job; without any order the event has one. */
static void
test_a_handler_may_want_a_job_for_each_order(void **state)
{
	const struct subscription subs[] = {
		{ .handler = 11, .takes.events = every, .takes.nevents = 1 },
		{ .handler = 12,
		    .takes.events = every,
		    .takes.nevents = 1,
		    .ordered = true,
		    .per_order = true },
	};
	struct deliveries *f = *state;
	const struct fake_op *op;

	op = made(f, subs, 2, THREE);
	assert_int_equal(op->nspecs, 5);
	assert_int_equal(op->specs[0].place, STORE_WHOLE_EVENT);
	for (int32_t i = 1; i < 5; i++) {
		assert_int_equal(op->specs[i].handler, 12);
		assert_int_equal(op->specs[i].place, i - 1);
		assert_int_equal(op->specs[i].guards, STORE_NO_GUARD);
		assert_int_equal(op->specs[i].due_at.ms, 0);
		assert_true(op->specs[i].ordered);
	}
	forget(f);

	op = made(f, subs, 2, "{}");
	assert_int_equal(op->nspecs, 2);
	assert_int_equal(op->specs[1].handler, 12);
	assert_int_equal(op->specs[1].place, STORE_WHOLE_EVENT);
	assert_int_equal(op->specs[1].born, JOB_READY);
}

/* Where no order id can be read nothing is sent, and the job says so. */
static void
test_an_order_without_id_is_born_dead(void **state)
{
	const struct subscription subs[] = {
		{ .handler = 12,
		    .takes.events = every,
		    .takes.nevents = 1,
		    .per_order = true },
	};
	struct deliveries *f = *state;
	const struct fake_op *op;

	op = made(f, subs, 1, THREE);
	assert_int_equal(op->nspecs, 4);
	for (int32_t i = 0; i < 4; i++)
		assert_int_equal(op->specs[i].born,
		    i == STRAY ? JOB_DEAD : JOB_READY);
	assert_string_equal(op->specs[STRAY].outcome, "no usable order id");
	forget(f);

	/* The last ones too, and what is no object. */
	op = made(f, subs, 1, "{\"orders\":[{\"id\":1},7,{\"id\":null}]}");
	assert_int_equal(op->nspecs, 3);
	assert_int_equal(op->specs[1].born, JOB_DEAD);
	assert_int_equal(op->specs[2].born, JOB_DEAD);
	forget(f);

	/* If none has an id, the event is sent whole: nothing is left out. */
	op = made(f, subs, 1, "{\"orders\":[{},{}]}");
	assert_int_equal(op->nspecs, 1);
	assert_int_equal(op->specs[0].place, STORE_WHOLE_EVENT);
	assert_int_equal(op->specs[0].born, JOB_READY);
}

#define AT(time) "\"updated_at\":\"2025-01-0" #time "T00:00:00Z\""

/* An order that stands at two places is sent once: its newest record. */
static void
test_an_order_twice_in_a_body_is_sent_once(void **state)
{
	const struct subscription subs[] = {
		{ .handler = 12,
		    .takes.events = every,
		    .takes.nevents = 1,
		    .per_order = true,
		    .deadline_ms = 1000,
		    .alarm = 13 },
		{ .handler = 13 },
	};
	static const struct {
		const char *body;
		int newest;
	} cases[] = {
		{ "{\"orders\":[{\"id\":7," AT(2) "},{\"id\":7," AT(1) "}]}",
		    0 },
		{ "{\"orders\":[{\"id\":7," AT(1) "},{\"id\":7," AT(2) "}]}",
		    1 },
		/* A readable time, an end, a further status, then the place. */
		{ "{\"orders\":[{\"id\":7,\"status\":4},"
		  "{\"id\":7,\"status\":5}]}",
		    0 },
		{ "{\"orders\":[{\"id\":7," AT(1) "},{\"id\":7}]}", 0 },
		{ "{\"orders\":[{\"id\":7,\"status\":9},{\"id\":7}]}", 0 },
		{ "{\"orders\":[{\"id\":7},{\"id\":7}]}", 1 },
		/* One id, however it is written. */
		{ "{\"orders\":[{\"id\":\"7\"},{\"id\":7}]}", 1 },
		{ "{\"orders\":[{\"id\":7},{\"id\":\"\\u0037\"}]}", 1 },
	};
	struct deliveries *f = *state;
	const struct store_job_spec *s;
	const struct fake_op *op;
	char outcome[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int newest = cases[i].newest;

		op = made(f, subs, 2, cases[i].body);
		assert_int_equal(op->nspecs, 3); /* two, and one's alarm */
		s = &op->specs[newest == 0 ? 0 : 1];
		assert_int_equal(s[0].place, newest);
		assert_int_equal(s[0].born, JOB_READY);
		assert_int_equal(s[1].guards, s - op->specs);
		s = &op->specs[newest == 0 ? 2 : 0];
		assert_int_equal(s->place, 1 - newest);
		assert_int_equal(s->born, JOB_DONE);
		(void)snprintf(outcome, sizeof(outcome),
		    "superseded by place %d", newest);
		assert_string_equal(s->outcome, outcome);
		forget(f);
	}
}

/* Of many places of many orders each is judged against its own order's. */
static void
test_many_records_of_many_orders(void **state)
{
	const struct subscription sub = { .handler = 12,
		.takes.events = every,
		.takes.nevents = 1,
		.per_order = true };
	static char body[65536];
	struct deliveries *f = *state;
	const struct fake_op *op;
	size_t ready = 0;
	char *p = body;

	p += sprintf(p, "{\"orders\":[{}");
	for (int i = 1; i < 1000; i++)
		p += sprintf(p, ",{\"id\":%d}", i % 100);
	(void)sprintf(p, "]}");
	op = made(f, &sub, 1, body);
	assert_int_equal(op->nspecs, 1000);
	assert_int_equal(op->specs[0].born, JOB_DEAD);
	for (size_t i = 1; i < 1000; i++) {
		assert_int_equal(op->specs[i].place, i);
		assert_int_equal(op->specs[i].born,
		    i >= 900 ? JOB_READY : JOB_DONE);
		ready += op->specs[i].born == JOB_READY;
	}
	assert_int_equal(ready, 100);
	assert_string_equal(op->specs[1].outcome, "superseded by place 901");
	assert_string_equal(op->specs[899].outcome, "superseded by place 999");
}

/* Side by side, two created events of one order would both go out. */
static void
test_once_per_order_needs_lanes(void **state)
{
	struct subscription sub = { .handler = 12,
		.takes.events = every,
		.takes.nevents = 1,
		.once_per_order = true };
	struct deliveries *f = *state;
	static struct deliveries_answer a;

	assert_true(made(f, &sub, 1, BODY)->specs[0].ordered);
	forget(f);
	sub.per_order = true;
	assert_true(made(f, &sub, 1, BODY)->specs[0].ordered);
	forget(f);
	(void)deliveries_submit_type(f, "klikit.order.status.updated", BODY,
	    &a);
	assert_false(fake_store_find(f->w->st, FAKE_APPEND)->specs[0].ordered);
	forget(f);
	sub.once_per_order = false;
	assert_false(made(f, &sub, 1, BODY)->specs[0].ordered);
}

/* Every guarded job has an alarm behind it, due by its deadline, in no lane. */
static void
test_a_deadline_makes_an_alarm_for_each_job(void **state)
{
	const struct subscription subs[] = {
		{ .handler = 11, .takes.events = every, .takes.nevents = 1 },
		{ .handler = 12,
		    .takes.events = every,
		    .takes.nevents = 1,
		    .ordered = true,
		    .per_order = true,
		    .deadline_ms = 180000,
		    .alarm = 13 },
		{ .handler = 13 },
	};
	struct deliveries *f = *state;
	const struct fake_op *op;

	op = made(f, subs, 3, THREE);
	assert_int_equal(op->nspecs, 9);
	for (size_t i = 1; i < 9; i += 2) {
		assert_int_equal(op->specs[i].handler, 12);
		assert_int_equal(op->specs[i].guards, STORE_NO_GUARD);
		/* Dead is not done: of one born dead it rings as well. */
		assert_int_equal(op->specs[i].born,
		    op->specs[i].place == STRAY ? JOB_DEAD : JOB_READY);
		assert_int_equal(op->specs[i + 1].handler, 13);
		assert_int_equal(op->specs[i + 1].guards, i);
		assert_int_equal(op->specs[i + 1].place, op->specs[i].place);
		assert_int_equal(op->specs[i + 1].born, JOB_READY);
		assert_int_equal(op->specs[i + 1].due_at.ms,
		    fake_clock_wall_ms() + 180000);
		assert_false(op->specs[i + 1].ordered);
	}
}

/* Once on disk an alarm is looked for at its time, by the clock of jobs. */
static void
test_a_stored_alarm_is_looked_for_in_time(void **state)
{
	const struct subscription subs[] = {
		{ .handler = 1,
		    .takes.events = every,
		    .takes.nevents = 1,
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
	assert_int_equal(ingest_subscribe(f->in, subs, 2, &no_codes), 0);
	(void)deliveries_submit(f, BODY, &a);
	assert_int_equal(fake_store_find(f->w->st, FAKE_APPEND)
			     ->specs[1]
			     .due_at.ms,
	    dispatch_now(f->w->d).ms + 180000);
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

/* Short of memory the old subs stay. */
static void
test_subscriptions_stay_without_memory(void **state)
{
	static const char *const none[] = { "nothing" };
	const struct subscription other = { .handler = 2,
		.takes.events = none,
		.takes.nevents = 1 };
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	size_t n = 0;

	for (;; n++) {
		heap_fail(n, 1);
		if (ingest_subscribe(f->in, &other, 1, &no_codes) == 0)
			break;
		assert_int_equal(heap_heal(), 0);
		(void)deliveries_submit(f, BODY, &a);
		assert_int_equal(fake_store_find(f->w->st, FAKE_APPEND)->nspecs,
		    1);
		fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);
	}
	assert_int_equal(heap_heal(), 1);
	assert_int_equal(n, 9); /* two lists, seven of texts */
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
	assert_int_equal(fake_log_count("warn event evt-1: 2 of its orders "
					"have no usable id"),
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
		ingest_test(test_jobs_follow_the_subscriptions),
		ingest_test(test_a_handler_may_want_a_job_for_each_order),
		ingest_test(test_an_order_without_id_is_born_dead),
		ingest_test(test_an_order_twice_in_a_body_is_sent_once),
		ingest_test(test_many_records_of_many_orders),
		ingest_test(test_once_per_order_needs_lanes),
		ingest_test(test_a_deadline_makes_an_alarm_for_each_job),
		ingest_test(test_a_stored_alarm_is_looked_for_in_time),
		ingest_test(test_subscriptions_stay_without_memory),
		ingest_test(test_jobs_run_once_the_answer_has_left),
		ingest_test(test_a_stored_body_is_let_go),
		ingest_test(test_orders_without_id_are_told_of),
		ingest_test(test_new_without_memory_is_null),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
