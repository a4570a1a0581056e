#include "server/alert/alert_silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/alert/alerts.h"
#include "server/alert/usual_hours.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/steady.h"
#include "server/intake/branches.h"
#include "server/intake/ingest.h"
#include "store/base/parse.h"
#include "store/base/timeval.h"
#include "store/store_read.h"

#define HOUR_MS INT64_C(3600000)

struct alert_silence {
	struct store *st;
	struct ingest *in;
	const struct steady *clock;
	struct alerts *alerts;
	struct event *timer;
	int64_t silence_ms;
	int64_t before; /* events with smaller numbers are still to be read */
	unsigned pages;
	bool begun; /* to read back */
	bool read;  /* back to where it is of no more use */
	bool stopped;
	struct usual_hours hours[BRANCHES_MAX]; /* as in ingest_branches() */
};

/* -- What came in before the start -- */

/* Note one, and that its branch was seen. */
static void
note_event(struct alert_silence *s, const struct store_event *ev)
{
	const struct branches *b = ingest_branches(s->in);

	if (ev->origin == STORE_INTERNAL || ev->repeat_of != 0 ||
	    ev->branch == NULL || ev->date_doubted)
		return;
	ingest_seen(s->in, ev->branch, ev->came_at);
	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->list[i].name, ev->branch) == 0)
			usual_hours_note(&s->hours[i], ev->received_at_ms);
	}
}

static void
read_on(struct alert_silence *s)
{
	const struct timeval tv = timeval_of_ms(ALERT_SILENCE_PAUSE_MS);

	if (!s->stopped)
		(void)evtimer_add(s->timer, &tv);
}

/* store_events_fn: a page of them. */
static void
page_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct alert_silence *s = arg;
	int64_t oldest_ms = clock_wall_ms() - USUAL_HOURS_KNOWN_MS;
	bool more = n > 0;

	if (rc != STORE_OK) {
		log_debug("alert: earlier events are not read: %s", reason);
		read_on(s);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		note_event(s, rows[i].ev);
		more = more && rows[i].ev->received_at_ms >= oldest_ms;
		s->before = rows[i].ev->id;
	}
	if (more && ++s->pages < ALERT_SILENCE_PAGES)
		read_on(s);
	else
		s->read = true;
}

/* evtimer: the next page. */
static void
silence_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct alert_silence *s = arg;
	/* With jobs, which are not wanted, since then the rows are brief. */
	const struct store_filter next = { .limit = STORE_PAGE_MAX,
		.before = s->before,
		.with_jobs = true };

	(void)fd;
	(void)what;
	if (store_list_events(s->st, &next, page_cb, s) == -1)
		read_on(s);
}

/* -- What is so -- */

static void
look_at_branch(struct alert_silence *s, size_t i, int64_t now_ms)
{
	const struct branch *b = &ingest_branches(s->in)->list[i];
	int64_t last_ms = now_ms - steady_since(steady_now(s->clock), b->last);
	char sentence[ALERT_SENTENCE_MAX], last[FORMAT_TIME_MAX];
	unsigned missed;

	if (b->name[0] == '\0') /* what names none is no branch */
		return;
	usual_hours_note(&s->hours[i], last_ms);
	missed = usual_hours_missed(&s->hours[i], last_ms, now_ms);
	if (s->silence_ms == 0 || missed == 0) {
		alerts_clear(s->alerts, ALERT_BRANCH_SILENT, b->name);
		return;
	}
	if (missed * HOUR_MS < s->silence_ms)
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "branch %s is silent: nothing came in %u hours in which something "
	    "usually does; the last came at %s",
	    b->name, missed, format_time(last_ms, last));
	alerts_raise(s->alerts, ALERT_BRANCH_SILENT, b->name, sentence);
}

void
alert_silence_look(struct alert_silence *s)
{
	int64_t now_ms = clock_wall_ms();

	if (!s->read || s->clock->doubt != STEADY_FINE)
		return;
	for (size_t i = 0; i < ingest_branches(s->in)->n; i++)
		look_at_branch(s, i, now_ms);
}

/* -- On and off -- */

void
alert_silence_set(struct alert_silence *s, int64_t silence_ms)
{
	s->silence_ms = silence_ms;
	if (!s->begun && !s->stopped) {
		s->begun = true;
		silence_timer_cb(-1, 0, s);
	}
}

struct alert_silence *
alert_silence_new(const struct alert_silence_options *opt)
{
	struct alert_silence *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->st = opt->st;
	s->in = opt->in;
	s->clock = opt->clock;
	s->alerts = opt->alerts;
	if ((s->timer = evtimer_new(opt->base, silence_timer_cb, s)) == NULL) {
		free(s);
		return (NULL);
	}
	return (s);
}

void
alert_silence_stop(struct alert_silence *s)
{
	if (s == NULL)
		return;
	s->stopped = true;
	(void)evtimer_del(s->timer);
}

void
alert_silence_free(struct alert_silence *s)
{
	if (s == NULL)
		return;
	event_free(s->timer);
	free(s);
}
