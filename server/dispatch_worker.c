#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/dispatch_private.h"

/* -- Engines -- */

static void
engine_close(struct engine *e)
{
	e->instance->type->close(e->instance);
	free(e);
}

/*
 * Not from finish(): the handler that calls it is not to be freed under its
 * feet.
 */
void
engines_sweep(struct dispatch *d)
{
	struct engine *e;
	struct engine *next;

	for (e = TAILQ_FIRST(&d->retired); e != NULL; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->calls > 0)
			continue;
		TAILQ_REMOVE(&d->retired, e, link);
		engine_close(e);
	}
}

/* -- Workers come and go -- */

static void
runs_free(struct run_list *list)
{
	struct run *run;

	while ((run = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, run, link);
		run_free(run);
	}
}

void
worker_fini(struct dispatch *d, struct worker *w)
{
	runs_free(&w->queue);
	runs_free(&w->fresh);
	runs_free(&w->waits);
	if (w->engine != NULL && w->engine->calls > 0)
		TAILQ_INSERT_TAIL(&d->retired, w->engine, link);
	else if (w->engine != NULL)
		engine_close(w->engine);
	free(w->name);
	free(w->retry_ms);
}

/* The longest wait that a due time can honestly be ahead. */
static int64_t
longest_wait(const struct dispatch_handler *h)
{
	int64_t ms = h->alarm_max_ms;

	for (size_t i = 0; i < h->nretry; i++) {
		int64_t spread_ms = h->retry_ms[i] + h->retry_ms[i] / 10 + 1;

		if (spread_ms > ms)
			ms = spread_ms;
	}
	return (ms);
}

/* Make the handler itself. Returns 0, or -1 with a reason that names it. */
static int
worker_open(struct worker *w, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX])
{
	char why[HANDLER_REASON_MAX] = "";

	w->engine->instance = h->type->open(env, &h->options, why);
	if (w->engine->instance != NULL)
		return (0);
	(void)snprintf(reason, HANDLER_REASON_MAX, "handler %.40s: %.200s",
	    h->name, why);
	return (-1);
}

int
worker_init(struct worker *w, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX])
{
	assert(h->nretry > 0);
	TAILQ_INIT(&w->queue);
	TAILQ_INIT(&w->fresh);
	TAILQ_INIT(&w->waits);
	w->number = h->number;
	w->outlet = h->type->outlet;
	w->max_age_ms = h->max_age_ms;
	w->wait_max_ms = longest_wait(h);
	w->once_per_order = h->once_per_order;
	w->concurrency = h->concurrency;
	w->window = h->concurrency;
	w->paused = h->paused;
	w->nretry = h->nretry;
	w->more = true; /* what an earlier run has left in the store */
	w->name = strdup(h->name);
	w->retry_ms = malloc(h->nretry * sizeof(*w->retry_ms));
	w->engine = calloc(1, sizeof(*w->engine));
	if (w->name == NULL || w->retry_ms == NULL || w->engine == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		goto fail;
	}
	memcpy(w->retry_ms, h->retry_ms, h->nretry * sizeof(*w->retry_ms));
	if (worker_open(w, env, h, reason) == 0)
		return (0);
fail:
	free(w->engine);
	w->engine = NULL;
	return (-1);
}

struct worker *
worker_find(struct dispatch *d, int64_t number)
{
	for (size_t i = 0; i < d->nworkers; i++) {
		if (d->workers[i].number == number)
			return (&d->workers[i]);
	}
	return (NULL);
}

void
worker_inherit(struct worker *w, struct worker *old)
{
	TAILQ_CONCAT(&w->queue, &old->queue, link);
	w->nqueue = old->nqueue;
	TAILQ_CONCAT(&w->fresh, &old->fresh, link);
	w->nfresh = old->nfresh;
	TAILQ_CONCAT(&w->waits, &old->waits, link);
	w->nwaits = old->nwaits;
	w->fetching = old->fetching;
	w->release = old->release;
	w->due_ms = old->due_ms;
	w->paused = old->paused;
	w->failed = old->failed;
	w->probing = old->probing;
	w->probe_us = old->probe_us;
	if (w->probing)
		w->window = 1;
}

/* -- The queues -- */

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

static struct run *
run_new(struct dispatch *d, struct worker *w, const struct store_job *job)
{
	struct run *run;

	if ((run = calloc(1, sizeof(*run))) == NULL) {
		w->more = true;
		return (NULL);
	}
	run->d = d;
	run->job = *job;
	run->call.run = run;
	(void)store_event_ref(run->job.ev);
	return (run);
}

