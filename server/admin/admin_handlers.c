/*
 * admin_handlers.c -- handlers: their backlog, pausing and resuming them.
 */
#include "server/admin/admin_private.h"
#include "server/base/clock.h"
#include "server/base/json.h"

/* Who paused it, in the store: a person, not a far side that said so. */
#define PAUSED_BY "operator"

json_t *
admin_handler_json(const struct store_handler_info *h,
    const struct admin_live *live)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_text(o, "name", h->name);
	bad |= json_set_time(o, "last_seen", h->last_seen_ms);
	bad |= json_set_time(o, "paused_at", h->paused_at_ms);
	bad |= json_set_text(o, "paused_by", h->paused_by);
	bad |= json_set_text(o, "paused_why", h->paused_why);
	bad |= json_set_int(o, "unfinished", (int64_t)h->unfinished);
	bad |= json_set_int(o, "dead", (int64_t)h->dead);
	bad |= json_set_time(o, "oldest", h->oldest_ms);
	if (live != NULL) {
		bad |= json_object_set_new(o, "configured",
		    json_boolean(live->configured));
		bad |= json_object_set_new(o, "probing",
		    json_boolean(live->probing));
		bad |= json_set_int(o, "under_way", (int64_t)live->under_way);
	}
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static json_t *
live_json(const struct admin *a, const struct store_handler_info *h)
{
	struct admin_live live;

	if (a->fns.live == NULL)
		return (admin_handler_json(h, NULL));
	a->fns.live(a->fns.arg, h->number, &live);
	return (admin_handler_json(h, &live));
}

/* store_handlers_fn */
static void
list_cb(enum store_rc rc, const struct store_handler_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	json_t *list = json_array();
	int bad = list == NULL ? -1 : 0;

	for (size_t i = 0; i < n; i++)
		bad |=
		    json_array_append_new(list, live_json(call->a, &rows[i]));
	call->result = json_object();
	bad |= json_object_set_new(call->result, "handlers", list);
	if (rc != STORE_OK)
		(void)admin_store_error(call, rc, reason);
	else
		(void)admin_answer(call, 200,
		    bad == 0 ? json_incref(call->result) : NULL);
	admin_finish(call);
}

enum admin_when
admin_handlers_list(struct admin_call *call)
{
	if (call->query != NULL)
		return (admin_error(call, 400, "this list takes no query"));
	if (store_list_handlers(call->a->st, list_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* store_done_fn */
static void
pause_cb(const struct store_result *res, void *arg)
{
	struct admin_call *call = arg;
	struct admin *a = call->a;
	json_t *o;

	if (res->rc == STORE_NOTFOUND)
		(void)admin_error(call, 404,
		    "there is no handler of that name");
	else if (res->rc != STORE_OK)
		(void)admin_store_error(call, res->rc, res->reason);
	else {
		if (a->fns.paused != NULL)
			a->fns.paused(a->fns.arg, res->id, call->pause);
		o = json_object();
		(void)json_set_text(o, "name", call->name);
		(void)json_object_set_new(o, "paused",
		    json_boolean(call->pause));
		(void)admin_answer(call, 200, o);
	}
	admin_finish(call);
}

enum admin_when
admin_handlers_pause(struct admin_call *call)
{
	const char *why = NULL;

	if (json_unpack(call->body, "{s?s!}", "why", &why) == -1)
		return (admin_error(call, 400,
		    "a pause takes a reason and nothing else: {\"why\": "
		    "TEXT}"));
	call->pause = true;
	if (store_pause(call->a->st, call->name, PAUSED_BY, why,
		clock_wall_ms(), pause_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

enum admin_when
admin_handlers_resume(struct admin_call *call)
{
	if (json_object_size(call->body) > 0)
		return (admin_error(call, 400, "resuming takes nothing"));
	if (store_pause(call->a->st, call->name, NULL, NULL, clock_wall_ms(),
		pause_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
