#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "handlers/envelope.h"
#include "server/ingest.h"
#include "server/rejections.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

#define CREATED "klikit.order.created.v2"
#define BODY                                                                   \
	"{\"brand_id\":7,\"branch_id\":9,\"orders\":[{\"id\":81,\"status\":1}" \
	"]}"

struct fixture {
	struct world *w; /* the store, the loop and dispatch */
	struct rejections *rej;
	struct ingest *in;
};

/* What a delivery's caller is told; static, as teardown may still tell it. */
struct answer {
	struct fixture *f;
	int times;
	bool resubmit; /* from inside done() */
	enum ingest_rc rc;
	int64_t event;
};

static const char *const every[] = { "*" };
static const struct ingest_route all = { .handler = 1,
	.events = every,
	.nevents = 1,
	.ordered = true };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *w;

	assert_non_null(f);
	(void)world_setup(&w);
	f->w = w;
	f->rej = rejections_new(f->w->base, f->w->st);
	f->in = ingest_new(f->w->base, f->w->st, f->w->d, f->rej);
	assert_non_null(f->rej);
	assert_non_null(f->in);
	assert_int_equal(ingest_route(f->in, &all, 1), 0);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	void *w = f->w;

	(void)heap_heal();
	fake_store_refuse(f->w->st, 0);
	dispatch_stop(f->w->d);
	while (fake_store_waiting(f->w->st, FAKE_APPEND) > 0)
		fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);
	while (fake_store_waiting(f->w->st, FAKE_REJECT) > 0)
		fake_store_end(f->w->st, FAKE_REJECT, STORE_OK);
	assert_int_equal(ingest_pending(f->in), 0);
	ingest_free(f->in);
	rejections_free(f->rej);
	(void)world_teardown(&w);
	free(f);
	return (0);
}

static enum ingest_rc submit(struct fixture *f, const char *body,
    struct answer *a);

static void
answer_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct answer *a = arg;

	a->times++;
	a->rc = rc;
	a->event = event;
	if (a->resubmit) {
		a->resubmit = false;
		assert_int_equal(submit(a->f, BODY, a), INGEST_PENDING);
	}
}

/* A delivery with that body; frees it if it stays the caller's. */
static enum ingest_rc
submit_type(struct fixture *f, const char *type, const char *body,
    struct answer *a)
{
	static const unsigned char digest[ORDER_DIGEST_LEN] = { 1, 2, 3 };
	struct delivery del = {
		.event_id = "evt-1",
		.type = type,
		.secret = "default",
		.peer = "192.0.2.1:4711",
		.digest = digest,
		.received_at_ms = fake_clock_wall_ms(),
		.body = strdup(body),
		.body_len = strlen(body),
	};
	int before = a->times;
	enum ingest_rc rc;

	assert_non_null(del.body);
	a->f = f;
	rc = ingest_submit(f->in, &del, answer_cb, a);
	assert_int_equal(a->times, before); /* never before it returns */
	if (rc != INGEST_PENDING) {
		assert_string_equal(del.body, body); /* still the caller's */
		free(del.body);
	}
	return (rc);
}

static enum ingest_rc
submit(struct fixture *f, const char *body, struct answer *a)
{
	return (submit_type(f, CREATED, body, a));
}

static size_t
appends(const struct fixture *f)
{
	return (fake_store_waiting(f->w->st, FAKE_APPEND));
}

/* The oldest delivery is committed as event id, with one job for handler 1. */
static void
commit(struct fixture *f, int64_t id)
{
	struct fake_op *op = fake_store_find(f->w->st, FAKE_APPEND);
	struct store_job job = {
		.id = id,
		.handler = 1,
		.place = STORE_WHOLE_EVENT,
		.ev = op->ev,
	};

	world_add(f->w, 1, 1);
	assert_int_equal(f->w->njobs, id);
	fake_store_complete(f->w->st, op,
	    &(struct store_result){ .rc = STORE_OK,
		.id = id,
		.runnable = &job,
		.nrunnable = 1 });
}

static void
pass_ms(struct fixture *f, int64_t ms)
{
	fake_clock_pass_ms(ms);
	world_turn(f->w);
}

/* -- One answer each -- */

