#include <sys/random.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/dispatch/backoff.h"
#include "server/dispatch/dispatch_private.h"

/* -- On the way to the disk -- */

static void dispatch_recorded_cb(const struct store_result *res, void *arg);

/*
 * The store cannot take the outcome now. A projection's job is still as it
 * was, and is found and done again. A call cannot be undone: what became of it
 * is kept.
 */
static void
run_put_off(struct run *run, struct worker *w)
{
	struct dispatch *d = run->d;

	dispatch_rest(d);
	if (run->outlet) {
		run_move(run, RUN_UNRECORDED);
		return;
	}
	if (w != NULL)
		worker_look(w);
	run_free(run);
}

void
run_record(struct run *run, struct worker *w)
{
	struct dispatch *d = run->d;

	if (store_finish(d->st, &run->out, dispatch_recorded_cb, run) == -1) {
		run_put_off(run, w);
		return;
	}
	run_move(run, RUN_RECORDING);
}

void
unrecorded_retry(struct dispatch *d)
{
	struct run *run;

	while (d->rest_until_us == 0 &&
	       (run = TAILQ_FIRST(&d->unrecorded.list)) != NULL)
		run_record(run, worker_find(d, run->job.handler));
}

/*
 * The store will never take this outcome: its rows break a constraint, or the
 * job has ended meanwhile. As it might be the first, have it end dead, lest
 * it hold up its lanes for ever; in the other case that is refused too.
 */
static void
run_refused(struct run *run, struct worker *w, const struct store_result *res)
{
	if (!run->refused)
		(void)snprintf(run->outcome, sizeof(run->outcome),
		    "not recorded as %s: %s", job_state_name(run->out.to),
		    res->reason);
	if (res->rc == STORE_REFUSED && run->out.to != JOB_DEAD) {
		run->refused = true;
		run->out = (struct store_outcome){
			.job = run->job.id,
			.to = JOB_DEAD,
			.outcome = run->outcome,
			.at_ms = run->d->env->now_ms(run->d->env->arg),
		};
		run_record(run, w);
		return;
	}
	log_warn("job %" PRId64 " %s: %s", run->job.id,
	    w == NULL ? "?" : w->name, run->outcome);
	run_free(run);
}

/* Where to read what the far side said, which is not for the log. */
static const char *
run_hint(const struct run *run, char hint[64])
{
	hint[0] = '\0';
	if (run->detail[0] != '\0')
		(void)snprintf(hint, 64, "; klikitd jobs %" PRId64 " says more",
		    run->job.id);
	return (hint);
}

static void
run_log_dead(const struct run *run, const struct worker *w)
{
	char hint[64];

	log_error("job %" PRId64 " %s: dead: event %s: %s%s", run->job.id,
	    w == NULL ? "?" : w->name, log_text(run->job.ev->event_id),
	    log_text(run->outcome), run_hint(run, hint));
}

static void
run_count(const struct run *run, struct dispatch_attempts *n)
{
	n->done += run->out.to == JOB_DONE;
	n->dead += run->out.to == JOB_DEAD;
	n->unknown += run->out.to == JOB_WAITING && run->unknown;
	n->retry += run->out.to == JOB_WAITING && !run->unknown;
}

/* It is on disk: count it, keep it if it waits, let others go on. */
static void
run_recorded(struct run *run, struct worker *w, const struct store_result *res)
{
	struct dispatch *d = run->d;

	journal_note(d->journal, JOURNAL_JOB, run->job.id);
	if (w != NULL)
		run_count(run, &w->attempts);
	if (run->out.to == JOB_DONE)
		histogram_add(&d->ages, run_age_ms(run));
	d->stats.done += run->out.to == JOB_DONE;
	d->stats.retries += run->out.to == JOB_WAITING;
	d->stats.unknown += run->out.to == JOB_WAITING && run->unknown;
	d->stats.dead += run->out.to == JOB_DEAD;
	if (run->refused)
		run_log_dead(run, w);
	for (size_t i = 0; i < res->nrunnable; i++)
		dispatch_add(d, &res->runnable[i]);
	if (res->next_due.ms != 0)
		dispatch_due(d, run->job.handler, res->next_due);
	if (run->out.to == JOB_WAITING && w != NULL) {
		free(run->answer);
		run->answer = NULL;
		worker_wait(w, run);
		return;
	}
	run_free(run);
}

/* store_done_fn: the outcome of a job is on disk, or is not. */
static void
dispatch_recorded_cb(const struct store_result *res, void *arg)
{
	struct run *run = arg;
	struct dispatch *d = run->d;
	struct worker *w = worker_find(d, run->job.handler);

	switch (res->rc) {
	case STORE_OK:
		run_recorded(run, w, res);
		break;
	case STORE_EXISTS:
	case STORE_NOTFOUND:
	case STORE_REFUSED:
		run_refused(run, w, res);
		break;
	case STORE_BUSY:
	case STORE_FULL:
	case STORE_MOVED:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_FAILED:
		run_put_off(run, w);
		break;
	}
	dispatch_wake(d);
}

