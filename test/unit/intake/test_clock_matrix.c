/*
 * Every start of the clock with every step, restart and sleep: no job is stuck,
 * no wait cut short, no alarm rings early or not at all, nothing is purged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "test/lib/clock_box.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/valgrind.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY STEADY_DAY_MS
#define YEAR (365 * DAY)

/* The true date of the start. */
#define DATE INT64_C(1770000000000)

/* How near in time is looked. */
#define STEP (5 * SECOND)

enum start { START_1970, START_RIGHT, START_AHEAD, NSTARTS };
enum step {
	STEP_NONE,
	STEP_AHEAD_10,
	STEP_BACK_10,
	STEP_AHEAD_DAY,
	STEP_BACK_DAY,
	STEP_RIGHT,
	NSTEPS
};
enum pause { PAUSE_NONE, PAUSE_RESTART, PAUSE_KILL, PAUSE_REBOOT, NPAUSES };

struct cell {
	enum start start;
	enum step step;
	enum pause pause;
	bool sleep;
};

static const char *const starts[] = { "1970", "right", "two years ahead" };
static const char *const steps[] = { "none", "+10 min", "-10 min", "+1 day",
	"-1 day", "to right" };
static const char *const pauses[] = { "none", "restart", "kill", "reboot" };

/* What the true date is by now. */
static int64_t
date(const struct box *b)
{
	return (DATE + b->true_ms);
}

/* What the wall clock says at the start of the day that is looked at. */
static int64_t
start_ms(const struct box *b, enum start start)
{
	switch (start) {
	case START_1970:
		return (2 * DAY); /* -1 day must be a time, too */
	case START_AHEAD:
		return (date(b) + 2 * YEAR);
	case START_RIGHT:
	case NSTARTS:
		break;
	}
	return (date(b));
}

static int64_t
step_ms(const struct box *b, enum step step)
{
	switch (step) {
	case STEP_AHEAD_10:
		return (10 * MINUTE);
	case STEP_BACK_10:
		return (-10 * MINUTE);
	case STEP_AHEAD_DAY:
		return (DAY);
	case STEP_BACK_DAY:
		return (-DAY);
	case STEP_RIGHT:
		return (date(b) - fake_clock_wall_ms());
	case STEP_NONE:
	case NSTEPS:
		break;
	}
	return (0);
}

static void
pause_box(struct box *b, enum pause pause)
{
	int64_t wall_ms = fake_clock_wall_ms();

	switch (pause) {
	case PAUSE_RESTART:
	case PAUSE_KILL:
		box_restart(b, 20 * SECOND, pause == PAUSE_KILL);
		break;
	case PAUSE_REBOOT:
		box_reboot(b, 20 * SECOND, wall_ms + 20 * SECOND, false);
		break;
	case PAUSE_NONE:
	case NPAUSES:
		break;
	}
}

/* Its alarm rang once, in time; its second call came after its wait. */
static void
assert_in_time(const struct box_event *ev, const struct cell *cell,
    const char *what)
{
	int64_t rang_ms = ev->rang_ms - ev->came_ms;
	int64_t waited_ms = ev->called_ms[1] - ev->called_ms[0];

	if (ev->rings == 1 && ev->calls == 2 && rang_ms >= BOX_DEADLINE_MS &&
	    rang_ms <= BOX_DEADLINE_MS + 2 * STEP &&
	    waited_ms >= BOX_RETRY_MS * 9 / 10 &&
	    waited_ms <= BOX_RETRY_MS * 11 / 10 + 2 * STEP)
		return;
	fail_msg("%s: start %s, step %s, %s%s: %u rings, after %d s; %u calls, "
		 "the second after %d s",
	    what, starts[cell->start], steps[cell->step], pauses[cell->pause],
	    cell->sleep ? ", sleep" : "", ev->rings, (int)(rang_ms / 1000),
	    ev->calls, (int)(waited_ms / 1000));
}

