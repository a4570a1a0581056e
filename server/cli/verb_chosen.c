#include "server/cli/verb_chosen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/cli/field_print.h"
#include "server/cli/verb_ask.h"
#include "server/cli/verb_job.h"

#define BATCH 100 /* jobs of one request */

/* The jobs that were chosen, newest first. */
struct chosen {
	const struct verb_chosen *what;
	int64_t *ids;
	size_t n;
	size_t max;
	struct field_table *table; /* to show them; NULL: they are not shown */

	/* When the first of them ended, or are due, and the last. */
	char oldest[FORMAT_TIME_MAX];
	char newest[FORMAT_TIME_MAX];
};

static void
note_time(struct chosen *c, const json_t *job)
{
	const char *at = json_string_value(json_object_get(job, "finished_at"));

	if (at == NULL)
		at = json_string_value(json_object_get(job, "due_at"));
	if (at == NULL)
		return;
	if (c->oldest[0] == '\0' || strcmp(at, c->oldest) < 0)
		(void)snprintf(c->oldest, sizeof(c->oldest), "%s", at);
	if (strcmp(at, c->newest) > 0)
		(void)snprintf(c->newest, sizeof(c->newest), "%s", at);
}

/* verb_row_fn */
static int
choose_cb(const json_t *job, void *arg)
{
	struct chosen *c = arg;
	int64_t *grown;

	if (c->what->may != NULL && !c->what->may(job))
		return (0);
	if (c->n == c->max) {
		c->max = c->max == 0 ? 256 : 2 * c->max;
		grown = realloc(c->ids, c->max * sizeof(*grown));
		if (grown == NULL) {
			fprintf(stderr, "klikitd %s: out of memory\n",
			    c->what->verb);
			return (-1);
		}
		c->ids = grown;
	}
	c->ids[c->n++] = json_integer_value(json_object_get(job, "id"));
	note_time(c, job);
	if (c->table != NULL)
		field_table_add(c->table, job);
	return (0);
}

static int
compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y ? 1 : x > y ? -1 : 0);
}

/* Newest first, each once: a word may stand twice. */
static void
sort(struct chosen *c)
{
	size_t n = 0;

	if (c->n > 0)
		qsort(c->ids, c->n, sizeof(*c->ids), compare_ids);
	for (size_t i = 0; i < c->n; i++) {
		if (n == 0 || c->ids[n - 1] != c->ids[i])
			c->ids[n++] = c->ids[i];
	}
	c->n = n;
}

/* Returns 0; -1 with a message on stderr: none found, or no answer. */
static int
choose(struct verb_admin *va, const struct verb_choice *choice,
    struct chosen *c)
{
	const struct verb_args *args = choice->args;
	struct verb_rows which = { .list = &verb_job_list,
		.choice = choice,
		.newest = true };
	char id[ADMIN_VALUE_MAX];
	size_t before;
	int rc = 0;

	if (args->nwords == 0)
		rc = verb_list_each(va, &which, choose_cb, c);
	for (size_t i = 0; i < args->nwords && rc == 0; i++) {
		if (verb_event_id(va, args, args->words[i], id) == -1)
			return (-1);
		which.event = id;
		before = c->n;
		rc = verb_list_each(va, &which, choose_cb, c);
		if (rc == 0 && c->n == before) {
			fprintf(stderr,
			    "klikitd %s: event %s: has no such job that "
			    "has ended\n",
			    c->what->verb, log_text(which.event));
			rc = -1;
		}
	}
	sort(c);
	return (rc);
}

/* Say which were refused, and why. Returns how many were not. */
static size_t
count(const struct verb_chosen *what, const json_t *answer)
{
	const char *error;
	size_t i, good = 0;
	json_t *job;

	json_array_foreach(json_object_get(answer, "jobs"), i, job)
	{
		error = json_string_value(json_object_get(job, "error"));
		if (error == NULL)
			good++;
		else
			fprintf(stderr, "klikitd %s: job %lld: %s\n",
			    what->verb,
			    (long long)json_integer_value(
				json_object_get(job, "id")),
			    log_text(error));
	}
	return (good);
}

