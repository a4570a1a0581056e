/* Repeats: what is one, what is stored of it, and what its jobs do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW INT64_C(1750000000000)
#define WINDOW 1000000
#define TIME "2026-06-25T09:14:11Z"
#define CREATED "klikit.order.created.v2"
#define LOOKS 64 /* as store/sqlite/repeats.c has it */

static struct store_case c;
static int64_t handler, bell;

static void
reopen(void)
{
	if (c.st != NULL)
		store_case_close(&c);
	store_case_open(&c);
	store_set_repeat_window(c.st, WINDOW);
}

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	reopen();
	handler = case_handler(&c, "pos");
	bell = case_handler(&c, "bell");
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_case_fini(&c);
	return (0);
}

/* An event, beside what all of them are. */
struct given {
	const char *id;
	const char *body;
	const char *orders[3];
	const char *time;   /* of its orders; NULL: they have none */
	const char *type;   /* NULL: CREATED */
	const char *secret; /* NULL: "s"; each makes digests of its own */
	const char *scope;
	int64_t at_ms; /* after NOW */
	bool unordered, unrouted, alarmed;
};

static size_t
given_jobs(const struct given *g, struct store_job_spec specs[2])
{
	if (g->unrouted)
		return (0);
	specs[0] = (struct store_job_spec){ .handler = handler,
		.place = STORE_WHOLE_EVENT,
		.ordered = !g->unordered,
		.guards = STORE_NO_GUARD };
	specs[1] = (struct store_job_spec){ .handler = bell,
		.place = STORE_WHOLE_EVENT,
		.due_at.ms = NOW + 5000,
		.guards = 0 };
	return (g->alarmed ? 2 : 1);
}

static struct case_result
append(struct given g)
{
	struct store_job_spec specs[2];
	struct store_order orders[3] = { 0 };
	struct store_event src = { .event_id = g.id,
		.type = g.type != NULL ? g.type : CREATED,
		.scope = g.scope,
		.secret = g.secret != NULL ? g.secret : "s",
		.peer = "p",
		.received_at_ms = NOW + g.at_ms,
		.came_at.ms = NOW + g.at_ms,
		.orders = orders,
		.body = strdup(g.body),
		.body_len = strlen(g.body) };
	struct case_result r = { 0 };
	struct store_event *ev;

	for (size_t i = 0; i < 3 && g.orders[i] != NULL; i++)
		orders[src.norders++] = (struct store_order){
			.place = (int32_t)i,
			.order_id = g.orders[i],
			.updated_at = g.time,
		};
	(void)snprintf((char *)src.digest, sizeof(src.digest), "%.8s%.20s",
	    src.secret, g.body);
	assert_non_null(ev = store_event_new(&src));
	assert_int_equal(store_append(c.st, ev, specs, given_jobs(&g, specs),
			     case_done_cb, &r),
	    0);
	store_wait(c.st);
	store_event_unref(ev);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* A plain one, whose body has a time. */
static struct case_result
timed(const char *id, const char *body)
{
	return (append((struct given){ .id = id,
	    .body = body,
	    .orders = { "1" },
	    .time = TIME }));
}

/* The same without a time in it. */
static struct case_result
timeless(const char *id, const char *body)
{
	return (append(
	    (struct given){ .id = id, .body = body, .orders = { "1" } }));
}

static int64_t
count(const char *from)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", from);
	return (store_case_int(&c, sql));
}

/* What that event repeats, by number; 0: nothing. */
static int64_t
repeat_of(const char *id)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT ifnull(repeat_of, 0) FROM events WHERE event_id = '%s'",
	    id);
	return (store_case_int(&c, sql));
}

/* -- What is one -- */

static void
test_same_bytes_and_type_of_one_order(void **state)
{
	(void)state;
	(void)timed("e", "a");
	(void)timed("again", "a");
	assert_int_equal(repeat_of("again"), 1);
	(void)timed("third", "a");
	assert_int_equal(repeat_of("third"), 1); /* not of the repeat */
	assert_int_equal(count("bodies"), 1);
	assert_int_equal(count("event_orders"), 1);

	(void)timed("other", "b");
	assert_int_equal(repeat_of("other"), 0);
	(void)append((struct given){ .id = "type",
	    .body = "a",
	    .orders = { "1" },
	    .time = TIME,
	    .type = "other" });
	assert_int_equal(repeat_of("type"), 0);
	(void)append((struct given){ .id = "scope",
	    .body = "a",
	    .orders = { "1" },
	    .time = TIME,
	    .scope = "sandbox" });
	assert_int_equal(repeat_of("scope"), 0);
	assert_int_equal(count("bodies"), 4);
}

