/*
 * admin_board.c -- the board: open orders, the oldest first, with what a
 * kitchen asks of them, and how many there are in each status.
 *
 * What an order is made of is read from its document when it is asked for:
 * nothing of it is kept beside, so it costs no ack anything, and goes with the
 * body.
 */
#include <stddef.h>
#include <string.h>

#include "handlers/body/order_brief.h"
#include "server/admin/admin_filter.h"
#include "server/base/clock.h"
#include "server/base/json.h"
#include "store/base/parse.h"

#define SINCE_DEFAULT_MS (24LL * 60 * 60 * 1000)
#define CARTS "klikit.order.cart.updated%" /* for LIKE */

/*
 * Where no handler that has not done it has a deadline: for the cooking. Amber
 * is half of red, as it is half of a deadline.
 */
#define RED_MS (20LL * 60 * 1000)

/*
 * A time in an order is believed if it is not after it came in, but for what
 * clocks may differ, and not long before.
 */
#define PLACED_AHEAD_MS (5LL * 60 * 1000)
#define PLACED_BEFORE_MS (24LL * 60 * 60 * 1000)

/* -- One order -- */

/* When it was placed, if it says so and can be believed; 0: no. */
static int64_t
placed_ms(const struct order_brief *brief, int64_t received_ms)
{
	int64_t ms;

	if (brief->placed_at == NULL ||
	    order_time_lacks_zone(brief->placed_at) ||
	    parse_time(brief->placed_at, strlen(brief->placed_at), &ms) == -1 ||
	    ms > received_ms + PLACED_AHEAD_MS ||
	    ms < received_ms - PLACED_BEFORE_MS)
		return (0);
	return (ms);
}

/* The names in a list with commas; and the shortest of their deadlines. */
static json_t *
names_json(const struct admin *a, const char *names, int64_t *deadline_ms)
{
	json_t *list = json_array(), *name;
	size_t len;
	int64_t ms;

	for (; names != NULL;
	     names = names[len] == '\0' ? NULL : names + len + 1) {
		len = strcspn(names, ",");
		name = json_stringn(names, len);
		ms = a->fns.deadline == NULL || name == NULL
			 ? 0
			 : a->fns.deadline(a->fns.arg, json_string_value(name));
		if (ms != 0 && (*deadline_ms == 0 || ms < *deadline_ms))
			*deadline_ms = ms;
		json_list_add(&list, name);
	}
	return (list);
}

static json_t *
item_json(const struct order_item *item)
{
	json_t *options = json_array();

	for (size_t i = 0; i < item->noptions; i++)
		json_list_add(&options, json_string(item->options[i]));
	return (json_pack("{s:s?, s:s?, s:s?, s:s?, s:o}", "quantity",
	    item->quantity, "title", item->title, "price", item->price,
	    "comment", item->comment, "options", options));
}

/* What its document says. */
static int
add_brief(json_t *o, const struct order_brief *brief)
{
	json_t *items = json_array();
	int bad = 0;

	for (size_t i = 0; i < brief->nitems; i++)
		json_list_add(&items, item_json(&brief->items[i]));
	bad |= json_set_text(o, "short_id", brief->short_id);
	bad |= json_set_text(o, "channel", brief->channel);
	bad |= json_set_text(o, "kind", brief->kind);
	bad |= json_set_text(o, "comment", brief->comment);
	bad |= json_set_text(o, "currency", brief->currency);
	bad |= json_set_text(o, "total", brief->total);
	bad |= json_object_set_new(o, "items", items);
	return (
	    bad | json_set_int(o, "items_total", (int64_t)brief->items_total));
}

