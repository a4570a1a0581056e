#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/one_line.h"

static void
expect(const char *text, const char *line)
{
	char out[HANDLER_REASON_MAX];

	one_line(text, out);
	assert_string_equal(out, line);
}

static void
test_what_is_not_seen_is_a_question_mark(void **state)
{
	(void)state;
	expect(NULL, "");
	expect("", "");
	expect("all is well", "all is well");
	expect("a\nb\x1b[1m \xff\xc3\xa9", "a?b?[1m ?\xc3\xa9");
}

static void
test_a_long_one_is_cut_at_a_character(void **state)
{
	char text[2 * HANDLER_REASON_MAX], line[HANDLER_REASON_MAX];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + HANDLER_REASON_MAX - 2, "\xc3\xa9", 3);
	one_line(text, line);
	assert_int_equal(strlen(line), HANDLER_REASON_MAX - 2);
	text[HANDLER_REASON_MAX - 2] = 'b';
	text[HANDLER_REASON_MAX - 1] = 'c';
	one_line(text, line);
	assert_int_equal(strlen(line), HANDLER_REASON_MAX - 1);
	assert_int_equal(line[HANDLER_REASON_MAX - 2], 'b');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_seen_is_a_question_mark),
		cmocka_unit_test(test_a_long_one_is_cut_at_a_character),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
