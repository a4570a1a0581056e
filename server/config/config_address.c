/*
 * Addresses of listeners: which of them cannot be had together. Pure.
 */
#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "server/config/config_draft.h"

struct address {
	int family; /* AF_UNSPEC: every address of both */
	bool every; /* of the family */
	int port;
	unsigned char bytes[sizeof(struct in6_addr)];
};

/* Of what config_value.c has let through. Returns 0, or -1 for anything else.
 */
static int
address_parse(const char *text, struct address *ret)
{
	static const unsigned char none[sizeof(ret->bytes)];
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);

	if (len == 0 || len >= sizeof(host))
		return (-1);
	memcpy(host, text, len);
	host[len] = '\0';
	*ret = (struct address){ .port = atoi(colon + 1) };
	if (strcmp(host, "*") == 0)
		ret->family = AF_UNSPEC;
	else if (inet_pton(AF_INET, host, ret->bytes) == 1)
		ret->family = AF_INET;
	else if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		ret->family = AF_INET6;
		if (inet_pton(AF_INET6, host + 1, ret->bytes) != 1)
			return (-1);
	} else
		return (-1);
	ret->every = memcmp(ret->bytes, none, sizeof(none)) == 0;
	return (0);
}

bool
config_addresses_collide(const char *a, const char *b)
{
	struct address x, y;

	if (address_parse(a, &x) == -1 || address_parse(b, &y) == -1 ||
	    x.port != y.port || x.port == 0)
		return (false);
	if (x.family == AF_UNSPEC || y.family == AF_UNSPEC)
		return (true);
	if (x.family != y.family)
		return (false);
	return (x.every || y.every ||
		memcmp(x.bytes, y.bytes, sizeof(x.bytes)) == 0);
}
