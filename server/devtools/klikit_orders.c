#include "server/devtools/klikit_orders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/base/parse.h"

#define NUMBER_MAX 24 /* of an integer as text */

struct klikit_order {
	json_t *json;
	struct klikit_place place;
};

struct klikit_orders {
	struct klikit_order *items;
	size_t n, room;
	uint64_t next; /* place.number of the next one */
};

/* The codes as klikit's older documents have them. */
static const struct {
	const char *name;
	json_int_t code;
	bool asked; /* a partner may ask for it */
	bool reason;
	unsigned from; /* a bit for each code that it may follow */
} statuses[] = {
	{ "placed", 1, false, false, 0 },
	{ "accepted", 2, true, false, 1U << 1 },
	{ "rejected", 3, true, true, 1U << 1 },
	{ "cancelled", 3, true, true, 1U << 1 | 1U << 2 | 1U << 4 },
	{ "ready", 4, true, false, 1U << 2 },
	{ "delivered", 5, false, false, 0 },
	{ "picked_up", 9, true, false, 1U << 4 },
};
#define NSTATUSES (sizeof(statuses) / sizeof(statuses[0]))
#define CODE_MAX 31

struct klikit_orders *
klikit_orders_new(void)
{
	return (calloc(1, sizeof(struct klikit_orders)));
}

void
klikit_orders_clear(struct klikit_orders *o)
{
	while (o->n > 0)
		json_decref(o->items[--o->n].json);
}

void
klikit_orders_free(struct klikit_orders *o)
{
	if (o == NULL)
		return;
	klikit_orders_clear(o);
	free(o->items);
	free(o);
}

/* -- One order -- */

/* A member as text: a string, or an integer's digits; NULL: neither. */
static const char *
member_text(const json_t *order, const char *name, char room[NUMBER_MAX])
{
	const json_t *value = json_object_get(order, name);

	if (json_is_integer(value)) {
		(void)snprintf(room, NUMBER_MAX, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
		return (room);
	}
	return (json_string_value(value));
}

/* When it was made; without a time it is newer than all. */
static int64_t
created_ms(const json_t *order)
{
	static const char *const names[] = { "created_at", "placed_at" };
	int64_t at_ms;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text =
		    json_string_value(json_object_get(order, names[i]));

		if (text != NULL && parse_time(text, strlen(text), &at_ms) == 0)
			return (at_ms);
	}
	return (INT64_MAX - 1);
}

static struct klikit_order *
find(const struct klikit_orders *o, const char *id)
{
	char room[NUMBER_MAX];

	for (size_t i = 0; i < o->n; i++) {
		if (strcmp(member_text(o->items[i].json, "id", room), id) == 0)
			return (&o->items[i]);
	}
	return (NULL);
}

json_t *
klikit_orders_find(const struct klikit_orders *o, const char *id)
{
	const struct klikit_order *order = find(o, id);

	return (order == NULL ? NULL : order->json);
}

/* Room for one more. Returns 0; -1 when out of memory. */
static int
make_room(struct klikit_orders *o)
{
	size_t room = o->room == 0 ? 64 : 2 * o->room;
	struct klikit_order *items;

	if (o->n < o->room)
		return (0);
	if ((items = reallocarray(o->items, room, sizeof(*items))) == NULL)
		return (-1);
	o->items = items;
	o->room = room;
	return (0);
}

const char *
klikit_orders_put(struct klikit_orders *o, const json_t *list)
{
	char room[NUMBER_MAX];
	struct klikit_order *order;
	json_t *json;
	size_t i;

	if (!json_is_array(list))
		return ("not an array of orders");
	json_array_foreach(list, i, json)
	{
		const char *id = member_text(json, "id", room);
		json_t *copy;

		if (id == NULL)
			return ("an order has no id");
		if ((copy = json_deep_copy(json)) == NULL ||
		    make_room(o) == -1) {
			json_decref(copy);
			return ("out of memory");
		}
		if ((order = find(o, id)) == NULL) {
			order = &o->items[o->n++];
			order->json = NULL;
			order->place.number = ++o->next;
		}
		json_decref(order->json);
		order->json = copy;
		order->place.created_ms = created_ms(copy);
	}
	return (NULL);
}

/* -- Lists -- */

/* Is text one of those between commas? */
static bool
is_among(const char *text, const char *words)
{
	size_t len = strlen(text);

	for (;;) {
		size_t word = strcspn(words, ",");

		if (word == len && strncmp(words, text, len) == 0)
			return (true);
		if (words[word] == '\0')
			return (false);
		words += word + 1;
	}
}

