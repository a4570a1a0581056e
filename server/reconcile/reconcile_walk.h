/*
 * reconcile_walk.h -- one way through all pages of a list.
 *
 * Owns: which orders and cursors were seen, by their hashes.
 *
 * Pure apart from memory. It is over only when the list says so and all that
 * it promised was there: a list that ends early, repeats itself, or never ends
 * is a failure, whatever of it was used.
 */
#ifndef SERVER_RECONCILE_WALK_H
#define SERVER_RECONCILE_WALK_H

#include "server/reconcile/reconcile_page.h"

/* A longer list is not walked; of an order 16 bytes are kept. */
#define RECONCILE_PAGES_MAX 1000
#define RECONCILE_ORDERS_SEEN_MAX 32768
#define RECONCILE_BYTES_MAX ((size_t)256 << 20)

struct reconcile_walk {
	enum reconcile_paging paging;
	int64_t page; /* that was read last, the first is 1; 0: none */
	size_t orders;
	size_t bytes;
	char cursor[RECONCILE_CURSOR_MAX + 1]; /* of the next page; "": first */

	/* Private. */
	uint64_t *seen; /* hashes of ids, an open table; 0: free */
	uint64_t *cursors;
	size_t strays;
	size_t first_items;
	size_t last_items;
	int64_t length;
};

/* Returns 0; -1 when out of memory. */
int reconcile_walk_init(struct reconcile_walk *w, enum reconcile_paging paging);

enum reconcile_step {
	RECONCILE_MORE, /* there is a next page */
	RECONCILE_OVER, /* that was all of it */
	RECONCILE_BROKEN
};

/* Go over a page of so many bytes. BROKEN: with one line of reason. */
enum reconcile_step reconcile_walk_page(struct reconcile_walk *w,
    const struct reconcile_page *page, size_t bytes,
    char reason[HANDLER_REASON_MAX]);

/* Accepts one that is all zero; it is all zero then. */
void reconcile_walk_fini(struct reconcile_walk *w);

#endif /* SERVER_RECONCILE_WALK_H */
