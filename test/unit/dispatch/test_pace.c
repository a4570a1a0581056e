#include "test/lib/cmocka_all.h"

#include "server/dispatch/pace.h"

static const struct pace_load light, old = { .old = true },
				     big = { .big = true };
static struct pace pace;
static int64_t now_us;

/* A delivery waits for its commit. */
static int
setup(void **state)
{
	(void)state;
	now_us = 1000000000;
	pace = (struct pace){ 0 };
	pace_expect(&pace, 1, now_us);
	return (0);
}

/* How many light records may be on their way. */
static size_t
room(void)
{
	size_t n = 0;

	for (; pace_allows(&pace, now_us); n++) {
		pace_begin(&pace);
		pace_submit(&pace, light, now_us);
	}
	for (size_t i = 0; i < n; i++)
		pace_complete(&pace, light, now_us);
	return (n);
}

static bool
allows_old(void)
{
	return (pace_allows_load(&pace, old, now_us));
}

/* Few while deliveries come, more after a moment without any. */
static void
test_pace_few_records_while_deliveries_come(void **state)
{
	(void)state;
	now_us += 10 * PACE_CALM_US;
	assert_int_equal(room(), PACE_RECORDS_MIN); /* it still waits */
	pace_expect(&pace, 0, now_us);
	now_us += PACE_CALM_US - 1;
	assert_int_equal(room(), PACE_RECORDS_MIN);
	now_us++;
	assert_int_equal(room(), PACE_RECORDS_CALM);
}

/* Each delivery that was answered allows more records, once. */
static void
test_pace_deliveries_allow_more(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		pace_answered(&pace);
	assert_int_equal(room(), PACE_RECORDS_MIN + 10 * PACE_PER_DELIVERY);
	assert_int_equal(room(), PACE_RECORDS_MIN);
	for (int i = 0; i < 10 * PACE_RECORDS_MAX; i++)
		pace_answered(&pace);
	assert_int_equal(room(), PACE_RECORDS_MAX);
}

/* What the store could not take counts until it has. */
static void
test_pace_kept_outcomes_count(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		pace_keep(&pace);
	assert_int_equal(room(), PACE_RECORDS_MIN - 10);
	for (int i = 0; i < 10; i++)
		pace_unkeep(&pace);
	assert_int_equal(room(), PACE_RECORDS_MIN);
}

/* Big ones are one at a time, beside any others. */
static void
test_pace_one_big_start_at_a_time(void **state)
{
	(void)state;
	assert_true(pace_allows_load(&pace, big, now_us));
	pace_submit(&pace, big, now_us);
	assert_false(pace_allows_load(&pace, big, now_us));
	assert_true(pace_allows_load(&pace, light, now_us));
	assert_true(allows_old());
	pace_complete(&pace, big, now_us);
	assert_true(pace_allows_load(&pace, big, now_us));
}

/* Old ones go in portions, and rest for seven times as long as they took. */
static void
test_pace_old_jobs_rest(void **state)
{
	(void)state;
	for (int n = 0; n < PACE_RECORDS_MIN; n++) {
		assert_true(allows_old());
		pace_submit(&pace, old, now_us);
	}
	assert_false(allows_old());
	now_us += 5000;
	for (int n = 0; n < PACE_RECORDS_MIN; n++)
		pace_complete(&pace, old, now_us);
	assert_false(allows_old());
	assert_true(pace_allows_load(&pace, light, now_us));
	assert_int_equal(pace_next_us(&pace, now_us), 5000 * PACE_REST_FACTOR);
	now_us += 5000 * PACE_REST_FACTOR - 1;
	assert_false(allows_old());
	now_us++;
	assert_true(allows_old());
	assert_int_equal(pace_next_us(&pace, now_us), INT64_MAX);
}

/* Time in which several are recorded at once counts once. */
static void
test_pace_time_counts_once(void **state)
{
	(void)state;
	pace_submit(&pace, old, now_us);
	now_us += 1000;
	pace_submit(&pace, old, now_us);
	now_us += 1000;
	pace_complete(&pace, old, now_us);
	now_us += 1000;
	pace_complete(&pace, old, now_us);
	assert_int_equal(pace_next_us(&pace, now_us),
	    3000 * PACE_REST_FACTOR - 1000);
}

/* However long that took, the rest is at most a second. */
static void
test_pace_the_rest_is_bounded(void **state)
{
	(void)state;
	pace_submit(&pace, old, now_us);
	now_us += 60000000;
	pace_complete(&pace, old, now_us);
	assert_int_equal(pace_next_us(&pace, now_us), PACE_REST_MAX_US);
}

/* When no delivery comes nothing rests; that is known beforehand. */
static void
test_pace_calm_ends_the_rest(void **state)
{
	(void)state;
	pace_submit(&pace, old, now_us);
	now_us += 60000000;
	pace_complete(&pace, old, now_us);
	pace_expect(&pace, 0, now_us);
	assert_false(allows_old());
	assert_int_equal(pace_next_us(&pace, now_us), PACE_CALM_US);
	now_us += PACE_CALM_US;
	assert_true(allows_old());
}

/* A rest that ends before the calm begins does not wait for it. */
static void
test_pace_a_short_rest_ends_before_the_calm(void **state)
{
	(void)state;
	pace_submit(&pace, old, now_us);
	now_us += 1000;
	pace_complete(&pace, old, now_us);
	pace_expect(&pace, 0, now_us);
	assert_int_equal(pace_next_us(&pace, now_us), 1000 * PACE_REST_FACTOR);
}

/* Old is what came long ago and is no alarm; big goes by the body. */
static void
test_pace_load_of_a_job(void **state)
{
	struct store_event ev = { .came_at.ms = 1000 };
	struct store_job job = { .ev = &ev };
	struct steady_time now = { 1000 + PACE_OLD_MS };

	(void)state;
	assert_false(pace_load(&job, now).old);
	now.ms++;
	assert_true(pace_load(&job, now).old);
	job.guards = 7;
	assert_false(pace_load(&job, now).old);
	ev.body_len = PACE_BIG_BODY;
	assert_false(pace_load(&job, now).big);
	ev.body_len++;
	assert_true(pace_load(&job, now).big);
}

#define pace_test(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		pace_test(test_pace_few_records_while_deliveries_come),
		pace_test(test_pace_deliveries_allow_more),
		pace_test(test_pace_kept_outcomes_count),
		pace_test(test_pace_one_big_start_at_a_time),
		pace_test(test_pace_old_jobs_rest),
		pace_test(test_pace_time_counts_once),
		pace_test(test_pace_the_rest_is_bounded),
		pace_test(test_pace_calm_ends_the_rest),
		pace_test(test_pace_a_short_rest_ends_before_the_calm),
		pace_test(test_pace_load_of_a_job),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
