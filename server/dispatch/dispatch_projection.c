/* A projection's job: run and recorded in one go. */
#include <inttypes.h>
#include <stdio.h>

#include "server/base/clock.h"
#include "server/dispatch/dispatch_private.h"

/*
 * What a projection would write of a repeat it has written of the original; if
 * that one failed, a replay of it by hand does.
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
run_project(struct run *run, struct live_handler *live)
{
	struct dispatch *d = run->d;
	struct handler_instance *instance = live->shared->instance;
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
		run_record(run, live);
		return;
	}
	run_move(run, RUN_CALLING);
	run->job.attempts++;
	run->out = (struct store_outcome){ 0 };
	run->attempt = (struct store_attempt){
		.started_at_ms = d->env->now_ms(d->env->arg),
	};
	run->started_us = clock_mono_us();
	result.verdict = instance->type->run(instance, &job, &result);
	run_judge(run, live, &result);
	if (run->out.to == JOB_DONE) {
		run->out.writes = result.writes;
		run->out.nwrites = result.nwrites;
	} else {
		run->attempt.duration_ms =
		    (clock_mono_us() - run->started_us) / 1000;
		run->out.attempt = &run->attempt;
	}
	run_record(run, live);
}
