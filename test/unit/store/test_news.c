/* News that gather until somebody collects them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/news.h"

/* What was there stays, what comes is added. */
static void
test_news_gather(void **state)
{
	static struct store_news to, from;

	(void)state;
	assert_false(store_news_any(&to));
	from.jobs = true;
	from.nevents = 1;
	from.events[0] = 7;
	store_news_merge(&to, &from);
	store_news_reset(&from);
	assert_false(store_news_any(&from));
	from.handlers = true;
	from.nevents = from.nchanged = from.nrejections = 1;
	from.events[0] = 8;
	from.changed[0] = 9;
	from.rejections[0] = 10;
	store_news_merge(&to, &from);
	assert_true(to.jobs && to.handlers && !to.lost);
	assert_int_equal(to.nevents, 2);
	assert_int_equal(to.events[0], 7);
	assert_int_equal(to.events[1], 8);
	assert_int_equal(to.changed[0], 9);
	assert_int_equal(to.rejections[0], 10);
}

/* What finds no room is not forgotten: it is known that there was more. */
static void
test_more_than_fits_is_lost(void **state)
{
	static struct store_news to, from;

	(void)state;
	memset(&to, 0, sizeof(to));
	from.nchanged = STORE_NEWS_MAX - 1;
	store_news_merge(&to, &from);
	assert_false(to.lost);
	from.nchanged = 1;
	store_news_merge(&to, &from);
	assert_false(to.lost);
	assert_int_equal(to.nchanged, STORE_NEWS_MAX);
	store_news_merge(&to, &from);
	assert_true(to.lost);
	assert_int_equal(to.nchanged, STORE_NEWS_MAX);
	store_news_reset(&to);
	from.nchanged = 0;
	from.lost = true;
	store_news_merge(&to, &from);
	assert_true(to.lost && store_news_any(&to));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_news_gather),
		cmocka_unit_test(test_more_than_fits_is_lost),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
