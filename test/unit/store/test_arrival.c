#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/arrival.h"

/* What is written is read again, one after the other. */
static void
test_answers_are_read_as_they_were_written(void **state)
{
	const struct store_answer list[] = { { 7, 200, 1850 },
		{ INT64_MAX, 503, 5000000 }, { 9, 0, 0 } };
	char text[STORE_ANSWERS_SIZE];
	const char *at = text;
	struct store_answer a;

	(void)state;
	store_answers_write(list, 3, text);
	assert_string_equal(text, "7:200:1850 9223372036854775807:503:5000000 "
				  "9:0:0");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(store_answers_next(&at, &a), 0);
		assert_int_equal(a.event, list[i].event);
		assert_int_equal(a.status, list[i].status);
		assert_int_equal(a.took_us, list[i].took_us);
	}
	assert_int_equal(store_answers_next(&at, &a), -1);
	assert_int_equal(store_answers_find(text, 9, &a), 0);
	assert_int_equal(a.status, 0);
	assert_int_equal(store_answers_find(text, 8, &a), -1);
	assert_int_equal(store_answers_find(NULL, 7, &a), -1);
}

/* As many of the longest ones as there may be find room. */
static void
test_answers_find_room(void **state)
{
	struct store_answer list[STORE_ANSWERS_MAX], a;
	char text[STORE_ANSWERS_SIZE];

	(void)state;
	for (size_t i = 0; i < STORE_ANSWERS_MAX; i++)
		list[i] = (struct store_answer){ INT64_MAX - (int64_t)i, 200,
			INT64_MAX };
	store_answers_write(list, STORE_ANSWERS_MAX, text);
	assert_int_equal(store_answers_find(text,
			     list[STORE_ANSWERS_MAX - 1].event, &a),
	    0);
	store_answers_write(NULL, 0, text);
	assert_string_equal(text, "");
}

/* What is none is not read, and ends the text. */
static void
test_no_answers(void **state)
{
	static const char *const texts[] = { "", " ", "7", "7:", "7:200",
		"7:200:", "7:200:1:2", "7:2000:1", "-7:200:1", "x:200:1",
		"7::1", "7 200 1" };
	struct store_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *at = texts[i];

		if (store_answers_next(&at, &a) == 0)
			fail_msg("\"%s\" was read", texts[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_read_as_they_were_written),
		cmocka_unit_test(test_answers_find_room),
		cmocka_unit_test(test_no_answers),
	};

	return (cmocka_run_group_tests_name("arrival", tests, NULL, NULL));
}
