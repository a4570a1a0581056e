/*
 * admin_handlers.c -- handlers: their backlog, pausing and resuming them.
 */
#include "server/admin/admin_private.h"
#include "server/base/clock.h"
#include "server/base/json.h"

/* Who paused it, in the store: a person, not a far side that said so. */
#define PAUSED_BY "operator"

static json_t *
live_json(const struct admin *a, const struct store_handler_info *h)
{
	struct entity_live live;

	a->fns.live(a->fns.arg, h, &live);
	return (entity_handler_json(h, &live));
}

/* store_handlers_fn */
static void
list_cb(enum store_rc rc, const struct store_handler_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	json_t *list;

	if (admin_failed(call, rc, reason))
		return;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_list_add(&list, live_json(call->a, &rows[i]));
	(void)admin_answer(call, 200, json_pack("{s:o}", "handlers", list));
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

static void
pause_end(struct admin_call *call, const struct store_result *res, bool paused)
{
	const struct admin_fns *fns = &call->a->fns;

	if (res->rc == STORE_NOTFOUND)
		(void)admin_error(call, 404,
		    "there is no handler of that name");
	else if (res->rc != STORE_OK)
		(void)admin_store_error(call, res->rc, res->reason);
	else {
		if (fns->paused != NULL)
			fns->paused(fns->arg, res->id, paused);
		(void)admin_answer(call, 200,
		    json_pack("{s:s, s:b}", "name", call->name, "paused",
			(int)paused));
	}
	admin_finish(call);
}

/* store_done_fn */
static void
paused_cb(const struct store_result *res, void *arg)
{
	pause_end(arg, res, true);
}

/* store_done_fn */
static void
resumed_cb(const struct store_result *res, void *arg)
{
	pause_end(arg, res, false);
}

enum admin_when
admin_handlers_pause(struct admin_call *call)
{
	const char *why = NULL;

	if (json_unpack(call->body, "{s?s!}", "why", &why) == -1)
		return (admin_error(call, 400,
		    "a pause takes a reason and nothing else: {\"why\": "
		    "TEXT}"));
	if (store_pause(call->a->st, call->name, PAUSED_BY, why,
		clock_wall_ms(), paused_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

enum admin_when
admin_handlers_resume(struct admin_call *call)
{
	if (json_object_size(call->body) > 0)
		return (admin_error(call, 400, "resuming takes nothing"));
	if (store_pause(call->a->st, call->name, NULL, NULL, clock_wall_ms(),
		resumed_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
