#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "server/tls.h"
#include "test/lib/test_ca.h"

#define TIMEOUT_MS 60000 /* a handshake's, where it does not matter */
#define LIMIT_S 60       /* of anything awaited */

/* Two engines and their contexts on one loop. */
struct tls_case {
	struct event_base *base;
	struct tls_engine *server_engine, *client_engine;
	struct tls_context *server, *client;
	unsigned fewer;
};

/* An end of a connection. */
struct end {
	struct tls_case *f;
	struct bufferevent *bev;
	bool connected, eof, failed, written;
	int error;
	char why[TLS_REASON_MAX];
	bool free_on_read; /* by itself, from the callback */
};

static const unsigned char loopback[] = { 127, 0, 0, 1 };

static void
fewer_cb(void *arg)
{
	struct tls_case *f = arg;

	f->fewer++;
}

static char dir[TEST_CA_PATH]; /* of the certificates */

static int
group_setup(void **state)
{
	static const struct {
		const char *name;
		struct test_leaf leaf;
	} leaves[] = {
		{ "good", { .dns = "localhost", .address = loopback } },
		{ "nameless", { 0 } },
		{ "expired", { .dns = "localhost", .expired = true } },
	};
	struct test_ca *ca;

	(void)state;
	test_dir_make(dir);
	test_ca_free(test_ca_new(dir, "stranger"));
	ca = test_ca_new(dir, "root");
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		test_ca_issue(ca, leaves[i].name, &leaves[i].leaf);
	test_ca_free(ca);
	return (0);
}

static int
group_teardown(void **state)
{
	(void)state;
	test_dir_remove(dir);
	return (0);
}

static struct tls_context *
load_server(const char *name)
{
	char reason[TLS_REASON_MAX];
	char certificate[TEST_CA_PATH + 64];
	const struct tls_server_options opt = { certificate,
		test_path(dir, name, "key") };
	struct tls_context *ctx;

	(void)strcpy(certificate, test_path(dir, name, "pem"));
	if ((ctx = tls_server_new(&opt, reason)) == NULL)
		fail_msg("%s", reason);
	return (ctx);
}

static struct tls_context *
load_client(const char *root)
{
	char reason[TLS_REASON_MAX];
	const struct tls_client_options opt = {
		.ca_file = test_path(dir, root, "pem"),
	};
	struct tls_context *ctx;

	if ((ctx = tls_client_new(&opt, reason)) == NULL)
		fail_msg("%s", reason);
	return (ctx);
}

static int
setup(void **state)
{
	struct tls_case *f = calloc(1, sizeof(*f));
	const struct tls_engine_options opt = { TIMEOUT_MS, fewer_cb, f };

	assert_non_null(f);
	f->base = event_base_new();
	assert_non_null(f->server_engine = tls_engine_new(f->base, &opt));
	assert_non_null(f->client_engine = tls_engine_new(f->base, &opt));
	f->server = load_server("good");
	f->client = load_client("root");
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct tls_case *f = *state;

	tls_context_unref(f->server);
	tls_context_unref(f->client);
	tls_engine_free(f->server_engine);
	tls_engine_free(f->client_engine);
	event_base_free(f->base); /* and what was not quite freed yet */
	free(f);
	return (0);
}

static void
end_read_cb(struct bufferevent *bev, void *arg)
{
	struct end *e = arg;

	if (e->free_on_read && e->bev != NULL) {
		bufferevent_free(bev);
		e->bev = NULL;
	}
}

static void
end_write_cb(struct bufferevent *bev, void *arg)
{
	struct end *e = arg;

	assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 0);
	e->written = true;
}

static void
end_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct end *e = arg;

	e->error = errno;
	if ((what & BEV_EVENT_CONNECTED) != 0)
		e->connected = true;
	if ((what & BEV_EVENT_EOF) != 0)
		e->eof = true;
	if ((what & BEV_EVENT_ERROR) != 0)
		e->failed = true;
	if (tls_reason(bev) != NULL)
		(void)strcpy(e->why, tls_reason(bev));
}

static void
end_take(struct end *e, struct tls_case *f, struct bufferevent *bev, int fd)
{
	memset(e, 0, sizeof(*e));
	assert_non_null(bev);
	e->f = f;
	e->bev = bev;
	bufferevent_setcb(bev, end_read_cb, end_write_cb, end_event_cb, e);
	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	assert_int_equal(bufferevent_setfd(bev, fd), 0);
	assert_int_equal(bufferevent_enable(bev, EV_READ | EV_WRITE), 0);
}

