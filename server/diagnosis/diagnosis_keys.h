/*
 * diagnosis_keys.h -- the keys that a refused delivery is tried with.
 *
 * Owns:    for each configured secret its own key, also when it has expired,
 *          and one for each variant of it (secret_shape.h). Only keys are
 *          held, no secret's text; they are wiped when freed.
 * Touches: signature.h. Never logs.
 *
 * Made from the same configuration as struct secrets, beside it: what verifies
 * must never know of these keys.
 */
#ifndef SERVER_DIAGNOSIS_KEYS_H
#define SERVER_DIAGNOSIS_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "server/auth/secret_shape.h"
#include "server/auth/signature.h"

struct config;
struct diagnosis_keys; /* opaque */

/* Where a secret came from, for the sentence. */
struct diagnosis_secret {
	const char *name;
	const char *source;     /* its file or variable */
	const char *endpoint;   /* that it opens; NULL: none */
	int64_t valid_until_ms; /* 0: for ever */
};

/*
 * The keys of all the secrets of cfg. Copies what it needs. Owned by the
 * caller; NULL when out of memory.
 */
struct diagnosis_keys *diagnosis_keys_new(const struct config *cfg);

/* Accepts NULL. */
void diagnosis_keys_free(struct diagnosis_keys *keys);

/* A key: one variant of one secret. */
struct diagnosis_key {
	const struct diagnosis_secret *secret;
	enum secret_variant variant;
	struct signature_key *key;
};

size_t diagnosis_keys_count(const struct diagnosis_keys *keys);
size_t diagnosis_keys_secrets(const struct diagnosis_keys *keys);

/* The i-th key; valid until free. */
const struct diagnosis_key *diagnosis_keys_at(const struct diagnosis_keys *keys,
    size_t i);

#endif /* SERVER_DIAGNOSIS_KEYS_H */
