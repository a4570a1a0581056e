#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/redis_entry.h"

static const char sha[] = "0123456789abcdef0123456789abcdef01234567";

static struct message
some_message(void)
{
	return ((struct message){
	    .body = "{\"a\":1}",
	    .body_len = 7,
	    .key = "evt_1",
	    .attributes = { { "klikit-event-id", "evt_1" },
		{ "klikitd-attempt", "2" } },
	    .nattributes = 2,
	});
}

/* The command of a message is that: its words, with a blank between. */
static void
expect_command(const struct redis_stream *stream, const char *expected)
{
	const struct message m = some_message();
	char text[1024], *line, *word, *rest = NULL;
	size_t len, at = 0;
	void *bytes;

	assert_int_equal(redis_entry_make(stream, sha, &m, &bytes, &len), 0);
	line = strndup(bytes, len);
	assert_non_null(line);
	/* Every other line is a word; the rest are lengths. */
	word = strtok_r(line, "\r\n", &rest);
	assert_int_equal(word[0], '*');
	while ((word = strtok_r(NULL, "\r\n", &rest)) != NULL) {
		if (word[0] != '$')
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    "%s%s", at == 0 ? "" : " ", word);
	}
	assert_string_equal(text, expected);
	free(line);
	free(bytes);
}

static void
test_plain_entry(void **state)
{
	const struct redis_stream stream = { .name = "orders" };
	const struct redis_stream short_one = { .name = "orders",
		.maxlen = 1000 };

	(void)state;
	expect_command(&stream,
	    "XADD orders * body {\"a\":1} klikit-event-id evt_1 "
	    "klikitd-attempt 2");
	expect_command(&short_one,
	    "XADD orders MAXLEN ~ 1000 * body {\"a\":1} klikit-event-id evt_1 "
	    "klikitd-attempt 2");
}

static void
test_entry_with_dedup(void **state)
{
	const struct redis_stream stream = { .name = "orders",
		.dedup_ms = 86400000 };
	const struct redis_stream short_one = { .name = "orders",
		.dedup_ms = 1000,
		.maxlen = 7 };

	(void)state;
	expect_command(&stream,
	    "EVALSHA 0123456789abcdef0123456789abcdef01234567 2 orders "
	    "{orders}:d:evt_1 86400000 * body {\"a\":1} klikit-event-id evt_1 "
	    "klikitd-attempt 2");
	expect_command(&short_one,
	    "EVALSHA 0123456789abcdef0123456789abcdef01234567 2 orders "
	    "{orders}:d:evt_1 1000 MAXLEN ~ 7 * body {\"a\":1} "
	    "klikit-event-id evt_1 klikitd-attempt 2");
}

/* A dedup key stands in the slot of its stream. */
static void
test_keys_share_a_slot(void **state)
{
	static const struct {
		const char *stream, *key;
	} some[] = {
		{ "orders", "{orders}:d:evt_1" },
		{ "{shop}orders", "{shop}orders:d:evt_1" },
		{ "a{b}c{d}", "a{b}c{d}:d:evt_1" },
	};
	static const char *const bad[] = { "a{", "a}", "a{}", "}{", "{}{b}" };
	char *key;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		const struct redis_stream stream = { .name = some[i].stream };

		assert_true(redis_entry_name_ok(some[i].stream));
		assert_int_equal(redis_entry_key(&stream, "evt_1", &key), 0);
		assert_string_equal(key, some[i].key);
		free(key);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(redis_entry_name_ok(bad[i]));
}

/* SCRIPT LOAD of a Redis 7 named it so. */
static void
test_sha_is_that_of_the_script(void **state)
{
	char hex[REDIS_SHA_LEN + 1];

	(void)state;
	assert_int_equal(redis_entry_sha(hex), 0);
	assert_string_equal(hex, "00a7a25753d896e4e515379a4f19bb90b93d8bd0");
}

#define STRING(s)                                                              \
	{                                                                      \
		.kind = REDIS_STRING, .text = (s), .len = sizeof(s) - 1        \
	}

static void
test_answers(void **state)
{
	const struct redis_stream plain = { .name = "orders" };
	const struct redis_stream dedup = { .name = "orders", .dedup_ms = 1 };
	struct redis_answer id = { .value = STRING("1526919030474-55") };
	struct redis_answer pair = { .value = { .kind = REDIS_ARRAY },
		.items = { STRING("1526919030474-55"),
		    { .kind = REDIS_INTEGER } },
		.nitems = 2 };
	char text[REDIS_ADDED_MAX];

	(void)state;
	assert_int_equal(redis_entry_added(&plain, &id, text), REDIS_ADDED);
	assert_string_equal(text, "1526919030474-55");
	assert_int_equal(redis_entry_added(&dedup, &pair, text), REDIS_ADDED);
	assert_string_equal(text, "1526919030474-55");
	pair.items[1].number = 1;
	assert_int_equal(redis_entry_added(&dedup, &pair, text),
	    REDIS_ADDED_BEFORE);
	assert_string_equal(text, "1526919030474-55, added before");

	/* Done is only what an id proves. */
	assert_int_equal(redis_entry_added(&dedup, &id, text), REDIS_ADDED_NOT);
	assert_int_equal(redis_entry_added(&plain, &pair, text),
	    REDIS_ADDED_NOT);
	pair.items[0] = (struct redis_value)STRING("");
	assert_int_equal(redis_entry_added(&dedup, &pair, text),
	    REDIS_ADDED_NOT);
	id.value = (struct redis_value)STRING("QUEUED");
	assert_int_equal(redis_entry_added(&plain, &id, text), REDIS_ADDED_NOT);
	id.value = (struct redis_value){ .kind = REDIS_NIL };
	assert_int_equal(redis_entry_added(&plain, &id, text), REDIS_ADDED_NOT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_entry),
		cmocka_unit_test(test_entry_with_dedup),
		cmocka_unit_test(test_keys_share_a_slot),
		cmocka_unit_test(test_sha_is_that_of_the_script),
		cmocka_unit_test(test_answers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