static void
end_free(struct end *e)
{
	if (e->bev != NULL)
		bufferevent_free(e->bev);
	e->bev = NULL;
}

/* A server's end on a new socket, whose other one is returned. */
static int
open_server(struct tls_case *f, struct end *server)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	end_take(server, f,
	    tls_bufferevent_new(f->server_engine, f->server, NULL), fds[0]);
	tls_start(server->bev);
	return (fds[1]);
}

static void
open_both(struct tls_case *f, struct end *server, struct end *client,
    const char *host)
{
	int fd = open_server(f, server);

	end_take(client, f,
	    tls_bufferevent_new(f->client_engine, f->client, host), fd);
}

/* Run the loop until the flag is set. */
static void
run_until(struct tls_case *f, const bool *flag)
{
	time_t end = time(NULL) + LIMIT_S;

	while (!*flag) {
		assert_true(time(NULL) < end);
		assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
	}
}

static void
run_until_read(struct end *e, size_t len)
{
	time_t end = time(NULL) + LIMIT_S;

	while (evbuffer_get_length(bufferevent_get_input(e->bev)) < len) {
		assert_true(time(NULL) < end);
		assert_int_not_equal(event_base_loop(e->f->base, EVLOOP_ONCE),
		    -1);
	}
}

static void
end_send(struct end *e, const char *text)
{
	assert_int_equal(bufferevent_write(e->bev, text, strlen(text)), 0);
}

static void
assert_read(struct end *e, const char *text)
{
	struct evbuffer *in = bufferevent_get_input(e->bev);
	size_t len = strlen(text);

	run_until_read(e, len);
	assert_memory_equal(evbuffer_pullup(in, (ev_ssize_t)len), text, len);
	assert_int_equal(evbuffer_drain(in, len), 0);
}

/* -- tls_context.c -- */

/* A pair that is none is refused by name, and nothing is left. */
static void
test_tls_refuses_a_wrong_pair(void **state)
{
	char reason[TLS_REASON_MAX];
	char certificate[TEST_CA_PATH + 64];
	struct tls_server_options opt = { certificate,
		test_path(dir, "nameless", "key") };

	(void)state;
	(void)strcpy(certificate, test_path(dir, "good", "pem"));
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
	struct end server, client;

	open_both(f, &server, &client, "localhost");
	end_send(&client, "what a client may put in early");
	run_until(f, &client.connected);
	assert_read(&server, "what a client may put in early");
	run_until(f, &client.written);
	end_send(&server, "an answer");
	assert_read(&client, "an answer");
	run_until(f, &server.written);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshakes, 1);
	assert_int_equal(stats.handshaking, 0);
	assert_int_equal(stats.open, 1);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(f->fewer, 2);
	assert_null(tls_reason(client.bev));

	tls_close(client.bev);
	end_free(&client);
	run_until(f, &server.eof);
	assert_false(server.failed);
	end_free(&server);
}

/* More than any window, through a socket that takes little at a time. */
static void
test_tls_carries_a_megabyte(void **state)
{
	struct tls_case *f = *state;
	struct end server, client;
	const size_t len = 3000001;
	char *bytes = malloc(len);
	char *got = malloc(len);

	assert_non_null(bytes);
	assert_non_null(got);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	open_both(f, &server, &client, "localhost");
	assert_int_equal(bufferevent_write(client.bev, bytes, len), 0);
	run_until_read(&server, len);
	assert_int_equal(bufferevent_read(server.bev, got, len), len);
	assert_memory_equal(got, bytes, len);
	run_until(f, &client.written);
	free(bytes);
	free(got);
	end_free(&client);
	end_free(&server);
}

/* What has left is known to the byte that counts: the first. */
static void
test_tls_knows_what_has_left(void **state)
{
	struct tls_case *f = *state;
	static char much[4 << 20]; /* more than a socket holds */
	struct end server, client;
	uint64_t sent;

	open_both(f, &server, &client, "localhost");
	run_until(f, &client.connected);
	assert_int_equal(tls_sent(client.bev), 0);
	tls_close(server.bev);
	assert_int_equal(tls_sent(server.bev), 0);
	end_free(&client);
	end_free(&server);

	open_both(f, &server, &client, "localhost");
	run_until(f, &client.connected);
	end_send(&client, "x");
	run_until(f, &client.written);
	assert_true((sent = tls_sent(client.bev)) > 0);
	assert_read(&server, "x");
	assert_int_equal(bufferevent_disable(server.bev, EV_READ), 0);
	assert_int_equal(bufferevent_write(client.bev, much, sizeof(much)), 0);
	while (tls_sent(client.bev) == sent)
		assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
	assert_true(tls_sent(client.bev) < sizeof(much));
	assert_true(bufferevent_setfd(client.bev, -1) == 0);
	assert_true(tls_sent(client.bev) > sent);
	end_free(&client);
	end_free(&server);
}

