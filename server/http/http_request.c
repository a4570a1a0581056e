/*
 * http_request.c -- the life of a request, from its route to its answer.
 *
 *   NONE --> ROUTED --+--> WAITING --> KEPT
 *    ^                +--> KEPT         |     Each state but NONE may end in
 *    |                +--> BEGUN        |     FINISHED; NONE follows when the
 *    +---- FINISHED <-------------------+     answer has left, or never will.
 *
 * evhttp does not read a connection while its request is here. If the
 * connection ends meanwhile evhttp lets go of the request, and an answer to it
 * only frees it (libevent 2.1, evhttp_connection_incoming_fail()).
 */
#include <assert.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "server/http/http_conn.h"
#include "server/http/http_leave.h"
#include "server/http/http_request.h"
#include "server/http/http_room.h"

#define TO(s) (1u << HTTP_REQUEST_##s)
/* States reachable in one step. */
static const unsigned moves[] = {
	[HTTP_REQUEST_NONE] = TO(ROUTED),
	[HTTP_REQUEST_ROUTED] =
	    TO(WAITING) | TO(KEPT) | TO(BEGUN) | TO(FINISHED),
	[HTTP_REQUEST_WAITING] = TO(KEPT) | TO(FINISHED),
	[HTTP_REQUEST_KEPT] = TO(FINISHED),
	[HTTP_REQUEST_BEGUN] = TO(FINISHED),
	[HTTP_REQUEST_FINISHED] = TO(NONE),
};
#undef TO
_Static_assert(sizeof(moves) / sizeof(moves[0]) == HTTP_REQUEST_NSTATES,
    "every state has its moves");

static void
move(struct http_request *r, enum http_request_state to)
{
	/* Anything else is a request that has its answer already. */
	assert((moves[r->state] & 1u << to) != 0);
	r->state = to;
	http_leave_free(r->leave);
	r->leave = NULL;
}

/* -- To be read -- */

enum http_method
http_request_method(const struct http_request *r)
{
	switch ((int)evhttp_request_get_command(r->req)) {
	case EVHTTP_REQ_GET:
		return (HTTP_GET);
	case EVHTTP_REQ_HEAD:
		return (HTTP_HEAD);
	case EVHTTP_REQ_POST:
		return (HTTP_POST);
	default:
		return (HTTP_OTHER);
	}
}

const char *
http_request_target(const struct http_request *r)
{
	return (evhttp_request_get_uri(r->req));
}

const char *
http_request_path(const struct http_request *r)
{
	return (evhttp_uri_get_path(evhttp_request_get_evhttp_uri(r->req)));
}

const char *
http_request_query(const struct http_request *r)
{
	return (evhttp_uri_get_query(evhttp_request_get_evhttp_uri(r->req)));
}

const char *
http_request_field(const struct http_request *r, const char *name)
{
	return (
	    evhttp_find_header(evhttp_request_get_input_headers(r->req), name));
}

size_t
http_request_fields(const struct http_request *r,
    struct http_field ret_fields[], size_t max)
{
	const struct evkeyvalq *fields =
	    evhttp_request_get_input_headers(r->req);
	const struct evkeyval *f;
	size_t n = 0;

	for (f = fields->tqh_first; f != NULL && n < max; f = f->next.tqe_next)
		ret_fields[n++] = (struct http_field){ f->key, f->value };
	return (n);
}

struct evbuffer *
http_request_body(struct http_request *r)
{
	return (evhttp_request_get_input_buffer(r->req));
}

const char *
http_request_peer(struct http_request *r)
{
	return (http_conn_peer(http_conn_of_request(r)));
}

struct peer_net
http_request_net(struct http_request *r)
{
	return (http_asker_net(&http_conn_of_request(r)->asker));
}

void
http_request_prove(struct http_request *r)
{
	http_conn_prove(http_conn_of_request(r));
}

void
http_request_call(struct http_request *r)
{
	http_conn_call(http_conn_of_request(r));
}

bool
http_request_is_proven(const struct http_request *r)
{
	return (http_conn_of_request(r)->proven);
}

/* -- Its life -- */

/* Read for whom a trusted proxy asks. */
static void
read_asker(struct http_request *r, const struct networks *trusted,
    struct http_forwarded *ret_named)
{
	const struct evkeyvalq *fields =
	    evhttp_request_get_input_headers(r->req);
	enum http_forwarded_field field;

	http_forwarded_begin(ret_named);
	for (const struct evkeyval *f = fields->tqh_first; f != NULL;
	     f = f->next.tqe_next) {
		if (http_forwarded_is(f->key, strlen(f->key), &field))
			http_forwarded_add(ret_named, trusted, field, f->value);
	}
}

