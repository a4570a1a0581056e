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

	(void)state;
	amqp_message_put(&out, &m);
	assert_false(out.failed);
	assert_int_equal(out.len, sizeof(method) - 1 + sizeof(header) - 1);
	assert_memory_equal(out.bytes, method, sizeof(method) - 1);
	assert_memory_equal(out.bytes + sizeof(method) - 1, header,
	    sizeof(header) - 1);
	amqp_out_fini(&out);
}

/* With the longest ids that there may be; so it fits everywhere. */
static void
test_the_longest_frame_is_short_enough(void **state)
{
	static char id[256], key[MESSAGE_KEY_MAX];
	static const struct message_attribute attributes[] = {
		{ "klikit-event-id", id },
		{ "klikit-event-type", id },
		{ "klikit-brand-id", id },
		{ "klikit-branch-id", id },
		{ "klikit-order-id", id },
		{ "klikit-signature", key + MESSAGE_KEY_MAX - 65 },
		{ "idempotency-key", key },
		{ "klikitd-attempt", "4294967295" },
		{ "received-at", "2026-06-25T09:14:11.000Z" },
		{ "klikitd-scope", id },
	};
	const struct amqp_message m = { .channel = 1,
		.exchange = id,
		.routing_key = id,
		.message_id = id,
		.type = id,
		.attributes = attributes,
		.nattributes = sizeof(attributes) / sizeof(attributes[0]) };
	struct amqp_out out = { .bytes = NULL };

	(void)state;
	memset(id, 'x', sizeof(id) - 1);
	memset(key, 'x', sizeof(key) - 1);
	amqp_message_put(&out, &m);
	assert_false(out.failed);
	assert_in_range(out.len, 3000, AMQP_FRAME_MIN); /* both together */
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
		cmocka_unit_test(test_the_longest_frame_is_short_enough),
		cmocka_unit_test(test_a_long_key_is_hashed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
