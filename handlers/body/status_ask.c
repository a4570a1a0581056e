#include "handlers/body/status_ask.h"

#include <stdio.h>
#include <string.h>

const char *const status_ask_fields[] = { "reason_code", "note",
	"estimated_ready_at", "occurred_at", NULL };

/* "WORD: STATUS" taken apart. Returns 0; -1: it is none. */
static int
split_status(const char *item, size_t *ret_word_len, const char **ret_status)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = strspn(item, good);
	const char *status;

	if (len == 0 || item[len] != ':')
		return (-1);
	status = item + len + 1 + strspn(item + len + 1, " \t");
	if (*status == '\0' || status[strspn(status, good)] != '\0')
		return (-1);
	*ret_word_len = len;
	*ret_status = status;
	return (0);
}

int
status_ask_check(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *list = value;
	const char *status;
	size_t len, other;

	(void)dir;
	for (size_t i = 0; i < list->n; i++) {
		if (split_status(list->items[i], &len, &status) == -1) {
			(void)snprintf(reason, KEY_REASON_MAX,
			    "item %zu is not WORD: STATUS", i + 1);
			return (-1);
		}
		for (size_t j = 0; j < i; j++) {
			(void)split_status(list->items[j], &other, &status);
			if (other == len &&
			    strncmp(list->items[i], list->items[j], len) == 0) {
				(void)snprintf(reason, KEY_REASON_MAX,
				    "%.*s is there twice", (int)len,
				    list->items[i]);
				return (-1);
			}
		}
	}
	return (0);
}

const char *
status_ask_find(const struct key_list *statuses, const char *word)
{
	const char *status, *same = NULL;
	size_t len;

	for (size_t i = 0; i < statuses->n; i++) {
		if (split_status(statuses->items[i], &len, &status) == -1)
			continue;
		if (strlen(word) == len &&
		    strncmp(statuses->items[i], word, len) == 0)
			return (status);
		if (strcmp(status, word) == 0)
			same = status;
	}
	return (same);
}
