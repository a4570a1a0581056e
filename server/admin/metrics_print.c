/*
 * metrics_print.c -- the families, in groups by whom they are asked of.
 */
#include <stdio.h>

#include <event2/event.h>

#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"
#include "server/admin/stream.h"
#include "server/alert/alerts.h"
#include "server/auth/secrets.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/histogram.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch.h"
#include "server/http/http.h"
#include "server/intake/branches.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/endpoint.h"
#include "server/intake/ingest.h"
#include "server/intake/rejections.h"
#include "server/upkeep/backups.h"
#include "server/upkeep/probe.h"
#include "store/version.h"

#ifndef KLIKITD_VERSION
#error "the build names the version"
#endif

#define LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A family of one sample. */
static void
print_one(FILE *f, const char *name, enum metrics_type type, const char *help,
    uint64_t value)
{
	metrics_family(f, name, type, help);
	metrics_count(f, name, NULL, value);
}

static double
seconds_since(struct steady_time now, struct steady_time then)
{
	return ((double)steady_since(now, then) / 1e3);
}

static void
print_server(FILE *f, const struct metrics_sources *from)
{
	bool works = store_health(from->st) == STORE_READY;
	size_t queued = store_queued(from->st);
	struct store_stats stats;

	metrics_family(f, "klikitd_build_info", METRICS_GAUGE,
	    "Always 1; what runs is in the labels.");
	metrics_count(f, "klikitd_build_info",
	    LABELS("version", KLIKITD_VERSION, "sqlite", store_sqlite_version(),
		"libevent", event_get_version()),
	    1);
	metrics_family(f, "klikitd_start_timestamp_seconds", METRICS_GAUGE,
	    "When it started.");
	metrics_real(f, "klikitd_start_timestamp_seconds", NULL,
	    (double)from->started_at_ms / 1e3);
	print_one(f, "klikitd_ready", METRICS_GAUGE,
	    "Whether a delivery would be taken now.",
	    works && queued < from->queue_max);
	print_one(f, "klikitd_store_ready", METRICS_GAUGE,
	    "Whether the store can be written.", works);
	print_one(f, "klikitd_store_damaged", METRICS_GAUGE,
	    "Whether it is damaged, and has to be restored.",
	    store_health(from->st) == STORE_DAMAGED);
	store_stats(from->st, &stats);
	print_one(f, "klikitd_store_repairs_total", METRICS_COUNTER,
	    "Damaged indexes that were made anew: look at the disk.",
	    stats.repairs);
	print_one(f, "klikitd_log_dropped_lines_total", METRICS_COUNTER,
	    "Lines of the log that nobody read in time, or that could not be "
	    "written.",
	    log_dropped());
	print_one(f, "klikitd_queue_bytes", METRICS_GAUGE,
	    "Events that wait for their commit.", queued);
	print_one(f, "klikitd_queue_limit_bytes", METRICS_GAUGE,
	    "Beyond it deliveries are answered 503.", from->queue_max);
}

static void
print_deliveries(FILE *f, const struct metrics_sources *from)
{
	struct ingest_stats in;
	uint64_t refused = 0;

	ingest_stats(from->ingest, &in);
	for (int i = 0; i < REJECT_NCAUSES; i++) {
		if (i != REJECT_ID_CONFLICT) /* answered as a duplicate */
			refused +=
			    rejections_count(from->rej, (enum reject_cause)i);
	}
	metrics_family(f, "klikitd_deliveries_total", METRICS_COUNTER,
	    "Deliveries by how they were answered.");
	metrics_count(f, "klikitd_deliveries_total",
	    LABELS("result", "received"), in.received);
	metrics_count(f, "klikitd_deliveries_total",
	    LABELS("result", "duplicate"), in.duplicates);
	metrics_count(f, "klikitd_deliveries_total",
	    LABELS("result", "refused"), refused);
	metrics_count(f, "klikitd_deliveries_total", LABELS("result", "busy"),
	    in.busy);
	metrics_count(f, "klikitd_deliveries_total",
	    LABELS("result", "limited"), from->limited(from->arg));
	print_one(f, "klikitd_repeats_total", METRICS_COUNTER,
	    "Deliveries that were received, but have the bytes of an earlier "
	    "event.",
	    in.repeats);
	print_one(f, "klikitd_id_conflicts_total", METRICS_COUNTER,
	    "Duplicates whose body is another one.", in.conflicts);
	metrics_family(f, "klikitd_rejections_total", METRICS_COUNTER,
	    "Deliveries that were refused, or kept beside the event they "
	    "conflict with, by cause.");
	for (int i = 0; i < REJECT_NCAUSES; i++)
		metrics_count(f, "klikitd_rejections_total",
		    LABELS("cause", reject_cause_name((enum reject_cause)i)),
		    rejections_count(from->rej, (enum reject_cause)i));
	metrics_family(f, "klikitd_rejections_not_kept_total", METRICS_COUNTER,
	    "Of them those that no list shows: too many came from strangers.");
	for (int i = 0; i < REJECT_NCAUSES; i++)
		metrics_count(f, "klikitd_rejections_not_kept_total",
		    LABELS("cause", reject_cause_name((enum reject_cause)i)),
		    rejections_not_kept(from->rej, (enum reject_cause)i));
}

