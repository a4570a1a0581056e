/*
 * One connection: a bufferevent, and the answer that is read from it. The
 * callbacks here free nothing: they record, and wake who decides.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "handlers/net/http_client_private.h"

#define IDLE_SECONDS 60 /* then a kept connection is closed */
#define PIECE_MAX 16384 /* read at once */

struct client_conn {
	struct http_client *hc;
	struct bufferevent *bev;
	struct http_client_call *call; /* NULL while idle */
	bool ready;                    /* a request can be written */
	uint64_t sent;                 /* of its request; not with TLS */
	uint64_t sent_before;          /* with TLS: of earlier ones */
	bool listed;                   /* among the client's idle ones */
	bool closed;
	char peer[DIAL_PEER_MAX];
	LIST_ENTRY(client_conn) next;
};

static void
conn_wake(const struct client_conn *conn)
{
	event_active(conn->call->kick, EV_READ, 0);
}

/* It is of no use any more while it is kept: it goes, from the loop. */
static void
conn_bury(struct client_conn *conn)
{
	struct http_client *hc = conn->hc;

	conn->closed = true;
	if (!conn->listed)
		return;
	LIST_REMOVE(conn, next);
	conn->listed = false;
	hc->nidle--;
	LIST_INSERT_HEAD(&hc->dead, conn, next);
	event_active(hc->reap, EV_READ, 0);
}

/* -- Callbacks of the bufferevent -- */

/* evbuffer: something of the request has left, or has been put there. */
static void
conn_output_cb(struct evbuffer *buf, const struct evbuffer_cb_info *info,
    void *arg)
{
	struct client_conn *conn = arg;

	if (conn->call == NULL || info->n_deleted == 0)
		return;
	conn->sent += info->n_deleted;
	conn->call->all_sent = evbuffer_get_length(buf) == 0;
}

/* Hand what has come to the call's answer. */
static void
conn_read(struct client_conn *conn)
{
	struct evbuffer *in = bufferevent_get_input(conn->bev);
	struct http_client_call *call = conn->call;
	char piece[PIECE_MAX];
	size_t taken;
	int n;

	while (!answer_is_over(&call->answer) &&
	       (n = evbuffer_remove(in, piece, sizeof(piece))) > 0) {
		call->received += (size_t)n;
		taken = answer_read(&call->answer, piece, (size_t)n);
		/* What came behind it would be taken for the next one. */
		if (taken < (size_t)n)
			conn->closed = true;
	}
	if (evbuffer_get_length(in) > 0)
		conn->closed = true;
	if (answer_is_over(&call->answer) ||
	    call->received > HTTP_CLIENT_READ_MAX)
		conn_wake(conn);
}

/* bufferevent: bytes have come. */
static void
conn_read_cb(struct bufferevent *bev, void *arg)
{
	struct client_conn *conn = arg;

	(void)bev;
	if (conn->call != NULL)
		conn_read(conn);
	else
		conn_bury(conn); /* nobody asked for anything */
}

/* Write the call's request. Returns 0, or -1 when out of memory. */
static int
conn_write(struct client_conn *conn)
{
	struct http_client_call *call = conn->call;
	struct evbuffer *out = bufferevent_get_output(conn->bev);

	call->connected = true;
	return (evbuffer_add_buffer_reference(out, call->request));
}

/* The connection has ended or failed in the midst of a call. */
static void
conn_lose(struct client_conn *conn, short what, int error)
{
	struct http_client_call *call = conn->call;
	struct evbuffer *in = bufferevent_get_input(conn->bev);

	/* It could not be written to; an answer may be there all the same. */
	if ((what & BEV_EVENT_WRITING) != 0 && conn->hc->tls == NULL) {
		while (evbuffer_read(in, bufferevent_getfd(conn->bev), -1) > 0)
			;
		conn_read(conn);
	}
	if ((what & BEV_EVENT_EOF) != 0)
		answer_end(&call->answer);
	call->error = (what & BEV_EVENT_EOF) != 0 ? 0 : error;
	call->lost = true;
	conn_wake(conn);
}

/* bufferevent: the handshake is done; or it has ended or failed. */
static void
conn_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct client_conn *conn = arg;
	int error = EVUTIL_SOCKET_ERROR();

	(void)bev;
	if (conn->call == NULL) {
		conn_bury(conn);
	} else if ((what & BEV_EVENT_CONNECTED) != 0) {
		conn->ready = true;
		if (conn_write(conn) == -1)
			conn_lose(conn, BEV_EVENT_ERROR, ENOMEM);
		else
			conn_wake(conn);
	} else {
		conn->closed = true;
		conn_lose(conn, what, error);
	}
}

