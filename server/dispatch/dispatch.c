#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch_private.h"

/* How long to leave the store alone after it failed to record something. */
#define DISPATCH_REST_MS 1000

/* The longest that the timer is armed for. */
#define DISPATCH_ARM_MAX_US (INT64_C(3600) * 1000000)

/* Bounds for what is done: from at once to after a night. */
static const int64_t ages_ms[] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500,
	5000, 15000, 60000, 300000, 1800000, 7200000, 28800000, 86400000 };

/* -- Small decisions shared with the other files -- */

void
dispatch_wake(struct dispatch *d)
{
	static const struct timeval now = { 0, 0 };

	if (!evtimer_pending(d->turn, NULL))
		(void)evtimer_add(d->turn, &now);
}

/*
 * Behind what is active by now, but before the store's writer is woken if that
 * is asked for later. Not for the pump's own leftovers: it would never let
 * another read.
 */
void
dispatch_wake_soon(struct dispatch *d)
{
	event_active(d->turn, EV_TIMEOUT, 0);
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
		worker_look(&d->workers[i]);
}

void
dispatch_look(struct dispatch *d, int64_t handler)
{
	struct worker *w = worker_find(d, handler);

	if (w == NULL)
		return;
	worker_look(w);
	w->release = true;
	gate_hurry(&w->gate); /* by hand means now */
	dispatch_wake(d);
}

void
dispatch_due(struct dispatch *d, int64_t handler, struct steady_time due)
{
	struct worker *w = worker_find(d, handler);

	if (w == NULL || (w->due.ms != 0 && !steady_before(due, w->due)))
		return;
	w->due = due;
	dispatch_wake(d);
}

struct steady_time
dispatch_now(const struct dispatch *d)
{
	return (steady_now(d->clock));
}

void
dispatch_slept(struct dispatch *d)
{
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
	int64_t now_us = clock_mono_us();

	if (w == NULL)
		return; /* parked: its handler is not configured */
	if (dispatch_defers(d, job->ev->id))
		return;
	if (job->attempts > 0 ||
	    (!w->more && !w->fetching && w->jobs.n < DISPATCH_QUEUE_MAX)) {
		worker_push(d, w, job, now_us);
		return;
	}
	if (w->jobs.n >= DISPATCH_QUEUE_MAX)
		w->more = true;
	worker_push_fresh(d, w, job, now_us);
}

static void
workers_free(struct dispatch *d, struct worker *workers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		worker_fini(d, &workers[i]);
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
			workers_free(d, workers, made + 1);
			return (-1);
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct worker *old = worker_find(d, workers[i].number);

		if (old != NULL)
			worker_inherit(&workers[i], old);
		gate_recount(d, &workers[i]);
	}
	workers_free(d, d->workers, d->nworkers);
	d->workers = workers;
	d->nworkers = n;
	d->next = 0;
	dispatch_wake(d);
	return (0);
}

void
dispatch_set_journal(struct dispatch *d, struct journal *j)
{
	d->journal = j;
}

/* May any worker start a job? */
static bool
dispatch_may_start(const struct dispatch *d)
{
	int64_t now_us = clock_mono_us();
	enum gate_class class;

	for (size_t i = 0; i < d->nworkers; i++) {
		if (pace_choose(d, &d->workers[i], now_us, &class) != NULL)
			return (true);
	}
	return (false);
}

/*
 * The next worker that may start a job, in turn, and that job, still in its
 * queue; NULL if none may.
 */
static struct worker *
dispatch_next(struct dispatch *d, struct run **ret_run)
{
	int64_t now_us = clock_mono_us();
	enum gate_class class;
	struct run *run;

	for (size_t i = 0; i < d->nworkers; i++) {
		struct worker *w = &d->workers[(d->next + i) % d->nworkers];

		if ((run = pace_choose(d, w, now_us, &class)) == NULL)
			continue;
		d->next = (d->next + i + 1) % d->nworkers;
		worker_take(w, run, class);
		*ret_run = run;
		return (w);
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

/* Hand a job of w on, on the allowance if the minimum is used up. */
static void
dispatch_run(struct dispatch *d, struct worker *w, struct run *run)
{
	if (dispatch_recording(d) + d->unrecorded.n >= DISPATCH_RECORDS_MIN &&
	    d->allowance > 0)
		d->allowance--;
	if (w->outlet)
		worker_call(w, run);
	else
		worker_run(w, run);
}

/* Start what may start, within this turn's slice. */
static void
dispatch_start(struct dispatch *d, int64_t start_us)
{
	int64_t slice_us = slice_length(d, start_us);
	struct worker *w;
	struct run *run;
	size_t n;

	log_hold(); /* a line for each of them */
	for (n = 0;
	     !slice_over(start_us + slice_us, n) && !TAILQ_EMPTY(&d->opened);
	     n++)
		held_start(d);
	log_release();
	start_us = clock_mono_us();
	for (n = 0;
	     !slice_over(start_us + slice_us, n) && d->rest_until_us == 0 &&
	     (w = dispatch_next(d, &run)) != NULL;
	     n++)
		dispatch_run(d, w, run);
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
	return (d->starting.n + d->recording.n);
}

size_t
dispatch_busy(const struct dispatch *d)
{
	return (dispatch_recording(d) + d->unrecorded.n + d->calling.n);
}

int
dispatch_live(const struct dispatch *d, size_t i,
    struct dispatch_live *ret_live)
{
	const struct worker *w;

	if (i >= d->nworkers)
		return (-1);
	w = &d->workers[i];
	*ret_live = (struct dispatch_live){
		.number = w->number,
		.name = w->name,
		.paused = w->paused,
		.probing = w->gate.probing,
		.under_way = w->gate.under_way,
		.attempts = w->attempts,
	};
	return (0);
}

const struct histogram *
dispatch_ages(const struct dispatch *d)
{
	return (&d->ages);
}

void
dispatch_stats(const struct dispatch *d, struct dispatch_stats *ret)
{
	*ret = d->stats;
}

struct dispatch *
dispatch_new(struct event_base *base, struct store *st,
    const struct handler_env *env, const struct steady *clock)
{
	struct dispatch *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	TAILQ_INIT(&d->held);
	TAILQ_INIT(&d->opened);
	run_queue_init(&d->starting);
	run_queue_init(&d->recording);
	run_queue_init(&d->calling);
	run_queue_init(&d->unrecorded);
	TAILQ_INIT(&d->retired);
	d->st = st;
	d->env = env;
	histogram_init(&d->ages, ages_ms, sizeof(ages_ms) / sizeof(ages_ms[0]));
	d->slice_end_us = clock_mono_us();
	d->clock = clock;
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
	assert(dispatch_recording(d) == 0 && d->calling.n == 0);
	if (d->turn != NULL)
		event_free(d->turn);
	if (d->due != NULL)
		event_free(d->due);
	held_clear(&d->held);
	held_clear(&d->opened);
	while ((run = TAILQ_FIRST(&d->unrecorded.list)) != NULL)
		run_free(run);
	workers_free(d, d->workers, d->nworkers);
	engines_sweep(d);
	for (size_t i = 0; i < d->nunknown; i++)
		free(d->unknown[i]);
	free(d);
}