/* As many as there are sections. */
static void
print_endpoints(FILE *f, struct endpoints *all)
{
	static const char name[] = "klikitd_endpoint_deliveries_total";
	size_t n = all == NULL ? 0 : endpoints_count(all);

	metrics_family(f, name, METRICS_COUNTER,
	    "Deliveries to an endpoint, by how they were answered.");
	for (size_t i = 0; i < n; i++) {
		const struct endpoint *e = endpoints_at(all, i);

		for (int a = 0; a < ENDPOINT_NANSWERS; a++)
			metrics_count(f, name,
			    LABELS("endpoint", e->name, "result",
				endpoint_answer_name((enum endpoint_answer)a)),
			    e->tally->n[a]);
	}
}

static void
print_diagnoses(FILE *f, const struct diagnosis_queue *q)
{
	static const char name[] = "klikitd_diagnoses_total";
	struct diagnosis_queue_stats stats;

	diagnosis_queue_stats(q, &stats);
	metrics_family(f, name, METRICS_COUNTER,
	    "Refused deliveries that were looked into, or were too many.");
	metrics_count(f, name, LABELS("result", "examined"), stats.examined);
	metrics_count(f, name, LABELS("result", "skipped"), stats.skipped);
}

static void
print_branches(FILE *f, const struct metrics_sources *from,
    struct steady_time now)
{
	static const char name[] = "klikitd_last_valid_event_seconds";
	const struct branches *b = ingest_branches(from->ingest);

	metrics_family(f, name, METRICS_GAUGE,
	    "Since the last valid event of a branch; beyond 64 branches the "
	    "rest is `other'.");
	for (size_t i = 0; i < b->n; i++)
		metrics_real(f, name, LABELS("branch", b->list[i].name),
		    seconds_since(now, b->list[i].last));
	if (b->rest.ms != 0)
		metrics_real(f, name, LABELS("branch", "other"),
		    seconds_since(now, b->rest));
}

static void
print_secrets(FILE *f, const struct secrets *sec)
{
	static const char used[] = "klikitd_secret_last_used_timestamp_seconds";
	static const char valid[] =
	    "klikitd_secret_valid_until_timestamp_seconds";
	size_t n = sec == NULL ? 0 : secrets_count(sec);
	struct secrets_info info;

	metrics_family(f, used, METRICS_GAUGE,
	    "When a secret last verified a delivery.");
	for (size_t i = 0; i < n; i++) {
		secrets_info(sec, i, &info);
		if (info.last_used_ms != 0)
			metrics_real(f, used, LABELS("secret", info.name),
			    (double)info.last_used_ms / 1e3);
	}
	metrics_family(f, valid, METRICS_GAUGE,
	    "When a secret ends that has an end.");
	for (size_t i = 0; i < n; i++) {
		secrets_info(sec, i, &info);
		if (info.valid_until_ms != 0)
			metrics_real(f, valid, LABELS("secret", info.name),
			    (double)info.valid_until_ms / 1e3);
	}
}