/* A commit is answered once, with the event's number, after the call. */
static void
test_a_commit_is_answered_once(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	struct ingest_stats stats;

	assert_int_equal(submit(f, BODY, &a), INGEST_PENDING);
	assert_int_equal(ingest_pending(f->in), 1);
	world_turn(f->w);
	assert_int_equal(a.times, 0);
	commit(f, 1);
	assert_int_equal(a.times, 1);
	assert_int_equal(a.rc, INGEST_RECEIVED);
	assert_int_equal(a.event, 1);
	assert_int_equal(ingest_pending(f->in), 0);
	pass_ms(f, 10 * INGEST_COMMIT_MS);
	assert_int_equal(a.times, 1);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.received, 1);
	assert_int_equal(stats.busy + stats.duplicates + stats.invalid, 0);
}

/* What is stored is what was delivered. */
static void
test_the_event_is_the_delivery(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	const struct store_event *ev;

	assert_int_equal(submit(f, BODY, &a), INGEST_PENDING);
	ev = fake_store_find(f->w->st, FAKE_APPEND)->ev;
	assert_string_equal(ev->event_id, "evt-1");
	assert_string_equal(ev->type, CREATED);
	assert_string_equal(ev->brand, "7");
	assert_string_equal(ev->branch, "9");
	assert_string_equal(ev->secret, "default");
	assert_string_equal(ev->peer, "192.0.2.1:4711");
	assert_int_equal(ev->digest[2], 3);
	assert_int_equal(ev->received_at_ms, FAKE_CLOCK_START_MS);
	assert_int_equal(ev->norders, 1);
	assert_string_equal(ev->orders[0].order_id, "81");
	assert_memory_equal(ev->body, BODY, strlen(BODY));
	assert_int_equal(ev->body_len, strlen(BODY));
}

/* Without a commit in 5 s the sender is turned away, once. */
static void
test_a_delivery_is_turned_away_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	struct ingest_stats stats;

	(void)submit(f, BODY, &a);
	pass_ms(f, INGEST_COMMIT_MS - 1);
	assert_int_equal(a.times, 0);
	pass_ms(f, 1);
	assert_int_equal(a.times, 1);
	assert_int_equal(a.rc, INGEST_BUSY);
	assert_int_equal(ingest_pending(f->in), 1); /* the store has it */
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.busy, 1);
}

/* A commit that comes too late answers nobody, but its jobs run. */
static void
test_a_late_commit_still_runs_its_jobs(void **state)
{
	struct fixture *f = *state;
	static struct answer a;

	world_handlers(f->w, 1, 0);
	world_settle(f->w);
	(void)submit(f, BODY, &a);
	pass_ms(f, INGEST_COMMIT_MS);
	assert_int_equal(a.rc, INGEST_BUSY);
	commit(f, 1);
	assert_int_equal(a.times, 1);
	assert_int_equal(ingest_pending(f->in), 0);
	world_settle(f->w);
	assert_int_equal(f->w->jobs[0].runs, 1);
}

/* Failing late, it answers nobody either, and is counted once. */
static void
test_a_late_failure_answers_nobody(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	struct ingest_stats stats;

	(void)submit(f, BODY, &a);
	pass_ms(f, INGEST_COMMIT_MS);
	fake_store_end(f->w->st, FAKE_APPEND, STORE_FULL);
	assert_int_equal(a.times, 1);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.busy, 1);
}

/* Each delivery has its own deadline, also when those before are gone. */
static void
test_each_delivery_has_its_own_deadline(void **state)
{
	struct fixture *f = *state;
	static struct answer a[3];

	for (int i = 0; i < 3; i++) {
		(void)submit(f, BODY, &a[i]);
		pass_ms(f, 1000);
	}
	commit(f, 1);
	pass_ms(f, 2999); /* the second is 4,999 ms old */
	assert_int_equal(a[1].times, 0);
	pass_ms(f, 1);
	assert_int_equal(a[1].rc, INGEST_BUSY);
	assert_int_equal(a[2].times, 0);
	pass_ms(f, 1000);
	assert_int_equal(a[2].rc, INGEST_BUSY);
	assert_int_equal(a[0].times + a[1].times + a[2].times, 3);
}

/* The caller may deliver again from inside its answer. */
static void
test_an_answer_may_submit_again(void **state)
{
	struct fixture *f = *state;
	static struct answer a = { .resubmit = true };

	(void)submit(f, BODY, &a);
	pass_ms(f, INGEST_COMMIT_MS); /* answers, and takes the next */
	assert_int_equal(a.times, 1);
	assert_int_equal(appends(f), 2);
	pass_ms(f, INGEST_COMMIT_MS);
	assert_int_equal(a.times, 2);
}

