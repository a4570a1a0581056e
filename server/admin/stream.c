/*
 * stream.c -- the ring of messages and those who read it.
 *
 * What the journal noted is read from the store in up to four steps, one after
 * the other (events, jobs, rejections, handlers), and each row becomes one
 * message. So a message says how things stand when it is made, which may be
 * later than what it is sent for; never earlier.
 */
#include <sys/queue.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/admin/stream.h"
#include "server/base/clock.h"
#include "server/base/json.h"
#include "server/dispatch/journal.h"
#include "store/base/timeval.h"

#define BOOT_MAX 24
#define FIRST_MAX 96
/* How many of a kind are sent at a time, shared by the readers. */
#define SHARE 256
#define SHARE_MIN 8

struct message {
	char *text;
	size_t len;
};

struct stream_reader {
	LIST_ENTRY(stream_reader) link;
	struct stream *s;
	uint64_t next; /* the number of the message it gets next */
	bool first;    /* it has not had its first one */
	bool reset;    /* it is to load all anew */
	char text[FIRST_MAX];
	void (*wake)(void *arg);
	void *arg;
};

struct stream {
	struct store *st;
	struct journal *journal;
	struct stream_fns fns;
	struct event *timer; /* the next turn, or the end of the grace */
	LIST_HEAD(, stream_reader) readers;
	size_t nreaders;
	char boot[BOOT_MAX];

	struct message ring[STREAM_MESSAGES_MAX];
	uint64_t first; /* number of the oldest message */
	uint64_t next;  /* of the one to come */
	size_t bytes;

	bool listening;
	bool busy; /* the store was asked */
	bool stopped;
	int64_t ends_ms; /* of the grace; 0: there are readers */
	int64_t hold_ms; /* nothing before then */
	struct stream_stats stats;

	int64_t numbers[JOURNAL_MAX]; /* being read */
	size_t nnumbers;
};

static int64_t
now_ms(void)
{
	return (clock_mono_us() / 1000);
}

/* -- The ring -- */

static void
ring_drop(struct stream *s)
{
	struct message *m = &s->ring[s->first++ % STREAM_MESSAGES_MAX];

	s->bytes -= m->len;
	free(m->text);
	m->text = NULL;
}

static void
ring_clear(struct stream *s)
{
	while (s->first < s->next)
		ring_drop(s);
}

static void
wake_all(struct stream *s)
{
	struct stream_reader *r, *next;

	for (r = LIST_FIRST(&s->readers); r != NULL; r = next) {
		next = LIST_NEXT(r, link);
		r->wake(r->arg);
	}
}

/* What cannot be sent a reader has to load: so all of them load anew. */
static void
reset_all(struct stream *s)
{
	struct stream_reader *r;

	ring_clear(s);
	s->next++; /* who comes back with an older number loads anew as well */
	s->first = s->next;
	s->stats.resets++;
	LIST_FOREACH(r, &s->readers, link)
	{
		r->reset = true;
		r->next = s->next;
	}
	s->hold_ms = now_ms() + STREAM_HOLD_MS;
}

/* Add a message; takes o. Without memory everybody has to load anew. */
static void
ring_add(struct stream *s, const char *what, json_t *o)
{
	char *json = json_text(o);
	struct message *m;
	char *text = NULL;
	int len = -1;

	json_decref(o);
	if (json != NULL)
		len = asprintf(&text,
		    "id: %s-%" PRIu64 "\nevent: %s\ndata: %s\n\n", s->boot,
		    s->next, what, json);
	free(json);
	if (len == -1) {
		reset_all(s);
		return;
	}
	while (
	    s->next - s->first >= STREAM_MESSAGES_MAX ||
	    (s->first < s->next && s->bytes + (size_t)len > STREAM_BYTES_MAX))
		ring_drop(s);
	m = &s->ring[s->next++ % STREAM_MESSAGES_MAX];
	*m = (struct message){ text, (size_t)len };
	s->bytes += m->len;
	s->stats.messages++;
}

/* -- Turns -- */

static void stream_next_kind(struct stream *s, enum journal_kind kind);

static void
arm(struct stream *s, int64_t wait_ms)
{
	const struct timeval tv = timeval_of_ms(wait_ms < 1 ? 1 : wait_ms);

	(void)evtimer_add(s->timer, &tv);
}

/* Wake up when something is to be sent, or the grace ends. */
static void
stream_arm(struct stream *s)
{
	int64_t now = now_ms();

	if (s->busy || s->stopped)
		return;
	if (journal_has(s->journal))
		arm(s, s->hold_ms > now + STREAM_TURN_MS ? s->hold_ms - now
							 : STREAM_TURN_MS);
	else if (s->ends_ms != 0)
		arm(s, s->ends_ms - now);
}

