/*
 * admin_purge.c -- remove customers' data, batch after batch.
 *
 * A call ends after BATCHES_MAX of them, so that whoever asked sees that it
 * goes on, and a server that stops has not to wait for a long one.
 */
#include <string.h>

#include "server/admin/admin_private.h"
#include "server/base/clock.h"
#include "server/base/json.h"

#define BATCH_EVENTS 100
#define BATCHES_MAX 20

/* busy: all is purged, but what was there is still in the log. */
static void
purge_end(struct admin_call *call, bool more, bool busy)
{
	json_t *o = json_object();

	(void)json_set_int(o, "purged", (int64_t)call->good);
	(void)json_set_int(o, "rejections", call->rejections);
	(void)json_set_int(o, "files", call->files);
	(void)json_set_int(o, "files_left", call->files_left);
	(void)json_object_set_new(o, "more", json_boolean(more));
	(void)json_object_set_new(o, "log_busy", json_boolean(busy));
	(void)admin_answer(call, 200, o);
}

/* store_done_fn: one batch is gone, or nothing was left. */
static void
purge_cb(const struct store_result *res, void *arg)
{
	struct admin_call *call = arg;

	call->files += res->files;
	call->files_left = res->files_left;
	if (res->rc == STORE_BUSY)
		purge_end(call, false, true);
	else if (res->rc != STORE_OK)
		(void)admin_store_error(call, res->rc, res->reason);
	else if (res->id == 0)
		purge_end(call, false, false);
	else {
		call->good += (size_t)res->id;
		call->rejections += res->rejections;
		if (++call->batches < BATCHES_MAX &&
		    store_purge(call->a->st, &call->purge, purge_cb, call) == 0)
			return;
		purge_end(call, true, false);
	}
	admin_finish(call);
}

/* Old by both clocks: one that is wrong is not to remove what is not. */
static void
admin_purge_age(struct admin_call *call, int64_t now_ms, int64_t older_ms)
{
	const struct admin_fns *fns = &call->a->fns;

	call->purge.bodies_before_ms = now_ms - older_ms;
	if (fns->now != NULL)
		call->purge.bodies_came_before =
		    steady_add(fns->now(fns->arg), -older_ms);
}

enum admin_when
admin_purge(struct admin_call *call)
{
	const char *order = NULL, *scope = NULL;
	json_int_t older = -1;
	int set_aside = 0;
	int64_t now = clock_wall_ms();

	if (json_unpack(call->body, "{s?s,s?s,s?I,s?b!}", "order", &order,
		"scope", &scope, "older_than_ms", &older, "set_aside",
		&set_aside) == -1 ||
	    (scope != NULL && order == NULL) || (older <= 0 && older != -1) ||
	    (order != NULL) + (older != -1) + (set_aside != 0) != 1 ||
	    older > now || (order != NULL && strlen(order) >= ADMIN_VALUE_MAX))
		return (admin_error(call, 400,
		    "a purge needs {\"order\": ID}, perhaps with a scope, or "
		    "{\"older_than_ms\": "
		    "NUMBER}, or {\"set_aside\": true}, and one of them only"));
	call->purge.limit = BATCH_EVENTS;
	call->purge.now_ms = now;
	if (order != NULL) {
		(void)strcpy(call->name, order); /* for as long as the call */
		call->purge.order_id = call->name;
		if (scope != NULL &&
		    arena_text(&call->mem, scope, &call->purge.scope) == -1)
			return (admin_answer(call, 500, NULL));
	} else if (set_aside != 0)
		call->purge.set_aside = true;
	else
		admin_purge_age(call, now, older);
	/* What came in before is to be on disk before, and found there. */
	if (call->a->fns.flush != NULL)
		call->a->fns.flush(call->a->fns.arg);
	if (store_purge(call->a->st, &call->purge, purge_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
