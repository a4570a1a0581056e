/*
 * replay: choose jobs that have ended, tell how many, make each anew.
 *
 * The oldest goes first, so that what concerns one order comes again in the
 * order in which it came.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/log.h"
#include "server/verb_job.h"
#include "server/verb_table.h"
#include "store/job.h"

#define BATCH 100 /* jobs of one request */

/* The jobs to be replayed, newest first. */
struct chosen {
	int64_t *ids;
	size_t n;
	size_t max;
	struct table *table; /* to show them; NULL: they are not shown */
};

/*
 * Has it ended, and was there something to do? Not so with a cancelled alarm,
 * and with the older of two records of one order.
 */
static bool
can_replay(const json_t *job)
{
	static const char *const not_done[] = { "cancelled", "superseded" };
	const char *outcome = verb_admin_text(job, "outcome");
	enum job_state state;

	if (job_state_parse(verb_admin_text(job, "state"), &state) == -1 ||
	    !job_is_end(state))
		return (false);
	for (size_t i = 0; i < sizeof(not_done) / sizeof(not_done[0]); i++) {
		if (strncmp(outcome, not_done[i], strlen(not_done[i])) == 0)
			return (false);
	}
	return (true);
}

/* verb_job_fn */
static int
choose_cb(const json_t *job, void *arg)
{
	struct chosen *c = arg;
	int64_t *grown;

	if (!can_replay(job))
		return (0);
	if (c->n == c->max) {
		c->max = c->max == 0 ? 256 : 2 * c->max;
		grown = realloc(c->ids, c->max * sizeof(*grown));
		if (grown == NULL) {
			fprintf(stderr, "klikitd replay: out of memory\n");
			return (-1);
		}
		c->ids = grown;
	}
	c->ids[c->n++] = json_integer_value(json_object_get(job, "id"));
	if (c->table != NULL)
		verb_job_row(c->table, job);
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

/* Returns 0; -1, told, if something could not be had or was not found. */
static int
choose(struct verb_admin *va, const struct verb_args *args, struct chosen *c)
{
	struct verb_jobs which = { .newest = true };
	size_t before;
	int rc = 0;

	if (args->nwords == 0)
		rc = verb_job_each(va, args, &which, choose_cb, c);
	for (size_t i = 0; i < args->nwords && rc == 0; i++) {
		which.event = args->words[i];
		before = c->n;
		rc = verb_job_each(va, args, &which, choose_cb, c);
		if (rc == 0 && c->n == before) {
			fprintf(stderr,
			    "klikitd replay: event %s: has no such job that "
			    "has ended\n",
			    log_text(which.event));
			rc = -1;
		}
	}
	sort(c);
	return (rc);
}

/* Tell which were refused, and why. Returns how many were not. */
static size_t
count(const json_t *answer)
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
			fprintf(stderr, "klikitd replay: job %lld: %s\n",
			    (long long)json_integer_value(
				json_object_get(job, "id")),
			    log_text(error));
	}
	return (good);
}

/* Replay up to BATCH of the n first ones, the last first. */
static json_t *
batch(const int64_t *ids, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < BATCH && i < n; i++)
		(void)json_array_append_new(list, json_integer(ids[n - 1 - i]));
	return (json_pack("{s:o}", "ids", list));
}

static enum verb_exit
replay(struct verb_admin *va, const struct chosen *c)
{
	bool live = isatty(STDERR_FILENO);
	size_t left = c->n, good = 0;
	json_t *answer;

	while (left > 0) {
		answer = verb_admin_post(va, "/api/v1/jobs/replay",
		    batch(c->ids, left));
		if (answer == NULL)
			break;
		good += count(answer);
		json_decref(answer);
		left -= left < BATCH ? left : BATCH;
		if (live)
			fprintf(stderr, "\r%zu of %zu%s", c->n - left, c->n,
			    left == 0 ? "\n" : "");
	}
	printf("replayed %zu of %zu jobs\n", good, c->n);
	return (good == c->n ? VERB_DONE : VERB_FAILED);
}

static enum verb_exit
run(struct verb_admin *va, const struct verb_args *args)
{
	bool dry = verb_has(args, "dry-run");
	struct chosen c = { 0 };
	enum verb_exit rc = VERB_DONE;

	if (dry && (c.table = verb_job_table()) == NULL) {
		fprintf(stderr, "klikitd replay: out of memory\n");
		return (VERB_FAILED);
	}
	if (choose(va, args, &c) == -1)
		rc = VERB_FAILED;
	else {
		printf("%zu job%s to replay\n", c.n, c.n == 1 ? "" : "s");
		verb_flush();
		if (dry && c.n > 0 && table_print(c.table, stdout) == -1)
			rc = VERB_FAILED;
		else if (!dry && c.n > 0)
			rc = replay(va, &c);
	}
	table_free(c.table);
	free(c.ids);
	return (rc);
}

static enum verb_exit
replay_run(const struct verb_args *args)
{
	const char *state = verb_flag(args, "state", 0);
	struct verb_admin *va;
	enum verb_exit rc;

	if (args->nwords == 0 && verb_job_filters(args) == 0)
		return (verb_usage(args, "needs EVENT-ID... or a flag that "
					 "chooses jobs"));
	if (state != NULL && strcmp(state, "done") != 0 &&
	    strcmp(state, "dead") != 0)
		return (verb_usage(args,
		    "--state: only what is done or dead can be replayed"));
	if (verb_job_check(args) == -1)
		return (VERB_USAGE);
	va = verb_admin_open(args,
	    verb_has(args, "dry-run") ? VERB_LOOKS : VERB_CHANGES);
	if (va == NULL)
		return (VERB_FAILED);
	rc = run(va, args);
	verb_admin_close(va);
	return (rc);
}

static const struct verb_flag flags[] = {
	VERB_JOB_FLAGS,
	{ "dry-run", NULL, "only tell which jobs that would be", false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Makes a new job like each one chosen, which must be done or dead; of a\n"
    "chain of replays the newest. Neither duplicates nor once_per_order stand\n"
    "in the way of a replay. The number of jobs is told first.\n"
    "\n"
    "  klikitd replay --state dead --handler pos --dry-run\n"
    "  klikitd replay 0197-...-event-id\n";

const struct verb verb_replay = {
	.name = "replay",
	.words = "[EVENT-ID...]",
	.text = "Do again what is done or dead",
	.more = more,
	.flags = flags,
	.words_max = VERB_WORDS_MAX,
	.config = true,
	.run = replay_run,
};
