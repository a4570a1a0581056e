/*
 * alarms and acknowledge: which rang, and who has seen it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/admin/admin_query.h"
#include "server/base/log.h"
#include "server/cli/verb_ask.h"
#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"
#include "store/base/parse.h"

static const struct verb_list list = {
	.path = "/api/v1/alarms",
	.rows = "alarms",
	.fields = entity_alarm,
};

static enum verb_exit
alarms_run(const struct verb_args *args)
{
	return (verb_list_run(args, &list));
}

/* -- Acknowledging -- */

/* verb_row_fn: note the number of one. */
static int
choose_cb(const json_t *alarm, void *arg)
{
	return (json_array_append(arg, json_object_get(alarm, "id")));
}

/* The numbers that the words are. Returns 0; -1, said as a usage error. */
static int
read_words(const struct verb_args *args, json_t *ids)
{
	int64_t id;

	for (size_t i = 0; i < args->nwords; i++) {
		if (parse_int(args->words[i], 1, INT64_MAX, &id) == -1) {
			(void)verb_usage(args,
			    "\"%s\" is no number of an "
			    "alarm: see klikitd alarms",
			    log_text(args->words[i]));
			return (-1);
		}
		(void)json_array_append_new(ids, json_integer(id));
	}
	return (0);
}

/* Say what became of each. */
static enum verb_exit
report(const json_t *answer)
{
	enum verb_exit rc = VERB_DONE;
	const char *error;
	long long id;
	json_t *job;
	size_t i;

	json_array_foreach(json_object_get(answer, "jobs"), i, job)
	{
		id = (long long)json_integer_value(json_object_get(job, "id"));
		error = json_string_value(json_object_get(job, "error"));
		if (error == NULL) {
			printf("alarm %lld: acknowledged\n", id);
			continue;
		}
		fprintf(stderr, "klikitd acknowledge: alarm %lld: %s\n", id,
		    log_text(error));
		rc = VERB_FAILED;
	}
	return (rc);
}

/* Send the numbers, as many at a time as are taken. */
static enum verb_exit
send(struct verb_admin *va, const json_t *ids, const char *by)
{
	enum verb_exit rc = VERB_DONE;
	size_t n = json_array_size(ids);
	json_t *some, *answer;

	for (size_t i = 0; i < n;) {
		some = json_array();
		do {
			(void)json_array_append(some, json_array_get(ids, i));
		} while (++i < n && i % 100 != 0);
		answer = verb_admin_post(va, "/api/v1/alarms/acknowledge",
		    json_pack("{s:o, s:s}", "ids", some, "by", by));
		if (answer == NULL || report(answer) != VERB_DONE)
			rc = VERB_FAILED;
		json_decref(answer);
	}
	return (rc);
}

static enum verb_exit
acknowledge_run(const struct verb_args *args)
{
	struct verb_choice choice;
	const struct verb_rows which = { .list = &list, .choice = &choice };
	const char *by = verb_flag(args, "by", 0);
	bool all = verb_has(args, "all-of-them");
	enum verb_exit rc = VERB_USAGE;
	json_t *ids = json_array();
	struct verb_admin *va;

	if (verb_choice_read(args, verb_job_states, &choice) == -1)
		rc = VERB_USAGE;
	else if (all == (args->nwords > 0))
		rc = verb_usage(args, "needs ALARM..., or --all-of-them");
	else if (read_words(args, ids) == 0) {
		rc = VERB_FAILED;
		if ((va = verb_admin_open(args, VERB_CHANGES)) != NULL &&
		    (!all || verb_list_each(va, &which, choose_cb, ids) == 0))
			rc = send(va, ids, by != NULL ? by : verb_user(args));
		if (rc == VERB_DONE && json_array_size(ids) == 0)
			printf("no alarm waits to be acknowledged\n");
		verb_admin_close(va);
	}
	json_decref(ids);
	return (rc);
}

static const struct verb_flag alarms_flags[] = {
	{ "all", NULL, "also those that were acknowledged", false },
	{ "handler", "NAME", "only those that this handler rang", false },
	{ "scope", "WORD", "only of this scope; '' is the usual one", false },
	{ "type", "TYPE", "only for events of this type", false },
	VERB_LIST_FLAGS_COMMON,
	{ 0 },
};

const struct verb verb_alarms = {
	.name = "alarms",
	.words = "",
	.text = "List the kitchen alarms that rang and nobody has acknowledged",
	.more = "An alarm rings when a handler has not done an event by its "
		"deadline.\n"
		"Reads the store beside a running server.\n",
	.flags = alarms_flags,
	.config = true,
	.run = alarms_run,
};

static const struct verb_flag acknowledge_flags[] = {
	{ "by", "NAME", "who you are (default: the user who runs this)",
	    false },
	{ "all-of-them", NULL, "all alarms that klikitd alarms lists", false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

const struct verb verb_acknowledge = {
	.name = "acknowledge",
	.words = "[ALARM...]",
	.text = "Say that you have seen that an alarm rang",
	.more = "It is red on the page until then, and rings no more. The job "
		"that it\nguards is not touched: klikitd replay, if that is "
		"dead.\n",
	.flags = acknowledge_flags,
	.words_max = VERB_WORDS_MAX,
	.config = true,
	.run = acknowledge_run,
};
