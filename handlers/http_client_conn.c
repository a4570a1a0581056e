/*
 * One evhttp connection over one bufferevent. Its address is numeric, so that
 * evhttp looks nothing up, and it never reconnects: with its first failure it
 * is of no more use.
 *
 * evhttp tells neither when bytes leave and come nor when an idle connection
 * ends, so we watch the buffers and the close callback; with TLS the env knows
 * what has left. None of the callbacks here frees anything: they record, and
 * wake who decides.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>

#include "handlers/http_client_private.h"

#define HEAD_MAX (64 * 1024)   /* of an answer */
#define IDLE_SECONDS 60        /* then a kept connection is closed */
#define NEVER_SECONDS 31536000 /* the call's deadline comes before */

struct client_conn {
	struct http_client *hc;
	struct evhttp_connection *evcon;
	struct http_client_call *call; /* NULL while idle */
	uint64_t sent;                 /* of its request; not with TLS */
	uint64_t sent_before;          /* with TLS: of earlier ones */
	bool listed;                   /* among the client's idle ones */
	bool closed;
	char peer[CLIENT_PEER_MAX];
	LIST_ENTRY(client_conn) next;
};

static void
conn_wake(const struct client_conn *conn)
{
	event_active(conn->call->kick, EV_READ, 0);
}

/* -- What evhttp and its bufferevent tell -- */

/* evbuffer: the request was put there, has left, or was thrown away. */
static void
conn_output_cb(struct evbuffer *buf, const struct evbuffer_cb_info *info,
    void *arg)
{
	struct client_conn *conn = arg;
	struct http_client_call *call = conn->call;
	struct bufferevent *bev;

	if (call == NULL)
		return;
	if (info->n_added > 0)
		call->connected = true; /* evhttp writes no sooner */
	bev = evhttp_connection_get_bufferevent(conn->evcon);
	/* evhttp closes before it throws away what was not sent. */
	if (info->n_deleted > 0 && bufferevent_getfd(bev) != -1) {
		conn->sent += info->n_deleted;
		call->all_sent = evbuffer_get_length(buf) == 0;
	}
}

/* evbuffer: bytes have come. */
static void
conn_input_cb(struct evbuffer *buf, const struct evbuffer_cb_info *info,
    void *arg)
{
	struct client_conn *conn = arg;

	(void)buf;
	if (conn->call == NULL)
		return;
	conn->call->received += info->n_added;
	if (conn->call->received > HTTP_CLIENT_READ_MAX)
		conn_wake(conn);
}

/*
 * Can the end of this answer be told without closing? From HTTP/1.0 we do not
 * expect that it keeps its connection, which evhttp does.
 */
static bool
is_framed(const struct evhttp_request *req, const struct evkeyvalq *headers)
{
	return (req->minor > 0 &&
		(req->response_code == 204 || req->response_code == 304 ||
		    evhttp_find_header(headers, "Content-Length") != NULL ||
		    evhttp_find_header(headers, "Transfer-Encoding") != NULL));
}

/* evhttp: the head of an answer is there. Returns -1 to end it. */
static int
conn_header_cb(struct evhttp_request *req, void *arg)
{
	struct client_conn *conn = arg;
	struct http_client_call *call = conn->call;
	const struct handler_env *env = conn->hc->env;
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	int status = evhttp_request_get_response_code(req);
	const char *value;

	/*
	 * RFC 9110, 15.2: the answer is still to come. evhttp goes on to the
	 * next head after 100 only; 101 is of a protocol that nobody asked for.
	 */
	if (status >= 100 && status < 200 && status != 101) {
		req->response_code = 100;
		evhttp_clear_headers(headers);
		return (0);
	}
	if (status < 200 || status > 599) {
		call->garbage = true;
		return (-1);
	}
	call->status = status;
	call->framed = is_framed(req, headers);
	if ((value = evhttp_find_header(headers, "Retry-After")) != NULL)
		call->retry_after_ms =
		    client_head_wait(value, env->now_ms(env->arg));
	if ((value = evhttp_find_header(headers, "Location")) != NULL)
		client_head_copy(value, sizeof(call->location), call->location);
	return (0);
}

