/*
 * admin_status.c -- how the server stands, for the eye.
 */
#include <stdio.h>
#include <string.h>

#include "server/admin/admin_private.h"
#include "server/admin/needs.h"
#include "server/alert/alerts.h"
#include "server/base/clock.h"
#include "server/base/json.h"
#include "server/base/log.h"
#include "server/upstream/upstreams.h"

#ifndef KLIKITD_VERSION
#error "the build names the version"
#endif

/* Less free space than this, more or less, is no news. */
#define TAG_FREE_BYTES (16 << 20)

/* The newest that rang; how many there are is said beside them. */
#define ALARMS_SHOWN 20

/* What is shown, side by side. */
struct status_row {
	struct admin_status s;
	struct store_figures f;
	const char *version;
	const char *clock; /* "ok", or what is wrong with it */
	int64_t now_ms;
	int64_t not_kept; /* of the refused: in no list */
	int64_t dropped;  /* lines of the log */
	int64_t dead, pending, oldest_ms;
	const char *backup_newest, *backup_error, *push_error; /* NULL: none */
	const char *probe_url, *probe_code, *probe_text;
	json_t *alarms; /* borrowed */
	const struct admin *a;
};

#define AT(member) FIELD(struct status_row, member)
static const struct field store_fields[] = {
	{ "url", .kind = FIELD_TEXT, AT(s.store_url) },
	{ "health", .kind = FIELD_TEXT, AT(s.health) },
	{ "check", .kind = FIELD_TEXT, AT(s.check) },
	{ "bytes", .kind = FIELD_COUNT, AT(f.bytes) },
	{ "wal_bytes", .kind = FIELD_COUNT, AT(f.log_bytes) },
	{ "reserve_bytes", .kind = FIELD_COUNT, AT(f.reserve_bytes) },
	{ "floor_bytes", .kind = FIELD_COUNT, AT(f.floor_bytes) },
	{ "free_bytes", .kind = FIELD_NUMBER, AT(f.free_bytes), .none = -1 },
	{ .name = NULL },
};

static const struct field queue_fields[] = {
	{ "bytes", .kind = FIELD_COUNT, AT(s.queue.bytes) },
	{ "max", .kind = FIELD_COUNT, AT(s.queue.max) },
	{ .name = NULL },
};

static const struct field counts_fields[] = {
	{ "received", .kind = FIELD_COUNT, AT(s.received) },
	{ "repeats", .kind = FIELD_COUNT, AT(s.repeats) },
	{ "duplicates", .kind = FIELD_COUNT, AT(s.duplicates) },
	{ "conflicts", .kind = FIELD_COUNT, AT(s.conflicts) },
	{ "refused_not_kept", .kind = FIELD_COUNT, AT(not_kept) },
	{ "log_dropped_lines", .kind = FIELD_COUNT, AT(dropped) },
	{ "dead_jobs", .kind = FIELD_COUNT, AT(dead) },
	{ "alarms", .kind = FIELD_COUNT, AT(f.alarms) },
	{ "pending_jobs", .kind = FIELD_COUNT, AT(pending) },
	{ "oldest_pending_ms", .kind = FIELD_NUMBER, AT(oldest_ms),
	    .none = INT64_MIN },
	{ .name = NULL },
};

