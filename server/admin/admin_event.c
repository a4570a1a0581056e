/*
 * admin_event.c -- what is told of an event.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/admin_private.h"
#include "server/base/json.h"
#include "store/base/hex.h"
#include "store/base/parse.h"

#define DETAIL_MAX 512

static const char *const states[] = {
	[STORE_PROGRESS_PENDING] = "pending",
	[STORE_PROGRESS_DONE] = "done",
	[STORE_PROGRESS_DEAD] = "dead",
};
#define NSTATES (sizeof(states) / sizeof(states[0]))

const char *
admin_event_state(enum store_progress progress)
{
	return (states[progress]);
}

int
admin_event_state_parse(const char *text, enum store_progress *ret)
{
	for (size_t i = STORE_PROGRESS_PENDING; i < NSTATES; i++) {
		if (strcmp(states[i], text) == 0) {
			*ret = (enum store_progress)i;
			return (0);
		}
	}
	return (-1);
}

static json_t *
orders_json(const struct store_event *ev)
{
	json_t *list = json_array();
	int bad = list == NULL ? -1 : 0;

	for (size_t i = 0; i < ev->norders; i++) {
		const struct store_order *order = &ev->orders[i];
		json_t *o = json_object();

		bad |= json_set_int(o, "place", order->place);
		bad |= json_set_text(o, "id", order->order_id);
		bad |= json_set_text(o, "status", order->status);
		bad |= json_set_text(o, "updated_at", order->updated_at);
		bad |= json_set_text(o, "external_id", order->external_id);
		bad |= json_array_append_new(list, o);
	}
	if (bad == 0)
		return (list);
	json_decref(list);
	return (NULL);
}

static json_t *
jobs_json(const struct store_event_info *info)
{
	json_t *list = json_array();
	int bad = list == NULL ? -1 : 0;

	for (size_t i = 0; i < info->njobs; i++)
		bad |=
		    json_array_append_new(list, admin_job_json(&info->jobs[i]));
	if (bad == 0)
		return (list);
	json_decref(list);
	return (NULL);
}

json_t *
admin_event_json(const struct store_event_info *info)
{
	const struct store_event *ev = info->ev;
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_int(o, "id", ev->id);
	bad |= json_set_text(o, "event_id", ev->event_id);
	bad |= json_set_unusual(o, "scope", ev->scope, "");
	bad |= json_set_unusual(o, "origin", store_origin_name(ev->origin),
	    store_origin_name(STORE_KLIKIT));
	if (ev->repeat_of != 0)
		bad |= json_set_text(o, "repeat_of", ev->original);
	bad |= json_set_text(o, "type", ev->type);
	bad |= json_set_text(o, "brand", ev->brand);
	bad |= json_set_text(o, "branch", ev->branch);
	bad |= json_set_time(o, "received_at", ev->received_at_ms);
	bad |= json_set_int(o, "size", (int64_t)ev->body_len);
	bad |= json_set_int(o, "duplicates", info->duplicates);
	bad |=
	    json_set_time(o, "last_duplicate_at", info->last_duplicate_at_ms);
	bad |= json_set_text(o, "secret", ev->secret);
	bad |= json_set_text(o, "peer", ev->peer);
	bad |= json_set_time(o, "purged_at", info->purged_at_ms);
	bad |= json_set_text(o, "state", admin_event_state(info->progress));
	bad |= json_set_int(o, "unfinished", info->unfinished);
	bad |= json_set_int(o, "dead", info->dead);
	bad |= json_object_set_new(o, "orders", orders_json(ev));
	bad |= json_set_int(o, "orders_total", (int64_t)info->orders_total);
	bad |= json_object_set_new(o, "jobs", jobs_json(info));
	bad |= json_set_int(o, "jobs_total", (int64_t)info->jobs_total);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

json_t *
admin_event_headers(const struct store_event *ev)
{
	char signature[2 * ORDER_DIGEST_LEN + 1], len[32];
	const char *const headers[][2] = {
		{ "x-klikit-event-id", ev->event_id },
		{ "x-klikit-event-type", ev->type },
		{ "x-klikit-signature", signature },
		{ "content-length", len },
	};
	json_t *list = json_array();
	int bad = list == NULL ? -1 : 0;

	hex_encode(ev->digest, sizeof(ev->digest), signature);
	(void)snprintf(len, sizeof(len), "%zu", ev->body_len);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		bad |= json_array_append_new(list,
		    json_pack("[ss]", headers[i][0], headers[i][1]));
	if (bad == 0)
		return (list);
	json_decref(list);
	return (NULL);
}

/* -- The timeline -- */

