/* Credentials: what the metadata services hand out, and what is none. */
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/aws_keys.h"

static int
read_text(const char *text, struct aws_keys *ret)
{
	return (aws_keys_read(text, strlen(text), ret));
}

/* As the guide of EC2 shows it. */
static void
test_a_machines_role_is_read(void **state)
{
	struct aws_keys keys;

	(void)state;
	assert_int_equal(
	    read_text("{\n \"Code\" : \"Success\",\n"
		      " \"LastUpdated\" : \"2012-04-26T16:39:16Z\",\n"
		      " \"Type\" : \"AWS-HMAC\",\n"
		      " \"AccessKeyId\" : \"ASIAIOSFODNN7EXAMPLE\",\n"
		      " \"SecretAccessKey\" : \"wJalrXUtnFEMI\\/K7\",\n"
		      " \"Token\" : \"tok+en==\",\n"
		      " \"Odd\" : [ { \"AccessKeyId\": \"no\" } , 1 ],\n"
		      " \"Expiration\" : \"2012-04-27T22:39:16Z\"\n}\n",
		&keys),
	    0);
	assert_string_equal(keys.id, "ASIAIOSFODNN7EXAMPLE");
	assert_string_equal(keys.secret, "wJalrXUtnFEMI/K7");
	assert_string_equal(keys.token, "tok+en==");
	assert_int_equal(keys.expires_ms, 1335566356000);
}

static void
test_what_is_no_document_gives_no_keys(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"AccessKeyId\":\"A\"}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"\"}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S",
		"{\"AccessKeyId\":\"A\" \"SecretAccessKey\":\"S\"}",
		"{\"AccessKeyId\":\"A\\nX-H: 1\",\"SecretAccessKey\":\"S\"}",
		"{\"AccessKeyId\":1,\"SecretAccessKey\":\"S\"}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
		"\"Expiration\":\"soon\"}",
		"{\"Code\":\"Failed\",\"Message\":\"no\"}",
		"<html>AccessKeyId</html>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		static const struct aws_keys none;
		struct aws_keys keys;

		memset(&keys, 'x', sizeof(keys));
		assert_int_equal(read_text(texts[i], &keys), -1);
		assert_memory_equal(&keys, &none, sizeof(none));
	}
}

static void
test_a_key_that_is_too_long_is_none(void **state)
{
	char id[AWS_KEY_ID_MAX + 2];
	struct aws_keys keys;

	(void)state;
	memset(id, 'A', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_int_equal(aws_keys_set(&keys, id, "S", NULL), -1);
	id[AWS_KEY_ID_MAX] = '\0';
	assert_int_equal(aws_keys_set(&keys, id, "S", NULL), 0);
	assert_string_equal(keys.id, id);
	assert_string_equal(keys.token, "");
}

static void
test_keys_are_one_word(void **state)
{
	struct aws_keys keys;

	(void)state;
	assert_int_equal(aws_keys_set(&keys, "A", "S T", NULL), -1);
	assert_int_equal(aws_keys_set(&keys, "A", "S", "t\r\nX: 1"), -1);
	assert_int_equal(aws_keys_set(&keys, NULL, "S", NULL), -1);
	assert_int_equal(aws_keys_set(&keys, "A", NULL, NULL), -1);
	assert_int_equal(aws_keys_set(&keys, "A", "S", ""), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_machines_role_is_read),
		cmocka_unit_test(test_what_is_no_document_gives_no_keys),
		cmocka_unit_test(test_a_key_that_is_too_long_is_none),
		cmocka_unit_test(test_keys_are_one_word),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