/* The store said what it was asked, or failed to: go on with the next. */
static void
stream_sent(struct stream *s, enum store_rc rc, enum journal_kind kind)
{
	s->busy = false;
	if (rc != STORE_OK)
		reset_all(s);
	stream_next_kind(s, kind + 1);
}

/* store_events_fn */
static void
stream_events_cb(enum store_rc rc, const struct store_event_info *rows,
    size_t n, const char *reason, void *arg)
{
	struct stream *s = arg;

	(void)reason;
	for (size_t i = 0; i < n; i++)
		ring_add(s, "event", entity_event_json(&rows[i]));
	stream_sent(s, rc, JOURNAL_EVENT);
}

/* store_jobs_fn */
static void
stream_jobs_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct stream *s = arg;

	(void)reason;
	for (size_t i = 0; i < n; i++)
		ring_add(s, "job", entity_job_json(&rows[i]));
	stream_sent(s, rc, JOURNAL_JOB);
}

/* store_rejections_fn: the newest first. */
static void
stream_rejections_cb(enum store_rc rc, const struct store_rejection_info *rows,
    size_t n, const char *reason, void *arg)
{
	struct stream *s = arg;

	(void)reason;
	for (size_t i = n; i > 0; i--) {
		if (rows[i - 1].id >= s->numbers[0])
			ring_add(s, "rejection",
			    field_json(entity_rejection, &rows[i - 1]));
	}
	stream_sent(s, rc, JOURNAL_REJECTION);
}

/* store_handlers_fn */
static void
stream_handlers_cb(enum store_rc rc, const struct store_handler_info *rows,
    size_t n, const char *reason, void *arg)
{
	struct stream *s = arg;
	struct entity_live live;

	(void)reason;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < s->nnumbers; j++) {
			if (rows[i].number != s->numbers[j])
				continue;
			s->fns.live(s->fns.arg, &rows[i], &live);
			ring_add(s, "handler",
			    entity_handler_json(&rows[i], &live));
		}
	}
	stream_sent(s, rc, JOURNAL_HANDLER);
}

/* Ask the store for those of s->numbers. Returns 0; -1: no memory. */
static int
stream_ask(struct stream *s, enum journal_kind kind)
{
	const struct store_filter events = { .with_jobs = true,
		.numbers = s->numbers,
		.nnumbers = s->nnumbers };
	const struct store_job_filter jobs = { .numbers = s->numbers,
		.nnumbers = s->nnumbers };
	const struct store_rejection_filter rejections = {
		.before = s->numbers[s->nnumbers - 1] + 1,
		.limit = s->nnumbers,
	};

	switch (kind) {
	case JOURNAL_EVENT:
		return (store_list_events(s->st, &events, stream_events_cb, s));
	case JOURNAL_JOB:
		return (store_list_jobs(s->st, &jobs, stream_jobs_cb, s));
	case JOURNAL_REJECTION:
		return (store_list_rejections(s->st, &rejections,
		    stream_rejections_cb, s));
	case JOURNAL_HANDLER:
		return (store_list_handlers(s->st, stream_handlers_cb, s));
	case JOURNAL_NKINDS:
		break;
	}
	return (-1);
}

/* Send what is noted of this kind, or of the next that has something. */
static void
stream_next_kind(struct stream *s, enum journal_kind kind)
{
	for (; kind < JOURNAL_NKINDS && !s->stopped; kind++) {
		s->nnumbers = journal_take(s->journal, kind, s->numbers);
		if (s->nnumbers == 0)
			continue;
		s->busy = true;
		if (stream_ask(s, kind) == 0)
			return;
		s->busy = false;
		reset_all(s);
	}
	wake_all(s);
	stream_arm(s);
}

/* Nobody has come back: what happens from now on is not kept. */
static void
stream_end(struct stream *s)
{
	journal_listen(s->journal, 0, NULL, NULL);
	ring_clear(s);
	s->next++;
	s->first = s->next;
	s->listening = false;
	s->ends_ms = 0;
}

/* evtimer: send what happened since the last turn, or end the grace. */
static void
stream_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (s->busy || s->stopped)
		return;
	if (s->ends_ms != 0 && s->ends_ms <= now_ms()) {
		stream_end(s);
		return;
	}
	if (s->hold_ms <= now_ms() && journal_lost(s->journal)) {
		reset_all(s);
		wake_all(s);
	}
	if (s->hold_ms > now_ms())
		stream_arm(s);
	else
		stream_next_kind(s, JOURNAL_EVENT);
}

