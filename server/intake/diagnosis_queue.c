#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/base/log.h"
#include "server/base/peer_net.h"
#include "server/base/rate.h"
#include "server/diagnosis/redact.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/rejections.h"

#define HEADERS_MAX 4096 /* shown of a rejection's headers */

/* A refusal that waits: all that it points at lies in one block. */
struct waiting {
	TAILQ_ENTRY(waiting) link;
	struct refusal r;
	struct peer_net net;
	unsigned char digest[ORDER_DIGEST_LEN];
	size_t size; /* of this block */
	char *at;    /* where the next copy goes */
	char data[];
};
TAILQ_HEAD(waiting_list, waiting);

struct diagnosis_queue {
	struct rejections *rej;
	const struct diagnosis_keys *keys;
	struct event *timer;
	struct waiting_list list; /* the first is under examination */
	size_t n;
	size_t bytes;
	struct diagnosis *d; /* of the first; NULL: not begun */
	struct rate rate;    /* lines on strangers */
	struct diagnosis_queue_stats stats;
};

/* -- Passing on -- */

/* What it was answered. */
static int
status_of(enum reject_cause cause)
{
	switch (cause) {
	case REJECT_SIGNATURE:
		return (401);
	case REJECT_NOT_FOR_ENDPOINT:
		return (403);
	case REJECT_HEADERS_MISSING:
	case REJECT_HEADERS_INVALID:
	case REJECT_INVALID_JSON:
	case REJECT_TOO_MANY_ORDERS:
	case REJECT_ID_CONFLICT: /* not refused, and not here */
	case REJECT_NCAUSES:
		break;
	}
	return (400);
}

static void
log_refusal(struct diagnosis_queue *q, const struct refusal *r,
    const struct diagnosis_finding *f)
{
	const char *id = r->event_id;
	char more[RATE_MORE_MAX] = "";

	if (!reject_cause_is_authentic(r->in.cause) &&
	    !rate_ask(&q->rate, more))
		return;
	/* A sender that mixes up its headers may put the signature here. */
	if (id != NULL && redact_is_mac(id))
		id = "(not shown)";
	if (log_is_console()) {
		log_shown(LOG_REFUSED, "%d %s%s", status_of(r->in.cause),
		    f->text, more);
		return;
	}
	log_warn("delivery %s from %s to %s refused: %s: %s%s", log_text(id),
	    log_text(r->peer), log_text(r->in.endpoint),
	    reject_cause_name(r->in.cause), f->text, more);
}

static void
pass_on(struct diagnosis_queue *q, const struct refusal *r,
    const struct diagnosis_finding *f)
{
	struct rejection rejection = {
		.cause = r->in.cause,
		.at_ms = r->in.at_ms,
		.peer = r->peer,
		.endpoint = r->in.endpoint,
		.examined = f->code != DIAGNOSIS_SKIPPED,
		.known = f->known,
		.digest = r->digest,
		.code = diagnosis_code_name(f->code),
		.diagnosis = f->text,
		.body = r->in.body,
		.body_len = r->in.body_len,
		.size = r->in.size,
	};
	char headers[HEADERS_MAX];

	if (f->code == DIAGNOSIS_SKIPPED)
		q->stats.skipped++;
	else
		q->stats.examined++;
	/* Most of a flood are only counted: that may cost nothing else. */
	if (rejections_has_room(q->rej, &rejection)) {
		redact_headers(r->in.headers, r->in.nheaders, headers,
		    sizeof(headers));
		rejection.headers = headers;
	}
	rejections_add(q->rej, &rejection);
	log_refusal(q, r, f);
}

static void
skip(struct diagnosis_queue *q, const struct refusal *r, const char *why)
{
	struct diagnosis_finding f;

	diagnosis_skip(why, &f);
	pass_on(q, r, &f);
}

/* -- Copies -- */

static const void *
copy(struct waiting *w, const void *bytes, size_t len)
{
	void *to = w->at;

	if (len > 0)
		memcpy(to, bytes, len);
	w->at += len;
	return (to);
}

