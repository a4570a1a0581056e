#include <stdio.h>

#include "test/lib/cmocka_all.h"

#include "server/base/peer_debt.h"

#define NOW INT64_C(5000000)

static struct peer_net
net(const char *address)
{
	return (peer_net_parse(address));
}

/* Time pays off a debt, and no more than that. */
static void
test_peer_debt_is_paid_off_by_time(void **state)
{
	static struct peer_debts d;

	(void)state;
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW), 0);
	peer_debt_add(&d, net("10.0.0.1"), 1000, NOW);
	peer_debt_add(&d, net("10.0.0.1"), 500, NOW);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW), 1500);
	assert_int_equal(peer_debt(&d, net("10.0.0.2"), NOW), 0);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW + 600), 900);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW + 1500), 0);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW + 9000), 0);
	peer_debt_add(&d, net("10.0.0.1"), 10, NOW + 9000);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW + 9000), 10);
}

/* What was taken too much is given back; nobody is owed anything. */
static void
test_peer_debt_may_be_given_back(void **state)
{
	static struct peer_debts d;

	(void)state;
	peer_debt_add(&d, net("10.0.0.1"), -10, NOW);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW), 0);
	peer_debt_add(&d, net("10.0.0.1"), 100, NOW);
	peer_debt_add(&d, net("10.0.0.1"), -30, NOW);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW), 70);
	peer_debt_add(&d, net("10.0.0.1"), -100, NOW);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW), 0);
	peer_debt_add(&d, net("10.0.0.1"), 5, NOW);
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW), 5);
}

/* Of more addresses than it can remember it forgets those that owe least. */
static void
test_peer_debt_is_bounded(void **state)
{
	static struct peer_debts d;
	char address[32];

	(void)state;
	peer_debt_add(&d, net("10.0.0.1"), 30000, NOW);
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(address, sizeof(address), "10.%d.%d.%d",
		    1 + i / 65536, i / 256 % 256, i % 256);
		peer_debt_add(&d, net(address), 1000, NOW);
	}
	assert_int_equal(peer_debt(&d, net("10.0.0.1"), NOW), 30000);
}

/* IPv6 counts by /64, which is one customer's. */
static void
test_peer_debt_knows_a_net(void **state)
{
	static struct peer_debts d;

	(void)state;
	peer_debt_add(&d, net("[2001:db8::1]:1"), 1000, NOW);
	assert_int_equal(peer_debt(&d, net("[2001:db8::2]:2"), NOW), 1000);
	assert_int_equal(peer_debt(&d, net("[2001:db8:0:1::1]:1"), NOW), 0);
}

/* A proxy that asks for itself is charged nothing. */
static void
test_peer_debt_has_none_of_nobody(void **state)
{
	static struct peer_debts d;

	(void)state;
	peer_debt_add(&d, peer_net_nobody(7), 1000, NOW);
	assert_int_equal(peer_debt(&d, peer_net_nobody(7), NOW), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer_debt_is_paid_off_by_time),
		cmocka_unit_test(test_peer_debt_may_be_given_back),
		cmocka_unit_test(test_peer_debt_is_bounded),
		cmocka_unit_test(test_peer_debt_knows_a_net),
		cmocka_unit_test(test_peer_debt_has_none_of_nobody),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
