/* Events between their commit and the moment their answer has left. */
#include <stdlib.h>
#include <string.h>

#include "handlers/body/event_kind.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch_private.h"

static struct held *
held_find(struct held_list *list, int64_t event)
{
	struct held *held;

	TAILQ_FOREACH (held, list, link) {
		if (held->ev->id == event)
			return (held);
	}
	return (NULL);
}

bool
dispatch_defers(struct dispatch *d, int64_t event)
{
	struct held *held = held_find(&d->held, event);

	/* Answered, but not started: its own jobs are yet to be queued. */
	if (held == NULL)
		held = held_find(&d->opened, event);
	if (held == NULL)
		return (false);
	held->found = true;
	return (true);
}

/* Warn of a type that klikit does not document, once for each. */
static void
dispatch_unknown(struct dispatch *d, const char *type)
{
	if (event_kind(type) != EVENT_UNKNOWN)
		return;
	for (size_t i = 0; i < d->nunknown; i++) {
		if (strcmp(d->unknown[i], type) == 0)
			return;
	}
	if (d->nunknown == UNKNOWN_MAX ||
	    (d->unknown[d->nunknown] = strdup(type)) == NULL)
		return;
	d->nunknown++;
	log_warn("unknown event type: %s: stored, and given to the handlers "
		 "whose events match it",
	    log_text(type));
}

void
held_start(struct dispatch *d)
{
	struct held *held = TAILQ_FIRST(&d->opened);
	const struct store_event *ev = held->ev;

	TAILQ_REMOVE(&d->opened, held, link);
	log_info("[%s] brand=%s branch=%s orders=%zu event=%s",
	    log_text(ev->type), log_text(ev->brand), log_text(ev->branch),
	    ev->norders, log_text(ev->event_id));
	dispatch_unknown(d, ev->type);
	for (size_t i = 0; i < held->njobs; i++)
		dispatch_add(d, &held->jobs[i]);
	if (held->found)
		dispatch_look_all(d);
	store_event_unref(held->ev);
	free(held);
}

void
dispatch_hold(struct dispatch *d, struct store_event *ev,
    const struct store_job *jobs, size_t njobs)
{
	struct held *held;

	held = calloc(1, sizeof(*held) + njobs * sizeof(held->jobs[0]));
	if (held == NULL)
		return; /* dispatch_open() makes up for it */
	held->ev = store_event_ref(ev);
	held->njobs = njobs;
	for (size_t i = 0; i < njobs; i++) /* all of this event */
		held->jobs[i] = jobs[i];
	TAILQ_INSERT_TAIL(&d->held, held, link);
}

void
dispatch_open(struct dispatch *d, int64_t event)
{
	struct held *held = held_find(&d->held, event);

	d->allowance += DISPATCH_EVENT_RECORDS;
	if (d->allowance > DISPATCH_RECORDS_MAX - DISPATCH_RECORDS_MIN)
		d->allowance = DISPATCH_RECORDS_MAX - DISPATCH_RECORDS_MIN;
	if (held != NULL) {
		TAILQ_REMOVE(&d->held, held, link);
		TAILQ_INSERT_TAIL(&d->opened, held, link);
	} else {
		dispatch_look_all(d); /* there was no memory to hold it */
	}
	dispatch_wake(d);
}

void
held_clear(struct held_list *list)
{
	struct held *held;

	while ((held = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, held, link);
		store_event_unref(held->ev);
		free(held);
	}
}
