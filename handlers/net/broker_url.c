#include "handlers/net/broker_url.h"

#include <arpa/inet.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/base/hex.h"
#include "store/base/parse.h"

const struct broker_scheme broker_schemes_amqp[] = {
	{ "amqp", 5672, false },
	{ "amqps", 5671, true },
	{ NULL, 0, false },
};

const struct broker_scheme broker_schemes_redis[] = {
	{ "redis", 6379, false },
	{ "rediss", 6379, true },
	{ NULL, 0, false },
};

static int
refuse(char *reason, const char *text)
{
	(void)snprintf(reason, HANDLER_REASON_MAX, "%s", text);
	return (-1);
}

/* The scheme that text begins with, and what stands behind "://". */
static const struct broker_scheme *
scheme_of(const char *text, const struct broker_scheme *schemes,
    const char **ret_rest)
{
	size_t len;

	for (const struct broker_scheme *s = schemes; s->name != NULL; s++) {
		len = strlen(s->name);
		if (strncasecmp(text, s->name, len) == 0 &&
		    strncmp(text + len, "://", 3) == 0) {
			*ret_rest = text + len + 3;
			return (s);
		}
	}
	return (NULL);
}

bool
broker_url_is_tls(const char *text, const struct broker_scheme *schemes)
{
	const struct broker_scheme *s;
	const char *rest;

	s = text == NULL ? NULL : scheme_of(text, schemes, &rest);
	return (s != NULL && s->tls);
}

/* Put the byte that each %XX stands for in its place. Returns 0, or -1. */
static int
decode(char *text, const char *what, char *reason)
{
	char *to = text;
	long value;

	for (const char *from = text; *from != '\0'; from++) {
		value = (unsigned char)*from;
		if (*from == '%') {
			value = from[1] == '\0' ? -1 : hex_value(from + 1, 2);
			from += 2;
		}
		if (value < ' ' || value == 0x7f) {
			(void)snprintf(reason, HANDLER_REASON_MAX,
			    "has a %s with %s", what,
			    value == -1 ? "a % without two hex digits"
					: "a control character");
			return (-1);
		}
		*to++ = (char)value;
	}
	*to = '\0';
	return (0);
}

/* -- Its parts; each returns 0, or -1 and a reason -- */

static int
read_user(const char *text, size_t len, struct broker_url *url, char *reason)
{
	if (memchr(text, ':', len) != NULL)
		return (refuse(reason,
		    "must not hold a password: put it into password_file"));
	if (len == 0)
		return (refuse(reason, "has no user before its @"));
	if ((url->user = strndup(text, len)) == NULL)
		return (refuse(reason, "out of memory"));
	return (decode(url->user, "user", reason));
}

/* Can it be a name or an IPv4 address? */
static bool
is_host(const char *host)
{
	if (host[0] == '\0' || strlen(host) >= HANDLER_HOST_MAX)
		return (false);
	for (; *host != '\0'; host++) {
		if (!isalnum((unsigned char)*host) &&
		    strchr("-._", *host) == NULL)
			return (false);
	}
	return (true);
}

/* Take the host off text, of which it is the beginning. */
static int
read_host(char **text, struct broker_url *url, char *reason)
{
	struct in6_addr addr;
	char *end;

	if (**text == '[') {
		if ((end = strchr(*text, ']')) == NULL)
			return (refuse(reason, "has a [ without its ]"));
		url->host = strndup(*text + 1, (size_t)(end - *text) - 1);
		*text = end + 1;
	} else {
		end = *text + strcspn(*text, ":");
		url->host = strndup(*text, (size_t)(end - *text));
		*text = end;
	}
	if (url->host == NULL)
		return (refuse(reason, "out of memory"));
	if (url->host[0] == '\0')
		return (refuse(reason, "names no host"));
	if (end[0] == ']' ? inet_pton(AF_INET6, url->host, &addr) != 1
			  : !is_host(url->host))
		return (refuse(reason, "has a host that is neither a name nor "
				       "an address"));
	return (0);
}

static int
read_port(const char *text, struct broker_url *url, char *reason)
{
	int64_t port;

	url->port = url->scheme->port;
	if (*text == '\0')
		return (0);
	if (*text != ':' || parse_int(text + 1, 1, UINT16_MAX, &port) == -1)
		return (refuse(reason, "has a port that is not 1 to 65535"));
	url->port = (uint16_t)port;
	return (0);
}

/* What stands behind the scheme; it may be changed. */
static int
read_rest(char *text, struct broker_url *url, char *reason)
{
	char *slash, *at;

	if (strpbrk(text, "?#") != NULL)
		return (refuse(reason, "must not have a ?query or #fragment"));
	if ((slash = strchr(text, '/')) != NULL) {
		/* The rest holds one, or the user a slash: who knows? */
		if (strchr(slash, '@') != NULL)
			return (refuse(reason, "has an @ behind a slash: write "
					       "%40 or %2F for that"));
		if ((url->rest = strdup(slash + 1)) == NULL)
			return (refuse(reason, "out of memory"));
		if (decode(url->rest, "path", reason) == -1)
			return (-1);
		*slash = '\0';
	}
	if ((at = strrchr(text, '@')) != NULL) {
		if (read_user(text, (size_t)(at - text), url, reason) == -1)
			return (-1);
		text = at + 1;
	}
	if (read_host(&text, url, reason) == -1)
		return (-1);
	return (read_port(text, url, reason));
}

/* -- The whole -- */

int
broker_url_parse(const char *text, const struct broker_scheme *schemes,
    struct broker_url *ret_url, char reason[HANDLER_REASON_MAX])
{
	struct broker_url url = { .scheme = NULL };
	const char *rest;
	char *copy;
	int rc;

	if ((url.scheme = scheme_of(text, schemes, &rest)) == NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "must begin with %s:// or %s://", schemes[0].name,
		    schemes[1].name);
		return (-1);
	}
	if ((copy = strdup(rest)) == NULL)
		return (refuse(reason, "out of memory"));
	rc = read_rest(copy, &url, reason);
	explicit_bzero(copy, strlen(rest)); /* there may be a password */
	free(copy);
	if (rc == -1)
		broker_url_fini(&url);
	else
		*ret_url = url;
	return (rc);
}

void
broker_url_fini(struct broker_url *url)
{
	free(url->user);
	free(url->host);
	free(url->rest);
	memset(url, 0, sizeof(*url));
}

void
broker_url_text(const struct broker_url *url, char ret_text[HANDLER_REASON_MAX])
{
	bool bare = strchr(url->host, ':') == NULL;

	(void)snprintf(ret_text, HANDLER_REASON_MAX, "%s://%s%.200s%s:%u",
	    url->scheme->name, bare ? "" : "[", url->host, bare ? "" : "]",
	    url->port);
}
