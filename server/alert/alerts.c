#include "server/alert/alerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/alert/alert_body.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/steady.h"
#include "server/intake/ingest.h"
#include "store/base/timeval.h"
#include "store/store_read.h"

#define LOOK_MIN_MS 250
#define LOOKS 4 /* within the time after which something is raised */
#define ALIVE_MAX 64

/* An alert, and what is under way with it. */
struct slot {
	struct alerts *of;
	struct alert a;
	enum alert_word sending; /* while it is busy; ALERT_NOTHING: asking */
	bool raised;             /* since the last alerts_sweep() */
	bool warned;             /* that it cannot be sent now */
};

struct alerts {
	struct store *st;
	struct ingest *in;
	const struct steady *clock;
	struct event *timer;
	char receiver[ALERT_RECEIVER_MAX];
	bool shared;
	int64_t after_ms;
	int64_t remind_ms;
	bool begun; /* alerts_set() */
	bool stopped;
	bool full; /* warned of */
	uint64_t looks;
	struct slot *slots[ALERTS_MAX];
	size_t n;
	/* Of a shared store: who serves it. */
	char alive[ALIVE_MAX][ALERT_RECEIVER_MAX];
	size_t nalive;
	bool asking_alive;
};

static void
alerts_arm(struct alerts *a, int64_t ms)
{
	struct timeval tv = timeval_of_ms(ms);

	if (a->begun && !a->stopped)
		(void)evtimer_add(a->timer, &tv);
}

/* -- Who else there is -- */

/* store_receivers_fn */
static void
alive_cb(enum store_rc rc, const struct store_receiver_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct alerts *a = arg;

	(void)reason;
	a->asking_alive = false;
	if (rc != STORE_OK)
		return;
	a->nalive = 0;
	for (size_t i = 0; i < n && a->nalive < ALIVE_MAX; i++) {
		if (rows[i].alive)
			(void)snprintf(a->alive[a->nalive++],
			    sizeof(a->alive[0]), "%s", rows[i].name);
	}
}

static bool
is_alive(const struct alerts *a, const char *receiver)
{
	for (size_t i = 0; i < a->nalive; i++) {
		if (strcmp(a->alive[i], receiver) == 0)
			return (true);
	}
	return (a->nalive == 0); /* nobody knows yet */
}

static bool
is_others(const struct alerts *a, const struct alert *alert)
{
	return (a->shared && alert->sent.receiver[0] != '\0' &&
		strcmp(alert->sent.receiver, a->receiver) != 0);
}

/* -- Telling -- */

/* The branch that it is about, if that is one: handlers may choose by it. */
static const char *
branch_of(const struct alert *a)
{
	return (a->kind == ALERT_BRANCH_SILENT ? a->subject : NULL);
}

static void
send_later(struct slot *s)
{
	if (!s->warned)
		log_warn("alert: %s %s: cannot be stored now; it is sent as "
			 "soon as that works",
		    alert_kind_name(s->a.kind), log_text(s->a.subject));
	s->warned = true;
}

/* ingest_done_fn: it is on its way to the handlers, or not. */
static void
sent_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct slot *s = arg;
	struct alerts *a = s->of;

	(void)event;
	s->a.busy = false;
	switch (rc) {
	case INGEST_RECEIVED:
		s->warned = false;
		alert_note_sent(&s->a, s->sending, steady_now(a->clock),
		    a->receiver);
		alerts_arm(a, 0); /* more may be owed */
		break;
	case INGEST_DUPLICATE: /* another receiver has sent something */
		s->a.known = false;
		break;
	case INGEST_REPEAT: /* these never of an event of our own */
	case INGEST_INVALID:
	case INGEST_TOO_MANY:
	case INGEST_MISFIT:
	case INGEST_PENDING:
	case INGEST_BUSY:
		send_later(s);
		break;
	}
}

