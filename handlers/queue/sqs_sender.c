/*
 * A message waits, is in a batch, and ends; if its batch was refused as a whole
 * for the fault of one message, it waits once more and goes alone.
 */
#include "handlers/queue/sqs_sender.h"

#include <sys/queue.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/net/net_clock.h"
#include "store/base/timeval.h"

struct sqs_message {
	TAILQ_ENTRY(sqs_message) next;
	struct handler_call *call;
	struct sqs_entry entry;
	bool alone;          /* no other is to be in its batch */
	int64_t turn_us;     /* until then it waits */
	int64_t deadline_us; /* of the attempt */
};
TAILQ_HEAD(sqs_messages, sqs_message);

struct sqs_batch {
	LIST_ENTRY(sqs_batch) next;
	struct sqs_sender *sender;
	struct sqs_client_call *call;
	struct sqs_message *messages[SQS_BATCH_MAX]; /* NULL: cancelled */
	size_t n;
	size_t size;
};

struct sqs_sender {
	const struct handler_env *env;
	struct sqs_client *client;
	char *queue_url;
	int64_t timeout_us;
	size_t calls_max;
	size_t ncalls;
	struct sqs_messages waiting;
	LIST_HEAD(, sqs_batch) batches;
	struct event *turn; /* the time of one that waits is over */
};

static void
message_free(struct sqs_message *m)
{
	if (m == NULL)
		return;
	sqs_entry_fini(&m->entry);
	free(m);
}

/* -- How a message ends -- */

static void __attribute__((format(printf, 2, 3)))
set_detail(struct handler_result *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(r->detail, sizeof(r->detail), format, ap);
	va_end(ap);
	r->answer = r->detail;
	r->answer_len = strlen(r->detail);
}

static void
set_retry(struct handler_result *r, enum handler_fault fault, bool unknown,
    const char *reason)
{
	r->verdict = HANDLER_RETRY;
	r->fault = fault;
	r->unknown = unknown;
	(void)snprintf(r->reason, sizeof(r->reason), "%s", reason);
}

/* SQS named an error: of this message, or of a call that it was alone in. */
static void
set_refused(struct handler_result *r, const struct sqs_meaning *meaning,
    const struct sqs_error *error)
{
	const char *code = error->code[0] != '\0' ? error->code : "no code";

	set_retry(r, meaning->fault, false, meaning->reason);
	set_detail(r, "%s: %s", code, error->message);
	switch (meaning->action) {
	case SQS_DEAD:
		r->verdict = HANDLER_DEAD;
		break;
	case SQS_RENEW:
	case SQS_PAUSE:
		r->pause = true;
		break;
	case SQS_RETRY:
	case SQS_CLOCK:
		break;
	}
}

/* What SQS says of one entry of a batch that it took. */
static void
set_entry(struct handler_result *r, const struct sqs_entry_answer *answer)
{
	switch (answer->end) {
	case SQS_ENTRY_TAKEN:
		r->verdict = HANDLER_DONE;
		r->code = 200;
		r->answer = answer->message_id;
		r->answer_len = strlen(answer->message_id);
		break;
	case SQS_ENTRY_DAMAGED:
		set_retry(r, HANDLER_FAULT_UNCLEAR, true,
		    "SQS has stored something else than was sent: the MD5 "
		    "that it answers is another");
		break;
	case SQS_ENTRY_MISSING:
		set_retry(r, HANDLER_FAULT_UNCLEAR, true,
		    "the answer of SQS says nothing of this message");
		break;
	case SQS_ENTRY_FAILED:
		set_refused(r, sqs_verdict(&answer->error, 0), &answer->error);
		break;
	}
}

/* The call as a whole had no batch's answer. */
static void
set_call(struct handler_result *r, const struct sqs_client_answer *answer)
{
	r->code = answer->status;
	r->retry_after_ms = answer->retry_after_ms;
	switch (answer->end) {
	case SQS_CLIENT_ANSWERED:
		set_retry(r, HANDLER_FAULT_UNCLEAR, true,
		    "what answered is not SQS: see to queue_url and endpoint");
		break;
	case SQS_CLIENT_REFUSED:
		set_refused(r, answer->meaning, &answer->error);
		break;
	case SQS_CLIENT_NOT_SENT:
		set_retry(r, HANDLER_FAULT_DOWN, false, answer->reason);
		r->pause = answer->lasting;
		break;
	case SQS_CLIENT_UNKNOWN:
		set_retry(r, HANDLER_FAULT_UNCLEAR, true, answer->reason);
		break;
	}
}

/* -- The end of a batch -- */

static void
batch_free(struct sqs_batch *b)
{
	LIST_REMOVE(b, next);
	b->sender->ncalls--;
	for (size_t i = 0; i < b->n; i++)
		message_free(b->messages[i]);
	free(b);
}

/* Each by itself, before all others, in their order. */
static void
batch_divide(struct sqs_batch *b)
{
	struct sqs_sender *s = b->sender;

	for (size_t i = b->n; i-- > 0;) {
		struct sqs_message *m = b->messages[i];

		if (m == NULL)
			continue;
		m->alone = true;
		m->turn_us = m->deadline_us;
		TAILQ_INSERT_HEAD(&s->waiting, m, next);
		b->messages[i] = NULL;
	}
	batch_free(b);
	sqs_sender_flush(s);
}

