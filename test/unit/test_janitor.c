/* Rounds of retention, over a store that obeys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>

#include "server/janitor.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/fake_store.h"
#include "test/lib/heap.h"

#define DAY INT64_C(86400000)

struct fixture {
	struct event_base *base;
	struct store *st;
	struct janitor *j;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_clock_reset();
	fake_log_clear();
	f->base = event_base_new();
	f->st = fake_store_new();
	f->j = janitor_new(f->base, f->st);
	assert_non_null(f->base);
	assert_non_null(f->j);
	janitor_set(f->j, 30 * DAY, 400 * DAY);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	const struct store_result res = { .rc = STORE_FAILED, .reason = "end" };

	(void)heap_heal();
	janitor_stop(f->j);
	while (fake_store_first(f->st) != NULL)
		fake_store_complete(f->st, fake_store_first(f->st), &res);
	janitor_free(f->j);
	fake_store_free(f->st);
	event_base_free(f->base);
	free(f);
	return (0);
}

static void
pass_ms(struct fixture *f, int64_t ms)
{
	fake_clock_pass_ms(ms);
	assert_int_not_equal(event_base_loop(f->base,
				 EVLOOP_ONCE | EVLOOP_NONBLOCK),
	    -1);
}

/* The newest event was received at that time. */
static void
tell_newest(struct fixture *f, int64_t received_ms)
{
	const struct store_event ev = { .received_at_ms = received_ms };

	fake_store_tell_event(f->st, &ev);
}

/* A batch of n events was purged. */
static void
tell_purged(struct fixture *f, int64_t n)
{
	fake_store_complete(f->st, fake_store_find(f->st, FAKE_PURGE),
	    &(struct store_result){ .rc = STORE_OK, .id = n });
}

/* A minute after the start, then an hour after the last: what is too old. */
static void
test_rounds_come_by_the_hour(void **state)
{
	struct fixture *f = *state;
	const struct store_purge *purge;

	for (int i = 0; i < 3; i++) {
		pass_ms(f, (i == 0 ? JANITOR_FIRST_MS : JANITOR_ROUND_MS) - 1);
		assert_null(fake_store_first(f->st));
		pass_ms(f, 1);
		tell_newest(f, FAKE_CLOCK_START_MS);
		purge = &fake_store_find(f->st, FAKE_PURGE)->purge;
		assert_int_equal(purge->bodies_before_ms,
		    fake_clock_wall_ms() - 30 * DAY);
		assert_int_equal(purge->ids_before_ms,
		    fake_clock_wall_ms() - 400 * DAY);
		assert_int_equal(purge->now_ms, fake_clock_wall_ms());
		assert_int_equal(purge->limit, JANITOR_BATCH);
		assert_null(purge->order_id);
		tell_purged(f, 0);
	}
	assert_int_equal(fake_log_count("retention"), 0);
}

/* Batch after batch with a pause between, until nothing is left. */
static void
test_a_round_goes_in_batches(void **state)
{
	struct fixture *f = *state;

	pass_ms(f, JANITOR_FIRST_MS);
	tell_newest(f, FAKE_CLOCK_START_MS);
	for (int i = 0; i < 5; i++) {
		tell_purged(f, JANITOR_BATCH);
		pass_ms(f, JANITOR_PAUSE_MS - 1);
		assert_null(fake_store_first(f->st));
		pass_ms(f, 1);
	}
	tell_purged(f, 0);
	pass_ms(f, JANITOR_ROUND_MS - 1);
	assert_null(fake_store_first(f->st));
	assert_int_equal(fake_log_count("info retention: 500 events"), 1);
}

