#include "server/app/server_reconcile.h"

#include "server/app/server_endpoints.h"
#include "server/app/server_parts.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/cli/reconcile_far.h"
#include "server/reconcile/reconcile.h"
#include "server/upkeep/probe.h"
#include "server/upstream/upstreams.h"

/* reconcile_filler: where klikit delivers to. */
static const struct endpoint *
endpoint_cb(void *arg)
{
	return (server_usual_endpoint(arg));
}

/* reconcile_filler: what is delivered there has the scope of its secret. */
static const char *
scope_cb(void *arg)
{
	const struct config *cfg = ((const struct server *)arg)->cfg;
	size_t i = config_endpoint_secret(cfg, config_endpoint_usual(cfg));

	return (cfg->secrets[i].scope);
}

/* reconcile_options */
static bool
well_cb(void *arg)
{
	const struct server *s = arg;

	return (s->work.begun && store_health(s->st) == STORE_READY);
}

/*
 * reconcile_options: nothing could be stored, a hub is not reached, or a probe
 * did not come back.
 */
static bool
cut_cb(void *arg)
{
	const struct server *s = arg;
	struct upstream_status up;
	struct probe_status probe;

	for (size_t i = 0; upstreams_status(s->front.upstreams, i, &up); i++) {
		if (!up.connected)
			return (true);
	}
	probe_status(s->upkeep.probe, &probe);
	return (store_health(s->st) != STORE_READY ||
		(probe.on && probe.at_ms != 0 && !probe.ok));
}

/* reconcile_options */
static bool
clock_doubted_cb(void *arg)
{
	const struct server *s = arg;

	return (clock_watch_steady(s->clock)->doubt != STEADY_FINE);
}

int
server_open_reconcile(struct server *s)
{
	s->front.reconcile = reconcile_new(&(struct reconcile_options){
	    .env = &s->lent.env,
	    .alerts = s->alerts.all,
	    .filler = { .base = s->base,
		.st = s->st,
		.in = s->ingest,
		.endpoint = endpoint_cb,
		.scope = scope_cb,
		.arg = s },
	    .well = well_cb,
	    .cut = cut_cb,
	    .clock_doubted = clock_doubted_cb,
	    .arg = s,
	});
	if (s->front.reconcile != NULL)
		return (0);
	log_error("cannot start: out of memory");
	return (-1);
}

int
server_set_reconcile(struct server *s, const struct config *cfg,
    char reason[HANDLER_REASON_MAX])
{
	static const char *const every[] = { CONFIG_EVERY_EVENT };
	const struct config_reconcile *r = &cfg->reconcile;
	struct reconcile_settings set = {
		.every_ms = r->every_ms,
		.window_ms = r->window_ms,
		.grace_ms = r->grace_ms,
		.alert_after_ms = r->alert_after_ms,
		.size = r->size,
		.takes = { .events = every,
		    .nevents = 1,
		    .brands = (const char *const *)r->brands.items,
		    .nbrands = r->brands.n,
		    .branches = (const char *const *)r->branches.items,
		    .nbranches = r->branches.n },
		.codes = { .order =
			       (const char *const *)cfg->status_order.items,
		    .norder = cfg->status_order.n },
	};

	reconcile_far_of(cfg, &set.far);
	set.codes.nterminal = config_ends(cfg, &set.codes.terminal);
	return (reconcile_set(s->front.reconcile, &set, reason));
}
