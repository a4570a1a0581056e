/*
 * tls_mbedtls.h -- private to tls*.c: what differs between mbedTLS 2.28 and
 * 3.x, in one place.
 */
#ifndef SERVER_TLS_MBEDTLS_H
#define SERVER_TLS_MBEDTLS_H

#include <string.h>

#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "server/signature.h"

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define TLS_FIELD(name) MBEDTLS_PRIVATE(name)
#else
#define TLS_FIELD(name) name
#endif

/* f_rng: the kernel's random bytes need no context and no seeding. */
static inline int
tls_random(void *arg, unsigned char *ret, size_t len)
{
	(void)arg;
	return (signature_random(ret, len) == 0 ? 0 : -1);
}

static inline int
tls_pk_parse_key(mbedtls_pk_context *pk, const unsigned char *text, size_t size)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return (
	    mbedtls_pk_parse_key(pk, text, size, NULL, 0, tls_random, NULL));
#else
	return (mbedtls_pk_parse_key(pk, text, size, NULL, 0));
#endif
}

static inline int
tls_pk_check_pair(const mbedtls_pk_context *pub, const mbedtls_pk_context *prv)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return (mbedtls_pk_check_pair(pub, prv, tls_random, NULL));
#else
	return (mbedtls_pk_check_pair(pub, prv));
#endif
}

#endif /* SERVER_TLS_MBEDTLS_H */
