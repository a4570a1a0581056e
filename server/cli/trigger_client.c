#include "server/cli/trigger_client.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/net/http_client.h"
#include "handlers/net/resolver.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/tls/tls.h"
#include "server/tls/tls_env.h"

#define DEFAULT_PATH "/webhooks/klikit"
#define HANDSHAKE_MS 60000 /* the limit of a request ends it before */
#define HEADERS_MAX 8

struct trigger_client {
	struct event_base *base;
	struct resolver *resolver;
	struct tls_engine *engine;
	struct tls_context *tls; /* NULL: plain http */
	struct handler_env env;
	struct http_client *http;
	char *host; /* HOST:PORT, for messages */

	/* Of the request under way. */
	struct trigger_answer *answer;
	int64_t started_us;
	bool over;
	enum http_client_end end;
	char failure[HANDLER_REASON_MAX];
};

static int
fail(char *reason, const char *text, const char *url)
{
	(void)snprintf(reason, TRIGGER_CLIENT_REASON_MAX, "%s: %s",
	    log_text(url), text);
	return (-1);
}

/* Take the URL apart; it has a path by default. */
static int
read_url(const char *text, struct http_client_url *ret_url, char *reason)
{
	const char *scheme = strstr(text, "://");
	const char *end = scheme == NULL ? "/" : scheme + 3;
	char why[HANDLER_REASON_MAX], *whole;
	int rc;

	end += strcspn(end, "/?#");
	if (*end == '/')
		whole = strdup(text);
	else if (asprintf(&whole, "%.*s%s%s", (int)(end - text), text,
		     DEFAULT_PATH, end) == -1)
		whole = NULL;
	if (whole == NULL)
		return (fail(reason, "out of memory", text));
	if ((rc = http_client_url_parse(whole, ret_url, why)) == -1)
		(void)fail(reason, why, text);
	free(whole);
	if (rc == -1 || strcmp(ret_url->host, "*") != 0)
		return (rc);
	/* Who listens on every address listens on this one. */
	free(ret_url->host);
	if ((ret_url->host = strdup("127.0.0.1")) != NULL)
		return (0);
	http_client_url_fini(ret_url);
	return (fail(reason, "out of memory", text));
}

/* Who may vouch for the far side. */
static int
open_tls(struct trigger_client *tc, const struct trigger_trust *trust,
    char *reason)
{
	const struct tls_client_options opt = {
		.ca_file = trust == NULL ? NULL : trust->ca_file,
		.peer = trust == NULL ? NULL : trust->peer,
	};
	char why[TLS_REASON_MAX];

	if ((tc->tls = tls_client_new(&opt, why)) != NULL)
		return (0);
	(void)snprintf(reason, TRIGGER_CLIENT_REASON_MAX, "%s", why);
	return (-1);
}

/* All that a client needs. Returns 0; -1 when out of memory. */
static int
open_http(struct trigger_client *tc, const struct http_client_url *url)
{
	const struct tls_engine_options engine = { .handshake_timeout_ms =
						       HANDSHAKE_MS };
	bool v6 = strchr(url->host, ':') != NULL;

	if (asprintf(&tc->host, v6 ? "[%s]:%u" : "%s:%u", url->host,
		url->port) == -1)
		tc->host = NULL;
	if (tc->host == NULL || (tc->base = event_base_new()) == NULL ||
	    (tc->engine = tls_engine_new(tc->base, &engine)) == NULL ||
	    (tc->resolver = resolver_new(tc->base, "/etc/resolv.conf",
		 "/etc/hosts")) == NULL)
		return (-1);
	tls_env_set(&tc->env, tc->engine);
	tc->env.resolver = tc->resolver;
	tc->http = http_client_new(&tc->env, url,
	    tc->tls == NULL ? NULL : tls_env_context(tc->tls), 1);
	return (tc->http == NULL ? -1 : 0);
}

