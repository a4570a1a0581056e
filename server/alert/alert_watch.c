#include "server/alert/alert_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/alert/alert_machine.h"
#include "server/alert/alert_refused.h"
#include "server/alert/alert_silence.h"
#include "server/alert/alerts.h"
#include "server/base/clock.h"
#include "server/dispatch/dispatch.h"
#include "store/base/timeval.h"
#include "store/store_read.h"

/* Counting may take so small a part of the reader's time: 1 of so many. */
#define COUNT_SHARE 10

struct alert_watch {
	struct store *st;
	struct dispatch *d;
	struct alerts *alerts;
	struct alert_machine machine;
	struct alert_refused refused;
	struct alert_silence *silence;
	struct event *timer;
	int64_t asked_us; /* the store counts since then; 0: it does not */
	int64_t took_us;  /* the last time */
	bool stopped;
};

/* -- Handlers -- */

static void
look_at_handler(struct alert_watch *w, const struct dispatch_live *live)
{
	char sentence[ALERT_SENTENCE_MAX];
	int64_t ms;

	if (live->works)
		alerts_clear(w->alerts, ALERT_HANDLER_FAILING, live->name);
	if (live->failing_since.ms == 0)
		return;
	ms = steady_since(dispatch_now(w->d), live->failing_since);
	if (ms < alerts_after_ms(w->alerts))
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "handler %s has failed for %" PRId64 " minutes: %s", live->name,
	    ms / 60000, live->error == NULL ? "?" : live->error);
	alerts_raise(w->alerts, ALERT_HANDLER_FAILING, live->name, sentence);
}

static void
look_at_handlers(struct alert_watch *w)
{
	struct dispatch_live live;

	for (size_t i = 0; dispatch_live(w->d, i, &live) == 0; i++)
		look_at_handler(w, &live);
}

static bool
is_configured(const struct alert_watch *w, const char *name)
{
	struct dispatch_live live;

	for (size_t i = 0; dispatch_live(w->d, i, &live) == 0; i++) {
		if (strcmp(live.name, name) == 0)
			return (true);
	}
	return (false);
}

/* One that was removed, now or before the start, fails no longer. */
static void
look_at_removed(struct alert_watch *w, const struct store_handler_info *h)
{
	char sentence[ALERT_SENTENCE_MAX];

	if (is_configured(w, h->name))
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "handler %s was removed from the configuration", h->name);
	alerts_end(w->alerts, ALERT_HANDLER_FAILING, h->name, sentence);
}

/* -- What the store counts -- */

/* Dead jobs of alerts make no alert: it might not arrive either. */
static void
look_at_dead(struct alert_watch *w, const struct store_handler_info *h)
{
	uint64_t dead = h->dead - h->dead_alerts;
	char sentence[ALERT_SENTENCE_MAX];

	if (dead == 0) {
		alerts_clear(w->alerts, ALERT_JOB_DEAD, h->name);
		return;
	}
	(void)snprintf(sentence, sizeof(sentence),
	    "%" PRIu64 " %s dead at handler %s: not done, and not tried again",
	    dead, dead == 1 ? "job is" : "jobs are", h->name);
	alerts_raise(w->alerts, ALERT_JOB_DEAD, h->name, sentence);
}

/* store_figures_fn */
static void
counted_cb(enum store_rc rc, const struct store_figures *f, const char *reason,
    void *arg)
{
	struct alert_watch *w = arg;

	(void)reason; /* that the store is in trouble is seen elsewhere */
	w->took_us = clock_mono_us() - w->asked_us;
	w->asked_us = 0;
	if (rc != STORE_OK || w->stopped)
		return;
	for (size_t i = 0; i < f->nhandlers; i++) {
		look_at_dead(w, &f->handlers[i]);
		look_at_removed(w, &f->handlers[i]);
	}
	alert_machine_counted(&w->machine, f);
	alerts_looked(w->alerts);
}

static void
watch_arm(struct alert_watch *w)
{
	int64_t wait_ms = alerts_look_ms(w->alerts);
	struct timeval tv;

	if (wait_ms < w->took_us * COUNT_SHARE / 1000)
		wait_ms = w->took_us * COUNT_SHARE / 1000;
	tv = timeval_of_ms(wait_ms);
	(void)evtimer_add(w->timer, &tv);
}

/* evtimer: look at all. */
static void
watch_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct alert_watch *w = arg;

	(void)fd;
	(void)what;
	look_at_handlers(w);
	alert_machine_look(&w->machine);
	alert_refused_look(&w->refused, dispatch_now(w->d));
	alert_silence_look(w->silence);
	if (w->asked_us == 0) {
		w->asked_us = clock_mono_us();
		if (store_measure(w->st, counted_cb, w) == -1)
			w->asked_us = 0;
	}
	watch_arm(w);
}

/* -- On and off -- */

void
alert_watch_set_certs(struct alert_watch *w, const struct cert_watch *certs)
{
	w->machine.certs = certs;
}

void
alert_watch_begin(struct alert_watch *w, int64_t silence_ms)
{
	if (w->stopped)
		return;
	alert_silence_set(w->silence, silence_ms);
	watch_timer_cb(-1, 0, w);
}

struct alert_watch *
alert_watch_new(const struct alert_watch_options *opt)
{
	struct alert_watch *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (NULL);
	w->st = opt->st;
	w->d = opt->d;
	w->alerts = opt->alerts;
	w->machine = (struct alert_machine){ .alerts = opt->alerts,
		.st = opt->st,
		.clock = opt->clock };
	w->refused = (struct alert_refused){ .alerts = opt->alerts,
		.rej = opt->rej,
		.in = opt->in };
	w->silence = alert_silence_new(&(struct alert_silence_options){
	    .base = opt->base,
	    .st = opt->st,
	    .in = opt->in,
	    .clock = opt->clock,
	    .alerts = opt->alerts,
	});
	if (w->silence != NULL &&
	    (w->timer = evtimer_new(opt->base, watch_timer_cb, w)) != NULL)
		return (w);
	alert_watch_free(w);
	return (NULL);
}

void
alert_watch_stop(struct alert_watch *w)
{
	if (w == NULL)
		return;
	w->stopped = true;
	(void)evtimer_del(w->timer);
	alert_silence_stop(w->silence);
}

void
alert_watch_free(struct alert_watch *w)
{
	if (w == NULL)
		return;
	if (w->timer != NULL)
		event_free(w->timer);
	alert_silence_free(w->silence);
	free(w);
}
