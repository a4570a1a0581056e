#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/dispatch_private.h"

void
worker_fini(struct worker *w)
{
	struct run *run;

	while ((run = TAILQ_FIRST(&w->queue)) != NULL) {
		TAILQ_REMOVE(&w->queue, run, link);
		run_free(run);
	}
	if (w->instance != NULL)
		w->instance->type->close(w->instance);
	free(w->name);
	free(w->retry_ms);
}

int
worker_init(struct worker *w, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX])
{
	assert(h->nretry > 0);
	TAILQ_INIT(&w->queue);
	w->number = h->number;
	w->max_age_ms = h->max_age_ms;
	w->nretry = h->nretry;
	w->more = true; /* what an earlier run has left in the store */
	w->name = strdup(h->name);
	w->retry_ms = malloc(h->nretry * sizeof(*w->retry_ms));
	if (w->name == NULL || w->retry_ms == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		return (-1);
	}
	memcpy(w->retry_ms, h->retry_ms, h->nretry * sizeof(*w->retry_ms));
	w->instance = h->type->open(env, &h->options, reason);
	return (w->instance == NULL ? -1 : 0);
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
	old->nqueue = 0;
	w->fetching = old->fetching;
	w->due_ms = old->due_ms;
}

/* Is the job in memory already? */
static bool
worker_has(const struct dispatch *d, const struct worker *w, int64_t job)
{
	const struct run *run;

	TAILQ_FOREACH (run, &w->queue, link) {
		if (run->job.id == job)
			return (true);
	}
	TAILQ_FOREACH (run, &d->recording, link) {
		if (run->job.id == job)
			return (true);
	}
	return (false);
}

void
worker_push(struct dispatch *d, struct worker *w, const struct store_job *job)
{
	struct run *run;

	if ((run = calloc(1, sizeof(*run))) == NULL) {
		w->more = true;
		return;
	}
	run->d = d;
	run->job = *job;
	(void)store_event_ref(run->job.ev);
	TAILQ_INSERT_TAIL(&w->queue, run, link);
	w->nqueue++;
}

/* What a request to the store for runnable jobs is about. */
struct fetch {
	struct dispatch *d;
	int64_t handler;
};

/* store_done_fn: the jobs of one handler that may run. */
static void
dispatch_fetched_cb(const struct store_result *res, void *arg)
{
	struct fetch *fetch = arg;
	struct dispatch *d = fetch->d;
	struct worker *w = worker_find(d, fetch->handler);
	size_t added = 0;

	free(fetch);
	if (w == NULL)
		return;
	w->fetching = false;
	if (res->rc != STORE_OK) {
		w->more = true;
		dispatch_pause(d);
		return;
	}
	w->due_ms = res->next_due_ms;
	for (size_t i = 0; i < res->nrunnable; i++) {
		const struct store_job *job = &res->runnable[i];

		if (dispatch_defers(d, job->ev->id) ||
		    worker_has(d, w, job->id))
			continue;
		if (w->nqueue >= DISPATCH_QUEUE_MAX) {
			w->more = true;
			break;
		}
		worker_push(d, w, job);
		added++;
	}

	/*
	 * A full page means that there may be more. If nothing on it could be
	 * taken, all of it waits for answers to leave, and dispatch_open()
	 * asks again.
	 */
	if (res->nrunnable >= DISPATCH_FETCH_MAX && added > 0)
		w->more = true;
	dispatch_wake(d);
}

void
worker_fetch(struct dispatch *d, struct worker *w)
{
	struct fetch *fetch;

	if (!w->more || w->fetching || w->nqueue > DISPATCH_FETCH_MAX / 4)
		return;
	if ((fetch = malloc(sizeof(*fetch))) != NULL)
		*fetch = (struct fetch){ .d = d, .handler = w->number };
	if (fetch == NULL ||
	    store_runnable(d->st, w->number, DISPATCH_FETCH_MAX,
		d->env->now_ms(d->env->arg), dispatch_fetched_cb,
		fetch) == -1) {
		free(fetch);
		dispatch_pause(d); /* it is tried again after that */
		return;
	}
	w->more = false;
	w->fetching = true;
}
