/*
 * stream_route.c -- answers that do not end.
 *
 * While a chunk is under way nothing more is given to http: its callback says
 * that the socket has taken all of it.
 */
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "server/admin/admin_query.h"
#include "server/admin/stream.h"
#include "server/admin/stream_route.h"
#include "server/http/route.h"

/* One that is sent to a reader. */
struct stream_answer {
	LIST_ENTRY(stream_answer) link;
	struct stream_route *all;
	struct http_request *req;
	struct peer_net net; /* whose it is */
	struct stream_reader *reader;
	bool busy; /* a chunk is under way */
};

struct stream_route {
	struct stream *s;
	struct evbuffer *chunk; /* being filled */
	struct event *heartbeat;
	LIST_HEAD(, stream_answer) list; /* the newest first */
	bool stopped;
};

static void stream_answer_pump(struct stream_answer *answer);

/* http_request_chunk: the socket has taken the chunk. */
static void
chunk_ready_cb(void *arg)
{
	struct stream_answer *answer = arg;

	answer->busy = false;
	stream_answer_pump(answer);
}

static void
send_chunk(struct stream_answer *answer)
{
	answer->busy = true;
	http_request_chunk(answer->req, answer->all->chunk, chunk_ready_cb,
	    answer);
}

/* Send what there is, as much as one chunk holds. */
static void
stream_answer_pump(struct stream_answer *answer)
{
	struct evbuffer *chunk = answer->all->chunk;
	enum stream_rc rc = STREAM_NOTHING;
	const char *text;
	size_t len;

	if (answer->busy)
		return;
	while (evbuffer_get_length(chunk) < STREAM_ROUTE_CHUNK) {
		rc = stream_next(answer->reader, &text, &len);
		if (rc != STREAM_MESSAGE || evbuffer_add(chunk, text, len) != 0)
			break;
	}
	if (evbuffer_get_length(chunk) > 0)
		send_chunk(answer);
	else if (rc == STREAM_LOST)
		http_request_cut(answer->req);
}

/* stream: there may be something new. */
static void
stream_wake_cb(void *arg)
{
	stream_answer_pump(arg);
}

/* http_gone_fn, and when the answer ends. */
static void
stream_gone_cb(void *arg)
{
	struct stream_answer *answer = arg;

	LIST_REMOVE(answer, link);
	stream_leave(answer->reader);
	free(answer);
}

/* evtimer: a sign of life to all, lest something between closes them. */
static void
heartbeat_cb(evutil_socket_t fd, short what, void *arg)
{
	struct stream_route *all = arg;
	struct stream_answer *answer, *next;

	(void)fd;
	(void)what;
	for (answer = LIST_FIRST(&all->list); answer != NULL; answer = next) {
		next = LIST_NEXT(answer, link);
		if (answer->busy || evbuffer_add(all->chunk, ":\n\n", 3) != 0)
			continue;
		send_chunk(answer);
	}
}

/* What the reader has seen: the header wins over the query. */
static int
last_id(const struct http_request *req, char ret_id[ADMIN_VALUE_MAX])
{
	const char *query = http_request_query(req);
	const char *header = http_request_field(req, "Last-Event-ID");
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
stream_begin(struct stream_answer *answer)
{
	http_request_set_field(answer->req, "Content-Type",
	    "text/event-stream; charset=utf-8");
	http_request_set_field(answer->req, "X-Accel-Buffering", "no");
	http_request_begin(answer->req, STREAM_ROUTE_STUCK_S, stream_gone_cb,
	    answer);
	stream_answer_pump(answer);
}

/* How many streams that address has. */
static size_t
streams_of(const struct stream_route *all, struct peer_net net)
{
	const struct stream_answer *answer;
	size_t n = 0;

	LIST_FOREACH(answer, &all->list, link)
	n += peer_net_equal(answer->net, net);
	return (n);
}

/* Of the address that has the most the oldest makes room, if net has fewer. */
static void
make_room(struct stream_route *all, struct peer_net net)
{
	size_t most = streams_of(all, net), n, readers = 0;
	struct stream_answer *answer, *pays = NULL;

	LIST_FOREACH(answer, &all->list, link)
	{
		readers++;
		if ((n = streams_of(all, answer->net)) < most ||
		    (pays == NULL && n == most))
			continue;
		pays = answer;
		most = n;
	}
	if (readers >= STREAM_READERS_MAX && pays != NULL)
		http_request_make_room(pays->req);
}

/* A new answer. NULL: stopped, too many, or no memory. */
static struct stream_answer *
answer_new(struct stream_route *all, struct http_request *req, const char *id)
{
	struct stream_answer *answer;

	if (all->stopped || (answer = calloc(1, sizeof(*answer))) == NULL)
		return (NULL);
	answer->reader = stream_join(all->s, id[0] == '\0' ? NULL : id,
	    stream_wake_cb, answer);
	if (answer->reader == NULL) {
		free(answer);
		return (NULL);
	}
	answer->all = all;
	answer->req = req;
	answer->net = http_request_net(req);
	LIST_INSERT_HEAD(&all->list, answer, link);
	return (answer);
}

void
stream_route_run(struct http_request *req, void *arg)
{
	struct stream_route *all = arg;
	struct stream_answer *answer;
	char id[ADMIN_VALUE_MAX];

	if (last_id(req, id) == -1) {
		http_request_finish(req, 400,
		    "{\"error\":\"the stream takes last_event_id and nothing "
		    "else\"}");
		return;
	}
	if (http_request_method(req) == HTTP_HEAD) {
		http_request_finish(req, 200, "");
		return;
	}
	make_room(all, http_request_net(req));
	if ((answer = answer_new(all, req, id)) != NULL)
		stream_begin(answer);
	else
		http_request_finish(req, 503,
		    "{\"error\":\"too many readers, or stopping\"}");
}

/*
 * Nothing more comes: the reader sees the end, and if it does not even take
 * what is under way it is cut.
 */
static void
stream_end(struct stream_answer *answer)
{
	struct http_request *req = answer->req;
	bool busy = answer->busy;

	stream_gone_cb(answer);
	http_request_end(req, busy);
}

void
stream_route_stop(struct stream_route *all)
{
	struct stream_answer *answer;

	if (all == NULL)
		return;
	all->stopped = true;
	(void)evtimer_del(all->heartbeat);
	while ((answer = LIST_FIRST(&all->list)) != NULL)
		stream_end(answer);
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
