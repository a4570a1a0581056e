/* What a route may do with a request, with and without TLS. */
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "test/lib/http_peer.h"
#include "test/lib/tls_case.h"

/* -- Routes of this test, beside those of http_peer.h -- */

static struct {
	struct http_request *req; /* of a stream that has begun */
	struct evbuffer *chunk;
	unsigned nready;
	unsigned ngone;
} stream;

static void
stream_gone_cb(void *arg)
{
	(void)arg;
	stream.req = NULL;
	stream.ngone++;
}

static void
stream_ready_cb(void *arg)
{
	(void)arg;
	stream.nready++;
}

static void
stream_run(struct http_request *r, void *arg)
{
	(void)arg;
	stream.req = r;
	http_request_set_field(r, "Content-Type", "text/plain");
	http_request_begin(r, 60, stream_gone_cb, NULL);
}

static void
stream_send(const char *text)
{
	assert_int_equal(evbuffer_add(stream.chunk, text, strlen(text)), 0);
	http_request_chunk(stream.req, stream.chunk, stream_ready_cb, NULL);
}

/* Answers with what it reads of the request. */
static void
echo_run(struct http_request *r, void *arg)
{
	struct evbuffer *body = http_request_body(r);
	struct http_field fields[2];
	char text[512];

	assert_int_equal(http_request_fields(r, fields, 2), 2);
	assert_string_equal(fields[0].name, "Host");
	assert_string_equal(fields[0].value, "x");
	assert_memory_equal(http_request_peer(r), "127.0.0.1:", 10);
	assert_true(
	    peer_net_equal(http_request_net(r), peer_net_parse("127.0.0.1")));
	(void)snprintf(text, sizeof(text), "%s|%s|%s|%s|%s|%zu|%s",
	    http_request_method(r) == HTTP_POST ? "POST" : "other",
	    http_request_target(r), http_request_path(r), http_request_query(r),
	    http_request_field(r, "x-a"), evbuffer_get_length(body),
	    (const char *)arg);
	http_request_set_field(r, "X-B", "one");
	http_request_set_field(r, "x-b", "two");
	http_request_finish(r, 429, text);
}

static void
twice_run(struct http_request *r, void *arg)
{
	(void)arg;
	http_request_finish(r, 200, "once");
	http_request_finish(r, 200, "twice");
}

static char echo_arg[] = "argument";
static const struct http_route own_routes[] = {
	{ "/stream", HTTP_GET, stream_run, NULL, false },
	{ "/echo", HTTP_POST, echo_run, echo_arg, false },
	{ "/twice", HTTP_GET, twice_run, NULL, false },
};
#define NOWN (sizeof(own_routes) / sizeof(own_routes[0]))

/* -- The listener -- */

static struct bufferevent *
tls_client_bev(struct http_case *f)
{
	struct tls_case *tls = f->tls;

	return (
	    tls_bufferevent_new(tls->client_engine, tls->client, "localhost"));
}

static int
setup_plain(void **state)
{
	struct http_case *f = calloc(1, sizeof(*f));
	struct http_route routes[8];

	assert_non_null(f);
	assert_in_range(NOWN + peer_nroutes, 1, 8);
	memcpy(routes, own_routes, sizeof(own_routes));
	memcpy(routes + NOWN, peer_routes, peer_nroutes * sizeof(routes[0]));
	peer_begin(f);
	peer_listen(f, routes, NOWN + peer_nroutes);
	memset(&stream, 0, sizeof(stream));
	assert_non_null(stream.chunk = evbuffer_new());
	*state = f;
	return (0);
}

/* The same, and its clients come by TLS. */
static int
setup_tls(void **state)
{
	char url[HTTP_URL_MAX], reason[HTTP_ADDRESS_REASON_MAX];
	const struct tls_engine_options opt = { .handshake_timeout_ms =
						    TIMEOUT_MS };
	struct tls_case *tls = calloc(1, sizeof(*tls));
	struct http_case *f;

	assert_non_null(tls);
	assert_int_equal(setup_plain(state), 0);
	f = *state;
	tls->server = tls_case_server("good");
	tls->client = tls_case_client("root");
	assert_non_null(tls->client_engine = tls_engine_new(f->base, &opt));
	assert_int_equal(http_set_tls(f->http, tls->server), 0);
	assert_int_equal(http_listen_tls(f->http, "127.0.0.1:0", url, reason),
	    0);
	f->port = (unsigned)atoi(strrchr(url, ':') + 1);
	f->tls = tls;
	f->client_bev = tls_client_bev;
	return (0);
}

static int
teardown(void **state)
{
	struct http_case *f = *state;
	struct tls_case *tls = f->tls;

	evbuffer_free(stream.chunk);
	if (tls != NULL) {
		/* The engine outlives what libevent has not freed yet. */
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
		tls_engine_free(tls->client_engine);
		tls_context_unref(tls->server);
		tls_context_unref(tls->client);
		free(tls);
	}
	peer_end(f);
	free(f);
	return (0);
}