static const struct field backup_fields[] = {
	{ "dir", .kind = FIELD_TEXT, AT(s.backup.dir) },
	{ "every_ms", .kind = FIELD_COUNT, AT(s.backup.every_ms) },
	{ "running", .kind = FIELD_BOOL, AT(s.backup.running) },
	{ "newest", .kind = FIELD_TEXT, AT(backup_newest) },
	{ "newest_at", .kind = FIELD_TIME, AT(s.backup.newest_ms) },
	{ "newest_bytes", .kind = FIELD_COUNT, AT(s.backup.newest_bytes) },
	{ "backups", .kind = FIELD_COUNT, AT(s.backup.count) },
	{ "bytes", .kind = FIELD_COUNT, AT(s.backup.bytes) },
	{ "error", .kind = FIELD_TEXT, AT(backup_error) },
	{ "error_at", .kind = FIELD_TIME, AT(s.backup.failed_ms) },
	{ "pushes", .kind = FIELD_BOOL, AT(s.backup.pushes) },
	{ "pushed_at", .kind = FIELD_TIME, AT(s.backup.push.success_ms) },
	{ "push_error", .kind = FIELD_TEXT, AT(push_error) },
	{ "push_error_at", .kind = FIELD_TIME, AT(s.backup.push.failed_ms) },
	{ .name = NULL },
};

static const struct field probe_fields[] = {
	{ "url", .kind = FIELD_TEXT, AT(probe_url) },
	{ "every_ms", .kind = FIELD_COUNT, AT(s.probe.every_ms) },
	{ "at", .kind = FIELD_TIME, AT(s.probe.at_ms) },
	{ "arrived", .kind = FIELD_BOOL, AT(s.probe.ok) },
	{ "arrived_at", .kind = FIELD_TIME, AT(s.probe.ok_ms) },
	{ "code", .kind = FIELD_TEXT, AT(probe_code) },
	{ "text", .kind = FIELD_TEXT, AT(probe_text) },
	{ "advice", .kind = FIELD_TEXT, AT(s.probe.verdict.advice) },
	{ .name = NULL },
};

static const struct field status_fields[] = {
	{ "version", .kind = FIELD_TEXT, AT(version) },
	{ "started_at", .kind = FIELD_TIME, AT(s.started_at_ms) },
	{ "clock", .kind = FIELD_TEXT, AT(clock) },
	{ "dev", .kind = FIELD_BOOL, AT(s.dev) },
	{ "receivers", .kind = FIELD_COUNT, AT(f.receivers) },
	{ "store", .kind = FIELD_OBJECT, .fields = store_fields },
	{ "queue", .kind = FIELD_OBJECT, .fields = queue_fields },
	{ "counts", .kind = FIELD_OBJECT, .fields = counts_fields },
	{ "trigger", .kind = FIELD_TEXT, AT(s.commands.trigger) },
	{ "sign", .kind = FIELD_TEXT, AT(s.commands.sign) },
	{ "curl", .kind = FIELD_TEXT, AT(s.commands.curl) },
	{ .name = NULL },
};
#undef AT

#define AT(member) FIELD(struct admin_secret, member)
static const struct field secret_fields[] = {
	{ "name", .kind = FIELD_TEXT, AT(name) },
	{ "endpoint", .kind = FIELD_TEXT, AT(endpoint) },
	{ "valid_until", .kind = FIELD_TIME, AT(valid_until_ms) },
	{ "last_used", .kind = FIELD_TIME, AT(last_used_ms) },
	{ .name = NULL },
};
#undef AT

#define AT(member) FIELD(struct upstream_status, member)
static const struct field upstream_fields[] = {
	{ "name", .kind = FIELD_TEXT, AT(name) },
	{ "url", .kind = FIELD_TEXT, AT(url) },
	{ "connected", .kind = FIELD_BOOL, AT(connected) },
	{ "since", .kind = FIELD_TIME, AT(since_ms) },
	{ "last_event_at", .kind = FIELD_TIME, AT(counts.event_ms) },
	{ "lag_ms", .kind = FIELD_COUNT, AT(counts.lag_ms) },
	{ "reconnects", .kind = FIELD_COUNT, AT(reconnects) },
	{ "stored", .kind = FIELD_COUNT, AT(counts.ends[UPSTREAM_END_STORED]) },
	{ "duplicate", .kind = FIELD_COUNT,
	    AT(counts.ends[UPSTREAM_END_DUPLICATE]) },
	{ "refused", .kind = FIELD_COUNT,
	    AT(counts.ends[UPSTREAM_END_REFUSED]) },
	{ "left", .kind = FIELD_COUNT, AT(counts.ends[UPSTREAM_END_LEFT]) },
	{ "late", .kind = FIELD_COUNT, AT(late) },
	{ "error", .kind = FIELD_TEXT, AT(error) },
	{ "error_at", .kind = FIELD_TIME, AT(error_ms) },
	{ "advice", .kind = FIELD_TEXT, AT(advice) },
	{ .name = NULL },
};
#undef AT

