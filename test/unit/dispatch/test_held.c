#include "test/lib/cmocka_all.h"

#include "server/dispatch/held.h"

static struct held held;

static int
setup(void **state)
{
	(void)state;
	held_init(&held);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	held_fini(&held);
	return (0);
}

/* Hold an event with that id and so many jobs. */
static void
hold(int64_t id, size_t njobs)
{
	struct store_event src = {
		.event_id = "e",
		.type = "t",
		.secret = "s",
		.peer = "p",
	};
	struct store_event *ev = store_event_new(&src);
	struct store_job jobs[3] = { 0 };

	assert_non_null(ev);
	ev->id = id;
	for (size_t i = 0; i < njobs; i++)
		jobs[i] =
		    (struct store_job){ .id = 10 * id + (int64_t)i, .ev = ev };
	assert_int_equal(held_add(&held, ev, jobs, njobs), 0);
	store_event_unref(ev); /* it has its own reference */
}

/* Take the first answered one, which is that; offered as is said. */
static void
assert_next(int64_t id, size_t njobs, bool offered)
{
	struct held_event *next = held_take(&held);

	assert_non_null(next);
	assert_int_equal(next->ev->id, id);
	assert_int_equal(next->njobs, njobs);
	assert_int_equal(next->offered, offered);
	for (size_t i = 0; i < njobs; i++) {
		assert_int_equal(next->jobs[i].id, 10 * id + (int64_t)i);
		assert_ptr_equal(next->jobs[i].ev, next->ev);
	}
	held_event_free(next);
}

/* An event stays until it is answered; they leave in that order. */
static void
test_held_events_leave_as_they_are_answered(void **state)
{
	(void)state;
	hold(1, 1);
	hold(2, 3);
	hold(3, 0);
	assert_false(held_has_answered(&held));
	assert_null(held_take(&held));
	assert_int_equal(held_answer(&held, 3), 0);
	assert_int_equal(held_answer(&held, 2), 0);
	assert_true(held_has_answered(&held));
	assert_next(3, 0, false);
	assert_next(2, 3, false);
	assert_false(held_has_answered(&held));
	assert_int_equal(held_answer(&held, 2), -1);
	assert_int_equal(held_answer(&held, 1), 0); /* teardown frees it */
}

/* Its jobs are deferred until it is taken, and it notes that they were. */
static void
test_held_jobs_are_deferred(void **state)
{
	(void)state;
	hold(1, 1);
	hold(2, 1);
	assert_false(held_defers(&held, 7));
	assert_true(held_defers(&held, 1));
	assert_int_equal(held_answer(&held, 1), 0);
	assert_int_equal(held_answer(&held, 2), 0);
	assert_next(1, 1, true);
	assert_false(held_defers(&held, 1));
	assert_true(held_defers(&held, 2)); /* answered, but not taken */
	assert_next(2, 1, true);
}

#define held_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		held_test(test_held_events_leave_as_they_are_answered),
		held_test(test_held_jobs_are_deferred),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
