#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/test_ca.h"
#include "test/lib/tls_case.h"

/* -- tls_context.c -- */

/* A pair that is none is refused by name, and nothing is left. */
static void
test_tls_refuses_a_wrong_pair(void **state)
{
	char reason[TLS_REASON_MAX];
	char certificate[TEST_CA_PATH + 64];
	struct tls_server_options opt = { certificate,
		tls_case_path("nameless", "key") };

	(void)state;
	(void)strcpy(certificate, tls_case_path("good", "pem"));
	assert_null(tls_server_new(&opt, reason));
	assert_non_null(strstr(reason, "nameless.key"));
	opt.key = "/nowhere.key";
	assert_null(tls_server_new(&opt, reason));
	assert_non_null(strstr(reason, "/nowhere.key"));
}

/* -- both directions -- */

/* Bytes go both ways, whole and in order, and the end is seen. */
static void
test_tls_carries_bytes(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct tls_end server, client;

	tls_case_open(f, &server, &client, "localhost");
	tls_case_send(&client, "what a client may put in early");
	tls_case_run_until(f, &client.connected);
	tls_case_assert_read(&server, "what a client may put in early");
	tls_case_run_until(f, &client.written);
	tls_case_send(&server, "an answer");
	tls_case_assert_read(&client, "an answer");
	tls_case_run_until(f, &server.written);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshakes, 1);
	assert_int_equal(stats.handshaking, 0);
	assert_int_equal(stats.open, 1);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(f->fewer, 2);
	assert_null(tls_reason(client.bev));

	tls_close(client.bev);
	tls_case_free(&client);
	tls_case_run_until(f, &server.eof);
	assert_false(server.failed);
	tls_case_free(&server);
}

/* More than any window, through a socket that takes little at a time. */
static void
test_tls_carries_a_megabyte(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;
	const size_t len = 3000001;
	char *bytes = malloc(len);
	char *got = malloc(len);

	assert_non_null(bytes);
	assert_non_null(got);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	tls_case_open(f, &server, &client, "localhost");
	assert_int_equal(bufferevent_write(client.bev, bytes, len), 0);
	tls_case_run_until_read(&server, len);
	assert_int_equal(bufferevent_read(server.bev, got, len), len);
	assert_memory_equal(got, bytes, len);
	tls_case_run_until(f, &client.written);
	free(bytes);
	free(got);
	tls_case_free(&client);
	tls_case_free(&server);
}

/* What has left is known to the byte that counts: the first. */
static void
test_tls_knows_what_has_left(void **state)
{
	struct tls_case *f = *state;
	static char much[4 << 20]; /* more than a socket holds */
	struct tls_end server, client;
	uint64_t sent;

	tls_case_open(f, &server, &client, "localhost");
	tls_case_run_until(f, &client.connected);
	assert_int_equal(tls_sent(client.bev), 0);
	tls_close(server.bev);
	assert_int_equal(tls_sent(server.bev), 0);
	tls_case_free(&client);
	tls_case_free(&server);

	tls_case_open(f, &server, &client, "localhost");
	tls_case_run_until(f, &client.connected);
	tls_case_send(&client, "x");
	tls_case_run_until(f, &client.written);
	assert_true((sent = tls_sent(client.bev)) > 0);
	tls_case_assert_read(&server, "x");
	assert_int_equal(bufferevent_disable(server.bev, EV_READ), 0);
	assert_int_equal(bufferevent_write(client.bev, much, sizeof(much)), 0);
	while (tls_sent(client.bev) == sent)
		assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
	assert_true(tls_sent(client.bev) < sizeof(much));
	assert_true(bufferevent_setfd(client.bev, -1) == 0);
	assert_true(tls_sent(client.bev) > sent);
	tls_case_free(&client);
	tls_case_free(&server);
}

/* While EV_READ is off nothing comes; with the next answer it does. */
static void
test_tls_reads_when_asked(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	tls_case_open(f, &server, &client, "localhost");
	tls_case_send(&client, "one");
	tls_case_assert_read(&server, "one");
	(void)bufferevent_disable(server.bev, EV_READ);
	tls_case_send(&client, "two");
	client.written = false;
	tls_case_run_until(f, &client.written);
	assert_int_equal(event_base_loop(f->base, EVLOOP_NONBLOCK), 0);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(server.bev)),
	    0);
	(void)bufferevent_enable(server.bev, EV_READ);
	tls_case_send(&server, "answer");
	tls_case_assert_read(&server, "two");
	tls_case_assert_read(&client, "answer");
	tls_case_free(&client);
	tls_case_free(&server);
}

