#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "server/config/config.h"
#include "server/diagnosis/diagnosis_keys.h"
#include "server/intake/diagnosis_queue.h"
#include "test/lib/intake_case.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define BODY "{\"orders\":[]}"

struct fixture {
	struct intake_case c;
	struct diagnosis_keys *keys;
	struct diagnosis_queue *q;
};

static struct diagnosis_keys *
keys_for(const char *secret)
{
	struct config_secret one = { .name = (char *)"default",
		.source = (char *)"f",
		.bytes = (char *)secret,
		.len = strlen(secret) };

	return (diagnosis_keys_new(
	    &(struct config){ .secrets = &one, .nsecrets = 1 }));
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	intake_case_init(&f->c);
	f->keys = keys_for("s3cret");
	f->q = diagnosis_queue_new(f->c.base, f->c.rej, f->keys);
	assert_non_null(f->q);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)heap_heal();
	diagnosis_queue_free(f->q);
	intake_case_fini(&f->c);
	diagnosis_keys_free(f->keys);
	free(f);
	return (0);
}

/* Refuse a delivery from there with that body. */
static void
refuse_from(struct fixture *f, const char *peer, enum reject_cause cause,
    const void *body, size_t len)
{
	const struct diagnosis_header headers[] = {
		{ "x-klikit-signature", HEX },
		{ "x-klikit-event-id", "ev" },
		{ "x-klikit-event-type", "t" },
	};

	diagnosis_queue_add(f->q, &(struct refusal){
				      .in = { .cause = cause,
					  .headers = headers,
					  .nheaders = 3,
					  .body = body,
					  .body_len = len,
					  .size = len,
					  .endpoint = "burger",
					  .at_ms = fake_clock_wall_ms() },
				      .peer = peer,
				      .event_id = "ev",
				  });
}

static void
refuse(struct fixture *f, enum reject_cause cause, const void *body, size_t len)
{
	refuse_from(f, "192.0.2.1:4711", cause, body, len);
}

/* The rejections that are handed to the store now. */
static const struct fake_op *
written(struct fixture *f)
{
	rejections_flush(f->c.rej);
	return (fake_store_find(f->c.st, FAKE_REJECT));
}

static struct diagnosis_queue_stats
stats(const struct fixture *f)
{
	struct diagnosis_queue_stats st;

	diagnosis_queue_stats(f->q, &st);
	return (st);
}

/* Nothing happens at once; later the finding is kept, and told in the log. */
static void
test_refusals_are_examined_later(void **state)
{
	struct fixture *f = *state;
	const struct store_rejection *r;

	refuse(f, REJECT_SIGNATURE, BODY, strlen(BODY));
	assert_int_equal(rejections_waiting(f->c.rej), 0);
	intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS - 1);
	assert_int_equal(rejections_waiting(f->c.rej), 0);
	intake_case_pass_ms(&f->c, 1);
	assert_int_equal(diagnosis_queue_waiting(f->q), 0);
	r = written(f)->rejections;
	assert_string_equal(r->cause, "signature");
	assert_string_equal(r->endpoint, "burger");
	assert_string_equal(r->code, "secret_wrong");
	assert_non_null(strstr(r->diagnosis, "does not match"));
	assert_string_equal(r->headers,
	    "x-klikit-signature: (64 bytes)\nx-klikit-event-id: ev\n"
	    "x-klikit-event-type: t\n");
	assert_memory_equal(r->body, BODY, strlen(BODY));
	assert_int_not_equal(0,
	    fake_log_count("delivery ev from 192.0.2.1:4711 to burger "
			   "refused: signature: the configured secret"));
	assert_int_equal(fake_log_count(HEX), 0);
}

