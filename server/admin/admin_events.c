/*
 * admin_events.c -- events: a page of them, one with all that is known of it,
 * its body.
 *
 * One takes two reads: the event with its jobs, then their attempts. Between
 * them what the first one said is kept as JSON; only the timeline, which needs
 * both, waits in struct shown.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/admin_event.h"
#include "server/admin/admin_filter.h"
#include "server/base/json.h"

/* -- A page -- */

/* admin_key: how the event stands. */
static int
set_state(const char *value, void *filter)
{
	struct store_filter *f = filter;

	return (entity_event_state_parse(value, &f->progress));
}

#define AT(field) offsetof(struct store_filter, field)
static const struct admin_key keys[] = {
	{ "type", ADMIN_TEXT, AT(type), NULL },
	{ "brand", ADMIN_TEXT, AT(brand), NULL },
	{ "branch", ADMIN_TEXT, AT(branch), NULL },
	{ "order", ADMIN_TEXT, AT(order_id), NULL },
	{ "q", ADMIN_TEXT, AT(find), NULL },
	{ "handler", ADMIN_TEXT, AT(handler), NULL },
	{ "scope", ADMIN_SCOPE, AT(scope), NULL },
	{ "state", ADMIN_WORD, 0, set_state },
	{ "since", ADMIN_TIME, AT(since_ms), NULL },
	{ "until", ADMIN_TIME, AT(until_ms), NULL },
	{ "before", ADMIN_NUMBER, AT(before), NULL },
	{ "limit", ADMIN_LIMIT, AT(limit), NULL },
	{ NULL, ADMIN_TEXT, 0, NULL },
};
#undef AT

/* store_events_fn */
static void
page_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct json_write w;

	if (admin_failed(call, rc, reason))
		return;
	admin_page_begin(call, &w, "events");
	for (size_t i = 0; i < n; i++)
		entity_event_write(&w, &rows[i]);
	admin_page_of(call, &w, call->own);
}