/* While EV_READ is off nothing comes; with the next answer it does. */
static void
test_tls_reads_when_asked(void **state)
{
	struct tls_case *f = *state;
	struct end server, client;

	open_both(f, &server, &client, "localhost");
	end_send(&client, "one");
	assert_read(&server, "one");
	(void)bufferevent_disable(server.bev, EV_READ);
	end_send(&client, "two");
	client.written = false;
	run_until(f, &client.written);
	assert_int_equal(event_base_loop(f->base, EVLOOP_NONBLOCK), 0);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(server.bev)),
	    0);
	(void)bufferevent_enable(server.bev, EV_READ);
	end_send(&server, "answer");
	assert_read(&server, "two");
	assert_read(&client, "answer");
	end_free(&client);
	end_free(&server);
}

/* Whoever is called may free the connection there and then. */
static void
test_tls_may_be_freed_in_a_callback(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct end server, client;

	open_both(f, &server, &client, "localhost");
	server.free_on_read = true;
	end_send(&client, "last words");
	run_until(f, &client.failed);
	assert_null(server.bev);
	assert_int_equal(client.error, ECONNRESET); /* no close_notify */
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.open, 0);
	end_free(&client);
}

/* Who has closed his side still gets an answer; then both have ended. */
static void
test_tls_answers_who_half_closed(void **state)
{
	struct tls_case *f = *state;
	struct end server, client;

	open_both(f, &server, &client, "localhost");
	end_send(&client, "question");
	run_until(f, &client.written);
	tls_half_close(client.bev);
	assert_read(&server, "question");
	end_send(&server, "answer");
	assert_read(&client, "answer");
	run_until(f, &server.eof);
	tls_close(server.bev);
	end_free(&server);
	run_until(f, &client.eof);
	end_free(&client);
}

/* A last word goes past the buffers, and only when nothing is in them. */
static void
test_tls_tells(void **state)
{
	struct tls_case *f = *state;
	struct end server, client;

	open_both(f, &server, &client, "localhost");
	tls_tell(server.bev, "early", 5);
	run_until(f, &client.connected);
	end_send(&client, "x");
	assert_read(&server, "x");
	tls_tell(server.bev, "bad request", 11);
	tls_half_close(server.bev);
	tls_tell(server.bev, "too late", 8);
	assert_read(&client, "bad request");
	run_until(f, &client.eof);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(client.bev)),
	    0);
	end_free(&client);
	end_free(&server);
}

/* Sessions are taken up again, by name; another context starts anew. */
static void
test_tls_resumes(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct end server, client;

	for (int i = 0; i < 3; i++) {
		open_both(f, &server, &client, "localhost");
		end_send(&client, "done"); /* by both */
		assert_read(&server, "done");
		end_free(&client);
		end_free(&server);
	}
	tls_engine_stats(f->client_engine, &stats);
	assert_int_equal(stats.resumed, 2);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshakes, 3);
	assert_int_equal(stats.resumed, 2);

	tls_context_unref(f->server);
	f->server = load_server("good");
	open_both(f, &server, &client, "localhost");
	run_until(f, &client.connected);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.resumed, 2);
	tls_engine_stats(f->client_engine, &stats);
	assert_int_equal(stats.resumed, 2);
	end_free(&client);
	end_free(&server);
}

/* A connection keeps its context, though everyone else has let go of it. */
static void
test_tls_context_lives_as_long_as_its_connections(void **state)
{
	struct tls_case *f = *state;
	struct end server, client;

	open_both(f, &server, &client, "localhost");
	assert_ptr_equal(tls_context_of(server.bev), f->server);
	tls_context_unref(f->server);
	f->server = load_server("good");
	end_send(&client, "after the reload");
	assert_read(&server, "after the reload");
	assert_ptr_not_equal(tls_context_of(server.bev), f->server);
	end_free(&client);
	end_free(&server);
}

