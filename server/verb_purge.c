#include <stdio.h>
#include <unistd.h>

#include "server/admin_query.h"
#include "server/log.h"
#include "server/verb_admin.h"
#include "server/verb_table.h"
#include "store/base/parse.h"
#include "store/job.h"

/* What the flags ask for, as the API wants it; NULL, told, if they do not. */
static json_t *
wanted(const struct verb_args *args)
{
	const char *order = verb_flag(args, "order", 0);
	const char *age = verb_flag(args, "older-than", 0);
	const char *scope = verb_flag(args, "scope", 0);
	json_t *o = NULL;
	int64_t ms;

	if ((order == NULL) == (age == NULL))
		(void)verb_usage(args,
		    "needs --order ID or --older-than DURATION, and one of "
		    "them only");
	else if (scope != NULL && order == NULL)
		(void)verb_usage(args, "--scope: only with --order");
	else if (age != NULL && (parse_duration(age, &ms) == -1 || ms == 0))
		(void)verb_usage(args,
		    "--older-than: \"%s\" is not a duration such as 30d",
		    log_text(age));
	else if (age != NULL)
		o = json_pack("{s:I}", "older_than_ms", (json_int_t)ms);
	else {
		o = verb_admin_flag(args, "order");
		if (scope != NULL)
			(void)json_object_set_new(o, "scope",
			    json_string(scope));
	}
	return (o);
}

/*
 * Does the order have a job that is not finished? Then its events were left
 * alone. -1, told: it could not be found out.
 */
static int
has_unfinished(struct verb_admin *va, const char *order, const char *scope)
{
	static const enum job_state states[] = { JOB_READY, JOB_RUNNING,
		JOB_WAITING };
	char id[ADMIN_VALUE_MAX * 3], in[ADMIN_VALUE_MAX * 3] = "";
	char path[sizeof(id) + sizeof(in) + 64];
	json_t *page;
	size_t n = 0;

	if (admin_query_encode(order, id, sizeof(id)) == -1 ||
	    (scope != NULL && admin_query_encode(scope, in, sizeof(in)) == -1))
		return (0); /* the server has refused it before */
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		(void)snprintf(path, sizeof(path),
		    "/api/v1/jobs?limit=1&state=%s&order=%s%s%s",
		    job_state_name(states[i]), id,
		    scope != NULL ? "&scope=" : "", in);
		if ((page = verb_admin_get(va, path)) == NULL)
			return (-1);
		n += json_array_size(json_object_get(page, "jobs"));
		json_decref(page);
	}
	return (n > 0);
}

/* Nobody is to believe that what is still needed were gone. */
static enum verb_exit
tell_unfinished(struct verb_admin *va, const char *order, const char *scope)
{
	int rc = has_unfinished(va, order, scope);

	if (rc == 1)
		fprintf(stderr,
		    "klikitd purge: order %s has jobs that are not finished; "
		    "what they need was kept:\nsee klikitd jobs --order %s, "
		    "discard them or purge again later\n",
		    log_text(order), log_text(order));
	return (rc == 0 ? VERB_DONE : VERB_FAILED);
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
	if (rc == VERB_DONE && verb_has(args, "order"))
		rc = tell_unfinished(va, verb_flag(args, "order", 0),
		    verb_flag(args, "scope", 0));
	verb_admin_close(va);
	json_decref(what);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "order", "ID", "the customer's data of this order", false },
	{ "scope", "WORD",
	    "only where the order is of this scope; '' is the usual one",
	    false },
	{ "older-than", "DURATION", "of events that came in before, as 30d",
	    false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Removes bodies, answers and rejections for good, also from the store's\n"
    "log; backups made before keep theirs. The event's id stays known, so "
    "that\nanother delivery is a duplicate. Events with unfinished jobs are "
    "left alone:\nsee klikitd jobs. If the order has some, the exit code is "
    "1.\n";

const struct verb verb_purge = {
	.name = "purge",
	.words = "",
	.text = "Remove customers' data",
	.more = more,
	.flags = flags,
	.config = true,
	.run = purge_run,
};
