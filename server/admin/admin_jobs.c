/*
 * admin_jobs.c -- jobs to look at: a page of them, or one with its attempts.
 */
#include <stddef.h>
#include <string.h>

#include "server/admin/admin_filter.h"

/* -- A page -- */

/* store_jobs_fn */
static void
page_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct json_write w;

	if (admin_failed(call, rc, reason))
		return;
	admin_page_begin(call, &w, "jobs");
	field_write_rows(&w, entity_job, rows, n, sizeof(*rows));
	admin_page_of(call, &w, call->own);
}

/* admin_key: a job's state. */
static int
set_state(const char *value, void *filter)
{
	struct store_job_filter *f = filter;

	f->pending = strcmp(value, ENTITY_JOB_PENDING) == 0;
	if (f->pending)
		return (0);
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
	if ((filter.scan = admin_scan(call)) == NULL ||
	    store_list_jobs(call->a->st, &filter, page_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- One -- */

/* store_attempts_fn */
static void
attempts_cb(enum store_rc rc, const struct store_attempt_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	json_t *job = call->result;

	if (admin_failed(call, rc, reason))
		return;
	(void)admin_answer(call, 200,
	    json_object_set_new(job, "history",
		field_array(entity_attempt, rows, n, sizeof(*rows))) == 0
		? json_incref(job)
		: NULL);
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
		(void)admin_error(call, 404, "there is no job %s", call->name);
	else if ((call->result = entity_job_json(&rows[0])) == NULL ||
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
