/* Repeats: what becomes of their jobs, of their originals and of the bytes. */
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/repeat_case.h"

static void
assert_already(int64_t job, int64_t by)
{
	struct case_result r = repeat_start(job, STORE_SKIP_REPEATS);

	assert_int_equal(r.rc, STORE_EXISTS);
	assert_int_equal(r.id, by);
}

/* It waits for the original's; done or not decides, also after a restart. */
static void
test_already_if_the_original_is_done(void **state)
{
	struct case_result r;

	(void)state;
	(void)repeat_timed("e", "a");
	r = repeat_timed("again", "a");
	assert_int_equal(r.nrunnable, 0); /* behind it, in its lane */
	assert_int_equal(repeat_start(2, 0).rc, STORE_REFUSED);
	assert_int_equal(repeat_start(1, STORE_SKIP_REPEATS).rc, STORE_OK);
	repeat_reopen();
	r = repeat_end(1, JOB_DONE);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], 2);
	repeat_reopen();
	assert_already(2, 1);
	assert_int_equal(repeat_count(
			     "jobs WHERE id = 2 AND state = 'done' AND "
			     "outcome = 'already: job 1'"),
	    1);
	assert_int_equal(repeat_count("lanes"), 0);
}

/* klikit's operator sends again what has failed: once. */
static void
test_runs_if_the_original_is_dead(void **state)
{
	struct case_result r;

	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_timed("again", "a");
	(void)repeat_end(1, JOB_DEAD);
	r = repeat_start(2, STORE_SKIP_REPEATS);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	(void)repeat_end(2, JOB_DONE);
	(void)repeat_timed("third", "a");
	assert_already(3, 2);
}

static void
test_runs_if_the_original_has_none(void **state)
{
	(void)state;
	(void)repeat_append((struct repeat_given){ .id = "e",
	    .body = "a",
	    .orders = { "1" },
	    .time = TIME,
	    .unrouted = true });
	(void)repeat_timed("again", "a");
	assert_int_equal(repeat_start(1, STORE_SKIP_REPEATS).rc, STORE_OK);
}

/* In no lane, it does not wait: who is under way stands for it. */
static void
test_already_if_the_original_is_unfinished(void **state)
{
	struct repeat_given g = { .id = "e",
		.body = "a",
		.orders = { "1" },
		.time = TIME,
		.unordered = true };

	(void)state;
	(void)repeat_append(g);
	g.id = "again";
	(void)repeat_append(g);
	assert_already(2, 1);
	(void)repeat_end(1, JOB_DEAD);
	g.id = "third";
	(void)repeat_append(g);
	assert_already(3, 2); /* `already' is done */
}

static void
test_runs_if_it_is_to_be_sent(void **state)
{
	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_timed("again", "a");
	(void)repeat_end(1, JOB_DONE);
	assert_int_equal(repeat_start(2, 0).rc, STORE_OK);
}

/* By hand it begins whatever was done, and has the original's bytes. */
static void
test_a_replay_of_it_begins(void **state)
{
	struct case_result r;

	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_timed("again", "a");
	(void)repeat_end(1, JOB_DONE);
	assert_already(2, 1);
	r = repeat_replay(2);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(repeat_start(r.id, STORE_SKIP_REPEATS).rc, STORE_OK);
}

/* store_done_fn: what a started job is given to work with. */
static void
body_cb(const struct store_result *res, void *arg)
{
	const struct store_event *ev = res->runnable[0].ev;

	assert_int_equal(res->rc, STORE_OK);
	assert_int_equal(ev->repeat_of, 1);
	assert_string_equal(ev->original, "e");
	assert_string_equal(ev->event_id, "again");
	assert_int_equal(ev->norders, 1);
	assert_string_equal(ev->orders[0].order_id, "1");
	assert_int_equal(ev->body_len, 1);
	assert_memory_equal(ev->body, "a", 1);
	*(bool *)arg = true;
}

static void
test_it_reads_what_the_original_has(void **state)
{
	bool called = false;

	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_timed("again", "a");
	(void)repeat_end(1, JOB_DEAD);
	repeat_reopen();
	assert_int_equal(store_start(repeat_case.st,
			     &(struct store_job){ .id = 2 }, STORE_SKIP_REPEATS,
			     NOW, body_cb, &called),
	    0);
	store_wait(repeat_case.st);
	assert_true(called);
}

