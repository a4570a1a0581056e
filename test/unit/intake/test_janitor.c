/* Rounds of retention, over a store that obeys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>

#include "server/base/steady.h"
#include "server/intake/janitor.h"
#include "test/lib/intake_case.h"

#define DAY INT64_C(86400000)

struct fixture {
	struct intake_case c; /* without rejections */
	struct janitor *j;
	struct steady clock;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	intake_case_init(&f->c);
	fake_clock_start(&f->clock);
	f->clock.proof_ms -= STEADY_PROOF_MS;
	f->j = janitor_new(f->c.base, f->c.st, &f->clock);
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
	while (fake_store_first(f->c.st) != NULL)
		fake_store_complete(f->c.st, fake_store_first(f->c.st), &res);
	janitor_free(f->j);
	intake_case_fini(&f->c);
	free(f);
	return (0);
}

/* A batch of n events was purged. */
static void
purged(struct fixture *f, int64_t n)
{
	fake_store_complete(f->c.st, fake_store_find(f->c.st, FAKE_PURGE),
	    &(struct store_result){ .rc = STORE_OK, .id = n });
}

/* A minute after the start, then an hour after the last: what is too old. */
static void
test_rounds_come_by_the_hour(void **state)
{
	struct fixture *f = *state;
	const struct store_purge *purge;

	for (int i = 0; i < 3; i++) {
		intake_case_pass_ms(&f->c,
		    (i == 0 ? JANITOR_FIRST_MS : JANITOR_ROUND_MS) - 1);
		assert_null(fake_store_first(f->c.st));
		intake_case_pass_ms(&f->c, 1);
		purge = &fake_store_find(f->c.st, FAKE_PURGE)->purge;
		assert_int_equal(purge->bodies_before_ms,
		    fake_clock_wall_ms() - 30 * DAY);
		assert_int_equal(purge->ids_before_ms,
		    fake_clock_wall_ms() - 400 * DAY);
		assert_int_equal(purge->bodies_came_before.ms,
		    steady_now(&f->clock).ms - 30 * DAY);
		assert_int_equal(purge->ids_came_before.ms,
		    steady_now(&f->clock).ms - 400 * DAY);
		assert_int_equal(purge->now_ms, fake_clock_wall_ms());
		assert_int_equal(purge->limit, JANITOR_BATCH);
		assert_null(purge->order_id);
		purged(f, 0);
	}
	assert_int_equal(fake_log_count("retention"), 0);
}

/* Batch after batch with a pause between, until nothing is left. */
static void
test_a_round_goes_in_batches(void **state)
{
	struct fixture *f = *state;

	intake_case_pass_ms(&f->c, JANITOR_FIRST_MS);
	for (int i = 0; i < 5; i++) {
		purged(f, JANITOR_BATCH);
		intake_case_pass_ms(&f->c, JANITOR_PAUSE_MS - 1);
		assert_null(fake_store_first(f->c.st));
		intake_case_pass_ms(&f->c, 1);
	}
	purged(f, 0);
	intake_case_pass_ms(&f->c, JANITOR_ROUND_MS - 1);
	assert_null(fake_store_first(f->c.st));
	assert_int_equal(fake_log_count("info retention: 500 events"), 1);
}

/* Traces that a reader keeps alive are tried again soon. */
static void
test_a_reader_in_the_way_is_waited_for(void **state)
{
	struct fixture *f = *state;

	intake_case_pass_ms(&f->c, JANITOR_FIRST_MS);
	fake_store_end(f->c.st, FAKE_PURGE, STORE_BUSY);
	intake_case_pass_ms(&f->c, JANITOR_BUSY_MS);
	fake_store_end(f->c.st, FAKE_PURGE, STORE_BUSY);
	intake_case_pass_ms(&f->c, JANITOR_BUSY_MS);
	purged(f, 0);
	assert_int_equal(fake_log_count("warn"), 0);
}

/* The watch looks at the clock. */
static void
look(struct fixture *f)
{
	const struct steady_reading now = {
		.wall.ms = fake_clock_wall_ms(),
		.boot_ms = fake_clock_boot_ms(),
		.boot = "",
	};

	(void)steady_look(&f->clock, &now);
}

