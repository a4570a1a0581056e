/*
 * resolver_hunt.h -- one name: which servers are asked when, what it means.
 */
#ifndef HANDLERS_RESOLVER_HUNT_H
#define HANDLERS_RESOLVER_HUNT_H

#include "handlers/net/resolver_servers.h"

struct hunt; /* opaque: a name that is being asked for */

/* What a hunt works with; outlives it. */
struct hunt_env {
	struct event_base *base;
	struct resolver_conf conf;
	struct resolver_servers *servers;
	size_t good; /* the server that is asked first */
};

/*
 * Addresses of a name as far as they are known by now (OK: perhaps there are
 * more to come, until last), or why there are none (then last is true). With
 * last the hunt is over, and free; it may not be freed from within before.
 */
typedef void hunt_fn(enum resolver_rc rc, bool last,
    const struct resolver_addrs *addrs, int64_t ttl_s, void *arg);

/*
 * Begin to ask for host. A server that has not answered within patience_ms
 * does not keep the next from being asked. Never calls found() before it
 * returns. NULL when out of memory.
 */
struct hunt *hunt_new(struct hunt_env *env, const char *host,
    int64_t patience_ms, hunt_fn *found, void *arg);

/*
 * Ask all servers once more, beside what is being waited for: a server that
 * was of no use may have come back.
 */
void hunt_again(struct hunt *h);

/* found() will not run any more. Accepts NULL. */
void hunt_free(struct hunt *h);

#endif /* HANDLERS_RESOLVER_HUNT_H */
