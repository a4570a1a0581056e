#include "server/admin/needs.h"

#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

static struct alert up[NEEDS_MAX + 2];
static size_t nup;
static struct needs needs;

static const struct alert *
alert_cb(const void *arg, size_t i)
{
	(void)arg;
	return (i < nup ? &up[i] : NULL);
}

static void
raise_alert(enum alert_kind kind, const char *subject, const char *sentence)
{
	alert_init(&up[nup], kind, subject);
	(void)alert_raise(&up[nup++], sentence, 1000);
}

static int
setup(void **state)
{
	(void)state;
	nup = 0;
	return (0);
}

static void
find(const struct needs_handler *handlers, size_t n, const char *health,
    const char *clock, uint64_t alarms)
{
	needs_find(&(struct needs_facts){ .health = health,
		       .clock = clock,
		       .alarms = alarms,
		       .handlers = handlers,
		       .nhandlers = n,
		       .alert = alert_cb },
	    &needs);
}

static void
test_where_all_is_well_nothing_is_needed(void **state)
{
	const struct needs_handler fine = { .name = "pos", .pending = 3 };

	(void)state;
	find(&fine, 1, "ready", NULL, 0);
	assert_int_equal(needs.n, 0);
}

/* A handler that is paused makes no calls: that they fail is no news. */
static void
test_a_paused_handler_says_why(void **state)
{
	const struct needs_handler h = { .name = "pos",
		.paused_at_ms = 77,
		.paused_why = "new printer",
		.failing_ms = 5 };

	(void)state;
	find(&h, 1, "ready", NULL, 0);
	assert_int_equal(needs.n, 1);
	assert_int_equal(needs.list[0].kind, NEED_HANDLER_PAUSED);
	assert_string_equal(needs.list[0].text, "pos is paused: new printer");
	assert_string_equal(needs.list[0].subject, "pos");
	assert_int_equal(needs.list[0].since_ms, 77);
	assert_non_null(needs.list[0].advice);
}

static void
test_a_failing_handler_says_when_it_tries_again(void **state)
{
	const struct needs_handler h = { .name = "warehouse",
		.failing_ms = 5,
		.error = "warehouse answered 503",
		.next_try_ms = 99,
		.dead = 1 };

	(void)state;
	find(&h, 1, "ready", NULL, 0);
	assert_int_equal(needs.n, 2);
	assert_string_equal(needs.list[0].text,
	    "warehouse fails: answered 503");
	assert_int_equal(needs.list[0].next_try_ms, 99);
	assert_string_equal(needs.list[1].text,
	    "1 job is dead: not done, and not tried again");
	assert_string_equal(need_kind_name(needs.list[1].kind), "job_dead");
}

/* The most urgent stands first, whatever was found first. */
static void
test_the_most_urgent_is_first(void **state)
{
	const struct needs_handler handlers[] = {
		{ .name = "a", .dead = 2 },
		{ .name = "b", .paused_at_ms = 1 },
	};

	(void)state;
	raise_alert(ALERT_BACKUP, "backup", "no backup for 2 days");
	raise_alert(ALERT_REJECTIONS, "secret", "3 wrong signatures");
	find(handlers, 2, "no space", "the clock is not set", 2);
	assert_int_equal(needs.n, 7);
	for (size_t i = 1; i < needs.n; i++)
		assert_true(needs.list[i - 1].kind <= needs.list[i].kind);
	assert_string_equal(needs.list[0].text,
	    "the store is not well: no space");
	assert_string_equal(needs.list[1].text,
	    "2 alarms have rung: orders were not done by the deadline");
	assert_string_equal(needs.list[6].text, "no backup for 2 days");
	assert_int_equal(needs.list[6].since_ms, 1000);
	assert_true(need_is_urgent(needs.list[0].kind));
	assert_false(need_is_urgent(needs.list[6].kind));
}

/* What is known at first hand is not said a second time. */
static void
test_no_alert_repeats_what_is_known(void **state)
{
	const struct needs_handler h = { .name = "pos", .dead = 1 };

	(void)state;
	raise_alert(ALERT_JOB_DEAD, "pos", "1 job is dead at handler pos");
	raise_alert(ALERT_HANDLER_FAILING, "bell", "it is over by now");
	raise_alert(ALERT_STORE, "store", "cannot be written");
	raise_alert(ALERT_CLOCK, "clock", "not set");
	find(&h, 1, "no space", "the clock is not set", 0);
	assert_int_equal(needs.n, 3);
	/* That indexes were damaged lasts, though the store works again. */
	find(&h, 1, "ready", NULL, 0);
	assert_int_equal(needs.n, 3);
	assert_int_equal(needs.list[0].kind, NEED_STORE);
}

static void
test_they_are_bounded(void **state)
{
	char branch[16];

	(void)state;
	for (int i = 0; i < NEEDS_MAX + 2; i++) {
		(void)snprintf(branch, sizeof(branch), "%d", i);
		raise_alert(ALERT_BRANCH_SILENT, branch, "silent");
	}
	find(NULL, 0, "ready", NULL, 0);
	assert_int_equal(needs.n, NEEDS_MAX);
	assert_int_equal(needs.more, 2);
}

/* Each has a word and each alert a kind. */
static void
test_each_kind_has_a_word(void **state)
{
	(void)state;
	for (int i = 0; i < NEED_NKINDS; i++)
		assert_non_null(need_kind_name((enum need_kind)i));
	for (int i = 0; i < ALERT_NKINDS; i++) {
		nup = 0;
		raise_alert((enum alert_kind)i, "x", "y");
		find(NULL, 0, "ready", NULL, 0);
		if (needs.n == 1)
			assert_string_equal(need_kind_name(needs.list[0].kind),
			    alert_kind_name((enum alert_kind)i));
	}
}

#define needs_test(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		needs_test(test_where_all_is_well_nothing_is_needed),
		needs_test(test_a_paused_handler_says_why),
		needs_test(test_a_failing_handler_says_when_it_tries_again),
		needs_test(test_the_most_urgent_is_first),
		needs_test(test_no_alert_repeats_what_is_known),
		needs_test(test_they_are_bounded),
		needs_test(test_each_kind_has_a_word),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
