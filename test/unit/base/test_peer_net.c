/* What limits on strangers take for one address. */
#include "server/base/peer_net.h"
#include "test/lib/cmocka_all.h"

static void
test_ipv4_is_an_address_whatever_its_port(void **state)
{
	(void)state;
	assert_true(peer_net_equal(peer_net_parse("192.0.2.1"),
	    peer_net_parse("192.0.2.1:80")));
	assert_true(peer_net_equal(peer_net_parse("192.0.2.1"),
	    peer_net_parse("192.0.2.1")));
	assert_false(peer_net_equal(peer_net_parse("192.0.2.1"),
	    peer_net_parse("192.0.2.2")));
}

static void
test_ipv6_is_its_first_64_bits(void **state)
{
	(void)state;
	assert_true(peer_net_equal(peer_net_parse("2001:db8:1:2::1"),
	    peer_net_parse("2001:db8:1:2:ffff:eeee:dddd:cccc")));
	assert_false(peer_net_equal(peer_net_parse("2001:db8:1:2::1"),
	    peer_net_parse("2001:db8:1:3::1")));
	assert_true(peer_net_equal(peer_net_parse("2001:db8:1:2::1"),
	    peer_net_parse("[2001:db8:1:2::9]:443")));
	assert_true(peer_net_equal(peer_net_parse("2001:db8:1:2::1"),
	    peer_net_parse("2001:db8:1:2::9")));
	assert_true(peer_net_equal(peer_net_parse("fe80::1"),
	    peer_net_parse("[fe80::2%eth0]:443")));
}

static void
test_ipv4_on_a_socket_for_both_is_ipv4(void **state)
{
	(void)state;
	assert_true(peer_net_equal(peer_net_parse("::ffff:192.0.2.1"),
	    peer_net_parse("192.0.2.1")));
	assert_false(peer_net_equal(peer_net_parse("::ffff:192.0.2.1"),
	    peer_net_parse("::ffff:192.0.2.2")));
}

static void
test_ipv4_and_ipv6_of_the_same_bits_differ(void **state)
{
	(void)state;
	assert_false(peer_net_equal(peer_net_parse("32.1.13.184"),
	    peer_net_parse("2001:db8::")));
}

static void
test_what_has_no_address_is_one(void **state)
{
	const struct peer_net none = { 0 };

	(void)state;
	assert_true(peer_net_equal(peer_net_parse("rubbish"), none));
	assert_true(peer_net_equal(peer_net_parse("/run/a.sock"), none));
	assert_true(peer_net_equal(peer_net_parse(""), none));
	assert_false(peer_net_equal(peer_net_parse("0.0.0.0"), none));
}

static void
test_equal_addresses_have_one_hash_and_seeds_change_it(void **state)
{
	struct peer_net a = peer_net_parse("2001:db8::1"),
			b = peer_net_parse("2001:db8::2");

	(void)state;
	assert_true(peer_net_hash(a, 7) == peer_net_hash(b, 7));
	assert_false(peer_net_hash(a, 7) == peer_net_hash(a, 8));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_is_an_address_whatever_its_port),
		cmocka_unit_test(test_ipv6_is_its_first_64_bits),
		cmocka_unit_test(test_ipv4_on_a_socket_for_both_is_ipv4),
		cmocka_unit_test(test_ipv4_and_ipv6_of_the_same_bits_differ),
		cmocka_unit_test(test_what_has_no_address_is_one),
		cmocka_unit_test(
		    test_equal_addresses_have_one_hash_and_seeds_change_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
