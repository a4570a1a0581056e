#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/order.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The order of the keys of two versions, as memcmp() gives it: -1, 0 or 1. */
static int
compare(const struct order_version *a, const struct order_version *b)
{
	unsigned char ka[ORDER_KEY_LEN], kb[ORDER_KEY_LEN];
	int cmp;

	order_key(a, ka);
	order_key(b, kb);
	cmp = memcmp(ka, kb, ORDER_KEY_LEN);
	return ((cmp > 0) - (cmp < 0));
}

/* Of two versions that differ in one part, the named one has the greater key.
 */
static void
test_order_key_parts_weigh_in_their_order(void **state)
{
	/* Each beats all before it, by a part that weighs more. */
	const struct order_version rising[] = {
		{ .event = 1, .place = 0 },
		{ .event = 1, .place = 1 },
		{ .event = 1, .place = UINT32_MAX },
		{ .event = 2, .place = 0 },
		{ .event = INT64_MAX },
		{ .status_event = true },
		{ .rank = 1 },
		{ .rank = UINT32_MAX },
		{ .terminal = true },
		{ .updated_at = "0000-01-01T00:00:00Z" },
		{ .updated_at = "1969-12-31T23:59:59.999Z" },
		{ .updated_at = "1970-01-01T00:00:00Z" },
		{ .updated_at = "2026-06-25T09:14:11Z" },
		{ .updated_at = "2026-06-25T09:14:11Z", .event = 1 },
		{ .updated_at = "2026-06-25T09:14:11Z", .event = 256 },
		{ .updated_at = "2026-06-25T09:14:11Z", .status_event = true },
		{ .updated_at = "2026-06-25T09:14:11Z", .rank = 2 },
		{ .updated_at = "2026-06-25T09:14:11Z", .rank = 300 },
		{ .updated_at = "2026-06-25T09:14:11Z", .terminal = true },
		{ .updated_at = "2026-06-25T09:14:11.001Z" },
		{ .updated_at = "9999-12-31T23:59:59Z" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rising); i++) {
		assert_int_equal(compare(&rising[i], &rising[i]), 0);
		for (size_t j = 0; j < i; j++)
			assert_int_equal(compare(&rising[i], &rising[j]), 1);
	}
}

/* How a time is written does not matter; without a zone it is UTC. */
static void
test_order_key_ignores_how_a_time_is_written(void **state)
{
	static const char *const same[] = { "2026-06-25T09:14:11Z",
		"2026-06-25 16:14:11.000000+0700", "2026-06-25T09:14:11",
		"2026-06-25 09:14:11.000", "2026-06-25t09:14:11.0004" };
	struct order_version a = { .updated_at = same[0] };
	struct order_version b = { .updated_at = NULL };

	(void)state;
	for (size_t i = 0; i < LEN(same); i++) {
		b.updated_at = same[i];
		assert_int_equal(compare(&a, &b), 0);
	}
}

/* A time that cannot be read is none. */
static void
test_order_key_unreadable_time_is_none(void **state)
{
	static const char *const none[] = { "", "2026-06-25", "1782378851",
		"2026-06-25T09:14", "2026-06-25T09:14:11 UTC",
		"2026-02-30T09:14:11", "25.06.2026 09:14:11" };
	const struct order_version a = { .updated_at = NULL };
	struct order_version b = a;

	(void)state;
	for (size_t i = 0; i < LEN(none); i++) {
		b.updated_at = none[i];
		assert_int_equal(compare(&a, &b), 0);
		assert_false(order_time_lacks_zone(none[i]));
	}
}

/* What is to be warned of: a time that is read, and may mean another one. */
static void
test_order_time_lacks_zone(void **state)
{
	(void)state;
	assert_true(order_time_lacks_zone("2026-06-25T09:14:11"));
	assert_true(order_time_lacks_zone("2026-06-25 09:14:11.25"));
	assert_false(order_time_lacks_zone("2026-06-25T09:14:11Z"));
	assert_false(order_time_lacks_zone("2026-06-25T09:14:11-0330"));
	assert_false(order_time_lacks_zone(NULL));
}

/* All bytes of a key are set, whatever stood there. */
static void
test_order_key_sets_every_byte(void **state)
{
	struct order_version v = { .event = 9, .place = 3 };
	unsigned char zeros[ORDER_KEY_LEN], ones[ORDER_KEY_LEN];

	(void)state;
	memset(zeros, 0, sizeof(zeros));
	memset(ones, 0xff, sizeof(ones));
	order_key(&v, zeros);
	order_key(&v, ones);
	assert_memory_equal(zeros, ones, ORDER_KEY_LEN);
}

