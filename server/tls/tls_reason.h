/*
 * tls_reason.h -- private to tls*.c: why TLS failed, for a person (pure).
 */
#ifndef SERVER_TLS_REASON_H
#define SERVER_TLS_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbedtls_x509_crt;

/* The one of these flags that is said; 0 if there is none. */
uint32_t tls_reason_worst(uint32_t flags);

/*
 * Say what rc of mbedTLS means, of a server or a client: flags are the
 * certificate's, alert the one that came with rc.
 */
struct tls_failure {
	bool server;
	int rc;
	uint32_t flags;
	const char *detail; /* of the certificate; may be empty */
	int alert;
};
void tls_reason_write(const struct tls_failure *failure, size_t size,
    char *ret_text);

/* -- tls_peer.c -- */

/* Say of crt what the flag of its verification is about. */
void tls_peer_describe(const struct mbedtls_x509_crt *crt, uint32_t flag,
    size_t size, char *ret_text);

#endif /* SERVER_TLS_REASON_H */