/* Traces that a reader keeps alive are tried again soon. */
static void
test_a_reader_in_the_way_is_waited_for(void **state)
{
	struct fixture *f = *state;

	pass_ms(f, JANITOR_FIRST_MS);
	fake_store_tell_event(f->st, NULL); /* there is none */
	fake_store_end(f->st, FAKE_PURGE, STORE_BUSY);
	pass_ms(f, JANITOR_BUSY_MS);
	fake_store_end(f->st, FAKE_PURGE, STORE_BUSY);
	pass_ms(f, JANITOR_BUSY_MS);
	tell_purged(f, 0);
	assert_int_equal(fake_log_count("warn"), 0);
}

/* A clock not to be trusted purges nothing, and is told of once. */
static void
test_a_wrong_clock_purges_nothing(void **state)
{
	struct fixture *f = *state;

	fake_clock_jump_ms(365 * DAY);
	for (int i = 0; i < 20; i++) {
		pass_ms(f, JANITOR_ROUND_MS);
		tell_newest(f, FAKE_CLOCK_START_MS);
		assert_null(fake_store_first(f->st));
	}
	assert_int_equal(fake_log_count("warn retention: nothing is purged: "
					"the clock has jumped"),
	    1);
	fake_clock_jump_ms(-365 * DAY);
	pass_ms(f, JANITOR_ROUND_MS);
	tell_newest(f, FAKE_CLOCK_START_MS);
	tell_purged(f, 0);
	assert_int_equal(fake_log_count("info retention: goes on"), 1);
}

/* Nor does one that started in 1970, until it is right. */
static void
test_a_clock_that_is_not_set_purges_nothing(void **state)
{
	struct fixture *f = *state;

	pass_ms(f, JANITOR_FIRST_MS);
	tell_newest(f, FAKE_CLOCK_START_MS + 10 * DAY);
	assert_null(fake_store_first(f->st));
	assert_int_equal(fake_log_count("warn retention"), 1);
	fake_clock_jump_ms(20 * DAY);
	pass_ms(f, JANITOR_ROUND_MS);
	tell_newest(f, FAKE_CLOCK_START_MS + 10 * DAY);
	tell_purged(f, 0);
}

/* What fails is told once and tried again in an hour. */
static void
test_failures_are_tried_again(void **state)
{
	struct fixture *f = *state;

	pass_ms(f, JANITOR_FIRST_MS);
	fake_store_end(f->st, FAKE_LIST_EVENTS, STORE_FAILED);
	pass_ms(f, JANITOR_ROUND_MS);
	tell_newest(f, 0);
	fake_store_end(f->st, FAKE_PURGE, STORE_FULL);
	fake_store_refuse(f->st, 1);
	pass_ms(f, JANITOR_ROUND_MS);
	fake_store_refuse(f->st, 0);
	pass_ms(f, JANITOR_ROUND_MS);
	tell_newest(f, 0);
	fake_store_refuse(f->st, 0);
	tell_purged(f, 0);
	assert_int_equal(fake_log_count("warn retention: nothing is purged: "
					"the fake says so"),
	    2);
}

/* Stopped, it asks nothing more, whatever is answered. */
static void
test_a_stopped_janitor_asks_nothing(void **state)
{
	struct fixture *f = *state;

	pass_ms(f, JANITOR_FIRST_MS);
	janitor_stop(f->j);
	tell_newest(f, 0);
	pass_ms(f, 2 * JANITOR_ROUND_MS);
	assert_null(fake_store_first(f->st));
	janitor_stop(NULL);
	janitor_free(NULL);
}

/* Short of memory there is none. */
static void
test_new_without_memory_is_null(void **state)
{
	struct fixture *f = *state;

	heap_fail(0, 1);
	assert_null(janitor_new(f->base, f->st));
	assert_int_equal(heap_heal(), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rounds_come_by_the_hour),
		TEST(test_a_round_goes_in_batches),
		TEST(test_a_reader_in_the_way_is_waited_for),
		TEST(test_a_wrong_clock_purges_nothing),
		TEST(test_a_clock_that_is_not_set_purges_nothing),
		TEST(test_failures_are_tried_again),
		TEST(test_a_stopped_janitor_asks_nothing),
		TEST(test_new_without_memory_is_null),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
