/*
 * The one function that moves a run: all lists that a run can be in, and all
 * that is counted of where runs are.
 */
#include <assert.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/dispatch/dispatch_private.h"

/* The list for runs in this one's state; NULL: they are in none. */
static struct run_queue *
queue_of(struct run *run, struct worker *w)
{
	struct dispatch *d = run->d;

	switch (run->state) {
	case RUN_MADE:
	case RUN_ENDED:
		break;
	case RUN_QUEUED:
		if (run->job.attempts == 0)
			return (&w->jobs);
		return (run->job.attempts == 1 ? &w->second : &w->again);
	case RUN_FRESH:
		return (&w->fresh);
	case RUN_WAITING:
		return (&w->waits);
	case RUN_STARTING:
		return (&d->starting);
	case RUN_CALLING:
		return (&d->calling);
	case RUN_RECORDING:
		return (&d->recording);
	case RUN_UNRECORDED:
		return (&d->unrecorded);
	case RUN_NSTATES:
		break;
	}
	return (NULL);
}

/* Among those that wait: the first to end first. */
static void
insert_by_due(struct run_queue *q, struct run *run)
{
	struct run *before;

	TAILQ_FOREACH_REVERSE(before, &q->list, run_list, link)
	{
		if (!steady_before(run->out.due_at, before->out.due_at))
			break;
	}
	if (before != NULL)
		TAILQ_INSERT_AFTER(&q->list, before, run, link);
	else
		TAILQ_INSERT_HEAD(&q->list, run, link);
}

/* Does the handler's gate count it? */
static bool
is_call(const struct run *run)
{
	return (run->outlet &&
		(run->state == RUN_STARTING || run->state == RUN_CALLING));
}

static bool
is_in_store(const struct run *run)
{
	return (run->state == RUN_STARTING || run->state == RUN_RECORDING);
}

static void
leave(struct run *run, struct worker *w)
{
	struct run_queue *q = queue_of(run, w);

	if (q != NULL) {
		TAILQ_REMOVE(&q->list, run, link);
		q->n--;
	}
	if (run->state == RUN_CALLING)
		run->engine->calls--;
	if (is_in_store(run))
		pace_recorded(run);
}

static void
enter(struct run *run, struct worker *w)
{
	struct run_queue *q = queue_of(run, w);

	if (run->state == RUN_WAITING)
		insert_by_due(q, run);
	else if (q != NULL)
		TAILQ_INSERT_TAIL(&q->list, run, link);
	if (q != NULL)
		q->n++;
	if (run->state == RUN_CALLING) {
		run->engine = w->engine;
		run->engine->calls++;
	}
	if (is_in_store(run))
		pace_recording(run);
}

void
run_move(struct run *run, enum run_state to)
{
	struct worker *w = worker_find(run->d, run->job.handler);
	bool was_call = is_call(run);

	assert(run_may_move(run->state, to));
	leave(run, w);
	run->state = to;
	enter(run, w);
	if (w == NULL) /* its handler is not configured any more */
		return;
	if (!was_call && is_call(run))
		gate_begin(&w->gate, run->class, clock_mono_us());
	if (was_call && !is_call(run))
		gate_end(&w->gate, run->class);
}

void
run_free(struct run *run)
{
	run_move(run, RUN_ENDED);
	store_event_unref(run->job.ev);
	free(run->answer);
	free(run);
}

void
gate_recount(const struct dispatch *d, struct worker *w)
{
	const struct run *run;

	w->gate.under_way = 0;
	w->gate.again = 0;
	TAILQ_FOREACH (run, &d->starting.list, link) {
		if (run->job.handler == w->number)
			gate_count(&w->gate, run->class);
	}
	TAILQ_FOREACH (run, &d->calling.list, link) {
		if (run->job.handler == w->number)
			gate_count(&w->gate, run->class);
	}
}