/* Who has not done it, and from when on it is late. */
static int
add_late(json_t *o, const struct admin *a, const struct store_board_row *row,
    int64_t placed)
{
	int64_t from = row->order.received_at_ms, ms = 0;
	int bad;

	bad =
	    json_object_set_new(o, "pending", names_json(a, row->pending, &ms));
	bad |= json_object_set_new(o, "dead", names_json(a, row->dead, &ms));
	if (ms == 0) {
		ms = RED_MS;
		from = placed != 0 ? placed : from;
	}
	bad |= json_set_time(o, "placed_at",
	    placed != 0 ? placed : row->order.received_at_ms);
	bad |=
	    json_set_text(o, "placed_by", placed != 0 ? "order" : "received");
	/* What is dead is not waited for. */
	bad |= json_set_time(o, "amber_at",
	    row->dead != NULL ? from : from + ms / 2);
	bad |= json_set_time(o, "red_at", row->dead != NULL ? from : from + ms);
	return (bad);
}

static json_t *
row_json(struct admin_call *call, const struct store_board_row *row)
{
	struct order_brief brief = { 0 };
	json_t *o;
	int bad = 0;

	if (row->order.document != NULL &&
	    order_brief_read(&call->mem, row->order.document, row->cart,
		&brief) == -1)
		return (NULL);
	if ((o = admin_order_json(call->a, &row->order)) == NULL)
		return (NULL);
	bad |= json_object_set_new(o, "recorded", json_boolean(row->recorded));
	bad |= json_set_int(o, "alarms", row->alarms);
	bad |= add_late(o, call->a, row,
	    placed_ms(&brief, row->order.received_at_ms));
	bad |= add_brief(o, &brief);
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* -- The whole -- */

static json_t *
counts_json(const struct admin *a, const struct store_board *board,
    int64_t *ret_open)
{
	json_t *list = json_array();

	for (size_t i = 0; i < board->ncounts; i++) {
		const struct store_board_count *c = &board->counts[i];
		bool ends = admin_is_end(a, c->status);

		if (!ends)
			*ret_open += (int64_t)c->n;
		json_list_add(&list,
		    json_pack("{s:s?, s:s?, s:b, s:I}", "status", c->status,
			"status_name", admin_status_name(a, c->status),
			"terminal", (int)ends, "orders", (json_int_t)c->n));
	}
	return (list);
}

/* store_board_fn */
static void
board_cb(enum store_rc rc, const struct store_board *board, const char *reason,
    void *arg)
{
	struct admin_call *call = arg;
	json_t *list, *counts, *next;
	int64_t open = 0;

	if (admin_failed(call, rc, reason))
		return;
	list = json_array();
	for (size_t i = 0; i < board->nrows; i++)
		json_list_add(&list, row_json(call, &board->rows[i]));
	next = board->nrows < call->limit
		   ? json_null()
		   : json_integer(board->rows[board->nrows - 1].first);
	counts = counts_json(call->a, board, &open);
	(void)admin_answer(call, 200,
	    json_pack("{s:o, s:o, s:I, s:o}", "orders", list, "counts", counts,
		"open", (json_int_t)open, "next", next));
	admin_finish(call);
}

#define AT(field) offsetof(struct store_filter, field)
static const struct admin_key keys[] = {
	{ "scope", ADMIN_SCOPE, AT(scope), NULL },
	{ "brand", ADMIN_TEXT, AT(brand), NULL },
	{ "branch", ADMIN_TEXT, AT(branch), NULL },
	{ "since", ADMIN_TIME, AT(since_ms), NULL },
	{ "after", ADMIN_NUMBER, AT(after), NULL },
	{ "limit", ADMIN_LIMIT, AT(limit), NULL },
	{ NULL, ADMIN_TEXT, 0, NULL },
};
#undef AT

enum admin_when
admin_board(struct admin_call *call)
{
	struct store_filter filter = { .carts = CARTS,
		.since_ms = clock_wall_ms() - SINCE_DEFAULT_MS };

	if (admin_filter(call, keys, &filter) == ADMIN_NOW)
		return (ADMIN_NOW);
	filter.nends = admin_ends(call->a, &filter.ends);
	if (store_read_board(call->a->st, &filter, board_cb, call) == -1)
		return (admin_answer(call, 500, NULL));
	return (ADMIN_LATER);
}
