/*
 * A call goes through look-up, connect, TLS handshake, send, answer. What
 * happens is only recorded, here and in http_client_conn.c; client_pump() runs
 * from the loop and decides. So it may free connections, and done() never runs
 * before http_client_post() has returned.
 *
 * No part may use up the time of the whole: a third is for the look-up, two
 * are for all that comes before the request, and what hangs at one address is
 * tried at another. So an answer has a third at least, and a request that
 * could not be answered in time is not sent at all.
 */
#include "handlers/net/http_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/util.h>

#include "handlers/net/http_client_head.h"
#include "handlers/net/http_client_private.h"
#include "handlers/net/net_clock.h"
#include "store/base/timeval.h"

#define PATIENCE_MAX_MS 250 /* with one address (RFC 8305, section 8) */

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
	hc->max_idle = max_idle;
	LIST_INIT(&hc->idle);
	LIST_INIT(&hc->dead);
	hc->url.tls = url->tls;
	hc->url.port = url->port;
	if ((hc->url.host = strdup(url->host)) == NULL ||
	    (hc->url.path = strdup(url->path)) == NULL ||
	    (hc->authority = client_authority(url)) == NULL ||
	    (hc->dialer = dialer_new(env->base, env->resolver, url->host,
		 url->port)) == NULL ||
	    (hc->reap = event_new(env->base, -1, 0, client_reap_cb, hc)) ==
		NULL) {
		http_client_free(hc);
		return (NULL);
	}
	hc->kind = (struct conn_kind){ .env = env,
		.tls = tls,
		.host = hc->url.host,
		.port = url->port,
		.calls = &client_conn_calls };
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
	dialer_free(hc->dialer);
	http_client_url_fini(&hc->url);
	free(hc->authority);
	free(hc);
}

/* -- The end of a call -- */

