/*
 * reach.h -- can a far side be reached? For the inspect() of a type that has
 * nothing to ask there.
 *
 * Owns:    one connection, made as a call makes it (link.h), by TLS where that
 *          is asked for; nothing is sent on it.
 * Touches: the loop, the env's resolver and connect().
 */
#ifndef HANDLERS_REACH_H
#define HANDLERS_REACH_H

#include "handlers/handler.h"

struct reach; /* opaque; one look */

/*
 * Look, for limit_ms at most; what is found goes to in, which is copied. tls:
 * NULL: without. Returns what is to be freed, also after done(); NULL when out
 * of memory, and then done() never runs.
 */
struct reach *reach_start(const struct handler_env *env,
    struct handler_tls *tls, const char *host, uint16_t port, int64_t limit_ms,
    const struct handler_inspection *in);

/* At any time. Accepts NULL. */
void reach_free(struct reach *r);

#endif /* HANDLERS_REACH_H */
