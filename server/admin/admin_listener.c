#include "server/admin/admin_listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/access.h"
#include "server/admin/admin_route.h"
#include "server/admin/metrics_route.h"
#include "server/admin/page.h"
#include "server/admin/stream_route.h"
#include "server/auth/signature.h"
#include "server/base/address.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/peer_debt.h"
#include "server/base/rate.h"

#define REQUEST_TIMEOUT_MS 10000
#define IDLE_TIMEOUT_MS 60000
#define READY_MAX 256

/* An address may name so many wrong tokens, then one per GUESS_MS. */
#define GUESS_BURST 30
#define GUESS_MS 1000
#define LIMIT_LOG_EVERY_S 60

struct admin_listener {
	struct http *http;
	struct admin_route *api;
	struct stream_route *streams;
	struct access_rules rules;
	char *address;
	char *token;
	bool draining;
	bool (*ready)(void *arg, struct admin_ready *ret_why);
	const char *(*clock)(void *arg);
	void *arg;
	struct rate refused_rate;
	struct peer_debts guesses;
	struct rate guesses_rate; /* lines on those who guess */
	uint64_t limited;
};

/* -- Who may come in -- */

static const struct {
	int status;
	const char *json;
} refusals[] = {
	[ACCESS_BAD_HOST] = { 421,
	    "{\"error\":\"the Host is neither an address of this listener nor "
	    "localhost\"}" },
	[ACCESS_BAD_ORIGIN] = { 403,
	    "{\"error\":\"requests of other origins are refused\"}" },
	[ACCESS_BAD_SITE] = { 403,
	    "{\"error\":\"requests of other sites are refused\"}" },
	[ACCESS_BAD_TOKEN] = { 401,
	    "{\"error\":\"needs Authorization: Bearer with the token\"}" },
	[ACCESS_TOO_MANY_GUESSES] = { 429,
	    "{\"error\":\"too many wrong tokens came from this address\"}" },
	[ACCESS_BAD_TYPE] = { 415,
	    "{\"error\":\"needs Content-Type: application/json\"}" },
};

static int64_t
now_ms(void)
{
	return (clock_mono_us() / 1000);
}

/* Has its address named too many wrong tokens? */
static bool
guessed_too_often(const struct admin_listener *l, struct http_request *req)
{
	return (!http_request_is_proven(req) &&
		peer_debt(&l->guesses, http_request_net(req), now_ms()) >
		    (int64_t)(GUESS_BURST - 1) * GUESS_MS);
}

/* Its token is not looked at. */
static void
turn_away_guesser(struct admin_listener *l, struct http_request *req)
{
	char host[ADDRESS_HOST_MAX], more[RATE_MORE_MAX];

	l->limited++;
	if (rate_ask_every(&l->guesses_rate, LIMIT_LOG_EVERY_S, more)) {
		address_host(http_request_peer(req), host);
		log_warn("admin: too many wrong tokens came from %s: answered "
			 "429 unseen: see who uses an old token there, or keep "
			 "it away from this port%s",
		    host, more);
	}
	http_request_set_field(req, "Retry-After", "1");
	http_request_finish_late(req, refusals[ACCESS_TOO_MANY_GUESSES].status,
	    refusals[ACCESS_TOO_MANY_GUESSES].json);
}

/* Say why it does not come in: to the client, and to the operator's log. */
static void
turn_away(struct admin_listener *l, struct http_request *req,
    const struct access_request *asked, enum access_rc rc)
{
	char more[RATE_MORE_MAX];

	if (rc == ACCESS_TOO_MANY_GUESSES) {
		turn_away_guesser(l, req);
		return;
	}
	if (rate_ask(&l->refused_rate, more))
		log_warn("admin: refused %s: %s %s, host %s, origin %s%s",
		    http_request_peer(req),
		    http_status_phrase(refusals[rc].status),
		    log_text(http_request_target(req)), log_text(asked->host),
		    log_text(asked->origin), more);
	if (rc == ACCESS_BAD_TOKEN) {
		http_request_set_field(req, "WWW-Authenticate", "Bearer");
		if (asked->authorization != NULL)
			peer_debt_add(&l->guesses, http_request_net(req),
			    GUESS_MS, now_ms());
	}
	http_request_finish(req, refusals[rc].status, refusals[rc].json);
}

/*
 * http_site: every request. A connection that came in by the token has proved
 * itself; where there is none anybody could. Answers are for nobody's cache,
 * and nothing but what they say.
 */
static bool
admin_admit_cb(struct http_request *req, const struct http_route *route,
    void *arg)
{
	struct admin_listener *l = arg;
	const struct access_request asked = {
		.host = http_request_field(req, "Host"),
		.origin = http_request_field(req, "Origin"),
		.content_type = http_request_field(req, "Content-Type"),
		.authorization = http_request_field(req, "Authorization"),
		.fetch_site = http_request_field(req, "Sec-Fetch-Site"),
		.fetch_mode = http_request_field(req, "Sec-Fetch-Mode"),
		.fetch_dest = http_request_field(req, "Sec-Fetch-Dest"),
		.acts = http_request_method(req) == HTTP_POST,
		.open = route->open,
		.links = route->path != NULL && strcmp(route->path, "/") == 0,
		.spent = guessed_too_often(l, req),
	};
	enum access_rc rc = access_check(&l->rules, &asked);

	http_request_set_field(req, "Cache-Control", "no-store");
	http_request_set_field(req, "X-Content-Type-Options", "nosniff");
	if (rc != ACCESS_ALLOWED) {
		turn_away(l, req, &asked, rc);
		return (false);
	}
	if (!route->open && l->token != NULL)
		http_request_prove(req);
	else if (!route->open)
		http_request_call(req);
	return (true);
}