/* The code of a status, which may be a number or a name; 0: it has none. */
static json_int_t
status_code(const json_t *order)
{
	const json_t *status = json_object_get(order, "status");

	if (json_is_integer(status))
		return (json_integer_value(status));
	for (size_t i = 0; json_is_string(status) && i < NSTATUSES; i++) {
		if (strcmp(json_string_value(status), statuses[i].name) == 0)
			return (statuses[i].code);
	}
	return (0);
}

static bool
has_status(const json_t *order, const char *words)
{
	char room[NUMBER_MAX];
	const char *text = member_text(order, "status", room);

	if (text != NULL && is_among(text, words))
		return (true);
	for (size_t i = 0; i < NSTATUSES; i++) {
		if (statuses[i].code == status_code(order) &&
		    is_among(statuses[i].name, words))
			return (true);
	}
	return (false);
}

static bool
has_text(const json_t *order, const char *name, const char *want)
{
	char room[NUMBER_MAX];
	const char *text = member_text(order, name, room);

	return (want == NULL || (text != NULL && strcmp(text, want) == 0));
}

/* klikit has brands by a singular id, or in an array. */
static bool
has_brand(const json_t *order, const char *want)
{
	const json_t *brand;
	size_t i;

	if (has_text(order, "brand_id", want))
		return (true);
	json_array_foreach(json_object_get(order, "brands"), i, brand)
	{
		if (has_text(brand, "id", want))
			return (true);
	}
	return (false);
}

static bool
fits(const struct klikit_order *order, const struct klikit_filter *f)
{
	return (order->place.created_ms >= f->from_ms &&
		order->place.created_ms < f->to_ms &&
		(f->status == NULL || has_status(order->json, f->status)) &&
		has_text(order->json, "provider_id", f->provider) &&
		has_text(order->json, "branch_id", f->branch) &&
		has_brand(order->json, f->brand));
}

static bool
is_behind(const struct klikit_place *a, const struct klikit_place *b)
{
	return (a->created_ms < b->created_ms ||
		(a->created_ms == b->created_ms && a->number < b->number));
}

/* qsort: the newest first. */
static int
compare(const void *a, const void *b)
{
	const struct klikit_order *const *x = a, *const *y = b;

	if ((*x)->place.number == (*y)->place.number)
		return (0);
	return (is_behind(&(*x)->place, &(*y)->place) ? 1 : -1);
}

json_t *
klikit_orders_list(const struct klikit_orders *o, const struct klikit_filter *f,
    struct klikit_page *page)
{
	const struct klikit_order **found;
	json_t *list = json_array();
	size_t n = 0, i;

	if ((found = calloc(o->n + 1, sizeof(struct klikit_order *))) == NULL) {
		json_decref(list);
		return (NULL);
	}
	page->total = 0;
	for (i = 0; i < o->n; i++) {
		if (!fits(&o->items[i], f))
			continue;
		page->total++;
		if (page->after == NULL ||
		    is_behind(&o->items[i].place, page->after))
			found[n++] = &o->items[i];
	}
	qsort(found, n, sizeof(struct klikit_order *), compare);
	for (i = page->skip; i < n && i - page->skip < page->size; i++) {
		(void)json_array_append(list, found[i]->json);
		page->last = found[i]->place;
	}
	page->more = i < n;
	free(found);
	return (list);
}

/* -- Moves -- */

/* klikit's own times have no fraction. */
static json_t *
time_json(int64_t at_ms)
{
	time_t seconds = (time_t)(at_ms / 1000);
	char text[FORMAT_TIME_MAX];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return (NULL);
	return (json_string(text));
}

enum klikit_move
klikit_orders_move(json_t *order, const char *status, const char *reason,
    int64_t now_ms)
{
	json_int_t code = status_code(order);
	size_t i;

	for (i = 0; i < NSTATUSES; i++) {
		if (strcmp(statuses[i].name, status) == 0)
			break;
	}
	if (i == NSTATUSES || !statuses[i].asked)
		return (KLIKIT_NO_SUCH_STATUS);
	if (statuses[i].reason && (reason == NULL || reason[0] == '\0'))
		return (KLIKIT_NO_REASON);
	if (code < 0 || code > CODE_MAX ||
	    (statuses[i].from & 1U << (unsigned)code) == 0)
		return (KLIKIT_NOT_FROM_THERE);
	(void)json_object_set_new(order, "status",
	    json_is_string(json_object_get(order, "status"))
		? json_string(status)
		: json_integer(statuses[i].code));
	(void)json_object_set_new(order, "updated_at", time_json(now_ms));
	return (KLIKIT_MOVED);
}
