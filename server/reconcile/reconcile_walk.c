#include "server/reconcile/reconcile_walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (2 * RECONCILE_ORDERS_SEEN_MAX) /* a power of two */

/* FNV-1a, never 0. */
static uint64_t
hash(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (h == 0 ? 1 : h);
}

int
reconcile_walk_init(struct reconcile_walk *w, enum reconcile_paging paging)
{
	*w = (struct reconcile_walk){ .paging = paging, .length = -1 };
	w->seen = calloc(PLACES, sizeof(*w->seen));
	w->cursors = calloc(RECONCILE_PAGES_MAX, sizeof(*w->cursors));
	if (w->seen != NULL && w->cursors != NULL)
		return (0);
	reconcile_walk_fini(w);
	return (-1);
}

void
reconcile_walk_fini(struct reconcile_walk *w)
{
	free(w->seen);
	free(w->cursors);
	*w = (struct reconcile_walk){ 0 };
}

/* Note an order. Returns whether it is a new one. */
static bool
see(struct reconcile_walk *w, const char *order_id)
{
	uint64_t h = hash(order_id);
	size_t i = h & (PLACES - 1);

	while (w->seen[i] != 0 && w->seen[i] != h)
		i = (i + 1) & (PLACES - 1);
	if (w->seen[i] == h)
		return (false);
	w->seen[i] = h;
	w->orders++;
	return (true);
}

/* Note a cursor. Returns whether it is a new one. */
static bool
see_cursor(struct reconcile_walk *w, const char *cursor)
{
	uint64_t h = hash(cursor);

	for (int64_t i = 0; i < w->page - 1; i++) {
		if (w->cursors[i] == h)
			return (false);
	}
	w->cursors[w->page - 1] = h;
	return (true);
}

static enum reconcile_step __attribute__((format(printf, 2, 3)))
broken(char reason[HANDLER_REASON_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, HANDLER_REASON_MAX, fmt, ap);
	va_end(ap);
	return (RECONCILE_BROKEN);
}

/* Is there a limit that it has passed? */
static bool
is_too_long(const struct reconcile_walk *w)
{
	return (
	    w->page >= RECONCILE_PAGES_MAX || w->bytes > RECONCILE_BYTES_MAX ||
	    w->orders + RECONCILE_PAGE_ORDERS_MAX > RECONCILE_ORDERS_SEEN_MAX);
}

/*
 * Have pages another length than before, so that orders may lie between them?
 * Where there is a total that proves it; else a short page is the last one.
 */
static bool
has_other_length(struct reconcile_walk *w, const struct reconcile_page *page)
{
	size_t n = page->nitems + page->strays;
	bool other = (w->length != -1 && page->length != w->length) ||
		     (n > 0 && w->page > 1 && w->last_items != w->first_items);

	w->length = page->length;
	if (w->page == 1)
		w->first_items = n;
	w->last_items = n;
	return (other && w->paging == RECONCILE_BY_PAGE && page->total == -1);
}

static enum reconcile_step
next_by_page(struct reconcile_walk *w, const struct reconcile_page *page,
    char reason[HANDLER_REASON_MAX])
{
	size_t had = w->orders + w->strays;

	if (page->total == -1)
		return (page->nitems + page->strays == 0 ? RECONCILE_OVER
							 : RECONCILE_MORE);
	if ((uint64_t)had >= (uint64_t)page->total)
		return (RECONCILE_OVER);
	if (page->nitems + page->strays == 0)
		return (broken(reason,
		    "page %" PRId64 " is empty, and of %" PRId64
		    " orders %zu were there",
		    w->page, page->total, had));
	return (RECONCILE_MORE);
}

static enum reconcile_step
next_by_cursor(struct reconcile_walk *w, const struct reconcile_page *page,
    char reason[HANDLER_REASON_MAX])
{
	if (page->next[0] == '\0')
		return (RECONCILE_OVER);
	if (page->nitems + page->strays == 0)
		return (broken(reason,
		    "page %" PRId64 " is empty, and names a next one",
		    w->page));
	if (!see_cursor(w, page->next))
		return (broken(reason,
		    "the cursor after page %" PRId64 " was there before",
		    w->page));
	(void)strcpy(w->cursor, page->next);
	return (RECONCILE_MORE);
}

enum reconcile_step
reconcile_walk_page(struct reconcile_walk *w, const struct reconcile_page *page,
    size_t bytes, char reason[HANDLER_REASON_MAX])
{
	enum reconcile_step step;
	size_t fresh = 0;

	w->page++;
	w->bytes += bytes;
	w->strays += page->strays;
	for (size_t i = 0; i < page->nitems; i++)
		fresh += see(w, page->items[i].order->order_id);
	if (has_other_length(w, page))
		return (broken(reason,
		    "its pages changed their length at page %" PRId64,
		    w->page));
	if (page->nitems > 0 && fresh == 0)
		return (broken(reason,
		    "page %" PRId64 " has only what was there before",
		    w->page));
	step = w->paging == RECONCILE_BY_PAGE ? next_by_page(w, page, reason)
					      : next_by_cursor(w, page, reason);
	if (step == RECONCILE_MORE && is_too_long(w))
		return (broken(reason,
		    "it does not end: %" PRId64 " pages, %zu orders", w->page,
		    w->orders));
	return (step);
}
