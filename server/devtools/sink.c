/*
 * Every request is decided on when it has been read, noted, and kept until
 * its time has come: also one that is to be answered at once, because evhttp
 * is not fond of a connection that is closed inside its callback.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "server/base/terminal.h"
#include "server/devtools/klikit_api.h"
#include "server/devtools/sink.h"
#include "server/devtools/sink_record.h"
#include "server/tls/tls.h"
#include "store/base/timeval.h"

#define ADDRESS "127.0.0.1"
#define HEAD_MAX (64 * 1024)
#define BODY_MAX (64 * 1024 * 1024)
#define FAIL_STATUS 503
#define HANDSHAKE_MS 10000

/* A request that is kept. */
struct sink_call {
	TAILQ_ENTRY(sink_call) next;
	struct sink *s;
	struct evhttp_request *req;
	struct event *timer;
	int answer;                   /* 0: none */
	struct klikit_api_answer api; /* with a body: that is the answer */
};

struct sink {
	struct sink_options opt;
	struct event_base *base;
	struct event *term, *interrupt, *hup;
	struct evhttp *evhttp;
	struct tls_context *tls;       /* NULL: without TLS */
	struct tls_engine *tls_engine; /* the same */
	struct sink_record *record;
	struct klikit_api *api; /* NULL: it is a POS */
	TAILQ_HEAD(, sink_call) calls;
	uint64_t random;
	char failure[SINK_REASON_MAX]; /* why it ends; empty: it was asked to */
};

/* A draw of one in a hundred (splitmix64). */
static unsigned
draw(struct sink *s)
{
	uint64_t z;

	z = s->random += 0x9e3779b97f4a7c15U;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return ((unsigned)((z ^ (z >> 31)) % 100));
}

/* What the next request gets. Two draws each, whatever the options are. */
static int
decide(struct sink *s)
{
	unsigned drop = draw(s), fail = draw(s);

	if (drop < s->opt.drop)
		return (0);
	return (fail < s->opt.fail ? FAIL_STATUS : s->opt.status);
}

static void
call_free(struct sink_call *call)
{
	TAILQ_REMOVE(&call->s->calls, call, next);
	if (call->timer != NULL)
		event_free(call->timer);
	free(call->api.body);
	free(call);
}

/* Close the connection of a kept request, which goes with it. */
static void
drop(struct evhttp_request *req)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(req);

	if (conn != NULL)
		evhttp_connection_free(conn);
	else
		evhttp_send_reply(req, FAIL_STATUS, NULL, NULL); /* frees it */
}

/* The headers of an answer. Returns 0; -1 when out of memory. */
static int
answer_head(struct evkeyvalq *head, const struct klikit_api_answer *api)
{
	char seconds[24];

	if (evhttp_add_header(head, "Content-Type", api->type) == -1)
		return (-1);
	(void)snprintf(seconds, sizeof(seconds), "%lld",
	    (long long)api->retry_after_s);
	if (api->retry_after_s > 0 &&
	    evhttp_add_header(head, "Retry-After", seconds) == -1)
		return (-1);
	return (
	    api->cursor[0] == '\0'
		? 0
		: evhttp_add_header(head, "X-Klikit-Next-Cursor", api->cursor));
}

static void
answer(struct evhttp_request *req, int status,
    const struct klikit_api_answer *api)
{
	const struct klikit_api_answer pos = {
		.type = "application/json",
		.body = (char *)(status < 300 ? "{\"status\":\"accepted\"}"
					      : "{\"error\":\"refused\"}"),
	};
	struct evbuffer *body = evbuffer_new();
	bool bare = status == 204 || status == 304 ||
		    evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;

	if (api->body == NULL)
		api = &pos;
	if (body == NULL ||
	    answer_head(evhttp_request_get_output_headers(req), api) == -1 ||
	    (!bare && evbuffer_add(body, api->body, strlen(api->body)) == -1))
		drop(req);
	else
		evhttp_send_reply(req, status, NULL, body);
	if (body != NULL)
		evbuffer_free(body);
}

/* evtimer: the time of a kept request has come. */
static void
sink_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sink_call *call = arg;
	struct evhttp_request *req = call->req;

	(void)fd;
	(void)what;
	if (call->answer == 0)
		drop(req);
	else
		answer(req, call->answer, &call->api);
	call_free(call);
}

