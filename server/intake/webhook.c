/*
 * webhook.c -- POST /webhooks/klikit: verify, submit, answer.
 *
 * The checks stand in the order of the table in the README. Up to the verdict
 * on the signature nothing is copied: the MAC is computed over the segments
 * as they lie. Then the body moves, once, into memory of its own, which goes
 * to ingest.
 */
#include <sys/uio.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "server/auth/secrets.h"
#include "server/base/clock.h"
#include "server/base/steady.h"
#include "server/http/http_private.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/ingest.h"
#include "server/intake/rejections.h"

#define NAME_MAX_LEN 255 /* of an event's id and of its type */
#define SEGS_MAX 64      /* more are rare: those are asked for from malloc */
#define HEADERS_MAX 64   /* of a refused delivery: more are not looked at */
#define RETRY_AFTER_S 5
#define RETRY_SPREAD_S 3

#define SIGNATURE_HEADER "x-klikit-signature"

static const struct http_answer answer_received = { 200, "OK",
	"{\"status\":\"received\"}" };
static const struct http_answer answer_duplicate = { 200, "OK",
	"{\"status\":\"duplicate-ignored\"}" };
static const struct http_answer answer_missing = { 400, "Bad Request",
	"{\"error\":\"missing klikit headers\"}" };
static const struct http_answer answer_invalid = { 400, "Bad Request",
	"{\"error\":\"invalid klikit headers\"}" };
static const struct http_answer answer_json = { 400, "Bad Request",
	"{\"error\":\"invalid JSON\"}" };
static const struct http_answer answer_too_many = { 400, "Bad Request",
	"{\"error\":\"too many orders\"}" };
static const struct http_answer answer_signature = { 401, "Unauthorized",
	"{\"error\":\"invalid signature\"}" };
static const struct http_answer answer_busy = { 503, "Service Unavailable",
	"{\"error\":\"try again later\"}" };

/* A delivery as it lies in its request. */
struct parcel {
	struct http_conn *conn;
	struct evhttp_request *req;
	struct evbuffer *body;
	const char *event_id;
	const char *type;
	const char *signature;
	const unsigned char *digest; /* the MAC, once it is known as ours */
	int64_t at_ms;
};

static bool
is_name(const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if (i == NAME_MAX_LEN || text[i] < 0x20 || text[i] > 0x7e)
			return (false);
	return (true);
}

/* The request's headers, as far as there is room: borrowed from it. */
static size_t
list_headers(struct evhttp_request *req,
    struct diagnosis_header ret_list[HEADERS_MAX])
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	const struct evkeyval *h;
	size_t n = 0;

	for (h = headers->tqh_first; h != NULL && n < HEADERS_MAX;
	     h = h->next.tqe_next)
		ret_list[n++] = (struct diagnosis_header){ h->key, h->value };
	return (n);
}

/* Keep the refused delivery for the operator; why is found out later. */
static void
note(const struct parcel *p, enum reject_cause cause, const void *body,
    size_t body_len, size_t size)
{
	struct diagnosis_header headers[HEADERS_MAX];
	struct refusal r = { .peer = http_conn_peer(p->conn),
		.event_id = p->event_id,
		.digest = p->digest };

	r.in = (struct diagnosis_input){ .cause = cause,
		.headers = headers,
		.nheaders = list_headers(p->req, headers),
		.body = body,
		.body_len = body_len,
		.size = size,
		.at_ms = p->at_ms };
	diagnosis_queue_add(p->conn->h->diag, &r);
}

/* Refuse a delivery that nobody has vouched for. */
static void
refuse(const struct parcel *p, enum reject_cause cause,
    const struct http_answer *answer)
{
	size_t size = evbuffer_get_length(p->body), len = size;
	const void *body;

	/* What is too long to be examined is not made one piece for it. */
	if (len > DIAGNOSIS_BODY_MAX)
		len = REJECTIONS_BODY_MAX;
	body = len == 0 ? NULL : evbuffer_pullup(p->body, (ev_ssize_t)len);
	note(p, cause, body, body == NULL ? 0 : len, size);
	http_answer(p->conn, p->req, answer);
}

static void
answer_later(struct http_conn *conn, struct evhttp_request *req)
{
	char seconds[16];

	(void)snprintf(seconds, sizeof(seconds), "%u",
	    RETRY_AFTER_S + conn->h->nbusy++ % RETRY_SPREAD_S);
	(void)evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Retry-After", seconds);
	http_answer(conn, req, &answer_busy);
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
	const struct steady *clock = p->conn->h->clock;
	struct wall_time wall = { p->at_ms };

	if (clock == NULL)
		return (wall.ms);
	return (steady_wall(clock, wall, steady_now(clock)).ms);
}

enum verdict { AUTHENTIC, FORGED, NO_MEMORY };

