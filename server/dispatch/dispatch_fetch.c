/* Asking the store for the runnable jobs of a handler. */
#include <stdlib.h>

#include "server/dispatch/dispatch_private.h"

static bool
is_in(const struct run_queue *q, int64_t job)
{
	return (run_queue_find(q, job) != NULL);
}

/* Is the job in memory already, and not only waiting? */
static bool
worker_has(const struct dispatch *d, const struct worker *w, int64_t job)
{
	return (queues_have(w, job) || is_in(&d->starting, job) ||
		is_in(&d->calling, job) || is_in(&d->recording, job) ||
		is_in(&d->unrecorded, job));
}

/* What a request to the store for runnable jobs is about. */
struct fetch {
	struct dispatch *d;
	int64_t handler;
	size_t limit;
	struct steady_time now;
	bool release;
};

/* What came of it: jobs on the page, and those of them that were taken in. */
struct page {
	size_t offered;
	size_t added;
};

/* Take in a job that the store offers, of those that page counts. */
static void
worker_accept(struct dispatch *d, struct worker *w, const struct fetch *fetch,
    const struct store_job *job, struct page *page)
{
	bool tried = job->attempts > 0;
	struct run *waits;

	page->offered++;
	if (dispatch_defers(d, job->ev->id) || worker_has(d, w, job->id))
		return;
	waits = queues_waiting(w, job->id);
	if (waits != NULL && !fetch->release)
		return; /* its time here is the exact one */
	if (tried && queues_tried(w) >= DISPATCH_QUEUE_MAX) {
		w->more_again = true;
		return;
	}
	if (!tried && w->jobs.n >= DISPATCH_QUEUE_MAX) {
		w->more = true;
		return;
	}
	if (waits != NULL)
		run_move(waits, RUN_QUEUED);
	else
		worker_push(d, w, job, 0);
	page->added++;
}

/* Take in what the store offers. */
static void
worker_accept_all(struct dispatch *d, struct worker *w,
    const struct fetch *fetch, const struct store_result *res)
{
	struct page new = { 0 }, tried = { 0 };

	for (size_t i = 0; i < res->nrunnable; i++)
		worker_accept(d, w, fetch, &res->runnable[i],
		    res->runnable[i].attempts > 0 ? &tried : &new);

	/*
	 * A full page means that there may be more. If nothing on it could be
	 * taken, all of it waits for answers to leave, and dispatch_open()
	 * asks again.
	 */
	if (new.added > 0 && new.offered >= fetch->limit)
		w->more = true;
	if (tried.added > 0 && tried.offered >= fetch->limit)
		w->more_again = true;
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
		worker_look(w);
		w->release |= fetch.release;
		dispatch_rest(d);
		return;
	}
	w->due = res->next_due;

	worker_accept_all(d, w, &fetch, res);

	/*
	 * A klikitd of before the steady clock has written it: if even the
	 * earliest is due later than anything that waits can be, its clock was
	 * set back later, and it is due now.
	 */
	if (d->clock->foreign &&
	    steady_since(res->next_due, dispatch_now(d)) > w->wait_max_ms) {
		w->catch = res->next_due;
		worker_look(w);
	}
	dispatch_wake(d);
}

/* May the store have jobs for w for which there is room? */
static bool
worker_wants(const struct worker *w)
{
	return ((w->more && w->jobs.n <= DISPATCH_FETCH_MAX / 4) ||
		(w->more_again && queues_tried(w) <= DISPATCH_FETCH_MAX / 4));
}

/*
 * How many to ask for, of those that were tried and of the others: the store
 * also offers what is here already.
 */
static size_t
worker_limit(const struct worker *w)
{
	size_t limit = queues_tried(w);

	if (w->jobs.n + w->fresh.n > limit)
		limit = w->jobs.n + w->fresh.n;
	if (w->release || w->catch.ms != 0)
		limit += w->waits.n;
	return (limit + DISPATCH_FETCH_MAX);
}

void
worker_fetch(struct dispatch *d, struct worker *w)
{
	struct fetch *fetch;

	if (w->fetching || w->paused || !worker_wants(w))
		return;
	if ((fetch = malloc(sizeof(*fetch))) == NULL) {
		dispatch_rest(d); /* it is tried again after that */
		return;
	}
	*fetch = (struct fetch){
		.d = d,
		.handler = w->number,
		.limit = worker_limit(w),
		.now = dispatch_now(d),
		.release = w->release,
	};
	if (steady_before(fetch->now, w->catch))
		fetch->now = w->catch;
	if (store_runnable(d->st, w->number, fetch->limit, fetch->now,
		dispatch_fetched_cb, fetch) == -1) {
		free(fetch);
		dispatch_rest(d);
		return;
	}
	w->more = false;
	w->more_again = false;
	w->release = false;
	w->catch.ms = 0;
	w->fetching = true;
}
