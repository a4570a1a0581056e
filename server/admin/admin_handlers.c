/*
 * admin_handlers.c -- handlers: their backlog, how their attempts went lately;
 * pausing and resuming them.
 */
#include "server/admin/admin_private.h"
#include "server/admin/admin_stats.h"
#include "server/base/clock.h"
#include "server/base/json.h"
#include "server/stats/series.h"
#include "server/stats/stats.h"

/* Who paused it, in the store: a person, not a far side that said so. */
#define PAUSED_BY "operator"

/* -- What became of their attempts lately -- */

/* By the minute, and by the hour; the slot that is not over among them. */
static const struct {
	const char *name;
	enum store_count_step step;
	size_t n;
} lately[] = {
	{ "last_hour", STORE_COUNT_MINUTE, 60 },
	{ "last_day", STORE_COUNT_HOUR, 24 },
};
#define NLATELY (sizeof(lately) / sizeof(lately[0]))

struct handlers_call {
	struct series series[NLATELY];
	size_t nasked; /* of the store */
	bool failed;   /* no memory */
};

static void
lately_init(struct handlers_call *own, int64_t now_ms)
{
	for (size_t i = 0; i < NLATELY; i++) {
		int64_t step_ms = store_count_step_ms(lately[i].step);

		series_init(&own->series[i], lately[i].step,
		    store_count_begin_ms(lately[i].step, now_ms) -
			(int64_t)(lately[i].n - 1) * step_ms,
		    lately[i].n);
	}
}

static void
lately_fini(struct handlers_call *own)
{
	for (size_t i = 0; i < NLATELY; i++)
		series_fini(&own->series[i]);
}

/* stats_each_fn: the store has not got it yet. */
static void
lately_add_cb(const struct store_count *c, void *arg)
{
	struct handlers_call *own = arg;

	for (size_t i = 0; i < NLATELY; i++)
		own->failed |= series_add(&own->series[i], c) == -1;
}

/* Of one handler: since when, and what. */
static json_t *
lately_json(const struct series *s, const char *name)
{
	json_t *o = admin_stats_total(s, name);

	if (o == NULL || json_set_time(o, "from", s->from_ms) == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* -- The list -- */

static json_t *
handler_json(const struct admin *a, const struct store_handler_info *h,
    const struct handlers_call *own)
{
	struct entity_live live;
	json_t *o;
	int bad = 0;

	a->fns.live(a->fns.arg, h, &live);
	if ((o = entity_handler_json(h, &live)) == NULL)
		return (NULL);
	for (size_t i = 0; i < NLATELY; i++)
		bad |= json_object_set_new(o, lately[i].name,
		    lately_json(&own->series[i], h->name));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* store_handlers_fn */
static void
list_cb(enum store_rc rc, const struct store_handler_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct handlers_call *own = call->own;
	json_t *list;

	if (rc == STORE_OK) {
		if (call->a->fns.stats != NULL)
			stats_each(call->a->fns.stats, lately_add_cb, own);
		list = own->failed ? NULL : json_array();
		for (size_t i = 0; i < n; i++)
			json_list_add(&list,
			    handler_json(call->a, &rows[i], own));
		(void)admin_answer(call, 200,
		    json_pack("{s:o}", "handlers", list));
	} else
		(void)admin_store_error(call, rc, reason);
	lately_fini(own);
	admin_finish(call);
}

static int lately_ask(struct admin_call *call);

/* store_counts_fn */
static void
counts_cb(enum store_rc rc, const struct store_count *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct handlers_call *own = call->own;
	struct series *s = &own->series[own->nasked - 1];

	for (size_t i = 0; rc == STORE_OK && i < n; i++)
		own->failed |= series_add(s, &rows[i]) == -1;
	if (rc == STORE_OK && lately_ask(call) == 0)
		return;
	if (rc == STORE_OK)
		(void)admin_answer(call, 500, NULL);
	else
		(void)admin_store_error(call, rc, reason);
	lately_fini(own);
	admin_finish(call);
}

/* Ask the store for what is next: counts, then the handlers. 0, or -1. */
static int
lately_ask(struct admin_call *call)
{
	struct handlers_call *own = call->own;
	const struct series *s;

	if (own->nasked == NLATELY)
		return (store_list_handlers(call->a->st, list_cb, call));
	s = &own->series[own->nasked++];
	return (store_list_counts(call->a->st, s->step, s->from_ms,
	    s->from_ms + (int64_t)s->n * store_count_step_ms(s->step),
	    counts_cb, call));
}

enum admin_when
admin_handlers_list(struct admin_call *call)
{
	const struct stats *stats = call->a->fns.stats;
	struct handlers_call *own;

	if (call->query != NULL)
		return (admin_error(call, 400, "this list takes no query"));
	if ((own = arena_alloc(&call->mem, sizeof(*own))) == NULL)
		return (admin_answer(call, 500, NULL));
	*own = (struct handlers_call){ 0 };
	call->own = own;
	lately_init(own, stats == NULL ? clock_wall_ms() : stats_now_ms(stats));
	if (lately_ask(call) == 0)
		return (ADMIN_LATER);
	lately_fini(own);
	return (admin_answer(call, 500, NULL));
}

/* -- What can be done to one -- */

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
