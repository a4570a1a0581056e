/* One answer for each delivery. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/body/envelope.h"
#include "test/lib/deliveries.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

/* -- One answer each -- */

/* A commit is answered once, with the event's number, after the call. */
static void
test_a_commit_is_answered_once(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	struct ingest_stats stats;

	assert_int_equal(deliveries_submit(f, BODY, &a), INGEST_PENDING);
	assert_int_equal(ingest_pending(f->in), 1);
	world_turn(f->w);
	assert_int_equal(a.times, 0);
	deliveries_commit(f, 1);
	assert_int_equal(a.times, 1);
	assert_int_equal(a.rc, INGEST_RECEIVED);
	assert_int_equal(a.event, 1);
	assert_int_equal(ingest_pending(f->in), 0);
	deliveries_pass_ms(f, 10 * INGEST_COMMIT_MS);
	assert_int_equal(a.times, 1);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.received, 1);
	assert_int_equal(stats.busy + stats.duplicates + stats.invalid, 0);
}

/* What is stored is what was delivered. */
static void
test_the_event_is_the_delivery(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	const struct store_event *ev;

	assert_int_equal(deliveries_submit(f, BODY, &a), INGEST_PENDING);
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
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	struct ingest_stats stats;

	(void)deliveries_submit(f, BODY, &a);
	deliveries_pass_ms(f, INGEST_COMMIT_MS - 1);
	assert_int_equal(a.times, 0);
	deliveries_pass_ms(f, 1);
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
	struct deliveries *f = *state;
	static struct deliveries_answer a;

	world_handlers(f->w, 1, 0);
	world_settle(f->w);
	(void)deliveries_submit(f, BODY, &a);
	deliveries_pass_ms(f, INGEST_COMMIT_MS);
	assert_int_equal(a.rc, INGEST_BUSY);
	deliveries_commit(f, 1);
	assert_int_equal(a.times, 1);
	assert_int_equal(ingest_pending(f->in), 0);
	world_settle(f->w);
	assert_int_equal(f->w->jobs[0].runs, 1);
}

/* Failing late, it answers nobody either, and is counted once. */
static void
test_a_late_failure_answers_nobody(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	struct ingest_stats stats;

	(void)deliveries_submit(f, BODY, &a);
	deliveries_pass_ms(f, INGEST_COMMIT_MS);
	fake_store_end(f->w->st, FAKE_APPEND, STORE_FULL);
	assert_int_equal(a.times, 1);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.busy, 1);
}

/* Each delivery has its own deadline, also when those before are gone. */
static void
test_each_delivery_has_its_own_deadline(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a[3];

	for (int i = 0; i < 3; i++) {
		(void)deliveries_submit(f, BODY, &a[i]);
		deliveries_pass_ms(f, 1000);
	}
	deliveries_commit(f, 1);
	deliveries_pass_ms(f, 2999); /* the second is 4,999 ms old */
	assert_int_equal(a[1].times, 0);
	deliveries_pass_ms(f, 1);
	assert_int_equal(a[1].rc, INGEST_BUSY);
	assert_int_equal(a[2].times, 0);
	deliveries_pass_ms(f, 1000);
	assert_int_equal(a[2].rc, INGEST_BUSY);
	assert_int_equal(a[0].times + a[1].times + a[2].times, 3);
}

/* The caller may deliver again from inside its answer. */
static void
test_an_answer_may_submit_again(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a = { .resubmit = true };

	(void)deliveries_submit(f, BODY, &a);
	deliveries_pass_ms(f,
	    INGEST_COMMIT_MS); /* answers, and takes the next */
	assert_int_equal(a.times, 1);
	assert_int_equal(deliveries_appends(f), 2);
	deliveries_pass_ms(f, INGEST_COMMIT_MS);
	assert_int_equal(a.times, 2);
}

/* Whatever keeps the store from writing, the sender is to try again. */
static void
test_what_is_not_stored_is_busy(void **state)
{
	static const enum store_rc failures[] = { STORE_NOTFOUND, STORE_REFUSED,
		STORE_BUSY, STORE_FULL, STORE_NEWER, STORE_NOTADB,
		STORE_FAILED };
	struct deliveries *f = *state;

	for (size_t i = 0; i < 7; i++) {
		struct deliveries_answer a = { 0 };

		assert_int_equal(deliveries_submit(f, BODY, &a),
		    INGEST_PENDING);
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
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	struct ingest_stats stats;

	(void)deliveries_submit(f, BODY, &a);
	fake_store_end(f->w->st, FAKE_APPEND, STORE_EXISTS);
	assert_int_equal(a.times, 1);
	assert_int_equal(a.rc, INGEST_DUPLICATE);
	assert_int_equal(rejections_waiting(f->rej), 0);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.duplicates, 1);
	assert_int_equal(stats.conflicts, 0);
}

/* Times without a zone are warned of once, and stored all the same. */
static void
test_a_missing_zone_is_warned_of_once(void **state)
{
	static const char *const bodies[] = {
		"{\"orders\":[{\"id\":1,\"updated_at\":\"x\"},{\"id\":2}]}",
		"{\"orders\":[{\"id\":1,\"updated_at\":\"2026-06-25T09:14:"
		"11Z\"}]}",
		"{\"orders\":[{\"id\":1},"
		"{\"id\":2,\"updated_at\":\"2026-06-25T09:14:11\"}]}",
	};
	struct deliveries *f = *state;
	static struct deliveries_answer a[4];
	int64_t id = 0;

	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(deliveries_submit(f, bodies[i < 2 ? i : 2],
				     &a[i]),
		    INGEST_PENDING);
		deliveries_commit(f, ++id);
		assert_int_equal(fake_log_count("has no time zone"), i >= 2);
	}
	assert_int_equal(fake_log_count("warn event evt-1: updated_at "
					"\"2026-06-25T09:14:11\" has no time "
					"zone; such times under the secret "
					"default are read as UTC"),
	    1);
}

