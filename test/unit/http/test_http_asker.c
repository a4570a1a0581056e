/* Who asks on a connection, and in whose share it stands. */
#include <stdio.h>
#include <string.h>

#include "server/http/http_asker.h"
#include "server/http/http_share.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/fake_log.h"

#define PROXY "10.0.0.1"

static struct http_shares shares;
static struct http_askers askers;

/* A connection. */
struct conn {
	struct http_holder share;
	struct http_asker asker;
};

static int
setup(void **state)
{
	char text[] = "10.0.0.0/24", *texts[] = { text };
	struct http_trust trust = { 0 };

	(void)state;
	fake_log_clear();
	askers = (struct http_askers){ .shares = &shares };
	if (http_shares_init(&shares, 7) == -1 ||
	    networks_read(texts, 1, &trust.proxies) == -1)
		return (-1);
	http_askers_trust(&askers, trust);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	http_askers_fini(&askers);
	http_shares_fini(&shares);
	return (0);
}

static void
join(struct conn *c, const char *text)
{
	struct address from;

	memset(c, 0, sizeof(*c));
	assert_int_equal(address_parse_host(text, strlen(text), &from), 0);
	from.port = 4711;
	assert_int_equal(http_asker_join(&c->asker, &askers, &c->share, &from),
	    0);
}

static void
leave(struct conn *c)
{
	http_share_leave(&shares, &c->share);
}

/* A request for that one; NULL: it names nobody. */
static void
ask(struct conn *c, const char *client)
{
	struct http_forwarded named;

	http_forwarded_begin(&named);
	if (client != NULL)
		http_forwarded_add(&named, &askers.trust.proxies,
		    HTTP_FORWARDED_X, client);
	http_asker_begin(&c->asker, &named);
}

static size_t
connections(const struct conn *c)
{
	return (http_share_of(&c->share, HTTP_SHARE_CONNECTIONS));
}

static bool
is_of(const struct conn *c, const char *text)
{
	return (
	    peer_net_equal(http_asker_net(&c->asker), peer_net_parse(text)));
}

static void
test_a_strangers_connection_is_his(void **state)
{
	struct conn a, b;

	(void)state;
	join(&a, "192.0.2.7");
	join(&b, "::ffff:192.0.2.7");
	assert_false(http_asker_is_proxy(&a.asker));
	assert_string_equal(http_asker_peer(&a.asker), "192.0.2.7:4711");
	assert_string_equal(http_asker_peer(&b.asker), "192.0.2.7:4711");
	assert_true(is_of(&a, "192.0.2.7"));
	assert_int_equal(connections(&a), 2);
	http_asker_end(&a.asker, false);
	assert_int_equal(connections(&a), 2);
	leave(&a);
	leave(&b);
}

static void
test_a_peer_is_written_with_its_port_if_it_has_one(void **state)
{
	struct conn a, b;

	(void)state;
	join(&a, "2001:db8::7");
	assert_string_equal(http_asker_peer(&a.asker), "[2001:db8::7]:4711");
	join(&b, PROXY);
	ask(&b, "2001:db8::7");
	assert_string_equal(http_asker_peer(&b.asker), "2001:db8::7");
	http_asker_end(&b.asker, false);
	assert_string_equal(http_asker_peer(&b.asker), PROXY ":4711");
	leave(&a);
	leave(&b);
}

/* Neither a proxy's address, nor one of its connections with another. */
static void
test_a_proxy_is_nobody_between_requests(void **state)
{
	struct conn c[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		join(&c[i], PROXY);
		assert_true(http_asker_is_proxy(&c[i].asker));
		assert_true(peer_net_is_nobody(http_asker_net(&c[i].asker)));
		assert_int_equal(connections(&c[i]), 1);
	}
	assert_int_equal(http_shares_addresses(&shares), 3);
	for (size_t i = 0; i < 3; i++)
		leave(&c[i]);
}

