/* The watch over certificates, by a clock that obeys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>

#include "server/tls/cert_watch.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/heap.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define START FAKE_CLOCK_START_MS

struct fixture {
	struct event_base *base;
	struct cert_watch *w;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_clock_reset();
	fake_log_clear();
	f->base = event_base_new();
	assert_non_null(f->base);
	f->w = cert_watch_new(f->base);
	assert_non_null(f->w);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)heap_heal();
	cert_watch_free(f->w);
	event_base_free(f->base);
	free(f);
	return (0);
}

static void
turn(struct fixture *f)
{
	assert_int_not_equal(event_base_loop(f->base,
				 EVLOOP_ONCE | EVLOOP_NONBLOCK),
	    -1);
}

/* Hour by hour, as the loop would have it. */
static void
pass_ms(struct fixture *f, int64_t ms)
{
	for (; ms > 0; ms -= HOUR) {
		fake_clock_pass_ms(ms < HOUR ? ms : HOUR);
		turn(f);
	}
}

/* Watch one that ends so long after the start of the clock. */
static void
watch(struct fixture *f, int64_t days)
{
	const struct cert_watched one = { "server", "/c.pem", START - DAY,
		START + days * DAY };

	assert_int_equal(cert_watch_set(f->w, &one, 1), 0);
}

/* One line at each stage, and none between. */
static void
test_each_stage_is_told_once(void **state)
{
	struct fixture *f = *state;

	watch(f, 60);
	assert_int_equal(fake_log_count(""), 0);
	pass_ms(f, 39 * DAY - HOUR);
	assert_int_equal(fake_log_count(""), 0);
	pass_ms(f, HOUR);
	assert_int_equal(fake_log_count("warn certificate of server: /c.pem: "
					"expires in 21 days"),
	    1);
	pass_ms(f, 14 * DAY - 1);
	assert_int_equal(fake_log_count(""), 1);
	pass_ms(f, 1);
	assert_int_equal(fake_log_count("expires in 7 days"), 1);
	pass_ms(f, 6 * DAY);
	assert_int_equal(fake_log_count("expires in 1 day, at "), 1);
	pass_ms(f, DAY);
	assert_int_equal(fake_log_count(""), 3);
	pass_ms(f, HOUR);
	assert_int_equal(fake_log_count("error certificate of server: /c.pem: "
					"expired at "),
	    1);
	pass_ms(f, 30 * DAY);
	assert_int_equal(fake_log_count(""), 4);
}

/* One line for what is true at the start, not one for each stage before. */
static void
test_the_start_tells_one_line(void **state)
{
	struct fixture *f = *state;

	watch(f, 5);
	assert_int_equal(fake_log_count("expires in 5 days"), 1);
	pass_ms(f, 3 * DAY);
	assert_int_equal(fake_log_count(""), 1);
}

/* A reload to a new one ends it; to one as near its end it is told again. */
static void
test_a_reload_begins_anew(void **state)
{
	struct fixture *f = *state;

	watch(f, 5);
	watch(f, 5);
	assert_int_equal(fake_log_count("expires in 5 days"), 2);
	watch(f, 300);
	pass_ms(f, 10 * DAY);
	assert_int_equal(fake_log_count(""), 2);
	assert_int_equal(cert_watch_set(f->w, NULL, 0), 0);
	pass_ms(f, 400 * DAY);
	assert_int_equal(fake_log_count(""), 2);
}

/* A clock that is set is noticed within the hour, ahead and back. */
static void
test_a_clock_that_is_set_is_noticed(void **state)
{
	struct fixture *f = *state;

	watch(f, 60);
	fake_clock_jump_ms(50 * DAY);
	pass_ms(f, HOUR);
	assert_int_equal(fake_log_count("expires in "), 1);
	fake_clock_jump_ms(-50 * DAY);
	pass_ms(f, DAY);
	assert_int_equal(fake_log_count(""), 1);
	fake_clock_jump_ms(-100 * DAY);
	pass_ms(f, DAY);
	assert_int_equal(fake_log_count("is not valid before"), 1);
	fake_clock_jump_ms(100 * DAY);
	pass_ms(f, 38 * DAY);
	assert_int_equal(fake_log_count("expires in "), 2);
	assert_int_equal(fake_log_count(""), 3);
}

static void
test_the_numbers_are_told(void **state)
{
	struct fixture *f = *state;
	const struct cert_watched two[] = {
		{ "server", "/c.pem", START - DAY, START + 30 * DAY },
		{ "handler pos", "/d.pem", START - DAY, START - 5000 },
	};
	struct cert_watch_stats st;

	assert_false(cert_watch_stats(f->w, 0, &st));
	assert_true(cert_watch_sound(f->w, START));
	assert_int_equal(cert_watch_set(f->w, two, 2), 0);
	assert_true(cert_watch_stats(f->w, 0, &st));
	assert_string_equal(st.name, "server");
	assert_int_equal(st.until_ms, START + 30 * DAY);
	assert_true(cert_watch_stats(f->w, 1, &st));
	assert_string_equal(st.name, "handler pos");
	assert_int_equal(st.until_ms, START - 5000);
	assert_false(cert_watch_stats(f->w, 2, &st));
	assert_false(cert_watch_sound(f->w, START));
	assert_true(cert_watch_sound(f->w, START - 5000));
	assert_false(cert_watch_sound(f->w, START - 2 * DAY));
}

/* Whichever allocation fails: the old ones are watched still. */
static void
test_without_memory_the_old_ones_stay(void **state)
{
	struct fixture *f = *state;
	const struct cert_watched other = { "other", "/o.pem", START - DAY,
		START + 90 * DAY };
	struct cert_watch_stats st;

	watch(f, 60);
	for (unsigned i = 0; i < 3; i++) {
		heap_fail(i, 1);
		assert_int_equal(cert_watch_set(f->w, &other, 1), -1);
		assert_int_equal(heap_heal(), 0);
		assert_true(cert_watch_stats(f->w, 0, &st));
		assert_string_equal(st.name, "server");
	}
	heap_fail(0, 1);
	assert_null(cert_watch_new(f->base));
	assert_int_equal(heap_heal(), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_each_stage_is_told_once),
		CASE(test_the_start_tells_one_line),
		CASE(test_a_reload_begins_anew),
		CASE(test_a_clock_that_is_set_is_noticed),
		CASE(test_the_numbers_are_told),
		CASE(test_without_memory_the_old_ones_stay),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
