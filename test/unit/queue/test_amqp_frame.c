#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/amqp_frame.h"

/* Text with its length, NULs within it and all. */
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

#define BEAT "\x08\x00\x00\x00\x00\x00\x00\xce"
#define BODY "\x03\x00\x01\x00\x00\x00\x02hi\xce"

static void
expect_out(const struct amqp_out *out, const uint8_t *bytes, size_t len)
{
	assert_false(out->failed);
	assert_int_equal(out->len, len);
	assert_memory_equal(out->bytes, bytes, len);
}

static void
test_a_frame_is_read_when_it_is_whole(void **state)
{
	const uint8_t *bytes = (const uint8_t *)BODY "more";
	struct amqp_frame frame;
	const char *reason;
	size_t size;

	(void)state;
	for (size_t len = 0; len < sizeof(BODY) - 1; len++) {
		assert_int_equal(amqp_frame_read(bytes, len, &frame, &size,
				     &reason),
		    AMQP_FRAME_PART);
		assert_int_equal(size, len < 7 ? 7 : sizeof(BODY) - 1);
	}
	assert_int_equal(amqp_frame_read(bytes, sizeof(BODY) + 3, &frame, &size,
			     &reason),
	    AMQP_FRAME_WHOLE);
	assert_int_equal(size, sizeof(BODY) - 1);
	assert_int_equal(frame.type, AMQP_FRAME_BODY);
	assert_int_equal(frame.channel, 1);
	assert_int_equal(frame.len, 2);
	assert_memory_equal(frame.payload, "hi", 2);
}

static void
expect_broken(const uint8_t *bytes, size_t len, const char *words)
{
	struct amqp_frame frame;
	const char *reason = "";
	size_t size;

	assert_int_equal(amqp_frame_read(bytes, len, &frame, &size, &reason),
	    AMQP_FRAME_BROKEN);
	assert_non_null(strstr(reason, words));
}

/* Before the rest of it has come, where that is possible. */
static void
test_what_is_no_frame_is_broken(void **state)
{
	(void)state;
	expect_broken(BYTES("HTTP/1.1 400"), "no frame");
	expect_broken(BYTES("AMQP\x00\x00\x09\x01"), "does not speak AMQP");
	expect_broken(BYTES("\x15\x03\x03"), "TLS");
	expect_broken(BYTES("\x04"), "no frame");
	expect_broken(BYTES("\x01\x00\x00\xff\xff\xff\xff"), "longer");
	expect_broken(BYTES("\x01\x00\x00\x00\x01\xff\xf9"), "longer");
	expect_broken(BYTES("\x08\x00\x00\x00\x00\x00\x00\xcd"), "end");
}

static void
test_the_longest_frame_is_awaited(void **state)
{
	struct amqp_frame frame;
	const char *reason;
	size_t size;

	(void)state;
	assert_int_equal(amqp_frame_read(BYTES("\x01\x00\x00\x00\x01\xff\xf8"),
			     &frame, &size, &reason),
	    AMQP_FRAME_PART);
	assert_int_equal(size, AMQP_FRAME_MAX);
}

static void
test_fields_are_read_in_turn(void **state)
{
	struct amqp_in in = { BYTES("\x01\x02\x03\x04\x05\x06\x07"
				    "\x11\x12\x13\x14\x15\x16\x17\x18"
				    "\x02hi\x00\x00\x00\x03"
				    "abc\x00\x00\x00\x01zq"),
		false };
	char text[AMQP_SHORT_MAX + 1];
	const char *at;
	size_t len;

	(void)state;
	assert_int_equal(amqp_get_u8(&in), 1);
	assert_int_equal(amqp_get_u16(&in), 0x0203);
	assert_int_equal(amqp_get_u32(&in), 0x04050607);
	assert_true(amqp_get_u64(&in) == UINT64_C(0x1112131415161718));
	amqp_get_short(&in, text);
	assert_string_equal(text, "hi");
	amqp_skip_long(&in);
	at = amqp_get_long(&in, &len);
	assert_int_equal(len, 1);
	assert_int_equal(*at, 'z');
	assert_false(in.broken);
	assert_int_equal(amqp_get_u8(&in), 'q');
	assert_int_equal(amqp_get_u8(&in), 0);
	assert_true(in.broken);
}