static const char *
copy_text(struct waiting *w, const char *text)
{
	return (text == NULL ? NULL : copy(w, text, strlen(text) + 1));
}

static size_t
text_size(const char *text)
{
	return (text == NULL ? 0 : strlen(text) + 1);
}

/* How large a copy is; the headers come first, being aligned. */
static size_t
copy_size(const struct refusal *r)
{
	size_t size = r->in.nheaders * sizeof(*r->in.headers);

	for (size_t i = 0; i < r->in.nheaders; i++)
		size += text_size(r->in.headers[i].name) +
			text_size(r->in.headers[i].value);
	return (size + text_size(r->peer) + text_size(r->in.endpoint) +
		text_size(r->event_id) + r->in.body_len);
}

static struct waiting *
waiting_new(const struct refusal *r)
{
	struct diagnosis_header *headers;
	size_t size = sizeof(struct waiting) + copy_size(r);
	struct waiting *w;

	if ((w = malloc(size)) == NULL)
		return (NULL);
	w->r = *r;
	w->size = size;
	headers = (struct diagnosis_header *)(void *)w->data;
	w->at = w->data + r->in.nheaders * sizeof(*headers);
	for (size_t i = 0; i < r->in.nheaders; i++) {
		headers[i].name = copy_text(w, r->in.headers[i].name);
		headers[i].value = copy_text(w, r->in.headers[i].value);
	}
	w->r.in.headers = headers;
	w->r.peer = copy_text(w, r->peer);
	w->r.in.endpoint = copy_text(w, r->in.endpoint);
	w->r.event_id = copy_text(w, r->event_id);
	w->net = peer_net_parse(r->peer);
	if (r->digest != NULL)
		w->r.digest = memcpy(w->digest, r->digest, sizeof(w->digest));
	w->r.in.body = copy(w, r->in.body, r->in.body_len);
	return (w);
}

static void
drop(struct diagnosis_queue *q, struct waiting *w)
{
	if (w == TAILQ_FIRST(&q->list)) {
		diagnosis_free(q->d);
		q->d = NULL;
	}
	TAILQ_REMOVE(&q->list, w, link);
	q->n--;
	q->bytes -= w->size;
	free(w);
}

static void
drop_first(struct diagnosis_queue *q)
{
	drop(q, TAILQ_FIRST(&q->list));
}

/* -- Examining -- */

static void
arm(struct diagnosis_queue *q)
{
	static const struct timeval pause = { 0,
		DIAGNOSIS_SLICE_PAUSE_MS * 1000 };

	if (!TAILQ_EMPTY(&q->list) && !evtimer_pending(q->timer, NULL))
		(void)evtimer_add(q->timer, &pause);
}

/* evtimer: one slice of work on the first. */
static void
slice_cb(evutil_socket_t fd, short what, void *arg)
{
	struct diagnosis_queue *q = arg;
	struct waiting *w = TAILQ_FIRST(&q->list);
	struct diagnosis_finding f;

	(void)fd;
	(void)what;
	if (w == NULL)
		return;
	q->stats.slices++;
	if (q->d == NULL && (q->d = diagnosis_new(&w->r.in, q->keys)) == NULL) {
		skip(q, &w->r, "out of memory");
		drop_first(q);
	} else if (diagnosis_run(q->d, DIAGNOSIS_SLICE_WORK, &f)) {
		pass_on(q, &w->r, &f);
		drop_first(q);
	}
	arm(q);
}

/* How much an address has of the scarce thing: places, or bytes. */
static size_t
held_by(const struct diagnosis_queue *q, struct peer_net net)
{
	const struct waiting *w;
	size_t n = 0;

	TAILQ_FOREACH (w, &q->list, link) {
		if (!reject_cause_is_authentic(w->r.in.cause) &&
		    peer_net_equal(w->net, net))
			n += q->n == DIAGNOSIS_QUEUE_MAX ? 1 : w->size;
	}
	return (n);
}

