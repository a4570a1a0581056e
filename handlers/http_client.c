/*
 * A call goes through look-up, connect, TLS handshake, send, answer. What
 * happens is only recorded, here and in http_client_conn.c; client_pump() runs
 * from the loop, never from within evhttp, and decides. So it may free
 * connections, and done() never runs before http_client_post() has returned.
 */
#include "handlers/http_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/util.h>

#include "handlers/http_client_private.h"

#define HEADER_MAX 4096

/* event: connections were closed while idle. */
static void
client_reap_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_conn_reap(arg);
}

/* Host as it goes into the header; NULL: out of memory. */
static char *
client_authority(const struct http_client_url *url)
{
	bool bare = strchr(url->host, ':') == NULL;
	char port[8] = "", *text;

	if (url->port != (url->tls ? 443 : 80))
		snprintf(port, sizeof(port), ":%u", url->port);
	if (asprintf(&text, "%s%s%s%s", bare ? "" : "[", url->host,
		bare ? "" : "]", port) == -1)
		return (NULL);
	return (text);
}

struct http_client *
http_client_new(const struct handler_env *env,
    const struct http_client_url *url, struct handler_tls *tls, size_t max_idle)
{
	struct http_client *hc;

	if ((hc = calloc(1, sizeof(*hc))) == NULL)
		return (NULL);
	hc->env = env;
	hc->tls = tls;
	hc->max_idle = max_idle;
	LIST_INIT(&hc->idle);
	LIST_INIT(&hc->dead);
	hc->url.tls = url->tls;
	hc->url.port = url->port;
	if ((hc->url.host = strdup(url->host)) == NULL ||
	    (hc->url.path = strdup(url->path)) == NULL ||
	    (hc->authority = client_authority(url)) == NULL ||
	    (hc->reap = event_new(env->base, -1, 0, client_reap_cb, hc)) ==
		NULL) {
		http_client_free(hc);
		return (NULL);
	}
	return (hc);
}

void
http_client_free(struct http_client *hc)
{
	struct client_conn *conn;

	if (hc == NULL)
		return;
	while ((conn = client_conn_take(hc)) != NULL)
		client_conn_free(conn);
	client_conn_reap(hc);
	if (hc->reap != NULL)
		event_free(hc->reap);
	http_client_url_fini(&hc->url);
	free(hc->authority);
	free(hc);
}

/* -- The end of a call -- */

/* Free all but the connection. */
static void
call_free(struct http_client_call *call)
{
	if (call->lookup != NULL)
		client_lookup_cancel(call->lookup);
	if (call->addrs != NULL)
		evutil_freeaddrinfo(call->addrs);
	if (call->deadline != NULL)
		event_free(call->deadline);
	if (call->kick != NULL)
		event_free(call->kick);
	evhttp_clear_headers(&call->headers);
	free(call->body);
	free(call);
}

/* Hand over what there is of an answer, or why there is none. */
static void
call_finish(struct http_client_call *call, enum http_client_end end,
    const char *reason)
{
	struct http_client_answer answer = { .end = end, .reason = reason };

	if (end == HTTP_CLIENT_ANSWERED) {
		answer.status = call->status;
		answer.retry_after_ms = call->retry_after_ms;
		if (call->location[0] != '\0')
			answer.location = call->location;
		answer.body = call->beginning;
		answer.body_len = call->beginning_len;
	}
	if (call->conn != NULL)
		client_conn_release(call->conn,
		    call->whole && call->framed && call->all_sent);
	call->conn = NULL;
	event_del(call->deadline);
	call->done(&answer, call->arg);
	call_free(call);
}

