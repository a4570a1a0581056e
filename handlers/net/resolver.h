/*
 * resolver.h -- names to addresses, in the loop.
 *
 * Owns:    what is known of names, the questions under way, and the sockets on
 *          which they are asked (c-ares).
 * Touches: the loop, name servers, hosts(5) and resolv.conf(5), which are read
 *          again when they have changed: a box that boots before its network
 *          has no name servers yet, and one that is carried to another network
 *          has others. No log.
 *
 * One slow part never uses up the whole time: a server that does not answer
 * soon is not waited for, the next one is asked beside it, and the one that
 * answered is asked first from then on. One family of addresses does not wait
 * for the other for long, and IPv6 is only asked for where the machine has it.
 * What was known of a name is used while no server answers.
 */
#ifndef HANDLERS_RESOLVER_H
#define HANDLERS_RESOLVER_H

#include <stdint.h>

#include "handlers/net/resolver_addrs.h"

struct event_base;
struct resolver;        /* opaque */
struct resolver_lookup; /* opaque; one under way */

/* Exactly once, from the loop; addrs is valid for the call, empty if not OK. */
typedef void resolver_fn(enum resolver_rc rc,
    const struct resolver_addrs *addrs, void *arg);

/*
 * Keeps base and the two paths. A file that is not there counts as empty, and
 * without name servers 127.0.0.1 is asked. NULL when out of memory.
 */
struct resolver *resolver_new(struct event_base *base, const char *resolv_conf,
    const char *hosts);

/*
 * Look up a name, or a numeric address, within limit_ms. Copies host. Returns
 * what is to be named to resolver_cancel() until done() has run; NULL when out
 * of memory, and then done() never runs.
 */
struct resolver_lookup *resolver_look_up(struct resolver *r, const char *host,
    int64_t limit_ms, resolver_fn *done, void *arg);

/* done() will not run. What servers still answer is kept for later. */
void resolver_cancel(struct resolver_lookup *lookup);

/*
 * None of a host's addresses has served: however fresh they are, servers are
 * asked before they are used again.
 */
void resolver_doubt(struct resolver *r, const char *host);

/* Only when no look-up is under way. Accepts NULL. */
void resolver_free(struct resolver *r);

#endif /* HANDLERS_RESOLVER_H */
