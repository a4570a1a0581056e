#include "server/cli/trigger_client.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/tls/tls.h"

#define DEFAULT_PATH "/webhooks/klikit"
#define DEFAULT_PORT 80
#define DEFAULT_TLS_PORT 443
#define HANDSHAKE_MS 10000

struct trigger_client {
	struct event_base *base;
	struct evhttp_connection *conn; /* NULL: to be made */
	bool closed;                    /* it is of no more use */
	struct event *timer;            /* the limit of the request under way */
	struct evhttp_uri *uri;
	char *target; /* path and query */
	char *host;   /* for the Host header */
	char *name;   /* the same without port and brackets */
	unsigned short port;
	struct tls_context *tls; /* NULL: plain http */
	struct tls_engine *engine;

	/* Of the request under way. */
	struct trigger_answer *answer;
	int64_t started_us;
	bool answered;
	const char *failure;
	char tls_failure[TLS_REASON_MAX]; /* what failure may point to */
};

static int
fail(char *reason, const char *text, const char *url)
{
	(void)snprintf(reason, TRIGGER_CLIENT_REASON_MAX, "%s: %s",
	    log_text(url), text);
	return (-1);
}

/* The host without the brackets of an IPv6 address; owned by the caller. */
static char *
bare_host(const struct evhttp_uri *uri)
{
	const char *host = evhttp_uri_get_host(uri);
	size_t len = strlen(host);

	if (len > 2 && host[0] == '[' && host[len - 1] == ']')
		return (strndup(host + 1, len - 2));
	return (strdup(host));
}

/* Take the URL apart. */
static int
read_url(struct trigger_client *tc, const char *url, char *reason)
{
	const char *scheme, *path, *query;
	bool tls;
	int port;

	if ((tc->uri = evhttp_uri_parse(url)) == NULL ||
	    evhttp_uri_get_host(tc->uri) == NULL ||
	    evhttp_uri_get_host(tc->uri)[0] == '\0')
		return (fail(reason, "is not http://HOST:PORT/PATH", url));
	scheme = evhttp_uri_get_scheme(tc->uri);
	tls = scheme != NULL && strcmp(scheme, "https") == 0;
	if (!tls && (scheme == NULL || strcmp(scheme, "http") != 0))
		return (fail(reason,
		    "only http:// and https:// can be used "
		    "here",
		    url));
	if (evhttp_uri_get_userinfo(tc->uri) != NULL)
		return (fail(reason, "a user name has no use here", url));
	path = evhttp_uri_get_path(tc->uri);
	query = evhttp_uri_get_query(tc->uri);
	if (path == NULL || path[0] == '\0')
		path = DEFAULT_PATH;
	if (asprintf(&tc->target, "%s%s%s", path, query == NULL ? "" : "?",
		query == NULL ? "" : query) == -1)
		tc->target = NULL;
	port = evhttp_uri_get_port(tc->uri);
	if (port == -1)
		port = tls ? DEFAULT_TLS_PORT : DEFAULT_PORT;
	tc->port = (unsigned short)port;
	if (asprintf(&tc->host, "%s:%d", evhttp_uri_get_host(tc->uri), port) ==
	    -1)
		tc->host = NULL;
	tc->name = bare_host(tc->uri);
	if (tc->target == NULL || tc->host == NULL || tc->name == NULL)
		return (fail(reason, "out of memory", url));
	return (0);
}

/* evtimer: the whole request took too long. */
static void
trigger_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct trigger_client *tc = arg;

	(void)fd;
	(void)what;
	tc->failure = "no answer in time";
	event_base_loopbreak(tc->base);
}

/* Who may vouch for the far side, if it is to be called by TLS. */
static int
open_tls(struct trigger_client *tc, const struct trigger_trust *trust,
    char *reason)
{
	const struct tls_client_options opt = {
		.ca_file = trust == NULL ? NULL : trust->ca_file,
		.peer = trust == NULL ? NULL : trust->peer,
	};
	const struct tls_engine_options engine = { .handshake_timeout_ms =
						       HANDSHAKE_MS };
	char why[TLS_REASON_MAX];

	if (strcmp(evhttp_uri_get_scheme(tc->uri), "https") != 0)
		return (0);
	if ((tc->tls = tls_client_new(&opt, why)) == NULL) {
		(void)snprintf(reason, TRIGGER_CLIENT_REASON_MAX, "%s", why);
		return (-1);
	}
	if ((tc->engine = tls_engine_new(tc->base, &engine)) == NULL)
		return (fail(reason, "out of memory", tc->host));
	return (0);
}

struct trigger_client *
trigger_client_new(const char *url, const struct trigger_trust *trust,
    char reason[TRIGGER_CLIENT_REASON_MAX])
{
	struct trigger_client *tc;

	(void)fail(reason, "out of memory", url);
	if ((tc = calloc(1, sizeof(*tc))) == NULL)
		return (NULL);
	if (read_url(tc, url, reason) == -1 ||
	    (tc->base = event_base_new()) == NULL ||
	    (tc->timer = evtimer_new(tc->base, trigger_timer_cb, tc)) == NULL ||
	    open_tls(tc, trust, reason) == -1) {
		trigger_client_free(tc);
		return (NULL);
	}
	/* A peer that closes first must not end us. */
	(void)signal(SIGPIPE, SIG_IGN);
	return (tc);
}

static void
disconnect(struct trigger_client *tc)
{
	if (tc->conn == NULL)
		return;
	tls_close(evhttp_connection_get_bufferevent(tc->conn));
	evhttp_connection_free(tc->conn);
	tc->conn = NULL;
}

