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

/* -- Handlers -- */

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

static int64_t
world_now_ms(void *arg)
{
	(void)arg;
	return (fake_clock_wall_ms());
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

/* -- The model -- */

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
