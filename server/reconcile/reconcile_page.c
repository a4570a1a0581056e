#include "server/reconcile/reconcile_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/json_scan.h"
#include "store/base/parse.h"

#define NUMBER_MAX 24
#define TIME_MAX 64
#define MEMBER_MAX 64

static int
wrong(char reason[HANDLER_REASON_MAX], const char *what)
{
	(void)snprintf(reason, HANDLER_REASON_MAX, "%s", what);
	return (-1);
}

/* -- Values by their places -- */

/* The value at a place: members, with dots between. None: all NULL. */
static struct json_part
find(struct json_part value, const char *place)
{
	char member[MEMBER_MAX];
	size_t len;

	while (place != NULL && value.at != NULL) {
		len = strcspn(place, ".");
		if (len >= sizeof(member))
			return ((struct json_part){ NULL, NULL });
		(void)snprintf(member, sizeof(member), "%.*s", (int)len, place);
		value = json_part_member(value, member);
		if (place[len] == '\0')
			return (value);
		place += len + 1;
	}
	return ((struct json_part){ NULL, NULL });
}

/* The text of a number or string; empty if it is neither, or too long. */
static bool
text_of(struct json_part value, size_t size, char *ret_text)
{
	ret_text[0] = '\0';
	if (value.at == NULL ||
	    json_scan_text(value.at, (size_t)(value.end - value.at), size,
		ret_text) == -1)
		ret_text[0] = '\0';
	return (ret_text[0] != '\0');
}

static int64_t
number_of(struct json_part value)
{
	char text[NUMBER_MAX];
	int64_t n;

	if (!text_of(value, sizeof(text), text) ||
	    parse_int(text, 0, INT64_MAX, &n) == -1)
		return (-1);
	return (n);
}

/* -- An order -- */

/* When it last changed, as far as it says so. */
static int64_t
changed_ms(const struct reconcile_item *item)
{
	static const char *const members[] = { "updated_at", "created_at",
		"placed_at" };
	char text[TIME_MAX];
	int64_t at_ms;
	bool zone;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (text_of(json_part_member(item->raw, members[i]),
			sizeof(text), text) &&
		    parse_time_utc(text, strlen(text), &at_ms, &zone) == 0)
			return (at_ms);
	}
	return (0);
}

/* Put an id of its brand or branch, if that is one. */
static bool
take_id(struct json_part value, struct json_part *ret_part,
    char ret_text[RECONCILE_NAME_MAX + 1])
{
	if (!text_of(value, RECONCILE_NAME_MAX + 1, ret_text))
		return (false);
	*ret_part = value;
	return (true);
}

/* brand_id, as in events; else the first of brands, as in lists. */
static void
take_brand(struct reconcile_item *item)
{
	struct json_part brands = json_part_member(item->raw, "brands");
	struct json_part first = { NULL, NULL };

	if (take_id(json_part_member(item->raw, "brand_id"), &item->brand,
		item->brand_id) ||
	    !json_part_each(brands, &first))
		return;
	(void)take_id(json_part_member(first, "id"), &item->brand,
	    item->brand_id);
}

static void
take_item(struct reconcile_page *page, const struct store_order *order,
    struct json_part raw)
{
	struct reconcile_item *item = &page->items[page->nitems++];

	item->order = order;
	item->raw = raw;
	take_brand(item);
	(void)take_id(json_part_member(raw, "branch_id"), &item->branch,
	    item->branch_id);
	item->changed_ms = changed_ms(item);
}

/* -- The whole -- */

/* Read the array of orders as an envelope, and cut it. Returns 0, or -1. */
static int
take_orders(struct json_part array, struct reconcile_page *page,
    char reason[HANDLER_REASON_MAX])
{
	struct json_part element = { NULL, NULL };
	const struct envelope *env = &page->envelope;
	int32_t place = 0;
	size_t next = 0;

	if (asprintf(&page->frame, "{\"orders\":%.*s}",
		(int)(array.end - array.at), array.at) == -1) {
		page->frame = NULL;
		return (wrong(reason, "out of memory"));
	}
	if (envelope_scan(page->frame, strlen(page->frame), &page->envelope) !=
		ENVELOPE_OK ||
	    env->norders > RECONCILE_PAGE_ORDERS_MAX)
		return (wrong(reason, "it has more orders than asked for"));
	page->items = calloc(env->norders + 1, sizeof(*page->items));
	if (page->items == NULL)
		return (wrong(reason, "out of memory"));
	page->strays = env->strays;
	for (; json_part_each(array, &element) && next < env->norders;
	     place++) {
		if (env->orders[next].place == place)
			take_item(page, &env->orders[next++], element);
	}
	return (0);
}

