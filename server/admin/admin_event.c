#include "server/admin/admin_event.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/entity.h"
#include "server/base/json.h"
#include "store/base/hex.h"

#define DETAIL_MAX 512

/* Add the lines of a text, "name: value" each. */
static void
add_lines(json_t **list, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, "\n"), name = strcspn(text, ":\n");

		if (name + 2 <= len && text[name + 1] == ' ')
			json_list_add(list,
			    json_pack("[s%, s%]", text, name, text + name + 2,
				len - name - 2));
		text += len + (text[len] == '\n');
	}
}

json_t *
admin_event_headers(const struct store_event *ev,
    const struct store_arrival *arrival)
{
	char signature[2 * ORDER_DIGEST_LEN + 1], len[32];
	json_t *list;

	hex_encode(ev->digest, sizeof(ev->digest), signature);
	(void)snprintf(len, sizeof(len), "%zu", ev->body_len);
	list = json_pack("[[ss], [ss], [ss], [ss]]", "x-klikit-event-id",
	    ev->event_id, "x-klikit-event-type", ev->type, "x-klikit-signature",
	    signature, "content-length", len);
	add_lines(&list, arrival->headers);
	add_lines(&list, arrival->own_headers);
	return (list);
}

/* -- The timeline -- */

struct moment {
	struct entity_moment shown;
	size_t order; /* among those of one time */
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
	m->shown.at_ms = at_ms;
	m->shown.what = what;
	m->order = t->n++;
	va_start(ap, fmt);
	(void)vsnprintf(m->detail, sizeof(m->detail), fmt, ap);
	va_end(ap);
}

/* qsort: by time, then as they were noted. */
static int
compare(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->shown.at_ms != y->shown.at_ms)
		return (x->shown.at_ms < y->shown.at_ms ? -1 : 1);
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

		const char *end = job->state == JOB_DEAD ? "dead" : "done";

		if (store_alarm_of(job) == STORE_ALARM_NEEDLESS)
			end = "not_needed";
		note(t, job->finished_at_ms, end, "job %" PRId64 " %s: %s",
		    job->id, job->handler,
		    job->outcome == NULL ? "" : job->outcome);
	}
}

static void
note_alarms(struct timeline *t, const struct store_event_info *info)
{
	for (size_t i = 0; i < info->njobs; i++) {
		const struct store_job_info *job = &info->jobs[i];

		note(t, job->rang_at_ms, "rang",
		    "alarm %" PRId64 " by %s: %s, job %" PRId64
		    ", had not done it in time",
		    job->id, job->handler,
		    job->guarded == NULL ? "its handler" : job->guarded,
		    job->guards);
		note(t, job->acknowledged_at_ms, "acknowledged",
		    "alarm %" PRId64 " by %s", job->id,
		    job->acknowledged_by == NULL ||
			    job->acknowledged_by[0] == '\0'
			? "nobody who is known"
			: job->acknowledged_by);
	}
}

/* Remembered to the ms it left, or stored as how long it took. */
static void
note_answer(struct timeline *t, const struct store_event_info *info,
    const struct admin_times *times)
{
	const struct store_answer *a = &times->answer;
	int64_t at_ms = times->acked_ms;

	if (times->answered && at_ms == 0)
		at_ms = info->ev->received_at_ms + a->took_us / 1000;
	if (times->answered && a->status == 0)
		note(t, at_ms, "unanswered",
		    "its connection was gone before the answer left");
	else
		note(t, at_ms, "acked", "the answer %d has left",
		    times->answered ? a->status : 200);
}

static json_t *
timeline_json(struct timeline *t)
{
	qsort(t->moments, t->n, sizeof(*t->moments), compare);
	for (size_t i = 0; i < t->n; i++)
		t->moments[i].shown.detail = t->moments[i].detail;
	return (
	    field_array(entity_moment, t->moments, t->n, sizeof(*t->moments)));
}

json_t *
admin_event_timeline(const struct store_event_info *info,
    const struct admin_times *times, const struct store_attempt_info *attempts,
    size_t n)
{
	const struct store_event *ev = info->ev;
	struct timeline t = { .room = n + 3 * info->njobs + 6 };
	json_t *list;

	if ((t.moments = calloc(t.room, sizeof(*t.moments))) == NULL)
		return (NULL);
	note(&t, ev->received_at_ms, "received", "%zu bytes from %s%s",
	    ev->body_len, ev->peer,
	    ev->date_doubted ? "; the clock was not believed" : "");
	if (ev->secret != NULL)
		note(&t, ev->received_at_ms, "verified", "under the secret %s",
		    ev->secret);
	note(&t, times->stored_ms, "stored", "on disk");
	note_answer(&t, info, times);
	note(&t, info->last_duplicate_at_ms, "duplicate",
	    "the last of %u, answered and not kept", info->duplicates);
	note_alarms(&t, info);
	note_attempts(&t, info, attempts, n);
	note_ends(&t, info);
	note(&t, info->purged_at_ms, "purged", "the body is no longer kept");
	list = timeline_json(&t);
	free(t.moments);
	return (list);
}
