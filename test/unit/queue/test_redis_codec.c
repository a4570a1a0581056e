#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/redis_codec.h"

/* -- Commands -- */

/* Words may hold anything; each is counted. */
static void
test_command_is_an_array_of_strings(void **state)
{
	static const char expected[] = "*3\r\n$4\r\nXADD\r\n$0\r\n\r\n"
				       "$5\r\na\0\r\nb\r\n";
	const struct redis_word words[] = { redis_text("XADD"), redis_text(""),
		{ "a\0\r\nb", 5 } };
	void *bytes;
	size_t len;

	(void)state;
	assert_int_equal(redis_command(words, 3, &bytes, &len), 0);
	assert_int_equal(len, sizeof(expected) - 1);
	assert_memory_equal(bytes, expected, len);
	free(bytes);
}

/* -- Answers -- */

struct reading {
	struct redis_reader *r;
	struct redis_answer answer;
	size_t taken;
	const char *reason;
};

static enum redis_read
read_bytes(struct reading *rd, const char *bytes, size_t len)
{
	char *copy = malloc(len + 1); /* what is read too far is found out */
	enum redis_read rc;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	copy = realloc(copy, len == 0 ? 1 : len);
	rd->reason = NULL;
	rc = redis_reader_next(rd->r, copy, len, &rd->taken, &rd->answer,
	    &rd->reason);
	free(copy);
	return (rc);
}

static enum redis_read
read_text(struct reading *rd, const char *text)
{
	return (read_bytes(rd, text, strlen(text)));
}

static int
reader_setup(void **state)
{
	struct reading *rd = calloc(1, sizeof(*rd));

	assert_non_null(rd);
	rd->r = redis_reader_new();
	assert_non_null(rd->r);
	*state = rd;
	return (0);
}

static int
reader_teardown(void **state)
{
	struct reading *rd = *state;

	redis_reader_free(rd->r);
	free(rd);
	return (0);
}

static void
test_each_kind_is_read(void **state)
{
	struct reading *rd = *state;
	const struct redis_value *value = &rd->answer.value;

	assert_int_equal(read_text(rd, "+OK\r\n+NEXT\r\n"), REDIS_READ_ONE);
	assert_int_equal(rd->taken, 5);
	assert_int_equal(value->kind, REDIS_STATUS);
	assert_string_equal(value->text, "OK");

	assert_int_equal(read_text(rd, "-ERR no\r\n"), REDIS_READ_ONE);
	assert_int_equal(value->kind, REDIS_ERROR);
	assert_string_equal(value->text, "ERR no");

	assert_int_equal(read_text(rd, ":-12\r\n"), REDIS_READ_ONE);
	assert_int_equal(value->kind, REDIS_INTEGER);
	assert_int_equal(value->number, -12);

	assert_int_equal(read_text(rd, "$3\r\n1-0\r\n"), REDIS_READ_ONE);
	assert_int_equal(value->kind, REDIS_STRING);
	assert_string_equal(value->text, "1-0");
	assert_int_equal(value->len, 3);

	assert_int_equal(read_text(rd, "$-1\r\n"), REDIS_READ_ONE);
	assert_int_equal(value->kind, REDIS_NIL);
	assert_int_equal(read_text(rd, "*-1\r\n"), REDIS_READ_ONE);
	assert_int_equal(value->kind, REDIS_NIL);
}

static void
test_an_array_has_its_items(void **state)
{
	struct reading *rd = *state;

	assert_int_equal(read_text(rd, "*3\r\n$3\r\n1-0\r\n:1\r\n$-1\r\n"),
	    REDIS_READ_ONE);
	assert_int_equal(rd->answer.value.kind, REDIS_ARRAY);
	assert_int_equal(rd->answer.nitems, 3);
	assert_string_equal(rd->answer.items[0].text, "1-0");
	assert_int_equal(rd->answer.items[1].number, 1);
	assert_int_equal(rd->answer.items[2].kind, REDIS_NIL);

	assert_int_equal(read_text(rd, "*0\r\n"), REDIS_READ_ONE);
	assert_int_equal(rd->answer.value.kind, REDIS_ARRAY);
	assert_int_equal(rd->answer.nitems, 0);
}

