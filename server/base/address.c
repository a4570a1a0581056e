#include "server/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <string.h>

#include "store/base/parse.h"

enum address_rc
address_split(const char *text, char ret_host[ADDRESS_HOST_MAX],
    unsigned *ret_port)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	size_t len;

	if (colon == NULL || colon == text)
		return (ADDRESS_NO_PORT);
	if (parse_int(colon + 1, 0, 65535, &port) == -1)
		return (ADDRESS_BAD_PORT);
	len = (size_t)(colon - text);
	if (text[0] == '[') {
		if (len < 3 || text[len - 1] != ']')
			return (ADDRESS_BAD_HOST);
		text++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL)
		return (ADDRESS_BAD_HOST); /* IPv6 without brackets */
	if (len >= ADDRESS_HOST_MAX)
		return (ADDRESS_BAD_HOST);
	memcpy(ret_host, text, len);
	ret_host[len] = '\0';
	*ret_port = (unsigned)port;
	return (ADDRESS_OK);
}

void
address_host(const char *text, char ret_host[ADDRESS_HOST_MAX])
{
	unsigned port;

	if (address_split(text, ret_host, &port) != ADDRESS_OK)
		(void)snprintf(ret_host, ADDRESS_HOST_MAX, "%s", text);
}

enum address_rc
address_parse(const char *text, struct address *ret_address)
{
	struct address address = { .family = AF_UNSPEC };
	char host[ADDRESS_HOST_MAX];
	enum address_rc rc;
	unsigned port;

	if ((rc = address_split(text, host, &port)) != ADDRESS_OK)
		return (rc);
	if (strncmp(text, "*:", 2) != 0 &&
	    (address_parse_host(host, strlen(host), &address) == -1 ||
		(address.family == AF_INET6) != (text[0] == '[')))
		return (ADDRESS_BAD_HOST);
	address.port = port;
	*ret_address = address;
	return (ADDRESS_OK);
}

int
address_parse_host(const char *text, size_t len, struct address *ret_address)
{
	struct address address = { .family = AF_INET };
	char host[ADDRESS_HOST_MAX];

	if (len >= sizeof(host))
		return (-1);
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, address.bytes) != 1) {
		address.family = AF_INET6;
		if (inet_pton(AF_INET6, host, address.bytes) != 1)
			return (-1);
	}
	*ret_address = address;
	return (0);
}

bool
address_unmap(struct address *address)
{
	static const unsigned char prefix[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff };

	if (address->family != AF_INET6 ||
	    memcmp(address->bytes, prefix, sizeof(prefix)) != 0)
		return (false);
	address->family = AF_INET;
	memmove(address->bytes, address->bytes + sizeof(prefix),
	    sizeof(struct in_addr));
	memset(address->bytes + sizeof(struct in_addr), 0, sizeof(prefix));
	return (true);
}

const char *
address_text(const struct address *address, char ret_text[ADDRESS_HOST_MAX])
{
	if (address->family == AF_UNSPEC ||
	    inet_ntop(address->family, address->bytes, ret_text,
		ADDRESS_HOST_MAX) == NULL)
		(void)strcpy(ret_text, "*");
	return (ret_text);
}

size_t
address_len(const struct address *address)
{
	switch (address->family) {
	case AF_INET:
		return (sizeof(struct in_addr));
	case AF_INET6:
		return (sizeof(struct in6_addr));
	}
	return (0);
}

unsigned
address_port(const char *text)
{
	char host[ADDRESS_HOST_MAX];
	unsigned port;

	return (address_split(text, host, &port) == ADDRESS_OK ? port : 0);
}

bool
address_is_loopback(const struct address *address)
{
	if (address->family == AF_INET)
		return (address->bytes[0] == 127);
	return (address->family == AF_INET6 &&
		memcmp(address->bytes, &in6addr_loopback,
		    sizeof(in6addr_loopback)) == 0);
}

bool
address_is_every(const struct address *address)
{
	return (memcmp(address->bytes, &in6addr_any, sizeof(in6addr_any)) == 0);
}

bool
address_same_host(const struct address *a, const struct address *b)
{
	return (a->family == b->family &&
		memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0);
}
