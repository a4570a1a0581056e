/*
 * tls_filter.c -- the bufferevent: bytes in, bytes out.
 *
 * libevent's filter is used for what it is to evhttp: two buffers, timeouts,
 * and a file descriptor that belongs to the bufferevent below. Its own way of
 * moving bytes is not used: it calls evhttp from within evhttp's own calls
 * (who then frees what is being written), loses the filter's errors, and does
 * not go on when it is enabled. So both filter functions do nothing, and the
 * callbacks of the socket's bufferevent are ours: they, the kick and the turns
 * of the engine all come straight from the loop, and from there evhttp may be
 * called at once, as by a bufferevent without TLS. To defer these calls would
 * be wrong: evhttp also reads by itself what a pipelining client has left in
 * the buffer, and a call that was deferred meanwhile finds it in a state in
 * which it ends the process.
 *
 * Each call may end with the connection being freed. libevent keeps the
 * memory until it is back in the loop, and a bufferevent that is being freed
 * has no callback for events left: tls_filter_tls_filter_is_gone().
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "server/tls/tls_mbedtls.h"
#include "server/tls/tls_filter.h"

#define RECORD_MAX MBEDTLS_SSL_OUT_CONTENT_LEN

/* Encrypted bytes that wait for the socket. */
#define WINDOW_MAX ((size_t)64 * 1024)
/* More than that is no answer of ours, but to nonsense below HTTP. */
#define OUTPUT_MAX (4 * WINDOW_MAX)
/* What is read of a socket that takes no more. */
#define LAST_MAX ((size_t)1024 * 1024)
/* Windows sent in one go, if the socket takes them. */
#define WINDOWS_PER_TURN 4

bool
tls_filter_is_gone(const struct tls_filter *f)
{
	bufferevent_event_cb event_cb;

	bufferevent_getcb(f->bev, NULL, NULL, &event_cb, NULL);
	return (event_cb == NULL);
}

/* -- What mbedTLS reads from and writes to -- */

