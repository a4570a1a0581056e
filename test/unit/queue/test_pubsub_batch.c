#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/pubsub_batch.h"

static char order_id[] = "41", other_id[] = "42", scope[] = "north";
static char no_scope[] = "";

/* A message with that body and those attributes, which are borrowed. */
static void
make(struct message *m, const char *body, const char *name, const char *value)
{
	memset(m, 0, sizeof(*m));
	m->body = body;
	m->body_len = strlen(body);
	if (name == NULL)
		return;
	m->attributes[0] = (struct message_attribute){ name, value };
	m->nattributes = 1;
}

static void
expect_print(const struct message *m, const char *key, const char *json)
{
	size_t len = 0;
	char *text = pubsub_message_print(m, key, &len);

	assert_non_null(text);
	assert_string_equal(text, json);
	assert_int_equal(len, strlen(json));
	free(text);
}

static void
test_a_message_has_its_body_in_base64_and_its_attributes(void **state)
{
	struct message m;

	(void)state;
	make(&m, "{\"a\":1}", "idempotency-key", "e1:41");
	m.attributes[1] =
	    (struct message_attribute){ "klikit-event-id", "\"\\\n" };
	m.nattributes = 2;
	expect_print(&m, "41",
	    "{\"data\":\"eyJhIjoxfQ==\",\"attributes\":{"
	    "\"idempotency-key\":\"e1:41\","
	    "\"klikit-event-id\":\"\\\"\\\\\\n\"},\"orderingKey\":\"41\"}");
	assert_int_equal(pubsub_message_size(&m, "41"),
	    7 + 15 + 5 + 15 + 3 + 2);
	make(&m, "", NULL, NULL);
	expect_print(&m, NULL, "{\"data\":\"\",\"attributes\":{}}");
}

/* 1,024 bytes is Google's limit of both; the digest is that of the whole. */
static void
test_what_is_too_long_is_its_digest(void **state)
{
	static const char hashed[] =
	    "{\"data\":\"\",\"attributes\":{\"idempotency-key\":\"sha256:"
	    "011cc8dcade24f43d2d7f95605d8481da1d0b86475def49be02bfc20cee86e65\""
	    "},\"orderingKey\":\"sha256:"
	    "011cc8dcade24f43d2d7f95605d8481da1d0b86475def49be02bfc20cee86e65\""
	    "}";
	char tall[PUBSUB_TEXT_MAX + 2], *text;
	struct message m;
	size_t len;

	(void)state;
	memset(tall, 'k', sizeof(tall));
	tall[PUBSUB_TEXT_MAX + 1] = '\0';
	make(&m, "", "idempotency-key", tall);
	expect_print(&m, tall, hashed);
	assert_int_equal(pubsub_message_size(&m, tall), 15 + 2 * (7 + 64));
	tall[PUBSUB_TEXT_MAX] = '\0';
	text = pubsub_message_print(&m, NULL, &len);
	assert_non_null(strstr(text, tall));
	free(text);
	/* So is what JSON cannot hold. */
	make(&m, "", "klikit-brand-id", "\xff");
	expect_print(&m, NULL,
	    "{\"data\":\"\",\"attributes\":{\"klikit-brand-id\":\"sha256:"
	    "a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89"
	    "\"}}");
}

static void
expect_key(const struct message *m, const struct store_event *ev,
    const char *key)
{
	char *text = pubsub_ordering_key(m, ev);

	if (key == NULL)
		assert_null(text);
	else
		assert_string_equal(text, key);
	free(text);
}

static void
test_the_ordering_key_is_the_order_in_its_scope(void **state)
{
	struct store_order orders[2] = { { .order_id = order_id },
		{ .order_id = other_id } };
	struct store_event ev = { .scope = no_scope };
	struct message m;

	(void)state;
	make(&m, "", NULL, NULL);
	expect_key(&m, &ev, NULL);
	ev.orders = orders;
	ev.norders = 2;
	expect_key(&m, &ev, "41");
	m.order = &orders[1];
	expect_key(&m, &ev, "42");
	ev.scope = scope;
	expect_key(&m, &ev, "north:42");
}

static void
test_a_request_lists_its_messages_in_their_order(void **state)
{
	const char *const messages[] = { "{1}", "{22}", "{}" };
	const size_t lens[] = { 3, 4, 2 };
	size_t len;
	char *text;

	(void)state;
	text = pubsub_request_print(messages, lens, 3, &len);
	assert_string_equal(text, "{\"messages\":[{1},{22},{}]}");
	assert_int_equal(len, strlen(text));
	free(text);
	text = pubsub_request_print(messages, lens, 1, &len);
	assert_string_equal(text, "{\"messages\":[{1}]}");
	free(text);
}

static void
test_an_answer_gives_its_ids(void **state)
{
	static const char json[] = "{\"messageIds\":[\"11\",\"22\"]}\n";
	struct pubsub_answer a;

	(void)state;
	pubsub_answer_read(json, strlen(json), &a);
	assert_int_equal(a.nids, 2);
	assert_string_equal(pubsub_answer_id(&a, 0), "11");
	assert_string_equal(pubsub_answer_id(&a, 1), "22");
	assert_string_equal(a.status, "");
	assert_null(a.message);
	pubsub_answer_fini(&a);
}

/* Then no message counts as published. */
static void
test_an_answer_that_makes_no_sense_has_no_ids(void **state)
{
	static const char *const jsons[] = {
		"",
		"ok",
		"{}",
		"[\"11\"]",
		"{\"messageIds\":{}}",
		"{\"messageIds\":\"11\"}",
		"{\"messageIds\":[11]}",
		"{\"messageIds\":[\"11\",\"\"]}",
		"{\"messageIds\":[\"11\",null]}",
		"{\"messageIds\":[\"11\"]",
		"{\"messageIds\":[\"11\"]}}",
		"{\"messageIds\":[\"11\"],\"error\":{}}",
	};
	struct pubsub_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(jsons) / sizeof(jsons[0]); i++) {
		pubsub_answer_read(jsons[i], strlen(jsons[i]), &a);
		assert_int_equal(a.nids, 0);
		pubsub_answer_fini(&a);
	}
}

static void
expect_status(const char *json, const char *status, const char *message)
{
	struct pubsub_answer a;

	pubsub_answer_read(json, strlen(json), &a);
	assert_string_equal(a.status, status);
	if (message == NULL)
		assert_null(a.message);
	else
		assert_string_equal(a.message, message);
	pubsub_answer_fini(&a);
}

static void
test_an_error_is_read(void **state)
{
	(void)state;
	expect_status("{\"error\":{\"code\":404,\"message\":\"no topic\","
		      "\"status\":\"NOT_FOUND\"}}",
	    "NOT_FOUND", "no topic");
	expect_status("{\"error\":{\"status\":\"not\\nfound\"}}", "", NULL);
	expect_status("{\"error\":{\"status\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		      "AAA\",\"message\":7}}",
	    "", NULL);
	expect_status("{\"error\":\"invalid_grant\"}", "", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_message_has_its_body_in_base64_and_its_attributes),
		cmocka_unit_test(test_what_is_too_long_is_its_digest),
		cmocka_unit_test(
		    test_the_ordering_key_is_the_order_in_its_scope),
		cmocka_unit_test(
		    test_a_request_lists_its_messages_in_their_order),
		cmocka_unit_test(test_an_answer_gives_its_ids),
		cmocka_unit_test(test_an_answer_that_makes_no_sense_has_no_ids),
		cmocka_unit_test(test_an_error_is_read),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
