/* When a certificate is near its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/tls/cert_due.h"

#define DAY INT64_C(86400000)
#define FROM (100 * DAY)
#define UNTIL (200 * DAY)

static enum cert_stage
stage(int64_t now_ms)
{
	return (cert_due_stage(FROM, UNTIL, now_ms));
}

/* Each stage begins at its very moment, and the last moment is valid. */
static void
test_stages_begin_in_time(void **state)
{
	(void)state;
	assert_int_equal(stage(FROM - 1), CERT_EARLY);
	assert_int_equal(stage(FROM), CERT_FINE);
	assert_int_equal(stage(UNTIL - 21 * DAY - 1), CERT_FINE);
	assert_int_equal(stage(UNTIL - 21 * DAY), CERT_WEEKS);
	assert_int_equal(stage(UNTIL - 7 * DAY - 1), CERT_WEEKS);
	assert_int_equal(stage(UNTIL - 7 * DAY), CERT_WEEK);
	assert_int_equal(stage(UNTIL - DAY), CERT_DAY);
	assert_int_equal(stage(UNTIL), CERT_DAY);
	assert_int_equal(stage(UNTIL + 1), CERT_EXPIRED);
	assert_int_equal(stage(0), CERT_EARLY);
	assert_int_equal(stage(INT64_MAX), CERT_EXPIRED);
}

/* After the wait there is another stage, and none before. */
static void
test_the_wait_ends_at_the_next_stage(void **state)
{
	static const int64_t moments[] = { 0, FROM - 1, FROM, FROM + 1,
		UNTIL - 21 * DAY - 1, UNTIL - 21 * DAY, UNTIL - 8 * DAY,
		UNTIL - DAY, UNTIL - 1, UNTIL };
	int64_t now, wait;

	(void)state;
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		now = moments[i];
		wait = cert_due_wait_ms(FROM, UNTIL, now);
		assert_true(wait > 0);
		assert_int_equal(stage(now + wait - 1), stage(now));
		assert_int_not_equal(stage(now + wait), stage(now));
	}
	assert_int_equal(cert_due_wait_ms(FROM, UNTIL, UNTIL + 1), INT64_MAX);
}

/* One of a single day is in its last stage from the start. */
static void
test_a_short_one_skips_stages(void **state)
{
	(void)state;
	assert_int_equal(cert_due_stage(0, DAY / 2, 0), CERT_DAY);
	assert_int_equal(cert_due_wait_ms(0, DAY / 2, 0), DAY / 2 + 1);
}

static void
test_a_stage_is_told_when_it_is_entered(void **state)
{
	(void)state;
	for (int told = CERT_FINE; told <= CERT_EXPIRED; told++) {
		assert_false(cert_due_warns(told, CERT_FINE));
		assert_true(cert_due_warns(told, CERT_EARLY));
		for (int now = CERT_WEEKS; now <= CERT_EXPIRED; now++)
			assert_int_equal(cert_due_warns(told, now), now > told);
	}
	assert_false(cert_due_warns(CERT_EARLY, CERT_EARLY));
	assert_false(cert_due_warns(CERT_EARLY, CERT_FINE));
	assert_true(cert_due_warns(CERT_EARLY, CERT_WEEKS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages_begin_in_time),
		cmocka_unit_test(test_the_wait_ends_at_the_next_stage),
		cmocka_unit_test(test_a_short_one_skips_stages),
		cmocka_unit_test(test_a_stage_is_told_when_it_is_entered),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