/* A request for up to BATCH of the n first ones, the last first. */
static json_t *
batch(const struct chosen *c, size_t n)
{
	json_t *list = json_array(), *body = json_object();

	for (size_t i = 0; i < BATCH && i < n; i++)
		(void)json_array_append_new(list,
		    json_integer(c->ids[n - 1 - i]));
	(void)json_object_set_new(body, "ids", list);
	if (c->what->more != NULL)
		(void)json_object_update(body, c->what->more);
	return (body);
}

static enum verb_exit
act(struct verb_admin *va, const struct chosen *c)
{
	const struct verb_chosen *what = c->what;
	bool live = isatty(STDERR_FILENO);
	size_t left = c->n, good = 0;
	json_t *answer;

	while (left > 0) {
		answer = verb_admin_post(va, what->path, batch(c, left));
		if (answer == NULL)
			break;
		good += count(what, answer);
		json_decref(answer);
		left -= left < BATCH ? left : BATCH;
		if (live)
			fprintf(stderr, "\r%zu of %zu%s", c->n - left, c->n,
			    left == 0 ? "\n" : "");
	}
	printf("%s %zu of %zu jobs\n", what->done, good, c->n);
	return (good == c->n ? VERB_DONE : VERB_FAILED);
}

enum verb_exit
verb_chosen_run(struct verb_admin *va, struct verb_choice *choice,
    const struct verb_chosen *what)
{
	struct screen screen = verb_screen(choice->args);
	bool dry = verb_has(choice->args, "dry-run");
	struct chosen c = { .what = what };
	enum verb_exit rc = VERB_DONE;
	char span[VERB_SPAN_MAX];

	if (dry &&
	    (c.table = field_table_new(entity_job, false, &screen)) == NULL) {
		fprintf(stderr, "klikitd %s: out of memory\n", what->verb);
		return (VERB_FAILED);
	}
	if (verb_choice_known(va, choice) == -1)
		rc = VERB_USAGE;
	else if (choose(va, choice, &c) == -1)
		rc = VERB_FAILED;
	else {
		printf("%zu job%s to %s\n", c.n, c.n == 1 ? "" : "s",
		    what->verb);
		verb_flush();
		if (dry && c.n > 0 && field_table_print(c.table, stdout) == -1)
			rc = VERB_FAILED;
		else if (!dry && c.n > 0)
			rc = verb_ask(choice->args, "%s %zu job%s%s",
				 what->asks, c.n, c.n == 1 ? "" : "s",
				 verb_span(choice->args, c.oldest, c.newest,
				     span))
				 ? act(va, &c)
				 : VERB_FAILED;
	}
	field_table_free(c.table);
	free(c.ids);
	return (rc);
}

enum verb_exit
verb_chosen_show(struct verb_admin *va, const struct verb_args *args)
{
	struct screen screen = verb_screen(args);
	struct field_table *t = field_table_new(entity_job, false, &screen);
	char path[VERB_PATH_MAX], word[VERB_PATH_MAX / 2];
	enum verb_exit rc = t == NULL ? VERB_FAILED : VERB_DONE;
	json_t *job;

	for (size_t i = 0; i < args->nwords && t != NULL; i++) {
		job = NULL;
		if (admin_query_encode(args->words[i], word, sizeof(word)) ==
		    0) {
			(void)snprintf(path, sizeof(path), "/api/v1/jobs/%s",
			    word);
			job = verb_admin_get(va, path);
		}
		if (job == NULL)
			rc = VERB_FAILED;
		else
			field_table_add(t, job);
		json_decref(job);
	}
	if (t != NULL && field_table_print(t, stdout) == -1)
		rc = VERB_FAILED;
	field_table_free(t);
	return (rc);
}
