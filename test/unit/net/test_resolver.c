/* Names are looked up as the machine is set up now, whatever servers do. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/resolver.h"
#include "test/lib/name_server.h"

#define LIMIT_MS 2000

/* Two name servers, the two files, and a resolver that reads them. */
struct net {
	struct event_base *base;
	struct name_server servers[2];
	char dir[32];
	char resolv_conf[64];
	char hosts[64];
	struct resolver *r;
	unsigned ended; /* look-ups */
	int try_again;  /* so often, when a look-up finds nothing */
	enum resolver_rc rc;
	char found[128]; /* by the last one, with blanks between */
};

static bool have_ipv6;

/* Linked in place of libc's: the machine has an IPv6 address, or none. */
int __wrap_getifaddrs(struct ifaddrs **ret_list);
void __wrap_freeifaddrs(struct ifaddrs *list);
int
__wrap_getifaddrs(struct ifaddrs **ret_list)
{
	static struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	static struct ifaddrs one = { .ifa_addr = (struct sockaddr *)&sin6 };

	(void)inet_pton(AF_INET6, have_ipv6 ? "2001:db8::1" : "fe80::1",
	    &sin6.sin6_addr);
	*ret_list = &one;
	return (0);
}

void
__wrap_freeifaddrs(struct ifaddrs *list)
{
	(void)list;
}

/* resolver_fn */
static void
net_found_cb(enum resolver_rc rc, const struct resolver_addrs *addrs, void *arg)
{
	char text[INET6_ADDRSTRLEN];
	struct net *n = arg;

	n->ended++;
	n->rc = rc;
	n->found[0] = '\0';
	for (size_t i = 0; i < addrs->n; i++) {
		const union resolver_addr *a = &addrs->items[i];

		(void)inet_ntop(a->sa.sa_family,
		    a->sa.sa_family == AF_INET ? (const void *)&a->sin.sin_addr
					       : &a->sin6.sin6_addr,
		    text, sizeof(text));
		(void)strcat(strcat(n->found, i > 0 ? " " : ""), text);
	}
}

static void
write_file(const char *path, const char *text)
{
	char tmp[80];
	FILE *f;

	(void)snprintf(tmp, sizeof(tmp), "%s.new", path);
	assert_non_null(f = fopen(tmp, "w"));
	assert_int_not_equal(fputs(text, f), EOF);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(tmp, path), 0);
}

/* resolv.conf names our servers, the first n of them. */
static void
net_up(struct net *n, size_t servers, const char *more)
{
	char text[256];
	size_t len = 0;

	for (size_t i = 0; i < servers; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "nameserver 127.0.0.1:%u\n", n->servers[i].port);
	(void)snprintf(text + len, sizeof(text) - len, "%s", more);
	write_file(n->resolv_conf, text);
}

static void
look_up(struct net *n, const char *host, int64_t limit_ms)
{
	unsigned ended = n->ended;

	assert_non_null(
	    resolver_look_up(n->r, host, limit_ms, net_found_cb, n));
	assert_int_equal(n->ended, ended); /* never before it has returned */
}

/* Until so many look-ups have ended. */
static void
wait_ended(struct net *n, unsigned ended)
{
	while (n->ended < ended)
		assert_int_equal(event_base_loop(n->base, EVLOOP_ONCE), 0);
}

/* Look it up, and wait. */
static void
find(struct net *n, const char *host)
{
	look_up(n, host, LIMIT_MS);
	wait_ended(n, n->ended + 1);
}

static void
assert_found(const struct net *n, const char *addresses)
{
	assert_string_equal(n->found, addresses);
	assert_int_equal(n->rc, RESOLVER_OK);
}

static void
net_open(struct net *n, enum name_act first, enum name_act second)
{
	name_server_open(&n->servers[0], n->base, first);
	name_server_open(&n->servers[1], n->base, second);
}

static void
net_resolver(struct net *n)
{
	n->r = resolver_new(n->base, n->resolv_conf, n->hosts);
	assert_non_null(n->r);
}

