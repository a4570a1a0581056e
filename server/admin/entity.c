#include "server/admin/entity.h"

#include <stdio.h>
#include <string.h>

/* -- Cells -- */

/* An id, with its scope unless that is the usual one. */
static const char *
cell_scoped(const json_t *o, const char *name, char *buf, size_t max)
{
	const char *id = json_string_value(json_object_get(o, name));
	const char *scope = json_string_value(json_object_get(o, "scope"));

	if (id == NULL || scope == NULL)
		return (id == NULL ? "-" : id);
	(void)snprintf(buf, max, "%s (%s)", id, scope);
	return (buf);
}

static const char *
cell_event_id(const json_t *o, char *buf, size_t max)
{
	return (cell_scoped(o, "event_id", buf, max));
}

static const char *
cell_order_id(const json_t *o, char *buf, size_t max)
{
	return (cell_scoped(o, "order_id", buf, max));
}

/* Marked where the clock was not believed that it is of. */
static const char *
cell_received(const json_t *o, char *buf, size_t max)
{
	const char *at = json_string_value(json_object_get(o, "received_at"));

	if (at == NULL || !json_is_true(json_object_get(o, "date_doubted")))
		return (at == NULL ? "-" : at);
	(void)snprintf(buf, max, "%s ?", at);
	return (buf);
}

/* The order of an event that has one; else how many it has. */
static const char *
cell_orders(const json_t *o, char *buf, size_t max)
{
	const json_t *orders = json_object_get(o, "orders");
	const json_t *first = json_array_get(orders, 0);
	json_int_t n = json_integer_value(json_object_get(o, "orders_total"));

	if (n == 1 && first != NULL)
		return (json_string_value(json_object_get(first, "order_id")));
	(void)snprintf(buf, max, "%lld orders", (long long)n);
	return (buf);
}

static const char *
cell_duplicates(const json_t *o, char *buf, size_t max)
{
	json_int_t n = json_integer_value(json_object_get(o, "duplicates"));

	if (n == 0 && json_object_get(o, "repeat_of") != NULL)
		return ("repeat");
	(void)snprintf(buf, max, "%lld", (long long)n);
	return (buf);
}

/* A status with the name that the configuration has for it. */
static const char *
cell_status(const json_t *o, char *buf, size_t max)
{
	const char *code = json_string_value(json_object_get(o, "status"));
	const char *name = json_string_value(json_object_get(o, "status_name"));

	if (code == NULL || name == NULL)
		return (code == NULL ? "-" : code);
	(void)snprintf(buf, max, "%s %s", code, name);
	return (buf);
}

/* When the job ended; of one that has not when it is due. */
static const char *
cell_due(const json_t *o, char *buf, size_t max)
{
	const char *at = json_string_value(json_object_get(o, "finished_at"));

	(void)buf;
	(void)max;
	if (at == NULL)
		at = json_string_value(json_object_get(o, "due_at"));
	return (at == NULL ? "-" : at);
}

/* -- Attempts -- */

#define AT(member) FIELD(struct store_attempt_info, member)
const struct field entity_attempt[] = {
	{ "number", "ATTEMPT", .kind = FIELD_COUNT, AT(number) },
	{ "started_at", "STARTED AT", .kind = FIELD_TIME, AT(started_at_ms) },
	{ "duration_ms", "TOOK", .kind = FIELD_MS, AT(duration_ms) },
	{ "outcome", "OUTCOME", .kind = FIELD_TEXT, AT(outcome), .least = 16 },
	{ "code", "CODE", .kind = FIELD_COUNT, AT(code) },
	{ "answer", "ANSWER", .kind = FIELD_BYTES, AT(answer), .least = 12,
	    .spare = 1,
	    .len_at = offsetof(struct store_attempt_info, answer_len) },
	{ .name = NULL },
};
#undef AT

/* -- Jobs -- */

static bool
job_has_scope(const void *row)
{
	const struct store_job_info *job = row;

	return (job->scope[0] != '\0');
}

