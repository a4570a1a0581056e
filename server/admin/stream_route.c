/*
 * stream_route.c -- replies that do not end.
 *
 * While a chunk is under way nothing more is given to evhttp: its callback
 * says that the socket has taken all of it. The connection's read timeout is
 * off, for a reader has nothing to say; its write timeout stays, and cuts one
 * that takes nothing. When the connection ends, conn->on_close says so, and
 * evhttp has let go of the request (libevent 2.1, http.c,
 * evhttp_connection_incoming_fail), which is freed by ending the reply.
 */
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "server/admin/admin_query.h"
#include "server/admin/stream_route.h"
#include "server/admin/stream.h"
#include "server/http/http_private.h"

struct stream_answer {
	LIST_ENTRY(stream_answer) link;
	struct stream_route *all;
	struct http_conn *conn;
	struct evhttp_request *req;
	struct stream_reader *reader;
	bool busy; /* a chunk is under way */
};

struct stream_route {
	struct stream *s;
	struct evbuffer *chunk; /* being filled */
	struct event *heartbeat;
	LIST_HEAD(, stream_answer) list;
	bool stopped;
};

static const struct http_answer answer_query = { 400, "Bad Request",
	"{\"error\":\"the stream takes last_event_id and nothing else\"}" };
static const struct http_answer answer_full = { 503, "Service Unavailable",
	"{\"error\":\"too many readers, or stopping\"}" };
static const struct http_answer answer_head = { 200, "OK", "" };

static void stream_answer_pump(struct stream_answer *hs);

/* evhttp: the socket has taken the chunk. */
static void
chunk_left_cb(struct evhttp_connection *evcon, void *arg)
{
	struct stream_answer *hs = arg;

	(void)evcon;
	hs->busy = false;
	stream_answer_pump(hs);
}

static void
send_chunk(struct stream_answer *hs)
{
	hs->busy = true;
	evhttp_send_reply_chunk_with_cb(hs->req, hs->all->chunk, chunk_left_cb,
	    hs);
}

/* Send what there is, as much as one chunk holds. */
static void
stream_answer_pump(struct stream_answer *hs)
{
	struct evbuffer *chunk = hs->all->chunk;
	enum stream_rc rc = STREAM_NOTHING;
	const char *text;
	size_t len;

	if (hs->busy)
		return;
	while (evbuffer_get_length(chunk) < STREAM_ROUTE_CHUNK) {
		rc = stream_next(hs->reader, &text, &len);
		if (rc != STREAM_MESSAGE || evbuffer_add(chunk, text, len) != 0)
			break;
	}
	if (evbuffer_get_length(chunk) > 0)
		send_chunk(hs);
	else if (rc == STREAM_LOST)
		http_guard_close(&hs->conn->guard);
}

/* stream: there may be something new. */
static void
stream_wake_cb(void *arg)
{
	stream_answer_pump(arg);
}

static void
stream_free_one(struct stream_answer *hs)
{
	LIST_REMOVE(hs, link);
	hs->conn->on_close = NULL;
	hs->conn->stream = NULL;
	stream_leave(hs->reader);
	free(hs);
}

/* http_conn: the connection is gone. */
static void
stream_close_cb(struct http_conn *conn)
{
	struct evhttp_request *req = conn->kept;

	conn->kept = NULL;
	stream_free_one(conn->stream);
	if (evhttp_request_get_connection(req) == NULL)
		evhttp_send_reply_end(req); /* only frees it */
}

/* evtimer: a sign of life to all, lest something between closes them. */
static void
heartbeat_cb(evutil_socket_t fd, short what, void *arg)
{
	struct stream_route *all = arg;
	struct stream_answer *hs, *next;

	(void)fd;
	(void)what;
	for (hs = LIST_FIRST(&all->list); hs != NULL; hs = next) {
		next = LIST_NEXT(hs, link);
		if (hs->busy || evbuffer_add(all->chunk, ":\n\n", 3) != 0)
			continue;
		send_chunk(hs);
	}
}

/* What the reader has seen: the header wins over the query. */
static int
last_id(struct evhttp_request *req, char ret_id[ADMIN_VALUE_MAX])
{
	const char *query =
	    evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));
	const char *header =
	    evhttp_find_header(evhttp_request_get_input_headers(req),
		"Last-Event-ID");
	char name[ADMIN_VALUE_MAX];
	int rc;

	ret_id[0] = '\0';
	while ((rc = admin_query_next(&query, name, ret_id)) == 1) {
		if (strcmp(name, "last_event_id") != 0)
			return (-1);
	}
	if (rc == 0 && header != NULL && strlen(header) < ADMIN_VALUE_MAX)
		(void)strcpy(ret_id, header);
	return (rc);
}