/* Without orders there is nothing to find it by: each id is an event. */
static void
test_no_orders_no_repeats(void **state)
{
	(void)state;
	(void)append((struct given){ .id = "e", .body = "a" });
	(void)append((struct given){ .id = "again", .body = "a" });
	assert_int_equal(repeat_of("again"), 0);
	assert_int_equal(count("bodies"), 2);
}

static void
test_within_the_window(void **state)
{
	struct given g = { .id = "in",
		.body = "a",
		.orders = { "1" },
		.time = TIME,
		.at_ms = WINDOW };

	(void)state;
	(void)timed("e", "a");
	(void)append(g);
	assert_int_equal(repeat_of("in"), 1);
	g.id = "late";
	g.at_ms = WINDOW + 1;
	(void)append(g);
	assert_int_equal(repeat_of("late"), 0);
	g.id = "next";
	(void)append(g); /* of the newest that it can be of */
	assert_int_equal(repeat_of("next"), 3);
	store_set_repeat_window(c.st, 0);
	g.id = "off";
	(void)append(g);
	assert_int_equal(repeat_of("off"), 0);
}

/* After a rotation the same bytes have another MAC. */
static void
test_under_another_secret(void **state)
{
	struct given g = { .id = "again",
		.body = "a",
		.orders = { "1" },
		.time = TIME,
		.secret = "t" };

	(void)state;
	(void)timed("e", "a");
	(void)append(g);
	assert_int_equal(repeat_of("again"), 1);
	g.id = "other";
	g.body = "b";
	(void)append(g);
	assert_int_equal(repeat_of("other"), 0);
}

/* A cart may be changed, and changed back. */
static void
test_without_a_time_another_version_parts_them(void **state)
{
	(void)state;
	(void)timeless("a1", "a");
	(void)timeless("a2", "a");
	(void)timeless("b1", "b");
	(void)timeless("a3", "a");
	(void)timeless("a4", "a");
	(void)timeless("b2", "b");
	assert_int_equal(repeat_of("a2"), 1);
	assert_int_equal(repeat_of("b1"), 0);
	assert_int_equal(repeat_of("a3"), 0);
	assert_int_equal(repeat_of("a4"), 4); /* which is a3 */
	assert_int_equal(repeat_of("b2"), 0);
	assert_int_equal(count("bodies"), 4);
}

/* What has a time says the same for ever; one that cannot be read is none. */
static void
test_with_a_time_nothing_parts_them(void **state)
{
	struct given g = { .body = "x", .orders = { "1" }, .time = "soon" };

	(void)state;
	(void)timed("a1", "a");
	(void)timed("b1", "b");
	(void)timed("a2", "a");
	assert_int_equal(repeat_of("a2"), 1);
	g.id = "x1";
	(void)append(g);
	(void)timed("b2", "b"); /* no version: a repeat */
	assert_int_equal(repeat_of("b2"), 2);
	g.id = "x2";
	(void)append(g);
	assert_int_equal(repeat_of("x2"), 4);
	(void)timed("c1", "c");
	g.id = "x3";
	(void)append(g);
	assert_int_equal(repeat_of("x3"), 0);
}

/* Of two orders in a body, another version of either counts. */
static void
test_a_version_of_any_of_its_orders(void **state)
{
	struct given g = { .id = "e", .body = "a", .orders = { "1", "2" } };

	(void)state;
	(void)append(g);
	(void)append(
	    (struct given){ .id = "other", .body = "b", .orders = { "2" } });
	g.id = "again";
	(void)append(g);
	assert_int_equal(repeat_of("again"), 0);
}

static void
test_so_many_events_are_looked_at(void **state)
{
	char id[16];

	(void)state;
	(void)timed("e", "a");
	for (int i = 1; i < LOOKS; i++) {
		(void)snprintf(id, sizeof(id), "n%d", i);
		(void)timed(id, id);
	}
	(void)timed("last", "a");
	assert_int_equal(repeat_of("last"), 1);
	(void)timed("one more", "one more");
	(void)timed("beyond", "a");
	assert_int_equal(repeat_of("beyond"), 0);
}

/* Another order of the body leads to it all the same. */
static void
test_the_next_order_is_looked_at(void **state)
{
	struct given g = { .id = "e",
		.body = "a",
		.orders = { "1", "2" },
		.time = TIME };
	char id[16];

	(void)state;
	(void)append(g);
	for (int i = 0; i <= LOOKS; i++) {
		(void)snprintf(id, sizeof(id), "n%d", i);
		(void)timed(id, id);
	}
	g.id = "again";
	(void)append(g);
	assert_int_equal(repeat_of("again"), 1);
}