/* There will be no answer; whether it was sent tells which end this is. */
static void __attribute__((format(printf, 2, 3)))
call_fail(struct http_client_call *call, const char *format, ...)
{
	char reason[HANDLER_REASON_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	call_finish(call,
	    call->conn != NULL && client_conn_has_sent(call->conn)
		? HTTP_CLIENT_UNKNOWN
		: HTTP_CLIENT_NOT_SENT,
	    reason);
}

/* The deadline has passed: what was being waited for? */
static void
call_fail_late(struct http_client_call *call)
{
	const char *host = call->hc->url.host;
	char limit[32];

	if (call->timeout_ms % 1000 == 0)
		snprintf(limit, sizeof(limit), "%" PRId64 "s",
		    call->timeout_ms / 1000);
	else
		snprintf(limit, sizeof(limit), "%" PRId64 "ms",
		    call->timeout_ms);
	if (call->conn == NULL)
		call_fail(call, "no name server answered for %s within %s",
		    host, limit);
	else if (!call->connected && client_conn_shakes(call->conn))
		call_fail(call, "TLS handshake with %s not done within %s",
		    call->peer, limit);
	else if (!call->connected)
		call_fail(call, "no connection to %s within %s", call->peer,
		    limit);
	else if (call->received > 0)
		call_fail(call, "no complete answer within %s", limit);
	else if (!call->all_sent)
		call_fail(call, "%s did not take the request within %s",
		    call->peer, limit);
	else
		call_fail(call, "no answer within %s", limit);
}

/* -- Its way there -- */

static void
call_drop_conn(struct http_client_call *call)
{
	client_conn_free(call->conn);
	call->conn = NULL;
	call->connected = false;
	call->lost = false;
	call->garbage = false;
	call->received = 0;
}

/* Connect to the address that is next. Returns 0, or -1: out of memory. */
static int
call_connect(struct http_client_call *call)
{
	const struct evutil_addrinfo *addr = call->next_addr;

	call->next_addr = addr->ai_next;
	call->conn = client_conn_new(call->hc, addr->ai_addr,
	    (unsigned)addr->ai_addrlen);
	if (call->conn == NULL)
		return (-1);
	return (client_conn_send(call->conn, call));
}

/* Begin on a connection kept from before, or look up where to make one. */
static int
call_begin(struct http_client_call *call)
{
	if ((call->conn = client_conn_take(call->hc)) != NULL) {
		call->kept = true;
		call->connected = true;
		return (client_conn_send(call->conn, call));
	}
	return (client_lookup_start(call));
}

/* The connection was lost, and there is no other way: why? */
static void
call_fail_lost(struct http_client_call *call)
{
	const char *why = client_conn_failure(call->conn);
	int error = call->error;

	if (call->garbage)
		call_fail(call, "what answered is not HTTP");
	else if (call->connected)
		call_fail(call, "the connection was lost before the answer%s%s",
		    why == NULL ? "" : ": ", why == NULL ? "" : why);
	else if (why != NULL)
		call_fail(call, "no TLS with %s: %s", call->peer, why);
	else if (error == ECONNREFUSED)
		call_fail(call, "connection refused by %s", call->peer);
	else
		call_fail(call, "no connection to %s: %s", call->peer,
		    evutil_socket_error_to_string(error));
}

/* The connection was lost: is there another way? */
static void
call_reroute(struct http_client_call *call)
{
	int rc;

	if (!call->connected && client_conn_failure(call->conn) == NULL &&
	    call->next_addr != NULL) {
		call_drop_conn(call);
		rc = call_connect(call);
	} else if (call->kept && !client_conn_has_sent(call->conn) &&
		   call->received == 0) {
		call_drop_conn(call);
		call->kept = false;
		rc = client_lookup_start(call);
	} else {
		call_fail_lost(call);
		return;
	}
	if (rc == -1)
		call_fail(call, "out of memory");
}

/* Do what the facts ask for. */
static void
client_pump(struct http_client_call *call)
{
	bool flooded = call->received > HTTP_CLIENT_READ_MAX;

	if (call->whole ||
	    (call->status != 0 && (call->lost || call->late || flooded)))
		call_finish(call, HTTP_CLIENT_ANSWERED, NULL);
	else if (call->late)
		call_fail_late(call);
	else if (flooded)
		call_fail(call, "what answered is not HTTP");
	else if (call->lookup_failure != NULL)
		call_fail(call, "%s: %s", call->lookup_failure,
		    call->hc->url.host);
	else if (call->lost)
		call_reroute(call);
	else if (call->conn == NULL && call->next_addr != NULL &&
		 call_connect(call) == -1)
		call_fail(call, "out of memory");
}

/* event: there is a new fact. */
static void
client_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_client_call *call = arg;

	(void)fd;
	(void)what;
	client_pump(call);
}

/* evtimer: the time for all of it is over. */
static void
client_deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_client_call *call = arg;

	(void)fd;
	(void)what;
	call->late = true;
	client_pump(call);
}

/* -- Its beginning -- */

/* Copy one "Name: value". Returns 0, or -1. */
static int
call_add_header(struct http_client_call *call, const char *line)
{
	const char *colon = strchr(line, ':');
	char name[HEADER_MAX];

	if (colon == NULL || (size_t)(colon - line) >= sizeof(name))
		return (-1);
	memcpy(name, line, (size_t)(colon - line));
	name[colon - line] = '\0';
	return (evhttp_add_header(&call->headers, name,
	    colon + 1 + strspn(colon + 1, " \t")));
}

/* Copy the request into the call. Returns 0, or -1 when out of memory. */
static int
call_fill(struct http_client_call *call, const struct http_client_request *req)
{
	for (size_t i = 0; i < req->nheaders; i++) {
		if (call_add_header(call, req->headers[i]) == -1)
			return (-1);
	}
	if (evhttp_find_header(&call->headers, "Host") == NULL &&
	    evhttp_add_header(&call->headers, "Host", call->hc->authority) ==
		-1)
		return (-1);
	call->body_len = req->body_len;
	call->timeout_ms = req->timeout_ms;
	if ((call->body = malloc(req->body_len + 1)) == NULL)
		return (-1);
	memcpy(call->body, req->body, req->body_len);
	return (0);
}

struct http_client_call *
http_client_post(struct http_client *hc, const struct http_client_request *req,
    http_client_fn *done, void *arg)
{
	const struct timeval limit = {
		.tv_sec = (time_t)(req->timeout_ms / 1000),
		.tv_usec = (suseconds_t)(req->timeout_ms % 1000 * 1000),
	};
	struct event_base *base = hc->env->base;
	struct http_client_call *call;

	if ((call = calloc(1, sizeof(*call))) == NULL)
		return (NULL);
	call->hc = hc;
	call->done = done;
	call->arg = arg;
	TAILQ_INIT(&call->headers);
	if (call_fill(call, req) == -1 ||
	    (call->kick = event_new(base, -1, 0, client_kick_cb, call)) ==
		NULL ||
	    (call->deadline = evtimer_new(base, client_deadline_cb, call)) ==
		NULL ||
	    evtimer_add(call->deadline, &limit) == -1 ||
	    call_begin(call) == -1) {
		http_client_cancel(call);
		return (NULL);
	}
	return (call);
}

void
http_client_cancel(struct http_client_call *call)
{
	if (call->conn != NULL)
		client_conn_free(call->conn);
	call_free(call);
}