/* Without a list a status is as far as its number. */
static void
test_order_rank_by_number(void **state)
{
	(void)state;
	assert_int_equal(order_rank("1", NULL, 0), 1);
	assert_int_equal(order_rank("12", NULL, 0), 12);
	assert_int_equal(order_rank("07", NULL, 0), 7);
	assert_int_equal(order_rank("4294967295", NULL, 0), UINT32_MAX);
	assert_int_equal(order_rank("4294967296", NULL, 0), UINT32_MAX);
	assert_int_equal(order_rank("99999999999999999999999", NULL, 0),
	    UINT32_MAX);
	assert_int_equal(order_rank(NULL, NULL, 0), 0);
	assert_int_equal(order_rank("", NULL, 0), 0);
	assert_int_equal(order_rank("-1", NULL, 0), 0);
	assert_int_equal(order_rank("ready", NULL, 0), 0);
	assert_int_equal(order_rank("2.5", NULL, 0), 0);
}

/* With a list it is as far as its place there, and before all if it is not. */
static void
test_order_rank_by_list(void **state)
{
	static const char *const codes[] = { "1", "2", "5", "4", "ready" };

	(void)state;
	for (size_t i = 0; i < LEN(codes); i++)
		assert_int_equal(order_rank(codes[i], codes, LEN(codes)),
		    i + 1);
	assert_int_equal(order_rank("3", codes, LEN(codes)), 0);
	assert_int_equal(order_rank("900", codes, LEN(codes)), 0);
	assert_int_equal(order_rank(NULL, codes, LEN(codes)), 0);
}

/* -- Any order of arrival -- */

#define NVERSIONS 4
#define NPERMUTATIONS (4 * 3 * 2)

/* Let versions arrive in the n-th of their orders: row ids grow with it. */
static void
number(struct order_version v[NVERSIONS], int n)
{
	int left[NVERSIONS] = { 0, 1, 2, 3 };

	for (int size = NVERSIONS; size > 0; size--) {
		int pick = n % size;

		n /= size;
		v[left[pick]].event = NVERSIONS - size + 1;
		left[pick] = left[size - 1];
	}
}

/* The one whose row stays when they are processed in the n-th order. */
static int
process(const struct order_version v[NVERSIONS], int n)
{
	struct order_version turn[NVERSIONS];
	unsigned char kept[ORDER_KEY_LEN] = { 0 }, key[ORDER_KEY_LEN];
	int stays = -1;

	memcpy(turn, v, sizeof(turn));
	number(turn, n); /* only for the order in which they are taken */
	for (int at = 1; at <= NVERSIONS; at++) {
		for (int i = 0; i < NVERSIONS; i++) {
			if (turn[i].event != at)
				continue;
			order_key(&v[i], key);
			if (memcmp(key, kept, ORDER_KEY_LEN) > 0) {
				memcpy(kept, key, ORDER_KEY_LEN);
				stays = i;
			}
		}
	}
	return (stays);
}

/* Do the events themselves say which of the two is the newer? */
static bool
events_say(const struct order_version *a, const struct order_version *b)
{
	struct order_version x = *a, y = *b;

	x.event = y.event = 1;
	return (compare(&x, &y) != 0);
}

/* From few values, so that parts are often equal. */
static struct order_version
random_version(unsigned *seed)
{
	static const char *const times[] = { NULL, "nonsense",
		"2026-06-25T09:14:11Z", "2026-06-25T16:14:11.0+07:00",
		"2026-06-25T09:14:11", "2026-06-25T09:20:00Z",
		"1969-12-31T23:59:59Z" };
	struct order_version v = { .place = 0 };

	v.updated_at = times[rand_r(seed) % (int)LEN(times)];
	v.terminal = rand_r(seed) % 4 == 0;
	v.rank = (uint32_t)rand_r(seed) % 3;
	v.status_event = rand_r(seed) % 2;
	return (v);
}

/*
 * Whatever the order of processing, the same version stays for an order of
 * arrival. Where the events say which is the newest, it stays in every order
 * of arrival; where they do not, the last of those to arrive does.
 */
static void
test_order_key_any_arrival(void **state)
{
	struct order_version v[NVERSIONS];
	unsigned seed = 20260625;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		int newest = 0;

		for (int i = 0; i < NVERSIONS; i++)
			v[i] = random_version(&seed);
		for (int i = 1; i < NVERSIONS; i++) {
			v[i].event = v[newest].event = 1;
			if (compare(&v[i], &v[newest]) > 0)
				newest = i;
		}
		for (int n = 0; n < NPERMUTATIONS; n++) {
			int last = newest;

			number(v, n);
			for (int i = 0; i < NVERSIONS; i++) {
				if (!events_say(&v[i], &v[newest]) &&
				    v[i].event > v[last].event)
					last = i;
			}
			for (int p = 0; p < NPERMUTATIONS; p += 5)
				assert_int_equal(process(v, p), last);
		}
	}
}

