/* Memory for libevent when malloc() has none. */
#include <stdint.h>
#include <string.h>

#include <event2/buffer.h>

#include "server/base/spare_memory.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/heap.h"

#define ALL SIZE_MAX

/* What malloc() has not comes from the spare, and goes back there. */
static void
test_the_spare_stands_in(void **state)
{
	unsigned char *p, *q;

	(void)state;
	for (int round = 0; round < 100; round++) {
		heap_fail(0, ALL);
		assert_non_null(p = spare_memory_alloc(SPARE_MEMORY_SIZE / 4));
		assert_non_null(q = spare_memory_alloc(1));
		memset(p, 'p', SPARE_MEMORY_SIZE / 4);
		*q = 'q';
		assert_int_equal(p[SPARE_MEMORY_SIZE / 4 - 1], 'p');
		assert_int_equal((uintptr_t)q % 16, 0);
		spare_memory_free(p);
		spare_memory_free(q);
		(void)heap_heal();
	}
	spare_memory_free(NULL);
}

/* It ends: no more than there is, and nothing twice. */
static void
test_the_spare_ends(void **state)
{
	unsigned char *p[SPARE_MEMORY_SIZE / 1000 + 1];
	size_t n = 0;

	(void)state;
	heap_fail(0, ALL);
	assert_null(spare_memory_alloc(SPARE_MEMORY_SIZE + 1));
	assert_false(spare_memory_is_short());
	while ((p[n] = spare_memory_alloc(1000)) != NULL) {
		memset(p[n], (int)n & 0xff, 1000);
		n++;
	}
	assert_in_range(n, SPARE_MEMORY_SIZE / 1000 / 2,
	    SPARE_MEMORY_SIZE / 1000);
	assert_true(spare_memory_is_short());
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(p[i][0], i & 0xff);
		assert_int_equal(p[i][999], i & 0xff);
		spare_memory_free(p[i]);
	}
	assert_false(spare_memory_is_short());
	(void)heap_heal();
}

/* A block may grow there, and out of it; its bytes stay. */
static void
test_a_block_grows(void **state)
{
	char *p;

	(void)state;
	heap_fail(0, ALL);
	assert_non_null(p = spare_memory_realloc(NULL, 6));
	(void)strcpy(p, "bytes");
	assert_non_null(p = spare_memory_realloc(p, 5000));
	assert_string_equal(p, "bytes");
	(void)heap_heal();
	assert_non_null(p = spare_memory_realloc(p, SPARE_MEMORY_SIZE * 2));
	assert_string_equal(p, "bytes");
	assert_non_null(p = spare_memory_realloc(p, 6));
	assert_string_equal(p, "bytes");
	spare_memory_free(p);
}

/* libevent uses it. */
static void
test_a_buffer_needs_no_memory(void **state)
{
	char text[16] = { 0 };
	struct evbuffer *b;

	(void)state;
	heap_fail(0, ALL);
	assert_non_null(b = evbuffer_new());
	assert_int_equal(evbuffer_add_printf(b, "%s", "answer"), 6);
	assert_int_equal(evbuffer_remove(b, text, sizeof(text)), 6);
	assert_string_equal(text, "answer");
	evbuffer_free(b);
	(void)heap_heal();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_spare_stands_in),
		cmocka_unit_test(test_the_spare_ends),
		cmocka_unit_test(test_a_block_grows),
		cmocka_unit_test(test_a_buffer_needs_no_memory),
	};

	spare_memory_begin();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
