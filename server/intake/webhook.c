/*
 * webhook.c -- verify, submit, answer.
 *
 * The checks stand in the order of the table in server/docs/webhook.md. Up to
 * the verdict on the signature nothing is copied: the MAC is computed over the
 * segments as they lie. Then the body moves, once, into memory of its own,
 * which goes to ingest.
 */
#include <sys/uio.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "server/auth/secrets.h"
#include "server/auth/signature.h"
#include "server/base/address.h"
#include "server/base/clock.h"
#include "server/base/histogram.h"
#include "server/base/log.h"
#include "server/base/rate.h"
#include "server/base/steady.h"
#include "server/http/route.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/endpoint.h"
#include "server/intake/failure_limit.h"
#include "server/intake/header_sets.h"
#include "server/intake/ingest.h"
#include "server/intake/probe_body.h"
#include "server/intake/rejections.h"
#include "server/intake/selection.h"
#include "server/intake/webhook.h"

#define SEGS_MAX 64    /* more are rare: those are asked for from malloc */
#define HEADERS_MAX 64 /* of a delivery: more are not looked at */
#define RETRY_AFTER_S 5
#define RETRY_SPREAD_S 3

/* A failed verification costs about as much as hashing so much more. */
#define FAILURE_WORK 4096
#define LIMIT_LOG_EVERY_S 60

#define SIGNATURE_HEADER "x-klikit-signature"

#define RECEIVED "{\"status\":\"received\"}"
#define PROBED "{\"status\":\"probe\"}"
#define DUPLICATE "{\"status\":\"duplicate-ignored\"}"

/* Bounds: from a quick disk to the deadline of a commit. */
static const int64_t acks_us[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000 };

struct webhook {
	struct ingest *in;
	struct diagnosis_queue *diag;
	const struct steady *clock; /* of their validity; NULL: the wall's */
	struct histogram acks;      /* us */
	struct webhook_probe probe; /* take NULL: nobody asks */
	struct failure_limit failures;
	struct header_sets *headers; /* of what was accepted */
	struct rate limited_rate;    /* lines on who is beyond it */
	uint64_t limited;
	unsigned nbusy;
};

/* A delivery as it lies in its request. */
struct parcel {
	struct webhook *w;
	const struct endpoint *endpoint;
	struct http_request *req;
	struct evbuffer *body;
	const char *event_id;
	const char *type;
	const char *signature;
	const unsigned char *digest; /* the MAC, once it is known as ours */
	int64_t at_ms;
	int64_t whole_us; /* when it was there */
};

/* A delivery that is with ingest, until its answer has left. */
struct commit {
	struct webhook *w;
	struct endpoint_tally *tally; /* a reference */
	struct http_request *req;
	int64_t whole_us;
	int64_t event; /* once it is stored */
};

/* The request's headers, as far as there is room: borrowed from it. */
static size_t
list_headers(const struct http_request *req,
    struct diagnosis_header ret_list[HEADERS_MAX])
{
	struct http_field fields[HEADERS_MAX];
	size_t n = http_request_fields(req, fields, HEADERS_MAX);

	for (size_t i = 0; i < n; i++)
		ret_list[i] = (struct diagnosis_header){ fields[i].name,
			fields[i].value };
	return (n);
}

/* Keep the refused delivery for the operator; why is found out later. */
static void
note(const struct parcel *p, enum reject_cause cause, const void *body,
    size_t body_len, size_t size)
{
	struct diagnosis_header headers[HEADERS_MAX];
	struct refusal r = { .peer = http_request_peer(p->req),
		.event_id = p->event_id,
		.digest = p->digest };

	r.in = (struct diagnosis_input){ .cause = cause,
		.headers = headers,
		.nheaders = list_headers(p->req, headers),
		.body = body,
		.body_len = body_len,
		.size = size,
		.endpoint = p->endpoint->name,
		.at_ms = p->at_ms };
	diagnosis_queue_add(p->w->diag, &r);
}

/* -- Who has failed too often -- */

/* Charge the delivery's address with a verification that has failed. */
static void
charge(const struct parcel *p, size_t size)
{
	int64_t hashed = (int64_t)size + FAILURE_WORK;

	failure_limit_charge(&p->w->failures, http_request_net(p->req), size,
	    hashed *
		(int64_t)secrets_count_of(p->endpoint->sec, p->endpoint->which),
	    p->whole_us / 1000);
}

