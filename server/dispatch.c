#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/clock.h"
#include "server/dispatch_private.h"
#include "server/log.h"

/* How long to leave the store alone after it failed to record something. */
#define DISPATCH_REST_MS 1000

/* The longest that the timer is armed for. */
#define DISPATCH_ARM_MAX_US (INT64_C(3600) * 1000000)

/* -- Small decisions shared with the other files -- */

void
dispatch_wake(struct dispatch *d)
{
	static const struct timeval now = { 0, 0 };

	if (!evtimer_pending(d->turn, NULL))
		(void)evtimer_add(d->turn, &now);
}

void
dispatch_rest(struct dispatch *d)
{
	d->rest_until_us = clock_mono_us() + DISPATCH_REST_MS * (int64_t)1000;
	dispatch_wake(d);
}

void
dispatch_look_all(struct dispatch *d)
{
	for (size_t i = 0; i < d->nworkers; i++)
		d->workers[i].more = true;
}

void
dispatch_look(struct dispatch *d, int64_t handler)
{
	struct worker *w = worker_find(d, handler);

	if (w == NULL)
		return;
	w->more = true;
	w->release = true;
	w->probe_us = 0; /* by hand means now */
	dispatch_wake(d);
}

void
dispatch_due(struct dispatch *d, int64_t handler, int64_t due_ms)
{
	struct worker *w = worker_find(d, handler);

	if (w == NULL || (w->due_ms != 0 && w->due_ms <= due_ms))
		return;
	w->due_ms = due_ms;
	dispatch_wake(d);
}

/*
 * A commit made this job runnable. It is taken in if it is next. With more in
 * the store, or on its way from there, it would come in its turn; but that may
 * be hours away when a backlog drains into a slow far side, and an order that
 * comes now is wanted now. So a few of the newest are kept beside.
 */
void
dispatch_add(struct dispatch *d, const struct store_job *job)
{
	struct worker *w = worker_find(d, job->handler);

	if (w == NULL)
		return; /* parked: its handler is not configured */
	if (dispatch_defers(d, job->ev->id))
		return;
	if (!w->more && !w->fetching && w->nqueue < DISPATCH_QUEUE_MAX) {
		worker_push(d, w, job);
		return;
	}
	if (w->nqueue >= DISPATCH_QUEUE_MAX)
		w->more = true;
	worker_push_fresh(d, w, job);
}

static void
workers_free(struct dispatch *d, struct worker *workers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		worker_fini(d, &workers[i]);
	free(workers);
}

/* Starts and calls under way of that handler, which may have been gone. */
static size_t
calls_of(const struct dispatch *d, int64_t handler)
{
	const struct run *run;
	size_t n = 0;

	TAILQ_FOREACH (run, &d->calls, link)
		n += run->job.handler == handler;
	TAILQ_FOREACH (run, &d->recording, link)
		n += run->job.handler == handler && run->to_start;
	return (n);
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
			workers_free(d, workers, made + 1);
			return (-1);
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct worker *old = worker_find(d, workers[i].number);

		if (old != NULL)
			worker_inherit(&workers[i], old);
		workers[i].under_way = calls_of(d, workers[i].number);
	}
	workers_free(d, d->workers, d->nworkers);
	d->workers = workers;
	d->nworkers = n;
	d->next = 0;
	dispatch_wake(d);
	return (0);
}

/* May any worker start a job? */
static bool
dispatch_may_start(const struct dispatch *d)
{
	int64_t now_us = clock_mono_us();

	for (size_t i = 0; i < d->nworkers; i++) {
		if (pace_allows(d, &d->workers[i], now_us))
			return (true);
	}
	return (false);
}

/* The next worker that may start a job, in turn; NULL if none may. */
static struct worker *
dispatch_next(struct dispatch *d)
{
	int64_t now_us = clock_mono_us();

	for (size_t i = 0; i < d->nworkers; i++) {
		struct worker *w = &d->workers[(d->next + i) % d->nworkers];

		if (pace_allows(d, w, now_us)) {
			d->next = (d->next + i + 1) % d->nworkers;
			return (w);
		}
	}
	return (NULL);
}

/* -- The pump -- */

