#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/reconcile/reconcile_dialect.h"

/* 2026-06-25T09:14:11Z */
#define FROM_MS INT64_C(1782378851000)

static void
target_is(const struct reconcile_dialect *d, const char *path,
    const char *cursor, const char *want)
{
	const struct reconcile_ask ask = { .from_ms = FROM_MS,
		.to_ms = FROM_MS + 3600999,
		.page = 3,
		.size = 50,
		.cursor = cursor };
	char *target = reconcile_dialect_target(d, path, &ask);

	assert_non_null(target);
	assert_string_equal(target, want);
	free(target);
}

static void
test_dialects_ask_in_their_words(void **state)
{
	const char *const none[RECONCILE_NNAMES] = { NULL };
	struct reconcile_dialect d;

	(void)state;
	reconcile_dialect_set(&d, RECONCILE_BY_PAGE, none);
	target_is(&d, "/v1/orders", NULL,
	    "/v1/orders?from=2026-06-25T09:14:11Z&to=2026-06-25T10:14:11Z"
	    "&size=50&page=3");
	assert_null(d.names[RECONCILE_NEXT_HEADER]);

	reconcile_dialect_set(&d, RECONCILE_BY_CURSOR, none);
	target_is(&d, "/orders?branch_id=1", NULL,
	    "/orders?branch_id=1&placed_from=2026-06-25T09:14:11Z"
	    "&placed_to=2026-06-25T10:14:11Z&limit=50");
	target_is(&d, "/orders", "a/b+c=&d",
	    "/orders?placed_from=2026-06-25T09:14:11Z"
	    "&placed_to=2026-06-25T10:14:11Z&limit=50"
	    "&cursor=a%2Fb%2Bc%3D%26d");
	assert_null(d.names[RECONCILE_TOTAL]);
}

static void
test_names_may_be_others_or_none(void **state)
{
	const char *const names[RECONCILE_NNAMES] = {
		[RECONCILE_FROM] = "since",
		[RECONCILE_TO] = RECONCILE_NONE,
		[RECONCILE_SIZE] = "",
		[RECONCILE_TOTAL] = "meta.count",
	};
	struct reconcile_dialect d;

	(void)state;
	reconcile_dialect_set(&d, RECONCILE_BY_PAGE, names);
	target_is(&d, "/orders", NULL,
	    "/orders?since=2026-06-25T09:14:11Z&size=50&page=3");
	assert_string_equal(d.names[RECONCILE_TOTAL], "meta.count");
	assert_string_equal(d.names[RECONCILE_ORDERS], "data.orders");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialects_ask_in_their_words),
		cmocka_unit_test(test_names_may_be_others_or_none),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
