/*
 * tls_context.c -- certificate, key, what is negotiated, tickets, references.
 */
#include <stdio.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/tls/tls_context.h"
#include "server/tls/tls_mbedtls.h"

/*
 * How long a ticket is good. Its key is replaced after that time and then
 * known for as long again, so no key decrypts what is older than two days.
 */
#define TICKET_SECONDS 86400

/* Ephemeral keys and AEAD only (RFC 9325, section 4.2); AES-128 is fastest. */
static const int wanted[] = {
	TLS_SUITES_13 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
};
#define NWANTED (sizeof(wanted) / sizeof(wanted[0]))
_Static_assert(NWANTED < TLS_SUITES_MAX, "room for all and the end");

static const char *protocols[] = { "http/1.1", NULL };

void
tls_context_found(enum tls_level level, enum tls_part part, const char *text,
    void *reason)
{
	(void)part;
	if (level == TLS_BAD && *(char *)reason == '\0')
		(void)snprintf(reason, TLS_REASON_MAX, "%s", text);
}

int
tls_context_load_own(struct tls_context *ctx,
    const struct tls_pair_files *files, char reason[TLS_REASON_MAX])
{
	reason[0] = '\0';
	ctx->own =
	    tls_pair_load(files, clock_wall_ms(), tls_context_found, reason);
	if (ctx->own == NULL)
		return (-1);
	if (mbedtls_ssl_conf_own_cert(&ctx->conf, tls_pair_chain(ctx->own),
		tls_pair_key(ctx->own)) != 0) {
		(void)snprintf(reason, TLS_REASON_MAX, "out of memory");
		return (-1);
	}
	return (0);
}

/* mbedTLS: a client shows a ticket. One that is good means no full handshake.
 */
static int
ticket_parse_cb(void *arg, mbedtls_ssl_session *session, unsigned char *buf,
    size_t len)
{
	struct tls_context *ctx = arg;
	int rc = mbedtls_ssl_ticket_parse(&ctx->tickets, session, buf, len);

	if (rc == 0)
		ctx->current->resumed = true;
	return (rc);
}

/* mbedTLS: a client is to get a ticket. */
static int
ticket_write_cb(void *arg, const mbedtls_ssl_session *session,
    unsigned char *start, const unsigned char *end, size_t *len,
    uint32_t *lifetime)
{
	struct tls_context *ctx = arg;

	return (mbedtls_ssl_ticket_write(&ctx->tickets, session, start, end,
	    len, lifetime));
}

/* The suites that this mbedTLS has: it takes offence at others. */
static void
choose_suites(struct tls_context *ctx)
{
	size_t n = 0;

	for (size_t i = 0; i < NWANTED; i++) {
		if (mbedtls_ssl_ciphersuite_from_id(wanted[i]) != NULL)
			ctx->suites[n++] = wanted[i];
	}
	ctx->suites[n] = 0;
	mbedtls_ssl_conf_ciphersuites(&ctx->conf, ctx->suites);
}

static int
configure(struct tls_context *ctx)
{
	int rc;

	rc = mbedtls_ssl_config_defaults(&ctx->conf,
	    ctx->server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
	    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (rc != 0)
		return (rc);
	mbedtls_ssl_conf_rng(&ctx->conf, mbedtls_ctr_drbg_random, &ctx->drbg);
	tls_mbedtls_restrict(&ctx->conf);
	choose_suites(ctx);
	mbedtls_ssl_conf_renegotiation(&ctx->conf,
	    MBEDTLS_SSL_RENEGOTIATION_DISABLED);
	mbedtls_ssl_conf_authmode(&ctx->conf,
	    ctx->server ? MBEDTLS_SSL_VERIFY_NONE
			: MBEDTLS_SSL_VERIFY_REQUIRED);
	return (mbedtls_ssl_conf_alpn_protocols(&ctx->conf, protocols));
}

struct tls_context *
tls_context_new(bool server, char reason[TLS_REASON_MAX])
{
	static const unsigned char name[] = "klikitd";
	struct tls_context *ctx;

	(void)snprintf(reason, TLS_REASON_MAX, "out of memory");
	if ((ctx = calloc(1, sizeof(*ctx))) == NULL)
		return (NULL);
	ctx->refs = 1;
	ctx->server = server;
	mbedtls_entropy_init(&ctx->entropy);
	mbedtls_ctr_drbg_init(&ctx->drbg);
	mbedtls_ssl_config_init(&ctx->conf);
	mbedtls_ssl_ticket_init(&ctx->tickets);
	if (tls_mbedtls_init() == -1 ||
	    mbedtls_ctr_drbg_seed(&ctx->drbg, mbedtls_entropy_func,
		&ctx->entropy, name, sizeof(name)) != 0 ||
	    configure(ctx) != 0) {
		(void)snprintf(reason, TLS_REASON_MAX,
		    "TLS cannot be started: no randomness, or no memory");
		tls_context_unref(ctx);
		return (NULL);
	}
	return (ctx);
}

struct tls_context *
tls_server_new(const struct tls_server_options *opt,
    char reason[TLS_REASON_MAX])
{
	const struct tls_pair_files files = {
		.certificate = opt->certificate,
		.key = opt->key,
		.use = TLS_USE_SERVER,
	};
	struct tls_context *ctx;

	if ((ctx = tls_context_new(true, reason)) == NULL)
		return (NULL);
	if (tls_context_load_own(ctx, &files, reason) == -1)
		goto fail;
	if (mbedtls_ssl_ticket_setup(&ctx->tickets, mbedtls_ctr_drbg_random,
		&ctx->drbg, MBEDTLS_CIPHER_AES_256_GCM, TICKET_SECONDS) != 0) {
		(void)snprintf(reason, TLS_REASON_MAX, "out of memory");
		goto fail;
	}
	mbedtls_ssl_conf_session_tickets_cb(&ctx->conf, ticket_write_cb,
	    ticket_parse_cb, ctx);
	return (ctx);
fail:
	tls_context_unref(ctx);
	return (NULL);
}

struct tls_context *
tls_context_ref(struct tls_context *ctx)
{
	ctx->refs++;
	return (ctx);
}

void
tls_context_unref(struct tls_context *ctx)
{
	if (ctx == NULL || --ctx->refs > 0)
		return;
	tls_sessions_fini(&ctx->sessions);
	mbedtls_ssl_config_free(&ctx->conf);
	mbedtls_ssl_ticket_free(&ctx->tickets);
	tls_roots_free(ctx->roots);
	mbedtls_x509_crt_free(&ctx->peer);
	tls_pair_free(ctx->own);
	mbedtls_ctr_drbg_free(&ctx->drbg);
	mbedtls_entropy_free(&ctx->entropy);
	free(ctx);
}
