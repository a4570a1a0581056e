#include <stdio.h>
#include <unistd.h>

#include "server/log.h"
#include "server/verb_admin.h"
#include "server/verb_table.h"
#include "store/base/parse.h"

/* What the flags ask for, as the API wants it; NULL, told, if they do not. */
static json_t *
wanted(const struct verb_args *args)
{
	const char *order = verb_flag(args, "order", 0);
	const char *age = verb_flag(args, "older-than", 0);
	json_t *o = NULL;
	int64_t ms;

	if ((order == NULL) == (age == NULL))
		(void)verb_usage(args,
		    "needs --order ID or --older-than DURATION, and one of "
		    "them only");
	else if (age != NULL && (parse_duration(age, &ms) == -1 || ms == 0))
		(void)verb_usage(args,
		    "--older-than: \"%s\" is not a duration such as 30d",
		    log_text(age));
	else if (order != NULL &&
		 (o = json_pack("{s:s}", "order", order)) == NULL)
		(void)verb_usage(args, "--order: \"%s\" is no UTF-8",
		    log_text(order));
	else if (age != NULL)
		o = json_pack("{s:I}", "older_than_ms", (json_int_t)ms);
	return (o);
}

/* Ask until nothing is left. */
static enum verb_exit
purge(struct verb_admin *va, json_t *what)
{
	bool live = isatty(STDERR_FILENO);
	long long purged = 0;
	bool more = true, busy = false;
	json_t *answer;

	while (more) {
		answer =
		    verb_admin_post(va, "/api/v1/purge", json_incref(what));
		if (answer == NULL)
			return (VERB_FAILED);
		purged += json_integer_value(json_object_get(answer, "purged"));
		more = json_is_true(json_object_get(answer, "more"));
		busy = json_is_true(json_object_get(answer, "log_busy"));
		json_decref(answer);
		if (live)
			fprintf(stderr, "\r%lld purged%s", purged,
			    more ? "" : "\n");
	}
	printf("purged %lld events and rejections\n", purged);
	if (!busy)
		return (VERB_DONE);
	fprintf(stderr, "klikitd purge: the store's log still holds traces: a "
			"list or a backup stood in the way; purge again\n");
	return (VERB_FAILED);
}

static enum verb_exit
purge_run(const struct verb_args *args)
{
	enum verb_exit rc = VERB_FAILED;
	struct verb_admin *va;
	json_t *what;

	if ((what = wanted(args)) == NULL)
		return (VERB_USAGE);
	if ((va = verb_admin_open(args, VERB_CHANGES)) != NULL)
		rc = purge(va, what);
	verb_admin_close(va);
	json_decref(what);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "order", "ID", "the customer's data of this order", false },
	{ "older-than", "DURATION", "of events that came in before, as 30d",
	    false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Removes bodies, answers and rejections for good, also from the store's\n"
    "log; backups made before keep theirs. The event's id stays known, so "
    "that\nanother delivery is a duplicate. Events with unfinished jobs are "
    "left alone:\nsee klikitd jobs.\n";

const struct verb verb_purge = {
	.name = "purge",
	.words = "",
	.text = "Remove customers' data",
	.more = more,
	.flags = flags,
	.config = true,
	.run = purge_run,
};
