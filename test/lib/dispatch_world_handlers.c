/* The handlers of the world: what they are given, and what they answer. */

#include <stdio.h>
#include <stdlib.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/dispatch_world.h"

struct instance {
	struct handler_instance handler; /* first */
	struct world *w;
};

static struct handler_instance *world_open(const struct handler_env *env,
    const struct handler_options *opt, char reason[HANDLER_REASON_MAX]);
static enum handler_verdict world_run(struct handler_instance *h,
    const struct handler_job *job, struct handler_result *ret_result);
static enum handler_verdict world_call(struct handler_instance *h,
    const struct handler_job *job, struct handler_result *ret_result);
static void world_cancel(struct handler_instance *h, struct handler_call *call);
static void world_flush(struct handler_instance *h);
static void world_close(struct handler_instance *h);

static const struct handler world_handler = {
	.type = "world",
	.open = world_open,
	.run = world_run,
	.close = world_close,
};

static const struct handler batch_handler = {
	.type = "batch",
	.outlet = true,
	.open = world_open,
	.run = world_call,
	.flush = world_flush,
	.cancel = world_cancel,
	.close = world_close,
};

static size_t
world_room(const struct handler_instance *h)
{
	const struct world *w = ((const struct instance *)h)->w;

	return (w->room > w->ncalls ? w->room - w->ncalls : 0);
}

static bool
world_away(const struct handler_instance *h)
{
	return (((const struct instance *)h)->w->away);
}

static void
world_hurry(struct handler_instance *h)
{
	((struct instance *)h)->w->hurries++;
}

static const struct handler_lasting lasting = { world_away, world_hurry };

static const struct handler outlet_handler = {
	.type = "outlet",
	.outlet = true,
	.open = world_open,
	.run = world_call,
	.lasting = &lasting,
	.cancel = world_cancel,
	.close = world_close,
};

static void
world_retire(struct handler_instance *h)
{
	((struct instance *)h)->w->retired++;
}

static int64_t
world_pullers(const struct handler_instance *h,
    char ret_text[HANDLER_REASON_MAX])
{
	(void)snprintf(ret_text, HANDLER_REASON_MAX, "pulled for %zu",
	    ((const struct instance *)h)->w->room);
	return (5);
}

static const struct handler_pulled world_pulled = {
	.room = world_room,
	.away = world_away,
	.retire = world_retire,
	.pullers = world_pullers,
};

static const struct handler pulled_handler = {
	.type = "pulled",
	.outlet = true,
	.open = world_open,
	.run = world_call,
	.cancel = world_cancel,
	.pulled = &world_pulled,
	.close = world_close,
};

static struct handler_instance *
world_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	struct instance *in = calloc(1, sizeof(*in));

	if (in == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		return (NULL);
	}
	in->w = env->arg;
	in->handler.type = opt->timeout_ms == 0 ? &world_handler
			   : in->w->pulled      ? &pulled_handler
			   : in->w->batches     ? &batch_handler
						: &outlet_handler;
	in->w->opened++;
	return (&in->handler);
}

static enum handler_verdict
world_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct world *w = ((struct instance *)h)->w;
	struct world_job *wj = &w->jobs[job->ev->id - 1];

	wj->runs++;
	w->runs++;
	w->disorder += wj->id < w->last[wj->handler];
	w->last[wj->handler] = wj->id;
	if (w->verdict != HANDLER_DONE)
		(void)snprintf(ret_result->reason, HANDLER_REASON_MAX, "%s",
		    w->result.reason[0] != '\0' ? w->result.reason
						: "the POS is closed");
	return (w->verdict);
}