/* Another body under a known id is kept whole, as a rejection. */
static void
test_a_conflict_is_kept_whole(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	char body[5000];
	const struct store_rejection *r;
	struct ingest_stats stats;

	memset(body, ' ', sizeof(body));
	memcpy(body, BODY, strlen(BODY));
	body[sizeof(body) - 1] = '\0';
	(void)deliveries_submit(f, body, &a);
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

/* What its endpoint does not take is the caller's to reject, at once. */
static void
test_what_does_not_fit_is_told_at_once(void **state)
{
	static const char *const every[] = { "*" };
	static const char *const brands[] = { "6", "7" };
	struct selection sel = { .events = every,
		.nevents = 1,
		.brands = brands,
		.nbrands = 1 };
	struct deliveries *f = *state;
	static struct deliveries_answer a;

	f->fits = &sel;
	assert_int_equal(deliveries_submit(f, BODY, &a), INGEST_MISFIT);
	assert_int_equal(deliveries_appends(f), 0);
	assert_int_equal(a.times, 0);
	/* That it is no JSON comes first. */
	assert_int_equal(deliveries_submit(f, "{", &a), INGEST_INVALID);
	sel.nbrands = 2;
	assert_int_equal(deliveries_submit(f, BODY, &a), INGEST_PENDING);
	assert_int_equal(deliveries_appends(f), 1);
	assert_string_equal(fake_store_find(f->w->st, FAKE_APPEND)
				->ev->endpoint,
	    "burger");
	deliveries_commit(f, 1);
	assert_int_equal(a.rc, INGEST_RECEIVED);
}

/* What is no JSON document is the caller's to reject, at once. */
static void
test_invalid_json_is_told_at_once(void **state)
{
	static const char *const bodies[] = { "", "{", "7", "\"x\"", "null",
		"{\"orders\":[}", "{} {}" };
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	struct ingest_stats stats;

	for (size_t i = 0; i < 7; i++)
		assert_int_equal(deliveries_submit(f, bodies[i], &a),
		    INGEST_INVALID);
	assert_int_equal(deliveries_appends(f), 0);
	assert_int_equal(a.times, 0);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.invalid, 7);
}

/* A body with too many orders likewise. */
static void
test_too_many_orders_are_told_at_once(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	size_t n = ENVELOPE_ORDERS_MAX + 1;
	char *body = malloc(32 + n * 9);
	char *p = body;

	assert_non_null(body);
	p = stpcpy(p, "{\"orders\":[");
	for (size_t i = 0; i < n; i++)
		p = stpcpy(p, i == 0 ? "{\"id\":1}" : ",{\"id\":1}");
	(void)stpcpy(p, "]}");
	assert_int_equal(deliveries_submit(f, body, &a), INGEST_TOO_MANY);
	free(body);
	assert_int_equal(deliveries_appends(f), 0);
	assert_int_equal(ingest_pending(f->in), 0);
}

/* If the store's queue is full the body stays the caller's. */
static void
test_a_full_store_leaves_the_body_to_the_caller(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	struct ingest_stats stats;

	fake_store_refuse(f->w->st, 1);
	assert_int_equal(deliveries_submit(f, BODY, &a), INGEST_BUSY);
	assert_int_equal(ingest_pending(f->in), 0);
	deliveries_pass_ms(f, INGEST_COMMIT_MS);
	assert_int_equal(a.times, 0);
	ingest_stats(f->in, &stats);
	assert_int_equal(stats.busy, 1);
}

/* So it does when memory runs out, wherever that is. */
static void
test_no_memory_leaves_the_body_to_the_caller(void **state)
{
	struct deliveries *f = *state;
	static struct deliveries_answer a;
	enum ingest_rc rc;
	size_t n = 0;

	for (;; n++) {
		heap_fail(n + 1, 1); /* the first is this test's own */
		rc = deliveries_submit(f, BODY, &a);
		if (heap_heal() > 0)
			break;
		assert_int_equal(rc, INGEST_BUSY);
		assert_int_equal(ingest_pending(f->in), 0);
		assert_int_equal(deliveries_appends(f), 0);
	}
	assert_int_equal(rc, INGEST_PENDING);
	assert_in_range(n, 3, 10);
}

#define ingest_test(f)                                                         \
	cmocka_unit_test_setup_teardown(f, deliveries_setup,                   \
	    deliveries_teardown)

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
		ingest_test(test_a_missing_zone_is_warned_of_once),
		ingest_test(test_a_conflict_is_kept_whole),
		ingest_test(test_what_does_not_fit_is_told_at_once),
		ingest_test(test_invalid_json_is_told_at_once),
		ingest_test(test_too_many_orders_are_told_at_once),
		ingest_test(test_a_full_store_leaves_the_body_to_the_caller),
		ingest_test(test_no_memory_leaves_the_body_to_the_caller),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
