/*
 * resolver_private.h -- what the files of the resolver share.
 *
 *   resolver.c          what is known of names, and who waits for them
 *   resolver_hunt.c     one name: which servers are asked when, what it means
 *   resolver_servers.c  the name servers: c-ares in the loop
 */
#ifndef HANDLERS_RESOLVER_PRIVATE_H
#define HANDLERS_RESOLVER_PRIVATE_H

#include <sys/queue.h>

#include <stdbool.h>

#include "handlers/net/resolver.h"
#include "handlers/net/resolver_conf.h"

struct event;
struct event_base;
struct resolver_servers; /* opaque: those of one resolv.conf */
struct hunt;             /* opaque: a name that is being asked for */

/* -- resolver_servers.c -- */

enum resolver_family { FAMILY_4, FAMILY_6, NFAMILIES };

enum servers_rc {
	SERVERS_FOUND,   /* there are addresses */
	SERVERS_NOTHING, /* the name has none of that family */
	SERVERS_FAILED   /* that server was of no use */
};

/* Exactly once, perhaps at once; ttl_s is the shortest of the addresses. */
typedef void servers_fn(enum servers_rc rc, const struct resolver_addrs *addrs,
    int64_t ttl_s, void *arg);

/* NULL when out of memory. */
struct resolver_servers *resolver_servers_new(struct event_base *base,
    const struct resolver_conf *conf);
size_t resolver_servers_count(const struct resolver_servers *s);

/* Ask the i-th one for a name with its last dot. */
void resolver_servers_ask(struct resolver_servers *s, size_t i,
    const char *name, enum resolver_family family, servers_fn *done, void *arg);

/* All questions under way end as SERVERS_FAILED. Accepts NULL. */
void resolver_servers_free(struct resolver_servers *s);

/*
 * Look a host up without any server: a numeric address, localhost, a name of
 * the hosts file at path. Returns how many addresses were found.
 */
size_t resolver_servers_file(const char *host, const char *path,
    struct resolver_addrs *ret_addrs);

/* Has this machine an IPv6 address with which others can be reached? */
bool resolver_servers_have_ipv6(void);

/* -- resolver_hunt.c -- */

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

#endif /* HANDLERS_RESOLVER_PRIVATE_H */
