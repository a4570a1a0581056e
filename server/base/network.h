/*
 * network.h -- lists of networks: "10.0.0.0/8", "2001:db8::/32", "192.0.2.7".
 *
 * Touches: nothing. Pure but for the memory of a list.
 *
 * An IPv4 address on a socket for both (::ffff:a.b.c.d, RFC 4291 section
 * 2.5.5.2) is IPv4, in a network as well. ::/0 is every IPv6 address and no
 * IPv4 one. What is no numeric address, such as a Unix socket, is in none.
 */
#ifndef SERVER_NETWORK_H
#define SERVER_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/address.h"

enum network_rc {
	NETWORK_OK = 0,
	NETWORK_BAD_ADDRESS, /* what stands before the slash is none */
	NETWORK_BAD_LENGTH,  /* what stands behind it is no prefix length */
	NETWORK_BITS_LEFT    /* bits of the address are set behind the prefix */
};

/* Plain data. */
struct network {
	struct address first;
	unsigned prefix_len; /* in bits; all of them: one address */
};

#define NETWORK_TEXT_MAX (ADDRESS_HOST_MAX + 4)

/*
 * Read a network or an address. Returns NETWORK_OK; else why not. After
 * NETWORK_BITS_LEFT *ret_network is the network that may have been meant.
 */
enum network_rc network_parse(const char *text, struct network *ret_network);

bool network_has(const struct network *network, const struct address *address);

/* Is every address of its family in it? */
bool network_is_every(const struct network *network);

/* As network_parse() reads it. */
const char *network_text(const struct network *network,
    char ret_text[NETWORK_TEXT_MAX]);

/* A list; all zero: an empty one. Freed by networks_fini(). */
struct networks {
	struct network *list;
	size_t n;
};

/*
 * Read a list of texts, each of which network_parse() takes. Returns 0; -1
 * when out of memory, and then *ret_networks is as before.
 */
int networks_read(char *const *texts, size_t n, struct networks *ret_networks);

void networks_fini(struct networks *networks);

/* Is it in one of them? */
bool networks_have(const struct networks *networks,
    const struct address *address);

#endif /* SERVER_NETWORK_H */