/* Has the delivery's address failed too often? Then turn it away unseen. */
static bool
turn_away(const struct parcel *p)
{
	struct webhook *w = p->w;
	int64_t wait_s = failure_limit_wait(&w->failures,
	    http_request_net(p->req), p->whole_us / 1000);
	char seconds[24], host[ADDRESS_HOST_MAX], more[RATE_MORE_MAX];

	if (wait_s == 0)
		return (false);
	w->limited++;
	p->endpoint->tally->n[ENDPOINT_LIMITED]++;
	if (rate_ask_every(&w->limited_rate, LIMIT_LOG_EVERY_S, more)) {
		address_host(http_request_peer(p->req), host);
		log_warn("http: too many deliveries from %s failed "
			 "verification: answered 429 unseen: block it in front "
			 "of klikitd, or see what was refused by `klikitd "
			 "rejections'%s",
		    host, more);
	}
	(void)snprintf(seconds, sizeof(seconds), "%lld", (long long)wait_s);
	http_request_set_field(p->req, "Retry-After", seconds);
	http_request_finish_late(p->req, 429,
	    "{\"error\":\"too many deliveries from this address failed "
	    "verification\"}");
	return (true);
}

/* Refuse a delivery that nobody has vouched for. */
static void
refuse(const struct parcel *p, enum reject_cause cause, int status,
    const char *json)
{
	size_t size = evbuffer_get_length(p->body), len = size;
	const void *body;

	charge(p, size);

	/* What is too long to be examined is not made one piece for it. */
	if (len > DIAGNOSIS_BODY_MAX)
		len = REJECTIONS_BODY_MAX;
	body = len == 0 ? NULL : evbuffer_pullup(p->body, (ev_ssize_t)len);
	p->endpoint->tally->n[ENDPOINT_REFUSED]++;
	note(p, cause, body, body == NULL ? 0 : len, size);
	if (failure_limit_is_beyond(&p->w->failures, http_request_net(p->req),
		p->whole_us / 1000))
		http_request_finish_late(p->req, status, json);
	else
		http_request_finish(p->req, status, json);
}

static void
answer_later(struct webhook *w, struct endpoint_tally *tally,
    struct http_request *req)
{
	char seconds[16];

	(void)snprintf(seconds, sizeof(seconds), "%u",
	    RETRY_AFTER_S + w->nbusy++ % RETRY_SPREAD_S);
	tally->n[ENDPOINT_BUSY]++;
	http_request_set_field(req, "Retry-After", seconds);
	http_request_finish(req, 503, "{\"error\":\"try again later\"}");
}

static void
answer_duplicate(struct endpoint_tally *tally, struct http_request *req)
{
	tally->n[ENDPOINT_DUPLICATE]++;
	http_request_finish(req, 200, DUPLICATE);
}

/* The body's segments, in segs or from malloc; NULL when out of memory. */
static struct evbuffer_iovec *
segments(struct evbuffer *body, struct evbuffer_iovec segs[SEGS_MAX],
    size_t *ret_nsegs)
{
	struct evbuffer_iovec *all = segs;
	ev_ssize_t len = (ev_ssize_t)evbuffer_get_length(body);
	int n = evbuffer_peek(body, len, NULL, segs, SEGS_MAX);

	if (n > SEGS_MAX) {
		if ((all = calloc((size_t)n, sizeof(*all))) == NULL)
			return (NULL);
		n = evbuffer_peek(body, len, NULL, all, n);
	}
	*ret_nsegs = (size_t)n;
	return (all);
}

/* By what time it is judged whether a secret is still valid. */
static int64_t
valid_at_ms(const struct parcel *p)
{
	const struct steady *clock = p->w->clock;
	struct wall_time wall = { p->at_ms };

	if (clock == NULL)
		return (wall.ms);
	return (steady_wall(clock, wall, steady_now(clock)).ms);
}

enum verdict { AUTHENTIC, FORGED, NO_MEMORY };

static enum verdict
verify(const struct parcel *p, struct secrets_match *ret_match)
{
	struct secrets_claim claim = { .value = p->signature,
		.now_ms = valid_at_ms(p) };
	struct evbuffer_iovec few[SEGS_MAX], *segs;
	bool ok;

	if ((segs = segments(p->body, few, &claim.nsegs)) == NULL)
		return (NO_MEMORY);
	claim.segs = segs;
	ok = secrets_verify(p->endpoint->sec, p->endpoint->which, &claim,
	    ret_match);
	if (segs != few)
		free(segs);
	return (ok ? AUTHENTIC : FORGED);
}

static void
commit_free(struct commit *c)
{
	endpoint_tally_unref(c->tally);
	free(c);
}

