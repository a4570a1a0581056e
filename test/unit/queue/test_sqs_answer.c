/* Answers of SQS: of a batch, of an error, of a look at the queue. */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/sqs_answer.h"

static const struct sqs_entry one = { .body_md5 = "b1",
	.attributes_md5 = "a1" };
static const struct sqs_entry two = { .body_md5 = "b2",
	.attributes_md5 = "a2" };
static const struct sqs_entry *const entries[] = { &one, &two };
static struct sqs_entry_answer got[2];

static int
read_batch(const char *text)
{
	return (sqs_answer_batch(text, strlen(text), entries, 2, got));
}

#define GOOD(id, n)                                                            \
	"{\"Id\":\"" id "\",\"MessageId\":\"m-" n                              \
	"\",\"MD5OfMessageBody\":\"b" n "\",\"MD5OfMessageAttributes\":\"a" n  \
	"\",\"SequenceNumber\":\"7\"}"

static void
test_entries_are_taken_one_by_one(void **state)
{
	(void)state;
	assert_int_equal(read_batch("{\"Failed\":[],\"Successful\":[" GOOD("1",
			     "2") "," GOOD("0", "1") "]}"),
	    0);
	assert_int_equal(got[0].end, SQS_ENTRY_TAKEN);
	assert_string_equal(got[0].message_id, "m-1");
	assert_int_equal(got[1].end, SQS_ENTRY_TAKEN);
	assert_string_equal(got[1].message_id, "m-2");
}

static void
test_an_entry_fails_by_itself(void **state)
{
	(void)state;
	assert_int_equal(
	    read_batch("{\"Successful\":[" GOOD("0",
		"1") "],\"Failed\":["
		     "{\"Id\":\"1\",\"SenderFault\":false,\"Code\":"
		     "\"InternalError\",\"Message\":\"a\\nb\xc3\xa9\"}]}"),
	    0);
	assert_int_equal(got[0].end, SQS_ENTRY_TAKEN);
	assert_int_equal(got[1].end, SQS_ENTRY_FAILED);
	assert_string_equal(got[1].error.code, "InternalError");
	assert_string_equal(got[1].error.message, "a?b??");
}

/* It is in the queue, and is not what was sent. */
static void
test_a_wrong_digest_is_damage(void **state)
{
	(void)state;
	assert_int_equal(read_batch("{\"Successful\":[" GOOD("0",
			     "2") ","
				  "{\"Id\":\"1\",\"MessageId\":\"m\"}]}"),
	    0);
	assert_int_equal(got[0].end, SQS_ENTRY_DAMAGED);
	assert_int_equal(got[1].end, SQS_ENTRY_DAMAGED);
}

/* Of both parts each: an answer for one does not stand for the other. */
static void
test_both_digests_are_compared(void **state)
{
	(void)state;
	assert_int_equal(read_batch("{\"Successful\":[{\"Id\":\"0\","
				    "\"MessageId\":\"m\","
				    "\"MD5OfMessageBody\":\"b1\","
				    "\"MD5OfMessageAttributes\":\"a2\"},"
				    "{\"Id\":\"1\",\"MessageId\":\"m\","
				    "\"MD5OfMessageBody\":\"b1\","
				    "\"MD5OfMessageAttributes\":\"a2\"}]}"),
	    0);
	assert_int_equal(got[0].end, SQS_ENTRY_DAMAGED);
	assert_int_equal(got[1].end, SQS_ENTRY_DAMAGED);
}

static void
test_without_md5_nothing_is_compared(void **state)
{
	static const struct sqs_entry bare = { .size = 1 };
	const struct sqs_entry *const alone[] = { &bare };
	static const char text[] =
	    "{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"m\"}]}";

	(void)state;
	assert_int_equal(sqs_answer_batch(text, strlen(text), alone, 1, got),
	    0);
	assert_int_equal(got[0].end, SQS_ENTRY_TAKEN);
}

static void
test_unknown_ids_are_nobodys(void **state)
{
	(void)state;
	assert_int_equal(read_batch("{\"Successful\":[" GOOD("2",
			     "1") "," GOOD("x", "1") "," GOOD("",
			     "1") "," GOOD("-1",
			     "1") "," GOOD("00000000000000000000",
			     "1") ",1,null,{}],\"Failed\":[{\"Id\":\"99\"}]}"),
	    0);
	assert_int_equal(got[1].end, SQS_ENTRY_MISSING);
}

