#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/nearest.h"

/* Each kind of slip costs one, whatever the case of letters. */
static void
test_nearest_distance_counts_slips(void **state)
{
	(void)state;
	assert_int_equal(nearest_distance("listen", "listen"), 0);
	assert_int_equal(nearest_distance("Listen", "lISTEN"), 0);
	assert_int_equal(nearest_distance("lisen", "listen"), 1);
	assert_int_equal(nearest_distance("listten", "listen"), 1);
	assert_int_equal(nearest_distance("liften", "listen"), 1);
	assert_int_equal(nearest_distance("lsiten", "listen"), 1);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
}

/* The best of all candidates is given, whatever their order. */
static void
test_nearest_gives_the_best(void **state)
{
	struct nearest n;

	(void)state;
	nearest_init(&n, "levle");
	nearest_offer(&n, "listen");
	nearest_offer(&n, "level");
	nearest_offer(&n, "format");
	assert_string_equal(nearest_get(&n), "level");
}

/* A wholly other word, or one too long to compare, has no neighbour. */
static void
test_nearest_stays_silent_when_far(void **state)
{
	char huge[200];
	struct nearest n;

	(void)state;
	nearest_init(&n, "banana");
	nearest_offer(&n, "listen");
	assert_null(nearest_get(&n));

	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(nearest_distance(huge, "listen"), SIZE_MAX);
	nearest_init(&n, huge);
	nearest_offer(&n, "listen");
	assert_null(nearest_get(&n));
}

/* A message ends in the question, or as it was. */
static void
test_nearest_hint_asks_or_is_empty(void **state)
{
	struct nearest n;

	(void)state;
	nearest_init(&n, "levle");
	assert_string_equal(nearest_hint(&n, "--", ""), "");
	nearest_offer(&n, "level");
	assert_string_equal(nearest_hint(&n, "", ""), "; did you mean level?");
	assert_string_equal(nearest_hint(&n, "[", "]"),
	    "; did you mean [level]?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest_distance_counts_slips),
		cmocka_unit_test(test_nearest_gives_the_best),
		cmocka_unit_test(test_nearest_stays_silent_when_far),
		cmocka_unit_test(test_nearest_hint_asks_or_is_empty),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