static void
send_word(struct slot *s, enum alert_word word)
{
	struct alerts *a = s->of;
	const struct alert_sender from = { a->receiver, clock_wall_ms() };
	char id[ALERT_ID_MAX];
	struct own_event own = {
		.event_id = id,
		.type = alert_type(&s->a, word),
		.branch = branch_of(&s->a),
		.at_ms = from.now_ms,
	};

	alert_id_next(&s->a, id);
	s->sending = word;
	own.body = alert_body(&s->a, word, &from, &own.body_len);
	if (own.body == NULL || ingest_own(a->in, &own, sent_cb, s) == -1) {
		free(own.body);
		send_later(s);
		return;
	}
	s->a.busy = true;
}

/* store_events_fn: what was sent last of it. */
static void
learnt_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct slot *s = arg;
	struct alert_sent sent = { 0 };

	s->a.busy = false;
	if (rc != STORE_OK) {
		log_debug("alert: %s %s: what was sent is not known: %s",
		    alert_kind_name(s->a.kind), log_text(s->a.subject), reason);
		return;
	}
	if (n > 0)
		alert_read(rows[0].ev, &sent);
	alert_resume(&s->a, &sent);
	alerts_arm(s->of, 0);
}

static void
learn(struct slot *s)
{
	char prefix[ALERT_ID_MAX];

	alert_id_prefix(&s->a, prefix);
	if (store_last_event(s->of->st, prefix, learnt_cb, s) == 0)
		s->a.busy = true;
}

static bool
may_clear(const struct alerts *a, const struct alert *alert)
{
	return (alert_kind_is_common(alert->kind) || !is_others(a, alert) ||
		!is_alive(a, alert->sent.receiver));
}

/* Do what is due about one. */
static void
look_at(struct alerts *a, struct slot *s)
{
	const struct alert_terms terms = {
		.now = steady_now(a->clock),
		.remind_ms = a->remind_ms,
		.may_clear = may_clear(a, &s->a),
	};
	const struct selection_event ev = {
		.type = alert_kind_type(s->a.kind),
		.branch = branch_of(&s->a),
	};
	enum alert_word word;

	if (s->a.busy)
		return;
	if (!ingest_takes(a->in, &ev)) {
		alert_drop(&s->a);
		return;
	}
	if (!s->a.known)
		learn(s);
	else if ((word = alert_next(&s->a, &terms)) != ALERT_NOTHING)
		send_word(s, word);
}

/* evtimer: look at all of them. */
static void
alerts_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct alerts *a = arg;

	(void)fd;
	(void)what;
	if (a->shared && !a->asking_alive &&
	    store_list_receivers(a->st, alive_cb, a) == 0)
		a->asking_alive = true;
	for (size_t i = 0; i < a->n; i++) {
		struct slot *s = a->slots[i];

		look_at(a, s);
		/* What another sent may be over by its next word. */
		if (!s->a.busy && is_others(a, &s->a))
			s->a.known = false;
	}
	alerts_arm(a, alerts_look_ms(a));
}

/* -- What is so -- */

/* Make room by one that is idle. Returns its place, or ALERTS_MAX. */
static size_t
free_place(struct alerts *a)
{
	if (a->n < ALERTS_MAX)
		return (a->n);
	for (size_t i = 0; i < a->n; i++) {
		if (alert_is_idle(&a->slots[i]->a)) {
			free(a->slots[i]);
			a->slots[i] = a->slots[--a->n];
			return (a->n);
		}
	}
	if (!a->full)
		log_warn("alert: more than %d at once: further ones are only "
			 "logged",
		    ALERTS_MAX);
	a->full = true;
	return (ALERTS_MAX);
}