/* Read what became of each. Returns 0, or -1: the answer is none. */
static int
batch_read(const struct sqs_batch *b, const struct sqs_client_answer *answer,
    struct sqs_entry_answer ret[SQS_BATCH_MAX])
{
	static const struct sqs_entry gone;
	const struct sqs_entry *entries[SQS_BATCH_MAX];

	if (answer->end != SQS_CLIENT_ANSWERED)
		return (-1);
	for (size_t i = 0; i < b->n; i++)
		entries[i] =
		    b->messages[i] == NULL ? &gone : &b->messages[i]->entry;
	return (sqs_answer_batch(answer->body, answer->body_len, entries, b->n,
	    ret));
}

/* sqs_client: the call has ended. */
static void
batch_done_cb(const struct sqs_client_answer *answer, void *arg)
{
	struct sqs_entry_answer entries[SQS_BATCH_MAX];
	struct sqs_batch *b = arg;
	struct sqs_sender *s = b->sender;
	const struct handler_env *env = s->env;
	struct sqs_message *messages[SQS_BATCH_MAX];
	size_t n = b->n;
	bool waits, each;

	if (answer->end == SQS_CLIENT_REFUSED && n > 1 &&
	    answer->meaning->action == SQS_DEAD) {
		batch_divide(b);
		return;
	}
	each = batch_read(b, answer, entries) == 0;
	memcpy(messages, b->messages, sizeof(messages));
	memset(b->messages, 0, sizeof(b->messages));
	batch_free(b);
	/* When the last message ends, the sender may be gone. */
	waits = !TAILQ_EMPTY(&s->waiting);
	for (size_t i = 0; i < n; i++) {
		struct handler_result result = { .code = 0 };

		if (messages[i] == NULL)
			continue;
		if (each)
			set_entry(&result, &entries[i]);
		else
			set_call(&result, answer);
		env->finish(env->arg, messages[i]->call, &result);
		message_free(messages[i]);
	}
	if (waits)
		sqs_sender_flush(s);
}

/* -- The way into a batch -- */

/* Is a message of its group under way? */
static bool
is_taken_group(const struct sqs_sender *s, const struct sqs_message *m)
{
	const struct sqs_message *other;
	const struct sqs_batch *b;

	if (m->entry.group[0] == '\0')
		return (false);
	LIST_FOREACH(b, &s->batches, next)
	{
		for (size_t i = 0; i < b->n; i++) {
			other = b->messages[i];
			if (other != NULL &&
			    strcmp(other->entry.group, m->entry.group) == 0)
				return (true);
		}
	}
	return (false);
}

/* Move what fits from those that wait; the batch is in the list already. */
static void
batch_gather(struct sqs_batch *b)
{
	struct sqs_sender *s = b->sender;
	struct sqs_message *m, *next;

	for (m = TAILQ_FIRST(&s->waiting); m != NULL; m = next) {
		next = TAILQ_NEXT(m, next);
		if (b->n == SQS_BATCH_MAX ||
		    (b->n > 0 && (m->alone || b->messages[0]->alone ||
				     b->size + m->entry.size > SQS_SIZE_MAX)))
			return;
		if (is_taken_group(s, m))
			continue;
		TAILQ_REMOVE(&s->waiting, m, next);
		b->messages[b->n++] = m;
		b->size += m->entry.size;
	}
}

/*
 * How long it may take: as long as the first of its messages has, in tenths of
 * a second, for people.
 */
static int64_t
batch_left_ms(const struct sqs_batch *b)
{
	int64_t first_us = b->messages[0]->deadline_us, left_ms;
	int64_t timeout_ms = b->sender->timeout_us / 1000;

	for (size_t i = 1; i < b->n; i++) {
		if (b->messages[i]->deadline_us < first_us)
			first_us = b->messages[i]->deadline_us;
	}
	left_ms = (first_us - net_clock_us()) / 1000;
	if (left_ms < 1)
		return (1);
	left_ms = (left_ms + 100) / 100 * 100;
	return (left_ms < timeout_ms ? left_ms : timeout_ms);
}

/* Returns 0, or -1 when out of memory. */
static int
batch_send(struct sqs_batch *b)
{
	struct sqs_sender *s = b->sender;
	const struct sqs_entry *entries[SQS_BATCH_MAX];
	struct sqs_client_request request = {
		.action = "SendMessageBatch",
		.timeout_ms = batch_left_ms(b),
	};

	for (size_t i = 0; i < b->n; i++)
		entries[i] = &b->messages[i]->entry;
	request.body =
	    sqs_entries_join(s->queue_url, entries, b->n, &request.body_len);
	if (request.body == NULL)
		return (-1);
	b->call = sqs_client_start(s->client, &request, batch_done_cb, b);
	return (b->call == NULL ? -1 : 0);
}