struct trigger_client *
trigger_client_new(const char *url, const struct trigger_trust *trust,
    char reason[TRIGGER_CLIENT_REASON_MAX])
{
	struct http_client_url parts;
	struct trigger_client *tc;
	bool bad;

	if (read_url(url, &parts, reason) == -1)
		return (NULL);
	(void)fail(reason, "out of memory", url);
	tc = calloc(1, sizeof(*tc));
	bad = tc == NULL || (parts.tls && open_tls(tc, trust, reason) == -1) ||
	      open_http(tc, &parts) == -1;
	http_client_url_fini(&parts);
	if (bad) {
		trigger_client_free(tc);
		return (NULL);
	}
	/* A peer that closes first must not end us. */
	(void)signal(SIGPIPE, SIG_IGN);
	return (tc);
}

void
trigger_client_free(struct trigger_client *tc)
{
	if (tc == NULL)
		return;
	http_client_free(tc->http);
	resolver_free(tc->resolver);
	tls_engine_free(tc->engine);
	tls_context_unref(tc->tls);
	if (tc->base != NULL)
		event_base_free(tc->base);
	free(tc->host);
	free(tc);
}

/* http_client_fn */
static void
trigger_done_cb(const struct http_client_answer *answer, void *arg)
{
	struct trigger_client *tc = arg;

	tc->over = true;
	tc->end = answer->end;
	if (answer->end == HTTP_CLIENT_ANSWERED) {
		tc->answer->latency_us = clock_mono_us() - tc->started_us;
		tc->answer->status = answer->status;
		tc->answer->text[answer->body_len] = '\0';
	} else
		(void)snprintf(tc->failure, sizeof(tc->failure), "%s",
		    answer->reason);
	(void)event_base_loopbreak(tc->base);
}

/* Send it. Returns 0; -1 when out of memory, or for a line end in a header. */
static int
send_request(struct trigger_client *tc, const struct trigger_request *request)
{
	const struct trigger_header *h = request->headers;
	char *lines[HEADERS_MAX];
	struct http_client_request req = {
		.headers = (const char *const *)lines,
		.body = request->body,
		.body_len = request->body_len,
		.method =
		    request->body == NULL ? HTTP_CLIENT_GET : HTTP_CLIENT_POST,
		.room = tc->answer->text,
		.room_size = sizeof(tc->answer->text) - 1,
		.timeout_ms = request->timeout_s * INT64_C(1000),
	};
	int rc = 0;

	for (; h->name != NULL && rc == 0; h++) {
		if (req.nheaders == HEADERS_MAX ||
		    asprintf(&lines[req.nheaders], "%s: %s", h->name,
			h->value) == -1)
			rc = -1;
		else
			req.nheaders++;
	}
	if (rc == 0 &&
	    http_client_post(tc->http, &req, trigger_done_cb, tc) == NULL)
		rc = -1;
	while (req.nheaders > 0) {
		explicit_bzero(lines[req.nheaders - 1],
		    strlen(lines[req.nheaders - 1])); /* a token, perhaps */
		free(lines[--req.nheaders]);
	}
	return (rc);
}

int
trigger_client_post(struct trigger_client *tc,
    const struct trigger_request *request, struct trigger_answer *ret_answer,
    char reason[TRIGGER_CLIENT_REASON_MAX])
{
	/* Has the far side closed the connection since the last answer? */
	(void)event_base_loop(tc->base, EVLOOP_NONBLOCK);
	tc->answer = ret_answer;
	tc->started_us = clock_mono_us();
	tc->over = false;
	if (send_request(tc, request) == -1)
		return (fail(reason, "out of memory", tc->host));
	while (!tc->over)
		(void)event_base_dispatch(tc->base);
	if (tc->end == HTTP_CLIENT_ANSWERED)
		return (0);
	if (tc->end == HTTP_CLIENT_NOT_SENT && tc->tls == NULL)
		return (fail(reason,
		    "cannot connect; is klikitd listening there?", tc->host));
	return (fail(reason, tc->failure, tc->host));
}