void
trigger_client_free(struct trigger_client *tc)
{
	if (tc == NULL)
		return;
	disconnect(tc);
	tls_engine_free(tc->engine);
	tls_context_unref(tc->tls);
	if (tc->timer != NULL)
		event_free(tc->timer);
	if (tc->base != NULL)
		event_base_free(tc->base);
	if (tc->uri != NULL)
		evhttp_uri_free(tc->uri);
	free(tc->target);
	free(tc->host);
	free(tc->name);
	free(tc);
}

/* evhttp: the far side has closed the connection. */
static void
trigger_close_cb(struct evhttp_connection *conn, void *arg)
{
	struct trigger_client *tc = arg;

	(void)conn;
	tc->closed = true;
}

/* A connection, the one of the last post if it is still of use. */
static int
connect_client(struct trigger_client *tc)
{
	struct bufferevent *bev = NULL;

	/* Has the far side closed it since the last answer? */
	if (tc->conn != NULL && !tc->closed)
		(void)event_base_loop(tc->base, EVLOOP_NONBLOCK);
	if (tc->conn != NULL && !tc->closed)
		return (0);
	disconnect(tc);
	tc->closed = false;
	if (tc->tls != NULL &&
	    (bev = tls_bufferevent_new(tc->engine, tc->tls, tc->name)) == NULL)
		return (-1);
	tc->conn = evhttp_connection_base_bufferevent_new(tc->base, NULL, bev,
	    tc->name, tc->port);
	if (tc->conn == NULL) {
		if (bev != NULL)
			bufferevent_free(bev);
		return (-1);
	}
	evhttp_connection_set_closecb(tc->conn, trigger_close_cb, tc);
	return (0);
}

/* Why TLS failed, if it did; kept, since the connection will be gone. */
static void
note_tls_failure(struct trigger_client *tc)
{
	const char *why =
	    tls_reason(evhttp_connection_get_bufferevent(tc->conn));

	if (why == NULL)
		return;
	(void)snprintf(tc->tls_failure, sizeof(tc->tls_failure), "%s", why);
	tc->failure = tc->tls_failure;
}

/* evhttp: the answer is whole, or (without one) the request has failed. */
static void
trigger_answer_cb(struct evhttp_request *req, void *arg)
{
	struct trigger_client *tc = arg;
	struct trigger_answer *answer = tc->answer;
	ev_ssize_t n;

	if (req != NULL && evhttp_request_get_response_code(req) != 0) {
		answer->latency_us = clock_mono_us() - tc->started_us;
		answer->status = evhttp_request_get_response_code(req);
		n = evbuffer_copyout(evhttp_request_get_input_buffer(req),
		    answer->text, sizeof(answer->text) - 1);
		answer->text[n < 0 ? 0 : n] = '\0';
		tc->answered = true;
		/* HTTP/1.0 closes, whether it says so or not. */
		tc->closed |= req->major == 1 && req->minor == 0;
	} else
		note_tls_failure(tc);
	event_base_loopbreak(tc->base);
}

/* evhttp: why a request fails, before trigger_answer_cb(). */
static void
trigger_error_cb(enum evhttp_request_error error, void *arg)
{
	struct trigger_client *tc = arg;

	switch (error) {
	case EVREQ_HTTP_TIMEOUT:
		tc->failure = "no answer in time";
		break;
	case EVREQ_HTTP_EOF:
		tc->failure = "the connection was closed without an answer";
		break;
	case EVREQ_HTTP_INVALID_HEADER:
		tc->failure = "the answer is not HTTP";
		break;
	case EVREQ_HTTP_BUFFER_ERROR:
	case EVREQ_HTTP_REQUEST_CANCEL:
	case EVREQ_HTTP_DATA_TOO_LONG:
		tc->failure = "the answer could not be read";
		break;
	}
}

static struct evhttp_request *
make_request(struct trigger_client *tc, const struct trigger_header *headers,
    const void *body, size_t body_len)
{
	struct evhttp_request *req;
	struct evkeyvalq *out;
	int rc;

	if ((req = evhttp_request_new(trigger_answer_cb, tc)) == NULL)
		return (NULL);
	evhttp_request_set_error_cb(req, trigger_error_cb);
	out = evhttp_request_get_output_headers(req);
	rc = evhttp_add_header(out, "Host", tc->host);
	for (; rc == 0 && headers->name != NULL; headers++)
		rc = evhttp_add_header(out, headers->name, headers->value);
	if (rc == 0 && body != NULL)
		rc = evbuffer_add(evhttp_request_get_output_buffer(req), body,
		    body_len);
	if (rc == 0)
		return (req);
	evhttp_request_free(req);
	return (NULL);
}

int
trigger_client_post(struct trigger_client *tc,
    const struct trigger_header *headers, const void *body, size_t body_len,
    int timeout_s, struct trigger_answer *ret_answer,
    char reason[TRIGGER_CLIENT_REASON_MAX])
{
	struct timeval limit = { timeout_s, 0 };
	struct evhttp_request *req;

	tc->answer = ret_answer;
	tc->answered = false;
	tc->failure = "cannot connect; is klikitd listening there?";
	if (connect_client(tc) == -1 ||
	    (req = make_request(tc, headers, body, body_len)) == NULL)
		return (fail(reason, "out of memory", tc->host));
	tc->started_us = clock_mono_us();
	/* From here on the request is the connection's. */
	if (evhttp_make_request(tc->conn, req,
		body == NULL ? EVHTTP_REQ_GET : EVHTTP_REQ_POST,
		tc->target) == -1)
		return (fail(reason, tc->failure, tc->host));
	if (evtimer_add(tc->timer, &limit) == -1)
		return (fail(reason, "out of memory", tc->host));
	(void)event_base_dispatch(tc->base);
	(void)evtimer_del(tc->timer);
	if (tc->answered)
		return (0);
	tc->closed = true;
	return (fail(reason, tc->failure, tc->host));
}
