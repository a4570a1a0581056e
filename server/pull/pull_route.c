/*
 * pull_route.c -- who is let in, then GET (an ask) and POST (a report).
 */
#include "server/pull/pull_route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>

#include "handlers/hub/hub.h"
#include "server/auth/signature.h"
#include "server/base/address.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/rate.h"
#include "server/http/route.h"
#include "server/pull/pull_query.h"
#include "server/intake/failure_limit.h"

/* Wrong tokens of one address in a minute; beyond that so many a second are
   looked at, of all such addresses together: a box may share its with others.
 */
#define FAILURES_MAX 60
#define LOOKS_MAX 10
#define LIMIT_LOG_EVERY_S 60

#define UNAUTHORIZED "{\"error\":\"unauthorized\"}"
#define LATER "{\"error\":\"try again later\"}"

struct pull_route {
	struct hub *hub;
	struct failure_limit failures;
	struct rate limited_rate;
	struct pull_route_stats stats;
};

/* A request that waits, for jobs or for its outcomes to be on disk. */
struct pull_call {
	struct http_request *req;
	struct hub_ask *ask;     /* of a GET */
	struct hub_batch *batch; /* that is leaving */
	struct hub_outcome *outcomes;
	size_t n;
};

static void
answer_error(struct http_request *req, int status, const char *why)
{
	char json[256];

	(void)snprintf(json, sizeof(json), "{\"error\":\"%s\"}", why);
	http_request_finish(req, status, json);
}

static void
answer_later(struct http_request *req)
{
	http_request_set_field(req, "Retry-After", "5");
	http_request_finish(req, 503, LATER);
}

/* -- Who is let in -- */

/* Has its address failed too often? Then turn it away unseen. */
static bool
turn_away(struct pull_route *route, struct http_request *req)
{
	int64_t wait_s = failure_limit_wait(&route->failures,
	    http_request_net(req), clock_mono_us() / 1000);
	char seconds[24], host[ADDRESS_HOST_MAX], more[RATE_MORE_MAX];

	if (wait_s == 0)
		return (false);
	route->stats.limited++;
	if (rate_ask_every(&route->limited_rate, LIMIT_LOG_EVERY_S, more)) {
		address_host(http_request_peer(req), host);
		log_warn("pull: too many wrong tokens from %s: answered 429 "
			 "unseen: a box with an old token, or a stranger%s",
		    host, more);
	}
	(void)snprintf(seconds, sizeof(seconds), "%lld", (long long)wait_s);
	http_request_set_field(req, "Retry-After", seconds);
	http_request_finish_late(req, 429,
	    "{\"error\":\"too many wrong tokens from this address\"}");
	return (true);
}

/* What it shows; empty: nothing, which takes as long as a wrong one. */
static const char *
token_of(const struct http_request *req)
{
	static const char scheme[] = "Bearer ";
	const char *field = http_request_field(req, "Authorization");

	if (field == NULL || strncasecmp(field, scheme, strlen(scheme)) != 0)
		return ("");
	return (field + strlen(scheme));
}

static struct hub_box *
let_in(struct pull_route *route, struct http_request *req, const char *name)
{
	struct hub_box *box = hub_open(route->hub, name, token_of(req));

	if (box != NULL) {
		http_request_prove(req);
		return (box);
	}
	route->stats.refused++;
	failure_limit_charge(&route->failures, http_request_net(req), 0, 1,
	    clock_mono_us() / 1000);
	http_request_set_field(req, "WWW-Authenticate", "Bearer");
	if (failure_limit_is_beyond(&route->failures, http_request_net(req),
		clock_mono_us() / 1000))
		http_request_finish_late(req, 401, UNAUTHORIZED);
	else
		http_request_finish(req, 401, UNAUTHORIZED);
	return (NULL);
}

/* -- GET: jobs -- */

/* http_gone_fn: its client has gone, or its connection was needed. */
static void
pull_gone_cb(void *arg)
{
	struct pull_call *call = arg;

	hub_ask_cancel(call->ask);
	free(call);
}

/* http_left_fn: the batch has left, or never will. */
static void
pull_left_cb(void *arg, bool left)
{
	struct pull_call *call = arg;

	hub_left(call->batch, left);
	free(call);
}

/* hub_answer_fn */
static void
pull_answer_cb(void *arg, struct hub_batch *batch, const char *json, size_t len)
{
	struct pull_call *call = arg;
	struct http_request *req = call->req;

	http_request_set_field(req, "Cache-Control", "no-store");
	if (batch != NULL) {
		call->batch = batch;
		http_request_on_left(req, pull_left_cb, call);
	} else {
		free(call);
	}
	http_request_finish_bytes(req, 200, json, len);
}

