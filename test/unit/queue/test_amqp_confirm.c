#include "test/lib/cmocka_all.h"

#include "handlers/queue/amqp_confirm.h"

#define MAX 4

static char owners[16];

static int
confirm_setup(void **state)
{
	*state = amqp_confirm_new(MAX);
	return (*state == NULL ? -1 : 0);
}

static int
confirm_teardown(void **state)
{
	amqp_confirm_free(*state);
	return (0);
}

/* Publish n messages; each one's owner and id are named after its number. */
static void
publish(struct amqp_confirm *c, unsigned from, unsigned n)
{
	char id[2] = "a";

	for (unsigned i = from; i < from + n; i++) {
		id[0] = (char)('a' + i);
		assert_true(amqp_confirm_has_room(c));
		assert_int_equal(amqp_confirm_add(c, &owners[i], id), i);
	}
}

static void
expect_taken(struct amqp_confirm *c, uint64_t tag, bool multiple,
    unsigned owner)
{
	struct amqp_settled settled;

	assert_true(amqp_confirm_take(c, tag, multiple, &settled));
	assert_ptr_equal(settled.owner, &owners[owner]);
}

static void
expect_none(struct amqp_confirm *c, uint64_t tag, bool multiple)
{
	struct amqp_settled settled;

	assert_false(amqp_confirm_take(c, tag, multiple, &settled));
}

static void
test_one_tag_settles_one(void **state)
{
	struct amqp_confirm *c = *state;

	publish(c, 1, 3);
	assert_true(amqp_confirm_knows(c, 2, false));
	expect_taken(c, 2, false, 2);
	expect_none(c, 2, false);
	assert_false(amqp_confirm_knows(c, 2, false));
	assert_int_equal(amqp_confirm_count(c), 2);
	expect_taken(c, 1, false, 1);
	expect_taken(c, 3, false, 3);
	assert_int_equal(amqp_confirm_count(c), 0);
}

/* In their order, and those that were settled apart are not settled again. */
static void
test_multiple_settles_all_up_to_it(void **state)
{
	struct amqp_confirm *c = *state;

	publish(c, 1, 4);
	expect_taken(c, 2, false, 2);
	expect_taken(c, 3, true, 1);
	expect_taken(c, 3, true, 3);
	expect_none(c, 3, true);
	assert_true(amqp_confirm_knows(c, 3, true));
	assert_int_equal(amqp_confirm_count(c), 1);
}

static void
test_tag_0_is_all(void **state)
{
	struct amqp_confirm *c = *state;

	expect_none(c, 0, true);
	publish(c, 1, 2);
	assert_true(amqp_confirm_knows(c, 0, true));
	assert_false(amqp_confirm_knows(c, 0, false));
	expect_taken(c, 0, true, 1);
	expect_taken(c, 0, true, 2);
	expect_none(c, 0, true);
}

static void
test_tags_that_were_not_given_out_are_unknown(void **state)
{
	struct amqp_confirm *c = *state;

	publish(c, 1, 2);
	assert_false(amqp_confirm_knows(c, 3, false));
	assert_false(amqp_confirm_knows(c, 3, true));
	assert_false(amqp_confirm_knows(c, UINT64_MAX, false));
	assert_false(amqp_confirm_knows(c, UINT64_MAX, true));
	expect_none(c, UINT64_MAX, false);
	expect_taken(c, UINT64_MAX, true, 1); /* the caller asks first */
}

static void
test_places_are_used_again(void **state)
{
	struct amqp_confirm *c = *state;

	publish(c, 1, MAX);
	assert_false(amqp_confirm_has_room(c));
	for (unsigned i = 1; i <= 6; i++) {
		expect_taken(c, i, false, i);
		publish(c, i + MAX, 1);
		assert_false(amqp_confirm_has_room(c));
	}
}

/* Its place is kept: what is confirmed later must not settle another. */
static void
test_the_abandoned_keep_their_place(void **state)
{
	struct amqp_confirm *c = *state;
	struct amqp_settled settled;

	publish(c, 1, MAX);
	amqp_confirm_abandon(c, 1);
	amqp_confirm_abandon(c, 9); /* was never given out */
	assert_false(amqp_confirm_has_room(c));
	assert_true(amqp_confirm_take(c, 1, true, &settled));
	assert_null(settled.owner);
	assert_true(amqp_confirm_has_room(c));
	expect_taken(c, 2, true, 2);
}

static void
test_a_return_is_known_by_its_id(void **state)
{
	struct amqp_confirm *c = *state;
	struct amqp_settled settled;

	publish(c, 1, 3);
	assert_int_equal(amqp_confirm_return(c, "c", 312), 0);
	assert_int_equal(amqp_confirm_return(c, "?", 312), -1);
	assert_int_equal(amqp_confirm_return(c, "c", 312), -1);
	assert_true(amqp_confirm_take(c, 3, true, &settled));
	assert_false(settled.returned);
	assert_true(amqp_confirm_take(c, 2, false, &settled));
	assert_true(settled.returned);
	assert_int_equal(settled.code, 312);
	publish(c, 4, 1);
	expect_taken(c, 3, true, 3);
	assert_true(amqp_confirm_take(c, 4, false, &settled));
	assert_false(settled.returned);
}

/* The same one twice (a retry behind one that timed out): each in its turn. */
static void
test_one_id_may_be_out_twice(void **state)
{
	struct amqp_confirm *c = *state;
	struct amqp_settled settled;

	assert_int_equal(amqp_confirm_add(c, &owners[1], "x"), 1);
	assert_int_equal(amqp_confirm_add(c, &owners[2], "x"), 2);
	assert_int_equal(amqp_confirm_return(c, "x", 312), 0);
	assert_int_equal(amqp_confirm_return(c, "x", 312), 0);
	assert_true(amqp_confirm_take(c, 2, false, &settled));
	assert_true(settled.returned);
}

static void
test_a_new_channel_begins_at_1(void **state)
{
	struct amqp_confirm *c = *state;

	publish(c, 1, 3);
	amqp_confirm_reset(c);
	assert_int_equal(amqp_confirm_count(c), 0);
	assert_false(amqp_confirm_knows(c, 1, false));
	publish(c, 1, 1);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, confirm_setup, confirm_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_tag_settles_one),
		TEST(test_multiple_settles_all_up_to_it),
		TEST(test_tag_0_is_all),
		TEST(test_tags_that_were_not_given_out_are_unknown),
		TEST(test_places_are_used_again),
		TEST(test_the_abandoned_keep_their_place),
		TEST(test_a_return_is_known_by_its_id),
		TEST(test_one_id_may_be_out_twice),
		TEST(test_a_new_channel_begins_at_1),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
