#include "server/base/network.h"

#include <sys/socket.h>

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/parse.h"

#define MAPPED_LEN 96 /* of the prefix of mapped IPv4 addresses, in bits */

static unsigned
bits_of(const struct address *address)
{
	return ((unsigned)address_len(address) * 8);
}

/* Clear all bits behind the prefix. Returns whether one was set. */
static bool
clear_rest(struct network *network)
{
	unsigned at = network->prefix_len / 8, in = network->prefix_len % 8;
	bool any = false;

	for (size_t i = at; i < address_len(&network->first); i++) {
		unsigned char *byte = &network->first.bytes[i];
		unsigned char kept = (unsigned char)(*byte & ~(0xffu >> in));

		any = any || kept != *byte;
		*byte = kept;
		in = 0;
	}
	return (any);
}

enum network_rc
network_parse(const char *text, struct network *ret_network)
{
	size_t len = strcspn(text, "/");
	struct network network;
	unsigned bits;
	int64_t value;

	if (address_parse_host(text, len, &network.first) == -1)
		return (NETWORK_BAD_ADDRESS);
	bits = bits_of(&network.first);
	value = bits;
	if (text[len] == '/' &&
	    parse_int(text + len + 1, 0, bits, &value) == -1)
		return (NETWORK_BAD_LENGTH);
	network.prefix_len = (unsigned)value;
	if (network.prefix_len >= MAPPED_LEN && address_unmap(&network.first))
		network.prefix_len -= MAPPED_LEN;
	*ret_network = network;
	return (clear_rest(ret_network) ? NETWORK_BITS_LEFT : NETWORK_OK);
}

bool
network_has(const struct network *network, const struct address *address)
{
	unsigned whole = network->prefix_len / 8,
		 rest = network->prefix_len % 8;
	const unsigned char *a = network->first.bytes, *b = address->bytes;

	if (network->first.family != address->family)
		return (false);
	return (memcmp(a, b, whole) == 0 &&
		(rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0));
}

bool
network_is_every(const struct network *network)
{
	return (network->prefix_len == 0);
}

const char *
network_text(const struct network *network, char ret_text[NETWORK_TEXT_MAX])
{
	char host[ADDRESS_HOST_MAX];

	address_text(&network->first, host);
	if (network->prefix_len == bits_of(&network->first))
		(void)snprintf(ret_text, NETWORK_TEXT_MAX, "%s", host);
	else
		(void)snprintf(ret_text, NETWORK_TEXT_MAX, "%s/%u", host,
		    network->prefix_len);
	return (ret_text);
}

int
networks_read(char *const *texts, size_t n, struct networks *ret_networks)
{
	struct network *list = NULL;
	enum network_rc rc;

	if (n > 0 && (list = calloc(n, sizeof(*list))) == NULL)
		return (-1);
	for (size_t i = 0; i < n; i++) {
		rc = network_parse(texts[i], &list[i]);
		assert(rc == NETWORK_OK); /* the configuration was checked */
	}
	*ret_networks = (struct networks){ list, n };
	return (0);
}

void
networks_fini(struct networks *networks)
{
	free(networks->list);
	*networks = (struct networks){ NULL, 0 };
}

bool
networks_have(const struct networks *networks, const struct address *address)
{
	for (size_t i = 0; i < networks->n; i++) {
		if (network_has(&networks->list[i], address))
			return (true);
	}
	return (false);
}
