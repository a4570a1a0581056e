#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/dispatch/dispatch_private.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

static struct store_event *
event_of(const struct world *w, const struct world_job *wj)
{
	char name[32];
	struct store_event src = {
		.event_id = name,
		.type = w->type != NULL ? w->type : "klikit.order.created.v2",
		.secret = "default",
		.peer = "127.0.0.1:1",
		.received_at_ms = fake_clock_wall_ms(),
		.came_at.ms =
		    wj->came_ms != 0 ? wj->came_ms : FAKE_CLOCK_START_MS,
	};
	struct store_event *ev;

	(void)snprintf(name, sizeof(name), "event-%d", (int)wj->id);
	ev = store_event_new(&src);
	assert_non_null(ev);
	ev->id = wj->id;
	ev->body_len = w->body_len; /* the body itself is not there */
	return (ev);
}

void
world_add(struct world *w, size_t n, int64_t handler)
{
	w->jobs = realloc(w->jobs, (w->njobs + n) * sizeof(*w->jobs));
	assert_non_null(w->jobs);
	for (size_t i = 0; i < n; i++, w->njobs++)
		w->jobs[w->njobs] = (struct world_job){
			.id = (int64_t)w->njobs + 1,
			.handler = handler,
			.state = JOB_READY,
		};
}

/* The job as the store gives it; the event's reference is the caller's. */
static struct store_job
store_job_of(const struct world *w, const struct world_job *wj)
{
	return ((struct store_job){
	    .id = wj->id,
	    .handler = wj->handler,
	    .place = STORE_WHOLE_EVENT,
	    .attempts = wj->attempts,
	    .replay = wj->replay,
	    .guards = wj->guards,
	    .ev = event_of(w, wj),
	});
}

int64_t
world_arrive(struct world *w, int64_t handler)
{
	struct store_job job;

	world_add(w, 1, handler);
	w->jobs[w->njobs - 1].came_ms = steady_now(&w->clock).ms;
	job = store_job_of(w, &w->jobs[w->njobs - 1]);
	dispatch_hold(w->d, job.ev, &job, 1);
	store_event_unref(job.ev);
	return (job.id);
}

static bool
is_runnable(const struct world *w, const struct world_job *wj, int64_t now_ms)
{
	if (wj->behind != 0 && !job_is_end(w->jobs[wj->behind - 1].state))
		return (false);
	return (wj->state == JOB_READY ||
		(wj->state == JOB_WAITING && wj->due_ms <= now_ms));
}

static void
serve_runnable(struct world *w, struct fake_op *op)
{
	struct store_job *jobs = calloc(3 * op->limit, sizeof(*jobs));
	struct store_result res = { .rc = STORE_OK, .runnable = jobs };
	size_t found[3] = { 0 }; /* ready; waiting, not tried or tried */

	assert_non_null(jobs);
	while (w->first < w->njobs && job_is_end(w->jobs[w->first].state))
		w->first++;
	for (size_t i = w->first; i < w->njobs; i++) {
		const struct world_job *wj = &w->jobs[i];

		if (wj->handler != op->handler)
			continue;
		if (wj->state == JOB_WAITING && wj->due_ms > op->now.ms &&
		    (res.next_due.ms == 0 || wj->due_ms < res.next_due.ms))
			res.next_due.ms = wj->due_ms;
		if (is_runnable(w, wj, op->now.ms) &&
		    found[(wj->state != JOB_READY) + (wj->attempts > 0)]++ <
			op->limit)
			jobs[res.nrunnable++] = store_job_of(w, wj);
	}
	fake_store_complete(w->st, op, &res);
	for (size_t i = 0; i < res.nrunnable; i++)
		store_event_unref(jobs[i].ev);
	free(jobs);
}

static void
serve_finish(struct world *w, struct fake_op *op)
{
	struct world_job *wj = &w->jobs[op->out.job - 1];
	struct store_result res = {
		.rc = w->finish_rc,
		.reason = "the disk is full",
	};
	struct store_job next = { 0 };

	(void)snprintf(w->outcome, sizeof(w->outcome), "%s", op->outcome);
	/* The fence: only the attempt under way, or (0) none, may end. */
	if (res.rc == STORE_OK &&
	    (op->out.number == 0 ? !job_may_move(wj->state, JOB_RUNNING)
				 : wj->state != JOB_RUNNING ||
				       wj->attempts != op->out.number)) {
		res.rc = STORE_LOST;
		res.reason = "the job has ended";
	}
	if (op->out.to == JOB_DONE && wj->id == w->refuse_done) {
		res.rc = STORE_REFUSED;
		res.reason = "a constraint failed";
	}
	if (res.rc == STORE_OK) {
		wj->attempts += wj->state != JOB_RUNNING;
		wj->state = op->out.to;
		wj->due_ms = op->out.due_at.ms;
		for (size_t i = (size_t)wj->id;
		     i < w->njobs && job_is_end(wj->state); i++) {
			if (w->jobs[i].behind == wj->id) {
				res.begun =
				    w->begins_next && op->out.begin_next;
				if (res.begun)
					w->jobs[i].state = JOB_RUNNING;
				w->jobs[i].attempts += res.begun;
				next = store_job_of(w, &w->jobs[i]);
				res.runnable = &next;
				res.nrunnable = 1;
				break;
			}
			if (i >= (size_t)wj->id + 8)
				break; /* it stands near, or nowhere */
		}
	}
	fake_store_complete(w->st, op, &res);
	store_event_unref(next.ev);
}

