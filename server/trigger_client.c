#include "server/trigger_client.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "server/clock.h"
#include "server/log.h"

#define DEFAULT_PATH "/webhooks/klikit"
#define DEFAULT_PORT 80

struct trigger_client {
	struct event_base *base;
	struct evhttp_connection *conn;
	struct event *timer; /* the limit of the request under way */
	struct evhttp_uri *uri;
	char *target; /* path and query */
	char *host;   /* for the Host header */

	/* Of the request under way. */
	struct trigger_answer *answer;
	int64_t started_us;
	bool answered;
	const char *failure;
};

static int
fail(char *reason, const char *text, const char *url)
{
	(void)snprintf(reason, TRIGGER_CLIENT_REASON_MAX, "%s: %s",
	    log_text(url), text);
	return (-1);
}

/* Take the URL apart. */
static int
read_url(struct trigger_client *tc, const char *url, char *reason)
{
	const char *scheme, *path, *query;
	int port;

	if ((tc->uri = evhttp_uri_parse(url)) == NULL ||
	    evhttp_uri_get_host(tc->uri) == NULL ||
	    evhttp_uri_get_host(tc->uri)[0] == '\0')
		return (fail(reason, "is not http://HOST:PORT/PATH", url));
	scheme = evhttp_uri_get_scheme(tc->uri);
	if (scheme == NULL || strcmp(scheme, "http") != 0)
		return (fail(reason, "only http:// can be used here", url));
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
		port = DEFAULT_PORT;
	if (asprintf(&tc->host, "%s:%d", evhttp_uri_get_host(tc->uri), port) ==
	    -1)
		tc->host = NULL;
	if (tc->target == NULL || tc->host == NULL)
		return (fail(reason, "out of memory", url));
	return (0);
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

struct trigger_client *
trigger_client_new(const char *url, char reason[TRIGGER_CLIENT_REASON_MAX])
{
	struct trigger_client *tc;
	char *host = NULL;
	int port;

	(void)fail(reason, "out of memory", url);
	if ((tc = calloc(1, sizeof(*tc))) == NULL)
		return (NULL);
	if (read_url(tc, url, reason) == -1)
		goto fail;
	port = evhttp_uri_get_port(tc->uri);
	if ((host = bare_host(tc->uri)) == NULL ||
	    (tc->base = event_base_new()) == NULL ||
	    (tc->timer = evtimer_new(tc->base, trigger_timer_cb, tc)) == NULL ||
	    (tc->conn = evhttp_connection_base_bufferevent_new(tc->base, NULL,
		 NULL, host,
		 (unsigned short)(port == -1 ? DEFAULT_PORT : port))) == NULL)
		goto fail;
	/* A peer that closes first must not end us. */
	(void)signal(SIGPIPE, SIG_IGN);
	free(host);
	return (tc);
fail:
	free(host);
	trigger_client_free(tc);
	return (NULL);
}

void
trigger_client_free(struct trigger_client *tc)
{
	if (tc == NULL)
		return;
	if (tc->conn != NULL)
		evhttp_connection_free(tc->conn);
	if (tc->timer != NULL)
		event_free(tc->timer);
	if (tc->base != NULL)
		event_base_free(tc->base);
	if (tc->uri != NULL)
		evhttp_uri_free(tc->uri);
	free(tc->target);
	free(tc->host);
	free(tc);
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
	}
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
	if (rc == 0)
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
	req = make_request(tc, headers, body, body_len);
	if (req == NULL)
		return (fail(reason, "out of memory", tc->host));
	tc->started_us = clock_mono_us();
	/* From here on the request is the connection's. */
	if (evhttp_make_request(tc->conn, req, EVHTTP_REQ_POST, tc->target) ==
	    -1)
		return (fail(reason, tc->failure, tc->host));
	if (evtimer_add(tc->timer, &limit) == -1)
		return (fail(reason, "out of memory", tc->host));
	(void)event_base_dispatch(tc->base);
	(void)evtimer_del(tc->timer);
	if (tc->answered)
		return (0);
	return (fail(reason, tc->failure, tc->host));
}
