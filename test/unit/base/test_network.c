/* Lists of networks. */
#include "server/base/network.h"

#include <string.h>

#include "test/lib/cmocka_all.h"

static struct network
network(const char *text)
{
	struct network network;

	if (network_parse(text, &network) != NETWORK_OK)
		fail_msg("%s is refused", text);
	return (network);
}

static struct address
address(const char *text)
{
	struct address address;

	assert_int_equal(address_parse_host(text, strlen(text), &address), 0);
	(void)address_unmap(&address);
	return (address);
}

/* Of one network: an address in it, and the nearest outside. */
static void
test_network_has_what_begins_alike(void **state)
{
	static const struct {
		const char *network;
		const char *in;
		const char *out;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
		{ "192.0.2.128/25", "192.0.2.128", "192.0.2.127" },
		{ "192.0.2.8/29", "192.0.2.15", "192.0.2.16" },
		{ "192.0.2.7", "192.0.2.7", "192.0.2.6" },
		{ "192.0.2.7/32", "192.0.2.7", "192.0.2.8" },
		{ "0.0.0.0/0", "255.255.255.255", "::1" },
		{ "::/0", "2001:db8::1", "192.0.2.1" },
		{ "::/0", "::", "::ffff:192.0.2.1" },
		{ "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::" },
		{ "::1", "::1", "::2" },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0" },
		{ "::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8" },
		{ "192.0.2.7", "::ffff:192.0.2.7", "::192.0.2.7" },
		{ "127.0.0.0/8", "127.0.0.1", "::1" },
	};
	struct address in, out;
	struct network n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n = network(cases[i].network);
		in = address(cases[i].in);
		out = address(cases[i].out);
		if (!network_has(&n, &in))
			fail_msg("%s is not in %s", cases[i].in,
			    cases[i].network);
		if (network_has(&n, &out))
			fail_msg("%s is in %s", cases[i].out, cases[i].network);
	}
}

static void
test_network_has_no_socket_without_address(void **state)
{
	const struct address none = { 0 };
	struct network v4 = network("0.0.0.0/0"), v6 = network("::/0");

	(void)state;
	assert_false(network_has(&v4, &none));
	assert_false(network_has(&v6, &none));
}

static void
test_network_parse_says_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		enum network_rc rc;
	} cases[] = {
		{ "", NETWORK_BAD_ADDRESS },
		{ "/8", NETWORK_BAD_ADDRESS },
		{ "10.0.0", NETWORK_BAD_ADDRESS },
		{ "10.0.0.0:80", NETWORK_BAD_ADDRESS },
		{ "[::1]", NETWORK_BAD_ADDRESS },
		{ "localhost", NETWORK_BAD_ADDRESS },
		{ "unix", NETWORK_BAD_ADDRESS },
		{ "*", NETWORK_BAD_ADDRESS },
		{ "10.0.0.0/", NETWORK_BAD_LENGTH },
		{ "10.0.0.0/33", NETWORK_BAD_LENGTH },
		{ "10.0.0.0/-1", NETWORK_BAD_LENGTH },
		{ "10.0.0.0/8/8", NETWORK_BAD_LENGTH },
		{ "10.0.0.0/255.0.0.0", NETWORK_BAD_LENGTH },
		{ "2001:db8::/129", NETWORK_BAD_LENGTH },
		{ "10.0.0.1/8", NETWORK_BITS_LEFT },
		{ "2001:db8::1/64", NETWORK_BITS_LEFT },
		{ "::ffff:10.0.0.1/104", NETWORK_BITS_LEFT },
	};
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (network_parse(cases[i].text, &network) != cases[i].rc)
			fail_msg("%s", cases[i].text);
	}
}

/* What was meant is offered. */
static void
test_network_text_is_the_network_that_was_meant(void **state)
{
	static const struct {
		const char *text;
		const char *meant;
	} cases[] = {
		{ "10.1.2.3/8", "10.0.0.0/8" },
		{ "192.0.2.130/25", "192.0.2.128/25" },
		{ "2001:db8::1/64", "2001:db8::/64" },
		{ "::ffff:10.1.2.3/104", "10.0.0.0/8" },
		{ "192.0.2.7/32", "192.0.2.7" },
		{ "::1", "::1" },
	};
	char text[NETWORK_TEXT_MAX];
	struct network n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)network_parse(cases[i].text, &n);
		assert_string_equal(network_text(&n, text), cases[i].meant);
	}
}

static void
test_network_is_every_address_of_a_family(void **state)
{
	struct network v4 = network("0.0.0.0/0"), v6 = network("::/0"),
		       half = network("128.0.0.0/1"),
		       mapped = network("::ffff:0.0.0.0/96");

	(void)state;
	assert_true(network_is_every(&v4));
	assert_true(network_is_every(&v6));
	assert_true(network_is_every(&mapped));
	assert_false(network_is_every(&half));
}

static void
test_networks_have_what_one_of_them_has(void **state)
{
	char v4_text[] = "10.0.0.0/8", v6_text[] = "2001:db8::/32";
	char *texts[] = { v4_text, v6_text };
	struct networks all = { NULL, 0 };
	struct address v4 = address("10.9.8.7"), v6 = address("2001:db8::1"),
		       other = address("192.0.2.1");

	(void)state;
	assert_false(networks_have(&all, &v4));
	assert_int_equal(networks_read(texts, 2, &all), 0);
	assert_true(networks_have(&all, &v4));
	assert_true(networks_have(&all, &v6));
	assert_false(networks_have(&all, &other));
	networks_fini(&all);
	assert_false(networks_have(&all, &v4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network_has_what_begins_alike),
		cmocka_unit_test(test_network_has_no_socket_without_address),
		cmocka_unit_test(test_network_parse_says_what_is_wrong),
		cmocka_unit_test(
		    test_network_text_is_the_network_that_was_meant),
		cmocka_unit_test(test_network_is_every_address_of_a_family),
		cmocka_unit_test(test_networks_have_what_one_of_them_has),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