/* One that is dead by its row may not be so now. */
static const char *
job_state(const void *row)
{
	const struct store_job_info *job = row;

	if (job->state == JOB_DEAD && job->replayed_by != 0)
		return ("replayed");
	if (job->state == JOB_DEAD && job->discarded_at_ms != 0)
		return ("discarded");
	if (job->state != JOB_DONE)
		return (job_state_name(job->state));
	switch (store_alarm_of(job)) {
	case STORE_ALARM_NONE:
	case STORE_ALARM_SET:
		break;
	case STORE_ALARM_NEEDLESS:
		return ("alarm not needed");
	case STORE_ALARM_RINGS:
		return ("rang");
	case STORE_ALARM_HEARD:
		return ("acknowledged");
	}
	return (job_state_name(job->state));
}

static bool
job_is_alarm(const void *row)
{
	const struct store_job_info *job = row;

	return (job->guards != 0);
}

#define AT(member) FIELD(struct store_job_info, member)
const struct field entity_job[] = {
	{ "id", "JOB", .kind = FIELD_COUNT, AT(id) },
	{ "handler", "HANDLER", .kind = FIELD_TEXT, AT(handler) },
	{ "event_id", "EVENT", true, .kind = FIELD_TEXT, AT(event_id),
	    .look = FIELD_ID, .cell = cell_event_id },
	{ "scope", .kind = FIELD_TEXT, AT(scope), .has = job_has_scope },
	{ "type", "TYPE", true, .kind = FIELD_TEXT, AT(type),
	    .look = FIELD_TYPE, .spare = 2 },
	{ "state", "STATE", .kind = FIELD_WORD, .word = job_state,
	    .look = FIELD_STATE },
	{ "attempts", "ATTEMPTS", .kind = FIELD_COUNT, AT(attempts),
	    .spare = 1 },
	{ "due_at", "DUE OR ENDED", .kind = FIELD_TIME, AT(due_at_ms),
	    .cell = cell_due },
	{ "outcome", "OUTCOME", .kind = FIELD_TEXT, AT(outcome), .least = 20 },
	{ "finished_at", .kind = FIELD_TIME, AT(finished_at_ms) },
	{ "discarded_at", .kind = FIELD_TIME, AT(discarded_at_ms) },
	{ "place", .kind = FIELD_NUMBER, AT(place), .none = STORE_WHOLE_EVENT },
	{ "replay_of", .kind = FIELD_NUMBER, AT(replay_of) },
	{ "replayed_by", .kind = FIELD_NUMBER, AT(replayed_by) },
	{ "order_id", .kind = FIELD_TEXT, AT(order_id) },
	{ "guards", .kind = FIELD_NUMBER, AT(guards), .has = job_is_alarm },
	{ "guarded", .kind = FIELD_TEXT, AT(guarded), .has = job_is_alarm },
	{ "rang_at", .kind = FIELD_TIME, AT(rang_at_ms), .has = job_is_alarm },
	{ "acknowledged_at", .kind = FIELD_TIME, AT(acknowledged_at_ms),
	    .has = job_is_alarm },
	{ "acknowledged_by", .kind = FIELD_TEXT, AT(acknowledged_by),
	    .has = job_is_alarm },
	{ .name = NULL },
};

/* The same of an alarm that rang; what people look for has a column. */
const struct field entity_alarm[] = {
	{ "rang_at", "RANG AT", .kind = FIELD_TIME, AT(rang_at_ms) },
	{ "id", "ALARM", .kind = FIELD_COUNT, AT(id) },
	{ "order_id", "ORDER", .kind = FIELD_TEXT, AT(order_id) },
	{ "guarded", "NOT DONE BY", .kind = FIELD_TEXT, AT(guarded) },
	{ "handler", "RANG BY", .kind = FIELD_TEXT, AT(handler) },
	{ "state", "STATE", .kind = FIELD_WORD, .word = job_state },
	{ "acknowledged_at", "ACKNOWLEDGED AT", .kind = FIELD_TIME,
	    AT(acknowledged_at_ms) },
	{ "acknowledged_by", "BY", .kind = FIELD_TEXT, AT(acknowledged_by) },
	{ "event_id", "EVENT", .kind = FIELD_TEXT, AT(event_id),
	    .cell = cell_event_id },
	{ "scope", .kind = FIELD_TEXT, AT(scope), .has = job_has_scope },
	{ "type", .kind = FIELD_TEXT, AT(type) },
	{ "guards", .kind = FIELD_NUMBER, AT(guards) },
	{ "attempts", .kind = FIELD_COUNT, AT(attempts) },
	{ "outcome", .kind = FIELD_TEXT, AT(outcome) },
	{ .name = NULL },
};
#undef AT

