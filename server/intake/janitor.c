#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/steady.h"
#include "server/intake/janitor.h"
#include "store/base/timeval.h"
#include "store/store.h"

struct janitor {
	struct store *st;
	struct event *timer;
	const struct steady *clock;
	int64_t bodies_ms;
	int64_t ids_ms;
	int64_t purged; /* events, in this round */
	bool busy;      /* the store has been asked */
	bool failing;   /* and that was logged */
	bool stopped;
};

static void
janitor_arm(struct janitor *j, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	j->busy = false;
	if (!j->stopped)
		(void)evtimer_add(j->timer, &tv);
}

/* This round is over: all is purged, or nothing can be now. */
static void
janitor_end(struct janitor *j)
{
	if (j->purged > 0)
		log_info("retention: %" PRId64 " events were purged",
		    j->purged);
	j->purged = 0;
	janitor_arm(j, JANITOR_ROUND_MS);
}

/* It cannot purge: warn, but not every hour. */
static void
janitor_fail(struct janitor *j, const char *reason)
{
	if (!j->failing)
		log_warn("retention: nothing is purged: %s", reason);
	j->failing = true;
	janitor_end(j);
}

/* store_done_fn: a batch was purged, or was not. */
static void
janitor_purged_cb(const struct store_result *res, void *arg)
{
	struct janitor *j = arg;

	switch (res->rc) {
	case STORE_OK:
		if (j->failing)
			log_info("retention: goes on");
		j->failing = false;
		j->purged += res->id;
		if (res->id > 0)
			janitor_arm(j, JANITOR_PAUSE_MS);
		else
			janitor_end(j);
		break;
	case STORE_BUSY: /* purged, but traces are left in the log */
		janitor_arm(j, JANITOR_BUSY_MS);
		break;
	case STORE_EXISTS:
	case STORE_NOTFOUND:
	case STORE_REFUSED:
	case STORE_FULL:
	case STORE_MOVED:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_LOST:
	case STORE_AWAY:
	case STORE_FAILED:
		janitor_fail(j, res->reason);
		break;
	}
}

/* Events as old as that by both clocks; see purge.c for what dates are wrong.
 */
static void
janitor_purge(struct janitor *j)
{
	struct steady_time now = steady_now(j->clock);
	int64_t wall_ms = steady_wall(j->clock, clock_wall(), now).ms;
	const struct store_purge purge = {
		.bodies_before_ms = wall_ms - j->bodies_ms,
		.ids_before_ms = wall_ms - j->ids_ms,
		.bodies_came_before = steady_add(now, -j->bodies_ms),
		.ids_came_before = steady_add(now, -j->ids_ms),
		.now_ms = wall_ms,
		.limit = JANITOR_BATCH,
	};

	if (store_purge(j->st, &purge, janitor_purged_cb, j) == -1)
		janitor_fail(j, "out of memory");
	else
		j->busy = true;
}

/* evtimer: a round is due, or the next batch of one. */
static void
janitor_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct janitor *j = arg;

	(void)fd;
	(void)what;
	if (j->busy)
		return;
	if (!steady_is_proven(j->clock, clock_boot_ms())) {
		janitor_arm(j, JANITOR_PROOF_MS);
		return;
	}
	janitor_purge(j);
}

void
janitor_set(struct janitor *j, int64_t bodies_ms, int64_t ids_ms)
{
	bool first = j->bodies_ms == 0;

	j->bodies_ms = bodies_ms;
	j->ids_ms = ids_ms;
	if (first)
		janitor_arm(j, JANITOR_FIRST_MS);
}

void
janitor_stop(struct janitor *j)
{
	if (j == NULL)
		return;
	j->stopped = true;
	(void)evtimer_del(j->timer);
}

struct janitor *
janitor_new(struct event_base *base, struct store *st,
    const struct steady *clock)
{
	struct janitor *j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return (NULL);
	j->st = st;
	j->clock = clock;
	if ((j->timer = evtimer_new(base, janitor_timer_cb, j)) == NULL) {
		free(j);
		return (NULL);
	}
	return (j);
}

void
janitor_free(struct janitor *j)
{
	if (j == NULL)
		return;
	event_free(j->timer);
	free(j);
}