/* The cursor of the next page. Returns 0, or -1 if it is none. */
static int
take_next(const struct reconcile_dialect *d, struct json_part all,
    const char *header, struct reconcile_page *page)
{
	struct json_part next = find(all, d->names[RECONCILE_NEXT]);
	bool there = next.at != NULL && next.end - next.at > 2 &&
		     memcmp(next.at, "null", 4) != 0;

	if (d->paging != RECONCILE_BY_CURSOR)
		return (0);
	if (d->names[RECONCILE_NEXT_HEADER] != NULL && header != NULL &&
	    header[0] != '\0') {
		if (strlen(header) > RECONCILE_CURSOR_MAX)
			return (-1);
		(void)strcpy(page->next, header);
	} else if (there && !text_of(next, sizeof(page->next), page->next)) {
		return (-1);
	}
	return (0);
}

/* Is it JSON at all? Then places in it can be found. */
static int
check_form(struct json_part bytes, char reason[HANDLER_REASON_MAX])
{
	struct envelope whole;

	switch (
	    envelope_scan(bytes.at, (size_t)(bytes.end - bytes.at), &whole)) {
	case ENVELOPE_OK:
		envelope_fini(&whole);
		return (0);
	case ENVELOPE_TOO_MANY:
		return (wrong(reason, "it has more orders than asked for"));
	case ENVELOPE_NOMEM:
		return (wrong(reason, "out of memory"));
	case ENVELOPE_INVALID:
		break;
	}
	return (wrong(reason, "it is no JSON"));
}

int
reconcile_page_read(const struct reconcile_dialect *d, struct json_part bytes,
    const char *header, struct reconcile_page *ret_page,
    char reason[HANDLER_REASON_MAX])
{
	struct json_part all, orders;

	*ret_page = (struct reconcile_page){ 0 };
	if (check_form(bytes, reason) == -1)
		return (-1);
	all = json_part_of(bytes.at, (size_t)(bytes.end - bytes.at));
	orders = find(all, d->names[RECONCILE_ORDERS]);
	if (orders.at == NULL || *orders.at != '[') {
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "it has no list of orders at %.60s",
		    d->names[RECONCILE_ORDERS] == NULL
			? RECONCILE_NONE
			: d->names[RECONCILE_ORDERS]);
		return (-1);
	}
	ret_page->total = number_of(find(all, d->names[RECONCILE_TOTAL]));
	ret_page->length = number_of(find(all, d->names[RECONCILE_LENGTH]));
	if (take_next(d, all, header, ret_page) == -1)
		(void)wrong(reason, "its cursor is none");
	else if (take_orders(orders, ret_page, reason) == 0)
		return (0);
	reconcile_page_fini(ret_page);
	return (-1);
}

void
reconcile_page_fini(struct reconcile_page *page)
{
	if (page->frame != NULL)
		envelope_fini(&page->envelope);
	free(page->frame);
	free(page->items);
	*page = (struct reconcile_page){ 0 };
}

/* -- What is fed -- */

static void
put_id(FILE *f, const char *name, struct json_part value)
{
	if (value.at != NULL)
		fprintf(f, "\"%s\":%.*s,", name, (int)(value.end - value.at),
		    value.at);
}

char *
reconcile_page_body(const struct reconcile_item *item, size_t *ret_len)
{
	char *body = NULL;
	FILE *f;

	if ((f = open_memstream(&body, ret_len)) == NULL)
		return (NULL);
	(void)fputc('{', f);
	put_id(f, "brand_id", item->brand);
	put_id(f, "branch_id", item->branch);
	(void)fputs("\"orders\":[", f);
	(void)fwrite(item->raw.at, 1, (size_t)(item->raw.end - item->raw.at),
	    f);
	(void)fputs("]}", f);
	if (fclose(f) == 0)
		return (body);
	free(body);
	return (NULL);
}
