#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/registry.h"
#include "store/order.h"
#include "test/lib/settings.h"

static const struct store_order two_orders[] = {
	{ 0, "7585307", "2", "2026-06-25T09:14:11Z", "ABC-123" },
	{ 3, "7585308", "3", NULL, NULL },
};

static const struct store_event two_event = {
	.id = 41,
	.event_id = "e",
	.type = "klikit.order.created.v2",
	.brand = "910",
	.branch = "2041",
	.digest = { 1, 2, 3 },
	.orders = two_orders,
	.norders = 2,
};

/* A handler with those codes; of none that end an order, and by number. */
static struct handler_instance *
open_with(struct key_list terminal, struct key_list status_order)
{
	_Alignas(max_align_t) char settings[256] = { 0 };
	const struct handler_options opt = { .name = "orders",
		.settings = settings,
		.status_order = status_order };
	const struct handler_env env = { .arg = NULL };
	char reason[HANDLER_REASON_MAX];
	struct handler_instance *h;

	assert_true(handler_orders.settings_size <= sizeof(settings));
	memcpy(settings_field(&handler_orders, settings, "terminal"), &terminal,
	    sizeof(terminal));
	assert_non_null(h = handler_orders.open(&env, &opt, reason));
	assert_ptr_equal(h->type, &handler_orders);
	return (h);
}

static struct handler_instance *
open_orders(void)
{
	char three[] = "3", nine[] = "9";
	char *terminal[] = { three, nine };

	return (open_with((struct key_list){ terminal, 2 },
	    (struct key_list){ NULL, 0 }));
}

/* Run ev's job for place; always DONE, with writes of the count given. */
static const struct store_write *
run(struct handler_instance *h, const struct store_event *ev, int32_t place,
    size_t nwrites)
{
	const struct handler_job job = {
		.ev = ev,
		.place = place,
		.attempt = 1,
	};
	struct handler_result res = { .nwrites = 0 };

	assert_int_equal(h->type->run(h, &job, &res), HANDLER_DONE);
	assert_int_equal(res.nwrites, nwrites);
	return (res.writes);
}

/* Is w the row that two_event's i-th order makes in that table? */
static void
assert_write(const struct store_write *w, enum store_table table, size_t i,
    bool terminal, bool status_event)
{
	const struct order_version v = {
		.updated_at = two_orders[i].updated_at,
		.terminal = terminal,
		.status_event = status_event,
		.rank = order_rank(two_orders[i].status, NULL, 0),
		.event = 41,
		.place = (uint32_t)two_orders[i].place,
	};
	unsigned char key[ORDER_KEY_LEN];

	order_key(&v, key);
	assert_int_equal(w->table, table);
	assert_ptr_equal(w->order, &two_orders[i]);
	assert_string_equal(w->brand, "910");
	assert_string_equal(w->branch, "2041");
	assert_memory_equal(w->key, key, ORDER_KEY_LEN);
	assert_int_equal(w->event, 41);
	assert_int_equal(w->place, two_orders[i].place);
}

/* A created event writes record and cart of every order it carries. */
static void
test_orders_created_writes_both_tables(void **state)
{
	struct handler_instance *h = open_orders();
	const struct store_write *w;

	(void)state;
	w = run(h, &two_event, STORE_WHOLE_EVENT, 4);
	assert_write(&w[0], STORE_ORDERS, 0, false, false);
	assert_write(&w[1], STORE_CARTS, 0, false, false);
	assert_write(&w[2], STORE_ORDERS, 1, true, false);
	assert_write(&w[3], STORE_CARTS, 1, true, false);
	h->type->close(h);
}

/* A status event writes records only, and its key says so. */
static void
test_orders_status_leaves_carts_alone(void **state)
{
	struct handler_instance *h = open_orders();
	struct store_event ev = two_event;
	const struct store_write *w;

	(void)state;
	ev.type = "klikit.order.status.updated";
	w = run(h, &ev, STORE_WHOLE_EVENT, 2);
	assert_write(&w[0], STORE_ORDERS, 0, false, true);
	assert_write(&w[1], STORE_ORDERS, 1, true, true);
	h->type->close(h);
}

/* A cart event writes carts only. */
static void
test_orders_cart_leaves_records_alone(void **state)
{
	struct handler_instance *h = open_orders();
	struct store_event ev = two_event;
	const struct store_write *w;

	(void)state;
	ev.type = "klikit.order.cart.updated";
	w = run(h, &ev, STORE_WHOLE_EVENT, 2);
	assert_write(&w[0], STORE_CARTS, 0, false, false);
	assert_write(&w[1], STORE_CARTS, 1, true, false);
	h->type->close(h);
}

