#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/cli/verb_ask.h"
#include "server/cli/verb_chosen.h"
#include "server/cli/verb_job.h"
#include "server/cli/verbs.h"

/* The jobs that the words name, each on its own. */
static enum verb_exit
discard_named(struct verb_admin *va, const struct verb_args *args, json_t *body)
{
	enum verb_exit rc = VERB_DONE;

	if (verb_has(args, "dry-run"))
		return (verb_chosen_show(va, args));
	if (!verb_ask(args, "Discard the %zu job%s named", args->nwords,
		args->nwords == 1 ? "" : "s"))
		return (VERB_FAILED);
	for (size_t i = 0; i < args->nwords; i++) {
		if (verb_admin_do(va, args->words[i], "/api/v1/jobs/",
			"/discard", json_incref(body)) == VERB_DONE)
			printf("job %s: discarded\n", log_text(args->words[i]));
		else
			rc = VERB_FAILED;
	}
	return (rc);
}

/* Do the words and flags make sense? VERB_DONE; VERB_USAGE, said. */
static enum verb_exit
check(const struct verb_args *args, struct verb_choice *ret_choice)
{
	const char *reason = verb_flag(args, "reason", 0);
	const char *state = verb_flag(args, "state", 0);

	if (reason == NULL || *reason == '\0')
		return (verb_usage(args, "needs --reason TEXT"));
	if (args->nwords > 0 && verb_job_chosen(args))
		return (
		    verb_usage(args, "JOB... excludes flags that choose jobs"));
	if (args->nwords > 0)
		return (VERB_DONE);
	if (state == NULL ||
	    (strcmp(state, "ready") != 0 && strcmp(state, "waiting") != 0 &&
		strcmp(state, "dead") != 0))
		return (verb_usage(args,
		    "needs JOB..., or --state ready, waiting or dead"));
	return (verb_choice_read(args, verb_job_states, ret_choice) == -1
		    ? VERB_USAGE
		    : VERB_DONE);
}

static enum verb_exit
discard_run(const struct verb_args *args)
{
	struct verb_chosen what = { .verb = "discard",
		.asks = "Discard",
		.done = "discarded",
		.path = "/api/v1/jobs/discard" };
	struct verb_choice choice;
	struct verb_admin *va;
	enum verb_exit rc;

	if ((rc = check(args, &choice)) != VERB_DONE)
		return (rc);
	if ((what.more = verb_admin_flag(args, "reason")) == NULL)
		return (VERB_USAGE);
	va = verb_admin_open(args,
	    verb_has(args, "dry-run") ? VERB_LOOKS : VERB_CHANGES);
	if (va == NULL)
		rc = VERB_FAILED;
	else if (args->nwords > 0)
		rc = discard_named(va, args, what.more);
	else
		rc = verb_chosen_run(va, &choice, &what);
	verb_admin_close(va);
	json_decref(what.more);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "reason", "TEXT", "why; it is kept with the job", false },
	VERB_JOB_FLAGS,
	{ "dry-run", NULL, "only list which jobs that would be", false },
	VERB_YES_FLAG,
	VERB_SCREEN_FLAGS,
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Nothing more is done about a discarded job: one that was ready or "
    "waiting\n"
    "is not tried any more, and one that is dead is not counted or listed as\n"
    "dead any more, so that its alert ends. It can still be replayed.\n"
    "\n"
    "  klikitd discard 17 --reason \"phoned to the kitchen\"\n"
    "  klikitd discard --state dead --handler pos --reason \"phoned\"\n";

const struct verb verb_discard = {
	.name = "discard",
	.words = "[JOB...]",
	.text = "Give up jobs that are dead or pending",
	.more = more,
	.flags = flags,
	.words_max = VERB_WORDS_MAX,
	.config = true,
	.run = discard_run,
};