struct moment {
	int64_t at_ms;
	size_t order; /* among those of one time */
	const char *what;
	char detail[DETAIL_MAX];
};

struct timeline {
	struct moment *moments;
	size_t n;
	size_t room;
};

/* Add one, unless its time is not known. */
static void note(struct timeline *t, int64_t at_ms, const char *what,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
note(struct timeline *t, int64_t at_ms, const char *what, const char *fmt, ...)
{
	struct moment *m;
	va_list ap;

	if (at_ms == 0 || t->n == t->room)
		return;
	m = &t->moments[t->n];
	m->at_ms = at_ms;
	m->order = t->n++;
	m->what = what;
	va_start(ap, fmt);
	(void)vsnprintf(m->detail, sizeof(m->detail), fmt, ap);
	va_end(ap);
}

/* qsort: by time, then as they were noted. */
static int
compare(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return (x->at_ms < y->at_ms ? -1 : 1);
	return (x->order < y->order ? -1 : 1);
}

static void
note_attempts(struct timeline *t, const struct store_event_info *info,
    const struct store_attempt_info *attempts, size_t n)
{
	const char *handler = "";

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < info->njobs; j++) {
			if (info->jobs[j].id == attempts[i].job)
				handler = info->jobs[j].handler;
		}
		note(t, attempts[i].started_at_ms, "attempt",
		    "job %" PRId64 " %s, attempt %u: %s", attempts[i].job,
		    handler, attempts[i].number,
		    attempts[i].outcome == NULL ? "under way"
						: attempts[i].outcome);
	}
}

static void
note_ends(struct timeline *t, const struct store_event_info *info)
{
	for (size_t i = 0; i < info->njobs; i++) {
		const struct store_job_info *job = &info->jobs[i];

		note(t, job->finished_at_ms,
		    job->state == JOB_DEAD ? "dead" : "done",
		    "job %" PRId64 " %s: %s", job->id, job->handler,
		    job->outcome == NULL ? "" : job->outcome);
	}
}

static json_t *
timeline_json(struct timeline *t)
{
	json_t *list = json_array();
	int bad = list == NULL ? -1 : 0;

	qsort(t->moments, t->n, sizeof(*t->moments), compare);
	for (size_t i = 0; i < t->n; i++) {
		json_t *o = json_object();

		bad |= json_set_time(o, "at", t->moments[i].at_ms);
		bad |= json_set_text(o, "what", t->moments[i].what);
		bad |= json_set_text(o, "detail", t->moments[i].detail);
		bad |= json_array_append_new(list, o);
	}
	if (bad == 0)
		return (list);
	json_decref(list);
	return (NULL);
}

json_t *
admin_event_timeline(const struct store_event_info *info,
    const struct admin_times *times, const struct store_attempt_info *attempts,
    size_t n)
{
	const struct store_event *ev = info->ev;
	struct timeline t = { .room = n + info->njobs + 6 };
	json_t *list;

	if ((t.moments = calloc(t.room, sizeof(*t.moments))) == NULL)
		return (NULL);
	note(&t, ev->received_at_ms, "received", "%zu bytes from %s",
	    ev->body_len, ev->peer);
	if (ev->secret != NULL)
		note(&t, ev->received_at_ms, "verified", "under the secret %s",
		    ev->secret);
	note(&t, times->stored_ms, "stored", "on disk");
	note(&t, times->acked_ms, "acked", "the answer 200 has left");
	note(&t, info->last_duplicate_at_ms, "duplicate",
	    "the last of %u, answered and not kept", info->duplicates);
	note_attempts(&t, info, attempts, n);
	note_ends(&t, info);
	note(&t, info->purged_at_ms, "purged", "the body is no longer kept");
	list = timeline_json(&t);
	free(t.moments);
	return (list);
}
