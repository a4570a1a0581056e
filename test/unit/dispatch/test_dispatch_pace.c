/* New jobs beside a backlog, and how much time there is for what is old. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/dispatch/backlog.h"
#include "server/dispatch/pace.h"
#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"

/* End all calls under way with that verdict. */
static void
finish_all(struct world *w, enum handler_verdict verdict)
{
	for (size_t n = w->ncalls; n > 0; n--)
		world_finish(w, verdict);
	world_settle(w);
}

/* While a backlog drains, the newest take turns with the oldest. */
static void
test_newest_jobs_take_turns_with_the_oldest(void **state)
{
	struct world *w = world_outlet(state, HANDLER_PENDING, 1);
	int64_t ev;

	world_add(w, 10000, 1);
	world_settle(w);
	ev = world_arrive(w, 1);
	dispatch_open(w->d, ev);
	world_settle(w);
	for (int i = 0; i < 2; i++) {
		world_finish(w, HANDLER_DONE);
		world_settle(w);
	}
	assert_int_equal(w->jobs[ev - 1].runs, 1);
	assert_int_equal(w->jobs[0].runs + w->jobs[1].runs, 2);
}

/* Of more new ones than are kept beside, none is lost or done twice. */
static void
test_a_flood_beside_a_backlog_is_bounded(void **state)
{
	struct world *w = world_outlet(state, HANDLER_PENDING, 4);

	world_add(w, 1000, 1);
	world_settle(w);
	for (int i = 0; i < 500; i++)
		dispatch_open(w->d, world_arrive(w, 1));
	world_settle(w);
	w->verdict = HANDLER_DONE;
	finish_all(w, HANDLER_DONE);
	assert_int_equal(world_count(w, JOB_DONE), 1500);
	assert_int_equal(w->runs, 1500);
	assert_in_range(w->queue_max, 1, BACKLOG_MAX);
}

/* Half a minute ago a thousand came; and a delivery waits for its commit. */
static struct world *
backlogged(void **state, size_t concurrency)
{
	struct world *w = *state;

	if (concurrency > 0)
		(void)world_outlet(state, HANDLER_DONE, concurrency);
	world_add(w, 1000, 1);
	fake_clock_pass_ms(30000);
	dispatch_expect(w->d, 1);
	world_handlers(w, 1, 0);
	world_turn(w);
	world_serve(w); /* the jobs are here now */
	return (w);
}

/* As world_settle(), with a store that takes its time. */
static void
settle_slowly(struct world *w, int64_t ms)
{
	do {
		world_turn(w);
		fake_clock_pass_ms(ms);
		world_serve(w);
		world_turn(w);
	} while (fake_store_first(w->st) != NULL);
}

/* While deliveries come, seven eighths of the time are not for the old. */
static void
test_old_jobs_rest_while_deliveries_come(void **state)
{
	struct world *w = backlogged(state, 0);

	w->verdict = HANDLER_DONE;
	settle_slowly(w, 5);
	assert_int_equal(w->runs, PACE_RECORDS_MIN);
	for (size_t i = 2; i <= 10; i++) {
		fake_clock_pass_ms(5 * PACE_REST_FACTOR - 1);
		settle_slowly(w, 0);
		assert_int_equal(w->runs, PACE_RECORDS_MIN * (i - 1));
		fake_clock_pass_ms(1);
		settle_slowly(w, 5);
		assert_int_equal(w->runs, PACE_RECORDS_MIN * i);
	}
}

/* An outlet's job costs twice: its start, and its outcome. */
static void
test_starts_and_outcomes_of_old_jobs_are_counted(void **state)
{
	struct world *w = backlogged(state, 4);

	w->verdict = HANDLER_PENDING;
	settle_slowly(w, 5);
	assert_int_equal(w->ncalls, 4);
	fake_clock_pass_ms(1000); /* the far side is slow: that costs nothing */
	while (w->ncalls > 0)
		world_finish(w, HANDLER_DONE);
	fake_clock_pass_ms(5);
	world_serve(w);
	world_turn(w);
	fake_clock_pass_ms(5 * PACE_REST_FACTOR - 1);
	world_settle(w);
	assert_int_equal(w->runs, 4);
	fake_clock_pass_ms(1);
	world_settle(w);
	assert_int_equal(w->runs, 8);
}

/* What comes now is done now, however many old jobs have to rest. */
static void
test_new_jobs_do_not_rest(void **state)
{
	struct world *w = backlogged(state, 0);

	w->verdict = HANDLER_DONE;
	settle_slowly(w, 5);
	for (int i = 0; i < 20; i++) {
		dispatch_open(w->d, world_arrive(w, 1));
		world_settle(w);
	}
	assert_int_equal(w->runs, PACE_RECORDS_MIN + 20);
}

/* With no delivery on its way the old jobs have all the time there is. */
static void
test_old_jobs_run_freely_when_nothing_comes(void **state)
{
	struct world *w = backlogged(state, 0);

	w->verdict = HANDLER_DONE;
	settle_slowly(w, 5);
	dispatch_expect(w->d, 0);
	fake_clock_pass_ms(PACE_CALM_US / 1000 - 1);
	settle_slowly(w, 0);
	assert_int_equal(w->runs, PACE_RECORDS_MIN);
	fake_clock_pass_ms(1);
	settle_slowly(w, 5);
	assert_int_equal(world_count(w, JOB_DONE), 1000);
}

/* However long a commit took, a second later the old ones have their turn. */
static void
test_the_rest_of_old_jobs_is_bounded(void **state)
{
	struct world *w = backlogged(state, 0);

	w->verdict = HANDLER_DONE;
	settle_slowly(w, 4000);
	assert_int_equal(w->runs, PACE_RECORDS_MIN);
	fake_clock_pass_ms(1000);
	settle_slowly(w, 1);
	assert_int_equal(w->runs, 2 * PACE_RECORDS_MIN);
}

/* An alarm that comes due is no old job, whatever its event's age. */
static void
test_an_alarm_does_not_rest(void **state)
{
	struct world *w = backlogged(state, 0);

	w->verdict = HANDLER_DONE;
	settle_slowly(w, 5);
	w->outlets = 2;
	world_add(w, 1, 2);
	w->jobs[w->njobs - 1].guards = 1;
	world_handlers(w, 2, 0);
	settle_slowly(w, 0);
	assert_int_equal(w->jobs[w->njobs - 1].runs, 1);
	assert_int_equal(w->runs, PACE_RECORDS_MIN + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_newest_jobs_take_turns_with_the_oldest),
		world_test(test_a_flood_beside_a_backlog_is_bounded),
		world_test(test_old_jobs_rest_while_deliveries_come),
		world_test(test_starts_and_outcomes_of_old_jobs_are_counted),
		world_test(test_new_jobs_do_not_rest),
		world_test(test_old_jobs_run_freely_when_nothing_comes),
		world_test(test_the_rest_of_old_jobs_is_bounded),
		world_test(test_an_alarm_does_not_rest),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
