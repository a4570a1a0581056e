/*
 * metrics_upkeep.c -- what klikitd sees to by itself: alerts, backups, the
 * probe.
 */
#include <stdio.h>

#include "server/admin/metrics_parts.h"
#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"
#include "server/alert/alerts.h"
#include "server/upkeep/backups.h"
#include "server/upkeep/probe.h"

static void
print_alerts(FILE *f, const struct alerts *alerts)
{
	static const char name[] = "klikitd_alert_active";

	metrics_family(f, name, METRICS_GAUGE,
	    "Alerts that are up, by what they are about.");
	for (int i = 0; i < ALERT_NKINDS; i++)
		metrics_count(f, name,
		    LABELS("kind", alert_kind_name((enum alert_kind)i)),
		    alerts_count(alerts, (enum alert_kind)i));
	metrics_one(f, "klikitd_alert_looks_total", METRICS_COUNTER,
	    "Times that all that may need help was looked at.",
	    alerts_looks(alerts));
}

static void
print_backups(FILE *f, const struct backups *b)
{
	static const char last[] =
	    "klikitd_backup_last_success_timestamp_seconds";
	static const char pushed[] =
	    "klikitd_backup_last_push_timestamp_seconds";
	struct backups_status st;

	backups_status(b, &st);
	metrics_family(f, "klikitd_backup_interval_seconds", METRICS_GAUGE,
	    "How often a backup is to be made; 0: none are.");
	metrics_real(f, "klikitd_backup_interval_seconds", NULL,
	    st.on ? (double)st.every_ms / 1e3 : 0);
	metrics_family(f, last, METRICS_GAUGE,
	    "Of when the newest verified backup is; 0: there is none.");
	if (st.known)
		metrics_real(f, last, NULL, (double)st.newest_ms / 1e3);
	metrics_one(f, "klikitd_backup_failures_total", METRICS_COUNTER,
	    "Backups that could not be made.", st.failures);
	metrics_family(f, "klikitd_backups", METRICS_GAUGE,
	    "Verified backups that are there.");
	if (st.known)
		metrics_count(f, "klikitd_backups", NULL, (uint64_t)st.count);
	metrics_family(f, "klikitd_backup_bytes", METRICS_GAUGE,
	    "What they take together.");
	if (st.known)
		metrics_count(f, "klikitd_backup_bytes", NULL,
		    (uint64_t)st.bytes);
	metrics_one(f, "klikitd_backup_push_failures_total", METRICS_COUNTER,
	    "Runs of backup.command that failed.", st.push.failures);
	metrics_family(f, pushed, METRICS_GAUGE,
	    "When backup.command last succeeded, since the start.");
	if (st.push.success_ms != 0)
		metrics_real(f, pushed, NULL, (double)st.push.success_ms / 1e3);
}

static void
print_probe(FILE *f, const struct probe *p)
{
	static const char last[] =
	    "klikitd_probe_last_success_timestamp_seconds";
	struct probe_status st;

	probe_status(p, &st);
	metrics_family(f, "klikitd_probe_success", METRICS_GAUGE,
	    "Whether the last probe through the public URL arrived.");
	if (st.at_ms != 0)
		metrics_count(f, "klikitd_probe_success", NULL, st.ok);
	metrics_family(f, "klikitd_probe_duration_seconds", METRICS_GAUGE,
	    "How long it took until its answer was back.");
	if (st.at_ms != 0)
		metrics_real(f, "klikitd_probe_duration_seconds", NULL,
		    (double)st.took_ms / 1e3);
	metrics_family(f, last, METRICS_GAUGE,
	    "When one last arrived, since the start.");
	if (st.ok_ms != 0)
		metrics_real(f, last, NULL, (double)st.ok_ms / 1e3);
	metrics_one(f, "klikitd_probe_failures_total", METRICS_COUNTER,
	    "Probes that did not arrive.", st.failures);
}

void
metrics_print_upkeep(FILE *f, const struct metrics_sources *from)
{
	print_alerts(f, from->alerts);
	print_backups(f, from->backups);
	print_probe(f, from->probe);
}
