/*
 * admin_jobs.c -- jobs to look at: a page of them, or one with its attempts.
 */
#include <string.h>

#include "server/admin_private.h"
#include "server/json.h"
#include "store/base/parse.h"

#define LIMIT_DEFAULT 50

/* What is told of a job; NULL when out of memory. */
static json_t *
job_json(const struct store_job_info *job)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_int(o, "id", job->id);
	bad |= json_set_text(o, "handler", job->handler);
	bad |= json_set_text(o, "event_id", job->event_id);
	bad |= json_set_text(o, "type", job->type);
	bad |= json_object_set_new(o, "place",
	    job->place == STORE_WHOLE_EVENT ? json_null()
					    : json_integer(job->place));
	bad |= json_set_text(o, "state", job_state_name(job->state));
	bad |= json_set_int(o, "attempts", job->attempts);
	bad |= json_set_time(o, "due_at", job->due_at_ms);
	bad |= json_set_time(o, "finished_at", job->finished_at_ms);
	bad |= json_set_text(o, "outcome", job->outcome);
	bad |= json_object_set_new(o, "replay_of",
	    job->replay_of == 0 ? json_null() : json_integer(job->replay_of));
	bad |= json_object_set_new(o, "replayed_by",
	    job->replayed_by == 0 ? json_null()
				  : json_integer(job->replayed_by));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* -- A page -- */

/* store_jobs_fn */
static void
page_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	json_t *jobs = json_array();
	int bad = jobs == NULL ? -1 : 0;

	if (rc != STORE_OK) {
		json_decref(jobs);
		(void)admin_store_error(call, rc, reason);
		admin_finish(call);
		return;
	}
	for (size_t i = 0; i < n; i++)
		bad |= json_array_append_new(jobs, job_json(&rows[i]));
	call->result = json_object();
	bad |= json_object_set_new(call->result, "jobs", jobs);
	bad |= json_object_set_new(call->result, "next",
	    n < call->limit ? json_null() : json_integer(rows[n - 1].id));
	(void)admin_answer(call, 200,
	    bad == 0 ? json_incref(call->result) : NULL);
	admin_finish(call);
}

/* The filter, and the texts it borrows. */
struct page {
	struct store_job_filter filter;
	char handler[ADMIN_VALUE_MAX];
	char event[ADMIN_VALUE_MAX];
	char order[ADMIN_VALUE_MAX];
	char type[ADMIN_VALUE_MAX];
};

static const char *
keep(char room[ADMIN_VALUE_MAX], const char *value)
{
	return (memcpy(room, value, strlen(value) + 1));
}

static int
read_bool(const char *value, bool *ret)
{
	*ret = strcmp(value, "true") == 0;
	return (*ret || strcmp(value, "false") == 0 ? 0 : -1);
}

/* One name=value of the query. Returns 0; -1 if it makes no sense. */
static int
page_set(struct page *p, const char *name, const char *value)
{
	struct store_job_filter *f = &p->filter;
	int64_t limit;

	if (*value == '\0')
		return (-1);
	if (strcmp(name, "state") == 0) {
		f->any_state = false;
		return (job_state_parse(value, &f->state));
	}
	if (strcmp(name, "handler") == 0)
		f->handler = keep(p->handler, value);
	else if (strcmp(name, "event") == 0)
		f->event_id = keep(p->event, value);
	else if (strcmp(name, "order") == 0)
		f->order_id = keep(p->order, value);
	else if (strcmp(name, "type") == 0)
		f->type = keep(p->type, value);
	else if (strcmp(name, "since") == 0)
		return (parse_time(value, strlen(value), &f->since_ms));
	else if (strcmp(name, "until") == 0)
		return (parse_time(value, strlen(value), &f->until_ms));
	else if (strcmp(name, "before") == 0)
		return (admin_job_id(value, &f->before));
	else if (strcmp(name, "newest") == 0)
		return (read_bool(value, &f->newest));
	else if (strcmp(name, "limit") != 0 ||
		 parse_int(value, 1, STORE_PAGE_MAX, &limit) == -1)
		return (-1);
	else
		f->limit = (size_t)limit;
	return (0);
}

enum admin_when
admin_jobs_list(struct admin_call *call)
{
	struct page p = { .filter = { .any_state = true,
			      .limit = LIMIT_DEFAULT } };
	char name[ADMIN_VALUE_MAX], value[ADMIN_VALUE_MAX];
	int rc;

	while ((rc = admin_query_next(&call->query, name, value)) == 1) {
		if (page_set(&p, name, value) == -1)
			return (admin_error(call, 400,
			    "%s: is unknown here, or has a wrong value", name));
	}
	if (rc == -1)
		return (admin_error(call, 400, "the query cannot be read"));
	call->limit = p.filter.limit;
	if (store_list_jobs(call->a->st, &p.filter, page_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- One -- */

static json_t *
attempt_json(const struct store_attempt_info *at)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_int(o, "number", at->number);
	bad |= json_set_time(o, "started_at", at->started_at_ms);
	bad |= json_set_int(o, "duration_ms", at->duration_ms);
	bad |= json_set_text(o, "outcome", at->outcome);
	bad |= json_set_int(o, "code", at->code);
	bad |= json_set_bytes(o, "answer", at->answer == NULL ? "" : at->answer,
	    at->answer_len);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* store_attempts_fn */
static void
attempts_cb(enum store_rc rc, const struct store_attempt_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	json_t *attempts = json_array();
	int bad = attempts == NULL ? -1 : 0;

	for (size_t i = 0; i < n; i++)
		bad |= json_array_append_new(attempts, attempt_json(&rows[i]));
	bad |= json_object_set_new(call->result, "history", attempts);
	if (rc != STORE_OK)
		(void)admin_store_error(call, rc, reason);
	else
		(void)admin_answer(call, 200,
		    bad == 0 ? json_incref(call->result) : NULL);
	admin_finish(call);
}

/* store_jobs_fn: the newest job up to the one that was asked for. */
static void
show_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;

	if (rc != STORE_OK)
		(void)admin_store_error(call, rc, reason);
	else if (n == 0 || rows[0].id != call->id)
		(void)admin_error(call, 404, "there is no job %lld",
		    (long long)call->id);
	else if ((call->result = job_json(&rows[0])) == NULL ||
		 store_list_attempts(call->a->st, call->id, attempts_cb,
		     call) == -1)
		(void)admin_answer(call, 500, NULL);
	else
		return;
	admin_finish(call);
}

enum admin_when
admin_jobs_show(struct admin_call *call)
{
	struct store_job_filter filter = { .any_state = true, .limit = 1 };

	if (admin_job_id(call->name, &call->id) == -1 || call->id == INT64_MAX)
		return (admin_error(call, 404, "that is no number of a job"));
	filter.before = call->id + 1;
	if (store_list_jobs(call->a->st, &filter, show_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
