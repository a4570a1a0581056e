/* Outcomes on their way to the disk, and what becomes of them there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/base/log.h"
#include "server/dispatch/dispatch_private.h"

static void dispatch_recorded_cb(const struct store_result *res, void *arg);

/*
 * The store cannot take the outcome now. A projection's job is still as it
 * was, and is found and done again. A call cannot be undone: what became of it
 * is kept.
 */
static void
run_put_off(struct run *run, struct live_handler *live)
{
	struct dispatch *d = run->d;

	dispatch_rest(d);
	if (run->outlet) {
		run_move(run, RUN_UNRECORDED);
		run->begun = NULL;
		run->out.begin_next = false;
		return;
	}
	if (live != NULL)
		backlog_look(&live->backlog);
	run_free(run);
}

void
run_record(struct run *run, struct live_handler *live)
{
	struct dispatch *d = run->d;

	if (store_finish(d->st, &run->out, dispatch_recorded_cb, run) == -1) {
		run_put_off(run, live);
		return;
	}
	run_move(run, RUN_RECORDING);
}

void
dispatch_record_again(struct dispatch *d)
{
	struct run *run;

	while (d->rest_until_us == 0 &&
	       (run = TAILQ_FIRST(&d->unrecorded.list)) != NULL)
		run_record(run, live_handler_find(d, run->job.handler));
}

/*
 * The attempt does not count any more: the job has ended, be it by this outcome
 * in a commit whose answer was lost, or another receiver has taken it over. If
 * it waits for us, it is found again by the store.
 */
static void
run_lost(struct run *run, struct live_handler *live,
    const struct store_result *res)
{
	run->d->stats.lost++;
	log_warn("job %" PRId64 " %s: %s, which is not recorded: %s",
	    run->job.id, live == NULL ? "?" : live->name, run->out.outcome,
	    res->reason);
	if (live != NULL)
		backlog_look(&live->backlog);
	run_free(run);
}

/*
 * The store will never take this outcome: its rows break a constraint. Have it
 * end dead, lest it hold up its lanes for ever.
 */
static void
run_refused(struct run *run, struct live_handler *live,
    const struct store_result *res)
{
	if (!run->refused)
		(void)snprintf(run->outcome, sizeof(run->outcome),
		    "not recorded as %s: %s", job_state_name(run->out.to),
		    res->reason);
	if (res->rc == STORE_REFUSED && run->out.to != JOB_DEAD) {
		run->refused = true;
		run->out = (struct store_outcome){
			.job = run->job.id,
			.number = run->out.number,
			.to = JOB_DEAD,
			.outcome = run->outcome,
			.at_ms = run->d->env->now_ms(run->d->env->arg),
		};
		run_record(run, live);
		return;
	}
	log_warn("job %" PRId64 " %s: %s", run->job.id,
	    live == NULL ? "?" : live->name, run->outcome);
	run_free(run);
}

static void
run_count(const struct run *run, struct dispatch_attempts *n)
{
	n->done += run->out.to == JOB_DONE;
	n->dead += run->out.to == JOB_DEAD;
	n->unknown += run->out.to == JOB_WAITING && run->unknown;
	n->retry += run->out.to == JOB_WAITING && !run->unknown;
}

/* Its wait is on disk: it is kept here for it, or found again there. */
static void
run_wait(struct run *run, struct live_handler *live)
{
	if (backlog_may_wait(&live->backlog)) {
		free(run->answer);
		run->answer = NULL;
		run_move(run, RUN_WAITING);
	} else {
		(void)backlog_due(&live->backlog, run->out.due_at);
		run_free(run);
	}
}

/* It is on disk: count it, keep it if it waits, let others go on. */
static void
run_recorded(struct run *run, struct live_handler *live,
    const struct store_result *res)
{
	struct dispatch *d = run->d;

	run_tell_recorded(run, true);
	journal_note(d->journal, JOURNAL_JOB, run->job.id);
	if (live != NULL)
		run_count(run, &live->attempts);
	if (run->out.to == JOB_DONE)
		histogram_add(&d->ages, run_age_ms(run));
	d->stats.done += run->out.to == JOB_DONE;
	d->stats.retries += run->out.to == JOB_WAITING;
	d->stats.unknown += run->out.to == JOB_WAITING && run->unknown;
	d->stats.dead += run->out.to == JOB_DEAD;
	if (run->refused)
		run_log_dead(run, live);
	if (live != NULL)
		live->backlog.moves_up = res->nrunnable > 0;
	if (res->begun)
		run->begun(run, res);
	for (size_t i = 0; i < res->nrunnable && !res->begun; i++)
		dispatch_add(d, &res->runnable[i]);
	if (res->next_due.ms != 0)
		dispatch_due(d, run->job.handler, res->next_due);
	if (run->out.to == JOB_WAITING && live != NULL)
		run_wait(run, live);
	else
		run_free(run);
}

/* store_done_fn: the outcome of a job is on disk, or is not. */
static void
dispatch_recorded_cb(const struct store_result *res, void *arg)
{
	struct run *run = arg;
	struct dispatch *d = run->d;
	struct live_handler *live = live_handler_find(d, run->job.handler);

	switch (res->rc) {
	case STORE_OK:
		run_recorded(run, live, res);
		break;
	case STORE_EXISTS:
	case STORE_NOTFOUND:
	case STORE_REFUSED:
		run_refused(run, live, res);
		break;
	case STORE_LOST:
		run_lost(run, live, res);
		break;
	case STORE_BUSY:
	case STORE_FULL:
	case STORE_MOVED:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_AWAY:
	case STORE_FAILED:
		run_put_off(run, live);
		break;
	}
	dispatch_wake(d);
}