static void
test_repeats_bury_nothing(void **state)
{
	char id[16];

	(void)state;
	(void)timed("e", "a");
	(void)timed("other", "b");
	for (int i = 0; i < 2 * LOOKS; i++) {
		(void)snprintf(id, sizeof(id), "n%d", i);
		(void)timed(id, "a");
	}
	(void)timed("again", "b");
	assert_int_equal(repeat_of("again"), 2);
	assert_int_equal(count("events WHERE repeat_of IS NULL"), 2);
}

/* What is found is as it is committed: also one in the same batch. */
static void
test_two_in_one_batch(void **state)
{
	static const char *const orders[] = { "1", NULL };
	struct case_result r[2] = { { 0 }, { 0 } };

	(void)state;
	case_queue_append(&c, "e", orders, handler, &r[0]);
	case_queue_append(&c, "again", orders, handler, &r[1]);
	store_wait(c.st);
	assert_int_equal(count("events WHERE repeat_of = 1"), 1);
}

/* -- Its jobs -- */

static struct case_result
start(int64_t job, unsigned skip)
{
	struct case_result r = { 0 };

	assert_int_equal(store_start(c.st, job, skip, NOW, case_done_cb, &r),
	    0);
	store_wait(c.st);
	return (r);
}

static struct case_result
end(int64_t job, enum job_state to)
{
	struct case_result r = case_finish(&c, job, to, 0);

	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

static void
assert_already(int64_t job, int64_t by)
{
	struct case_result r = start(job, STORE_SKIP_REPEATS);

	assert_int_equal(r.rc, STORE_EXISTS);
	assert_int_equal(r.id, by);
}

/* It waits for the original's; done or not decides, also after a restart. */
static void
test_already_if_the_original_is_done(void **state)
{
	struct case_result r;

	(void)state;
	(void)timed("e", "a");
	r = timed("again", "a");
	assert_int_equal(r.nrunnable, 0); /* behind it, in its lane */
	assert_int_equal(start(2, 0).rc, STORE_REFUSED);
	assert_int_equal(start(1, STORE_SKIP_REPEATS).rc, STORE_OK);
	reopen();
	r = end(1, JOB_DONE);
	assert_int_equal(r.nrunnable, 1);
	assert_int_equal(r.runnable[0], 2);
	reopen();
	assert_already(2, 1);
	assert_int_equal(count("jobs WHERE id = 2 AND state = 'done' AND "
			       "outcome = 'already: job 1'"),
	    1);
	assert_int_equal(count("lanes"), 0);
}

/* klikit's operator sends again what has failed: once. */
static void
test_runs_if_the_original_is_dead(void **state)
{
	struct case_result r;

	(void)state;
	(void)timed("e", "a");
	(void)timed("again", "a");
	(void)end(1, JOB_DEAD);
	r = start(2, STORE_SKIP_REPEATS);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	(void)end(2, JOB_DONE);
	(void)timed("third", "a");
	assert_already(3, 2);
}

static void
test_runs_if_the_original_has_none(void **state)
{
	(void)state;
	(void)append((struct given){ .id = "e",
	    .body = "a",
	    .orders = { "1" },
	    .time = TIME,
	    .unrouted = true });
	(void)timed("again", "a");
	assert_int_equal(start(1, STORE_SKIP_REPEATS).rc, STORE_OK);
}

/* In no lane, it does not wait: who is under way stands for it. */
static void
test_already_if_the_original_is_unfinished(void **state)
{
	struct given g = { .id = "e",
		.body = "a",
		.orders = { "1" },
		.time = TIME,
		.unordered = true };

	(void)state;
	(void)append(g);
	g.id = "again";
	(void)append(g);
	assert_already(2, 1);
	(void)end(1, JOB_DEAD);
	g.id = "third";
	(void)append(g);
	assert_already(3, 2); /* `already' is done */
}

static void
test_runs_if_it_is_to_be_sent(void **state)
{
	(void)state;
	(void)timed("e", "a");
	(void)timed("again", "a");
	(void)end(1, JOB_DONE);
	assert_int_equal(start(2, 0).rc, STORE_OK);
}

static struct case_result
replay(int64_t job)
{
	struct case_result r = { 0 };

	assert_int_equal(store_act(c.st, STORE_REPLAY, job, NULL, NOW,
			     case_done_cb, &r),
	    0);
	store_wait(c.st);
	return (r);
}

/* By hand it begins whatever was done, and has the original's bytes. */
static void
test_a_replay_of_it_begins(void **state)
{
	struct case_result r;

	(void)state;
	(void)timed("e", "a");
	(void)timed("again", "a");
	(void)end(1, JOB_DONE);
	assert_already(2, 1);
	r = replay(2);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(start(r.id, STORE_SKIP_REPEATS).rc, STORE_OK);
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
	(void)timed("e", "a");
	(void)timed("again", "a");
	(void)end(1, JOB_DEAD);
	reopen();
	assert_int_equal(store_start(c.st, 2, STORE_SKIP_REPEATS, NOW, body_cb,
			     &called),
	    0);
	store_wait(c.st);
	assert_true(called);
}

/* The original's alarm rings for both, unless nobody does the work. */
static void
test_alarms_only_for_what_may_run(void **state)
{
	struct given g = { .id = "e",
		.body = "a",
		.orders = { "1" },
		.time = TIME,
		.alarmed = true };

	(void)state;
	(void)append(g);
	g.id = "again";
	(void)append(g);
	assert_int_equal(count("jobs WHERE guards IS NOT NULL"), 1);
	(void)end(1, JOB_DEAD);
	(void)end(3, JOB_DEAD);
	g.id = "third";
	(void)append(g);
	assert_int_equal(count("jobs WHERE guards IS NOT NULL"), 2);
	assert_int_equal(count("jobs WHERE guards = 4"), 1);
}

/* A duplicate of a repeat is one; its bytes are the original's. */
static void
test_its_id_is_known(void **state)
{
	static const char *const orders[] = { "1", NULL };
	struct case_result r;

	(void)state;
	(void)case_append(&c, "e", orders, handler);
	(void)case_append(&c, "again", orders, handler);
	assert_int_equal(repeat_of("again"), 1);
	r = case_append(&c, "again", orders, handler);
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
	assert_int_equal(store_purge(c.st, &p, case_done_cb, &r), 0);
	store_wait(c.st);
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
	(void)timed("e", "a");
	(void)timed("again", "a");
	(void)end(1, JOB_DEAD);
	assert_int_equal(purge(aged), 0);
	assert_int_equal(purge(order), 0);
	assert_int_equal(count("bodies"), 1);
	(void)end(2, JOB_DONE);
	assert_int_equal(purge(aged), 2);
	assert_int_equal(count("bodies"), 0);
	assert_int_equal(replay(2).rc, STORE_REFUSED);
	(void)timed("new", "a"); /* nothing is kept that it could repeat */
	assert_int_equal(repeat_of("new"), 0);
	assert_int_equal(count("bodies"), 1);
}

/* By order, the repeats go with it, and what their calls were answered. */
static void
test_a_purge_by_order_takes_the_repeats(void **state)
{
	(void)state;
	(void)timed("e", "a");
	(void)timed("again", "a");
	(void)end(1, JOB_DONE);
	(void)end(2, JOB_DONE);
	assert_int_equal(purge((struct store_purge){ .order_id = "1" }), 2);
	assert_int_equal(count("events WHERE purged_at IS NULL"), 0);
}

/* Without its original a repeat is still known by its id. */
static void
test_the_original_may_go_first(void **state)
{
	(void)state;
	(void)timed("e", "a");
	(void)append((struct given){ .id = "again",
	    .body = "a",
	    .orders = { "1" },
	    .time = TIME,
	    .at_ms = 100 });
	(void)timed("newest", "b");
	for (int64_t job = 1; job <= 3; job++)
		(void)end(job, JOB_DONE);
	while (purge((struct store_purge){ .bodies_before_ms = NOW + 5,
		   .ids_before_ms = NOW + 5 }) > 0)
		;
	assert_int_equal(count("events WHERE event_id = 'e'"), 0);
	assert_int_equal(repeat_of("again"), 1);
	assert_int_equal(replay(2).rc, STORE_REFUSED);
	reopen();
	assert_int_equal(count("events WHERE event_id = 'again'"), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_same_bytes_and_type_of_one_order),
		CASE(test_no_orders_no_repeats),
		CASE(test_within_the_window),
		CASE(test_under_another_secret),
		CASE(test_without_a_time_another_version_parts_them),
		CASE(test_with_a_time_nothing_parts_them),
		CASE(test_a_version_of_any_of_its_orders),
		CASE(test_so_many_events_are_looked_at),
		CASE(test_the_next_order_is_looked_at),
		CASE(test_repeats_bury_nothing),
		CASE(test_two_in_one_batch),
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

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
