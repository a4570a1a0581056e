#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include <mbedtls/ssl.h>

#include "test/lib/tls_case.h"

static bool no_memory; /* for mbedTLS's state of a connection */

int __real_mbedtls_ssl_setup(mbedtls_ssl_context *ssl,
    const mbedtls_ssl_config *conf);
int __wrap_mbedtls_ssl_setup(mbedtls_ssl_context *ssl,
    const mbedtls_ssl_config *conf);

/* mbedtls_ssl_setup(), as our objects call it. */
int
__wrap_mbedtls_ssl_setup(mbedtls_ssl_context *ssl,
    const mbedtls_ssl_config *conf)
{
	return (no_memory ? MBEDTLS_ERR_SSL_ALLOC_FAILED
			  : __real_mbedtls_ssl_setup(ssl, conf));
}

/* Whom a client does not trust it does not talk to, and it says why. */
static void
test_tls_client_refuses(void **state)
{
	static const struct {
		const char *server, *root, *host, *why, *told;
	} cases[] = {
		{ "good", "stranger", "localhost",
		    "issuer is unknown (CN=good by CN=root)",
		    "does not know our certificate's issuer" },
		{ "good", "root", "elsewhere",
		    "is for another name (localhost, 127.0.0.1)",
		    "does not accept our certificate" },
		{ "good", "root", "127.0.0.2", "is for another name",
		    "does not accept our certificate" },
		{ "nameless", "root", "127.0.0.1",
		    "is for another name (CN=nameless)",
		    "does not accept our certificate" },
		{ "expired", "root", "localhost",
		    "has expired (CN=expired until 20",
		    "our certificate has expired" },
	};
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct tls_end server, client;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tls_context_unref(f->server);
		f->server = tls_case_server(cases[i].server);
		tls_context_unref(f->client);
		f->client = tls_case_client(cases[i].root);
		tls_case_open(f, &server, &client, cases[i].host);
		tls_case_send(&client, "secret");
		tls_case_run_until(f, &client.failed);
		assert_int_equal(client.error, EPROTO);
		assert_non_null(strstr(client.why, cases[i].why));
		assert_int_equal(tls_reason_is_of_dates(client.why),
		    strcmp(cases[i].server, "expired") == 0);
		assert_false(client.connected);
		assert_int_equal(tls_sent(client.bev), 0);
		tls_case_run_until(f, &server.failed);
		if (strstr(server.why, cases[i].told) == NULL)
			fail_msg("%zu: %s", i, server.why);
		assert_int_equal(evbuffer_get_length(
				     bufferevent_get_input(server.bev)),
		    0);
		tls_case_free(&client);
		tls_case_free(&server);
	}
	tls_engine_stats(f->client_engine, &stats);
	assert_int_equal(stats.failed, sizeof(cases) / sizeof(cases[0]));
	assert_int_equal(stats.handshaking, 0);
}

/* An address is checked against addresses, not against names. */
static void
test_tls_client_knows_addresses(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	tls_case_open(f, &server, &client, "127.0.0.1");
	tls_case_run_until(f, &client.connected);
	tls_case_free(&client);
	tls_case_free(&server);
}

/* What does not open with a handshake is refused in words of its own. */
static void
test_tls_refuses_what_is_no_tls(void **state)
{
	static const struct {
		const char *bytes, *why;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "HTTP without TLS" },
		{ "\x80\x2e\x01", "does not speak TLS" },
		{ "\x16\x03\x01\xff\xff", "TLS" },
	};
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct tls_end server;
	char byte;
	int fd;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = tls_case_open_server(f, &server);
		assert_int_equal(write(fd, cases[i].bytes,
				     strlen(cases[i].bytes)),
		    strlen(cases[i].bytes));
		tls_case_run_until(f, &server.failed);
		assert_non_null(strstr(server.why, cases[i].why));
		tls_case_free(&server);
		while (event_base_loop(f->base, EVLOOP_NONBLOCK) == 0 &&
		       read(fd, &byte, 1) == 1)
			assert_true(byte != 'H'); /* no HTTP, an alert */
		(void)close(fd);
	}
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.failed, 3);
	assert_int_equal(stats.handshaking, 0);
}

/* The deadline is absolute, and is not failure of another kind. */
static void
test_tls_ends_slow_handshakes(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct tls_end idle, slow;
	int fd, fd2;

	tls_engine_set_limits(f->server_engine, 50, 0);
	fd = tls_case_open_server(f, &idle);
	fd2 = tls_case_open_server(f, &slow);
	assert_int_equal(write(fd2, "\x16\x03\x01", 3), 3);
	tls_case_run_until(f, &idle.failed);
	tls_case_run_until(f, &slow.failed);
	assert_int_equal(idle.error, ETIMEDOUT);
	assert_string_equal(slow.why, "handshake timed out");
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.timed_out, 2);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(stats.handshaking, 0);
	tls_case_free(&idle);
	tls_case_free(&slow);
	(void)close(fd);
	(void)close(fd2);
}

