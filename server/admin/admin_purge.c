/*
 * admin_purge.c -- remove customers' data, batch after batch.
 *
 * A call ends after BATCHES_MAX of them, so that the caller sees that it goes
 * on, and a server that stops has not to wait for a long one.
 */
#include <string.h>

#include "server/admin/admin_private.h"
#include "server/base/clock.h"

#define BATCH_EVENTS 100
#define BATCHES_MAX 20

/* A purge under way. */
struct purge {
	struct admin_call *call;
	struct store_purge what;
	int64_t events, rejections; /* purged so far */
	int64_t files, files_left;  /* beside the store */
	unsigned batches;
};

/* busy: all is purged, but what was there is still in the log. */
static void
purge_end(const struct purge *p, bool more, bool busy)
{
	(void)admin_answer(p->call, 200,
	    json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "purged",
		(json_int_t)p->events, "rejections", (json_int_t)p->rejections,
		"files", (json_int_t)p->files, "files_left",
		(json_int_t)p->files_left, "more", (int)more, "log_busy",
		(int)busy));
}

/* store_done_fn: one batch is gone, or nothing was left. */
static void
purge_cb(const struct store_result *res, void *arg)
{
	struct purge *p = arg;
	struct admin_call *call = p->call;

	p->files += res->files;
	p->files_left = res->files_left;
	if (res->rc == STORE_BUSY)
		purge_end(p, false, true);
	else if (res->rc != STORE_OK)
		(void)admin_store_error(call, res->rc, res->reason);
	else if (res->id == 0)
		purge_end(p, false, false);
	else {
		p->events += res->id;
		p->rejections += res->rejections;
		if (++p->batches < BATCHES_MAX &&
		    store_purge(call->a->st, &p->what, purge_cb, p) == 0)
			return;
		purge_end(p, true, false);
	}
	admin_finish(call);
}

/* Old by both clocks: one that is wrong is not to remove what is not. */
static void
admin_purge_age(struct purge *p, int64_t now_ms, int64_t older_ms)
{
	const struct admin_fns *fns = &p->call->a->fns;

	p->what.bodies_before_ms = now_ms - older_ms;
	if (fns->now != NULL)
		p->what.bodies_came_before =
		    steady_add(fns->now(fns->arg), -older_ms);
}

enum admin_when
admin_purge(struct admin_call *call)
{
	const char *order = NULL, *scope = NULL;
	json_int_t older = -1;
	int set_aside = 0;
	int64_t now = clock_wall_ms();
	struct purge *p;

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
	if ((p = arena_alloc(&call->mem, sizeof(*p))) == NULL)
		return (admin_answer(call, 500, NULL));
	*p = (struct purge){ .call = call,
		.what = { .limit = BATCH_EVENTS,
		    .now_ms = now,
		    .order_id = order, /* in the call's body */
		    .scope = scope,
		    .set_aside = set_aside != 0 } };
	if (older != -1)
		admin_purge_age(p, now, older);
	/* What came in before is to be on disk before, and found there. */
	if (call->a->fns.flush != NULL)
		call->a->fns.flush(call->a->fns.arg);
	if (store_purge(call->a->st, &p->what, purge_cb, p) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