/* An honest past, a start, and then what the cell says, between two orders. */
static void
run_cell(const struct cell *cell)
{
	static struct box b;
	const struct box_event *before, *after;

	fake_log_clear();
	box_open(&b, DATE);
	b.pos_works = true;
	(void)box_deliver(&b, 'P'); /* of the past: done */
	b.pos_works = false;
	box_reboot(&b, HOUR, start_ms(&b, cell->start), false);

	before = box_deliver(&b, 'A');
	box_pass(&b, 30 * SECOND, STEP);
	box_step(&b, step_ms(&b, cell->step));
	box_pass(&b, 30 * SECOND, STEP);
	pause_box(&b, cell->pause);
	after = box_deliver(&b, 'B');
	box_pass(&b, 20 * SECOND, STEP);
	if (cell->sleep)
		box_sleep(&b, 40 * SECOND);
	box_pass(&b, 11 * MINUTE, STEP);
	assert_in_time(before, cell, "the order before the step");
	assert_in_time(after, cell, "the order after it");

	/* Retention has its rounds; then the POS works, and nothing is left. */
	b.pos_works = true;
	box_pass(&b, 3 * HOUR, 10 * MINUTE);
	assert_int_equal(store_case_int(&b.c,
			     "SELECT count(*) FROM jobs "
			     "WHERE finished_at IS NULL OR state = 'dead'"),
	    0);
	assert_int_equal(box_count(&b, "bodies"), 3);
	assert_int_equal(box_count(&b, "events"), 3);
	box_close(&b);
}

/*
 * From one cell to the next. Valgrind looks at memory, and takes minutes for
 * all of them: there each start, step and pause comes along, with some others.
 */
static int
stride(void)
{
	return (under_valgrind() ? 7 : 1);
}

/* All starts, steps and pauses, awake. */
static void
test_every_cell_holds(void **state)
{
	struct cell cell = { 0 };

	(void)state;
	for (int i = 0; i < NSTARTS * NSTEPS * NPAUSES; i += stride()) {
		cell.start = (enum start)(i % NSTARTS);
		cell.step = (enum step)(i / NSTARTS % NSTEPS);
		cell.pause = (enum pause)(i / NSTARTS / NSTEPS);
		run_cell(&cell);
	}
}

/* The same with a sleep of the machine. */
static void
test_every_cell_holds_with_a_sleep(void **state)
{
	struct cell cell = { .sleep = true };

	(void)state;
	for (int i = 0; i < NSTARTS * NSTEPS * NPAUSES; i += stride()) {
		cell.start = (enum start)(i % NSTARTS);
		cell.step = (enum step)(i / NSTARTS % NSTEPS);
		cell.pause = (enum pause)(i / NSTARTS / NSTEPS);
		run_cell(&cell);
	}
}

/* -- What a sleep, a night and a wrong clock do -- */

/* An order taken before a sleep of an hour rings when the machine wakes. */
static void
test_an_alarm_rings_after_a_sleep(void **state)
{
	static struct box b;
	const struct box_event *ev;

	(void)state;
	box_open(&b, DATE);
	ev = box_deliver(&b, 'A');
	box_sleep(&b, HOUR);
	assert_int_equal(ev->rings, 1);
	assert_int_equal(ev->rang_ms, b.true_ms);
	assert_int_equal(ev->calls, 2);
	box_close(&b);
}

/* After a night the waits of the evening are over; the alarm has rung. */
static void
test_a_night_off_is_waited_out(void **state)
{
	static struct box b;
	const struct box_event *ev;

	(void)state;
	box_open(&b, DATE);
	ev = box_deliver(&b, 'A');
	box_pass(&b, MINUTE, STEP);
	box_reboot(&b, 9 * HOUR, date(&b) + 9 * HOUR, true);
	assert_int_equal(ev->rings, 1);
	assert_int_equal(ev->calls, 2);
	box_close(&b);
}

/*
 * A flat battery: how long it was off nobody knows. A wait goes on where it
 * stood, so it ends no later than a whole wait after the start, and the clock's
 * being put right changes nothing.
 */