/* A peer that leaves is told of, wherever the handshake stands. */
static void
test_tls_sees_the_peer_leave(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server;
	int fd = tls_case_open_server(f, &server);

	assert_int_equal(write(fd, "\x16\x03\x01", 3), 3);
	(void)close(fd);
	tls_case_run_until(f, &server.failed);
	assert_non_null(strstr(server.why, "closed the connection"));
	tls_case_free(&server);
}

/*
 * Who says why and then closes is read, though what was being sent to him
 * cannot leave any more.
 */
static void
test_tls_client_reads_a_farewell(void **state)
{
	static char much[1 << 20]; /* more than the sockets hold */
	struct tls_case *f = *state;
	struct tls_end server, client;

	signal(SIGPIPE, SIG_IGN); /* as the server does */
	tls_case_open(f, &server, &client, "localhost");
	tls_case_run_until(f, &client.connected);
	tls_case_send(&server, "hello");
	tls_case_assert_read(&client, "hello");
	(void)bufferevent_disable(bufferevent_get_underlying(server.bev),
	    EV_READ);
	for (int i = 0; i < 8; i++)
		assert_int_equal(bufferevent_write(client.bev, much,
				     sizeof(much)),
		    0);
	for (int i = 0; i < 20; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	tls_send_now(server.bev, "farewell", 8);
	assert_int_equal(shutdown(bufferevent_getfd(server.bev), SHUT_RDWR), 0);
	tls_case_run_until(f, &client.failed);
	tls_case_assert_read(&client, "farewell");
	assert_true(client.error == EPIPE || client.error == ECONNRESET);
	tls_case_free(&client);
	tls_case_free(&server);
}

/* What is flushed has left on return. */
static void
test_tls_flushes(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	tls_case_open(f, &server, &client, "localhost");
	tls_flush(client.bev); /* before there is anything */
	tls_case_run_until(f, &client.connected);
	tls_case_send(&client, "goodbye");
	assert_int_equal(tls_sent(client.bev), 0);
	tls_flush(client.bev);
	assert_true(tls_sent(client.bev) > 0);
	tls_close(client.bev);
	tls_case_free(&client);
	tls_case_assert_read(&server, "goodbye");
	tls_case_run_until(f, &server.eof);
	tls_case_free(&server);
}

/* A handshake that is given up counts no longer, from that moment. */
static void
test_tls_close_ends_a_handshake(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct tls_end server;
	int fd = tls_case_open_server(f, &server);

	tls_close(server.bev);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshaking, 0);
	assert_int_equal(stats.failed, 1);
	assert_string_equal(tls_reason(server.bev),
	    "the handshake was not finished");
	tls_case_free(&server);
	(void)close(fd);
}

/* One that says nothing has no handshake: it counts from the first byte. */
static void
test_tls_counts_from_the_first_byte(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct tls_end silent, spoke;
	int fd = tls_case_open_server(f, &silent);
	int fd2 = tls_case_open_server(f, &spoke);

	assert_int_equal(write(fd2, "\x16", 1), 1);
	assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
	(void)close(fd);
	tls_case_run_until(f, &silent.failed);
	assert_string_equal(silent.why,
	    "closed the connection during the handshake");
	do
		tls_engine_stats(f->server_engine, &stats);
	while (stats.handshaking == 0 &&
	       event_base_loop(f->base, EVLOOP_ONCE) == 0);
	assert_int_equal(stats.handshaking, 1);
	tls_blame(spoke.bev, "others wait");
	tls_close(spoke.bev);
	assert_string_equal(tls_reason(spoke.bev), "others wait");
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshaking, 0);
	assert_int_equal(stats.failed, 2);
	assert_int_equal(f->fewer, 1);
	tls_case_free(&silent);
	tls_case_free(&spoke);
	(void)close(fd2);
}

/* An end that was seen but not yet told is told all the same. */
static void
test_tls_close_forgets_no_end(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server;
	int fd = tls_case_open_server(f, &server);

	assert_int_equal(write(fd, "\x16", 1), 1);
	while (event_base_loop(f->base, EVLOOP_ONCE) == 0 &&
	       (tls_held(server.bev) > 0 ||
		   (bufferevent_get_enabled(
			bufferevent_get_underlying(server.bev)) &
		       EV_READ) == 0))
		continue; /* until it waits for more */
	(void)close(fd);
	assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
	tls_close(server.bev);
	(void)shutdown(bufferevent_getfd(server.bev), SHUT_RDWR);
	tls_case_run_until(f, &server.eof);
	tls_case_free(&server);
}