/* evhttp: a piece of the answer's body, which it drops afterwards. */
static void
conn_chunk_cb(struct evhttp_request *req, void *arg)
{
	struct client_conn *conn = arg;
	struct http_client_call *call = conn->call;
	ev_ssize_t n;

	n = evbuffer_copyout(evhttp_request_get_input_buffer(req),
	    call->beginning + call->beginning_len,
	    sizeof(call->beginning) - call->beginning_len);
	if (n > 0)
		call->beginning_len += (size_t)n;
}

/* evhttp: why there will be no answer; conn_done_cb() follows. */
static void
conn_error_cb(enum evhttp_request_error error, void *arg)
{
	struct client_conn *conn = arg;

	if (error == EVREQ_HTTP_INVALID_HEADER ||
	    error == EVREQ_HTTP_DATA_TOO_LONG)
		conn->call->garbage = true;
}

/* evhttp: the answer is whole, or there will be none. */
static void
conn_done_cb(struct evhttp_request *req, void *arg)
{
	struct client_conn *conn = arg;
	struct http_client_call *call = conn->call;

	if (req != NULL && call->status != 0) {
		call->whole = true;
	} else {
		/* A request without an answer means that it was refused. */
		call->error = req != NULL ? ECONNREFUSED : errno;
		call->lost = true;
	}
	conn_wake(conn);
}

/* Take leave, if there is somebody who expects that. */
static void
conn_leave(const struct client_conn *conn)
{
	const struct handler_env *env = conn->hc->env;

	if (conn->hc->tls != NULL)
		env->tls_leave(env->arg,
		    evhttp_connection_get_bufferevent(conn->evcon));
}

/* evhttp: the connection is being closed, by the far side or by evhttp. */
static void
conn_close_cb(struct evhttp_connection *evcon, void *arg)
{
	struct client_conn *conn = arg;
	struct http_client *hc = conn->hc;

	(void)evcon;
	conn_leave(conn);
	conn->closed = true;
	if (!conn->listed)
		return;
	LIST_REMOVE(conn, next);
	conn->listed = false;
	hc->nidle--;
	LIST_INSERT_HEAD(&hc->dead, conn, next);
	event_active(hc->reap, EV_READ, 0);
}

/* -- What is asked of them -- */

/* With TLS: what has left on it so far, in the env's unit. */
static uint64_t
conn_tls_sent(const struct client_conn *conn)
{
	const struct handler_env *env = conn->hc->env;

	return (env->tls_sent(env->arg,
	    evhttp_connection_get_bufferevent(conn->evcon)));
}

bool
client_conn_has_sent(const struct client_conn *conn)
{
	if (conn->hc->tls == NULL)
		return (conn->sent > 0);
	return (conn_tls_sent(conn) > conn->sent_before);
}

bool
client_conn_shakes(const struct client_conn *conn)
{
	evutil_socket_t fd =
	    bufferevent_getfd(evhttp_connection_get_bufferevent(conn->evcon));
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return (conn->hc->tls != NULL &&
		getpeername(fd, (struct sockaddr *)&ss, &len) == 0);
}

const char *
client_conn_failure(const struct client_conn *conn)
{
	const struct handler_env *env = conn->hc->env;

	if (conn->hc->tls == NULL)
		return (NULL);
	return (env->tls_failure(env->arg,
	    evhttp_connection_get_bufferevent(conn->evcon)));
}

/* -- Their life -- */

/* Lay a connection over bev, which it takes. NULL: out of memory. */
static struct client_conn *
conn_wrap(struct http_client *hc, struct bufferevent *bev, const char *host)
{
	static const struct timeval never = { NEVER_SECONDS, 0 };
	struct client_conn *conn;

	if ((conn = calloc(1, sizeof(*conn))) == NULL)
		goto fail;
	conn->hc = hc;
	conn->evcon = evhttp_connection_base_bufferevent_new(hc->env->base,
	    NULL, bev, host, hc->url.port);
	if (conn->evcon == NULL)
		goto fail;
	evhttp_connection_set_max_headers_size(conn->evcon, HEAD_MAX);
	evhttp_connection_set_timeout_tv(conn->evcon, &never);
	evhttp_connection_set_closecb(conn->evcon, conn_close_cb, conn);
	if (evbuffer_add_cb(bufferevent_get_output(bev), conn_output_cb,
		conn) == NULL ||
	    evbuffer_add_cb(bufferevent_get_input(bev), conn_input_cb, conn) ==
		NULL) {
		client_conn_free(conn);
		return (NULL);
	}
	return (conn);
fail:
	free(conn);
	bufferevent_free(bev);
	return (NULL);
}

