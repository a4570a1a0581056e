#include "handlers/body/order_brief.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "handlers/body/json_part.h"
#include "store/base/json_scan.h"

#define DEPTH_MAX 3 /* of modifiers of modifiers */

/* The text of a number or a string that says something. Returns 0, or -1. */
static int
text_of(struct arena *mem, struct json_part part, const char **ret)
{
	char text[ORDER_BRIEF_TEXT];

	if (part.at == NULL ||
	    json_scan_text(part.at, (size_t)(part.end - part.at), sizeof(text),
		text) <= 0)
		return (0);
	return (arena_text(mem, text, ret));
}

/* The first of the members of these names that says something. */
static int
member_text(struct arena *mem, struct json_part object,
    const char *const *names, const char **ret)
{
	int rc = 0;

	*ret = NULL;
	for (; *names != NULL && *ret == NULL && rc == 0; names++)
		rc = text_of(mem, json_part_member(object, *names), ret);
	return (rc);
}
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* -- Items -- */

/* What was chosen of one item, while it is gathered. */
struct options {
	struct arena *mem;
	const char **texts;
	size_t n;
};

static int
add_option(struct options *o, struct json_part modifier)
{
	char both[ORDER_BRIEF_TEXT + 32];
	const char *title, *quantity;

	if (member_text(o->mem, modifier, NAMES("title", "name"), &title) ==
		-1 ||
	    member_text(o->mem, modifier, NAMES("quantity"), &quantity) == -1)
		return (-1);
	if (title == NULL || o->n == ORDER_BRIEF_OPTIONS)
		return (0);
	if (quantity == NULL || strcmp(quantity, "1") == 0) {
		o->texts[o->n++] = title;
		return (0);
	}
	(void)snprintf(both, sizeof(both), "%.20s × %s", quantity, title);
	return (arena_text(o->mem, both, &o->texts[o->n++]));
}

/* The modifiers of the groups that object has, and those within them. */
static int
add_options(struct options *o, struct json_part object, int depth)
{
	struct json_part groups = json_part_member(object, "groups");
	struct json_part group = { NULL, NULL };
	int rc = 0;

	if (groups.at == NULL)
		groups = json_part_member(object, "modifier_groups");
	while (rc == 0 && depth < DEPTH_MAX && json_part_each(groups, &group)) {
		struct json_part all = json_part_member(group, "modifiers");
		struct json_part one = { NULL, NULL };

		while (rc == 0 && json_part_each(all, &one)) {
			if ((rc = add_option(o, one)) == 0)
				rc = add_options(o, one, depth + 1);
		}
	}
	return (rc);
}

static int
read_item(struct arena *mem, struct json_part part, struct order_item *item)
{
	struct options o = { .mem = mem };

	o.texts = arena_array(mem, ORDER_BRIEF_OPTIONS, sizeof(*o.texts));
	if (o.texts == NULL ||
	    member_text(mem, part, NAMES("title", "name", "klikit_name"),
		&item->title) == -1 ||
	    member_text(mem, part, NAMES("quantity"), &item->quantity) == -1 ||
	    member_text(mem, part, NAMES("item_final_price", "price"),
		&item->price) == -1 ||
	    member_text(mem, part, NAMES("comment"), &item->comment) == -1 ||
	    add_options(&o, part, 0) == -1)
		return (-1);
	item->options = o.texts;
	item->noptions = o.n;
	return (0);
}

static size_t
count(struct json_part array)
{
	struct json_part one = { NULL, NULL };
	size_t n = 0;

	while (json_part_each(array, &one))
		n++;
	return (n);
}

/* The items of an order, if it has any. Returns 0, or -1. */
static int
read_items(struct arena *mem, struct json_part order, struct order_brief *brief)
{
	static const char *const names[] = { "cart", "cart_v2", "items" };
	struct json_part array, one = { NULL, NULL };
	struct order_item *items;

	if (brief->items_total > 0)
		return (0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		array = json_part_member(order, names[i]);
		if ((brief->items_total = count(array)) > 0)
			break;
	}
	if (brief->items_total == 0)
		return (0);
	brief->nitems = brief->items_total < ORDER_BRIEF_ITEMS
			    ? brief->items_total
			    : ORDER_BRIEF_ITEMS;
	if ((items = arena_array(mem, brief->nitems, sizeof(*items))) == NULL)
		return (-1);
	for (size_t i = 0; i < brief->nitems; i++) {
		if (!json_part_each(array, &one) ||
		    read_item(mem, one, &items[i]) == -1)
			return (-1);
	}
	brief->items = items;
	return (0);
}

/* -- The whole -- */

/* klikit has numbers for these, and documents their meaning. */
static void
name_kind(struct order_brief *brief)
{
	static const char *const names[] = { "pickup", "delivery", "dinein" };
	const char *code = brief->kind;

	if (code != NULL && code[0] >= '1' && code[0] <= '3' && code[1] == '\0')
		brief->kind = names[code[0] - '1'];
}

int
order_brief_read(struct arena *mem, const char *document, const char *cart,
    struct order_brief *ret_brief)
{
	struct json_part order = json_part_of(document, strlen(document));

	memset(ret_brief, 0, sizeof(*ret_brief));
	if (cart != NULL &&
	    read_items(mem, json_part_of(cart, strlen(cart)), ret_brief) == -1)
		return (-1);
	if (read_items(mem, order, ret_brief) == -1 ||
	    member_text(mem, order, NAMES("short_id"), &ret_brief->short_id) ==
		-1 ||
	    member_text(mem, order, NAMES("placed_at", "created_at"),
		&ret_brief->placed_at) == -1 ||
	    member_text(mem, order, NAMES("total", "final_price"),
		&ret_brief->total) == -1 ||
	    member_text(mem, order, NAMES("currency"), &ret_brief->currency) ==
		-1 ||
	    member_text(mem, order, NAMES("provider_name", "channel", "source"),
		&ret_brief->channel) == -1 ||
	    member_text(mem, order, NAMES("order_type", "type"),
		&ret_brief->kind) == -1 ||
	    member_text(mem, order, NAMES("order_comment", "comment"),
		&ret_brief->comment) == -1)
		return (-1);
	name_kind(ret_brief);
	return (0);
}
