#include "handlers/queue/calls.h"

#include <stdlib.h>

#include <event2/event.h>

#include "handlers/net/net_clock.h"
#include "store/base/timeval.h"

#define BUCKETS 256 /* a power of two; an outlet has 64 calls at most */

struct queue_calls {
	const struct handler_env *env;
	int64_t timeout_us;
	queue_late_fn *late;
	void *arg;
	struct queue_call_list waiting, sent;
	/* Whose deadline is to come, the earliest first: all have one time. */
	struct queue_call_list timed;
	LIST_HEAD(, queue_call) buckets[BUCKETS]; /* by dispatch's call */
	struct event *timer;
	int64_t stood_us;    /* how long the clocks stood still */
	int64_t held_us;     /* since when they do; 0: they do not */
	bool reporting;      /* calls_late_cb() is at work */
	bool destroyed_flag; /* it frees them when it is done */
};

/* The clock of the calls. */
static int64_t
calls_now_us(const struct queue_calls *calls)
{
	return ((calls->held_us != 0 ? calls->held_us : net_clock_us()) -
		calls->stood_us);
}

/* -- Deadlines -- */

/* Have the timer wake us for the earliest one, if it is not armed already. */
static void
calls_arm(struct queue_calls *calls)
{
	const struct queue_call *first = TAILQ_FIRST(&calls->timed);
	struct timeval tv;

	if (first == NULL || calls->held_us != 0 ||
	    evtimer_pending(calls->timer, NULL))
		return;
	tv = timeval_of_us(first->deadline_us - calls_now_us(calls));
	(void)evtimer_add(calls->timer, &tv);
}

/* evtimer: a deadline may be over, if its call has not ended since. */
static void
calls_late_cb(evutil_socket_t fd, short what, void *arg)
{
	struct queue_calls *calls = arg;
	struct queue_call *qc;

	(void)fd;
	(void)what;
	calls->reporting = true;
	while (!calls->destroyed_flag && calls->held_us == 0 &&
	       (qc = TAILQ_FIRST(&calls->timed)) != NULL &&
	       qc->deadline_us <= calls_now_us(calls)) {
		TAILQ_REMOVE(&calls->timed, qc, timed_next);
		qc->timed = false;
		calls->late(calls->arg, qc);
	}
	calls->reporting = false;
	if (calls->destroyed_flag)
		queue_calls_free(calls);
	else
		calls_arm(calls);
}

void
queue_calls_hold(struct queue_calls *calls, bool held)
{
	if (held == (calls->held_us != 0))
		return;
	if (held) {
		calls->held_us = net_clock_us();
		(void)evtimer_del(calls->timer);
	} else {
		calls->stood_us += net_clock_us() - calls->held_us;
		calls->held_us = 0;
		calls_arm(calls);
	}
}

/* -- Their life -- */

struct queue_calls *
queue_calls_new(const struct handler_env *env, int64_t timeout_ms,
    queue_late_fn *late, void *arg)
{
	struct queue_calls *calls;

	if ((calls = calloc(1, sizeof(*calls))) == NULL)
		return (NULL);
	calls->env = env;
	calls->timeout_us = timeout_ms * 1000;
	calls->late = late;
	calls->arg = arg;
	TAILQ_INIT(&calls->waiting);
	TAILQ_INIT(&calls->sent);
	TAILQ_INIT(&calls->timed);
	if ((calls->timer = evtimer_new(env->base, calls_late_cb, calls)) ==
	    NULL) {
		free(calls);
		return (NULL);
	}
	return (calls);
}

void
queue_calls_free(struct queue_calls *calls)
{
	if (calls == NULL)
		return;
	calls->destroyed_flag = true;
	if (calls->reporting)
		return;
	event_free(calls->timer);
	free(calls);
}

/* Where a call of dispatch is found again. */
static size_t
bucket_of(const struct handler_call *call)
{
	uint64_t bits = (uint64_t)(uintptr_t)call * 0x9e3779b97f4a7c15;

	return ((size_t)(bits >> 32) % BUCKETS);
}

struct queue_call *
queue_call_add(struct queue_calls *calls, struct handler_call *call)
{
	struct queue_call *qc;

	if ((qc = calloc(1, sizeof(*qc))) == NULL)
		return (NULL);
	qc->call = call;
	qc->deadline_us = calls_now_us(calls) + calls->timeout_us;
	qc->timed = true;
	TAILQ_INSERT_TAIL(&calls->waiting, qc, next);
	TAILQ_INSERT_TAIL(&calls->timed, qc, timed_next);
	LIST_INSERT_HEAD(&calls->buckets[bucket_of(call)], qc, found_next);
	calls_arm(calls);
	return (qc);
}

/* Take it out of all lists. */
static void
call_unlink(struct queue_calls *calls, struct queue_call *qc)
{
	if (qc->sent)
		TAILQ_REMOVE(&calls->sent, qc, next);
	else
		TAILQ_REMOVE(&calls->waiting, qc, next);
	if (qc->timed)
		TAILQ_REMOVE(&calls->timed, qc, timed_next);
	LIST_REMOVE(qc, found_next);
}

static void
call_free(struct queue_call *qc)
{
	free(qc->bytes);
	free(qc->more);
	free(qc);
}

void
queue_call_end(struct queue_calls *calls, struct queue_call *qc,
    const struct handler_result *result)
{
	const struct handler_env *env = calls->env;

	call_unlink(calls, qc);
	env->finish(env->arg, qc->call, result);
	call_free(qc);
}

void
queue_calls_cancel(struct queue_calls *calls, struct handler_call *call)
{
	struct queue_call *qc;

	LIST_FOREACH(qc, &calls->buckets[bucket_of(call)], found_next)
	{
		if (qc->call == call)
			break;
	}
	if (qc == NULL)
		return;
	call_unlink(calls, qc);
	call_free(qc);
}

/* -- Their order -- */

struct queue_call *
queue_calls_waiting(const struct queue_calls *calls)
{
	return (TAILQ_FIRST(&calls->waiting));
}

struct queue_call *
queue_calls_sent(const struct queue_calls *calls)
{
	return (TAILQ_FIRST(&calls->sent));
}

void
queue_call_sent(struct queue_calls *calls, struct queue_call *qc)
{
	if (qc->sent)
		TAILQ_REMOVE(&calls->sent, qc, next);
	else
		TAILQ_REMOVE(&calls->waiting, qc, next);
	qc->sent = true;
	TAILQ_INSERT_TAIL(&calls->sent, qc, next);
}
