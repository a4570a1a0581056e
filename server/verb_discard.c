#include <stdio.h>

#include "server/log.h"
#include "server/verb_admin.h"
#include "server/verb_table.h"

static enum verb_exit
discard_run(const struct verb_args *args)
{
	const char *reason = verb_flag(args, "reason", 0);
	enum verb_exit rc = VERB_DONE;
	struct verb_admin *va;
	json_t *body;

	if (reason == NULL || *reason == '\0')
		return (verb_usage(args, "needs --reason TEXT"));
	if ((body = verb_admin_flag(args, "reason")) == NULL)
		return (VERB_USAGE);
	if ((va = verb_admin_open(args, VERB_CHANGES)) == NULL) {
		json_decref(body);
		return (VERB_FAILED);
	}
	for (size_t i = 0; i < args->nwords; i++) {
		if (verb_admin_do(va, args->words[i], "/api/v1/jobs/",
			"/discard", json_incref(body)) == VERB_DONE)
			printf("job %s: discarded\n", log_text(args->words[i]));
		else
			rc = VERB_FAILED;
	}
	verb_admin_close(va);
	json_decref(body);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "reason", "TEXT", "why; it is kept with the job", false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

const struct verb verb_discard = {
	.name = "discard",
	.words = "JOB...",
	.text = "Give up jobs that are not finished; the reason is kept",
	.more = "A discarded job is dead: it can be replayed.\n",
	.flags = flags,
	.words_min = 1,
	.words_max = VERB_WORDS_MAX,
	.config = true,
	.run = discard_run,
};
