/*
 * rsa_sign.h -- signatures by a private RSA key (RS256: PKCS #1 v1.5 with
 * SHA-256, RFC 8017 section 8.2), made beside the loop.
 *
 * Owns:    for each signature a thread, which ends with it: 9 to 50 ms that
 *          the loop does not wait.
 * Touches: the loop, which hears of the end by an eventfd. With digest.c the
 *          one place in handlers/ that knows mbedTLS.
 *
 * Copies of the key are wiped: when the signature is made, or, if that was
 * cancelled meanwhile, as soon as the thread has ended.
 */
#ifndef HANDLERS_RSA_SIGN_H
#define HANDLERS_RSA_SIGN_H

#include <stddef.h>

#include "handlers/handler.h"

struct event_base;
struct rsa_signing; /* opaque: one signature that is being made */

#define RSA_SIGNATURE_MAX 1024 /* bytes: a key of 8192 bits */

/*
 * Is it the private key (PEM) of an RSA pair that can be used, of 2048 bits at
 * least? Takes about a millisecond. Returns 0; -1 and one line in reason.
 */
int rsa_sign_judge(const char *pem, char reason[KEY_REASON_MAX]);

/* Once, from the loop; NULL: it cannot be made. Valid for the call. */
typedef void rsa_sign_fn(const unsigned char *signature, size_t len, void *arg);

/*
 * Sign text by the key. Copies both, keeps arg. NULL when out of memory, files
 * or threads, and then done() never runs.
 */
struct rsa_signing *rsa_sign_start(struct event_base *base, const char *pem,
    const char *text, rsa_sign_fn *done, void *arg);

/* Until done() has run: it will not. Waits for nothing. */
void rsa_sign_cancel(struct rsa_signing *s);

#endif /* HANDLERS_RSA_SIGN_H */