/* What a round asks for after the clock was set by so much. */
static struct store_purge
purge_after_jump(struct fixture *f, int64_t ms)
{
	struct store_purge purge;

	fake_clock_jump_ms(ms);
	look(f);
	intake_case_pass_ms(&f->c, JANITOR_FIRST_MS);
	assert_null(fake_store_first(f->c.st)); /* it is not proven yet */
	for (int i = 0; i < 6; i++)
		intake_case_pass_ms(&f->c, JANITOR_PROOF_MS);
	purge = fake_store_find(f->c.st, FAKE_PURGE)->purge;
	purged(f, 0);
	return (purge);
}

/* A clock that jumps ahead makes nothing old. */
static void
test_a_clock_that_jumps_ahead_makes_nothing_old(void **state)
{
	struct fixture *f = *state;
	struct store_purge purge = purge_after_jump(f, 730 * DAY);

	assert_true(purge.bodies_came_before.ms <=
		    FAKE_CLOCK_START_MS - 30 * DAY + 2 * JANITOR_ROUND_MS);
	assert_true(purge.bodies_before_ms <=
		    FAKE_CLOCK_START_MS - 30 * DAY + 2 * JANITOR_ROUND_MS);
	assert_true(purge.ids_came_before.ms <=
		    FAKE_CLOCK_START_MS - 400 * DAY + 2 * JANITOR_ROUND_MS);
}

/* Nor does one that goes back keep anything for longer than it should. */
static void
test_a_clock_that_is_not_set_keeps_nothing_longer(void **state)
{
	struct fixture *f = *state;
	struct store_purge purge = purge_after_jump(f, -FAKE_CLOCK_START_MS);

	assert_true(purge.bodies_before_ms >= FAKE_CLOCK_START_MS - 30 * DAY);
	assert_true(
	    purge.bodies_came_before.ms >= FAKE_CLOCK_START_MS - 30 * DAY);
}

/* A round under way ends when the clock is set. */
static void
test_a_jump_ends_a_round(void **state)
{
	struct fixture *f = *state;

	intake_case_pass_ms(&f->c, JANITOR_FIRST_MS);
	purged(f, JANITOR_BATCH);
	fake_clock_jump_ms(730 * DAY);
	look(f);
	intake_case_pass_ms(&f->c, JANITOR_PAUSE_MS);
	assert_null(fake_store_first(f->c.st));
}

/* What fails is told once and tried again in an hour. */
static void
test_failures_are_tried_again(void **state)
{
	struct fixture *f = *state;

	intake_case_pass_ms(&f->c, JANITOR_FIRST_MS);
	fake_store_end(f->c.st, FAKE_PURGE, STORE_FULL);
	fake_store_refuse(f->c.st, 1);
	intake_case_pass_ms(&f->c, JANITOR_ROUND_MS);
	fake_store_refuse(f->c.st, 0);
	intake_case_pass_ms(&f->c, JANITOR_ROUND_MS);
	purged(f, 0);
	assert_int_equal(fake_log_count("warn retention: nothing is purged: "
					"the fake says so"),
	    1);
	assert_int_equal(fake_log_count("info retention: goes on"), 1);
}

/* Stopped, it asks nothing more, whatever is answered. */
static void
test_a_stopped_janitor_asks_nothing(void **state)
{
	struct fixture *f = *state;

	intake_case_pass_ms(&f->c, JANITOR_FIRST_MS);
	janitor_stop(f->j);
	purged(f, JANITOR_BATCH);
	intake_case_pass_ms(&f->c, 2 * JANITOR_ROUND_MS);
	assert_null(fake_store_first(f->c.st));
	janitor_stop(NULL);
	janitor_free(NULL);
}

/* Short of memory there is none. */
static void
test_new_without_memory_is_null(void **state)
{
	struct fixture *f = *state;

	heap_fail(0, 1);
	assert_null(janitor_new(f->c.base, f->c.st, &f->clock));
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
		TEST(test_a_clock_that_jumps_ahead_makes_nothing_old),
		TEST(test_a_clock_that_is_not_set_keeps_nothing_longer),
		TEST(test_a_jump_ends_a_round),
		TEST(test_failures_are_tried_again),
		TEST(test_a_stopped_janitor_asks_nothing),
		TEST(test_new_without_memory_is_null),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
