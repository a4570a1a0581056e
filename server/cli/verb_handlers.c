#include <stdio.h>

#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"

static const struct verb_list list = {
	.path = "/api/v1/handlers",
	.rows = "handlers",
	.fields = entity_handler,
	.unpaged = true,
	.live = true,
};

static enum verb_exit
handlers_run(const struct verb_args *args)
{
	return (verb_list_run(args, &list));
}

static const struct verb_flag flags[] = {
	{ "json", NULL, "one JSON object a line", false },
	VERB_SCREEN_FLAGS,
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "active: jobs are done. paused: by klikitd pause, or because the far side\n"
    "said so. probing: its calls keep failing, and one is tried now and then.\n"
    "parked: the configuration has it no more; what is pending is kept.\n"
    "OLDEST is when its oldest pending event came in. TARGET is where its "
    "jobs\n"
    "go, LAST ERROR why its last attempt failed, while none has succeeded "
    "since.\n";

const struct verb verb_handlers = {
	.name = "handlers",
	.words = "",
	.text = "List the handlers with what is pending for each",
	.more = more,
	.flags = flags,
	.config = true,
	.run = handlers_run,
};
