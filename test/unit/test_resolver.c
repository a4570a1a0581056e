/* Names are looked up as the machine is set up now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <event2/util.h>

#include "server/resolver.h"

#define WORLD_NAME "pos.test"

/* A name server, the two files, and a resolver that reads them. */
struct net {
	struct event_base *base;
	struct evdns_server_port *server;
	evutil_socket_t fd;
	uint16_t port;
	char dir[32];
	char resolv_conf[64];
	char hosts[64];
	struct resolver *r;
	unsigned asked;              /* times that the name server was */
	unsigned ended;              /* look-ups */
	char found[INET_ADDRSTRLEN]; /* by the last one; empty: nothing */
};

/* evdns: somebody asks; all names are 192.0.2.7. */
static void
net_asked_cb(struct evdns_server_request *req, void *arg)
{
	struct net *n = arg;
	struct in_addr addr;

	n->asked++;
	(void)inet_pton(AF_INET, "192.0.2.7", &addr);
	for (int i = 0; i < req->nquestions; i++) {
		if (req->questions[i]->type == EVDNS_TYPE_A)
			(void)evdns_server_request_add_a_reply(req,
			    req->questions[i]->name, 1, &addr, 60);
	}
	(void)evdns_server_request_respond(req, 0);
}

/* evdns: a look-up has ended. */
static void
net_found_cb(int result, struct evutil_addrinfo *addrs, void *arg)
{
	struct net *n = arg;

	n->ended++;
	n->found[0] = '\0';
	if (result == 0 && addrs != NULL)
		(void)inet_ntop(AF_INET,
		    &((struct sockaddr_in *)addrs->ai_addr)->sin_addr, n->found,
		    sizeof(n->found));
	if (addrs != NULL)
		evutil_freeaddrinfo(addrs);
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

/* resolv.conf names our server. */
static void
net_up(struct net *n)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "nameserver 127.0.0.1:%u\n",
	    n->port);
	write_file(n->resolv_conf, text);
}

static void
look_up(struct net *n)
{
	const struct evutil_addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM };

	resolver_refresh(n->r);
	(void)evdns_getaddrinfo(resolver_dns(n->r), WORLD_NAME, "80", &hints,
	    net_found_cb, n);
}

/* Until so many look-ups have ended. */
static void
wait_ended(struct net *n, unsigned ended)
{
	while (n->ended < ended)
		assert_int_equal(event_base_loop(n->base, EVLOOP_ONCE), 0);
}

static int
setup(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	assert_non_null(n);
	(void)strcpy(n->dir, "/tmp/test_resolver.XXXXXX");
	assert_non_null(mkdtemp(n->dir));
	(void)snprintf(n->resolv_conf, sizeof(n->resolv_conf), "%s/resolv.conf",
	    n->dir);
	(void)snprintf(n->hosts, sizeof(n->hosts), "%s/hosts", n->dir);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	n->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_not_equal(n->fd, -1);
	assert_int_equal(bind(n->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(n->fd, (struct sockaddr *)&sin, &len), 0);
	n->port = ntohs(sin.sin_port);
	assert_non_null(n->base = event_base_new());
	n->server =
	    evdns_add_server_port_with_base(n->base, n->fd, 0, net_asked_cb, n);
	assert_non_null(n->server);
	*state = n;
	return (0);
}

static int
teardown(void **state)
{
	struct net *n = *state;

	resolver_free(n->r);
	evdns_close_server_port(n->server);
	(void)event_base_loop(n->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	event_base_free(n->base);
	(void)close(n->fd);
	(void)unlink(n->resolv_conf);
	(void)unlink(n->hosts);
	(void)rmdir(n->dir);
	free(n);
	return (0);
}

static void
net_resolver(struct net *n)
{
	n->r = resolver_new(n->base, n->resolv_conf, n->hosts);
	assert_non_null(n->r);
}

/* What stands there at the start is asked. */
static void
test_the_name_server_is_asked(void **state)
{
	struct net *n = *state;

	net_up(n);
	net_resolver(n);
	look_up(n);
	wait_ended(n, 1);
	assert_string_equal(n->found, "192.0.2.7");
}

/* A box that boots before its network looks names up once that is there. */
static void
test_a_network_that_comes_later_is_used(void **state)
{
	struct net *n = *state;

	net_resolver(n);
	look_up(n); /* of 127.0.0.1, where perhaps nobody is */
	net_up(n);
	look_up(n);
	wait_ended(n, 2); /* the first one goes on with the new server, too */
	assert_string_equal(n->found, "192.0.2.7");
	assert_in_range(n->asked, 1, 4);
}

/* Another name server takes the place of the one that is gone. */
static void
test_another_network_replaces_the_first(void **state)
{
	struct net *n = *state;

	write_file(n->resolv_conf, "nameserver 127.0.0.1:9\n");
	net_resolver(n);
	assert_int_equal(evdns_base_count_nameservers(resolver_dns(n->r)), 1);
	net_up(n);
	look_up(n);
	wait_ended(n, 1);
	assert_string_equal(n->found, "192.0.2.7");
	assert_int_equal(evdns_base_count_nameservers(resolver_dns(n->r)), 1);
}

/* What has not changed is not read again. */
static void
test_an_unchanged_file_is_left_alone(void **state)
{
	struct net *n = *state;

	net_up(n);
	write_file(n->hosts, "");
	net_resolver(n);
	assert_int_equal(evdns_base_clear_nameservers_and_suspend(
			     resolver_dns(n->r)),
	    0);
	resolver_refresh(n->r);
	assert_int_equal(evdns_base_count_nameservers(resolver_dns(n->r)), 0);
	assert_int_equal(evdns_base_resume(resolver_dns(n->r)), 0);
}

/* A name that is added to the hosts file is known, one removed is not. */
static void
test_the_hosts_file_is_read_again(void **state)
{
	struct net *n = *state;

	net_up(n);
	write_file(n->hosts, "192.0.2.1 other.test\n");
	net_resolver(n);
	write_file(n->hosts, "192.0.2.9 " WORLD_NAME "\n");
	look_up(n);
	wait_ended(n, 1);
	assert_string_equal(n->found, "192.0.2.9");
	assert_int_equal(n->asked, 0);
	assert_int_equal(unlink(n->hosts), 0);
	look_up(n);
	wait_ended(n, 2);
	assert_string_equal(n->found, "192.0.2.7");
}

#define net_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		net_test(test_the_name_server_is_asked),
		net_test(test_a_network_that_comes_later_is_used),
		net_test(test_another_network_replaces_the_first),
		net_test(test_an_unchanged_file_is_left_alone),
		net_test(test_the_hosts_file_is_read_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
