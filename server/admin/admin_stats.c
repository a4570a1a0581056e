/*
 * admin_stats.c -- what was counted by the minute or by the hour, for pictures.
 *
 * The store is asked for a stretch at a time, so that no question is long; what
 * it has not got yet is added at the end.
 */
#include <stddef.h>
#include <string.h>

#include "server/admin/admin_filter.h"
#include "server/admin/admin_stats.h"
#include "server/base/clock.h"
#include "server/base/json.h"
#include "server/stats/series.h"
#include "server/stats/stats.h"
#include "server/stats/stats_numbers.h"

/* -- What is asked for -- */

enum ask_step { ASK_AUTO, ASK_MINUTE, ASK_HOUR };

struct ask {
	int64_t from_ms;
	int64_t to_ms;
	enum ask_step step;
};

/* admin_key: minute, hour or auto. */
static int
set_step(const char *value, void *filter)
{
	static const char *const words[] = { "auto", "minute", "hour" };
	struct ask *ask = filter;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], value) == 0) {
			ask->step = (enum ask_step)i;
			return (0);
		}
	}
	return (-1);
}

#define AT(field) offsetof(struct ask, field)
static const struct admin_key keys[] = {
	{ "from", ADMIN_TIME, AT(from_ms), NULL },
	{ "to", ADMIN_TIME, AT(to_ms), NULL },
	{ "step", ADMIN_WORD, 0, set_step },
	{ NULL, ADMIN_TEXT, 0, NULL },
};
#undef AT

/* A call: the series that it gathers, and up to where it has. */
struct stats_call {
	struct series series;
	int64_t now_ms;
	int64_t next_ms;
	int64_t to_ms;
	bool failed; /* no memory */
};

/* By the minute as far as that is kept, unless something else is asked for. */
static enum store_count_step
choose_step(const struct ask *ask, int64_t now_ms)
{
	int64_t kept_ms = store_count_keep_ms(STORE_COUNT_MINUTE);

	if (ask->step != ASK_AUTO)
		return (ask->step == ASK_MINUTE ? STORE_COUNT_MINUTE
						: STORE_COUNT_HOUR);
	return (
	    ask->to_ms - ask->from_ms <= kept_ms &&
		    ask->from_ms >= now_ms - kept_ms -
					store_count_step_ms(STORE_COUNT_MINUTE)
		? STORE_COUNT_MINUTE
		: STORE_COUNT_HOUR);
}

/* Without a range: the last hour, this minute with it. */
static enum admin_when
stats_begin_call(struct admin_call *call, struct ask *ask,
    struct stats_call *own)
{
	enum store_count_step step;
	int64_t step_ms, begin_ms;

	if (ask->to_ms == 0)
		ask->to_ms = own->now_ms + 1;
	if (ask->from_ms == 0)
		ask->from_ms =
		    ask->to_ms - store_count_step_ms(STORE_COUNT_HOUR);
	if (ask->from_ms >= ask->to_ms)
		return (admin_error(call, 400, "from is not before to"));
	step = choose_step(ask, own->now_ms);
	step_ms = store_count_step_ms(step);
	if (ask->to_ms - ask->from_ms > store_count_keep_ms(step))
		return (admin_error(call, 400,
		    step == STORE_COUNT_MINUTE
			? "by the minute a day is shown at most: step=hour "
			  "shows 30 days"
			: "30 days are shown at most"));
	begin_ms = store_count_begin_ms(step, ask->from_ms);
	series_init(&own->series, step, begin_ms,
	    (size_t)((ask->to_ms - begin_ms + step_ms - 1) / step_ms));
	own->next_ms = begin_ms;
	own->to_ms = begin_ms + (int64_t)own->series.n * step_ms;
	return (ADMIN_LATER);
}

/* -- The answer -- */

/* What of a slot is shown. */
typedef json_t *slot_fn(const struct store_count *c, int place);

static json_t *
slot_number(const struct store_count *c, int place)
{
	return (json_integer(c->numbers[place]));
}

