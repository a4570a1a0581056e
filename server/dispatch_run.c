#include <sys/random.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/backoff.h"
#include "server/clock.h"
#include "server/dispatch_private.h"
#include "server/log.h"

void
run_free(struct run *run)
{
	store_event_unref(run->job.ev);
	free(run);
}

static void dispatch_recorded_cb(const struct store_result *res, void *arg);

/* Hand an outcome to the store; if it has no memory, the job is run again. */
static void
run_record(struct run *run, struct worker *w, const struct store_outcome *out)
{
	struct dispatch *d = run->d;

	if (store_finish(d->st, out, dispatch_recorded_cb, run) == -1) {
		if (w != NULL)
			w->more = true;
		dispatch_pause(d);
		run_free(run);
		return;
	}
	TAILQ_INSERT_TAIL(&d->recording, run, link);
	d->nrecording++;
}

/*
 * The store will never take this outcome: its rows break a constraint, or the
 * job has ended meanwhile. As it might be the first, have it end dead, lest
 * it hold up its lanes for ever; in the other case that is refused too.
 */
static void
run_refused(struct run *run, struct worker *w, const struct store_result *res)
{
	const struct store_outcome out = {
		.job = run->job.id,
		.to = JOB_DEAD,
		.outcome = run->outcome,
		.at_ms = run->d->env->now_ms(run->d->env->arg),
	};

	if (!run->refused)
		(void)snprintf(run->outcome, sizeof(run->outcome),
		    "not recorded as %s: %s", job_state_name(run->to),
		    res->reason);
	if (res->rc == STORE_REFUSED && run->to != JOB_DEAD) {
		run->refused = true;
		run->to = JOB_DEAD;
		run_record(run, w, &out);
		return;
	}
	log_warn("job %" PRId64 " %s: %s", run->job.id,
	    w == NULL ? "?" : w->name, run->outcome);
	run_free(run);
}

static void
run_log_dead(const struct run *run, const struct worker *w)
{
	log_error("job %" PRId64 " %s: dead: event %s: %s", run->job.id,
	    w == NULL ? "?" : w->name, log_text(run->job.ev->event_id),
	    run->outcome);
}

/* store_done_fn: the outcome of a job is on disk, or is not. */
static void
dispatch_recorded_cb(const struct store_result *res, void *arg)
{
	struct run *run = arg;
	struct dispatch *d = run->d;
	struct worker *w = worker_find(d, run->job.handler);

	TAILQ_REMOVE(&d->recording, run, link);
	d->nrecording--;
	switch (res->rc) {
	case STORE_OK:
		d->stats.done += run->to == JOB_DONE;
		d->stats.retries += run->to == JOB_WAITING;
		d->stats.dead += run->to == JOB_DEAD;
		if (run->refused)
			run_log_dead(run, w);
		if (run->to == JOB_WAITING && w != NULL &&
		    (w->due_ms == 0 || run->due_ms < w->due_ms))
			w->due_ms = run->due_ms;
		for (size_t i = 0; i < res->nrunnable; i++)
			dispatch_add(d, &res->runnable[i]);
		break;
	case STORE_EXISTS:
	case STORE_NOTFOUND:
	case STORE_REFUSED:
		run_refused(run, w, res);
		run = NULL;
		break;
	case STORE_BUSY:
	case STORE_FULL:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_FAILED:
		/* Nothing was written: the job is found and done again. */
		if (w != NULL)
			w->more = true;
		dispatch_pause(d);
		break;
	}
	if (run != NULL)
		run_free(run);
	dispatch_wake(d);
}

/* Turn a verdict into what is recorded; says so unless all went well. */
static void
run_judge(struct run *run, struct worker *w, enum handler_verdict verdict,
    const char *reason, struct store_outcome *out)
{
	const struct store_job *job = &run->job;
	const struct backoff backoff = { w->retry_ms, w->nretry };
	unsigned attempt = job->attempts + 1;
	int64_t too_old_ms = job->ev->received_at_ms + w->max_age_ms;
	uint32_t rnd = 0;

	switch (verdict) {
	case HANDLER_DONE:
		out->to = JOB_DONE;
		(void)snprintf(run->outcome, sizeof(run->outcome), "done");
		break;
	case HANDLER_RETRY:
		(void)getrandom(&rnd, sizeof(rnd), 0);
		out->due_at_ms =
		    backoff_next(&backoff, attempt, out->at_ms, rnd);
		if (out->due_at_ms <= too_old_ms) {
			out->to = JOB_WAITING;
			(void)snprintf(run->outcome, sizeof(run->outcome), "%s",
			    reason);
			log_warn("job %" PRId64 " %s: retry in %" PRId64
				 " s: event %s: %s",
			    job->id, w->name,
			    (out->due_at_ms - out->at_ms + 500) / 1000,
			    log_text(job->ev->event_id), reason);
			break;
		}
		out->to = JOB_DEAD;
		(void)snprintf(run->outcome, sizeof(run->outcome),
		    "too old: %s", reason);
		break;
	case HANDLER_DEAD:
		out->to = JOB_DEAD;
		(void)snprintf(run->outcome, sizeof(run->outcome), "%s",
		    reason);
		break;
	}
	if (out->to == JOB_DEAD)
		run_log_dead(run, w);
	run->to = out->to;
	run->due_ms = out->due_at_ms;
	out->outcome = run->outcome;
}

void
worker_run(struct dispatch *d, struct worker *w)
{
	struct run *run = TAILQ_FIRST(&w->queue);
	struct handler_result result = { .nwrites = 0 };
	struct handler_job job = {
		.ev = run->job.ev,
		.place = run->job.place,
		.attempt = run->job.attempts + 1,
	};
	struct store_outcome out = { .job = run->job.id };
	struct store_attempt attempt;
	enum handler_verdict verdict;
	int64_t start_us = clock_mono_us();

	out.at_ms = d->env->now_ms(d->env->arg);
	verdict = w->instance->type->run(w->instance, &job, &result);
	run_judge(run, w, verdict, result.reason, &out);
	if (verdict == HANDLER_DONE) {
		out.writes = result.writes;
		out.nwrites = result.nwrites;
	} else {
		attempt = (struct store_attempt){
			.started_at_ms = out.at_ms,
			.duration_ms = (clock_mono_us() - start_us) / 1000,
		};
		out.attempt = &attempt;
	}
	TAILQ_REMOVE(&w->queue, run, link);
	w->nqueue--;
	run_record(run, w, &out);
}
