#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/event_kind.h"
#include "server/clock.h"
#include "server/dispatch_private.h"
#include "server/log.h"

/* How long to leave the store alone after it failed to record an outcome. */
#define DISPATCH_PAUSE_MS 1000

/* The wall clock may be put right at any time: how long not to look at it. */
#define DISPATCH_LOOK_MS 60000

/* -- Small decisions shared with the other files -- */

void
dispatch_wake(struct dispatch *d)
{
	static const struct timeval now = { 0, 0 };

	if (!d->stopped && !evtimer_pending(d->turn, NULL))
		(void)evtimer_add(d->turn, &now);
}

void
dispatch_pause(struct dispatch *d)
{
	d->paused_until_us =
	    clock_mono_us() + DISPATCH_PAUSE_MS * (int64_t)1000;
	dispatch_wake(d);
}

static struct held *
held_find(struct held_list *list, int64_t event)
{
	struct held *held;

	TAILQ_FOREACH (held, list, link) {
		if (held->ev->id == event)
			return (held);
	}
	return (NULL);
}

bool
dispatch_defers(struct dispatch *d, int64_t event)
{
	struct held *held = held_find(&d->held, event);

	/* Answered, but not started: its own jobs are yet to be queued. */
	if (held == NULL)
		held = held_find(&d->opened, event);
	if (held == NULL)
		return (false);
	held->found = true;
	return (true);
}

/* There may be jobs in the store that nobody has here. */
static void
dispatch_look(struct dispatch *d)
{
	for (size_t i = 0; i < d->nworkers; i++)
		d->workers[i].more = true;
}

/*
 * A commit made this job runnable. It is taken in if it is next: with more in
 * the store, or on its way from there, it will come in its turn.
 */
void
dispatch_add(struct dispatch *d, const struct store_job *job)
{
	struct worker *w = worker_find(d, job->handler);

	if (w == NULL)
		return; /* parked: its handler is not configured */
	if (dispatch_defers(d, job->ev->id) || w->more || w->fetching)
		return;
	if (w->nqueue >= DISPATCH_QUEUE_MAX) {
		w->more = true;
		return;
	}
	worker_push(d, w, job);
}

static void
workers_free(struct worker *workers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		worker_fini(&workers[i]);
	free(workers);
}

