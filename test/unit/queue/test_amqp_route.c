#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/amqp_route.h"

static const struct amqp_route route = { .type = "klikit.order.created.v2",
	.brand = "7",
	.branch = "" };

static void
expect_key(const char *template, const char *key)
{
	char made[AMQP_ROUTE_MAX + 1], reason[128];

	assert_int_equal(amqp_route_check(template, reason, sizeof(reason)), 0);
	assert_int_equal(amqp_route_write(template, &route, made), 0);
	assert_string_equal(made, key);
}

static void
test_names_stand_for_what_the_event_says(void **state)
{
	(void)state;
	expect_key("", "");
	expect_key("orders", "orders");
	expect_key("{type}", "klikit.order.created.v2");
	expect_key("o.{brand}.{type}", "o.7.klikit.order.created.v2");
	expect_key("{brand}{brand}", "77");
	expect_key("b.{branch}.x", "b..x"); /* an empty word, which * matches */
}

static void
test_a_template_varies_or_not(void **state)
{
	(void)state;
	assert_true(amqp_route_varies("o.{brand}"));
	assert_false(amqp_route_varies("orders"));
}

static void
expect_wrong(const char *template, const char *words)
{
	char reason[128] = "";

	assert_int_equal(amqp_route_check(template, reason, sizeof(reason)),
	    -1);
	assert_non_null(strstr(reason, words));
}

static void
test_other_braces_are_refused(void **state)
{
	(void)state;
	expect_wrong("a{order}", "byte 2");
	expect_wrong("{type", "byte 1");
	expect_wrong("type}", "byte 5");
	expect_wrong("{{type}}", "byte 1");
	expect_wrong("{type}}", "byte 7");
	expect_wrong("{}", "byte 1");
}

static void
test_a_key_has_a_limit(void **state)
{
	char text[AMQP_ROUTE_MAX + 2], made[AMQP_ROUTE_MAX + 1];
	struct amqp_route tall = route;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_wrong(text, "longer");
	assert_int_equal(amqp_route_write(text + 1, &route, made), 0);
	tall.brand = text + 1;
	assert_int_equal(amqp_route_write("{brand}", &tall, made), 0);
	assert_int_equal(strlen(made), AMQP_ROUTE_MAX);
	assert_int_equal(amqp_route_write("{brand}.", &tall, made), -1);
	assert_int_equal(amqp_route_write(".{brand}", &tall, made), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_stand_for_what_the_event_says),
		cmocka_unit_test(test_a_template_varies_or_not),
		cmocka_unit_test(test_other_braces_are_refused),
		cmocka_unit_test(test_a_key_has_a_limit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
