/*
 * digest.h -- digests and encodings that brokers ask for.
 *
 * Owns: nothing; pure. The one place in handlers/ that knows mbedTLS, beside
 *       rsa_sign.c.
 */
#ifndef HANDLERS_QUEUE_DIGEST_H
#define HANDLERS_QUEUE_DIGEST_H

#include <stddef.h>

#define SHA256_LEN 32
#define SHA1_LEN 20
#define MD5_LEN 16

/* Each returns 0, or -1 when the library is out of memory. */
int digest_sha256(const void *bytes, size_t len, unsigned char ret[SHA256_LEN]);
int digest_hmac_sha256(const void *key, size_t key_len, const void *bytes,
    size_t len, unsigned char ret[SHA256_LEN]);
int digest_sha1(const void *bytes, size_t len, unsigned char ret[SHA1_LEN]);
int digest_md5(const void *bytes, size_t len, unsigned char ret[MD5_LEN]);

#endif /* HANDLERS_QUEUE_DIGEST_H */
