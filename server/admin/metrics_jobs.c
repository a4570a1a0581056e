/*
 * metrics_jobs.c -- what handlers have to do and have done; the store.
 */
#include <stdio.h>

#include "server/admin/metrics_parts.h"
#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"
#include "server/base/clock.h"
#include "server/base/histogram.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch.h"
#include "server/intake/rejections.h"

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
	static const char name[] = "klikitd_oldest_pending_timestamp_seconds";

	metrics_family(f, name, METRICS_GAUGE,
	    "When the oldest event with a pending job came in, by handler; "
	    "without one there is no sample.");
	for (size_t i = 0; figures->known && i < figures->f.nhandlers; i++) {
		const struct store_handler_info *h = &figures->handlers[i];

		if (h->name != NULL && h->oldest.ms != 0)
			metrics_real(f, name, LABELS("handler", h->name),
			    metrics_date(now, h->oldest));
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

/* Only of those that call out. */
static void
print_calls(FILE *f, const struct dispatch *d)
{
	static const char name[] = "klikitd_handler_call_seconds";
	struct dispatch_live live;

	metrics_family(f, name, METRICS_HISTOGRAM,
	    "How long the calls of a handler took.");
	for (size_t i = 0; dispatch_live(d, i, &live) == 0; i++) {
		if (live.outlet)
			metrics_histogram(f, name, LABELS("handler", live.name),
			    live.calls, 1e6);
	}
}

void
metrics_print_jobs(FILE *f, const struct metrics_sources *from,
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
	print_calls(f, from->dispatch);
	metrics_one(f, "klikitd_jobs_already_total", METRICS_COUNTER,
	    "Jobs not called, since an earlier one had done their orders.",
	    stats.already);
	metrics_one(f, "klikitd_jobs_lost_total", METRICS_COUNTER,
	    "Attempts whose end did not count: the job had ended, or another "
	    "receiver had taken it over.",
	    stats.lost);
	metrics_one(f, "klikitd_alarms_total", METRICS_COUNTER,
	    "Alarms that rang.", stats.alarms);
	metrics_family(f, "klikitd_alarms_unacknowledged", METRICS_GAUGE,
	    "Alarms that rang, and nobody has acknowledged.");
	if (figures->known)
		metrics_count(f, "klikitd_alarms_unacknowledged", NULL,
		    figures->f.alarms);
	metrics_family(f, "klikitd_end_to_end_seconds", METRICS_HISTOGRAM,
	    "From an event's coming in to a job of it being done.");
	metrics_histogram(f, "klikitd_end_to_end_seconds", NULL,
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
	metrics_histogram(f, name, NULL, &h, 1);
}

void
metrics_print_store(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures)
{
	static const char free_bytes[] = "klikitd_store_free_bytes";
	static const char counted[] = "klikitd_store_figures_timestamp_seconds";
	struct store_stats stats;

	store_stats(from->st, &stats);
	print_commits(f, &stats);
	metrics_one(f, "klikitd_purged_total", METRICS_COUNTER,
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
	metrics_family(f, counted, METRICS_GAUGE,
	    "When the store counted the backlog and the files shown here.");
	if (figures->known)
		metrics_real(f, counted, NULL,
		    (double)(clock_wall_ms() - clock_mono_us() / 1000 +
			     figures->at_ms) /
			1e3);
}
