/* An outlet's job: noted as begun, called, and recorded. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/body/event_kind.h"
#include "server/base/clock.h"
#include "server/base/histogram.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch_private.h"

/* What is kept of an answer. */
#define ANSWER_MAX 1024

/* -- The end of a call -- */

static void dispatch_paused_cb(const struct store_result *res, void *arg);
static void call_begun(struct run *run, const struct store_result *res);

/* The far side wants no more: pause, over restarts, until resumed by hand. */
static void
call_pause(struct run *run, struct live_handler *live, const char *reason)
{
	struct dispatch *d = run->d;

	if (live->paused)
		return;
	live->paused = true;
	log_error("handler %s: paused: %s; klikitd resume %s lets it go on",
	    live->name, log_text(reason), live->name);
	if (store_pause(d->st, live->name, "klikitd", reason,
		d->env->now_ms(d->env->arg), dispatch_paused_cb, d) == -1)
		log_error("handler %s: paused only until the next start: out "
			  "of memory",
		    live->name);
}

/* store_done_fn: a handler's pause is on disk, or is not. */
static void
dispatch_paused_cb(const struct store_result *res, void *arg)
{
	struct dispatch *d = arg;

	if (res->rc == STORE_OK)
		journal_note(d->journal, JOURNAL_HANDLER, res->id);
	else
		log_error("a handler is paused only until the next start: %s",
		    res->reason == NULL ? "it is unknown" : res->reason);
}

/* Keep what explains the attempt: code, duration, answer. */
static void
call_attempt(struct run *run, const struct handler_result *result)
{
	size_t len = result->answer_len;

	run->attempt.duration_ms = (clock_mono_us() - run->started_us) / 1000;
	run->attempt.code = result->code;
	(void)strcpy(run->detail, result->detail);
	if (run->detail[0] != '\0')
		run->attempt.detail = run->detail;
	if (len > ANSWER_MAX)
		len = ANSWER_MAX;
	if (len > 0 && (run->answer = malloc(len)) != NULL) {
		memcpy(run->answer, result->answer, len);
		run->attempt.answer = run->answer;
		run->attempt.answer_len = len;
	}
	run->out.attempt = &run->attempt;
}

/* The handler is gone from the configuration while it had this job. */
static void
call_orphaned(struct run *run, const struct handler_result *result)
{
	struct dispatch *d = run->d;
	bool dead = result->verdict == HANDLER_DEAD;

	run->out.job = run->job.id;
	run->out.at_ms = d->env->now_ms(d->env->arg);
	run->out.outcome = run->outcome;
	run->out.to = result->verdict == HANDLER_DONE ? JOB_DONE
		      : dead                          ? JOB_DEAD
						      : JOB_WAITING;
	run->out.due_at = dispatch_now(d);
	(void)snprintf(run->outcome, sizeof(run->outcome), "%s%s",
	    result->unknown ? "unknown: " : "",
	    run->out.to == JOB_DONE ? "done" : result->reason);
}

/* The far side may count as down from now on. */
static void
call_failed(const struct run *run, struct live_handler *live,
    const struct handler_result *result)
{
	if (!gate_failed(&live->gate, run->class, result->fault,
		result->retry_after_ms * 1000, clock_mono_us()))
		return;
	journal_note(run->d->journal, JOURNAL_HANDLER, live->number);
	log_warn("handler %s: %u calls failed in a row; one at a time is "
		 "tried until it answers: %s",
	    live->name, live->gate.failed, log_text(result->reason));
}

/* It was answered, well or not: the far side works. */
static void
call_answered(const struct run *run, struct live_handler *live)
{
	if (!gate_answered(&live->gate, run->class))
		return;
	log_info("handler %s: answers again", live->name);
	journal_note(run->d->journal, JOURNAL_HANDLER, live->number);
}

/* For how long has it failed? What nobody waits for does not count. */
static void
call_note_work(struct run *run, struct live_handler *live,
    const struct handler_result *result)
{
	bool works = result->verdict != HANDLER_RETRY;

	if (event_is_alert(run->job.ev->type) ||
	    (!works && !dispatch_may_call(&run->call))) /* it was we */
		return;
	live->works = works;
	if (works)
		live->failing_since.ms = 0;
	else if (live->failing_since.ms == 0)
		live->failing_since = dispatch_now(run->d);
}

/* For a developer: the answer, whatever it means. */
static void
call_log_answer(const struct run *run, const struct live_handler *live)
{
	const struct store_attempt *at = &run->attempt;
	char text[LOG_TEXT_MAX] = "";

	if (at->answer != NULL)
		log_escape(at->answer, at->answer_len, text, sizeof(text));
	log_info("job %" PRId64 " %s: event %s: answered %d in %" PRId64
		 " ms: %s",
	    run->job.id, live->name, log_text(run->job.ev->event_id), at->code,
	    at->duration_ms, text);
}

