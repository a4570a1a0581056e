/* A connected socket, whatever some of a host's addresses do. */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/dial.h"
#include "handlers/net/resolver.h"

#define HOST "pos.test"

/* What is behind an address. */
enum behind {
	LISTENS,
	REFUSES, /* nobody listens */
	HANGS    /* connections are never made: the queue is full */
};

#define STUCK 3
#define ADDRESSES_MAX 4

struct world {
	struct event_base *base;
	char hosts[32];
	struct resolver *r;
	struct dialer *d;
	uint16_t port;
	int fds[ADDRESSES_MAX][1 + STUCK]; /* of each address; -1: none */
	unsigned ended;
	char peer[DIAL_PEER_MAX];
	char reason[DIAL_REASON_MAX]; /* empty: connected */
	size_t addresses;
};

/* dial_fn */
static void
world_done_cb(const struct dial_end *end, void *arg)
{
	struct world *w = arg;
	int on = 0;
	socklen_t len = sizeof(on);

	w->ended++;
	w->addresses = end->addresses;
	(void)snprintf(w->peer, sizeof(w->peer), "%s", end->peer);
	(void)snprintf(w->reason, sizeof(w->reason), "%s",
	    end->reason == NULL ? "" : end->reason);
	assert_int_equal(end->fd == -1, end->reason != NULL);
	if (end->fd == -1)
		return;
	/* The tail of a request waits for no acknowledgement. */
	assert_int_equal(getsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &on,
			     &len),
	    0);
	assert_int_not_equal(on, 0);
	assert_int_equal(close(end->fd), 0);
}

static struct sockaddr_in
address(size_t i, uint16_t port)
{
	return ((struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr = { htonl(0x7f000002 + (uint32_t)i) } });
}

/* A port that nobody has on any address: what has one has it on all. */
static uint16_t
free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(close(fd), 0);
	return (ntohs(sin.sin_port));
}

/* Put that behind the i-th address. */
static void
behind(struct world *w, size_t i, enum behind what)
{
	struct sockaddr_in sin = address(i, w->port);
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	w->fds[i][0] = fd;
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	if (what != REFUSES)
		assert_int_equal(listen(fd, what == HANGS ? 0 : 64), 0);
	for (int k = 1; k <= STUCK && what == HANGS; k++) {
		w->fds[i][k] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(w->fds[i][k], (struct sockaddr *)&sin, len);
	}
}

/* A host with these addresses, 127.0.0.2 first. */
static void
world_host(struct world *w, size_t n, const enum behind *what)
{
	FILE *f = fopen(w->hosts, "w");

	assert_non_null(f);
	w->port = free_port();
	for (size_t i = 0; i < n; i++) {
		behind(w, i, what[i]);
		(void)fprintf(f, "127.0.0.%zu " HOST "\n", i + 2);
	}
	assert_int_equal(fclose(f), 0);
	w->r = resolver_new(w->base, "/dev/null", w->hosts);
	assert_non_null(w->r);
	w->d = dialer_new(w->base, w->r, HOST, w->port);
	assert_non_null(w->d);
}

/* As before world_host(). */
static void
world_clear(struct world *w)
{
	dialer_free(w->d);
	resolver_free(w->r);
	w->d = NULL;
	w->r = NULL;
	w->port = 0;
	for (int i = 0; i < ADDRESSES_MAX; i++) {
		for (int k = 0; k < 1 + STUCK; k++) {
			if (w->fds[i][k] != -1)
				assert_int_equal(close(w->fds[i][k]), 0);
			w->fds[i][k] = -1;
		}
	}
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	memset(w->fds, 0xff, sizeof(w->fds));
	(void)strcpy(w->hosts, "/tmp/test_dial.XXXXXX");
	assert_int_equal(close(mkstemp(w->hosts)), 0);
	assert_non_null(w->base = event_base_new());
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	world_clear(w);
	event_base_free(w->base);
	assert_int_equal(unlink(w->hosts), 0);
	free(w);
	return (0);
}

