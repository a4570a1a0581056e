#include "server/app/server_endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "server/app/server_parts.h"
#include "server/pull/pull_query.h"
#include "server/pull/pull_route.h"
#include "server/intake/webhook.h"

/* Which of the secrets open the endpoint. */
static secrets_some
secrets_of(const struct config *cfg, const struct config_endpoint *ep)
{
	secrets_some some = 0;

	for (size_t i = 0; i < cfg->nsecrets; i++) {
		if (cfg->secrets[i].endpoint == ep->name)
			some |= (secrets_some)1 << i;
	}
	return (some);
}

/* Of what comes in there; "" where there is no secret. */
static const char *
scope_of(const struct config *cfg, const struct config_endpoint *ep)
{
	size_t i = config_endpoint_secret(cfg, ep);

	return (i < cfg->nsecrets ? cfg->secrets[i].scope : "");
}

struct endpoints *
server_endpoints_new(const struct config *cfg, struct webhook *w,
    struct secrets *sec)
{
	struct endpoints *all;
	struct endpoint *list;

	if ((list = calloc(cfg->nendpoints + 1, sizeof(*list))) == NULL)
		return (NULL);
	for (size_t i = 0; i < cfg->nendpoints; i++) {
		const struct config_endpoint *ep = &cfg->endpoints[i];

		list[i] = (struct endpoint){
			.name = ep->name,
			.scope = scope_of(cfg, ep),
			.webhook = w,
			.sec = sec,
			.which = secrets_of(cfg, ep),
			.takes = {
			    .events = (const char *const *)ep->events.items,
			    .nevents = ep->events.n,
			    .brands = (const char *const *)ep->brands.items,
			    .nbrands = ep->brands.n,
			    .branches = (const char *const *)ep->branches.items,
			    .nbranches = ep->branches.n,
			},
		};
	}
	all = endpoints_new(list, cfg->nendpoints);
	free(list);
	return (all);
}

/* Without such a handler there is nothing below its path. */
static bool
is_pulled(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		if (cfg->handlers[i].type->pulled != NULL)
			return (true);
	}
	return (false);
}

struct http_route *
server_endpoints_routes(const struct config *cfg, struct endpoints *all,
    struct pull_route *pulls, size_t *ret_n)
{
	struct http_route *routes;
	size_t n = 2;

	for (size_t i = 0; i < cfg->nendpoints; i++)
		n += cfg->endpoints[i].paths.n;
	if ((routes = calloc(n, sizeof(*routes))) == NULL)
		return (NULL);
	n = 0;
	for (size_t i = 0; i < cfg->nendpoints; i++) {
		const struct key_list *paths = &cfg->endpoints[i].paths;

		for (size_t j = 0; j < paths->n; j++)
			routes[n++] =
			    (struct http_route){ paths->items[j], HTTP_POST,
				    webhook_run, endpoints_at(all, i), true };
	}
	if (is_pulled(cfg))
		routes[n++] = (struct http_route){ PULL_PATH "*",
			HTTP_GET | HTTP_POST, pull_route_run, pulls, true };
	routes[n++] = (struct http_route){ HTTP_HEALTH_PATH,
		HTTP_GET | HTTP_HEAD, http_request_run_health, NULL, true };
	*ret_n = n;
	return (routes);
}

const struct endpoint *
server_usual_endpoint(const struct server *s)
{
	const struct config_endpoint *usual = config_endpoint_usual(s->cfg);

	if (s->front.endpoints == NULL)
		return (NULL);
	return (endpoints_at(s->front.endpoints,
	    (size_t)(usual - s->cfg->endpoints)));
}
