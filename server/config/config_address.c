/*
 * Addresses of listeners: how they are written, and which of them cannot be
 * had together. Pure.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/config/config_draft.h"
#include "store/base/parse.h"

/* -- How they are written -- */

/* "HOST:PORT" with a numeric host, "[V6]:PORT" or "*:PORT". */
static int
check_address(const char *text, char *reason)
{
	const char *colon = strrchr(text, ':');
	unsigned char addr[sizeof(struct in6_addr)];
	char host[INET6_ADDRSTRLEN + 2];
	int64_t port;
	size_t len;

	if (colon == NULL || colon == text)
		return (config_reason(reason,
		    "\"%s\" is not HOST:PORT; for every address write *:PORT",
		    log_text(text)));
	if (parse_int(colon + 1, 0, 65535, &port) == -1)
		return (config_reason(reason,
		    "\"%s\" has no port from 0 to 65535", log_text(text)));
	len = (size_t)(colon - text);
	if (len == 1 && text[0] == '*')
		return (0);
	if (len < sizeof(host)) {
		memcpy(host, text, len);
		host[len] = '\0';
		if (inet_pton(AF_INET, host, addr) == 1)
			return (0);
		if (host[0] == '[' && host[len - 1] == ']') {
			host[len - 1] = '\0';
			if (inet_pton(AF_INET6, host + 1, addr) == 1)
				return (0);
		}
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
config_check_admin(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;

	(void)dir;
	if (list->n > 1)
		return (config_reason(reason, "is one address, not a list"));
	return (check_all(list, reason));
}

bool
config_is_loopback(const char *address)
{
	return (strncmp(address, "127.", 4) == 0 ||
		strncmp(address, "[::1]:", 6) == 0);
}

/* -- Two of them -- */

struct address {
	int family; /* AF_UNSPEC: every address of both */
	bool every; /* of the family */
	int port;
	unsigned char bytes[sizeof(struct in6_addr)];
};

/* Of what check_address() has let through. Returns 0; -1 for anything else. */
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
