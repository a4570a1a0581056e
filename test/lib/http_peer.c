/*
 * http_peer.c -- the listener under test, and clients of it.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "server/base/log.h"
#include "server/diagnosis/redact.h"
#include "store/base/hex.h"
#include "test/lib/http_peer.h"

enum ingest_rc
ingest_submit(struct ingest *in, const struct delivery *del,
    ingest_done_fn *done, void *arg)
{
	snprintf(in->event_id, sizeof(in->event_id), "%s", del->event_id);
	snprintf(in->peer, sizeof(in->peer), "%s", del->peer);
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
	(void)left;
	in->answered = event;
	in->nanswered++;
}

void
diagnosis_queue_add(struct diagnosis_queue *q, const struct refusal *r)
{
	q->n++;
	q->cause = r->in.cause;
	redact_headers(r->in.headers, r->in.nheaders, q->headers,
	    sizeof(q->headers));
	q->body_len = r->in.body_len;
	q->size = r->in.size;
}

void
peer_commit(struct http_case *f, enum ingest_rc rc, int64_t event)
{
	assert_int_not_equal(f->in.npending, 0);
	f->in.npending--;
	free(f->in.pending[0].body);
	f->in.pending[0].done(rc, event, f->in.pending[0].arg);
	memmove(&f->in.pending[0], &f->in.pending[1],
	    f->in.npending * sizeof(f->in.pending[0]));
}

static void
start(struct http_case *f, const struct http_options *opt)
{
	char url[HTTP_URL_MAX], reason[256];

	f->in.verdict = INGEST_PENDING;
	f->http = http_new(f->base, opt, &f->in, &f->diag, f->sec);
	assert_non_null(f->http);
	assert_int_equal(http_listen(f->http, "127.0.0.1:0", url, reason), 0);
	f->port = (unsigned)atoi(strrchr(url, ':') + 1);
}

int
peer_setup(void **state)
{
	static struct http_options opt = { .max_body = 65536,
		.max_connections = 16,
		.request_timeout_ms = 30000,
		.idle_timeout_ms = 30000 };
	struct http_case *f = calloc(1, sizeof(*f));

	(void)signal(SIGPIPE, SIG_IGN); /* as the server does */
	log_setup(LOG_ERROR, LOG_TEXT);
	f->base = event_base_new();
	f->sec = secrets_new();
	secrets_add(f->sec, "default", "secret", 6, 0);
	start(f, &opt);
	*state = f;
	return (0);
}

int
peer_teardown(void **state)
{
	struct http_case *f = *state;

	assert_int_equal(f->in.npending, 0);
	http_free(f->http);
	secrets_free(f->sec);
	event_base_free(f->base);
	free(f);
	return (0);
}

static void
peer_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct peer *c = arg;

	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		c->eof = true;
}

void
peer_open(struct peer *c, struct http_case *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)f->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };

	c->f = f;
	c->eof = false;
	c->bev = bufferevent_socket_new(f->base, -1, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(c->bev, NULL, NULL, peer_event_cb, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	assert_int_equal(bufferevent_socket_connect(c->bev,
			     (struct sockaddr *)&sin, sizeof(sin)),
	    0);
}

void
peer_send(struct peer *c, const char *text)
{
	assert_int_equal(bufferevent_write(c->bev, text, strlen(text)), 0);
}

void
peer_post(struct peer *c, const char *id, const char *body,
    const char *signature)
{
	struct iovec seg = { (void *)(uintptr_t)body, strlen(body) };
	unsigned char mac[SIGNATURE_LEN];
	char hex[SIGNATURE_TEXT_LEN + 1];

	assert_int_equal(secrets_mac(c->f->sec, 0, &seg, 1, mac), 0);
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
peer_turn(struct http_case *f)
{
	assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
}

void
peer_wait(struct peer *c, const char *text)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	struct evbuffer_ptr at;

	for (;;) {
		at = evbuffer_search(input, text, strlen(text), NULL);
		if (at.pos != -1)
			break;
		if (c->eof)
			fail_msg("closed before %s: %s", text,
			    (char *)evbuffer_pullup(input, -1));
		peer_turn(c->f);
	}
	evbuffer_drain(input, (size_t)at.pos + strlen(text));
}

void
peer_wait_eof(struct peer *c)
{
	while (!c->eof)
		peer_turn(c->f);
	assert_int_equal(evbuffer_get_length(bufferevent_get_input(c->bev)), 0);
}

void
peer_close(struct peer *c)
{
	bufferevent_free(c->bev);
}

void
peer_wait_pending(struct http_case *f, size_t n)
{
	while (f->in.npending < n)
		peer_turn(f);
}

void
peer_wait_connections(struct http_case *f, size_t n)
{
	while (http_connections(f->http) != n)
		peer_turn(f);
}
