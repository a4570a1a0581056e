/* What of store, disk, clock and certificates is worth a call, and when. */
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "server/alert/alert_machine.h"
#include "server/base/steady.h"
#include "server/tls/cert_watch.h"
#include "store/store_read.h"
#include "test/lib/fake_alerts.h"
#include "test/lib/fake_clock.h"

#define AFTER_MS 60000
#define DAY_MS INT64_C(86400000)
#define FLOOR (INT64_C(8) << 20)

/* -- In place of what it looks at -- */

static enum store_health health;
static uint64_t repairs;
static struct cert_watch_stats certs[2];
static size_t ncerts;

enum store_health
store_health(const struct store *st)
{
	assert_null(st);
	return (health);
}

const char *
store_reason(const struct store *st)
{
	assert_null(st);
	return ("the reason");
}

void
store_stats(struct store *st, struct store_stats *ret)
{
	assert_null(st);
	*ret = (struct store_stats){ .repairs = repairs };
}

bool
cert_watch_stats(const struct cert_watch *w, size_t i,
    struct cert_watch_stats *ret_stats)
{
	assert_non_null(w);
	if (i >= ncerts)
		return (false);
	*ret_stats = certs[i];
	return (true);
}

/* -- The tests -- */

static struct steady clock_now;
static struct alert_machine machine;

static int
setup(void **state)
{
	(void)state;
	fake_clock_reset();
	fake_clock_start(&clock_now);
	fake_alerts_reset(AFTER_MS);
	health = STORE_READY;
	repairs = 0;
	ncerts = 0;
	machine = (struct alert_machine){ .clock = &clock_now };
	return (0);
}

static void
look_after(int64_t ms)
{
	fake_clock_pass_ms(ms);
	alert_machine_look(&machine);
}

static void
test_all_is_well(void **state)
{
	(void)state;
	look_after(0);
	look_after(AFTER_MS);
	assert_int_equal(fake_alerts_count(), 0);
}

/* What does not pass is told at once; what may, when it has not. */
static void
test_a_store_in_trouble(void **state)
{
	static const struct {
		enum store_health health;
		bool at_once, ever;
	} cases[] = {
		{ STORE_DAMAGED, true, true }, { STORE_FILE_LOST, true, true },
		{ STORE_RECOVERING, false, true },
		{ STORE_UNREACHABLE, false, true },
		{ STORE_NOSPACE, false, false }, /* the disk's alert tells */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		health = cases[i].health;
		look_after(0);
		assert_int_equal(fake_alerts_up(ALERT_STORE, "store") != NULL,
		    cases[i].at_once);
		look_after(AFTER_MS - 1);
		assert_int_equal(fake_alerts_up(ALERT_STORE, "store") != NULL,
		    cases[i].at_once);
		look_after(1);
		assert_int_equal(fake_alerts_up(ALERT_STORE, "store") != NULL,
		    cases[i].ever);
		health = STORE_READY;
		look_after(0);
		assert_int_equal(fake_alerts_count(), 0);
	}
}

/* What passes in time begins anew when it comes again. */
static void
test_a_store_that_comes_and_goes(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		health = STORE_RECOVERING;
		look_after(AFTER_MS - 1);
		look_after(AFTER_MS - 1);
		health = STORE_READY;
		look_after(1);
	}
	assert_int_equal(fake_alerts_count(), 0);
	health = STORE_RECOVERING;
	look_after(1);
	look_after(AFTER_MS);
	assert_string_equal(fake_alerts_up(ALERT_STORE, "store"),
	    "the store cannot be written: the reason");
}

static void
test_indexes_that_were_damaged(void **state)
{
	(void)state;
	repairs = 1;
	look_after(0);
	assert_non_null(fake_alerts_up(ALERT_STORE, "indexes"));
	assert_null(fake_alerts_up(ALERT_STORE, "store"));
}

static void
count(int64_t free_bytes, int64_t floor_bytes)
{
	const struct store_figures f = { .free_bytes = free_bytes,
		.floor_bytes = floor_bytes };

	alert_machine_counted(&machine, &f);
}

/* Between little and enough it stays as it is. */
static void
test_a_disk_that_fills(void **state)
{
	const char *sentence;

	(void)state;
	count(-1, FLOOR); /* not known */
	count(4 * FLOOR, FLOOR);
	assert_int_equal(fake_alerts_count(), 0);
	count(4 * FLOOR - 1, FLOOR);
	sentence = fake_alerts_up(ALERT_DISK, "disk");
	assert_non_null(sentence);
	assert_non_null(strstr(sentence, "31 MiB are free"));
	assert_non_null(strstr(sentence, "below 8 MiB"));
	count(5 * FLOOR - 1, FLOOR);
	count(-1, FLOOR);
	count(0, 0); /* a database on another machine */
	assert_non_null(fake_alerts_up(ALERT_DISK, "disk"));
	count(5 * FLOOR, FLOOR);
	assert_int_equal(fake_alerts_count(), 0);
}

static void
test_a_clock_that_is_not_believed(void **state)
{
	(void)state;
	clock_now.doubt = STEADY_AHEAD;
	look_after(0);
	look_after(AFTER_MS - 1);
	assert_int_equal(fake_alerts_count(), 0);
	look_after(1);
	assert_string_equal(fake_alerts_up(ALERT_CLOCK, "clock"),
	    steady_doubt_text(STEADY_AHEAD));
	clock_now.doubt = STEADY_FINE;
	look_after(0);
	assert_int_equal(fake_alerts_count(), 0);
}

static void
test_certificates(void **state)
{
	int64_t now_ms = fake_clock_wall_ms();
	const char *sentence;

	(void)state;
	certs[0] = (struct cert_watch_stats){ "server",
		now_ms + ALERT_MACHINE_CERT_MS };
	certs[1] = (struct cert_watch_stats){ "pos", now_ms + 90 * DAY_MS };
	ncerts = 2;
	look_after(0);
	assert_int_equal(fake_alerts_count(), 0); /* it watches none yet */
	machine.certs = (const struct cert_watch *)&machine;
	look_after(0);
	assert_int_equal(fake_alerts_count(), 0);
	look_after(1);
	sentence = fake_alerts_up(ALERT_CERTIFICATE, "server");
	assert_non_null(sentence);
	assert_non_null(strstr(sentence, "of server ends in 13 days, at 20"));
	look_after(ALERT_MACHINE_CERT_MS);
	sentence = fake_alerts_up(ALERT_CERTIFICATE, "server");
	assert_non_null(strstr(sentence, "has expired"));
	assert_null(fake_alerts_up(ALERT_CERTIFICATE, "pos"));
	certs[0].until_ms += 90 * DAY_MS;
	look_after(0);
	assert_int_equal(fake_alerts_count(), 0);
}

/* Of one that is watched no more nothing is told any more. */
static void
test_a_certificate_that_is_configured_no_more(void **state)
{
	(void)state;
	machine.certs = (const struct cert_watch *)&machine;
	certs[0] = (struct cert_watch_stats){ "pos", fake_clock_wall_ms() };
	ncerts = 1;
	look_after(1);
	assert_int_equal(fake_alerts_count(), 1);
	ncerts = 0;
	look_after(1);
	assert_int_equal(fake_alerts_count(), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_is_well),
		TEST(test_a_store_in_trouble),
		TEST(test_a_store_that_comes_and_goes),
		TEST(test_indexes_that_were_damaged),
		TEST(test_a_disk_that_fills),
		TEST(test_a_clock_that_is_not_believed),
		TEST(test_certificates),
		TEST(test_a_certificate_that_is_configured_no_more),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
