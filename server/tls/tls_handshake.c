/*
 * tls_handshake.c -- a connection's handshake: its steps, and what comes of
 * them.
 *
 * A step is laid out here, computed in the engine's thread or in the loop, and
 * taken up here again. Between these mbedTLS's state and the step are not the
 * loop's. What has come stays in the socket's buffer meanwhile, and nothing is
 * read; the connection may fail, and be closed, all the same.
 */
#include <sys/socket.h>

#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "server/tls/tls_mbedtls.h"
#include "server/tls/tls_filter.h"

#define HANDSHAKE_RECORD 22 /* the first byte of every client (RFC 5246) */

/* The connection that hs is the first member of. */
static struct tls_filter *
filter_of(struct tls_handshake *hs)
{
	return ((struct tls_filter *)hs);
}

/* tls_handshake_ops: it was kicked. */
static void
filter_pump_cb(struct tls_handshake *hs)
{
	tls_filter_pump(filter_of(hs));
}

static void
handshake_done(struct tls_filter *f)
{
	f->state = TLS_OPEN;
	f->own_bytes = f->written;
	tls_engine_complete(&f->hs, f->far.resumed);
	if (!f->ctx->server) {
		tls_sessions_keep(&f->ctx->sessions, f->far.host, &f->ssl);
		tls_end_raise(f, BEV_EVENT_CONNECTED, 0);
	}
	tls_filter_pump(f);
}

/* Nothing is read while it waits for its turn: has the client left meanwhile?
 */
static bool
has_left(struct tls_filter *f)
{
	char byte;

	return (recv(bufferevent_getfd(f->under), &byte, 1,
		    MSG_PEEK | MSG_DONTWAIT) == 0);
}

/*
 * What is wrong with how the client begins; NULL: nothing. Who has left is not
 * worth a step.
 */
static const char *
opening_fault(struct tls_filter *f)
{
	struct evbuffer *in = bufferevent_get_input(f->under);
	unsigned char first;

	if (f->first_read || !f->ctx->server ||
	    evbuffer_copyout(in, &first, 1) != 1)
		return (NULL);
	f->first_read = true;
	if (first == HANDSHAKE_RECORD)
		return (has_left(f) ? "closed the connection during the "
				      "handshake"
				    : NULL);
	return (first >= 'A' && first <= 'Z'
		    ? "speaks HTTP without TLS on a port for HTTPS"
		    : "does not speak TLS");
}

/* What has come may be read on. */
static void
read_on(struct tls_filter *f)
{
	if (!f->socket_ended)
		(void)bufferevent_enable(f->under, EV_READ);
}

/* Lay out the next step. Returns whether there is one to be computed. */
static bool
begin_step(struct tls_filter *f)
{
	struct evbuffer *in = bufferevent_get_input(f->under);
	size_t len = evbuffer_get_length(in);
	const char *why = opening_fault(f);

	if (why == NULL &&
	    (tls_filter_prepare(f) == -1 || tls_step_init(&f->step, len) == -1))
		why = "out of memory";
	if (why != NULL) {
		read_on(f);
		tls_end_fail(f, why);
		return (false);
	}
	(void)evbuffer_copyout(in, f->step.in, len);
	f->ctx->current = &f->far;
	return (true);
}

/* tls_handshake_ops: its turn. */
static bool
filter_step_cb(struct tls_handshake *hs)
{
	struct tls_filter *f = filter_of(hs);

	if (tls_filter_is_gone(f))
		return (false);
	if (f->state == TLS_HANDSHAKE)
		return (begin_step(f));
	read_on(f);
	if (f->state == TLS_FAILED && f->socket_ended)
		tls_end_raise(f, BEV_EVENT_EOF | BEV_EVENT_READING, 0);
	else
		tls_filter_pump(f); /* it had much to send */
	return (false);
}

/* tls_handshake_ops: perhaps in a thread. */
static void
filter_compute_cb(struct tls_handshake *hs)
{
	struct tls_filter *f = filter_of(hs);

	tls_step_compute(&f->step, &f->ssl);
}

/* What mbedTLS said of the step. */
static void
step_result(struct tls_filter *f, int rc)
{
	if (rc == 0)
		handshake_done(f);
	else if (rc != MBEDTLS_ERR_SSL_WANT_READ)
		tls_end_fail_rc(f, rc);
	else if (f->socket_ended && f->socket_error != 0)
		tls_end_fail(f, strerror(f->socket_error));
	else if (f->socket_ended)
		tls_end_fail(f, "closed the connection during the handshake");
}

/* The step's bytes are the connection's again. Returns mbedTLS's result. */
static int
end_step(struct tls_filter *f)
{
	struct tls_step *s = &f->step;
	int rc = s->rc;

	(void)evbuffer_drain(bufferevent_get_input(f->under), s->in_read);
	if (tls_filter_take_up(f, s->out, s->out_len) == -1)
		rc = MBEDTLS_ERR_SSL_ALLOC_FAILED;
	tls_step_fini(s);
	return (rc);
}

/* tls_handshake_ops: it has been computed. */
static void
filter_computed_cb(struct tls_handshake *hs)
{
	struct tls_filter *f = filter_of(hs);

	f->ctx->current = NULL;
	if (f->freed)
		tls_filter_free(f);
	else if (tls_filter_is_gone(f) || f->state != TLS_HANDSHAKE)
		tls_step_fini(&f->step); /* it had its time, or made room */
	else {
		read_on(f);
		step_result(f, end_step(f));
	}
}

const struct tls_handshake_ops tls_handshake_ops = {
	.pump = filter_pump_cb,
	.step = filter_step_cb,
	.compute = filter_compute_cb,
	.computed = filter_computed_cb,
	.late = tls_end_late,
	.idle = tls_end_idle,
};