/* Every prefix of an answer is half an answer, and costs it nothing. */
static void
test_halves_wait(void **state)
{
	static const char whole[] = "*2\r\n$15\r\n1526919030474-5\r\n:0\r\n";
	struct reading *rd = *state;

	for (size_t len = 0; len < strlen(whole); len++)
		assert_int_equal(read_bytes(rd, whole, len), REDIS_READ_MORE);
	assert_int_equal(read_text(rd, whole), REDIS_READ_ONE);
	assert_int_equal(rd->taken, strlen(whole));
}

/* It is wrong, for that reason, and stays wrong. */
static void
expect_wrong(const char *bytes, size_t len, const char *reason)
{
	struct reading rd = { .r = redis_reader_new() };

	assert_non_null(rd.r);
	assert_int_equal(read_bytes(&rd, bytes, len), REDIS_READ_WRONG);
	assert_string_equal(rd.reason, reason);
	assert_int_equal(read_text(&rd, "+OK\r\n"), REDIS_READ_WRONG);
	assert_string_equal(rd.reason, reason);
	redis_reader_free(rd.r);
}

static void
test_lengths_are_bounded(void **state)
{
	static const char reason[] = "sent a length that makes no sense here";
	static const char *const some[] = { "*100000000\r\n", "*33\r\n",
		"*4294967297\r\n", "*-2\r\n", "*\r\n", "$2147483647\r\n",
		"$65537\r\n", "$-2\r\n", "$\r\n", "$+1\r\n", "$1a\r\n",
		"$99999999999999999999999\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		expect_wrong(some[i], strlen(some[i]), reason);
}

static void
test_lines_and_answers_are_bounded(void **state)
{
	static char text[2 * REDIS_ANSWER_MAX + 64];
	struct reading *rd = *state;
	size_t at;

	memset(text, 'a', REDIS_LINE_MAX);
	text[0] = '+';
	assert_int_equal(read_bytes(rd, text, REDIS_LINE_MAX - 1),
	    REDIS_READ_MORE);
	expect_wrong(text, REDIS_LINE_MAX, "sent a line without an end");

	/* Each item is small enough, both together are not. */
	at = (size_t)snprintf(text, sizeof(text), "*2\r\n$40000\r\n");
	memset(text + at, 'a', 40000);
	at += 40000;
	at += (size_t)snprintf(text + at, sizeof(text) - at, "\r\n$40000\r\n");
	memset(text + at, 'a', 40000);
	assert_int_equal(read_bytes(rd, text, REDIS_ANSWER_MAX),
	    REDIS_READ_MORE);
	expect_wrong(text, REDIS_ANSWER_MAX + 1,
	    "sent an answer that is too large");
}

static void
test_what_is_no_answer_is_wrong(void **state)
{
	static const char reason[] = "sent what is no answer of Redis";
	static const char *const some[] = { "HTTP/1.1 400 Bad Request\r\n",
		"\r\n", "%1\r\n+a\r\n+b\r\n", "_\r\n", "$2\r\nabXX",
		":12x\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		expect_wrong(some[i], strlen(some[i]), reason);
	expect_wrong("*1\r\n*0\r\n", 8, "sent an array inside an array");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_is_an_array_of_strings),
		cmocka_unit_test_setup_teardown(test_each_kind_is_read,
		    reader_setup, reader_teardown),
		cmocka_unit_test_setup_teardown(test_an_array_has_its_items,
		    reader_setup, reader_teardown),
		cmocka_unit_test_setup_teardown(test_halves_wait, reader_setup,
		    reader_teardown),
		cmocka_unit_test(test_lengths_are_bounded),
		cmocka_unit_test_setup_teardown(
		    test_lines_and_answers_are_bounded, reader_setup,
		    reader_teardown),
		cmocka_unit_test(test_what_is_no_answer_is_wrong),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