const struct field entity_job_whole[] = {
	{ "job", .kind = FIELD_ALL, .fields = entity_job },
	{ "history", .kind = FIELD_LATER, .fields = entity_attempt },
	{ .name = NULL },
};

json_t *
entity_job_json(const struct store_job_info *job)
{
	return (field_json(entity_job, job));
}

/* -- Events -- */

static const char *const event_states[] = {
	[STORE_PROGRESS_PENDING] = "pending",
	[STORE_PROGRESS_DONE] = "done",
	[STORE_PROGRESS_DEAD] = "dead",
};
#define NSTATES (sizeof(event_states) / sizeof(event_states[0]))

const char *
entity_event_state(enum store_progress progress)
{
	return (event_states[progress]);
}

int
entity_event_state_parse(const char *text, enum store_progress *ret)
{
	for (size_t i = STORE_PROGRESS_PENDING; i < NSTATES; i++) {
		if (strcmp(event_states[i], text) == 0) {
			*ret = (enum store_progress)i;
			return (0);
		}
	}
	return (-1);
}

#define AT(member) FIELD(struct entity_moment, member)
const struct field entity_moment[] = {
	{ "at", "AT", .kind = FIELD_TIME, AT(at_ms) },
	{ "what", "WHAT", .kind = FIELD_TEXT, AT(what) },
	{ "detail", "DETAIL", .kind = FIELD_TEXT, AT(detail), .least = 16 },
	{ .name = NULL },
};
#undef AT

#define AT(member) FIELD(struct store_order, member)
static const struct field event_order[] = {
	{ "order_id", "ORDER", .kind = FIELD_TEXT, AT(order_id) },
	{ "status", "STATUS", .kind = FIELD_TEXT, AT(status) },
	{ "updated_at", "UPDATED AT", .kind = FIELD_TEXT, AT(updated_at),
	    .look = FIELD_MOMENT },
	{ "external_id", "EXTERNAL ID", .kind = FIELD_TEXT, AT(external_id) },
	{ "place", .kind = FIELD_COUNT, AT(place) },
	{ .name = NULL },
};
#undef AT

/* The event and what the store knows besides, side by side. */
struct event_row {
	struct store_event_info info;
	struct store_event ev;
};

static bool
event_has_scope(const void *row)
{
	const struct event_row *r = row;

	return (r->ev.scope[0] != '\0');
}

static bool
event_has_origin(const void *row)
{
	const struct event_row *r = row;

	return (r->ev.origin != STORE_KLIKIT);
}

static bool
event_is_repeat(const void *row)
{
	const struct event_row *r = row;

	return (r->ev.repeat_of != 0);
}

static bool
event_is_doubted(const void *row)
{
	const struct event_row *r = row;

	return (r->ev.date_doubted);
}

static const char *
event_origin(const void *row)
{
	const struct event_row *r = row;

	return (store_origin_name(r->ev.origin));
}

static const char *
event_state(const void *row)
{
	const struct event_row *r = row;

	return (entity_event_state(r->info.progress));
}