static enum verdict
verify(const struct parcel *p, struct secrets_match *ret_match)
{
	struct evbuffer_iovec few[SEGS_MAX], *segs;
	size_t nsegs;
	bool ok;

	if ((segs = segments(p->body, few, &nsegs)) == NULL)
		return (NO_MEMORY);
	ok = secrets_verify(p->conn->h->sec, p->signature, segs, nsegs,
	    valid_at_ms(p), ret_match);
	if (segs != few)
		free(segs);
	return (ok ? AUTHENTIC : FORGED);
}

/* ingest_done_fn: the event is on disk, or will not be in time. */
static void
webhook_done_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct http_conn *conn = arg;
	struct evhttp_request *req = http_conn_take_kept(conn);
	bool stored = rc == INGEST_RECEIVED || rc == INGEST_REPEAT;

	if (stored) {
		conn->event = event;
		conn->leaving = true;
	}
	if (rc == INGEST_RECEIVED) /* a repeat proves nothing */
		http_conn_prove(conn);
	if (conn->closed) { /* evhttp only frees the request */
		evhttp_send_reply(req, 503, "Service Unavailable", NULL);
		if (conn->leaving)
			http_webhook_left(conn, false);
		http_conn_release(conn);
		return;
	}
	if (stored)
		http_answer(conn, req, &answer_received);
	else if (rc == INGEST_DUPLICATE)
		http_answer(conn, req, &answer_duplicate);
	else
		answer_later(conn, req);
	http_wire_push(conn);
}

void
http_webhook_left(struct http_conn *conn, bool left)
{
	conn->leaving = false;
	if (left)
		histogram_add(&conn->h->acks, clock_mono_us() - conn->whole_us);
	ingest_answered(conn->h->in, conn->event, left);
}

/* Refuse a body that is authentic and makes no sense: kept whole. */
static void
refuse_authentic(const struct parcel *p, const struct delivery *del,
    enum reject_cause cause, const struct http_answer *answer)
{
	struct parcel signed_one = *p;

	signed_one.digest = del->digest;
	note(&signed_one, cause, del->body, del->body_len, del->body_len);
	http_answer(p->conn, p->req, answer);
}

static void
submit(const struct parcel *p, struct delivery *del)
{
	struct http_conn *conn = p->conn;

	switch (ingest_submit(conn->h->in, del, webhook_done_cb, conn)) {
	case INGEST_PENDING:
		http_wire_keep(conn, p->req);
		return; /* the body is ingest's */
	case INGEST_INVALID:
		refuse_authentic(p, del, REJECT_INVALID_JSON, &answer_json);
		break;
	case INGEST_TOO_MANY:
		refuse_authentic(p, del, REJECT_TOO_MANY_ORDERS,
		    &answer_too_many);
		break;
	case INGEST_DUPLICATE:
		http_answer(conn, p->req, &answer_duplicate);
		break;
	case INGEST_RECEIVED: /* these two only ever for webhook_done_cb() */
	case INGEST_REPEAT:
	case INGEST_BUSY:
		answer_later(conn, p->req);
		break;
	}
	free(del->body);
}

/* The delivery is ours: move its body out of the request and hand it on. */
static void
accept_delivery(const struct parcel *p, const struct secrets_match *match)
{
	size_t len = evbuffer_get_length(p->body);
	struct delivery del = { .event_id = p->event_id,
		.type = p->type,
		.secret = match->name,
		.scope = match->scope,
		.peer = http_conn_peer(p->conn),
		.digest = match->mac,
		.received_at_ms = p->at_ms,
		.body_len = len };

	if ((del.body = malloc(len > 0 ? len : 1)) == NULL) {
		answer_later(p->conn, p->req);
		return;
	}
	(void)evbuffer_remove(p->body, del.body, len);
	submit(p, &del);
}

void
http_webhook_run(struct http_conn *conn, struct evhttp_request *req)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	struct secrets_match match;
	struct parcel p = { .conn = conn,
		.req = req,
		.at_ms = clock_wall_ms() };

	conn->whole_us = clock_mono_us();
	p.body = evhttp_request_get_input_buffer(req);
	p.event_id = evhttp_find_header(headers, "x-klikit-event-id");
	p.type = evhttp_find_header(headers, "x-klikit-event-type");
	p.signature = evhttp_find_header(headers, SIGNATURE_HEADER);
	if (p.event_id == NULL || *p.event_id == '\0' || p.type == NULL ||
	    *p.type == '\0' || p.signature == NULL || *p.signature == '\0') {
		refuse(&p, REJECT_HEADERS_MISSING, &answer_missing);
		return;
	}
	if (!is_name(p.event_id) || !is_name(p.type)) {
		refuse(&p, REJECT_HEADERS_INVALID, &answer_invalid);
		return;
	}
	switch (verify(&p, &match)) {
	case AUTHENTIC:
		accept_delivery(&p, &match);
		break;
	case FORGED:
		refuse(&p, REJECT_SIGNATURE, &answer_signature);
		break;
	case NO_MEMORY:
		answer_later(conn, req);
		break;
	}
}
