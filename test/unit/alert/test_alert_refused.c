/* Which refused deliveries are worth a call, and when. */
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "server/alert/alert_refused.h"
#include "server/alert/alerts.h"
#include "server/intake/ingest.h"
#include "server/intake/rejections.h"
#include "test/lib/fake_alerts.h"

#define AFTER_MS 60000
#define DAY_MS INT64_C(86400000)
#define CHANGED "changed deliveries"
#define SECRET "secret"

/* -- In place of what it looks at -- */

static uint64_t of_klikit, forged;
static struct ingest_stats in;

uint64_t
rejections_of_klikit(const struct rejections *rej, const char **ret_text)
{
	assert_null(rej);
	*ret_text = of_klikit == 0 ? "" : "a proxy changes the body";
	return (of_klikit);
}

uint64_t
rejections_count(const struct rejections *rej, enum reject_cause cause)
{
	assert_null(rej);
	return (cause == REJECT_SIGNATURE ? forged : 1000);
}

void
ingest_stats(const struct ingest *ingest, struct ingest_stats *ret_stats)
{
	assert_null(ingest);
	*ret_stats = in;
}

/* -- The tests -- */

static struct alert_refused refused;
static struct steady_time now;

static int
setup(void **state)
{
	(void)state;
	fake_alerts_reset(AFTER_MS);
	of_klikit = forged = 0;
	memset(&in, 0, sizeof(in));
	memset(&refused, 0, sizeof(refused));
	now.ms = 1750000000000;
	return (0);
}

static void
look_after(int64_t ms)
{
	now.ms += ms;
	alert_refused_look(&refused, now);
}

/* It is told at once, and over when none has come for long. */
static void
test_what_klikit_has_sent(void **state)
{
	(void)state;
	look_after(0);
	assert_int_equal(fake_alerts_count(), 0);
	of_klikit = 1;
	look_after(1);
	assert_string_equal(fake_alerts_up(ALERT_REJECTIONS, CHANGED),
	    "deliveries of klikit are refused: a proxy changes the body");
	look_after(6 * AFTER_MS);
	assert_non_null(fake_alerts_up(ALERT_REJECTIONS, CHANGED));
	of_klikit++; /* it lasts */
	look_after(0);
	look_after(6 * AFTER_MS);
	assert_non_null(fake_alerts_up(ALERT_REJECTIONS, CHANGED));
	look_after(1);
	assert_null(fake_alerts_up(ALERT_REJECTIONS, CHANGED));
}

/* A few wrong signatures, and nothing good for a while. */
static void
test_a_secret_that_is_wrong(void **state)
{
	(void)state;
	in.received = 70;
	look_after(0);
	forged = ALERT_REFUSED_MIN;
	look_after(1);
	look_after(AFTER_MS - 1);
	assert_int_equal(fake_alerts_count(), 0); /* not for long enough */
	look_after(1);
	assert_non_null(strstr(fake_alerts_up(ALERT_REJECTIONS, SECRET),
	    "since 3 with a wrong signature came"));
	forged += 4;
	look_after(1);
	assert_non_null(
	    strstr(fake_alerts_up(ALERT_REJECTIONS, SECRET), "since 7 with"));
	in.duplicates++; /* klikit comes again, and is understood */
	look_after(1);
	assert_int_equal(fake_alerts_count(), 0);
	look_after(10 * AFTER_MS);
	assert_int_equal(fake_alerts_count(), 0);
}

/* Any stranger can send one or two. */
static void
test_a_few_forgeries(void **state)
{
	(void)state;
	look_after(0);
	forged = ALERT_REFUSED_MIN - 1;
	look_after(1);
	look_after(2 * AFTER_MS);
	assert_int_equal(fake_alerts_count(), 0);
	forged++;
	look_after(1);
	assert_non_null(fake_alerts_up(ALERT_REJECTIONS, SECRET));
}

/* Many, but good ones come among them. */
static void
test_forgeries_among_good_ones(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		forged += 100;
		in.received++;
		look_after(AFTER_MS / 2);
		assert_int_equal(fake_alerts_count(), 0);
	}
}

/* A branch that is closed gets nothing good; in the end it is quiet. */
static void
test_forgeries_of_long_ago(void **state)
{
	(void)state;
	look_after(0);
	forged = 10;
	look_after(1);
	look_after(AFTER_MS);
	assert_int_equal(fake_alerts_count(), 1);
	look_after(DAY_MS - AFTER_MS);
	assert_int_equal(fake_alerts_count(), 1);
	look_after(1);
	assert_int_equal(fake_alerts_count(), 0);
	look_after(AFTER_MS);
	assert_int_equal(fake_alerts_count(), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_klikit_has_sent),
		TEST(test_a_secret_that_is_wrong),
		TEST(test_a_few_forgeries),
		TEST(test_forgeries_among_good_ones),
		TEST(test_forgeries_of_long_ago),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
