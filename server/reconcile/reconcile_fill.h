/*
 * reconcile_fill.h -- goes through the orders of a page: what the store lacks
 * is fed to ingest.
 *
 * Owns:    one order at a time: its look-up, or its way to the disk; a timer.
 * Touches: store_read.h, ingest.h, endpoint.h, an evtimer. No network, no log.
 *
 * An event of it is as if it had come through the usual endpoint, but that
 * nobody signed it.
 */
#ifndef SERVER_RECONCILE_FILL_H
#define SERVER_RECONCILE_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include "server/intake/ingest.h"
#include "server/reconcile/reconcile_page.h"
#include "store/store_read.h"

struct endpoint;
struct event_base;
struct reconcile_fill; /* opaque */

/* The peer of such an event. */
#define RECONCILE_PEER "reconcile"

/* All kept. */
struct reconcile_filler {
	struct event_base *base;
	struct store *st;
	struct ingest *in;
	/* Where klikit would deliver to, for the moment; NULL: not yet. */
	const struct endpoint *(*endpoint)(void *arg);
	/* The scope of what is delivered there. */
	const char *(*scope)(void *arg);
	void *arg;
};

/* Copies what; NULL when out of memory. */
struct reconcile_fill *reconcile_fill_new(const struct reconcile_filler *what);

/*
 * Which orders are ours, and what is known of status codes: all copied. Returns
 * 0; -1 when out of memory, and then the old ones stay.
 */
int reconcile_fill_set(struct reconcile_fill *f, const struct selection *takes,
    const struct status_codes *codes);

/* What became of the orders of a page. */
struct reconcile_count {
	size_t unknown; /* filled: they were not here at all */
	size_t newer;   /* filled: an older version was here */
	size_t young;   /* left alone: they may be under way */
	size_t foreign; /* of others: not for this klikitd */
};

/*
 * It is through, or (over is false) the store could not be asked or written for
 * so long that it was given up.
 */
typedef void reconcile_filled_fn(bool over, const struct reconcile_count *count,
    void *arg);

/*
 * Go through page, which is kept until done(), which runs exactly once, never
 * before this returns. What changed after young_ms is left alone. Only when no
 * other page is under way.
 */
void reconcile_fill_page(struct reconcile_fill *f,
    const struct reconcile_page *page, int64_t young_ms,
    reconcile_filled_fn *done, void *arg);

/* done() will not run, and the page is let go of; what was begun ends. */
void reconcile_fill_cancel(struct reconcile_fill *f);

/* Only when store and ingest have nothing of it. Accepts NULL. */
void reconcile_fill_free(struct reconcile_fill *f);

#endif /* SERVER_RECONCILE_FILL_H */