/* The newest of the address that has most, if that is more than so much. */
static struct waiting *
greediest(const struct diagnosis_queue *q, size_t than)
{
	struct waiting *w, *found = NULL;
	size_t n;

	TAILQ_FOREACH_REVERSE(w, &q->list, waiting_list, link)
	{
		if (reject_cause_is_authentic(w->r.in.cause))
			continue;
		if ((n = held_by(q, w->net)) > than) {
			than = n;
			found = w;
		}
	}
	return (found);
}

static bool
is_full(const struct diagnosis_queue *q, const struct refusal *r)
{
	return (q->n == DIAGNOSIS_QUEUE_MAX ||
		q->bytes + r->in.body_len > DIAGNOSIS_QUEUE_BYTES_MAX);
}

/* Take from those who have more than r's address would have with it. */
static void
make_room(struct diagnosis_queue *q, const struct refusal *r)
{
	struct peer_net net = peer_net_parse(r->peer);
	struct waiting *w;
	size_t own, total;

	while (is_full(q, r)) {
		own = reject_cause_is_authentic(r->in.cause) ? 0
							     : held_by(q, net);
		own += q->n == DIAGNOSIS_QUEUE_MAX ? 1 : r->in.body_len;
		total = q->n == DIAGNOSIS_QUEUE_MAX ? q->n : q->bytes;
		if (own > total / 2 || (w = greediest(q, own)) == NULL)
			return; /* nobody has more */
		skip(q, &w->r, "too many were refused at once");
		drop(q, w);
	}
}

/* Why it cannot be examined; NULL if it can. */
static const char *
no_room(struct diagnosis_queue *q, const struct refusal *r)
{
	if (q->keys == NULL)
		return ("the server is not ready");
	make_room(q, r);
	return (is_full(q, r) ? "too many were refused at once" : NULL);
}

void
diagnosis_queue_add(struct diagnosis_queue *q, const struct refusal *r)
{
	struct refusal part = *r;
	struct waiting *w;
	const char *why;

	if (r->digest != NULL &&
	    rejections_again(q->rej, r->in.cause, r->digest))
		return;
	/* Of a long body that nobody vouched for only the beginning is kept. */
	if (!reject_cause_is_authentic(r->in.cause) &&
	    r->in.body_len > DIAGNOSIS_BODY_MAX)
		part.in.body_len = REJECTIONS_BODY_MAX;
	if ((why = no_room(q, &part)) != NULL) {
		skip(q, &part, why);
		return;
	}
	if ((w = waiting_new(&part)) == NULL) {
		skip(q, &part, "out of memory");
		return;
	}
	TAILQ_INSERT_TAIL(&q->list, w, link);
	q->n++;
	q->bytes += w->size;
	arm(q);
}

size_t
diagnosis_queue_waiting(const struct diagnosis_queue *q)
{
	return (q->n);
}

void
diagnosis_queue_stats(const struct diagnosis_queue *q,
    struct diagnosis_queue_stats *ret_stats)
{
	*ret_stats = q->stats;
}

void
diagnosis_queue_set_keys(struct diagnosis_queue *q,
    const struct diagnosis_keys *keys)
{
	/* What is under way begins anew: it holds on to the old ones. */
	diagnosis_free(q->d);
	q->d = NULL;
	q->keys = keys;
}

struct diagnosis_queue *
diagnosis_queue_new(struct event_base *base, struct rejections *rej,
    const struct diagnosis_keys *keys)
{
	struct diagnosis_queue *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return (NULL);
	TAILQ_INIT(&q->list);
	q->rej = rej;
	q->keys = keys;
	if ((q->timer = evtimer_new(base, slice_cb, q)) == NULL) {
		free(q);
		return (NULL);
	}
	return (q);
}

void
diagnosis_queue_flush(struct diagnosis_queue *q)
{
	while (!TAILQ_EMPTY(&q->list)) {
		skip(q, &TAILQ_FIRST(&q->list)->r, "the server was stopped");
		drop_first(q);
	}
}

void
diagnosis_queue_free(struct diagnosis_queue *q)
{
	if (q == NULL)
		return;
	while (!TAILQ_EMPTY(&q->list))
		drop_first(q);
	event_free(q->timer);
	free(q);
}
