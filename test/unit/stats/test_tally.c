#include "server/stats/tally.h"

#include <stdio.h>
#include <string.h>

#include "server/stats/stats_numbers.h"
#include "test/lib/cmocka_all.h"

#define MINUTE INT64_C(60000)

static void
add(struct tally *t, enum store_count_kind kind, const char *name,
    int64_t at_ms, int64_t n)
{
	tally_add(t, &(struct store_count){ .kind = kind,
			 .name = name,
			 .at_ms = at_ms,
			 .numbers = { [STATS_DONE] = n } });
}

/* Rows of the same minute, kind and name are one; all others are not. */
static void
test_rows_of_one_subject_are_one(void **state)
{
	struct tally t = { 0 };
	char name[] = "pos";

	(void)state;
	add(&t, STORE_COUNT_HANDLER, name, 0, 1);
	name[0] = 'P'; /* it was copied */
	add(&t, STORE_COUNT_HANDLER, "pos", 0, 2);
	add(&t, STORE_COUNT_HANDLER, "pos", MINUTE, 4);
	add(&t, STORE_COUNT_BRANCH, "pos", 0, 8);
	add(&t, STORE_COUNT_HANDLER, "bell", 0, 16);
	assert_int_equal(t.n, 4);
	assert_int_equal(t.rows[0].numbers[0], 3);
	assert_string_equal(t.rows[0].name, "pos");
	assert_int_equal(t.rows[1].numbers[0], 4);
	tally_fini(&t);
}

/* What could not be written is added to what has come since. */
static void
test_rows_are_taken_over(void **state)
{
	struct tally t = { 0 }, failed = { 0 };

	(void)state;
	add(&failed, STORE_COUNT_HANDLER, "pos", 0, 1);
	add(&failed, STORE_COUNT_HANDLER, "pos", MINUTE, 1);
	add(&t, STORE_COUNT_HANDLER, "pos", MINUTE, 1);
	assert_int_equal(tally_oldest_ms(&t), MINUTE);
	tally_take(&t, &failed);
	assert_int_equal(failed.n, 0);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.rows[0].numbers[0], 2);
	assert_int_equal(tally_oldest_ms(&t), 0);
	tally_fini(&t);
}

/* That it ran is no news. */
static void
test_it_is_idle_until_something_happens(void **state)
{
	struct store_count c = { .kind = STORE_COUNT_INTAKE,
		.name = "",
		.numbers = { [STATS_SECONDS] = 60 } };
	struct tally t = { 0 };

	(void)state;
	assert_true(tally_is_idle(&t));
	tally_add(&t, &c);
	assert_true(tally_is_idle(&t));
	c.numbers[STATS_REFUSED + 2] = 1;
	tally_add(&t, &c);
	assert_false(tally_is_idle(&t));
	tally_fini(&t);
	tally_add(&t, &(struct store_count){ .kind = STORE_COUNT_HANDLER,
			  .name = "pos",
			  .peak = 1 });
	assert_false(tally_is_idle(&t));
	tally_fini(&t);
}

/* However long the store is away, and whatever names come. */
static void
test_it_is_bounded(void **state)
{
	char name[2 * TALLY_NAME_MAX];
	struct tally t = { 0 };

	(void)state;
	for (int i = 0; i < TALLY_MAX + 10; i++)
		add(&t, STORE_COUNT_HANDLER, "pos", i * MINUTE, 1);
	assert_int_equal(t.n, TALLY_MAX);
	add(&t, STORE_COUNT_HANDLER, "pos", 0, 1);
	assert_int_equal(t.rows[0].numbers[0], 2);
	tally_fini(&t);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	add(&t, STORE_COUNT_HANDLER, name, 0, 1);
	assert_int_equal(strlen(t.rows[0].name), TALLY_NAME_MAX - 1);
	tally_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_of_one_subject_are_one),
		cmocka_unit_test(test_rows_are_taken_over),
		cmocka_unit_test(test_it_is_idle_until_something_happens),
		cmocka_unit_test(test_it_is_bounded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
