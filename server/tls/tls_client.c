/*
 * tls_client.c -- whom a client trusts.
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
#include "server/tls/tls_context.h"
#include "server/tls/tls_mbedtls.h"
#include "server/tls/tls_reason.h"

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
	struct tls_far_side *far = ctx->current;
	struct address address;
	uint32_t flag;

	if (depth == 0) {
		far->resumed = false;
		if (address_parse_host(far->host, strlen(far->host),
			&address) == 0 &&
		    !is_for_address(crt, &address))
			*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	}
	/* Its own certificate decides then, and nothing above it. */
	if (ctx->peer.version != 0)
		*flags = depth > 0 || is_peer(ctx, crt)
			     ? 0
			     : MBEDTLS_X509_BADCERT_NOT_TRUSTED;
	/* Of all that is wrong with the chain one thing is said. */
	flag = tls_reason_worst(far->worst | *flags);
	if (flag != far->worst) {
		far->worst = flag;
		tls_peer_describe(crt, flag, sizeof(far->detail), far->detail);
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
		    tls_context_found, reason);
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

int
tls_client_prepare(struct tls_context *ctx, mbedtls_ssl_context *ssl,
    struct tls_far_side *far, const char *host)
{
	const mbedtls_ssl_session *known =
	    tls_sessions_find(&ctx->sessions, host);
	struct address address;
	const char *name = host;

	if ((far->host = strdup(host)) == NULL)
		return (-1);
	/* An address is no SNI (RFC 6066, section 3): client_verify_cb(). */
	if (address_parse_host(host, strlen(host), &address) == 0)
		name = NULL;
	if (mbedtls_ssl_set_hostname(ssl, name) != 0)
		return (-1);
	far->resumed = known != NULL; /* until a certificate is shown */
	if (known != NULL && mbedtls_ssl_set_session(ssl, known) != 0)
		return (-1);
	return (0);
}
