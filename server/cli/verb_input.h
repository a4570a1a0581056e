/*
 * verb_input.h -- what several verbs take in: bodies from files, secrets from
 * the configuration, the store.
 */
#ifndef SERVER_VERB_INPUT_H
#define SERVER_VERB_INPUT_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "server/auth/secrets.h"
#include "server/cli/verb.h"
#include "server/config/config.h"
#include "store/store.h"

#define VERB_BODY_MAX (64 * 1024 * 1024)

/*
 * Read a whole file, "-" being stdin, byte for byte. Returns 0, and then
 * *ret_body (from malloc) is owned by the caller; or -1, said on stderr.
 */
int verb_read_body(const char *path, char **ret_body, size_t *ret_len);

/*
 * All secrets of the configuration, owned by the caller. NULL, said on
 * stderr, if there is none, or when out of memory.
 */
struct secrets *verb_secrets(const struct config *cfg);

/*
 * Which endpoint a delivery is for, and the number of the secret that signs
 * it: by --endpoint and --secret-name; else the endpoint that secret opens, or
 * the one with the path of url (NULL: none is known), or the usual one, and its
 * first secret. Returns 0, or -1, said on stderr, if there is none of that
 * name.
 */
struct verb_target {
	const struct config_endpoint *endpoint; /* of the configuration */
	size_t secret;
};
int verb_target(const struct verb_args *args, const struct config *cfg,
    const char *url, struct verb_target *ret_target);

/* Where the path of an URL begins, and how long it is: without a query. */
const char *verb_url_path(const char *url, size_t *ret_len);

/*
 * Open for reading the store that args and the configuration name, and say its
 * name, or why it cannot be opened, on stderr. Owned by the caller, with the
 * path of its file; NULL on failure.
 */
struct verb_store_name {
	char path[PATH_MAX];
};
struct store *verb_store_named(const struct verb_args *args,
    struct verb_store_name *ret_name);

#endif /* SERVER_VERB_INPUT_H */
