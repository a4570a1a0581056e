/*
 * server_begin.c -- the work that needs a store which can be written: the
 * handlers get their numbers and begin, and deliveries are taken. A store that
 * was not closed properly takes its time to be one; the ports are open before
 * that, and deliveries are answered 503.
 *
 * Nothing here waits. What the store refuses is tried again: when it works
 * again, or a second later.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/app/server_alerts.h"
#include "server/app/server_begin.h"
#include "server/app/server_handlers.h"
#include "server/app/server_parts.h"
#include "server/app/server_upkeep.h"
#include "server/app/server_reconcile.h"
#include "server/app/server_upstreams.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/stats/stats.h"

/* A number that begin_registered_cb() is to fill in. */
struct begin_slot {
	struct begin *b;
	size_t i;
};

struct begin {
	struct server *s;
	size_t missing; /* answers of the store */
	size_t unknown; /* handlers without a number */
	bool failed;    /* one of them was a failure: try again */
	struct store_clock clock;
	struct server_handler *known;
	struct begin_slot slots[];
};

/* A second from now, if nothing else comes before. */
static void
begin_later(struct server *s)
{
	static const struct timeval pause = { 1, 0 };

	(void)evtimer_add(s->work.timer, &pause);
}

/* store_done_fn: the check after an unclean stop is through. */
static void
begin_checked_cb(const struct store_result *res, void *arg)
{
	struct server *s = arg;

	if (res->rc == STORE_OK) {
		s->work.check = "sound";
		log_info("store: checked after an unclean stop: sound");
		return;
	}
	s->work.check = res->rc == STORE_NOTADB ? "damaged" : "failed";
	if (res->rc == STORE_NOTADB) /* the store sees to it by itself */
		log_error("store: checked after an unclean stop: damaged: %s",
		    res->reason);
	else
		log_error("store: cannot be checked after an unclean stop: %s",
		    res->reason);
}

/* Beside the work: it may take long, and nothing waits for it. */
static void
begin_check(struct server *s)
{
	if (store_was_unclean(s->st) &&
	    store_check(s->st, begin_checked_cb, s) == 0)
		s->work.check = "running";
}

/* All is known: to work. That fails only for what stays so. */
static void
begin_work(struct begin *b)
{
	struct server *s = b->s;
	char reason[HANDLER_REASON_MAX];

	clock_watch_take_up(s->clock, &b->clock);
	if (server_set_handlers(s, s->cfg, b->known, reason) == -1 ||
	    server_set_upstreams(s, s->cfg, reason) == -1 ||
	    server_set_reconcile(s, s->cfg, reason) == -1) {
		log_error("cannot start the handlers: %s", reason);
		s->stop.exit_code = 1;
		s->work.hopeless = true;
		(void)event_base_loopbreak(s->base);
		return;
	}
	s->work.begun = true;
	ingest_set_open(s->ingest, true);
	store_set_repeat_window(s->st, s->cfg->repeat_window_ms);
	server_set_upkeep(s, s->cfg);
	server_set_alerts(s, s->cfg);
	stats_begin(s->upkeep.stats);
	begin_check(s);
	if (s->work.listening)
		log_info("store: deliveries are taken");
}

/* An answer is there; with the last one this is over, or begins. */
static void
begin_count(struct begin *b)
{
	struct server *s = b->s;

	if (--b->missing > 0)
		return;
	s->work.begin = NULL;
	if (b->failed)
		begin_later(s);
	else if (!s->stop.draining && !s->work.closing)
		begin_work(b);
	free(b->known);
	free(b);
}

static void
begin_failed(struct begin *b, const char *reason)
{
	if (!b->failed)
		log_warn("store: not ready for the handlers: %s", reason);
	b->failed = true;
}

/* store_clock_fn: where the clocks were left. */
static void
begin_clock_cb(enum store_rc rc, const struct store_clock *kept,
    const char *reason, void *arg)
{
	struct begin *b = arg;

	if (rc == STORE_OK)
		b->clock = *kept;
	else
		begin_failed(b, reason);
	begin_count(b);
}

/* store_handlers_fn: which handlers are paused. */
static void
begin_listed_cb(enum store_rc rc, const struct store_handler_info *rows,
    size_t n, const char *reason, void *arg)
{
	struct begin *b = arg;

	if (rc == STORE_OK)
		server_note_paused(b->known, b->s->cfg->nhandlers, rows, n);
	else
		begin_failed(b, reason);
	begin_count(b);
}

/* All have rows now: which of them are paused? */
static void
begin_list(struct begin *b)
{
	if (store_list_handlers(b->s->st, begin_listed_cb, b) == 0)
		b->missing++;
	else
		begin_failed(b, "out of memory");
}

/* store_done_fn: a handler has its number, or has none. */
static void
begin_registered_cb(const struct store_result *res, void *arg)
{
	struct begin_slot *slot = arg;
	struct begin *b = slot->b;

	if (res->rc == STORE_OK)
		b->known[slot->i].number = res->id;
	else
		begin_failed(b, res->reason);
	if (--b->unknown == 0 && !b->failed)
		begin_list(b);
	begin_count(b);
}

/* Ask the store for all that is needed first. */
static void
begin_ask(struct begin *b)
{
	struct server *s = b->s;

	b->missing = 1; /* this function's own */
	if (store_get_clock(s->st, begin_clock_cb, b) == 0)
		b->missing++;
	else
		begin_failed(b, "out of memory");
	b->unknown = s->cfg->nhandlers;
	for (size_t i = 0; i < s->cfg->nhandlers && !b->failed; i++) {
		b->slots[i] = (struct begin_slot){ .b = b, .i = i };
		if (store_register(s->st, s->cfg->handlers[i].name,
			clock_wall_ms(), begin_registered_cb,
			&b->slots[i]) == 0)
			b->missing++;
		else
			begin_failed(b, "out of memory");
	}
	begin_count(b);
}

void
server_begin(struct server *s)
{
	size_t n = s->cfg->nhandlers;
	struct begin *b;

	if (s->work.begun || s->work.begin != NULL || s->stop.draining ||
	    store_health(s->st) != STORE_READY)
		return;
	b = calloc(1, sizeof(*b) + n * sizeof(b->slots[0]));
	if (b == NULL ||
	    (b->known = calloc(n + 1, sizeof(*b->known))) == NULL) {
		free(b);
		begin_later(s);
		return;
	}
	b->s = s;
	s->work.begin = b;
	begin_ask(b);
}

/* evtimer: it did not work; perhaps now. */
static void
begin_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	server_begin(arg);
}

int
server_open_work(struct server *s)
{
	ingest_set_open(s->ingest, false);
	if ((s->work.timer = evtimer_new(s->base, begin_timer_cb, s)) == NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	server_begin(s);
	while (s->work.begin != NULL)
		store_wait(s->st);
	return (s->work.hopeless ? -1 : 0);
}

void
server_close_work(struct server *s)
{
	s->work.closing = true;
	while (s->work.begin != NULL)
		store_wait(s->st);
	if (s->work.timer != NULL)
		event_free(s->work.timer);
	s->work.timer = NULL;
}