/* http_left_fn: the answer to a stored event has left, or never will. */
static void
webhook_left_cb(void *arg, bool left)
{
	struct commit *c = arg;
	struct store_answer answer = { c->event, left ? 200 : 0,
		clock_mono_us() - c->whole_us };

	if (left)
		histogram_add(&c->w->acks, answer.took_us);
	ingest_note_answer(c->w->in, &answer);
	ingest_answered(c->w->in, c->event, left);
	commit_free(c);
}

/* ingest_done_fn: the event is on disk, or will not be in time. */
static void
webhook_done_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct commit *c = arg;

	if (rc == INGEST_RECEIVED) /* a repeat proves nothing */
		http_request_prove(c->req);
	if (rc == INGEST_RECEIVED || rc == INGEST_REPEAT) {
		c->event = event;
		c->tally->n[ENDPOINT_RECEIVED]++;
		http_request_on_left(c->req, webhook_left_cb, c);
		http_request_finish(c->req, 200, RECEIVED);
		return;
	}
	if (rc == INGEST_DUPLICATE)
		answer_duplicate(c->tally, c->req);
	else
		answer_later(c->w, c->tally, c->req);
	commit_free(c);
}

/* Refuse a delivery that is authentic: kept whole. */
static void
refuse_authentic(const struct parcel *p, const struct delivery *del,
    enum reject_cause cause, int status, const char *json)
{
	struct parcel signed_one = *p;

	signed_one.digest = del->digest;
	p->endpoint->tally->n[ENDPOINT_REFUSED]++;
	note(&signed_one, cause, del->body, del->body_len, del->body_len);
	http_request_finish(p->req, status, json);
}

/* Hand it on. Takes del->body, and c. */
static void
submit(const struct parcel *p, struct delivery *del, struct commit *c)
{
	switch (ingest_submit(p->w->in, del, webhook_done_cb, c)) {
	case INGEST_PENDING:
		http_request_keep(p->req);
		return; /* the body is ingest's */
	case INGEST_INVALID:
		refuse_authentic(p, del, REJECT_INVALID_JSON, 400,
		    "{\"error\":\"invalid JSON\"}");
		break;
	case INGEST_TOO_MANY:
		refuse_authentic(p, del, REJECT_TOO_MANY_ORDERS, 400,
		    "{\"error\":\"too many orders\"}");
		break;
	case INGEST_MISFIT:
		refuse_authentic(p, del, REJECT_NOT_FOR_ENDPOINT, 403,
		    "{\"error\":\"not for this endpoint\"}");
		break;
	case INGEST_DUPLICATE:
		answer_duplicate(c->tally, p->req);
		break;
	case INGEST_RECEIVED: /* these two only ever for webhook_done_cb() */
	case INGEST_REPEAT:
	case INGEST_BUSY:
		answer_later(p->w, c->tally, p->req);
		break;
	}
	free(del->body);
	commit_free(c);
}

/* The delivery is ours: move its body out of the request and hand it on. */
static void
accept_delivery(const struct parcel *p, const struct secrets_match *match)
{
	size_t len = evbuffer_get_length(p->body);
	struct http_field fields[HEADERS_MAX];
	struct kept_headers headers;
	struct delivery del = { .event_id = p->event_id,
		.type = p->type,
		.secret = match->name,
		.scope = match->scope,
		.endpoint = p->endpoint->name,
		.fits = &p->endpoint->takes,
		.peer = http_request_peer(p->req),
		.digest = match->mac,
		.received_at_ms = p->at_ms,
		.headers = &headers,
		.body_len = len };
	struct commit *c = malloc(sizeof(*c));

	del.body = malloc(len > 0 ? len : 1);
	if (c == NULL || del.body == NULL) {
		free(c);
		free(del.body);
		answer_later(p->w, p->endpoint->tally, p->req);
		return;
	}
	*c = (struct commit){ .w = p->w,
		.tally = endpoint_tally_ref(p->endpoint->tally),
		.req = p->req,
		.whole_us = p->whole_us };
	(void)evbuffer_remove(p->body, del.body, len);
	header_sets_take(p->w->headers, fields,
	    http_request_fields(p->req, fields, HEADERS_MAX), p->whole_us,
	    &headers);
	submit(p, &del, c);
}

/* -- Probes -- */

/* The route of a probe that is kept until the store has written. */
static void
webhook_probed_cb(bool committed, void *arg)
{
	struct commit *c = arg;

	if (committed)
		http_request_finish(c->req, 200, PROBED);
	else
		answer_later(c->w, c->tally, c->req);
	commit_free(c);
}

/* Does the delivery call itself a probe? The id and type are not signed. */
static bool
is_called_probe(const struct parcel *p)
{
	return (strcmp(p->type, PROBE_TYPE) == 0);
}

