#include <stdlib.h>
#include <string.h>

#include "server/intake/endpoint.h"

struct endpoints {
	size_t n;
	struct endpoint list[];
};

static const char *const answers[] = {
	[ENDPOINT_RECEIVED] = "received",
	[ENDPOINT_DUPLICATE] = "duplicate",
	[ENDPOINT_REFUSED] = "refused",
	[ENDPOINT_LIMITED] = "limited",
	[ENDPOINT_BUSY] = "busy",
};
_Static_assert(sizeof(answers) / sizeof(answers[0]) == ENDPOINT_NANSWERS,
    "every answer has a word");

const char *
endpoint_answer_name(enum endpoint_answer answer)
{
	return (answers[answer]);
}

struct endpoint_tally *
endpoint_tally_ref(struct endpoint_tally *tally)
{
	tally->refs++;
	return (tally);
}

void
endpoint_tally_unref(struct endpoint_tally *tally)
{
	if (tally != NULL && --tally->refs == 0)
		free(tally);
}

void
endpoints_free(struct endpoints *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++) {
		free((void *)all->list[i].name);
		free((void *)all->list[i].scope);
		selection_fini(&all->list[i].takes);
		endpoint_tally_unref(all->list[i].tally);
	}
	free(all);
}

struct endpoints *
endpoints_new(const struct endpoint *list, size_t n)
{
	struct endpoints *all;

	if ((all = calloc(1, sizeof(*all) + n * sizeof(*list))) == NULL)
		return (NULL);
	while (all->n < n) {
		struct endpoint *e = &all->list[all->n];

		*e = list[all->n++];
		e->name = strdup(e->name);
		e->scope = strdup(e->scope);
		if ((e->tally = calloc(1, sizeof(*e->tally))) != NULL)
			e->tally->refs = 1;
		if (selection_copy(&list[all->n - 1].takes, &e->takes) == -1 ||
		    e->name == NULL || e->scope == NULL || e->tally == NULL) {
			endpoints_free(all);
			return (NULL);
		}
	}
	return (all);
}

void
endpoints_inherit(struct endpoints *all, const struct endpoints *old)
{
	for (size_t i = 0; i < all->n; i++) {
		struct endpoint *e = &all->list[i];

		for (size_t j = 0; j < old->n; j++) {
			if (strcmp(old->list[j].name, e->name) != 0)
				continue;
			endpoint_tally_unref(e->tally);
			e->tally = endpoint_tally_ref(old->list[j].tally);
		}
	}
}

size_t
endpoints_count(const struct endpoints *all)
{
	return (all->n);
}

struct endpoint *
endpoints_at(struct endpoints *all, size_t i)
{
	return (&all->list[i]);
}
