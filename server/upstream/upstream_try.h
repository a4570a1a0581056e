/*
 * upstream_try.h -- does a hub answer, and know us? For doctor.
 *
 * Owns:    one call, which reports nothing: no job is taken by it.
 * Touches: the loop, the HTTP client of handlers/net. No log.
 */
#ifndef SERVER_UPSTREAM_TRY_H
#define SERVER_UPSTREAM_TRY_H

#include "server/upstream/upstream.h"

struct upstream_try; /* opaque; one under way */

/*
 * Exactly once, from the loop: one line for people, and what to do about it;
 * NULL if it is as it should be.
 */
typedef void upstream_try_fn(const char *text, const char *advice, void *arg);

/*
 * Borrows set; env is kept until the end. Returns what is to be freed, also
 * after done(); NULL, with one line in reason, and then done() never runs.
 */
struct upstream_try *upstream_try_start(const struct handler_env *env,
    const struct upstream_settings *set, upstream_try_fn *done, void *arg,
    char reason[HANDLER_REASON_MAX]);

/* At any time. Accepts NULL. */
void upstream_try_free(struct upstream_try *t);

#endif /* SERVER_UPSTREAM_TRY_H */