static void
get(struct peer *c, const char *path)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
	    path);
	peer_send(c, text);
}

static void
drained_cb(void *arg)
{
	struct http_case *f = arg;

	f->drained++;
}

/* -- Tests -- */

static void
test_a_route_reads_its_request(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_send(&c, "POST /echo?a=%62 HTTP/1.1\r\nHost: x\r\nX-A: value\r\n"
		      "Content-Length: 4\r\n\r\nbody");
	peer_wait(&c, "429 Too Many Requests\r\n");
	peer_wait(&c, "x-b: two\r\n");
	peer_wait(&c, "POST|/echo?a=%62|/echo|a=%62|value|4|argument");
	peer_close(&c);
}

static char other_arg[] = "other";

/* Other routes apply from the next request on; what was kept is answered. */
static void
test_routes_may_be_replaced(void **state)
{
	struct http_case *f = *state;
	struct http_route *routes = calloc(2, sizeof(*routes));
	struct peer kept, c;

	assert_non_null(routes);
	peer_open(&kept, f);
	peer_post(&kept);
	peer_wait_kept(f, 1);
	peer_open(&c, f);
	routes[0] = (struct http_route){ "/other/", HTTP_POST, echo_run,
		other_arg, false };
	routes[1] = peer_routes[0];
	http_set_routes(f->http, routes, 2);
	peer_send(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 0\r\n\r\n");
	peer_wait(&c, "404 Not Found\r\n");
	peer_send(&c, "POST /other HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 0\r\n\r\n");
	peer_wait(&c, "404 Not Found\r\n");
	peer_send(&c, "POST /%6fther/?q HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 0\r\n\r\n");
	peer_wait(&c, "429 Too Many Requests\r\n");
	peer_wait(&c, "|other");
	peer_send(&c, "POST /other/%00 HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 0\r\n\r\n");
	peer_wait(&c, "404 Not Found\r\n");
	get(&c, "/other/");
	peer_wait(&c, "405 Method Not Allowed\r\n");
	peer_close(&c);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait(&kept, "answered");
	peer_close(&kept);
}

/* Until it is finished its connection waits; then it serves the next one. */
static void
test_a_kept_request_is_answered_later(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	for (unsigned i = 1; i <= 3; i++) {
		peer_post(&c);
		get(&c, "/healthz"); /* which stands behind it */
		peer_wait_kept(f, 1);
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
		assert_int_equal(evbuffer_get_length(
				     bufferevent_get_input(c.bev)),
		    0);
		assert_int_equal(f->nleft, i - 1);
		http_request_finish(peer_take(f), 200, "answered");
		peer_wait(&c, "answered");
		peer_wait(&c, "{\"status\":\"ok\"}");
		assert_int_equal(f->nleft, i);
	}
	assert_int_equal(f->nlost, 0);
	peer_close(&c);
}

/* It stays valid without its client; and its answer is known to be lost. */
static void
test_a_kept_request_outlives_its_client(void **state)
{
	struct http_case *f = *state;
	struct http_request *r;
	struct peer c;

	peer_open(&c, f);
	peer_post(&c);
	peer_wait_kept(f, 1);
	peer_reset(&c);
	r = peer_take(f);
	http_request_prove(r);
	http_request_finish(r, 200, "answered");
	peer_wait_connections(f, 0);
	assert_int_equal(f->nleft + f->nlost, 1);
}

/* An answer that the client never takes is reported, too. */
static void
test_an_answer_that_cannot_leave_is_lost(void **state)
{
	static char much[16 * 1024 * 1024];
	struct http_case *f = *state;
	struct peer c;

	memset(much, 'x', sizeof(much) - 1);
	peer_open(&c, f);
	peer_post(&c);
	peer_wait_kept(f, 1);
	bufferevent_disable(c.bev, EV_READ);
	http_request_finish(peer_take(f), 200, much);
	(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->nleft + f->nlost, 0);
	peer_reset(&c);
	peer_wait_connections(f, 0);
	assert_int_equal(f->nlost, 1);
	assert_int_equal(f->nleft, 0);
}

/* Nothing is read meanwhile: so it may be answered to nobody. */
static void
test_a_waiting_request_outlives_its_client(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	get(&c, "/wait");
	peer_wait_kept(f, 1);
	peer_reset(&c);
	for (int i = 0; i < 4; i++)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->ngone, 0);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait_connections(f, 0);
	assert_int_equal(f->nleft + f->nlost, 1);
}

/* Its connection may be closed for a limit: then there is nothing to finish. */
static void
test_a_waiting_request_ends_for_a_limit(void **state)
{
	struct http_case *f = *state;
	struct peer c, late;

	http_set_limits(f->http, &(struct http_options){ .max_body = 65536,
				     .max_connections = 1,
				     .request_timeout_ms = 30000,
				     .idle_timeout_ms = 30000,
				     .handshake_timeout_ms = 30000 });
	peer_open(&c, f);
	get(&c, "/wait");
	peer_wait_kept(f, 1);
	peer_open(&late, f);
	get(&late, "/healthz");
	peer_wait(&late, "{\"status\":\"ok\"}");
	assert_int_equal(f->ngone, 1);
	assert_int_equal(f->nkept, 0);
	peer_close(&c);
	peer_close(&late);
}

