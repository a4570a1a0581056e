#include "server/dispatch/live_handler.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/dispatch/call_time.h"

/* -- Instances -- */

static void
instance_close(struct shared_instance *shared)
{
	shared->instance->type->close(shared->instance);
	free(shared);
}

/*
 * Not from finish(): the handler that calls it must not be freed before that
 * has returned.
 */
void
instances_sweep(struct instance_list *closing)
{
	struct shared_instance *shared;
	struct shared_instance *next;

	for (shared = TAILQ_FIRST(closing); shared != NULL; shared = next) {
		next = TAILQ_NEXT(shared, link);
		if (shared->calls > 0)
			continue;
		TAILQ_REMOVE(closing, shared, link);
		instance_close(shared);
	}
}

void
instance_flush(struct shared_instance *shared)
{
	struct handler_instance *h = shared->instance;

	if (!shared->unflushed)
		return;
	shared->unflushed = false;
	if (shared->calls > 0) /* else all of them have ended meanwhile */
		h->type->flush(h);
}

/* Make the instance of h; the reason names the handler. */
static int
instance_open(struct shared_instance *shared, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];

	shared->instance = h->type->open(env, &h->options, why);
	if (shared->instance != NULL)
		return (0);
	(void)snprintf(reason, HANDLER_REASON_MAX, "handler %s: %.*s", h->name,
	    HANDLER_REASON_MAX - 64, why);
	return (-1);
}

/* -- Handlers come and go -- */

void
live_handler_fini(struct live_handler *live, struct instance_list *closing)
{
	struct shared_instance *shared = live->shared;

	assert(backlog_any(&live->backlog) == NULL);
	if (shared != NULL && shared->instance->type->pulled != NULL)
		shared->instance->type->pulled->retire(shared->instance);
	if (shared != NULL && shared->calls > 0)
		TAILQ_INSERT_TAIL(closing, shared, link);
	else if (shared != NULL)
		instance_close(shared);
	free(live->name);
	free(live->retry_ms);
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

int
live_handler_init(struct live_handler *live, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX])
{
	assert(h->nretry > 0);
	*live = (struct live_handler){
		.number = h->number,
		.outlet = h->type->outlet,
		.nretry = h->nretry,
		.max_age_ms = h->max_age_ms,
		.wait_max_ms = longest_wait(h),
		.once_per_order = h->once_per_order,
		.sends_repeats = h->sends_repeats,
		.logs_answers = h->logs_answers,
		.paused = h->paused,
		.release = h->shared,
		.holds = true,
	};
	call_time_init(&live->calls);
	gate_init(&live->gate, h->concurrency, h->retry_ms[0] * 1000);
	backlog_init(&live->backlog); /* asks for what an earlier run left */
	live->name = strdup(h->name);
	live->retry_ms = malloc(h->nretry * sizeof(*live->retry_ms));
	live->shared = calloc(1, sizeof(*live->shared));
	if (live->name == NULL || live->retry_ms == NULL ||
	    live->shared == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		goto fail;
	}
	memcpy(live->retry_ms, h->retry_ms,
	    h->nretry * sizeof(*live->retry_ms));
	if (instance_open(live->shared, env, h, reason) == 0)
		return (0);
fail:
	free(live->shared);
	live->shared = NULL;
	return (-1);
}

void
live_handler_inherit(struct live_handler *live, struct live_handler *old)
{
	backlog_inherit(&live->backlog, &old->backlog);
	gate_inherit(&live->gate, &old->gate);
	live->paused = old->paused;
	live->releasing = old->releasing;
	live->attempts = old->attempts;
	live->calls = old->calls;
	(void)strcpy(live->error, old->error);
	live->error_ms = old->error_ms;
	live->failing_since = old->failing_since;
	live->works = old->works;
}

bool
live_handler_has_room(const struct live_handler *live)
{
	const struct handler_instance *h = live->shared->instance;

	return (
	    !live->paused && (h->type->pulled == NULL ||
				 h->type->pulled->room(h) > live->starting));
}

bool
live_handler_is_away(const struct live_handler *live)
{
	const struct handler_instance *h = live->shared->instance;

	return (h->type->pulled != NULL && h->type->pulled->away(h));
}

struct turn
live_handler_turn(const struct live_handler *live, const struct pace *pace,
    struct moment now)
{
	return ((struct turn){
	    .turns = &live->turns,
	    .backlog = &live->backlog,
	    .gate = live->outlet ? &live->gate : NULL,
	    .pace = pace,
	    .now = now,
	});
}
