/*
 * tls_engine.c -- handshakes under way, their deadline, turns, counters.
 *
 * A handshake costs milliseconds where a request costs microseconds. So what
 * arrives for one is not worked on at once: it waits for its turn. A server's
 * are computed one after the other in a thread of their own, and hold up
 * nobody; without one a turn of the loop spends at most TURN_US (and the step
 * it is in) on all of them together. First go those whose address has the
 * fewest under way (tls_engine_options): a flood from one address does not hold
 * up the others. Of equals those that have had a step go first: when there are
 * more than the machine can do, it is better to finish some in time than to
 * work on all until the deadline of each. For the same reason only so many are
 * begun at a time, and the others wait.
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

#include "server/base/clock.h"
#include "server/tls/tls_engine.h"
#include "server/tls/tls_worker.h"
#include "store/base/timeval.h"

#define TURN_US 1000
#define CROWDED_MS 100 /* to look for stalled ones, while others wait */

struct tls_engine {
	struct event_base *base;
	struct tls_engine_options opt;
	unsigned refs; /* the owner's, and one per connection */
	struct event *kick;
	struct event *turn;
	struct event *deadline;
	struct tls_handshake_list kicked; /* have something to send */
	struct tls_handshake_list others; /* have much to send, or an end */
	struct tls_handshake_list begun;  /* wait for a turn, not the first */
	struct tls_handshake_list fresh;  /* wait for their first one */
	struct tls_handshake_list timed;  /* not done, oldest first */
	struct tls_stats stats;
	struct tls_worker *worker;       /* NULL: the loop computes */
	struct tls_handshake *computing; /* what it computes; NULL: none */
	bool rests;                      /* its address has several under way */
	int64_t rest_until_us; /* no turn for who has several under way */
	bool crowded; /* some wait: the deadline also looks for idle ones */
};

static void
arm(struct event *timer, int64_t wait_ms)
{
	const struct timeval tv = timeval_of_ms(wait_ms);

	(void)evtimer_add(timer, &tv);
}

/* event: connections have something to send. */
static void
engine_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct tls_engine *e = arg;
	struct tls_handshake *hs;

	(void)fd;
	(void)what;
	while ((hs = TAILQ_FIRST(&e->kicked)) != NULL) {
		TAILQ_REMOVE(&e->kicked, hs, kicked_next);
		hs->kicked = false;
		hs->ops->pump(hs);
	}
}

static size_t
rank_of(const struct tls_handshake *hs)
{
	const struct tls_engine_options *opt = &hs->engine->opt;

	if (opt->rank == NULL || !hs->shaking)
		return (0); /* costs little */
	return (opt->rank(hs->owner, opt->arg));
}

static bool
needs_place(const struct tls_handshake *hs)
{
	return (hs->shaking && !hs->placed);
}

static bool
is_full(const struct tls_engine *e)
{
	return (e->opt.max_handshakes > 0 &&
		e->stats.handshaking >= e->opt.max_handshakes);
}

/* Of a list the first of the lowest rank; NULL: it is empty. */
static struct tls_handshake *
lowest(struct tls_handshake_list *list)
{
	struct tls_handshake *hs, *found = NULL;
	size_t rank, best = 0;

	TAILQ_FOREACH (hs, list, waiting_next) {
		rank = rank_of(hs);
		if (found != NULL && rank >= best)
			continue;
		found = hs;
		if ((best = rank) == 0)
			break;
	}
	return (found);
}

/* Whose turn it is; NULL: who waits has no place yet, if anybody does. */
static struct tls_handshake *
next_waiting(struct tls_engine *e)
{
	struct tls_handshake *begun, *fresh;

	if (!TAILQ_EMPTY(&e->others) || e->computing != NULL)
		return (TAILQ_FIRST(&e->others));
	begun = lowest(&e->begun);
	fresh = lowest(&e->fresh);
	if (fresh == NULL ||
	    (begun != NULL && rank_of(begun) <= rank_of(fresh)))
		return (begun);
	if (needs_place(fresh) && is_full(e) && e->opt.make_room != NULL)
		e->opt.make_room(fresh->owner, e->opt.arg);
	return (needs_place(fresh) && is_full(e) ? begun : fresh);
}

static void
stop_waiting(struct tls_handshake *hs)
{
	if (hs->waits_in == NULL)
		return;
	TAILQ_REMOVE(hs->waits_in, hs, waiting_next);
	hs->waits_in = NULL;
	hs->engine->stats.waiting--;
}

/* The handshake has its place. */
static void
take_place(struct tls_handshake *hs)
{
	struct tls_engine *e = hs->engine;

	hs->placed = true;
	e->stats.handshaking++;
	if (e->opt.shaking != NULL)
		e->opt.shaking(hs->owner, true, e->opt.arg);
}

/*
 * A step has taken that long. An address that has several under way leaves the
 * next turns to others for as long.
 */
