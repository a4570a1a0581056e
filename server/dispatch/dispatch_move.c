#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch_private.h"

/* The list of dispatch for runs in that state; NULL: a backlog has them. */
static struct run_queue *
queue_of(struct dispatch *d, enum run_state state)
{
	switch (state) {
	case RUN_STARTING:
		return (&d->starting);
	case RUN_CALLING:
		return (&d->calling);
	case RUN_RECORDING:
		return (&d->recording);
	case RUN_UNRECORDED:
		return (&d->unrecorded);
	case RUN_MADE:
	case RUN_QUEUED:
	case RUN_FRESH:
	case RUN_WAITING:
	case RUN_ENDED:
	case RUN_NSTATES:
		break;
	}
	return (NULL);
}

static bool
is_in_backlog(const struct run *run)
{
	return (run->state == RUN_QUEUED || run->state == RUN_FRESH ||
		run->state == RUN_WAITING);
}

/* Does the handler's gate count it? */
static bool
is_call(const struct run *run)
{
	return (run->outlet &&
		(run->state == RUN_STARTING || run->state == RUN_CALLING ||
		    (run->state == RUN_RECORDING && run->begun != NULL)));
}

/* Is a record of it on its way to the store? */
static bool
is_in_store(const struct run *run)
{
	return (run->state == RUN_STARTING || run->state == RUN_RECORDING);
}

/* Of that record: only a start reads the body. */
static struct pace_load
load_of(const struct run *run)
{
	return ((struct pace_load){
	    .old = run->load.old,
	    .big = run->load.big && run->state == RUN_STARTING,
	});
}

static void
leave(struct run *run, struct live_handler *live, int64_t now_us)
{
	struct dispatch *d = run->d;
	struct run_queue *q = queue_of(d, run->state);

	if (q != NULL)
		run_queue_remove(q, run);
	if (is_in_backlog(run))
		backlog_remove(&live->backlog, run);
	if (is_in_store(run))
		pace_complete(&d->pace, load_of(run), now_us);
	if (run->state == RUN_UNRECORDED)
		pace_unkeep(&d->pace);
	if (run->state == RUN_CALLING)
		run->shared->calls--;
	if (run->state == RUN_STARTING && live != NULL)
		live->starting--;
}

static void
enter(struct run *run, struct live_handler *live, int64_t now_us)
{
	struct dispatch *d = run->d;
	struct run_queue *q = queue_of(d, run->state);

	if (q != NULL)
		run_queue_put(q, run);
	if (is_in_backlog(run))
		backlog_put(&live->backlog, run);
	if (is_in_store(run))
		pace_submit(&d->pace, load_of(run), now_us);
	if (run->state == RUN_UNRECORDED)
		pace_keep(&d->pace);
	if (run->state == RUN_CALLING) {
		run->shared = live->shared;
		run->shared->calls++;
	}
	if (run->state == RUN_STARTING && live != NULL)
		live->starting++;
}

void
run_move(struct run *run, enum run_state to)
{
	struct live_handler *live = live_handler_find(run->d, run->job.handler);
	int64_t now_us = clock_mono_us();
	bool was_call = is_call(run);

	if (!run_may_move(run->state, to))
		log_error("job %" PRId64 ": a bug in klikitd: %s, to be %s",
		    run->job.id, run_state_name(run->state),
		    run_state_name(to));
	assert(run_may_move(run->state, to));
	leave(run, live, now_us);
	run->state = to;
	enter(run, live, now_us);
	if (live == NULL) /* its handler is not configured any more */
		return;
	if (!was_call && is_call(run))
		gate_begin(&live->gate, run->class, now_us);
	if (was_call && !is_call(run))
		gate_end(&live->gate, run->class);
}

void
run_new(struct dispatch *d, struct live_handler *live,
    const struct store_job *job, int64_t came_us, enum run_state state)
{
	struct run *run;

	if ((run = calloc(1, sizeof(*run))) == NULL) {
		backlog_look(&live->backlog);
		return;
	}
	run->d = d;
	run->job = *job;
	run->came_us = came_us;
	run->call.run = run;
	(void)store_event_ref(run->job.ev);
	run_move(run, state);
}

void
run_tell_recorded(struct run *run, bool kept)
{
	void (*recorded)(void *, bool) = run->recorded;

	run->recorded = NULL;
	if (recorded != NULL)
		recorded(run->recorded_arg, kept);
}

void
run_free(struct run *run)
{
	run_tell_recorded(run, false);
	run_move(run, RUN_ENDED);
	store_event_unref(run->job.ev);
	free(run->answer);
	free(run->next);
	free(run);
}

/* Those runs in q that are the handler's. */
static void
recount(const struct run_queue *q, struct live_handler *live)
{
	const struct run *run;

	TAILQ_FOREACH (run, &q->list, link) {
		if (run->job.handler == live->number && is_call(run))
			gate_count(&live->gate, run->class);
	}
}

void
runs_recount(const struct dispatch *d, struct live_handler *live)
{
	live->gate.under_way = 0;
	live->gate.tried = 0;
	recount(&d->starting, live);
	live->starting = live->gate.under_way;
	recount(&d->calling, live);
	recount(&d->recording, live);
}