/* What waited and is kept then is to be finished, whatever happens. */
static void
test_waiting_may_turn_into_work(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	get(&c, "/wait");
	peer_wait_kept(f, 1);
	http_request_keep(f->kept[0]);
	peer_reset(&c);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait_connections(f, 0);
	assert_int_equal(f->ngone, 0);
	assert_int_equal(f->nleft + f->nlost, 1);
}

/* In a process of its own, which it ends. */
static void
test_a_second_answer_is_refused(void **state)
{
	struct http_case *f = *state;
	struct peer c;
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		/* The line of the assertion is for nobody. */
		if (freopen("/dev/null", "w", stderr) == NULL ||
		    event_reinit(f->base) != 0)
			_exit(2);
		peer_open(&c, f);
		get(&c, "/twice");
		peer_wait(&c, "once");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* A drain waits for the answer; its connection closes behind it. */
static void
test_a_drain_waits_for_the_kept(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	peer_post(&c);
	peer_wait_kept(f, 1);
	http_drain(f->http, drained_cb, f);
	for (int i = 0; i < 4; i++)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->drained, 0);
	http_request_finish(peer_take(f), 200, "answered");
	peer_wait(&c, "Connection: close");
	peer_wait(&c, "answered");
	peer_wait_eof(&c);
	while (f->drained == 0)
		peer_turn(f);
	assert_int_equal(f->nleft, 1);
	peer_close(&c);
}

/* At the end what waits, and what streams, is over: nothing is left behind. */
static void
test_the_end_ends_what_waits(void **state)
{
	struct http_case *f = *state;
	struct peer waits, reads;

	peer_open(&waits, f);
	peer_open(&reads, f);
	get(&waits, "/wait");
	get(&reads, "/stream");
	peer_wait_kept(f, 1);
	peer_wait(&reads, "200 OK");
	http_free(f->http);
	f->http = NULL;
	assert_int_equal(f->ngone, 1);
	assert_int_equal(stream.ngone, 1);
	peer_close(&waits);
	peer_close(&reads);
}

/* Chunks leave one by one, each reported; then the end. */
static void
test_a_stream_is_sent_in_chunks(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	get(&c, "/stream");
	peer_wait(&c, "Content-Type: text/plain\r\n");
	peer_wait(&c, "\r\n\r\n");
	for (unsigned i = 1; i <= 3; i++) {
		stream_send("some");
		peer_wait(&c, "4\r\nsome\r\n");
		while (stream.nready < i)
			peer_turn(f);
	}
	http_request_end(stream.req, false);
	peer_wait(&c, "0\r\n\r\n");
	peer_wait_eof(&c);
	assert_int_equal(stream.ngone, 0);
	peer_close(&c);
}

/* Its client's going is reported once; so is that it was closed. */
static void
test_a_stream_ends_with_its_client(void **state)
{
	struct http_case *f = *state;
	struct peer c;

	peer_open(&c, f);
	get(&c, "/stream");
	peer_wait(&c, "\r\n\r\n");
	peer_close(&c);
	while (stream.ngone == 0)
		peer_turn(f);
	peer_wait_connections(f, 0);

	peer_open(&c, f);
	get(&c, "/stream");
	peer_wait(&c, "\r\n\r\n");
	http_request_cut(stream.req);
	peer_wait_eof(&c);
	assert_int_equal(stream.ngone, 2);
	peer_close(&c);

	peer_open(&c, f);
	get(&c, "/stream");
	peer_wait(&c, "\r\n\r\n");
	http_request_make_room(stream.req);
	assert_int_equal(stream.ngone, 3);
	peer_wait_eof(&c);
	peer_close(&c);
}

#define BOTH(name)                                                             \
	{ #name, name, setup_plain, teardown, NULL },                          \
	{                                                                      \
#name "_over_tls", name, setup_tls, teardown, NULL             \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_a_route_reads_its_request),
		BOTH(test_routes_may_be_replaced),
		BOTH(test_a_kept_request_is_answered_later),
		BOTH(test_a_kept_request_outlives_its_client),
		BOTH(test_an_answer_that_cannot_leave_is_lost),
		BOTH(test_a_waiting_request_outlives_its_client),
		BOTH(test_a_waiting_request_ends_for_a_limit),
		BOTH(test_waiting_may_turn_into_work),
		BOTH(test_a_second_answer_is_refused),
		BOTH(test_a_drain_waits_for_the_kept),
		BOTH(test_the_end_ends_what_waits),
		BOTH(test_a_stream_is_sent_in_chunks),
		BOTH(test_a_stream_ends_with_its_client),
	};

	return (cmocka_run_group_tests(tests, tls_case_group_setup,
	    tls_case_group_teardown));
}