void
worker_push(struct dispatch *d, struct worker *w, const struct store_job *job)
{
	struct run *run;

	if ((run = run_new(d, w, job)) == NULL)
		return;
	TAILQ_INSERT_TAIL(&w->queue, run, link);
	w->nqueue++;
}

void
worker_push_fresh(struct dispatch *d, struct worker *w,
    const struct store_job *job)
{
	struct run *run;

	if ((run = run_new(d, w, job)) == NULL)
		return;
	TAILQ_INSERT_TAIL(&w->fresh, run, link);
	if (++w->nfresh <= DISPATCH_FRESH_MAX)
		return;
	run = TAILQ_FIRST(&w->fresh); /* it is part of the backlog now */
	TAILQ_REMOVE(&w->fresh, run, link);
	w->nfresh--;
	w->more = true;
	run_free(run);
}

struct run *
worker_take(struct worker *w)
{
	struct run *run;

	w->fresh_next = !w->fresh_next;
	if (w->nqueue == 0 || (w->nfresh > 0 && w->fresh_next)) {
		run = TAILQ_FIRST(&w->fresh);
		TAILQ_REMOVE(&w->fresh, run, link);
		w->nfresh--;
	} else {
		run = TAILQ_FIRST(&w->queue);
		TAILQ_REMOVE(&w->queue, run, link);
		w->nqueue--;
	}
	return (run);
}

/* -- Waits: in memory by the monotonic clock, the others in the store -- */

void
worker_wait(struct worker *w, struct run *run)
{
	if (w->nwaits < DISPATCH_WAITS_MAX) {
		TAILQ_INSERT_TAIL(&w->waits, run, link);
		w->nwaits++;
		return;
	}
	if (w->due_ms == 0 || run->out.due_at_ms < w->due_ms)
		w->due_ms = run->out.due_at_ms;
	run_free(run);
}

/* A wait is over: the job joins the queue, among the others by its age. */
static void
worker_unwait(struct worker *w, struct run *run)
{
	struct run *before;

	TAILQ_REMOVE(&w->waits, run, link);
	w->nwaits--;
	TAILQ_FOREACH (before, &w->queue, link) {
		if (before->job.id > run->job.id)
			break;
	}
	if (before != NULL)
		TAILQ_INSERT_BEFORE(before, run, link);
	else
		TAILQ_INSERT_TAIL(&w->queue, run, link);
	w->nqueue++;
}

void
worker_check_due(struct dispatch *d, struct worker *w)
{
	int64_t now_us = clock_mono_us();
	struct run *run;
	struct run *next;

	if (w->due_ms != 0 && w->due_ms <= dispatch_now_ms(d)) {
		w->due_ms = 0;
		w->more = true;
	}
	for (run = TAILQ_FIRST(&w->waits);
	     run != NULL && w->nqueue < DISPATCH_QUEUE_MAX; run = next) {
		next = TAILQ_NEXT(run, link);
		if (run->due_us <= now_us)
			worker_unwait(w, run);
	}
}

int64_t
worker_next_us(const struct dispatch *d, const struct worker *w)
{
	int64_t now_us = clock_mono_us();
	int64_t next_us = INT64_MAX;
	const struct run *run;

	if (w->paused)
		return (next_us);
	if (w->due_ms != 0)
		next_us = (w->due_ms - dispatch_now_ms(d)) * 1000;
	if (w->nqueue < DISPATCH_QUEUE_MAX) {
		TAILQ_FOREACH (run, &w->waits, link) {
			if (run->due_us - now_us < next_us)
				next_us = run->due_us - now_us;
		}
	}
	if (w->probing && w->nqueue + w->nfresh > 0 && w->under_way == 0 &&
	    w->probe_us - now_us < next_us)
		next_us = w->probe_us - now_us;
	return (next_us);
}

/* -- Asking the store -- */

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
		.limit = DISPATCH_FETCH_MAX + w->nwaits + w->nfresh,
		.now_ms = dispatch_now_ms(d),
		.release = w->release,
	};
	if (w->release && wall_ms > fetch->now_ms)
		fetch->now_ms = wall_ms; /* people write by that one */
	if (w->catch_ms > fetch->now_ms)
		fetch->now_ms = w->catch_ms;
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
