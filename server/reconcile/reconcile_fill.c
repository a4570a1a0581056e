/*
 *   next order -> look-up -> the store has it --------------> next order
 *        ^           |  \--> it lacks it -> ingest -> on disk ----^
 *        +- HOLD ----+----------------------- not now
 */
#include "server/reconcile/reconcile_fill.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "server/intake/endpoint.h"
#include "server/intake/texts.h"
#include "server/reconcile/reconcile_compare.h"
#include "store/base/timeval.h"

#define EVENTS_MAX 200 /* of one order that are looked at: the newest */
#define HOLD_MS 1000
#define HOLDS_MAX 60 /* then the page is given up */

#define TYPE_CREATED "klikit.order.created.v2"
#define TYPE_CHANGED "klikit.order.status.updated"

struct reconcile_fill {
	struct reconcile_filler what;
	struct selection takes;
	struct status_codes codes; /* copies */
	struct event *timer;

	const struct reconcile_page *page; /* NULL: none is under way */
	size_t at;                         /* the order that is next */
	enum reconcile_verdict verdict;    /* on it, once it is with ingest */
	bool flying; /* the store or ingest has it: a callback comes */
	bool stale;  /* and is of a page that was cancelled */
	unsigned holds;
	int64_t young_ms;
	struct reconcile_count count;
	reconcile_filled_fn *done;
	void *arg;
};

static void
fill_wake(struct reconcile_fill *f, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	(void)evtimer_add(f->timer, &tv);
}

static void
fill_end(struct reconcile_fill *f, bool over)
{
	f->page = NULL;
	f->done(over, &f->count, f->arg);
}

/* Not now: the same order again, a little later. */
static void
fill_hold(struct reconcile_fill *f)
{
	if (++f->holds > HOLDS_MAX)
		fill_end(f, false);
	else
		fill_wake(f, HOLD_MS);
}

/* On to the next order, from the loop. */
static void
fill_on(struct reconcile_fill *f)
{
	f->at++;
	f->holds = 0;
	fill_wake(f, 0);
}

/* A callback has come. Returns whether it is of the page under way. */
static bool
fill_landed(struct reconcile_fill *f)
{
	bool stale = f->stale;

	f->flying = false;
	f->stale = false;
	if (stale && f->page != NULL)
		fill_wake(f, 0);
	return (!stale);
}

/* -- On its way to the disk -- */

/* ingest_done_fn */
static void
fill_stored_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct reconcile_fill *f = arg;

	if (rc == INGEST_RECEIVED || rc == INGEST_REPEAT)
		ingest_answered(f->what.in, event, false);
	if (!fill_landed(f))
		return;
	if (rc == INGEST_BUSY) {
		fill_hold(f);
		return;
	}
	if (rc == INGEST_RECEIVED || rc == INGEST_REPEAT) {
		f->count.unknown += f->verdict == RECONCILE_UNKNOWN;
		f->count.newer += f->verdict == RECONCILE_NEWER;
	}
	fill_on(f); /* another receiver was faster, if it is a duplicate */
}

/* Feed the order. */
static void
fill_submit(struct reconcile_fill *f)
{
	const struct reconcile_item *item = &f->page->items[f->at];
	const struct endpoint *endpoint = f->what.endpoint(f->what.arg);
	char event_id[RECONCILE_EVENT_SIZE];
	struct delivery del = {
		.event_id = event_id,
		.type = f->verdict == RECONCILE_UNKNOWN ? TYPE_CREATED
							: TYPE_CHANGED,
		.origin = STORE_RECONCILE,
		.scope = f->what.scope(f->what.arg),
		.peer = RECONCILE_PEER,
		.received_at_ms = clock_wall_ms(),
	};
	enum ingest_rc rc = INGEST_BUSY;

	if (endpoint != NULL &&
	    (del.body = reconcile_page_body(item, &del.body_len)) != NULL) {
		del.endpoint = endpoint->name;
		del.fits = &endpoint->takes;
		reconcile_event_id(item->order, event_id);
		rc = ingest_submit(f->what.in, &del, fill_stored_cb, f);
	}
	if (rc == INGEST_PENDING) {
		f->flying = true;
		return;
	}
	free(del.body);
	if (rc == INGEST_BUSY) {
		fill_hold(f);
		return;
	}
	f->count.foreign++; /* the endpoint does not take it */
	fill_on(f);
}

/* -- Is it here? -- */