#define AT(member) FIELD(struct event_row, member)
const struct field entity_event[] = {
	{ "received_at", "RECEIVED", .kind = FIELD_TIME, AT(ev.received_at_ms),
	    .cell = cell_received },
	{ "date_doubted", .kind = FIELD_BOOL, AT(ev.date_doubted),
	    .has = event_is_doubted },
	{ "event_id", "EVENT", .kind = FIELD_TEXT, AT(ev.event_id),
	    .look = FIELD_ID, .cell = cell_event_id },
	{ "scope", .kind = FIELD_TEXT, AT(ev.scope), .has = event_has_scope },
	{ "type", "TYPE", .kind = FIELD_TEXT, AT(ev.type), .look = FIELD_TYPE,
	    .least = 20 },
	{ "brand", "BRAND", .kind = FIELD_TEXT, AT(ev.brand), .spare = 3 },
	{ "branch", "BRANCH", .kind = FIELD_TEXT, AT(ev.branch), .spare = 1 },
	{ "orders", "ORDERS", .kind = FIELD_ROWS, AT(ev.orders),
	    .len_at = offsetof(struct event_row, ev.norders),
	    .fields = event_order, .stride = sizeof(struct store_order),
	    .cell = cell_orders },
	{ "orders_total", .kind = FIELD_COUNT, AT(info.orders_total) },
	{ "duplicates", "DUPLICATES", .kind = FIELD_COUNT, AT(info.duplicates),
	    .spare = 2, .cell = cell_duplicates },
	{ "last_duplicate_at", .kind = FIELD_TIME,
	    AT(info.last_duplicate_at_ms) },
	{ "repeat_of", .kind = FIELD_TEXT, AT(ev.original),
	    .has = event_is_repeat },
	{ "state", "STATE", .kind = FIELD_WORD, .word = event_state,
	    .look = FIELD_STATE },
	{ "pending", .kind = FIELD_COUNT, AT(info.unfinished) },
	{ "dead", .kind = FIELD_COUNT, AT(info.dead) },
	{ "alarms", .kind = FIELD_COUNT, AT(info.alarms) },
	{ "id", .kind = FIELD_COUNT, AT(ev.id) },
	{ "origin", .kind = FIELD_WORD, .word = event_origin,
	    .has = event_has_origin },
	{ "endpoint", .kind = FIELD_TEXT, AT(ev.endpoint) },
	{ "peer", .kind = FIELD_TEXT, AT(ev.peer) },
	{ "size", .kind = FIELD_COUNT, AT(ev.body_len) },
	{ "secret", .kind = FIELD_TEXT, AT(ev.secret) },
	{ "purged_at", .kind = FIELD_TIME, AT(info.purged_at_ms) },
	{ "jobs_total", .kind = FIELD_COUNT, AT(info.jobs_total) },
	{ "jobs", .kind = FIELD_ROWS, AT(info.jobs),
	    .len_at = offsetof(struct event_row, info.njobs),
	    .fields = entity_job, .stride = sizeof(struct store_job_info) },
	{ .name = NULL },
};
#undef AT

const struct field entity_event_whole[] = {
	{ "event", .kind = FIELD_ALL, .fields = entity_event },
	{ "answer_status", .kind = FIELD_NUMBER },
	{ "answer_us", .kind = FIELD_NUMBER },
	{ "timeline", .kind = FIELD_LATER, .fields = entity_moment },
	{ "headers", .kind = FIELD_PAIRS },
	{ .name = NULL },
};

void
entity_event_write(struct json_write *w, const struct store_event_info *info)
{
	const struct event_row row = { *info, *info->ev };

	field_write(w, entity_event, &row);
}

json_t *
entity_event_json(const struct store_event_info *info)
{
	struct json_write w = { .value = true };

	entity_event_write(&w, info);
	return (json_write_value(&w));
}

/* -- Orders -- */

struct order_row {
	struct store_order_info info;
	const char *status_name;
	bool terminal;
	bool has_cart;
};

static bool
order_has_scope(const void *row)
{
	const struct order_row *r = row;

	return (r->info.scope[0] != '\0');
}

