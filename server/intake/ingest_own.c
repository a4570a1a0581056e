/*
 * ingest_own.c -- events that klikitd makes itself: alerts, and what is asked
 * for by hand. No delivery waits for an answer to them.
 */
#include <stdlib.h>

#include "handlers/body/envelope.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch.h"
#include "server/dispatch/journal.h"
#include "server/intake/ingest_jobs.h"
#include "server/intake/ingest_private.h"

/* One on its way to the disk. */
struct own {
	struct ingest *in;
	struct store_event *ev; /* a reference */
	ingest_done_fn *done;
	void *arg;
};

static void
own_free(struct own *o)
{
	if (o->ev != NULL)
		store_event_unref(o->ev);
	free(o);
}

/* It is on disk: there is no answer to wait for. */
static void
own_stored(const struct own *o, const struct store_result *res)
{
	struct ingest *in = o->in;

	if (in->journal != NULL)
		journal_stored(in->journal, res->id, clock_wall_ms());
	store_event_drop_body(o->ev);
	dispatch_hold(in->d, o->ev, res->runnable, res->nrunnable);
	dispatch_open(in->d, o->ev->id);
}

/* store_done_fn: an event of our own is on disk, or is not. */
static void
ingest_own_cb(const struct store_result *res, void *arg)
{
	struct own *o = arg;
	enum ingest_rc rc = INGEST_BUSY;

	dispatch_expect(o->in->d, --o->in->npending);
	if (res->rc == STORE_OK) {
		own_stored(o, res);
		rc = INGEST_RECEIVED;
	} else if (res->rc == STORE_EXISTS) {
		rc = INGEST_DUPLICATE;
	} else {
		log_debug("event %s: not stored: %s", o->ev->event_id,
		    res->reason);
	}
	o->done(rc, res->id, o->arg);
	own_free(o);
}

bool
ingest_takes(const struct ingest *in, const struct selection_event *ev)
{
	for (size_t i = 0; i < in->subs->n; i++) {
		if (selection_takes(&in->subs->items[i].takes, ev))
			return (true);
	}
	return (false);
}

static struct store_event *
own_event_new(const struct own_event *own, struct steady_time now)
{
	return (store_event_new(&(struct store_event){
	    .event_id = own->event_id,
	    .scope = own->scope,
	    .type = own->type,
	    .origin = STORE_INTERNAL,
	    .brand = own->brand,
	    .branch = own->branch,
	    .orders = own->order,
	    .norders = own->order == NULL ? 0 : 1,
	    .peer = "klikitd",
	    .received_at_ms = own->at_ms,
	    .came_at = now,
	    .body = own->body,
	    .body_len = own->body_len,
	}));
}

int
ingest_own(struct ingest *in, const struct own_event *own, ingest_done_fn *done,
    void *arg)
{
	const struct envelope env = {
		.brand = own->brand,
		.branch = own->branch,
		.orders = (struct store_order *)own->order,
		.norders = own->order == NULL ? 0 : 1,
	};
	struct steady_time now = dispatch_now(in->d);
	struct store_job_spec *specs = NULL;
	struct own *o;
	size_t njobs;

	if (!in->open || (o = calloc(1, sizeof(*o))) == NULL)
		return (-1);
	*o = (struct own){ .in = in, .done = done, .arg = arg };
	specs = ingest_jobs(in->subs,
	    &(struct ingest_jobs_of){ .type = own->type, .env = &env }, now,
	    &njobs);
	if (specs == NULL || (o->ev = own_event_new(own, now)) == NULL)
		goto fail;
	if (store_append(in->st, o->ev, specs, njobs, ingest_own_cb, o) == -1) {
		o->ev->body = NULL; /* stays the caller's */
		goto fail;
	}
	free(specs);
	dispatch_expect(in->d, ++in->npending);
	return (0);
fail:
	free(specs);
	own_free(o);
	return (-1);
}
