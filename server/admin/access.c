#include "server/admin/access.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "server/base/address.h"

#define HOST_MAX ADDRESS_HOST_MAX

/*
 * Write the host of "HOST", "HOST:PORT", "[V6]" or "[V6]:PORT" to ret_host,
 * without brackets. Returns 0, or -1 if it is none of these.
 */
static int
split_host(const char *text, char ret_host[HOST_MAX])
{
	bool v6 = text[0] == '[';
	const char *end, *port;
	size_t len;

	text += v6;
	len = strcspn(text, v6 ? "]" : ":");
	end = text + len;
	if (len == 0 || len >= HOST_MAX || (v6 && *end != ']'))
		return (-1);
	port = end + v6;
	if (*port == ':')
		port += 1 + strspn(port + 1, "0123456789");
	if (*port != '\0')
		return (-1);
	memcpy(ret_host, text, len);
	ret_host[len] = '\0';
	return (0);
}

/* Who listens on every address is called by any: but not by a name. */
static bool
host_fits(const struct access_rules *rules, const char *text)
{
	struct address called, own;
	char host[HOST_MAX];

	if (text == NULL || split_host(text, host) == -1)
		return (false);
	if (strcasecmp(host, "localhost") == 0)
		return (true);
	if (address_parse_host(host, strlen(host), &called) == -1)
		return (false);
	if (address_is_loopback(&called))
		return (true);
	return (address_parse(rules->address, &own) == ADDRESS_OK &&
		(address_is_every(&own) || address_same_host(&own, &called)));
}

static bool
origin_fits(const char *origin, const char *host)
{
	static const char scheme[] = "http://";

	return (origin == NULL ||
		(strncasecmp(origin, scheme, strlen(scheme)) == 0 &&
		    strcasecmp(origin + strlen(scheme), host) == 0));
}

static bool
is(const char *value, const char *wanted)
{
	return (value != NULL && strcmp(value, wanted) == 0);
}

/*
 * Programs and old browsers do not say where a request comes from. A link to
 * the page opens it as a whole, not in a frame.
 */
static bool
site_fits(const struct access_request *asked)
{
	if (asked->fetch_site == NULL || is(asked->fetch_site, "same-origin") ||
	    is(asked->fetch_site, "none"))
		return (true);
	return (
	    asked->links && !asked->acts && is(asked->fetch_mode, "navigate") &&
	    (asked->fetch_dest == NULL || is(asked->fetch_dest, "document")));
}

/* application/json, whatever its parameters. */
static bool
type_fits(const char *type)
{
	static const char json[] = "application/json";
	size_t len = strlen(json);

	if (type == NULL || strncasecmp(type, json, len) != 0)
		return (false);
	type += len;
	type += strspn(type, " \t");
	return (*type == '\0' || *type == ';');
}

/* Takes as long for every wrong token of one length. */
static bool
token_fits(const char *token, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	volatile unsigned char diff = 0;
	size_t len;

	if (token == NULL)
		return (true);
	if (authorization == NULL ||
	    strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return (false);
	authorization += strlen(scheme);
	len = strlen(authorization);
	if (len != strlen(token))
		return (false);
	for (size_t i = 0; i < len; i++)
		diff |= (unsigned char)(token[i] ^ authorization[i]);
	return (diff == 0);
}

enum access_rc
access_check(const struct access_rules *rules,
    const struct access_request *asked)
{
	if (!host_fits(rules, asked->host))
		return (ACCESS_BAD_HOST);
	if (!origin_fits(asked->origin, asked->host))
		return (ACCESS_BAD_ORIGIN);
	if (!site_fits(asked))
		return (ACCESS_BAD_SITE);
	if (!asked->open && rules->token != NULL &&
	    asked->authorization != NULL && asked->spent)
		return (ACCESS_TOO_MANY_GUESSES);
	if (!asked->open && !token_fits(rules->token, asked->authorization))
		return (ACCESS_BAD_TOKEN);
	if (asked->acts && !type_fits(asked->content_type))
		return (ACCESS_BAD_TYPE);
	return (ACCESS_ALLOWED);
}
