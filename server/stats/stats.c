#include "server/stats/stats.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch.h"
#include "server/intake/branches.h"
#include "server/intake/ingest.h"
#include "server/intake/rejections.h"
#include "server/stats/stats_numbers.h"
#include "server/stats/tally.h"
#include "store/base/timeval.h"
#include "store/store_read.h"

/* The counters of one subject, as they were when they were last looked at. */
struct seen {
	int64_t id; /* of a handler: its number in the store */
	int64_t numbers[STORE_COUNT_NUMBERS];
};

struct stats {
	struct stats_options from;
	struct event *timer;
	int64_t started_us;
	int64_t minute_ms; /* what is counted now is of this one */
	struct seen intake;
	struct seen *handlers;
	size_t nhandlers;
	uint64_t branches[BRANCHES_MAX + 1]; /* the last: of the rest */
	struct tally pending;
	struct tally writing;
	bool begun, asking, is_writing, stopped;
};

/* -- What was counted since the last look -- */

/* Add what the numbers have grown by; those that begin anew count from 0. */
static void
take(struct stats *s, enum store_count_kind kind, const char *name,
    const int64_t numbers[STORE_COUNT_NUMBERS], struct seen *seen)
{
	struct store_count c = { .kind = kind,
		.name = name,
		.at_ms = s->minute_ms };
	bool any = false;

	for (size_t i = 0; i < STORE_COUNT_NUMBERS; i++) {
		int64_t was = seen->numbers[i];

		c.numbers[i] = numbers[i] - (numbers[i] < was ? 0 : was);
		seen->numbers[i] = numbers[i];
		any = any || c.numbers[i] != 0;
	}
	if (any)
		tally_add(&s->pending, &c);
}

static void
take_intake(struct stats *s)
{
	int64_t n[STORE_COUNT_NUMBERS] = { 0 };
	struct ingest_stats in;

	ingest_stats(s->from.in, &in);
	n[STATS_SECONDS] = (clock_mono_us() - s->started_us) / 1000000;
	n[STATS_RECEIVED] = (int64_t)in.received;
	n[STATS_REPEATS] = (int64_t)in.repeats;
	n[STATS_DUPLICATES] = (int64_t)in.duplicates;
	n[STATS_BUSY] = (int64_t)in.busy;
	for (int i = 0; i < REJECT_NCAUSES; i++)
		n[STATS_REFUSED + i] = (int64_t)rejections_count(s->from.rej,
		    (enum reject_cause)i);
	take(s, STORE_COUNT_INTAKE, "", n, &s->intake);
}

static struct seen *
seen_handler(struct stats *s, int64_t number)
{
	struct seen *more;

	for (size_t i = 0; i < s->nhandlers; i++) {
		if (s->handlers[i].id == number)
			return (&s->handlers[i]);
	}
	more = realloc(s->handlers, (s->nhandlers + 1) * sizeof(*more));
	if (more == NULL)
		return (NULL);
	s->handlers = more;
	more[s->nhandlers] = (struct seen){ .id = number };
	return (&more[s->nhandlers++]);
}

static void
take_handler(struct stats *s, const struct dispatch_live *live)
{
	int64_t n[STORE_COUNT_NUMBERS] = { 0 };
	struct seen *seen = seen_handler(s, live->number);

	if (seen == NULL)
		return; /* the next look has it */
	n[STATS_DONE] = (int64_t)live->attempts.done;
	n[STATS_RETRY] = (int64_t)live->attempts.retry;
	n[STATS_UNKNOWN] = (int64_t)live->attempts.unknown;
	n[STATS_DEAD] = (int64_t)live->attempts.dead;
	for (size_t i = 0; i < STATS_CALL_BUCKETS; i++)
		n[STATS_CALLS + i] = (int64_t)live->calls->counts[i];
	take(s, STORE_COUNT_HANDLER, live->name, n, seen);
}

static void
take_branch(struct stats *s, size_t i, const char *name, uint64_t events)
{
	const struct store_count c = { .kind = STORE_COUNT_BRANCH,
		.name = name,
		.at_ms = s->minute_ms,
		.numbers = {
		    [STATS_EVENTS] = (int64_t)(events - s->branches[i]) } };

	if (events != s->branches[i])
		tally_add(&s->pending, &c);
	s->branches[i] = events;
}

