#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/intake/answers.h"

static struct answers all;

static void
note(int64_t event)
{
	answers_note(&all, &(struct store_answer){ event, 200, 5 });
}

/* Each is handed on once, the oldest first, and found before and after. */
static void
test_answers_are_handed_on_once(void **state)
{
	char text[STORE_ANSWERS_SIZE];
	struct store_answer a;

	(void)state;
	memset(&all, 0, sizeof(all));
	answers_hand_on(&all, text);
	assert_string_equal(text, "");
	note(1);
	note(2);
	assert_int_equal(answers_find(&all, 2, &a), 0);
	answers_hand_on(&all, text);
	assert_string_equal(text, "1:200:5 2:200:5");
	answers_hand_on(&all, text);
	assert_string_equal(text, "");
	assert_int_equal(answers_find(&all, 1, &a), 0);
	assert_int_equal(answers_find(&all, 3, &a), -1);
	assert_int_equal(answers_find(&all, 0, &a), -1);
}

/* What could not be stored is handed on again. */
static void
test_answers_that_were_not_stored_come_again(void **state)
{
	char text[STORE_ANSWERS_SIZE], again[STORE_ANSWERS_SIZE];

	(void)state;
	memset(&all, 0, sizeof(all));
	note(1);
	note(2);
	answers_hand_on(&all, text);
	answers_note_again(&all, NULL);
	answers_note_again(&all, text);
	answers_hand_on(&all, again);
	assert_string_equal(again, text);
}

/* More than there is room for: the oldest are lost, and nothing else. */
static void
test_answers_are_bounded(void **state)
{
	char text[STORE_ANSWERS_SIZE];
	struct store_answer a;
	int64_t next = 11, n = 0;

	(void)state;
	memset(&all, 0, sizeof(all));
	for (int64_t i = 1; i <= ANSWERS_KEPT + 10; i++)
		note(i);
	for (;;) {
		const char *at = text;

		answers_hand_on(&all, text);
		if (text[0] == '\0')
			break;
		for (; store_answers_next(&at, &a) == 0; n++)
			assert_int_equal(a.event, next++);
	}
	assert_int_equal(n, ANSWERS_KEPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_handed_on_once),
		cmocka_unit_test(test_answers_that_were_not_stored_come_again),
		cmocka_unit_test(test_answers_are_bounded),
	};

	return (cmocka_run_group_tests_name("answers", tests, NULL, NULL));
}