/* Whatever keeps the store from writing, the sender is to try again. */
static void
test_what_is_not_stored_is_busy(void **state)
{
	static const enum store_rc failures[] = { STORE_NOTFOUND, STORE_REFUSED,
		STORE_BUSY, STORE_FULL, STORE_NEWER, STORE_NOTADB,
		STORE_FAILED };
	struct fixture *f = *state;

	for (size_t i = 0; i < 7; i++) {
		struct answer a = { 0 };

		assert_int_equal(submit(f, BODY, &a), INGEST_PENDING);
		fake_store_end(f->w->st, FAKE_APPEND, failures[i]);
		assert_int_equal(a.times, 1);
		assert_int_equal(a.rc, INGEST_BUSY);
	}
	assert_int_equal(fake_log_count("warn event evt-1: not stored"), 7);
}

/* -- Deliveries that are not stored -- */

/* The same again is a duplicate, and leaves nothing behind. */
static void
test_a_duplicate_is_answered_as_one(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	struct ingest_stats stats;

	(void)submit(f, BODY, &a);
	fake_store_end(f->w->st, FAKE_APPEND, STORE_EXISTS);
	assert_int_equal(a.times, 1);
	assert_int_equal(a.rc, INGEST_DUPLICATE);
	assert_int_equal(rejections_waiting(f->rej), 0);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.duplicates, 1);
	assert_int_equal(stats.conflicts, 0);
}

/* Another body under a known id is kept whole, as a rejection. */
static void
test_a_conflict_is_kept_whole(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	char body[5000];
	const struct store_rejection *r;
	struct ingest_stats stats;

	memset(body, ' ', sizeof(body));
	memcpy(body, BODY, strlen(BODY));
	body[sizeof(body) - 1] = '\0';
	(void)submit(f, body, &a);
	fake_store_complete(f->w->st, fake_store_find(f->w->st, FAKE_APPEND),
	    &(struct store_result){ .rc = STORE_EXISTS,
		.id = 1,
		.conflict = true });
	assert_int_equal(a.rc, INGEST_DUPLICATE);
	assert_int_equal(fake_log_count("warn event evt-1: its id came again"),
	    1);
	rejections_flush(f->rej);
	r = fake_store_find(f->w->st, FAKE_REJECT)->rejections;
	assert_string_equal(r->cause, "id_conflict");
	assert_string_equal(r->peer, "192.0.2.1:4711");
	assert_int_equal(r->body_len, sizeof(body) - 1);
	assert_memory_equal(r->body, body, sizeof(body) - 1);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.duplicates, 1);
	assert_int_equal(stats.conflicts, 1);
}

/* What is no JSON document is the caller's to reject, at once. */
static void
test_invalid_json_is_told_at_once(void **state)
{
	static const char *const bodies[] = { "", "{", "7", "\"x\"", "null",
		"{\"orders\":[}", "{} {}" };
	struct fixture *f = *state;
	static struct answer a;
	struct ingest_stats stats;

	for (size_t i = 0; i < 7; i++)
		assert_int_equal(submit(f, bodies[i], &a), INGEST_INVALID);
	assert_int_equal(appends(f), 0);
	assert_int_equal(a.times, 0);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.invalid, 7);
}

/* A body with too many orders likewise. */
static void
test_too_many_orders_are_told_at_once(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	size_t n = ENVELOPE_ORDERS_MAX + 1;
	char *body = malloc(32 + n * 9);
	char *p = body;

	assert_non_null(body);
	p = stpcpy(p, "{\"orders\":[");
	for (size_t i = 0; i < n; i++)
		p = stpcpy(p, i == 0 ? "{\"id\":1}" : ",{\"id\":1}");
	(void)stpcpy(p, "]}");
	assert_int_equal(submit(f, body, &a), INGEST_TOO_MANY);
	free(body);
	assert_int_equal(appends(f), 0);
	assert_int_equal(ingest_pending(f->in), 0);
}

/* If the store's queue is full the body stays the caller's. */
static void
test_a_full_store_leaves_the_body_to_the_caller(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	struct ingest_stats stats;

	fake_store_refuse(f->w->st, 1);
	assert_int_equal(submit(f, BODY, &a), INGEST_BUSY);
	assert_int_equal(ingest_pending(f->in), 0);
	pass_ms(f, INGEST_COMMIT_MS);
	assert_int_equal(a.times, 0);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.busy, 1);
}

/* So it does when memory runs out, wherever that is. */
static void
test_no_memory_leaves_the_body_to_the_caller(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	enum ingest_rc rc;
	size_t n = 0;

	for (;; n++) {
		heap_fail(n + 1, 1); /* the first is this test's own */
		rc = submit(f, BODY, &a);
		if (heap_heal() > 0)
			break;
		assert_int_equal(rc, INGEST_BUSY);
		assert_int_equal(ingest_pending(f->in), 0);
		assert_int_equal(appends(f), 0);
	}
	assert_int_equal(rc, INGEST_PENDING);
	assert_in_range(n, 3, 10);
}