/* -- refusals -- */

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
	struct end server, client;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tls_context_unref(f->server);
		f->server = load_server(cases[i].server);
		tls_context_unref(f->client);
		f->client = load_client(cases[i].root);
		open_both(f, &server, &client, cases[i].host);
		end_send(&client, "secret");
		run_until(f, &client.failed);
		assert_int_equal(client.error, EPROTO);
		assert_non_null(strstr(client.why, cases[i].why));
		assert_false(client.connected);
		assert_int_equal(tls_sent(client.bev), 0);
		run_until(f, &server.failed);
		if (strstr(server.why, cases[i].told) == NULL)
			fail_msg("%zu: %s", i, server.why);
		assert_int_equal(evbuffer_get_length(
				     bufferevent_get_input(server.bev)),
		    0);
		end_free(&client);
		end_free(&server);
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
	struct end server, client;

	open_both(f, &server, &client, "127.0.0.1");
	run_until(f, &client.connected);
	end_free(&client);
	end_free(&server);
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
	struct end server;
	char byte;
	int fd;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = open_server(f, &server);
		assert_int_equal(write(fd, cases[i].bytes,
				     strlen(cases[i].bytes)),
		    strlen(cases[i].bytes));
		run_until(f, &server.failed);
		assert_non_null(strstr(server.why, cases[i].why));
		end_free(&server);
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
	struct end idle, slow;
	int fd, fd2;

	tls_engine_set_timeout(f->server_engine, 50);
	fd = open_server(f, &idle);
	fd2 = open_server(f, &slow);
	assert_int_equal(write(fd2, "\x16\x03\x01", 3), 3);
	run_until(f, &idle.failed);
	run_until(f, &slow.failed);
	assert_int_equal(idle.error, ETIMEDOUT);
	assert_string_equal(slow.why, "handshake timed out");
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.timed_out, 2);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(stats.handshaking, 0);
	end_free(&idle);
	end_free(&slow);
	(void)close(fd);
	(void)close(fd2);
}

/* A peer that leaves is told of, wherever the handshake stands. */
static void
test_tls_sees_the_peer_leave(void **state)
{
	struct tls_case *f = *state;
	struct end server;
	int fd = open_server(f, &server);

	assert_int_equal(write(fd, "\x16\x03\x01", 3), 3);
	(void)close(fd);
	run_until(f, &server.failed);
	assert_non_null(strstr(server.why, "closed the connection"));
	end_free(&server);
}

/* A handshake that is given up counts no longer, from that moment. */
static void
test_tls_close_ends_a_handshake(void **state)
{
	struct tls_case *f = *state;
	struct tls_stats stats;
	struct end server;
	int fd = open_server(f, &server);

	tls_close(server.bev);
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshaking, 0);
	assert_int_equal(stats.failed, 1);
	assert_string_equal(tls_reason(server.bev),
	    "the handshake was not finished");
	end_free(&server);
	(void)close(fd);
}

/* An end that was seen but not yet told is told all the same. */
static void
test_tls_close_forgets_no_end(void **state)
{
	struct tls_case *f = *state;
	struct end server;
	int fd = open_server(f, &server);

	(void)close(fd);
	assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
	tls_close(server.bev);
	(void)shutdown(bufferevent_getfd(server.bev), SHUT_RDWR);
	run_until(f, &server.eof);
	end_free(&server);
}

/* Many at once are all served, whatever the order of their turns. */
static void
test_tls_serves_many_handshakes(void **state)
{
	struct tls_case *f = *state;
	struct end server[20], client[20];
	struct tls_stats stats;

	for (size_t i = 0; i < 20; i++)
		open_both(f, &server[i], &client[i], "localhost");
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshaking, 20);
	for (size_t i = 0; i < 20; i++) {
		end_send(&client[i], "hello");
		assert_read(&server[i], "hello");
	}
	tls_engine_stats(f->server_engine, &stats);
	assert_int_equal(stats.handshakes, 20);
	assert_int_equal(stats.open, 20);
	for (size_t i = 0; i < 20; i++) {
		end_free(&client[i]);
		end_free(&server[i]);
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
	tls_tell(bev, "x", 1);
	tls_close(bev);
	bufferevent_free(bev);
	assert_null(tls_bufferevent_new(f->server_engine, f->client, NULL));
	assert_null(tls_bufferevent_new(f->server_engine, f->server, "host"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(test_tls_client_refuses),
		TEST(test_tls_client_knows_addresses),
		TEST(test_tls_refuses_what_is_no_tls),
		TEST(test_tls_ends_slow_handshakes),
		TEST(test_tls_sees_the_peer_leave),
		TEST(test_tls_close_ends_a_handshake),
		TEST(test_tls_close_forgets_no_end),
		TEST(test_tls_serves_many_handshakes),
		TEST(test_tls_leaves_others_alone),
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