static void
computed(struct tls_engine *e, int64_t took_us)
{
	struct tls_handshake *hs = e->computing;
	int64_t now_us = clock_mono_us();

	e->computing = NULL;
	hs->idle_from_us = now_us; /* the peer's turn, if not done */
	if (e->rests)
		e->rest_until_us = now_us + took_us;
	hs->ops->computed(hs);
}

/* One step. */
static void
step(struct tls_handshake *hs, int64_t now_us)
{
	struct tls_engine *e = hs->engine;
	bool rests = rank_of(hs) > 1;

	stop_waiting(hs);
	hs->stepped = true;
	if (needs_place(hs))
		take_place(hs);
	hs->idle_from_us = now_us; /* the peer's turn, if there is no step */
	if (!hs->ops->step(hs))
		return;
	e->computing = hs;
	e->rests = rests;
	if (e->worker != NULL && tls_worker_give(e->worker, hs) == 0)
		return; /* engine_computed_cb() goes on */
	hs->ops->compute(hs);
	computed(e, clock_mono_us() - now_us);
}

/* Give turns, for a turn of the loop's time. */
static void
engine_turn(struct tls_engine *e)
{
	int64_t now_us = clock_mono_us(), end_us = now_us + TURN_US;
	struct tls_handshake *hs;

	while (now_us < end_us && (hs = next_waiting(e)) != NULL) {
		if (now_us < e->rest_until_us && rank_of(hs) > 1) {
			arm(e->turn, (e->rest_until_us - now_us) / 1000 + 1);
			return;
		}
		step(hs, now_us);
		now_us = clock_mono_us();
	}
	if (now_us >= end_us) {
		arm(e->turn, 0); /* there may be more to do */
	} else if (!TAILQ_EMPTY(&e->fresh) && !e->crowded) {
		e->crowded = true;
		arm(e->deadline, CROWDED_MS);
	}
}

/* evtimer: handshakes can go on. */
static void
engine_turn_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	engine_turn(arg);
}

/* tls_worker_fns: in its thread. */
static void
engine_compute_cb(void *work)
{
	struct tls_handshake *hs = work;

	hs->ops->compute(hs);
}

/* tls_worker_fns: the next one need not wait for another turn. */
static void
engine_computed_cb(void *work, void *arg)
{
	struct tls_engine *e = arg;

	(void)work;
	computed(e, tls_worker_took_us(e->worker));
	engine_turn(e);
}

/* -- Deadlines -- */

/* How long the peer has kept its handshake waiting, all in all. */
static int64_t
idle_us(const struct tls_handshake *hs, int64_t now_us)
{
	bool is_ours = hs->waits_in != NULL || tls_engine_computes(hs);

	return (hs->idle_us + (is_ours ? 0 : now_us - hs->idle_from_us));
}

/* Who has a place, makes no use of it, and no more right to it. */
static struct tls_handshake *
most_idle(struct tls_engine *e, size_t rank, int64_t now_us)
{
	struct tls_handshake *hs, *found = NULL;
	int64_t idle, most = TLS_STALL_MS * 1000;

	TAILQ_FOREACH (hs, &e->timed, timed_next) {
		if (!hs->placed || (idle = idle_us(hs, now_us)) < most ||
		    rank_of(hs) < rank)
			continue;
		found = hs;
		most = idle;
	}
	return (found);
}

/* Handshakes of which nothing comes make room for those that wait. */
static void
relieve(struct tls_engine *e, int64_t now_us)
{
	struct tls_handshake *next, *idle;
	size_t n = e->stats.waiting;

	for (; n > 0 && is_full(e); n--) {
		if ((next = lowest(&e->fresh)) == NULL || !needs_place(next) ||
		    (idle = most_idle(e, rank_of(next), now_us)) == NULL)
			return;
		idle->ops->idle(idle);
	}
}

/* evtimer: the oldest handshake may have had its time. */
static void
engine_deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct tls_engine *e = arg;
	int64_t now_us = clock_mono_us(), wait_ms;
	struct tls_handshake *hs;

	(void)fd;
	(void)what;
	while ((hs = TAILQ_FIRST(&e->timed)) != NULL &&
	       hs->deadline_ms <= now_us / 1000)
		hs->ops->late(hs);
	relieve(e, now_us);
	e->crowded = !TAILQ_EMPTY(&e->fresh);
	if ((hs = TAILQ_FIRST(&e->timed)) == NULL)
		return;
	wait_ms = hs->deadline_ms - now_us / 1000;
	if (e->crowded && wait_ms > CROWDED_MS)
		wait_ms = CROWDED_MS;
	arm(e->deadline, wait_ms);
}

