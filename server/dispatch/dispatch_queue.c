/*
 * The queues of a handler: what may run and was not tried before, the oldest
 * and, beside a backlog, some of the newest; what was tried once, what was
 * tried more often, in the order in which their waits ended; what waits.
 */
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/dispatch/dispatch_private.h"

/* -- One queue -- */

static void
queue_free(struct run_queue *q)
{
	struct run *run;

	while ((run = TAILQ_FIRST(&q->list)) != NULL)
		run_free(run);
}

static void
queue_move(struct run_queue *to, struct run_queue *from)
{
	TAILQ_CONCAT(&to->list, &from->list, link);
	to->n += from->n;
	from->n = 0;
}

/* -- All of a handler's -- */

void
queues_init(struct worker *w)
{
	run_queue_init(&w->jobs);
	run_queue_init(&w->fresh);
	run_queue_init(&w->second);
	run_queue_init(&w->again);
	run_queue_init(&w->waits);
}

void
queues_fini(struct worker *w)
{
	queue_free(&w->jobs);
	queue_free(&w->fresh);
	queue_free(&w->second);
	queue_free(&w->again);
	queue_free(&w->waits);
}

void
queues_inherit(struct worker *w, struct worker *old)
{
	queue_move(&w->jobs, &old->jobs);
	queue_move(&w->fresh, &old->fresh);
	queue_move(&w->second, &old->second);
	queue_move(&w->again, &old->again);
	queue_move(&w->waits, &old->waits);
}

size_t
queues_new(const struct worker *w)
{
	return (w->jobs.n + w->fresh.n);
}

size_t
queues_tried(const struct worker *w)
{
	return (w->second.n + w->again.n);
}

bool
queues_have(const struct worker *w, int64_t job)
{
	return (run_queue_find(&w->jobs, job) != NULL ||
		run_queue_find(&w->fresh, job) != NULL ||
		run_queue_find(&w->second, job) != NULL ||
		run_queue_find(&w->again, job) != NULL);
}

struct run *
queues_waiting(const struct worker *w, int64_t job)
{
	return (run_queue_find(&w->waits, job));
}

/* -- In -- */

void
worker_look(struct worker *w)
{
	w->more = true;
	w->more_again = true;
}

static struct run *
run_new(struct dispatch *d, struct worker *w, const struct store_job *job,
    int64_t came_us)
{
	struct run *run;

	if ((run = calloc(1, sizeof(*run))) == NULL) {
		worker_look(w);
		return (NULL);
	}
	run->d = d;
	run->job = *job;
	run->came_us = came_us;
	run->call.run = run;
	(void)store_event_ref(run->job.ev);
	return (run);
}

void
worker_push(struct dispatch *d, struct worker *w, const struct store_job *job,
    int64_t came_us)
{
	struct run *run = run_new(d, w, job, came_us);

	if (run != NULL)
		run_move(run, RUN_QUEUED);
}

void
worker_push_fresh(struct dispatch *d, struct worker *w,
    const struct store_job *job, int64_t came_us)
{
	struct run *run = run_new(d, w, job, came_us);

	if (run == NULL)
		return;
	run_move(run, RUN_FRESH);
	if (w->fresh.n <= DISPATCH_FRESH_MAX)
		return;
	w->more = true; /* the oldest is part of the backlog now */
	run_free(TAILQ_FIRST(&w->fresh.list));
}

/* -- Turns -- */

void
worker_take(struct worker *w, struct run *run, enum gate_class class)
{
	if (class == GATE_AGAIN) {
		w->second_next = !w->second_next;
		w->since_again = 0;
	} else {
		w->fresh_next = !w->fresh_next;
		w->since_again++;
	}
	run->class = class;
	run->old = pace_is_old(run);
	run->big = pace_is_big(run);
	run->outlet = w->outlet;
}

/* -- Waits: in memory, the first to end first; the others in the store -- */

void
worker_wait(struct worker *w, struct run *run)
{
	/* With others in the store it waits there with them, for its turn. */
	if (w->waits.n >= DISPATCH_WAITS_MAX || w->more_again) {
		if (w->due.ms == 0 || steady_before(run->out.due_at, w->due))
			w->due = run->out.due_at;
		run_free(run);
		return;
	}
	run_move(run, RUN_WAITING);
}

void
worker_check_due(struct dispatch *d, struct worker *w)
{
	struct steady_time now = dispatch_now(d);
	struct run *run;

	if (w->due.ms != 0 && !steady_before(now, w->due)) {
		w->due.ms = 0;
		worker_look(w);
	}
	while (queues_tried(w) < DISPATCH_QUEUE_MAX &&
	       (run = TAILQ_FIRST(&w->waits.list)) != NULL &&
	       !steady_before(now, run->out.due_at))
		run_move(run, RUN_QUEUED);
}

int64_t
worker_next_us(const struct dispatch *d, const struct worker *w)
{
	struct steady_time now = dispatch_now(d);
	int64_t now_us = clock_mono_us();
	int64_t next_us = INT64_MAX;
	const struct run *run;

	if (w->paused)
		return (next_us);
	if (w->due.ms != 0)
		next_us = steady_since(w->due, now) * 1000;
	run = TAILQ_FIRST(&w->waits.list);
	if (run != NULL && queues_tried(w) < DISPATCH_QUEUE_MAX &&
	    steady_since(run->out.due_at, now) * 1000 < next_us)
		next_us = steady_since(run->out.due_at, now) * 1000;
	if (pace_next_us(d, w, now_us) < next_us)
		next_us = pace_next_us(d, w, now_us);
	return (next_us);
}
