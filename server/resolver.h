/*
 * resolver.h -- how names are looked up, as the machine is set up now.
 *
 * Owns:    an evdns_base, which looks up in the loop, and what it was told of
 *          resolv.conf(5) and hosts(5).
 * Touches: these two files. No other module, no log.
 *
 * evdns reads both files once. But a box that boots before its network has no
 * name servers yet, and one that is carried to another network has others: so
 * both are read again when they have changed.
 */
#ifndef SERVER_RESOLVER_H
#define SERVER_RESOLVER_H

struct evdns_base;
struct event_base;
struct resolver; /* opaque */

/*
 * Keeps base and the two paths. A file that is not there is read once it is;
 * until then evdns asks 127.0.0.1. NULL when out of memory.
 */
struct resolver *resolver_new(struct event_base *base, const char *resolv_conf,
    const char *hosts);

/* What looks up; lives as long as the resolver. */
struct evdns_base *resolver_dns(const struct resolver *r);

/*
 * To be called before a look-up: if a file has changed since it was read it is
 * read again, and look-ups under way go on with what it says. Costs two
 * stat(2) else. Never fails: what cannot be read counts as empty.
 */
void resolver_refresh(struct resolver *r);

/* Look-ups under way end without a callback. Accepts NULL. */
void resolver_free(struct resolver *r);

#endif /* SERVER_RESOLVER_H */
