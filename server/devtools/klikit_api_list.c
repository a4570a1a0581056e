/*
 * The list of orders. What klikit's documents leave open is decided here: the
 * newest order is first, a page has 20 orders and at most 100 (25 by cursor).
 */
#include <stdio.h>
#include <string.h>

#include <event2/http.h>

#include "server/base/json.h"
#include "server/devtools/klikit_api_private.h"
#include "store/base/parse.h"

#define PAGE_SIZE 20
#define CURSOR_SIZE 25
#define SIZE_MOST 100
#define PAGES_MOST 1000000
#define RANGE_MAX_MS ((int64_t)90 * 24 * 3600 * 1000)

/* The next page begins behind that place. Opaque: not to be made by others. */
static void
write_cursor(const struct klikit_place *last, char ret[KLIKIT_API_CURSOR_MAX])
{
	(void)snprintf(ret, KLIKIT_API_CURSOR_MAX, "c%016" PRIx64 "%016" PRIx64,
	    (uint64_t)last->created_ms, last->number);
}

static int
read_cursor(const char *text, struct klikit_place *ret_place)
{
	uint64_t created;

	if (strlen(text) != 33 || sscanf(text, "c%16" SCNx64 "%16" SCNx64,
				      &created, &ret_place->number) != 2)
		return (-1);
	ret_place->created_ms = (int64_t)created;
	return (0);
}

/* A number of the query; unset: def. Returns 0; -1: it is none such. */
static int
read_number(const struct evkeyvalq *query, const char *name, int64_t max,
    int64_t *inout_value)
{
	const char *text = evhttp_find_header(query, name);

	return (text == NULL ? 0 : parse_int(text, 1, max, inout_value));
}

static int
read_time(const struct evkeyvalq *query, const char *name, int64_t *inout_ms)
{
	const char *text = evhttp_find_header(query, name);

	return (text == NULL ? 0 : parse_time(text, strlen(text), inout_ms));
}

/* Returns 0; -1, and the answer is made. */
static int
read_filter(struct klikit_call_now *now, const struct evkeyvalq *query,
    struct klikit_filter *ret)
{
	bool pages = now->dialect == KLIKIT_PAGES;
	int64_t to_ms;

	*ret = (struct klikit_filter){
		.from_ms = INT64_MIN,
		.to_ms = INT64_MAX,
		.status = evhttp_find_header(query, "status"),
		.provider = evhttp_find_header(query, "provider_id"),
		.brand = evhttp_find_header(query, "brand_id"),
		.branch = evhttp_find_header(query, "branch_id"),
	};
	if (read_time(query, pages ? "from" : "placed_from", &ret->from_ms) ==
		-1 ||
	    read_time(query, pages ? "to" : "placed_to", &ret->to_ms) == -1) {
		klikit_api_error(now, 400, "request_invalid",
		    "a time is not in RFC 3339");
		return (-1);
	}
	to_ms = ret->to_ms == INT64_MAX ? now->now_ms : ret->to_ms;
	if (ret->from_ms != INT64_MIN && to_ms - ret->from_ms > RANGE_MAX_MS) {
		klikit_api_error(now, 400, "request_invalid_range",
		    "more than 90 days");
		return (-1);
	}
	if (pages && (ret->brand == NULL) != (ret->branch == NULL)) {
		klikit_api_error(now, 400, "request_invalid",
		    "brand_id and branch_id go together");
		return (-1);
	}
	return (0);
}

static void
list_pages(struct klikit_api *api, struct klikit_call_now *now,
    const struct klikit_filter *f, const int64_t number[2], bool empty)
{
	struct klikit_page page = {
		.skip = (size_t)((number[0] - 1) * number[1]),
		.size = empty ? 0 : (size_t)number[1],
	};
	json_t *orders = klikit_orders_list(api->orders, f, &page);

	klikit_api_data(now,
	    json_pack("{s:o, s:I, s:I, s:I}", "orders", orders, "page",
		(json_int_t)number[0], "size", (json_int_t)number[1], "total",
		(json_int_t)page.total));
}

static void
list_cursors(struct klikit_api *api, struct klikit_call_now *now,
    const struct klikit_filter *f, struct klikit_page *page)
{
	klikit_api_data(now, klikit_orders_list(api->orders, f, page));
	if (page->more && page->size > 0)
		write_cursor(&page->last, now->cursor);
}

void
klikit_api_list(struct klikit_api *api, struct klikit_call_now *now,
    const struct evkeyvalq *query, const struct klikit_fault *fault)
{
	bool pages = now->dialect == KLIKIT_PAGES;
	bool empty = fault->kind == KLIKIT_FAULT_EMPTY;
	int64_t number[2] = { 1, pages ? PAGE_SIZE : CURSOR_SIZE };
	const char *cursor = evhttp_find_header(query, "cursor");
	struct klikit_page page = { .after = NULL };
	struct klikit_filter f;
	struct klikit_place after;

	if (read_filter(now, query, &f) == -1)
		return;
	if (read_number(query, "page", PAGES_MOST, &number[0]) == -1 ||
	    read_number(query, pages ? "size" : "limit", SIZE_MOST,
		&number[1]) == -1 ||
	    (cursor != NULL && read_cursor(cursor, &after) == -1)) {
		klikit_api_error(now, 400, "request_invalid",
		    "page, size, limit or cursor");
		return;
	}
	if (fault->kind == KLIKIT_FAULT_SIZE)
		number[1] = fault->size;
	if (pages) {
		list_pages(api, now, &f, number, empty);
		return;
	}
	page.after = cursor == NULL ? NULL : &after;
	page.size = empty ? 0 : (size_t)number[1];
	list_cursors(api, now, &f, &page);
}
