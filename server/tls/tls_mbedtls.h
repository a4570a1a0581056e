/*
 * tls_mbedtls.h -- private to tls*.c: what differs between mbedTLS 2.28 and
 * 3.x, in one place; and what neither has a name for.
 */
#ifndef SERVER_TLS_MBEDTLS_H
#define SERVER_TLS_MBEDTLS_H

#include <limits.h>
#include <string.h>

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "server/auth/signature.h"

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>

#define TLS_FIELD(name) MBEDTLS_PRIVATE(name)

#define TLS_ERR_VERSION MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION
#define TLS_ERR_NO_CIPHER MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE
#define TLS_NEW_TICKET MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET

/* What 1.3 has beside the suites of 1.2, with a comma behind it. */
#define TLS_SUITES_13                                                          \
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384,  \
	    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#else
#define TLS_FIELD(name) name

#define TLS_ERR_VERSION MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#define TLS_ERR_NO_CIPHER MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN
#define TLS_NEW_TICKET INT_MIN /* never returned */
#define TLS_SUITES_13
#endif

#ifdef MBEDTLS_THREADING_C
#define TLS_HAS_LOCKS 1
#else
#define TLS_HAS_LOCKS 0
#endif

/* Kinds of subjectAltName (RFC 5280, section 4.2.1.6) */
#define TLS_SAN_NAME (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2)
#define TLS_SAN_ADDRESS (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7)

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

/* A serial number: its bytes, the highest first. */
static inline int
tls_write_serial(mbedtls_x509write_cert *crt, unsigned char *bytes, size_t len)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
	return (mbedtls_x509write_crt_set_serial_raw(crt, bytes, len));
#else
	mbedtls_mpi serial;
	int rc;

	mbedtls_mpi_init(&serial);
	if ((rc = mbedtls_mpi_read_binary(&serial, bytes, len)) == 0)
		rc = mbedtls_x509write_crt_set_serial(crt, &serial);
	mbedtls_mpi_free(&serial);
	return (rc);
#endif
}

/* Before the first handshake. Returns 0, or -1. */
static inline int
tls_mbedtls_init(void)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return (psa_crypto_init() == PSA_SUCCESS ? 0 : -1);
#else
	return (0);
#endif
}

/*
 * TLS 1.2 at least, and groups and hashes that are sound. mbedTLS prefers
 * the largest group, we the fastest: an exchange of keys on X25519 costs a
 * quarter of one on P-521, which clients offer as well.
 */
static inline void
tls_mbedtls_restrict(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	static const uint16_t groups[] = { MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_NONE };

	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_groups(conf, groups);
#else
	static const mbedtls_ecp_group_id groups[] = {
		MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1,
		MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_SECP521R1,
		MBEDTLS_ECP_DP_NONE
	};
	static const int hashes[] = { MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384,
		MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE };

	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,
	    MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_curves(conf, groups);
	mbedtls_ssl_conf_sig_hashes(conf, hashes);
#endif
}

/*
 * TLS 1.2 for clients. By 1.3 a request leaves before the server has judged our
 * certificate (RFC 8446, section 2): of a call that was refused for it nobody
 * would know whether it had been made.
 */
static inline void
tls_mbedtls_restrict_client(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	(void)conf; /* knows no more */
#endif
}

/* The description of the fatal alert that was received (RFC 5246, 7.2). */
static inline int
tls_mbedtls_alert(const mbedtls_ssl_context *ssl)
{
	return (ssl->TLS_FIELD(in_msg)[1]);
}

#endif /* SERVER_TLS_MBEDTLS_H */