static void
timer_free(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

/* Free all but the connection. */
static void
call_free(struct http_client_call *call)
{
	if (call->dial != NULL)
		dial_cancel(call->dial);
	timer_free(call->kick);
	timer_free(call->deadline);
	timer_free(call->way);
	timer_free(call->shake);
	if (call->request != NULL)
		evbuffer_free(call->request);
	free(call);
}

/* Hand over what there is of an answer, or why there is none. */
static void
call_finish(struct http_client_call *call, enum http_client_end end,
    const char *reason)
{
	struct http_client_answer answer = { .end = end, .reason = reason };
	const struct handler_env *env = call->hc->env;
	const struct answer *a = &call->answer;
	int64_t now_ms;

	if (end == HTTP_CLIENT_ANSWERED) {
		now_ms = env->now_ms(env->arg);
		answer.status = a->status;
		answer.date_ms = client_head_date(a->date, now_ms);
		/* A date in it is of that clock, and ours may be wrong. */
		answer.retry_after_ms = client_head_wait(a->retry_after,
		    answer.date_ms != 0 ? answer.date_ms : now_ms);
		if (a->location[0] != '\0')
			answer.location = a->location;
		if (a->wanted[0] != '\0')
			answer.wanted = a->wanted;
		answer.body = answer_body(a);
		answer.body_len = a->body_len;
		answer.whole = a->state == ANSWER_WHOLE && !a->wanted_cut;
	}
	if (call->conn != NULL)
		client_conn_release(call->conn,
		    client_conn_all_sent(call->conn) && answer_keeps(a));
	call->conn = NULL;
	if (call->dial != NULL) /* done() may free the client */
		dial_cancel(call->dial);
	call->dial = NULL;
	call->done(&answer, call->arg);
	call_free(call);
}

/* There will be no answer; which end this is depends on whether it was sent. */
static void __attribute__((format(printf, 2, 3)))
call_fail(struct http_client_call *call, const char *format, ...)
{
	char reason[HANDLER_REASON_MAX];
	bool sent = false;
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	if (call->conn != NULL) {
		/* The next call begins elsewhere, if there is anywhere else. */
		sent = client_conn_has_sent(call->conn);
		dialer_blame(call->hc->dialer, call->peer);
		client_conn_drop_idle(call->hc, call->peer);
	}
	call_finish(call, sent ? HTTP_CLIENT_UNKNOWN : HTTP_CLIENT_NOT_SENT,
	    reason);
}

/* The time of a call for what comes before its request. */
static int64_t
way_ms(const struct http_client_call *call)
{
	return (2 * call->limits.timeout_ms / 3);
}

/* It cannot be sent in time: what was being waited for? */
static void
call_fail_way(struct http_client_call *call)
{
	char limit[NET_CLOCK_TEXT_MAX];

	net_clock_text(way_ms(call), limit);
	if (call->conn != NULL)
		call_fail(call, "TLS handshake with %s not done within %s",
		    call->peer, limit);
	else if (call->dial != NULL && dial_peer(call->dial) != NULL)
		call_fail(call, "no connection to %s within %s",
		    dial_peer(call->dial), limit);
	else
		call_fail(call, "no name server answered for %s within %s",
		    call->hc->url.host, limit);
}

/* The deadline has passed: what was being waited for? */
static void
call_fail_late(struct http_client_call *call)
{
	char limit[NET_CLOCK_TEXT_MAX];

	net_clock_text(call->limits.silence_ms != 0 ? call->limits.silence_ms
						    : call->limits.timeout_ms,
	    limit);
	if (!call->connected)
		call_fail_way(call);
	else if (call->received > 0 && call->limits.silence_ms != 0)
		call_fail(call, "the answer stopped for %s", limit);
	else if (call->received > 0)
		call_fail(call, "no complete answer within %s", limit);
	else if (!client_conn_all_sent(call->conn))
		call_fail(call, "%s did not take the request within %s",
		    call->peer, limit);
	else
		call_fail(call, "no answer within %s", limit);
}

/* -- Its way there -- */

static void
timer_arm(struct event *timer, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	(void)evtimer_add(timer, &tv);
}

static void
call_drop_conn(struct http_client_call *call)
{
	client_conn_free(call->conn);
	call->conn = NULL;
	call->kept = false;
	call->connected = false;
	call->lost = false;
	call->shake_late = false;
	call->received = 0;
	call->answer = (struct answer){ .room = call->answer.room,
		.room_size = call->answer.room_size,
		.want = call->answer.want };
	(void)evtimer_del(call->shake);
}

/* dial_fn */
static void
call_dialed_cb(const struct dial_end *end, void *arg)
{
	struct http_client_call *call = arg;
	struct http_client *hc = call->hc;

	call->dial = NULL;
	call->ndials++;
	call->addresses = end->addresses;
	event_active(call->kick, EV_READ, 0);
	if (end->reason != NULL) {
		snprintf(call->dial_failure, sizeof(call->dial_failure), "%s",
		    end->reason);
		return;
	}
	call->conn = client_conn_new(hc, end->fd, end->peer);
	if (call->conn == NULL || client_conn_send(call->conn, call) == -1)
		snprintf(call->dial_failure, sizeof(call->dial_failure),
		    "out of memory");
	else if (hc->kind.tls != NULL)
		timer_arm(call->shake, call->limits.timeout_ms / 3);
}

/* Look up and connect. Returns 0, or -1 when out of memory. */
static int
call_dial(struct http_client_call *call)
{
	int64_t patience_ms = call->limits.timeout_ms / 12;

	call->dial = dial_start(call->hc->dialer, call->limits.timeout_ms / 3,
	    patience_ms < PATIENCE_MAX_MS ? patience_ms : PATIENCE_MAX_MS,
	    call_dialed_cb, call);
	return (call->dial == NULL ? -1 : 0);
}

/* Begin on a connection kept from before, or make one. */
static int
call_begin(struct http_client_call *call)
{
	timer_arm(call->deadline, call->limits.timeout_ms);
	timer_arm(call->way, way_ms(call));
	if ((call->conn = client_conn_take(call->hc)) == NULL)
		return (call_dial(call));
	call->kept = true;
	return (client_conn_send(call->conn, call));
}

/* The connection was lost, and there is no other way: why? */
static void
call_fail_lost(struct http_client_call *call)
{
	const char *why =
	    client_conn_failure(call->conn, call->connected ? 0 : call->error);

	if (call->connected)
		call_fail(call, "the connection was lost before the answer%s%s",
		    why == NULL ? "" : ": ", why == NULL ? "" : why);
	else
		call_fail(call, "no TLS with %s: %s", call->peer,
		    why == NULL ? "it closed the connection" : why);
}

/* Connect anew: nothing of the request has been taken. */
static void
call_redial(struct http_client_call *call)
{
	call_drop_conn(call);
	if (call_dial(call) == -1)
		call_fail(call, "out of memory");
}

/* The connection was lost: is there another way? */
static void
call_reroute(struct http_client_call *call)
{
	if (call->kept && !client_conn_has_sent(call->conn) &&
	    call->received == 0)
		call_redial(call);
	else
		call_fail_lost(call);
}

/* TLS hangs at this address: is there another? Else it has more time. */
static void
call_try_elsewhere(struct http_client_call *call)
{
	call->shake_late = false;
	if (call->ndials >= call->addresses)
		return;
	dialer_blame(call->hc->dialer, call->peer);
	call_redial(call);
}

/* Do what the facts ask for. */
static void
client_pump(struct http_client_call *call)
{
	bool flooded = call->received > call->limits.read_max;

	if (call->answer.status != 0 && (call->lost || call->late || flooded ||
					    answer_is_over(&call->answer)))
		call_finish(call, HTTP_CLIENT_ANSWERED, NULL);
	else if (flooded || call->answer.state == ANSWER_NOT_HTTP)
		call_fail(call, "what answered is not HTTP");
	else if (call->late)
		call_fail_late(call);
	else if (call->dial_failure[0] != '\0')
		call_fail(call, "%s", call->dial_failure);
	else if (call->lost)
		call_reroute(call);
	else if (call->connected)
		(void)evtimer_del(call->way);
	else if (call->kept)
		client_conn_send_kept(call->conn);
	else if (call->way_late)
		call_fail_way(call);
	else if (call->shake_late)
		call_try_elsewhere(call);
}

/* event: there is a new fact. */
static void
client_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_pump(arg);
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

/* evtimer: the time until it can be sent is over. */
static void
client_way_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_client_call *call = arg;

	(void)fd;
	(void)what;
	call->way_late = true;
	client_pump(call);
}

