#include <stdlib.h>
#include <string.h>

#include "server/intake/selection.h"
#include "server/intake/texts.h"

#define NAME_MAX_LEN 255 /* of an event's id and of its type */

static bool
list_has(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], text) == 0)
			return (true);
	}
	return (false);
}

static bool
type_is_own(const char *type)
{
	return (strncmp(type, TYPE_OWN, strlen(TYPE_OWN)) == 0);
}

bool
event_name_is_good(const char *text)
{
	size_t i;

	if (type_is_own(text))
		return (false);
	for (i = 0; text[i] != '\0'; i++)
		if (i == NAME_MAX_LEN || text[i] < 0x20 || text[i] > 0x7e)
			return (false);
	return (true);
}

/* Does the word of a list stand for that type? */
static bool
word_takes(const char *word, const char *type)
{
	size_t len = strlen(word);

	if (strcmp(word, "*") == 0)
		return (!type_is_own(type));
	if (len > 2 && strcmp(word + len - 2, ".*") == 0)
		return (strncmp(word, type, len - 1) == 0);
	return (strcmp(word, type) == 0);
}

static bool
words_take(const struct selection *sel, const char *type)
{
	for (size_t i = 0; i < sel->nevents; i++) {
		if (word_takes(sel->events[i], type))
			return (true);
	}
	return (false);
}

/* Is `name' among those that are wanted, if any are named? */
static bool
is_wanted(const char *const *list, size_t n, const char *name, bool own)
{
	if (n == 0)
		return (true);
	return (name == NULL ? own : list_has(list, n, name));
}

bool
selection_takes(const struct selection *sel, const struct selection_event *ev)
{
	bool own = type_is_own(ev->type);

	return (words_take(sel, ev->type) &&
		is_wanted(sel->brands, sel->nbrands, ev->brand, own) &&
		is_wanted(sel->branches, sel->nbranches, ev->branch, own) &&
		is_wanted(sel->endpoints, sel->nendpoints, ev->endpoint, own) &&
		is_wanted(sel->origins, sel->norigins, ev->origin, own));
}

int
selection_copy(const struct selection *sel, struct selection *ret_copy)
{
	*ret_copy = *sel;
	ret_copy->events = texts_copy(sel->events, sel->nevents);
	ret_copy->brands = texts_copy(sel->brands, sel->nbrands);
	ret_copy->branches = texts_copy(sel->branches, sel->nbranches);
	ret_copy->endpoints = texts_copy(sel->endpoints, sel->nendpoints);
	ret_copy->origins = texts_copy(sel->origins, sel->norigins);
	return (ret_copy->events == NULL || ret_copy->brands == NULL ||
			ret_copy->branches == NULL ||
			ret_copy->endpoints == NULL || ret_copy->origins == NULL
		    ? -1
		    : 0);
}

void
selection_fini(struct selection *copy)
{
	free((void *)copy->events);
	free((void *)copy->brands);
	free((void *)copy->branches);
	free((void *)copy->endpoints);
	free((void *)copy->origins);
	memset(copy, 0, sizeof(*copy));
}
