#include "test/lib/cmocka_all.h"

#include "server/dispatch/backlog.h"

/* More than any queue of it takes. */
#define RUNS (2 * BACKLOG_MAX)

static struct backlog backlog;
static struct run runs[RUNS];
static const struct steady_time now = { 1000000 };

/* Empty, and the store has nothing more. */
static int
setup(void **state)
{
	(void)state;
	backlog_init(&backlog);
	backlog_asked(&backlog);
	backlog_answered(&backlog, &(struct backlog_fetch){ .limit = 1 },
	    (struct steady_time){ 0 });
	for (size_t i = 0; i < RUNS; i++)
		runs[i] = (struct run){ .job.id = (int64_t)i };
	return (0);
}

/* Put in n runs from the i-th on, in that state, tried so often. */
static void
put(size_t i, size_t n, enum run_state state, unsigned attempts)
{
	for (; n > 0; n--, i++) {
		runs[i].state = state;
		runs[i].job.attempts = attempts;
		runs[i].out.due_at.ms = now.ms + (int64_t)i;
		backlog_put(&backlog, &runs[i]);
	}
}

static enum backlog_offer
offer(struct backlog_fetch *f, int64_t job, unsigned attempts)
{
	struct store_job offered = { .id = job, .attempts = attempts };
	struct run *waiting;
	enum backlog_offer rc =
	    backlog_offer(&backlog, f, &offered, false, &waiting);

	if (rc == BACKLOG_END_WAIT)
		assert_ptr_equal(waiting, &runs[job]);
	return (rc);
}

/* A run is in the queue of its state and attempts, and leaves it again. */
static void
test_backlog_has_a_queue_for_each(void **state)
{
	static const struct {
		enum run_state state;
		unsigned attempts;
		const struct run_queue *q;
	} cases[] = {
		{ RUN_QUEUED, 0, &backlog.untried },
		{ RUN_QUEUED, 1, &backlog.tried_once },
		{ RUN_QUEUED, 2, &backlog.tried_more },
		{ RUN_QUEUED, 9, &backlog.tried_more },
		{ RUN_FRESH, 0, &backlog.fresh },
		{ RUN_WAITING, 1, &backlog.waiting },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(i, 1, cases[i].state, cases[i].attempts);
		assert_int_equal(cases[i].q->n, 1);
		assert_ptr_equal(TAILQ_FIRST(&cases[i].q->list), &runs[i]);
		assert_ptr_equal(backlog_any(&backlog), &runs[i]);
		backlog_remove(&backlog, &runs[i]);
		assert_int_equal(cases[i].q->n, 0);
		assert_null(backlog_any(&backlog));
	}
}

/* What becomes runnable is next, unless the store has older ones. */
static void
test_backlog_places_new_jobs(void **state)
{
	struct store_job untried = { .attempts = 0 }, tried = { .attempts = 1 };

	(void)state;
	assert_int_equal(backlog_place(&backlog, &untried), RUN_QUEUED);
	backlog_asked(&backlog); /* older ones may be on their way */
	assert_int_equal(backlog_place(&backlog, &untried), RUN_FRESH);
	assert_int_equal(backlog_place(&backlog, &tried), RUN_QUEUED);
	(void)setup(NULL);
	backlog_look(&backlog);
	assert_int_equal(backlog_place(&backlog, &untried), RUN_FRESH);
	(void)setup(NULL);
	put(0, BACKLOG_MAX, RUN_QUEUED, 0);
	assert_int_equal(backlog_place(&backlog, &untried), RUN_FRESH);
	for (size_t i = 0; i < BACKLOG_MAX; i++)
		backlog_remove(&backlog, &runs[i]);
	assert_true(backlog_wants(&backlog)); /* it has noted that */
}

/* Of the fresh ones the oldest goes back to the others in the store. */
static void
test_backlog_keeps_few_fresh_ones(void **state)
{
	(void)state;
	put(0, BACKLOG_FRESH_MAX, RUN_FRESH, 0);
	assert_null(backlog_surplus(&backlog));
	assert_false(backlog_wants(&backlog));
	put(BACKLOG_FRESH_MAX, 1, RUN_FRESH, 0);
	assert_ptr_equal(backlog_surplus(&backlog), &runs[0]);
	assert_true(backlog_wants(&backlog));
	assert_ptr_equal(backlog_newest(&backlog), &runs[BACKLOG_FRESH_MAX]);
}

/* Waits end in the order of their times, however they were put in. */
static void
test_backlog_waits_end_in_order(void **state)
{
	static const int64_t due_ms[] = { 30, 10, 20, 10, 40 };
	static const size_t order[] = { 1, 3, 2, 0, 4 };
	struct steady_time then = now;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		runs[i].state = RUN_WAITING;
		runs[i].out.due_at = steady_add(now, due_ms[i]);
		backlog_put(&backlog, &runs[i]);
	}
	assert_int_equal(backlog_next_ms(&backlog, now), 10);
	for (size_t i = 0; i < 5; i++) {
		then = steady_add(now, due_ms[order[i]]);
		assert_ptr_equal(backlog_over(&backlog, then), &runs[order[i]]);
		backlog_remove(&backlog, &runs[order[i]]);
	}
	assert_int_equal(backlog_next_ms(&backlog, now), INT64_MAX);
}

