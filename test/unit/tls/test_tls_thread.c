/* Handshakes in a thread of their own, of which one step is held at will. */
#include <sys/socket.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include <mbedtls/ssl.h>

#include "test/lib/tls_case.h"

static pthread_t loop;
static atomic_bool holds; /* the next step that is computed in a thread */
static atomic_bool is_held;
static atomic_uint nsteps; /* that were computed in a thread */
static sem_t release;

int __real_mbedtls_ssl_handshake(mbedtls_ssl_context *ssl);
int __wrap_mbedtls_ssl_handshake(mbedtls_ssl_context *ssl);

/* mbedtls_ssl_handshake(), as our objects call it. */
int
__wrap_mbedtls_ssl_handshake(mbedtls_ssl_context *ssl)
{
	if (pthread_equal(pthread_self(), loop))
		return (__real_mbedtls_ssl_handshake(ssl));
	if (atomic_exchange(&holds, false)) {
		atomic_store(&is_held, true);
		while (sem_wait(&release) == -1)
			;
	}
	atomic_fetch_add(&nsteps, 1);
	return (__real_mbedtls_ssl_handshake(ssl));
}

static int
setup(void **state)
{
	loop = pthread_self();
	atomic_store(&holds, false);
	atomic_store(&is_held, false);
	atomic_store(&nsteps, 0);
	assert_int_equal(sem_init(&release, 0, 0), 0);
	return (tls_case_setup(state));
}

static int
teardown(void **state)
{
	(void)tls_case_teardown(state);
	return (sem_destroy(&release));
}

/* Two ends; the server's first step is held. */
static void
open_held(struct tls_case *f, struct tls_end *server, struct tls_end *client)
{
	atomic_store(&holds, true);
	tls_case_open(f, server, client, "localhost");
	while (!atomic_load(&is_held))
		assert_int_not_equal(event_base_loop(f->base, EVLOOP_NONBLOCK),
		    -1);
}

static struct tls_stats
server_stats(const struct tls_case *f)
{
	struct tls_stats stats;

	tls_engine_stats(f->server_engine, &stats);
	return (stats);
}

/* evtimer */
static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

/* The loop and its open connections go on while a step takes its time. */
static void
test_tls_thread_holds_up_nobody(void **state)
{
	static const struct timeval soon = { 0, 1000 };
	struct tls_case *f = *state;
	struct tls_end server, client, other_server, other_client;
	bool fired = false;

	tls_case_open(f, &other_server, &other_client, "localhost");
	tls_case_run_until(f, &other_client.connected);
	open_held(f, &server, &client);
	assert_int_equal(event_base_once(f->base, -1, EV_TIMEOUT, timer_cb,
			     &fired, &soon),
	    0);
	tls_case_run_until(f, &fired);
	tls_case_send(&other_client, "hello");
	tls_case_assert_read(&other_server, "hello");
	assert_false(client.connected);
	assert_int_equal(server_stats(f).handshaking, 1);

	assert_int_equal(sem_post(&release), 0);
	tls_case_send(&client, "hello");
	tls_case_assert_read(&server, "hello");
	assert_int_equal(server_stats(f).handshakes, 2);
	tls_case_free(&client);
	tls_case_free(&server);
	tls_case_free(&other_client);
	tls_case_free(&other_server);
}

/* Who is freed meanwhile is in nobody's way, and leaves nothing. */
static void
test_tls_thread_computes_for_nobody(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	open_held(f, &server, &client);
	tls_close(server.bev);
	tls_case_free(&server);
	(void)event_base_loop(f->base, EVLOOP_NONBLOCK); /* is quite freed */
	assert_int_equal(server_stats(f).failed, 1);
	assert_int_equal(server_stats(f).handshaking, 0);
	assert_int_equal(sem_post(&release), 0);
	tls_case_free(&client);

	tls_case_open(f, &server, &client, "localhost");
	tls_case_run_until(f, &client.connected);
	tls_case_free(&client);
	tls_case_free(&server);
}

/* The end of all comes while a step is computed. */
static void
test_tls_thread_ends_in_a_step(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	open_held(f, &server, &client);
	tls_case_free(&server);
	tls_case_free(&client);
	assert_int_equal(sem_post(&release), 0);
}