/* -- Routes -- */

/* An event gets a job for each handler it is for, and no other. */
static void
test_jobs_follow_the_routes(void **state)
{
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
	struct fixture *f = *state;
	static struct answer a;
	const struct fake_op *op;

	assert_int_equal(ingest_route(f->in, routes, 3), 0);
	(void)submit(f, BODY, &a);
	op = fake_store_find(f->w->st, FAKE_APPEND);
	assert_int_equal(op->nspecs, 2);
	assert_int_equal(op->specs[0].handler, 11);
	assert_false(op->specs[0].ordered);
	assert_int_equal(op->specs[1].handler, 12);
	assert_true(op->specs[1].ordered);
	assert_int_equal(op->specs[1].place, STORE_WHOLE_EVENT);
	fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);

	(void)submit_type(f, "x.new", "{\"branch_id\":\"8\"}", &a);
	op = fake_store_find(f->w->st, FAKE_APPEND);
	assert_int_equal(op->nspecs, 1);
	assert_int_equal(op->specs[0].handler, 13);
	fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);

	(void)submit_type(f, "x.new", "[]", &a); /* stored all the same */
	assert_int_equal(fake_store_find(f->w->st, FAKE_APPEND)->nspecs, 0);
}

/* Short of memory the old routes stay. */
static void
test_routes_stay_without_memory(void **state)
{
	static const char *const none[] = { "nothing" };
	const struct ingest_route other = { .handler = 2,
		.events = none,
		.nevents = 1 };
	struct fixture *f = *state;
	static struct answer a;
	size_t n = 0;

	for (;; n++) {
		heap_fail(n, 1);
		if (ingest_route(f->in, &other, 1) == 0)
			break;
		assert_int_equal(heap_heal(), 0);
		(void)submit(f, BODY, &a);
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
	struct fixture *f = *state;
	static struct answer a;

	world_handlers(f->w, 1, 0);
	world_settle(f->w);
	(void)submit(f, BODY, &a);
	commit(f, 1);
	world_settle(f->w);
	assert_int_equal(f->w->runs, 0);
	ingest_answered(f->in, a.event);
	world_settle(f->w);
	assert_int_equal(f->w->jobs[0].runs, 1);
}

/* An event that was stored needs no body in memory any more. */
static void
test_a_stored_body_is_let_go(void **state)
{
	struct fixture *f = *state;
	static struct answer a;
	struct store_event *ev;

	(void)submit(f, BODY, &a);
	ev = store_event_ref(fake_store_find(f->w->st, FAKE_APPEND)->ev);
	commit(f, 1);
	assert_null(ev->body);
	assert_int_equal(ev->body_len, strlen(BODY));
	store_event_unref(ev);
}

/* Orders without an id are told of, not counted among the orders. */
static void
test_orders_without_id_are_told_of(void **state)
{
	struct fixture *f = *state;
	static struct answer a;

	(void)submit(f, "{\"orders\":[{\"id\":1},{},7]}", &a);
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
	struct fixture *f = *state;
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

#define ingest_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ingest_test(test_a_commit_is_answered_once),
		ingest_test(test_the_event_is_the_delivery),
		ingest_test(test_a_delivery_is_turned_away_at_its_deadline),
		ingest_test(test_a_late_commit_still_runs_its_jobs),
		ingest_test(test_a_late_failure_answers_nobody),
		ingest_test(test_each_delivery_has_its_own_deadline),
		ingest_test(test_an_answer_may_submit_again),
		ingest_test(test_what_is_not_stored_is_busy),
		ingest_test(test_a_duplicate_is_answered_as_one),
		ingest_test(test_a_conflict_is_kept_whole),
		ingest_test(test_invalid_json_is_told_at_once),
		ingest_test(test_too_many_orders_are_told_at_once),
		ingest_test(test_a_full_store_leaves_the_body_to_the_caller),
		ingest_test(test_no_memory_leaves_the_body_to_the_caller),
		ingest_test(test_jobs_follow_the_routes),
		ingest_test(test_routes_stay_without_memory),
		ingest_test(test_jobs_run_once_the_answer_has_left),
		ingest_test(test_a_stored_body_is_let_go),
		ingest_test(test_orders_without_id_are_told_of),
		ingest_test(test_new_without_memory_is_null),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
