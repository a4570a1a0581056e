/*
 * admin_alarms.c -- alarms that rang: those that nobody has acknowledged, or
 * all of them.
 */
#include <stddef.h>

#include "server/admin/admin_filter.h"

/* The filter, and whether those that somebody has acknowledged are wanted. */
struct alarm_filter {
	struct store_job_filter jobs;
	bool all;
};

/* store_jobs_fn */
static void
page_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct json_write w;

	if (admin_failed(call, rc, reason))
		return;
	admin_page_begin(call, &w, "alarms");
	field_write_rows(&w, entity_alarm, rows, n, sizeof(*rows));
	admin_page(call, &w, n < call->limit ? 0 : rows[n - 1].id);
}

#define AT(field) offsetof(struct alarm_filter, field)
static const struct admin_key keys[] = {
	{ "all", ADMIN_BOOL, AT(all), NULL },
	{ "handler", ADMIN_TEXT, AT(jobs.handler), NULL },
	{ "type", ADMIN_TEXT, AT(jobs.type), NULL },
	{ "scope", ADMIN_SCOPE, AT(jobs.scope), NULL },
	{ "since", ADMIN_TIME, AT(jobs.since_ms), NULL },
	{ "until", ADMIN_TIME, AT(jobs.until_ms), NULL },
	{ "before", ADMIN_NUMBER, AT(jobs.before), NULL },
	{ "limit", ADMIN_LIMIT, AT(jobs.limit), NULL },
	{ NULL, ADMIN_TEXT, 0, NULL },
};
#undef AT

enum admin_when
admin_alarms_list(struct admin_call *call)
{
	struct alarm_filter f = { .jobs = { .any_state = true, .rang = true } };

	if (admin_filter(call, keys, &f) == ADMIN_NOW)
		return (ADMIN_NOW);
	f.jobs.unacknowledged = !f.all;
	if (store_list_jobs(call->a->st, &f.jobs, page_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
