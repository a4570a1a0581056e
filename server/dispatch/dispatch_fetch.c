/* Asking the store for the runnable jobs of a handler, and letting them go. */
#include <stdlib.h>

#include "server/dispatch/dispatch_private.h"

/* A question that the store has. */
struct question {
	struct dispatch *d;
	int64_t handler;
	struct backlog_fetch fetch;
};

/* Is the job in memory, and not only waiting? Or is its event held? */
static bool
is_in_memory(struct dispatch *d, const struct live_handler *live,
    const struct store_job *job)
{
	return (held_defers(&d->held, job->ev->id) ||
		backlog_has(&live->backlog, job->id) ||
		run_queue_find(&d->starting, job->id) != NULL ||
		run_queue_find(&d->calling, job->id) != NULL ||
		run_queue_find(&d->recording, job->id) != NULL ||
		run_queue_find(&d->unrecorded, job->id) != NULL);
}

/* Take in what the store offers. */
static void
accept_all(struct dispatch *d, struct live_handler *live,
    struct backlog_fetch *fetch, const struct store_result *res)
{
	struct run *waiting;

	live->holds = live->holds || res->nrunnable > 0;
	for (size_t i = 0; i < res->nrunnable; i++) {
		const struct store_job *job = &res->runnable[i];

		switch (backlog_offer(&live->backlog, fetch, job,
		    is_in_memory(d, live, job), &waiting)) {
		case BACKLOG_LEAVE:
			break;
		case BACKLOG_QUEUE:
			run_new(d, live, job, 0, RUN_QUEUED);
			break;
		case BACKLOG_END_WAIT:
			run_move(waiting, RUN_QUEUED);
			break;
		}
	}
	backlog_answered(&live->backlog, fetch, res->next_due);
}

/* store_done_fn: the jobs of one handler that may run. */
static void
dispatch_fetched_cb(const struct store_result *res, void *arg)
{
	struct question q = *(struct question *)arg;
	struct dispatch *d = q.d;
	struct live_handler *live = live_handler_find(d, q.handler);

	free(arg);
	if (live == NULL)
		return;
	if (res->rc != STORE_OK) {
		backlog_failed(&live->backlog, &q.fetch);
		dispatch_rest(d);
		return;
	}
	accept_all(d, live, &q.fetch, res);

	/*
	 * A klikitd of before the steady clock has written it: if even the
	 * earliest is due later than anything that waits can be, its clock was
	 * set back later, and it is due now.
	 */
	if (d->clock->foreign &&
	    steady_since(res->next_due, dispatch_now(d)) > live->wait_max_ms)
		backlog_look_ahead(&live->backlog, res->next_due);
	dispatch_wake(d);
}

void
live_handler_fetch(struct dispatch *d, struct live_handler *live)
{
	struct question *q;

	if (live->paused || live_handler_is_away(live) ||
	    !backlog_wants(&live->backlog))
		return;
	if ((q = malloc(sizeof(*q))) == NULL) {
		dispatch_rest(d); /* it is tried again after that */
		return;
	}
	*q = (struct question){
		.d = d,
		.handler = live->number,
		.fetch = backlog_fetch(&live->backlog, dispatch_now(d)),
	};
	if (store_runnable(d->st, live->number, q->fetch.limit, q->fetch.as_of,
		dispatch_fetched_cb, q) == -1) {
		free(q);
		dispatch_rest(d);
		return;
	}
	backlog_asked(&live->backlog);
}

/* -- Nobody comes for them -- */

/* store_done_fn: some of a handler's jobs are for all receivers now. */
static void
dispatch_released_cb(const struct store_result *res, void *arg)
{
	struct question q = *(struct question *)arg;
	struct live_handler *live = live_handler_find(q.d, q.handler);

	free(arg);
	if (live == NULL)
		return;
	live->releasing = false;
	if (res->rc != STORE_OK)
		dispatch_rest(q.d);
	if (res->rc != STORE_OK || res->id == STORE_RELEASE_MAX)
		live->holds = true;
	dispatch_wake(q.d);
}

static void
live_handler_release(struct dispatch *d, struct live_handler *live)
{
	struct question *q;

	if (!live->release || !live->holds || live->releasing)
		return;
	if ((q = calloc(1, sizeof(*q))) == NULL) {
		dispatch_rest(d);
		return;
	}
	q->d = d;
	q->handler = live->number;
	if (store_release(d->st, live->number, dispatch_released_cb, q) == -1) {
		free(q);
		dispatch_rest(d);
		return;
	}
	live->holds = false; /* unless more come meanwhile */
	live->releasing = true;
}

void
live_handler_let_go(struct dispatch *d, struct live_handler *live)
{
	bool any = backlog_any(&live->backlog) != NULL;
	struct run *run;

	if (!live_handler_is_away(live))
		return;
	while ((run = backlog_any(&live->backlog)) != NULL)
		run_free(run);
	if (any)
		backlog_look(&live->backlog);
	live_handler_release(d, live);
}