/* However many come, few wait, and a slice is for one of them. */
static void
test_a_flood_is_not_examined(void **state)
{
	struct fixture *f = *state;
	const struct fake_op *op;
	size_t skipped = 0;

	for (int i = 0; i < 1000; i++)
		refuse(f, REJECT_SIGNATURE, BODY, strlen(BODY));
	assert_int_equal(diagnosis_queue_waiting(f->q), DIAGNOSIS_QUEUE_MAX);
	assert_int_equal(stats(f).skipped, 1000 - DIAGNOSIS_QUEUE_MAX);
	for (int i = 1; i <= DIAGNOSIS_QUEUE_MAX; i++) {
		intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
		assert_int_equal(stats(f).slices, i);
		assert_int_equal(stats(f).examined, i);
	}
	/* All that were examined found room beside those that were not. */
	op = written(f);
	assert_int_equal(op->nrejections, DIAGNOSIS_QUEUE_MAX + 24);
	for (size_t i = 0; i < op->nrejections; i++)
		skipped += strcmp(op->rejections[i].code, "skipped") == 0;
	assert_int_equal(skipped, 24);
	assert_string_equal(op->rejections[0].diagnosis,
	    "not examined: too many were refused at once");
	assert_int_equal(rejections_count(f->c.rej, REJECT_SIGNATURE), 1000);
	/* One line a second, and all that within one. */
	assert_int_equal(fake_log_count("refused"), 1);
}

/* Long bodies are examined piece by piece, and few of them wait. */
static void
test_large_bodies_take_many_slices(void **state)
{
	struct fixture *f = *state;
	char *body = malloc(DIAGNOSIS_BODY_MAX + 1);
	size_t n;

	assert_non_null(body);
	memset(body, ' ', DIAGNOSIS_BODY_MAX + 1);
	body[0] = '[';
	body[DIAGNOSIS_BODY_MAX - 1] = ']';
	for (int i = 0; i < 40; i++)
		refuse(f, REJECT_SIGNATURE, body, DIAGNOSIS_BODY_MAX);
	n = diagnosis_queue_waiting(f->q);
	assert_in_range(n, 2, DIAGNOSIS_QUEUE_BYTES_MAX / DIAGNOSIS_BODY_MAX);
	intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
	assert_int_equal(diagnosis_queue_waiting(f->q), n);
	for (int i = 0; i < 200 && diagnosis_queue_waiting(f->q) == n; i++)
		intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
	assert_int_equal(diagnosis_queue_waiting(f->q), n - 1);
	assert_in_range(stats(f).slices, 10, 200);
	diagnosis_queue_flush(f->q);

	/* A longer one is not worked on, but its signature is looked at. */
	refuse(f, REJECT_SIGNATURE, body, DIAGNOSIS_BODY_MAX + 1);
	intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
	assert_int_equal(diagnosis_queue_waiting(f->q), 0);
	assert_int_not_equal(0,
	    fake_log_count("too many were refused at once"));
	free(body);
}

/* What is signed is kept whole, whether there was room for it or not. */
static void
test_signed_bodies_are_never_cut(void **state)
{
	struct fixture *f = *state;
	size_t len = DIAGNOSIS_QUEUE_BYTES_MAX + 1;
	char *body = calloc(1, len);
	const struct fake_op *op;

	assert_non_null(body);
	refuse(f, REJECT_INVALID_JSON, body, len);
	refuse(f, REJECT_INVALID_JSON, "{", 1);
	intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
	op = written(f);
	assert_int_equal(op->nrejections, 2);
	assert_int_equal(op->rejections[0].body_len, len);
	assert_string_equal(op->rejections[0].code, "skipped");
	assert_string_equal(op->rejections[1].code, "body_truncated");
	free(body);
}

/* New secrets are used from then on, also for what is under way. */
static void
test_keys_can_be_changed(void **state)
{
	struct fixture *f = *state;
	struct diagnosis_keys *next = keys_for("other");
	char *body = malloc(DIAGNOSIS_BODY_MAX);

	assert_non_null(body);
	memset(body, ' ', DIAGNOSIS_BODY_MAX);
	refuse(f, REJECT_SIGNATURE, body, DIAGNOSIS_BODY_MAX);
	intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
	assert_int_equal(diagnosis_queue_waiting(f->q), 1);
	diagnosis_queue_set_keys(f->q, next);
	diagnosis_keys_free(f->keys);
	f->keys = next;
	for (int i = 0; i < 100; i++)
		intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
	assert_int_equal(diagnosis_queue_waiting(f->q), 0);
	assert_int_equal(stats(f).examined, 1);
	free(body);
}

