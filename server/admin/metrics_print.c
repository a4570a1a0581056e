/*
 * metrics_print.c -- the families, in groups by whom they are asked of.
 */
#include <stdio.h>

#include <event2/event.h>

#include "server/admin/metrics_parts.h"
#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"
#include "handlers/body/event_kind.h"
#include "server/auth/secrets.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch.h"
#include "server/intake/branches.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/endpoint.h"
#include "server/intake/ingest.h"
#include "server/intake/rejections.h"
#include "store/version.h"

#ifndef KLIKITD_VERSION
#error "the build names the version"
#endif

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
	metrics_one(f, "klikitd_ready", METRICS_GAUGE,
	    "Whether a delivery would be taken now.",
	    works && queued < from->queue_max);
	metrics_one(f, "klikitd_store_ready", METRICS_GAUGE,
	    "Whether the store can be written.", works);
	metrics_one(f, "klikitd_store_damaged", METRICS_GAUGE,
	    "Whether it is damaged, and has to be restored.",
	    store_health(from->st) == STORE_DAMAGED);
	store_stats(from->st, &stats);
	metrics_one(f, "klikitd_store_repairs_total", METRICS_COUNTER,
	    "Damaged indexes that were made anew: look at the disk.",
	    stats.repairs);
	metrics_one(f, "klikitd_log_dropped_lines_total", METRICS_COUNTER,
	    "Lines of the log that nobody read in time, or that could not be "
	    "written.",
	    log_dropped());
	metrics_one(f, "klikitd_queue_bytes", METRICS_GAUGE,
	    "Events that wait for their commit.", queued);
	metrics_one(f, "klikitd_queue_limit_bytes", METRICS_GAUGE,
	    "Beyond it deliveries are answered 503.", from->queue_max);
}

static void
print_deliveries(FILE *f, const struct metrics_sources *from)
{
	struct ingest_stats in;
	uint64_t refused = 0;
	const char *text; /* about the last of klikit's: no label */

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
	    LABELS("result", "limited"), from->limited(from->arg, false));
	metrics_one(f, "klikitd_repeats_total", METRICS_COUNTER,
	    "Deliveries that were received, but have the bytes of an earlier "
	    "event.",
	    in.repeats);
	metrics_one(f, "klikitd_id_conflicts_total", METRICS_COUNTER,
	    "Duplicates whose body is another one.", in.conflicts);
	metrics_family(f, "klikitd_rejections_total", METRICS_COUNTER,
	    "Deliveries that were refused, or kept beside the event they "
	    "conflict with, by cause.");
	for (int i = 0; i < REJECT_NCAUSES; i++)
		metrics_count(f, "klikitd_rejections_total",
		    LABELS("cause", reject_cause_name((enum reject_cause)i)),
		    rejections_count(from->rej, (enum reject_cause)i));
	metrics_one(f, "klikitd_rejections_of_klikit_total", METRICS_COUNTER,
	    "Refused deliveries that klikit must have sent: they were signed, "
	    "or some form of them was.",
	    rejections_of_klikit(from->rej, &text));
	metrics_family(f, "klikitd_rejections_not_kept_total", METRICS_COUNTER,
	    "Of them those that no list shows: too many came from strangers.");
	for (int i = 0; i < REJECT_NCAUSES; i++)
		metrics_count(f, "klikitd_rejections_not_kept_total",
		    LABELS("cause", reject_cause_name((enum reject_cause)i)),
		    rejections_not_kept(from->rej, (enum reject_cause)i));
}

/* A fixed set: strangers may send a captured body under any type. */
static void
print_events(FILE *f, const struct metrics_sources *from)
{
	static const char name[] = "klikitd_events_total";
	static const char *const types[] = {
		[EVENT_CREATED] = "klikit.order.created",
		[EVENT_STATUS] = "klikit.order.status.updated",
		[EVENT_CART] = "klikit.order.cart.updated",
		[EVENT_UNKNOWN] = "other",
	};
	_Static_assert(sizeof(types) / sizeof(types[0]) == EVENT_NKINDS,
	    "every kind has a name");
	struct ingest_stats in;

	ingest_stats(from->ingest, &in);
	metrics_family(f, name, METRICS_COUNTER,
	    "Events that were stored, by type without its version; `other' is "
	    "every type that klikitd does not know.");
	for (size_t i = 0; i < EVENT_NKINDS; i++)
		metrics_count(f, name, LABELS("type", types[i]), in.kinds[i]);
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
	static const char name[] = "klikitd_last_valid_event_timestamp_seconds";
	const struct branches *b = ingest_branches(from->ingest);

	metrics_family(f, name, METRICS_GAUGE,
	    "When the last valid event of a branch came in; beyond 64 branches "
	    "the rest is `other'.");
	for (size_t i = 0; i < b->n; i++)
		metrics_real(f, name, LABELS("branch", b->list[i].name),
		    metrics_date(now, b->list[i].last));
	if (b->rest.ms != 0)
		metrics_real(f, name, LABELS("branch", "other"),
		    metrics_date(now, b->rest));
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

static void
print_clock(FILE *f, const struct clock_watch *clock)
{
	metrics_one(f, "klikitd_clock_believed", METRICS_GAUGE,
	    "Whether the wall clock goes on from where it was.",
	    clock_watch_steady(clock)->doubt == STEADY_FINE);
	metrics_one(f, "klikitd_clock_steps_total", METRICS_COUNTER,
	    "Times that the wall clock was set.", clock_watch_steps(clock));
}

void
metrics_print(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures)
{
	metrics_print_process(f, from);
	print_server(f, from);
	print_deliveries(f, from);
	print_events(f, from);
	print_endpoints(f, from->endpoints(from->arg));
	print_diagnoses(f, from->diag);
	print_branches(f, from, dispatch_now(from->dispatch));
	print_secrets(f, from->secrets(from->arg));
	metrics_print_jobs(f, from, figures);
	metrics_print_store(f, from, figures);
	metrics_print_listeners(f, from);
	metrics_print_pulls(f, from);
	print_clock(f, from->clock);
	metrics_print_upkeep(f, from);
	metrics_print_upstreams(f, from);
	metrics_print_reconcile(f, from);
}
