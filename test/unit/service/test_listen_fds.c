#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "server/service/listen_fds.h"

static void
test_names_say_what_a_socket_is_for(void **state)
{
	char name[LISTEN_NAME_MAX];

	(void)state;
	assert_int_equal(listen_key_of("http"), LISTEN_HTTP);
	assert_int_equal(listen_key_of("https"), LISTEN_HTTP);
	assert_int_equal(listen_key_of("plain"), LISTEN_PLAIN);
	assert_int_equal(listen_key_of("admin"), LISTEN_ADMIN);
	assert_int_equal(listen_key_of("klikitd.socket"), LISTEN_ANY);
	assert_int_equal(listen_key_of(""), LISTEN_ANY);
	listen_name_of("http:admin", 0, name);
	assert_string_equal(name, "http");
	listen_name_of("http:admin", 1, name);
	assert_string_equal(name, "admin");
	listen_name_of("http:admin", 2, name);
	assert_string_equal(name, "");
	listen_name_of("a::b", 1, name);
	assert_string_equal(name, "");
	listen_name_of("a::b", 2, name);
	assert_string_equal(name, "b");
}

/* One that is for us would be looked at: there is nothing from 3 on. */
static void
test_sockets_of_others_are_let_alone(void **state)
{
	static const struct listen_env others = { "8", "1", NULL };
	static const struct listen_env no_pid = { NULL, "1", NULL };
	static const struct listen_env none = { "7", "0", NULL };
	static const struct listen_env many = { "7", "65", NULL };
	char reason[LISTEN_REASON_MAX];
	struct listen_fds all = { .n = 0 };

	(void)state;
	assert_int_equal(listen_fds_read(&all, &others, 7, reason), 0);
	assert_int_equal(listen_fds_read(&all, &no_pid, 7, reason), 0);
	assert_int_equal(listen_fds_read(&all, &none, 7, reason), 0);
	assert_int_equal(all.n, 0);
	assert_int_equal(listen_fds_read(&all, &many, 7, reason), -1);
}

/* Sockets as they would have been read. */
static void
fill(struct listen_fds *all, const char *const (*given)[2], size_t n)
{
	memset(all, 0, sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(listen_fds_add(all, listen_key_of(given[i][0]),
				     1000 + (int)i, given[i][1]),
		    0);
	}
}

static void
test_a_socket_is_for_its_address(void **state)
{
	static const char *const given[][2] = {
		{ "klikitd.socket", "127.0.0.1:80" },
		{ "admin", "127.0.0.1:81" },
		{ "plain", "[::1]:82" },
		{ "klikitd.socket", "*:83" },
		{ "klikitd.socket", "0.0.0.0:84" },
	};
	struct listen_fds all;

	(void)state;
	fill(&all, given, 5);
	assert_false(listen_fds_has_http(&all));
	assert_int_equal(listen_fds_take(&all, LISTEN_HTTP, "127.0.0.1:99"),
	    -1);
	assert_int_equal(listen_fds_take(&all, LISTEN_HTTP, "127.0.0.1:81"),
	    -1);
	assert_int_equal(listen_fds_take(&all, LISTEN_ADMIN, "127.0.0.2:81"),
	    -1);
	assert_int_equal(listen_fds_take(&all, LISTEN_ADMIN, "127.0.0.1:81"),
	    1001);
	assert_int_equal(listen_fds_take(&all, LISTEN_ADMIN, "127.0.0.1:81"),
	    -1);
	assert_int_equal(listen_fds_take(&all, LISTEN_PLAIN,
			     "[0:0:0:0:0:0:0:1]:82"),
	    1002);
	/* Every address, as far as there are some; not one of them. */
	assert_true(listen_fds_has(&all, LISTEN_HTTP, "*:84"));
	assert_false(listen_fds_has(&all, LISTEN_HTTP, "0.0.0.0:83"));
	assert_int_equal(listen_fds_take(&all, LISTEN_HTTP, "*:83"), 1003);
	assert_int_equal(listen_fds_take(&all, LISTEN_HTTP, "0.0.0.0:84"),
	    1004);
	assert_string_equal(listen_fds_left(&all)->text, "127.0.0.1:80");
	assert_int_equal(listen_fds_take(&all, LISTEN_HTTP, "127.0.0.1:80"),
	    1000);
	assert_null(listen_fds_left(&all));
}

/* As root opens them before it becomes another user. */
static void
test_one_of_our_own_is_for_its_key(void **state)
{
	static const char *const given[][2] = { { "x", "127.0.0.1:80" } };
	struct listen_fds all;

	(void)state;
	fill(&all, given, 1);
	listen_fds_assign(&all, LISTEN_HTTP, "127.0.0.1:99");
	assert_false(listen_fds_has_http(&all));
	listen_fds_assign(&all, LISTEN_HTTP, "127.0.0.1:80");
	assert_true(listen_fds_has_http(&all));
	assert_int_equal(listen_fds_add(&all, LISTEN_ADMIN, 1001,
			     "127.0.0.1:0"),
	    0);
	assert_false(listen_fds_has(&all, LISTEN_HTTP, "127.0.0.1:0"));
	assert_int_equal(listen_fds_take(&all, LISTEN_ADMIN, "127.0.0.1:0"),
	    1001);
}

/* A port that the kernel chooses is no address yet. */
static void
test_port_0_is_no_address(void **state)
{
	static const char *const given[][2] = { { "x", "127.0.0.1:80" } };
	struct listen_fds all;

	(void)state;
	fill(&all, given, 1);
	all.list[0].address.port = 0;
	assert_false(listen_fds_has(&all, LISTEN_HTTP, "127.0.0.1:0"));
}

static void
test_those_named_http_come_in_their_order(void **state)
{
	static const char *const given[][2] = {
		{ "http", "127.0.0.1:80" },
		{ "x", "127.0.0.1:81" },
		{ "https", "127.0.0.1:443" },
	};
	struct listen_fds all;

	(void)state;
	fill(&all, given, 3);
	assert_true(listen_fds_has_http(&all));
	assert_int_equal(listen_fds_take_http(&all), 1000);
	assert_int_equal(listen_fds_take_http(&all), 1002);
	assert_int_equal(listen_fds_take_http(&all), -1);
	assert_false(listen_fds_has_http(&all));
	all.list[1].fd = -1; /* none was ever open */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_say_what_a_socket_is_for),
		cmocka_unit_test(test_sockets_of_others_are_let_alone),
		cmocka_unit_test(test_a_socket_is_for_its_address),
		cmocka_unit_test(test_one_of_our_own_is_for_its_key),
		cmocka_unit_test(test_port_0_is_no_address),
		cmocka_unit_test(test_those_named_http_come_in_their_order),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