static void
dial(struct world *w)
{
	unsigned ended = w->ended;

	assert_non_null(dial_start(w->d, 1000, 20, world_done_cb, w));
	assert_int_equal(w->ended, ended); /* never before it has returned */
	while (w->ended == ended)
		assert_int_equal(event_base_loop(w->base, EVLOOP_ONCE), 0);
}

static void
assert_connected(const struct world *w, size_t i)
{
	char peer[DIAL_PEER_MAX];

	(void)snprintf(peer, sizeof(peer), "127.0.0.%zu:%u", i + 2, w->port);
	assert_string_equal(w->reason, "");
	assert_string_equal(w->peer, peer);
}

/* With one that listens among them, wherever it stands, it is found. */
static void
test_dial_finds_the_one_that_listens(void **state)
{
	struct world *w = *state;

	for (size_t good = 0; good < 3; good++) {
		for (int bad = REFUSES; bad <= HANGS; bad++) {
			enum behind what[3] = { bad, bad, bad };

			what[good] = LISTENS;
			world_host(w, 3, what);
			dial(w);
			assert_connected(w, good);
			assert_int_equal(w->addresses, 3);
			world_clear(w);
		}
	}
}

/* An address that hung is not where the next dial begins. */
static void
test_dial_remembers_who_hung(void **state)
{
	const enum behind what[] = { HANGS, LISTENS, LISTENS };
	struct world *w = *state;

	world_host(w, 3, what);
	dial(w);
	assert_connected(w, 1);
	/* Without patience the first one must be the one. */
	assert_non_null(dial_start(w->d, 1000, 600000, world_done_cb, w));
	while (w->ended < 2)
		assert_int_equal(event_base_loop(w->base, EVLOOP_ONCE), 0);
	assert_connected(w, 1);
}

/* One that is blamed comes last. */
static void
test_dial_tries_the_blamed_last(void **state)
{
	const enum behind what[] = { LISTENS, LISTENS };
	struct world *w = *state;
	char peer[DIAL_PEER_MAX];

	world_host(w, 2, what);
	dial(w);
	assert_connected(w, 0);
	(void)snprintf(peer, sizeof(peer), "127.0.0.2:%u", w->port);
	dialer_blame(w->d, peer);
	dial(w);
	assert_connected(w, 1);
	(void)snprintf(peer, sizeof(peer), "127.0.0.3:%u", w->port);
	dialer_blame(w->d, peer);
	dial(w);
	assert_connected(w, 0); /* it was blamed longer ago */
}

/* Why there is none is said of the last that was tried. */
static void
test_dial_says_why(void **state)
{
	const enum behind what[] = { REFUSES, REFUSES };
	struct world *w = *state;
	char expected[DIAL_REASON_MAX];

	world_host(w, 2, what);
	dial(w);
	(void)snprintf(expected, sizeof(expected),
	    "connection refused by 127.0.0.3:%u", w->port);
	assert_string_equal(w->reason, expected);
}

/* Given up while it hangs, nothing is left, and the next begins elsewhere. */
static void
test_dial_is_cancelled(void **state)
{
	const enum behind what[] = { HANGS, LISTENS };
	struct world *w = *state;
	struct dial *dialing;

	world_host(w, 2, what);
	dialing = dial_start(w->d, 1000, 600000, world_done_cb, w);
	assert_null(dial_peer(dialing));
	while (dial_peer(dialing) == NULL)
		assert_int_equal(event_base_loop(w->base, EVLOOP_ONCE), 0);
	dial_cancel(dialing);
	assert_int_equal(w->ended, 0);
	assert_non_null(dial_start(w->d, 1000, 600000, world_done_cb, w));
	while (w->ended == 0)
		assert_int_equal(event_base_loop(w->base, EVLOOP_ONCE), 0);
	assert_connected(w, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_dial_finds_the_one_that_listens),
		CASE(test_dial_remembers_who_hung),
		CASE(test_dial_tries_the_blamed_last),
		CASE(test_dial_says_why),
		CASE(test_dial_is_cancelled),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