enum admin_when
admin_events_list(struct admin_call *call)
{
	struct store_filter filter = { .with_jobs = true };

	if (admin_filter(call, keys, &filter) == ADMIN_NOW)
		return (ADMIN_NOW);
	if ((filter.scan = admin_scan(call)) == NULL ||
	    store_list_events(call->a->st, &filter, page_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- One -- */

/* What the timeline needs of the first read, in the call's memory. */
struct shown {
	struct store_event_info info;
	struct store_event ev;
	struct admin_times times;
};

static struct shown *
shown_new(struct arena *a, const struct store_event_info *info)
{
	struct store_job_info *jobs;
	struct shown *s;

	if ((s = arena_alloc(a, sizeof(*s))) == NULL ||
	    (jobs = arena_array(a, info->njobs + 1, sizeof(*jobs))) == NULL)
		return (NULL);
	s->info = *info;
	s->ev = *info->ev;
	s->info.ev = &s->ev;
	s->info.jobs = jobs;
	s->ev.orders = NULL;
	s->ev.norders = 0;
	s->ev.body = NULL;
	s->times = (struct admin_times){ 0 };
	if (arena_texts(a, (const char **const[]){ &s->ev.peer, &s->ev.secret,
			       &s->ev.event_id, &s->ev.type, NULL }) == -1)
		return (NULL);
	for (size_t i = 0; i < info->njobs; i++) {
		jobs[i] = info->jobs[i];
		if (arena_texts(a, (const char **const[]){ &jobs[i].handler,
				       &jobs[i].outcome, &jobs[i].guarded,
				       &jobs[i].acknowledged_by, NULL }) == -1)
			return (NULL);
	}
	return (s);
}

/* Give each job its attempts. */
static int
add_histories(json_t *jobs, const struct store_attempt_info *rows, size_t n)
{
	size_t at = 0; /* both are in the order of jobs */
	int bad = 0;

	for (size_t i = 0; i < json_array_size(jobs); i++) {
		json_t *job = json_array_get(jobs, i);
		int64_t id = json_integer_value(json_object_get(job, "id"));
		size_t first = at;

		while (at < n && rows[at].job == id)
			at++;
		bad |= json_object_set_new(job, "history",
		    field_array(entity_attempt, rows + first, at - first,
			sizeof(*rows)));
	}
	return (bad);
}

/* store_attempts_fn */
static void
attempts_cb(enum store_rc rc, const struct store_attempt_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	const struct shown *s = call->own;
	json_t *o = call->result;
	int bad;

	if (admin_failed(call, rc, reason))
		return;
	bad = add_histories(json_object_get(o, "jobs"), rows, n);
	bad |= json_object_set_new(o, "timeline",
	    admin_event_timeline(&s->info, &s->times, rows, n));
	(void)admin_answer(call, 200, bad == 0 ? json_incref(o) : NULL);
	admin_finish(call);
}

/* How it was answered: 0 if its connection was gone, null if nobody knows. */
static int
add_answer(json_t *o, const struct admin_times *times)
{
	const struct store_answer *a = &times->answer;
	int bad = 0;

	bad |= json_object_set_new(o, "answer_status",
	    times->answered ? json_integer(a->status) : json_null());
	bad |= json_object_set_new(o, "answer_us",
	    times->answered ? json_integer(a->took_us) : json_null());
	return (bad);
}

/* store_arrival_fn */
static void
arrival_cb(enum store_rc rc, const struct store_arrival *arrival,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct shown *s = call->own;
	int bad;

	if (admin_failed(call, rc, reason))
		return;
	if (call->a->fns.times != NULL)
		call->a->fns.times(call->a->fns.arg, s->ev.id, &s->times);
	if (!s->times.answered && arrival->answered) {
		s->times.answered = true;
		s->times.answer = arrival->answer;
	}
	bad = json_object_set_new(call->result, "headers",
	    admin_event_headers(&s->ev, arrival));
	bad |= add_answer(call->result, &s->times);
	if (bad == 0 && store_list_event_attempts(call->a->st, s->ev.id,
			    attempts_cb, call) == 0)
		return;
	(void)admin_answer(call, 500, NULL);
	admin_finish(call);
}

static json_t *
verdict_json(const struct store_event *ev)
{
	if (ev->secret == NULL)
		return (json_pack("{s:n, s:s}", "secret", "text",
		    "it is not signed"));
	return (json_pack("{s:s, s:o}", "secret", ev->secret, "text",
	    json_sprintf("the signature is right: made with the secret %s over "
			 "exactly these %lld bytes",
		ev->secret, (long long)ev->body_len)));
}

/* The scopes that have an event of this id, if they are several. */
static int
add_scopes(json_t *o, const struct store_event_info *rows, size_t n)
{
	json_t *list;

	if (n < 2)
		return (0);
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_list_add(&list, json_string(rows[i].ev->scope));
	return (json_object_set_new(o, "scopes", list));
}

/* store_events_fn: the one event, or that of the first of several scopes. */
static void
show_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	const struct store_event *ev;
	int bad = 0;

	if (rc != STORE_OK || n == 0) {
		if (rc != STORE_OK)
			(void)admin_store_error(call, rc, reason);
		else
			(void)admin_error(call, 404, "there is no event %s",
			    call->name);
		admin_finish(call);
		return;
	}
	ev = rows[0].ev;
	call->result = entity_event_json(&rows[0]);
	bad |= add_scopes(call->result, rows, n);
	bad |= json_object_set_new(call->result, "verdict", verdict_json(ev));
	call->own = shown_new(&call->mem, &rows[0]);
	if (bad == 0 && call->own != NULL &&
	    store_get_arrival(call->a->st, ev->id, arrival_cb, call) == 0)
		return;
	(void)admin_answer(call, 500, NULL);
	admin_finish(call);
}

enum admin_when
admin_events_show(struct admin_call *call)
{
	const char *scope;

	if (admin_one_scope(call, &scope) == ADMIN_NOW)
		return (ADMIN_NOW);
	if (store_get_event(call->a->st, call->name, scope, show_cb, call) ==
	    -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}

/* -- Its body -- */

/* store_events_fn: the same. */
static void
body_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct admin_answer *answer = &call->answer;

	if (rc != STORE_OK)
		(void)admin_store_error(call, rc, reason);
	else if (n == 0)
		(void)admin_error(call, 404, "there is no event %s",
		    call->name);
	else if (rows[0].ev->body == NULL)
		(void)admin_error(call, 410, "its body is no longer kept");
	else if ((answer->body = malloc(rows[0].ev->body_len + 1)) == NULL)
		answer->status = 500;
	else {
		answer->status = 200;
		answer->raw = true;
		answer->body_len = rows[0].ev->body_len;
		memcpy(answer->body, rows[0].ev->body, answer->body_len);
	}
	admin_finish(call);
}

enum admin_when
admin_events_body(struct admin_call *call)
{
	const char *scope;

	if (admin_one_scope(call, &scope) == ADMIN_NOW)
		return (ADMIN_NOW);
	if (store_get_event(call->a->st, call->name, scope, body_cb, call) ==
	    -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