/* All that the connection holds goes with its client, and comes back. */
static void
test_a_request_is_charged_to_its_client(void **state)
{
	struct conn proxy, other, stranger;

	(void)state;
	join(&proxy, PROXY);
	join(&other, PROXY);
	join(&stranger, "192.0.2.7");
	http_share_hold(&shares, &proxy.share, HTTP_SHARE_BYTES, 1000);
	ask(&proxy, "192.0.2.7");
	assert_true(is_of(&proxy, "192.0.2.7"));
	assert_int_equal(connections(&stranger), 2);
	assert_int_equal(http_share_of(&stranger.share, HTTP_SHARE_BYTES),
	    1000);
	assert_ptr_equal(http_shares_greediest(&shares, HTTP_SHARE_BYTES),
	    &proxy.share);
	http_asker_end(&proxy.asker, false);
	assert_int_equal(connections(&stranger), 1);
	assert_int_equal(http_share_of(&stranger.share, HTTP_SHARE_BYTES), 0);
	assert_int_equal(http_share_of(&proxy.share, HTTP_SHARE_BYTES), 1000);
	ask(&proxy, "198.51.100.1");
	assert_true(is_of(&proxy, "198.51.100.1"));
	assert_int_equal(connections(&proxy), 1);
	assert_int_equal(http_shares_total(&shares, HTTP_SHARE_CONNECTIONS), 3);
	assert_int_equal(http_shares_total(&shares, HTTP_SHARE_BYTES), 1000);
	http_asker_end(&proxy.asker, false);
	leave(&proxy);
	leave(&other);
	leave(&stranger);
	assert_int_equal(http_shares_addresses(&shares), 0);
}

static void
test_a_proxy_that_asks_for_itself_is_nobody(void **state)
{
	struct conn c;

	(void)state;
	join(&c, PROXY);
	ask(&c, NULL);
	assert_true(peer_net_is_nobody(http_asker_net(&c.asker)));
	assert_string_equal(http_asker_peer(&c.asker), PROXY ":4711");
	http_asker_end(&c.asker, false);
	/* Another one as well, for which it asks. */
	ask(&c, "10.0.0.2");
	assert_true(peer_net_is_nobody(http_asker_net(&c.asker)));
	assert_string_equal(http_asker_peer(&c.asker), "10.0.0.2");
	assert_int_equal(fake_log_count("http: "), 0);
	leave(&c);
}

/* As if he had come by himself; what a field says then counts for nothing. */
static void
test_a_balancer_says_whose_the_connection_is(void **state)
{
	struct address client = { 0 };
	struct conn c, stranger;

	(void)state;
	join(&c, PROXY);
	join(&stranger, "192.0.2.7");
	assert_int_equal(address_parse_host("::ffff:192.0.2.7", 16, &client),
	    0);
	client.port = 99;
	http_asker_introduce(&c.asker, &client);
	assert_string_equal(http_asker_peer(&c.asker), "192.0.2.7:99");
	assert_int_equal(connections(&c), 2);
	assert_false(http_asker_is_proxy(&c.asker));
	assert_null(http_asker_watch(&c.asker));
	/* One that is trusted again has clients of its own. */
	assert_int_equal(address_parse_host("10.0.0.2", 8, &client), 0);
	http_asker_introduce(&c.asker, &client);
	assert_true(http_asker_is_proxy(&c.asker));
	assert_true(peer_net_is_nobody(http_asker_net(&c.asker)));
	leave(&c);
	leave(&stranger);
}

/* Who hides is with all others that hide, not nobody. */
static void
test_clients_that_nobody_knows_are_one(void **state)
{
	struct conn a, b;

	(void)state;
	join(&a, PROXY);
	join(&b, PROXY);
	ask(&a, "unknown");
	assert_int_equal(fake_log_count(PROXY " does not say clearly"), 1);
	ask(&b, "192.0.2.7, x, 10.0.0.2");
	assert_int_equal(connections(&a), 2);
	assert_false(peer_net_is_nobody(http_asker_net(&a.asker)));
	assert_string_equal(http_asker_peer(&a.asker), PROXY ":4711");
	http_asker_end(&a.asker, false);
	assert_int_equal(connections(&a), 1);
	leave(&a);
	leave(&b);
}

/* A reload: at once, but a request under way stays whose it is. */
static void
test_trust_may_change_under_a_connection(void **state)
{
	struct http_trust none = { 0 }, trust = { 0 };
	struct conn idle, busy;
	char text[] = PROXY, *texts[] = { text };

	(void)state;
	join(&idle, PROXY);
	join(&busy, PROXY);
	ask(&busy, "192.0.2.7");
	http_askers_trust(&askers, none);
	http_asker_judge(&idle.asker);
	http_asker_judge(&busy.asker);
	assert_true(is_of(&idle, PROXY));
	assert_true(is_of(&busy, "192.0.2.7"));
	http_asker_end(&busy.asker, false);
	assert_true(is_of(&busy, PROXY));
	assert_int_equal(connections(&idle), 2);
	assert_int_equal(networks_read(texts, 1, &trust.proxies), 0);
	http_askers_trust(&askers, trust);
	http_asker_judge(&idle.asker);
	assert_true(peer_net_is_nobody(http_asker_net(&idle.asker)));
	assert_int_equal(connections(&idle), 1);
	leave(&idle);
	leave(&busy);
}

