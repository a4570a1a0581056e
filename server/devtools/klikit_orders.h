/*
 * klikit_orders.h -- the orders that the fake klikit API knows.
 *
 * Owns:    the orders, as JSON; the rules by which one moves on.
 * Touches: nothing. Pure apart from memory: the time is passed in.
 *
 * Numbers are kept as jansson keeps them: integers up to 64 bits, and 84.50
 * comes back as 84.5.
 */
#ifndef SERVER_KLIKIT_ORDERS_H
#define SERVER_KLIKIT_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct klikit_orders; /* opaque */

/* NULL when out of memory. */
struct klikit_orders *klikit_orders_new(void);

/* Accepts NULL. */
void klikit_orders_free(struct klikit_orders *o);

/*
 * Add the orders of an array; one whose id is there takes the place of that.
 * Borrows list. Returns NULL; else what is wrong with it, in one line, and then
 * those before the wrong one were added.
 */
const char *klikit_orders_put(struct klikit_orders *o, const json_t *list);

void klikit_orders_clear(struct klikit_orders *o);

/* That one, as it is now; borrowed. NULL: there is none. */
json_t *klikit_orders_find(const struct klikit_orders *o, const char *id);

/* Which are asked for; texts are NULL if any will do. */
struct klikit_filter {
	int64_t from_ms;    /* created then or later; INT64_MIN: whenever */
	int64_t to_ms;      /* created sooner than that; INT64_MAX: whenever */
	const char *status; /* codes or names between commas */
	const char *provider;
	const char *brand;
	const char *branch;
};

/* Where an order stands in a list; the newest is first. */
struct klikit_place {
	int64_t created_ms;
	uint64_t number; /* of two of the same time */
};

struct klikit_page {
	size_t skip;                      /* so many of the list */
	size_t size;                      /* at most so many */
	const struct klikit_place *after; /* only those behind it, or NULL */

	/* What it turned out to be. */
	size_t total;             /* in the list, before skip and size */
	bool more;                /* some come behind these */
	struct klikit_place last; /* of these, if there are any */
};

/* One page, an array owned by the caller; NULL when out of memory. */
json_t *klikit_orders_list(const struct klikit_orders *o,
    const struct klikit_filter *f, struct klikit_page *page);

enum klikit_move {
	KLIKIT_MOVED,
	KLIKIT_NO_SUCH_STATUS, /* that nobody may ask for */
	KLIKIT_NO_REASON,      /* that one needs a reason */
	KLIKIT_NOT_FROM_THERE  /* the order is not where that may follow */
};

/* Move an order, which find() gave, to the status of that name. */
enum klikit_move klikit_orders_move(json_t *order, const char *status,
    const char *reason, int64_t now_ms);

#endif /* SERVER_KLIKIT_ORDERS_H */
