#include "server/dispatch/journal.h"

#include "test/lib/cmocka_all.h"

static unsigned woken;

/* journal_listen() */
static void
wake_cb(void *arg)
{
	assert_ptr_equal(arg, &woken);
	woken++;
}

static int
setup(void **state)
{
	woken = 0;
	*state = journal_new();
	return (*state == NULL ? -1 : 0);
}

static int
teardown(void **state)
{
	journal_free(*state);
	return (0);
}

/* The times of an event are known until its place goes to another. */
static void
test_times(void **state)
{
	struct journal *j = *state;

	assert_int_equal(journal_stored_ms(j, 7), 0);
	journal_acked(j, 7, 50); /* of one that it has not heard of */
	assert_int_equal(journal_acked_ms(j, 7), 0);
	journal_stored(j, 7, 100);
	assert_int_equal(journal_stored_ms(j, 7), 100);
	assert_int_equal(journal_acked_ms(j, 7), 0);
	journal_acked(j, 7, 110);
	assert_int_equal(journal_acked_ms(j, 7), 110);
	journal_stored(j, 7 + JOURNAL_TIMES, 200);
	assert_int_equal(journal_stored_ms(j, 7), 0);
	assert_int_equal(journal_acked_ms(j, 7), 0);
	assert_int_equal(journal_stored_ms(j, 7 + JOURNAL_TIMES), 200);
	assert_int_equal(journal_acked_ms(j, 7 + JOURNAL_TIMES), 0);
}

/* What nobody listens to leaves nothing behind. */
static void
test_nobody_listens(void **state)
{
	struct journal *j = *state;
	int64_t got[JOURNAL_MAX];

	journal_note(NULL, JOURNAL_JOB, 1);
	journal_stored(NULL, 1, 1);
	journal_acked(NULL, 1, 1);
	for (int64_t i = 1; i < 1000; i++)
		journal_note(j, JOURNAL_JOB, i);
	assert_false(journal_has(j));
	journal_listen(j, JOURNAL_MAX, wake_cb, &woken);
	assert_false(journal_lost(j));
	assert_int_equal(journal_take(j, JOURNAL_JOB, got), 0);
	assert_int_equal(woken, 0);
}

/* Each number comes once, in order, and apart from other kinds. */
static void
test_take(void **state)
{
	struct journal *j = *state;
	int64_t got[JOURNAL_MAX];

	journal_listen(j, JOURNAL_MAX, wake_cb, &woken);
	journal_note(j, JOURNAL_JOB, 5);
	journal_note(j, JOURNAL_JOB, 5);
	journal_note(j, JOURNAL_JOB, 3);
	journal_stored(j, 9, 1);
	journal_note(j, JOURNAL_JOB, 5);
	assert_int_equal(woken, 1); /* until something is taken */
	assert_int_equal(journal_take(j, JOURNAL_JOB, got), 2);
	assert_int_equal(got[0], 3);
	assert_int_equal(got[1], 5);
	assert_true(journal_has(j));
	assert_int_equal(journal_take(j, JOURNAL_EVENT, got), 1);
	assert_int_equal(got[0], 9);
	assert_int_equal(journal_take(j, JOURNAL_HANDLER, got), 0);
	assert_false(journal_has(j));
	journal_note(j, JOURNAL_HANDLER, 1);
	assert_int_equal(woken, 2);
}

/* More than is kept is reported as lost, and forgotten with the rest. */
static void
test_lost(void **state)
{
	struct journal *j = *state;
	int64_t got[JOURNAL_MAX];

	journal_listen(j, 2, wake_cb, &woken);
	journal_note(j, JOURNAL_EVENT, 1);
	journal_note(j, JOURNAL_EVENT, 2);
	assert_false(journal_lost(j));
	journal_note(j, JOURNAL_EVENT, 3);
	assert_true(journal_lost(j));
	assert_false(journal_lost(j));
	assert_false(journal_has(j));
	assert_int_equal(journal_take(j, JOURNAL_EVENT, got), 0);
	journal_listen(j, SIZE_MAX, wake_cb, &woken);
	for (int64_t i = 0; i <= JOURNAL_MAX; i++)
		journal_note(j, JOURNAL_JOB, i);
	assert_true(journal_lost(j));
}

/* What nobody knows of is lost, for who listens; and wakes it once. */
static void
test_losing_is_as_too_much(void **state)
{
	struct journal *j = *state;
	unsigned before;

	journal_lose(NULL);
	journal_lose(j);
	assert_false(journal_lost(j));
	journal_listen(j, 2, wake_cb, &woken);
	before = woken;
	journal_lose(j);
	journal_note(j, JOURNAL_EVENT, 1);
	assert_int_equal(woken, before + 1);
	assert_true(journal_lost(j));
	assert_false(journal_has(j));
}

/* Who stops listening forgets what was noted. */
static void
test_listen_no_longer(void **state)
{
	struct journal *j = *state;
	int64_t got[JOURNAL_MAX];

	journal_listen(j, 1, wake_cb, &woken);
	journal_note(j, JOURNAL_EVENT, 1);
	journal_note(j, JOURNAL_EVENT, 2);
	journal_listen(j, 0, NULL, NULL);
	journal_note(j, JOURNAL_EVENT, 3);
	assert_false(journal_has(j));
	assert_false(journal_lost(j));
	journal_listen(j, 1, wake_cb, &woken);
	assert_int_equal(journal_take(j, JOURNAL_EVENT, got), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_times, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_listens, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_take, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_losing_is_as_too_much,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_listen_no_longer, setup,
		    teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
