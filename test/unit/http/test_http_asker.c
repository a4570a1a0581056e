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
	struct networks trusted;

	(void)state;
	fake_log_clear();
	askers = (struct http_askers){ .shares = &shares };
	if (http_shares_init(&shares, 7) == -1 ||
	    networks_read(texts, 1, &trusted) == -1)
		return (-1);
	http_askers_trust(&askers, trusted);
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
		http_forwarded_add(&named, &askers.trusted, HTTP_FORWARDED_X,
		    client);
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
	http_asker_end(&a.asker);
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
	http_asker_end(&b.asker);
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
	http_asker_end(&proxy.asker);
	assert_int_equal(connections(&stranger), 1);
	assert_int_equal(http_share_of(&stranger.share, HTTP_SHARE_BYTES), 0);
	assert_int_equal(http_share_of(&proxy.share, HTTP_SHARE_BYTES), 1000);
	ask(&proxy, "198.51.100.1");
	assert_true(is_of(&proxy, "198.51.100.1"));
	assert_int_equal(connections(&proxy), 1);
	assert_int_equal(http_shares_total(&shares, HTTP_SHARE_CONNECTIONS), 3);
	assert_int_equal(http_shares_total(&shares, HTTP_SHARE_BYTES), 1000);
	http_asker_end(&proxy.asker);
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
	http_asker_end(&c.asker);
	/* Another one as well, for which it asks. */
	ask(&c, "10.0.0.2");
	assert_true(peer_net_is_nobody(http_asker_net(&c.asker)));
	assert_string_equal(http_asker_peer(&c.asker), "10.0.0.2");
	assert_int_equal(fake_log_count("http: "), 0);
	leave(&c);
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
	http_asker_end(&a.asker);
	assert_int_equal(connections(&a), 1);
	leave(&a);
	leave(&b);
}

/* A reload: at once, but a request under way stays whose it is. */
static void
test_trust_may_change_under_a_connection(void **state)
{
	struct networks none = { NULL, 0 };
	struct conn idle, busy;
	char text[] = PROXY, *texts[] = { text };
	struct networks trusted;

	(void)state;
	join(&idle, PROXY);
	join(&busy, PROXY);
	ask(&busy, "192.0.2.7");
	http_askers_trust(&askers, none);
	http_asker_judge(&idle.asker);
	http_asker_judge(&busy.asker);
	assert_true(is_of(&idle, PROXY));
	assert_true(is_of(&busy, "192.0.2.7"));
	http_asker_end(&busy.asker);
	assert_true(is_of(&busy, PROXY));
	assert_int_equal(connections(&idle), 2);
	assert_int_equal(networks_read(texts, 1, &trusted), 0);
	http_askers_trust(&askers, trusted);
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
		http_asker_end(&c.asker);
	}
	assert_int_equal(http_shares_addresses(&shares), 2);
	leave(&c);
	leave(&other);
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
		    test_clients_that_nobody_knows_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_trust_may_change_under_a_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_addresses_from_fields_do_not_pile_up, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
