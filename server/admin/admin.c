/*
 * admin.c -- the table of requests, and a call from its start to its end.
 *
 * A call lives until its answer: it is freed where the answer leaves, here
 * when it was answered at once, else by admin_finish().
 */
#include "server/admin/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/admin_private.h"
#include "server/base/json.h"
#include "store/base/parse.h"

#define ERROR_MAX 600

struct admin_route {
	const char *method;
	const char *pattern; /* see admin_path_match() */
	enum admin_when (*run)(struct admin_call *call);
};

static const struct admin_route routes[] = {
	{ "GET", "/api/v1/status", admin_status },
	{ "GET", "/api/v1/events", admin_events_list },
	{ "GET", "/api/v1/events/*", admin_events_show },
	{ "GET", "/api/v1/events/*/body", admin_events_body },
	{ "GET", "/api/v1/orders", admin_orders_list },
	{ "GET", "/api/v1/orders/*", admin_orders_show },
	{ "GET", "/api/v1/rejections", admin_rejections_list },
	{ "GET", "/api/v1/rejections/*", admin_rejections_show },
	{ "GET", "/api/v1/handlers", admin_handlers_list },
	{ "POST", "/api/v1/handlers/*/pause", admin_handlers_pause },
	{ "POST", "/api/v1/handlers/*/resume", admin_handlers_resume },
	{ "GET", "/api/v1/jobs", admin_jobs_list },
	{ "POST", "/api/v1/jobs/replay", admin_act_replay },
	{ "POST", "/api/v1/jobs/discard", admin_act_discard_many },
	{ "GET", "/api/v1/jobs/*", admin_jobs_show },
	{ "POST", "/api/v1/jobs/*/retry", admin_act_retry },
	{ "POST", "/api/v1/jobs/*/discard", admin_act_discard },
	{ "POST", "/api/v1/purge", admin_purge },
};
#define NROUTES (sizeof(routes) / sizeof(routes[0]))

/* -- Answers -- */

enum admin_when
admin_answer(struct admin_call *call, int status, json_t *o)
{
	free(call->answer.body);
	call->answer.status = status;
	call->answer.body_len = 0;
	call->answer.body = json_text(o);
	if (call->answer.body == NULL)
		call->answer.status = 500;
	else
		call->answer.body_len = strlen(call->answer.body);
	json_decref(o);
	return (ADMIN_NOW);
}

/* FNV-1a: it tells answers apart, and guards nothing. */
static uint64_t
tag_of(const char *bytes, size_t len)
{
	uint64_t tag = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		tag = (tag ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return (tag);
}

void
admin_tag(struct admin_call *call, const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	call->answer.tag = text == NULL ? 0 : tag_of(text, strlen(text));
	free(text);
}

/* What was looked at and found can be told apart from the next time. */
static void
call_end(struct admin_call *call)
{
	struct admin_answer *answer = &call->answer;

	if (answer->status != 200 || call->acts)
		answer->tag = 0;
	else if (answer->tag == 0)
		answer->tag = tag_of(answer->body, answer->body_len);
}

enum admin_when
admin_error(struct admin_call *call, int status, const char *fmt, ...)
{
	char text[ERROR_MAX];
	json_t *o = json_object();
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_set_text(o, "error", text);
	return (admin_answer(call, status, o));
}

enum admin_when
admin_store_error(struct admin_call *call, enum store_rc rc, const char *reason)
{
	int status = 500;

	switch (rc) {
	case STORE_NOTFOUND:
		status = 404;
		break;
	case STORE_EXISTS:
	case STORE_REFUSED:
		status = 409;
		break;
	case STORE_BUSY:
	case STORE_FULL:
	case STORE_MOVED:
		status = 503;
		break;
	case STORE_OK:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_FAILED:
		break;
	}
	return (admin_error(call, status, "%s", reason));
}

static void
call_free(struct admin_call *call)
{
	json_decref(call->body);
	json_decref(call->result);
	arena_fini(&call->mem);
	free(call->answer.body);
	free(call);
}

void
admin_finish(struct admin_call *call)
{
	call->a->pending--;
	call_end(call);
	call->done(&call->answer, call->arg);
	call_free(call);
}

bool
admin_failed(struct admin_call *call, enum store_rc rc, const char *reason)
{
	if (rc == STORE_OK)
		return (false);
	(void)admin_store_error(call, rc, reason);
	admin_finish(call);
	return (true);
}

void
admin_look(struct admin *a, const struct store_result *res)
{
	for (size_t i = 0; a->fns.look != NULL && i < res->nrunnable; i++)
		a->fns.look(a->fns.arg, res->runnable[i].handler);
}

int
admin_job_id(const char *text, int64_t *ret_id)
{
	return (parse_int(text, 1, INT64_MAX, ret_id));
}

/* -- Calls -- */

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
	call_end(call);
	*ret_answer = call->answer;
	call->answer.body = NULL;
	call_free(call);
	return (false);
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
