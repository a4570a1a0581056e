/*
 * tls_client.c -- whom a client trusts, and the sessions it takes up again.
 *
 * mbedTLS asks about each certificate of a chain, but only when there is one:
 * a handshake that asks nothing has taken up an earlier session, whose peer
 * was checked then, against the same roots and under the same name.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/address.h"
#include "server/base/clock.h"
#include "server/tls/tls_mbedtls.h"
#include "server/tls/tls_private.h"

/* Is the certificate one for that address? */
static bool
is_for_address(const mbedtls_x509_crt *crt, const struct address *address)
{
	size_t len = address_len(address);
	const mbedtls_x509_sequence *san;

	for (san = &crt->subject_alt_names; san != NULL; san = san->next) {
		if (san->buf.tag == TLS_SAN_ADDRESS && san->buf.len == len &&
		    memcmp(san->buf.p, address->bytes, len) == 0)
			return (true);
	}
	return (false);
}

/* Is it the one certificate that will do, bit for bit? */
static bool
is_peer(const struct tls_context *ctx, const mbedtls_x509_crt *crt)
{
	return (crt->raw.len == ctx->peer.raw.len &&
		memcmp(crt->raw.p, ctx->peer.raw.p, crt->raw.len) == 0);
}

/*
 * mbedTLS: a certificate of the chain, the peer's own at depth 0. mbedTLS 2.28
 * compares names only: an address is compared here.
 */
static int
client_verify_cb(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls_context *ctx = arg;
	struct tls_filter *f = ctx->current;
	struct address address;
	uint32_t flag;

	if (depth == 0) {
		f->resumed = false;
		if (address_parse_host(f->host, strlen(f->host), &address) ==
			0 &&
		    !is_for_address(crt, &address))
			*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	}
	/* Its own certificate decides then, and nothing above it. */
	if (ctx->peer.version != 0)
		*flags = depth > 0 || is_peer(ctx, crt)
			     ? 0
			     : MBEDTLS_X509_BADCERT_NOT_TRUSTED;
	/* Of all that is wrong with the chain one thing is told. */
	flag = tls_reason_worst(f->worst | *flags);
	if (flag != f->worst) {
		f->worst = flag;
		tls_peer_describe(crt, flag, sizeof(f->detail), f->detail);
	}
	return (0);
}

/* Whom it trusts. Returns 0; or -1, and a reason. */
static int
load_trust(struct tls_context *ctx, const struct tls_client_options *opt,
    char reason[TLS_REASON_MAX])
{
	if (opt->peer == NULL) {
		ctx->roots = tls_roots_load(opt->ca_file, clock_wall_ms(),
		    tls_context_tell, reason);
		if (ctx->roots == NULL)
			return (-1);
		mbedtls_ssl_conf_ca_chain(&ctx->conf,
		    tls_roots_chain(ctx->roots), NULL);
		return (0);
	}
	if (mbedtls_x509_crt_parse_file(&ctx->peer, opt->peer) < 0 ||
	    ctx->peer.version == 0) {
		(void)snprintf(reason, TLS_REASON_MAX,
		    "%s: no certificate can be read from it", opt->peer);
		return (-1);
	}
	mbedtls_ssl_conf_ca_chain(&ctx->conf, &ctx->peer, NULL);
	return (0);
}

struct tls_context *
tls_client_new(const struct tls_client_options *opt,
    char reason[TLS_REASON_MAX])
{
	const struct tls_pair_files files = {
		.certificate = opt->certificate,
		.key = opt->key,
		.use = TLS_USE_CLIENT,
	};
	struct tls_context *ctx;

	if ((ctx = tls_context_new(false, reason)) == NULL)
		return (NULL);
	reason[0] = '\0';
	if (load_trust(ctx, opt, reason) == -1 ||
	    (opt->certificate != NULL &&
		tls_context_load_own(ctx, &files, reason) == -1)) {
		tls_context_unref(ctx);
		return (NULL);
	}
	tls_mbedtls_restrict_client(&ctx->conf);
	mbedtls_ssl_conf_verify(&ctx->conf, client_verify_cb, ctx);
	mbedtls_ssl_conf_session_tickets(&ctx->conf,
	    MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
	return (ctx);
}

static struct tls_session *
session_of(struct tls_context *ctx, const char *host)
{
	for (size_t i = 0; i < TLS_SESSIONS_MAX; i++) {
		if (ctx->sessions[i].host != NULL &&
		    strcmp(ctx->sessions[i].host, host) == 0)
			return (&ctx->sessions[i]);
	}
	return (NULL);
}

int
tls_client_prepare(struct tls_filter *f, const char *host)
{
	const struct tls_session *known = session_of(f->ctx, host);
	struct address address;
	const char *name = host;

	if ((f->host = strdup(host)) == NULL)
		return (-1);
	/* An address is no SNI (RFC 6066, section 3): client_verify_cb(). */
	if (address_parse_host(host, strlen(host), &address) == 0)
		name = NULL;
	if (mbedtls_ssl_set_hostname(&f->ssl, name) != 0)
		return (-1);
	f->resumed = known != NULL; /* until a certificate is shown */
	if (known != NULL &&
	    mbedtls_ssl_set_session(&f->ssl, &known->session) != 0)
		return (-1);
	return (0);
}

static void
session_clear(struct tls_session *s)
{
	if (s->host == NULL)
		return;
	mbedtls_ssl_session_free(&s->session);
	free(s->host);
	s->host = NULL;
}

/* A free entry, or that of the session kept the longest time ago. */
static struct tls_session *
session_room(struct tls_context *ctx)
{
	struct tls_session *oldest = &ctx->sessions[0];

	for (size_t i = 0; i < TLS_SESSIONS_MAX; i++) {
		if (ctx->sessions[i].host == NULL)
			return (&ctx->sessions[i]);
		if (ctx->sessions[i].used < oldest->used)
			oldest = &ctx->sessions[i];
	}
	return (oldest);
}

void
tls_client_keep(struct tls_filter *f)
{
	struct tls_context *ctx = f->ctx;
	struct tls_session *s;
	char *host;

	if ((host = strdup(f->host)) == NULL)
		return; /* the next handshake is a full one */
	if ((s = session_of(ctx, host)) == NULL)
		s = session_room(ctx);
	session_clear(s);
	mbedtls_ssl_session_init(&s->session);
	if (mbedtls_ssl_get_session(&f->ssl, &s->session) != 0) {
		mbedtls_ssl_session_free(&s->session);
		free(host);
		return;
	}
	s->host = host;
	s->used = ++ctx->nsessions;
}

void
tls_client_forget(struct tls_context *ctx)
{
	for (size_t i = 0; i < TLS_SESSIONS_MAX; i++)
		session_clear(&ctx->sessions[i]);
}
