/*
 * secrets.h -- the named secrets that may sign a delivery.
 *
 * Owns:    a fixed set of secrets: name, prepared key, last valid moment.
 * Touches: files, only in secrets_read_file(). Never logs, and gives out
 *          nothing but names, lengths and fingerprints.
 */
#ifndef SERVER_SECRETS_H
#define SERVER_SECRETS_H

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/auth/signature.h"

#define SECRETS_MAX 16               /* each costs a MAC per forged delivery */
#define SECRETS_FINGERPRINT_LEN 8    /* hex digits */
#define SECRETS_FILE_MAX (64 * 1024) /* bytes of a secret's file */

struct secrets; /* opaque */

/* Some of a set: bit i stands for the i-th. */
typedef uint32_t secrets_some;
#define SECRETS_ALL UINT32_MAX
_Static_assert(SECRETS_MAX <= 32, "every secret has a bit");

/* An empty set, owned by the caller. NULL when out of memory. */
struct secrets *secrets_new(void);

/* Accepts NULL. */
void secrets_free(struct secrets *sec);

/*
 * Add a secret: bytes are used exactly as given (and copied), any value but
 * an empty one. valid_until_ms 0: for ever. Returns 0; -1 if there are
 * SECRETS_MAX already, the secret is empty, or memory is short; then the set
 * is as before.
 */
int secrets_add(struct secrets *sec, const char *name, const void *bytes,
    size_t len, int64_t valid_until_ms);

/*
 * The scope of events signed with the secret added last; else it is "". Copied.
 * Returns 0, or -1 when out of memory.
 */
int secrets_set_scope(struct secrets *sec, const char *scope);

size_t secrets_count(const struct secrets *sec);

/* How many of these there are. */
size_t secrets_count_of(const struct secrets *sec, secrets_some which);

/* Facts on the i-th secret, fit for a log; borrowed, valid until free. */
struct secrets_info {
	const char *name;
	const char *scope;
	size_t len;
	int64_t valid_until_ms;
	int64_t last_used_ms; /* last verified a delivery; 0: not yet */
	/* First digits of SHA-256 over the secret's own MAC of "klikitd". */
	char fingerprint[SECRETS_FINGERPRINT_LEN + 1];
};
void secrets_info(const struct secrets *sec, size_t i,
    struct secrets_info *ret_info);

/* Take over from old when a secret of the same name was last used. */
void secrets_inherit(struct secrets *sec, const struct secrets *old);

/* The secret of that name verified a delivery at at_ms, before the start. */
void secrets_used(struct secrets *sec, const char *name, int64_t at_ms);

/* The secret that has made a signature; texts are valid until free. */
struct secrets_match {
	const char *name;
	const char *scope;
	unsigned char mac[SIGNATURE_LEN];
};

/* What is to be verified. */
struct secrets_claim {
	const char *value; /* of the header */
	const struct iovec *segs;
	size_t nsegs;
	int64_t now_ms;
};

/*
 * Does the header's value sign the segments under one of these secrets that is
 * valid at now_ms? On true *ret_match says which, and the MAC. On false,
 * whatever the reason, the same work was done: the MAC of every valid one of
 * them, and of no other, was computed and compared.
 */
bool secrets_verify(struct secrets *sec, secrets_some which,
    const struct secrets_claim *claim, struct secrets_match *ret_match);

/*
 * The MAC of the segments under the i-th secret (for sign and trigger).
 * Returns 0, or -1 if mbedTLS fails.
 */
int secrets_mac(struct secrets *sec, size_t i, const struct iovec *segs,
    size_t nsegs, unsigned char ret_mac[SIGNATURE_LEN]);

/*
 * Read a secret from a file. The bytes are the secret as they stand; only a
 * single final newline is dropped, and *ret_newline says that it was. On
 * success *ret_bytes (from malloc) is owned by the caller, who wipes it. On
 * failure returns -1 and writes one line that names the file to reason: it
 * cannot be read, is empty, or is larger than SECRETS_FILE_MAX.
 */
int secrets_read_file(const char *path, char **ret_bytes, size_t *ret_len,
    bool *ret_newline, char reason[256]);

#endif /* SERVER_SECRETS_H */
