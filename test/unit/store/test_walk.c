/* How far one call looks through a list. */
#include <stdlib.h>

#include "store/base/arena.h"
#include "store/walk.h"
#include "test/lib/cmocka_all.h"

/* A store of a million events and jobs; and an error to give, if any. */
struct answers {
	int64_t newest;
	int64_t jobs;
	struct walk_time time;
	int rc;
	unsigned asked;
};

static int
newest(void *arg, enum walk_rows rows, int64_t before, int64_t *ret)
{
	struct answers *a = arg;

	(void)rows;
	a->asked++;
	*ret = before > a->newest ? a->newest : before - 1;
	return (a->rc);
}

static int
count(void *arg, enum walk_jobs_in which, int64_t *ret)
{
	struct answers *a = arg;

	(void)which;
	a->asked++;
	*ret = a->jobs;
	return (a->rc);
}

static int
of_time(void *arg, struct walk_time *t)
{
	struct answers *a = arg;

	a->asked++;
	t->n = a->time.n;
	t->first = a->time.first;
	t->last = a->time.last;
	return (a->rc);
}

static struct walk_asks
asks_of(struct answers *a)
{
	return ((struct walk_asks){ a, newest, count, of_time });
}

static void
test_walk_looks_at_the_newest(void **state)
{
	struct answers a = { .newest = 1000000 };
	struct walk_asks asks = asks_of(&a);
	struct store_scan scan = { 0 };
	struct store_filter f = { .limit = 50, .scan = &scan };
	struct walk w;

	(void)state;
	assert_int_equal(walk_events(&asks, &f, &w), 0);
	assert_true(w.back);
	assert_int_equal(w.high, 1000001);
	assert_int_equal(w.high - w.low, STORE_LOOK_MAX);

	/* Nothing was found: the next call goes on below. */
	assert_int_equal(walk_end(&asks, WALK_EVENTS, &w, 0, 0, &scan), 0);
	assert_int_equal(scan.looked, STORE_LOOK_MAX);
	assert_int_equal(scan.next, w.low);
	/* A page is full before: behind its last row. */
	assert_int_equal(walk_end(&asks, WALK_EVENTS, &w, 50, 990000, &scan),
	    0);
	assert_int_equal(scan.looked, 10001);
	assert_int_equal(scan.next, 990000);

	/* Jobs and orders cost more. */
	f.handler = "pos";
	assert_int_equal(walk_events(&asks, &f, &w), 0);
	assert_int_equal(w.high - w.low, STORE_LOOK_MAX / 5);
	assert_int_equal(walk_orders(&asks, &f, &w), 0);
	assert_int_equal(w.high - w.low, STORE_LOOK_MAX / 5);
	f.look = 7;
	assert_int_equal(walk_events(&asks, &f, &w), 0);
	assert_int_equal(w.high - w.low, 7);
}

static void
test_walk_ends_at_the_oldest(void **state)
{
	struct answers a = { .newest = 30 };
	struct walk_asks asks = asks_of(&a);
	struct store_scan scan = { 0 };
	struct store_filter f = { .limit = 50, .scan = &scan };
	struct walk w;

	(void)state;
	assert_int_equal(walk_events(&asks, &f, &w), 0);
	assert_int_equal(w.low, 0);
	assert_int_equal(walk_end(&asks, WALK_EVENTS, &w, 30, 1, &scan), 0);
	assert_int_equal(scan.next, 0);
}

