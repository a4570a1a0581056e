/* A connected socket, with a far side that says what the test says. */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/conn.h"
#include "test/lib/client_case.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_tls.h"
#include "test/lib/heap.h"
#include "test/lib/raw_side.h"

struct world {
	struct client_case *c;
	struct raw_side raw;
	struct conn_kind kind;
	struct conn *conn;
	unsigned readies, inputs, losts;
	int error;
};

static void
world_ready_cb(void *arg)
{
	struct world *w = arg;

	w->readies++;
	assert_true(conn_is_ready(w->conn));
}

static void
world_input_cb(void *arg)
{
	struct world *w = arg;

	w->inputs++;
}

static void
world_lost_cb(void *arg, int error)
{
	struct world *w = arg;

	w->losts++;
	w->error = error;
}

static const struct conn_calls calls = {
	.ready = world_ready_cb,
	.input = world_input_cb,
	.lost = world_lost_cb,
};

static void
turn(const struct world *w)
{
	event_base_loop(w->c->env.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	sched_yield();
}

#define UNTIL(w, condition)                                                    \
	while (!(condition))                                                   \
	turn(w)

/* A socket that is connected to the far side. */
static int
connected(const struct world *w)
{
	const struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->raw.port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	return (fd);
}

static void
world_connect(struct world *w)
{
	unsigned before = w->raw.naccepted;

	w->conn = conn_new(&w->kind, connected(w), "peer:1", w);
	assert_non_null(w->conn);
	UNTIL(w, w->raw.naccepted > before);
}

static int
setup(void **state)
{
	struct world *w = heap_alloc(sizeof(*w));
	void *c;

	fake_clock_reset();
	client_setup(&c);
	w->c = c;
	raw_open(&w->raw, w->c->env.base);
	w->kind = (struct conn_kind){ .env = &w->c->env,
		.host = "127.0.0.1",
		.port = (uint16_t)w->raw.port,
		.calls = &calls };
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;
	void *c = w->c;

	if (w->conn != NULL)
		conn_free(w->conn);
	raw_close(&w->raw);
	free(w);
	return (client_teardown(&c));
}

/* What comes stays until it is taken; what is written is counted. */
static void
test_conn_reads_and_writes(void **state)
{
	struct world *w = *state;

	world_connect(w);
	assert_true(conn_is_ready(w->conn));
	assert_string_equal(conn_peer(w->conn), "peer:1");
	assert_true(conn_is_drained(w->conn));
	evbuffer_add(conn_output(w->conn), "hello", 5);
	assert_int_equal(conn_mark(w->conn), 5);
	assert_false(conn_is_drained(w->conn));
	assert_false(conn_has_left(w->conn, 0));
	UNTIL(w, w->raw.got_len == 5);
	assert_true(conn_is_drained(w->conn));
	assert_true(conn_has_left(w->conn, 4));
	assert_false(conn_has_left(w->conn, 5));
	raw_say(&w->raw, "one");
	UNTIL(w, w->inputs == 1);
	raw_say(&w->raw, "two");
	UNTIL(w, evbuffer_get_length(conn_input(w->conn)) == 6);
	assert_int_equal(w->readies, 0);
	assert_null(conn_failure(w->conn, 0));
	assert_string_equal(conn_failure(w->conn, ECONNRESET),
	    "Connection reset by peer");
}

/* An end is a fact; what came before it is there. */
static void
test_conn_ends(void **state)
{
	struct world *w = *state;

	world_connect(w);
	raw_say_and_reset(&w->raw, "bye");
	UNTIL(w, w->losts == 1);
	assert_int_equal(w->error, ECONNRESET);
	assert_int_equal(evbuffer_get_length(conn_input(w->conn)), 3);
	conn_free(w->conn);
	world_connect(w);
	raw_hang_up(&w->raw, false);
	UNTIL(w, w->losts == 2);
	assert_int_equal(w->error, 0);
}

/* Silence may end it. */
static void
test_conn_is_silent_for_long(void **state)
{
	struct world *w = *state;

	world_connect(w);
	conn_limit_silence(w->conn, 60000);
	fake_clock_pass_ms(59999);
	turn(w);
	assert_int_equal(w->losts, 0);
	conn_limit_silence(w->conn, 0);
	fake_clock_pass_ms(60000);
	turn(w);
	assert_int_equal(w->losts, 0);
	conn_limit_silence(w->conn, 1000);
	fake_clock_pass_ms(1000);
	UNTIL(w, w->losts == 1);
	assert_int_equal(w->error, ETIMEDOUT);
}

/* One can see, without the loop, whether anything has come. */
static void
test_conn_is_quiet(void **state)
{
	struct world *w = *state;

	world_connect(w);
	assert_true(conn_is_quiet(w->conn));
	assert_int_equal(send(bufferevent_getfd(w->raw.bev), "x", 1, 0), 1);
	while (conn_is_quiet(w->conn))
		sched_yield();
	assert_int_equal(w->inputs, 0);
	conn_free(w->conn);
	world_connect(w);
	raw_hang_up(&w->raw, false);
	while (conn_is_quiet(w->conn))
		sched_yield();
}

/* What is flushed leaves before it is closed. */
static void
test_conn_flushes(void **state)
{
	struct world *w = *state;

	world_connect(w);
	evbuffer_add(conn_output(w->conn), "bye", 3);
	conn_flush(w->conn);
	assert_true(conn_is_drained(w->conn));
	conn_free(w->conn);
	w->conn = NULL;
	UNTIL(w, w->raw.ended);
	assert_string_equal(w->raw.got, "bye");
}

/* With TLS it is ready when TLS is. */
static void
test_conn_waits_for_tls(void **state)
{
	struct world *w = *state;
	unsigned before = fake_tls_leaves;

	w->kind.tls = (struct handler_tls *)w->c;
	world_connect(w);
	assert_false(conn_is_ready(w->conn));
	UNTIL(w, w->raw.got_len == strlen(FAKE_TLS_HELLO));
	raw_say(&w->raw, FAKE_TLS_NO);
	UNTIL(w, w->losts == 1);
	assert_int_equal(w->readies, 0);
	assert_string_equal(conn_failure(w->conn, w->error), FAKE_TLS_REFUSED);
	conn_free(w->conn);
	w->conn = NULL;
	assert_int_equal(fake_tls_leaves, before + 1);
	world_connect(w);
	UNTIL(w, w->raw.got_len == strlen(FAKE_TLS_HELLO));
	raw_say(&w->raw, FAKE_TLS_YES);
	UNTIL(w, w->readies == 1);
}

static struct bufferevent *
no_connect(void *arg, struct handler_tls *tls, const char *host, uint16_t port)
{
	(void)arg;
	(void)tls;
	(void)host;
	(void)port;
	return (NULL);
}

/* Whatever it lacks, the socket is closed. */
static void
test_conn_cannot_be_made(void **state)
{
	struct world *w = *state;
	unsigned before;

	turn(w); /* the far side accepts the connection */
	before = far_count_fds();
	heap_fail(0, 1);
	assert_null(conn_new(&w->kind, connected(w), "peer:1", w));
	assert_int_equal(heap_heal(), 0);
	w->c->env.connect = no_connect;
	assert_null(conn_new(&w->kind, connected(w), "peer:1", w));
	assert_int_equal(far_count_fds(), before);
}

int
main(void)
{
#define CONN_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CONN_TEST(test_conn_reads_and_writes),
		CONN_TEST(test_conn_ends),
		CONN_TEST(test_conn_is_silent_for_long),
		CONN_TEST(test_conn_is_quiet),
		CONN_TEST(test_conn_flushes),
		CONN_TEST(test_conn_waits_for_tls),
		CONN_TEST(test_conn_cannot_be_made),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
