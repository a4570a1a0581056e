/*
 * admin_jobs.c -- jobs to look at: a page of them, or one with its attempts.
 */
#include <stddef.h>

#include "server/admin/admin_private.h"
#include "server/base/json.h"

json_t *
admin_job_json(const struct store_job_info *job)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_int(o, "id", job->id);
	bad |= json_set_text(o, "handler", job->handler);
	bad |= json_set_text(o, "event_id", job->event_id);
	bad |= json_set_unusual(o, "scope", job->scope, "");
	bad |= json_set_text(o, "type", job->type);
	bad |= json_object_set_new(o, "place",
	    job->place == STORE_WHOLE_EVENT ? json_null()
					    : json_integer(job->place));
	bad |= json_set_text(o, "state", job_state_name(job->state));
	bad |= json_set_int(o, "attempts", job->attempts);
	bad |= json_set_time(o, "due_at", job->due_at_ms);
	bad |= json_set_time(o, "finished_at", job->finished_at_ms);
	bad |= json_set_time(o, "discarded_at", job->discarded_at_ms);
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
	json_t *list;

	if (admin_failed(call, rc, reason))
		return;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_list_add(&list, admin_job_json(&rows[i]));
	admin_page(call, "jobs", list, n == 0 ? 0 : rows[n - 1].id);
}

/* admin_key: a job's state. */
static int
set_state(const char *value, void *filter)
{
	struct store_job_filter *f = filter;

	f->any_state = false;
	return (job_state_parse(value, &f->state));
}

#define AT(field) offsetof(struct store_job_filter, field)
static const struct admin_key keys[] = {
	{ "state", ADMIN_WORD, 0, set_state },
	{ "handler", ADMIN_TEXT, AT(handler), NULL },
	{ "event", ADMIN_TEXT, AT(event_id), NULL },
	{ "order", ADMIN_TEXT, AT(order_id), NULL },
	{ "scope", ADMIN_SCOPE, AT(scope), NULL },
	{ "type", ADMIN_TEXT, AT(type), NULL },
	{ "since", ADMIN_TIME, AT(since_ms), NULL },
	{ "until", ADMIN_TIME, AT(until_ms), NULL },
	{ "before", ADMIN_NUMBER, AT(before), NULL },
	{ "newest", ADMIN_BOOL, AT(newest), NULL },
	{ "limit", ADMIN_LIMIT, AT(limit), NULL },
	{ NULL, ADMIN_TEXT, 0, NULL },
};
#undef AT

enum admin_when
admin_jobs_list(struct admin_call *call)
{
	struct store_job_filter filter = { .any_state = true };

	if (admin_filter(call, keys, &filter) == ADMIN_NOW)
		return (ADMIN_NOW);
	if (store_list_jobs(call->a->st, &filter, page_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- One -- */

json_t *
admin_attempt_json(const struct store_attempt_info *at)
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
		bad |= json_array_append_new(attempts,
		    admin_attempt_json(&rows[i]));
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
	else if ((call->result = admin_job_json(&rows[0])) == NULL ||
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
