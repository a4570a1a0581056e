/*
 * admin_status.c -- how the server stands, for the eye.
 */
#include "server/admin/admin_private.h"
#include "server/base/clock.h"
#include "server/base/json.h"
#include "server/base/log.h"

#ifndef KLIKITD_VERSION
#error "the build names the version"
#endif

/* Less free space than this, more or less, is no news. */
#define TAG_FREE_BYTES (16 << 20)

static json_t *
webhooks_json(const struct admin_status *s)
{
	json_t *list = json_array();
	int bad = list == NULL ? -1 : 0;

	for (size_t i = 0; i < s->nwebhooks; i++)
		bad |= json_array_append_new(list, json_string(s->webhooks[i]));
	if (bad == 0)
		return (list);
	json_decref(list);
	return (NULL);
}

static json_t *
store_json(const struct admin_status *s, const struct store_figures *f)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_text(o, "url", s->store_url);
	bad |= json_set_text(o, "health", s->health);
	bad |= json_set_text(o, "check", s->check);
	bad |= json_set_int(o, "bytes", f->bytes);
	bad |= json_set_int(o, "wal_bytes", f->log_bytes);
	bad |= json_set_int(o, "reserve_bytes", f->reserve_bytes);
	bad |= json_set_int(o, "floor_bytes", f->floor_bytes);
	bad |= json_object_set_new(o, "free_bytes",
	    f->free_bytes < 0 ? json_null() : json_integer(f->free_bytes));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static json_t *
queue_json(const struct admin_status *s)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_int(o, "bytes", (int64_t)s->queue_bytes);
	bad |= json_set_int(o, "max", (int64_t)s->queue_max);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static json_t *
refused_json(const struct admin_status *s)
{
	json_t *o = json_object();
	int bad = o == NULL ? -1 : 0;

	for (size_t i = 0; i < s->nrefused; i++)
		bad |= json_set_int(o, s->refused[i].name,
		    (int64_t)s->refused[i].n);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* How many of the refused are in no list. */
static int64_t
not_kept(const struct admin_status *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->nrefused; i++)
		n += s->refused[i].not_kept;
	return ((int64_t)n);
}

static json_t *
counts_json(const struct admin_status *s, const struct store_figures *f,
    struct steady_time now)
{
	uint64_t pending = 0, dead = 0;
	struct steady_time oldest = { 0 };
	json_t *o = json_object();
	int bad = 0;

	for (size_t i = 0; i < f->nhandlers; i++) {
		const struct store_handler_info *h = &f->handlers[i];

		pending += h->unfinished;
		dead += h->dead;
		if (h->oldest.ms != 0 &&
		    (oldest.ms == 0 || steady_before(h->oldest, oldest)))
			oldest = h->oldest;
	}
	bad |= json_set_int(o, "received", (int64_t)s->received);
	bad |= json_set_int(o, "repeats", (int64_t)s->repeats);
	bad |= json_set_int(o, "duplicates", (int64_t)s->duplicates);
	bad |= json_set_int(o, "conflicts", (int64_t)s->conflicts);
	bad |= json_object_set_new(o, "refused", refused_json(s));
	bad |= json_set_int(o, "refused_not_kept", not_kept(s));
	bad |= json_set_int(o, "log_dropped_lines", (int64_t)log_dropped());
	bad |= json_set_int(o, "dead_jobs", (int64_t)dead);
	bad |= json_set_int(o, "pending_jobs", (int64_t)pending);
	bad |= json_object_set_new(o, "oldest_pending_ms",
	    oldest.ms == 0 ? json_null()
			   : json_integer(steady_since(now, oldest)));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static json_t *
secrets_json(const struct admin_status *s)
{
	json_t *list = json_array();
	int bad = list == NULL ? -1 : 0;

	for (size_t i = 0; i < s->nsecrets; i++) {
		json_t *o = json_object();

		bad |= json_set_text(o, "name", s->secrets[i].name);
		bad |= json_set_time(o, "valid_until",
		    s->secrets[i].valid_until_ms);
		bad |=
		    json_set_time(o, "last_used", s->secrets[i].last_used_ms);
		bad |= json_array_append_new(list, o);
	}
	if (bad == 0)
		return (list);
	json_decref(list);
	return (NULL);
}

/* store_figures_fn */
static void
status_cb(enum store_rc rc, const struct store_figures *f, const char *reason,
    void *arg)
{
	struct admin_call *call = arg;
	struct admin_status s = { 0 };
	struct store_figures coarse;
	int64_t now_ms = clock_wall_ms();
	json_t *o;
	int bad = 0;

	if (admin_failed(call, rc, reason))
		return;
	call->a->fns.status(call->a->fns.arg, &s);
	o = json_object();
	bad |= json_set_text(o, "version", KLIKITD_VERSION);
	bad |= json_set_time(o, "started_at", s.started_at_ms);
	bad |= json_set_text(o, "clock", s.clock);
	bad |= json_object_set_new(o, "dev", json_boolean(s.dev));
	bad |= json_object_set_new(o, "webhooks", webhooks_json(&s));
	coarse = *f;
	coarse.free_bytes -= coarse.free_bytes % TAG_FREE_BYTES;
	bad |= json_object_set_new(o, "store", store_json(&s, &coarse));
	bad |= json_object_set_new(o, "queue", queue_json(&s));
	bad |= json_object_set_new(o, "counts",
	    counts_json(&s, f, call->a->fns.now(call->a->fns.arg)));
	bad |= json_object_set_new(o, "secrets", secrets_json(&s));
	bad |= json_set_text(o, "trigger", s.trigger);
	bad |= json_set_text(o, "sign", s.sign);
	bad |= json_set_text(o, "curl", s.curl);
	admin_tag(call, o);
	bad |= json_object_set_new(o, "store", store_json(&s, f));
	bad |= json_set_time(o, "now", now_ms);
	if (bad != 0) {
		json_decref(o);
		o = NULL;
	}
	(void)admin_answer(call, 200, o);
	admin_finish(call);
}

enum admin_when
admin_status(struct admin_call *call)
{
	if (call->query != NULL)
		return (admin_error(call, 400, "the status takes no query"));
	if (call->a->fns.status == NULL)
		return (admin_error(call, 503, "no server runs"));
	if (store_measure(call->a->st, status_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
