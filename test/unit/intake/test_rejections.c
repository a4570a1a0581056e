#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "test/lib/intake_case.h"
#include "test/lib/valgrind.h"

/* A rejection whose body is its number, padded with blanks. */
static void
add(struct intake_case *f, enum reject_cause cause, int number, size_t len)
{
	char *body = malloc(len + 16);

	assert_non_null(body);
	memset(body, ' ', len + 16);
	(void)snprintf(body, len + 16, "%d", number);
	rejections_add(f->rej, &(struct rejection){
				   .cause = cause,
				   .at_ms = fake_clock_wall_ms(),
				   .peer = "192.0.2.1:4711",
				   .examined = true,
				   .code = "secret_wrong",
				   .diagnosis = "no secret matches",
				   .headers = "x-klikit-event-id: a",
				   .body = body,
				   .body_len = len,
				   .size = len + 1,
			       });
	free(body);
}

/* Rejections gather for a second and go out in one write, in order. */
static void
test_a_second_of_rejections_is_one_write(void **state)
{
	struct intake_case *f = *state;
	const struct fake_op *op;

	for (int i = 1; i <= 3; i++)
		add(f, REJECT_SIGNATURE, i, 10);
	intake_case_pass_ms(f, 999);
	assert_int_equal(fake_store_waiting(f->st, FAKE_REJECT), 0);
	intake_case_pass_ms(f, 1);
	assert_int_equal(fake_store_waiting(f->st, FAKE_REJECT), 1);
	op = fake_store_find(f->st, FAKE_REJECT);
	assert_int_equal(op->nrejections, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(atoi(op->rejections[i].body), i + 1);
	assert_int_equal(rejections_waiting(f->rej), 3);
	fake_store_end(f->st, FAKE_REJECT, STORE_OK);
	assert_int_equal(rejections_waiting(f->rej), 0);
	intake_case_pass_ms(f, 5000);
	assert_int_equal(fake_store_total(f->st, FAKE_REJECT), 1);
}

/* What is written is what was seen. */
static void
test_a_rejection_is_kept_as_it_was(void **state)
{
	struct intake_case *f = *state;
	const struct store_rejection *r;

	add(f, REJECT_INVALID_JSON, 7, 100);
	rejections_flush(f->rej);
	r = fake_store_find(f->st, FAKE_REJECT)->rejections;
	assert_string_equal(r->code, "secret_wrong");
	assert_string_equal(r->diagnosis, "no secret matches");
	assert_int_equal(r->at_ms, FAKE_CLOCK_START_MS);
	assert_string_equal(r->peer, "192.0.2.1:4711");
	assert_string_equal(r->cause, "invalid_json");
	assert_string_equal(r->headers, "x-klikit-event-id: a");
	assert_int_equal(r->body_len, 100);
	assert_int_equal(r->size, 101);
}

/* Of a stranger's body the beginning is kept, of an authentic one all. */
static void
test_only_authentic_bodies_are_kept_whole(void **state)
{
	static const enum reject_cause strange[] = { REJECT_HEADERS_MISSING,
		REJECT_HEADERS_INVALID, REJECT_SIGNATURE };
	static const enum reject_cause authentic[] = { REJECT_INVALID_JSON,
		REJECT_TOO_MANY_ORDERS, REJECT_ID_CONFLICT };
	struct intake_case *f = *state;
	const struct fake_op *op;

	for (size_t i = 0; i < 3; i++)
		add(f, strange[i], 1, 5000);
	for (size_t i = 0; i < 3; i++)
		add(f, authentic[i], 1, 5000);
	rejections_flush(f->rej);
	op = fake_store_find(f->st, FAKE_REJECT);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(op->rejections[i].body_len,
		    i < 3 ? REJECTIONS_BODY_MAX : 5000);
}

/* Strangers take 64 places, of what waits and what is being written. */
static void
test_strangers_are_bounded(void **state)
{
	struct intake_case *f = *state;

	for (int i = 0; i < 1000; i++)
		add(f, REJECT_SIGNATURE, i, 10);
	assert_int_equal(rejections_waiting(f->rej), 64);
	intake_case_pass_ms(f, 1000);
	for (int i = 0; i < 1000; i++)
		add(f, REJECT_HEADERS_MISSING, i, 10);
	assert_int_equal(rejections_waiting(f->rej), 64);
	assert_int_equal(rejections_count(f->rej, REJECT_SIGNATURE), 1000);
	assert_int_equal(rejections_count(f->rej, REJECT_HEADERS_MISSING),
	    1000);
	fake_store_end(f->st, FAKE_REJECT, STORE_OK);
	add(f, REJECT_SIGNATURE, 1, 10);
	assert_int_equal(rejections_waiting(f->rej), 1);
}

/* Of strangers, those that were not examined leave room for the others. */
static void
test_unexamined_ones_leave_room(void **state)
{
	struct intake_case *f = *state;

	for (int i = 0; i < 100; i++)
		rejections_add(f->rej,
		    &(struct rejection){ .cause = REJECT_SIGNATURE,
			.peer = "p" });
	assert_int_equal(rejections_waiting(f->rej), 24);
	for (int i = 0; i < 100; i++)
		add(f, REJECT_SIGNATURE, i, 10);
	assert_int_equal(rejections_waiting(f->rej), 64);
	rejections_flush(f->rej);
	assert_null(fake_store_find(f->st, FAKE_REJECT)->rejections[0].code);
}

/* However many strangers there are, an authentic one has its place. */
static void
test_strangers_do_not_displace_authentic_ones(void **state)
{
	struct intake_case *f = *state;

	for (int i = 0; i < 1000; i++)
		add(f, REJECT_SIGNATURE, i, 10);
	add(f, REJECT_ID_CONFLICT, 1, 10);
	assert_int_equal(rejections_waiting(f->rej), 65);
}

/* Authentic ones outlive failing writes, in order; strangers do not. */
static void
test_authentic_ones_wait_for_the_store(void **state)
{
	struct intake_case *f = *state;
	const struct fake_op *op;

	for (int i = 1; i <= 4; i++)
		add(f, i % 2 ? REJECT_INVALID_JSON : REJECT_SIGNATURE, i, 10);
	for (int i = 0; i < 5; i++) {
		intake_case_pass_ms(f, 1000);
		fake_store_end(f->st, FAKE_REJECT,
		    i % 2 ? STORE_FULL : STORE_FAILED);
		assert_int_equal(rejections_waiting(f->rej), 2);
	}
	add(f, REJECT_INVALID_JSON, 5, 10);
	intake_case_pass_ms(f, 1000);
	op = fake_store_find(f->st, FAKE_REJECT);
	assert_int_equal(op->nrejections, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(atoi(op->rejections[i].body), 2 * i + 1);
}

/* A write that the store does not even take is one that failed. */
static void
test_a_refused_write_is_repeated(void **state)
{
	struct intake_case *f = *state;

	add(f, REJECT_INVALID_JSON, 1, 10);
	fake_store_refuse(f->st, 1);
	intake_case_pass_ms(f, 1000);
	assert_int_equal(fake_store_total(f->st, FAKE_REJECT), 0);
	assert_int_equal(rejections_waiting(f->rej), 1);
	intake_case_pass_ms(f, 1000);
	assert_int_equal(fake_store_total(f->st, FAKE_REJECT), 1);
}

/* One write at a time: the next one waits for its end, and then comes. */
static void
test_one_write_at_a_time(void **state)
{
	struct intake_case *f = *state;

	add(f, REJECT_INVALID_JSON, 1, 10);
	intake_case_pass_ms(f, 1000);
	add(f, REJECT_INVALID_JSON, 2, 10);
	rejections_flush(f->rej);
	intake_case_pass_ms(f, 5000);
	assert_int_equal(fake_store_total(f->st, FAKE_REJECT), 1);
	fake_store_end(f->st, FAKE_REJECT, STORE_OK);
	intake_case_pass_ms(f, 1000);
	assert_int_equal(fake_store_total(f->st, FAKE_REJECT), 2);
}

/* A great number goes out in several writes, in order, none left behind. */
static void
test_many_go_out_in_batches(void **state)
{
	struct intake_case *f = *state;
	const struct fake_op *op;
	int next = 0;

	for (int i = 0; i < 1000; i++)
		add(f, REJECT_INVALID_JSON, i, 10);
	while (rejections_waiting(f->rej) > 0) {
		rejections_flush(f->rej); /* as at the end of the server */
		op = fake_store_find(f->st, FAKE_REJECT);
		assert_in_range(op->nrejections, 1, 256);
		for (size_t i = 0; i < op->nrejections; i++, next++)
			assert_int_equal(atoi(op->rejections[i].body), next);
		fake_store_end(f->st, FAKE_REJECT, STORE_OK);
	}
	assert_int_equal(next, 1000);
}

/* Authentic bodies have a limit too; what is lost is told. */
static void
test_authentic_bytes_are_bounded(void **state)
{
	struct intake_case *f = *state;

	for (int i = 0; i < 40; i++)
		add(f, REJECT_INVALID_JSON, i, (size_t)1 << 20);
	assert_in_range(rejections_waiting(f->rej), 31, 32);
	assert_int_equal(fake_log_count("error rejection of invalid_json"),
	    40 - rejections_waiting(f->rej));
}

/* Nor can bodies of no length fill memory while the store fails. */
static void
test_tiny_authentic_ones_are_bounded(void **state)
{
	struct intake_case *f = *state;

	if (under_valgrind())
		skip(); /* it is the number that counts here: minutes */
	for (int i = 0; i < 400000; i++)
		add(f, REJECT_INVALID_JSON, i, 0);
	assert_in_range(rejections_waiting(f->rej), 1000, 350000);
	assert_true(fake_log_count("error rejection of invalid_json") > 0);
}

/* Without memory one is dropped and told of; the next is kept. */
static void
test_no_memory_drops_one_and_tells(void **state)
{
	struct intake_case *f = *state;

	rejections_flush(f->rej); /* nothing to do */
	heap_fail(1, 1);          /* the first is this test's own */
	add(f, REJECT_INVALID_JSON, 1, 10);
	assert_int_equal(heap_heal(), 0);
	assert_int_equal(rejections_waiting(f->rej), 0);
	assert_int_equal(fake_log_count("out of memory"), 1);
	add(f, REJECT_INVALID_JSON, 2, 10);
	assert_int_equal(rejections_waiting(f->rej), 1);

	heap_fail(0, 1);
	assert_null(rejections_new(f->base, f->st));
	assert_int_equal(heap_heal(), 0);
}

/* What never reached the disk is freed, and told of when authentic. */
static void
test_free_drops_what_waits(void **state)
{
	struct intake_case *f = *state;

	add(f, REJECT_SIGNATURE, 1, 10);
	add(f, REJECT_INVALID_JSON, 2, 10);
	add(f, REJECT_INVALID_JSON, 3, 10);
	rejections_free(f->rej);
	assert_int_equal(fake_log_count(
			     "error rejections: 2 could not be stored"),
	    1);
	f->rej = rejections_new(f->base, f->st);
	assert_non_null(f->rej);
}

#define rejections_test(f)                                                     \
	cmocka_unit_test_setup_teardown(f, intake_case_setup,                  \
	    intake_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		rejections_test(test_a_second_of_rejections_is_one_write),
		rejections_test(test_a_rejection_is_kept_as_it_was),
		rejections_test(test_only_authentic_bodies_are_kept_whole),
		rejections_test(test_strangers_are_bounded),
		rejections_test(test_unexamined_ones_leave_room),
		rejections_test(test_strangers_do_not_displace_authentic_ones),
		rejections_test(test_authentic_ones_wait_for_the_store),
		rejections_test(test_a_refused_write_is_repeated),
		rejections_test(test_one_write_at_a_time),
		rejections_test(test_many_go_out_in_batches),
		rejections_test(test_authentic_bytes_are_bounded),
		rejections_test(test_tiny_authentic_ones_are_bounded),
		rejections_test(test_no_memory_drops_one_and_tells),
		rejections_test(test_free_drops_what_waits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