/* The same, when libevent has freed it before. */
static void
test_tls_thread_ends_after_a_connection(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client;

	open_held(f, &server, &client);
	tls_case_free(&server);
	tls_case_free(&client);
	(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(sem_post(&release), 0);
}

/* The deadline waits for no thread, and what comes then is not taken. */
static void
test_tls_thread_is_late(void **state)
{
	struct tls_case *f = *state;
	struct tls_end server, client, other_server, other_client;

	tls_engine_set_limits(f->server_engine, 50, 0);
	open_held(f, &server, &client);
	tls_case_run_until(f, &server.failed);
	assert_int_equal(server.error, ETIMEDOUT);
	assert_string_equal(server.why, "handshake timed out");
	assert_int_equal(sem_post(&release), 0);
	tls_engine_set_limits(f->server_engine, TIMEOUT_MS, 0);
	tls_case_free(&client);

	/* The next one has its turn only after it. */
	tls_case_open(f, &other_server, &other_client, "localhost");
	tls_case_send(&other_client, "hello");
	tls_case_assert_read(&other_server, "hello");
	tls_case_free(&other_client);
	tls_case_free(&other_server);
	assert_int_equal(server_stats(f).timed_out, 1);
	assert_int_equal(server_stats(f).handshakes, 1);
	tls_case_free(&server);
}

/* -- Two addresses -- */

#define NGREEDY 64

/* tls_engine_options: who has an owner is of a quiet address. */
static size_t
rank_cb(void *owner, void *arg)
{
	(void)arg;
	return (owner != NULL ? 0 : NGREEDY);
}

/* What a client sends first. Returns its length. */
static size_t
take_hello(struct tls_case *f, void *ret_hello, size_t size)
{
	struct tls_end client;
	int fds[2];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(evutil_make_socket_nonblocking(fds[0]), 0);
	tls_case_take(&client, f,
	    tls_bufferevent_new(f->client_engine, f->client, "localhost"),
	    fds[0]);
	do {
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
		n = recv(fds[1], ret_hello, size, MSG_DONTWAIT);
	} while (n == -1);
	tls_case_free(&client);
	(void)close(fds[1]);
	return ((size_t)n);
}

/* However many of one address wait, another's has the very next turn. */
static void
test_tls_thread_is_for_the_quiet_address_next(void **state)
{
	struct tls_case *f = *state;
	const struct tls_engine_options opt = {
		.handshake_timeout_ms = TIMEOUT_MS,
		.has_thread = true,
		.rank = rank_cb,
	};
	struct tls_end greedy[NGREEDY], server, client;
	int fds[NGREEDY];
	char hello[4096];
	size_t len = take_hello(f, hello, sizeof(hello));

	tls_engine_free(f->server_engine);
	f->server_engine = tls_engine_new(f->base, &opt);
	assert_non_null(f->server_engine);
	atomic_store(&holds, true);
	for (size_t i = 0; i < NGREEDY; i++) {
		fds[i] = tls_case_open_server(f, &greedy[i]);
		assert_int_equal(send(fds[i], hello, len, 0), len);
	}
	while (!atomic_load(&is_held) || server_stats(f).waiting < NGREEDY - 1)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	tls_case_open(f, &server, &client, "localhost");
	tls_set_owner(server.bev, &server);
	while (server_stats(f).waiting < NGREEDY)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);

	assert_int_equal(sem_post(&release), 0);
	tls_case_run_until(f, &client.connected);
	/* The one that was held, two of its own, and who came in between. */
	assert_in_range(atomic_load(&nsteps), 3, NGREEDY / 2);
	tls_case_free(&client);
	tls_case_free(&server);
	for (size_t i = 0; i < NGREEDY; i++) {
		tls_case_free(&greedy[i]);
		(void)close(fds[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tls_thread_holds_up_nobody),
		TEST(test_tls_thread_computes_for_nobody),
		TEST(test_tls_thread_ends_in_a_step),
		TEST(test_tls_thread_ends_after_a_connection),
		TEST(test_tls_thread_is_late),
		TEST(test_tls_thread_is_for_the_quiet_address_next),
	};

	return (cmocka_run_group_tests(tests, tls_case_group_setup,
	    tls_case_group_teardown));
}
