#include "test/lib/cmocka_all.h"

#include "server/admin/allowance.h"

#define MS 1000
#define START ((int64_t)3600 * 1000 * MS)

/* Look every 10 ms for so long; the store commits so often between two. */
static int64_t
pass(struct allowance *al, int64_t now_us, int64_t us, uint64_t commits)
{
	int64_t end = now_us + us;

	while (now_us < end) {
		now_us += 10 * MS;
		allowance_earn(al, now_us, false, al->commits + commits);
	}
	return (now_us);
}

/* Who asks without a pause never waits while the store is idle. */
static void
test_allowance_of_an_idle_store(void **state)
{
	struct allowance al = { 0 };
	int64_t now = START;

	(void)state;
	for (int i = 0; i < 100; i++) {
		now += 60 * MS;
		allowance_spend(&al, 60 * MS);
		allowance_earn(&al, now, false, 1);
		assert_false(allowance_is_spent(&al));
	}
}

/* Of the time in which it is busy answers have one part. */
static void
test_allowance_of_a_busy_store(void **state)
{
	struct allowance al = { 0 };
	int64_t now = pass(&al, START, 1000 * MS, 3), asked = 0, end;

	(void)state;
	allowance_spend(&al, ALLOWANCE_MAX_US);
	for (end = now + 100000 * MS; now < end; now = pass(&al, now, 1, 3)) {
		if (allowance_is_spent(&al))
			continue;
		allowance_spend(&al, 20 * MS);
		asked += 20 * MS;
	}
	assert_in_range(asked, 100000 * MS / ALLOWANCE_PARTS - 40 * MS,
	    100000 * MS / ALLOWANCE_PARTS + 40 * MS);
}

/* Who asks now and then does not wait, however busy it is. */
static void
test_allowance_is_kept(void **state)
{
	struct allowance al = { 0 };
	int64_t now = START;

	(void)state;
	for (int i = 0; i < 100; i++) {
		now = pass(&al, now, 8000 * MS, 3);
		for (int page = 0; page < 5; page++) {
			assert_false(allowance_is_spent(&al));
			allowance_spend(&al, 50 * MS);
		}
	}
}

/* A short lull is none: the loop may have written an answer. A long one is. */
static void
test_allowance_of_a_lull(void **state)
{
	struct allowance al = { 0 };
	int64_t now = pass(&al, START, 1000 * MS, 3);

	(void)state;
	allowance_spend(&al, ALLOWANCE_MAX_US + 40 * MS);
	now = pass(&al, now, 50 * MS, 0);
	assert_true(allowance_is_spent(&al));
	(void)pass(&al, now, 100 * MS, 0);
	assert_false(allowance_is_spent(&al));
}

/* A disk that hangs leaves no commits: it is busy all the same. */
static void
test_allowance_of_a_slow_disk(void **state)
{
	struct allowance al = { 0 };

	(void)state;
	allowance_earn(&al, START, true, 1);
	allowance_spend(&al, ALLOWANCE_MAX_US + 1 * MS);
	allowance_earn(&al, START + 20 * MS, true, 1);
	assert_true(allowance_is_spent(&al));
}

/* Nobody pays for ever for one answer that took long. */
static void
test_allowance_wait_ends(void **state)
{
	struct allowance al = { 0 };
	int64_t now = pass(&al, START, 1000 * MS, 3);

	(void)state;
	allowance_spend(&al, 60000 * (int64_t)MS);
	(void)pass(&al, now, ALLOWANCE_WAIT_MAX_US + 20 * MS, 3);
	assert_false(allowance_is_spent(&al));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowance_of_an_idle_store),
		cmocka_unit_test(test_allowance_of_a_busy_store),
		cmocka_unit_test(test_allowance_is_kept),
		cmocka_unit_test(test_allowance_of_a_lull),
		cmocka_unit_test(test_allowance_of_a_slow_disk),
		cmocka_unit_test(test_allowance_wait_ends),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
