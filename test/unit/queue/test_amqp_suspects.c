#include <stdio.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/amqp_suspects.h"

static void
test_a_suspect_is_one_until_it_is_settled(void **state)
{
	struct amqp_suspects s = { .n = 0 };

	(void)state;
	assert_false(amqp_suspects_has(&s, "a"));
	amqp_suspects_remove(&s, "a");
	amqp_suspects_add(&s, "a");
	amqp_suspects_add(&s, "b");
	amqp_suspects_add(&s, "a"); /* it is one already */
	assert_true(amqp_suspects_has(&s, "a"));
	assert_true(amqp_suspects_has(&s, "b"));
	assert_false(amqp_suspects_has(&s, ""));
	amqp_suspects_remove(&s, "a");
	assert_false(amqp_suspects_has(&s, "a"));
	assert_true(amqp_suspects_has(&s, "b"));
	amqp_suspects_remove(&s, "b");
	assert_int_equal(s.n, 0);
}

static void
test_the_oldest_is_forgotten(void **state)
{
	static struct amqp_suspects s;
	char id[16];

	(void)state;
	for (unsigned i = 0; i <= AMQP_SUSPECTS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "%u", i);
		amqp_suspects_add(&s, id);
		assert_true(amqp_suspects_has(&s, id));
	}
	assert_int_equal(s.n, AMQP_SUSPECTS_MAX);
	assert_false(amqp_suspects_has(&s, "0"));
	assert_true(amqp_suspects_has(&s, "1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_suspect_is_one_until_it_is_settled),
		cmocka_unit_test(test_the_oldest_is_forgotten),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