#define AT(member) FIELD(struct order_row, member)
const struct field entity_order[] = {
	{ "order_id", "ORDER", .kind = FIELD_TEXT, AT(info.order.order_id),
	    .cell = cell_order_id },
	{ "scope", .kind = FIELD_TEXT, AT(info.scope), .has = order_has_scope },
	{ "status", "STATUS", .kind = FIELD_TEXT, AT(info.order.status),
	    .cell = cell_status },
	{ "status_name", .kind = FIELD_TEXT, AT(status_name) },
	{ "updated_at", "UPDATED AT", .kind = FIELD_TEXT,
	    AT(info.order.updated_at), .look = FIELD_MOMENT },
	{ "brand", "BRAND", .kind = FIELD_TEXT, AT(info.brand), .spare = 3 },
	{ "branch", "BRANCH", .kind = FIELD_TEXT, AT(info.branch), .spare = 2 },
	{ "external_id", "EXTERNAL ID", .kind = FIELD_TEXT,
	    AT(info.order.external_id), .least = 16 },
	{ "event_id", "EVENT", .kind = FIELD_TEXT, AT(info.event_id),
	    .look = FIELD_ID, .spare = 1 },
	{ "received_at", .kind = FIELD_TIME, AT(info.received_at_ms) },
	{ "has_cart", .kind = FIELD_BOOL, AT(has_cart) },
	{ "terminal", .kind = FIELD_BOOL, AT(terminal) },
	{ .name = NULL },
};
#undef AT

const struct field entity_order_whole[] = {
	{ "order", .kind = FIELD_ALL, .fields = entity_order },
	{ "history", .kind = FIELD_LATER, .fields = entity_event },
	{ .name = NULL },
};

void
entity_order_write(struct json_write *w, const struct store_order_info *info,
    const char *status_name, bool terminal)
{
	const struct order_row row = { *info, status_name, terminal,
		info->cart_event != 0 };

	field_write(w, entity_order, &row);
}

/* -- Rejections -- */

#define AT(member) FIELD(struct store_rejection_info, member)
const struct field entity_rejection[] = {
	{ "id", "REJECTION", .kind = FIELD_COUNT, AT(id) },
	{ "at", "RECEIVED", .kind = FIELD_TIME, AT(r.at_ms) },
	{ "peer", "FROM", .kind = FIELD_TEXT, AT(r.peer), .least = 15 },
	{ "endpoint", "TO", .kind = FIELD_TEXT, AT(r.endpoint), .spare = 3 },
	{ "cause", "REFUSED", .kind = FIELD_TEXT, AT(r.cause) },
	{ "diagnosis_code", "DIAGNOSIS", .kind = FIELD_TEXT, AT(r.code),
	    .least = 10 },
	{ "size", "BYTES", .kind = FIELD_COUNT, AT(r.size), .spare = 4 },
	{ "repeats", "AGAIN", .kind = FIELD_COUNT, AT(r.repeats), .spare = 1 },
	{ "not_kept", "NOT KEPT", .kind = FIELD_COUNT, AT(r.not_kept),
	    .spare = 2 },
	{ "last_at", .kind = FIELD_TIME, AT(r.last_at_ms) },
	{ "diagnosis", .kind = FIELD_LINES, AT(r.diagnosis) },
	{ .name = NULL },
};

const struct field entity_rejection_whole[] = {
	{ "rejection", .kind = FIELD_ALL, .fields = entity_rejection },
	{ "headers", .kind = FIELD_LINES, AT(r.headers) },
	{ "body_base64", .kind = FIELD_BASE64, AT(r.body),
	    .len_at = offsetof(struct store_rejection_info, r.body_len) },
	{ .name = NULL },
};
#undef AT

#define AT(member) FIELD(struct store_rejection_group, member)
const struct field entity_rejection_group[] = {
	{ "deliveries", "DELIVERIES", .kind = FIELD_COUNT, AT(deliveries) },
	{ "cause", "CAUSE", .kind = FIELD_TEXT, AT(cause) },
	{ "diagnosis_code", "DIAGNOSIS", .kind = FIELD_TEXT, AT(code) },
	{ "first_at", "FIRST", .kind = FIELD_TIME, AT(first_ms) },
	{ "last_at", "LAST", .kind = FIELD_TIME, AT(last_ms) },
	{ "rows", "KEPT", .kind = FIELD_COUNT, AT(rows), .spare = 2 },
	{ "newest", "NEWEST", .kind = FIELD_COUNT, AT(newest), .spare = 1 },
	{ "diagnosis", .kind = FIELD_TEXT, AT(diagnosis) },
	{ .name = NULL },
};
#undef AT