/* For who looks on: how it went. */
static void
call_show(const struct run *run, const struct live_handler *live,
    const struct handler_result *result)
{
	log_shown(result->verdict == HANDLER_DONE ? LOG_ANSWERED : LOG_REFUSED,
	    "%d %s %" PRId64 " ms", result->code, live->name,
	    run->attempt.duration_ms);
}

static bool
is_created(const char *type)
{
	return (event_kind(type) == EVENT_CREATED);
}

/*
 * May the store begin the next job of the lane with the end of this one? Not if
 * it would be before others: then it stands in line like them. And only if
 * there was one the last time: its place is kept whether or not it comes.
 */
static bool
call_may_go_on(const struct run *run, const struct live_handler *live)
{
	const struct dispatch *d = run->d;
	int64_t now_us = clock_mono_us();

	return (live->outlet && job_is_end(run->out.to) && !d->stopped &&
		live->shared->instance->type->pulled == NULL && !live->paused &&
		live->backlog.moves_up && backlog_is_idle(&live->backlog) &&
		!gate_doubts(&live->gate) && !run->load.big &&
		pace_allows(&d->pace, now_us) &&
		pace_allows_load(&d->pace, run->load, now_us));
}

/* Keep the place of a call that has ended for the next in its lane. */
static void
call_go_on(struct run *run, const struct live_handler *live)
{
	if (run->state != RUN_CALLING || !call_may_go_on(run, live) ||
	    (run->next = calloc(1, sizeof(*run->next))) == NULL)
		return;
	run->begun = call_begun;
	run->out.begin_next = true;
	run->out.once = live->once_per_order ? is_created : NULL;
}

/* Every call that has begun ends here, once, unless it is cancelled. */
static void
call_end(struct run *run, const struct handler_result *result)
{
	struct dispatch *d = run->d;
	struct live_handler *live = live_handler_find(d, run->job.handler);

	run->recorded = result->recorded;
	run->recorded_arg = result->recorded_arg;
	call_attempt(run, result);
	if (live == NULL) {
		call_orphaned(run, result);
	} else {
		if (run->state == RUN_CALLING) /* else it was not made */
			histogram_add(&live->calls,
			    clock_mono_us() - run->started_us);
		if (live->logs_answers && result->code != 0)
			call_log_answer(run, live);
		if (live->outlet && result->code != 0 && log_is_console())
			call_show(run, live, result);
		run_judge(run, live, result);
		call_note_work(run, live, result);
		if (result->verdict != HANDLER_RETRY)
			call_answered(run, live);
		else if (dispatch_may_call(&run->call)) /* else it was we */
			call_failed(run, live, result);
		if (result->pause)
			call_pause(run, live, result->reason);
	}
	run->out.served = run->out.to == JOB_DONE && run->once_per_order;
	if (live != NULL)
		call_go_on(run, live);
	dispatch_wake_soon(d);
	run_record(run, live);
}

void
dispatch_finish(struct handler_call *call, const struct handler_result *result)
{
	call_end(call->run, result);
}

bool
dispatch_may_call(const struct handler_call *call)
{
	return (store_holds(call->run->d->st, call->run->hold));
}

void
dispatch_cancel(struct dispatch *d)
{
	struct run *run;
	struct handler_instance *h;

	d->cancelled = true;
	while ((run = TAILQ_FIRST(&d->calling.list)) != NULL) {
		h = run->shared->instance;
		h->type->cancel(h, &run->call);
		log_warn("job %" PRId64 ": its call is cut off: event %s: it "
			 "is made again after the next start",
		    run->job.id, log_text(run->job.ev->event_id));
		run_free(run);
	}
}

/* -- Its beginning -- */

/* An alarm rings: once, however often its call is tried. */
static void
call_alarm(const struct run *run, const struct live_handler *live)
{
	const struct store_event *ev = run->job.ev;
	const char *order = "every one";

	run->d->stats.alarms++;
	for (size_t i = 0; i < ev->norders; i++) {
		if (ev->orders[i].place == run->job.place || ev->norders == 1)
			order = ev->orders[i].order_id;
	}
	log_warn("alarm: %s rings: event %s, order %s: not done by its "
		 "deadline",
	    live->name, log_text(ev->event_id), log_text(order));
}

/* The job is RUNNING in the store, its event here with the body: go. */
static void
call_begin(struct run *run, struct live_handler *live)
{
	struct handler_result result = { .verdict = HANDLER_DEAD };
	struct handler_instance *h = live->shared->instance;
	const struct handler_job job = {
		.call = &run->call,
		.id = run->job.id,
		.ev = run->job.ev,
		.place = run->job.place,
		.guards = run->job.guards,
		.key_of = run->job.key_of,
		.attempt = run->job.attempts,
	};

	if (run->job.guards != 0 && run->job.attempts == 1)
		call_alarm(run, live);
	run_move(run, RUN_CALLING);
	result.verdict = h->type->run(h, &job, &result);
	if (result.verdict != HANDLER_PENDING) {
		call_end(run, &result);
		return;
	}
	store_event_drop_body(run->job.ev); /* the handler has it */
	if (h->type->flush != NULL) {
		live->shared->unflushed = true;
		/* Behind what is active by now: a commit's starts all are. */
		event_active(run->d->flush, EV_TIMEOUT, 0);
	}
}