/* Arm the timer for what comes next without anything else happening. */
static void
dispatch_arm(struct dispatch *d)
{
	int64_t wait_us = INT64_MAX;
	struct timeval tv;

	for (size_t i = 0; i < d->nworkers && !d->stopped; i++) {
		int64_t us = worker_next_us(d, &d->workers[i]);

		if (us < wait_us)
			wait_us = us;
	}
	if (d->rest_until_us != 0)
		wait_us = d->rest_until_us - clock_mono_us();
	if (wait_us == INT64_MAX) {
		(void)evtimer_del(d->due);
		return;
	}
	if (wait_us < 1000)
		wait_us = 1000;
	if (wait_us > DISPATCH_ARM_MAX_US)
		wait_us = DISPATCH_ARM_MAX_US;
	tv.tv_sec = wait_us / 1000000;
	tv.tv_usec = wait_us % 1000000;
	(void)evtimer_add(d->due, &tv);
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

/* Hand w's next job on, on the allowance if the minimum is used up. */
static void
dispatch_run(struct dispatch *d, struct worker *w)
{
	if (d->nrecording + d->nunrecorded >= DISPATCH_RECORDS_MIN &&
	    d->allowance > 0)
		d->allowance--;
	if (w->outlet)
		worker_call(d, w);
	else
		worker_run(d, w);
}

/* Start what may start, within this turn's slice. */
static void
dispatch_start(struct dispatch *d, int64_t start_us)
{
	int64_t slice_us = slice_length(d, start_us);
	struct worker *w;
	size_t n;

	log_hold(); /* a line for each of them */
	for (n = 0;
	     !slice_over(start_us + slice_us, n) && !TAILQ_EMPTY(&d->opened);
	     n++)
		held_start(d);
	log_release();
	start_us = clock_mono_us();
	for (n = 0; !slice_over(start_us + slice_us, n) &&
		    d->rest_until_us == 0 && (w = dispatch_next(d)) != NULL;
	     n++)
		dispatch_run(d, w);
}

/*
 * Start what may start; then see what else is to come: another turn, jobs to
 * be fetched, a time to wait for. Every turn looks at what is due: a timer
 * that is armed anew in each of a row of busy turns would never fire.
 */
static void
dispatch_pump(struct dispatch *d)
{
	int64_t start_us = clock_mono_us();

	engines_sweep(d);
	if (d->rest_until_us > start_us) {
		dispatch_arm(d);
		return;
	}
	d->rest_until_us = 0;
	unrecorded_retry(d);
	if (!d->stopped) {
		dispatch_start(d, start_us);
		for (size_t i = 0; i < d->nworkers; i++) {
			worker_check_due(d, &d->workers[i]);
			worker_fetch(d, &d->workers[i]);
		}
		if (!TAILQ_EMPTY(&d->opened) || dispatch_may_start(d))
			dispatch_wake(d);
	}
	dispatch_arm(d);
	d->slice_end_us = clock_mono_us();
}

/*
 * evtimer: there is work, or work left over; or a job has come due, or a rest
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
	while (!TAILQ_EMPTY(&d->opened))
		held_start(d);
	d->stopped = true;
}

size_t
dispatch_recording(const struct dispatch *d)
{
	return (d->nrecording);
}

size_t
dispatch_busy(const struct dispatch *d)
{
	return (d->nrecording + d->nunrecorded + d->ncalls);
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
	TAILQ_INIT(&d->calls);
	TAILQ_INIT(&d->unrecorded);
	TAILQ_INIT(&d->retired);
	d->st = st;
	d->env = env;
	d->slice_end_us = clock_mono_us();
	d->clock_ms = env->now_ms(env->arg) - clock_mono_us() / 1000;
	if ((d->turn = evtimer_new(base, dispatch_turn_cb, d)) == NULL ||
	    (d->due = evtimer_new(base, dispatch_turn_cb, d)) == NULL) {
		dispatch_free(d);
		return (NULL);
	}
	return (d);
}

void
dispatch_free(struct dispatch *d)
{
	struct run *run;

	if (d == NULL)
		return;
	assert(d->nrecording == 0 && d->ncalls == 0);
	if (d->turn != NULL)
		event_free(d->turn);
	if (d->due != NULL)
		event_free(d->due);
	held_clear(&d->held);
	held_clear(&d->opened);
	while ((run = TAILQ_FIRST(&d->unrecorded)) != NULL) {
		TAILQ_REMOVE(&d->unrecorded, run, link);
		run_free(run);
	}
	workers_free(d, d->workers, d->nworkers);
	engines_sweep(d);
	for (size_t i = 0; i < d->nunknown; i++)
		free(d->unknown[i]);
	free(d);
}
