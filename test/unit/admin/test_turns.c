#include "test/lib/cmocka_all.h"

#include "server/admin/turns.h"

static struct turn *started[16];
static size_t nstarted;

static void
start_cb(struct turn *turn)
{
	started[nstarted++] = turn;
}

static void
begin(struct turns *turns, struct turn *turn, const char *address)
{
	turn_begin(turns, turn, peer_net_parse(address));
}

static int
setup(void **state)
{
	static struct turns turns;

	nstarted = 0;
	turns_init(&turns, start_cb);
	*state = &turns;
	return (0);
}

/* So many run at once, and the next one only when one of them has ended. */
static void
test_turns_run_a_few_at_once(void **state)
{
	struct turns *turns = *state;
	struct turn of[TURNS_MAX + 2];

	for (size_t i = 0; i < TURNS_MAX + 2; i++)
		begin(turns, &of[i], "10.0.0.1");
	assert_int_equal(nstarted, TURNS_MAX);
	turn_end(turns, &of[1]);
	turns_pump(turns);
	assert_int_equal(nstarted, TURNS_MAX + 1);
	assert_ptr_equal(started[TURNS_MAX], &of[TURNS_MAX]);
}

/* An address that asks for much keeps no other waiting behind all of it. */
static void
test_turns_go_to_who_asks_for_least(void **state)
{
	struct turns *turns = *state;
	struct turn greedy[TURNS_MAX + 4], modest;

	for (size_t i = 0; i < TURNS_MAX + 4; i++)
		begin(turns, &greedy[i], "10.0.0.1");
	begin(turns, &modest, "10.0.0.2");
	turn_end(turns, &greedy[0]);
	turns_pump(turns);
	assert_ptr_equal(started[TURNS_MAX], &modest);
}

/* Who leaves before his turn takes nobody's place. */
static void
test_turns_forget_who_leaves(void **state)
{
	struct turns *turns = *state;
	struct turn of[TURNS_MAX + 2];

	for (size_t i = 0; i < TURNS_MAX + 2; i++)
		begin(turns, &of[i], "10.0.0.1");
	turn_end(turns, &of[TURNS_MAX]);
	turns_pump(turns);
	assert_int_equal(nstarted, TURNS_MAX);
	turn_end(turns, &of[0]);
	turns_pump(turns);
	assert_ptr_equal(started[TURNS_MAX], &of[TURNS_MAX + 1]);
}

/* While it is time for nobody, none is started; then those that may be. */
static void
test_turns_rest(void **state)
{
	struct turns *turns = *state;
	struct turn of[2];

	turns_rest(turns, true);
	begin(turns, &of[0], "10.0.0.1");
	begin(turns, &of[1], "10.0.0.1");
	assert_int_equal(nstarted, 0);
	turn_end(turns, &of[0]);
	turns_pump(turns);
	assert_int_equal(nstarted, 0);
	turns_rest(turns, false);
	turns_pump(turns);
	assert_int_equal(nstarted, 1);
	assert_ptr_equal(started[0], &of[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_turns_run_a_few_at_once, setup),
		cmocka_unit_test_setup(test_turns_go_to_who_asks_for_least,
		    setup),
		cmocka_unit_test_setup(test_turns_forget_who_leaves, setup),
		cmocka_unit_test_setup(test_turns_rest, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