/* It cannot be sent: its messages wait again, as the first. */
static void
batch_undo(struct sqs_batch *b)
{
	for (size_t i = b->n; i-- > 0;) {
		TAILQ_INSERT_HEAD(&b->sender->waiting, b->messages[i], next);
		b->messages[i] = NULL;
	}
	batch_free(b);
}

/* Send one batch. Returns whether there was one. */
static bool
send_batch(struct sqs_sender *s)
{
	struct sqs_batch *b;

	if (TAILQ_EMPTY(&s->waiting) || s->ncalls == s->calls_max ||
	    (b = calloc(1, sizeof(*b))) == NULL)
		return (false);
	b->sender = s;
	s->ncalls++;
	LIST_INSERT_HEAD(&s->batches, b, next);
	batch_gather(b);
	if (b->n == 0) {
		batch_free(b);
		return (false);
	}
	if (batch_send(b) == -1) {
		batch_undo(b);
		return (false);
	}
	return (true);
}

/* Have the timer end what waits too long. */
static void
arm_turn(struct sqs_sender *s)
{
	const struct sqs_message *m;
	int64_t first_us = INT64_MAX;
	struct timeval tv;

	TAILQ_FOREACH (m, &s->waiting, next) {
		if (m->turn_us < first_us)
			first_us = m->turn_us;
	}
	if (first_us == INT64_MAX) {
		(void)evtimer_del(s->turn);
		return;
	}
	tv = timeval_of_us(first_us - net_clock_us());
	(void)evtimer_add(s->turn, &tv);
}

void
sqs_sender_flush(struct sqs_sender *s)
{
	while (send_batch(s))
		;
	arm_turn(s);
}

/* The one whose time to wait is over; NULL: none. */
static struct sqs_message *
late_message(const struct sqs_sender *s)
{
	int64_t now_us = net_clock_us();
	struct sqs_message *m;

	TAILQ_FOREACH (m, &s->waiting, next) {
		if (m->turn_us <= now_us)
			break;
	}
	return (m);
}

/* evtimer: the time of one that waits is over. */
static void
turn_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sqs_sender *s = arg;
	const struct handler_env *env = s->env;
	struct sqs_message *m;
	bool more = true;

	(void)fd;
	(void)what;
	while (more && (m = late_message(s)) != NULL) {
		struct handler_result result = { .code = 0 };

		TAILQ_REMOVE(&s->waiting, m, next);
		/* When the last message ends, the sender may be gone. */
		more = !TAILQ_EMPTY(&s->waiting) || s->ncalls > 0;
		set_retry(&result, HANDLER_FAULT_DOWN, false,
		    "not sent in time: the calls before it have not ended");
		env->finish(env->arg, m->call, &result);
		message_free(m);
	}
	if (more)
		arm_turn(s);
}

/* -- What is asked of it -- */

int
sqs_sender_add(struct sqs_sender *s, struct handler_call *call,
    struct sqs_entry *entry)
{
	struct sqs_message *m;
	int64_t now_us;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (-1);
	now_us = net_clock_us();
	m->call = call;
	m->entry = *entry;
	entry->json = NULL;
	m->turn_us = now_us + s->timeout_us / 3;
	m->deadline_us = now_us + s->timeout_us;
	TAILQ_INSERT_TAIL(&s->waiting, m, next);
	return (0);
}

/* One message of a batch is gone; with the last one the call is. */
static bool
batch_cancel(struct sqs_batch *b, const struct handler_call *call)
{
	bool found = false, left = false;

	for (size_t i = 0; i < b->n; i++) {
		struct sqs_message *m = b->messages[i];

		if (m != NULL && m->call == call) {
			message_free(m);
			b->messages[i] = NULL;
			found = true;
		}
		left = left || b->messages[i] != NULL;
	}
	if (found && !left) {
		sqs_client_cancel(b->call);
		batch_free(b);
	}
	return (found);
}

void
sqs_sender_cancel(struct sqs_sender *s, struct handler_call *call)
{
	struct sqs_message *m;
	struct sqs_batch *b;

	TAILQ_FOREACH (m, &s->waiting, next) {
		if (m->call != call)
			continue;
		TAILQ_REMOVE(&s->waiting, m, next);
		message_free(m);
		return;
	}
	LIST_FOREACH(b, &s->batches, next)
	{
		if (batch_cancel(b, call))
			return;
	}
}

/* -- Its life -- */

struct sqs_sender *
sqs_sender_new(const struct sqs_sender_options *opt)
{
	struct sqs_sender *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->env = opt->env;
	s->client = opt->client;
	s->timeout_us = opt->timeout_ms * 1000;
	s->calls_max = opt->calls_max;
	TAILQ_INIT(&s->waiting);
	LIST_INIT(&s->batches);
	if ((s->queue_url = strdup(opt->queue_url)) == NULL ||
	    (s->turn = evtimer_new(opt->env->base, turn_cb, s)) == NULL) {
		sqs_sender_free(s);
		return (NULL);
	}
	return (s);
}

void
sqs_sender_free(struct sqs_sender *s)
{
	if (s == NULL)
		return;
	if (s->turn != NULL)
		event_free(s->turn);
	free(s->queue_url);
	free(s);
}