/* What says that it is longer than all there is reads nothing behind it. */
static void
test_a_field_that_is_cut_short_breaks_the_rest(void **state)
{
	struct amqp_in in = { BYTES("\x05hi"), false };
	struct amqp_in tall = { BYTES("\xff\xff\xff\xffhi"), false };
	char text[AMQP_SHORT_MAX + 1];
	size_t len;

	(void)state;
	amqp_get_short(&in, text);
	assert_string_equal(text, "");
	assert_true(in.broken);
	assert_int_equal(amqp_get_u8(&in), 0);
	assert_string_equal(amqp_get_long(&tall, &len), "");
	assert_int_equal(len, 0);
	assert_true(tall.broken);
}

static void
test_fields_are_written(void **state)
{
	struct amqp_out out = { .bytes = NULL };

	(void)state;
	amqp_put_u8(&out, 1);
	amqp_put_u16(&out, 0x0203);
	amqp_put_u32(&out, 0x04050607);
	amqp_put_u64(&out, UINT64_C(0x1112131415161718));
	amqp_put_short(&out, "hi");
	amqp_put_long(&out, "abc", 3);
	expect_out(&out, BYTES("\x01\x02\x03\x04\x05\x06\x07"
			       "\x11\x12\x13\x14\x15\x16\x17\x18"
			       "\x02hi\x00\x00\x00\x03"
			       "abc"));
	amqp_out_fini(&out);
}

static void
test_a_table_says_its_length(void **state)
{
	struct amqp_out out = { .bytes = NULL };
	size_t table = amqp_table_begin(&out), within;

	(void)state;
	amqp_table_text(&out, "a", "xy");
	within = amqp_table_within(&out, "b");
	amqp_table_bool(&out, "c", true);
	amqp_table_end(&out, within);
	amqp_table_end(&out, table);
	expect_out(&out, BYTES("\x00\x00\x00\x14"
			       "\x01"
			       "aS\x00\x00\x00\x02xy"
			       "\x01"
			       "bF\x00\x00\x00\x04\x01"
			       "ct\x01"));
	amqp_out_fini(&out);
}

static void
test_a_frame_says_its_length(void **state)
{
	struct amqp_out out = { .bytes = NULL };
	uint8_t head[AMQP_FRAME_HEAD];
	size_t mark;

	(void)state;
	amqp_frame_end(&out, amqp_frame_begin(&out, AMQP_FRAME_HEARTBEAT, 0));
	mark = amqp_frame_begin(&out, AMQP_FRAME_BODY, 1);
	amqp_put_bytes(&out, "hi", 2);
	amqp_frame_end(&out, mark);
	expect_out(&out, BYTES(BEAT BODY));
	amqp_frame_head(AMQP_FRAME_BODY, 1, 2, head);
	assert_memory_equal(head, BODY, sizeof(head));
	amqp_out_fini(&out);
}

/* Beyond what is allotted at first, too. */
static void
test_what_is_written_grows(void **state)
{
	struct amqp_out out = { .bytes = NULL };

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		amqp_put_u8(&out, (uint8_t)i);
	assert_false(out.failed);
	assert_int_equal(out.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(out.bytes[i], (uint8_t)i);
	amqp_out_fini(&out);
	assert_null(out.bytes);
}

static void
test_a_short_string_has_a_limit(void **state)
{
	struct amqp_out out = { .bytes = NULL };
	char text[AMQP_SHORT_MAX + 2];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	amqp_put_short(&out, text + 1);
	assert_false(out.failed);
	amqp_put_short(&out, text);
	assert_true(out.failed);
	amqp_put_u8(&out, 1);
	assert_true(out.failed);
	amqp_out_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_frame_is_read_when_it_is_whole),
		cmocka_unit_test(test_what_is_no_frame_is_broken),
		cmocka_unit_test(test_the_longest_frame_is_awaited),
		cmocka_unit_test(test_fields_are_read_in_turn),
		cmocka_unit_test(
		    test_a_field_that_is_cut_short_breaks_the_rest),
		cmocka_unit_test(test_fields_are_written),
		cmocka_unit_test(test_a_table_says_its_length),
		cmocka_unit_test(test_a_frame_says_its_length),
		cmocka_unit_test(test_what_is_written_grows),
		cmocka_unit_test(test_a_short_string_has_a_limit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
