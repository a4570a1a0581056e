/*
 * google_account.h -- who we are at Google: a service account, as its key's
 * file says; and the tokens that a metadata server hands out.
 *
 * Pure: bytes in, values out. What is secret is wiped by the _fini().
 */
#ifndef HANDLERS_GOOGLE_ACCOUNT_H
#define HANDLERS_GOOGLE_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"

/* A service account, and one of its keys. Texts are owned by the struct. */
struct google_account {
	char *email;   /* client_email: who signs */
	char *key_id;  /* private_key_id; NULL: not named */
	char *key;     /* private_key: PEM */
	char *project; /* project_id; NULL: not named */
};

/*
 * Read a credentials file (JSON) of type service_account. Returns 0, and the
 * caller owns what is in *ret; -1 and one line in reason, which names no value
 * of the file but its type: it is none, it has no key, it is of a type that
 * cannot be used here, with what to do.
 */
int google_account_read(const char *bytes, size_t len,
    struct google_account *ret, char reason[KEY_REASON_MAX]);

/* Wipes the key. Accepts one that is all zero. */
void google_account_fini(struct google_account *a);

/*
 * The metadata server's answer to a request for a token: the text, owned by
 * the caller, who wipes it, and how long it is good; in bytes it is there no
 * more. Returns 0; -1 if it makes no sense, or when out of memory.
 */
int google_token_read(char *bytes, size_t len, char **ret_token,
    int64_t *ret_life_ms);

#endif /* HANDLERS_GOOGLE_ACCOUNT_H */
