/*
 * peer_net.c -- what limits on strangers take for one address.
 */
#include <sys/socket.h>

#include <netinet/in.h>

#include <string.h>

#include "server/base/address.h"
#include "server/base/peer_net.h"

#define NOBODY UINT32_MAX /* in place of a family */

struct peer_net
peer_net_of(const struct address *address)
{
	struct address plain = *address;
	struct peer_net net = { 0 };

	(void)address_unmap(&plain);
	net.family = (uint32_t)plain.family;
	memcpy(&net.bits, plain.bytes,
	    plain.family == AF_INET ? sizeof(struct in_addr)
				    : sizeof(net.bits));
	return (net);
}

struct peer_net
peer_net_nobody(uint64_t number)
{
	return ((struct peer_net){ .bits = number, .family = NOBODY });
}

bool
peer_net_is_nobody(struct peer_net net)
{
	return (net.family == NOBODY);
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
	return (peer_net_of(&address));
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
