/*
 * admin_order_status.c -- the status of an order is to be sent to klikit.
 *
 * The order's events say of which scope, brand and branch it is, so that the
 * handler which sends it can be chosen, and nobody asks for an order that
 * never was.
 */
#include <string.h>

#include "handlers/body/status_ask.h"
#include "server/admin/admin_filter.h"
#include "server/admin/admin_private.h"

#define KEY_MAX 64

/* A request; its texts are in the call's body. */
struct asking {
	const char *word;
	const char *by;
	const char *key;
	const char *scope;
	char event_id[ORDER_ASK_ID_MAX];
};

/* Is that member's name one that a request may have? */
static bool
is_known(const char *name)
{
	static const char *const names[] = { "status", "by", "key", "scope" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return (true);
	}
	for (const char *const *f = status_ask_fields; *f != NULL; f++) {
		if (strcmp(*f, name) == 0)
			return (true);
	}
	return (false);
}

/* Take the body apart. Returns 0, or -1: it is none such. */
static int
read_asking(const json_t *body, struct asking *ret)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)body, name, value)
	{
		if (!is_known(name) || !json_is_string(value))
			return (-1);
	}
	ret->word = json_string_value(json_object_get(body, "status"));
	ret->by = json_string_value(json_object_get(body, "by"));
	ret->key = json_string_value(json_object_get(body, "key"));
	ret->scope = json_string_value(json_object_get(body, "scope"));
	if (ret->word == NULL || ret->word[0] == '\0' ||
	    (ret->by != NULL && strlen(ret->by) > ADMIN_BY_MAX) ||
	    (ret->key != NULL &&
		(ret->key[0] == '\0' || strlen(ret->key) > KEY_MAX)))
		return (-1);
	return (0);
}

/* ingest_done_fn: it is on disk, or is not. */
static void
asked_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct admin_call *call = arg;
	const struct asking *asking = call->own;

	if (rc != INGEST_RECEIVED && rc != INGEST_DUPLICATE)
		(void)admin_error(call, 503,
		    "it could not be stored; try again");
	else
		(void)admin_answer(call, 200,
		    json_pack("{s:s, s:s, s:I, s:s, s:b}", "order", call->name,
			"status", asking->word, "id", (json_int_t)event,
			"event_id", asking->event_id, "asked_before",
			rc == INGEST_DUPLICATE));
	admin_finish(call);
}

/* The order's record in one of its events. */
static const struct store_order *
find_order(const struct store_event *ev, const char *id)
{
	for (size_t i = 0; i < ev->norders; i++) {
		if (strcmp(ev->orders[i].order_id, id) == 0)
			return (&ev->orders[i]);
	}
	return (NULL);
}

/* Has it events in one scope only? */
static bool
is_one_scope(const struct store_event_info *rows, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (strcmp(rows[i].ev->scope, rows[0].ev->scope) != 0)
			return (false);
	}
	return (true);
}

/* Is it one order that they are of? If not that is the answer. */
static bool
is_one_order(struct admin_call *call, const struct store_event_info *rows,
    size_t n)
{
	if (n > 0 && is_one_scope(rows, n))
		return (true);
	if (n == 0)
		(void)admin_error(call, 404, "there is no order %s",
		    call->name);
	else
		(void)admin_error(call, 409,
		    "there is an order %s in several scopes: which one, says "
		    "\"scope\"",
		    call->name);
	return (false);
}

/* store_events_fn: the order's newest events. */
static void
found_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	const struct admin_fns *fns = &call->a->fns;
	struct asking *asking = call->own;
	const struct store_order bare = { .order_id = call->name };
	char why[HANDLER_REASON_MAX];
	int status = 0;

	if (admin_failed(call, rc, reason))
		return;
	if (is_one_order(call, rows, n)) {
		const struct store_event *ev = rows[0].ev;
		const struct store_order *order = find_order(ev, call->name);
		const struct order_ask ask = {
			.order = order == NULL ? &bare : order,
			.scope = ev->scope,
			.brand = ev->brand,
			.branch = ev->branch,
			.word = asking->word,
			.by = asking->by,
			.key = asking->key,
			.said = call->body,
		};

		status = fns->ask(fns->arg, &ask, asked_cb, call,
		    asking->event_id, why);
		if (status == 0)
			return;
		(void)admin_error(call, status, "%s", why);
	}
	admin_finish(call);
}

/* Ask for the newest events of the order that is named. */
static enum admin_when
find(struct admin_call *call, const char *scope, store_events_fn *found)
{
	const struct store_filter filter = { .limit = ADMIN_LIMIT_DEFAULT,
		.order_id = call->name,
		.scope = scope };

	if (store_list_events(call->a->st, &filter, found, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- What can be sent -- */

/* store_events_fn: the order's newest events. */
static void
words_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	const struct admin_fns *fns = &call->a->fns;

	if (admin_failed(call, rc, reason))
		return;
	if (is_one_order(call, rows, n))
		(void)admin_answer(call, 200,
		    json_pack("{s:s, s:o}", "order", call->name, "statuses",
			fns->words(fns->arg, rows[0].ev->brand,
			    rows[0].ev->branch)));
	admin_finish(call);
}

enum admin_when
admin_order_words(struct admin_call *call)
{
	const char *scope;

	if (admin_one_scope(call, &scope) == ADMIN_NOW)
		return (ADMIN_NOW);
	if (call->a->fns.words == NULL)
		return (admin_error(call, 503, "no server runs"));
	return (find(call, scope, words_cb));
}

/* -- Sending a status -- */

enum admin_when
admin_order_status(struct admin_call *call)
{
	struct asking *asking = arena_alloc(&call->mem, sizeof(*asking));

	if (asking == NULL)
		return (admin_answer(call, 500, NULL));
	if (read_asking(call->body, asking) == -1)
		return (admin_error(call, 400,
		    "what to send klikit is {\"status\": WORD}, with "
		    "\"reason_code\", \"note\", \"estimated_ready_at\", "
		    "\"occurred_at\", \"by\", \"scope\" and \"key\" as texts, "
		    "if wanted"));
	if (call->a->fns.ask == NULL)
		return (admin_error(call, 503, "no server runs"));
	call->own = asking;
	return (find(call, asking->scope, found_cb));
}
