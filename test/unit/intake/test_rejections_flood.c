/* What comes of a flood of refused deliveries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "server/intake/reject_budget.h"
#include "test/lib/intake_case.h"
#include "test/lib/valgrind.h"

/* One of a stranger; examined, as the first of a second are. */
static void
add_from(struct intake_case *f, const char *peer, bool known)
{
	rejections_add(f->rej, &(struct rejection){
				   .cause = REJECT_SIGNATURE,
				   .at_ms = fake_clock_wall_ms(),
				   .peer = peer,
				   .examined = true,
				   .known = known,
				   .headers = "x-klikit-event-id: a",
				   .body = "forged",
				   .body_len = 6,
				   .size = 6,
			       });
}

#define ROW_COST 20000 /* bytes that a row is said to cost */

struct written {
	uint64_t rows;
	uint64_t bytes;
	uint64_t not_kept;
	uint64_t of_other; /* rows of the peer that floods not */
};

/* The store writes what it was given. */
static void
write_batches(struct intake_case *f, struct written *w)
{
	while (fake_store_waiting(f->st, FAKE_REJECT) > 0) {
		struct fake_op *op = fake_store_find(f->st, FAKE_REJECT);
		struct store_result res = { .rc = STORE_OK };

		res.written = op->nrejections * ROW_COST;
		w->rows += op->nrejections;
		w->bytes += res.written;
		for (size_t i = 0; i < op->nrejections; i++) {
			w->not_kept += op->rejections[i].not_kept;
			w->of_other +=
			    strncmp(op->rejections[i].peer, "203.", 4) == 0;
		}
		fake_store_complete(f->st, op, &res);
	}
}

/* 20 a second of as many addresses for so long. */
static void
flood(struct intake_case *f, unsigned addresses, unsigned seconds,
    struct written *w)
{
	char peer[64];

	for (unsigned i = 0; i < seconds * 20; i++) {
		(void)snprintf(peer, sizeof(peer), "[2001:db8:%x:%x::%x]:9",
		    i % addresses >> 16, i % addresses & 0xffff, i & 0xff);
		add_from(f, peer, false);
		if (i % 20 == 19) {
			intake_case_pass_ms(f, 1000);
			write_batches(f, w);
		}
	}
}

/* Whoever sends them, an hour's forgeries cost an hour's bytes. */
static void
test_a_flood_is_bounded_in_bytes(void **state)
{
	struct intake_case *f = *state;
	const unsigned addresses[] = { 1, 100, 100000 };

	/* Valgrind sees in one of them all that it can see. */
	for (int i = under_valgrind() ? 2 : 0; i < 3; i++) {
		struct written first = { 0 }, next = { 0 };
		uint64_t before = rejections_not_kept(f->rej, REJECT_SIGNATURE);

		flood(f, addresses[i], 3600, &first);
		flood(f, addresses[i], 3600, &next);
		assert_in_range(first.bytes, 1,
		    2 * REJECT_STRANGER_BYTES + 64 * ROW_COST);
		assert_in_range(next.bytes, REJECT_STRANGER_BYTES / 2,
		    REJECT_STRANGER_BYTES + 64 * ROW_COST);
		/* What is not kept is counted, and all but the last is said. */
		assert_int_equal(first.rows + next.rows +
				     rejections_waiting(f->rej) +
				     rejections_not_kept(f->rej,
					 REJECT_SIGNATURE) -
				     before,
		    144000);
		assert_in_range(first.not_kept + next.not_kept, 130000,
		    rejections_not_kept(f->rej, REJECT_SIGNATURE));
		fake_clock_pass_ms(3600 * 1000);
	}
}

/* A forgery from elsewhere is kept while one address floods. */
static void
test_another_address_is_kept_in_a_flood(void **state)
{
	struct intake_case *f = *state;
	struct written w = { 0 };

	flood(f, 1, 7200, &w);
	for (int i = 0; i < 10; i++) {
		add_from(f, "203.0.113.7:1", false);
		flood(f, 1, 20, &w);
	}
	assert_int_equal(w.of_other, 10);
}

/* What was signed once and changed on its way is kept in any flood. */
static void
test_the_known_are_kept_in_a_flood_of_many(void **state)
{
	struct intake_case *f = *state;
	struct written w = { 0 };

	flood(f, 100000, 7200, &w);
	for (int i = 0; i < 10; i++) {
		add_from(f, "203.0.113.7:1", true);
		flood(f, 100000, 20, &w);
	}
	assert_int_equal(w.of_other, 10);
}

static void
add_signed(struct intake_case *f, enum reject_cause cause, unsigned char digest)
{
	const unsigned char mac[32] = { digest };

	if (rejections_again(f->rej, cause, mac))
		return;
	rejections_add(f->rej, &(struct rejection){
				   .cause = cause,
				   .at_ms = fake_clock_wall_ms(),
				   .peer = "203.0.113.7:1",
				   .examined = true,
				   .digest = mac,
				   .body = "{",
				   .body_len = 1,
				   .size = 1,
			       });
}

/* An authentic one waits a second in the midst of a flood, too. */
static void
test_the_authentic_do_not_wait_for_strangers(void **state)
{
	struct intake_case *f = *state;
	struct written w = { 0 };

	flood(f, 100000, 7200, &w);
	add_signed(f, REJECT_INVALID_JSON, 1);
	intake_case_pass_ms(f, 1000);
	write_batches(f, &w);
	assert_int_equal(w.of_other, 1);
}

/* Who resends one that was captured makes us write once a minute. */
static void
test_an_authentic_one_again_is_only_counted(void **state)
{
	struct intake_case *f = *state;
	const struct fake_op *op;
	struct written w = { 0 };

	for (int i = 0; i < 1000; i++)
		add_signed(f, REJECT_INVALID_JSON, 1);
	add_signed(f, REJECT_ID_CONFLICT, 1);
	add_signed(f, REJECT_INVALID_JSON, 2);
	intake_case_pass_ms(f, 1000);
	write_batches(f, &w);
	assert_int_equal(w.rows, 3);
	assert_int_equal(rejections_count(f->rej, REJECT_INVALID_JSON), 1001);
	assert_int_equal(rejections_not_kept(f->rej, REJECT_INVALID_JSON), 0);
	intake_case_pass_ms(f, 60000);
	add_signed(f, REJECT_INVALID_JSON, 1);
	intake_case_pass_ms(f, 1000);
	op = fake_store_find(f->st, FAKE_REJECT);
	assert_int_equal(op->nrejections, 1);
	assert_int_equal(op->rejections[0].repeats, 999);
}

/* One that was lost is not taken for one that is kept. */
static void
test_an_authentic_one_that_was_lost_may_come_again(void **state)
{
	struct intake_case *f = *state;

	heap_fail(0, 1);
	add_signed(f, REJECT_INVALID_JSON, 1);
	(void)heap_heal();
	assert_int_equal(rejections_waiting(f->rej), 0);
	add_signed(f, REJECT_INVALID_JSON, 1);
	assert_int_equal(rejections_waiting(f->rej), 1);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, intake_case_setup,               \
	    intake_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_flood_is_bounded_in_bytes),
		CASE(test_another_address_is_kept_in_a_flood),
		CASE(test_the_known_are_kept_in_a_flood_of_many),
		CASE(test_the_authentic_do_not_wait_for_strangers),
		CASE(test_an_authentic_one_again_is_only_counted),
		CASE(test_an_authentic_one_that_was_lost_may_come_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
