/*
 * metrics_pulls.c -- who comes for the jobs of handlers that are pulled.
 */
#include "handlers/hub/hub.h"
#include "server/admin/metrics_parts.h"
#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"
#include "server/pull/pull_route.h"

/* A family that is being printed: one number of each name. */
struct family {
	FILE *f;
	const char *name;
	double (*value)(const struct hub_stats *stats);
};

/* hub_each */
static void
print_one_cb(const struct hub_stats *stats, void *arg)
{
	const struct family *family = arg;

	metrics_real(family->f, family->name, LABELS("handler", stats->name),
	    family->value(stats));
}

static void
print(const struct hub *hub, const struct family *family,
    enum metrics_type type, const char *help)
{
	metrics_family(family->f, family->name, type, help);
	hub_each(hub, print_one_cb, (void *)family);
}

static double
pullers_of(const struct hub_stats *stats)
{
	return ((double)stats->pullers);
}

static double
out_of(const struct hub_stats *stats)
{
	return ((double)stats->out);
}

static double
handed_of(const struct hub_stats *stats)
{
	return ((double)stats->handed);
}

static double
expired_of(const struct hub_stats *stats)
{
	return ((double)stats->expired);
}

static double
seen_of(const struct hub_stats *stats)
{
	return ((double)stats->seen_ms / 1e3);
}

void
metrics_print_pulls(FILE *f, const struct metrics_sources *from)
{
	const struct pull_route *route = from->pulls(from->arg);
	struct pull_route_stats stats = { 0 };

	print(from->hub, &(struct family){ f, "klikitd_pullers", pullers_of },
	    METRICS_GAUGE, "Pullers that wait for jobs now, by handler.");
	print(from->hub,
	    &(struct family){ f, "klikitd_puller_last_seen_timestamp_seconds",
		seen_of },
	    METRICS_GAUGE,
	    "When a puller of the handler was last here; 0: never.");
	print(from->hub, &(struct family){ f, "klikitd_pulled_jobs", out_of },
	    METRICS_GAUGE,
	    "Jobs that were handed out and are not reported yet, by handler.");
	print(from->hub,
	    &(struct family){ f, "klikitd_pulled_jobs_total", handed_of },
	    METRICS_COUNTER, "Jobs handed out to pullers, by handler.");
	print(from->hub,
	    &(struct family){ f, "klikitd_pull_leases_expired_total",
		expired_of },
	    METRICS_COUNTER,
	    "Jobs handed out that nobody reported in time, by handler.");
	if (route != NULL)
		pull_route_stats(route, &stats);
	metrics_one(f, "klikitd_pulls_refused_total", METRICS_COUNTER,
	    "Requests of pullers with a wrong token or name.", stats.refused);
	metrics_one(f, "klikitd_pulls_limited_total", METRICS_COUNTER,
	    "Requests of pullers turned away after too many wrong tokens.",
	    stats.limited);
}