/* journal: something is noted. */
static void
stream_noted_cb(void *arg)
{
	stream_arm(arg);
}

/* -- Readers -- */

/* With many readers less is sent, so that it costs no more. */
static void
stream_listen(struct stream *s)
{
	size_t max = SHARE / (s->nreaders + 1);

	journal_listen(s->journal, max > SHARE_MIN ? max : SHARE_MIN,
	    stream_noted_cb, s);
	s->listening = true;
}

/* The number in an id of this boot; 0: it is none. */
static uint64_t
parse_id(const struct stream *s, const char *id)
{
	size_t len = strlen(s->boot);
	unsigned long long number;
	char *end;

	if (strncmp(id, s->boot, len) != 0 || id[len] != '-' ||
	    id[len + 1] < '0' || id[len + 1] > '9')
		return (0);
	number = strtoull(id + len + 1, &end, 10);
	return (*end == '\0' && number < s->next ? number : 0);
}

struct stream_reader *
stream_join(struct stream *s, const char *last_id, void (*wake)(void *arg),
    void *arg)
{
	struct stream_reader *r;
	uint64_t last = 0;

	if (s->nreaders == STREAM_READERS_MAX || s->stopped ||
	    (r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->s = s;
	r->wake = wake;
	r->arg = arg;
	r->first = true;
	r->next = s->next;
	if (last_id != NULL) {
		last = parse_id(s, last_id);
		if (last == 0 || last + 1 < s->first || !s->listening)
			r->reset = true;
		else
			r->next = last + 1;
	}
	LIST_INSERT_HEAD(&s->readers, r, link);
	s->nreaders++;
	s->ends_ms = 0;
	stream_listen(s);
	return (r);
}

void
stream_leave(struct stream_reader *r)
{
	struct stream *s = r->s;

	LIST_REMOVE(r, link);
	free(r);
	s->nreaders--;
	if (s->stopped)
		return;
	stream_listen(s);
	if (s->nreaders > 0)
		return;
	s->ends_ms = now_ms() + STREAM_GRACE_MS;
	stream_arm(s);
}

/* A message of this reader's own, after which r->next comes. */
static enum stream_rc
own_message(struct stream_reader *r, const char *event, const char **ret_text,
    size_t *ret_len)
{
	*ret_len = (size_t)snprintf(r->text, sizeof(r->text),
	    "%sid: %s-%" PRIu64 "\n%s\n", r->first ? "retry: 1000\n" : "",
	    r->s->boot, r->next - 1, event);
	*ret_text = r->text;
	return (STREAM_MESSAGE);
}

enum stream_rc
stream_next(struct stream_reader *r, const char **ret_text, size_t *ret_len)
{
	const struct stream *s = r->s;
	const struct message *m;

	if (r->reset) {
		(void)own_message(r, "event: reset\ndata: {}\n", ret_text,
		    ret_len);
		r->reset = r->first = false;
		return (STREAM_MESSAGE);
	}
	if (r->first) {
		(void)own_message(r, "", ret_text, ret_len);
		r->first = false;
		return (STREAM_MESSAGE);
	}
	if (r->next < s->first)
		return (STREAM_LOST);
	if (r->next == s->next)
		return (STREAM_NOTHING);
	m = &s->ring[r->next++ % STREAM_MESSAGES_MAX];
	*ret_text = m->text;
	*ret_len = m->len;
	return (STREAM_MESSAGE);
}

void
stream_stats(const struct stream *s, struct stream_stats *ret_stats)
{
	*ret_stats = s->stats;
	ret_stats->readers = s->nreaders;
	ret_stats->bytes = s->bytes;
}

struct stream *
stream_new(struct event_base *base, struct store *st, struct journal *j,
    const struct stream_fns *fns)
{
	struct stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	LIST_INIT(&s->readers);
	s->st = st;
	s->journal = j;
	s->fns = *fns;
	s->first = s->next = 2; /* the first reader has seen number 1 */
	(void)snprintf(s->boot, sizeof(s->boot), "%" PRIx64,
	    (uint64_t)clock_wall_ms());
	if ((s->timer = evtimer_new(base, stream_timer_cb, s)) == NULL) {
		free(s);
		return (NULL);
	}
	return (s);
}

void
stream_stop(struct stream *s)
{
	if (s == NULL)
		return;
	s->stopped = true;
	journal_listen(s->journal, 0, NULL, NULL);
	(void)evtimer_del(s->timer);
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	ring_clear(s);
	event_free(s->timer);
	free(s);
}
