#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/intake/reject_budget.h"
#include "test/lib/valgrind.h"

#define HOUR_MS ((int64_t)3600000)
#define ROW 20000 /* bytes that a row costs here */

static struct peer_net
net(uint32_t number)
{
	return ((struct peer_net){ .bits = number, .family = 2 });
}

/* One address asks each 10 ms for so long; how many bytes it got. */
static int64_t
flood(struct reject_budget *b, uint32_t from, uint32_t addresses,
    int64_t *now_ms, int64_t for_ms)
{
	int64_t got = 0;

	for (int64_t i = 0; i < for_ms / 10; i++) {
		struct peer_net at = net(from + (uint32_t)i % addresses);

		*now_ms += 10;
		if (!reject_budget_stranger(b, at, *now_ms))
			continue;
		reject_budget_take_stranger(b, at, ROW);
		got += ROW;
	}
	return (got);
}

/* A day of it costs what the hours allow, whoever sends it. */
static void
test_reject_budget_holds_for_a_day(void **state)
{
	const uint32_t addresses[] = { 1, 40, 100000 };

	(void)state;
	/* Valgrind sees in one of them all that it can see. */
	for (size_t i = under_valgrind() ? 2 : 0; i < 3; i++) {
		struct reject_budget b = { 0 };
		int64_t now = 5000;
		int64_t got = flood(&b, 1, addresses[i], &now, 24 * HOUR_MS);

		assert_in_range(got, 1, 25 * REJECT_STRANGER_BYTES + ROW);
		/* And it is used: sampling is not silence. */
		assert_true(got > 20 * REJECT_STRANGER_BYTES);
	}
}

/* Each hour by itself, too. */
static void
test_reject_budget_holds_for_each_hour(void **state)
{
	struct reject_budget b = { 0 };
	int64_t now = 5000, got;

	(void)state;
	(void)flood(&b, 1, 1, &now, HOUR_MS);
	for (int hour = 0; hour < 5; hour++) {
		got = flood(&b, 1, 7, &now, HOUR_MS);
		assert_in_range(got, 1, REJECT_STRANGER_BYTES + ROW);
	}
}

/* While one floods, another gets what he asks for, up to his share. */
static void
test_reject_budget_keeps_room_for_others(void **state)
{
	struct reject_budget b = { 0 };
	int64_t now = 5000;

	(void)state;
	(void)flood(&b, 1, 1, &now, 10 * HOUR_MS);
	assert_false(reject_budget_stranger(&b, net(1), now));
	for (uint32_t other = 100; other < 103; other++) {
		int64_t got = 0;

		while (reject_budget_stranger(&b, net(other), now)) {
			reject_budget_take_stranger(&b, net(other), ROW);
			got += ROW;
		}
		assert_in_range(got, REJECT_STRANGER_BYTES / REJECT_SHARE_PART,
		    REJECT_STRANGER_BYTES / REJECT_SHARE_PART + ROW);
	}
}

/* One who has flooded and stopped is as good as any an hour later. */
static void
test_reject_budget_forgives(void **state)
{
	struct reject_budget b = { 0 };
	int64_t now = 5000;

	(void)state;
	(void)flood(&b, 1, 1, &now, HOUR_MS);
	now += HOUR_MS;
	assert_true(reject_budget_stranger(&b, net(1), now));
}

/* What was signed has a budget of its own. */
static void
test_reject_budget_keeps_the_known_apart(void **state)
{
	struct reject_budget b = { 0 };
	int64_t now = 5000, got = 0;

	(void)state;
	(void)flood(&b, 1, 1000, &now, HOUR_MS);
	while (reject_budget_known(&b, now)) {
		reject_budget_take_known(&b, ROW);
		got += ROW;
	}
	assert_in_range(got, REJECT_KNOWN_BYTES / 2,
	    REJECT_KNOWN_BYTES / 2 + ROW);
	assert_true(reject_budget_is_short(&b));
	now += HOUR_MS;
	assert_true(reject_budget_known(&b, now));
}

/* What was guessed too high comes back. */
static void
test_reject_budget_is_corrected(void **state)
{
	struct reject_budget b = { 0 };

	(void)state;
	assert_true(reject_budget_stranger(&b, net(1), 5000));
	reject_budget_take_stranger(&b, net(1), 2 * REJECT_STRANGER_BYTES);
	assert_false(reject_budget_stranger(&b, net(2), 5000));
	reject_budget_take_stranger(&b, net(1),
	    -2 * REJECT_STRANGER_BYTES + ROW);
	assert_true(reject_budget_stranger(&b, net(1), 5000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reject_budget_holds_for_a_day),
		cmocka_unit_test(test_reject_budget_holds_for_each_hour),
		cmocka_unit_test(test_reject_budget_keeps_room_for_others),
		cmocka_unit_test(test_reject_budget_forgives),
		cmocka_unit_test(test_reject_budget_keeps_the_known_apart),
		cmocka_unit_test(test_reject_budget_is_corrected),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