/* -- Handlers -- */

struct handler_row {
	struct store_handler_info info;
	struct entity_live live;
};

static const char *
handler_state(const void *row)
{
	const struct handler_row *r = row;

	if (r->info.paused_at_ms != 0)
		return ("paused");
	if (!r->live.configured)
		return ("parked");
	return (r->live.probing ? "probing" : "active");
}

static const char *
handler_target(const void *row)
{
	const struct handler_row *r = row;

	return (r->live.target[0] == '\0' ? NULL : r->live.target);
}

static const char *
handler_takes(const void *row)
{
	const struct handler_row *r = row;

	return (r->live.takes[0] == '\0' ? NULL : r->live.takes);
}

static const char *
handler_error(const void *row)
{
	const struct handler_row *r = row;

	return (r->live.error[0] == '\0' ? NULL : r->live.error);
}

static bool
handler_pulled(const void *row)
{
	return (((const struct handler_row *)row)->live.pulled);
}

static bool
handler_lasting(const void *row)
{
	return (((const struct handler_row *)row)->live.lasting);
}

#define AT(member) FIELD(struct handler_row, member)
const struct field entity_handler[] = {
	{ "name", "HANDLER", .kind = FIELD_TEXT, AT(info.name) },
	{ "state", "STATE", .kind = FIELD_WORD, .word = handler_state,
	    .look = FIELD_STATE },
	{ "pending", "PENDING", .kind = FIELD_COUNT, AT(info.unfinished) },
	{ "dead", "DEAD", .kind = FIELD_COUNT, AT(info.dead) },
	{ "oldest", "OLDEST", .kind = FIELD_TIME, AT(info.oldest_ms),
	    .spare = 3 },
	{ "paused_at", "PAUSED AT", .kind = FIELD_TIME, AT(info.paused_at_ms),
	    .spare = 6 },
	{ "paused_by", "BY", .kind = FIELD_TEXT, AT(info.paused_by),
	    .spare = 5 },
	{ "paused_why", "WHY", .kind = FIELD_TEXT, AT(info.paused_why),
	    .least = 12, .spare = 1 },
	{ "target", "TARGET", .kind = FIELD_WORD, .word = handler_target,
	    .least = 16, .spare = 4 },
	{ "type", .kind = FIELD_TEXT, AT(live.type) },
	{ "takes", .kind = FIELD_WORD, .word = handler_takes },
	{ "last_error", "LAST ERROR", .kind = FIELD_WORD, .word = handler_error,
	    .least = 16, .spare = 2 },
	{ "last_error_at", .kind = FIELD_TIME, AT(live.error_ms) },
	{ "failing_since", .kind = FIELD_TIME, AT(live.failing_ms) },
	{ "next_try", .kind = FIELD_TIME, AT(live.next_try_ms) },
	{ "last_seen", .kind = FIELD_TIME, AT(info.last_seen_ms) },
	{ "configured", .kind = FIELD_BOOL, AT(live.configured) },
	{ "probing", .kind = FIELD_BOOL, AT(live.probing) },
	{ "under_way", .kind = FIELD_COUNT, AT(live.under_way) },
	{ "connected", .kind = FIELD_BOOL, AT(live.connected),
	    .has = handler_lasting },
	{ "pulled_at", .kind = FIELD_TIME, AT(live.pulled_ms),
	    .has = handler_pulled },
	{ .name = NULL },
};
#undef AT

json_t *
entity_handler_json(const struct store_handler_info *h,
    const struct entity_live *live)
{
	const struct handler_row row = { *h, *live };

	return (field_json(entity_handler, &row));
}
