/*
 * admin_orders.c -- orders as they stand: a page of them, or one with its
 * document and the events that carried it.
 *
 * The document goes into the answer as it stands in the body, digit for digit:
 * jansson would round 84.50 and refuse ids over 64 bits.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/admin_filter.h"
#include "server/base/json.h"

size_t
admin_ends(const struct admin *a, const char *const **ret_ends)
{
	return (a->fns.ends == NULL ? 0 : a->fns.ends(a->fns.arg, ret_ends));
}

bool
admin_is_end(const struct admin *a, const char *status)
{
	const char *const *ends;
	size_t n = admin_ends(a, &ends);

	for (size_t i = 0; status != NULL && i < n; i++) {
		if (strcmp(ends[i], status) == 0)
			return (true);
	}
	return (false);
}

const char *
admin_status_name(const struct admin *a, const char *status)
{
	if (a->fns.status_name == NULL || status == NULL)
		return (NULL);
	return (a->fns.status_name(a->fns.arg, status));
}

/* An order as lists have it. */
static void
write_order(const struct admin *a, struct json_write *w,
    const struct store_order_info *row)
{
	const char *status = row->order.status;

	entity_order_write(w, row, admin_status_name(a, status),
	    admin_is_end(a, status));
}

json_t *
admin_order_json(const struct admin *a, const struct store_order_info *row)
{
	struct json_write w = { .value = true };

	write_order(a, &w, row);
	return (json_write_value(&w));
}

/* -- A page -- */

#define AT(field) offsetof(struct store_filter, field)
static const struct admin_key keys[] = {
	{ "order", ADMIN_TEXT, AT(order_id), NULL },
	{ "scope", ADMIN_SCOPE, AT(scope), NULL },
	{ "brand", ADMIN_TEXT, AT(brand), NULL },
	{ "branch", ADMIN_TEXT, AT(branch), NULL },
	{ "status", ADMIN_TEXT, AT(status), NULL },
	{ "open", ADMIN_BOOL, AT(open), NULL },
	{ "since", ADMIN_TIME, AT(since_ms), NULL },
	{ "until", ADMIN_TIME, AT(until_ms), NULL },
	{ "before", ADMIN_NUMBER, AT(before), NULL },
	{ "limit", ADMIN_LIMIT, AT(limit), NULL },
	{ NULL, ADMIN_TEXT, 0, NULL },
};
#undef AT

/* store_orders_fn */
static void
page_cb(enum store_rc rc, const struct store_order_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct json_write w;

	if (admin_failed(call, rc, reason))
		return;
	admin_page_begin(call, &w, "orders");
	for (size_t i = 0; i < n; i++)
		write_order(call->a, &w, &rows[i]);
	admin_page_of(call, &w, call->own);
}

enum admin_when
admin_orders_list(struct admin_call *call)
{
	struct store_filter filter = { 0 };

	if (admin_filter(call, keys, &filter) == ADMIN_NOW)
		return (ADMIN_NOW);
	filter.nends = admin_ends(call->a, &filter.ends);
	if ((filter.scan = admin_scan(call)) == NULL ||
	    store_list_orders(call->a->st, &filter, page_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- One -- */

/* Answer with o and, last in it, the document, digit for digit. Takes o. */
static void
answer_document(struct admin_call *call, json_t *o, const char *document)
{
	struct admin_answer *answer = &call->answer;

	answer->body = json_text_with(o, "document", document);
	answer->body_len = answer->body == NULL ? 0 : strlen(answer->body);
	answer->status = answer->body == NULL ? 500 : 200;
	json_decref(o);
}

/* store_events_fn: the events that carried the order. */
static void
history_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	json_t *list, *o;
	int bad = 0;

	if (admin_failed(call, rc, reason))
		return;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		bad |= json_array_append_new(list, entity_event_json(&rows[i]));
	o = json_incref(call->result);
	bad |= json_object_set_new(o, "history", list);
	if (bad != 0) {
		json_decref(o);
		o = NULL;
	}
	answer_document(call, o, call->own);
	admin_finish(call);
}

/* Of an order in several scopes: which, and how it stands in the others. */
static int
add_others(const struct admin *a, json_t *o,
    const struct store_order_info *rows, size_t n)
{
	json_t *scopes, *others;

	if (n < 2)
		return (0);
	scopes = json_array();
	others = json_array();
	for (size_t i = 0; i < n; i++) {
		json_list_add(&scopes, json_string(rows[i].scope));
		if (i > 0)
			json_list_add(&others, admin_order_json(a, &rows[i]));
	}
	return (json_object_set_new(o, "scopes", scopes) |
		json_object_set_new(o, "others", others));
}

/* store_orders_fn: the one order, or those of several scopes. */
static void
show_cb(enum store_rc rc, const struct store_order_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct store_filter filter = { .with_jobs = true,
		.limit = ADMIN_LIMIT_DEFAULT };
	const char *document;

	if (rc != STORE_OK)
		(void)admin_store_error(call, rc, reason);
	else if (n == 0)
		(void)admin_error(call, 404, "there is no order %s",
		    call->name);
	else {
		filter.order_id = rows[0].order.order_id;
		filter.scope = rows[0].scope;
		call->result = admin_order_json(call->a, &rows[0]);
		if (call->result != NULL &&
		    add_others(call->a, call->result, rows, n) == 0 &&
		    arena_text(&call->mem, rows[0].document, &document) == 0) {
			call->own = (char *)document;
			if (store_list_events(call->a->st, &filter, history_cb,
				call) == 0)
				return;
		}
		(void)admin_answer(call, 500, NULL);
	}
	admin_finish(call);
}

enum admin_when
admin_orders_show(struct admin_call *call)
{
	const char *scope;

	if (admin_one_scope(call, &scope) == ADMIN_NOW)
		return (ADMIN_NOW);
	if (store_get_order(call->a->st, call->name, scope, show_cb, call) ==
	    -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
