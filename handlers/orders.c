/*
 * The handler of type "orders": keeps the newest record and the newest cart
 * of every order. It needs no body and no memory of what came before: the key
 * says which version is newer, and the store keeps the row of the greatest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/event_kind.h"
#include "handlers/registry.h"
#include "store/order.h"

struct orders_settings {
	struct key_list terminal; /* status codes that end an order */
};

struct orders {
	struct handler_instance base; /* first: what dispatch holds */
	struct key_list terminal;     /* those that end an order */
	struct key_list order;        /* from first to last; none: by number */
	struct store_write *writes;   /* lent to the last result */
	size_t writes_max;
};

static void
codes_fini(struct key_list *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->items[i]);
	free(c->items);
}

/*
 * Copy codes. Returns 0; -1 when out of memory, codes_fini() is due all the
 * same.
 */
static int
codes_copy(struct key_list *c, const struct key_list *codes)
{
	if (codes->n > 0 &&
	    (c->items = calloc(codes->n, sizeof(*c->items))) == NULL)
		return (-1);
	for (; c->n < codes->n; c->n++) {
		if ((c->items[c->n] = strdup(codes->items[c->n])) == NULL)
			return (-1);
	}
	return (0);
}

static void
orders_close(struct handler_instance *h)
{
	struct orders *o = (struct orders *)h;

	if (o == NULL)
		return;
	codes_fini(&o->terminal);
	codes_fini(&o->order);
	free(o->writes);
	free(o);
}

static struct handler_instance *
orders_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	const struct orders_settings *set = opt->settings;
	struct orders *o;

	(void)env; /* which version is newer is no matter of our clock */
	if ((o = calloc(1, sizeof(*o))) == NULL)
		goto fail;
	o->base.type = &handler_orders;
	if (codes_copy(&o->terminal, &set->terminal) == -1 ||
	    codes_copy(&o->order, &opt->status_order) == -1)
		goto fail;
	return (&o->base);
fail:
	snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	orders_close(o == NULL ? NULL : &o->base);
	return (NULL);
}

static bool
orders_is_terminal(const struct orders *o, const char *status)
{
	for (size_t i = 0; status != NULL && i < o->terminal.n; i++) {
		if (strcmp(o->terminal.items[i], status) == 0)
			return (true);
	}
	return (false);
}

/* Make room for n writes. Returns 0, or -1. */
static int
orders_reserve(struct orders *o, size_t n)
{
	struct store_write *writes;

	if (n <= o->writes_max)
		return (0);
	if ((writes = calloc(n, sizeof(*writes))) == NULL)
		return (-1);
	free(o->writes);
	o->writes = writes;
	o->writes_max = n;
	return (0);
}

/* Write the order's version to one of the tables. */
static void
orders_put(struct orders *o, const struct store_event *ev,
    const struct store_order *order, enum store_table table,
    struct store_write *ret_write)
{
	const struct order_version version = {
		.updated_at = order->updated_at,
		.terminal = orders_is_terminal(o, order->status),
		.rank = order_rank(order->status,
		    (const char *const *)o->order.items, o->order.n),
		.status_event = event_kind(ev->type) == EVENT_STATUS,
		.event = ev->id,
		.place = (uint32_t)order->place,
	};

	*ret_write = (struct store_write){
		.table = table,
		.order = order,
		.scope = ev->scope,
		.brand = ev->brand,
		.branch = ev->branch,
		.event = ev->id,
		.place = order->place,
	};
	order_key(&version, ret_write->key);
}

static enum handler_verdict
orders_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct orders *o = (struct orders *)h;
	const struct store_event *ev = job->ev;
	enum event_kind kind = event_kind(ev->type);
	size_t n = 0;

	if (kind == EVENT_UNKNOWN)
		return (HANDLER_DONE);
	if (orders_reserve(o, 2 * ev->norders) == -1) {
		snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "out of memory");
		return (HANDLER_RETRY);
	}
	for (size_t i = 0; i < ev->norders; i++) {
		const struct store_order *order = &ev->orders[i];

		if (job->place != STORE_WHOLE_EVENT &&
		    job->place != order->place)
			continue;
		/* A status event's cart may be an old one, or missing. */
		if (kind != EVENT_CART)
			orders_put(o, ev, order, STORE_ORDERS, &o->writes[n++]);
		if (kind != EVENT_STATUS)
			orders_put(o, ev, order, STORE_CARTS, &o->writes[n++]);
	}
	ret_result->writes = o->writes;
	ret_result->nwrites = n;
	return (HANDLER_DONE);
}

static const struct key_list *
orders_ends(const void *settings)
{
	const struct orders_settings *set = settings;

	return (&set->terminal);
}

static const struct key orders_keys[] = {
	{ "handler.terminal", KEY_WORDS,
	    offsetof(struct orders_settings, terminal), .def = "3, 9",
	    .value = "CODE, ...",
	    .text = "Status codes that end an order. 3 is cancelled and 9 "
		    "picked up in all that klikit has published; 5 is ready in "
		    "one place and delivered in another, so it is not here." },
	{ 0 },
};

static const struct handler_statuses orders_statuses = { .ends = orders_ends };

const struct handler handler_orders = {
	.type = "orders",
	.text = "keeps the tables of orders and carts",
	.example = "orders",
	.keys = orders_keys,
	.settings_size = sizeof(struct orders_settings),
	.statuses = &orders_statuses,
	.ordered = false, /* versions are ordered by their keys */
	.open = orders_open,
	.run = orders_run,
	.close = orders_close,
};
