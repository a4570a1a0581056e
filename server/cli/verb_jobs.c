#include <stdio.h>
#include <string.h>

#include "server/admin/admin_query.h"
#include "server/base/log.h"
#include "server/cli/verb_job.h"
#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 1000000
#define PATH_LEN_MAX 256

/* -- The list -- */

/* verb_job_fn */
static int
row_cb(const json_t *job, void *arg)
{
	verb_job_row(arg, job);
	return (0);
}

/* verb_job_fn */
static int
json_cb(const json_t *job, void *arg)
{
	(void)arg;
	if (verb_json_print(json_copy((json_t *)job)) == 0)
		return (0);
	fprintf(stderr, "klikitd jobs: out of memory\n");
	return (-1);
}

static enum verb_exit
list(const struct verb_args *args, struct verb_admin *va)
{
	struct verb_jobs which = { .event = verb_flag(args, "event", 0) };
	long long limit = LIMIT_DEFAULT;
	struct table *t;
	int rc;

	if (verb_int(args, "limit", 1, LIMIT_MAX, &limit) == -1)
		return (VERB_USAGE);
	which.most = (size_t)limit;
	if (verb_has(args, "json"))
		rc = verb_job_each(va, args, &which, json_cb, NULL);
	else if ((t = verb_job_table()) == NULL)
		rc = -1;
	else {
		rc = verb_job_each(va, args, &which, row_cb, t);
		if (rc == 0 && (rc = table_print(t, stdout)) == -1)
			fprintf(stderr, "klikitd jobs: out of memory\n");
		table_free(t);
	}
	return (rc == -1 ? VERB_FAILED : VERB_DONE);
}

/* -- One -- */

static void
print_attempt(const json_t *at)
{
	char number[VERB_NUMBER_MAX], took[VERB_NUMBER_MAX];
	char code[VERB_NUMBER_MAX];
	const char *answer = verb_admin_text(at, "answer");

	printf("  %s  %s  %s ms  %s  code %s\n",
	    verb_job_number(at, "number", number),
	    verb_admin_text(at, "started_at"),
	    verb_job_number(at, "duration_ms", took),
	    log_text(verb_admin_text(at, "outcome")),
	    verb_job_number(at, "code", code));
	if (*answer != '\0')
		printf("     %s\n", log_text(answer));
}

static void
print_job(const json_t *job)
{
	static const char *const texts[] = { "handler", "event_id", "scope",
		"type", "state", "outcome", "due_at", "finished_at",
		"discarded_at" };
	static const char *const numbers[] = { "place", "attempts", "replay_of",
		"replayed_by" };
	char number[VERB_NUMBER_MAX];
	json_t *at;
	size_t i;

	printf("%-12s%s\n", "id", verb_job_number(job, "id", number));
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (json_object_get(job, texts[i]) == NULL)
			continue; /* the usual scope */
		printf("%-12s%s\n", texts[i],
		    log_text(verb_admin_text(job, texts[i])));
	}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		printf("%-12s%s\n", numbers[i],
		    verb_job_number(job, numbers[i], number));
	json_array_foreach(json_object_get(job, "history"), i, at)
	    print_attempt(at);
}

static enum verb_exit
show(const struct verb_args *args, struct verb_admin *va)
{
	static const char base[] = "/api/v1/jobs/";
	char path[PATH_LEN_MAX];
	json_t *job;
	int rc = 0;

	(void)strcpy(path, base);
	if (admin_query_encode(args->words[0], path + strlen(base),
		sizeof(path) - strlen(base)) == -1) {
		fprintf(stderr, "klikitd jobs: %s: is no job's number\n",
		    log_text(args->words[0]));
		return (VERB_FAILED);
	}
	if ((job = verb_admin_get(va, path)) == NULL)
		return (VERB_FAILED);
	if (verb_has(args, "json"))
		rc = json_cb(job, NULL);
	else
		print_job(job);
	json_decref(job);
	return (rc == -1 ? VERB_FAILED : VERB_DONE);
}

static enum verb_exit
jobs_run(const struct verb_args *args)
{
	struct verb_admin *va;
	enum verb_exit rc;

	if (args->nwords > 0 &&
	    (verb_job_filters(args) > 0 || verb_has(args, "event") ||
		verb_has(args, "limit")))
		return (verb_usage(args, "JOB excludes the flags of the list"));
	if (verb_job_check(args) == -1)
		return (VERB_USAGE);
	if ((va = verb_admin_open(args, VERB_LOOKS)) == NULL)
		return (VERB_FAILED);
	rc = args->nwords > 0 ? show(args, va) : list(args, va);
	verb_admin_close(va);
	return (rc);
}

static const struct verb_flag flags[] = {
	VERB_JOB_FLAGS,
	{ "event", "ID", "only of this event", false },
	{ "limit", "N", "at most N rows (default 50)", false },
	{ "json", NULL, "one JSON object a line", false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Without JOB lists jobs, the newest first; with it shows that one with "
    "its\n"
    "attempts. Reads the store beside a running server.\n"
    "\n"
    "  klikitd jobs --state dead\n";

const struct verb verb_jobs = {
	.name = "jobs",
	.words = "[JOB]",
	.text = "List what the handlers did and have to do, or show one job",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.run = jobs_run,
};