/* From here on it is its client's. */
static void
find_asker(struct http_conn *conn)
{
	struct http_forwarded named;

	if (!http_asker_is_proxy(&conn->asker))
		return;
	read_asker(&conn->request, &conn->all->askers.trust.proxies, &named);
	http_asker_begin(&conn->asker, &named);
}

struct http_request *
http_request_start(struct http_conn *conn, struct evhttp_request *req)
{
	struct http_request *r = &conn->request;

	move(r, HTTP_REQUEST_ROUTED);
	r->req = req;
	r->in_route = true;
	r->left = NULL;
	find_asker(conn);
	http_guard_settled(&conn->guard);
	return (r);
}

void
http_request_routed(struct http_request *r)
{
	r->in_route = false;
}

void
http_request_keep(struct http_request *r)
{
	struct http_conn *conn = http_conn_of_request(r);

	move(r, HTTP_REQUEST_KEPT);
	conn->all->kept++;
	http_wire_pause(&conn->wire);
	http_conn_serve(conn, true);
}

static void
keep_until_gone(struct http_request *r, http_gone_fn *gone, void *arg)
{
	r->gone = gone;
	r->gone_arg = arg;
	http_wire_pause(&http_conn_of_request(r)->wire);
}

void
http_request_wait(struct http_request *r, http_gone_fn *gone, void *arg)
{
	move(r, HTTP_REQUEST_WAITING);
	keep_until_gone(r, gone, arg);
}

/* http_leave: the client of a request that waits has closed its side. */
static void
request_left_cb(void *arg)
{
	/* evhttp does not read now: it would not see an end of the socket. */
	evhttp_connection_free(http_conn_of_request(arg)->evcon);
}

void
http_request_heed_leave(struct http_request *r)
{
	struct http_conn *conn = http_conn_of_request(r);

	assert(r->state == HTTP_REQUEST_WAITING);
	if (r->leave == NULL)
		r->leave = http_leave_new(conn->all->base, conn->fd,
		    request_left_cb, r);
}

void
http_request_on_left(struct http_request *r, http_left_fn *left, void *arg)
{
	r->left = left;
	r->left_arg = arg;
}

/* The answer has left, or never will. */
static void
request_over(struct http_request *r, bool left)
{
	http_left_fn *fn = r->left;

	move(r, HTTP_REQUEST_NONE);
	r->left = NULL;
	if (fn != NULL)
		fn(r->left_arg, left);
}

bool
http_request_closed(struct http_conn *conn)
{
	struct http_request *r = &conn->request;
	struct evhttp_request *req = r->req;

	assert(r->state != HTTP_REQUEST_ROUTED); /* a route closes others */
	http_leave_free(r->leave);
	r->leave = NULL;
	switch (r->state) {
	case HTTP_REQUEST_KEPT:
		return (true);
	case HTTP_REQUEST_WAITING:
	case HTTP_REQUEST_BEGUN:
		r->gone(r->gone_arg);
		if (evhttp_request_get_connection(req) != NULL)
			break; /* evhttp is about to free it */
		if (r->state == HTTP_REQUEST_BEGUN)
			evhttp_send_reply_end(req);
		else
			evhttp_send_reply(req, 503, NULL, NULL);
		break;
	case HTTP_REQUEST_FINISHED:
		request_over(r, false);
		break;
	case HTTP_REQUEST_NONE:
	case HTTP_REQUEST_ROUTED:
	case HTTP_REQUEST_NSTATES:
		break;
	}
	return (false);
}

/* -- The answer -- */

