/*
 * tls_finding.h -- what may be found on certificates and keys.
 */
#ifndef SERVER_TLS_FINDING_H
#define SERVER_TLS_FINDING_H

enum tls_level {
	TLS_BAD,  /* cannot be used */
	TLS_DATE, /* expired, or not yet valid: by a clock that may be wrong */
	TLS_WARN  /* works, but is probably not meant */
};

/* Which file a finding is about. */
enum tls_part { TLS_PART_CERTIFICATE, TLS_PART_KEY, TLS_PART_CA };

/*
 * One finding: a line that begins with the file's name, escaped, without a
 * full stop. Borrowed for the call.
 */
typedef void tls_found_fn(enum tls_level level, enum tls_part part,
    const char *text, void *arg);

#define TLS_FINDING_MAX 512 /* of a finding's line, its NUL included */

/* What the other side will take the certificate for. */
enum tls_use { TLS_USE_SERVER, TLS_USE_CLIENT };

#endif /* SERVER_TLS_FINDING_H */
