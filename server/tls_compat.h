/*
 * tls_compat.h -- mbedTLS 2.28 and 3.x, made one.
 *
 * Private to tls*.c. Every question of which of the two it is stands here;
 * what is asked for elsewhere both of them have. (4.x is refused when the
 * build is configured.)
 */
#ifndef SERVER_TLS_COMPAT_H
#define SERVER_TLS_COMPAT_H

#include <mbedtls/version.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>

#if MBEDTLS_VERSION_NUMBER >= 0x03000000

#include <psa/crypto.h>

#define TLS_COMPAT_BAD_VERSION MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION
#define TLS_COMPAT_NO_CIPHER MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE
#define TLS_COMPAT_NEW_TICKET MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET

/* What 1.3 has beside the suites of 1.2, each with a comma behind it. */
#define TLS_COMPAT_SUITES                                                      \
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384,  \
	    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,

/* Before the first handshake. Returns 0, or -1. */
static inline int
tls_compat_init(void)
{
	return (psa_crypto_init() == PSA_SUCCESS ? 0 : -1);
}

static inline int
tls_compat_parse_key(mbedtls_pk_context *key, const char *path,
    mbedtls_ctr_drbg_context *drbg)
{
	return (mbedtls_pk_parse_keyfile(key, path, NULL,
	    mbedtls_ctr_drbg_random, drbg));
}

static inline int
tls_compat_check_pair(const mbedtls_pk_context *pub,
    const mbedtls_pk_context *key, mbedtls_ctr_drbg_context *drbg)
{
	return (mbedtls_pk_check_pair(pub, key, mbedtls_ctr_drbg_random, drbg));
}

/* TLS 1.2 at least; the groups for the exchange of keys, fastest first. */
static inline void
tls_compat_restrict(mbedtls_ssl_config *conf)
{
	static const uint16_t groups[] = { MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_NONE };

	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_groups(conf, groups);
}

/* The description of the fatal alert that was received (RFC 5246, 7.2). */
static inline int
tls_compat_alert(const mbedtls_ssl_context *ssl)
{
	return (ssl->MBEDTLS_PRIVATE(in_msg)[1]);
}

#else

#define TLS_COMPAT_BAD_VERSION MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#define TLS_COMPAT_NO_CIPHER MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN
#define TLS_COMPAT_NEW_TICKET 1 /* no error: never returned */
#define TLS_COMPAT_SUITES

static inline int
tls_compat_init(void)
{
	return (0);
}

static inline int
tls_compat_parse_key(mbedtls_pk_context *key, const char *path,
    mbedtls_ctr_drbg_context *drbg)
{
	(void)drbg;
	return (mbedtls_pk_parse_keyfile(key, path, NULL));
}

static inline int
tls_compat_check_pair(const mbedtls_pk_context *pub,
    const mbedtls_pk_context *key, mbedtls_ctr_drbg_context *drbg)
{
	(void)drbg;
	return (mbedtls_pk_check_pair(pub, key));
}

static inline void
tls_compat_restrict(mbedtls_ssl_config *conf)
{
	static const mbedtls_ecp_group_id groups[] = { MBEDTLS_ECP_DP_SECP256R1,
		MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP384R1,
		MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_NONE };
	static const int hashes[] = { MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384,
		MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE };

	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,
	    MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_curves(conf, groups);
	mbedtls_ssl_conf_sig_hashes(conf, hashes);
}

static inline int
tls_compat_alert(const mbedtls_ssl_context *ssl)
{
	return (ssl->in_msg[1]);
}

#endif

#endif /* SERVER_TLS_COMPAT_H */
