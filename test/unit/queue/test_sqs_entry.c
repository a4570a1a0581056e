/* One entry of a batch: its body, its attributes, its ids, its size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include <jansson.h>

#include "handlers/queue/digest.h"
#include "handlers/queue/sqs_entry.h"
#include "store/base/hex.h"

#define URL "https://sqs.eu-west-1.amazonaws.com/1/orders"

static struct message m;
static struct store_event ev;
static struct sqs_entry e;
static json_t *root; /* of the request with that entry alone */

static int
setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	memset(&ev, 0, sizeof(ev));
	ev.event_id = (char *)(uintptr_t) "evt-1";
	ev.scope = (char *)(uintptr_t) "";
	m.body = "{}";
	m.body_len = 2;
	(void)strcpy(m.key, "evt-1");
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	json_decref(root);
	root = NULL;
	sqs_entry_fini(&e);
	return (0);
}

static void
add(const char *name, const char *value)
{
	m.attributes[m.nattributes++] =
	    (struct message_attribute){ name, value };
}

/* Make the entry, and read the request with it as a JSON text. */
static const json_t *
made(bool fifo)
{
	const struct sqs_entry *const entries[] = { &e };
	char *text;
	size_t len;

	(void)teardown(NULL);
	assert_int_equal(sqs_entry_make(&e, &m, &ev, fifo), 0);
	assert_non_null(text = sqs_entries_join(URL, entries, 1, &len));
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	free(text);
	return (json_array_get(json_object_get(root, "Entries"), 0));
}

static const char *
member(const json_t *object, const char *name)
{
	return (json_string_value(json_object_get(object, name)));
}

static const json_t *
attribute(const json_t *entry, const char *name)
{
	return (
	    json_object_get(json_object_get(entry, "MessageAttributes"), name));
}

static void
assert_md5(const void *bytes, size_t len, const char *hex)
{
	unsigned char digest[MD5_LEN];
	char text[2 * MD5_LEN + 1];

	assert_int_equal(digest_md5(bytes, len, digest), 0);
	hex_encode(digest, sizeof(digest), text);
	assert_string_equal(hex, text);
}

static void
test_a_body_goes_as_it_is(void **state)
{
	static const char body[] =
	    "{\"a\":\"\\\"\\u0000\",\n\t\"b\":\"\xc3\xa9\xf0\x9f\x8d\x95\x7f\"}"
	    "\r\n";
	const json_t *entry;

	(void)state;
	m.body = body;
	m.body_len = sizeof(body) - 1;
	entry = made(false);
	assert_string_equal(member(root, "QueueUrl"), URL);
	assert_string_equal(member(entry, "Id"), "0");
	assert_string_equal(member(entry, "MessageBody"), body);
	assert_int_equal(e.size, sizeof(body) - 1);
	assert_md5(body, sizeof(body) - 1, e.body_md5);
	assert_null(attribute(entry, SQS_ENCODING));
	assert_null(json_object_get(entry, "MessageGroupId"));
	assert_string_equal(e.group, "");
}

/* What XML 1.0 does not have, and what is no text at all. */
static void
test_a_body_that_is_refused_goes_as_base64(void **state)
{
	static const struct {
		const char *body;
		size_t len;
		const char *sent;
	} cases[] = {
		{ "a\0b", 3, "YQBi" }, { "a\x1b", 2, "YRs=" },
		{ "\xff\xfe", 2, "//4=" },
		{ "\xef\xbf\xbe", 3, "77++" }, /* U+FFFE */
		{ "\xef\xbf\xbf", 3, "77+/" }, /* U+FFFF */
		{ "\xed\xa0\x80", 3, "7aCA" }, /* a surrogate */
		{ "", 0, "\n" },               /* blanks stand for nothing */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const json_t *entry;

		m.body = cases[i].body;
		m.body_len = cases[i].len;
		entry = made(false);
		assert_string_equal(member(entry, "MessageBody"),
		    cases[i].sent);
		assert_string_equal(member(attribute(entry, SQS_ENCODING),
					"StringValue"),
		    "base64");
		assert_md5(cases[i].sent, strlen(cases[i].sent), e.body_md5);
		assert_int_equal(e.size,
		    strlen(cases[i].sent) +
			strlen(SQS_ENCODING "Stringbase64"));
	}
}

