#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handlers/handler.h"

/* Every type of the table is found by its name, and is complete. */
static void
test_registry_finds_every_type(void **state)
{
	const struct handler *h;
	size_t n = 0;

	(void)state;
	for (; (h = handler_at(n)) != NULL; n++) {
		assert_ptr_equal(handler_find(h->type), h);
		assert_non_null(h->open);
		assert_non_null(h->run);
		assert_non_null(h->close);
		assert_int_equal(h->cancel != NULL, h->outlet);
	}
	assert_true(n > 0);
	assert_null(handler_at(n + 1));
	assert_non_null(handler_find("orders"));
	assert_non_null(handler_find("exec"));
	assert_non_null(handler_find("forward"));
}

/* What is not in the table is not found. */
static void
test_registry_finds_nothing_else(void **state)
{
	(void)state;
	assert_null(handler_find(""));
	assert_null(handler_find("order"));
	assert_null(handler_find("Orders"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry_finds_every_type),
		cmocka_unit_test(test_registry_finds_nothing_else),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