static void
net_close(struct net *n)
{
	resolver_free(n->r);
	n->r = NULL;
	for (int i = 0; i < 2; i++)
		name_server_close(&n->servers[i]);
	/* TCP connections end. */
	for (int i = 0; i < 10; i++)
		(void)event_base_loop(n->base, EVLOOP_NONBLOCK);
}

static int
setup(void **state)
{
	struct net *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	have_ipv6 = false;
	(void)strcpy(n->dir, "/tmp/test_resolver.XXXXXX");
	assert_non_null(mkdtemp(n->dir));
	(void)snprintf(n->resolv_conf, sizeof(n->resolv_conf), "%s/resolv.conf",
	    n->dir);
	(void)snprintf(n->hosts, sizeof(n->hosts), "%s/hosts", n->dir);
	assert_non_null(n->base = event_base_new());
	n->servers[0].fd = n->servers[1].fd = -1;
	*state = n;
	return (0);
}

static int
teardown(void **state)
{
	struct net *n = *state;

	net_close(n);
	event_base_free(n->base);
	(void)unlink(n->resolv_conf);
	(void)unlink(n->hosts);
	(void)rmdir(n->dir);
	free(n);
	return (0);
}

/* -- The files -- */

/* What stands there at the start is asked. */
static void
test_the_name_server_is_asked(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_GOOD);
	net_up(n, 1, "");
	net_resolver(n);
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
	find(n, "none.test");
	assert_int_equal(n->rc, RESOLVER_NO_HOST);
}

/* Numeric hosts and localhost need no server. */
static void
test_addresses_need_no_server(void **state)
{
	struct net *n = *state;

	net_resolver(n);
	find(n, "192.0.2.1");
	assert_found(n, "192.0.2.1");
	find(n, "2001:db8::5");
	assert_found(n, "2001:db8::5");
	find(n, "localhost");
	assert_int_equal(n->rc, RESOLVER_OK);
	assert_non_null(strstr(n->found, "127.0.0.1"));
}

/* A box that boots before its network looks names up once that is there. */
static void
test_a_network_that_comes_later_is_used(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_SILENT);
	write_file(n->resolv_conf, "");
	net_up(n, 0, "nameserver 127.0.0.1:9\n");
	net_resolver(n);
	look_up(n, "pos.test", LIMIT_MS);
	net_up(n, 1, "");
	look_up(n, "four.test", LIMIT_MS);
	wait_ended(n, 2); /* the first one goes on with the new server, too */
	assert_found(n, "192.0.2.7");
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
}

/* Another name server takes the place of the one that is gone. */
static void
test_another_network_replaces_the_first(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_GOOD);
	n->servers[1].address = 8;
	net_up(n, 1, "");
	net_resolver(n);
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
	n->servers[0].port = n->servers[1].port;
	net_up(n, 1, "options timeout:1\n");
	find(n, "pos.test"); /* though it was known */
	assert_found(n, "192.0.2.8");
}

/* What has not changed is not read again, and what is known not asked. */
static void
test_what_is_known_is_not_asked_again(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_GOOD);
	net_up(n, 1, "");
	net_resolver(n);
	for (int i = 0; i < 3; i++)
		look_up(n, "pos.test", LIMIT_MS); /* one question for all */
	wait_ended(n, 3);
	find(n, "POS.test");
	assert_found(n, "192.0.2.7");
	assert_int_equal(n->servers[0].asked, 1);
	resolver_doubt(n->r, "pos.test");
	find(n, "pos.test");
	assert_int_equal(n->servers[0].asked, 2);
}

/* A name that is added to the hosts file is known, one removed is not. */
static void
test_the_hosts_file_is_read_again(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_GOOD);
	net_up(n, 1, "");
	write_file(n->hosts, "192.0.2.1 other.test\n");
	net_resolver(n);
	write_file(n->hosts, "192.0.2.9 pos.test\n");
	find(n, "pos.test");
	assert_found(n, "192.0.2.9");
	assert_int_equal(n->servers[0].asked, 0);
	assert_int_equal(unlink(n->hosts), 0);
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
}

