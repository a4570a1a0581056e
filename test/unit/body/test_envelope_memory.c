/* A body that there is no memory to read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "handlers/body/envelope.h"

static sqlite3_mem_methods memory;
static size_t good = SIZE_MAX; /* calls of SQLite's that get memory */
static size_t failed;

static void *
malloc_or_fail(int size)
{
	if (good > 0) {
		good--;
		return (memory.xMalloc(size));
	}
	good = SIZE_MAX; /* the next ones again */
	failed++;
	return (NULL);
}

static void *
realloc_or_fail(void *p, int size)
{
	if (good > 0) {
		good--;
		return (memory.xRealloc(p, size));
	}
	good = SIZE_MAX;
	failed++;
	return (NULL);
}

/* Before SQLite is used. */
static void
watch_memory(void)
{
	sqlite3_mem_methods mine;

	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory), 0);
	mine = memory;
	mine.xMalloc = malloc_or_fail;
	mine.xRealloc = realloc_or_fail;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &mine), 0);
}

/* A body is not called invalid because there is no memory to read it. */
static void
test_envelope_without_memory_is_not_invalid(void **state)
{
	static const char body[] =
	    "{\"brand_id\":1,\"orders\":[{\"id\":\"a\",\"x\":[1,2,3]},"
	    "{\"id\":\"b\"}],\"more\":{\"k\":[1,2,3,4,5,6,7,8,9]}}";
	struct envelope_reader *er = envelope_reader_new();
	enum envelope_rc rc;
	struct envelope env;

	(void)state;
	assert_non_null(er);
	for (size_t n = 0;; n++) {
		good = n;
		failed = 0;
		rc = envelope_scan(er, body, sizeof(body) - 1, &env);
		good = SIZE_MAX;
		if (rc == ENVELOPE_OK) {
			assert_int_equal(env.norders, 2);
			assert_string_equal(env.brand, "1");
			assert_string_equal(env.orders[1].order_id, "b");
			envelope_fini(&env);
		} else
			assert_int_equal(rc, ENVELOPE_NOMEM);
		if (failed == 0)
			break;
		assert_in_range(n, 0, 1000);
	}
	assert_int_equal(envelope_scan(er, "{", 1, &env), ENVELOPE_INVALID);
	envelope_reader_free(er);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope_without_memory_is_not_invalid),
	};

	watch_memory();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