/* Of a and b one is greater, or they are equal; and it carries over to c. */
static void
test_order_key_is_a_total_order(void **state)
{
	unsigned seed = 20260626;
	struct order_version v[3];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		for (int j = 0; j < 3; j++) {
			v[j] = random_version(&seed);
			v[j].event = rand_r(&seed) % 3;
			v[j].place = (uint32_t)rand_r(&seed) % 2;
		}
		assert_int_equal(compare(&v[0], &v[1]), -compare(&v[1], &v[0]));
		if (compare(&v[0], &v[1]) >= 0 && compare(&v[1], &v[2]) >= 0)
			assert_true(compare(&v[0], &v[2]) >= 0);
		if (compare(&v[0], &v[1]) == 0) {
			assert_int_equal(v[0].event, v[1].event);
			assert_int_equal(v[0].place, v[1].place);
		}
	}
}

/* -- Keys of before schema 5 -- */

#define OLD_KEY_LEN 47

/* A key as it was: with a time, these marks, and some digest. */
static void
old_key(unsigned char ret_old[OLD_KEY_LEN], const char *updated_at,
    bool terminal, bool status_event)
{
	const struct order_version v = { .updated_at = updated_at };
	unsigned char key[ORDER_KEY_LEN];

	order_key(&v, key);
	memset(ret_old, 0xab, OLD_KEY_LEN);
	memcpy(ret_old, key, 9);
	ret_old[9] = terminal;
	ret_old[10] = status_event;
}

/* The key becomes what order_key() makes of the same version. */
static void
test_order_key_renew_is_order_key(void **state)
{
	struct order_version v = { .updated_at = "2026-06-25T09:14:11Z",
		.rank = 7,
		.event = 41,
		.place = 3 };
	unsigned char old[OLD_KEY_LEN], want[ORDER_KEY_LEN], got[ORDER_KEY_LEN];

	(void)state;
	for (int i = 0; i < 4; i++) {
		old_key(old, v.updated_at, i & 1, i >> 1);
		v.terminal = i & 1;
		v.status_event = i >> 1;
		order_key(&v, want);
		v.terminal = v.status_event = false; /* ignored */
		order_key_renew(old, sizeof(old), &v, got);
		assert_memory_equal(got, want, ORDER_KEY_LEN);
	}
}

/* The time is the old key's when the text of it is gone, and read anew else. */
static void
test_order_key_renew_time(void **state)
{
	struct order_version v = { .event = 41 };
	unsigned char old[OLD_KEY_LEN], want[ORDER_KEY_LEN], got[ORDER_KEY_LEN];

	(void)state;
	old_key(old, "2026-06-25T09:14:11Z", false, false);
	order_key_renew(old, sizeof(old), &v, got);
	v.updated_at = "2026-06-25T09:14:11Z";
	order_key(&v, want);
	assert_memory_equal(got, want, ORDER_KEY_LEN);

	old_key(old, NULL, false, false); /* it had no zone */
	v.updated_at = "2026-06-25T09:14:11";
	order_key_renew(old, sizeof(old), &v, got);
	assert_memory_equal(got, want, ORDER_KEY_LEN);
}

/* What is no key counts as the lowest one. */
static void
test_order_key_renew_of_no_key(void **state)
{
	const struct order_version v = { .rank = 2, .event = 41 };
	unsigned char want[ORDER_KEY_LEN], got[ORDER_KEY_LEN];

	(void)state;
	order_key(&v, want);
	order_key_renew(NULL, 0, &v, got);
	assert_memory_equal(got, want, ORDER_KEY_LEN);
	order_key_renew("\xff", 1, &v, got);
	assert_memory_equal(got, want, ORDER_KEY_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_key_parts_weigh_in_their_order),
		cmocka_unit_test(test_order_key_ignores_how_a_time_is_written),
		cmocka_unit_test(test_order_key_unreadable_time_is_none),
		cmocka_unit_test(test_order_time_lacks_zone),
		cmocka_unit_test(test_order_key_sets_every_byte),
		cmocka_unit_test(test_order_rank_by_number),
		cmocka_unit_test(test_order_rank_by_list),
		cmocka_unit_test(test_order_key_any_arrival),
		cmocka_unit_test(test_order_key_is_a_total_order),
		cmocka_unit_test(test_order_key_renew_is_order_key),
		cmocka_unit_test(test_order_key_renew_time),
		cmocka_unit_test(test_order_key_renew_of_no_key),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
