#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/order.h"

static const unsigned char digest_low[ORDER_DIGEST_LEN] = { 1 };
static const unsigned char digest_high[ORDER_DIGEST_LEN] = { 2 };

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
		{ NULL, false, false, digest_low, 0 },
		{ NULL, false, false, digest_low, 1 },
		{ NULL, false, false, digest_low, UINT32_MAX },
		{ NULL, false, false, digest_high, 0 },
		{ NULL, false, true, digest_low, 0 },
		{ NULL, true, false, digest_low, 0 },
		{ "0000-01-01T00:00:00Z", false, false, digest_low, 0 },
		{ "1969-12-31T23:59:59.999Z", false, false, digest_low, 0 },
		{ "1970-01-01T00:00:00Z", false, false, digest_low, 0 },
		{ "2026-06-25T09:14:11Z", false, false, digest_low, 0 },
		{ "2026-06-25T09:14:11Z", false, false, digest_high, 0 },
		{ "2026-06-25T09:14:11Z", false, true, digest_low, 0 },
		{ "2026-06-25T09:14:11Z", true, false, digest_low, 0 },
		{ "2026-06-25T09:14:11.001Z", false, false, digest_low, 0 },
		{ "9999-12-31T23:59:59Z", false, false, digest_low, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++) {
		assert_int_equal(compare(&rising[i], &rising[i]), 0);
		for (size_t j = 0; j < i; j++)
			assert_int_equal(compare(&rising[i], &rising[j]), 1);
	}
}

/* How a time is written does not matter, nor what cannot be read says. */
static void
test_order_key_ignores_how_a_time_is_written(void **state)
{
	struct order_version a = { .updated_at = "2026-06-25T09:14:11Z",
		.digest = digest_low };
	struct order_version b = a;

	(void)state;
	b.updated_at = "2026-06-25 16:14:11.000000+0700";
	assert_int_equal(compare(&a, &b), 0);
	a.updated_at = NULL;
	b.updated_at = "2026-06-25T09:14:11"; /* no point in time */
	assert_int_equal(compare(&a, &b), 0);
	b.updated_at = "";
	assert_int_equal(compare(&a, &b), 0);
}

/* All bytes of a key are set, whatever stood there. */
static void
test_order_key_sets_every_byte(void **state)
{
	struct order_version v = { .digest = digest_low, .place = 3 };
	unsigned char zeros[ORDER_KEY_LEN], ones[ORDER_KEY_LEN];

	(void)state;
	memset(zeros, 0, sizeof(zeros));
	memset(ones, 0xff, sizeof(ones));
	order_key(&v, zeros);
	order_key(&v, ones);
	assert_memory_equal(zeros, ones, ORDER_KEY_LEN);
}

/* -- Any order of arrival -- */

#define NVERSIONS 4 /* created, status, cart, and a created that came late */

/* Keep the greatest key of those that arrive, as the store's rows do. */
static void
arrive(unsigned char kept[ORDER_KEY_LEN], const struct order_version *v)
{
	unsigned char key[ORDER_KEY_LEN];

	order_key(v, key);
	if (memcmp(key, kept, ORDER_KEY_LEN) > 0)
		memcpy(kept, key, ORDER_KEY_LEN);
}

/* Let v arrive in the n-th of the NVERSIONS! orders. */
static void
arrive_permuted(unsigned char kept[ORDER_KEY_LEN],
    const struct order_version v[NVERSIONS], int n)
{
	int left[NVERSIONS] = { 0, 1, 2, 3 };

	memset(kept, 0, ORDER_KEY_LEN);
	for (int size = NVERSIONS; size > 0; size--) {
		int pick = n % size;

		n /= size;
		arrive(kept, &v[left[pick]]);
		left[pick] = left[size - 1];
	}
}

/*
 * In every order of arrival the same version stays: with every choice of a
 * missing time, an equal one (written in two ways) and a later one for each
 * version, and with the status a terminal one or not.
 */
static void
test_order_key_any_arrival_ends_the_same(void **state)
{
	static const char *const times[] = { NULL, "2026-06-25T09:14:11Z",
		"2026-06-25T16:14:11.0+07:00", "2026-06-25T09:20:00Z" };
	unsigned char digests[NVERSIONS][ORDER_DIGEST_LEN];
	unsigned char first[ORDER_KEY_LEN], kept[ORDER_KEY_LEN];
	struct order_version v[NVERSIONS];

	(void)state;
	for (int choice = 0; choice < 4 * 4 * 4 * 4 * 2; choice++) {
		for (int i = 0; i < NVERSIONS; i++) {
			memset(digests[i], 40 + 7 * i % 3, ORDER_DIGEST_LEN);
			digests[i][ORDER_DIGEST_LEN - 1] = (unsigned char)i;
			v[i] = (struct order_version){
				.updated_at = times[choice >> 2 * i & 3],
				.terminal = i == 1 && choice >> 8,
				.status_event = i == 1,
				.digest = digests[i],
			};
		}
		arrive_permuted(first, v, 0);
		for (int n = 1; n < 4 * 3 * 2; n++) {
			arrive_permuted(kept, v, n);
			assert_memory_equal(kept, first, ORDER_KEY_LEN);
		}
	}
}

/* -- A total order -- */

/* A version from few values, so that parts are often equal. */
static struct order_version
random_version(unsigned *seed)
{
	static const char *const times[] = { NULL, "nonsense",
		"2026-06-25T09:14:11Z", "2026-06-25T09:14:11.000+00:00",
		"2026-06-25T09:14:12Z", "1969-12-31T23:59:59Z" };
	struct order_version v;

	v.updated_at = times[rand_r(seed) % 6];
	v.terminal = rand_r(seed) % 2;
	v.status_event = rand_r(seed) % 2;
	v.digest = rand_r(seed) % 2 ? digest_low : digest_high;
	v.place = (uint32_t)rand_r(seed) % 3;
	return (v);
}

/* Of a and b one is greater, or they are equal; and it carries over to c. */
static void
test_order_key_is_a_total_order(void **state)
{
	unsigned seed = 20260625;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct order_version a = random_version(&seed);
		struct order_version b = random_version(&seed);
		struct order_version c = random_version(&seed);

		assert_int_equal(compare(&a, &b), -compare(&b, &a));
		if (compare(&a, &b) >= 0 && compare(&b, &c) >= 0)
			assert_true(compare(&a, &c) >= 0);
		if (compare(&a, &b) == 0) {
			assert_int_equal(a.place, b.place);
			assert_int_equal(a.terminal, b.terminal);
			assert_int_equal(a.status_event, b.status_event);
			assert_ptr_equal(a.digest, b.digest);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_key_parts_weigh_in_their_order),
		cmocka_unit_test(test_order_key_ignores_how_a_time_is_written),
		cmocka_unit_test(test_order_key_sets_every_byte),
		cmocka_unit_test(test_order_key_any_arrival_ends_the_same),
		cmocka_unit_test(test_order_key_is_a_total_order),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