/* Who is named twice is answered in no way that can be believed. */
static void
test_two_answers_are_none(void **state)
{
	(void)state;
	assert_int_equal(read_batch("{\"Successful\":[" GOOD("0",
			     "1") "," GOOD("0", "1") "],\"Failed\":[]}"),
	    0);
	assert_int_equal(got[0].end, SQS_ENTRY_MISSING);
	assert_int_equal(read_batch("{\"Successful\":[" GOOD("0",
			     "1") "],\"Failed\":[{\"Id\":\"0\",\"Code\":"
				  "\"InternalError\"}]}"),
	    0);
	assert_int_equal(got[0].end, SQS_ENTRY_MISSING);
}

static void
test_what_is_no_answer_says_nothing(void **state)
{
	static const char *const texts[] = { "", "{}", "[]",
		"{\"Successful\":", "<html>", "{\"a\":1}", "null",
		"{\"Successful\":[]} and more" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		memset(got, 1, sizeof(got));
		assert_int_equal(read_batch(texts[i]), -1);
		assert_int_equal(got[0].end, SQS_ENTRY_MISSING);
		assert_int_equal(got[1].end, SQS_ENTRY_MISSING);
	}
}

static void
test_an_error_has_its_bare_name(void **state)
{
	static const struct {
		const char *type;
		const char *code;
	} cases[] = {
		{ "com.amazonaws.sqs#QueueDoesNotExist", "QueueDoesNotExist" },
		{ "QueueDoesNotExist", "QueueDoesNotExist" },
		{ "AWS.SimpleQueueService.NonExistentQueue",
		    "NonExistentQueue" },
		{ "com.amazon.coral.service#AccessDeniedException",
		    "AccessDenied" },
		{ "ThrottlingException:http://internal.amazon.com/a#b.c",
		    "Throttling" },
		{ "Exception", "Exception" },
		{ "", "" },
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sqs_error error;

		(void)snprintf(text, sizeof(text),
		    "{\"__type\":\"%s\",\"message\":\"why\"}", cases[i].type);
		sqs_answer_error(text, strlen(text), &error);
		assert_string_equal(error.code, cases[i].code);
		assert_string_equal(error.message, "why");
	}
}

static void
test_an_error_without_a_name_has_none(void **state)
{
	struct sqs_error error;

	(void)state;
	sqs_answer_error("<a/>", 4, &error);
	assert_string_equal(error.code, "");
	assert_string_equal(error.message, "");
	sqs_answer_error("{\"Message\":\"x\"}", 15, &error);
	assert_string_equal(error.code, "");
	assert_string_equal(error.message, "x");
}

static void
test_a_queue_is_looked_at(void **state)
{
	static const char text[] =
	    "{\"Attributes\":{\"FifoQueue\":\"true\",\"RedrivePolicy\":\"{}\","
	    "\"MessageRetentionPeriod\":\"345600\","
	    "\"MaximumMessageSize\":\"262144\"}}";
	struct sqs_queue queue;

	(void)state;
	assert_int_equal(sqs_answer_queue(text, strlen(text), &queue), 0);
	assert_true(queue.fifo);
	assert_true(queue.redrive);
	assert_int_equal(queue.retention_s, 345600);
	assert_int_equal(queue.size_max, 262144);
	assert_int_equal(sqs_answer_queue("{\"Attributes\":{}}", 17, &queue),
	    0);
	assert_false(queue.fifo);
	assert_false(queue.redrive);
	assert_int_equal(queue.retention_s, 0);
	assert_int_equal(sqs_answer_queue("{}", 2, &queue), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_are_taken_one_by_one),
		cmocka_unit_test(test_an_entry_fails_by_itself),
		cmocka_unit_test(test_a_wrong_digest_is_damage),
		cmocka_unit_test(test_both_digests_are_compared),
		cmocka_unit_test(test_without_md5_nothing_is_compared),
		cmocka_unit_test(test_unknown_ids_are_nobodys),
		cmocka_unit_test(test_two_answers_are_none),
		cmocka_unit_test(test_what_is_no_answer_says_nothing),
		cmocka_unit_test(test_an_error_has_its_bare_name),
		cmocka_unit_test(test_an_error_without_a_name_has_none),
		cmocka_unit_test(test_a_queue_is_looked_at),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
