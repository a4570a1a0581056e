/*
 * resolver_servers.h -- the name servers of one resolv.conf: c-ares in the
 * loop.
 */
#ifndef HANDLERS_RESOLVER_SERVERS_H
#define HANDLERS_RESOLVER_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/net/resolver_addrs.h"
#include "handlers/net/resolver_conf.h"

struct event_base;
struct resolver_servers; /* opaque */

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

#endif /* HANDLERS_RESOLVER_SERVERS_H */
