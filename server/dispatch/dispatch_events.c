/* Events whose answer has left: logged, and their jobs queued. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/event_kind.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/table.h"
#include "server/dispatch/dispatch_private.h"

void
dispatch_hold(struct dispatch *d, struct store_event *ev,
    const struct store_job *jobs, size_t njobs)
{
	/* Out of memory: dispatch_open() makes up for it. */
	(void)held_add(&d->held, ev, jobs, njobs);
}

void
dispatch_open(struct dispatch *d, int64_t event)
{
	pace_answered(&d->pace);
	if (held_answer(&d->held, event) == -1)
		dispatch_look_all(d); /* there was no memory to hold it */
	dispatch_wake(d);
}

/* Warn of a type that klikit does not document, once for each. */
static void
warn_unknown_type(struct dispatch *d, const struct store_event *ev)
{
	if (ev->origin == STORE_INTERNAL ||
	    event_kind(ev->type) != EVENT_UNKNOWN)
		return;
	for (size_t i = 0; i < d->nunknown_types; i++) {
		if (strcmp(d->unknown_types[i], ev->type) == 0)
			return;
	}
	if (d->nunknown_types == UNKNOWN_TYPES_MAX ||
	    (d->unknown_types[d->nunknown_types] = strdup(ev->type)) == NULL)
		return;
	d->nunknown_types++;
	log_warn("unknown event type: %s: stored, and given to the handlers "
		 "whose events match it",
	    log_text(ev->type));
}

void
dispatch_add(struct dispatch *d, const struct store_job *job)
{
	struct live_handler *live = live_handler_find(d, job->handler);
	int64_t now_us = clock_mono_us();
	struct run *surplus;

	if (live == NULL) /* parked: its handler is not configured */
		return;
	if (held_defers(&d->held, job->ev->id))
		return;
	live->holds = true;
	if (live_handler_is_away(live)) {
		backlog_look(&live->backlog);
		return;
	}
	run_new(d, live, job, now_us, backlog_place(&live->backlog, job));
	if ((surplus = backlog_surplus(&live->backlog)) != NULL)
		run_free(surplus);
}

/* "created" of klikit.order.created.v2; a type that is none of klikit's whole.
 */
static const char *
short_type(const char *type)
{
	switch (event_kind(type)) {
	case EVENT_CREATED:
		return ("created");
	case EVENT_STATUS:
		return ("status");
	case EVENT_CART:
		return ("cart");
	case EVENT_UNKNOWN:
	case EVENT_NKINDS:
		break;
	}
	return (log_text(type));
}

/* For who looks on: what came, with the beginning of its id. */
static void
show_event(const struct store_event *ev)
{
	char more[32] = "";
	int id_len = (int)table_id_least(ev->event_id);

	if (ev->norders > 1)
		(void)snprintf(more, sizeof(more), " and %zu more",
		    ev->norders - 1);
	log_shown(LOG_CAME, "%s %s%s [%.*s]%s", short_type(ev->type),
	    ev->norders == 0 ? "" : log_text(ev->orders[0].order_id), more,
	    id_len, log_text(ev->event_id),
	    ev->repeat_of == 0 ? "" : " (a repeat)");
}

static void
log_event(const struct store_event *ev)
{
	if (log_is_console()) {
		show_event(ev);
		return;
	}
	log_info("[%s] brand=%s branch=%s orders=%zu event=%s%s",
	    log_text(ev->type), log_text(ev->brand), log_text(ev->branch),
	    ev->norders, log_text(ev->event_id),
	    ev->repeat_of == 0 ? "" : " (a repeat)");
}

bool
dispatch_start_event(struct dispatch *d)
{
	struct held_event *held = held_take(&d->held);
	const struct store_event *ev;

	if (held == NULL)
		return (false);
	ev = held->ev;
	log_event(ev);
	warn_unknown_type(d, ev);
	for (size_t i = 0; i < held->njobs; i++)
		dispatch_add(d, &held->jobs[i]);
	if (held->offered)
		dispatch_look_all(d);
	held_event_free(held);
	return (true);
}
