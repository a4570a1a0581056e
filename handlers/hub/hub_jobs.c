/* The jobs in a box: offered, handed out with a lease, reported. */
#include <sys/random.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/hub/hub_private.h"
#include "handlers/net/net_clock.h"
#include "store/base/hex.h"
#include "store/base/timeval.h"

#define CHANCE_LEN (HUB_LEASE_MAX - HUB_MARK_MAX) /* before the mark */

struct hub_batch {
	size_t n;
	struct hub_job *jobs[]; /* NULL: gone meanwhile */
};

/* -- When they end by themselves -- */

static void
arm(struct hub *hub)
{
	const struct hub_job *first = TAILQ_FIRST(&hub->due);
	struct timeval tv;
	int64_t wait_ms;

	if (first == NULL) {
		(void)evtimer_del(hub->timer);
		return;
	}
	wait_ms = first->due_ms - net_clock_ms();
	tv = timeval_of_ms(wait_ms < 0 ? 0 : wait_ms);
	(void)evtimer_add(hub->timer, &tv);
}

static void
job_untime(struct hub_job *job)
{
	if (!job->timed)
		return;
	TAILQ_REMOVE(&job->box->hub->due, job, due);
	job->timed = false;
}

/* It ends a lease from now. Most leases are as long as each other. */
static void
job_time(struct hub_job *job, int64_t lease_ms)
{
	struct hub *hub = job->box->hub;
	struct hub_job *before;

	job_untime(job);
	before = TAILQ_LAST(&hub->due, hub_jobs);
	job->due_ms = net_clock_ms() + lease_ms;
	while (before != NULL && before->due_ms > job->due_ms)
		before = TAILQ_PREV(before, hub_jobs, due);
	if (before == NULL)
		TAILQ_INSERT_HEAD(&hub->due, job, due);
	else
		TAILQ_INSERT_AFTER(&hub->due, before, job, due);
	job->timed = true;
	if (TAILQ_FIRST(&hub->due) == job)
		arm(hub);
}

/* -- One job -- */

struct hub_job *
hub_job_find(struct hub_box *box, int64_t id, const char *lease)
{
	struct hub_job *job;

	TAILQ_FOREACH (job, &box->jobs, link) {
		if (job->id == id && job->state != HUB_OFFERED &&
		    strcmp(job->lease, lease) == 0)
			return (job);
	}
	return (NULL);
}

int
hub_offer(struct hub_member *member, const struct hub_offer *offer)
{
	struct hub_box *box = member->box;
	struct hub_job *job;

	if ((job = calloc(1, sizeof(*job))) == NULL ||
	    hub_mark_make(box->env, &member->tokens, 0, &offer->what,
		job->lease + CHANCE_LEN) == -1) {
		free(job);
		return (-1);
	}
	TAILQ_INIT(&job->entries);
	job->box = box;
	job->call = offer->call;
	job->id = offer->what.job;
	job->text = offer->text;
	job->len = offer->len;
	TAILQ_INSERT_TAIL(&box->jobs, job, link);
	box->offered++;
	job_time(job, box->lease_ms);
	return (0);
}

static void
job_move(struct hub_job *job, enum hub_job_state to)
{
	struct hub_box *box = job->box;

	box->offered -= job->state == HUB_OFFERED;
	box->stats.out -= job->state == HUB_HANDED;
	job->state = to;
	box->offered += job->state == HUB_OFFERED;
	box->stats.out += job->state == HUB_HANDED;
}

/* It is in no batch any more. */
static void
job_unbatch(struct hub_job *job)
{
	struct hub_batch *batch = job->batch;

	for (size_t i = 0; batch != NULL && i < batch->n; i++) {
		if (batch->jobs[i] == job)
			batch->jobs[i] = NULL;
	}
	job->batch = NULL;
}

static void
job_free(struct hub_job *job)
{
	struct hub_box *box = job->box;

	assert(TAILQ_EMPTY(&job->entries));
	job_move(job, HUB_REPORTED); /* which nothing counts */
	job_untime(job);
	job_unbatch(job);
	TAILQ_REMOVE(&box->jobs, job, link);
	free(job->text);
	free(job);
	hub_box_look(box); /* it may have been the last of its box */
}

/* handler_result.recorded: its outcome is on disk, or never will be. */
static void
job_recorded_cb(void *arg, bool recorded)
{
	struct hub_job *job = arg;
	struct hub_entry *entry;

	while ((entry = TAILQ_FIRST(&job->entries)) != NULL) {
		TAILQ_REMOVE(&job->entries, entry, link);
		entry->job = NULL;
		entry->settled(entry, recorded);
	}
	job_free(job);
}

void
hub_job_end(struct hub_job *job, struct handler_result *result)
{
	const struct handler_env *env = job->box->env;
	struct handler_call *call = job->call;

	job_untime(job);
	if (TAILQ_EMPTY(&job->entries)) {
		job_free(job);
	} else {
		job_move(job, HUB_REPORTED);
		result->recorded = job_recorded_cb;
		result->recorded_arg = job;
	}
	env->finish(env->arg, call, result);
}

void
hub_cancel(struct hub_member *member, struct handler_call *call)
{
	struct hub_job *job;

	TAILQ_FOREACH (job, &member->box->jobs, link) {
		if (job->call == call && job->state != HUB_REPORTED)
			break;
	}
	if (job != NULL)
		job_free(job);
}