void
stats_take(struct stats *s)
{
	const struct branches *b = ingest_branches(s->from.in);
	struct dispatch_live live;

	take_intake(s);
	for (size_t i = 0; dispatch_live(s->from.d, i, &live) == 0; i++)
		take_handler(s, &live);
	for (size_t i = 0; i < b->n; i++)
		take_branch(s, i, b->list[i].name, b->list[i].events);
	take_branch(s, BRANCHES_MAX, STORE_COUNT_REST, b->rest_events);
	s->minute_ms =
	    store_count_begin_ms(STORE_COUNT_MINUTE, stats_now_ms(s));
}

int64_t
stats_now_ms(const struct stats *s)
{
	return (clock_watch_wall(s->from.clock).ms);
}

void
stats_each(struct stats *s, stats_each_fn *each, void *arg)
{
	stats_take(s);
	for (size_t i = 0; i < s->pending.n; i++)
		each(&s->pending.rows[i], arg);
}

/* -- Into the store -- */

/* store_done_fn: it is on disk, or is tried again with the next minute. */
static void
written_cb(const struct store_result *res, void *arg)
{
	struct stats *s = arg;

	s->is_writing = false;
	if (res->rc == STORE_REFUSED)
		log_warn("stats: what was counted is not kept: %s",
		    res->reason);
	else if (res->rc != STORE_OK)
		tally_take(&s->pending, &s->writing);
	tally_fini(&s->writing);
}

static void
stats_write(struct stats *s)
{
	int64_t now = stats_now_ms(s);

	if (s->is_writing || s->pending.n == 0 ||
	    (tally_is_idle(&s->pending) &&
		now - tally_oldest_ms(&s->pending) < STATS_IDLE_MS))
		return;
	if (store_add_counts(s->from.st, s->pending.rows, s->pending.n, now,
		written_cb, s) == -1)
		return;
	s->is_writing = true;
	tally_take(&s->writing, &s->pending);
}

/* store_handlers_fn: how much each has to do. */
static void
backlog_cb(enum store_rc rc, const struct store_handler_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct stats *s = arg;

	(void)reason; /* that the store is in trouble is seen elsewhere */
	s->asking = false;
	for (size_t i = 0; rc == STORE_OK && i < n; i++) {
		const struct store_count c = { .kind = STORE_COUNT_HANDLER,
			.name = rows[i].name,
			.at_ms = s->minute_ms,
			.peak = (int64_t)rows[i].unfinished };

		if (c.peak > 0)
			tally_add(&s->pending, &c);
	}
}

static void
stats_arm(struct stats *s)
{
	int64_t step = store_count_step_ms(STORE_COUNT_MINUTE);
	struct timeval tv = timeval_of_ms(step - stats_now_ms(s) % step + 1);

	(void)evtimer_add(s->timer, &tv);
}

/* evtimer: a minute has ended. */
static void
stats_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct stats *s = arg;

	(void)fd;
	(void)what;
	stats_take(s);
	stats_write(s);
	if (!s->asking)
		s->asking = store_list_handlers(s->from.st, backlog_cb, s) == 0;
	stats_arm(s);
}

/* -- On and off -- */

void
stats_begin(struct stats *s)
{
	if (s->begun || s->stopped)
		return;
	s->begun = true;
	stats_take(s); /* by the clock that the store has kept */
	stats_arm(s);
}

struct stats *
stats_new(const struct stats_options *opt)
{
	struct stats *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->from = *opt;
	s->started_us = clock_mono_us();
	s->minute_ms =
	    store_count_begin_ms(STORE_COUNT_MINUTE, stats_now_ms(s));
	if ((s->timer = evtimer_new(opt->base, stats_timer_cb, s)) != NULL)
		return (s);
	stats_free(s);
	return (NULL);
}

void
stats_stop(struct stats *s)
{
	if (s == NULL || s->stopped)
		return;
	s->stopped = true;
	(void)evtimer_del(s->timer);
	if (!s->begun)
		return;
	stats_take(s);
	if (s->pending.n > 0 &&
	    store_add_counts(s->from.st, s->pending.rows, s->pending.n,
		stats_now_ms(s), NULL, NULL) == -1)
		log_warn("stats: the last minute is not kept: out of memory");
}

void
stats_free(struct stats *s)
{
	if (s == NULL)
		return;
	if (s->timer != NULL)
		event_free(s->timer);
	tally_fini(&s->pending);
	tally_fini(&s->writing);
	free(s->handlers);
	free(s);
}
