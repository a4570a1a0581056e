/* What was counted: added up by the minute and the hour, and bounded. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct store_case c;
static int64_t now; /* the begin of an hour; near the database's own clock */

static int
setup(void **state)
{
	(void)state;
	now =
	    store_count_begin_ms(STORE_COUNT_HOUR, (int64_t)time(NULL) * 1000);
	store_case_init(&c);
	store_case_open(&c);
	return (0);
}

static void
add_to(struct store *st, const struct store_count *counts, size_t n)
{
	struct case_result r = { 0 };

	assert_int_equal(store_add_counts(st, counts, n, now, case_done_cb, &r),
	    0);
	store_wait(st);
	assert_int_equal(r.rc, STORE_OK);
}

/* One row of a handler. */
static void
add(const char *name, int64_t at_ms, int64_t n, int64_t peak)
{
	const struct store_count one = { .kind = STORE_COUNT_HANDLER,
		.name = name,
		.at_ms = at_ms,
		.numbers = { n, 0, 2 * n },
		.peak = peak };

	add_to(c.st, &one, 1);
}

#define ROWS_MAX 256
static struct listed {
	size_t n;
	struct store_count rows[ROWS_MAX];
	char names[ROWS_MAX][64];
} listed;

/* store_counts_fn */
static void
listed_cb(enum store_rc rc, const struct store_count *rows, size_t n,
    const char *reason, void *arg)
{
	(void)arg;
	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_in_range(n, 0, ROWS_MAX);
	listed.n = n;
	for (size_t i = 0; i < n; i++) {
		listed.rows[i] = rows[i];
		(void)snprintf(listed.names[i], sizeof(listed.names[i]), "%s",
		    rows[i].name);
	}
}

static size_t
list(enum store_count_step step, int64_t from_ms, int64_t to_ms)
{
	assert_int_equal(store_list_counts(c.st, step, from_ms, to_ms,
			     listed_cb, NULL),
	    0);
	store_wait(c.st);
	return (listed.n);
}

/* Rows of one minute are one, and its hour has all of its minutes. */
static void
test_rows_add_up(void **state)
{
	(void)state;
	add("pos", now, 1, 9);
	add("pos", now + 59999, 2, 4);
	add("pos", now + MINUTE, 3, 5);
	add("bell", now, 8, 0);
	assert_int_equal(list(STORE_COUNT_MINUTE, now, now + HOUR), 3);
	assert_string_equal(listed.names[0], "bell");
	assert_string_equal(listed.names[1], "pos");
	assert_int_equal(listed.rows[1].kind, STORE_COUNT_HANDLER);
	assert_int_equal(listed.rows[1].at_ms, now);
	assert_int_equal(listed.rows[1].numbers[0], 3);
	assert_int_equal(listed.rows[1].numbers[2], 6);
	assert_int_equal(listed.rows[1].peak, 9);
	assert_int_equal(listed.rows[2].at_ms, now + MINUTE);
	assert_int_equal(list(STORE_COUNT_HOUR, now, now + HOUR), 2);
	assert_int_equal(listed.rows[1].numbers[0], 6);
	assert_int_equal(listed.rows[1].peak, 9);
}

/* They are there after a restart, and go on being added to. */
static void
test_rows_outlast_a_restart(void **state)
{
	(void)state;
	add("pos", now, 1, 0);
	store_case_close(&c);
	store_case_open(&c);
	add("pos", now, 1, 0);
	assert_int_equal(list(STORE_COUNT_MINUTE, now, now + MINUTE), 1);
	assert_int_equal(listed.rows[0].numbers[0], 2);
}

static void
test_a_list_has_the_times_that_are_asked_for(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++)
		add("pos", now - i * MINUTE, 1, 0);
	assert_int_equal(list(STORE_COUNT_MINUTE, now - 2 * MINUTE, now), 2);
	assert_int_equal(listed.rows[0].at_ms, now - 2 * MINUTE);
	assert_int_equal(list(STORE_COUNT_MINUTE, now - 199 * MINUTE, now + 1),
	    STORE_COUNT_SLOTS_MAX);
	assert_int_equal(listed.rows[0].at_ms, now - 199 * MINUTE);
}

static void
test_branches_are_kept_by_the_hour_only(void **state)
{
	const struct store_count branch = { .kind = STORE_COUNT_BRANCH,
		.name = "2041",
		.at_ms = now,
		.numbers = { 5 } };

	(void)state;
	add_to(c.st, &branch, 1);
	assert_int_equal(list(STORE_COUNT_MINUTE, now, now + HOUR), 0);
	assert_int_equal(list(STORE_COUNT_HOUR, now, now + HOUR), 1);
	assert_int_equal(listed.rows[0].kind, STORE_COUNT_BRANCH);
	assert_int_equal(listed.rows[0].numbers[0], 5);
}

