#include "server/base/histogram.h"

#include "test/lib/cmocka_all.h"

static const int64_t bounds[] = { 10, 20, 50 };

static struct histogram
made(void)
{
	struct histogram h;

	histogram_init(&h, bounds, 3);
	return (h);
}

/* A value falls into the bucket of the first bound that it does not exceed. */
static void
test_each_value_has_one_bucket(void **state)
{
	struct histogram h = made();

	(void)state;
	histogram_add(&h, -5);
	histogram_add(&h, 10);
	histogram_add(&h, 11);
	histogram_add(&h, 51);
	assert_int_equal(h.counts[0], 2);
	assert_int_equal(h.counts[1], 1);
	assert_int_equal(h.counts[2], 0);
	assert_int_equal(h.counts[3], 1);
	assert_int_equal(h.sum, 72);
}

static void
test_of_nothing_there_is_no_quantile(void **state)
{
	struct histogram h = made();

	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), -1);
}

/* Within a bucket values count as spread evenly. */
static void
test_a_quantile_lies_within_its_bucket(void **state)
{
	struct histogram h = made();

	(void)state;
	for (int i = 0; i < 10; i++)
		histogram_add(&h, 15);
	assert_int_equal(histogram_quantile(&h, 0.5), 15);
	assert_int_equal(histogram_quantile(&h, 1), 20);
	for (int i = 0; i < 10; i++)
		histogram_add(&h, 30);
	assert_int_equal(histogram_quantile(&h, 0.5), 20);
	assert_int_equal(histogram_quantile(&h, 0.75), 35);
}

/* Empty buckets before it move nothing. */
static void
test_a_quantile_skips_empty_buckets(void **state)
{
	struct histogram h = made();

	(void)state;
	histogram_add(&h, 30);
	histogram_add(&h, 30);
	assert_int_equal(histogram_quantile(&h, 0.5), 35);
}

/* Of what is above all bounds only that is known. */
static void
test_a_quantile_ends_at_the_last_bound(void **state)
{
	struct histogram h = made();

	(void)state;
	histogram_add(&h, 5000);
	assert_int_equal(histogram_quantile(&h, 0.5), 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_value_has_one_bucket),
		cmocka_unit_test(test_of_nothing_there_is_no_quantile),
		cmocka_unit_test(test_a_quantile_lies_within_its_bucket),
		cmocka_unit_test(test_a_quantile_skips_empty_buckets),
		cmocka_unit_test(test_a_quantile_ends_at_the_last_bound),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