static void
run_ask(struct http_request *req, struct hub_box *box)
{
	const char *why;
	struct pull_query query;
	struct pull_call *call;

	if ((why = pull_query_read(http_request_query(req), &query)) != NULL) {
		answer_error(req, 400, why);
		return;
	}
	if ((call = calloc(1, sizeof(*call))) == NULL ||
	    (call->ask = hub_ask(box, query.max, query.wait_ms, pull_answer_cb,
		 call)) == NULL) {
		free(call);
		answer_later(req);
		return;
	}
	call->req = req;
	http_request_wait(req, pull_gone_cb, call);
	http_request_heed_leave(req); /* what it got would be lost */
}

/* -- POST: outcomes -- */

/* hub_recorded_fn */
static void
report_done_cb(void *arg, const bool *recorded)
{
	struct pull_call *call = arg;
	struct evbuffer *json = evbuffer_new();
	size_t len;

	if (recorded == NULL || json == NULL)
		goto later;
	(void)evbuffer_add_printf(json, "{\"outcomes\":[");
	for (size_t i = 0; i < call->n; i++)
		(void)evbuffer_add_printf(json,
		    "%s{\"id\":\"%s\",\"result\":\"%s\"}", i > 0 ? "," : "",
		    call->outcomes[i].id_text,
		    recorded[i] ? "recorded" : "gone");
	if (evbuffer_add_printf(json, "]}") == -1)
		goto later;
	len = evbuffer_get_length(json);
	http_request_set_field(call->req, "Cache-Control", "no-store");
	http_request_finish_bytes(call->req, 200,
	    evbuffer_pullup(json, (ev_ssize_t)len), len);
	goto out;
later:
	answer_later(call->req);
out:
	if (json != NULL)
		evbuffer_free(json);
	free(call->outcomes);
	free(call);
}

static void
run_report(struct http_request *req, struct hub_box *box)
{
	struct evbuffer *body = http_request_body(req);
	size_t len = evbuffer_get_length(body);
	struct pull_call *call;
	const char *text, *why;

	if (len > HUB_OUTCOMES_BYTES) {
		answer_error(req, 413, "a report has at most 256 KiB");
		return;
	}
	text = (const char *)evbuffer_pullup(body, -1);
	if ((call = calloc(1, sizeof(*call))) == NULL) {
		answer_later(req);
		return;
	}
	call->req = req;
	why = hub_outcomes_read(text == NULL ? "" : text,
	    text == NULL ? 0 : len, &call->outcomes, &call->n);
	if (why != NULL) {
		free(call);
		answer_error(req, 400, why);
		return;
	}
	if (hub_report(box, call->outcomes, call->n, report_done_cb, call) ==
	    NULL) {
		free(call->outcomes);
		free(call);
		answer_later(req);
		return;
	}
	http_request_keep(req);
}

/* -- All -- */

void
pull_route_run(struct http_request *req, void *arg)
{
	struct pull_route *route = arg;
	bool get = http_request_method(req) == HTTP_GET, done;
	char name[PULL_NAME_MAX];
	struct hub_box *box;

	pull_query_path(http_request_path(req), name, &done);
	if (turn_away(route, req) || (box = let_in(route, req, name)) == NULL)
		return;
	if (done == get) {
		http_request_set_field(req, "Allow", done ? "POST" : "GET");
		http_request_finish(req, 405,
		    "{\"error\":\"method not allowed\"}");
	} else if (get) {
		run_ask(req, box);
	} else {
		run_report(req, box);
	}
}

void
pull_route_forgive(struct pull_route *route)
{
	failure_limit_forget(&route->failures);
}

void
pull_route_stats(const struct pull_route *route, struct pull_route_stats *ret)
{
	*ret = route->stats;
}

struct pull_route *
pull_route_new(struct hub *hub)
{
	struct pull_route *route;
	uint64_t seed;

	if (signature_random(&seed, sizeof(seed)) == -1 ||
	    (route = calloc(1, sizeof(*route))) == NULL)
		return (NULL);
	route->hub = hub;
	failure_limit_init(&route->failures, seed);
	failure_limit_set(&route->failures, FAILURES_MAX, LOOKS_MAX);
	return (route);
}

void
pull_route_free(struct pull_route *route)
{
	free(route);
}
