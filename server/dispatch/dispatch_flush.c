/*
 * Batches: an instance whose type can send several jobs as one call is flushed
 * once, behind all that was begun in a turn of the loop.
 */
#include <event2/event.h>

#include "server/dispatch/dispatch_private.h"

void
dispatch_flush_soon(struct dispatch *d, struct shared_instance *shared)
{
	if (shared->instance->type->flush == NULL)
		return;
	shared->unflushed = true;
	/* Behind what is active by now: all starts of a commit come at once. */
	event_active(d->flush, EV_TIMEOUT, 0);
}

static void
flush(struct shared_instance *shared)
{
	struct handler_instance *h = shared->instance;

	if (!shared->unflushed)
		return;
	shared->unflushed = false;
	if (shared->calls > 0) /* else all of them were ended or cancelled */
		h->type->flush(h);
}

void
dispatch_flush_cb(evutil_socket_t fd, short what, void *arg)
{
	struct dispatch *d = arg;
	struct shared_instance *shared;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < d->nhandlers; i++)
		flush(d->handlers[i].shared);
	TAILQ_FOREACH (shared, &d->closing, link)
		flush(shared);
}