/* Whoever is called may free the connection there and then. */
static void
test_tls_may_be_freed_in_a_callback(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct tls_end server, client;

	tls_case_open(f, &server, &client, "localhost");
	server.free_on_read = true;
	tls_case_send(&client, "last words");
	tls_case_run_until(f, &client.failed);
	assert_null(server.bev);
	assert_int_equal(client.error, ECONNRESET); /* no close_notify */
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.open, 0);
	tls_case_free(&client);
}

/* Who has closed his side still gets an answer; then both have ended. */
static void
test_tls_answers_who_half_closed(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	tls_case_open(f, &server, &client, "localhost");
	tls_case_send(&client, "question");
	tls_case_run_until(f, &client.written);
	tls_half_close(client.bev);
	tls_case_assert_read(&server, "question");
	tls_case_send(&server, "answer");
	tls_case_assert_read(&client, "answer");
	tls_case_run_until(f, &server.eof);
	tls_close(server.bev);
	tls_case_free(&server);
	tls_case_run_until(f, &client.eof);
	tls_case_free(&client);
}

/* A last word goes past the buffers, and only when nothing is in them. */
static void
test_tls_tells(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	tls_case_open(f, &server, &client, "localhost");
	tls_send_now(server.bev, "early", 5);
	tls_case_run_until(f, &client.connected);
	tls_case_send(&client, "x");
	tls_case_assert_read(&server, "x");
	tls_send_now(server.bev, "bad request", 11);
	tls_half_close(server.bev);
	tls_send_now(server.bev, "too late", 8);
	tls_case_assert_read(&client, "bad request");
	tls_case_run_until(f, &client.eof);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(client.bev)),
	    0);
	tls_case_free(&client);
	tls_case_free(&server);
}

/* Sessions are taken up again, by name; another context starts anew. */
static void
test_tls_resumes(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct tls_end server, client;

	for (int i = 0; i < 3; i++) {
		tls_case_open(f, &server, &client, "localhost");
		tls_case_send(&client, "done"); /* by both */
		tls_case_assert_read(&server, "done");
		tls_case_free(&client);
		tls_case_free(&server);
	}
	tls_engine_stats(f->client_engine, &stats);
	assert_int_equal(stats.resumed, 2);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshakes, 3);
	assert_int_equal(stats.resumed, 2);

	tls_context_unref(f->server);
	f->server = tls_case_server("good");
	tls_case_open(f, &server, &client, "localhost");
	tls_case_run_until(f, &client.connected);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.resumed, 2);
	tls_engine_stats(f->client_engine, &stats);
	assert_int_equal(stats.resumed, 2);
	tls_case_free(&client);
	tls_case_free(&server);
}

/* A connection keeps its context, though everyone else has let go of it. */
static void
test_tls_context_lives_as_long_as_its_connections(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	tls_case_open(f, &server, &client, "localhost");
	assert_ptr_equal(tls_context_of(server.bev), f->server);
	tls_context_unref(f->server);
	f->server = tls_case_server("good");
	tls_case_send(&client, "after the reload");
	tls_case_assert_read(&server, "after the reload");
	assert_ptr_not_equal(tls_context_of(server.bev), f->server);
	tls_case_free(&client);
	tls_case_free(&server);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, tls_case_setup, tls_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tls_refuses_a_wrong_pair),
		TEST(test_tls_carries_bytes),
		TEST(test_tls_carries_a_megabyte),
		TEST(test_tls_knows_what_has_left),
		TEST(test_tls_reads_when_asked),
		TEST(test_tls_may_be_freed_in_a_callback),
		TEST(test_tls_answers_who_half_closed),
		TEST(test_tls_tells),
		TEST(test_tls_resumes),
		TEST(test_tls_context_lives_as_long_as_its_connections),
	};

	return (cmocka_run_group_tests(tests, tls_case_group_setup,
	    tls_case_group_teardown));
}
