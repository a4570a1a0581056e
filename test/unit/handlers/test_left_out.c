/* What a build without an option says: registry.c is built in here anew,
   without HAVE_REDIS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handlers/registry.h"

/* A type that was left out is not in the table, and has a reason for that. */
static void
test_a_type_that_was_left_out_says_so(void **state)
{
	(void)state;
	assert_null(handler_find(handler_types, "redis"));
	assert_string_equal(handler_left_out("redis"),
	    "this klikitd was built without redis");
	assert_null(handler_left_out("amqp"));
	assert_null(handler_left_out("no such"));
	assert_non_null(handler_find(handler_types, "amqp"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_type_that_was_left_out_says_so),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