static struct slot *
find(struct alerts *a, enum alert_kind kind, const char *subject)
{
	struct slot *s;
	size_t at;

	for (size_t i = 0; i < a->n; i++) {
		s = a->slots[i];
		if (s->a.kind == kind && strncmp(s->a.subject, subject,
					     sizeof(s->a.subject) - 1) == 0)
			return (s);
	}
	if ((at = free_place(a)) == ALERTS_MAX ||
	    (s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->of = a;
	alert_init(&s->a, kind, subject);
	a->slots[at] = s;
	a->n++;
	return (s);
}

void
alerts_raise(struct alerts *a, enum alert_kind kind, const char *subject,
    const char *sentence)
{
	struct slot *s = find(a, kind, subject);

	if (s == NULL)
		return;
	s->raised = true;
	if (!alert_raise(&s->a, sentence, clock_wall_ms()))
		return;
	log_warn("alert: %s %s: %s", alert_kind_name(kind), log_text(subject),
	    log_text(sentence));
	alerts_arm(a, 0);
}

static void
clear(struct alerts *a, struct slot *s)
{
	if (alert_clear(&s->a))
		log_info("alert: %s %s: over", alert_kind_name(s->a.kind),
		    log_text(s->a.subject));
	if (!s->a.known)
		alerts_arm(a, 0);
}

void
alerts_clear(struct alerts *a, enum alert_kind kind, const char *subject)
{
	struct slot *s = find(a, kind, subject);

	if (s != NULL)
		clear(a, s);
}

void
alerts_end(struct alerts *a, enum alert_kind kind, const char *subject,
    const char *sentence)
{
	struct slot *s = find(a, kind, subject);

	if (s == NULL)
		return;
	alert_say(&s->a, sentence);
	clear(a, s);
}

void
alerts_sweep(struct alerts *a, enum alert_kind kind)
{
	for (size_t i = 0; i < a->n; i++) {
		struct slot *s = a->slots[i];

		if (s->a.kind == kind && s->a.is_so && !s->raised)
			clear(a, s);
		if (s->a.kind == kind)
			s->raised = false;
	}
}

void
alerts_here(const struct alerts *a, const char *subject,
    char ret_subject[ALERT_SUBJECT_MAX])
{
	int host = (int)strcspn(a->receiver, "/");

	if (a->shared)
		(void)snprintf(ret_subject, ALERT_SUBJECT_MAX, "%s of %.*s",
		    subject, host, a->receiver);
	else
		(void)snprintf(ret_subject, ALERT_SUBJECT_MAX, "%s", subject);
}

const struct alert *
alerts_up(const struct alerts *a, size_t i)
{
	for (size_t k = 0; k < a->n; k++) {
		if (a->slots[k]->a.up && i-- == 0)
			return (&a->slots[k]->a);
	}
	return (NULL);
}

size_t
alerts_count(const struct alerts *a, enum alert_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->slots[i]->a.up && a->slots[i]->a.kind == kind;
	return (n);
}

void
alerts_looked(struct alerts *a)
{
	a->looks++;
}

uint64_t
alerts_looks(const struct alerts *a)
{
	return (a->looks);
}

/* -- On and off -- */

int64_t
alerts_after_ms(const struct alerts *a)
{
	return (a->after_ms);
}

int64_t
alerts_look_ms(const struct alerts *a)
{
	int64_t ms = a->after_ms / LOOKS;

	if (ms > ALERTS_LOOK_MS)
		ms = ALERTS_LOOK_MS;
	return (ms > LOOK_MIN_MS ? ms : LOOK_MIN_MS);
}

void
alerts_set(struct alerts *a, int64_t after_ms, int64_t remind_ms)
{
	a->after_ms = after_ms;
	a->remind_ms = remind_ms;
	a->begun = true;
	alerts_arm(a, 0);
}

struct alerts *
alerts_new(const struct alerts_options *opt)
{
	struct alerts *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	a->st = opt->st;
	a->in = opt->in;
	a->clock = opt->clock;
	a->shared = opt->shared;
	(void)snprintf(a->receiver, sizeof(a->receiver), "%s", opt->receiver);
	if ((a->timer = evtimer_new(opt->base, alerts_timer_cb, a)) == NULL) {
		free(a);
		return (NULL);
	}
	return (a);
}

void
alerts_stop(struct alerts *a)
{
	if (a == NULL)
		return;
	a->stopped = true;
	(void)evtimer_del(a->timer);
}

void
alerts_free(struct alerts *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n; i++)
		free(a->slots[i]);
	event_free(a->timer);
	free(a);
}
