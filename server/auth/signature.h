/*
 * signature.h -- is this body signed with this secret?
 *
 * Owns:    the arithmetic of HMAC-SHA256 (RFC 2104) with a key's pad state
 *          computed once, and the comparison in constant time.
 * Touches: mbedTLS; takes bytes, never requests. Holds no secret's text after
 *          signature_key_new().
 *
 * klikit signs the exact bytes of the body, and nothing else, with the
 * webhook secret, and sends 64 lower-case hex digits.
 */
#ifndef SERVER_SIGNATURE_H
#define SERVER_SIGNATURE_H

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>

#define SIGNATURE_LEN 32                       /* bytes of a MAC */
#define SIGNATURE_TEXT_LEN (2 * SIGNATURE_LEN) /* hex digits in the header */

struct signature_key; /* opaque; the pad state of one secret */

/*
 * Prepare a key from the secret's bytes, of any length but 0. The key is
 * owned by the caller. Returns NULL when out of memory.
 */
struct signature_key *signature_key_new(const void *secret, size_t len);

/* Wipes it. Accepts NULL. */
void signature_key_free(struct signature_key *key);

/*
 * The MAC of the segments, one after the other, without copying them. Returns
 * 0, or -1 if mbedTLS fails (memory), and then ret_mac is undefined.
 */
int signature_mac(struct signature_key *key, const struct iovec *segs,
    size_t nsegs, unsigned char ret_mac[SIGNATURE_LEN]);

/*
 * Decode the header's value. Returns 0, or -1 unless it is exactly 64 digits
 * 0-9 a-f; then ret_mac is all zero, so that the caller can go on to do the
 * same work as for a well-formed one and answer in the same time.
 */
int signature_parse(const char *value, unsigned char ret_mac[SIGNATURE_LEN]);

/* Are two MACs equal? Takes the same time wherever they differ. */
bool signature_equal(const unsigned char a[SIGNATURE_LEN],
    const unsigned char b[SIGNATURE_LEN]);

/*
 * The plain SHA-256 of bytes (for fingerprints). Returns 0, or -1 if mbedTLS
 * fails, and then ret_digest is undefined.
 */
int signature_sha256(const void *bytes, size_t len,
    unsigned char ret_digest[SIGNATURE_LEN]);

/* Fill ret with len random bytes fit for a secret. Returns 0, or -1. */
int signature_random(void *ret, size_t len);

#endif /* SERVER_SIGNATURE_H */