static void
give_up(struct sink *s, const char *why)
{
	(void)snprintf(s->failure, sizeof(s->failure), "%s", why);
	(void)event_base_loopbreak(s->base);
}

/* -- TLS -- */

/* evhttp: a connection was accepted and needs its bufferevent. */
static struct bufferevent *
sink_bev_cb(struct event_base *base, void *arg)
{
	struct sink *s = arg;
	struct bufferevent *bev;

	(void)base;
	if ((bev = tls_bufferevent_new(s->tls_engine, s->tls, NULL)) == NULL)
		give_up(s, "out of memory"); /* or it would go on without */
	else
		tls_start(bev);
	return (bev);
}

/* evhttp: the connection is about to be freed. */
static void
sink_close_cb(struct evhttp_connection *conn, void *arg)
{
	(void)arg;
	tls_close(evhttp_connection_get_bufferevent(conn));
}

/* Speak TLS from now on. Returns 0, or -1 with a reason. */
static int
start_tls(struct sink *s, char reason[SINK_REASON_MAX])
{
	const struct tls_server_options files = {
		.certificate = s->opt.certificate,
		.key = s->opt.key,
	};
	const struct tls_engine_options opt = {
		.handshake_timeout_ms = HANDSHAKE_MS,
	};
	char why[TLS_REASON_MAX];

	if ((s->tls = tls_server_new(&files, why)) == NULL) {
		(void)snprintf(reason, SINK_REASON_MAX, "%s", why);
		return (-1);
	}
	if ((s->tls_engine = tls_engine_new(s->base, &opt)) == NULL)
		return (-1);
	evhttp_set_bevcb(s->evhttp, sink_bev_cb, s);
	return (0);
}

/* -- Requests -- */

/* What the fake API answers to it. Returns 0; -1 when out of memory. */
static int
ask_api(struct sink *s, struct sink_call *call)
{
	struct evkeyvalq *in = evhttp_request_get_input_headers(call->req);
	struct evbuffer *body = evhttp_request_get_input_buffer(call->req);
	struct klikit_api_request req = {
		.method =
		    sink_method_name(evhttp_request_get_command(call->req)),
		.uri = evhttp_request_get_uri(call->req),
		.authorization = evhttp_find_header(in, "Authorization"),
		.key = evhttp_find_header(in, "Idempotency-Key"),
		.body_len = evbuffer_get_length(body),
		.body = "",
	};

	if (req.body_len > 0 && (req.body = evbuffer_pullup(body, -1)) == NULL)
		return (-1);
	klikit_api_answer(s->api, &req, &call->api);
	call->answer = call->api.status;
	return (call->api.body == NULL ? -1 : 0);
}

/* evhttp: a request has been read whole. */
static void
sink_request_cb(struct evhttp_request *req, void *arg)
{
	struct sink *s = arg;
	bool control = s->api != NULL &&
		       klikit_api_is_control(evhttp_request_get_uri(req));
	char reason[SINK_REASON_MAX];
	struct sink_call *call;
	struct timeval delay;

	if ((call = calloc(1, sizeof(*call))) == NULL) {
		evhttp_send_reply(req, FAIL_STATUS, NULL, NULL);
		give_up(s, "out of memory");
		return;
	}
	if (s->tls != NULL)
		evhttp_connection_set_closecb(evhttp_request_get_connection(
						  req),
		    sink_close_cb, NULL);
	call->s = s;
	call->req = req;
	TAILQ_INSERT_TAIL(&s->calls, call, next);
	call->answer = control ? s->opt.status : decide(s);
	if (s->api != NULL && call->answer == s->opt.status &&
	    ask_api(s, call) == -1)
		give_up(s, "out of memory");
	delay =
	    timeval_of_ms((control ? 0 : s->opt.delay_ms) + call->api.delay_ms);
	call->timer = evtimer_new(s->base, sink_timer_cb, call);
	if (call->timer == NULL || evtimer_add(call->timer, &delay) == -1)
		give_up(s, "out of memory");
	else if (!control &&
		 sink_record_add(s->record, req, call->answer, reason) == -1)
		give_up(s, reason);
}

