/*
 * verb_admin.h -- private to verb_*.c: asking the admin API, with a
 * running server or without one.
 *
 * What only looks is read from the store, beside a running server. What
 * changes something goes through the server that holds the store's lock; when
 * none does, the verb takes the lock and does the same by itself.
 */
#ifndef SERVER_VERB_ADMIN_H
#define SERVER_VERB_ADMIN_H

#include <jansson.h>

#include "server/cli/verb.h"
#include "server/config/config.h"

struct verb_admin; /* opaque */

/* What the verb is about to do. */
enum verb_intent { VERB_LOOKS, VERB_CHANGES };

/*
 * Open the store that args and the configuration name, and say its name, or
 * why it cannot be had, on stderr. Owned by the caller; NULL on failure.
 */
struct verb_admin *verb_admin_open(const struct verb_args *args,
    enum verb_intent intent);

/* What sort of store it is. */
const struct store_traits *verb_admin_traits(const struct verb_admin *va);

/* Its URL. */
const char *verb_admin_store(const struct verb_admin *va);

/*
 * GET path, which is encoded and may have a query. Returns the answer, owned
 * by the caller; NULL, said on stderr.
 */
json_t *verb_admin_get(struct verb_admin *va, const char *path);

/*
 * The same, as the bytes that were answered, from malloc, a NUL behind them.
 * ret_len may be NULL.
 */
char *verb_admin_fetch(struct verb_admin *va, const char *path,
    size_t *ret_len);

/*
 * The same from the running server, which alone knows what is under way; from
 * the store, if there is none, or it does not answer: that is said on stderr.
 */
json_t *verb_admin_get_live(struct verb_admin *va, const char *path);

/*
 * Ask the running server, however the store is open; or POST body to it, which
 * is taken. NULL, said on stderr: also if none runs.
 */
json_t *verb_admin_ask_live(struct verb_admin *va, const char *path);
json_t *verb_admin_post_live(struct verb_admin *va, const char *path,
    json_t *body);

/* POST body, which is taken; only with VERB_CHANGES. The rest as above. */
json_t *verb_admin_post(struct verb_admin *va, const char *path, json_t *body);

/*
 * {"name": the value of the flag of that name}, which was given. NULL, said as
 * a usage error, if it is no UTF-8.
 */
json_t *verb_admin_flag(const struct verb_args *args, const char *name);

/* Accepts NULL. */
void verb_admin_close(struct verb_admin *va);

/*
 * POST to BEFORE, then word, then after, encoded; takes body. Returns VERB_DONE
 * or VERB_FAILED, said on stderr.
 */
enum verb_exit verb_admin_do(struct verb_admin *va, const char *word,
    const char *before, const char *after, json_t *body);

/* A text of an answer; "-" if it is null or missing. */
const char *verb_admin_text(const json_t *o, const char *name);

#endif /* SERVER_VERB_ADMIN_H */