/* -- What is known of handlers -- */

/* A number of each handler that the store knows. */
static void
print_backlog(FILE *f, const char *name, const char *help,
    const struct metrics_figures *figures,
    double (*value)(const struct store_handler_info *h))
{
	metrics_family(f, name, METRICS_GAUGE, help);
	for (size_t i = 0; figures->known && i < figures->f.nhandlers; i++) {
		if (figures->handlers[i].name != NULL)
			metrics_real(f, name,
			    LABELS("handler", figures->handlers[i].name),
			    value(&figures->handlers[i]));
	}
}

static double
pending_of(const struct store_handler_info *h)
{
	return ((double)h->unfinished);
}

static double
dead_of(const struct store_handler_info *h)
{
	return ((double)h->dead);
}

static double
paused_of(const struct store_handler_info *h)
{
	return (h->paused_at_ms != 0);
}

static void
print_oldest(FILE *f, struct steady_time now,
    const struct metrics_figures *figures)
{
	static const char name[] = "klikitd_oldest_pending_seconds";

	metrics_family(f, name, METRICS_GAUGE,
	    "Age of the oldest event with a pending job, by handler; 0: none.");
	for (size_t i = 0; figures->known && i < figures->f.nhandlers; i++) {
		const struct store_handler_info *h = &figures->handlers[i];

		if (h->name != NULL)
			metrics_real(f, name, LABELS("handler", h->name),
			    h->oldest.ms == 0 ? 0
					      : seconds_since(now, h->oldest));
	}
}

/* A number of each handler at work. */
static void
print_live(FILE *f, const char *name, const char *help,
    const struct dispatch *d, uint64_t (*value)(const struct dispatch_live *l))
{
	struct dispatch_live live;

	metrics_family(f, name, METRICS_GAUGE, help);
	for (size_t i = 0; dispatch_live(d, i, &live) == 0; i++)
		metrics_count(f, name, LABELS("handler", live.name),
		    value(&live));
}

static uint64_t
probing_of(const struct dispatch_live *l)
{
	return (l->probing);
}

static uint64_t
calls_of(const struct dispatch_live *l)
{
	return (l->under_way);
}

/* Only of those that keep a connection. */
static void
print_connected(FILE *f, const struct dispatch *d)
{
	static const char name[] = "klikitd_handler_connected";
	struct dispatch_live live;

	metrics_family(f, name, METRICS_GAUGE,
	    "Whether the handler has the connection that it keeps to its far "
	    "side.");
	for (size_t i = 0; dispatch_live(d, i, &live) == 0; i++) {
		if (live.lasting)
			metrics_count(f, name, LABELS("handler", live.name),
			    live.connected);
	}
}

static void
print_attempts(FILE *f, const struct dispatch *d)
{
	static const char name[] = "klikitd_attempts_total";
	struct dispatch_live live;

	metrics_family(f, name, METRICS_COUNTER,
	    "Attempts of jobs by handler and outcome.");
	for (size_t i = 0; dispatch_live(d, i, &live) == 0; i++) {
		const struct {
			const char *outcome;
			uint64_t n;
		} counts[] = {
			{ "done", live.attempts.done },
			{ "retry", live.attempts.retry },
			{ "unknown", live.attempts.unknown },
			{ "dead", live.attempts.dead },
		};

		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
			metrics_count(f, name,
			    LABELS("handler", live.name, "outcome",
				counts[j].outcome),
			    counts[j].n);
	}
}