static json_t *
slot_failed(const struct store_count *c, int place)
{
	(void)place;
	return (
	    json_integer(c->numbers[STATS_RETRY] + c->numbers[STATS_UNKNOWN]));
}

static json_t *
slot_peak(const struct store_count *c, int place)
{
	(void)place;
	return (json_integer(c->peak));
}

static json_t *
slot_refused(const struct store_count *c, int place)
{
	int64_t n = 0;

	(void)place;
	for (int i = 0; i < REJECT_NCAUSES; i++)
		n += c->numbers[STATS_REFUSED + i];
	return (json_integer(n));
}

/* In quarters of a ms: as exact as the buckets are, or more. */
static json_t *
slot_time(const struct store_count *c, int percent)
{
	int64_t us = series_call_us(c, percent / 100.0);

	return (us < 0 ? json_null() : json_real((double)(us / 250) / 4));
}

/* Add an array of it, a value for each slot; line NULL: of zeros. */
static int
add_slots(json_t *o, const char *name, const struct series *s,
    const struct series_line *line, slot_fn *slot, int place)
{
	static const struct store_count none;
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_list_add(&list,
		    slot(line == NULL ? &none : &line->slots[i], place));
	return (json_object_set_new(o, name, list));
}

static json_t *
intake_json(const struct series *s)
{
	static const struct {
		const char *name;
		slot_fn *slot;
		int place;
	} shown[] = {
		{ "ran_s", slot_number, STATS_SECONDS },
		{ "received", slot_number, STATS_RECEIVED },
		{ "repeats", slot_number, STATS_REPEATS },
		{ "duplicates", slot_number, STATS_DUPLICATES },
		{ "refused", slot_refused, 0 },
		{ "turned_away", slot_number, STATS_BUSY },
	};
	const struct series_line *line = series_find(s, STORE_COUNT_INTAKE, "");
	json_t *o = json_object();
	int bad = 0;

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		bad |= add_slots(o, shown[i].name, s, line, shown[i].slot,
		    shown[i].place);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* All slots of a line in one. */
static struct store_count
line_sum(const struct series *s, const struct series_line *line)
{
	struct store_count sum = { .kind = STORE_COUNT_INTAKE };

	for (size_t i = 0; line != NULL && i < s->n; i++)
		store_count_add(&sum, &line->slots[i]);
	return (sum);
}

/* How many were refused for each cause, in all; none is left out. */
static json_t *
causes_json(const struct series *s)
{
	struct store_count sum =
	    line_sum(s, series_find(s, STORE_COUNT_INTAKE, ""));
	json_t *o = json_object();
	int bad = 0;

	for (int i = 0; i < REJECT_NCAUSES; i++)
		bad |= json_set_int(o, reject_cause_name((enum reject_cause)i),
		    sum.numbers[STATS_REFUSED + i]);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static const struct {
	const char *name;
	slot_fn *slot;
	int place;
} of_handler[] = {
	{ "done", slot_number, STATS_DONE },
	{ "failed", slot_failed, 0 },
	{ "dead", slot_number, STATS_DEAD },
	{ "p50_ms", slot_time, 50 },
	{ "p95_ms", slot_time, 95 },
	{ "pending", slot_peak, 0 },
};
#define NOF_HANDLER (sizeof(of_handler) / sizeof(of_handler[0]))

json_t *
admin_stats_total(const struct series *s, const char *name)
{
	struct store_count sum =
	    line_sum(s, series_find(s, STORE_COUNT_HANDLER, name));
	json_t *o = json_object();
	int bad = 0;

	for (size_t i = 0; i < NOF_HANDLER; i++)
		bad |= json_object_set_new(o, of_handler[i].name,
		    of_handler[i].slot(&sum, of_handler[i].place));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static json_t *
handler_json(const struct series *s, const struct series_line *line)
{
	json_t *o = json_object();
	int bad = json_set_text(o, "name", line->name);

	for (size_t i = 0; i < NOF_HANDLER; i++)
		bad |= add_slots(o, of_handler[i].name, s, line,
		    of_handler[i].slot, of_handler[i].place);
	bad |=
	    json_object_set_new(o, "total", admin_stats_total(s, line->name));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static json_t *
branch_json(const struct series *s, const struct series_line *line)
{
	json_t *o = json_object();
	int bad = json_set_text(o, "branch", line->name);

	bad |= add_slots(o, "events", s, line, slot_number, STATS_EVENTS);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* All lines of a kind, as a list. */
static json_t *
lines_json(const struct series *s, enum store_count_kind kind,
    json_t *(*one)(const struct series *s, const struct series_line *line))
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->nlines; i++) {
		if (s->lines[i].kind == kind)
			json_list_add(&list, one(s, &s->lines[i]));
	}
	return (list);
}

static json_t *
stats_json(const struct stats_call *own)
{
	const struct series *s = &own->series;
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_time(o, "now", own->now_ms);
	bad |= json_set_time(o, "from", s->from_ms);
	bad |= json_set_time(o, "to", own->to_ms);
	bad |= json_set_text(o, "step",
	    s->step == STORE_COUNT_MINUTE ? "minute" : "hour");
	bad |= json_object_set_new(o, "intake", intake_json(s));
	bad |= json_object_set_new(o, "refused", causes_json(s));
	bad |= json_object_set_new(o, "handlers",
	    lines_json(s, STORE_COUNT_HANDLER, handler_json));
	bad |= json_object_set_new(o, "branches",
	    lines_json(s, STORE_COUNT_BRANCH, branch_json));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* -- The call -- */

/* stats_each_fn */
static void
add_cb(const struct store_count *c, void *arg)
{
	struct stats_call *own = arg;

	own->failed = own->failed || series_add(&own->series, c) == -1;
}

static void
stats_answer(struct admin_call *call)
{
	struct stats_call *own = call->own;

	if (call->a->fns.stats != NULL)
		stats_each(call->a->fns.stats, add_cb, own);
	(void)admin_answer(call, 200, own->failed ? NULL : stats_json(own));
	series_fini(&own->series);
	admin_finish(call);
}

static void counts_cb(enum store_rc rc, const struct store_count *rows,
    size_t n, const char *reason, void *arg);

static int
stats_ask(struct admin_call *call)
{
	struct stats_call *own = call->own;
	int64_t from_ms = own->next_ms;

	own->next_ms +=
	    STORE_COUNT_SLOTS_MAX * store_count_step_ms(own->series.step);
	return (store_list_counts(call->a->st, own->series.step, from_ms,
	    own->next_ms < own->to_ms ? own->next_ms : own->to_ms, counts_cb,
	    call));
}

/* store_counts_fn */
static void
counts_cb(enum store_rc rc, const struct store_count *rows, size_t n,
    const char *reason, void *arg)
{
	struct admin_call *call = arg;
	struct stats_call *own = call->own;

	for (size_t i = 0; rc == STORE_OK && i < n; i++)
		add_cb(&rows[i], own);
	if (rc == STORE_OK && !own->failed && own->next_ms < own->to_ms) {
		if (stats_ask(call) == 0)
			return;
		own->failed = true;
	}
	if (rc == STORE_OK) {
		stats_answer(call);
		return;
	}
	series_fini(&own->series);
	(void)admin_store_error(call, rc, reason);
	admin_finish(call);
}

enum admin_when
admin_stats(struct admin_call *call)
{
	const struct stats *stats = call->a->fns.stats;
	struct stats_call *own;
	struct ask ask = { 0 };

	if (admin_filter(call, keys, &ask) == ADMIN_NOW)
		return (ADMIN_NOW);
	if ((own = arena_alloc(&call->mem, sizeof(*own))) == NULL)
		return (admin_answer(call, 500, NULL));
	call->own = own;
	own->now_ms = stats == NULL ? clock_wall_ms() : stats_now_ms(stats);
	if (stats_begin_call(call, &ask, own) == ADMIN_NOW)
		return (ADMIN_NOW);
	if (stats_ask(call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
