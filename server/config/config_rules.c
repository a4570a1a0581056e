/*
 * What some keys demand of their values beyond their kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/net/http_client.h"
#include "server/base/log.h"
#include "server/config/config_table.h"
#include "store/store.h"

#define PATH_MAX_LEN 255
#define UPSTREAM_URL_MAX_LEN 400

int
config_check_events(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;
	bool every = false;

	(void)dir;
	for (size_t i = 0; i < list->n; i++) {
		const char *word = list->items[i];
		const char *star = strchr(word, '*');

		if (star == NULL)
			continue;
		if (strcmp(word, CONFIG_EVERY_EVENT) == 0) {
			every = true;
			continue;
		}
		if (star[1] != '\0' || star == word || star[-1] != '.')
			return (config_reason(reason,
			    "\"%s\": a * is all, or the end after a dot",
			    log_text(word)));
	}
	for (size_t i = 0; every && i < list->n; i++) {
		if (strcmp(list->items[i], CONFIG_EVERY_EVENT) != 0 &&
		    strncmp(list->items[i], "klikitd.", 8) != 0)
			return (config_reason(reason,
			    "* is every event of klikit's; only types of "
			    "klikitd's own stand beside it"));
	}
	return (0);
}

int
config_check_origins(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;
	enum store_origin origin;

	(void)dir;
	for (size_t i = 0; i < list->n; i++) {
		if (store_origin_parse(list->items[i], &origin) == -1 ||
		    origin == STORE_INTERNAL)
			return (config_reason(reason,
			    "\"%s\" is none of klikit, hub and reconcile",
			    log_text(list->items[i])));
	}
	return (0);
}

int
config_check_not_empty(void *value, const char *dir,
    char reason[KEY_REASON_MAX])
{
	(void)dir;
	return (**(char **)value == '\0'
		    ? config_reason(reason, "names nothing")
		    : 0);
}

/* What no client and no proxy writes in another way. */
static bool
is_path(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789/-._~!$&'()*+;=:@";
	size_t len;

	if (text[0] != '/' || strlen(text) > PATH_MAX_LEN ||
	    text[strspn(text, allowed)] != '\0')
		return (false);
	for (; *text == '/'; text += len) {
		len = strcspn(++text, "/");
		if ((len == 0 && *text == '/') ||
		    (len == 1 && text[0] == '.') ||
		    (len == 2 && text[0] == '.' && text[1] == '.'))
			return (false);
	}
	return (true);
}

int
config_check_paths(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;

	(void)dir;
	if (list->n == 0)
		return (config_reason(reason, "names no path"));
	for (size_t i = 0; i < list->n; i++) {
		const char *path = list->items[i];

		if (!is_path(path))
			return (config_reason(reason,
			    "\"%s\" is no path: / and then letters, digits or "
			    "-._~!$&'()*+;=:@, between single /, no part . or "
			    "..; without host and query, nothing encoded; at "
			    "most %d",
			    log_text(path), PATH_MAX_LEN));
		if (strcmp(path, "/healthz") == 0)
			return (config_reason(reason,
			    "/healthz says that klikitd lives, to proxies and "
			    "balancers; choose another path"));
	}
	return (0);
}

int
config_check_some(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;

	(void)dir;
	return (list->n == 0 ? config_reason(reason, "names none") : 0);
}

/* A word that needs no quotes in a key, a header, a path or a shell. */
int
config_check_scope(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	const char *text = *(char **)value;

	(void)dir;
	if (strlen(text) <= CONFIG_SCOPE_MAX &&
	    text[strspn(text, allowed)] == '\0')
		return (0);
	return (config_reason(reason,
	    "\"%s\" is no scope: letters, digits, '-', '_' and '.', at most "
	    "%d",
	    log_text(text), CONFIG_SCOPE_MAX));
}

int
config_check_store(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[STORE_REASON_MAX], **url = value, *path, *whole;
	const size_t len = strcspn(*url, ":") + 1;
	const char *advice;

	if (store_check_url(*url, &advice, why) == -1)
		return (config_reason(reason, "%s", log_text(why)));
	if (!store_traits(*url)->is_file)
		return (0);
	if ((path = config_path_join(dir, *url + len)) == NULL ||
	    asprintf(&whole, "%.*s%s", (int)len, *url, path) == -1) {
		free(path);
		return (config_reason(reason, "out of memory"));
	}
	free(path);
	free(*url);
	*url = whole;
	return (0);
}

/* Does it lead nowhere but to this machine? */
static bool
is_own_host(const char *host)
{
	return (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
		(strncmp(host, "127.", 4) == 0 &&
		    host[strspn(host, "0123456789.")] == '\0'));
}

int
config_check_probe(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;

	(void)dir;
	if (http_client_url_parse(*(char **)value, &url, why) == -1)
		return (config_reason(reason, "%s", log_text(why)));
	http_client_url_fini(&url);
	return (0);
}

int
config_check_list_url(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;
	bool open;

	(void)dir;
	if (http_client_url_parse(*(char **)value, &url, why) == -1)
		return (config_reason(reason, "%s", log_text(why)));
	open = !url.tls && !is_own_host(url.host);
	http_client_url_fini(&url);
	if (open)
		return (config_reason(reason,
		    "is http, by which anybody on the way reads the "
		    "credentials and all orders: use https"));
	if (strlen(*(char **)value) > UPSTREAM_URL_MAX_LEN)
		return (config_reason(reason, "is too long"));
	return (0);
}

int
config_check_upstream(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX];
	struct http_client_url url;
	const char *wrong = NULL;

	(void)dir;
	if (http_client_url_parse(*(char **)value, &url, why) == -1)
		return (config_reason(reason, "%s", log_text(why)));
	if (!url.tls && !is_own_host(url.host))
		wrong = "is http, by which anybody on the way reads and "
			"changes everything: use https";
	else if (strchr(url.path, '?') != NULL)
		wrong = "has a query, and the way to a hub has none";
	else if (url.path[strlen(url.path) - 1] == '/')
		wrong = "has no name at its end: https://HUB/pull/NAME";
	else if (strlen(*(char **)value) > UPSTREAM_URL_MAX_LEN)
		wrong = "is too long";
	http_client_url_fini(&url);
	return (wrong == NULL ? 0 : config_reason(reason, "%s", wrong));
}
