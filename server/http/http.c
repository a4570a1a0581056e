/*
 * http.c -- a listener: its parts put together, its routes, draining.
 *
 * evhttp may not be freed while a request is with a route: so a drain closes
 * the listeners and what is idle, lets everything else come to its answer,
 * which says "Connection: close", and ends when the last connection is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <event2/http.h>

#include "server/base/spare_memory.h"
#include "server/http/http_private.h"
#include "server/http/http_request.h"
#include "server/tls/tls.h"
#include "store/base/timeval.h"

/* evhttp's own: what it does not allow it would answer in its own way. */
#define EVERY_COMMAND                                                          \
	(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | \
	    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |        \
	    EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

/* -- What the parts report -- */

/* Accept if there is room; end a drain if the last connection is gone. */
static void
http_pump(struct http *h)
{
	http_listen_accept(&h->listen, http_room_is_there(&h->room));
	if (h->conns.draining && h->conns.n == 0 && h->done != NULL)
		event_active(h->drained, EV_TIMEOUT, 0);
}

/* http_conn_fns: there are more or fewer connections. */
static void
conn_changed_cb(void *arg)
{
	http_pump(arg);
}

/* http_conn_fns: one was accepted. */
static void
conn_accepted_cb(void *arg, bool ready)
{
	struct http *h = arg;

	http_listen_accepted(&h->listen);
	if (!ready)
		http_listen_starve(&h->listen, "out of memory");
	http_pump(h);
}

/* http_conn_fns: it was adopted. */
static void
conn_adopted_cb(void *arg, struct http_conn *conn)
{
	struct http *h = arg;

	http_room_make(&h->room, conn);
}

/* Returns 0; -1 when there is no memory for the next connections. */
static int
prepare(struct http *h)
{
	int rc = 0;

	for (size_t i = 0; i < HTTP_NSIDES; i++) {
		if (http_side_prepare(&h->sides[i]) == -1)
			rc = -1;
	}
	return (rc);
}

/* http_listen: there are no descriptors. */
static bool
listen_squeeze_cb(void *arg)
{
	struct http *h = arg;

	return (http_room_squeeze(&h->room));
}

/* http_listen: a pause is over. */
static void
listen_again_cb(void *arg)
{
	struct http *h = arg;

	http_room_relax(&h->room);
	if (prepare(h) == -1 || spare_memory_is_short())
		http_listen_starve(&h->listen, "out of memory");
	http_pump(h);
}

/* event: a drain has ended. */
static void
drained_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	void (*done)(void *arg) = h->done;

	(void)fd;
	(void)what;
	h->done = NULL;
	if (done != NULL)
		done(h->done_arg);
}

/* -- Routes -- */

static void
refuse_method(struct http_request *r, unsigned methods)
{
	static const struct {
		enum http_method method;
		const char *name;
	} known[] = {
		{ HTTP_GET, "GET" },
		{ HTTP_HEAD, "HEAD" },
		{ HTTP_POST, "POST" },
	};
	char allow[32] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if ((methods & known[i].method) != 0)
			len +=
			    (size_t)snprintf(allow + len, sizeof(allow) - len,
				"%s%s", len > 0 ? ", " : "", known[i].name);
	}
	http_request_set_field(r, "Allow", allow);
	http_request_finish(r, 405, "{\"error\":\"method not allowed\"}");
}

/* http_route: every other path, where the site has nothing for it. */
static void
not_found_run(struct http_request *r, void *arg)
{
	(void)arg;
	http_request_finish(r, 404, "{\"error\":\"not found\"}");
}

/* Is it the route's path, or below it? */
static bool
fits(const struct http_route *route, const char *path)
{
	size_t len = strlen(route->path);

	if (len > 1 && strcmp(route->path + len - 2, "/*") == 0)
		return (strncmp(route->path, path, len - 1) == 0);
	return (strcmp(route->path, path) == 0);
}

/* The route of that path, as it is decoded; else that of every other one. */
static const struct http_route *
find_route(const struct http *h, const char *path)
{
	static const struct http_route not_found = { NULL, HTTP_EVERY_METHOD,
		not_found_run, NULL, false };
	const struct http_route *found = &not_found;

	for (size_t i = 0; i < h->nroutes; i++) {
		const struct http_route *route = &h->routes[i];

		if (route->path == NULL)
			found = route;
		else if (fits(route, path))
			return (route);
	}
	return (found);
}

