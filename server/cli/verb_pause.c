/*
 * pause and resume: two verbs, one act and its opposite.
 */
#include <stdio.h>

#include "server/base/log.h"
#include "server/cli/verb_admin.h"
#include "server/cli/verb_choice.h"
#include "server/cli/verbs.h"

/* Takes body. */
static enum verb_exit
set(const struct verb_args *args, const char *what, json_t *body)
{
	struct verb_admin *va;
	enum verb_exit rc;

	if ((va = verb_admin_open(args, VERB_CHANGES)) == NULL) {
		json_decref(body);
		return (VERB_FAILED);
	}
	if (verb_handler_known(va, args, args->words[0]) == -1) {
		json_decref(body);
		rc = VERB_USAGE;
	} else
		rc = verb_admin_do(va, args->words[0], "/api/v1/handlers/",
		    what, body);
	verb_admin_close(va);
	return (rc);
}

static enum verb_exit
pause_run(const struct verb_args *args)
{
	enum verb_exit rc;
	json_t *body;

	body = verb_has(args, "why") ? verb_admin_flag(args, "why")
				     : json_object();
	if (body == NULL)
		return (VERB_USAGE);
	rc = set(args, "/pause", body);
	if (rc == VERB_DONE)
		printf("handler %s: paused, until klikitd resume\n",
		    log_text(args->words[0]));
	return (rc);
}

static enum verb_exit
resume_run(const struct verb_args *args)
{
	enum verb_exit rc = set(args, "/resume", json_object());

	if (rc == VERB_DONE)
		printf("handler %s: goes on\n", log_text(args->words[0]));
	return (rc);
}

static const struct verb_flag pause_flags[] = {
	{ "why", "TEXT", "why; it is shown by klikitd handlers", false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const struct verb_flag resume_flags[] = {
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

const struct verb verb_pause = {
	.name = "pause",
	.words = "HANDLER",
	.text = "Start no further job of a handler",
	.more = "Its jobs go on being made, and wait. It stays paused when the "
		"server\nrestarts.\n",
	.flags = pause_flags,
	.words_min = 1,
	.words_max = 1,
	.config = true,
	.run = pause_run,
};

const struct verb verb_resume = {
	.name = "resume",
	.words = "HANDLER",
	.text = "Let a paused handler go on",
	.flags = resume_flags,
	.words_min = 1,
	.words_max = 1,
	.config = true,
	.run = resume_run,
};