const char *
http_status_phrase(int status)
{
	static const struct {
		int status;
		const char *text;
	} phrases[] = {
		{ 200, "OK" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 415, "Unsupported Media Type" },
		{ 421, "Misdirected Request" },
		{ 429, "Too Many Requests" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return (phrases[i].text);
	}
	return ("Internal Server Error");
}

void
http_request_set_field(struct http_request *r, const char *name,
    const char *value)
{
	struct evkeyvalq *fields = evhttp_request_get_output_headers(r->req);

	(void)evhttp_remove_header(fields, name);
	(void)evhttp_add_header(fields, name, value);
}

/* evhttp: the whole answer has been written. */
static void
answer_left_cb(struct evhttp_request *req, void *arg)
{
	struct http_conn *conn = arg;

	(void)req;
	request_over(&conn->request, true);
	http_conn_answered(conn);
	http_guard_answered(&conn->guard);
	if (conn->all->draining && http_guard_idle(&conn->guard))
		http_guard_close(&conn->guard);
}

/* Its client has gone: an answer to it frees it, and the connection. */
static void
finish_closed(struct http_request *r)
{
	evhttp_send_reply(r->req, 503, NULL, NULL);
	request_over(r, false);
	http_conn_free(http_conn_of_request(r));
}

/* Give evhttp the answer. */
static void
finish_open(struct http_request *r, int status, const void *bytes, size_t len)
{
	struct http_conn *conn = http_conn_of_request(r);
	struct evhttp_request *req = r->req;
	struct evbuffer *body = http_request_body(r);

	/* The answer may take its time to leave: it needs no body. */
	(void)evbuffer_drain(body, evbuffer_get_length(body));
	if (conn->all->draining)
		http_request_set_field(r, "Connection", "close");
	if (evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
		(void)evbuffer_add(evhttp_request_get_output_buffer(req), bytes,
		    len);
	evhttp_request_set_on_complete_cb(req, answer_left_cb, conn);
	evhttp_send_reply(req, status, http_status_phrase(status), NULL);
}

void
http_request_finish_bytes(struct http_request *r, int status, const void *bytes,
    size_t len)
{
	struct http_conn *conn = http_conn_of_request(r);
	bool in_route = r->in_route;

	if (r->state == HTTP_REQUEST_KEPT)
		conn->all->kept--;
	move(r, HTTP_REQUEST_FINISHED);
	if (conn->closed) {
		finish_closed(r);
		return;
	}
	http_wire_resume(&conn->wire);
	finish_open(r, status, bytes, len);
	if (!in_route) /* else evhttp is in the middle of something */
		http_wire_push(&conn->wire);
}

void
http_request_finish(struct http_request *r, int status, const char *json)
{
	http_request_finish_bytes(r, status, json, strlen(json));
}

void
http_request_late(struct http_request *r)
{
	http_request_finish(r, r->late_status, r->late_json);
}

/* http_gone_fn: its client has gone, or its connection was needed. */
static void
late_gone_cb(void *arg)
{
	struct http_request *r = arg;

	http_late_forget(&http_conn_of_request(r)->all->lates, &r->late);
}

void
http_request_finish_late(struct http_request *r, int status, const char *json)
{
	struct evbuffer *body = http_request_body(r);

	(void)evbuffer_drain(body, evbuffer_get_length(body));
	r->late_status = status;
	r->late_json = json;
	http_request_wait(r, late_gone_cb, r);
	http_late_add(&http_conn_of_request(r)->all->lates, &r->late, r);
}

void
http_request_run_health(struct http_request *r, void *arg)
{
	(void)arg;
	http_request_finish(r, 200, "{\"status\":\"ok\"}");
}

/* -- A stream -- */

void
http_request_begin(struct http_request *r, int64_t stuck_s, http_gone_fn *gone,
    void *arg)
{
	const struct timeval stuck = { (time_t)stuck_s, 0 };

	move(r, HTTP_REQUEST_BEGUN);
	keep_until_gone(r, gone, arg);
	http_request_set_field(r, "Connection", "close");
	/* Its client has nothing to say; but it has to take what is sent. */
	(void)bufferevent_set_timeouts(http_conn_of_request(r)->bev, NULL,
	    &stuck);
	evhttp_send_reply_start(r->req, 200, http_status_phrase(200));
}

/* evhttp: the socket has taken the chunk. */
static void
chunk_left_cb(struct evhttp_connection *evcon, void *arg)
{
	struct http_request *r = arg;

	(void)evcon;
	r->ready(r->ready_arg);
}

void
http_request_chunk(struct http_request *r, struct evbuffer *chunk,
    void (*ready)(void *arg), void *arg)
{
	r->ready = ready;
	r->ready_arg = arg;
	evhttp_send_reply_chunk_with_cb(r->req, chunk, chunk_left_cb, r);
}

void
http_request_end(struct http_request *r, bool cut)
{
	struct http_conn *conn = http_conn_of_request(r);

	move(r, HTTP_REQUEST_FINISHED);
	http_wire_resume(&conn->wire);
	evhttp_request_set_on_complete_cb(r->req, answer_left_cb, conn);
	evhttp_send_reply_end(r->req);
	if (cut)
		http_guard_close(&conn->guard);
}

void
http_request_cut(struct http_request *r)
{
	http_guard_close(&http_conn_of_request(r)->guard);
}

void
http_request_make_room(struct http_request *r)
{
	struct http_conn *conn = http_conn_of_request(r);

	http_room_cut(conn->all->room, conn, HTTP_LIMIT_STREAMS);
}
