/* Memory that is given back all at once. */
#include <stdint.h>
#include <string.h>

#include "store/base/arena.h"
#include "test/lib/cmocka_all.h"

/* Pieces are zeroed, aligned, and do not overlap, whatever their sizes. */
static void
test_arena_pieces_are_apart(void **state)
{
	struct arena a = { 0 };
	unsigned char *p[40];

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		p[i] = arena_alloc(&a, i * 37);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % sizeof(void *), 0);
		for (size_t k = 0; k < i * 37; k++)
			assert_int_equal(p[i][k], 0);
		memset(p[i], (int)i + 1, i * 37);
	}
	for (size_t i = 0; i < 40; i++)
		for (size_t k = 0; k < i * 37; k++)
			assert_int_equal(p[i][k], i + 1);
	arena_fini(&a);
}

/* Sizes that do not fit into memory are refused, not wrapped around. */
static void
test_arena_refuses_overflow(void **state)
{
	struct arena a = { 0 };

	(void)state;
	assert_null(arena_array(&a, SIZE_MAX / 2, 4));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_dup(&a, "", SIZE_MAX));
	arena_fini(&a);
}

/* Copies end with a NUL and are the arena's own; NULL stays NULL. */
static void
test_arena_copies_text(void **state)
{
	struct arena a = { 0 };
	char text[] = "abc";
	const char *copy = text;
	char *part;

	(void)state;
	assert_int_equal(arena_text(&a, text, &copy), 0);
	text[0] = 'x';
	assert_string_equal(copy, "abc");
	assert_int_equal(arena_text(&a, NULL, &copy), 0);
	assert_null(copy);
	part = arena_dup(&a, "abcdef", 2);
	assert_string_equal(part, "ab");
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_pieces_are_apart),
		cmocka_unit_test(test_arena_refuses_overflow),
		cmocka_unit_test(test_arena_copies_text),
	};

	return (cmocka_run_group_tests_name("arena", tests, NULL, NULL));
}