/* Copied: its own list may be replaced while it runs. */
static struct http_route
route_of(const struct http *h, const struct http_request *r)
{
	const char *path = http_request_path(r);
	struct http_route route;
	char *decoded;
	size_t len;

	if (strchr(path, '%') == NULL ||
	    (decoded = evhttp_uridecode(path, 0, &len)) == NULL)
		return (*find_route(h, path));
	/* No path of ours goes on behind a NUL. */
	route = *find_route(h, strlen(decoded) == len ? decoded : path);
	free(decoded);
	return (route);
}

/* evhttp: a request has come whole. */
static void
route_cb(struct evhttp_request *req, void *arg)
{
	struct http *h = arg;
	struct http_request *r =
	    http_request_start(http_conn_of(&h->conns, req), req);
	const struct http_route route = route_of(h, r);

	h->requests++;
	if (h->admit == NULL || h->admit(r, &route, h->admit_arg)) {
		if ((http_request_method(r) & route.methods) == 0)
			refuse_method(r, route.methods);
		else
			route.run(r, route.arg);
	}
	http_request_routed(r);
}

void
http_set_routes(struct http *h, struct http_route *routes, size_t n)
{
	free(h->routes);
	h->routes = routes;
	h->nroutes = n;
}

/* Copy the site's. Returns 0; -1 when out of memory. */
static int
copy_routes(struct http *h, const struct http_site *site)
{
	struct http_route *copy;

	if ((copy = calloc(site->nroutes + 1, sizeof(*copy))) == NULL)
		return (-1);
	if (site->nroutes > 0)
		memcpy(copy, site->routes, site->nroutes * sizeof(*copy));
	http_set_routes(h, copy, site->nroutes);
	return (0);
}

/* -- The whole -- */

static void
limit_side(const struct http_side *side, const struct http_options *opt)
{
	const struct timeval idle = timeval_of_ms(opt->idle_timeout_ms);

	if (side->evhttp == NULL)
		return;
	evhttp_set_timeout_tv(side->evhttp, &idle);
	evhttp_set_max_body_size(side->evhttp, (ev_ssize_t)opt->max_body);
}

/* Before there are sides, and then for those that there are. */
static void
apply_limits(struct http *h, const struct http_options *opt)
{
	h->opt = *opt;
	h->conns.max_body = opt->max_body;
	h->conns.request_timeout_ms = opt->request_timeout_ms;
	h->room.max = opt->max_connections;
	for (size_t i = 0; i < HTTP_NSIDES; i++)
		limit_side(&h->sides[i], opt);
	http_tls_limit(&h->tls, opt->handshake_timeout_ms, opt->max_handshakes);
}

void
http_set_limits(struct http *h, const struct http_options *opt)
{
	apply_limits(h, opt);
	http_room_make(&h->room, NULL);
	http_pump(h);
}

void
http_set_trust(struct http *h, struct http_trust trust)
{
	http_conns_trust(&h->conns, trust);
}

