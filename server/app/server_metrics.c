/*
 * server_metrics.c -- what the metrics are made of.
 */
#include "server/admin/metrics.h"
#include "server/app/server_metrics.h"
#include "server/app/server_parts.h"
#include "server/base/log.h"

/* The newest events, which say of most branches when they were last heard. */
#define SEED_EVENTS STORE_PAGE_MAX

static struct http *
source_http(void *arg)
{
	const struct server *s = arg;

	return (s->front.http);
}

static const struct histogram *
source_acks(void *arg)
{
	const struct server *s = arg;

	return (
	    s->front.webhook == NULL ? NULL : webhook_acks(s->front.webhook));
}

static uint64_t
source_limited(void *arg, bool admin)
{
	const struct server *s = arg;

	if (admin && s->admin.listener != NULL)
		return (admin_listener_limited(s->admin.listener));
	if (!admin && s->front.webhook != NULL)
		return (webhook_limited(s->front.webhook));
	return (0);
}

static struct http *
source_http_admin(void *arg)
{
	const struct server *s = arg;

	return (s->admin.listener == NULL
		    ? NULL
		    : admin_listener_http(s->admin.listener));
}

static const struct pull_route *
source_pulls(void *arg)
{
	const struct server *s = arg;

	return (s->front.pulls);
}

static const struct secrets *
source_secrets(void *arg)
{
	const struct server *s = arg;

	return (s->front.secrets);
}

static struct endpoints *
source_endpoints(void *arg)
{
	const struct server *s = arg;

	return (s->front.endpoints);
}

static bool
source_certificate(void *arg, size_t i, struct metrics_certificate *ret)
{
	const struct server *s = arg;
	struct cert_watch_stats stats;

	if (s->front.certs == NULL ||
	    !cert_watch_stats(s->front.certs, i, &stats))
		return (false);
	*ret = (struct metrics_certificate){ stats.name, stats.until_ms };
	return (true);
}

static bool
source_tls(void *arg, struct metrics_tls *ret)
{
	const struct server *s = arg;
	struct tls_stats stats;

	if (s->front.tls == NULL || s->front.http == NULL)
		return (false);
	http_tls_stats(s->front.http, &stats);
	*ret = (struct metrics_tls){
		.handshakes = stats.handshakes,
		.resumed = stats.resumed,
		.failed = stats.failed,
		.timed_out = stats.timed_out,
	};
	return (true);
}

struct metrics *
server_metrics(struct server *s)
{
	const struct metrics_sources from = {
		.st = s->st,
		.ingest = s->ingest,
		.dispatch = s->dispatch,
		.clock = s->clock,
		.alerts = s->alerts.all,
		.rej = s->rej,
		.diag = s->front.diag,
		.stream = s->admin.stream,
		.backups = s->upkeep.backups,
		.probe = s->upkeep.probe,
		.upstreams = s->front.upstreams,
		.reconcile = s->front.reconcile,
		.started_at_ms = s->started_at_ms,
		.queue_max = (size_t)s->cfg->store_queue_max,
		.http = source_http,
		.http_admin = source_http_admin,
		.acks = source_acks,
		.limited = source_limited,
		.hub = s->front.hub,
		.pulls = source_pulls,
		.secrets = source_secrets,
		.endpoints = source_endpoints,
		.certificate = source_certificate,
		.tls = source_tls,
		.arg = s,
	};

	return (metrics_new(s->base, &from));
}

/* store_events_fn: the newest events. */
static void
server_seed_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct server *s = arg;

	if (rc != STORE_OK)
		log_warn("the newest events could not be read: %s", reason);
	for (size_t i = 0; i < n; i++) {
		const struct store_event *ev = rows[i].ev;

		if (ev->origin == STORE_INTERNAL)
			continue;
		ingest_seen(s->ingest, ev->branch, ev->came_at);
		if (ev->secret != NULL)
			secrets_used(s->front.secrets, ev->secret,
			    ev->received_at_ms);
	}
}

void
server_seed(struct server *s)
{
	/* With jobs, which are not wanted, since then the rows are brief. */
	const struct store_filter newest = { .limit = SEED_EVENTS,
		.with_jobs = true };

	if (store_list_events(s->st, &newest, server_seed_cb, s) == -1)
		log_warn("the newest events could not be read: out of memory");
}
