/*
 * peer_net.c -- what limits on strangers take for one address.
 */
#include <sys/socket.h>

#include <netinet/in.h>

#include <string.h>

#include "server/base/address.h"
#include "server/base/peer_net.h"

static struct peer_net
net_of(int family, const void *bytes)
{
	struct peer_net net = { .family = (uint32_t)family };
	struct in6_addr v6;

	if (family == AF_INET6) {
		memcpy(&v6, bytes, sizeof(v6));
		if (IN6_IS_ADDR_V4MAPPED(&v6))
			return (net_of(AF_INET, v6.s6_addr + 12));
	}
	memcpy(&net.bits, bytes,
	    family == AF_INET ? sizeof(struct in_addr) : sizeof(net.bits));
	return (net);
}

struct peer_net
peer_net_parse(const char *text)
{
	bool bracket = *text == '[';
	struct address address;
	const char *end;
	size_t len;

	text += bracket;
	end = strchr(text, bracket ? ']' : ':');
	if (end != NULL && !bracket && strchr(end + 1, ':') != NULL)
		end = NULL; /* IPv6 without brackets has no port */
	len = end == NULL ? strlen(text) : (size_t)(end - text);
	if ((end = memchr(text, '%', len)) != NULL) /* of a link, RFC 4007 */
		len = (size_t)(end - text);
	if (address_parse_host(text, len, &address) == -1)
		return ((struct peer_net){ 0 });
	return (net_of(address.family, address.bytes));
}

bool
peer_net_equal(struct peer_net a, struct peer_net b)
{
	return (a.bits == b.bits && a.family == b.family);
}

/* Rounds of MurmurHash3's finaliser, keyed; not for secrets. */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return (x ^ (x >> 33));
}

uint64_t
peer_net_hash(struct peer_net net, uint64_t seed)
{
	return (mix(mix(net.bits ^ seed) + net.family + seed));
}
