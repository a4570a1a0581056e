/* Who is closed when there are too many connections. */
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "server/http/http_private.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/http_peer.h"
#include "test/lib/valgrind.h"

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

static void
set_limit(struct http_case *f, size_t max)
{
	http_set_limits(f->http, &(struct http_options){ .max_body = 65536,
				     .max_connections = max,
				     .request_timeout_ms = 30000,
				     .idle_timeout_ms = 30000 });
}

static uint64_t
cuts(struct http_case *f, enum http_limit limit)
{
	struct http_stats stats;

	http_stats(f->http, &stats);
	return (stats.room_cuts[limit]);
}

/* One that has said something: it is known to be there. */
static void
greet(struct peer *c, struct http_case *f)
{
	peer_open(c, f);
	peer_send(c, HEALTH);
	peer_wait(c, "{\"status\":\"ok\"}");
}

/* One that has proved itself. */
static void
deliver(struct peer *c, struct http_case *f)
{
	struct http_request *r;

	peer_open(c, f);
	peer_post(c);
	peer_wait_kept(f, 1);
	r = peer_take(f);
	http_request_prove(r);
	http_request_finish(r, 200, "answered");
	peer_wait(c, "answered");
}

static void
test_the_silent_make_room_before_the_idle(void **state)
{
	struct http_case *f = *state;
	struct peer first, silent, late;

	set_limit(f, 2);
	greet(&first, f);
	peer_open(&silent, f);
	peer_wait_connections(f, 2);
	greet(&late, f);
	peer_wait_eof(&silent);
	assert_int_equal(http_connections(f->http), 2);
	assert_int_equal(cuts(f, HTTP_LIMIT_CONNECTIONS), 1);
	peer_close(&silent);
	greet(&silent, f); /* of two that are idle, who was so for longer */
	peer_wait_eof(&first);
	peer_close(&first);
	peer_close(&silent);
	peer_close(&late);
}

static void
test_who_delivered_makes_room_last(void **state)
{
	struct http_case *f = *state;
	struct peer good, others[4];

	set_limit(f, 2);
	deliver(&good, f);
	for (size_t i = 0; i < 4; i++) {
		greet(&others[i], f);
		if (i > 0)
			peer_wait_eof(&others[i - 1]);
	}
	peer_send(&good, HEALTH);
	peer_wait(&good, "{\"status\":\"ok\"}");
	peer_close(&good);
	for (size_t i = 0; i < 4; i++)
		peer_close(&others[i]);
}

/* A new one is not turned away for the sake of those that are idle. */
static void
test_who_delivered_makes_room_if_there_is_no_other(void **state)
{
	struct http_case *f = *state;
	struct peer first, second, late;

	set_limit(f, 2);
	deliver(&first, f);
	deliver(&second, f);
	greet(&late, f);
	peer_wait_eof(&first);
	peer_send(&second, HEALTH);
	peer_wait(&second, "{\"status\":\"ok\"}");
	peer_close(&first);
	peer_close(&second);
	peer_close(&late);
}

/* While all are being served the next one waits, and is served later. */
static void
test_the_served_are_waited_for(void **state)
{
	struct http_case *f = *state;
	struct peer busy, late;

	set_limit(f, 1);
	peer_open(&busy, f);
	peer_post(&busy);
	peer_wait_kept(f, 1);
	peer_open(&late, f);
	peer_send(&late, HEALTH);
	for (int i = 0; i < 4; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(http_connections(f->http), 1);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait(&busy, "answered");
	peer_wait(&late, "{\"status\":\"ok\"}");
	peer_wait_eof(&busy);
	peer_close(&busy);
	peer_close(&late);
}

/* A request that has begun is answered when its connection makes room. */
static void
test_a_request_that_has_begun_is_answered(void **state)
{
	struct http_case *f = *state;
	struct peer begun, late;

	set_limit(f, 1);
	peer_open(&begun, f);
	peer_send(&begun, "GET /healthz HTTP/1.1\r\n");
	while (TAILQ_EMPTY(&f->http->conns.adopted) ||
	       !TAILQ_FIRST(&f->http->conns.adopted)->share.spoke)
		peer_turn(f);
	greet(&late, f);
	peer_wait(&begun, "HTTP/1.1 503 Service Unavailable\r\n");
	peer_wait(&begun, "Retry-After: ");
	peer_wait(&begun, "Connection: close\r\n");
	peer_wait(&begun, "{\"error\":\"try again later\"}");
	peer_wait_eof(&begun);
	peer_close(&begun);
	peer_close(&late);
}

/* A lower limit holds at once for those that are open. */
static void
test_a_lower_limit_closes_what_is_too_much(void **state)
{
	struct http_case *f = *state;
	struct peer peers[5];

	for (size_t i = 0; i < 5; i++)
		greet(&peers[i], f);
	set_limit(f, 2);
	assert_int_equal(http_connections(f->http), 2);
	for (size_t i = 0; i < 3; i++)
		peer_wait_eof(&peers[i]);
	for (size_t i = 0; i < 5; i++)
		peer_close(&peers[i]);
}

/* A socket that is connected before the loop has had a turn. */
static int
connect_now(struct http_case *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)f->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return (fd);
}

