#include <stdio.h>

#include "server/base/log.h"
#include "server/cli/verb_admin.h"
#include "server/cli/verbs.h"

static enum verb_exit
retry_run(const struct verb_args *args)
{
	enum verb_exit rc = VERB_DONE;
	struct verb_admin *va;

	if ((va = verb_admin_open(args, VERB_CHANGES)) == NULL)
		return (VERB_FAILED);
	for (size_t i = 0; i < args->nwords; i++) {
		if (verb_admin_do(va, args->words[i], "/api/v1/jobs/", "/retry",
			json_object()) == VERB_DONE)
			printf("job %s: due now\n", log_text(args->words[i]));
		else
			rc = VERB_FAILED;
	}
	verb_admin_close(va);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

const struct verb verb_retry = {
	.name = "retry",
	.words = "JOB...",
	.text = "Try waiting jobs now instead of at their time",
	.more = "A dead job is not tried again but replayed: klikitd replay.\n",
	.flags = flags,
	.words_min = 1,
	.words_max = VERB_WORDS_MAX,
	.config = true,
	.run = retry_run,
};
