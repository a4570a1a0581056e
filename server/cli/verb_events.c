#include <stdio.h>
#include <stdlib.h>

#include "server/cli/verb_follow.h"
#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"

#define PATH_LEN_MAX 8192

/* Its body, byte for byte. */
static int
print_body(const struct verb_one *one)
{
	char path[PATH_LEN_MAX];
	size_t len;
	char *body;

	(void)snprintf(path, sizeof(path), "%s/body%s", one->path, one->query);
	if ((body = verb_admin_fetch(one->va, path, &len)) == NULL)
		return (-1);
	(void)fwrite(body, 1, len, stdout);
	free(body);
	return (0);
}

static const struct verb_list list = {
	.path = "/api/v1/events",
	.rows = "events",
	.fields = entity_event,
	.whole = entity_event_whole,
	.content = "body",
	.print = print_body,
	.states = verb_event_states,
	.long_ids = true,
	.follow = verb_follow,
};

static enum verb_exit
events_run(const struct verb_args *args)
{
	return (verb_list_run(args, &list));
}

static const struct verb_flag flags[] = {
	{ "type", "TYPE", "only of this type", false },
	{ "state", "STATE", "only pending, done or dead ones", false },
	VERB_LIST_FLAGS,
	{ "follow", NULL, "go on with those that come, until Ctrl-C", false },
	{ "body", NULL, "print one event's body, byte for byte", false },
	{ 0 },
};

static const char more[] =
    "Without EVENT-ID lists events, the newest first; with it shows that one\n"
    "with its orders and jobs: the beginning of its id is enough. Reads the\n"
    "store beside a running server.\n"
    "\n"
    "  klikitd events --follow --type order.created.v2\n";

const struct verb verb_events = {
	.name = "events",
	.words = "[EVENT-ID]",
	.text = "List the events received, or show one",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.run = events_run,
};