/* The table is as large as there are connections, whatever a proxy says. */
static void
test_addresses_from_fields_do_not_pile_up(void **state)
{
	char text[32];
	struct conn c, other;

	(void)state;
	join(&c, PROXY);
	join(&other, PROXY);
	for (unsigned i = 0; i < 100000; i++) {
		(void)snprintf(text, sizeof(text), "198.%u.%u.%u",
		    18 + i / 65536, i / 256 % 256, i % 256);
		ask(&c, text);
		assert_int_equal(http_shares_addresses(&shares), 2);
		http_asker_end(&c.asker, false);
	}
	assert_int_equal(http_shares_addresses(&shares), 2);
	leave(&c);
	leave(&other);
}

/* The head of a request for that one; NULL: it names nobody. */
static bool
head(struct conn *c, const char *client, bool health)
{
	const struct http_head_watch *watch = http_asker_watch(&c->asker);

	if (watch == NULL)
		return (true);
	if (watch->named != NULL)
		http_forwarded_begin(watch->named);
	if (watch->named != NULL && client != NULL)
		http_forwarded_add(watch->named, watch->trusted,
		    HTTP_FORWARDED_X, client);
	return (watch->ended(watch->arg, health));
}

static void
test_a_request_is_charged_from_its_head_on(void **state)
{
	struct conn proxy, stranger;

	(void)state;
	join(&proxy, PROXY);
	join(&stranger, "192.0.2.7");
	assert_null(http_asker_watch(&stranger.asker));
	assert_true(head(&proxy, "192.0.2.7", false));
	assert_int_equal(connections(&stranger), 2);
	ask(&proxy, "192.0.2.7");
	/* The head of the next one changes nothing for this one. */
	assert_true(head(&proxy, "198.51.100.1", false));
	assert_true(is_of(&proxy, "192.0.2.7"));
	assert_string_equal(http_asker_peer(&proxy.asker), "192.0.2.7");
	http_asker_end(&proxy.asker, true);
	assert_true(is_of(&proxy, "198.51.100.1"));
	ask(&proxy, "198.51.100.1");
	http_asker_end(&proxy.asker, false);
	assert_true(peer_net_is_nobody(http_asker_net(&proxy.asker)));
	leave(&proxy);
	leave(&stranger);
}

static void
test_who_is_not_allowed_is_not_let_in(void **state)
{
	char proxies[] = "10.0.0.0/24", allow[] = "192.0.2.0/24";
	char *proxy_texts[] = { proxies }, *allow_texts[] = { allow };
	struct http_trust trust = { 0 };
	struct conn proxy, good, bad;

	(void)state;
	assert_int_equal(networks_read(proxy_texts, 1, &trust.proxies), 0);
	assert_int_equal(networks_read(allow_texts, 1, &trust.allowed), 0);
	http_askers_trust(&askers, trust);
	join(&proxy, PROXY);
	join(&good, "192.0.2.7");
	join(&bad, "198.51.100.1");
	assert_true(head(&good, NULL, false));
	assert_true(head(&good, "198.51.100.1", false));
	assert_false(head(&bad, NULL, false));
	assert_false(head(&bad, "192.0.2.7", false));
	assert_false(head(&bad, NULL, true));
	assert_true(head(&proxy, "192.0.2.7", false));
	assert_false(head(&proxy, "192.0.2.7, 198.51.100.1", false));
	assert_false(head(&proxy, "198.51.100.1", true));
	assert_false(head(&proxy, "unknown", true));
	/* The proxy itself: only whether we are well. */
	assert_false(head(&proxy, NULL, false));
	assert_true(head(&proxy, NULL, true));
	leave(&proxy);
	leave(&good);
	leave(&bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_a_strangers_connection_is_his, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_peer_is_written_with_its_port_if_it_has_one, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_proxy_is_nobody_between_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_request_is_charged_to_its_client, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_proxy_that_asks_for_itself_is_nobody, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_balancer_says_whose_the_connection_is, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_clients_that_nobody_knows_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_trust_may_change_under_a_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_request_is_charged_from_its_head_on, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_who_is_not_allowed_is_not_let_in, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_addresses_from_fields_do_not_pile_up, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
