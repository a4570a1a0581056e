#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/dispatch/dispatch_private.h"

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

void
worker_fini(struct dispatch *d, struct worker *w)
{
	queues_fini(w);
	if (w->engine != NULL && w->engine->calls > 0)
		TAILQ_INSERT_TAIL(&d->retired, w->engine, link);
	else if (w->engine != NULL)
		engine_close(w->engine);
	free(w->name);
	free(w->retry_ms);
}

/* The longest that a due time of our clock can be ahead. */
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
	queues_init(w);
	w->number = h->number;
	w->outlet = h->type->outlet;
	w->max_age_ms = h->max_age_ms;
	w->wait_max_ms = longest_wait(h);
	w->once_per_order = h->once_per_order;
	w->sends_repeats = h->sends_repeats;
	w->tells = h->tells;
	gate_init(&w->gate, h->concurrency, h->retry_ms[0] * 1000);
	w->paused = h->paused;
	w->nretry = h->nretry;
	worker_look(w); /* what an earlier run has left in the store */
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
	queues_inherit(w, old);
	w->fetching = old->fetching;
	w->release = old->release;
	w->due = old->due;
	w->paused = old->paused;
	w->attempts = old->attempts;
	gate_inherit(&w->gate, &old->gate);
}