/* As "Calculating the MD5 message digest" has it, sorted by name. */
static void
test_attributes_are_counted_and_digested(void **state)
{
	static const char digested[] =
	    "\0\0\0\x0fklikit-order-id\0\0\0\6Binary\2\0\0\0\3a\1b"
	    "\0\0\0\7klikitd\0\0\0\6String\1\0\0\0\1x";
	const json_t *entry;

	(void)state;
	add("klikitd", "x");
	add("klikit-order-id", "a\1b");
	entry = made(false);
	assert_string_equal(member(attribute(entry, "klikitd"), "StringValue"),
	    "x");
	assert_string_equal(member(attribute(entry, "klikitd"), "DataType"),
	    "String");
	entry = attribute(entry, "klikit-order-id");
	assert_string_equal(member(entry, "DataType"), "Binary");
	assert_string_equal(member(entry, "BinaryValue"), "YQFi");
	assert_md5(digested, sizeof(digested) - 1, e.attributes_md5);
	assert_int_equal(e.size,
	    2 + strlen("klikitdStringx") + strlen("klikit-order-idBinary") + 3);
}

/* SQS takes ten: the scope is left out for what the body needs. */
static void
test_the_scope_makes_room(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g",
		"h", "i", "klikitd-scope" };
	const json_t *entry;

	(void)state;
	for (size_t i = 0; i < 10; i++)
		add(names[i], "v");
	entry = made(false);
	assert_int_equal(json_object_size(
			     json_object_get(entry, "MessageAttributes")),
	    10);
	assert_non_null(attribute(entry, "klikitd-scope"));
	m.body_len = 0;
	entry = made(false);
	assert_int_equal(json_object_size(
			     json_object_get(entry, "MessageAttributes")),
	    10);
	assert_non_null(attribute(entry, SQS_ENCODING));
	assert_non_null(attribute(entry, "i"));
	assert_null(attribute(entry, "klikitd-scope"));
}

static void
assert_group(const char *group)
{
	const json_t *entry = made(true);

	assert_string_equal(member(entry, "MessageGroupId"), group);
	assert_string_equal(e.group, group);
}

/* Those of one order are a group; a group is of printable ASCII. */
static void
test_a_group_is_an_order(void **state)
{
	const struct store_order orders[] = {
		{ .place = 0, .order_id = NULL },
		{ .place = 1, .order_id = "17" },
		{ .place = 2, .order_id = "a b%\xc3\xa9:" },
	};

	(void)state;
	assert_group("event:evt-1");
	ev.orders = orders;
	ev.norders = 3;
	assert_group("17");
	m.order = &orders[2];
	assert_group("a%20b%25%C3%A9%3A");
	ev.scope = (char *)(uintptr_t) "north";
	assert_group("north:a%20b%25%C3%A9%3A");
}

static void
test_a_long_id_is_its_digest(void **state)
{
	char id[140];
	const struct store_order order = { .order_id = id };
	unsigned char digest[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	(void)state;
	m.order = &order;
	memset(id, 'x', sizeof(id));
	id[129] = '\0';
	(void)strcpy(m.key, id);
	assert_int_equal(digest_sha256(id, 129, digest), 0);
	hex_encode(digest, sizeof(digest), hex);
	assert_group(hex);
	assert_string_equal(member(json_array_get(json_object_get(root,
						      "Entries"),
				       0),
				"MessageDeduplicationId"),
	    hex);
	id[128] = m.key[128] = '\0';
	assert_group(id);
	assert_string_equal(member(json_array_get(json_object_get(root,
						      "Entries"),
				       0),
				"MessageDeduplicationId"),
	    id);
}

static void
test_entries_have_their_places_as_ids(void **state)
{
	const struct sqs_entry *const entries[] = { &e, &e, &e };
	char *text;
	size_t len;

	(void)state;
	(void)made(false);
	json_decref(root);
	assert_non_null(text = sqs_entries_join(URL, entries, 3, &len));
	assert_non_null(root = json_loadb(text, len, 0, NULL));
	free(text);
	for (size_t i = 0; i < 3; i++) {
		char id[4];

		(void)snprintf(id, sizeof(id), "%zu", i);
		assert_string_equal(member(json_array_get(json_object_get(root,
							      "Entries"),
					       i),
					"Id"),
		    id);
	}
}

static void
test_another_call_names_its_queue(void **state)
{
	char *text;
	size_t len;

	(void)state;
	text = sqs_request_body("u\"", "\"A\":1", &len);
	assert_int_equal(len, strlen("{\"QueueUrl\":\"u\\\"\",\"A\":1}"));
	assert_memory_equal(text, "{\"QueueUrl\":\"u\\\"\",\"A\":1}", len);
	free(text);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_body_goes_as_it_is),
		T(test_a_body_that_is_refused_goes_as_base64),
		T(test_attributes_are_counted_and_digested),
		T(test_the_scope_makes_room),
		T(test_a_group_is_an_order),
		T(test_a_long_id_is_its_digest),
		T(test_entries_have_their_places_as_ids),
		T(test_another_call_names_its_queue),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
