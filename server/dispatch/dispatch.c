#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch_private.h"
#include "store/base/timeval.h"

/* The longest that the timer is armed for. */
#define DISPATCH_ARM_MAX_US (INT64_C(3600) * 1000000)

/* Bounds for what is done: from at once to after a night. */
static const int64_t ages_ms[] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500,
	5000, 15000, 60000, 300000, 1800000, 7200000, 28800000, 86400000 };

void
dispatch_slept(struct dispatch *d)
{
	dispatch_wake(d);
}

void
dispatch_expect(struct dispatch *d, size_t deliveries)
{
	pace_expect(&d->pace, deliveries, clock_mono_us());
	if (deliveries == 0)
		dispatch_wake(d); /* to wait for the calm */
}

void
dispatch_has_room(struct dispatch *d)
{
	dispatch_wake(d);
}

void
dispatch_set_journal(struct dispatch *d, struct journal *j)
{
	d->journal = j;
}

static struct moment
moment(const struct dispatch *d)
{
	return ((struct moment){ clock_mono_us(), dispatch_now(d) });
}

/* The job that the handler may start now; NULL: none. */
static struct run *
choose(const struct dispatch *d, const struct live_handler *live,
    struct moment now, enum gate_class *ret_class)
{
	struct turn turn = live_handler_turn(live, &d->pace, now);

	return (
	    live_handler_has_room(live) ? turn_choose(&turn, ret_class) : NULL);
}

/* May any handler start a job? */
static bool
dispatch_may_start(const struct dispatch *d)
{
	struct moment now = moment(d);
	enum gate_class class;

	for (size_t i = 0; i < d->nhandlers; i++) {
		if (choose(d, &d->handlers[i], now, &class) != NULL)
			return (true);
	}
	return (false);
}

/* -- The pump -- */

/* In how many us a handler has something to do by itself; INT64_MAX: never. */
static int64_t
next_us(const struct dispatch *d, const struct live_handler *live)
{
	struct moment now = moment(d);
	struct turn turn = live_handler_turn(live, &d->pace, now);
	int64_t turn_us = turn_next_us(&turn);
	int64_t ms = backlog_next_ms(&live->backlog, now.steady);

	if (!live_handler_has_room(live))
		return (INT64_MAX);
	return (ms == INT64_MAX || turn_us < ms * 1000 ? turn_us : ms * 1000);
}

/* Arm the timer for what comes next without anything else happening. */
static void
dispatch_arm(struct dispatch *d)
{
	int64_t wait_us = INT64_MAX;
	struct timeval tv;

	for (size_t i = 0; i < d->nhandlers && !d->stopped; i++) {
		int64_t us = next_us(d, &d->handlers[i]);

		if (us < wait_us)
			wait_us = us;
	}
	if (d->rest_until_us != 0)
		wait_us = d->rest_until_us - clock_mono_us();
	if (wait_us == INT64_MAX) {
		(void)evtimer_del(d->timer);
		return;
	}
	if (wait_us < 1000)
		wait_us = 1000;
	if (wait_us > DISPATCH_ARM_MAX_US)
		wait_us = DISPATCH_ARM_MAX_US;
	tv = timeval_of_us(wait_us);
	(void)evtimer_add(d->timer, &tv);
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

/* Hand on a job whose turn it is. */
static void
dispatch_begin(struct dispatch *d, struct live_handler *live, struct run *run,
    struct moment now)
{
	turn_taken(&live->turns, run->class);
	pace_begin(&d->pace);
	run->load = pace_load(&run->job, now.steady);
	run->outlet = live->outlet;
	if (live->outlet)
		run_call(run, live);
	else
		run_project(run, live);
}

/* Start the next job, of the next handler that may; false: none may. */
static bool
dispatch_start_next(struct dispatch *d)
{
	struct moment now = moment(d);
	enum gate_class class;
	struct run *run;

	for (size_t n = 0; n < d->nhandlers; n++) {
		size_t i = (d->next + n) % d->nhandlers;

		run = choose(d, &d->handlers[i], now, &class);
		if (run == NULL)
			continue;
		d->next = (i + 1) % d->nhandlers;
		run->class = class;
		dispatch_begin(d, &d->handlers[i], run, now);
		return (true);
	}
	return (false);
}

/* Start what may start, within this turn's slice. */
static void
dispatch_start(struct dispatch *d, int64_t start_us)
{
	int64_t slice_us = slice_length(d, start_us);
	size_t n;

	log_hold(); /* a line for each of them */
	for (n = 0;
	     !slice_over(start_us + slice_us, n) && dispatch_start_event(d);
	     n++)
		;
	log_release();
	start_us = clock_mono_us();
	for (n = 0; !slice_over(start_us + slice_us, n) &&
		    d->rest_until_us == 0 && dispatch_start_next(d);
	     n++)
		;
}

/* Move what has waited long enough; have the store asked for the rest. */
static void
dispatch_check_due(struct dispatch *d, struct live_handler *live)
{
	struct steady_time now = dispatch_now(d);
	struct run *run;

	backlog_check_due(&live->backlog, now);
	while ((run = backlog_over(&live->backlog, now)) != NULL)
		run_move(run, RUN_QUEUED);
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

	instances_sweep(&d->closing);
	if (d->rest_until_us > start_us) {
		dispatch_arm(d);
		return;
	}
	d->rest_until_us = 0;
	dispatch_record_again(d);
	if (!d->stopped) {
		dispatch_start(d, start_us);
		for (size_t i = 0; i < d->nhandlers; i++) {
			live_handler_let_go(d, &d->handlers[i]);
			dispatch_check_due(d, &d->handlers[i]);
			live_handler_fetch(d, &d->handlers[i]);
		}
		if (held_has_answered(&d->held) || dispatch_may_start(d))
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
dispatch_pump_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dispatch_pump(arg);
}

/* Active: a turn of the loop has begun calls that may go out together. */
static void
dispatch_flush_cb(evutil_socket_t fd, short what, void *arg)
{
	struct dispatch *d = arg;
	struct shared_instance *shared;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < d->nhandlers; i++)
		instance_flush(d->handlers[i].shared);
	TAILQ_FOREACH (shared, &d->closing, link)
		instance_flush(shared);
}

void
dispatch_stop(struct dispatch *d)
{
	while (dispatch_start_event(d))
		;
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
	held_init(&d->held);
	run_queue_init(&d->starting);
	run_queue_init(&d->recording);
	run_queue_init(&d->calling);
	run_queue_init(&d->unrecorded);
	TAILQ_INIT(&d->closing);
	d->st = st;
	d->env = env;
	histogram_init(&d->ages, ages_ms, sizeof(ages_ms) / sizeof(ages_ms[0]));
	d->slice_end_us = clock_mono_us();
	d->clock = clock;
	if ((d->pump = evtimer_new(base, dispatch_pump_cb, d)) == NULL ||
	    (d->timer = evtimer_new(base, dispatch_pump_cb, d)) == NULL ||
	    (d->flush = event_new(base, -1, 0, dispatch_flush_cb, d)) == NULL) {
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
	if (d->pump != NULL)
		event_free(d->pump);
	if (d->timer != NULL)
		event_free(d->timer);
	if (d->flush != NULL)
		event_free(d->flush);
	held_fini(&d->held);
	while ((run = TAILQ_FIRST(&d->unrecorded.list)) != NULL)
		run_free(run);
	live_handlers_free(d);
	instances_sweep(&d->closing);
	for (size_t i = 0; i < d->nunknown_types; i++)
		free(d->unknown_types[i]);
	free(d);
}
