/*
 * aws_keys.h -- the credentials that calls are signed with, and the document
 * in which AWS's metadata services hand them out.
 *
 * Owns: nothing; pure. What it decodes stands in the struct and nowhere else,
 *       so that wiping that is enough.
 */
#ifndef HANDLERS_AWS_KEYS_H
#define HANDLERS_AWS_KEYS_H

#include <stddef.h>
#include <stdint.h>

#define AWS_KEY_ID_MAX 128
#define AWS_SECRET_MAX 128
#define AWS_TOKEN_MAX 8192

struct aws_keys {
	char id[AWS_KEY_ID_MAX + 1]; /* empty: there are none */
	char secret[AWS_SECRET_MAX + 1];
	char token[AWS_TOKEN_MAX + 1]; /* empty: they are not temporary */
	int64_t expires_ms;            /* since the epoch; 0: never */
};

/*
 * Read the answer of a container's or machine's metadata service: an object
 * with AccessKeyId, SecretAccessKey, Token and Expiration. Returns 0; -1, and
 * *ret_keys is all zero, if it is no such object or has something that is not
 * of printable ASCII.
 */
int aws_keys_read(const char *text, size_t len, struct aws_keys *ret_keys);

/*
 * Set id, secret and token (NULL: none), each printable ASCII without blanks.
 * Returns 0; -1, and *ret_keys is all zero, if one is missing, too long, or
 * something else.
 */
int aws_keys_set(struct aws_keys *ret_keys, const char *id, const char *secret,
    const char *token);

void aws_keys_wipe(struct aws_keys *keys);

#endif /* HANDLERS_AWS_KEYS_H */