/* Further names are one row; those that have a row go on to have it. */
static void
test_names_are_bounded(void **state)
{
	static char names[100][8];
	struct store_count many[100] = { 0 };
	int64_t most = store_count_names(STORE_COUNT_BRANCH, STORE_COUNT_HOUR);
	int64_t rest = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "b%d", i);
		many[i].kind = STORE_COUNT_BRANCH;
		many[i].name = names[i];
		many[i].at_ms = now;
		many[i].numbers[0] = 1;
	}
	add_to(c.st, many, 100);
	add_to(c.st, many, 100);
	assert_int_equal(list(STORE_COUNT_HOUR, now, now + HOUR), most + 1);
	for (size_t i = 0; i < listed.n; i++) {
		if (strcmp(listed.names[i], STORE_COUNT_REST) == 0)
			rest = listed.rows[i].numbers[0];
		else
			assert_int_equal(listed.rows[i].numbers[0], 2);
	}
	assert_int_equal(rest, 2 * (100 - most));
}

static int64_t
minutes_kept(void)
{
	return (store_case_int(&c,
	    "SELECT count(*) FROM counts WHERE step = 60000"));
}

/* Minutes go after a day, hours after 30. */
static void
test_old_rows_go(void **state)
{
	(void)state;
	add("pos", now - DAY + MINUTE * 70, 1, 0); /* stays: of any clock */
	add("pos", now - DAY - MINUTE * 70, 1, 0);
	add("pos", now - 31 * DAY, 1, 0);
	add("pos", now, 1, 0);
	assert_int_equal(minutes_kept(), 2);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM counts WHERE "
					    "step = 3600000"),
	    3);
}

/* Not with each write, but with the next hour's. */
static void
test_old_rows_go_once_an_hour(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		add("pos", now, 1, 0);
	add("pos", now - DAY - MINUTE * 70, 1, 0);
	add("pos", now, 1, 0);
	assert_int_equal(minutes_kept(), 2);
	now += HOUR;
	add("pos", now, 1, 0);
	assert_int_equal(minutes_kept(), 2); /* of both hours */
}

/* What a clock dated that was ahead does not stay for ever. */
static void
test_rows_from_ahead_go(void **state)
{
	(void)state;
	add("pos", now + 3 * HOUR, 1, 0);
	add("pos", now + 3000 * DAY, 1, 0);
	add("pos", now, 1, 0);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM counts"), 2);
}

static void
test_an_empty_store_has_none(void **state)
{
	(void)state;
	assert_int_equal(list(STORE_COUNT_MINUTE, 0, INT64_MAX / 2), 0);
	add_to(c.st, NULL, 0);
	assert_int_equal(list(STORE_COUNT_HOUR, 0, INT64_MAX / 2), 0);
}

/* Several receivers of one store count together. */
static void
test_receivers_add_up(void **state)
{
	const struct store_options opt = { .url = c.url,
		.mode = STORE_SERVE,
		.queue_max = 1 << 20,
		.now_ms = now };
	const struct store_count one = { .kind = STORE_COUNT_INTAKE,
		.name = "",
		.at_ms = now,
		.numbers = { 60, 4 } };
	char reason[STORE_REASON_MAX];
	struct store *other;

	(void)state;
	if (!store_case_is_shared())
		return;
	assert_int_equal(store_open(&opt, &other, reason), STORE_OK);
	add_to(c.st, &one, 1);
	add_to(other, &one, 1);
	store_close(other);
	assert_int_equal(list(STORE_COUNT_MINUTE, now, now + MINUTE), 1);
	assert_int_equal(listed.rows[0].numbers[0], 120);
	assert_int_equal(listed.rows[0].numbers[1], 8);
}

#define counts_test(f)                                                         \
	cmocka_unit_test_prestate_setup_teardown(f, setup,                     \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		counts_test(test_rows_add_up),
		counts_test(test_rows_outlast_a_restart),
		counts_test(test_a_list_has_the_times_that_are_asked_for),
		counts_test(test_branches_are_kept_by_the_hour_only),
		counts_test(test_names_are_bounded),
		counts_test(test_old_rows_go),
		counts_test(test_old_rows_go_once_an_hour),
		counts_test(test_rows_from_ahead_go),
		counts_test(test_an_empty_store_has_none),
		counts_test(test_receivers_add_up),
	};

	return (store_case_run("store_counts", tests));
}
