#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/admin_private.h"
#include "server/base/json.h"
#include "store/base/parse.h"

#define ERROR_MAX 600

/* As text, or as a value; neither: out of memory. */
static enum admin_when
set(struct admin_call *call, int status, char *text, json_t *o)
{
	free(call->answer.body);
	json_decref(call->answer.object);
	call->answer.status = text == NULL && o == NULL ? 500 : status;
	call->answer.object = o;
	call->answer.body = text;
	call->answer.body_len = text == NULL ? 0 : strlen(text);
	return (ADMIN_NOW);
}

enum admin_when
admin_answer(struct admin_call *call, int status, json_t *o)
{
	char *text;

	if (call->a->fns.objects && status == 200)
		return (set(call, status, NULL, o));
	text = json_text(o);
	json_decref(o);
	return (set(call, status, text, NULL));
}

enum admin_when
admin_answer_written(struct admin_call *call, struct json_write *w)
{
	size_t len;

	if (w->value)
		return (set(call, 200, NULL, json_write_value(w)));
	return (set(call, 200, json_write_end(w, &len), NULL));
}

/* FNV-1a: answers that differ have another one; it guards nothing. */
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

void
admin_call_end(struct admin_call *call)
{
	struct admin_answer *answer = &call->answer;

	if (answer->status != 200 || call->acts || call->a->fns.objects)
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
	case STORE_LOST:
		status = 409;
		break;
	case STORE_BUSY:
	case STORE_FULL:
	case STORE_MOVED:
	case STORE_AWAY:
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

void
admin_call_free(struct admin_call *call)
{
	json_decref(call->body);
	json_decref(call->result);
	arena_fini(&call->mem);
	free(call->answer.body);
	json_decref(call->answer.object);
	free(call);
}

void
admin_finish(struct admin_call *call)
{
	call->a->pending--;
	admin_call_end(call);
	call->done(&call->answer, call->arg);
	admin_call_free(call);
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
