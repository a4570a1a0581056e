#include <stdlib.h>
#include <string.h>

#include "server/intake/subscription.h"

static bool
list_has(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], text) == 0)
			return (true);
	}
	return (false);
}

bool
type_is_own(const char *type)
{
	return (strncmp(type, TYPE_OWN, strlen(TYPE_OWN)) == 0);
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
words_take(const struct subscription *sub, const char *type)
{
	for (size_t i = 0; i < sub->nevents; i++) {
		if (word_takes(sub->events[i], type))
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
subscription_takes(const struct subscription *sub, const char *type,
    const char *brand, const char *branch)
{
	bool own = type_is_own(type);

	return (words_take(sub, type) &&
		is_wanted(sub->brands, sub->nbrands, brand, own) &&
		is_wanted(sub->branches, sub->nbranches, branch, own));
}

void
subscriptions_free(struct subscriptions *subs)
{
	if (subs == NULL)
		return;
	for (size_t i = 0; i < subs->n; i++) {
		free((void *)subs->items[i].events);
		free((void *)subs->items[i].brands);
		free((void *)subs->items[i].branches);
	}
	free((void *)subs->codes.terminal);
	free((void *)subs->codes.order);
	free(subs->items);
	free(subs);
}

/* A copy of a list of texts in one block; NULL when out of memory. */
static const char *const *
texts_copy(const char *const *texts, size_t n)
{
	size_t size = (n + 1) * sizeof(char *);
	const char **copy;
	char *p;

	for (size_t i = 0; i < n; i++)
		size += strlen(texts[i]) + 1;
	if ((copy = malloc(size)) == NULL)
		return (NULL);
	p = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = p;
		p = stpcpy(p, texts[i]) + 1;
	}
	copy[n] = NULL;
	return (copy);
}

struct subscriptions *
subscriptions_new(const struct subscription *subs, size_t n,
    const struct status_codes *codes)
{
	struct subscriptions *copy;

	if ((copy = calloc(1, sizeof(*copy))) == NULL ||
	    (copy->items = calloc(n + 1, sizeof(*copy->items))) == NULL ||
	    (copy->codes.terminal =
		    texts_copy(codes->terminal, codes->nterminal)) == NULL ||
	    (copy->codes.order = texts_copy(codes->order, codes->norder)) ==
		NULL)
		goto fail;
	copy->codes.nterminal = codes->nterminal;
	copy->codes.norder = codes->norder;
	for (; copy->n < n; copy->n++) {
		const struct subscription *r = &subs[copy->n];
		struct subscription *c = &copy->items[copy->n];

		*c = *r;
		c->events = texts_copy(r->events, r->nevents);
		c->brands = texts_copy(r->brands, r->nbrands);
		c->branches = texts_copy(r->branches, r->nbranches);
		if (c->events == NULL || c->brands == NULL ||
		    c->branches == NULL) {
			copy->n++; /* its lists are freed with the others */
			goto fail;
		}
	}
	return (copy);
fail:
	subscriptions_free(copy);
	return (NULL);
}
