/*
 * peer_net.h -- what limits on strangers take for one address.
 *
 * Owns:    the rule: an IPv4 address; of IPv6 the first 64 bits, since a host
 *          that has one address there has all of its /64. IPv4 on a socket for
 *          both (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2) is IPv4. Everything
 *          else, such as a Unix socket, is one address.
 * Touches: nothing. Pure.
 */
#ifndef SERVER_PEER_NET_H
#define SERVER_PEER_NET_H

#include <stdbool.h>
#include <stdint.h>

struct address;

/* Plain data; all zero: no address. */
struct peer_net {
	uint64_t bits;   /* as they stand on the wire */
	uint32_t family; /* AF_INET, AF_INET6; else 0 */
};

/* The address of a peer "A.B.C.D:PORT" or "[V6]:PORT", or without the port. */
struct peer_net peer_net_parse(const char *text);

/* The same of an address. */
struct peer_net peer_net_of(const struct address *address);

/*
 * One that no address has, another for each number. It is for what nobody is
 * to be charged with: peer_net_is_nobody().
 */
struct peer_net peer_net_nobody(uint64_t number);
bool peer_net_is_nobody(struct peer_net net);

bool peer_net_equal(struct peer_net a, struct peer_net b);

/*
 * For a hash table. The seed is drawn at random once per table, so that
 * nobody can choose addresses that fall together.
 */
uint64_t peer_net_hash(struct peer_net net, uint64_t seed);

#endif /* SERVER_PEER_NET_H */
