/* Whether a text names an id, however it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/mention.h"

static bool
finds(const char *text, const char *id)
{
	return (mention_finds(text, strlen(text), id));
}

/* As a number or a string, at either end, or beside what is no letter. */
static void
test_an_id_is_found_by_itself(void **state)
{
	(void)state;
	assert_true(finds("{\"orders\":[{\"id\":4711}]}", "4711"));
	assert_true(finds("{\"id\":\"4711\"}", "4711"));
	assert_true(finds("4711", "4711"));
	assert_true(finds("14711, 4711", "4711"));
	assert_true(finds("id=4711&x", "4711"));
	assert_true(finds("{\"id\":\"#a-1#\"}", "#a-1#"));
	assert_true(finds("x#a-1#y", "#a-1#"));
	assert_false(finds("{\"id\":14711}", "4711"));
	assert_false(finds("{\"id\":47110}", "4711"));
	assert_false(finds("{\"id\":\"a4711\"}", "4711"));
	assert_false(finds("{\"id\":471}", "4711"));
	assert_false(finds("", "4711"));
}

/* Escapes hide no id, whole ones or torn. */
static void
test_escapes_hide_nothing(void **state)
{
	(void)state;
	assert_true(finds("{\"id\":\"\\u0034711\"}", "4711"));
	assert_true(finds("{\"id\":\"4\\u00371\\u0031\"}", "4711"));
	assert_true(finds("{\"note\":\"order\\n4711\"}", "4711"));
	assert_true(finds("a\\/b", "a/b"));
	assert_true(finds("\"\\u00e9-1\"", "\xc3\xa9-1"));
	assert_true(finds("\"\\ud83c\\udf5d1\"", "\xf0\x9f\x8d\x9d"
						 "1"));
	assert_true(finds("body=%7B%22id%22%3A4711%2C", "4711"));
	assert_true(finds("%34%37%31%31", "4711"));
	assert_false(finds("\\u00314711", "4711"));
	assert_false(finds("\\u47", "4711"));
	assert_false(finds("4711\\u003", "47110"));
	assert_false(finds("100%", "4711"));
	assert_false(finds("\\", "4711"));
	assert_false(finds("\\ud83c", "4711"));
}

/* Bytes that are no text do no harm. */
static void
test_bytes_are_searched(void **state)
{
	(void)state;
	assert_true(mention_finds("\0 4711\0", 7, "4711"));
	assert_false(mention_finds("\0\xff\\", 3, "4711"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_id_is_found_by_itself),
		cmocka_unit_test(test_escapes_hide_nothing),
		cmocka_unit_test(test_bytes_are_searched),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
