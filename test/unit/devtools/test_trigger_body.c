#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/devtools/trigger_body.h"

#define NOW INT64_C(1782378851000) /* 2026-06-25T09:14:11Z */
#define ORDER_ID INT64_C(1782378851000)

/* The body of that kind with those overrides, parsed. */
static json_t *
build(enum trigger_kind kind, const char *const *overrides)
{
	struct trigger_body b = {
		.kind = kind,
		.order_id = ORDER_ID,
		.now_ms = NOW,
		.overrides = overrides,
	};
	char reason[TRIGGER_REASON_MAX];
	json_t *root;
	size_t len = 0;
	char *text;

	while (overrides[b.noverrides] != NULL)
		b.noverrides++;
	text = trigger_body_build(&b, &len, reason);
	if (text == NULL)
		fail_msg("%s", reason);
	assert_int_equal(len, strlen(text));
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	free(text);
	return (root);
}

#define OVERRIDES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NONE ((const char *const[]){ NULL })

static json_t *
order_of(json_t *root)
{
	return (json_array_get(json_object_get(root, "orders"), 0));
}

static void
assert_text(json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));

	assert_non_null(value);
	assert_string_equal(value, text);
}

/* Each kind has klikit's name for it. */
static void
test_trigger_types_are_klikits(void **state)
{
	(void)state;
	assert_string_equal(trigger_type(TRIGGER_CREATED),
	    "klikit.order.created.v2");
	assert_string_equal(trigger_type(TRIGGER_STATUS),
	    "klikit.order.status.updated");
	assert_string_equal(trigger_type(TRIGGER_CART),
	    "klikit.order.cart.updated");
}

/* A body has klikit's envelope and the order that was asked for. */
static void
test_trigger_builds_an_envelope(void **state)
{
	json_t *root = build(TRIGGER_CREATED, NONE), *order = order_of(root);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(root, "brand_id")),
	    910);
	assert_int_equal(json_integer_value(json_object_get(root, "branch_id")),
	    2041);
	assert_int_equal(json_array_size(json_object_get(root, "orders")), 1);
	assert_int_equal(json_integer_value(json_object_get(order, "id")),
	    ORDER_ID);
	assert_text(order, "updated_at", "2026-06-25T09:14:11Z");
	assert_text(order, "placed_at", "2026-06-25T09:14:11Z");
	/* 2 x 38000 + 52000 + 2 x 9000 */
	assert_text(order, "total", "146000.00");
	json_decref(root);
}

/* A status event has moved on, a cart event has another cart. */
static void
test_trigger_kinds_differ(void **state)
{
	json_t *created = build(TRIGGER_CREATED, NONE);
	json_t *status = build(TRIGGER_STATUS, NONE);
	json_t *cart = build(TRIGGER_CART, NONE);

	(void)state;
	assert_int_equal(json_integer_value(
			     json_object_get(order_of(created), "status")),
	    1);
	assert_int_equal(json_integer_value(
			     json_object_get(order_of(status), "status")),
	    2);
	assert_text(order_of(status), "placed_at", "2026-06-25T09:13:11Z");
	assert_int_equal(json_array_size(
			     json_object_get(order_of(created), "cart")),
	    3);
	assert_int_equal(json_array_size(
			     json_object_get(order_of(cart), "cart")),
	    4);
	json_decref(created);
	json_decref(status);
	json_decref(cart);
}

/* A value is JSON if it can be read so, else a string. */
static void
test_trigger_override_takes_any_value(void **state)
{
	json_t *root = build(TRIGGER_STATUS,
	    OVERRIDES("brand_id=12", "orders.0.status=3",
		"orders.0.updated_at=2027-01-01T00:00:00Z",
		"orders.0.cart.0.title=\"a=b\"", "orders.0.campaigns=[1]",
		"orders.0.currency=null",
		"orders.0.new_key=", "orders.0.customer.phone=+62"));
	json_t *order = order_of(root);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(root, "brand_id")),
	    12);
	assert_int_equal(json_integer_value(json_object_get(order, "status")),
	    3);
	assert_text(order, "updated_at", "2027-01-01T00:00:00Z");
	assert_text(json_array_get(json_object_get(order, "cart"), 0), "title",
	    "a=b");
	assert_int_equal(json_array_size(json_object_get(order, "campaigns")),
	    1);
	assert_true(json_is_null(json_object_get(order, "currency")));
	assert_text(order, "new_key", "");
	assert_text(json_object_get(order, "customer"), "phone", "+62");
	json_decref(root);
}

/* Overrides are applied in order, so a later one sees the earlier. */
static void
test_trigger_override_in_order(void **state)
{
	json_t *root = build(TRIGGER_CREATED,
	    OVERRIDES("orders=[{\"id\":1},{\"id\":2}]", "orders.1.id=3"));

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(
			     json_array_get(json_object_get(root, "orders"), 1),
			     "id")),
	    3);
	json_decref(root);
}

/* A path that does not fit is told, and nothing is built. */
static void
test_trigger_override_refuses_bad_paths(void **state)
{
	static const char *const bad[] = { "orders.1.id=1", "orders.x=1",
		"orders.-1=1", "nothing.there=1", "brand_id.x=1", "orders.0.=1",
		"orders..id=1", "=1", "brand_id", "", "brand_id=\xff" };
	char reason[TRIGGER_REASON_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct trigger_body b = {
			.kind = TRIGGER_CREATED,
			.overrides = &bad[i],
			.noverrides = 1,
		};

		if (trigger_body_build(&b, &len, reason) != NULL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_memory_equal(reason, "--override ", 11);
	}
}

/* A batch has orders of their own, one after the other. */
static void
test_trigger_batches_orders(void **state)
{
	const struct trigger_body b = {
		.kind = TRIGGER_CREATED,
		.orders = 5,
		.order_id = ORDER_ID,
		.now_ms = NOW,
	};
	char reason[TRIGGER_REASON_MAX];
	json_t *root, *orders;
	size_t len = 0;
	char *text;

	(void)state;
	text = trigger_body_build(&b, &len, reason);
	assert_non_null(text);
	root = json_loadb(text, len, 0, NULL);
	orders = json_object_get(root, "orders");
	assert_int_equal(json_array_size(orders), 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(json_integer_value(
				     json_object_get(json_array_get(orders, i),
					 "id")),
		    ORDER_ID + (int64_t)i);
	json_decref(root);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trigger_types_are_klikits),
		cmocka_unit_test(test_trigger_builds_an_envelope),
		cmocka_unit_test(test_trigger_kinds_differ),
		cmocka_unit_test(test_trigger_batches_orders),
		cmocka_unit_test(test_trigger_override_takes_any_value),
		cmocka_unit_test(test_trigger_override_in_order),
		cmocka_unit_test(test_trigger_override_refuses_bad_paths),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
