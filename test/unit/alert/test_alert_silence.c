/* Which branches are reported as silent, by what the store has of them. */
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "server/alert/alert_silence.h"
#include "server/alert/usual_hours.h"
#include "server/base/steady.h"
#include "server/intake/branches.h"
#include "server/intake/ingest.h"
#include "store/store_read.h"
#include "test/lib/fake_alerts.h"
#include "test/lib/fake_clock.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define SILENCE_MS (3 * HOUR_MS)

/* -- In place of what it looks at -- */

static struct branches branches;
static store_events_fn *asked; /* NULL: no page is asked for */
static void *asked_arg;
static int64_t asked_before;

int
store_list_events(struct store *st, const struct store_filter *filter,
    store_events_fn *done, void *arg)
{
	assert_null(st);
	assert_null(asked);
	asked = done;
	asked_arg = arg;
	asked_before = filter->before;
	return (0);
}

const struct branches *
ingest_branches(const struct ingest *in)
{
	assert_null(in);
	return (&branches);
}

void
ingest_seen(struct ingest *in, const char *branch, struct steady_time at)
{
	assert_null(in);
	branches_note(&branches, branch, at);
}

/* -- The tests -- */

struct fixture {
	struct event_base *base;
	struct steady clock;
	struct alert_silence *silence;
};

static int
setup(void **state)
{
	static struct fixture f;

	fake_clock_reset();
	fake_clock_start(&f.clock);
	fake_alerts_reset(60000);
	memset(&branches, 0, sizeof(branches));
	asked = NULL;
	assert_non_null(f.base = event_base_new());
	assert_non_null(f.silence = alert_silence_new(
			    &(struct alert_silence_options){ .base = f.base,
				.clock = &f.clock }));
	*state = &f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	alert_silence_stop(f->silence);
	alert_silence_free(f->silence);
	event_base_free(f->base);
	return (0);
}

/* Answer the page that is asked for. */
static void
answer(enum store_rc rc, const struct store_event_info *rows, size_t n)
{
	store_events_fn *done = asked;

	assert_non_null(done);
	asked = NULL;
	done(rc, rows, n, rc == STORE_OK ? "" : "the reason", asked_arg);
}

static void
turn(struct fixture *f, int64_t pass_ms)
{
	fake_clock_pass_ms(pass_ms);
	assert_int_not_equal(event_base_loop(f->base,
				 EVLOOP_ONCE | EVLOOP_NONBLOCK),
	    -1);
}

/* The page that comes when it has paused. */
static void
pause_then_answer(struct fixture *f, const struct store_event_info *rows,
    size_t n)
{
	turn(f, ALERT_SILENCE_PAUSE_MS);
	answer(STORE_OK, rows, n);
}

/* The store has an event an hour, each a page, from weeks ago until then. */
static void
read_back(struct fixture *f, struct store_event *ev, unsigned weeks,
    int64_t until_ms)
{
	struct store_event_info row = { .ev = ev };
	int64_t at_ms = until_ms;

	alert_silence_set(f->silence, SILENCE_MS);
	for (unsigned i = 0; i <= weeks * USUAL_HOURS_WEEK; i++) {
		ev->id = 100000 - (int64_t)i;
		ev->received_at_ms = at_ms;
		ev->came_at.ms = at_ms - f->clock.trust_ms;
		if (i == 0)
			answer(STORE_OK, &row, 1);
		else
			pause_then_answer(f, &row, 1);
		assert_int_equal(fake_alerts_count(), 0);
		alert_silence_look(f->silence); /* not read yet: says nothing */
		assert_int_equal(fake_alerts_count(), 0);
		if (i < weeks * USUAL_HOURS_WEEK) {
			turn(f, ALERT_SILENCE_PAUSE_MS);
			assert_int_equal(asked_before, ev->id);
			answer(STORE_FAILED, NULL, 0); /* it asks again */
		}
		at_ms -= HOUR_MS;
	}
	pause_then_answer(f, NULL, 0);
}

/* Between two hours, so that whole ones are plain. */
static int64_t
half_past(void)
{
	return (fake_clock_wall_ms() / HOUR_MS * HOUR_MS + HOUR_MS / 2);
}