struct client_conn *
client_conn_new(struct http_client *hc, const struct sockaddr *sa,
    unsigned sa_len)
{
	const struct handler_env *env = hc->env;
	struct client_conn *conn;
	struct bufferevent *bev;
	char host[64];

	if (getnameinfo(sa, sa_len, host, sizeof(host), NULL, 0,
		NI_NUMERICHOST) != 0)
		return (NULL);
	bev = env->connect(env->arg, hc->tls, hc->url.host, hc->url.port);
	if (bev == NULL || (conn = conn_wrap(hc, bev, host)) == NULL)
		return (NULL);
	snprintf(conn->peer, sizeof(conn->peer),
	    strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
	    hc->url.port);
	return (conn);
}

/*
 * The options of a socket that evhttp has just made: no child inherits it,
 * and the tail of a request waits for no acknowledgement. One that cannot be
 * set only costs something.
 */
static void
conn_set_options(evutil_socket_t fd)
{
	const int on = 1;

	if (fd == -1)
		return;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Copy what the call is to send. Returns 0, or -1 when out of memory. */
static int
conn_fill(struct evhttp_request *req, const struct http_client_call *call)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	const struct evkeyval *header;

	TAILQ_FOREACH (header, &call->headers, next) {
		if (evhttp_add_header(headers, header->key, header->value) ==
		    -1)
			return (-1);
	}
	return (evbuffer_add(evhttp_request_get_output_buffer(req), call->body,
	    call->body_len));
}

int
client_conn_send(struct client_conn *conn, struct http_client_call *call)
{
	struct bufferevent *bev =
	    evhttp_connection_get_bufferevent(conn->evcon);
	struct evhttp_request *req;

	if ((req = evhttp_request_new(conn_done_cb, conn)) == NULL)
		return (-1);
	evhttp_request_set_header_cb(req, conn_header_cb);
	evhttp_request_set_chunked_cb(req, conn_chunk_cb);
	evhttp_request_set_error_cb(req, conn_error_cb);
	if (conn_fill(req, call) == -1) {
		evhttp_request_free(req);
		return (-1);
	}
	conn->call = call;
	conn->sent = 0;
	if (conn->hc->tls != NULL)
		conn->sent_before = conn_tls_sent(conn);
	memcpy(call->peer, conn->peer, sizeof(call->peer));
	if (evhttp_make_request(conn->evcon, req, EVHTTP_REQ_POST,
		conn->hc->url.path) == -1)
		return (-1);
	conn_set_options(bufferevent_getfd(bev));
	return (0);
}

void
client_conn_release(struct client_conn *conn, bool reusable)
{
	static const struct timeval idle = { IDLE_SECONDS, 0 };
	struct bufferevent *bev =
	    evhttp_connection_get_bufferevent(conn->evcon);
	struct http_client *hc = conn->hc;

	/* What came behind the answer would be taken for the next one. */
	if (!reusable || conn->closed || hc->nidle >= hc->max_idle ||
	    evbuffer_get_length(bufferevent_get_input(bev)) > 0) {
		client_conn_free(conn);
		return;
	}
	conn->call = NULL;
	conn->listed = true;
	LIST_INSERT_HEAD(&hc->idle, conn, next);
	hc->nidle++;
	bufferevent_set_timeouts(bev, &idle, NULL);
}

/* Has the far side neither closed nor sent anything? */
static bool
conn_is_quiet(struct client_conn *conn)
{
	evutil_socket_t fd =
	    bufferevent_getfd(evhttp_connection_get_bufferevent(conn->evcon));
	char byte;

	return (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
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
			bufferevent_set_timeouts(
			    evhttp_connection_get_bufferevent(conn->evcon),
			    NULL, NULL);
			return (conn);
		}
		client_conn_free(conn);
	}
	return (NULL);
}

void
client_conn_free(struct client_conn *conn)
{
	struct bufferevent *bev =
	    evhttp_connection_get_bufferevent(conn->evcon);

	evbuffer_remove_cb(bufferevent_get_output(bev), conn_output_cb, conn);
	evbuffer_remove_cb(bufferevent_get_input(bev), conn_input_cb, conn);
	evhttp_connection_set_closecb(conn->evcon, NULL, NULL);
	conn_leave(conn);
	evhttp_connection_free(conn->evcon);
	free(conn);
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
