/*
 * admin.c -- the table of requests, and the start of a call.
 *
 * A call lives until its answer: it is freed where the answer leaves, here
 * when it was answered at once, else by admin_finish().
 */
#include "server/admin/admin.h"

#include <stdlib.h>
#include <string.h>

#include "server/admin/admin_private.h"

struct admin_route {
	const char *method;
	const char *pattern; /* see admin_path_match() */
	enum admin_when (*run)(struct admin_call *call);
};

static const struct admin_route routes[] = {
	{ "GET", "/api/v1/status", admin_status },
	{ "GET", "/api/v1/stats", admin_stats },
	{ "GET", "/api/v1/events", admin_events_list },
	{ "GET", "/api/v1/events/*", admin_events_show },
	{ "GET", "/api/v1/events/*/body", admin_events_body },
	{ "GET", "/api/v1/board", admin_board },
	{ "GET", "/api/v1/orders", admin_orders_list },
	{ "GET", "/api/v1/orders/*", admin_orders_show },
	{ "GET", "/api/v1/orders/*/status", admin_order_words },
	{ "POST", "/api/v1/orders/*/status", admin_order_status },
	{ "GET", "/api/v1/rejections", admin_rejections_list },
	{ "GET", "/api/v1/rejections/groups", admin_rejections_groups },
	{ "GET", "/api/v1/rejections/*", admin_rejections_show },
	{ "GET", "/api/v1/receivers", admin_receivers },
	{ "GET", "/api/v1/handlers", admin_handlers_list },
	{ "POST", "/api/v1/handlers/*/pause", admin_handlers_pause },
	{ "POST", "/api/v1/handlers/*/resume", admin_handlers_resume },
	{ "GET", "/api/v1/jobs", admin_jobs_list },
	{ "POST", "/api/v1/jobs/replay", admin_act_replay },
	{ "POST", "/api/v1/jobs/discard", admin_act_discard_many },
	{ "GET", "/api/v1/jobs/*", admin_jobs_show },
	{ "POST", "/api/v1/jobs/*/retry", admin_act_retry },
	{ "POST", "/api/v1/jobs/*/discard", admin_act_discard },
	{ "GET", "/api/v1/alarms", admin_alarms_list },
	{ "POST", "/api/v1/alarms/acknowledge", admin_act_acknowledge },
	{ "POST", "/api/v1/probe", admin_probe },
	{ "POST", "/api/v1/purge", admin_purge },
};
#define NROUTES (sizeof(routes) / sizeof(routes[0]))

/* The body as an object; an empty one is taken for {}. */
static enum admin_when
read_body(struct admin_call *call, const struct admin_request *req)
{
	json_error_t error;

	if (req->body_len == 0)
		call->body = json_object();
	else
		call->body = json_loadb(req->body, req->body_len,
		    JSON_REJECT_DUPLICATES, &error);
	if (call->body == NULL && req->body_len == 0)
		return (admin_answer(call, 500, NULL));
	if (!json_is_object(call->body))
		return (
		    admin_error(call, 400, "the body is not a JSON object"));
	return (ADMIN_LATER);
}

/* Find the route and run it. */
static enum admin_when
run(struct admin_call *call, const struct admin_request *req)
{
	const struct admin_route *other = NULL;

	for (size_t i = 0; i < NROUTES; i++) {
		if (!admin_path_match(routes[i].pattern, req->path, call->name))
			continue;
		if (strcmp(routes[i].method, req->method) != 0) {
			other = &routes[i];
			continue;
		}
		if (read_body(call, req) == ADMIN_NOW)
			return (ADMIN_NOW);
		call->query = req->query;
		return (routes[i].run(call));
	}
	if (other == NULL)
		return (admin_error(call, 404, "not found"));
	call->answer.allow = other->method;
	return (admin_error(call, 405, "method not allowed"));
}

struct admin *
admin_new(struct store *st, const struct admin_fns *fns)
{
	struct admin *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	a->st = st;
	a->fns = *fns;
	return (a);
}

bool
admin_call(struct admin *a, const struct admin_request *req,
    admin_done_fn *done, void *arg, struct admin_answer *ret_answer)
{
	struct admin_call *call;

	if ((call = calloc(1, sizeof(*call))) == NULL) {
		*ret_answer = (struct admin_answer){ .status = 500 };
		return (false);
	}
	call->a = a;
	call->acts = strcmp(req->method, "GET") != 0;
	call->done = done;
	call->arg = arg;
	if (run(call, req) == ADMIN_LATER) {
		a->pending++;
		return (true);
	}
	admin_call_end(call);
	*ret_answer = call->answer;
	call->answer.body = NULL;
	call->answer.object = NULL;
	admin_call_free(call);
	return (false);
}

bool
admin_is_behind(const struct admin *a, uint64_t *ret_answers)
{
	return (store_is_behind(a->st, ret_answers));
}

size_t
admin_pending(const struct admin *a)
{
	return (a->pending);
}

void
admin_free(struct admin *a)
{
	free(a);
}