/* mbedTLS: bytes for the socket. */
static int
filter_send_cb(void *arg, const unsigned char *bytes, size_t len)
{
	struct tls_filter *f = arg;
	struct evbuffer *out = bufferevent_get_output(f->under);
	size_t sent = 0;
	ssize_t n;

	if (f->direct && evbuffer_get_length(out) == 0) {
		n = send(bufferevent_getfd(f->under), bytes, len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			sent = (size_t)n;
	}
	/* A socket that has failed will say so when the loop writes to it. */
	if (sent < len && evbuffer_add(out, bytes + sent, len - sent) == -1)
		return (MBEDTLS_ERR_SSL_ALLOC_FAILED);
	f->written += len;
	return ((int)len);
}

/* mbedTLS: bytes from the socket. */
static int
filter_recv_cb(void *arg, unsigned char *buf, size_t len)
{
	struct tls_filter *f = arg;
	struct evbuffer *in = bufferevent_get_input(f->under);
	int n;

	if (evbuffer_get_length(in) == 0)
		return (MBEDTLS_ERR_SSL_WANT_READ);
	n = evbuffer_remove(in, buf, len);
	return (n > 0 ? n : MBEDTLS_ERR_SSL_INTERNAL_ERROR);
}

/* mbedTLS reads from the connection, and writes to it. */
static void
use_connection(struct tls_filter *f)
{
	mbedtls_ssl_set_bio(&f->ssl, f, filter_send_cb, filter_recv_cb, NULL);
}

int
tls_filter_prepare(struct tls_filter *f)
{
	if (f->prepared)
		return (0);
	if (mbedtls_ssl_setup(&f->ssl, &f->ctx->conf) != 0)
		return (-1);
	use_connection(f);
	f->prepared = true;
	return (0);
}

int
tls_filter_take_up(struct tls_filter *f, const unsigned char *out, size_t len)
{
	int n = 0;

	use_connection(f);
	f->direct = true;
	if (len > 0)
		n = filter_send_cb(f, out, len);
	f->direct = false;
	return (n < 0 ? -1 : 0);
}

static bool
under_is_empty(const struct tls_filter *f)
{
	return (evbuffer_get_length(bufferevent_get_output(f->under)) == 0);
}

bool
tls_filter_sent(const struct tls_filter *f)
{
	return (under_is_empty(f) &&
		evbuffer_get_length(bufferevent_get_output(f->bev)) == 0);
}

/* -- Sending -- */

/* Encrypt what the window takes. Returns 0, or mbedTLS's error. */
static int
encrypt(struct tls_filter *f)
{
	struct evbuffer *out = bufferevent_get_output(f->bev);
	struct evbuffer *under_out = bufferevent_get_output(f->under);
	unsigned char plain[RECORD_MAX];
	struct evbuffer_ptr pos;
	size_t begin = f->encrypted;
	ev_ssize_t len;
	int n;

	while (f->encrypted < evbuffer_get_length(out) &&
	       f->encrypted - begin < WINDOW_MAX &&
	       evbuffer_get_length(under_out) < WINDOW_MAX) {
		if (evbuffer_ptr_set(out, &pos, f->encrypted,
			EVBUFFER_PTR_SET) == -1)
			return (MBEDTLS_ERR_SSL_INTERNAL_ERROR);
		len = evbuffer_copyout_from(out, &pos, plain, sizeof(plain));
		if (len <= 0)
			return (MBEDTLS_ERR_SSL_INTERNAL_ERROR);
		n = mbedtls_ssl_write(&f->ssl, plain, (size_t)len);
		if (n <= 0)
			return (n < 0 ? n : MBEDTLS_ERR_SSL_INTERNAL_ERROR);
		f->encrypted += (size_t)n;
	}
	return (0);
}

/*
 * Send. What has been encrypted is removed from the output only when the
 * socket has taken all of it: evhttp closes as soon as the output is empty.
 */
static void
pump_write(struct tls_filter *f)
{
	struct evbuffer *out = bufferevent_get_output(f->bev);
	int rc, windows = 0;

	while (evbuffer_get_length(out) > 0) {
		if (windows++ == WINDOWS_PER_TURN) {
			tls_engine_wait(&f->hs); /* others go first */
			return;
		}
		f->direct = true;
		rc = encrypt(f);
		f->direct = false;
		if (rc != 0) {
			tls_end_fail_rc(f, rc);
			return;
		}
		if (!under_is_empty(f))
			return; /* under_write_cb() goes on */
		f->draining = true;
		(void)evbuffer_drain(out, f->encrypted);
		f->draining = false;
		f->encrypted = 0;
		/* What has left counts against evhttp's time limit. */
		if ((bufferevent_get_enabled(f->bev) & EV_WRITE) != 0)
			(void)bufferevent_enable(f->bev, EV_WRITE);
	}
	if (windows > 0)
		bufferevent_trigger(f->bev, EV_WRITE, 0);
}

void
tls_filter_flush(struct tls_filter *f)
{
	if (!tls_filter_is_gone(f) && f->state == TLS_OPEN)
		pump_write(f);
}

/* evbuffer: something is to be sent, or was thrown away. */
static void
filter_output_cb(struct evbuffer *out, const struct evbuffer_cb_info *info,
    void *arg)
{
	struct tls_filter *f = arg;

	(void)out;
	if (!f->draining && info->n_deleted > 0)
		f->encrypted -= info->n_deleted < f->encrypted ? info->n_deleted
							       : f->encrypted;
	if (info->n_added > 0 && f->state == TLS_OPEN)
		tls_engine_kick(&f->hs);
}

/* -- Receiving -- */

/* Decrypt all that has come. Returns mbedTLS's last word, never 0 or more. */
static int
decrypt(struct tls_filter *f, bool *ret_any)
{
	struct evbuffer *in = bufferevent_get_input(f->bev);
	unsigned char plain[RECORD_MAX];
	int n;

	for (;;) {
		n = mbedtls_ssl_read(&f->ssl, plain, sizeof(plain));
		if (n == TLS_NEW_TICKET) {
			tls_sessions_keep(&f->ctx->sessions, f->far.host,
			    &f->ssl);
			continue;
		}
		if (n <= 0)
			return (n < 0 ? n : MBEDTLS_ERR_SSL_CONN_EOF);
		/* Copied, so that small records share a chunk of memory. */
		if (evbuffer_add(in, plain, (size_t)n) == -1)
			return (MBEDTLS_ERR_SSL_ALLOC_FAILED);
		*ret_any = true;
	}
}

/* The peer sends no more, and knows that we know all it has sent. */
static void
pump_end(struct tls_filter *f)
{
	if (f->close_received || f->ctx->server)
		tls_end_raise(f, BEV_EVENT_EOF | BEV_EVENT_READING, 0);
	else
		tls_end_raise(f, BEV_EVENT_ERROR | BEV_EVENT_READING,
		    ECONNRESET);
}

static void
pump_read(struct tls_filter *f)
{
	bool any = false;
	int rc = MBEDTLS_ERR_SSL_WANT_READ;

	if ((bufferevent_get_enabled(f->bev) & EV_READ) == 0)
		return; /* it is enabled before it is next written to */
	if (!f->close_received)
		rc = decrypt(f, &any);
	if (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		f->close_received = true;
	if (any) {
		(void)bufferevent_enable(f->bev, EV_READ); /* its time begins */
		bufferevent_trigger(f->bev, EV_READ, 0);
		if (tls_filter_is_gone(f) || f->state != TLS_OPEN)
			return;
	}
	if (rc != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY &&
	    rc != MBEDTLS_ERR_SSL_WANT_READ) {
		tls_end_fail_rc(f, rc);
		return;
	}
	if (evbuffer_get_length(bufferevent_get_output(f->under)) >
	    OUTPUT_MAX) {
		tls_end_fail(f, "sends, but reads nothing of what it is sent");
		return;
	}
	/* Who has closed his side still gets what was being sent. */
	if ((f->close_received || f->socket_ended) && tls_filter_sent(f) &&
	    (bufferevent_get_enabled(f->bev) & EV_READ) != 0)
		pump_end(f);
}

void
tls_filter_pump(struct tls_filter *f)
{
	if (tls_filter_is_gone(f) || f->state != TLS_OPEN)
		return;
	pump_write(f);
	if (tls_filter_is_gone(f) || f->state != TLS_OPEN)
		return;
	pump_read(f);
}

/* -- What the socket's bufferevent reports -- */

void
tls_filter_begin(struct tls_filter *f)
{
	if (f->state != TLS_NEW)
		return;
	f->state = f->ctx->server ? TLS_SILENT : TLS_HANDSHAKE;
	tls_engine_begin(&f->hs);
	if (f->state == TLS_HANDSHAKE)
		tls_engine_shake(&f->hs);
}

/* bufferevent: bytes have come. */
static void
under_read_cb(struct bufferevent *under, void *arg)
{
	struct tls_filter *f = arg;
	struct evbuffer *in = bufferevent_get_input(under);

	switch (f->state) {
	case TLS_NEW:
	case TLS_SILENT:
		if (evbuffer_get_length(in) == 0)
			break; /* what has come was not for TLS */
		tls_filter_begin(f);
		f->state = TLS_HANDSHAKE;
		f->hs.shaking = true;
		/* FALLTHROUGH */
	case TLS_HANDSHAKE:
		/* It may not pile up more while it waits for its turn. */
		(void)bufferevent_disable(under, EV_READ);
		tls_engine_wait(&f->hs);
		break;
	case TLS_OPEN:
		tls_filter_pump(f);
		break;
	case TLS_FAILED:
		(void)evbuffer_drain(in, evbuffer_get_length(in));
		break;
	}
}

/* bufferevent: the socket has taken all that there was. */
static void
under_write_cb(struct bufferevent *under, void *arg)
{
	struct tls_filter *f = arg;

	if (f->state == TLS_NEW && !f->ctx->server && !tls_filter_is_gone(f)) {
		/* The ClientHello has left, so TCP is connected. */
		(void)bufferevent_enable(f->bev, EV_READ);
		tls_filter_begin(f);
	}
	if (f->shut_when_sent && under_is_empty(f)) {
		f->shut_when_sent = false;
		(void)shutdown(bufferevent_getfd(under), SHUT_WR);
	}
	tls_filter_pump(f);
}

/*
 * The socket takes no more. What the far side has sent before it closed may say
 * why, and is still in there; its bufferevent reads no more.
 */
static void
read_last(struct tls_filter *f)
{
	struct evbuffer *in = bufferevent_get_input(f->under);
	evutil_socket_t fd = bufferevent_getfd(f->under);

	(void)evbuffer_unfreeze(in, 0); /* as it is but for the bufferevent */
	while (evbuffer_get_length(in) < LAST_MAX &&
	       evbuffer_read(in, fd, RECORD_MAX) > 0)
		;
	(void)evbuffer_freeze(in, 0);
	pump_read(f);
}

/* bufferevent: the socket has ended or failed. */
static void
under_event_cb(struct bufferevent *under, short what, void *arg)
{
	struct tls_filter *f = arg;
	int error = errno;

	(void)under;
	if (tls_filter_is_gone(f) ||
	    (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
		return;
	if (f->state == TLS_NEW && !f->ctx->server &&
	    (what & BEV_EVENT_EOF) != 0)
		tls_filter_begin(f); /* connected, before the hello has left */
	if (f->state == TLS_SILENT)
		tls_end_fail(f, (what & BEV_EVENT_ERROR) != 0
				    ? strerror(error)
				    : "closed the connection during the "
				      "handshake");
	else if (f->state == TLS_HANDSHAKE) {
		/* What came before is read first: it may say why. */
		f->socket_ended = true;
		if ((what & BEV_EVENT_ERROR) != 0)
			f->socket_error = error;
		tls_engine_wait(&f->hs);
	} else if ((what & BEV_EVENT_EOF) != 0 && f->state == TLS_OPEN) {
		f->socket_ended = true;
		pump_read(f);
	} else {
		if (f->state == TLS_OPEN && (what & BEV_EVENT_WRITING) != 0 &&
		    !f->ctx->server) {
			read_last(f);
			if (tls_filter_is_gone(f) || f->state != TLS_OPEN)
				return;
		}
		tls_end_leave(f);
		tls_end_raise(f, what, error);
	}
}

/* -- Its life -- */

struct tls_filter *
tls_filter_of(struct bufferevent *bev)
{
	struct bufferevent *under = bufferevent_get_underlying(bev);
	bufferevent_data_cb read_cb;
	void *arg;

	if (under == NULL)
		return (NULL);
	bufferevent_getcb(under, &read_cb, NULL, NULL, &arg);
	return (read_cb == under_read_cb ? arg : NULL);
}

/* bufferevent: moves nothing; see above. */
static enum bufferevent_filter_result
filter_nothing_cb(struct evbuffer *src, struct evbuffer *dst, ev_ssize_t limit,
    enum bufferevent_flush_mode mode, void *arg)
{
	(void)src;
	(void)dst;
	(void)limit;
	(void)mode;
	(void)arg;
	return (BEV_NEED_MORE);
}

void
tls_filter_free(struct tls_filter *f)
{
	tls_end_leave(f);
	if (!tls_engine_leave(&f->hs)) {
		f->freed = true; /* its handshake's step comes back to this */
		return;
	}
	tls_step_fini(&f->step);
	mbedtls_ssl_free(&f->ssl);
	tls_context_unref(f->ctx);
	free(f->far.host);
	free(f);
}

/* bufferevent: it is being freed, from the loop. */
static void
filter_free_cb(void *arg)
{
	tls_filter_free(arg);
}

/* Lay the filter over its socket. Returns 0; -1: out of memory. */
static int
assemble(struct tls_filter *f)
{
	struct bufferevent *under;

	under = bufferevent_socket_new(tls_engine_base(f->hs.engine), -1,
	    BEV_OPT_CLOSE_ON_FREE);
	if (under == NULL)
		return (-1);
	f->bev = bufferevent_filter_new(under, filter_nothing_cb,
	    filter_nothing_cb, BEV_OPT_CLOSE_ON_FREE, filter_free_cb, f);
	if (f->bev == NULL) {
		bufferevent_free(under);
		return (-1);
	}
	f->under = under;
	bufferevent_setcb(under, under_read_cb, under_write_cb, under_event_cb,
	    f);
	return (0);
}

struct bufferevent *
tls_filter_new(struct tls_engine *e, struct tls_context *ctx, const char *host,
    const struct tls_handshake_ops *ops)
{
	struct tls_filter *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (NULL);
	tls_engine_join(e, &f->hs, ops);
	f->ctx = tls_context_ref(ctx);
	mbedtls_ssl_init(&f->ssl);
	if ((host != NULL && (tls_filter_prepare(f) == -1 ||
				 tls_client_prepare(f->ctx, &f->ssl, &f->far,
				     host) == -1)) ||
	    assemble(f) == -1) {
		tls_filter_free(f);
		return (NULL);
	}
	/* From here on libevent frees it. */
	if (evbuffer_add_cb(bufferevent_get_output(f->bev), filter_output_cb,
		f) == NULL ||
	    (host != NULL &&
		mbedtls_ssl_handshake(&f->ssl) != MBEDTLS_ERR_SSL_WANT_READ)) {
		bufferevent_free(f->bev);
		return (NULL);
	}
	return (f->bev);
}