/* The start is on disk. */
static void
call_started(struct run *run, struct live_handler *live,
    const struct store_job *job, int64_t hold)
{
	static const struct handler_result gone = {
		.verdict = HANDLER_RETRY,
		.reason = "not called: its handler is not configured any more",
	};
	static const struct handler_result late = {
		.verdict = HANDLER_RETRY,
		.reason = "not called: it took so long that another may do it",
	};
	struct dispatch *d = run->d;

	(void)store_event_ref(job->ev);
	store_event_unref(run->job.ev);
	run->job = *job;
	run->hold = hold;
	journal_note(d->journal, JOURNAL_JOB, job->id);
	run->out = (struct store_outcome){ .number = job->attempts };
	run->attempt = (struct store_attempt){
		.started_at_ms = d->env->now_ms(d->env->arg),
	};
	run->started_us = clock_mono_us();
	if (live == NULL)
		call_end(run, &gone);
	else if (!dispatch_may_call(&run->call))
		call_end(run, &late);
	else
		call_begin(run, live);
}

/* An alarm is not what the handler does for an order. */
static bool
call_is_once(const struct live_handler *live, const struct store_job *job)
{
	return (live->once_per_order && job->guards == 0 &&
		is_created(job->ev->type));
}

/* run's begun: the end of run has begun the next job of its lane; call that. */
static void
call_begun(struct run *run, const struct store_result *res)
{
	const struct store_job *job = &res->runnable[0];
	struct dispatch *d = run->d;
	struct live_handler *live = live_handler_find(d, job->handler);
	struct run *next = run->next;

	if (d->cancelled) /* left RUNNING, as the calls that were cancelled */
		return;
	run->next = NULL;
	next->d = d;
	next->job.id = job->id;
	next->job.handler = job->handler;
	next->call.run = next;
	next->outlet = true;
	next->class = GATE_UNTRIED;
	next->load = pace_load(job, dispatch_now(d));
	next->once_per_order = live != NULL && call_is_once(live, job);
	pace_begin(&d->pace);
	run_move(next, RUN_STARTING);
	call_started(next, live, job, res->hold);
}

/* store_done_fn: a job's attempt may begin, or there is none to be made. */
static void
dispatch_started_cb(const struct store_result *res, void *arg)
{
	struct run *run = arg;
	struct dispatch *d = run->d;
	struct live_handler *live = live_handler_find(d, run->job.handler);

	dispatch_wake(d);
	if (res->rc == STORE_OK && !d->cancelled) {
		call_started(run, live, &res->runnable[0], res->hold);
		return;
	}
	switch (res->rc) {
	case STORE_OK: /* left RUNNING, as the calls that were cancelled */
		break;
	case STORE_EXISTS:
		d->stats.already++;
		journal_note(d->journal, JOURNAL_JOB, run->job.id);
		log_info("job %" PRId64 " %s: already: job %" PRId64
			 " stands for it: event %s",
		    run->job.id, live == NULL ? "?" : live->name, res->id,
		    log_text(run->job.ev->event_id));
		for (size_t i = 0; i < res->nrunnable; i++)
			dispatch_add(d, &res->runnable[i]);
		if (res->next_due.ms != 0)
			dispatch_due(d, run->job.handler, res->next_due);
		break;
	case STORE_NOTFOUND:
	case STORE_REFUSED: /* it stands behind another */
	case STORE_LOST:    /* it has ended, or another receiver has it */
		log_debug("job %" PRId64 ": not begun: %s", run->job.id,
		    res->reason);
		break;
	case STORE_BUSY:
	case STORE_FULL:
	case STORE_MOVED:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_AWAY:
	case STORE_FAILED:
		if (live != NULL)
			backlog_look(&live->backlog);
		dispatch_rest(d);
		break;
	}
	run_free(run);
}

void
run_call(struct run *run, struct live_handler *live)
{
	struct dispatch *d = run->d;
	unsigned how = 0;

	run->once_per_order = call_is_once(live, &run->job);
	if (run->once_per_order && !run->job.replay)
		how |= STORE_SKIP_SERVED;
	if (!live->sends_repeats && run->job.ev->repeat_of != 0 &&
	    run->job.guards == 0 && !run->job.replay)
		how |= STORE_SKIP_REPEATS;
	if (live->shared->instance->type->pulled != NULL)
		how |= STORE_WITH_HEADERS;
	if (store_start(d->st, &run->job, how, d->env->now_ms(d->env->arg),
		dispatch_started_cb, run) == -1) {
		backlog_look(&live->backlog);
		dispatch_rest(d);
		run_free(run);
		return;
	}
	run_move(run, RUN_STARTING);
}