/* The hubs that events are fetched from. NULL when out of memory. */
static json_t *
status_upstreams(const struct upstreams *all)
{
	json_t *list = json_array();
	struct upstream_status st;

	for (size_t i = 0; upstreams_status(all, i, &st); i++) {
		if (st.connected || st.error[0] == '\0') {
			st.error = st.advice = NULL;
			st.error_ms = 0;
		}
		json_list_add(&list, field_json(upstream_fields, &st));
	}
	return (list);
}

#define AT(member) FIELD(struct reconcile_status, member)
static const struct field reconcile_fields[] = {
	{ "url", .kind = FIELD_TEXT, AT(url) },
	{ "running", .kind = FIELD_BOOL, AT(running) },
	{ "run_at", .kind = FIELD_TIME, AT(run_ms) },
	{ "success_at", .kind = FIELD_TIME, AT(success_ms) },
	{ "runs", .kind = FIELD_COUNT, AT(runs) },
	{ "failures", .kind = FIELD_COUNT, AT(failures) },
	{ "unknown", .kind = FIELD_COUNT, AT(unknown) },
	{ "newer", .kind = FIELD_COUNT, AT(newer) },
	{ "error", .kind = FIELD_TEXT, AT(error) },
	{ "error_at", .kind = FIELD_TIME, AT(error_ms) },
	{ "advice", .kind = FIELD_TEXT, AT(advice) },
	{ .name = NULL },
};
#undef AT

/* The comparison with klikit's list. NULL when out of memory. */
static json_t *
status_reconcile(struct reconcile_status st)
{
	if (st.error[0] == '\0') {
		st.error = st.advice = NULL;
		st.error_ms = 0;
	}
	return (field_json(reconcile_fields, &st));
}

/* Those that are up. NULL when out of memory. */
static json_t *
status_alerts(const struct alerts *alerts)
{
	json_t *list = json_array();
	const struct alert *a;

	for (size_t i = 0; (a = alerts_up(alerts, i)) != NULL; i++) {
		json_t *o = json_object();
		int bad = json_set_text(o, "kind", alert_kind_name(a->kind));

		bad |= json_set_text(o, "subject", a->subject);
		bad |= json_set_text(o, "sentence", a->sentence);
		bad |= json_set_text(o, "advice", alert_kind_advice(a->kind));
		bad |= json_set_time(o, "since", a->since_ms);
		json_list_add(&list, bad == 0 ? o : NULL);
		if (bad != 0)
			json_decref(o);
	}
	return (list);
}

/* Count what is in several places. */
static void
status_count(struct status_row *r, struct steady_time now)
{
	struct steady_time oldest = { 0 };

	for (size_t i = 0; i < r->s.nrefused; i++)
		r->not_kept += (int64_t)r->s.refused[i].not_kept;
	for (size_t i = 0; i < r->f.nhandlers; i++) {
		const struct store_handler_info *h = &r->f.handlers[i];

		r->pending += (int64_t)h->unfinished;
		r->dead += (int64_t)h->dead;
		if (h->oldest.ms != 0 &&
		    (oldest.ms == 0 || steady_before(h->oldest, oldest)))
			oldest = h->oldest;
	}
	r->oldest_ms = oldest.ms == 0 ? INT64_MIN : steady_since(now, oldest);
}