static enum handler_verdict
world_call(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct world *w = ((struct instance *)h)->w;
	const struct world_job *wj = &w->jobs[job->ev->id - 1];
	enum handler_verdict verdict = w->verdict;

	*ret_result = w->result;
	if (wj->bad) {
		verdict = HANDLER_RETRY;
		ret_result->fault = w->bad_fault;
	}
	if (wj->hangs)
		verdict = HANDLER_PENDING;
	w->bodies += job->ev->body != NULL;
	w->attempt = job->attempt;
	(void)world_run(h, job, ret_result);
	assert_int_equal(job->id, job->ev->id);
	if (verdict == HANDLER_PENDING) {
		assert_in_range(w->ncalls, 0, WORLD_CALLS_MAX - 1);
		w->calling[w->ncalls] = job->id;
		w->calls[w->ncalls++] = job->call;
		w->unflushed++;
		if (w->ncalls > w->calls_max)
			w->calls_max = w->ncalls;
	}
	return (verdict);
}

static void
calls_remove(struct world *w, size_t i)
{
	w->ncalls--;
	for (; i < w->ncalls; i++) {
		w->calls[i] = w->calls[i + 1];
		w->calling[i] = w->calling[i + 1];
	}
}

static void
world_cancel(struct handler_instance *h, struct handler_call *call)
{
	struct world *w = ((struct instance *)h)->w;
	size_t i = 0;

	while (i < w->ncalls && w->calls[i] != call)
		i++;
	assert_in_range(i, 0, w->ncalls - 1);
	calls_remove(w, i);
	w->cancelled++;
}

void
world_finish(struct world *w, enum handler_verdict verdict)
{
	struct handler_result result = w->result;
	struct handler_call *call = w->calls[0];

	assert_in_range(w->ncalls, 1, WORLD_CALLS_MAX);
	result.verdict = verdict;
	if (verdict != HANDLER_DONE)
		(void)snprintf(result.reason, HANDLER_REASON_MAX,
		    "the POS is closed");
	calls_remove(w, 0);
	dispatch_finish(call, &result);
}

static void
world_flush(struct handler_instance *h)
{
	struct world *w = ((struct instance *)h)->w;

	w->flushes++;
	w->batch = w->unflushed;
	w->unflushed = 0;
	while (w->flush_ends && w->ncalls > 0)
		world_finish(w, HANDLER_DONE);
}

static void
world_close(struct handler_instance *h)
{
	((struct instance *)h)->w->opened--;
	free(h);
}

int
world_try_handlers(struct world *w, size_t n, int64_t without)
{
	static const int64_t retry[] = { 5000, 30000 };
	struct dispatch_handler handlers[WORLD_HANDLERS_MAX];
	char names[WORLD_HANDLERS_MAX][32];
	char reason[HANDLER_REASON_MAX];
	size_t made = 0;

	for (size_t i = 0; i < n; i++) {
		if ((int64_t)i + 1 == without)
			continue;
		(void)snprintf(names[i], sizeof(names[i]), "h%zu", i + 1);
		handlers[made] = (struct dispatch_handler){
			.number = (int64_t)i + 1,
			.name = names[i],
			.type = &world_handler,
			.retry_ms = retry,
			.nretry = 2,
			.max_age_ms = WORLD_MAX_AGE_MS,
			.alarm_max_ms = w->alarm_max_ms,
			.concurrency = w->concurrency == 0 ? 4 : w->concurrency,
			.once_per_order = w->once,
			.paused = w->paused,
		};
		if (w->outlets != 0 && handlers[made].number >= w->outlets) {
			handlers[made].type = &outlet_handler;
			handlers[made].options.timeout_ms = 1;
		}
		made++;
	}
	return (dispatch_set_handlers(w->d, handlers, made, reason));
}

void
world_handlers(struct world *w, size_t n, int64_t without)
{
	assert_int_equal(world_try_handlers(w, n, without), 0);
}

struct world *
world_outlet(void **state, enum handler_verdict verdict, size_t concurrency)
{
	struct world *w = *state;

	w->outlets = 1;
	w->concurrency = concurrency;
	w->verdict = verdict;
	world_handlers(w, 1, 0);
	return (w);
}

struct world *
world_calls(void **state, enum handler_verdict verdict, size_t n)
{
	world_add(*state, n, 1);
	return (world_outlet(state, verdict, 0));
}