/* A wait that is over goes on if there is no room. */
static void
test_backlog_a_wait_needs_room_to_end(void **state)
{
	(void)state;
	put(0, BACKLOG_MAX, RUN_QUEUED, 1);
	put(BACKLOG_MAX, 1, RUN_WAITING, 1);
	assert_null(backlog_over(&backlog, steady_add(now, BACKLOG_MAX)));
	assert_int_equal(backlog_next_ms(&backlog, now), INT64_MAX);
	backlog_remove(&backlog, &runs[0]);
	assert_ptr_equal(backlog_over(&backlog, steady_add(now, BACKLOG_MAX)),
	    &runs[BACKLOG_MAX]);
}

/* More waits than there is room for are the store's, the earliest known. */
static void
test_backlog_further_waits_are_in_the_store(void **state)
{
	(void)state;
	put(0, BACKLOG_WAITING_MAX - 1, RUN_WAITING, 1);
	assert_true(backlog_may_wait(&backlog));
	put(BACKLOG_WAITING_MAX, 1, RUN_WAITING, 1);
	assert_false(backlog_may_wait(&backlog));
	assert_true(backlog_due(&backlog, steady_add(now, 500)));
	assert_false(backlog_due(&backlog, steady_add(now, 600)));
	assert_true(backlog_due(&backlog, steady_add(now, -5)));
	assert_int_equal(backlog_next_ms(&backlog, now), -5);
	assert_false(backlog_wants(&backlog));
	backlog_check_due(&backlog, steady_add(now, -6));
	assert_false(backlog_wants(&backlog));
	backlog_check_due(&backlog, steady_add(now, -5));
	assert_true(backlog_wants(&backlog));
}

/* Nor does one wait here while others that were tried are in the store. */
static void
test_backlog_waits_have_turns_with_those_in_the_store(void **state)
{
	(void)state;
	assert_true(backlog_may_wait(&backlog));
	backlog_look(&backlog);
	assert_false(backlog_may_wait(&backlog));
}

/* The store is asked once, when most of what was here is gone. */
static void
test_backlog_asks_when_there_is_room(void **state)
{
	(void)state;
	put(0, BACKLOG_FETCH / 4 + 1, RUN_QUEUED, 0);
	put(RUNS / 2, BACKLOG_FETCH, RUN_QUEUED, 1);
	assert_false(backlog_wants(&backlog));
	backlog_look(&backlog);
	assert_false(backlog_wants(&backlog));
	backlog_remove(&backlog, &runs[0]);
	assert_true(backlog_wants(&backlog));
	/* Beyond those that are here, which it offers again. */
	assert_int_equal(backlog_fetch(&backlog, now).limit, 2 * BACKLOG_FETCH);
	backlog_asked(&backlog);
	assert_false(backlog_wants(&backlog));
	backlog_look(&backlog);
	assert_false(backlog_wants(&backlog)); /* not twice at a time */
}

/* What may run is known as being here; what waits is not. */
static void
test_backlog_knows_what_may_run(void **state)
{
	(void)state;
	put(0, 1, RUN_QUEUED, 0);
	put(1, 1, RUN_FRESH, 0);
	put(2, 1, RUN_QUEUED, 1);
	put(3, 1, RUN_QUEUED, 2);
	put(4, 1, RUN_WAITING, 1);
	for (int64_t job = 0; job < 6; job++)
		assert_int_equal(backlog_has(&backlog, job), job < 4);
}

/* What is in memory already, or waits for its time, is not taken in. */
static void
test_backlog_takes_no_job_twice(void **state)
{
	struct backlog_fetch f = { .limit = 10 };
	struct store_job known = { .id = 99 };
	struct run *waiting;

	(void)state;
	put(4, 1, RUN_WAITING, 1);
	assert_int_equal(offer(&f, 4, 1), BACKLOG_LEAVE);
	assert_int_equal(backlog_offer(&backlog, &f, &known, true, &waiting),
	    BACKLOG_LEAVE);
	assert_int_equal(offer(&f, 5, 0), BACKLOG_QUEUE);
	assert_int_equal(offer(&f, 6, 1), BACKLOG_QUEUE);
}