static void
serve_start(struct world *w, struct fake_op *op)
{
	struct world_job *wj = &w->jobs[op->job - 1];
	struct store_result res = {
		.rc = w->start_rc,
		.reason = "it cannot begin",
	};
	struct store_job job = { 0 };

	if (res.rc == STORE_OK && !is_runnable(w, wj, INT64_MAX))
		res.rc = STORE_REFUSED;
	if (res.rc == STORE_OK && wj->id == w->already) {
		res.rc = STORE_EXISTS;
		wj->state = JOB_DONE;
	}
	if (res.rc == STORE_OK) {
		wj->state = JOB_RUNNING;
		wj->attempts++;
		job = store_job_of(w, wj);
		job.ev->body = strdup("{}");
		job.ev->body_len = 2;
		res.runnable = &job;
		res.nrunnable = 1;
	}
	fake_store_complete(w->st, op, &res);
	store_event_unref(job.ev);
}

static void
world_look(struct world *w)
{
	for (size_t i = 0; i < w->d->nhandlers; i++) {
		const struct backlog *b = &w->d->handlers[i].backlog;
		const struct run *run;
		size_t n = 0;

		TAILQ_FOREACH (run, &b->untried.list, link)
			n++;
		assert_int_equal(n, b->untried.n);
		assert_in_range(backlog_tried(b), 0, BACKLOG_MAX);
		if (n > w->queue_max)
			w->queue_max = n;
	}
	if (dispatch_recording(w->d) > w->records_max)
		w->records_max = dispatch_recording(w->d);
}

void
world_serve(struct world *w)
{
	struct fake_op *op;

	world_look(w);
	while ((op = fake_store_first(w->st)) != NULL) {
		if (op->call == FAKE_RUNNABLE)
			serve_runnable(w, op);
		else if (op->call == FAKE_START)
			serve_start(w, op);
		else if (op->call == FAKE_PAUSE)
			fake_store_complete(w->st, op,
			    &(struct store_result){ .rc = STORE_OK });
		else
			serve_finish(w, op);
		world_look(w);
	}
}

void
world_turn(struct world *w)
{
	int flags = EVLOOP_ONCE | EVLOOP_NONBLOCK;

	assert_int_not_equal(event_base_loop(w->base, flags), -1);
	world_look(w);
}

/* What dispatch has asked of the store since the start. */
static size_t
calls_total(const struct world *w)
{
	return (fake_store_total(w->st, FAKE_RUNNABLE) +
		fake_store_total(w->st, FAKE_START) +
		fake_store_total(w->st, FAKE_FINISH));
}

void
world_settle(struct world *w)
{
	size_t calls;
	size_t runs;

	do {
		calls = calls_total(w);
		runs = w->runs;
		world_turn(w);
		world_serve(w);
		world_turn(w);
	} while (fake_store_first(w->st) != NULL || runs != w->runs ||
		 calls != calls_total(w));
}

size_t
world_count(const struct world *w, enum job_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < w->njobs; i++)
		n += w->jobs[i].state == state;
	return (n);
}

static int64_t
world_now_ms(void *arg)
{
	(void)arg;
	return (fake_clock_wall_ms());
}

int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	fake_clock_reset();
	fake_log_clear();
	w->base = event_base_new();
	w->st = fake_store_new();
	w->env.now_ms = world_now_ms;
	w->env.arg = w;
	w->result.fault = HANDLER_FAULT_DOWN;
	fake_clock_start(&w->clock);
	w->d = dispatch_new(w->base, w->st, &w->env, &w->clock);
	assert_non_null(w->d);
	*state = w;
	return (0);
}

/* As the server goes: stop, let the store finish, free. */
int
world_teardown(void **state)
{
	struct world *w = *state;

	(void)heap_heal();
	fake_store_refuse(w->st, 0);
	dispatch_stop(w->d);
	dispatch_cancel(w->d);
	world_serve(w);
	dispatch_free(w->d);
	assert_int_equal(w->opened, 0);
	fake_store_free(w->st);
	event_base_free(w->base);
	free(w->jobs);
	free(w);
	return (0);
}
