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

/* Make the instance of h; the reason names the handler. */
static int
worker_open(struct worker *w, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];

	w->engine->instance = h->type->open(env, &h->options, why);
	if (w->engine->instance != NULL)
		return (0);
	(void)snprintf(reason, HANDLER_REASON_MAX, "handler %s: %.*s", h->name,
	    HANDLER_REASON_MAX - 64, why);
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
	w->tells = h->tells;
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
worker_take(struct dispatch *d, struct worker *w)
{
	bool oldest = pace_allows_oldest(d, w, clock_mono_us());
	struct run *run;

	w->fresh_next = !w->fresh_next;
	if (w->nfresh > 0 && (w->fresh_next || !oldest)) {
		run = TAILQ_FIRST(&w->fresh);
		TAILQ_REMOVE(&w->fresh, run, link);
		w->nfresh--;
	} else {
		run = TAILQ_FIRST(&w->queue);
		TAILQ_REMOVE(&w->queue, run, link);
		w->nqueue--;
	}
	run->old = pace_is_old(run);
	return (run);
}

/* -- Waits: in memory, the first to end first; the others in the store -- */

void
worker_wait(struct worker *w, struct run *run)
{
	struct run *before;

	if (w->nwaits >= DISPATCH_WAITS_MAX) {
		if (w->due_ms == 0 || run->out.due_at_ms < w->due_ms)
			w->due_ms = run->out.due_at_ms;
		run_free(run);
		return;
	}
	TAILQ_FOREACH_REVERSE(before, &w->waits, run_list, link)
	{
		if (before->due_us <= run->due_us)
			break;
	}
	if (before != NULL)
		TAILQ_INSERT_AFTER(&w->waits, before, run, link);
	else
		TAILQ_INSERT_HEAD(&w->waits, run, link);
	w->nwaits++;
}

void
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

	if (w->due_ms != 0 && w->due_ms <= dispatch_now_ms(d)) {
		w->due_ms = 0;
		w->more = true;
	}
	while (w->nqueue < DISPATCH_QUEUE_MAX &&
	       (run = TAILQ_FIRST(&w->waits)) != NULL && run->due_us <= now_us)
		worker_unwait(w, run);
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
	run = TAILQ_FIRST(&w->waits);
	if (run != NULL && w->nqueue < DISPATCH_QUEUE_MAX &&
	    run->due_us - now_us < next_us)
		next_us = run->due_us - now_us;
	if (w->probing && w->nqueue + w->nfresh > 0 && w->under_way == 0 &&
	    w->probe_us - now_us < next_us)
		next_us = w->probe_us - now_us;
	if (pace_next_us(d, w, now_us) < next_us)
		next_us = pace_next_us(d, w, now_us);
	return (next_us);
}