/*
 * An authentic probe is never an event, whatever it calls itself: who has
 * captured one can send it again, and gets the same answer. Returns whether
 * the delivery was answered, or will be.
 */
static bool
answer_probe(const struct parcel *p)
{
	const struct webhook_probe *probe = &p->w->probe;
	unsigned char nonce[PROBE_NONCE_LEN];
	char text[PROBE_BODY_LEN];
	struct commit *c;

	if (evbuffer_get_length(p->body) != PROBE_BODY_LEN ||
	    evbuffer_copyout(p->body, text, sizeof(text)) != PROBE_BODY_LEN ||
	    !probe_body_read(text, sizeof(text), nonce)) {
		if (!is_called_probe(p))
			return (false);
		refuse(p, REJECT_HEADERS_INVALID, 400,
		    "{\"error\":\"invalid klikit headers\"}");
		return (true);
	}
	if ((c = malloc(sizeof(*c))) == NULL) {
		answer_later(p->w, p->endpoint->tally, p->req);
		return (true);
	}
	*c = (struct commit){ .w = p->w,
		.tally = endpoint_tally_ref(p->endpoint->tally),
		.req = p->req };
	if (probe->take != NULL &&
	    probe->take(probe->arg, nonce, http_request_peer(p->req),
		webhook_probed_cb, c)) {
		http_request_keep(p->req);
		return (true);
	}
	commit_free(c);
	http_request_finish(p->req, 200, PROBED);
	return (true);
}

void
webhook_run(struct http_request *req, void *arg)
{
	const struct endpoint *endpoint = arg;
	struct secrets_match match;
	struct parcel p = { .w = endpoint->webhook,
		.endpoint = endpoint,
		.req = req,
		.body = http_request_body(req),
		.event_id = http_request_field(req, "x-klikit-event-id"),
		.type = http_request_field(req, "x-klikit-event-type"),
		.signature = http_request_field(req, SIGNATURE_HEADER),
		.at_ms = clock_wall_ms(),
		.whole_us = clock_mono_us() };

	if (turn_away(&p))
		return;
	if (p.event_id == NULL || *p.event_id == '\0' || p.type == NULL ||
	    *p.type == '\0' || p.signature == NULL || *p.signature == '\0') {
		refuse(&p, REJECT_HEADERS_MISSING, 400,
		    "{\"error\":\"missing klikit headers\"}");
		return;
	}
	if (!event_name_is_good(p.event_id) ||
	    (!event_name_is_good(p.type) && !is_called_probe(&p))) {
		refuse(&p, REJECT_HEADERS_INVALID, 400,
		    "{\"error\":\"invalid klikit headers\"}");
		return;
	}
	switch (verify(&p, &match)) {
	case AUTHENTIC:
		if (!answer_probe(&p))
			accept_delivery(&p, &match);
		break;
	case FORGED:
		if (is_called_probe(&p) && p.w->probe.refused != NULL)
			p.w->probe.refused(p.w->probe.arg);
		refuse(&p, REJECT_SIGNATURE, 401,
		    "{\"error\":\"invalid signature\"}");
		break;
	case NO_MEMORY:
		answer_later(p.w, endpoint->tally, req);
		break;
	}
}

struct webhook *
webhook_new(struct ingest *in, struct diagnosis_queue *diag,
    const struct steady *clock)
{
	struct webhook *w;
	uint64_t seed;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (NULL);
	w->headers = header_sets_new();
	if (w->headers == NULL || signature_random(&seed, sizeof(seed)) == -1) {
		webhook_free(w);
		return (NULL);
	}
	failure_limit_init(&w->failures, seed);
	w->in = in;
	w->diag = diag;
	w->clock = clock;
	histogram_init(&w->acks, acks_us, sizeof(acks_us) / sizeof(acks_us[0]));
	return (w);
}

void
webhook_forgive(struct webhook *w)
{
	failure_limit_forget(&w->failures);
}

void
webhook_set_limit(struct webhook *w, int64_t failures, int64_t work_per_s)
{
	failure_limit_set(&w->failures, failures, work_per_s);
}

uint64_t
webhook_limited(const struct webhook *w)
{
	return (w->limited);
}

void
webhook_set_probe(struct webhook *w, const struct webhook_probe *probe)
{
	w->probe = *probe;
}

const struct histogram *
webhook_acks(const struct webhook *w)
{
	return (&w->acks);
}

void
webhook_free(struct webhook *w)
{
	if (w == NULL)
		return;
	header_sets_free(w->headers);
	free(w);
}
