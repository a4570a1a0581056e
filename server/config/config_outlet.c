/*
 * Values of handlers that call out: where to, with which headers, what to run.
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

/* -- Commands -- */

/*
 * Take the next word off *text and write it, unquoted, to word, which has room
 * for all of *text. Returns 0, or -1 if a quote is not closed.
 */
static int
next_word(const char **text, char *word)
{
	const char *p = *text;
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || strchr(BLANKS, *p) == NULL);
	     p++) {
		if (quote == '\0' && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else if (quote != '\0' && *p == quote) {
			quote = '\0';
		} else {
			if (quote == '"' && *p == '\\' &&
			    (p[1] == '"' || p[1] == '\\'))
				p++;
			*word++ = *p;
		}
	}
	*word = '\0';
	*text = p;
	return (quote == '\0' ? 0 : -1);
}

/* One item more, NULL after it. Returns 0, or -1 when out of memory. */
static int
list_add(struct config_list *list, const char *text)
{
	char **grown;

	grown = realloc(list->items, (list->n + 2) * sizeof(*grown));
	if (grown == NULL)
		return (-1);
	list->items = grown;
	if ((list->items[list->n] = strdup(text)) == NULL)
		return (-1);
	list->items[++list->n] = NULL;
	return (0);
}

int
config_outlet_command(struct config_list *field, const char *text,
    char reason[CONFIG_REASON_MAX])
{
	struct config_list list = { NULL, 0 };
	char *word;

	if ((word = malloc(strlen(text) + 1)) == NULL)
		goto nomem;
	for (text += strspn(text, BLANKS); *text != '\0';
	     text += strspn(text, BLANKS)) {
		if (next_word(&text, word) == -1) {
			(void)config_fail(reason, "a quote is not closed");
			goto fail;
		}
		if (list_add(&list, word) == -1)
			goto nomem;
	}
	if (list.n == 0 || list.items[0][0] == '\0') {
		(void)config_fail(reason, "names no program");
		goto fail;
	}
	free(word);
	config_list_free(field);
	*field = list;
	return (0);
nomem:
	(void)config_fail(reason, "out of memory");
fail:
	free(word);
	config_list_free(&list);
	return (-1);
}

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
		return (config_fail(reason,
		    "an item is not NAME: VALUE or NAME: @FILE"));
	if (is_ours(header, len))
		return (config_fail(reason, "%.*s is not for you to set",
		    (int)len, header));
	if (colon[1 + strspn(colon + 1, BLANKS)] == '\0')
		return (
		    config_fail(reason, "%.*s has no value", (int)len, header));
	return (0);
}

int
config_outlet_headers(struct config_list *field, const char *text,
    char reason[CONFIG_REASON_MAX])
{
	struct config_list list;

	if (config_list_split(text, &list, reason) == -1)
		return (-1);
	for (size_t i = 0; i < list.n; i++) {
		if (check_header(list.items[i], reason) == -1) {
			config_list_free(&list);
			return (-1);
		}
	}
	config_list_free(field);
	*field = list;
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
    char reason[CONFIG_REASON_MAX])
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
		(void)config_fail(reason, "out of memory");
	} else if (secrets_read_file(path, &bytes, &len, &newline, why) == -1) {
		(void)config_fail(reason, "%s", why);
	} else if (memchr(bytes, '\0', len) != NULL ||
		   memchr(bytes, '\r', len) != NULL ||
		   memchr(bytes, '\n', len) != NULL) {
		(void)config_fail(reason, "%s: is not one line", path);
	} else if ((whole = join_header(*header, (size_t)(colon - *header),
			bytes, len)) == NULL) {
		(void)config_fail(reason, "out of memory");
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
config_outlet_url(char **field, const char *text,
    char reason[CONFIG_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;
	char *copy;

	if (http_client_url_parse(text, &url, why) == -1)
		return (config_fail(reason, "%s", why));
	http_client_url_fini(&url);
	if ((copy = strdup(text)) == NULL)
		return (config_fail(reason, "out of memory"));
	free(*field);
	*field = copy;
	return (0);
}
