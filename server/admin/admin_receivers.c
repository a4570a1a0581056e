/*
 * admin_receivers.c -- the receivers that have this store open, with what each
 * of them counts.
 */
#include <stdlib.h>
#include <string.h>

#include "server/admin/admin_private.h"
#include "server/base/json.h"

/* What a receiver counts since its start. */
struct counts_row {
	struct admin_status s;
	int64_t refused;
};

#define AT(member) FIELD(struct counts_row, member)
static const struct field counts_fields[] = {
	{ "received", .kind = FIELD_COUNT, AT(s.received) },
	{ "repeats", .kind = FIELD_COUNT, AT(s.repeats) },
	{ "duplicates", .kind = FIELD_COUNT, AT(s.duplicates) },
	{ "conflicts", .kind = FIELD_COUNT, AT(s.conflicts) },
	{ "refused", .kind = FIELD_COUNT, AT(refused) },
	{ .name = NULL },
};
#undef AT

#define AT(member) FIELD(struct store_receiver_info, member)
static const struct field receiver_fields[] = {
	{ "number", .kind = FIELD_COUNT, AT(number) },
	{ "name", .kind = FIELD_TEXT, AT(name) },
	{ "version", .kind = FIELD_TEXT, AT(version) },
	{ "started_at", .kind = FIELD_TIME, AT(started_at_ms) },
	{ "alive", .kind = FIELD_BOOL, AT(alive) },
	{ "own", .kind = FIELD_BOOL, AT(own) },
	{ .name = NULL },
};
#undef AT

static json_t *
counts_json(const struct admin_status *status)
{
	struct counts_row row = { .s = *status };

	for (size_t i = 0; i < status->nrefused; i++)
		row.refused += (int64_t)status->refused[i].n;
	return (field_json(counts_fields, &row));
}

char *
admin_report(const struct admin_status *status)
{
	json_t *o = json_pack("{s:o, s:s?}", "counts", counts_json(status),
	    "admin", status->admin_url);
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return (text);
}

void
admin_report_url(const char *report, char *ret_url, size_t size)
{
	json_error_t where;
	json_t *o = json_loads(report, 0, &where);
	const char *url = json_string_value(json_object_get(o, "admin"));

	ret_url[0] = '\0';
	if (url != NULL && strlen(url) < size)
		(void)strcpy(ret_url, url);
	json_decref(o);
}

/* Its counts: our own as they are now, of others what they reported. */
static json_t *
receiver_counts(const struct admin_fns *fns,
    const struct store_receiver_info *row)
{
	struct admin_status status = { 0 };
	json_error_t where;
	json_t *o = NULL, *counts;

	if (row->own && fns->status != NULL) {
		fns->status(fns->arg, &status);
		return (counts_json(&status));
	}
	if (row->report != NULL)
		o = json_loads(row->report, 0, &where);
	counts = json_incref(json_object_get(o, "counts"));
	json_decref(o);
	return (json_is_object(counts) ? counts : json_null());
}

/* store_receivers_fn */
static void
receivers_cb(enum store_rc rc, const struct store_receiver_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	json_t *list, *o;

	if (admin_failed(call, rc, reason))
		return;
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		o = field_json(receiver_fields, &rows[i]);
		if (json_object_set_new(o, "counts",
			receiver_counts(&call->a->fns, &rows[i])) == -1) {
			json_decref(o);
			o = NULL;
		}
		json_list_add(&list, o);
	}
	(void)admin_answer(call, 200, json_pack("{s:o}", "receivers", list));
	admin_finish(call);
}

enum admin_when
admin_receivers(struct admin_call *call)
{
	if (call->query != NULL)
		return (admin_error(call, 400, "this list takes no query"));
	if (store_list_receivers(call->a->st, receivers_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
