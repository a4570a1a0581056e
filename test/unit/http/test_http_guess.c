#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/http/http_guess.h"

#define NOW INT64_C(5000000)

static struct peer_net
net(const char *address)
{
	return (peer_net_parse(address));
}

/* A burst, then one guess for each HTTP_GUESS_MS. */
static void
test_http_guess_slows_down(void **state)
{
	static struct http_guesses g;

	(void)state;
	for (int i = 0; i < HTTP_GUESS_BURST; i++) {
		assert_true(http_guess_may(&g, net("10.0.0.1"), NOW));
		http_guess_failed(&g, net("10.0.0.1"), NOW);
	}
	assert_false(http_guess_may(&g, net("10.0.0.1"), NOW));
	assert_false(
	    http_guess_may(&g, net("10.0.0.1"), NOW + HTTP_GUESS_MS - 1));
	assert_true(http_guess_may(&g, net("10.0.0.1"), NOW + HTTP_GUESS_MS));
	http_guess_failed(&g, net("10.0.0.1"), NOW + HTTP_GUESS_MS);
	assert_false(http_guess_may(&g, net("10.0.0.1"), NOW + HTTP_GUESS_MS));
	assert_true(http_guess_may(&g, net("10.0.0.2"), NOW));
}

/* After a rest it may guess as often as at first. */
static void
test_http_guess_forgives(void **state)
{
	static struct http_guesses g;
	int64_t later = NOW + (int64_t)HTTP_GUESS_BURST * HTTP_GUESS_MS;

	(void)state;
	for (int i = 0; i < HTTP_GUESS_BURST; i++)
		http_guess_failed(&g, net("10.0.0.1"), NOW);
	for (int i = 0; i < HTTP_GUESS_BURST; i++) {
		assert_true(http_guess_may(&g, net("10.0.0.1"), later));
		http_guess_failed(&g, net("10.0.0.1"), later);
	}
	assert_false(http_guess_may(&g, net("10.0.0.1"), later));
}

/* Of more addresses than it can remember it forgets the quietest. */
static void
test_http_guess_is_bounded(void **state)
{
	static struct http_guesses g;
	char address[32];

	(void)state;
	for (int i = 0; i < HTTP_GUESS_BURST; i++)
		http_guess_failed(&g, net("10.0.0.1"), NOW);
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(address, sizeof(address), "10.%d.%d.%d",
		    1 + i / 65536, i / 256 % 256, i % 256);
		http_guess_failed(&g, net(address), NOW);
	}
	assert_false(http_guess_may(&g, net("10.0.0.1"), NOW));
}

/* IPv6 counts by /64, which is one customer's. */
static void
test_http_guess_knows_a_net(void **state)
{
	static struct http_guesses g;

	(void)state;
	for (int i = 0; i < HTTP_GUESS_BURST; i++)
		http_guess_failed(&g, net("[2001:db8::1]:1"), NOW);
	assert_false(http_guess_may(&g, net("[2001:db8::2]:2"), NOW));
	assert_true(http_guess_may(&g, net("[2001:db8:0:1::1]:1"), NOW));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_guess_slows_down),
		cmocka_unit_test(test_http_guess_forgives),
		cmocka_unit_test(test_http_guess_is_bounded),
		cmocka_unit_test(test_http_guess_knows_a_net),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
