/*
 * A statement finds what an event repeats among what was there before it. So
 * what may repeat another of the same batch, or may be parted by one of it from
 * what it would repeat, begins a statement of its own. In doubt it does: that
 * costs a little time, and changes nothing.
 */
#include <string.h>

#include "store/postgres/rounds.h"

/* Pairs of orders that are compared; of more it is not known. */
#define PAIRS_MAX 4096

bool
rounds_may_repeat(const struct store_op *op)
{
	const struct store_event *ev = op->in.append.ev;

	return (op->in.append.repeat_window_ms != 0 && ev->secret != NULL &&
		ev->norders > 0);
}

static bool
may_share_an_order(const struct store_event *a, const struct store_event *b)
{
	if (strcmp(a->scope, b->scope) != 0)
		return (false);
	if (b->norders > 0 && a->norders > PAIRS_MAX / b->norders)
		return (true);
	for (size_t i = 0; i < a->norders; i++)
		for (size_t j = 0; j < b->norders; j++)
			if (strcmp(a->orders[i].order_id,
				b->orders[j].order_id) == 0)
				return (true);
	return (false);
}

/* May `later' have the bytes of `earlier'? */
static bool
may_be_equal(const struct store_event *earlier, const struct store_event *later)
{
	if (earlier->secret == NULL)
		return (false);
	return (memcmp(earlier->digest, later->digest, sizeof(later->digest)) ==
		    0 ||
		(earlier->body_len == later->body_len &&
		    strcmp(earlier->secret, later->secret) != 0));
}

size_t
rounds_next(struct store_op *const *ops, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct store_event *later = ops[i]->in.append.ev;
		bool timed;

		if (!rounds_may_repeat(ops[i]))
			continue;
		timed = store_event_has_time(later);
		for (size_t k = 0; k < i; k++) {
			const struct store_event *ev = ops[k]->in.append.ev;

			/* Of one id the second is a duplicate, no repeat. */
			if (strcmp(ev->event_id, later->event_id) == 0 &&
			    strcmp(ev->scope, later->scope) == 0)
				continue;
			if (may_be_equal(ev, later) ||
			    (!timed && may_share_an_order(ev, later)))
				return (i);
		}
	}
	return (n);
}
