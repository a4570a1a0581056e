/* The handlers at work: set anew, looked after, paused by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch_private.h"

/* -- Set anew -- */

static void
handlers_free(struct dispatch *d, struct live_handler *handlers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		live_handler_fini(&handlers[i], &d->closing);
	free(handlers);
}

void
live_handlers_free(struct dispatch *d)
{
	struct run *run;

	for (size_t i = 0; i < d->nhandlers; i++) {
		while ((run = backlog_any(&d->handlers[i].backlog)) != NULL)
			run_free(run);
	}
	handlers_free(d, d->handlers, d->nhandlers);
	d->handlers = NULL;
	d->nhandlers = 0;
}

int
dispatch_set_handlers(struct dispatch *d,
    const struct dispatch_handler *handlers, size_t n,
    char reason[HANDLER_REASON_MAX])
{
	struct live_handler *made;
	struct live_handler *old;
	size_t nmade = 0;

	if ((made = calloc(n + 1, sizeof(*made))) == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		return (-1);
	}
	for (; nmade < n; nmade++) {
		if (live_handler_init(&made[nmade], d->env, &handlers[nmade],
			reason) == -1) {
			handlers_free(d, made, nmade + 1);
			return (-1);
		}
	}
	for (size_t i = 0; i < n; i++) {
		if ((old = live_handler_find(d, made[i].number)) != NULL)
			live_handler_inherit(&made[i], old);
		runs_recount(d, &made[i]);
	}
	live_handlers_free(d); /* with the jobs of those that are gone */
	d->handlers = made;
	d->nhandlers = n;
	d->next = 0;
	dispatch_wake(d);
	return (0);
}

/* -- Looked after -- */

void
dispatch_look_all(struct dispatch *d)
{
	for (size_t i = 0; i < d->nhandlers; i++)
		backlog_look(&d->handlers[i].backlog);
}

void
dispatch_look_again(struct dispatch *d)
{
	dispatch_look_all(d);
	dispatch_wake(d);
}

/* By hand means now: whatever waits since a failure waits no longer. */
static void
live_hurry(struct live_handler *live)
{
	struct handler_instance *h = live->shared->instance;

	gate_hurry(&live->gate);
	if (h->type->lasting != NULL && h->type->lasting->hurry != NULL)
		h->type->lasting->hurry(h);
}

void
dispatch_look(struct dispatch *d, int64_t handler)
{
	struct live_handler *live = live_handler_find(d, handler);

	if (live == NULL)
		return;
	backlog_look_by_hand(&live->backlog);
	live_hurry(live);
	dispatch_wake(d);
}

void
dispatch_due(struct dispatch *d, int64_t handler, struct steady_time due)
{
	struct live_handler *live = live_handler_find(d, handler);

	if (live != NULL && backlog_due(&live->backlog, due))
		dispatch_wake(d);
}

void
dispatch_pause(struct dispatch *d, int64_t handler, bool paused)
{
	struct live_handler *live = live_handler_find(d, handler);

	if (live == NULL || live->paused == paused)
		return;
	live->paused = paused;
	if (!paused)
		live_hurry(live);
	journal_note(d->journal, JOURNAL_HANDLER, live->number);
	log_info("handler %s: %s", live->name, paused ? "paused" : "goes on");
	dispatch_wake(d);
}

int64_t
dispatch_pullers(struct dispatch *d, int64_t handler,
    char ret_text[HANDLER_REASON_MAX])
{
	const struct live_handler *live = live_handler_find(d, handler);
	const struct handler_instance *h;

	ret_text[0] = '\0';
	if (live == NULL)
		return (-1);
	h = live->shared->instance;
	return (h->type->pulled == NULL
		    ? -1
		    : h->type->pulled->pullers(h, ret_text));
}

/* When something that waits comes due, or the next probe may be made. */
static int64_t
next_try_ms(const struct dispatch *d, const struct live_handler *live)
{
	int64_t ms = backlog_next_ms(&live->backlog, dispatch_now(d));
	int64_t now_us = clock_mono_us();
	int64_t us = gate_next_us(&live->gate, GATE_UNTRIED, now_us);

	if (live->gate.probing && backlog_untried(&live->backlog) > 0 &&
	    us != INT64_MAX && (us - now_us) / 1000 < ms)
		ms = (us - now_us) / 1000;
	return (ms == INT64_MAX ? -1 : ms < 0 ? 0 : ms);
}

int
dispatch_live(const struct dispatch *d, size_t i,
    struct dispatch_live *ret_live)
{
	const struct live_handler *live;
	const struct handler_instance *h;

	if (i >= d->nhandlers)
		return (-1);
	live = &d->handlers[i];
	h = live->shared->instance;
	*ret_live = (struct dispatch_live){
		.number = live->number,
		.name = live->name,
		.paused = live->paused,
		.probing = live->gate.probing,
		.outlet = live->outlet,
		.under_way = live->gate.under_way,
		.attempts = live->attempts,
		.calls = &live->calls,
		.lasting = h->type->lasting != NULL,
		.connected =
		    h->type->lasting != NULL && h->type->lasting->connected(h),
		.error = live->error[0] == '\0' ? NULL : live->error,
		.error_ms = live->error_ms,
		.failing_since = live->failing_since,
		.works = live->works,
		.next_try_ms = next_try_ms(d, live),
	};
	return (0);
}