/* -- What is asked of them -- */

/* With TLS: what has left on it so far, in the env's unit. */
static uint64_t
conn_tls_sent(const struct client_conn *conn)
{
	const struct handler_env *env = conn->hc->env;

	return (env->tls_sent(env->arg, conn->bev));
}

bool
client_conn_has_sent(const struct client_conn *conn)
{
	if (conn->hc->tls == NULL)
		return (conn->sent > 0);
	return (conn_tls_sent(conn) > conn->sent_before);
}

const char *
client_conn_failure(const struct client_conn *conn)
{
	const struct handler_env *env = conn->hc->env;

	if (conn->hc->tls == NULL)
		return (NULL);
	return (env->tls_failure(env->arg, conn->bev));
}

/* -- Their life -- */

struct client_conn *
client_conn_new(struct http_client *hc, int fd, const char *peer)
{
	const struct handler_env *env = hc->env;
	struct client_conn *conn;

	if ((conn = calloc(1, sizeof(*conn))) == NULL ||
	    (conn->bev = env->connect(env->arg, hc->tls, hc->url.host,
		 hc->url.port)) == NULL) {
		free(conn);
		(void)close(fd);
		return (NULL);
	}
	conn->hc = hc;
	conn->ready = hc->tls == NULL;
	(void)snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
	bufferevent_setcb(conn->bev, conn_read_cb, NULL, conn_event_cb, conn);
	if (bufferevent_setfd(conn->bev, fd) == -1)
		(void)close(fd); /* then it fails at once */
	if (evbuffer_add_cb(bufferevent_get_output(conn->bev), conn_output_cb,
		conn) == NULL) {
		client_conn_free(conn);
		return (NULL);
	}
	return (conn);
}

int
client_conn_send(struct client_conn *conn, struct http_client_call *call)
{
	conn->call = call;
	conn->sent = 0;
	if (conn->hc->tls != NULL)
		conn->sent_before = conn_tls_sent(conn);
	(void)snprintf(call->peer, sizeof(call->peer), "%s", conn->peer);
	if (bufferevent_enable(conn->bev, EV_READ | EV_WRITE) == -1)
		return (-1);
	return (conn->ready ? conn_write(conn) : 0);
}

void
client_conn_release(struct client_conn *conn, bool reusable)
{
	static const struct timeval idle = { IDLE_SECONDS, 0 };
	struct http_client *hc = conn->hc;

	conn->call = NULL;
	if (!reusable || conn->closed || hc->nidle >= hc->max_idle) {
		client_conn_free(conn);
		return;
	}
	conn->listed = true;
	LIST_INSERT_HEAD(&hc->idle, conn, next);
	hc->nidle++;
	bufferevent_set_timeouts(conn->bev, &idle, NULL);
}

/* Has the far side neither closed nor sent anything? */
static bool
conn_is_quiet(struct client_conn *conn)
{
	char byte;

	return (recv(bufferevent_getfd(conn->bev), &byte, 1,
		    MSG_PEEK | MSG_DONTWAIT) == -1 &&
		(errno == EAGAIN || errno == EINTR));
}

struct client_conn *
client_conn_take(struct http_client *hc)
{
	struct client_conn *conn;

	while ((conn = LIST_FIRST(&hc->idle)) != NULL) {
		LIST_REMOVE(conn, next);
		conn->listed = false;
		hc->nidle--;
		if (conn_is_quiet(conn)) {
			bufferevent_set_timeouts(conn->bev, NULL, NULL);
			return (conn);
		}
		client_conn_free(conn);
	}
	return (NULL);
}

void
client_conn_free(struct client_conn *conn)
{
	const struct handler_env *env = conn->hc->env;

	evbuffer_remove_cb(bufferevent_get_output(conn->bev), conn_output_cb,
	    conn);
	if (conn->hc->tls != NULL) /* there is somebody who expects it */
		env->tls_leave(env->arg, conn->bev);
	bufferevent_setcb(conn->bev, NULL, NULL, NULL, NULL);
	bufferevent_free(conn->bev);
	free(conn);
}

void
client_conn_drop_idle(struct http_client *hc, const char *peer)
{
	struct client_conn *conn, *next;

	for (conn = LIST_FIRST(&hc->idle); conn != NULL; conn = next) {
		next = LIST_NEXT(conn, next);
		if (strcmp(conn->peer, peer) == 0)
			conn_bury(conn);
	}
}

void
client_conn_reap(struct http_client *hc)
{
	struct client_conn *conn;

	while ((conn = LIST_FIRST(&hc->dead)) != NULL) {
		LIST_REMOVE(conn, next);
		client_conn_free(conn);
	}
}
