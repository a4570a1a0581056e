/*
 * tls_write.h -- makes keys and certificates.
 *
 * Owns nothing; touches mbedTLS's X.509 writer and the kernel's randomness.
 */
#ifndef SERVER_TLS_WRITE_H
#define SERVER_TLS_WRITE_H

#include <stdint.h>

#include "server/tls/tls_cert.h"

#define TLS_WRITE_MAX 8192 /* of a key and two certificates in PEM */

struct tls_write {
	struct tls_pair *issuer; /* NULL: a CA, which signs itself */
	int64_t from_ms;
	int64_t until_ms; /* not beyond the issuer's */
};

/*
 * Make a key (ECDSA P-256) and its certificate for the loopback, and write
 * both as PEM. Returns 0, or an error of mbedTLS; then ret_text is wiped.
 */
int tls_write_pair(const struct tls_write *w, char ret_text[TLS_WRITE_MAX]);

/* Write a pair's first certificate as PEM. Returns 0, or an error. */
int tls_write_certificate(struct tls_pair *pair, char ret_text[TLS_WRITE_MAX]);

#endif /* SERVER_TLS_WRITE_H */
