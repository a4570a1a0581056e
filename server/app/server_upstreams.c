#include "server/app/server_upstreams.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/app/server_endpoints.h"
#include "server/app/server_parts.h"
#include "server/base/log.h"
#include "server/upstream/upstreams.h"

/* upstream_taker: what klikit would deliver to, if it reached this box. */
static const struct endpoint *
endpoint_cb(void *arg)
{
	return (server_usual_endpoint(arg));
}

/* upstreams_options */
static bool
well_cb(void *arg)
{
	const struct server *s = arg;

	return (s->work.begun && store_health(s->st) == STORE_READY);
}

int
server_open_upstreams(struct server *s, void (*idle)(void *arg))
{
	s->front.upstreams = upstreams_new(&(struct upstreams_options){
	    .env = &s->lent.env,
	    .alerts = s->alerts.all,
	    .taker = { .in = s->ingest,
		.diag = s->front.diag,
		.clock = s->clock,
		.endpoint = endpoint_cb,
		.arg = s },
	    .well = well_cb,
	    .idle = idle,
	    .arg = s,
	});
	if (s->front.upstreams != NULL)
		return (0);
	log_error("cannot start: out of memory");
	return (-1);
}

int
server_set_upstreams(struct server *s, const struct config *cfg,
    char reason[HANDLER_REASON_MAX])
{
	struct upstream_settings *list;
	int rc;

	if ((list = calloc(cfg->nupstreams + 1, sizeof(*list))) == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		return (-1);
	}
	for (size_t i = 0; i < cfg->nupstreams; i++) {
		const struct config_upstream *up = &cfg->upstreams[i];

		list[i] = (struct upstream_settings){
			.name = up->name,
			.url = up->url,
			.token = up->token,
			.ca_file = up->ca_file,
			.trust = up->trust,
			.alert_after_ms = up->alert_after_ms,
			.body_max = (size_t)cfg->http_max_body,
		};
	}
	rc = upstreams_set(s->front.upstreams, list, cfg->nupstreams, reason);
	free(list);
	return (rc);
}
