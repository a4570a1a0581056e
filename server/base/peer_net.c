/*
 * peer_net.c -- what limits on strangers take for one address.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string.h>

#include "server/base/peer_net.h"

static struct peer_net
net_v4(const struct in_addr *address)
{
	struct peer_net net = { .family = AF_INET };

	memcpy(&net.bits, address, sizeof(*address));
	return (net);
}

static struct peer_net
net_v6(const struct in6_addr *address)
{
	struct peer_net net = { .family = AF_INET6 };
	struct in_addr v4;

	if (IN6_IS_ADDR_V4MAPPED(address)) {
		memcpy(&v4, address->s6_addr + 12, sizeof(v4));
		return (net_v4(&v4));
	}
	memcpy(&net.bits, address, sizeof(net.bits));
	return (net);
}

struct peer_net
peer_net_of(const struct sockaddr *sa)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (sa != NULL && sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		return (net_v4(&v4.sin_addr));
	}
	if (sa != NULL && sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		return (net_v6(&v6.sin6_addr));
	}
	return ((struct peer_net){ 0 });
}

struct peer_net
peer_net_parse(const char *text)
{
	char host[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;
	bool bracket = *text == '[';
	const char *end;
	size_t len;

	text += bracket;
	end = strchr(text, bracket ? ']' : ':');
	if (end != NULL && !bracket && strchr(end + 1, ':') != NULL)
		end = NULL; /* IPv6 without brackets has no port */
	len = end == NULL ? strlen(text) : (size_t)(end - text);
	if ((end = memchr(text, '%', len)) != NULL) /* of a link, RFC 4007 */
		len = (size_t)(end - text);
	if (len >= sizeof(host))
		return ((struct peer_net){ 0 });
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (net_v4(&v4));
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return (net_v6(&v6));
	return ((struct peer_net){ 0 });
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
