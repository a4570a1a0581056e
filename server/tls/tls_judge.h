/*
 * tls_judge.h -- the checks of every certificate, and their findings.
 */
#ifndef SERVER_TLS_JUDGE_H
#define SERVER_TLS_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/tls/tls_finding.h"

struct mbedtls_x509_crt;

/* Who gets the findings, and the time of the checks. */
struct tls_judge {
	int64_t now_ms;
	tls_found_fn *found;
	void *arg;
	bool bad; /* there was a TLS_BAD */
};

/* Report a finding on a file. */
void tls_judge_report(struct tls_judge *j, enum tls_level level,
    enum tls_part part, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * The file's bytes with a NUL behind them, owned by the caller, who frees them
 * by tls_judge_wipe(). NULL if it cannot be read, which is reported.
 */
char *tls_judge_read(struct tls_judge *j, enum tls_part part, const char *path,
    size_t *ret_len);
void tls_judge_wipe(char *bytes, size_t len);

/*
 * Parse the certificates of a file's bytes into ret_chain, which is
 * initialised. Returns 0; -1 if one cannot be read, which is reported.
 */
int tls_judge_parse(struct tls_judge *j, enum tls_part part, const char *path,
    const char *bytes, size_t len, struct mbedtls_x509_crt *ret_chain);

/* A moment of a certificate, in ms since the epoch. */
struct mbedtls_x509_time;
int64_t tls_judge_ms(const struct mbedtls_x509_time *t);

/* A certificate's subject for people, escaped; as log_text(). */
const char *tls_judge_name(const struct mbedtls_x509_crt *crt);

/* Did the key of `by' sign crt, and may it sign certificates? */
bool tls_judge_signed(const struct mbedtls_x509_crt *crt,
    const struct mbedtls_x509_crt *by);

/*
 * Judge a chain that is read: order, dates, strength, and whether its first
 * certificate can be used for that.
 */
void tls_judge_chain(struct tls_judge *j, const char *path,
    const struct mbedtls_x509_crt *chain, enum tls_use use);

#endif /* SERVER_TLS_JUDGE_H */
