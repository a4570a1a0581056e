#include "server/admin/metrics_text.h"

#include <stdlib.h>

#include "server/base/histogram.h"
#include "test/lib/cmocka_all.h"

static char *text;
static size_t text_len;
static FILE *out;

static int
setup(void **state)
{
	(void)state;
	out = open_memstream(&text, &text_len);
	return (out == NULL ? -1 : 0);
}

static int
teardown(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return (0);
}

/* What was printed is exactly this. */
static void
printed(const char *wanted)
{
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, wanted);
}

/* A family says what it is, also when it has no samples. */
static void
test_family(void **state)
{
	(void)state;
	metrics_family(out, "a_total", METRICS_COUNTER, "What it is.");
	metrics_family(out, "b", METRICS_GAUGE, "B.");
	metrics_family(out, "c", METRICS_HISTOGRAM, "C.");
	printed("# HELP a_total What it is.\n# TYPE a_total counter\n"
		"# HELP b B.\n# TYPE b gauge\n"
		"# HELP c C.\n# TYPE c histogram\n");
}

static void
test_samples(void **state)
{
	const char *const one[] = { "x", "1", NULL };
	const char *const two[] = { "x", "1", "y", "2", NULL };
	const char *const none[] = { NULL };

	(void)state;
	metrics_count(out, "a", NULL, UINT64_MAX);
	metrics_count(out, "a", none, 0);
	metrics_count(out, "a", one, 5);
	metrics_real(out, "a", two, 0.25);
	metrics_real(out, "a", NULL, 1795687131.646);
	printed("a 18446744073709551615\na 0\na{x=\"1\"} 5\n"
		"a{x=\"1\",y=\"2\"} 0.25\na 1795687131.646\n");
}

/* No value can end its quotes or its line, or be no UTF-8. */
static void
test_values_are_escaped(void **state)
{
	const char *const odd[] = { "x", "a\"b\\c\nd} 1\n", NULL };
	const char *const bad[] = { "x", "\xff\xc3\xa4\xc3", NULL };
	const char *const empty[] = { "x", "", NULL };

	(void)state;
	metrics_count(out, "a", odd, 1);
	metrics_count(out, "a", bad, 1);
	metrics_count(out, "a", empty, 1);
	printed("a{x=\"a\\\"b\\\\c\\nd} 1\\n\"} 1\n"
		"a{x=\"?\xc3\xa4?\"} 1\na{x=\"\"} 1\n");
}

/* A bound belongs to its bucket; buckets add up; below 0 is 0. */
static void
test_histogram(void **state)
{
	static const int64_t bounds[] = { 500, 1000 };
	struct histogram h;

	(void)state;
	histogram_init(&h, bounds, 2);
	histogram_add(&h, 500);
	histogram_add(&h, 501);
	histogram_add(&h, 1000);
	histogram_add(&h, 1001);
	histogram_add(&h, -5);
	metrics_histogram(out, "h", NULL, &h, 1e3);
	printed("h_bucket{le=\"0.5\"} 2\nh_bucket{le=\"1\"} 4\n"
		"h_bucket{le=\"+Inf\"} 5\nh_sum 3.002\nh_count 5\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_family, setup, teardown),
		cmocka_unit_test_setup_teardown(test_samples, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values_are_escaped, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_histogram, setup,
		    teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