static void
stream_begin(struct stream_answer *hs)
{
	static const struct timeval stuck = { STREAM_ROUTE_STUCK_S, 0 };
	struct evkeyvalq *headers = evhttp_request_get_output_headers(hs->req);

	hs->conn->kept = hs->req;
	hs->conn->stream = hs;
	hs->conn->on_close = stream_close_cb;
	(void)evhttp_add_header(headers, "Content-Type",
	    "text/event-stream; charset=utf-8");
	(void)evhttp_add_header(headers, "X-Accel-Buffering", "no");
	(void)evhttp_add_header(headers, "Connection", "close");
	(void)bufferevent_set_timeouts(hs->conn->bev, NULL, &stuck);
	evhttp_send_reply_start(hs->req, 200, "OK");
	stream_answer_pump(hs);
}

/* How many streams the address of conn has. */
static size_t
streams_of(const struct stream_route *all, const struct http_conn *conn)
{
	const struct stream_answer *hs;
	size_t n = 0;

	LIST_FOREACH(hs, &all->list, link)
	n += http_share_same(&hs->conn->share, &conn->share);
	return (n);
}

/* Of the address that has the most the oldest makes room, if conn has fewer. */
static void
make_room(struct stream_route *all, const struct http_conn *conn)
{
	size_t most = streams_of(all, conn), n, readers = 0;
	struct stream_answer *hs, *pays = NULL;

	LIST_FOREACH(hs, &all->list, link)
	{
		readers++;
		if ((n = streams_of(all, hs->conn)) < most ||
		    (pays == NULL && n == most))
			continue;
		pays = hs; /* the newest stand first */
		most = n;
	}
	if (readers >= STREAM_READERS_MAX && pays != NULL)
		http_room_cut(pays->conn, HTTP_LIMIT_STREAMS);
}

void
stream_route_run(struct stream_route *all, struct http_conn *conn,
    struct evhttp_request *req)
{
	char id[ADMIN_VALUE_MAX];
	struct stream_answer *hs;

	if (last_id(req, id) == -1) {
		http_answer(conn, req, &answer_query);
		return;
	}
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD) {
		http_answer(conn, req, &answer_head);
		return;
	}
	make_room(all, conn);
	if (all->stopped || (hs = calloc(1, sizeof(*hs))) == NULL) {
		http_answer(conn, req, &answer_full);
		return;
	}
	hs->reader =
	    stream_join(all->s, id[0] == '\0' ? NULL : id, stream_wake_cb, hs);
	if (hs->reader == NULL) {
		free(hs);
		http_answer(conn, req, &answer_full);
		return;
	}
	hs->all = all;
	hs->conn = conn;
	hs->req = req;
	LIST_INSERT_HEAD(&all->list, hs, link);
	stream_begin(hs);
}

/*
 * Nothing more comes: the reader is told, and if it does not even take what
 * is under way it is cut.
 */
static void
stream_end(struct stream_answer *hs)
{
	struct http_conn *conn = hs->conn;
	struct evhttp_request *req = hs->req;
	bool busy = hs->busy;

	stream_free_one(hs);
	conn->kept = NULL;
	http_reply_end(conn, req);
	if (busy)
		http_guard_close(&conn->guard);
}

void
stream_route_stop(struct stream_route *all)
{
	struct stream_answer *hs;

	if (all == NULL)
		return;
	all->stopped = true;
	(void)evtimer_del(all->heartbeat);
	while ((hs = LIST_FIRST(&all->list)) != NULL)
		stream_end(hs);
}

struct stream_route *
stream_route_new(struct event_base *base, struct stream *s)
{
	static const struct timeval every = { STREAM_ROUTE_HEARTBEAT_S, 0 };
	struct stream_route *all;

	if ((all = calloc(1, sizeof(*all))) == NULL)
		return (NULL);
	LIST_INIT(&all->list);
	all->s = s;
	if ((all->chunk = evbuffer_new()) == NULL ||
	    (all->heartbeat = event_new(base, -1, EV_PERSIST, heartbeat_cb,
		 all)) == NULL ||
	    evtimer_add(all->heartbeat, &every) == -1) {
		stream_route_free(all);
		return (NULL);
	}
	return (all);
}

void
stream_route_free(struct stream_route *all)
{
	if (all == NULL)
		return;
	if (all->heartbeat != NULL) {
		stream_route_stop(all);
		event_free(all->heartbeat);
	}
	if (all->chunk != NULL)
		evbuffer_free(all->chunk);
	free(all);
}