/* The event's record of that order; NULL: too many for a list. */
static const struct store_order *
record_of(const struct store_event *ev, const char *order_id)
{
	for (size_t i = 0; i < ev->norders; i++) {
		if (strcmp(ev->orders[i].order_id, order_id) == 0)
			return (&ev->orders[i]);
	}
	return (NULL);
}

/* store_events_fn: the newest events that carry it. */
static void
fill_known_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct reconcile_fill *f = arg;
	struct reconcile_known known = { .created = n == EVENTS_MAX };
	const struct reconcile_item *item;

	(void)reason;
	if (!fill_landed(f))
		return;
	if (rc != STORE_OK) {
		fill_hold(f);
		return;
	}
	item = &f->page->items[f->at];
	for (size_t i = 0; i < n; i++)
		reconcile_know(&known, &f->codes, rows[i].ev->type,
		    record_of(rows[i].ev, item->order->order_id));
	f->verdict = reconcile_judge(&known, &f->codes, item, f->young_ms);
	switch (f->verdict) {
	case RECONCILE_UNKNOWN:
	case RECONCILE_NEWER:
		fill_submit(f);
		return;
	case RECONCILE_YOUNG:
		f->count.young++;
		break;
	case RECONCILE_SAME:
		break;
	}
	fill_on(f);
}

static bool
is_ours(const struct reconcile_fill *f, const struct reconcile_item *item)
{
	const struct selection_event ev = {
		.type = TYPE_CREATED,
		.brand = item->brand_id[0] == '\0' ? NULL : item->brand_id,
		.branch = item->branch_id[0] == '\0' ? NULL : item->branch_id,
	};

	return (selection_takes(&f->takes, &ev));
}

/* evtimer: to the next order, or to the same one again. */
static void
fill_next_cb(evutil_socket_t fd, short what, void *arg)
{
	struct reconcile_fill *f = arg;
	struct store_filter filter = { .limit = EVENTS_MAX };

	(void)fd;
	(void)what;
	if (f->flying || f->page == NULL)
		return;
	for (; f->at < f->page->nitems; f->at++, f->count.foreign++) {
		if (is_ours(f, &f->page->items[f->at]))
			break;
	}
	if (f->at == f->page->nitems) {
		fill_end(f, true);
		return;
	}
	filter.order_id = f->page->items[f->at].order->order_id;
	filter.scope = f->what.scope(f->what.arg);
	if (store_list_events(f->what.st, &filter, fill_known_cb, f) == -1)
		fill_hold(f);
	else
		f->flying = true;
}

void
reconcile_fill_page(struct reconcile_fill *f, const struct reconcile_page *page,
    int64_t young_ms, reconcile_filled_fn *done, void *arg)
{
	f->page = page;
	f->at = 0;
	f->holds = 0;
	f->young_ms = young_ms;
	f->count = (struct reconcile_count){ 0 };
	f->done = done;
	f->arg = arg;
	fill_wake(f, 0);
}

void
reconcile_fill_cancel(struct reconcile_fill *f)
{
	(void)evtimer_del(f->timer);
	f->page = NULL;
	f->stale = f->flying;
}

/* -- Its life -- */

static void
codes_fini(struct status_codes *codes)
{
	free((void *)codes->terminal);
	free((void *)codes->order);
}

int
reconcile_fill_set(struct reconcile_fill *f, const struct selection *takes,
    const struct status_codes *codes)
{
	struct status_codes copy = { .nterminal = codes->nterminal,
		.norder = codes->norder };
	struct selection sel = { 0 };

	copy.terminal = texts_copy(codes->terminal, codes->nterminal);
	copy.order = texts_copy(codes->order, codes->norder);
	if (copy.terminal == NULL || copy.order == NULL ||
	    selection_copy(takes, &sel) == -1) {
		codes_fini(&copy);
		selection_fini(&sel);
		return (-1);
	}
	codes_fini(&f->codes);
	selection_fini(&f->takes);
	f->codes = copy;
	f->takes = sel;
	return (0);
}

struct reconcile_fill *
reconcile_fill_new(const struct reconcile_filler *what)
{
	struct reconcile_fill *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (NULL);
	f->what = *what;
	if ((f->timer = evtimer_new(what->base, fill_next_cb, f)) != NULL)
		return (f);
	free(f);
	return (NULL);
}

void
reconcile_fill_free(struct reconcile_fill *f)
{
	if (f == NULL)
		return;
	event_free(f->timer);
	codes_fini(&f->codes);
	selection_fini(&f->takes);
	free(f);
}