/* A job for one order writes that order, found by its place in the body. */
static void
test_orders_job_for_one_order_writes_one(void **state)
{
	struct handler_instance *h = open_orders();
	const struct store_write *w;

	(void)state;
	w = run(h, &two_event, 3, 2);
	assert_write(&w[0], STORE_ORDERS, 1, true, false);
	assert_write(&w[1], STORE_CARTS, 1, true, false);
	(void)run(h, &two_event, 1, 0); /* a stray stood there */
	h->type->close(h);
}

/* Unknown kinds and events without orders are done, with no rows. */
static void
test_orders_nothing_to_do_is_done(void **state)
{
	struct handler_instance *h = open_orders();
	struct store_event ev = two_event;

	(void)state;
	ev.type = "klikit.order.courier_assigned";
	(void)run(h, &ev, STORE_WHOLE_EVENT, 0);
	ev.type = "klikit.order.created.v2";
	ev.orders = NULL;
	ev.norders = 0;
	(void)run(h, &ev, STORE_WHOLE_EVENT, 0);
	h->type->close(h);
}

/* The same job again, at any attempt, gives the same rows. */
static void
test_orders_same_job_gives_the_same_rows(void **state)
{
	struct handler_instance *h = open_orders();
	struct handler_result res = { .nwrites = 0 };
	struct store_write first[4];

	(void)state;
	memcpy(first, run(h, &two_event, STORE_WHOLE_EVENT, 4), sizeof(first));
	(void)run(h, &two_event, 0, 2);
	assert_int_equal(h->type->run(h,
			     &(struct handler_job){ .ev = &two_event,
				 .place = STORE_WHOLE_EVENT,
				 .attempt = 7 },
			     &res),
	    HANDLER_DONE);
	for (int i = 0; i < 4; i++) {
		assert_memory_equal(res.writes[i].key, first[i].key,
		    ORDER_KEY_LEN);
		assert_ptr_equal(res.writes[i].order, first[i].order);
		assert_int_equal(res.writes[i].table, first[i].table);
	}
	h->type->close(h);
}

/* How far a status is comes from the configured list, if there is one. */
static void
test_orders_rank_comes_from_the_options(void **state)
{
	char one[] = "1", two[] = "2", three[] = "3";
	char *order[] = { three, one, two };
	unsigned char first[ORDER_KEY_LEN];
	struct handler_instance *h;
	struct store_order same[2];
	struct store_event ev = two_event;
	const struct store_write *w;

	(void)state;
	h = open_with((struct key_list){ NULL, 0 },
	    (struct key_list){ order, 3 });
	memcpy(same, two_orders, sizeof(same));
	same[1].updated_at = same[0].updated_at; /* "2" over "3" */
	ev.orders = same;
	w = run(h, &ev, STORE_WHOLE_EVENT, 4);
	memcpy(first, w[0].key, sizeof(first));
	assert_true(memcmp(first, w[2].key, sizeof(first)) > 0);
	same[0].status = "7"; /* not listed: the first of all */
	w = run(h, &ev, STORE_WHOLE_EVENT, 4);
	assert_true(memcmp(w[0].key, w[2].key, sizeof(first)) < 0);
	h->type->close(h);
	h = open_orders();
	same[0].status = "12"; /* by number, but 3 is terminal */
	same[1].status = "4";
	w = run(h, &ev, STORE_WHOLE_EVENT, 4);
	assert_true(memcmp(w[0].key, w[2].key, sizeof(first)) > 0);
	same[1].status = "3";
	w = run(h, &ev, STORE_WHOLE_EVENT, 4);
	assert_true(memcmp(w[0].key, w[2].key, sizeof(first)) < 0);
	h->type->close(h);
}

/* Without terminal codes, or without a status, no order has ended. */
static void
test_orders_terminal_comes_from_the_options(void **state)
{
	struct handler_instance *h;
	struct store_order no_status = two_orders[1];
	struct store_event ev = two_event;
	const struct store_write *w;

	(void)state;
	h = open_with((struct key_list){ NULL, 0 },
	    (struct key_list){ NULL, 0 });
	w = run(h, &two_event, 3, 2);
	assert_write(&w[0], STORE_ORDERS, 1, false, false);
	h->type->close(h);

	h = open_orders();
	no_status.status = NULL;
	ev.orders = &no_status;
	ev.norders = 1;
	w = run(h, &ev, STORE_WHOLE_EVENT, 2);
	assert_int_equal(w[0].key[9], 0);
	h->type->close(h);
	handler_orders.close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders_created_writes_both_tables),
		cmocka_unit_test(test_orders_status_leaves_carts_alone),
		cmocka_unit_test(test_orders_cart_leaves_records_alone),
		cmocka_unit_test(test_orders_job_for_one_order_writes_one),
		cmocka_unit_test(test_orders_nothing_to_do_is_done),
		cmocka_unit_test(test_orders_same_job_gives_the_same_rows),
		cmocka_unit_test(test_orders_rank_comes_from_the_options),
		cmocka_unit_test(test_orders_terminal_comes_from_the_options),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
