/* What limits on strangers take for one address. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "server/base/peer_net.h"
#include "test/lib/cmocka_all.h"

static struct peer_net
of_v6(const char *text)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(4321) };

	assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
	return (peer_net_of((struct sockaddr *)&sin6));
}

static struct peer_net
of_v4(const char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(1234) };

	assert_int_equal(inet_pton(AF_INET, text, &sin.sin_addr), 1);
	return (peer_net_of((struct sockaddr *)&sin));
}

static void
test_ipv4_is_an_address_whatever_its_port(void **state)
{
	(void)state;
	assert_true(
	    peer_net_equal(of_v4("192.0.2.1"), peer_net_parse("192.0.2.1:80")));
	assert_true(
	    peer_net_equal(of_v4("192.0.2.1"), peer_net_parse("192.0.2.1")));
	assert_false(peer_net_equal(of_v4("192.0.2.1"), of_v4("192.0.2.2")));
}

static void
test_ipv6_is_its_first_64_bits(void **state)
{
	(void)state;
	assert_true(peer_net_equal(of_v6("2001:db8:1:2::1"),
	    of_v6("2001:db8:1:2:ffff:eeee:dddd:cccc")));
	assert_false(
	    peer_net_equal(of_v6("2001:db8:1:2::1"), of_v6("2001:db8:1:3::1")));
	assert_true(peer_net_equal(of_v6("2001:db8:1:2::1"),
	    peer_net_parse("[2001:db8:1:2::9]:443")));
	assert_true(peer_net_equal(of_v6("2001:db8:1:2::1"),
	    peer_net_parse("2001:db8:1:2::9")));
	assert_true(peer_net_equal(of_v6("fe80::1"),
	    peer_net_parse("[fe80::2%eth0]:443")));
}

static void
test_ipv4_on_a_socket_for_both_is_ipv4(void **state)
{
	(void)state;
	assert_true(
	    peer_net_equal(of_v6("::ffff:192.0.2.1"), of_v4("192.0.2.1")));
	assert_false(peer_net_equal(of_v6("::ffff:192.0.2.1"),
	    of_v6("::ffff:192.0.2.2")));
}

static void
test_ipv4_and_ipv6_of_the_same_bits_differ(void **state)
{
	(void)state;
	assert_false(peer_net_equal(of_v4("32.1.13.184"), of_v6("2001:db8::")));
}

static void
test_what_has_no_address_is_one(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)state;
	assert_true(peer_net_equal(peer_net_of((struct sockaddr *)&sun),
	    peer_net_of(NULL)));
	assert_true(
	    peer_net_equal(peer_net_parse("rubbish"), peer_net_of(NULL)));
	assert_true(peer_net_equal(peer_net_parse(""), peer_net_of(NULL)));
	assert_false(peer_net_equal(of_v4("0.0.0.0"), peer_net_of(NULL)));
}

static void
test_equal_addresses_have_one_hash_and_seeds_change_it(void **state)
{
	struct peer_net a = of_v6("2001:db8::1"), b = of_v6("2001:db8::2");

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
