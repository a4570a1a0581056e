#include "server/http/http_late.h"

#include <event2/event.h>

#include "server/base/clock.h"

void
http_late_forget(struct http_lates *all, struct http_late *late)
{
	TAILQ_REMOVE(&all->waiting, late, next);
	all->n--;
}

static void
answer_first(struct http_lates *all)
{
	struct http_late *late = TAILQ_FIRST(&all->waiting);

	http_late_forget(all, late);
	all->due(late->request);
}

static void
wait_for_first(struct http_lates *all)
{
	const struct http_late *late = TAILQ_FIRST(&all->waiting);
	int64_t left_us;
	struct timeval tv;

	if (late == NULL)
		return;
	left_us = late->due_us - clock_mono_us();
	if (left_us < 0)
		left_us = 0;
	tv.tv_sec = left_us / 1000000;
	tv.tv_usec = left_us % 1000000;
	(void)evtimer_add(all->timer, &tv);
}

static void
lates_due_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_lates *all = arg;
	int64_t now_us = clock_mono_us();
	const struct http_late *late;

	(void)fd;
	(void)what;
	while ((late = TAILQ_FIRST(&all->waiting)) != NULL &&
	       late->due_us <= now_us)
		answer_first(all);
	wait_for_first(all);
}

void
http_late_add(struct http_lates *all, struct http_late *late,
    struct http_request *r)
{
	if (all->n == HTTP_LATE_MAX)
		answer_first(all);
	late->request = r;
	late->due_us = clock_mono_us() + HTTP_LATE_MS * INT64_C(1000);
	TAILQ_INSERT_TAIL(&all->waiting, late, next);
	all->n++;
	if (!evtimer_pending(all->timer, NULL))
		wait_for_first(all);
}

int
http_lates_init(struct http_lates *all, struct event_base *base,
    void (*due)(struct http_request *r))
{
	all->due = due;
	TAILQ_INIT(&all->waiting);
	all->timer = evtimer_new(base, lates_due_cb, all);
	return (all->timer == NULL ? -1 : 0);
}

void
http_lates_fini(struct http_lates *all)
{
	if (all->timer != NULL)
		event_free(all->timer);
}