/* The names of status codes; NULL when out of memory. */
static json_t *
status_names(const struct admin *a)
{
	json_t *o = json_object();
	const char *const *names;
	size_t n = a->fns.status_names == NULL
		       ? 0
		       : a->fns.status_names(a->fns.arg, &names);
	char code[64];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(code, sizeof(code), "%.*s",
		    (int)strcspn(names[i], " "), names[i]);
		(void)json_set_text(o, code, admin_status_name(a, code));
	}
	return (o);
}

/* needs_facts */
static const struct alert *
alert_cb(const void *arg, size_t i)
{
	return (alerts_up(arg, i));
}

/* A handler with what the server knows of it, which `live' holds. */
static struct needs_handler
needs_handler(const struct admin_fns *fns, const struct store_handler_info *h,
    struct entity_live *live)
{
	fns->live(fns->arg, h, live);
	return ((struct needs_handler){
	    .name = h->name,
	    .paused_at_ms = h->paused_at_ms,
	    .paused_why = h->paused_why,
	    .pending = h->unfinished,
	    .dead = h->dead,
	    .failing_ms = live->failing_ms,
	    .error = live->error[0] == '\0' ? NULL : live->error,
	    .next_try_ms = live->next_try_ms,
	});
}

static json_t *
need_json(const struct need *need)
{
	json_t *o = json_object();
	int bad = json_set_text(o, "kind", need_kind_name(need->kind));

	bad |= json_object_set_new(o, "urgent",
	    json_boolean(need_is_urgent(need->kind)));
	bad |= json_set_text(o, "subject", need->subject);
	bad |= json_set_text(o, "text", need->text);
	bad |= json_set_text(o, "advice", need->advice);
	bad |= json_set_time(o, "since", need->since_ms);
	bad |= json_set_time(o, "next_try", need->next_try_ms);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* What needs a person; NULL when out of memory. */
static json_t *
status_needs(struct admin_call *call, const struct status_row *r)
{
	struct needs_facts facts = { .health = r->s.health,
		.alarms = r->f.alarms,
		.nhandlers = r->f.nhandlers,
		.alert = alert_cb,
		.arg = r->s.alerts };
	struct needs_handler *handlers;
	struct entity_live *live;
	json_t *list = json_array();
	struct needs *all;

	handlers =
	    arena_array(&call->mem, r->f.nhandlers + 1, sizeof(*handlers));
	live = arena_array(&call->mem, r->f.nhandlers + 1, sizeof(*live));
	all = arena_alloc(&call->mem, sizeof(*all));
	if (handlers == NULL || live == NULL || all == NULL) {
		json_decref(list);
		return (NULL);
	}
	for (size_t i = 0; i < r->f.nhandlers; i++)
		handlers[i] =
		    needs_handler(&call->a->fns, &r->f.handlers[i], &live[i]);
	facts.handlers = handlers;
	needs_find(&facts, all);
	for (size_t i = 0; i < all->n; i++)
		json_list_add(&list, need_json(&all->list[i]));
	return (list);
}

/* Add what has names or a number of its own. Returns 0, or -1: no memory. */
static int
status_add(struct admin_call *call, json_t *o, const struct status_row *r)
{
	const struct admin_status *s = &r->s;
	json_t *webhooks = json_array(), *refused = json_object();
	json_t *endpoints = json_array();
	int bad = 0;

	for (size_t i = 0; i < s->nwebhooks; i++)
		json_list_add(&webhooks, json_string(s->webhooks[i]));
	for (size_t i = 0; i < s->nwebhooks; i++)
		json_list_add(&endpoints,
		    json_pack("{s:s, s:s}", "name", s->endpoints[i], "url",
			s->webhooks[i]));
	for (size_t i = 0; i < s->nrefused; i++)
		bad |= json_set_int(refused, s->refused[i].name,
		    (int64_t)s->refused[i].n);
	bad |= json_object_set_new(o, "webhooks", webhooks);
	bad |= json_object_set_new(o, "endpoints", endpoints);
	bad |= json_object_set_new(json_object_get(o, "counts"), "refused",
	    refused);
	bad |= json_object_set_new(o, "needs", status_needs(call, r));
	bad |= json_object_set_new(o, "alerts", status_alerts(s->alerts));
	bad |= json_object_set(o, "alarms", r->alarms);
	bad |= json_object_set_new(o, "status_names", status_names(r->a));
	bad |=
	    json_object_set_new(o, "upstreams", status_upstreams(s->upstreams));
	if (s->reconcile.url != NULL)
		bad |= json_object_set_new(o, "reconcile",
		    status_reconcile(s->reconcile));
	if (r->s.probe.on)
		bad |= json_object_set_new(o, "probe",
		    field_json(probe_fields, r));
	if (r->s.backup.on)
		bad |= json_object_set_new(o, "backup",
		    field_json(backup_fields, r));
	bad |= json_object_set_new(o, "secrets",
	    field_array(secret_fields, s->secrets, s->nsecrets,
		sizeof(s->secrets[0])));
	return (bad);
}

/*
 * The whole, with a tag that does not change with the time, or with a little
 * free space.
 */
static json_t *
status_json(struct admin_call *call, struct status_row *r)
{
	int64_t free_bytes = r->f.free_bytes;
	json_t *o;
	int bad;

	r->f.free_bytes -= free_bytes % TAG_FREE_BYTES;
	o = field_json(status_fields, r);
	bad = status_add(call, o, r);
	admin_tag(call, o);
	r->f.free_bytes = free_bytes;
	bad |= json_object_set_new(o, "store", field_json(store_fields, r));
	bad |= json_set_time(o, "now", r->now_ms);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static const char *
text_or_null(const char *text)
{
	return (text[0] == '\0' ? NULL : text);
}

/* store_figures_fn */
static void
status_cb(enum store_rc rc, const struct store_figures *f, const char *reason,
    void *arg)
{
	struct admin_call *call = arg;
	const struct admin_fns *fns = &call->a->fns;
	struct status_row r = { .version = KLIKITD_VERSION,
		.now_ms = clock_wall_ms(),
		.dropped = (int64_t)log_dropped() };

	if (admin_failed(call, rc, reason))
		return;
	r.f = *f;
	r.alarms = call->result;
	r.a = call->a;
	fns->status(fns->arg, &r.s);
	r.clock = steady_doubt_name(r.s.clock);
	status_count(&r, fns->now(fns->arg));
	r.backup_newest = text_or_null(r.s.backup.newest);
	r.backup_error = text_or_null(r.s.backup.reason);
	r.push_error = text_or_null(r.s.backup.push.reason);
	r.probe_url = r.s.probe.url;
	r.probe_text = text_or_null(r.s.probe.verdict.text);
	r.probe_code = r.s.probe.at_ms == 0
			   ? NULL
			   : probe_code_name(r.s.probe.verdict.code);
	(void)admin_answer(call, 200, status_json(call, &r));
	admin_finish(call);
}

/* store_jobs_fn: the newest alarms that nobody has acknowledged. */
static void
alarms_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;

	if (admin_failed(call, rc, reason))
		return;
	call->result = field_array(entity_alarm, rows, n, sizeof(*rows));
	if (call->result != NULL &&
	    store_measure(call->a->st, status_cb, call) == 0)
		return;
	(void)admin_answer(call, 500, NULL);
	admin_finish(call);
}

enum admin_when
admin_status(struct admin_call *call)
{
	const struct store_job_filter alarms = { .any_state = true,
		.rang = true,
		.unacknowledged = true,
		.limit = ALARMS_SHOWN };

	if (call->query != NULL)
		return (admin_error(call, 400, "the status takes no query"));
	if (call->a->fns.status == NULL)
		return (admin_error(call, 503, "no server runs"));
	if (store_list_jobs(call->a->st, &alarms, alarms_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