int
dispatch_set_handlers(struct dispatch *d,
    const struct dispatch_handler *handlers, size_t n,
    char reason[HANDLER_REASON_MAX])
{
	struct worker *workers;
	size_t made = 0;

	if ((workers = calloc(n + 1, sizeof(*workers))) == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		return (-1);
	}
	for (; made < n; made++) {
		if (worker_init(&workers[made], d->env, &handlers[made],
			reason) == -1) {
			workers_free(workers, made + 1);
			return (-1);
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct worker *old = worker_find(d, workers[i].number);

		if (old != NULL)
			worker_inherit(&workers[i], old);
	}
	workers_free(d->workers, d->nworkers);
	d->workers = workers;
	d->nworkers = n;
	d->next = 0;
	dispatch_wake(d);
	return (0);
}

/* The next worker that has a job, in turn; NULL if none has. */
static struct worker *
dispatch_next(struct dispatch *d)
{
	for (size_t i = 0; i < d->nworkers; i++) {
		struct worker *w = &d->workers[(d->next + i) % d->nworkers];

		if (w->nqueue > 0) {
			d->next = (d->next + i + 1) % d->nworkers;
			return (w);
		}
	}
	return (NULL);
}

/* -- Events whose answer has left -- */

/* Warn of a type that klikit does not document, once for each. */
static void
dispatch_unknown(struct dispatch *d, const char *type)
{
	if (event_kind(type) != EVENT_UNKNOWN)
		return;
	for (size_t i = 0; i < d->nunknown; i++) {
		if (strcmp(d->unknown[i], type) == 0)
			return;
	}
	if (d->nunknown == UNKNOWN_MAX ||
	    (d->unknown[d->nunknown] = strdup(type)) == NULL)
		return;
	d->nunknown++;
	log_warn("unknown event type: %s: stored, and given to the handlers "
		 "whose events match it",
	    log_text(type));
}

/* Log the reference receiver's line and let the event's jobs run. */
static void
dispatch_start(struct dispatch *d, struct held *held)
{
	const struct store_event *ev = held->ev;

	log_info("[%s] brand=%s branch=%s orders=%zu event=%s",
	    log_text(ev->type), log_text(ev->brand), log_text(ev->branch),
	    ev->norders, log_text(ev->event_id));
	dispatch_unknown(d, ev->type);
	for (size_t i = 0; i < held->njobs; i++)
		dispatch_add(d, &held->jobs[i]);
	if (held->found)
		dispatch_look(d);
	store_event_unref(held->ev);
	free(held);
}

void
dispatch_hold(struct dispatch *d, struct store_event *ev,
    const struct store_job *jobs, size_t njobs)
{
	struct held *held;

	held = calloc(1, sizeof(*held) + njobs * sizeof(held->jobs[0]));
	if (held == NULL)
		return; /* dispatch_open() makes up for it */
	held->ev = store_event_ref(ev);
	held->njobs = njobs;
	for (size_t i = 0; i < njobs; i++) /* all of this event */
		held->jobs[i] = jobs[i];
	TAILQ_INSERT_TAIL(&d->held, held, link);
}

void
dispatch_open(struct dispatch *d, int64_t event)
{
	struct held *held = held_find(&d->held, event);

	d->allowance += DISPATCH_EVENT_RECORDS;
	if (d->allowance > DISPATCH_RECORDS_MAX - DISPATCH_RECORDS_MIN)
		d->allowance = DISPATCH_RECORDS_MAX - DISPATCH_RECORDS_MIN;
	if (held != NULL) {
		TAILQ_REMOVE(&d->held, held, link);
		TAILQ_INSERT_TAIL(&d->opened, held, link);
	} else {
		dispatch_look(d); /* there was no memory to hold it */
	}
	dispatch_wake(d);
}

/* -- The pump -- */

/* Arm the timer for what comes next without anything else happening. */
static void
dispatch_arm(struct dispatch *d)
{
	int64_t wait_ms = INT64_MAX;
	int64_t now_ms = d->env->now_ms(d->env->arg);
	struct timeval tv;

	for (size_t i = 0; i < d->nworkers; i++) {
		int64_t due_ms = d->workers[i].due_ms;

		if (due_ms != 0 && due_ms - now_ms < wait_ms)
			wait_ms = due_ms - now_ms;
	}
	if (d->paused_until_us != 0)
		wait_ms = (d->paused_until_us - clock_mono_us()) / 1000 + 1;
	if (wait_ms == INT64_MAX) {
		(void)evtimer_del(d->due);
		return;
	}
	if (wait_ms < 1)
		wait_ms = 1;
	if (wait_ms > DISPATCH_LOOK_MS)
		wait_ms = DISPATCH_LOOK_MS;
	tv.tv_sec = wait_ms / 1000;
	tv.tv_usec = wait_ms % 1000 * 1000;
	(void)evtimer_add(d->due, &tv);
}

/*
 * Have the store asked for what has come due. Every turn looks: a timer that
 * is armed anew in each of a row of busy turns would never fire.
 */
static void
dispatch_check_due(struct dispatch *d)
{
	int64_t now_ms = d->env->now_ms(d->env->arg);

	for (size_t i = 0; i < d->nworkers; i++) {
		struct worker *w = &d->workers[i];

		if (w->due_ms != 0 && w->due_ms <= now_ms) {
			w->due_ms = 0;
			w->more = true;
		}
	}
}

/*
 * How long the slice of a turn is that begins now: half of what the rest of
 * the loop has taken since the last one, for a turn that reads from a thousand
 * connections must not leave behind more than its slice can do.
 */
static int64_t
slice_length(const struct dispatch *d, int64_t start_us)
{
	int64_t us = (start_us - d->slice_end_us) / 2;

	if (us < DISPATCH_SLICE_US)
		return (DISPATCH_SLICE_US);
	return (us < DISPATCH_SLICE_MAX_US ? us : DISPATCH_SLICE_MAX_US);
}

/* Is the slice over, after n things done? */
static bool
slice_over(int64_t until_us, size_t n)
{
	return (n >= DISPATCH_SLICE_MIN && clock_mono_us() >= until_us);
}

/*
 * May another job run? A delivery's commit waits for the one before it, so
 * few outcomes are on their way at a time. Each delivery allows two more: in
 * a flood commits are large anyhow, and what arrives must not pile up.
 */
static bool
dispatch_may_run(const struct dispatch *d)
{
	return (d->paused_until_us == 0 &&
		d->nrecording < DISPATCH_RECORDS_MAX &&
		(d->nrecording < DISPATCH_RECORDS_MIN || d->allowance > 0));
}

/* Run the first job of w, on the allowance if the minimum is used up. */
static void
dispatch_run(struct dispatch *d, struct worker *w)
{
	if (d->nrecording >= DISPATCH_RECORDS_MIN)
		d->allowance--;
	worker_run(d, w);
}

/*
 * Start what may start, within this turn's slice; then see what else is to
 * come: another turn, jobs to be fetched, a time to wait for.
 */
static void
dispatch_pump(struct dispatch *d)
{
	struct worker *w = NULL;
	struct held *held = NULL;
	int64_t start_us = clock_mono_us();
	int64_t slice_us = slice_length(d, start_us);
	size_t n = 0;

	if (d->stopped)
		return;
	if (d->paused_until_us > start_us) {
		dispatch_arm(d);
		return;
	}
	d->paused_until_us = 0;
	while (!slice_over(start_us + slice_us, n) &&
	       (held = TAILQ_FIRST(&d->opened)) != NULL) {
		TAILQ_REMOVE(&d->opened, held, link);
		dispatch_start(d, held);
		n++;
	}
	start_us = clock_mono_us();
	for (n = 0; !slice_over(start_us + slice_us, n) &&
		    dispatch_may_run(d) && (w = dispatch_next(d)) != NULL;
	     n++)
		dispatch_run(d, w);
	dispatch_check_due(d);
	for (size_t i = 0; i < d->nworkers; i++)
		worker_fetch(d, &d->workers[i]);

	if (!TAILQ_EMPTY(&d->opened) || (w != NULL && dispatch_may_run(d)))
		dispatch_wake(d);
	dispatch_arm(d);
	d->slice_end_us = clock_mono_us();
}

/*
 * evtimer: there is work, or work left over; or a job has come due, or a pause
 * is over.
 */
static void
dispatch_turn_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dispatch_pump(arg);
}

