#include "handlers/net/outlet_keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/net/broker_url.h"
#include "handlers/net/http_client.h"

#define BLANKS " \t"

int
outlet_check_url(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;

	(void)dir;
	if (http_client_url_parse(*(char **)value, &url, why) == -1) {
		(void)snprintf(reason, KEY_REASON_MAX, "%s", why);
		return (-1);
	}
	http_client_url_fini(&url);
	return (0);
}

static int
check_broker_url(void *value, const struct broker_scheme *schemes,
    char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct broker_url url;

	if (broker_url_parse(*(char **)value, schemes, &url, why) == -1) {
		(void)snprintf(reason, KEY_REASON_MAX, "%s", why);
		return (-1);
	}
	broker_url_fini(&url);
	return (0);
}

int
outlet_check_amqp_url(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	(void)dir;
	return (check_broker_url(value, broker_schemes_amqp, reason));
}

int
outlet_check_redis_url(void *value, const char *dir,
    char reason[KEY_REASON_MAX])
{
	(void)dir;
	return (check_broker_url(value, broker_schemes_redis, reason));
}

/* -- Headers -- */

/* Is it one of those that klikitd writes itself? */
static bool
is_ours(const char *name, size_t len)
{
	static const char *const names[] = { "Host", "Connection",
		"Content-Length", "Content-Type", "Transfer-Encoding", "Expect",
		"Idempotency-Key" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == len &&
		    strncasecmp(names[i], name, len) == 0)
			return (true);
	}
	return (len > 8 && strncasecmp(name, "x-klikit", 8) == 0);
}

static int
check_header(const char *header, char reason[KEY_REASON_MAX])
{
	const char *colon = strchr(header, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - header);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)header[i]) &&
		    strchr("!#$%&'*+-.^_`|~", header[i]) == NULL)
			len = 0;
	}
	if (len == 0)
		(void)snprintf(reason, KEY_REASON_MAX,
		    "an item is not NAME: VALUE or NAME: @FILE");
	else if (is_ours(header, len))
		(void)snprintf(reason, KEY_REASON_MAX,
		    "%.*s is not for you to set", (int)len, header);
	else if (colon[1 + strspn(colon + 1, BLANKS)] == '\0')
		(void)snprintf(reason, KEY_REASON_MAX, "%.*s has no value",
		    (int)len, header);
	else
		return (0);
	return (-1);
}

int
outlet_check_headers(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;

	(void)dir;
	for (size_t i = 0; i < list->n; i++) {
		if (check_header(list->items[i], reason) == -1)
			return (-1);
	}
	return (0);
}

/* Not by asprintf(), which leaves copies of what it makes. */
static char *
join_header(const char *name, size_t name_len, const char *value, size_t len)
{
	char *line = malloc(name_len + len + 3), *end;

	if (line == NULL)
		return (NULL);
	end = mempcpy(line, name, name_len);
	end = mempcpy(end, ": ", 2);
	end = mempcpy(end, value, len);
	*end = '\0';
	return (line);
}

/* Put its file's bytes in place of "@FILE". Returns 0, or -1 and a reason. */
static int
read_header(char **header, const struct handler_check *c,
    char reason[KEY_REASON_MAX])
{
	char *colon = strchr(*header, ':');
	const char *at = colon + 1 + strspn(colon + 1, BLANKS);
	char *bytes, *whole = NULL;
	size_t len;

	if (*at != '@')
		return (0);
	if (c->read_file(c->arg, at + 1, &bytes, &len, reason) == -1)
		return (-1);
	if (memchr(bytes, '\0', len) != NULL ||
	    memchr(bytes, '\r', len) != NULL ||
	    memchr(bytes, '\n', len) != NULL)
		(void)snprintf(reason, KEY_REASON_MAX, "%s: is not one line",
		    at + 1);
	else if ((whole = join_header(*header, (size_t)(colon - *header), bytes,
		      len)) == NULL)
		(void)snprintf(reason, KEY_REASON_MAX, "out of memory");
	explicit_bzero(bytes, len);
	free(bytes);
	if (whole == NULL)
		return (-1);
	free(*header);
	*header = whole;
	return (0);
}

void
outlet_read_headers(struct key_list *headers, const char *key,
    const struct handler_check *c)
{
	char reason[KEY_REASON_MAX];

	for (size_t i = 0; c->files && i < headers->n; i++) {
		if (read_header(&headers->items[i], c, reason) == -1)
			c->wrong(c->arg, key, reason);
	}
}

/* -- TLS -- */

void
outlet_check_tls(const struct handler_tls_files *files, bool tls,
    const struct handler_check *c)
{
	const struct {
		const char *key;
		const char *file;
	} keys[] = {
		{ "ca_file", files->ca_file },
		{ "client_certificate", files->client_certificate },
		{ "client_key", files->client_key },
	};

	for (size_t i = 0; !tls && i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].file != NULL)
			c->wrong(c->arg, keys[i].key,
			    "is of no use, as the url is without TLS");
	}
	if (files->client_certificate != NULL && files->client_key == NULL)
		c->wrong(c->arg, "client_certificate", "needs client_key");
	if (files->client_key != NULL && files->client_certificate == NULL)
		c->wrong(c->arg, "client_key", "needs client_certificate");
}