static void
test_a_branch_that_is_silent(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = { .branch = (char *)"2041" };
	int64_t last_ms;

	fake_clock_pass_ms(half_past() - fake_clock_wall_ms());
	last_ms = fake_clock_wall_ms() - HOUR_MS;
	read_back(f, &ev, 4, last_ms);
	alert_silence_look(f->silence);
	assert_int_equal(fake_alerts_count(), 0); /* an hour is none */
	fake_clock_pass_ms(last_ms + SILENCE_MS - fake_clock_wall_ms());
	alert_silence_look(f->silence);
	assert_int_equal(fake_alerts_count(), 0); /* two whole hours */
	fake_clock_pass_ms(HOUR_MS);
	alert_silence_look(f->silence);
	assert_non_null(strstr(fake_alerts_up(ALERT_BRANCH_SILENT, "2041"),
	    "branch 2041 is silent: nothing came in 3 hours"));

	branches_note(&branches, "2041", steady_now(&f->clock));
	alert_silence_look(f->silence);
	assert_int_equal(fake_alerts_count(), 0);
	fake_clock_pass_ms(DAY_MS);
	alert_silence_look(f->silence);
	assert_int_equal(fake_alerts_count(), 1);
	alert_silence_set(f->silence, 0); /* by a reload */
	alert_silence_look(f->silence);
	assert_int_equal(fake_alerts_count(), 0);
}

/* With a wrong clock nobody knows what hour it is. */
static void
test_a_clock_that_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = { .branch = (char *)"2041" };

	read_back(f, &ev, 4, fake_clock_wall_ms() - 5 * HOUR_MS);
	f->clock.doubt = STEADY_BEHIND;
	alert_silence_look(f->silence);
	assert_int_equal(fake_alerts_count(), 0);
	f->clock.doubt = STEADY_FINE;
	alert_silence_look(f->silence);
	assert_int_equal(fake_alerts_count(), 1);
}

/* Two weeks are too little to know what is usual. */
static void
test_a_branch_that_is_new(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = { .branch = (char *)"2041" };

	read_back(f, &ev, 2, fake_clock_wall_ms() - 9 * HOUR_MS);
	alert_silence_look(f->silence);
	assert_int_equal(fake_alerts_count(), 0);
}

/* What klikit did not send then says nothing of a branch. */
static void
test_what_is_no_sign_of_life(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = { .branch = (char *)"2041",
		.origin = STORE_INTERNAL };
	struct store_event again = { .branch = (char *)"2041", .repeat_of = 7 };
	struct store_event doubted = { .branch = (char *)"2041",
		.date_doubted = true };
	struct store_event none = { 0 };
	const struct store_event_info rows[] = {
		{ .ev = &ev },
		{ .ev = &again },
		{ .ev = &doubted },
		{ .ev = &none },
	};

	for (size_t i = 0; i < 4; i++)
		((struct store_event *)rows[i].ev)->received_at_ms =
		    fake_clock_wall_ms();
	alert_silence_set(f->silence, SILENCE_MS);
	answer(STORE_OK, rows, 4);
	assert_int_equal(branches.n, 0);
}

/* It reads no further than is of use, and no more pages than allowed. */
static void
test_how_far_it_reads(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = { .branch = (char *)"2041" };
	const struct store_event_info row = { .ev = &ev };

	alert_silence_set(f->silence, SILENCE_MS);
	alert_silence_set(f->silence, SILENCE_MS); /* begins once */
	ev.received_at_ms = fake_clock_wall_ms() - USUAL_HOURS_KNOWN_MS - 1;
	answer(STORE_OK, &row, 1);
	turn(f, ALERT_SILENCE_PAUSE_MS);
	assert_null(asked);
}

static void
test_how_many_pages_it_reads(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = { .branch = (char *)"2041" };
	const struct store_event_info row = { .ev = &ev };
	unsigned pages = 1;

	ev.received_at_ms = fake_clock_wall_ms();
	alert_silence_set(f->silence, SILENCE_MS);
	while (asked != NULL) {
		answer(STORE_OK, &row, 1);
		turn(f, ALERT_SILENCE_PAUSE_MS);
		pages += asked != NULL;
	}
	assert_int_equal(pages, ALERT_SILENCE_PAGES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_branch_that_is_silent),
		TEST(test_a_clock_that_is_not_believed),
		TEST(test_a_branch_that_is_new),
		TEST(test_what_is_no_sign_of_life),
		TEST(test_how_far_it_reads),
		TEST(test_how_many_pages_it_reads),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
