#include <stdio.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/base/json.h"
#include "server/base/log.h"
#include "server/base/when.h"
#include "server/cli/verb_ask.h"
#include "server/cli/verbs.h"
#include "store/base/parse.h"
#include "store/store.h"

/* As one object; a failure has a reason, and only that. */
static enum verb_exit
print_json(const struct store_restored *r, const char *reason)
{
	json_t *o = json_object();
	char *text = NULL;
	int bad = 0;

	if (reason != NULL) {
		bad |= json_set_text(o, "error", reason);
	} else {
		bad |= json_set_text(o, "store", r->path);
		bad |= json_set_text(o, "kept", r->replaced ? r->kept : NULL);
		bad |= json_set_int(o, "events", r->events);
		bad |= json_set_time(o, "newest_event", r->newest_ms);
	}
	if (bad == 0)
		text = json_text(o);
	if (text != NULL)
		printf("%s\n", text);
	else
		fprintf(stderr, "klikitd restore: out of memory\n");
	json_decref(o);
	free(text);
	return (text != NULL && reason == NULL ? VERB_DONE : VERB_FAILED);
}

static void
print_text(const struct store_restored *r, const char *backup)
{
	char newest[FORMAT_TIME_MAX];

	printf("%s: restored from %s, which was checked: %lld events\n",
	    log_text(r->path), log_text(backup), (long long)r->events);
	if (r->replaced)
		printf("What was there before is kept, with its log, as %s\n",
		    log_text(r->kept));
	if (r->newest_ms != 0)
		printf("The newest event is of %s: what came in later is not "
		       "in this store.\n",
		    format_time(r->newest_ms, newest));
	else
		printf("There is no event in it.\n");
	printf("Ask klikit to replay what is missing, then start klikitd. "
	       "Handlers that had\nserved orders after that time do not know "
	       "so: a replay calls them again.\n");
}

/*
 * See whether it could be done, and ask whether it is to be: then *ret_go is
 * set, else the result is the verb's.
 */
static enum verb_exit
look(const struct verb_args *args, struct store_restore *what, bool *ret_go)
{
	struct store_restored found;
	char reason[STORE_REASON_MAX], newest[WHEN_MAX] = "-";

	if (store_restore(what, &found, reason) != STORE_OK) {
		fprintf(stderr, "klikitd restore: %s\n", log_text(reason));
		if (verb_has(args, "json"))
			(void)print_json(&found, reason);
		return (VERB_FAILED);
	}
	what->only_check = false;
	if (found.newest_ms != 0)
		(void)when_format(found.newest_ms, false, WHEN_SECONDS, newest);
	if (verb_has(args, "dry-run")) {
		printf("%s was checked and could be restored: %lld events, the "
		       "newest of %s\n",
		    log_text(what->backup), (long long)found.events, newest);
		return (VERB_DONE);
	}
	*ret_go = verb_ask(args,
	    "Put %s (%lld events, the newest of %s) in the place of the store",
	    log_text(what->backup), (long long)found.events, newest);
	return (VERB_FAILED);
}

static enum verb_exit
restore_run(const struct verb_args *args)
{
	struct config *cfg =
	    verb_config(args, CONFIG_STORE, verb_dev_store(args));
	struct store_restore what = { .backup = args->words[0],
		.now_ms = clock_wall_ms() };
	struct store_restored restored;
	bool go = true;
	char reason[STORE_REASON_MAX];
	enum verb_exit rc = VERB_FAILED;

	if (cfg == NULL)
		return (VERB_FAILED);
	what.url = cfg->store_url;
	what.only_check = verb_has(args, "dry-run") || verb_asks(args);
	if (what.only_check) {
		go = false;
		rc = look(args, &what, &go);
	}
	if (!go) {
		config_free(cfg);
		return (rc);
	}
	if (store_restore(&what, &restored, reason) != STORE_OK) {
		fprintf(stderr, "klikitd restore: %s\n", log_text(reason));
		if (verb_has(args, "json"))
			(void)print_json(&restored, reason);
	} else if (verb_has(args, "json")) {
		rc = print_json(&restored, NULL);
	} else {
		print_text(&restored, what.backup);
		rc = VERB_DONE;
	}
	config_free(cfg);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "json", NULL, "one JSON object: store, kept, events, newest_event",
	    false },
	{ "dry-run", NULL, "only check BACKUP, beside a server too", false },
	VERB_YES_FLAG,
	{ "dev", NULL, "of the store of klikitd dev", false },
	{ 0 },
};

const struct verb verb_restore = {
	.name = "restore",
	.words = "BACKUP",
	.text = "Put a backup in the place of the store",
	.more = "Stop klikitd first. BACKUP is checked and copied; only then "
		"is the store that\nis there put aside, with its log, as "
		"PATH.damaged-TIME: nothing is deleted. If\nthis is cut short "
		"the next start completes it. Events that came in after the\n"
		"backup are not in it: ask klikit to replay them.\n",
	.flags = flags,
	.words_min = 1,
	.words_max = 1,
	.config = true,
	.run = restore_run,
};
