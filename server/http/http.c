/*
 * http.c -- a listener: routes, replies, draining.
 *
 * evhttp may not be freed while a request is with a route: so a drain closes
 * the listeners and what is idle, lets everything else come to its answer,
 * which says "Connection: close", and ends when the last connection is gone.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/http/http_private.h"

#define EVERY_METHOD                                                           \
	(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | \
	    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |        \
	    EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

static void healthz_run(struct http_conn *conn, struct evhttp_request *req);
static void other_run(struct http_conn *conn, struct evhttp_request *req);

static const struct http_route routes[] = {
	{ HTTP_WEBHOOK_PATH, EVHTTP_REQ_POST, "POST", http_webhook_run },
	{ "/healthz", EVHTTP_REQ_GET | EVHTTP_REQ_HEAD, "GET, HEAD",
	    healthz_run },
};
#define NROUTES (sizeof(routes) / sizeof(routes[0]))
_Static_assert(NROUTES <= HTTP_ROUTES_MAX, "a mount for each route");

static const struct http_site site = { routes, NROUTES, true, other_run };

/* Bounds: from a quick disk to the deadline of a commit. */
static const int64_t acks_us[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000 };

static const struct http_answer answer_ok = { 200, "OK",
	"{\"status\":\"ok\"}" };
static const struct http_answer answer_not_found = { 404, "Not Found",
	"{\"error\":\"not found\"}" };
static const struct http_answer answer_method = { 405, "Method Not Allowed",
	"{\"error\":\"method not allowed\"}" };

/* evhttp: the whole answer has been written. */
static void
answer_left_cb(struct evhttp_request *req, void *arg)
{
	struct http_conn *conn = arg;

	(void)req;
	if (conn->leaving)
		http_webhook_left(conn, true);
	http_conn_answered(conn);
	http_guard_answered(&conn->guard);
	if (conn->h->draining && http_guard_idle(&conn->guard))
		http_guard_close(&conn->guard);
}

void
http_answer_bytes(struct http_conn *conn, struct evhttp_request *req,
    const struct http_answer *answer, const void *bytes, size_t len)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evhttp_request_get_input_buffer(req);

	/* The answer may take its time to leave: it needs no body. */
	(void)evbuffer_drain(body, evbuffer_get_length(body));
	if (conn->h->draining)
		(void)evhttp_add_header(headers, "Connection", "close");
	if (evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
		(void)evbuffer_add(evhttp_request_get_output_buffer(req), bytes,
		    len);
	evhttp_request_set_on_complete_cb(req, answer_left_cb, conn);
	evhttp_send_reply(req, answer->code, answer->reason, NULL);
}

void
http_reply_end(struct http_conn *conn, struct evhttp_request *req)
{
	evhttp_request_set_on_complete_cb(req, answer_left_cb, conn);
	evhttp_send_reply_end(req);
}

void
http_answer(struct http_conn *conn, struct evhttp_request *req,
    const struct http_answer *answer)
{
	http_answer_bytes(conn, req, answer, answer->body,
	    strlen(answer->body));
}

static void
healthz_run(struct http_conn *conn, struct evhttp_request *req)
{
	http_answer(conn, req, &answer_ok);
}

/* The connection of a request that has come whole: it counts no longer. */
static struct http_conn *
take(struct http *h, struct evhttp_request *req)
{
	struct http_conn *conn = http_conn_of(h, req);

	assert(conn != NULL); /* one that is not adopted is freed at once */
	h->requests++;
	http_guard_settled(&conn->guard);
	return (conn);
}

/* evhttp: a request for one of the routes. */
static void
route_cb(struct evhttp_request *req, void *arg)
{
	const struct http_mount *m = arg;
	struct http_conn *conn = take(m->h, req);

	if ((evhttp_request_get_command(req) & m->route->methods) == 0) {
		(void)evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Allow", m->route->allow);
		http_answer(conn, req, &answer_method);
		return;
	}
	m->route->run(conn, req);
}

static void
other_run(struct http_conn *conn, struct evhttp_request *req)
{
	http_answer(conn, req, &answer_not_found);
}

/* evhttp: a request for no route. */
static void
other_cb(struct evhttp_request *req, void *arg)
{
	struct http *h = arg;

	h->site->other(take(h, req), req);
}

static struct http_conn *
conn_of_guard(struct http_guard *g)
{
	return ((
	    struct http_conn *)((char *)g - offsetof(struct http_conn, guard)));
}

/* http_guard: whose share is it? */
static struct http_guard *
guard_of(struct http_holder *holder)
{
	return (&http_conn_of_share(holder)->guard);
}

/* http_guard: a connection was refused or cut. */
static void
guard_report(struct http_guard *g, const char *reason, void *arg)
{
	struct http *h = arg;
	struct http_conn *conn = conn_of_guard(g);
	char more[RATE_MORE_MAX];

	if (rate_ask(&h->guard_rate, more))
		log_info("http: refused %s: %s%s", http_conn_peer(conn), reason,
		    more);
}

/* event: a drain has ended. */
static void
drained_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	void (*done)(void *arg) = h->done;

	(void)fd;
	(void)what;
	h->done = NULL;
	if (done != NULL)
		done(h->done_arg);
}

