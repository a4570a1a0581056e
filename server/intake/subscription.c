#include <stdlib.h>
#include <string.h>

#include "server/intake/subscription.h"
#include "server/intake/texts.h"

void
subscriptions_free(struct subscriptions *subs)
{
	if (subs == NULL)
		return;
	for (size_t i = 0; i < subs->n; i++) {
		selection_fini(&subs->items[i].takes);
	}
	free((void *)subs->codes.terminal);
	free((void *)subs->codes.order);
	free(subs->items);
	free(subs);
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
		if (selection_copy(&r->takes, &c->takes) == -1) {
			copy->n++; /* its lists are freed with the others */
			goto fail;
		}
	}
	return (copy);
fail:
	subscriptions_free(copy);
	return (NULL);
}
