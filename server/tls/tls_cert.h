/*
 * tls_cert.h -- judges certificates and keys, and says what is wrong.
 *
 * Owns:    certificate chains with their key, and sets of roots.
 * Touches: files and mbedTLS's X.509. The time is passed in, nothing is
 *          logged: each finding is reported to the caller, as one line.
 *
 * The order of a chain is that of RFC 8446, section 4.4.2: the end's own
 * certificate first, each one signed by the next. mbedTLS sends what stands in
 * the file as it stands, so it is checked here.
 */
#ifndef SERVER_TLS_CERT_H
#define SERVER_TLS_CERT_H

#include <stdint.h>

#include "server/tls/tls_finding.h"

/* mbedTLS's own; only tls*.c look inside. */
struct mbedtls_x509_crt;
struct mbedtls_pk_context;

struct tls_pair_files {
	const char *certificate; /* PEM: the chain */
	const char *key;         /* PEM, not encrypted; may be the same file */
	enum tls_use use;
};

struct tls_pair; /* opaque; a chain and the key of its first certificate */

/*
 * Load and judge a pair. Borrows files. found() is called for each finding,
 * before this returns. Returns the pair, owned by the caller; or NULL after at
 * least one TLS_BAD. A pair with TLS_DATE findings alone is returned: the
 * caller decides.
 */
struct tls_pair *tls_pair_load(const struct tls_pair_files *files,
    int64_t now_ms, tls_found_fn *found, void *arg);

/* Wipes the key. Accepts NULL. */
void tls_pair_free(struct tls_pair *pair);

/* Its parts, for mbedtls_ssl_conf_own_cert(); borrowed, valid until free. */
struct mbedtls_x509_crt *tls_pair_chain(struct tls_pair *pair);
struct mbedtls_pk_context *tls_pair_key(struct tls_pair *pair);

/* A pair that is in order, for people. */
struct tls_pair_info {
	char subject[128]; /* names in its first certificate, escaped */
	char key_type[32]; /* "EC 256", "RSA 2048" */
	unsigned count;    /* of certificates */
	int64_t from_ms;   /* since when all of them are valid */
	int64_t until_ms;  /* the first moment at which one is not */
};
void tls_pair_info(const struct tls_pair *pair, struct tls_pair_info *ret_info);

struct tls_roots; /* opaque; certificates that are trusted */

/*
 * Load the roots of a file: every certificate in it must be readable. NULL
 * means the system's: the file that the variable SSL_CERT_FILE names, else the
 * first that exists of those where Linux distributions keep theirs; what
 * mbedTLS cannot read there is skipped. Returns them, owned by the caller; or
 * NULL after a TLS_BAD (TLS_PART_CA).
 */
struct tls_roots *tls_roots_load(const char *ca_file, int64_t now_ms,
    tls_found_fn *found, void *arg);

/* Accepts NULL. */
void tls_roots_free(struct tls_roots *roots);

/* For mbedtls_ssl_conf_ca_chain(); borrowed, valid until free. */
struct mbedtls_x509_crt *tls_roots_chain(struct tls_roots *roots);

#endif /* SERVER_TLS_CERT_H */
