#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/amqp_message.h"

/* As RabbitMQ's own clients write it, byte for byte. */
static void
test_a_message_is_persistent_and_mandatory(void **state)
{
	static const struct message_attribute attributes[] = {
		{ "klikit-event-id", "e1" },
	};
	static const struct amqp_message m = { .channel = 1,
		.exchange = "ex",
		.routing_key = "k",
		.message_id = "id",
		.type = "t",
		.timestamp = 258,
		.attributes = attributes,
		.nattributes = 1,
		.body_len = 5 };
	static const char method[] = "\x01\x00\x01\x00\x00\x00\x0c"
				     "\x00\x3c\x00\x28\x00\x00\x02"
				     "ex\x01k\x01\xce";
	static const char header[] =
	    "\x02\x00\x01\x00\x00\x00\x50"
	    "\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\xb0\xe8"
	    "\x10"
	    "application/json"
	    "\x00\x00\x00\x17\x0fklikit-event-idS\x00\x00\x00\x02"
	    "e1"
	    "\x02\x02id\x00\x00\x00\x00\x00\x00\x01\x02\x01t\x07klikitd"
	    "\xce";
	struct amqp_out out = { .bytes = NULL };
	size_t frame;

	(void)state;
	amqp_message_put(&out, &m, &frame);
	assert_false(out.failed);
	assert_int_equal(out.len, sizeof(method) - 1 + sizeof(header) - 1);
	assert_memory_equal(out.bytes, method, sizeof(method) - 1);
	assert_memory_equal(out.bytes + sizeof(method) - 1, header,
	    sizeof(header) - 1);
	assert_int_equal(frame, sizeof(header) - 1);
	amqp_out_fini(&out);
}

/* A type that the property cannot hold stands in the headers all the same. */
static void
test_a_type_that_does_not_fit_is_left_out(void **state)
{
	char type[300];
	struct amqp_message m = { .channel = 1,
		.exchange = "",
		.routing_key = "k",
		.message_id = "id",
		.type = type };
	struct amqp_out out = { .bytes = NULL }, without = { .bytes = NULL };
	size_t frame;

	(void)state;
	memset(type, 'x', sizeof(type) - 1);
	type[sizeof(type) - 1] = '\0';
	amqp_message_put(&out, &m, &frame);
	assert_false(out.failed);
	type[0] = '\0';
	amqp_message_put(&without, &m, &frame);
	assert_int_equal(out.len, without.len);
	assert_memory_equal(out.bytes, without.bytes, out.len);
	amqp_out_fini(&out);
	amqp_out_fini(&without);
}

/* The longer of both frames is known before it is too late. */
static void
test_long_attributes_make_a_long_frame(void **state)
{
	char value[5000];
	const struct message_attribute attribute = { "n", value };
	struct amqp_message m = { .channel = 1,
		.exchange = "",
		.routing_key = "k",
		.message_id = "id",
		.type = "",
		.attributes = &attribute,
		.nattributes = 1 };
	struct amqp_out out = { .bytes = NULL };
	size_t frame;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	amqp_message_put(&out, &m, &frame);
	assert_false(out.failed);
	assert_in_range(frame, 5000, 5100);
	amqp_out_fini(&out);
}

static void
test_a_long_key_is_hashed(void **state)
{
	char key[AMQP_MESSAGE_ID_MAX + 2], id[AMQP_MESSAGE_ID_MAX + 1];

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	assert_int_equal(amqp_message_id(key + 1, id), 0);
	assert_string_equal(id, key + 1);
	assert_int_equal(amqp_message_id(key, id), 0);
	/* printf 'k%.0s' $(seq 256) | sha256sum */
	assert_string_equal(id,
	    "ce16fe78208a4e93f7158e62393680e025b2ad584f4e875ce903a654bb74cf93");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_is_persistent_and_mandatory),
		cmocka_unit_test(test_a_type_that_does_not_fit_is_left_out),
		cmocka_unit_test(test_long_attributes_make_a_long_frame),
		cmocka_unit_test(test_a_long_key_is_hashed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
