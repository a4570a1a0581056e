/* What is to be sent of one subject, by what is so and what was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/alert/alert.h"

#define WALL 1750000000000
#define HOUR 3600000
#define ME "box/1"

static struct alert a;
static struct alert_terms terms;

static int
setup(void **state)
{
	(void)state;
	memset(&a, 0, sizeof(a));
	terms = (struct alert_terms){ .now = { 1000 },
		.remind_ms = 4 * HOUR,
		.may_clear = true };
	alert_init(&a, ALERT_JOB_DEAD, "pos");
	return (0);
}

static void
learn_nothing(void)
{
	static const struct alert_sent nothing;

	alert_resume(&a, &nothing);
}

static enum alert_word
next(void)
{
	return (alert_next(&a, &terms));
}

/* What is due is sent; which must be that word. */
static void
tell(enum alert_word word)
{
	assert_int_equal(next(), word);
	alert_note_sent(&a, word, terms.now, ME);
}

static void
test_nothing_is_told_before_it_is_known(void **state)
{
	(void)state;
	assert_true(alert_raise(&a, "bad", WALL));
	assert_int_equal(next(), ALERT_NOTHING);
	learn_nothing();
	assert_int_equal(next(), ALERT_RAISED);
	a.busy = true;
	assert_int_equal(next(), ALERT_NOTHING);
}

static void
test_it_is_raised_once(void **state)
{
	(void)state;
	learn_nothing();
	assert_true(alert_raise(&a, "bad", WALL));
	tell(ALERT_RAISED);
	assert_false(alert_raise(&a, "worse", WALL + 1));
	assert_int_equal(next(), ALERT_NOTHING);
	assert_string_equal(a.sentence, "worse");
	assert_int_equal(a.since_ms, WALL);
}

static void
test_it_is_reminded_as_long_as_it_lasts(void **state)
{
	(void)state;
	learn_nothing();
	(void)alert_raise(&a, "bad", WALL);
	tell(ALERT_RAISED);
	for (unsigned i = 1; i <= 3; i++) {
		terms.now.ms += 4 * HOUR - 1;
		assert_int_equal(next(), ALERT_NOTHING);
		terms.now.ms++;
		tell(ALERT_REMINDER);
		assert_int_equal(a.sent.reminders, i);
	}
	terms.remind_ms = 0;
	terms.now.ms += 1000 * (int64_t)HOUR;
	assert_int_equal(next(), ALERT_NOTHING);
}

static void
test_its_end_is_told_once(void **state)
{
	(void)state;
	learn_nothing();
	(void)alert_raise(&a, "bad", WALL);
	tell(ALERT_RAISED);
	assert_true(alert_clear(&a));
	assert_false(alert_clear(&a));
	tell(ALERT_CLEARED);
	assert_int_equal(next(), ALERT_NOTHING);
	assert_true(alert_is_idle(&a));
	assert_int_equal(a.sent.turn, 2);
	assert_true(alert_raise(&a, "again", WALL + 5));
	tell(ALERT_RAISED);
	assert_int_equal(a.sent.reminders, 0);
	assert_int_equal(a.sent.since_ms, WALL + 5);
}

/* What could not be sent while it lasted is sent when that works. */
static void
test_what_is_over_before_it_is_sent_is_owed(void **state)
{
	(void)state;
	learn_nothing();
	(void)alert_raise(&a, "bad", WALL);
	(void)alert_clear(&a);
	assert_false(alert_is_idle(&a));
	tell(ALERT_RAISED);
	tell(ALERT_CLEARED);
	assert_int_equal(next(), ALERT_NOTHING);
}

/* But not if there is nobody who wants to know. */
static void
test_what_nobody_takes_is_forgotten(void **state)
{
	(void)state;
	(void)alert_raise(&a, "bad", WALL);
	alert_drop(&a);
	assert_true(a.up);
	(void)alert_clear(&a);
	alert_drop(&a);
	assert_true(alert_is_idle(&a));
	learn_nothing();
	assert_int_equal(next(), ALERT_NOTHING);
}

/* It may come back while its end is on its way to the store. */
static void
test_back_while_its_end_is_told(void **state)
{
	(void)state;
	learn_nothing();
	(void)alert_raise(&a, "bad", WALL);
	tell(ALERT_RAISED);
	(void)alert_clear(&a);
	assert_int_equal(next(), ALERT_CLEARED);
	(void)alert_raise(&a, "bad again", WALL + 9);
	alert_note_sent(&a, ALERT_CLEARED, terms.now, ME);
	tell(ALERT_RAISED);
}

/* After a restart the store says what was sent. */
static void
test_a_restart_goes_on(void **state)
{
	const struct alert_sent sent = { .turn = 7,
		.word = ALERT_REMINDER,
		.at = { 900 },
		.since_ms = WALL - 1000,
		.reminders = 2,
		.sentence = "bad" };

	(void)state;
	(void)alert_raise(&a, "still bad", WALL);
	alert_resume(&a, &sent);
	assert_int_equal(next(), ALERT_NOTHING);
	assert_int_equal(a.since_ms, WALL - 1000);
	assert_string_equal(a.sentence, "still bad");
	terms.now.ms = 900 + 4 * HOUR;
	tell(ALERT_REMINDER);
	assert_int_equal(a.sent.reminders, 3);
	assert_int_equal(a.sent.turn, 8);
}

/* What ended while it was off is sent then. */
static void
test_over_after_a_restart(void **state)
{
	const struct alert_sent sent = { .turn = 1,
		.word = ALERT_RAISED,
		.since_ms = WALL - 1000,
		.sentence = "bad" };

	(void)state;
	assert_false(alert_clear(&a));
	alert_resume(&a, &sent);
	assert_string_equal(a.sentence, "bad");
	terms.may_clear = false; /* it is another receiver's */
	assert_int_equal(next(), ALERT_NOTHING);
	terms.may_clear = true;
	tell(ALERT_CLEARED);
	assert_true(alert_is_idle(&a));
}

/* Another receiver has cleared what is still so here: it is raised anew. */
static void
test_cleared_by_another(void **state)
{
	struct alert_sent sent = { .turn = 2, .word = ALERT_CLEARED };

	(void)state;
	learn_nothing();
	(void)alert_raise(&a, "bad", WALL);
	tell(ALERT_RAISED);
	alert_resume(&a, &sent);
	tell(ALERT_RAISED);
	assert_int_equal(a.sent.turn, 3);
	(void)alert_clear(&a);
	sent.turn = 4;
	alert_resume(&a, &sent);
	assert_true(alert_is_idle(&a));
	assert_int_equal(next(), ALERT_NOTHING);
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_nothing_is_told_before_it_is_known),
		CASE(test_it_is_raised_once),
		CASE(test_it_is_reminded_as_long_as_it_lasts),
		CASE(test_its_end_is_told_once),
		CASE(test_what_is_over_before_it_is_sent_is_owed),
		CASE(test_what_nobody_takes_is_forgotten),
		CASE(test_back_while_its_end_is_told),
		CASE(test_a_restart_goes_on),
		CASE(test_over_after_a_restart),
		CASE(test_cleared_by_another),
	};

	return (cmocka_run_group_tests_name("alert", tests, NULL, NULL));
}
