/*
 * admin_probe.c -- does a delivery through that URL arrive here?
 */
#include "server/admin/admin_private.h"
#include "server/base/json.h"

/* probe_done_fn */
static void
probe_cb(const struct probe_verdict *verdict, int64_t took_ms, void *arg)
{
	struct admin_call *call = arg;
	json_t *o = json_object();
	int bad = 0;

	bad |= json_object_set_new(o, "arrived",
	    json_boolean(verdict->code == PROBE_ARRIVED));
	bad |= json_set_text(o, "code", probe_code_name(verdict->code));
	bad |= json_set_text(o, "text", verdict->text);
	bad |= json_set_text(o, "advice", verdict->advice);
	bad |= json_set_int(o, "took_ms", took_ms);
	if (bad != 0) {
		json_decref(o);
		o = NULL;
	}
	(void)admin_answer(call, 200, o);
	admin_finish(call);
}

enum admin_when
admin_probe(struct admin_call *call)
{
	const struct admin_fns *fns = &call->a->fns;
	char reason[HANDLER_REASON_MAX];
	const char *url;

	if (json_unpack(call->body, "{s:s!}", "url", &url) == -1)
		return (admin_error(call, 400, "a probe needs {\"url\": URL}"));
	if (fns->probe == NULL)
		return (admin_error(call, 503, "no server runs"));
	if (fns->probe(fns->arg, url, probe_cb, call, reason) == -1)
		return (admin_error(call, 409, "%s", reason));
	return (ADMIN_LATER);
}
