/*
 * reconcile_try.h -- does klikit's API answer with a list, and know us? For
 * doctor.
 *
 * Owns:    one question for one order.
 * Touches: reconcile_link.h. No log, no store.
 */
#ifndef SERVER_RECONCILE_TRY_H
#define SERVER_RECONCILE_TRY_H

#include "server/reconcile/reconcile_link.h"

struct reconcile_try; /* opaque; one under way */

/*
 * Exactly once, from the loop: one line for people, and what to do about it;
 * NULL if it is as it should be.
 */
typedef void reconcile_try_fn(const char *text, const char *advice, void *arg);

/*
 * Ask for the orders of the last window_ms. Returns what is to be freed, also
 * after done(); NULL, with one line in reason, and then done() never runs.
 */
struct reconcile_try *reconcile_try_start(const struct handler_env *env,
    const struct reconcile_far *far, int64_t window_ms, reconcile_try_fn *done,
    void *arg, char reason[HANDLER_REASON_MAX]);

/* At any time. Accepts NULL. */
void reconcile_try_free(struct reconcile_try *t);

#endif /* SERVER_RECONCILE_TRY_H */
