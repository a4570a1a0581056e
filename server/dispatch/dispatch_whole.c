/*
 * What each acting file asks of the whole: its time, its handlers, and that its
 * pump looks at things soon.
 */
#include <event2/event.h>

#include "server/base/clock.h"
#include "server/dispatch/dispatch_private.h"

/* How long to leave the store alone after it failed to record something. */
#define DISPATCH_REST_MS 1000

struct live_handler *
live_handler_find(struct dispatch *d, int64_t number)
{
	for (size_t i = 0; i < d->nhandlers; i++) {
		if (d->handlers[i].number == number)
			return (&d->handlers[i]);
	}
	return (NULL);
}

void
dispatch_wake(struct dispatch *d)
{
	static const struct timeval now = { 0, 0 };

	if (!evtimer_pending(d->pump, NULL))
		(void)evtimer_add(d->pump, &now);
}

/*
 * Behind what is active by now, but before the store's writer is woken if that
 * is asked for later. Not for the pump's own leftovers: it would never let
 * another read.
 */
void
dispatch_wake_soon(struct dispatch *d)
{
	event_active(d->pump, EV_TIMEOUT, 0);
}

void
dispatch_rest(struct dispatch *d)
{
	d->rest_until_us = clock_mono_us() + DISPATCH_REST_MS * (int64_t)1000;
	dispatch_wake(d);
}

struct steady_time
dispatch_now(const struct dispatch *d)
{
	return (steady_now(d->clock));
}

bool
dispatch_doubts_date(const struct dispatch *d)
{
	return (d->clock->doubt != STEADY_FINE);
}
