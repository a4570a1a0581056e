/*
 * tls_bufferevent.c -- what may be done to a bufferevent that has TLS.
 */
#include <sys/socket.h>

#include <stdio.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "server/tls/tls_mbedtls.h"
#include "server/tls/tls_filter.h"

struct bufferevent *
tls_bufferevent_new(struct tls_engine *e, struct tls_context *ctx,
    const char *host)
{
	if (ctx->server != (host == NULL))
		return (NULL);
	return (tls_filter_new(e, ctx, host, &tls_handshake_ops));
}

void
tls_start(struct bufferevent *bev)
{
	struct tls_filter *f = tls_filter_of(bev);

	if (f != NULL)
		tls_filter_begin(f);
}

void
tls_set_owner(struct bufferevent *bev, void *owner)
{
	struct tls_filter *f = tls_filter_of(bev);

	if (f != NULL)
		f->hs.owner = owner;
}

const struct tls_context *
tls_context_of(struct bufferevent *bev)
{
	const struct tls_filter *f = tls_filter_of(bev);

	return (f != NULL ? f->ctx : NULL);
}

const char *
tls_reason(struct bufferevent *bev)
{
	const struct tls_filter *f = tls_filter_of(bev);

	return (f != NULL && f->why[0] != '\0' ? f->why : NULL);
}

void
tls_blame(struct bufferevent *bev, const char *why)
{
	struct tls_filter *f = tls_filter_of(bev);

	if (f != NULL && (f->state == TLS_HANDSHAKE || f->state == TLS_SILENT))
		(void)snprintf(f->why, sizeof(f->why), "%s", why);
}

uint64_t
tls_sent(struct bufferevent *bev)
{
	const struct tls_filter *f = tls_filter_of(bev);
	uint64_t gone;

	if (f == NULL || f->own_bytes == 0)
		return (0);
	gone =
	    f->written - evbuffer_get_length(bufferevent_get_output(f->under));
	return (gone > f->own_bytes ? gone - f->own_bytes : 0);
}

size_t
tls_held(struct bufferevent *bev)
{
	struct tls_filter *f = tls_filter_of(bev);

	if (f == NULL)
		return (0);
	return (
	    evbuffer_get_length(bufferevent_get_input(f->under)) +
	    (f->state == TLS_OPEN ? mbedtls_ssl_get_bytes_avail(&f->ssl) : 0));
}

size_t
tls_allocated(struct bufferevent *bev)
{
	struct tls_filter *f = tls_filter_of(bev);

	return (f != NULL && f->prepared ? TLS_STATE_SIZE + tls_held(bev) : 0);
}

void
tls_send_now(struct bufferevent *bev, const char *text, size_t len)
{
	struct tls_filter *f = tls_filter_of(bev);
	int n = 0;

	if (f == NULL || f->state != TLS_OPEN || f->close_sent ||
	    !tls_filter_sent(f))
		return;
	f->direct = true;
	while (len > 0 && (n = mbedtls_ssl_write(&f->ssl,
			       (const unsigned char *)text, len)) > 0) {
		text += n;
		len -= (size_t)n;
	}
	f->direct = false;
}

void
tls_flush(struct bufferevent *bev)
{
	struct tls_filter *f = tls_filter_of(bev);

	if (f != NULL)
		tls_filter_flush(f);
}

/* close_notify, once. */
static void
take_leave(struct tls_filter *f)
{
	uint64_t before = f->written;

	if (f->state != TLS_OPEN || f->close_sent)
		return;
	f->close_sent = true;
	f->direct = true;
	(void)mbedtls_ssl_close_notify(&f->ssl);
	f->direct = false;
	f->own_bytes += f->written - before; /* TLS's own bytes, no output */
}

void
tls_half_close(struct bufferevent *bev)
{
	struct tls_filter *f = tls_filter_of(bev);

	if (f == NULL)
		return;
	take_leave(f);
	if (evbuffer_get_length(bufferevent_get_output(f->under)) == 0)
		(void)shutdown(bufferevent_getfd(bev), SHUT_WR);
	else
		f->shut_when_sent = true;
}

void
tls_close(struct bufferevent *bev)
{
	struct tls_filter *f = tls_filter_of(bev);

	if (f == NULL)
		return;
	if (tls_filter_sent(f))
		take_leave(f);
	tls_end_leave(f);
	if (f->socket_ended)
		tls_engine_wait(
		    &f->hs); /* that was kept back; it is reported now */
}