static void
test_walk_takes_few_from_their_index(void **state)
{
	struct answers a = { .newest = 1000000, .jobs = WALK_FEW };
	struct walk_asks asks = asks_of(&a);
	struct store_scan scan = { 0 };
	struct store_filter f = { .limit = 50,
		.scan = &scan,
		.progress = STORE_PROGRESS_DEAD };
	struct store_job_filter jobs = { .limit = 50,
		.scan = &scan,
		.state = JOB_DEAD };
	struct walk w;

	(void)state;
	assert_int_equal(walk_events(&asks, &f, &w), 0);
	assert_false(w.back);
	assert_int_equal(w.found, WALK_FEW);
	assert_int_equal(walk_end(&asks, WALK_EVENTS, &w, 3, 8, &scan), 0);
	assert_int_equal(scan.looked, WALK_FEW);
	assert_int_equal(scan.next, 0);
	assert_int_equal(walk_jobs(&asks, &jobs, &w), 0);
	assert_false(w.back);

	a.jobs = WALK_FEW + 1;
	assert_int_equal(walk_events(&asks, &f, &w), 0);
	assert_true(w.back);
	assert_int_equal(walk_jobs(&asks, &jobs, &w), 0);
	assert_true(w.back);

	/* Of what is named nothing is asked. */
	a.asked = 0;
	jobs.order_id = "7585307";
	assert_int_equal(walk_jobs(&asks, &jobs, &w), 0);
	assert_int_equal(a.asked, 0);
}

static void
test_walk_keeps_to_a_short_time(void **state)
{
	struct answers a = { .newest = 1000000,
		.time = { .n = 40, .first = 500, .last = 560 } };
	struct walk_asks asks = asks_of(&a);
	struct store_scan scan = { 0 };
	struct store_filter f = { .limit = 50, .scan = &scan, .since_ms = 1 };
	struct store_job_filter jobs = { .limit = 50,
		.scan = &scan,
		.any_state = true,
		.since_ms = 1 };
	struct walk w;

	(void)state;
	assert_int_equal(walk_events(&asks, &f, &w), 0);
	assert_int_equal(w.low, 500);
	assert_int_equal(w.high, 561);
	assert_int_equal(walk_jobs(&asks, &jobs, &w), 0);
	assert_true(w.of_time);

	a.time = (struct walk_time){ .n = 0 }; /* nothing came then */
	assert_int_equal(walk_events(&asks, &f, &w), 0);
	assert_true(w.low >= w.high);
	a.time.n = WALK_FEW + 1;
	assert_int_equal(walk_jobs(&asks, &jobs, &w), 0);
	assert_false(w.of_time);
	assert_true(w.back);
}

static void
test_walk_hands_on_an_error(void **state)
{
	struct answers a = { .newest = 1000000, .rc = 11 };
	struct walk_asks asks = asks_of(&a);
	struct store_scan scan = { 0 };
	struct store_filter f = { .limit = 50, .scan = &scan };
	struct store_job_filter jobs = { .limit = 50, .scan = &scan };
	struct walk w = { .low = 10, .limit = 5 };

	(void)state;
	assert_int_equal(walk_end(&asks, WALK_JOBS, &w, 0, 0, &scan), 11);
	assert_int_equal(walk_events(&asks, &f, &w), 11);
	f.progress = STORE_PROGRESS_PENDING;
	assert_int_equal(walk_orders(&asks, &f, &w), 11);
	assert_int_equal(walk_events(&asks, &f, &w), 11);
	f.since_ms = jobs.since_ms = 1;
	assert_int_equal(walk_events(&asks, &f, &w), 11);
	assert_int_equal(walk_jobs(&asks, &jobs, &w), 11);
}

static void
test_walk_of_texts(void **state)
{
	struct arena a = { 0 };

	(void)state;
	assert_string_equal(walk_lower(&a, "GF-\xc3\x89z9"), "gf-\xc3\x89z9");
	assert_string_equal(walk_behind(&a, "758"), "758\xf4\x8f\xbf\xbf");
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_looks_at_the_newest),
		cmocka_unit_test(test_walk_ends_at_the_oldest),
		cmocka_unit_test(test_walk_takes_few_from_their_index),
		cmocka_unit_test(test_walk_keeps_to_a_short_time),
		cmocka_unit_test(test_walk_hands_on_an_error),
		cmocka_unit_test(test_walk_of_texts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
