#include "server/cli/verb_job.h"

#include <stdio.h>
#include <string.h>

#include "server/admin/admin_query.h"
#include "server/base/log.h"
#include "server/cli/verb_list.h"
#include "store/job.h"
#include "store/store_read.h"

#define PATH_LEN_MAX 2048

static const char *const filters[] = { "state", "handler", "order", "type",
	"since", "until", "scope" };
#define NFILTERS (sizeof(filters) / sizeof(filters[0]))

size_t
verb_job_filters(const struct verb_args *args)
{
	size_t n = 0;

	for (size_t i = 0; i < NFILTERS; i++)
		n += verb_has(args, filters[i]);
	return (n);
}

int
verb_job_check(const struct verb_args *args)
{
	const char *state = verb_flag(args, "state", 0);
	enum job_state parsed;
	int64_t ms;

	if (state != NULL && job_state_parse(state, &parsed) == -1) {
		(void)verb_usage(args,
		    "--state: \"%s\" is none of ready, running, waiting, done "
		    "and dead",
		    log_text(state));
		return (-1);
	}
	if (verb_list_time(args, "since", &ms) == -1 ||
	    verb_list_time(args, "until", &ms) == -1)
		return (-1);
	return (0);
}

/* Add name=value. Returns 0, or -1 if there is no room. */
static int
add(char path[PATH_LEN_MAX], const char *name, const char *value)
{
	size_t len = strlen(path);
	int n;

	n = snprintf(path + len, PATH_LEN_MAX - len,
	    "%s%s=", strchr(path, '?') == NULL ? "?" : "&", name);
	if (n < 0 || (size_t)n >= PATH_LEN_MAX - len)
		return (-1);
	len += (size_t)n;
	return (admin_query_encode(value, path + len, PATH_LEN_MAX - len));
}

/* The request for one page; before 0 is the first. Returns 0, or -1. */
static int
page_path(const struct verb_args *args, const struct verb_jobs *which,
    size_t limit, int64_t before, char path[PATH_LEN_MAX])
{
	char number[VERB_NUMBER_MAX];
	const char *value;
	int bad = 0;

	(void)strcpy(path, "/api/v1/jobs");
	for (size_t i = 0; i < NFILTERS; i++) {
		value = verb_flag(args, filters[i], 0);
		if (value != NULL)
			bad |= add(path, filters[i], value);
	}
	if (which->event != NULL)
		bad |= add(path, "event", which->event);
	if (which->newest)
		bad |= add(path, "newest", "true");
	(void)snprintf(number, sizeof(number), "%zu", limit);
	bad |= add(path, "limit", number);
	if (before > 0) {
		(void)snprintf(number, sizeof(number), "%lld",
		    (long long)before);
		bad |= add(path, "before", number);
	}
	return (bad);
}

int
verb_job_each(struct verb_admin *va, const struct verb_args *args,
    const struct verb_jobs *which, verb_job_fn *each, void *arg)
{
	size_t left = which->most == 0 ? SIZE_MAX : which->most;
	char path[PATH_LEN_MAX];
	int64_t before = 0;
	json_t *page, *job;
	size_t i, limit;
	int rc = 0;

	do {
		limit = left < STORE_PAGE_MAX ? left : STORE_PAGE_MAX;
		if (page_path(args, which, limit, before, path) == -1) {
			fprintf(stderr, "klikitd %s: a flag is too long\n",
			    args->verb->name);
			return (-1);
		}
		if ((page = verb_admin_get(va, path)) == NULL)
			return (-1);
		json_array_foreach(json_object_get(page, "jobs"), i, job)
		{
			if (rc == 0)
				rc = each(job, arg);
			left--;
		}
		before = json_integer_value(json_object_get(page, "next"));
		json_decref(page);
	} while (rc == 0 && left > 0 && before > 0);
	return (rc);
}

const char *
verb_job_number(const json_t *o, const char *name, char text[VERB_NUMBER_MAX])
{
	const json_t *value = json_object_get(o, name);

	if (!json_is_integer(value))
		return (strcpy(text, "-"));
	(void)snprintf(text, VERB_NUMBER_MAX, "%lld",
	    (long long)json_integer_value(value));
	return (text);
}

struct table *
verb_job_table(void)
{
	static const char *const titles[] = { "JOB", "HANDLER", "EVENT", "TYPE",
		"STATE", "TRIES", "DUE OR ENDED", "OUTCOME", NULL };

	return (table_new(titles));
}

/* A job that is dead by its state may not be so now. */
static const char *
state_word(const json_t *job)
{
	const char *state = verb_admin_text(job, "state");

	if (strcmp(state, job_state_name(JOB_DEAD)) != 0)
		return (state);
	if (json_is_integer(json_object_get(job, "replayed_by")))
		return ("replayed");
	return (json_is_string(json_object_get(job, "discarded_at"))
		    ? "discarded"
		    : state);
}

void
verb_job_row(struct table *t, const json_t *job)
{
	char number[VERB_NUMBER_MAX];
	const char *ended = verb_admin_text(job, "finished_at");

	table_add(t, verb_job_number(job, "id", number));
	table_add(t, verb_admin_text(job, "handler"));
	verb_list_add_id(t, verb_admin_text(job, "event_id"),
	    json_object_get(job, "scope") == NULL
		? ""
		: verb_admin_text(job, "scope"));
	table_add(t, verb_admin_text(job, "type"));
	table_add(t, state_word(job));
	table_add(t, verb_job_number(job, "attempts", number));
	table_add(t,
	    strcmp(ended, "-") != 0 ? ended : verb_admin_text(job, "due_at"));
	table_add(t, verb_admin_text(job, "outcome"));
}