/* The original's alarm rings for both, unless nobody does the work. */
static void
test_alarms_only_for_what_may_run(void **state)
{
	struct repeat_given g = { .id = "e",
		.body = "a",
		.orders = { "1" },
		.time = TIME,
		.alarmed = true };

	(void)state;
	(void)repeat_append(g);
	g.id = "again";
	(void)repeat_append(g);
	assert_int_equal(repeat_count("jobs WHERE guards IS NOT NULL"), 1);
	(void)repeat_end(1, JOB_DEAD);
	(void)repeat_end(3, JOB_DEAD);
	g.id = "third";
	(void)repeat_append(g);
	assert_int_equal(repeat_count("jobs WHERE guards IS NOT NULL"), 2);
	assert_int_equal(repeat_count("jobs WHERE guards = 4"), 1);
}

/* A duplicate of a repeat is one; its bytes are the original's. */
static void
test_its_id_is_known(void **state)
{
	static const char *const orders[] = { "1", NULL };
	struct case_result r;

	(void)state;
	(void)case_append(&repeat_case, "e", orders, repeat_handler);
	(void)case_append(&repeat_case, "again", orders, repeat_handler);
	assert_int_equal(repeat_original("again"), 1);
	r = case_append(&repeat_case, "again", orders, repeat_handler);
	assert_int_equal(r.rc, STORE_EXISTS);
	assert_int_equal(r.id, 2);
	assert_false(r.conflict);
}

/* -- Purges -- */

static int64_t
purge(struct store_purge p)
{
	struct case_result r = { 0 };

	p.now_ms = NOW + 10;
	p.limit = 10;
	assert_int_equal(store_purge(repeat_case.st, &p, case_done_cb, &r), 0);
	store_wait(repeat_case.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r.id);
}

/* As long as a repeat has work to do there is something to do it with. */
static void
test_bytes_stay_while_a_repeat_is_unfinished(void **state)
{
	const struct store_purge aged = { .bodies_before_ms = NOW + 5 };
	const struct store_purge order = { .order_id = "1" };

	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_timed("again", "a");
	(void)repeat_end(1, JOB_DEAD);
	assert_int_equal(purge(aged), 0);
	assert_int_equal(purge(order), 0);
	assert_int_equal(repeat_count("bodies"), 1);
	(void)repeat_end(2, JOB_DONE);
	assert_int_equal(purge(aged), 2);
	assert_int_equal(repeat_count("bodies"), 0);
	assert_int_equal(repeat_replay(2).rc, STORE_REFUSED);
	(void)repeat_timed("new",
	    "a"); /* nothing is kept that it could repeat */
	assert_int_equal(repeat_original("new"), 0);
	assert_int_equal(repeat_count("bodies"), 1);
}

/* By order, the repeats go with it, and what their calls were answered. */
static void
test_a_purge_by_order_takes_the_repeats(void **state)
{
	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_timed("again", "a");
	(void)repeat_end(1, JOB_DONE);
	(void)repeat_end(2, JOB_DONE);
	assert_int_equal(purge((struct store_purge){ .order_id = "1" }), 2);
	assert_int_equal(repeat_count("events WHERE purged_at IS NULL"), 0);
}

/* Without its original a repeat is still known by its id. */
static void
test_the_original_may_go_first(void **state)
{
	(void)state;
	(void)repeat_timed("e", "a");
	(void)repeat_append((struct repeat_given){ .id = "again",
	    .body = "a",
	    .orders = { "1" },
	    .time = TIME,
	    .at_ms = 100 });
	(void)repeat_timed("newest", "b");
	for (int64_t job = 1; job <= 3; job++)
		(void)repeat_end(job, JOB_DONE);
	while (purge((struct store_purge){ .bodies_before_ms = NOW + 5,
		   .ids_before_ms = NOW + 5 }) > 0)
		;
	assert_int_equal(repeat_count("events WHERE event_id = 'e'"), 0);
	assert_int_equal(repeat_original("again"), 1);
	assert_int_equal(repeat_replay(2).rc, STORE_REFUSED);
	repeat_reopen();
	assert_int_equal(repeat_count("events WHERE event_id = 'again'"), 1);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, repeat_setup, repeat_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_already_if_the_original_is_done),
		CASE(test_runs_if_the_original_is_dead),
		CASE(test_runs_if_the_original_has_none),
		CASE(test_already_if_the_original_is_unfinished),
		CASE(test_runs_if_it_is_to_be_sent),
		CASE(test_a_replay_of_it_begins),
		CASE(test_it_reads_what_the_original_has),
		CASE(test_alarms_only_for_what_may_run),
		CASE(test_its_id_is_known),
		CASE(test_bytes_stay_while_a_repeat_is_unfinished),
		CASE(test_a_purge_by_order_takes_the_repeats),
		CASE(test_the_original_may_go_first),
	};

	return (store_case_run("store_repeat_jobs", tests));
}
