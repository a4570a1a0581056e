/*
 * client_case.c -- an HTTP client with a loop, name servers and a far side.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/resolver.h"
#include "test/lib/client_case.h"
#include "test/lib/fake_tls.h"
#include "test/lib/heap.h"

#define NO_LIMIT_MS 600000

/* 2026-01-01T00:00:00Z, a Thursday. */
static int64_t
case_now(void *arg)
{
	(void)arg;
	return (1767225600000);
}

static struct handler_tls *
case_tls_open(void *arg, const struct handler_tls_files *files,
    char reason[HANDLER_REASON_MAX])
{
	struct client_case *c = arg;

	if (files->ca_file != NULL) {
		snprintf(reason, HANDLER_REASON_MAX, "%s: no such file",
		    files->ca_file);
		return (NULL);
	}
	c->ntls++;
	return ((struct handler_tls *)c);
}

static void
case_tls_close(void *arg, struct handler_tls *tls)
{
	struct client_case *c = arg;

	if (tls != NULL)
		c->ntls--;
}

static struct bufferevent *
case_connect(void *arg, struct handler_tls *tls, const char *host,
    uint16_t port)
{
	struct client_case *c = arg;

	snprintf(c->host, sizeof(c->host), "%s", host);
	c->port = port;
	if (tls != NULL)
		return (fake_tls_connect(c->env.base));
	return (bufferevent_socket_new(c->env.base, -1, BEV_OPT_CLOSE_ON_FREE));
}

static const char *
case_tls_failure(void *arg, struct bufferevent *bev)
{
	(void)arg;
	return (fake_tls_failure(bev));
}

static uint64_t
case_tls_sent(void *arg, struct bufferevent *bev)
{
	(void)arg;
	return (fake_tls_sent(bev));
}

static void
case_tls_flush(void *arg, struct bufferevent *bev)
{
	(void)arg;
	fake_tls_flush(bev);
}

static void
case_tls_leave(void *arg, struct bufferevent *bev)
{
	(void)arg;
	fake_tls_leave(bev);
}

/*
 * evdns: somebody asks. "two.test" has two addresses, and only on the second
 * somebody listens; on both of "both.test"; nothing else exists.
 */
static void
case_names_cb(struct evdns_server_request *req, void *arg)
{
	static const unsigned char addrs[][4] = { { 127, 0, 0, 2 },
		{ 127, 0, 0, 1 } };
	struct client_case *c = arg;
	const struct evdns_server_question *q = req->questions[0];
	bool both = strcasecmp(q->name, "both.test") == 0;
	int error = 3; /* no such name */

	c->nasked++;
	if (!c->speaks) {
		evdns_server_request_drop(req);
		return;
	}
	if (strcasecmp(q->name, "two.test") == 0 || both) {
		error = 0;
		/* evdns would put two addresses into one record. */
		for (int i = 0; i < 2 && q->type == EVDNS_TYPE_A; i++)
			evdns_server_request_add_a_reply(req, q->name, 1,
			    addrs[both ? 1 : i], 60);
	}
	evdns_server_request_respond(req, error);
}

static void
case_open_names(struct client_case *c)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	c->names = evdns_add_server_port_with_base(c->env.base, fd, 0,
	    case_names_cb, c);
	assert_non_null(c->names);
	(void)strcpy(c->resolv_conf, "/tmp/client_case.XXXXXX");
	assert_int_not_equal(fd = mkstemp(c->resolv_conf), -1);
	assert_true(
	    dprintf(fd, "nameserver 127.0.0.1:%u\n", ntohs(sin.sin_port)) > 0);
	assert_int_equal(close(fd), 0);
	c->env.resolver =
	    resolver_new(c->env.base, c->resolv_conf, "/etc/hosts");
	assert_non_null(c->env.resolver);
}

int
client_setup(void **state)
{
	struct client_case *c = heap_alloc(sizeof(*c));

	signal(SIGPIPE, SIG_IGN); /* as the server does */
	c->nfds = far_count_fds();
	c->env.base = event_base_new();
	c->env.now_ms = case_now;
	c->env.tls_open = case_tls_open;
	c->env.tls_close = case_tls_close;
	c->env.connect = case_connect;
	c->env.tls_failure = case_tls_failure;
	c->env.tls_sent = case_tls_sent;
	c->env.tls_flush = case_tls_flush;
	c->env.tls_leave = case_tls_leave;
	c->env.arg = c;
	case_open_names(c);
	far_open(&c->far, c->env.base);
	client_use(c, "127.0.0.1", c->far.port, 4);
	*state = c;
	return (0);
}

