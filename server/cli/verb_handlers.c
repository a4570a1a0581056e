#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/base/table.h"
#include "server/cli/verb_admin.h"
#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"

#define NUMBER_MAX 32

/* paused; parked, when the configuration knows it no more; else active. */
static const char *
state(const struct config *cfg, const json_t *h)
{
	const char *name = verb_admin_text(h, "name");

	if (!json_is_null(json_object_get(h, "paused_at")))
		return ("paused");
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		if (strcmp(cfg->handlers[i].name, name) == 0)
			return ("active");
	}
	return ("parked");
}

static void
add_number(struct table *t, const json_t *h, const char *name)
{
	char text[NUMBER_MAX];

	(void)snprintf(text, sizeof(text), "%lld",
	    (long long)json_integer_value(json_object_get(h, name)));
	table_add(t, text);
}

static void
add_row(struct table *t, const struct config *cfg, const json_t *h)
{
	const char *why = verb_admin_text(h, "paused_why");

	table_add(t, verb_admin_text(h, "name"));
	table_add(t, state(cfg, h));
	add_number(t, h, "unfinished");
	add_number(t, h, "dead");
	table_add(t, verb_admin_text(h, "oldest"));
	table_add(t, verb_admin_text(h, "paused_at"));
	table_add(t, verb_admin_text(h, "paused_by"));
	table_add(t, why);
}

/* Returns 0, or -1 when out of memory. */
static int
print_json(const struct config *cfg, const json_t *list)
{
	json_t *h;
	size_t i;

	json_array_foreach(list, i, h)
	{
		(void)json_set_text(h, "state", state(cfg, h));
		if (verb_json_print(json_incref(h)) == -1)
			return (-1);
	}
	return (0);
}

static int
print_table(const struct config *cfg, const json_t *list)
{
	static const char *const titles[] = { "HANDLER", "STATE", "UNFINISHED",
		"DEAD", "OLDEST", "PAUSED AT", "BY", "WHY", NULL };
	struct table *t = table_new(titles);
	json_t *h;
	size_t i;
	int rc = -1;

	if (t != NULL) {
		json_array_foreach(list, i, h) add_row(t, cfg, h);
		rc = table_print(t, stdout);
	}
	table_free(t);
	return (rc);
}

static enum verb_exit
handlers_run(const struct verb_args *args)
{
	struct verb_admin *va;
	const struct config *cfg;
	json_t *answer, *list;
	int rc = 0;

	if ((va = verb_admin_open(args, VERB_LOOKS)) == NULL)
		return (VERB_FAILED);
	cfg = verb_admin_config(va);
	if ((answer = verb_admin_get(va, "/api/v1/handlers")) == NULL) {
		verb_admin_close(va);
		return (VERB_FAILED);
	}
	list = json_object_get(answer, "handlers");
	if (verb_has(args, "json"))
		rc = print_json(cfg, list);
	else
		rc = print_table(cfg, list);
	json_decref(answer);
	verb_admin_close(va);
	if (rc == -1)
		fprintf(stderr, "klikitd handlers: out of memory\n");
	return (rc == -1 ? VERB_FAILED : VERB_DONE);
}

static const struct verb_flag flags[] = {
	{ "json", NULL, "one JSON object a line", false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "active: jobs are done. paused: by klikitd pause, or because the far side\n"
    "said so. parked: the configuration has it no more; what it has not\n"
    "finished is kept. OLDEST is when its oldest unfinished event came in.\n";

const struct verb verb_handlers = {
	.name = "handlers",
	.words = "",
	.text = "List the handlers with what each has still to do",
	.more = more,
	.flags = flags,
	.config = true,
	.run = handlers_run,
};
