#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "server/base/address.h"

static struct address
parsed(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), ADDRESS_OK);
	return (address);
}

/* A host loses its brackets and keeps everything else. */
static void
test_address_split_takes_host_and_port(void **state)
{
	static const struct {
		const char *text;
		const char *host;
		unsigned port;
	} cases[] = {
		{ "127.0.0.1:8080", "127.0.0.1", 8080 },
		{ "[::1]:0", "::1", 0 },
		{ "[fe80::1%eth0]:65535", "fe80::1%eth0", 65535 },
		{ "*:80", "*", 80 },
		{ "localhost:9", "localhost", 9 },
	};
	char host[ADDRESS_HOST_MAX];
	unsigned port;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(address_split(cases[i].text, host, &port),
		    ADDRESS_OK);
		assert_string_equal(host, cases[i].host);
		assert_int_equal(port, cases[i].port);
		assert_int_equal(address_port(cases[i].text), cases[i].port);
	}
}

/* What is wrong with an address is its form, its port or its host. */
static void
test_address_parse_says_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		enum address_rc rc;
	} cases[] = {
		{ "", ADDRESS_NO_PORT },
		{ "8080", ADDRESS_NO_PORT },
		{ ":80", ADDRESS_NO_PORT },
		{ "127.0.0.1:", ADDRESS_BAD_PORT },
		{ "127.0.0.1:65536", ADDRESS_BAD_PORT },
		{ "127.0.0.1:-1", ADDRESS_BAD_PORT },
		{ "127.0.0.1: 80", ADDRESS_BAD_PORT },
		{ "[::1]", ADDRESS_BAD_PORT },
		{ "localhost:80", ADDRESS_BAD_HOST },
		{ "127.1:80", ADDRESS_BAD_HOST },
		{ "::1:80", ADDRESS_BAD_HOST },
		{ "[::1:80", ADDRESS_BAD_HOST },
		{ "[]:80", ADDRESS_BAD_HOST },
		{ "[127.0.0.1]:80", ADDRESS_BAD_HOST },
		{ "[*]:80", ADDRESS_BAD_HOST },
		{ "[fe80::1%eth0]:80", ADDRESS_BAD_HOST },
		{ "**:80", ADDRESS_BAD_HOST },
		{ "0000000000000000000000000000000000000000000000000000000000"
		  "0000000:80",
		    ADDRESS_BAD_HOST },
	};
	struct address address = { .port = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(address_parse(cases[i].text, &address),
		    cases[i].rc);
		assert_int_equal(address.port, 77);
	}
	assert_int_equal(address_port("8080"), 0);
}

/* 127.0.0.0/8 and ::1 are this machine, and nothing else is. */
static void
test_address_knows_loopback(void **state)
{
	static const char *const loopback[] = { "127.0.0.1:1", "127.9.8.7:1",
		"[::1]:1", "[0:0:0:0:0:0:0:1]:1" };
	static const char *const others[] = { "*:1", "0.0.0.0:1", "[::]:1",
		"128.0.0.1:1", "[::2]:1", "[::ffff:127.0.0.1]:1",
		"[7f00::]:1" };
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		address = parsed(loopback[i]);
		assert_true(address_is_loopback(&address));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		address = parsed(others[i]);
		assert_false(address_is_loopback(&address));
	}
}

/* Three texts stand for every address, each of its own family or of both. */
static void
test_address_knows_every(void **state)
{
	struct address star = parsed("*:1"), v4 = parsed("0.0.0.0:1"),
		       v6 = parsed("[::]:1"), one = parsed("[::1]:1");

	(void)state;
	assert_true(address_is_every(&star));
	assert_true(address_is_every(&v4));
	assert_true(address_is_every(&v6));
	assert_false(address_is_every(&one));
	assert_int_equal(star.family, AF_UNSPEC);
	assert_int_equal(address_len(&star), 0);
	assert_int_equal(address_len(&v4), 4);
	assert_int_equal(address_len(&v6), 16);
	assert_false(address_same_host(&v4, &v6));
	assert_false(address_same_host(&star, &v4));
}

/* However it is written, whatever the port, an address is one address. */
static void
test_address_same_host_goes_by_the_bytes(void **state)
{
	struct address a = parsed("[::1]:1"), b = parsed("[0:0::0:1]:2"),
		       c = parsed("127.0.0.1:1"), d = parsed("127.0.0.2:1"), e;

	(void)state;
	assert_true(address_same_host(&a, &b));
	assert_false(address_same_host(&a, &c));
	assert_false(address_same_host(&c, &d));
	assert_int_equal(address_parse_host("127.0.0.1x", 9, &e), 0);
	assert_true(address_same_host(&c, &e));
	assert_int_equal(e.port, 0);
	assert_int_equal(address_parse_host("127.0.0.1x", 10, &e), -1);
	assert_int_equal(address_parse_host("*", 1, &e), -1);
	assert_int_equal(address_parse_host("", 0, &e), -1);
	assert_int_equal(address_parse_host("[::1]", 5, &e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_split_takes_host_and_port),
		cmocka_unit_test(test_address_parse_says_what_is_wrong),
		cmocka_unit_test(test_address_knows_loopback),
		cmocka_unit_test(test_address_knows_every),
		cmocka_unit_test(test_address_same_host_goes_by_the_bytes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
