#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/upstream/upstream_report.h"

static const struct upstream_outcome two[] = {
	{ .id = "81", .lease = "L\"1" },
	{ .id = "82", .lease = "L2", .dead = "its body is no JSON" },
};

static void
test_upstream_report_is_written(void **state)
{
	char *text;

	(void)state;
	text = upstream_report_text(two, 2);
	assert_string_equal(text,
	    "{\"outcomes\":[{\"id\":\"81\",\"lease\":\"L\\\"1\",\"outcome\":"
	    "\"done\"},{\"id\":\"82\",\"lease\":\"L2\",\"outcome\":\"dead\","
	    "\"reason\":\"its body is no JSON\"}]}");
	free(text);
	text = upstream_report_text(NULL, 0);
	assert_string_equal(text, "{\"outcomes\":[]}");
	free(text);
}

static int
read_answer(const char *text, size_t *ret_gone)
{
	char reason[HANDLER_REASON_MAX];

	return (
	    upstream_report_read(text, strlen(text), two, 2, ret_gone, reason));
}

static void
test_upstream_report_answer_is_read(void **state)
{
	size_t gone = 7;

	(void)state;
	assert_int_equal(read_answer("{\"outcomes\":[{\"id\":\"81\",\"result\":"
				     "\"recorded\"}"
				     ",{\"id\":\"82\",\"result\":\"gone\"}]}",
			     &gone),
	    0);
	assert_int_equal(gone, 1);
}

/* Only an answer that names each of them says that they are recorded. */
static void
test_upstream_report_answer_is_not_believed(void **state)
{
	static const char *const texts[] = {
		"",
		"<html>",
		"{}",
		"{\"outcomes\":[]}",
		"{\"outcomes\":[{\"id\":\"81\",\"result\":\"recorded\"}]}",
		"{\"outcomes\":[{\"id\":\"82\",\"result\":\"recorded\"},"
		"{\"id\":\"81\",\"result\":\"recorded\"}]}",
		"{\"outcomes\":[{\"id\":\"81\",\"result\":\"recorded\"},"
		"{\"id\":\"82\",\"result\":\"yes\"}]}",
		"{\"outcomes\":[{\"id\":\"81\",\"result\":\"recorded\"},"
		"{\"id\":\"82\"}]}",
		"{\"outcomes\":[{\"id\":\"81\",\"result\":\"gone\"},"
		"{\"id\":\"82\",\"result\":\"gone\"},{}]}",
	};
	size_t gone;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(read_answer(texts[i], &gone), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upstream_report_is_written),
		cmocka_unit_test(test_upstream_report_answer_is_read),
		cmocka_unit_test(test_upstream_report_answer_is_not_believed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