static void
print_jobs(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures)
{
	struct dispatch_stats stats;

	dispatch_stats(from->dispatch, &stats);
	print_backlog(f, "klikitd_jobs_pending",
	    "Jobs that have not ended, by handler.", figures, pending_of);
	print_backlog(f, "klikitd_jobs_dead",
	    "Dead jobs that were neither replayed nor discarded, by handler.",
	    figures, dead_of);
	print_oldest(f, dispatch_now(from->dispatch), figures);
	print_backlog(f, "klikitd_handler_paused",
	    "Whether the handler is paused.", figures, paused_of);
	print_live(f, "klikitd_handler_probing",
	    "Whether the handler's calls fail and one at a time is tried.",
	    from->dispatch, probing_of);
	print_live(f, "klikitd_handler_calls",
	    "Calls that a handler has under way.", from->dispatch, calls_of);
	print_connected(f, from->dispatch);
	metrics_family(f, "klikitd_lanes_blocked", METRICS_GAUGE,
	    "Orders of which a job stands behind another.");
	if (figures->known)
		metrics_count(f, "klikitd_lanes_blocked", NULL,
		    figures->f.lanes_blocked);
	metrics_family(f, "klikitd_receivers", METRICS_GAUGE,
	    "Receivers that serve from this store, this one among them.");
	if (figures->known)
		metrics_count(f, "klikitd_receivers", NULL,
		    figures->f.receivers);
	print_attempts(f, from->dispatch);
	print_one(f, "klikitd_jobs_already_total", METRICS_COUNTER,
	    "Jobs not called, since an earlier one had done their orders.",
	    stats.already);
	print_one(f, "klikitd_jobs_lost_total", METRICS_COUNTER,
	    "Attempts whose end did not count: the job had ended, or another "
	    "receiver had taken it over.",
	    stats.lost);
	print_one(f, "klikitd_alarms_total", METRICS_COUNTER,
	    "Alarms that rang.", stats.alarms);
	metrics_family(f, "klikitd_end_to_end_seconds", METRICS_HISTOGRAM,
	    "From an event's coming in to a job of it being done.");
	metrics_histogram(f, "klikitd_end_to_end_seconds",
	    dispatch_ages(from->dispatch), 1e3);
}

/* -- Store, listeners -- */

static void
print_commits(FILE *f, const struct store_stats *stats)
{
	static const char name[] = "klikitd_commit_operations";
	static const int64_t sizes[STORE_SIZES] = { 1, 2, 4, 8, 16, 32, 64, 128,
		256, 512 };
	struct histogram h;

	histogram_init(&h, sizes, STORE_SIZES);
	for (size_t i = 0; i <= STORE_SIZES; i++)
		h.counts[i] = stats->commits[i];
	h.sum = (int64_t)stats->operations;
	metrics_family(f, name, METRICS_HISTOGRAM,
	    "Operations that were made durable together.");
	metrics_histogram(f, name, &h, 1);
}

static void
print_store(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures)
{
	static const char free_bytes[] = "klikitd_store_free_bytes";
	struct store_stats stats;

	store_stats(from->st, &stats);
	print_commits(f, &stats);
	print_one(f, "klikitd_purged_total", METRICS_COUNTER,
	    "Events whose body was purged, and rejections.", stats.purged);
	metrics_family(f, "klikitd_store_bytes", METRICS_GAUGE,
	    "Size of the database.");
	if (figures->known)
		metrics_count(f, "klikitd_store_bytes", NULL,
		    (uint64_t)figures->f.bytes);
	metrics_family(f, "klikitd_store_wal_bytes", METRICS_GAUGE,
	    "Size of its write-ahead log.");
	if (figures->known)
		metrics_count(f, "klikitd_store_wal_bytes", NULL,
		    (uint64_t)figures->f.log_bytes);
	metrics_family(f, "klikitd_store_floor_bytes", METRICS_GAUGE,
	    "With less free space on the store's disk no event is taken.");
	if (figures->known)
		metrics_count(f, "klikitd_store_floor_bytes", NULL,
		    (uint64_t)figures->f.floor_bytes);
	metrics_family(f, "klikitd_store_reserve_bytes", METRICS_GAUGE,
	    "Set aside beside it, for a purge when the disk is full.");
	if (figures->known)
		metrics_count(f, "klikitd_store_reserve_bytes", NULL,
		    (uint64_t)figures->f.reserve_bytes);
	metrics_family(f, free_bytes, METRICS_GAUGE,
	    "What is free on the disk that it is on.");
	if (figures->known && figures->f.free_bytes >= 0)
		metrics_count(f, free_bytes, NULL,
		    (uint64_t)figures->f.free_bytes);
	metrics_family(f, "klikitd_store_figures_age_seconds", METRICS_GAUGE,
	    "Since the store counted the backlog and the files shown here.");
	if (figures->known)
		metrics_real(f, "klikitd_store_figures_age_seconds", NULL,
		    (double)(clock_mono_us() / 1000 - figures->at_ms) / 1e3);
}

