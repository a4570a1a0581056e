#include <stdio.h>

#include "test/lib/cmocka_all.h"

#include "server/intake/failure_limit.h"

#define NOW INT64_C(5000000)
#define BLOCK FAILURE_LIMIT_BLOCK

static struct peer_net
net(const char *address)
{
	return (peer_net_parse(address));
}

/* Fail n times at once, each time with little work. */
static void
fails(struct failure_limit *fl, const char *address, int n, int64_t now_ms)
{
	while (n-- > 0)
		failure_limit_charge(fl, net(address), 100, 1000, now_ms);
}

static int64_t
wait_of(const struct failure_limit *fl, const char *address, int64_t now_ms)
{
	return (failure_limit_wait(fl, net(address), now_ms));
}

/* So many may fail in a minute, and time gives that back, for each alone. */
static void
test_failure_limit_gives_back_by_time(void **state)
{
	static struct failure_limit fl;

	(void)state;
	failure_limit_init(&fl, 1);
	failure_limit_set(&fl, 60, 0);
	fails(&fl, "10.0.0.1", 59, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
	fails(&fl, "10.0.0.1", 1, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 1);
	assert_int_equal(wait_of(&fl, "10.0.0.2", NOW), 0);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 999), 1);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 1000), 0);
	fails(&fl, "10.0.0.1", 1, NOW + 1000);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 1000), 1);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 2000), 0);
}

/* Whatever was done, a minute later nothing is owed. */
static void
test_failure_limit_forgives_within_a_minute(void **state)
{
	static struct failure_limit fl;

	(void)state;
	failure_limit_init(&fl, 1);
	failure_limit_set(&fl, 6, 0);
	fails(&fl, "10.0.0.1", 5000, NOW);
	failure_limit_charge(&fl, net("10.0.0.1"), 31 << 20, 1 << 20, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 10);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 10000), 0);
	fails(&fl, "10.0.0.1", 5, NOW + 60000);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 60000), 0);
}

/* A large body costs as much as it takes to hash. */
static void
test_failure_limit_weighs_bodies(void **state)
{
	static struct failure_limit fl;

	(void)state;
	failure_limit_init(&fl, 1);
	failure_limit_set(&fl, 60, 0);
	failure_limit_charge(&fl, net("10.0.0.1"), 59 * BLOCK - 1, 1, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
	failure_limit_charge(&fl, net("10.0.0.1"), 0, 1, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 1);
}

/*
 * Beyond the allowance there is work for all such addresses together, and none
 * of it is taken from those within theirs.
 */
static void
test_failure_limit_verifies_as_far_as_there_is_time(void **state)
{
	static struct failure_limit fl;

	(void)state;
	failure_limit_init(&fl, 1);
	failure_limit_set(&fl, 60, 10000);
	fails(&fl, "10.0.0.1", 60, NOW); /* within it: no work is charged */
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
	fails(&fl, "10.0.0.1", 9, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
	fails(&fl, "10.0.0.1", 1, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 1);
	fails(&fl, "10.0.0.2", 59, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.2", NOW), 0);
	fails(&fl, "10.0.0.2", 1, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.2", NOW), 1);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 100), 0);
	fails(&fl, "10.0.0.1", 1, NOW + 100);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 100), 1);
	/* Much later, and over a number that days would not fit in. */
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + INT64_C(400000000000)),
	    0);
}

/* A single body may take more than a second has: it is paid off all the same.
 */
static void
test_failure_limit_is_paid_off_after_much_work(void **state)
{
	static struct failure_limit fl;

	(void)state;
	failure_limit_init(&fl, 1);
	failure_limit_set(&fl, 6, 1000);
	fails(&fl, "10.0.0.1", 6, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
	failure_limit_charge(&fl, net("10.0.0.1"), 31 << 20, 5000, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 5);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 4000), 1);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW + 4001), 0);
}

/* Without a limit nobody is turned away; a reload may set one, or none. */
static void
test_failure_limit_may_be_off(void **state)
{
	static struct failure_limit fl;

	(void)state;
	failure_limit_init(&fl, 1);
	fails(&fl, "10.0.0.1", 100000, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
	failure_limit_set(&fl, 1, 0);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
	fails(&fl, "10.0.0.1", 1, NOW);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 60);
	failure_limit_forget(&fl);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
	fails(&fl, "10.0.0.1", 1, NOW);
	failure_limit_set(&fl, 0, 0);
	assert_int_equal(wait_of(&fl, "10.0.0.1", NOW), 0);
}

/* 100,000 addresses make nobody forgotten who fails on and on. */
static void
test_failure_limit_remembers_who_fails_most(void **state)
{
	static struct failure_limit fl;
	char address[32];

	(void)state;
	failure_limit_init(&fl, 1);
	failure_limit_set(&fl, 600, 0);
	fails(&fl, "192.0.2.1", 600, NOW);
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(address, sizeof(address), "2001:db8:%x:%x::1",
		    i / 65536, i % 65536);
		fails(&fl, address, 1, NOW);
	}
	assert_int_equal(wait_of(&fl, "192.0.2.1", NOW), 1);
	assert_int_equal(wait_of(&fl, "192.0.2.2", NOW), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure_limit_gives_back_by_time),
		cmocka_unit_test(test_failure_limit_forgives_within_a_minute),
		cmocka_unit_test(test_failure_limit_weighs_bodies),
		cmocka_unit_test(
		    test_failure_limit_verifies_as_far_as_there_is_time),
		cmocka_unit_test(
		    test_failure_limit_is_paid_off_after_much_work),
		cmocka_unit_test(test_failure_limit_may_be_off),
		cmocka_unit_test(test_failure_limit_remembers_who_fails_most),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
