/*
 * tls_context.h -- private to tls*.c: what connections of one kind share: a
 * certificate with its key, whom a client trusts, what is negotiated.
 */
#ifndef SERVER_TLS_CONTEXT_H
#define SERVER_TLS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>

#include "server/tls/tls.h"
#include "server/tls/tls_cert.h"
#include "server/tls/tls_sessions.h"

#define TLS_SUITES_MAX 12
#define TLS_DETAIL_MAX 128

/* What a handshake finds out about the other side. */
struct tls_far_side {
	char *host;     /* of a client; whom it means */
	bool resumed;   /* by an earlier session */
	uint32_t worst; /* what is wrong with its chain; 0: nothing */
	char detail[TLS_DETAIL_MAX]; /* of the certificate that is at fault */
};

struct tls_context {
	unsigned refs;
	bool server;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
	struct tls_pair *own;    /* NULL: a client that shows none */
	struct tls_roots *roots; /* of a client; NULL: peer is all it trusts */
	mbedtls_x509_crt peer;   /* version 0: there is none */
	mbedtls_ssl_config conf;
	mbedtls_ssl_ticket_context tickets;
	int suites[TLS_SUITES_MAX];   /* 0 at the end */
	struct tls_sessions sessions; /* of a client */

	/* Of the connection inside mbedTLS, for the callbacks of conf. */
	struct tls_far_side *current;
};

/* Load our own pair. Returns 0, or -1 with a reason. */
int tls_context_load_own(struct tls_context *ctx,
    const struct tls_pair_files *files, char reason[TLS_REASON_MAX]);

/* tls_found_fn: keeps the first finding that is TLS_BAD as the reason. */
void tls_context_found(enum tls_level level, enum tls_part part,
    const char *text, void *reason);

/* An empty one; NULL, with a reason, when it cannot be made. */
struct tls_context *tls_context_new(bool server, char reason[TLS_REASON_MAX]);

/* -- tls_client.c -- */

/*
 * ssl is a new client's: set whom it means, and its last session. Returns 0;
 * -1: out of memory.
 */
int tls_client_prepare(struct tls_context *ctx, mbedtls_ssl_context *ssl,
    struct tls_far_side *far, const char *host);

#endif /* SERVER_TLS_CONTEXT_H */
