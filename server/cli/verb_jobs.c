#include <stdio.h>

#include "server/cli/verb_job.h"
#include "server/cli/verbs.h"

const struct verb_list verb_job_list = {
	.path = "/api/v1/jobs",
	.rows = "jobs",
	.fields = entity_job,
	.whole = entity_job_whole,
	.states = verb_job_states,
};

static const struct verb_flag choosing[] = { VERB_JOB_FLAGS };

bool
verb_job_chosen(const struct verb_args *args)
{
	for (size_t i = 0; i < sizeof(choosing) / sizeof(choosing[0]); i++) {
		if (verb_has(args, choosing[i].name))
			return (true);
	}
	return (false);
}

static enum verb_exit
jobs_run(const struct verb_args *args)
{
	return (verb_list_run(args, &verb_job_list));
}

static const struct verb_flag flags[] = {
	VERB_JOB_FLAGS,
	{ "event", "ID", "only of this event", false },
	VERB_LIST_FLAGS_ALL,
	{ 0 },
};

static const char more[] =
    "Without JOB lists jobs, the newest first; with it shows that one with "
    "its\n"
    "attempts. Reads the store beside a running server.\n"
    "\n"
    "  klikitd jobs --state dead\n";

const struct verb verb_jobs = {
	.name = "jobs",
	.words = "[JOB]",
	.text = "List the jobs of the handlers, done and pending, or show one",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.run = jobs_run,
};
