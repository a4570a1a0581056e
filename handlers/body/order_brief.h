/*
 * order_brief.h -- what a kitchen looks for in an order: its items, what it
 * comes to, where it was ordered and when.
 *
 * Pure but for memory: bytes in, texts out. klikit documents few fields, and
 * any may be missing: what is not found is NULL, nothing is computed, and
 * numbers stay the digits that they are. Nothing of the customer is read but
 * what he wrote of a dish, or of the whole order.
 */
#ifndef HANDLERS_ORDER_BRIEF_H
#define HANDLERS_ORDER_BRIEF_H

#include <stddef.h>

#include "store/base/arena.h"

#define ORDER_BRIEF_ITEMS 100  /* of more only how many there are */
#define ORDER_BRIEF_OPTIONS 24 /* of an item */
#define ORDER_BRIEF_TEXT 1024  /* bytes of a text; longer ones are left out */

struct order_item {
	const char *title;
	const char *quantity;
	const char *price;
	const char *comment;        /* the customer's own words */
	const char *const *options; /* what was chosen: "2 x Egg" */
	size_t noptions;
};

struct order_brief {
	const char *short_id;
	const char *placed_at; /* as written */
	const char *total;
	const char *currency;
	const char *channel;
	const char *kind;    /* pickup, delivery, dinein, or as it is written */
	const char *comment; /* the customer's own words on all of it */
	const struct order_item *items;
	size_t nitems;
	size_t items_total;
};

/*
 * Read the order's document; its items from cart, which may be NULL, if that
 * has any. Copies go to mem. Returns 0; -1 when out of memory.
 */
int order_brief_read(struct arena *mem, const char *document, const char *cart,
    struct order_brief *ret_brief);

#endif /* HANDLERS_ORDER_BRIEF_H */