static const char *const listeners[2] = { "public", "admin" };

/* A number of each listener. */
static void
print_listeners(FILE *f, const char *name, enum metrics_type type,
    const char *help, const uint64_t values[2])
{
	metrics_family(f, name, type, help);
	for (size_t i = 0; i < 2; i++)
		metrics_count(f, name, LABELS("listener", listeners[i]),
		    values[i]);
}

/* What the guard cut for a limit that each connection has. */
static void
print_guard_cuts(FILE *f, const struct http_stats stats[2])
{
	static const char name[] = "klikitd_guard_cuts_total";
	static const char *const limits[] = {
		[HTTP_CUT_BAD] = NULL, /* these two have families */
		[HTTP_CUT_FORBIDDEN] = NULL,
		[HTTP_CUT_BODY] = "body",
		[HTTP_CUT_TIME] = "request_timeout",
		[HTTP_CUT_MEMORY] = "unverified_bytes",
		[HTTP_CUT_INPUT] = "input",
	};
	_Static_assert(sizeof(limits) / sizeof(limits[0]) == HTTP_NCUTS,
	    "every limit has a name");

	metrics_family(f, name, METRICS_COUNTER,
	    "Requests that were not read to their end, being slow or greedy.");
	for (size_t i = 0; i < 2; i++) {
		for (size_t cut = 0; cut < HTTP_NCUTS; cut++) {
			if (limits[cut] != NULL)
				metrics_count(f, name,
				    LABELS("listener", listeners[i], "limit",
					limits[cut]),
				    stats[i].cuts[cut]);
		}
	}
}

static void
print_room_cuts(FILE *f, const struct http_stats stats[2])
{
	static const char name[] = "klikitd_room_cuts_total";
	static const char *const limits[] = {
		[HTTP_LIMIT_CONNECTIONS] = "connections",
		[HTTP_LIMIT_DESCRIPTORS] = "descriptors",
		[HTTP_LIMIT_HANDSHAKES] = "handshakes",
		[HTTP_LIMIT_STREAMS] = "streams",
	};
	_Static_assert(sizeof(limits) / sizeof(limits[0]) == HTTP_NLIMITS,
	    "every limit has a name");

	metrics_family(f, name, METRICS_COUNTER,
	    "Connections closed to make room for others, by what was short.");
	for (size_t i = 0; i < 2; i++) {
		for (size_t limit = 0; limit < HTTP_NLIMITS; limit++)
			metrics_count(f, name,
			    LABELS("listener", listeners[i], "limit",
				limits[limit]),
			    stats[i].room_cuts[limit]);
	}
}

static void
print_http(FILE *f, const struct metrics_sources *from)
{
	const struct http *http[2] = { from->http(from->arg),
		from->http_admin(from->arg) };
	const struct histogram *acks = from->acks(from->arg);
	struct http_stats stats[2] = { { 0 } };
	uint64_t open[2] = { 0 };

	for (size_t i = 0; i < 2; i++) {
		if (http[i] == NULL)
			continue;
		http_stats(http[i], &stats[i]);
		open[i] = http_connections(http[i]);
	}
	print_listeners(f, "klikitd_connections", METRICS_GAUGE,
	    "Connections that are open.", open);
	print_listeners(f, "klikitd_requests_total", METRICS_COUNTER,
	    "Requests that came whole.",
	    (uint64_t[]){ stats[0].requests, stats[1].requests });
	print_listeners(f, "klikitd_bad_requests_total", METRICS_COUNTER,
	    "Requests that are no proper HTTP.",
	    (uint64_t[]){ stats[0].cuts[HTTP_CUT_BAD],
		stats[1].cuts[HTTP_CUT_BAD] });
	print_listeners(f, "klikitd_forbidden_requests_total", METRICS_COUNTER,
	    "Requests of addresses that are not in http.allow.",
	    (uint64_t[]){ stats[0].cuts[HTTP_CUT_FORBIDDEN],
		stats[1].cuts[HTTP_CUT_FORBIDDEN] });
	print_guard_cuts(f, stats);
	print_room_cuts(f, stats);
	print_listeners(f, "klikitd_limited_requests_total", METRICS_COUNTER,
	    "Requests answered 429 unseen: too much from there had failed.",
	    (uint64_t[]){ from->limited(from->arg),
		from->limited_admin(from->arg) });
	print_listeners(f, "klikitd_unverified_bytes", METRICS_GAUGE,
	    "What has come of requests that are not whole.",
	    (uint64_t[]){ stats[0].unverified, stats[1].unverified });
	metrics_family(f, "klikitd_ack_seconds", METRICS_HISTOGRAM,
	    "From a delivery's being whole to its answer having left.");
	if (acks != NULL)
		metrics_histogram(f, "klikitd_ack_seconds", acks, 1e6);
}