/* Out of memory ends the handshake that needs it, and no other connection. */
static void
test_tls_out_of_memory_ends_one(void **state)
{
	struct tls_case *f = *state;
	struct tls_end open[2], server;
	int fd;

	tls_case_open(f, &open[0], &open[1], "localhost");
	tls_case_run_until(f, &open[1].connected);
	no_memory = true;
	fd = tls_case_open_server(f, &server);
	assert_int_equal(tls_held(server.bev), 0);
	assert_int_equal(write(fd, "\x16", 1), 1);
	tls_case_run_until(f, &server.failed);
	assert_string_equal(server.why, "out of memory");
	no_memory = false;
	tls_case_free(&server);
	(void)close(fd);
	tls_case_send(&open[1], "still here");
	tls_case_assert_read(&open[0], "still here");
	tls_case_free(&open[0]);
	tls_case_free(&open[1]);
}

/* Places are few: those beyond them wait, and the stalled make room. */
static void
test_tls_places_are_few(void **state)
{
	struct tls_case *f = *state;
	struct tls_end stalled[2], server, client;
	struct tls_stats stats;
	int fds[2];

	tls_engine_set_limits(f->server_engine, TIMEOUT_MS, 1);
	for (size_t i = 0; i < 2; i++) {
		fds[i] = tls_case_open_server(f, &stalled[i]);
		assert_int_equal(write(fds[i], "\x16", 1), 1);
	}
	while (!stalled[0].failed && !stalled[1].failed) {
		assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
		tls_engine_stats(f->server_engine, &stats);
		assert_true(stats.handshaking <= 1);
	}
	assert_false(stalled[0].failed && stalled[1].failed);
	tls_case_open(f, &server, &client, "localhost");
	tls_case_run_until(f, &client.connected);
	assert_true(stalled[0].failed && stalled[1].failed);
	assert_int_equal(stalled[1].error, ETIMEDOUT);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.timed_out, 2);
	tls_case_free(&client);
	tls_case_free(&server);
	for (size_t i = 0; i < 2; i++) {
		tls_case_free(&stalled[i]);
		(void)close(fds[i]);
	}
}

/* Many at once are all served, whatever the order of their turns. */
static void
test_tls_serves_many_handshakes(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server[20], client[20];
	struct tls_stats stats;

	for (size_t i = 0; i < 20; i++)
		tls_case_open(f, &server[i], &client[i], "localhost");
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshaking, 0); /* nothing has come yet */
	for (size_t i = 0; i < 20; i++) {
		tls_case_send(&client[i], "hello");
		tls_case_assert_read(&server[i], "hello");
	}
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshakes, 20);
	assert_int_equal(stats.open, 20);
	for (size_t i = 0; i < 20; i++) {
		tls_case_free(&client[i]);
		tls_case_free(&server[i]);
	}
}

/* A bufferevent without TLS may be asked anything. */
static void
test_tls_leaves_others_alone(void **state)
{
	struct tls_case *f = *state;
	struct bufferevent *bev = bufferevent_socket_new(f->base, -1, 0);

	assert_null(tls_reason(bev));
	assert_null(tls_context_of(bev));
	assert_int_equal(tls_held(bev), 0);
	tls_start(bev);
	tls_send_now(bev, "x", 1);
	tls_flush(bev);
	tls_close(bev);
	bufferevent_free(bev);
	assert_null(tls_bufferevent_new(f->server_engine, f->client, NULL));
	assert_null(tls_bufferevent_new(f->server_engine, f->server, "host"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, tls_case_setup, tls_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tls_client_refuses),
		TEST(test_tls_client_knows_addresses),
		TEST(test_tls_refuses_what_is_no_tls),
		TEST(test_tls_ends_slow_handshakes),
		TEST(test_tls_sees_the_peer_leave),
		TEST(test_tls_client_reads_a_farewell),
		TEST(test_tls_flushes),
		TEST(test_tls_close_ends_a_handshake),
		TEST(test_tls_counts_from_the_first_byte),
		TEST(test_tls_close_forgets_no_end),
		TEST(test_tls_out_of_memory_ends_one),
		TEST(test_tls_places_are_few),
		TEST(test_tls_serves_many_handshakes),
		TEST(test_tls_leaves_others_alone),
	};

	return (cmocka_run_group_tests(tests, tls_case_group_setup,
	    tls_case_group_teardown));
}
