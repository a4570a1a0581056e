/* Asking the store for the runnable jobs of a handler. */
#include <stdlib.h>

#include "server/dispatch_private.h"

static struct run *
run_find(const struct run_list *list, int64_t job)
{
	struct run *run;

	TAILQ_FOREACH (run, list, link) {
		if (run->job.id == job)
			break;
	}
	return (run);
}

/* Is the job in memory already, and not only waiting? */
static bool
worker_has(const struct dispatch *d, const struct worker *w, int64_t job)
{
	return (run_find(&w->queue, job) != NULL ||
		run_find(&w->fresh, job) != NULL ||
		run_find(&d->recording, job) != NULL ||
		run_find(&d->calls, job) != NULL ||
		run_find(&d->unrecorded, job) != NULL);
}

/* What a request to the store for runnable jobs is about. */
struct fetch {
	struct dispatch *d;
	int64_t handler;
	size_t limit;
	int64_t now_ms;
	bool release;
};

/* Take in what the store offers; returns how many. */
static size_t
worker_accept(struct dispatch *d, struct worker *w, const struct fetch *fetch,
    const struct store_result *res)
{
	size_t added = 0;

	for (size_t i = 0; i < res->nrunnable; i++) {
		const struct store_job *job = &res->runnable[i];
		struct run *waits;

		if (dispatch_defers(d, job->ev->id) ||
		    worker_has(d, w, job->id))
			continue;
		waits = run_find(&w->waits, job->id);
		if (waits != NULL && !fetch->release)
			continue; /* its time here is the exact one */
		if (w->nqueue >= DISPATCH_QUEUE_MAX) {
			w->more = true;
			break;
		}
		if (waits != NULL)
			worker_unwait(w, waits);
		else
			worker_push(d, w, job);
		added++;
	}
	return (added);
}

/* store_done_fn: the jobs of one handler that may run. */
static void
dispatch_fetched_cb(const struct store_result *res, void *arg)
{
	struct fetch fetch = *(struct fetch *)arg;
	struct dispatch *d = fetch.d;
	struct worker *w = worker_find(d, fetch.handler);

	free(arg);
	if (w == NULL)
		return;
	w->fetching = false;
	if (res->rc != STORE_OK) {
		w->more = true;
		w->release |= fetch.release;
		dispatch_rest(d);
		return;
	}
	w->due_ms = res->next_due_ms;

	/*
	 * A full page means that there may be more. If nothing on it could be
	 * taken, all of it waits for answers to leave, and dispatch_open()
	 * asks again.
	 */
	if (worker_accept(d, w, &fetch, res) > 0 &&
	    res->nrunnable >= fetch.limit)
		w->more = true;

	/*
	 * If even the earliest is due later than anything that waits can be,
	 * the clock has been set back since that was written: it is due now.
	 */
	if (res->next_due_ms > dispatch_now_ms(d) + w->wait_max_ms) {
		w->catch_ms = res->next_due_ms;
		w->more = true;
	}
	dispatch_wake(d);
}

void
worker_fetch(struct dispatch *d, struct worker *w)
{
	int64_t wall_ms = d->env->now_ms(d->env->arg);
	struct fetch *fetch;

	if (!w->more || w->fetching || w->paused ||
	    w->nqueue > DISPATCH_FETCH_MAX / 4)
		return;
	if ((fetch = malloc(sizeof(*fetch))) == NULL) {
		dispatch_rest(d); /* it is tried again after that */
		return;
	}
	*fetch = (struct fetch){
		.d = d,
		.handler = w->number,
		.limit = DISPATCH_FETCH_MAX + w->nfresh,
		.now_ms = dispatch_now_ms(d),
		.release = w->release,
	};
	if (w->release && wall_ms > fetch->now_ms)
		fetch->now_ms = wall_ms; /* people write by that one */
	if (w->catch_ms > fetch->now_ms)
		fetch->now_ms = w->catch_ms;
	if (w->release || w->catch_ms != 0)
		fetch->limit += w->nwaits; /* they may be among them */
	if (store_runnable(d->st, w->number, fetch->limit, fetch->now_ms,
		dispatch_fetched_cb, fetch) == -1) {
		free(fetch);
		dispatch_rest(d);
		return;
	}
	w->more = false;
	w->release = false;
	w->catch_ms = 0;
	w->fetching = true;
}