static int
mount_routes(struct http *h, struct evhttp *evhttp)
{
	size_t i;

	for (i = 0; i < h->site->nroutes; i++) {
		h->mounts[i].h = h;
		h->mounts[i].route = &h->site->routes[i];
		if (evhttp_set_cb(evhttp, h->mounts[i].route->path, route_cb,
			&h->mounts[i]) != 0)
			return (-1);
	}
	evhttp_set_gencb(evhttp, other_cb, h);
	return (0);
}

static void
limit_side(struct http *h, struct evhttp *evhttp)
{
	struct timeval idle;

	idle.tv_sec = (time_t)(h->opt.idle_timeout_ms / 1000);
	idle.tv_usec = (suseconds_t)(h->opt.idle_timeout_ms % 1000 * 1000);
	evhttp_set_timeout_tv(evhttp, &idle);
	evhttp_set_max_body_size(evhttp, (ev_ssize_t)h->opt.max_body);
}

void
http_set_clock(struct http *h, const struct steady *clock)
{
	h->clock = clock;
}

void
http_set_limits(struct http *h, const struct http_options *opt)
{
	h->opt = *opt;
	for (size_t i = 0; i < HTTP_NSIDES; i++) {
		if (h->sides[i].evhttp != NULL)
			limit_side(h, h->sides[i].evhttp);
	}
	http_tls_set_limits(h);
	http_room_make(h, NULL);
	http_listen_pump(h);
}

int
http_side_open(struct http *h, enum http_side_kind kind)
{
	struct http_side *side = &h->sides[kind];
	struct evhttp *evhttp;

	if ((evhttp = evhttp_new(h->base)) == NULL)
		return (-1);
	if (mount_routes(h, evhttp) == -1) {
		evhttp_free(evhttp);
		return (-1);
	}
	evhttp_set_allowed_methods(evhttp, EVERY_METHOD);
	evhttp_set_max_headers_size(evhttp, HTTP_HEAD_MAX);
	evhttp_set_flags(evhttp, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_default_content_type(evhttp,
	    "application/json; charset=utf-8");
	limit_side(h, evhttp);
	side->h = h;
	side->evhttp = evhttp;
	side->accepting = true;
	return (0);
}

struct http *
http_new_site(struct event_base *base, const struct http_options *opt,
    const struct http_site *of)
{
	struct http *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return (NULL);
	h->base = base;
	h->site = of;
	h->guards.needs_length = of->needs_length;
	h->guards.report = guard_report;
	h->guards.shares = &h->shares;
	h->guards.of = guard_of;
	h->guards.arg = h;
	h->opt = *opt;
	TAILQ_INIT(&h->listeners);
	TAILQ_INIT(&h->conns);
	TAILQ_INIT(&h->fresh);
	histogram_init(&h->acks, acks_us, sizeof(acks_us) / sizeof(acks_us[0]));
	if ((h->drained = event_new(base, -1, 0, drained_cb, h)) == NULL ||
	    http_guards_init(&h->guards, base) == -1 ||
	    http_listen_init(h) == -1 || http_conns_init(h) == -1 ||
	    http_side_open(h, HTTP_PLAIN) == -1 || http_conns_prepare(h) == -1)
		goto fail;
	return (h);
fail:
	http_free(h);
	return (NULL);
}

struct http *
http_new(struct event_base *base, const struct http_options *opt,
    struct ingest *in, struct diagnosis_queue *diag, struct secrets *sec)
{
	struct http *h;

	if ((h = http_new_site(base, opt, &site)) == NULL)
		return (NULL);
	h->in = in;
	h->diag = diag;
	h->sec = sec;
	return (h);
}

void
http_set_secrets(struct http *h, struct secrets *sec)
{
	h->sec = sec;
}

void
http_drain_pump(struct http *h)
{
	if (h->draining && h->nconns == 0 && h->done != NULL)
		event_active(h->drained, EV_TIMEOUT, 0);
}

void
http_drain(struct http *h, void (*done)(void *arg), void *arg)
{
	struct http_conn *conn;

	h->draining = true;
	h->done = done;
	h->done_arg = arg;
	http_listen_stop(h);
	TAILQ_FOREACH (conn, &h->conns, next)
		if (http_guard_idle(&conn->guard))
			http_guard_close(&conn->guard);
	http_drain_pump(h);
}

const struct histogram *
http_acks(const struct http *h)
{
	return (&h->acks);
}

size_t
http_connections(const struct http *h)
{
	return (h->nconns);
}

void
http_stats(const struct http *h, struct http_stats *ret_stats)
{
	ret_stats->requests = h->requests;
	ret_stats->bad_requests = h->guards.bad_requests;
	ret_stats->cut = h->guards.cut;
	memcpy(ret_stats->room_cuts, h->room_cuts, sizeof(h->room_cuts));
	ret_stats->unverified = http_shares_total(&h->shares, HTTP_SHARE_BYTES);
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	h->done = NULL;
	http_listen_stop(h);
	for (size_t i = 0; i < HTTP_NSIDES; i++) {
		if (h->sides[i].evhttp != NULL)
			evhttp_free(h->sides[i].evhttp);
	}
	http_conns_fini(h);
	http_tls_fini(h);
	http_listen_fini(h);
	http_guards_fini(&h->guards);
	if (h->drained != NULL)
		event_free(h->drained);
	free(h);
}
