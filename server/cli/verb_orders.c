#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"

/* The event a row stands for in the order of the list. */
static int64_t
row_event(const struct store_order_info *row)
{
	return (row->event != 0 ? row->event : row->cart_event);
}

static void
add_row(struct table *t, const struct store_order_info *row)
{
	verb_list_add_id(t, row->order.order_id, row->scope);
	table_add(t, row->order.status);
	table_add(t, row->order.updated_at);
	table_add(t, row->brand);
	table_add(t, row->branch);
	table_add(t, row->order.external_id);
	table_add(t, row->event_id);
}

/* What a list says of an order; NULL when out of memory. */
static json_t *
order_json(const struct store_order_info *row)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_text(o, "order_id", row->order.order_id);
	bad |= json_set_unusual(o, "scope", row->scope, "");
	bad |= json_set_text(o, "status", row->order.status);
	bad |= json_set_text(o, "updated_at", row->order.updated_at);
	bad |= json_set_text(o, "brand", row->brand);
	bad |= json_set_text(o, "branch", row->branch);
	bad |= json_set_text(o, "external_id", row->order.external_id);
	bad |= json_set_text(o, "event_id", row->event_id);
	bad |= json_object_set_new(o, "has_cart",
	    json_boolean(row->cart_event != 0));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* store_orders_fn: one page; it may be longer, to end with its event. */
static void
page_cb(enum store_rc rc, const struct store_order_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct verb_list *list = arg;

	if (rc != STORE_OK) {
		verb_list_fail(list, reason);
		return;
	}
	list->got = n;
	for (size_t i = 0; i < n && list->left > 0; i++, list->left--) {
		list->filter.before = row_event(&rows[i]);
		if (list->table != NULL)
			add_row(list->table, &rows[i]);
		else if (verb_json_print(order_json(&rows[i])) == -1)
			verb_list_fail(list, "out of memory");
	}
}

static void
print_order(const struct store_order_info *row)
{
	printf("order       %s\n", log_text(row->order.order_id));
	if (row->scope[0] != '\0')
		printf("scope       %s\n", log_text(row->scope));
	printf("external    %s\n", log_text(row->order.external_id));
	printf("status      %s\n", log_text(row->order.status));
	printf("updated     %s\n", log_text(row->order.updated_at));
	printf("brand       %s\n", log_text(row->brand));
	printf("branch      %s\n", log_text(row->branch));
	printf("event       %s\n", log_text(row->event_id));
	printf("cart        %s\n", row->cart_event == 0 ? "none" : "known");
}

/* The document goes in as it stands, digit for digit. */
static int
print_order_json(const struct store_order_info *row)
{
	json_t *o = order_json(row);
	char *text = json_text_with(o, "document", row->document);

	json_decref(o);
	if (text == NULL)
		return (-1);
	printf("%s\n", text);
	free(text);
	return (0);
}

/* store_orders_fn: the order that was asked for, of each scope that has it. */
static void
show_cb(enum store_rc rc, const struct store_order_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct verb_list *list = arg;

	if (rc != STORE_OK) {
		verb_list_fail(list, reason);
		return;
	}
	list->got = n;
	if (verb_list_several(list, n))
		return;
	for (size_t i = 0; i < n && list->error == NULL; i++) {
		if (list->content && rows[i].document == NULL)
			verb_list_fail(list, "its document is no longer kept");
		else if (list->content)
			printf("%s\n", rows[i].document);
		else if (list->table == NULL) {
			if (print_order_json(&rows[i]) == -1)
				verb_list_fail(list, "out of memory");
		} else {
			printf("%s", i > 0 ? "\n" : "");
			print_order(&rows[i]);
		}
	}
}

static int
orders_page(struct store *st, struct verb_list *list)
{
	return (store_list_orders(st, &list->filter, page_cb, list));
}

static int
orders_get(struct store *st, const char *id, struct verb_list *list)
{
	return (store_get_order(st, id, list->filter.scope, show_cb, list));
}

static const char *const titles[] = { "ORDER", "STATUS", "UPDATED AT", "BRAND",
	"BRANCH", "EXTERNAL ID", "EVENT", NULL };

static const struct verb_list_kind kind = {
	.noun = "order",
	.content = "document",
	.titles = titles,
	.page = orders_page,
	.get = orders_get,
};

static enum verb_exit
orders_run(const struct verb_args *args)
{
	return (verb_list_run(args, &kind));
}

static const struct verb_flag flags[] = {
	VERB_LIST_FLAGS,
	{ "document", NULL, "print one order's JSON, digit for digit", false },
	{ 0 },
};

static const char more[] =
    "Without ORDER-ID lists orders, those last changed first; with it shows\n"
    "that one, in each scope that has it. Reads the store beside a running "
    "server.\n";

const struct verb verb_orders = {
	.name = "orders",
	.words = "[ORDER-ID]",
	.text = "List the orders as they stand now, or show one",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.run = orders_run,
};
