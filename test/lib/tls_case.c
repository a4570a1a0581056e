#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/test_ca.h"
#include "test/lib/tls_case.h"

static const unsigned char loopback[] = { 127, 0, 0, 1 };

static void
shaking_cb(void *owner, bool begun, void *arg)
{
	struct tls_case *f = arg;

	(void)owner;
	if (!begun)
		f->fewer++;
}

static char dir[TEST_CA_PATH]; /* of the certificates */

const char *
tls_case_path(const char *name, const char *ext)
{
	return (test_path(dir, name, ext));
}

int
tls_case_group_setup(void **state)
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

int
tls_case_group_teardown(void **state)
{
	(void)state;
	test_dir_remove(dir);
	return (0);
}

struct tls_context *
tls_case_server(const char *name)
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

struct tls_context *
tls_case_client(const char *root)
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

int
tls_case_setup(void **state)
{
	struct tls_case *f = calloc(1, sizeof(*f));
	struct tls_engine_options opt = {
		.handshake_timeout_ms = TIMEOUT_MS,
		.shaking = shaking_cb,
		.arg = f,
	};

	assert_non_null(f);
	f->base = event_base_new();
	assert_non_null(f->client_engine = tls_engine_new(f->base, &opt));
	opt.has_thread = true;
	assert_non_null(f->server_engine = tls_engine_new(f->base, &opt));
	f->server = tls_case_server("good");
	f->client = tls_case_client("root");
	*state = f;
	return (0);
}

int
tls_case_teardown(void **state)
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
	struct tls_end *e = arg;

	if (e->free_on_read && e->bev != NULL) {
		bufferevent_free(bev);
		e->bev = NULL;
	}
}

static void
end_write_cb(struct bufferevent *bev, void *arg)
{
	struct tls_end *e = arg;

	assert_int_equal(evbuffer_get_length(bufferevent_get_output(bev)), 0);
	e->written = true;
}

static void
end_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct tls_end *e = arg;

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

void
tls_case_take(struct tls_end *e, struct tls_case *f, struct bufferevent *bev,
    int fd)
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

void
tls_case_free(struct tls_end *e)
{
	if (e->bev != NULL)
		bufferevent_free(e->bev);
	e->bev = NULL;
}

/* A server's end on a new socket, whose other one is returned. */
int
tls_case_open_server(struct tls_case *f, struct tls_end *server)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	tls_case_take(server, f,
	    tls_bufferevent_new(f->server_engine, f->server, NULL), fds[0]);
	tls_start(server->bev);
	return (fds[1]);
}

void
tls_case_open(struct tls_case *f, struct tls_end *server,
    struct tls_end *client, const char *host)
{
	int fd = tls_case_open_server(f, server);

	tls_case_take(client, f,
	    tls_bufferevent_new(f->client_engine, f->client, host), fd);
}

/* Run the loop until the flag is set. */
void
tls_case_run_until(struct tls_case *f, const bool *flag)
{
	time_t end = time(NULL) + LIMIT_S;

	while (!*flag) {
		assert_true(time(NULL) < end);
		assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
	}
}

void
tls_case_run_until_read(struct tls_end *e, size_t len)
{
	time_t end = time(NULL) + LIMIT_S;

	while (evbuffer_get_length(bufferevent_get_input(e->bev)) < len) {
		assert_true(time(NULL) < end);
		assert_int_not_equal(event_base_loop(e->f->base, EVLOOP_ONCE),
		    -1);
	}
}

void
tls_case_send(struct tls_end *e, const char *text)
{
	assert_int_equal(bufferevent_write(e->bev, text, strlen(text)), 0);
}

void
tls_case_assert_read(struct tls_end *e, const char *text)
{
	struct evbuffer *in = bufferevent_get_input(e->bev);
	size_t len = strlen(text);

	tls_case_run_until_read(e, len);
	assert_memory_equal(evbuffer_pullup(in, (ev_ssize_t)len), text, len);
	assert_int_equal(evbuffer_drain(in, len), 0);
}
