/*
 * Values of handlers that call out: where to, with which headers.
 */
#include "server/config/config_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "handlers/net/http_client.h"
#include "server/auth/secrets.h"
#include "server/base/log.h"

#define BLANKS " \t"

/* -- Headers -- */

/* Is it one of those that forward writes itself? */
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
check_header(const char *header, char *reason)
{
	const char *colon = strchr(header, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - header);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)header[i]) &&
		    strchr("!#$%&'*+-.^_`|~", header[i]) == NULL)
			len = 0;
	}
	if (len == 0)
		return (config_reason(reason,
		    "an item is not NAME: VALUE or NAME: @FILE"));
	if (is_ours(header, len))
		return (config_reason(reason, "%.*s is not for you to set",
		    (int)len, header));
	if (colon[1 + strspn(colon + 1, BLANKS)] == '\0')
		return (config_reason(reason, "%.*s has no value", (int)len,
		    header));
	return (0);
}

int
config_outlet_headers(void *value, const char *dir, char reason[KEY_REASON_MAX])
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

int
config_outlet_header_file(char **header, const char *dir,
    char reason[KEY_REASON_MAX])
{
	char *colon = strchr(*header, ':');
	const char *at = colon + 1 + strspn(colon + 1, BLANKS);
	char *path = NULL, *bytes = NULL, *whole = NULL;
	char why[256];
	bool newline;
	size_t len;
	int rc = -1;

	if (*at != '@')
		return (0);
	if ((path = config_path_join(dir, at + 1)) == NULL) {
		(void)config_reason(reason, "out of memory");
	} else if (secrets_read_file(path, &bytes, &len, &newline, why) == -1) {
		(void)config_reason(reason, "%s", why);
	} else if (memchr(bytes, '\0', len) != NULL ||
		   memchr(bytes, '\r', len) != NULL ||
		   memchr(bytes, '\n', len) != NULL) {
		(void)config_reason(reason, "%s: is not one line", path);
	} else if ((whole = join_header(*header, (size_t)(colon - *header),
			bytes, len)) == NULL) {
		(void)config_reason(reason, "out of memory");
	} else {
		free(*header);
		*header = whole;
		rc = 0;
	}
	if (bytes != NULL)
		explicit_bzero(bytes, len);
	free(bytes);
	free(path);
	return (rc);
}

/* -- URLs -- */

int
config_outlet_url(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;

	(void)dir;
	if (http_client_url_parse(*(char **)value, &url, why) == -1)
		return (config_reason(reason, "%s", why));
	http_client_url_fini(&url);
	return (0);
}
