/* What a handler's verdict means: what is recorded, and what is logged. */
#include <sys/random.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/dispatch/backoff.h"
#include "server/dispatch/dispatch_private.h"
#include "server/tls/tls.h"

int64_t
run_age_ms(const struct run *run)
{
	return (steady_since(dispatch_now(run->d), run->job.ev->came_at));
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

void
run_log_dead(const struct run *run, const struct live_handler *live)
{
	char hint[64];

	log_error("job %" PRId64 " %s: dead: event %s: %s%s", run->job.id,
	    live == NULL ? "?" : live->name, log_text(run->job.ev->event_id),
	    log_text(run->outcome), run_hint(run, hint));
}

/*
 * The next wait. A certificate that is out of its dates is so perhaps because
 * this clock is wrong: nothing tells when it is right, so it is soon asked
 * again.
 */
static int64_t
run_wait_ms(const struct run *run, const struct live_handler *live,
    const struct handler_result *result)
{
	const struct backoff backoff = { live->retry_ms, live->nretry };
	uint32_t rnd = 0;
	int64_t wait_ms;

	if (getrandom(&rnd, sizeof(rnd), 0) != sizeof(rnd))
		rnd = 0; /* a wait that is not spread is a wait */
	wait_ms = backoff_next(&backoff, run->job.attempts, 0, rnd);
	if (wait_ms > DISPATCH_DATES_WAIT_MS &&
	    result->fault == HANDLER_FAULT_DOWN &&
	    tls_reason_is_of_dates(result->reason))
		wait_ms = DISPATCH_DATES_WAIT_MS;
	return (wait_ms);
}

/* Not now: when the job is due again, or that it is too old for that. */
static void
run_judge_retry(struct run *run, struct live_handler *live,
    const struct handler_result *result)
{
	int64_t left_ms = live->max_age_ms - run_age_ms(run);
	int64_t after_ms = result->retry_after_ms;
	int64_t wait_ms = run_wait_ms(run, live, result);
	char hint[64];

	if (after_ms > left_ms)
		after_ms = left_ms; /* no wish of the far side kills a job */
	if (after_ms > wait_ms)
		wait_ms = after_ms;
	run->unknown = result->unknown;
	/* What waits for a person does not get too old by that. */
	if (wait_ms > left_ms && !result->pause) {
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
	    run->job.id, live->name, (wait_ms + 500) / 1000,
	    log_text(run->job.ev->event_id), log_text(run->outcome),
	    run_hint(run, hint));
}

/* The last error is that of the last attempt, until one succeeds. */
static void
run_note_error(const struct run *run, struct live_handler *live,
    const struct handler_result *result)
{
	(void)strcpy(live->error,
	    run->out.to == JOB_DONE ? "" : result->reason);
	live->error_ms = run->out.at_ms;
}

void
run_judge(struct run *run, struct live_handler *live,
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
		run_judge_retry(run, live, result);
		break;
	case HANDLER_DEAD:
	case HANDLER_PENDING: /* no verdict: a broken handler */
		run->out.to = JOB_DEAD;
		(void)snprintf(run->outcome, sizeof(run->outcome), "%s",
		    result->reason);
		break;
	}
	run_note_error(run, live, result);
	if (run->out.to == JOB_DEAD)
		run_log_dead(run, live);
}
