/*
 * metrics_upstreams.c -- the hubs that events are fetched from.
 */
#include <stdio.h>

#include "server/admin/metrics_parts.h"
#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"
#include "server/upstream/upstreams.h"

/* One number of each; has: those that have one. */
static void
print_each(FILE *f, const struct upstreams *all, const char *name,
    double (*value)(const struct upstream_status *st),
    bool (*has)(const struct upstream_status *st))
{
	struct upstream_status st;

	for (size_t i = 0; upstreams_status(all, i, &st); i++)
		if (has == NULL || has(&st))
			metrics_real(f, name, LABELS("upstream", st.name),
			    value(&st));
}

static double
connected(const struct upstream_status *st)
{
	return (st->connected);
}

static double
reconnects(const struct upstream_status *st)
{
	return ((double)st->reconnects);
}

static double
late(const struct upstream_status *st)
{
	return ((double)st->late);
}

static double
lag(const struct upstream_status *st)
{
	return ((double)st->counts.lag_ms / 1e3);
}

static double
last(const struct upstream_status *st)
{
	return ((double)st->counts.event_ms / 1e3);
}

static bool
has_event(const struct upstream_status *st)
{
	return (st->counts.event_ms != 0);
}

static void
print_jobs(FILE *f, const struct upstreams *all)
{
	static const char name[] = "klikitd_upstream_jobs_total";
	struct upstream_status st;

	metrics_family(f, name, METRICS_COUNTER,
	    "Jobs of a hub, by what became of them here.");
	for (size_t i = 0; upstreams_status(all, i, &st); i++)
		for (int end = 0; end < UPSTREAM_NENDS; end++)
			metrics_count(f, name,
			    LABELS("upstream", st.name, "end",
				upstream_end_name((enum upstream_end)end)),
			    st.counts.ends[end]);
}

void
metrics_print_upstreams(FILE *f, const struct metrics_sources *from)
{
	static const struct {
		const char *name;
		enum metrics_type type;
		const char *help;
		double (*value)(const struct upstream_status *st);
		bool (*has)(const struct upstream_status *st);
	} families[] = {
		{ "klikitd_upstream_connected", METRICS_GAUGE,
		    "Whether a hub answered the last call.", connected, NULL },
		{ "klikitd_upstream_reconnects_total", METRICS_COUNTER,
		    "Times that a hub was there again after it was cut.",
		    reconnects, NULL },
		{ "klikitd_upstream_late_total", METRICS_COUNTER,
		    "Outcomes that came too late for their lease.", late,
		    NULL },
		{ "klikitd_upstream_lag_seconds", METRICS_GAUGE,
		    "How long the last event was under way since the hub got "
		    "it.",
		    lag, has_event },
		{ "klikitd_upstream_last_event_timestamp_seconds",
		    METRICS_GAUGE, "When the last event was fetched.", last,
		    has_event },
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		metrics_family(f, families[i].name, families[i].type,
		    families[i].help);
		print_each(f, from->upstreams, families[i].name,
		    families[i].value, families[i].has);
	}
	print_jobs(f, from->upstreams);
}
