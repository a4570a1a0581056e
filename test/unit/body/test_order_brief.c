/* What a kitchen looks for in an order. */
#include <stdio.h>
#include <string.h>

#include "handlers/body/order_brief.h"
#include "test/lib/cmocka_all.h"

static struct arena mem;

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&mem);
	return (0);
}

static struct order_brief
read(const char *document, const char *cart)
{
	struct order_brief brief;

	assert_int_equal(order_brief_read(&mem, document, cart, &brief), 0);
	return (brief);
}

/* Digits stay as they are, and codes that klikit documents get their word. */
static void
test_a_whole_order(void **state)
{
	struct order_brief b = read(
	    "{\"id\":1,\"short_id\":\"A7\",\"placed_at\":\"2026-01-01T00:00:"
	    "00Z\","
	    "\"created_at\":\"x\",\"final_price\":1.20e1,\"currency\":\"IDR\","
	    "\"provider_name\":\"grabfood\",\"type\":2,\"customer\":{\"name\":"
	    "\"R\"},\"order_comment\":\"no nuts\","
	    "\"cart\":[{\"title\":\"Nasi \\u0026 Co\",\"quantity\":2,"
	    "\"price\":98000,\"comment\":\"no onions\",\"groups\":[{\"title\":"
	    "\"Hot\",\"modifiers\":[{\"title\":\"Very\",\"quantity\":1,"
	    "\"groups\":"
	    "[{\"modifiers\":[{\"title\":\"Egg\",\"quantity\":3}]}]}]}]}]}",
	    NULL);

	(void)state;
	assert_string_equal(b.short_id, "A7");
	assert_string_equal(b.placed_at, "2026-01-01T00:00:00Z");
	assert_string_equal(b.total, "1.20e1");
	assert_string_equal(b.currency, "IDR");
	assert_string_equal(b.channel, "grabfood");
	assert_string_equal(b.kind, "delivery");
	assert_string_equal(b.comment, "no nuts");
	assert_int_equal(b.items_total, 1);
	assert_string_equal(b.items[0].title, "Nasi & Co");
	assert_string_equal(b.items[0].quantity, "2");
	assert_string_equal(b.items[0].comment, "no onions");
	assert_int_equal(b.items[0].noptions, 2);
	assert_string_equal(b.items[0].options[0], "Very");
	assert_string_equal(b.items[0].options[1], "3 × Egg");
}

/* Any field may be missing, null, or of another kind. */
static void
test_what_is_not_there(void **state)
{
	static const char *const documents[] = { "{}", "null", "", "[1]",
		"{\"cart\":null,\"total\":null,\"short_id\":[]}",
		"{\"cart\":{\"a\":1},\"total\":true}", "{\"cart\":[",
		"{\"cart" };

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct order_brief b = read(documents[i], documents[i]);

		assert_null(b.short_id);
		assert_null(b.placed_at);
		assert_null(b.comment);
		assert_null(b.total);
		assert_int_equal(b.items_total, 0);
	}
}

/* The newest cart has the items; one without any says nothing of them. */
static void
test_items_of_the_cart(void **state)
{
	static const char order[] =
	    "{\"total\":\"84.50\",\"cart_v2\":[{\"name\":"
	    "\"old\",\"quantity\":\"1\"}]}";
	struct order_brief b = read(order, "{\"cart\":[{\"title\":\"new\"}]}");

	(void)state;
	assert_string_equal(b.items[0].title, "new");
	assert_string_equal(b.total, "84.50");
	b = read(order, "{\"cart\":[]}");
	assert_string_equal(b.items[0].title, "old");
}

/* However large a body is, what is made of it is not. */
static void
test_it_is_bounded(void **state)
{
	static char document[64 * 1024];
	char *p = document;
	struct order_brief b;

	(void)state;
	p += sprintf(p, "{\"short_id\":\"");
	memset(p, 'x', ORDER_BRIEF_TEXT + 1);
	p += ORDER_BRIEF_TEXT + 1;
	p += sprintf(p, "\",\"cart\":[");
	for (int i = 0; i < 500; i++)
		p += sprintf(p, "%s{\"title\":\"%d\"}", i == 0 ? "" : ",", i);
	(void)sprintf(p, "]}");
	b = read(document, NULL);
	assert_null(b.short_id);
	assert_int_equal(b.items_total, 500);
	assert_int_equal(b.nitems, ORDER_BRIEF_ITEMS);
	assert_string_equal(b.items[99].title, "99");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_whole_order, teardown),
		cmocka_unit_test_teardown(test_what_is_not_there, teardown),
		cmocka_unit_test_teardown(test_items_of_the_cart, teardown),
		cmocka_unit_test_teardown(test_it_is_bounded, teardown),
	};

	return (cmocka_run_group_tests_name("order_brief", tests, NULL, NULL));
}
