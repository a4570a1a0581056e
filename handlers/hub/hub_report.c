/* Outcomes that a puller reports, on their way to the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/hub/hub_private.h"
#include "store/base/timeval.h"

/* As for a delivery: a commit that takes longer is not waited for. */
#define RECORD_MAX_MS 5000

struct outcome_entry {
	struct hub_entry base; /* first: what its job holds */
	struct hub_report *report;
};

struct hub_report {
	TAILQ_ENTRY(hub_report) link;
	struct hub_box *box;
	struct event *timer;
	size_t missing; /* outcomes that are not settled */
	hub_recorded_fn *done;
	void *arg;
	bool *recorded;
	size_t n;
	struct outcome_entry entries[];
};

static void
report_free(struct hub_report *report)
{
	for (size_t i = 0; i < report->n; i++) {
		struct hub_entry *entry = &report->entries[i].base;

		if (entry->job != NULL)
			TAILQ_REMOVE(&entry->job->entries, entry, link);
	}
	if (report->timer != NULL)
		event_free(report->timer);
	free(report->recorded);
	free(report);
}

static void
report_end(struct hub_report *report)
{
	TAILQ_REMOVE(&report->box->hub->reports, report, link);
	report->box->nreports--;
	hub_box_look(report->box);
	report->done(report->arg,
	    report->missing > 0 ? NULL : report->recorded);
	report_free(report);
}

/* evtimer: all outcomes are settled, or it has taken too long. */
static void
report_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	report_end(arg);
}

void
hub_reports_end(struct hub *hub)
{
	struct hub_report *report;

	while ((report = TAILQ_FIRST(&hub->reports)) != NULL)
		report_end(report);
}

static void
report_count(struct hub_report *report)
{
	if (--report->missing == 0)
		event_active(report->timer, EV_TIMEOUT, 0);
}

/* hub_entry */
static void
report_settled_cb(struct hub_entry *entry, bool recorded)
{
	struct outcome_entry *one = (struct outcome_entry *)entry;
	struct hub_report *report = one->report;

	report->recorded[one - report->entries] = recorded;
	report_count(report);
}

/* What the puller's words mean to dispatch. */
static struct handler_result
result_of(const struct hub_outcome *out)
{
	struct handler_result result = {
		.verdict = out->verdict,
		.retry_after_ms = out->retry_after_ms,
	};

	if (out->verdict == HANDLER_RETRY)
		(void)snprintf(result.reason, sizeof(result.reason),
		    "the puller wants it again later");
	if (out->verdict == HANDLER_DEAD)
		(void)snprintf(result.reason, sizeof(result.reason),
		    "the puller refused it");
	(void)snprintf(result.detail, sizeof(result.detail), "%s", out->reason);
	return (result);
}

/*
 * Its lease is no more. If it was done it is not handed out again: returns the
 * job that is about to be; else NULL, and its next attempt ends as it begins.
 */
static struct hub_job *
report_late(struct hub_box *box, const struct hub_outcome *out)
{
	const char *mark = hub_mark_of(out->lease);
	struct hub_job *job;

	if (out->verdict != HANDLER_DONE || mark == NULL)
		return (NULL);
	TAILQ_FOREACH (job, &box->jobs, link) {
		if (job->id == out->id && job->state == HUB_OFFERED &&
		    strcmp(job->lease + (mark - out->lease), mark) == 0)
			return (job);
	}
	hub_late_add(&box->late, out->id, mark);
	return (NULL);
}

/* Note one outcome, if its lease is that of a job. */
static void
report_one(struct hub_report *report, struct outcome_entry *one,
    const struct hub_outcome *out)
{
	struct hub_job *job = hub_job_find(report->box, out->id, out->lease);
	struct handler_result result = result_of(out);
	bool first;

	one->report = report;
	one->base.settled = report_settled_cb;
	if (job == NULL)
		job = report_late(report->box, out);
	if (job == NULL) {
		report_count(report);
		return;
	}
	first = job->state != HUB_REPORTED;
	one->base.job = job;
	TAILQ_INSERT_TAIL(&job->entries, &one->base, link);
	if (first)
		hub_job_end(job, &result);
}

struct hub_report *
hub_report(struct hub_box *box, const struct hub_outcome *outcomes, size_t n,
    hub_recorded_fn *done, void *arg)
{
	const struct timeval limit = timeval_of_ms(RECORD_MAX_MS);
	struct hub_report *report;

	report = calloc(1, sizeof(*report) + n * sizeof(report->entries[0]));
	if (report == NULL)
		return (NULL);
	report->box = box;
	report->n = n;
	report->done = done;
	report->arg = arg;
	if ((report->recorded = calloc(n + 1, sizeof(bool))) == NULL ||
	    (report->timer = evtimer_new(box->hub->base, report_timer_cb,
		 report)) == NULL ||
	    evtimer_add(report->timer, &limit) == -1) {
		report_free(report);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&box->hub->reports, report, link);
	box->nreports++;
	report->missing = n + 1; /* the last is this function's own */
	for (size_t i = 0; i < n; i++)
		report_one(report, &report->entries[i], &outcomes[i]);
	report_count(report);
	return (report);
}