int
client_teardown(void **state)
{
	struct client_case *c = *state;

	http_client_free(c->hc);
	client_settle(c);
	assert_int_equal(c->ntls, 0);
	assert_int_equal(c->far.nopen, 0);
	far_close(&c->far);
	resolver_free(c->env.resolver);
	assert_int_equal(unlink(c->resolv_conf), 0);
	evdns_close_server_port(c->names);
	client_settle(c);
	event_base_free(c->env.base);
	assert_int_equal(far_count_fds(), c->nfds);
	free(c);
	return (0);
}

static void
case_use(struct client_case *c, const char *host, unsigned port,
    size_t max_idle, bool tls)
{
	char copy[64];
	struct http_client_url url = { .tls = tls,
		.host = copy,
		.port = (uint16_t)port,
		.path = copy + 32 };

	snprintf(copy, 32, "%s", host);
	snprintf(copy + 32, 32, "/orders?x=1");
	http_client_free(c->hc);
	c->hc = http_client_new(&c->env, &url,
	    tls ? (struct handler_tls *)c : NULL, max_idle);
	assert_non_null(c->hc);
}

void
client_use(struct client_case *c, const char *host, unsigned port,
    size_t max_idle)
{
	case_use(c, host, port, max_idle, false);
}

void
client_use_tls(struct client_case *c, const char *host, unsigned port)
{
	case_use(c, host, port, 4, true);
}

static void
case_done_cb(const struct http_client_answer *answer, void *arg)
{
	struct client_case *c = arg;

	c->ndone++;
	c->answer = *answer;
	snprintf(c->reason, sizeof(c->reason), "%s",
	    answer->reason != NULL ? answer->reason : "");
	snprintf(c->location, sizeof(c->location), "%s",
	    answer->location != NULL ? answer->location : "");
	if (c->room != NULL) {
		assert_ptr_equal(answer->body, c->room);
		return;
	}
	assert_in_range(answer->body_len, 0, HTTP_CLIENT_ANSWER_MAX);
	if (answer->body_len > 0)
		memcpy(c->body, answer->body, answer->body_len);
	c->body[answer->body_len] = '\0';
}

void
client_send(struct client_case *c, const struct http_client_request *req)
{
	assert_non_null(http_client_post(c->hc, req, case_done_cb, c));
}

struct http_client_call *
client_post_bytes(struct client_case *c, size_t len, int64_t timeout_ms)
{
	static const char *const headers[] = { "Content-Type: text/plain",
		"X-Test:yes" };
	char *body = heap_alloc(len + 5);
	struct http_client_request req = {
		.headers = headers,
		.nheaders = 2,
		.body = body,
		.body_len = len,
		.room = c->room,
		.room_size = c->room_size,
		.timeout_ms = timeout_ms,
	};
	unsigned ndone = c->ndone;
	struct http_client_call *call;

	memset(body, 'x', len + 5);
	memcpy(body, "hello", 5);
	call = http_client_post(c->hc, &req, case_done_cb, c);
	assert_int_equal(c->ndone, ndone); /* never before it has returned */
	memset(body, '?', len + 5);        /* nor is anything kept */
	free(body);
	return (call);
}

struct http_client_call *
client_post(struct client_case *c)
{
	struct http_client_call *call = client_post_bytes(c, 5, NO_LIMIT_MS);

	assert_non_null(call);
	return (call);
}

void
client_wait(struct client_case *c, unsigned n)
{
	while (c->ndone < n)
		assert_int_equal(event_base_loop(c->env.base, EVLOOP_ONCE), 0);
}

void
client_wait_requests(struct client_case *c, unsigned n)
{
	while (c->far.nrequests < n)
		assert_int_equal(event_base_loop(c->env.base, EVLOOP_ONCE), 0);
}

void
client_settle(struct client_case *c)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(c->env.base, EVLOOP_NONBLOCK);
}

void
client_play(struct client_case *c, enum far_act act, const char *text)
{
	far_play(&c->far, act, text);
	client_post(c);
	client_wait(c, c->ndone + 1);
}

void
assert_answered(const struct client_case *c, int status, const char *body)
{
	assert_string_equal(c->reason, "");
	assert_int_equal(c->answer.end, HTTP_CLIENT_ANSWERED);
	assert_int_equal(c->answer.status, status);
	assert_string_equal(c->body, body);
}

void
assert_failed(const struct client_case *c, enum http_client_end end,
    const char *reason)
{
	assert_string_equal(c->reason, reason);
	assert_int_equal(c->answer.end, end);
	assert_int_equal(c->answer.status, 0);
	assert_int_equal(c->answer.body_len, 0);
}
