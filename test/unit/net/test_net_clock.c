#include "test/lib/cmocka_all.h"

#include "handlers/net/net_clock.h"

/* It never goes back. */
static void
test_net_clock_goes_forward(void **state)
{
	int64_t before_us = net_clock_us(), before_ms = net_clock_ms();

	(void)state;
	assert_true(net_clock_us() >= before_us);
	assert_true(net_clock_ms() >= before_ms);
	assert_true(before_ms >= before_us / 1000);
}

/* Lengths of time, for people. */
static void
test_net_clock_text(void **state)
{
	char text[NET_CLOCK_TEXT_MAX];

	(void)state;
	assert_string_equal(net_clock_text(0, text), "0s");
	assert_string_equal(net_clock_text(250, text), "250ms");
	assert_string_equal(net_clock_text(999, text), "999ms");
	assert_string_equal(net_clock_text(1000, text), "1s");
	assert_string_equal(net_clock_text(1567, text), "1.5s");
	assert_string_equal(net_clock_text(120000, text), "120s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_net_clock_goes_forward),
		cmocka_unit_test(test_net_clock_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
