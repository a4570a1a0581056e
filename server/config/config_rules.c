/*
 * What some keys demand of their values beyond their kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/config/config_table.h"
#include "store/store.h"

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
config_check_not_empty(void *value, const char *dir,
    char reason[KEY_REASON_MAX])
{
	(void)dir;
	return (**(char **)value == '\0'
		    ? config_reason(reason, "names nothing")
		    : 0);
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
