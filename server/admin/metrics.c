#include "server/admin/metrics.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "store/base/timeval.h"

#define FRESH_MS 1000
#define FRESH_FACTOR 10 /* or so many times as long as counting took */

/* Somebody who asked. */
struct waiter {
	TAILQ_ENTRY(waiter) link;
	int64_t since_ms;
	metrics_done_fn *done;
	void *arg;
};

struct metrics {
	struct metrics_sources from;
	struct metrics_figures figures;
	TAILQ_HEAD(, waiter) waiters; /* oldest first */
	struct event *timer;          /* to answer the first of them */
	bool asked;                   /* the store is counting */
	int64_t asked_ms;
	int64_t took_ms; /* the last time */
};

static int64_t
now_ms(void)
{
	return (clock_mono_us() / 1000);
}

/* -- What the store counted -- */

static void
figures_clear(struct metrics_figures *figures)
{
	for (size_t i = 0; figures->known && i < figures->f.nhandlers; i++)
		free((void *)figures->handlers[i].name);
	free(figures->handlers);
	*figures = (struct metrics_figures){ 0 };
}

/* Keep a copy; what is NULL for want of memory is not shown. */
static void
figures_keep(struct metrics_figures *figures, const struct store_figures *f)
{
	struct store_handler_info *handlers;
	size_t n = f->nhandlers;

	figures_clear(figures);
	if ((handlers = calloc(n + 1, sizeof(*handlers))) == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		handlers[i] = f->handlers[i];
		handlers[i].name = strdup(f->handlers[i].name);
		handlers[i].paused_by = NULL;
		handlers[i].paused_why = NULL;
	}
	figures->known = true;
	figures->at_ms = now_ms();
	figures->f = *f;
	figures->f.handlers = handlers;
	figures->handlers = handlers;
}

static bool
figures_fresh(const struct metrics *m)
{
	int64_t fresh_ms = FRESH_FACTOR * m->took_ms;

	if (fresh_ms < FRESH_MS)
		fresh_ms = FRESH_MS;
	return (m->figures.known && now_ms() - m->figures.at_ms < fresh_ms);
}

/* -- Answers -- */

/* Print all and give it to the first `n' who wait. */
static void
metrics_answer(struct metrics *m, size_t n)
{
	char *text = NULL;
	size_t len = 0;
	struct waiter *w;
	FILE *f;

	if ((f = open_memstream(&text, &len)) != NULL) {
		metrics_print(f, &m->from, &m->figures);
		if (fclose(f) != 0) {
			free(text);
			text = NULL;
		}
	}
	while (n-- > 0 && (w = TAILQ_FIRST(&m->waiters)) != NULL) {
		TAILQ_REMOVE(&m->waiters, w, link);
		w->done(text, len, w->arg);
		free(w);
	}
	free(text);
}

static void
metrics_arm(struct metrics *m)
{
	const struct waiter *w = TAILQ_FIRST(&m->waiters);
	int64_t wait_ms = 0;
	struct timeval tv;

	if (w == NULL) {
		(void)evtimer_del(m->timer);
		return;
	}
	if (m->asked)
		wait_ms = w->since_ms + METRICS_WAIT_MS - now_ms();
	tv = timeval_of_ms(wait_ms);
	(void)evtimer_add(m->timer, &tv);
}

/*
 * evtimer: what is known is fresh, or the store takes too long, behind a
 * backup perhaps: what it said last is used.
 */
static void
metrics_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct metrics *m = arg;
	const struct waiter *w;
	int64_t now = now_ms();
	size_t n = 0;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (w, &m->waiters, link)
		n += !m->asked || w->since_ms + METRICS_WAIT_MS <= now;
	if (n > 0)
		metrics_answer(m, n);
	metrics_arm(m);
}

/* store_figures_fn */
static void
metrics_counted_cb(enum store_rc rc, const struct store_figures *f,
    const char *reason, void *arg)
{
	struct metrics *m = arg;

	(void)reason; /* the store's health is a metric of its own */
	m->asked = false;
	m->took_ms = now_ms() - m->asked_ms;
	if (rc == STORE_OK)
		figures_keep(&m->figures, f);
	metrics_answer(m, SIZE_MAX);
	metrics_arm(m);
}

int
metrics_ask(struct metrics *m, metrics_done_fn *done, void *arg)
{
	struct waiter *w;

	if ((w = malloc(sizeof(*w))) == NULL)
		return (-1);
	w->since_ms = now_ms();
	w->done = done;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&m->waiters, w, link);
	if (!m->asked && !figures_fresh(m)) {
		m->asked_ms = w->since_ms;
		m->asked =
		    store_measure(m->from.st, metrics_counted_cb, m) == 0;
	}
	metrics_arm(m);
	return (0);
}

struct metrics *
metrics_new(struct event_base *base, const struct metrics_sources *from)
{
	struct metrics *m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (NULL);
	TAILQ_INIT(&m->waiters);
	m->from = *from;
	if ((m->timer = evtimer_new(base, metrics_timer_cb, m)) == NULL) {
		free(m);
		return (NULL);
	}
	return (m);
}

void
metrics_flush(struct metrics *m)
{
	if (m != NULL && !TAILQ_EMPTY(&m->waiters))
		metrics_answer(m, SIZE_MAX);
}

void
metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	figures_clear(&m->figures);
	event_free(m->timer);
	free(m);
}