/* At the end what waits is passed on as it is. */
static void
test_flush_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		refuse(f, REJECT_SIGNATURE, BODY, strlen(BODY));
	diagnosis_queue_flush(f->q);
	assert_int_equal(diagnosis_queue_waiting(f->q), 0);
	assert_int_equal(rejections_waiting(f->c.rej), 3);
	assert_string_equal(written(f)->rejections[0].diagnosis,
	    "not examined: the server was stopped");
}

/* Without memory a refusal is passed on all the same, as far as that goes. */
static void
test_out_of_memory_is_survived(void **state)
{
	struct fixture *f = *state;

	for (size_t n = 0; n < 4; n++) {
		heap_fail(n, 1);
		refuse(f, REJECT_SIGNATURE, BODY, strlen(BODY));
		intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
		(void)heap_heal();
		intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
		assert_int_equal(diagnosis_queue_waiting(f->q), 0);
	}
	assert_int_equal(stats(f).examined + stats(f).skipped, 4);
	assert_in_range(stats(f).skipped, 1, 3);
}

/* How many that were examined came from there. */
static size_t
examined_of(const struct fake_op *op, const char *peer)
{
	size_t n = 0;

	for (size_t i = 0; i < op->nrejections; i++)
		n += strcmp(op->rejections[i].peer, peer) == 0 &&
		     strcmp(op->rejections[i].code, "skipped") != 0;
	return (n);
}

/* While one address floods, what comes from another is examined. */
static void
test_another_address_is_examined_in_a_flood(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 1000; i++)
		refuse(f, REJECT_SIGNATURE, BODY, strlen(BODY));
	for (int i = 0; i < 3; i++)
		refuse_from(f, "203.0.113.7:1", REJECT_SIGNATURE, BODY,
		    strlen(BODY));
	for (int i = 0; i < 1000; i++)
		refuse(f, REJECT_SIGNATURE, BODY, strlen(BODY));
	assert_int_equal(diagnosis_queue_waiting(f->q), DIAGNOSIS_QUEUE_MAX);
	for (int i = 0; i < DIAGNOSIS_QUEUE_MAX; i++)
		intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
	assert_int_equal(examined_of(written(f), "203.0.113.7:1"), 3);
}

/* The same when it is bytes that are short. */
static void
test_long_bodies_leave_room_for_another_address(void **state)
{
	struct fixture *f = *state;
	char *body = calloc(1, DIAGNOSIS_BODY_MAX);
	size_t n = 0;

	assert_non_null(body);
	for (int i = 0; i < 40; i++)
		refuse(f, REJECT_SIGNATURE, body, DIAGNOSIS_BODY_MAX);
	refuse_from(f, "203.0.113.7:1", REJECT_SIGNATURE, body,
	    DIAGNOSIS_BODY_MAX);
	free(body);
	for (int i = 0; i < 5000 && n == 0; i++) {
		intake_case_pass_ms(&f->c, DIAGNOSIS_SLICE_PAUSE_MS);
		if (fake_store_waiting(f->c.st, FAKE_REJECT) == 0)
			continue;
		n += examined_of(fake_store_find(f->c.st, FAKE_REJECT),
		    "203.0.113.7:1");
		fake_store_end(f->c.st, FAKE_REJECT, STORE_OK);
	}
	assert_int_equal(n, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_refusals_are_examined_later),
		CASE(test_a_flood_is_not_examined),
		CASE(test_large_bodies_take_many_slices),
		CASE(test_signed_bodies_are_never_cut),
		CASE(test_keys_can_be_changed),
		CASE(test_flush_leaves_nothing),
		CASE(test_out_of_memory_is_survived),
		CASE(test_another_address_is_examined_in_a_flood),
		CASE(test_long_bodies_leave_room_for_another_address),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