static void
print_tls(FILE *f, const struct metrics_sources *from)
{
	static const char name[] = "klikitd_tls_handshakes_total";
	struct metrics_tls tls;

	metrics_family(f, name, METRICS_COUNTER,
	    "TLS handshakes of clients by how they ended.");
	if (from->tls == NULL || !from->tls(from->arg, &tls))
		return;
	metrics_count(f, name, LABELS("result", "full"),
	    tls.handshakes - tls.resumed);
	metrics_count(f, name, LABELS("result", "resumed"), tls.resumed);
	metrics_count(f, name, LABELS("result", "failed"), tls.failed);
	metrics_count(f, name, LABELS("result", "timeout"), tls.timed_out);
}

static void
print_certificates(FILE *f, const struct metrics_sources *from)
{
	static const char name[] =
	    "klikitd_certificate_expiry_timestamp_seconds";
	struct metrics_certificate cert;

	metrics_family(f, name, METRICS_GAUGE,
	    "When a certificate that is in use ends.");
	for (size_t i = 0; from->certificate != NULL &&
			   from->certificate(from->arg, i, &cert);
	     i++)
		metrics_real(f, name, LABELS("certificate", cert.name),
		    (double)cert.until_ms / 1e3);
}

static void
print_stream(FILE *f, const struct stream *s)
{
	struct stream_stats stats;

	stream_stats(s, &stats);
	print_one(f, "klikitd_stream_readers", METRICS_GAUGE,
	    "Those who look on.", stats.readers);
	print_one(f, "klikitd_stream_messages_total", METRICS_COUNTER,
	    "Messages made for them.", stats.messages);
	print_one(f, "klikitd_stream_resets_total", METRICS_COUNTER,
	    "Times that readers had to load all anew: too much happened.",
	    stats.resets);
}

static void
print_clock(FILE *f, const struct clock_watch *clock)
{
	print_one(f, "klikitd_clock_believed", METRICS_GAUGE,
	    "Whether the wall clock goes on from where it was.",
	    clock_watch_steady(clock)->doubt == STEADY_FINE);
	print_one(f, "klikitd_clock_steps_total", METRICS_COUNTER,
	    "Times that the wall clock was set.", clock_watch_steps(clock));
}

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
	print_one(f, "klikitd_alert_looks_total", METRICS_COUNTER,
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
	print_one(f, "klikitd_backup_failures_total", METRICS_COUNTER,
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
	print_one(f, "klikitd_backup_push_failures_total", METRICS_COUNTER,
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
	print_one(f, "klikitd_probe_failures_total", METRICS_COUNTER,
	    "Probes that did not arrive.", st.failures);
}

void
metrics_print(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures)
{
	print_server(f, from);
	print_deliveries(f, from);
	print_endpoints(f, from->endpoints(from->arg));
	print_diagnoses(f, from->diag);
	print_branches(f, from, dispatch_now(from->dispatch));
	print_secrets(f, from->secrets(from->arg));
	print_jobs(f, from, figures);
	print_store(f, from, figures);
	print_http(f, from);
	print_tls(f, from);
	print_certificates(f, from);
	print_stream(f, from->stream);
	print_clock(f, from->clock);
	print_alerts(f, from->alerts);
	print_backups(f, from->backups);
	print_probe(f, from->probe);
}