/* evsignal: TERM or INT came. */
static void
sink_stop_cb(evutil_socket_t signo, short what, void *arg)
{
	struct sink *s = arg;

	(void)signo;
	(void)what;
	(void)event_base_loopbreak(s->base);
}

/* Say where it listens. Returns 0, or -1. */
static int
tell_address(const struct sink *s, struct evhttp_bound_socket *bound)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (getsockname(evhttp_bound_socket_get_fd(bound),
		(struct sockaddr *)&sin, &len) == -1)
		return (-1);
	(void)printf("listening: %s://" ADDRESS ":%u\n",
	    s->tls == NULL ? "http" : "https", (unsigned)ntohs(sin.sin_port));
	return (fflush(stdout) == EOF ? -1 : 0);
}

static int
listen_http(struct sink *s, char reason[SINK_REASON_MAX])
{
	struct evhttp_bound_socket *bound;

	if ((s->evhttp = evhttp_new(s->base)) == NULL)
		return (-1);
	evhttp_set_gencb(s->evhttp, sink_request_cb, s);
	evhttp_set_max_headers_size(s->evhttp, HEAD_MAX);
	evhttp_set_max_body_size(s->evhttp, BODY_MAX);
	evhttp_set_allowed_methods(s->evhttp,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
		EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH);
	if (s->opt.certificate != NULL && start_tls(s, reason) == -1)
		return (-1);
	bound = evhttp_bind_socket_with_handle(s->evhttp, ADDRESS, s->opt.port);
	if (bound == NULL || tell_address(s, bound) == -1) {
		(void)snprintf(reason, SINK_REASON_MAX,
		    "cannot listen on " ADDRESS ":%u: %s",
		    (unsigned)s->opt.port, strerror(errno));
		return (-1);
	}
	return (0);
}

struct sink *
sink_open(const struct sink_options *opt, char reason[SINK_REASON_MAX])
{
	struct sink *s;

	(void)snprintf(reason, SINK_REASON_MAX, "out of memory");
	(void)signal(SIGPIPE, SIG_IGN);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->opt = *opt;
	s->random = opt->seed;
	TAILQ_INIT(&s->calls);
	if ((s->base = event_base_new()) == NULL ||
	    (s->term = evsignal_new(s->base, SIGTERM, sink_stop_cb, s)) ==
		NULL ||
	    (s->interrupt = evsignal_new(s->base, SIGINT, sink_stop_cb, s)) ==
		NULL ||
	    (s->hup = evsignal_new(s->base, SIGHUP, sink_stop_cb, s)) == NULL ||
	    (!terminal_hup_is_ignored() && evsignal_add(s->hup, NULL) == -1) ||
	    evsignal_add(s->term, NULL) == -1 ||
	    evsignal_add(s->interrupt, NULL) == -1 ||
	    (s->opt.klikit_api && (s->api = klikit_api_new()) == NULL) ||
	    (s->record = sink_record_open(&s->opt, reason)) == NULL ||
	    listen_http(s, reason) == -1) {
		sink_close(s);
		return (NULL);
	}
	return (s);
}

int
sink_run(struct sink *s, char reason[SINK_REASON_MAX])
{
	if (event_base_dispatch(s->base) == -1)
		give_up(s, "the event loop failed");
	if (s->failure[0] == '\0')
		return (0);
	memcpy(reason, s->failure, sizeof(s->failure));
	return (-1);
}

struct sink_totals
sink_totals(const struct sink *s)
{
	return (sink_record_totals(s->record));
}

void
sink_close(struct sink *s)
{
	struct sink_call *call;
	struct evhttp_request *req;

	if (s == NULL)
		return;
	while ((call = TAILQ_FIRST(&s->calls)) != NULL) {
		req = call->req;
		call_free(call);
		drop(req);
	}
	if (s->evhttp != NULL)
		evhttp_free(s->evhttp);
	tls_engine_free(s->tls_engine);
	tls_context_unref(s->tls);
	sink_record_close(s->record);
	klikit_api_free(s->api);
	if (s->term != NULL)
		event_free(s->term);
	if (s->interrupt != NULL)
		event_free(s->interrupt);
	if (s->hup != NULL)
		event_free(s->hup);
	if (s->base != NULL)
		event_base_free(s->base);
	free(s);
}
