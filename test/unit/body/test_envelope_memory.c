/* A body that there is no memory to read. */
#include <stddef.h>

#include "test/lib/cmocka_all.h"

#include "handlers/body/envelope.h"
#include "test/lib/heap.h"

/* A body is not called invalid because there is no memory to read it. */
static void
test_envelope_without_memory_is_not_invalid(void **state)
{
	static const char body[] =
	    "{\"brand_id\":1,\"orders\":[{\"id\":\"a\"},{\"id\":\"b\"},"
	    "{\"id\":\"c\"},{\"id\":\"d\"},{\"id\":\"e\"}]}";
	enum envelope_rc rc = ENVELOPE_NOMEM;
	struct envelope env;
	size_t failed;

	(void)state;
	for (failed = 0; rc == ENVELOPE_NOMEM; failed++) {
		heap_fail(failed, 1);
		rc = envelope_scan(body, sizeof(body) - 1, &env);
		heap_heal();
		assert_in_range(failed, 0, 10);
	}
	assert_int_equal(rc, ENVELOPE_OK);
	assert_in_range(failed, 3, 10); /* it has met more than one */
	assert_int_equal(env.norders, 5);
	assert_string_equal(env.brand, "1");
	assert_string_equal(env.orders[4].order_id, "e");
	envelope_fini(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope_without_memory_is_not_invalid),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
