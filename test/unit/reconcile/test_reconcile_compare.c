#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/intake/selection.h"
#include "server/reconcile/reconcile_compare.h"

#define CREATED "klikit.order.created.v2"
#define STATUS "klikit.order.status.updated"
#define CART "klikit.order.cart.updated"
#define AT "2026-06-25T09:14:11Z"
#define LATER "2026-06-25T09:15:00Z"

static const char *const terminal[] = { "3", "5" };
static const struct status_codes codes = { .terminal = terminal,
	.nterminal = 2 };

static struct reconcile_known
know(struct reconcile_known known, const char *type, const char *status,
    const char *at)
{
	const struct store_order order = { .order_id = "1",
		.status = status,
		.updated_at = at };

	reconcile_know(&known, &codes, type, &order);
	return (known);
}

static enum reconcile_verdict
judge_at(const struct reconcile_known known, const char *status, const char *at,
    int64_t changed_ms)
{
	const struct store_order order = { .order_id = "1",
		.status = status,
		.updated_at = at };
	const struct reconcile_item item = { .order = &order,
		.changed_ms = changed_ms };

	return (reconcile_judge(&known, &codes, &item, 1000));
}

static enum reconcile_verdict
judge(const struct reconcile_known known, const char *status, const char *at)
{
	return (judge_at(known, status, at, 1000));
}

static void
test_judge_an_order_nobody_knows(void **state)
{
	const struct reconcile_known nothing = { 0 };

	(void)state;
	assert_int_equal(judge(nothing, "2", AT), RECONCILE_UNKNOWN);
	assert_int_equal(judge(nothing, NULL, NULL), RECONCILE_UNKNOWN);
	assert_int_equal(judge_at(nothing, "2", AT, 1001), RECONCILE_YOUNG);
	/* A cart is not the order. */
	assert_int_equal(judge(know(nothing, CART, "2", AT), "2", AT),
	    RECONCILE_UNKNOWN);
}

static void
test_judge_versions_as_the_tables_do(void **state)
{
	const struct reconcile_known nothing = { 0 };
	const struct reconcile_known known = know(nothing, CREATED, "2", AT);

	(void)state;
	assert_int_equal(judge(known, "2", AT), RECONCILE_SAME);
	assert_int_equal(judge(known, "2", "2026-06-25T11:14:11+02:00"),
	    RECONCILE_SAME);
	assert_int_equal(judge(known, "4", AT), RECONCILE_NEWER);
	assert_int_equal(judge(known, "1", AT), RECONCILE_SAME);
	assert_int_equal(judge(known, "3", AT), RECONCILE_NEWER);
	assert_int_equal(judge(known, "2", LATER), RECONCILE_NEWER);
	assert_int_equal(judge(known, "9", NULL), RECONCILE_SAME);
	assert_int_equal(judge_at(known, "2", LATER, 1001), RECONCILE_YOUNG);
	assert_int_equal(judge_at(known, "2", AT, 1001), RECONCILE_SAME);
	/* The newest counts, in whatever order they are told. */
	assert_int_equal(judge(know(known, STATUS, "4", LATER), "4", LATER),
	    RECONCILE_SAME);
	assert_int_equal(judge(know(know(nothing, STATUS, "4", LATER), CREATED,
				   "2", AT),
			     "4", LATER),
	    RECONCILE_SAME);
}

/* Its created event never came: who waits for that one knows nothing of it. */
static void
test_judge_an_order_of_which_only_changes_came(void **state)
{
	const struct reconcile_known nothing = { 0 };

	(void)state;
	assert_int_equal(judge(know(nothing, STATUS, "4", LATER), "4", LATER),
	    RECONCILE_UNKNOWN);
	assert_int_equal(judge(know(nothing, STATUS, "5", LATER), "5", LATER),
	    RECONCILE_SAME);
	/* Its record could not be seen. */
	struct reconcile_known known = { 0 };
	reconcile_know(&known, &codes, CREATED, NULL);
	assert_int_equal(judge(known, "2", AT), RECONCILE_NEWER);
}

static void
id_is(const char *order_id, const char *at, const char *status,
    const char *want)
{
	const struct store_order order = { .order_id = order_id,
		.status = status,
		.updated_at = at };
	char id[RECONCILE_EVENT_SIZE];

	reconcile_event_id(&order, id);
	assert_true(event_name_is_good(id));
	if (want != NULL)
		assert_string_equal(id, want);
	else
		assert_int_equal(strlen(id), strlen(RECONCILE_EVENT) + 64);
}

static void
test_event_id_is_the_order_and_its_version(void **state)
{
	char all[ENVELOPE_TEXT_MAX + 1];

	(void)state;
	id_is("7585307", AT, "2",
	    "reconcile-7585307-2026-06-25T09:14:11.000Z-2");
	id_is("7585307", "2026-06-25 11:14:11+0200", "2",
	    "reconcile-7585307-2026-06-25T09:14:11.000Z-2");
	id_is("a", NULL, NULL, "reconcile-a--");
	id_is("a", "yesterday", "x", "reconcile-a-yesterday-x");
	id_is("\xc3\xa4", AT, "2", NULL);
	memset(all, 'a', ENVELOPE_TEXT_MAX);
	all[ENVELOPE_TEXT_MAX] = '\0';
	id_is(all, all, all, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge_an_order_nobody_knows),
		cmocka_unit_test(test_judge_versions_as_the_tables_do),
		cmocka_unit_test(
		    test_judge_an_order_of_which_only_changes_came),
		cmocka_unit_test(test_event_id_is_the_order_and_its_version),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