/* A short name is looked for in the domains of search. */
static void
test_short_names_have_domains(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_GOOD);
	net_up(n, 1, "search none.test inner.test\noptions ndots:1\n");
	net_resolver(n);
	find(n, "pos");
	assert_found(n, "192.0.2.7");
	assert_int_equal(n->servers[0].asked, 2);
}

/* -- Servers that misbehave -- */

/* May one like that be the only one? */
static bool
serves(enum name_act act)
{
	return (act == NAME_GOOD || act == NAME_SLOW || act == NAME_LOSING ||
		act == NAME_TRUNCATING);
}

/* A net for a pair of servers, in the loop of another. */
static void
pair_open(struct net *n, const struct net *like, enum name_act first,
    enum name_act second)
{
	*n = *like;
	(void)snprintf(n->resolv_conf, sizeof(n->resolv_conf), "%s/%d-%d-%d",
	    n->dir, first, second, have_ipv6);
	net_open(n, first, second);
	n->servers[0].drops_ipv6 = n->servers[1].drops_ipv6 = have_ipv6;
	net_up(n, 2, "");
	net_resolver(n);
	n->try_again = serves(first) || serves(second) ? 5 : 0;
	look_up(n, "pos.test", n->try_again > 0 ? 1000 : 100);
}

/* Within the time of a call, or at the next try. */
static void
pair_wait(struct net *n)
{
	bool good = n->try_again > 0;

	wait_ended(n, 1);
	while (n->rc != RESOLVER_OK && n->try_again-- > 0) {
		look_up(n, "pos.test", 1000);
		wait_ended(n, n->ended + 1);
	}
	if (good != (n->rc == RESOLVER_OK))
		fail_msg("first %d, second %d, drops IPv6 %d: %d",
		    n->servers[0].act, n->servers[1].act,
		    n->servers[0].drops_ipv6, n->rc);
	if (good)
		assert_found(n, "192.0.2.7");
	net_close(n);
	assert_int_equal(unlink(n->resolv_conf), 0);
}

/* Every pair, with and without an answer for AAAA. */
static void
test_every_pair_of_servers(void **state)
{
	struct net *like = *state, nets[2 * NAME_NACTS];

	for (int first = 0; first < NAME_NACTS; first++) {
		for (int i = 0; i < 2 * NAME_NACTS; i++) {
			have_ipv6 = i % 2 == 1;
			pair_open(&nets[i], like, (enum name_act)first,
			    (enum name_act)(i / 2));
		}
		for (int i = 0; i < 2 * NAME_NACTS; i++)
			pair_wait(&nets[i]);
	}
}

/* The one that answered is asked first from then on. */
static void
test_the_good_server_is_remembered(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_SILENT, NAME_GOOD);
	net_up(n, 2, "");
	net_resolver(n);
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
	n->servers[0].asked = 0;
	find(n, "four.test");
	assert_found(n, "192.0.2.7");
	assert_int_equal(n->servers[0].asked, 0);
}

/* A truncated answer is asked for again by TCP. */
static void
test_truncated_answers_come_by_tcp(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_TRUNCATING, NAME_DEAD);
	net_up(n, 1, "");
	net_resolver(n);
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
	assert_int_equal(n->servers[0].asked_tcp, 1);
}

/* IPv6 is asked for where there is IPv6, and comes first. */
static void
test_ipv6_is_asked_for_where_it_is(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_GOOD);
	net_up(n, 1, "");
	net_resolver(n);
	find(n, "six.test");
	assert_found(n, "192.0.2.7");
	assert_int_equal(n->servers[0].asked_ipv6, 0);
	have_ipv6 = true;
	resolver_doubt(n->r, "six.test");
	find(n, "six.test");
	if (strchr(n->found, ' ') == NULL) /* one came more than 50 ms late */
		find(n, "six.test");
	assert_found(n, "2001:db8::7 192.0.2.7");
	find(n, "four.test");
	assert_found(n, "192.0.2.7");
}

