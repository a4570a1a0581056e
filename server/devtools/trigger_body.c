#include "server/devtools/trigger_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "server/base/log.h"
#include "store/base/parse.h"

#define BRAND_ID 910
#define BRANCH_ID 2041
#define BUSINESS_ID 77
#define STATUS_PLACED 1
#define STATUS_ACCEPTED 2

/* The menu of a restaurant that does not exist. */
static const struct item {
	int id;
	const char *title;
	int quantity;
	int unit_price;
} menu[] = {
	{ 410101, "Nasi Goreng Kampung", 2, 38000 },
	{ 410103, "Sate Ayam Madura (10 tusuk)", 1, 52000 },
	{ 410106, "Es Teh Manis", 2, 9000 },
	{ 410108, "Pisang Goreng Keju", 1, 23000 },
};

const char *
trigger_type(enum trigger_kind kind)
{
	switch (kind) {
	case TRIGGER_CREATED:
		return ("klikit.order.created.v2");
	case TRIGGER_STATUS:
		return ("klikit.order.status.updated");
	case TRIGGER_CART:
		return ("klikit.order.cart.updated");
	}
	return (NULL);
}

static json_t *
make_brand(void)
{
	return (json_pack("{s:i, s:s, s:s}", "id", BRAND_ID, "title",
	    "Warung Senja", "logo", "/images/brand-910.png"));
}

/* The first n dishes of the menu. */
static json_t *
make_cart(size_t n)
{
	json_t *cart = json_array(), *line;
	const struct item *item;

	for (size_t i = 0; i < n; i++) {
		item = &menu[i];
		line = json_pack("{s:i, s:s, s:{s:s}, s:i, s:i, s:i, s:i, "
				 "s:[], s:i, s:s, "
				 "s:s, s:o}",
		    "item_id", item->id, "title", item->title, "title_v2", "id",
		    item->title, "quantity", item->quantity, "unit_price",
		    item->unit_price, "price",
		    item->quantity * item->unit_price, "vat", 0, "groups",
		    "klikit_id", item->id, "klikit_name", item->title,
		    "comment", "", "brand", make_brand());
		if (json_array_append_new(cart, line) == -1) {
			json_decref(cart);
			return (NULL);
		}
	}
	return (cart);
}

static int
cart_total(size_t n)
{
	int total = 0;

	for (size_t i = 0; i < n; i++)
		total += menu[i].quantity * menu[i].unit_price;
	return (total);
}

/* RFC 3339 to the second, as klikit writes it. */
static const char *
stamp(int64_t at_ms, char ret_text[FORMAT_TIME_MAX])
{
	(void)format_time(at_ms, ret_text);
	memcpy(ret_text + strlen("2026-06-25T09:14:11"), "Z", 2);
	return (ret_text);
}

/* What all kinds share; a cart that was changed has one dish more. */
static json_t *
make_order(const struct trigger_body *b, int64_t id)
{
	size_t dishes = b->kind == TRIGGER_CART ? 4 : 3;
	char now[FORMAT_TIME_MAX], before[FORMAT_TIME_MAX], external[32];
	char total[32];

	stamp(b->now_ms, now);
	stamp(b->kind == TRIGGER_CREATED ? b->now_ms : b->now_ms - 60000,
	    before);
	(void)snprintf(external, sizeof(external), "GF-%lld",
	    (long long)(id % 1000000));
	(void)snprintf(total, sizeof(total), "%d.00", cart_total(dishes));
	return (json_pack("{s:I, s:s, s:i, s:[o], s:i, s:i, s:s, s:s, s:s, "
			  "s:o, s:i, s:i, s:i, s:s, s:s, s:i, s:s, s:i, s:s, "
			  "s:b, s:b, s:b, s:{s:i, s:s, s:s, s:s}, s:s}",
	    "id", (json_int_t)id, "external_id", external, "business_id",
	    BUSINESS_ID, "brands", make_brand(), "branch_id", BRANCH_ID,
	    "status",
	    b->kind == TRIGGER_STATUS ? STATUS_ACCEPTED : STATUS_PLACED,
	    "placed_at", before, "created_at", before, "updated_at", now,
	    "cart", make_cart(dishes), "payment_status", 1, "payment_channel",
	    8, "payment_method", 14, "currency", "IDR", "total", total,
	    "provider_id", 6, "provider_name", "grabfood", "type", 2, "source",
	    "marketplace", "auto_accept", 0, "can_accept",
	    b->kind != TRIGGER_STATUS, "can_cancel", 1, "customer", "id",
	    880123, "first_name", "Rina", "last_name", "Contoh", "email",
	    "rina@example.com", "order_comment", "Sambal dipisah"));
}

