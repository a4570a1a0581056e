#include "store/counts.h"

#include <string.h>

#include "test/lib/cmocka_all.h"

/* What is printed is what is read again. */
static void
test_numbers_are_read_as_they_were_printed(void **state)
{
	int64_t in[STORE_COUNT_NUMBERS] = { 7, 0, INT64_MAX };
	int64_t out[STORE_COUNT_NUMBERS];
	char text[STORE_COUNT_TEXT_MAX];

	(void)state;
	store_count_print(in, text);
	assert_string_equal(text, "7 0 9223372036854775807");
	store_count_parse(text, out);
	assert_memory_equal(in, out, sizeof(in));
	for (size_t i = 0; i < STORE_COUNT_NUMBERS; i++)
		in[i] = INT64_MIN;
	store_count_print(in, text);
	assert_int_equal(strlen(text), STORE_COUNT_TEXT_MAX - 2);
	store_count_parse(text, out);
	assert_memory_equal(in, out, sizeof(in));
}

static void
test_of_what_is_no_text_nothing_is_read(void **state)
{
	static const int64_t none[STORE_COUNT_NUMBERS];
	int64_t out[STORE_COUNT_NUMBERS];

	(void)state;
	store_count_parse(NULL, out);
	assert_memory_equal(out, none, sizeof(out));
	store_count_parse("", out);
	assert_memory_equal(out, none, sizeof(out));
	store_count_parse("5 x 6", out);
	assert_int_equal(out[0], 5);
	assert_int_equal(out[1], 0);
	/* More than there is room for, as a newer klikitd may write. */
	store_count_parse("1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2 3",
	    out);
	assert_int_equal(out[STORE_COUNT_NUMBERS - 1], 2);
}

static void
test_numbers_are_added_and_the_peak_stays(void **state)
{
	struct store_count a = { .numbers = { 1, 2 }, .peak = 5 };
	struct store_count b = { .numbers = { 10, 0, 3 }, .peak = 4 };

	(void)state;
	store_count_add(&a, &b);
	assert_int_equal(a.numbers[0], 11);
	assert_int_equal(a.numbers[1], 2);
	assert_int_equal(a.numbers[2], 3);
	assert_int_equal(a.peak, 5);
	store_count_add(&b, &a);
	assert_int_equal(b.peak, 5);
}

static void
test_minutes_and_hours_begin(void **state)
{
	(void)state;
	assert_int_equal(store_count_begin_ms(STORE_COUNT_MINUTE, 119999),
	    60000);
	assert_int_equal(store_count_begin_ms(STORE_COUNT_HOUR, 7199999),
	    3600000);
	assert_int_equal(store_count_begin_ms(STORE_COUNT_HOUR, 7200000),
	    7200000);
}

/* Those with which an hour begins. */
static void
test_few_writes_of_an_hour_sweep(void **state)
{
	struct store_count_sweeps s = { 0 };
	int64_t hour = store_count_step_ms(STORE_COUNT_HOUR);
	int n = 0;

	(void)state;
	for (int minute = 0; minute < 180; minute++)
		n +=
		    store_count_sweep(&s, 100 * hour + minute * INT64_C(60000));
	assert_int_equal(n, 15);
	assert_true(store_count_sweep(&s, 103 * hour));
	assert_true(store_count_sweep(&s, 20 * hour)); /* was set back */
}

static void
test_each_kind_has_a_word(void **state)
{
	enum store_count_kind kind;

	(void)state;
	for (int i = 0; i < STORE_COUNT_NKINDS; i++) {
		const char *word =
		    store_count_kind_name((enum store_count_kind)i);

		assert_int_equal(store_count_kind_parse(word, &kind), 0);
		assert_int_equal(kind, i);
	}
	assert_int_equal(store_count_kind_parse("order", &kind), -1);
	assert_int_equal(store_count_kind_parse(NULL, &kind), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_read_as_they_were_printed),
		cmocka_unit_test(test_of_what_is_no_text_nothing_is_read),
		cmocka_unit_test(test_numbers_are_added_and_the_peak_stays),
		cmocka_unit_test(test_minutes_and_hours_begin),
		cmocka_unit_test(test_few_writes_of_an_hour_sweep),
		cmocka_unit_test(test_each_kind_has_a_word),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