/* By hand a wait is ended: one question has that, and the next has not. */
static void
test_backlog_waits_end_by_hand(void **state)
{
	struct backlog_fetch f;

	(void)state;
	put(0, 3, RUN_WAITING, 1);
	backlog_look_by_hand(&backlog);
	f = backlog_fetch(&backlog, now);
	assert_int_equal(f.limit, BACKLOG_FETCH + 3);
	backlog_asked(&backlog);
	backlog_failed(&backlog, &f); /* it is put again */
	assert_true(backlog_wants(&backlog));
	f = backlog_fetch(&backlog, now);
	backlog_asked(&backlog);
	assert_int_equal(offer(&f, 1, 1), BACKLOG_END_WAIT);
	assert_false(backlog_fetch(&backlog, now).end_waits);
}

/* Full, it takes nothing, and knows that the store has more. */
static void
test_backlog_is_bounded(void **state)
{
	struct backlog_fetch f = { .limit = 10 };

	(void)state;
	put(0, BACKLOG_MAX, RUN_QUEUED, 0);
	put(BACKLOG_MAX, BACKLOG_MAX, RUN_QUEUED, 1);
	assert_int_equal(offer(&f, RUNS, 0), BACKLOG_LEAVE);
	assert_int_equal(offer(&f, RUNS, 1), BACKLOG_LEAVE);
	backlog_answered(&backlog, &f, (struct steady_time){ 0 });
	for (size_t i = 0; i < BACKLOG_MAX; i++)
		backlog_remove(&backlog, &runs[i]);
	assert_true(backlog_wants(&backlog));
}

/* A full page of which something was taken is not the last one. */
static void
test_backlog_a_full_page_is_not_the_last(void **state)
{
	struct backlog_fetch f = { .limit = 2 };

	(void)state;
	assert_int_equal(offer(&f, 1, 0), BACKLOG_QUEUE);
	backlog_answered(&backlog, &f, steady_add(now, 70));
	assert_false(backlog_wants(&backlog));
	assert_int_equal(backlog_next_ms(&backlog, now), 70);
	assert_int_equal(offer(&f, 2, 0), BACKLOG_QUEUE);
	backlog_answered(&backlog, &f, now);
	assert_true(backlog_wants(&backlog));
}

/* A page on which all wait for answers to leave is not asked for again. */
static void
test_backlog_a_page_of_held_jobs_is_the_last(void **state)
{
	struct backlog_fetch f = { .limit = 2 };
	struct store_job untried = { .attempts = 0 }, tried = { .attempts = 1 };
	struct run *waiting;

	(void)state;
	for (int i = 0; i < 2; i++) {
		(void)backlog_offer(&backlog, &f, &untried, true, &waiting);
		(void)backlog_offer(&backlog, &f, &tried, true, &waiting);
	}
	backlog_answered(&backlog, &f, now);
	assert_false(backlog_wants(&backlog));
}

/* As if it were later already, for one question. */
static void
test_backlog_may_look_ahead(void **state)
{
	struct steady_time then = steady_add(now, 1000);

	(void)state;
	backlog_look_ahead(&backlog, then);
	assert_true(backlog_wants(&backlog));
	assert_int_equal(backlog_fetch(&backlog, now).as_of.ms, then.ms);
	backlog_asked(&backlog);
	assert_int_equal(backlog_fetch(&backlog, now).as_of.ms, now.ms);
}

/* A reload keeps every job and what is under way, and looks at the store. */
static void
test_backlog_inherits(void **state)
{
	struct backlog next;

	(void)state;
	put(0, 3, RUN_QUEUED, 0);
	put(3, 2, RUN_WAITING, 1);
	(void)backlog_due(&backlog, steady_add(now, -9));
	backlog_init(&next);
	assert_true(backlog_wants(&next));
	backlog_inherit(&next, &backlog);
	assert_null(backlog_any(&backlog));
	assert_int_equal(next.untried.n, 3);
	assert_int_equal(next.waiting.n, 2);
	assert_int_equal(backlog_next_ms(&next, now), -9);
	assert_true(backlog_wants(&next));
	backlog_asked(&next);
	backlog_init(&backlog);
	backlog_inherit(&backlog, &next);
	assert_false(backlog_wants(&backlog)); /* that question is under way */
}

#define backlog_test(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		backlog_test(test_backlog_has_a_queue_for_each),
		backlog_test(test_backlog_places_new_jobs),
		backlog_test(test_backlog_keeps_few_fresh_ones),
		backlog_test(test_backlog_waits_end_in_order),
		backlog_test(test_backlog_a_wait_needs_room_to_end),
		backlog_test(test_backlog_further_waits_are_in_the_store),
		backlog_test(
		    test_backlog_waits_have_turns_with_those_in_the_store),
		backlog_test(test_backlog_asks_when_there_is_room),
		backlog_test(test_backlog_knows_what_may_run),
		backlog_test(test_backlog_takes_no_job_twice),
		backlog_test(test_backlog_waits_end_by_hand),
		backlog_test(test_backlog_is_bounded),
		backlog_test(test_backlog_a_full_page_is_not_the_last),
		backlog_test(test_backlog_a_page_of_held_jobs_is_the_last),
		backlog_test(test_backlog_may_look_ahead),
		backlog_test(test_backlog_inherits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
