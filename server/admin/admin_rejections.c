/*
 * admin_rejections.c -- what was refused: a page of it, in groups, or one with
 * its headers and what is kept of its body.
 */
#include <stddef.h>

#include "server/admin/admin_filter.h"

/* -- A page -- */

#define AT(field) offsetof(struct store_rejection_filter, field)
static const struct admin_key keys[] = {
	{ "cause", ADMIN_TEXT, AT(cause), NULL },
	{ "code", ADMIN_TEXT, AT(code), NULL },
	{ "since", ADMIN_TIME, AT(since_ms), NULL },
	{ "until", ADMIN_TIME, AT(until_ms), NULL },
	{ "before", ADMIN_NUMBER, AT(before), NULL },
	{ "limit", ADMIN_LIMIT, AT(limit), NULL },
	{ NULL, ADMIN_TEXT, 0, NULL },
};
#undef AT

/* store_rejections_fn */
static void
page_cb(enum store_rc rc, const struct store_rejection_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct json_write w;

	if (admin_failed(call, rc, reason))
		return;
	admin_page_begin(call, &w, "rejections");
	field_write_rows(&w, entity_rejection, rows, n, sizeof(*rows));
	admin_page(call, &w, n < call->limit ? 0 : rows[n - 1].id);
}

enum admin_when
admin_rejections_list(struct admin_call *call)
{
	struct store_rejection_filter filter = { 0 };

	if (admin_filter(call, keys, &filter) == ADMIN_NOW)
		return (ADMIN_NOW);
	if (store_list_rejections(call->a->st, &filter, page_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- Groups -- */

#define AT(field) offsetof(struct store_rejection_filter, field)
static const struct admin_key group_keys[] = {
	{ "cause", ADMIN_TEXT, AT(cause), NULL },
	{ "code", ADMIN_TEXT, AT(code), NULL },
	{ "since", ADMIN_TIME, AT(since_ms), NULL },
	{ "until", ADMIN_TIME, AT(until_ms), NULL },
	{ NULL, ADMIN_TEXT, 0, NULL },
};
#undef AT

/* store_rejection_groups_fn */
static void
groups_cb(enum store_rc rc, const struct store_rejection_group *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;

	if (admin_failed(call, rc, reason))
		return;
	(void)admin_answer(call, 200,
	    json_pack("{s:o}", "groups",
		field_array(entity_rejection_group, rows, n, sizeof(*rows))));
	admin_finish(call);
}

enum admin_when
admin_rejections_groups(struct admin_call *call)
{
	struct store_rejection_filter filter = { 0 };

	if (admin_filter(call, group_keys, &filter) == ADMIN_NOW)
		return (ADMIN_NOW);
	if (store_group_rejections(call->a->st, &filter, groups_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- One -- */

/* store_rejections_fn */
static void
show_cb(enum store_rc rc, const struct store_rejection_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;

	if (rc != STORE_OK)
		(void)admin_store_error(call, rc, reason);
	else if (n == 0)
		(void)admin_error(call, 404, "there is no rejection %s",
		    call->name);
	else
		(void)admin_answer(call, 200,
		    field_json(entity_rejection_whole, rows));
	admin_finish(call);
}

enum admin_when
admin_rejections_show(struct admin_call *call)
{
	if (admin_job_id(call->name, &call->id) == -1)
		return (admin_error(call, 404, "there is no rejection %s",
		    call->name));
	if (store_get_rejection(call->a->st, call->id, show_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