/* -- Handing out -- */

/* Is it ours for sure, so that it may leave? If not, its attempt ends. */
static bool
job_may_leave(struct hub_job *job)
{
	const struct handler_env *env = job->box->env;
	struct handler_result late = {
		.verdict = HANDLER_RETRY,
		.reason = "not handed out: it took so long that another "
			  "receiver may do it",
	};

	if (env->may_call == NULL || env->may_call(env->arg, job->call))
		return (true);
	hub_job_end(job, &late);
	return (false);
}

/* One that nobody can guess, and its mark; without chance there is none. */
static bool
job_lease(struct hub_job *job)
{
	unsigned char bytes[CHANCE_LEN / 2];
	char text[CHANCE_LEN + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return (false);
	hex_encode(bytes, sizeof(bytes), text);
	memcpy(job->lease, text, CHANCE_LEN);
	return (true);
}

/* Choose them: batch has room for max. */
static void
choose(struct hub_box *box, struct hub_batch *batch, size_t max)
{
	struct hub_job *job, *next;
	size_t bytes = 0;

	for (job = TAILQ_FIRST(&box->jobs);
	     job != NULL && batch->n < max && bytes < HUB_BATCH_BYTES;
	     job = next) {
		next = TAILQ_NEXT(job, link);
		if (job->state != HUB_OFFERED || !job_may_leave(job))
			continue;
		if (batch->n > 0 && bytes + job->len > HUB_BATCH_BYTES)
			break;
		bytes += job->len;
		batch->jobs[batch->n++] = job;
	}
}

/* The JSON of a batch, whose jobs get leases; NULL: no memory. */
static char *
write_batch(struct hub_box *box, struct hub_batch *batch, size_t *ret_len)
{
	struct hub_text_job *list = calloc(batch->n, sizeof(*list));
	char *json = NULL;

	for (size_t i = 0; list != NULL && i < batch->n; i++) {
		struct hub_job *job = batch->jobs[i];

		if (!job_lease(job))
			goto out;
		list[i] = (struct hub_text_job){
			.id = job->id,
			.lease = job->lease,
			.lease_ms = box->lease_ms,
			.text = job->text,
			.len = job->len,
		};
	}
	if (list != NULL)
		json = hub_text_batch(list, batch->n, ret_len);
out:
	free(list);
	return (json);
}

struct hub_batch *
hub_batch_new(struct hub_box *box, size_t max, char **ret_json, size_t *ret_len)
{
	struct hub_batch *batch;
	char *json = NULL;

	batch = calloc(1, sizeof(*batch) + max * sizeof(batch->jobs[0]));
	if (batch == NULL)
		return (NULL);
	choose(box, batch, max);
	if (batch->n == 0 ||
	    (json = write_batch(box, batch, ret_len)) == NULL) {
		free(batch);
		return (NULL);
	}
	for (size_t i = 0; i < batch->n; i++) {
		job_move(batch->jobs[i], HUB_HANDED);
		batch->jobs[i]->batch = batch;
		job_time(batch->jobs[i], box->lease_ms);
	}
	box->stats.handed += batch->n;
	*ret_json = json;
	return (batch);
}

/* What did not leave whole was not read: it is as if it had never left. */
static void
job_take_back(struct hub_job *job)
{
	if (job->state != HUB_HANDED)
		return;
	job_move(job, HUB_OFFERED);
	job->box->stats.handed--;
	job_time(job, job->box->lease_ms);
	hub_box_look(job->box);
}

void
hub_left(struct hub_batch *batch, bool left)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct hub_job *job = batch->jobs[i];

		if (job == NULL)
			continue;
		job->batch = NULL;
		if (!left) {
			job_take_back(job);
			continue;
		}
		free(job->text);
		job->text = NULL;
		job->len = 0;
	}
	free(batch);
}

/* -- What ends by itself -- */

/* Nobody came for it, or nobody reported in time. */
static void
job_expire(struct hub_job *job)
{
	struct handler_result result = { .verdict = HANDLER_RETRY };
	char lease[NET_CLOCK_TEXT_MAX];

	if (job->state == HUB_HANDED) {
		(void)snprintf(result.reason, sizeof(result.reason),
		    "not reported within its lease of %s",
		    net_clock_text(job->box->lease_ms, lease));
		result.unknown = true;
		job->box->stats.expired++;
	} else {
		(void)snprintf(result.reason, sizeof(result.reason),
		    "not handed out: the puller that asked for it was gone");
	}
	hub_job_end(job, &result);
}

void
hub_due_cb(int fd, short what, void *arg)
{
	struct hub *hub = arg;
	struct hub_job *job;
	int64_t now_ms = net_clock_ms();

	(void)fd;
	(void)what;
	while ((job = TAILQ_FIRST(&hub->due)) != NULL && job->due_ms <= now_ms)
		job_expire(job);
	arm(hub);
}

void
hub_end(struct hub *hub)
{
	struct handler_result result;
	struct hub_job *job;

	while ((job = TAILQ_FIRST(&hub->due)) != NULL) {
		result = (struct handler_result){
			.verdict = HANDLER_RETRY,
			.unknown = job->state == HUB_HANDED,
		};
		(void)snprintf(result.reason, sizeof(result.reason),
		    "klikitd stopped before it was %s",
		    result.unknown ? "reported" : "handed out");
		hub_job_end(job, &result);
	}
	arm(hub);
}