struct tls_engine *
tls_engine_new(struct event_base *base, const struct tls_engine_options *opt)
{
	struct tls_worker_fns fns = { engine_compute_cb, engine_computed_cb,
		NULL };
	struct tls_engine *e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (NULL);
	e->base = base;
	e->opt = *opt;
	e->refs = 1;
	TAILQ_INIT(&e->kicked);
	TAILQ_INIT(&e->others);
	TAILQ_INIT(&e->begun);
	TAILQ_INIT(&e->fresh);
	TAILQ_INIT(&e->timed);
	if ((e->kick = event_new(base, -1, 0, engine_kick_cb, e)) == NULL ||
	    (e->turn = evtimer_new(base, engine_turn_cb, e)) == NULL ||
	    (e->deadline = evtimer_new(base, engine_deadline_cb, e)) == NULL) {
		tls_engine_free(e);
		return (NULL);
	}
	fns.arg = e;
	if (opt->has_thread) /* without one the loop does it */
		e->worker = tls_worker_new(base, &fns);
	return (e);
}

void
tls_engine_set_limits(struct tls_engine *e, int64_t handshake_timeout_ms,
    size_t max_handshakes)
{
	e->opt.handshake_timeout_ms = handshake_timeout_ms;
	e->opt.max_handshakes = max_handshakes;
}

void
tls_engine_stats(const struct tls_engine *e, struct tls_stats *ret_stats)
{
	*ret_stats = e->stats;
}

void
tls_engine_kick(struct tls_handshake *hs)
{
	struct tls_engine *e = hs->engine;

	if (hs->kicked || e->kick == NULL)
		return;
	hs->kicked = true;
	TAILQ_INSERT_TAIL(&e->kicked, hs, kicked_next);
	event_active(e->kick, EV_TIMEOUT, 0);
}

void
tls_engine_wait(struct tls_handshake *hs)
{
	struct tls_engine *e = hs->engine;

	if (hs->waits_in != NULL || e->turn == NULL)
		return;
	arm(e->turn, 0);
	if (hs->stepped)
		hs->idle_us += clock_mono_us() - hs->idle_from_us;
	hs->waits_in = !hs->shaking  ? &e->others
		       : hs->stepped ? &e->begun
				     : &e->fresh;
	TAILQ_INSERT_TAIL(hs->waits_in, hs, waiting_next);
	e->stats.waiting++;
}

void
tls_engine_begin(struct tls_handshake *hs)
{
	struct tls_engine *e = hs->engine;

	hs->deadline_ms = clock_mono_us() / 1000 + e->opt.handshake_timeout_ms;
	TAILQ_INSERT_TAIL(&e->timed, hs, timed_next);
	if (e->deadline != NULL && !evtimer_pending(e->deadline, NULL))
		arm(e->deadline, e->opt.handshake_timeout_ms);
}

void
tls_engine_shake(struct tls_handshake *hs)
{
	hs->shaking = true;
	hs->idle_from_us = clock_mono_us();
	take_place(hs);
}

/* Its time, and the handshake if it had begun, are over. */
static void
end(struct tls_handshake *hs)
{
	struct tls_engine *e = hs->engine;

	hs->shaking = false;
	TAILQ_REMOVE(&e->timed, hs, timed_next);
	if (!hs->placed)
		return;
	hs->placed = false;
	e->stats.handshaking--;
	if (e->turn != NULL && !TAILQ_EMPTY(&e->fresh))
		arm(e->turn, 0); /* there is a place for one that waits */
	if (e->opt.shaking != NULL)
		e->opt.shaking(hs->owner, false, e->opt.arg);
}

void
tls_engine_complete(struct tls_handshake *hs, bool resumed)
{
	struct tls_stats *stats = &hs->engine->stats;

	stats->open++;
	stats->handshakes++;
	if (resumed)
		stats->resumed++;
	end(hs);
}

void
tls_engine_fail(struct tls_handshake *hs, bool late)
{
	struct tls_stats *stats = &hs->engine->stats;

	if (late)
		stats->timed_out++;
	else
		stats->failed++;
	end(hs);
}

void
tls_engine_close(struct tls_handshake *hs)
{
	hs->engine->stats.open--;
}

struct event_base *
tls_engine_base(const struct tls_engine *e)
{
	return (e->base);
}

void
tls_engine_join(struct tls_engine *e, struct tls_handshake *hs,
    const struct tls_handshake_ops *ops)
{
	hs->engine = e;
	hs->ops = ops;
	e->refs++;
}

static void
unref(struct tls_engine *e)
{
	if (--e->refs == 0)
		free(e);
}

bool
tls_engine_computes(const struct tls_handshake *hs)
{
	return (hs->engine->computing == hs);
}

bool
tls_engine_leave(struct tls_handshake *hs)
{
	struct tls_engine *e = hs->engine;

	if (hs->kicked)
		TAILQ_REMOVE(&e->kicked, hs, kicked_next);
	hs->kicked = false;
	stop_waiting(hs);
	if (tls_engine_computes(hs))
		return (false);
	unref(e);
	return (true);
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
	e->opt.shaking = NULL;
	e->opt.rank = NULL;
	e->opt.make_room = NULL;
	tls_worker_free(e->worker);
	e->worker = NULL;
	if (e->computing != NULL)
		computed(e, 0);
	unref(e);
}