/* evtimer: the time for TLS at this address is over. */
static void
client_shake_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_client_call *call = arg;

	(void)fd;
	(void)what;
	call->shake_late = true;
	client_pump(call);
}

/* -- Its beginning -- */

/* A header's line as it goes out. Returns 0, or -1. */
static int
call_add_header(struct evbuffer *out, const char *line)
{
	const char *colon = strchr(line, ':');

	if (colon == NULL || strpbrk(line, "\r\n") != NULL)
		return (-1);
	return (evbuffer_add_printf(out, "%.*s: %s\r\n", (int)(colon - line),
		    line, colon + 1 + strspn(colon + 1, " \t")) == -1
		    ? -1
		    : 0);
}

/* Copy the request into the call. Returns 0, or -1 when out of memory. */
static int
call_fill(struct http_client_call *call, const struct http_client_request *req)
{
	static const char *const methods[] = { [HTTP_CLIENT_POST] = "POST",
		[HTTP_CLIENT_PUT] = "PUT",
		[HTTP_CLIENT_PATCH] = "PATCH",
		[HTTP_CLIENT_GET] = "GET" };
	const struct http_client *hc = call->hc;
	const char *target = req->target != NULL ? req->target : hc->url.path;
	struct evbuffer *out;
	bool host = false;

	if (target[strcspn(target, " \t\r\n")] != '\0' ||
	    (out = call->request = evbuffer_new()) == NULL ||
	    evbuffer_add_printf(out, "%s %s HTTP/1.1\r\n", methods[req->method],
		target) == -1)
		return (-1);
	for (size_t i = 0; i < req->nheaders; i++) {
		if (call_add_header(out, req->headers[i]) == -1)
			return (-1);
		host = host || strncasecmp(req->headers[i], "Host:", 5) == 0;
	}
	if (!host &&
	    evbuffer_add_printf(out, "Host: %s\r\n", hc->authority) == -1)
		return (-1);
	if (req->method == HTTP_CLIENT_GET)
		return (evbuffer_add(out, "\r\n", 2));
	if (evbuffer_add_printf(out, "Content-Length: %zu\r\n\r\n",
		req->body_len) == -1)
		return (-1);
	return (req->body_len == 0
		    ? 0
		    : evbuffer_add(out, req->body, req->body_len));
}

struct http_client_call *
http_client_post(struct http_client *hc, const struct http_client_request *req,
    http_client_fn *done, void *arg)
{
	struct event_base *base = hc->env->base;
	struct http_client_call *call;

	if ((call = calloc(1, sizeof(*call))) == NULL)
		return (NULL);
	call->hc = hc;
	call->done = done;
	call->arg = arg;
	call->limits.timeout_ms = req->timeout_ms;
	call->limits.silence_ms = req->silence_ms;
	call->limits.read_max =
	    req->read_max != 0 ? req->read_max : HTTP_CLIENT_READ_MAX;
	call->may_send = req->may_send;
	call->answer.room = req->room;
	call->answer.room_size = req->room_size;
	call->answer.want = req->want;
	if (call_fill(call, req) == -1 ||
	    (call->kick = event_new(base, -1, 0, client_kick_cb, call)) ==
		NULL ||
	    (call->deadline = evtimer_new(base, client_deadline_cb, call)) ==
		NULL ||
	    (call->way = evtimer_new(base, client_way_cb, call)) == NULL ||
	    (call->shake = evtimer_new(base, client_shake_cb, call)) == NULL ||
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