/* -- Servers that come and go -- */

/* What was known is used while no server answers. */
static void
test_what_was_known_is_used(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_GOOD);
	n->servers[0].ttl_s = 0;
	net_up(n, 1, "");
	net_resolver(n);
	find(n, "pos.test");
	n->servers[0].act = NAME_SILENT;
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
	n->servers[0].act = NAME_REFUSING;
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
}

/* An answer that is too late for one look-up serves the next. */
static void
test_a_late_answer_serves_the_next(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_SLOW, NAME_DEAD);
	net_up(n, 1, "");
	net_resolver(n);
	look_up(n, "pos.test", 10);
	wait_ended(n, 1);
	assert_int_equal(n->rc, RESOLVER_NO_ANSWER);
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
}

/* A server that comes back serves the next, though the other keeps silent. */
static void
test_a_server_that_comes_back_serves_the_next(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_SILENT, NAME_REFUSING);
	net_up(n, 2, "");
	net_resolver(n);
	look_up(n, "pos.test", 100);
	wait_ended(n, 1);
	assert_int_not_equal(n->rc, RESOLVER_OK);
	n->servers[1].act = NAME_GOOD;
	for (int tries = 0; tries < 3 && n->rc != RESOLVER_OK; tries++)
		find(n, "pos.test");
	assert_found(n, "192.0.2.7");
	assert_in_range(n->servers[1].asked, 2, 4);
}

/* A name that has gone is gone. */
static void
test_a_name_that_has_gone_is_gone(void **state)
{
	struct net *n = *state;

	net_open(n, NAME_GOOD, NAME_GOOD);
	net_up(n, 1, "");
	net_resolver(n);
	write_file(n->hosts, "192.0.2.9 once.test\n");
	find(n, "once.test");
	assert_found(n, "192.0.2.9");
	write_file(n->hosts, "");
	find(n, "once.test");
	assert_int_equal(n->rc, RESOLVER_NO_HOST);
}

/* Given up at any time, nothing is left; another look-up is not disturbed. */
static void
test_cancelled_look_ups_leave_nothing(void **state)
{
	struct net *n = *state;
	struct resolver_lookup *l;

	net_open(n, NAME_SLOW, NAME_SILENT);
	net_up(n, 2, "");
	net_resolver(n);
	for (unsigned turns = 0; turns < 4; turns++) {
		l = resolver_look_up(n->r, "pos.test", LIMIT_MS, net_found_cb,
		    n);
		assert_non_null(l);
		for (unsigned i = 0; i < turns; i++)
			(void)event_base_loop(n->base, EVLOOP_NONBLOCK);
		resolver_cancel(l);
	}
	assert_int_equal(n->ended, 0);
	find(n, "pos.test");
	assert_found(n, "192.0.2.7");
}

/* However many names are looked up, few are remembered. */
static void
test_few_names_are_remembered(void **state)
{
	struct net *n = *state;
	char host[32];

	net_resolver(n);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(host, sizeof(host), "192.0.%d.%d", i / 250,
		    i % 250);
		find(n, host);
		assert_found(n, host);
	}
}

#define net_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		net_test(test_the_name_server_is_asked),
		net_test(test_addresses_need_no_server),
		net_test(test_a_network_that_comes_later_is_used),
		net_test(test_another_network_replaces_the_first),
		net_test(test_what_is_known_is_not_asked_again),
		net_test(test_the_hosts_file_is_read_again),
		net_test(test_short_names_have_domains),
		net_test(test_every_pair_of_servers),
		net_test(test_the_good_server_is_remembered),
		net_test(test_truncated_answers_come_by_tcp),
		net_test(test_ipv6_is_asked_for_where_it_is),
		net_test(test_what_was_known_is_used),
		net_test(test_a_late_answer_serves_the_next),
		net_test(test_a_server_that_comes_back_serves_the_next),
		net_test(test_a_name_that_has_gone_is_gone),
		net_test(test_cancelled_look_ups_leave_nothing),
		net_test(test_few_names_are_remembered),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
