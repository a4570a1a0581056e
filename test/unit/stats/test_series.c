#include "server/stats/series.h"

#include "server/stats/stats_numbers.h"
#include "test/lib/cmocka_all.h"

#define MINUTE INT64_C(60000)
#define FROM (1000 * MINUTE)

static struct series s;

static int
teardown(void **state)
{
	(void)state;
	series_fini(&s);
	return (0);
}

static void
add(enum store_count_kind kind, const char *name, int64_t at_ms, int64_t n)
{
	assert_int_equal(series_add(&s, &(struct store_count){ .kind = kind,
					    .name = name,
					    .at_ms = at_ms,
					    .numbers = { n } }),
	    0);
}

/* Each row is in the slot of its time; those before and behind are left out. */
static void
test_each_row_has_its_slot(void **state)
{
	const struct series_line *line;

	(void)state;
	series_init(&s, STORE_COUNT_MINUTE, FROM, 3);
	add(STORE_COUNT_HANDLER, "pos", FROM - 1, 1);
	assert_null(series_find(&s, STORE_COUNT_HANDLER, "pos"));
	add(STORE_COUNT_HANDLER, "pos", FROM, 2);
	add(STORE_COUNT_HANDLER, "pos", FROM + 2 * MINUTE, 4);
	add(STORE_COUNT_HANDLER, "pos", FROM + 3 * MINUTE, 8);
	add(STORE_COUNT_INTAKE, "", FROM, 16);
	assert_int_equal(s.nlines, 2);
	line = series_find(&s, STORE_COUNT_HANDLER, "pos");
	assert_int_equal(line->slots[0].numbers[0], 2);
	assert_int_equal(line->slots[1].numbers[0], 0);
	assert_int_equal(line->slots[2].numbers[0], 4);
	assert_int_equal(line->slots[2].at_ms, FROM + 2 * MINUTE);
}

/* Rows of minutes, as those not written yet, are added to their hour. */
static void
test_minutes_go_into_their_hour(void **state)
{
	const struct series_line *line;

	(void)state;
	series_init(&s, STORE_COUNT_HOUR, 0, 2);
	add(STORE_COUNT_BRANCH, "2041", 0, 1);
	add(STORE_COUNT_BRANCH, "2041", 59 * MINUTE, 1);
	add(STORE_COUNT_BRANCH, "2041", 60 * MINUTE, 1);
	line = series_find(&s, STORE_COUNT_BRANCH, "2041");
	assert_int_equal(line->slots[0].numbers[0], 2);
	assert_int_equal(line->slots[1].numbers[0], 1);
}

/* By the minute there are no branches in the store: nor here. */
static void
test_branches_are_by_the_hour(void **state)
{
	(void)state;
	series_init(&s, STORE_COUNT_MINUTE, 0, 2);
	add(STORE_COUNT_BRANCH, "2041", 0, 1);
	assert_int_equal(s.nlines, 0);
}

static void
test_times_are_read_from_the_buckets(void **state)
{
	struct store_count c = { 0 };

	(void)state;
	series_init(&s, STORE_COUNT_MINUTE, 0, 1);
	assert_int_equal(series_call_us(&c, 0.5), -1);
	c.numbers[STATS_CALLS + 3] = 10; /* 5 to 10 ms */
	assert_int_equal(series_call_us(&c, 0.5), 7500);
}

#define series_test(f) cmocka_unit_test_teardown(f, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		series_test(test_each_row_has_its_slot),
		series_test(test_minutes_go_into_their_hour),
		series_test(test_branches_are_by_the_hour),
		series_test(test_times_are_read_from_the_buckets),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
