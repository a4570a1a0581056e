#include <stdio.h>
#include <string.h>

#include "server/cli/verb_ask.h"
#include "server/cli/verb_chosen.h"
#include "server/cli/verb_job.h"
#include "server/cli/verbs.h"

/*
 * Has it ended, and was there something to do? Not so with an alarm, and with
 * the older of two records of one order.
 */
static bool
can_replay(const json_t *job)
{
	static const char not_done[] = "superseded";
	const char *outcome = verb_admin_text(job, "outcome");

	return (json_is_string(json_object_get(job, "finished_at")) &&
		json_object_get(job, "guards") == NULL &&
		strncmp(outcome, not_done, strlen(not_done)) != 0);
}

static enum verb_exit
replay_run(const struct verb_args *args)
{
	struct verb_chosen what = { .verb = "replay",
		.asks = "Replay",
		.done = "replayed",
		.path = "/api/v1/jobs/replay",
		.may = can_replay };
	const char *state = verb_flag(args, "state", 0);
	struct verb_choice choice;
	struct verb_admin *va;
	enum verb_exit rc;

	if (args->nwords == 0 && !verb_job_chosen(args))
		return (verb_usage(args, "needs EVENT-ID... or a flag that "
					 "chooses jobs"));
	if (state != NULL && strcmp(state, "done") != 0 &&
	    strcmp(state, "dead") != 0)
		return (verb_usage(args,
		    "--state: only what is done or dead can be replayed"));
	if (verb_choice_read(args, verb_job_states, &choice) == -1)
		return (VERB_USAGE);
	if (verb_has(args, "new-key") &&
	    (what.more = json_pack("{s:b}", "new_key", 1)) == NULL)
		return (VERB_FAILED);
	va = verb_admin_open(args,
	    verb_has(args, "dry-run") ? VERB_LOOKS : VERB_CHANGES);
	rc = va == NULL ? VERB_FAILED : verb_chosen_run(va, &choice, &what);
	verb_admin_close(va);
	json_decref(what.more);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "new-key", NULL,
	    "with a new idempotency key: the far side takes it for new",
	    false },
	VERB_JOB_FLAGS,
	{ "dry-run", NULL, "only list which jobs that would be", false },
	VERB_YES_FLAG,
	VERB_SCREEN_FLAGS,
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Makes a new job like each one chosen, which must be done or dead; of a\n"
    "chain of replays the newest. Neither duplicates nor once_per_order stand\n"
    "in the way of a replay. The number of jobs is said first. The far side\n"
    "gets the idempotency key of the job that is repeated, and may answer\n"
    "from memory; with --new-key it gets one that it has never seen.\n"
    "Alarms are not replayed.\n"
    "\n"
    "  klikitd replay --state dead --handler pos --dry-run\n"
    "  klikitd replay 0197-...-event-id\n";

const struct verb verb_replay = {
	.name = "replay",
	.words = "[EVENT-ID...]",
	.text = "Do again what is done or dead",
	.more = more,
	.flags = flags,
	.words_max = VERB_WORDS_MAX,
	.config = true,
	.run = replay_run,
};