static void
test_an_unknown_night_cuts_no_wait_short(void **state)
{
	static struct box b;
	const struct box_event *ev;
	int64_t on_ms;

	(void)state;
	box_open(&b, DATE);
	ev = box_deliver(&b, 'A');
	box_pass(&b, MINUTE, STEP);
	box_reboot(&b, 9 * HOUR, 0, true);
	on_ms = b.true_ms;
	box_pass(&b, MINUTE, STEP);
	box_step(&b, date(&b) - fake_clock_wall_ms());
	box_pass(&b, 11 * MINUTE, STEP);
	assert_int_equal(ev->rings, 1);
	assert_in_range(ev->rang_ms - on_ms, 0, BOX_DEADLINE_MS + STEP);
	assert_int_equal(ev->calls, 2);
	assert_in_range(ev->called_ms[1] - on_ms, BOX_RETRY_MS * 8 / 10,
	    BOX_RETRY_MS * 11 / 10 + STEP);
	box_close(&b);
}

/* -- The watch -- */

/* What the store has kept is never more than an hour old, also when killed. */
static void
test_the_clock_is_kept_every_hour(void **state)
{
	static struct box b;
	int64_t before_ms;

	(void)state;
	box_open(&b, DATE);
	box_pass(&b, 150 * MINUTE, MINUTE);
	before_ms = store_case_int(&b.c, "SELECT steady_at FROM clock");
	assert_in_range(before_ms, DATE + 90 * MINUTE, DATE + 150 * MINUTE);
	box_reboot(&b, MINUTE, 0, true);
	assert_int_equal(store_case_int(&b.c, "SELECT steady_at FROM clock"),
	    before_ms);
	box_close(&b);
}

/* A step is logged once, doubt when it begins and when it ends. */
static void
test_a_step_is_told(void **state)
{
	static struct box b;

	(void)state;
	fake_log_clear();
	box_open(&b, DATE);
	box_step(&b, 10 * MINUTE);
	assert_int_equal(fake_log_count("info the clock was set ahead by 600 "
					"s; jobs and alarms keep their time"),
	    1);
	assert_int_equal(fake_log_count("not believed"), 0);
	box_step(&b, 2 * YEAR);
	box_pass(&b, 10 * MINUTE, MINUTE);
	assert_int_equal(fake_log_count("warn the clock is not believed: the "
					"clock has jumped ahead"),
	    1);
	box_step(&b, -2 * YEAR);
	box_pass(&b, 10 * MINUTE, MINUTE);
	assert_int_equal(fake_log_count("info the clock was set back by"), 1);
	assert_int_equal(fake_log_count("info the clock is believed again"), 1);
	assert_int_equal(fake_log_count("the clock was set"), 3);
	box_close(&b);
}

/* -- Retention -- */

/* Past the age of bodies, by half days with hourly looks in between. */
static void
pass_days(struct box *b, int days)
{
	for (int i = 0; i < days; i++)
		box_pass(b, DAY, 6 * HOUR);
	box_pass(b, 3 * HOUR, HOUR / 2);
}

/* With an honest clock a body goes at its age, and not before. */
static void
test_an_honest_clock_purges_in_time(void **state)
{
	static struct box b;

	(void)state;
	box_open(&b, DATE);
	b.pos_works = true;
	(void)box_deliver(&b, 'A');
	pass_days(&b, 29);
	assert_int_equal(box_count(&b, "bodies"), 1);
	pass_days(&b, 1);
	assert_int_equal(box_count(&b, "bodies"), 0);
	assert_int_equal(box_count(&b, "events"), 1);
	box_close(&b);
}

/* A box that is off every night purges as well. */
static void
test_nights_off_count_as_age(void **state)
{
	static struct box b;

	(void)state;
	box_open(&b, DATE);
	b.pos_works = true;
	(void)box_deliver(&b, 'A');
	for (int day = 0; day < 30; day++) {
		box_pass(&b, 10 * HOUR, 2 * HOUR);
		assert_int_equal(box_count(&b, "bodies"), 1);
		box_reboot(&b, 14 * HOUR, date(&b) + 14 * HOUR, day % 2 == 0);
	}
	box_pass(&b, 3 * HOUR, HOUR / 2);
	assert_int_equal(box_count(&b, "bodies"), 0);
	box_close(&b);
}

