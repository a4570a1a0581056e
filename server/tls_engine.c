/*
 * tls_engine.c -- handshakes under way, their deadline, turns, counters.
 *
 * A handshake costs milliseconds of the loop where a request costs
 * microseconds. So what arrives for one is not worked on at once: it waits for
 * its turn, and one turn of the loop spends at most TURN_US (and the step it is
 * in) on all of them together. Those that have had a step go first: when there
 * are more than the machine can do, it is better to finish some in time than to
 * work on all until the deadline of each.
 *
 * libevent runs an event that is made active by a callback in the same turn:
 * that is right for what is to be sent (kick), and wrong for what must let
 * others go first. Those wait for a timer of no length, before which the loop
 * looks at its sockets.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "server/clock.h"
#include "server/tls_private.h"

#define TURN_US 4000

static void
arm(struct event *timer, int64_t wait_ms)
{
	struct timeval tv = { 0, 0 };

	if (wait_ms > 0) {
		tv.tv_sec = (time_t)(wait_ms / 1000);
		tv.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000);
	}
	(void)evtimer_add(timer, &tv);
}

/* event: connections have something to send. */
static void
engine_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct tls_engine *e = arg;
	struct tls_filter *f;

	(void)fd;
	(void)what;
	while ((f = TAILQ_FIRST(&e->kicked)) != NULL) {
		TAILQ_REMOVE(&e->kicked, f, kicked_next);
		f->kicked = false;
		tls_filter_pump(f);
	}
}

/* Whose turn it is. */
static struct tls_filter *
next_waiting(struct tls_engine *e)
{
	struct tls_filter *f = TAILQ_FIRST(&e->begun);

	return (f != NULL ? f : TAILQ_FIRST(&e->fresh));
}

static void
stop_waiting(struct tls_filter *f)
{
	if (f->waits_in != NULL)
		TAILQ_REMOVE(f->waits_in, f, waiting_next);
	f->waits_in = NULL;
}

/* evtimer: handshakes can go on. */
static void
engine_turn_cb(evutil_socket_t fd, short what, void *arg)
{
	struct tls_engine *e = arg;
	int64_t end_us = clock_mono_us() + TURN_US;
	struct tls_filter *f;

	(void)fd;
	(void)what;
	while ((f = next_waiting(e)) != NULL) {
		stop_waiting(f);
		f->stepped = true;
		tls_filter_step(f);
		if (clock_mono_us() >= end_us)
			break;
	}
	if (next_waiting(e) != NULL)
		arm(e->turn, 0);
}

/* evtimer: the oldest handshake may have had its time. */
static void
engine_deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct tls_engine *e = arg;
	int64_t now_ms = clock_mono_us() / 1000;
	struct tls_filter *f;

	(void)fd;
	(void)what;
	while ((f = TAILQ_FIRST(&e->handshakes)) != NULL &&
	       f->deadline_ms <= now_ms)
		tls_end_late(f);
	if (f != NULL)
		arm(e->deadline, f->deadline_ms - now_ms);
}

struct tls_engine *
tls_engine_new(struct event_base *base, const struct tls_engine_options *opt)
{
	struct tls_engine *e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (NULL);
	e->base = base;
	e->opt = *opt;
	e->refs = 1;
	TAILQ_INIT(&e->kicked);
	TAILQ_INIT(&e->begun);
	TAILQ_INIT(&e->fresh);
	TAILQ_INIT(&e->handshakes);
	if ((e->kick = event_new(base, -1, 0, engine_kick_cb, e)) == NULL ||
	    (e->turn = evtimer_new(base, engine_turn_cb, e)) == NULL ||
	    (e->deadline = evtimer_new(base, engine_deadline_cb, e)) == NULL) {
		tls_engine_free(e);
		return (NULL);
	}
	return (e);
}

void
tls_engine_set_timeout(struct tls_engine *e, int64_t handshake_timeout_ms)
{
	e->opt.handshake_timeout_ms = handshake_timeout_ms;
}

void
tls_engine_stats(const struct tls_engine *e, struct tls_stats *ret_stats)
{
	*ret_stats = e->stats;
}

void
tls_engine_kick(struct tls_filter *f)
{
	struct tls_engine *e = f->engine;

	if (f->kicked || e->kick == NULL)
		return;
	f->kicked = true;
	TAILQ_INSERT_TAIL(&e->kicked, f, kicked_next);
	event_active(e->kick, EV_TIMEOUT, 0);
}

void
tls_engine_wait(struct tls_filter *f)
{
	struct tls_engine *e = f->engine;

	if (f->waits_in != NULL || e->turn == NULL)
		return;
	if (next_waiting(e) == NULL)
		arm(e->turn, 0);
	f->waits_in = f->stepped ? &e->begun : &e->fresh;
	TAILQ_INSERT_TAIL(f->waits_in, f, waiting_next);
}

void
tls_engine_begin(struct tls_filter *f)
{
	struct tls_engine *e = f->engine;

	f->deadline_ms = clock_mono_us() / 1000 + e->opt.handshake_timeout_ms;
	TAILQ_INSERT_TAIL(&e->handshakes, f, handshakes_next);
	e->stats.handshaking++;
	if (e->deadline != NULL && !evtimer_pending(e->deadline, NULL))
		arm(e->deadline, e->opt.handshake_timeout_ms);
}

void
tls_engine_end(struct tls_filter *f)
{
	struct tls_engine *e = f->engine;

	TAILQ_REMOVE(&e->handshakes, f, handshakes_next);
	e->stats.handshaking--;
	if (e->opt.fewer != NULL)
		e->opt.fewer(e->opt.arg);
}

void
tls_engine_forget(struct tls_filter *f)
{
	struct tls_engine *e = f->engine;

	if (f->kicked)
		TAILQ_REMOVE(&e->kicked, f, kicked_next);
	f->kicked = false;
	stop_waiting(f);
}

void
tls_engine_unref(struct tls_engine *e)
{
	if (--e->refs == 0)
		free(e);
}

void
tls_engine_free(struct tls_engine *e)
{
	if (e == NULL)
		return;
	if (e->kick != NULL)
		event_free(e->kick);
	if (e->turn != NULL)
		event_free(e->turn);
	if (e->deadline != NULL)
		event_free(e->deadline);
	e->kick = e->turn = e->deadline = NULL;
	e->opt.fewer = NULL;
	tls_engine_unref(e);
}