/* -- Verdicts -- */

int64_t
run_age_ms(const struct run *run)
{
	return (steady_since(dispatch_now(run->d), run->job.ev->came_at));
}

/* Not now: when the job is due again, or that it is too old for that. */
static void
run_judge_retry(struct run *run, struct worker *w,
    const struct handler_result *result)
{
	const struct backoff backoff = { w->retry_ms, w->nretry };
	int64_t left_ms = w->max_age_ms - run_age_ms(run);
	int64_t after_ms = result->retry_after_ms;
	char hint[64];
	int64_t wait_ms;
	uint32_t rnd = 0;

	if (getrandom(&rnd, sizeof(rnd), 0) != sizeof(rnd))
		rnd = 0; /* a wait that is not spread is a wait */
	wait_ms = backoff_next(&backoff, run->job.attempts, 0, rnd);
	if (after_ms > left_ms)
		after_ms = left_ms; /* no wish of the far side kills a job */
	if (after_ms > wait_ms)
		wait_ms = after_ms;
	run->unknown = result->unknown;
	if (wait_ms > left_ms) {
		run->out.to = JOB_DEAD;
		(void)snprintf(run->outcome, sizeof(run->outcome),
		    "too old: %s%s", result->unknown ? "unknown: " : "",
		    result->reason);
		return;
	}
	run->out.to = JOB_WAITING;
	run->out.due_at = steady_add(dispatch_now(run->d), wait_ms);
	(void)snprintf(run->outcome, sizeof(run->outcome), "%s%s",
	    result->unknown ? "unknown: " : "", result->reason);
	log_warn("job %" PRId64 " %s: retry in %" PRId64 " s: event %s: %s%s",
	    run->job.id, w->name, (wait_ms + 500) / 1000,
	    log_text(run->job.ev->event_id), log_text(run->outcome),
	    run_hint(run, hint));
}

void
run_judge(struct run *run, struct worker *w,
    const struct handler_result *result)
{
	run->out.job = run->job.id;
	run->out.at_ms = run->d->env->now_ms(run->d->env->arg);
	run->out.outcome = run->outcome;
	switch (result->verdict) {
	case HANDLER_DONE:
		run->out.to = JOB_DONE;
		(void)snprintf(run->outcome, sizeof(run->outcome), "done");
		break;
	case HANDLER_RETRY:
		run_judge_retry(run, w, result);
		break;
	case HANDLER_DEAD:
	case HANDLER_PENDING: /* no verdict: a broken handler */
		run->out.to = JOB_DEAD;
		(void)snprintf(run->outcome, sizeof(run->outcome), "%s",
		    result->reason);
		break;
	}
	if (run->out.to == JOB_DEAD)
		run_log_dead(run, w);
}

/*
 * What a projection would write of a repeat it has written of the original, or
 * somebody who replays that one decides to.
 */
static void
run_repeat(struct run *run)
{
	const struct store_event *ev = run->job.ev;

	run->out = (struct store_outcome){
		.job = run->job.id,
		.to = JOB_DONE,
		.outcome = run->outcome,
		.at_ms = run->d->env->now_ms(run->d->env->arg),
	};
	(void)snprintf(run->outcome, sizeof(run->outcome),
	    "already: a repeat of event %" PRId64 " writes nothing",
	    ev->repeat_of);
}

void
worker_run(struct worker *w, struct run *run)
{
	struct dispatch *d = run->d;
	struct handler_result result = { .verdict = HANDLER_DEAD };
	struct handler_job job = {
		.call = &run->call,
		.id = run->job.id,
		.ev = run->job.ev,
		.place = run->job.place,
		.attempt = run->job.attempts + 1,
	};

	if (job.ev->repeat_of != 0) {
		run_repeat(run);
		run_record(run, w);
		return;
	}
	run_move(run, RUN_CALLING);
	run->job.attempts++;
	run->out = (struct store_outcome){ 0 };
	run->attempt = (struct store_attempt){
		.started_at_ms = d->env->now_ms(d->env->arg),
	};
	run->started_us = clock_mono_us();
	result.verdict =
	    w->engine->instance->type->run(w->engine->instance, &job, &result);
	run_judge(run, w, &result);
	if (run->out.to == JOB_DONE) {
		run->out.writes = result.writes;
		run->out.nwrites = result.nwrites;
	} else {
		run->attempt.duration_ms =
		    (clock_mono_us() - run->started_us) / 1000;
		run->out.attempt = &run->attempt;
	}
	run_record(run, w);
}
