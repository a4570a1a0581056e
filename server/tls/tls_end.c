/*
 * tls_end.c -- how a connection ends: what is counted, what the peer learns,
 * and what its owner does.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "server/tls/tls_mbedtls.h"
#include "server/tls/tls_filter.h"
#include "server/tls/tls_reason.h"

void
tls_end_leave(struct tls_filter *f)
{
	enum tls_state state = f->state;

	f->state = TLS_FAILED;
	if (state == TLS_OPEN)
		tls_engine_close(&f->hs);
	if (state != TLS_HANDSHAKE && state != TLS_SILENT)
		return;
	if (f->why[0] == '\0')
		(void)snprintf(f->why, sizeof(f->why),
		    "the handshake was not finished");
	tls_engine_fail(&f->hs, f->timed_out);
}

void
tls_end_raise(struct tls_filter *f, short what, int error)
{
	errno = error;
	bufferevent_trigger_event(f->bev, what, 0);
}

/* The alert that says why may still be here: it leaves now or never. */
static void
send_alert(struct tls_filter *f)
{
	struct evbuffer_iovec segs[4];
	struct msghdr msg = { .msg_iov = (struct iovec *)segs };
	int n;

	n = evbuffer_peek(bufferevent_get_output(f->under), -1, NULL, segs,
	    sizeof(segs) / sizeof(segs[0]));
	if (n <= 0 || n > (int)(sizeof(segs) / sizeof(segs[0])))
		return;
	msg.msg_iovlen = (size_t)n;
	(void)sendmsg(bufferevent_getfd(f->under), &msg,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
fail(struct tls_filter *f, int error)
{
	send_alert(f);
	tls_end_leave(f);
	tls_end_raise(f, BEV_EVENT_ERROR | BEV_EVENT_READING, error);
}

void
tls_end_fail(struct tls_filter *f, const char *why)
{
	(void)snprintf(f->why, sizeof(f->why), "%s", why);
	fail(f, EPROTO);
}

void
tls_end_fail_rc(struct tls_filter *f, int rc)
{
	struct tls_failure failure = {
		.server = f->ctx->server,
		.rc = rc,
		.flags = mbedtls_ssl_get_verify_result(&f->ssl),
		.detail = f->far.detail,
		.alert = tls_mbedtls_alert(&f->ssl),
	};

	tls_reason_write(&failure, sizeof(f->why), f->why);
	fail(f, EPROTO);
}

static void
fail_late(struct tls_handshake *hs, const char *why)
{
	struct tls_filter *f = (struct tls_filter *)hs; /* its first member */

	f->timed_out = true;
	(void)snprintf(f->why, sizeof(f->why), "%s", why);
	fail(f, ETIMEDOUT);
}

void
tls_end_late(struct tls_handshake *hs)
{
	fail_late(hs, "handshake timed out");
}

void
tls_end_idle(struct tls_handshake *hs)
{
	fail_late(hs,
	    "handshake timed out: the other side kept it waiting while others "
	    "waited for its place");
}