void
dispatch_stop(struct dispatch *d)
{
	struct held *held;

	d->stopped = true;
	while ((held = TAILQ_FIRST(&d->opened)) != NULL) {
		TAILQ_REMOVE(&d->opened, held, link);
		dispatch_start(d, held);
	}
	(void)evtimer_del(d->turn);
	(void)evtimer_del(d->due);
}

size_t
dispatch_recording(const struct dispatch *d)
{
	return (d->nrecording);
}

void
dispatch_stats(const struct dispatch *d, struct dispatch_stats *ret)
{
	*ret = d->stats;
}

struct dispatch *
dispatch_new(struct event_base *base, struct store *st,
    const struct handler_env *env)
{
	struct dispatch *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	TAILQ_INIT(&d->held);
	TAILQ_INIT(&d->opened);
	TAILQ_INIT(&d->recording);
	d->st = st;
	d->env = env;
	d->slice_end_us = clock_mono_us();
	if ((d->turn = evtimer_new(base, dispatch_turn_cb, d)) == NULL ||
	    (d->due = evtimer_new(base, dispatch_turn_cb, d)) == NULL) {
		dispatch_free(d);
		return (NULL);
	}
	return (d);
}

static void
held_clear(struct held_list *list)
{
	struct held *held;

	while ((held = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, held, link);
		store_event_unref(held->ev);
		free(held);
	}
}

void
dispatch_free(struct dispatch *d)
{
	if (d == NULL)
		return;
	assert(d->nrecording == 0);
	if (d->turn != NULL)
		event_free(d->turn);
	if (d->due != NULL)
		event_free(d->due);
	held_clear(&d->held);
	held_clear(&d->opened);
	workers_free(d->workers, d->nworkers);
	for (size_t i = 0; i < d->nunknown; i++)
		free(d->unknown[i]);
	free(d);
}
