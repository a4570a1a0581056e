#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/registry.h"

/* Every type of the table is found by its name, and is complete. */
static void
test_registry_finds_every_type(void **state)
{
	const struct handler *h;

	(void)state;
	assert_non_null(handler_types[0]);
	for (size_t i = 0; (h = handler_types[i]) != NULL; i++) {
		assert_ptr_equal(handler_find(handler_types, h->type), h);
		assert_non_null(h->text);
		assert_non_null(h->example);
		assert_non_null(h->open);
		assert_non_null(h->run);
		assert_non_null(h->close);
		assert_int_equal(h->cancel != NULL, h->outlet);
		assert_int_equal(h->timeout != NULL,
		    h->outlet && h->pulled == NULL);
		assert_int_equal(h->concurrency != NULL, h->outlet);
		assert_int_equal(h->keys != NULL, h->settings_size > 0);
	}
	assert_ptr_equal(handler_types[0], &handler_orders);
}

/* What is not in the table is not found. */
static void
test_registry_finds_nothing_else(void **state)
{
	static const struct handler *const two[] = { &handler_exec,
		&handler_orders, NULL };

	(void)state;
	assert_null(handler_find(handler_types, ""));
	assert_null(handler_find(handler_types, "order"));
	assert_null(handler_find(handler_types, "Orders"));
	assert_null(handler_find(two, "forward"));
	assert_ptr_equal(handler_find(two, "orders"), &handler_orders);
}

/* Keys are named as in messages, described, and lie within the settings. */
static void
test_registry_keys_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; handler_types[i] != NULL; i++) {
		const struct handler *h = handler_types[i];

		for (const struct key *k = h->keys;
		     k != NULL && k->name != NULL; k++) {
			assert_int_equal(strncmp(k->name, "handler.", 8), 0);
			assert_true(k->offset < h->settings_size);
			assert_non_null(k->value);
			assert_non_null(k->text);
			assert_true(k->def != NULL || k->example != NULL);
			assert_true(k->kind != KEY_INT || k->max > k->min);
		}
	}
}

/* A type that this build lacks is not unknown. */
static void
test_registry_says_what_was_left_out(void **state)
{
	(void)state;
	assert_int_equal(handler_find(handler_types, "redis") == NULL,
	    handler_left_out("redis") != NULL);
	for (size_t i = 0; handler_types[i] != NULL; i++)
		assert_null(handler_left_out(handler_types[i]->type));
	assert_null(handler_left_out("rediss"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry_finds_every_type),
		cmocka_unit_test(test_registry_finds_nothing_else),
		cmocka_unit_test(test_registry_keys_are_whole),
		cmocka_unit_test(test_registry_says_what_was_left_out),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
