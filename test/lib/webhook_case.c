#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "test/lib/cmocka_all.h"

#include "server/auth/signature.h"
#include "server/diagnosis/redact.h"
#include "store/base/hex.h"
#include "test/lib/webhook_case.h"

enum ingest_rc
ingest_submit(struct ingest *in, const struct delivery *del,
    ingest_done_fn *done, void *arg)
{
	snprintf(in->event_id, sizeof(in->event_id), "%s", del->event_id);
	snprintf(in->peer, sizeof(in->peer), "%s", del->peer);
	snprintf(in->endpoint, sizeof(in->endpoint), "%s", del->endpoint);
	if (in->verdict != INGEST_PENDING)
		return (in->verdict);
	assert_in_range(in->npending, 0, PENDING_MAX - 1);
	in->pending[in->npending].done = done;
	in->pending[in->npending].arg = arg;
	in->pending[in->npending].body = del->body;
	in->pending[in->npending++].len = del->body_len;
	return (INGEST_PENDING);
}

void
ingest_answered(struct ingest *in, int64_t event, bool left)
{
	in->answered = event;
	in->nanswered++;
	in->nlost += !left;
}

void
ingest_note_answer(struct ingest *in, const struct store_answer *answer)
{
	in->answer = *answer;
}

void
diagnosis_queue_add(struct diagnosis_queue *q, const struct refusal *r)
{
	q->n++;
	q->cause = r->in.cause;
	snprintf(q->endpoint, sizeof(q->endpoint), "%s", r->in.endpoint);
	redact_headers(r->in.headers, r->in.nheaders, q->headers,
	    sizeof(q->headers));
	q->body_len = r->in.body_len;
	q->size = r->in.size;
}

/* http_route */
static void
proven_run(struct http_request *req, void *arg)
{
	(void)arg;
	http_request_finish(req, 200,
	    http_request_is_proven(req) ? "proven" : "stranger");
}

int
webhook_setup(void **state)
{
	struct webhook_case *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	peer_begin(&f->h);
	f->in.verdict = INGEST_PENDING;
	assert_non_null(f->sec = secrets_new());
	assert_int_equal(secrets_add(f->sec, "default", "secret", 6, 0), 0);
	assert_non_null(f->webhook = webhook_new(&f->in, &f->diag, NULL));
	f->endpoint = (struct endpoint){ .name = "default",
		.webhook = f->webhook,
		.sec = f->sec,
		.which = SECRETS_ALL,
		.tally = &f->tally };
	f->tally.refs = 1;
	peer_listen(&f->h,
	    (struct http_route[]){
		{ "/webhooks/klikit", HTTP_POST, webhook_run, &f->endpoint,
		    true },
		{ "/proven", HTTP_GET, proven_run, NULL, true },
	    },
	    2);
	*state = f;
	return (0);
}

int
webhook_teardown(void **state)
{
	struct webhook_case *f = *state;

	assert_int_equal(f->in.npending, 0);
	peer_end(&f->h);
	webhook_free(f->webhook);
	secrets_free(f->sec);
	free(f);
	return (0);
}

void
webhook_post(struct peer *c, const char *id, const char *body,
    const char *signature)
{
	struct webhook_case *f = (struct webhook_case *)c->f;
	struct iovec seg = { (void *)(uintptr_t)body, strlen(body) };
	unsigned char mac[SIGNATURE_LEN];
	char hex[SIGNATURE_TEXT_LEN + 1];

	assert_int_equal(secrets_mac(f->sec, 0, &seg, 1, mac), 0);
	hex_encode(mac, sizeof(mac), hex);
	evbuffer_add_printf(bufferevent_get_output(c->bev),
	    "POST /webhooks/klikit HTTP/1.1\r\nHost: x\r\n"
	    "Authorization: Basic aGVtbGln\r\nCookie: private\r\n"
	    "x-klikit-event-id: %s\r\n"
	    "x-klikit-event-type: klikit.order.created.v2\r\n"
	    "x-klikit-signature: %s\r\nContent-Length: %zu\r\n\r\n%s",
	    id, signature != NULL ? signature : hex, strlen(body), body);
}

void
webhook_wait_pending(struct webhook_case *f, size_t n)
{
	while (f->in.npending < n)
		peer_turn(&f->h);
}

void
webhook_commit(struct webhook_case *f, enum ingest_rc rc, int64_t event)
{
	assert_int_not_equal(f->in.npending, 0);
	f->in.npending--;
	free(f->in.pending[0].body);
	f->in.pending[0].done(rc, event, f->in.pending[0].arg);
	memmove(&f->in.pending[0], &f->in.pending[1],
	    f->in.npending * sizeof(f->in.pending[0]));
}