/* -- /readyz -- */

/* Add a field to an answer's object, unless it has no value. */
static void
ready_add(char text[READY_MAX], const char *name, const char *value)
{
	size_t len = strlen(text);

	if (value != NULL)
		(void)snprintf(text + len, READY_MAX - len, "%s\"%s\":\"%s\"",
		    len == 0 ? "{" : ",", name, value);
}

/* http_route */
static void
ready_run(struct http_request *req, void *arg)
{
	struct admin_listener *l = arg;
	struct admin_ready found = { .why = "draining" };
	char text[READY_MAX] = "";
	bool ready = !l->draining && l->ready(l->arg, &found);

	if (ready) {
		ready_add(text, "status", "ready");
		ready_add(text, "clock", l->clock(l->arg));
	} else {
		ready_add(text, "status", found.why);
		ready_add(text, "advice", found.advice);
	}
	ready_add(text, "check", found.check);
	(void)strcat(text, "}");
	http_request_finish(req, ready ? 200 : 503, text);
}

/* -- The listener -- */

/* "*" and the like are no place to connect to: the loopback is. */
static void
local_url(char url[HTTP_URL_MAX])
{
	static const struct {
		const char *any;
		const char *local;
	} hosts[] = {
		{ "http://*:", "http://127.0.0.1:" },
		{ "http://0.0.0.0:", "http://127.0.0.1:" },
		{ "http://[::]:", "http://[::1]:" },
	};
	char port[HTTP_URL_MAX];
	size_t len;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		len = strlen(hosts[i].any);
		if (strncmp(url, hosts[i].any, len) != 0)
			continue;
		(void)strcpy(port, url + len);
		(void)snprintf(url, HTTP_URL_MAX, "%s%.8s", hosts[i].local,
		    port);
		return;
	}
}

/* Its http, with the routes. NULL when out of memory. */
static struct http *
listener_http(struct admin_listener *l, struct event_base *base,
    struct metrics *metrics)
{
	static const struct http_options limits = {
		.max_body = ADMIN_LISTENER_BODY,
		.max_connections = ADMIN_LISTENER_CONNECTIONS,
		.request_timeout_ms = REQUEST_TIMEOUT_MS,
		.idle_timeout_ms = IDLE_TIMEOUT_MS,
	};
	const unsigned looks = HTTP_GET | HTTP_HEAD;
	const struct http_route own[] = {
		{ HTTP_HEALTH_PATH, looks, http_request_run_health, NULL,
		    true },
		{ "/readyz", looks, ready_run, l, true },
		{ "/metrics", looks, metrics_route_run, metrics, false },
		{ "/api/v1/stream", looks, stream_route_run, l->streams,
		    false },
		{ NULL, looks | HTTP_POST, admin_route_run, l->api, false },
	};
	const size_t n = sizeof(own) / sizeof(own[0]);
	struct http_route *routes;
	struct http *http;

	if ((routes = calloc(n + page_nfiles, sizeof(*routes))) == NULL)
		return (NULL);
	memcpy(routes, own, sizeof(own));
	for (size_t i = 0; i < page_nfiles; i++)
		routes[n + i] = (struct http_route){ page_files[i].path, looks,
			page_run, (void *)&page_files[i], true };
	http = http_new(base, &limits,
	    &(struct http_site){ .name = "admin",
		.advice = "keep it away from this port",
		.routes = routes,
		.nroutes = n + page_nfiles,
		.admit = admin_admit_cb,
		.arg = l });
	free(routes);
	return (http);
}

struct admin_listener *
admin_listener_new(struct event_base *base, struct admin *a,
    const struct admin_listener_options *opt, char ret_url[HTTP_URL_MAX],
    char reason[256])
{
	struct admin_listener *l;

	(void)snprintf(reason, 256, "cannot start: out of memory");
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (NULL);
	if (signature_random(&l->guesses.seed, sizeof(l->guesses.seed)) == -1)
		goto fail;
	l->ready = opt->ready;
	l->clock = opt->clock;
	l->arg = opt->arg;
	l->address = strdup(opt->address);
	if (opt->token != NULL)
		l->token = strdup(opt->token);
	l->rules = (struct access_rules){ l->address, l->token };
	if (l->address == NULL || (opt->token != NULL && l->token == NULL) ||
	    (l->api = admin_route_new(base, a)) == NULL ||
	    (l->streams = stream_route_new(base, opt->stream)) == NULL ||
	    (l->http = listener_http(l, base, opt->metrics)) == NULL ||
	    http_listen(l->http, opt->socket, ret_url, reason) == -1)
		goto fail;
	local_url(ret_url);
	return (l);
fail:
	admin_listener_free(l);
	return (NULL);
}

struct http *
admin_listener_http(const struct admin_listener *l)
{
	return (l->http);
}

uint64_t
admin_listener_limited(const struct admin_listener *l)
{
	return (l->limited);
}

void
admin_listener_drain(struct admin_listener *l, void (*done)(void *arg),
    void *arg)
{
	l->draining = true;
	stream_route_stop(l->streams);
	http_drain(l->http, done, arg);
}

void
admin_listener_free(struct admin_listener *l)
{
	if (l == NULL)
		return;
	stream_route_stop(l->streams);
	http_free(l->http);
	stream_route_free(l->streams);
	admin_route_free(l->api);
	free(l->address);
	if (l->token != NULL)
		explicit_bzero(l->token, strlen(l->token));
	free(l->token);
	free(l);
}
