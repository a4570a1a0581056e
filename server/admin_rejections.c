/*
 * admin_rejections.c -- what was refused: a page of it, or one with its
 * headers and what is kept of its body.
 */
#include <stddef.h>
#include <stdlib.h>

#include "server/admin_private.h"
#include "server/json.h"

json_t *
admin_rejection_json(const struct store_rejection_info *row)
{
	const struct store_rejection *r = &row->r;
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_int(o, "id", row->id);
	bad |= json_set_time(o, "at", r->at_ms);
	bad |= json_set_text(o, "peer", r->peer);
	bad |= json_set_text(o, "cause", r->cause);
	bad |= json_set_text(o, "diagnosis_code", r->code);
	bad |= json_set_text(o, "diagnosis", r->diagnosis);
	bad |= json_set_int(o, "size", (int64_t)r->size);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* -- A page -- */

#define AT(field) offsetof(struct store_rejection_filter, field)
static const struct admin_key keys[] = {
	{ "cause", ADMIN_TEXT, AT(cause), NULL },
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
	json_t *list;
	int bad = 0;

	if (rc != STORE_OK) {
		(void)admin_store_error(call, rc, reason);
		admin_finish(call);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < n; i++)
		bad |=
		    json_array_append_new(list, admin_rejection_json(&rows[i]));
	if (bad != 0) {
		json_decref(list);
		list = NULL;
	}
	admin_page(call, "rejections", list, n == 0 ? 0 : rows[n - 1].id);
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

/* -- One -- */

/* RFC 4648 section 4, with padding; NULL when out of memory. */
static json_t *
base64_json(const unsigned char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text, *p;
	json_t *value;

	if ((text = p = malloc((len + 2) / 3 * 4 + 1)) == NULL)
		return (NULL);
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)bytes[i] << 16;

		if (i + 1 < len)
			bits |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < len)
			bits |= bytes[i + 2];
		*p++ = digits[bits >> 18];
		*p++ = digits[bits >> 12 & 63];
		*p++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*p++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	value = json_stringn(text, (size_t)(p - text));
	free(text);
	return (value);
}

/* store_rejections_fn */
static void
show_cb(enum store_rc rc, const struct store_rejection_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	json_t *o;
	int bad = 0;

	if (rc != STORE_OK)
		(void)admin_store_error(call, rc, reason);
	else if (n == 0)
		(void)admin_error(call, 404, "there is no such rejection");
	else {
		o = admin_rejection_json(&rows[0]);
		bad |= json_set_text(o, "headers", rows[0].r.headers);
		bad |= json_object_set_new(o, "body_base64",
		    base64_json(rows[0].r.body, rows[0].r.body_len));
		if (bad != 0) {
			json_decref(o);
			o = NULL;
		}
		(void)admin_answer(call, 200, o);
	}
	admin_finish(call);
}

enum admin_when
admin_rejections_show(struct admin_call *call)
{
	if (admin_job_id(call->name, &call->id) == -1)
		return (admin_error(call, 404, "not found"));
	if (store_get_rejection(call->a->st, call->id, show_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
