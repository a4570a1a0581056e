/*
 * Addresses of listeners: how they are written, and which of them cannot be
 * had together; networks. Pure.
 */
#include <sys/socket.h>

#include "server/base/address.h"
#include "server/base/log.h"
#include "server/base/network.h"
#include "server/config/config_address.h"
#include "server/config/config_table.h"

/* -- How they are written -- */

/* "HOST:PORT" with a numeric host, "[V6]:PORT" or "*:PORT". */
static int
check_address(const char *text, char *reason)
{
	struct address address;

	switch (address_parse(text, &address)) {
	case ADDRESS_OK:
		return (0);
	case ADDRESS_NO_PORT:
		return (config_reason(reason,
		    "\"%s\" is not HOST:PORT; for every address write *:PORT",
		    log_text(text)));
	case ADDRESS_BAD_PORT:
		return (config_reason(reason,
		    "\"%s\" has no port from 0 to 65535", log_text(text)));
	case ADDRESS_BAD_HOST:
		break;
	}
	return (config_reason(reason,
	    "\"%s\" has no numeric address; write 127.0.0.1:PORT, [::1]:PORT "
	    "or *:PORT",
	    log_text(text)));
}

static int
check_all(const struct key_list *list, char *reason)
{
	for (size_t i = 0; i < list->n; i++) {
		if (check_address(list->items[i], reason) == -1)
			return (-1);
	}
	return (0);
}

int
config_check_listen(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;

	(void)dir;
	if (list->n == 0)
		return (
		    config_reason(reason, "needs an address, such as *:8080"));
	return (check_all(list, reason));
}

int
config_check_plain(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;

	(void)dir;
	if (check_all(list, reason) == -1)
		return (-1);
	for (size_t i = 0; i < list->n; i++) {
		if (!config_is_loopback(list->items[i]))
			return (config_reason(reason,
			    "%s can be reached from other machines: this is "
			    "for the loopback, as 127.0.0.1:8080; http.listen "
			    "is for all others",
			    list->items[i]));
	}
	return (0);
}

int
config_check_addresses(void *value, const char *dir,
    char reason[KEY_REASON_MAX])
{
	(void)dir;
	return (check_all(value, reason));
}

int
config_check_admin(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;

	(void)dir;
	if (list->n > 1)
		return (config_reason(reason, "is one address, not a list"));
	return (check_all(list, reason));
}

/* "10.0.0.0/8", "2001:db8::/32" or an address. */
static int
check_network(const char *text, char *reason)
{
	char meant[NETWORK_TEXT_MAX];
	struct network network;

	switch (network_parse(text, &network)) {
	case NETWORK_OK:
		return (0);
	case NETWORK_BAD_ADDRESS:
		return (config_reason(reason,
		    "\"%s\" is no numeric address or network; write 192.0.2.7, "
		    "10.0.0.0/8 or 2001:db8::/32",
		    log_text(text)));
	case NETWORK_BAD_LENGTH:
		return (config_reason(reason,
		    "\"%s\" has no length of a network after the slash: 0 to "
		    "32, of IPv6 to 128",
		    log_text(text)));
	case NETWORK_BITS_LEFT:
		break;
	}
	return (config_reason(reason,
	    "\"%s\" is no network but an address in one; write %s, or the "
	    "address without a slash",
	    log_text(text), network_text(&network, meant)));
}

int
config_check_networks(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;

	(void)dir;
	for (size_t i = 0; i < list->n; i++) {
		if (check_network(list->items[i], reason) == -1)
			return (-1);
	}
	return (0);
}

bool
config_is_loopback(const char *text)
{
	struct address address;

	return (address_parse(text, &address) == ADDRESS_OK &&
		address_is_loopback(&address));
}

/* -- Two of them -- */

bool
config_addresses_collide(const char *a, const char *b)
{
	struct address x, y;

	if (address_parse(a, &x) != ADDRESS_OK ||
	    address_parse(b, &y) != ADDRESS_OK || x.port != y.port ||
	    x.port == 0)
		return (false);
	if (x.family == AF_UNSPEC || y.family == AF_UNSPEC)
		return (true);
	if (x.family != y.family)
		return (false);
	return (address_is_every(&x) || address_is_every(&y) ||
		address_same_host(&x, &y));
}