/* Put a side into use. Returns 0; -1 when out of memory. */
static int
side_open(struct http *h, enum http_side_kind kind)
{
	struct http_side *side = &h->sides[kind];
	struct evhttp *evhttp;

	if (side->evhttp != NULL)
		return (0);
	if ((evhttp = evhttp_new(h->base)) == NULL)
		return (-1);
	evhttp_set_gencb(evhttp, route_cb, h);
	evhttp_set_allowed_methods(evhttp, EVERY_COMMAND);
	evhttp_set_max_headers_size(evhttp, HTTP_HEAD_MAX);
	evhttp_set_flags(evhttp, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_default_content_type(evhttp,
	    "application/json; charset=utf-8");
	side->conns = &h->conns;
	side->evhttp = evhttp;
	side->proxied = kind == HTTP_PROXY_PLAIN || kind == HTTP_PROXY_TLS;
	limit_side(side, &h->opt);
	http_side_watch(side);
	return (0);
}

struct http *
http_new(struct event_base *base, const struct http_options *opt,
    const struct http_site *site)
{
	struct http *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return (NULL);
	h->base = base;
	h->admit = site->admit;
	h->admit_arg = site->arg;
	h->conns.name = site->name;
	h->conns.base = base;
	h->conns.room = &h->room;
	h->conns.fns = (struct http_conn_fns){ .accepted = conn_accepted_cb,
		.adopted = conn_adopted_cb,
		.closed = http_request_closed,
		.late = http_request_late,
		.changed = conn_changed_cb,
		.arg = h };
	h->room.conns = &h->conns;
	h->room.advice = site->advice;
	h->listen.base = base;
	h->listen.squeeze = listen_squeeze_cb;
	h->listen.again = listen_again_cb;
	h->listen.arg = h;
	h->tls.conns = &h->conns;
	h->tls.room = &h->room;
	apply_limits(h, opt);
	if ((h->drained = event_new(base, -1, 0, drained_cb, h)) == NULL ||
	    http_listen_init(&h->listen) == -1 || copy_routes(h, site) == -1 ||
	    http_conns_init(&h->conns, site->needs_length) == -1 ||
	    side_open(h, HTTP_PLAIN) == -1 || prepare(h) == -1) {
		http_free(h);
		return (NULL);
	}
	return (h);
}

int
http_listen(struct http *h, const char *address, char ret_url[HTTP_URL_MAX],
    char reason[HTTP_ADDRESS_REASON_MAX])
{
	return (http_listen_open(&h->listen, h->sides[HTTP_PLAIN].evhttp,
	    "http", address, ret_url, reason));
}

int
http_listen_tls(struct http *h, const char *address, char ret_url[HTTP_URL_MAX],
    char reason[HTTP_ADDRESS_REASON_MAX])
{
	return (http_listen_open(&h->listen, h->sides[HTTP_TLS].evhttp, "https",
	    address, ret_url, reason));
}

int
http_listen_proxy(struct http *h, const char *address,
    char ret_url[HTTP_URL_MAX], char reason[HTTP_ADDRESS_REASON_MAX])
{
	struct http_side *side = &h->sides[HTTP_PROXY_PLAIN];

	if (side_open(h, HTTP_PROXY_PLAIN) == -1 ||
	    http_side_prepare(side) == -1) {
		http_address_reason(address, ENOMEM, reason);
		return (-1);
	}
	return (http_listen_open(&h->listen, side->evhttp, "http", address,
	    ret_url, reason));
}

int
http_listen_proxy_tls(struct http *h, const char *address,
    char ret_url[HTTP_URL_MAX], char reason[HTTP_ADDRESS_REASON_MAX])
{
	return (http_listen_open(&h->listen, h->sides[HTTP_PROXY_TLS].evhttp,
	    "https", address, ret_url, reason));
}

int
http_set_tls(struct http *h, struct tls_context *ctx)
{
	struct http_side *side = &h->sides[HTTP_TLS];
	struct tls_context *old;
	int rc;

	if (http_tls_open(&h->tls, h->opt.handshake_timeout_ms,
		h->opt.max_handshakes) == -1 ||
	    side_open(h, HTTP_TLS) == -1 || side_open(h, HTTP_PROXY_TLS) == -1)
		return (-1);
	old = side->tls == NULL ? NULL : tls_context_ref(side->tls);
	if ((rc = http_tls_set(&h->tls, side, ctx)) == 0)
		rc = http_tls_set(&h->tls, &h->sides[HTTP_PROXY_TLS], ctx);
	if (rc == -1 && old != NULL)
		(void)http_tls_set(&h->tls, side, old);
	tls_context_unref(old);
	return (rc);
}

void
http_drain(struct http *h, void (*done)(void *arg), void *arg)
{
	h->done = done;
	h->done_arg = arg;
	http_listen_stop(&h->listen);
	http_conns_drain(&h->conns);
	http_pump(h);
}

size_t
http_connections(const struct http *h)
{
	return (h->conns.n);
}

void
http_stats(const struct http *h, struct http_stats *ret_stats)
{
	ret_stats->requests = h->requests;
	memcpy(ret_stats->cuts, h->conns.guards.cuts, sizeof(ret_stats->cuts));
	memcpy(ret_stats->room_cuts, h->room.cuts, sizeof(h->room.cuts));
	ret_stats->unverified =
	    http_shares_total(&h->conns.shares, HTTP_SHARE_BYTES);
}

void
http_tls_stats(const struct http *h, struct tls_stats *ret_stats)
{
	memset(ret_stats, 0, sizeof(*ret_stats));
	if (h->tls.engine != NULL)
		tls_engine_stats(h->tls.engine, ret_stats);
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	h->done = NULL;
	http_listen_stop(&h->listen);
	for (size_t i = 0; i < HTTP_NSIDES; i++) {
		if (h->sides[i].evhttp != NULL)
			evhttp_free(h->sides[i].evhttp);
		http_conn_discard(h->sides[i].spare);
		h->sides[i].spare = NULL;
	}
	http_conns_fini(&h->conns);
	tls_context_unref(h->sides[HTTP_PROXY_TLS].tls);
	http_tls_fini(&h->tls, &h->sides[HTTP_TLS]);
	http_listen_fini(&h->listen);
	if (h->drained != NULL)
		event_free(h->drained);
	free(h->routes);
	free(h);
}