/* The highest number of a descriptor that is open. */
static int
highest_fd(void)
{
	int fd = 4095;

	while (fd > 0 && fcntl(fd, F_GETFD) == -1)
		fd--;
	return (fd);
}

/* However many come within one turn, never are more open than a few more. */
static void
test_a_burst_takes_no_more_descriptors_than_a_few(void **state)
{
	enum { BURST = 600, LIMIT = 8 };
	struct http_case *f = *state;
	struct peer late;
	int fds[BURST], highest;

	set_limit(f, LIMIT);
	for (int i = 0; i < BURST; i++)
		fds[i] = connect_now(f);
	highest = fds[BURST - 1];
	while (cuts(f, HTTP_LIMIT_CONNECTIONS) < BURST - LIMIT) {
		peer_turn(f);
		assert_true(http_connections(f->http) <= LIMIT + 1);
		assert_true(
		    highest_fd() <= highest + LIMIT + HTTP_ROOM_OVER + 4);
	}
	greet(&late, f);
	peer_close(&late);
	for (int i = 0; i < BURST; i++)
		(void)close(fds[i]);
	peer_wait_connections(f, 0);
}

/* Without descriptors somebody else is closed too, and the next one served. */
static void
test_without_descriptors_the_greediest_makes_room(void **state)
{
	enum { SILENT = 12 };
	struct http_case *f = *state;
	struct rlimit old, low;
	struct peer late;
	static int fillers[4096];
	int fds[SILENT], n = 0;

	if (under_valgrind())
		skip();
	for (int i = 0; i < SILENT; i++)
		fds[i] = connect_now(f);
	peer_wait_connections(f, SILENT);
	peer_open(&late, f); /* its own descriptor is there before the end */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)highest_fd() + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < 4096 && (fillers[n] = dup(0)) != -1)
		n++;
	assert_true(n < 4096);
	peer_send(&late, HEALTH);
	peer_wait(&late, "{\"status\":\"ok\"}");
	assert_true(cuts(f, HTTP_LIMIT_DESCRIPTORS) > 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (n > 0)
		(void)close(fillers[--n]);
	peer_close(&late);
	for (int i = 0; i < SILENT; i++)
		(void)close(fds[i]);
	peer_wait_connections(f, 0);
}

int
main(void)
{
#define HTTP_TEST(name)                                                        \
	cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
	const struct CMUnitTest tests[] = {
		HTTP_TEST(test_the_silent_make_room_before_the_idle),
		HTTP_TEST(test_who_delivered_makes_room_last),
		HTTP_TEST(test_who_delivered_makes_room_if_there_is_no_other),
		HTTP_TEST(test_the_served_are_waited_for),
		HTTP_TEST(test_a_request_that_has_begun_is_answered),
		HTTP_TEST(test_a_lower_limit_closes_what_is_too_much),
		HTTP_TEST(test_a_burst_takes_no_more_descriptors_than_a_few),
		HTTP_TEST(test_without_descriptors_the_greediest_makes_room),
	};
#undef HTTP_TEST

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