static json_t *
make_orders(const struct trigger_body *b)
{
	size_t n = b->orders == 0 ? 1 : b->orders;
	json_t *orders = json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(orders,
			make_order(b, b->order_id + (int64_t)i)) == -1) {
			json_decref(orders);
			return (NULL);
		}
	}
	return (orders);
}

/* -- Overrides -- */

static int
fail(char *reason, const char *what, const char *path)
{
	(void)snprintf(reason, TRIGGER_REASON_MAX, "--override %s: %s",
	    log_text(path), what);
	return (-1);
}

/* The index that part names in the array; -1 if it names none. */
static int
array_index(const json_t *array, const char *part, size_t *ret_i)
{
	int64_t i;

	if (json_array_size(array) == 0 ||
	    parse_int(part, 0, (int64_t)json_array_size(array) - 1, &i) == -1)
		return (-1);
	*ret_i = (size_t)i;
	return (0);
}

/* What part names in parent; NULL if there is no such thing. */
static json_t *
child(json_t *parent, const char *part)
{
	size_t i;

	if (json_is_object(parent))
		return (json_object_get(parent, part));
	if (json_is_array(parent) && array_index(parent, part, &i) == 0)
		return (json_array_get(parent, i));
	return (NULL);
}

/* Takes value. */
static int
put(json_t *parent, const char *part, json_t *value)
{
	size_t i;

	if (part[0] != '\0' && json_is_object(parent))
		return (json_object_set_new(parent, part, value));
	if (json_is_array(parent) && array_index(parent, part, &i) == 0)
		return (json_array_set_new(parent, i, value));
	json_decref(value);
	return (-1);
}

static json_t *
read_value(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	return (value != NULL ? value : json_string(text));
}

static int
override(json_t *root, const char *text, char *reason)
{
	const char *equals = strchr(text, '=');
	char *path, *part, *dot;
	json_t *at = root, *value;
	int rc = 0;

	if (equals == NULL || equals == text)
		return (fail(reason, "is not PATH=VALUE", text));
	if ((path = strndup(text, (size_t)(equals - text))) == NULL)
		return (fail(reason, "out of memory", text));
	part = path;
	while (at != NULL && (dot = strchr(part, '.')) != NULL) {
		*dot = '\0';
		at = child(at, part);
		part = dot + 1;
	}
	if ((value = read_value(equals + 1)) == NULL)
		rc = fail(reason, "the value is neither JSON nor text", text);
	else if (at == NULL) {
		json_decref(value);
		rc = fail(reason, "no such place in the body", text);
	} else if (put(at, part, value) == -1)
		rc = fail(reason, "no such place in the body", text);
	free(path);
	return (rc);
}

char *
trigger_body_build(const struct trigger_body *b, size_t *ret_len,
    char reason[TRIGGER_REASON_MAX])
{
	char *text = NULL;
	json_t *root;

	root = json_pack("{s:i, s:i, s:o}", "brand_id", BRAND_ID, "branch_id",
	    BRANCH_ID, "orders", make_orders(b));
	(void)snprintf(reason, TRIGGER_REASON_MAX, "out of memory");
	if (root == NULL)
		return (NULL);
	for (size_t i = 0; i < b->noverrides; i++) {
		if (override(root, b->overrides[i], reason) == -1)
			goto out;
	}
	if ((text = json_dumps(root, JSON_COMPACT)) != NULL)
		*ret_len = strlen(text);
out:
	json_decref(root);
	return (text);
}
