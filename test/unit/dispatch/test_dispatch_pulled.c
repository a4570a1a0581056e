/* Handlers whose far side comes for its jobs by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/dispatch_world.h"
#include "test/lib/fake_clock.h"

/* The world with one that is pulled, and so many jobs; nobody is there. */
static struct world *
world_pulled_by_nobody(void **state, size_t jobs)
{
	struct world *w = *state;

	w->pulled = true;
	w = world_outlet(state, HANDLER_PENDING, 100);
	world_add(w, jobs, 1);
	dispatch_look(w->d, 1);
	return (w);
}

static void
test_nothing_is_begun_while_nobody_is_there(void **state)
{
	struct world *w = world_pulled_by_nobody(state, 10);

	world_settle(w);
	fake_clock_pass_ms(WORLD_MAX_AGE_MS * 2);
	world_settle(w);
	assert_int_equal(fake_store_total(w->st, FAKE_START), 0);
	assert_int_equal(world_count(w, JOB_READY), 10);
}

/* No more is begun than there is room for, its starts under way included. */
static void
test_as_many_as_there_is_room_for(void **state)
{
	struct world *w = world_pulled_by_nobody(state, 10);

	world_settle(w);
	w->room = 3;
	dispatch_has_room(w->d);
	for (int i = 0; i < 5; i++)
		world_turn(w);
	assert_int_equal(fake_store_total(w->st, FAKE_START), 3);
	world_settle(w);
	assert_int_equal(w->ncalls, 3);
	assert_int_equal(fake_store_total(w->st, FAKE_START), 3);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(fake_store_total(w->st, FAKE_START), 4);
	w->room = 100;
	dispatch_has_room(w->d);
	world_settle(w);
	assert_int_equal(w->ncalls, 9);
	while (w->ncalls > 0)
		world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(world_count(w, JOB_DONE), 10);
}

/* Away, nothing is kept in memory, nor fetched; back, all of it is there. */
static void
test_jobs_are_let_go_and_come_back(void **state)
{
	struct world *w = world_pulled_by_nobody(state, 10);
	size_t asked;

	world_settle(w);
	w->away = true;
	dispatch_has_room(w->d);
	world_settle(w);
	asked = fake_store_total(w->st, FAKE_RUNNABLE);
	dispatch_open(w->d, world_arrive(w, 1));
	world_settle(w);
	assert_int_equal(fake_store_total(w->st, FAKE_RUNNABLE), asked);
	w->away = false;
	w->room = 100;
	dispatch_has_room(w->d);
	world_settle(w);
	assert_int_equal(w->ncalls, 11);
	assert_int_equal(w->disorder, 0);
	while (w->ncalls > 0)
		world_finish(w, HANDLER_DONE);
	world_settle(w);
}

static void
recorded_cb(void *arg, bool kept)
{
	struct world *w = arg;

	w->recorded++;
	w->kept = kept;
}

/* Who reports an outcome hears when it is on disk, however long that takes. */
static void
test_who_reports_hears_when_it_is_on_disk(void **state)
{
	struct world *w = world_pulled_by_nobody(state, 1);

	w->room = 1;
	world_settle(w);
	w->result.recorded = recorded_cb;
	w->result.recorded_arg = w;
	w->finish_rc = STORE_BUSY;
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(w->recorded, 0);
	w->finish_rc = STORE_OK;
	fake_clock_pass_ms(2000);
	world_settle(w);
	assert_int_equal(w->recorded, 1);
	assert_true(w->kept);
	dispatch_open(w->d, world_arrive(w, 1));
	world_settle(w);
	assert_int_equal(w->ncalls, 1);
	w->finish_rc = STORE_LOST;
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(w->recorded, 2);
	assert_false(w->kept);
}

/* A reload takes the place of an instance before its calls have ended. */
static void
test_a_reload_retires_an_instance(void **state)
{
	struct world *w = world_pulled_by_nobody(state, 1);
	char text[HANDLER_REASON_MAX];

	w->room = 1;
	assert_int_equal(dispatch_pullers(w->d, 1, text), 5);
	assert_string_equal(text, "pulled for 1");
	world_settle(w);
	assert_int_equal(w->ncalls, 1);
	assert_int_equal(w->retired, 0);
	world_handlers(w, 1, 0);
	assert_int_equal(w->retired, 1);
	assert_int_equal(w->opened, 2);
	world_finish(w, HANDLER_DONE);
	world_settle(w);
	assert_int_equal(w->opened, 1);
	assert_int_equal(world_count(w, JOB_DONE), 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		world_test(test_nothing_is_begun_while_nobody_is_there),
		world_test(test_as_many_as_there_is_room_for),
		world_test(test_jobs_are_let_go_and_come_back),
		world_test(test_who_reports_hears_when_it_is_on_disk),
		world_test(test_a_reload_retires_an_instance),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