/* Made with a clock two years ahead, then put right: in time, by its age. */
static void
test_what_was_dated_ahead_goes_by_its_age(void **state)
{
	static struct box b;

	(void)state;
	box_open(&b, DATE + 2 * YEAR);
	b.pos_works = true;
	(void)box_deliver(&b, 'A');
	box_step(&b, -2 * YEAR);
	pass_days(&b, 29);
	assert_int_equal(box_count(&b, "bodies"), 1);
	pass_days(&b, 1);
	assert_int_equal(box_count(&b, "bodies"), 0);
	box_close(&b);
}

/* What is dated while the clock is not believed is marked, and nothing else. */
static void
test_only_doubted_dates_are_marked(void **state)
{
	static struct box b;

	(void)state;
	box_open(&b, DATE);
	b.pos_works = true;
	(void)box_deliver(&b, 'A');
	box_reboot(&b, MINUTE, 0, false);
	(void)box_deliver(&b, 'B');
	assert_int_equal(box_count(&b, "events WHERE date_doubted"), 1);
	box_step(&b, date(&b));
	(void)box_deliver(&b, 'C');
	box_step(&b, 2 * YEAR);
	(void)box_deliver(&b, 'D');
	box_step(&b, -2 * YEAR);
	(void)box_deliver(&b, 'E');
	assert_int_equal(box_count(&b, "events WHERE date_doubted AND "
				       "event_id IN ('B', 'D')"),
	    2);
	assert_int_equal(box_count(&b, "events WHERE date_doubted"), 2);
	box_close(&b);
}

/* Made in 1970, then put right: nothing goes before its age. */
static void
test_what_was_dated_in_1970_is_kept(void **state)
{
	static struct box b;

	(void)state;
	box_open(&b, 0);
	b.pos_works = true;
	(void)box_deliver(&b, 'A');
	box_step(&b, DATE);
	assert_int_equal(box_count(&b, "events WHERE date_doubted"), 1);
	pass_days(&b, 29);
	assert_int_equal(box_count(&b, "bodies"), 1);
	pass_days(&b, 1);
	assert_int_equal(box_count(&b, "bodies"), 0);
	box_close(&b);
}

/* Two years ahead at each start of a week: ids are kept, no order is doubled.
 */
static void
test_a_clock_that_stays_ahead_purges_nothing_early(void **state)
{
	static struct box b;

	(void)state;
	box_open(&b, DATE);
	b.pos_works = true;
	(void)box_deliver(&b, 'A');
	box_reboot(&b, MINUTE, date(&b) + 2 * YEAR, false);
	for (int day = 0; day < 20; day++) {
		box_pass(&b, DAY, 3 * HOUR);
		box_restart(&b, MINUTE, day % 2 == 0);
	}
	assert_int_equal(box_count(&b, "bodies"), 1);
	assert_int_equal(box_count(&b, "served"), 0);
	pass_days(&b, 10);
	assert_int_equal(box_count(&b, "bodies"), 0);
	assert_int_equal(box_count(&b, "events"), 1);
	box_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell_holds),
		cmocka_unit_test(test_every_cell_holds_with_a_sleep),
		cmocka_unit_test(test_an_alarm_rings_after_a_sleep),
		cmocka_unit_test(test_a_night_off_is_waited_out),
		cmocka_unit_test(test_an_unknown_night_cuts_no_wait_short),
		cmocka_unit_test(test_the_clock_is_kept_every_hour),
		cmocka_unit_test(test_a_step_is_told),
		cmocka_unit_test(test_an_honest_clock_purges_in_time),
		cmocka_unit_test(test_nights_off_count_as_age),
		cmocka_unit_test(test_what_was_dated_ahead_goes_by_its_age),
		cmocka_unit_test(test_only_doubted_dates_are_marked),
		cmocka_unit_test(test_what_was_dated_in_1970_is_kept),
		cmocka_unit_test(
		    test_a_clock_that_stays_ahead_purges_nothing_early),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
