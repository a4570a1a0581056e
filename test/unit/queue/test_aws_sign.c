/* Signatures: the cases that AWS publishes, and the call that is made here. */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/aws_sign.h"

#define DATE "20150830T123600Z"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static struct aws_keys keys;

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(aws_keys_set(&keys, "AKIDEXAMPLE", SECRET, NULL), 0);
	return (0);
}

static void
assert_signed(const struct aws_sign_request *req, const char *names,
    const char *signature)
{
	char expected[AWS_SIGN_MAX], got[AWS_SIGN_MAX];

	(void)snprintf(expected, sizeof(expected),
	    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/%s/%s/"
	    "aws4_request, SignedHeaders=%s, Signature=%s",
	    req->region, req->service, names, signature);
	assert_int_equal(aws_sign(req, &keys, got), 0);
	assert_string_equal(got, expected);
}

static const struct aws_sign_header vanilla[] = {
	{ "host", "example.amazonaws.com" },
	{ "x-amz-date", DATE },
};

/* "get-vanilla" of AWS's Signature Version 4 test suite. */
static void
test_a_get_is_signed_as_published(void **state)
{
	const struct aws_sign_request req = { .method = "GET",
		.service = "service",
		.region = "us-east-1",
		.headers = vanilla,
		.nheaders = 2,
		.body = "",
		.date = DATE };

	(void)state;
	assert_signed(&req, "host;x-amz-date",
	    "5fa00fa31553b73ebf1942676e86291e"
	    "8372ff2a2260956d9b8aae1d763fbf31");
}

/* "post-vanilla". */
static void
test_a_post_is_signed_as_published(void **state)
{
	const struct aws_sign_request req = { .method = "POST",
		.service = "service",
		.region = "us-east-1",
		.headers = vanilla,
		.nheaders = 2,
		.body = "",
		.date = DATE };

	(void)state;
	assert_signed(&req, "host;x-amz-date",
	    "5da7c1a2acd57cee7505fc6676e4e544"
	    "621c30862966e37dddb68e92efbe5d6b");
}

/* "post-x-www-form-urlencoded": with a body. */
static void
test_a_body_is_signed_as_published(void **state)
{
	static const struct aws_sign_header headers[] = {
		{ "content-type", "application/x-www-form-urlencoded" },
		{ "host", "example.amazonaws.com" },
		{ "x-amz-date", DATE },
	};
	const struct aws_sign_request req = { .method = "POST",
		.service = "service",
		.region = "us-east-1",
		.headers = headers,
		.nheaders = 3,
		.body = "Param1=value1",
		.body_len = strlen("Param1=value1"),
		.date = DATE };

	(void)state;
	assert_signed(&req, "content-type;host;x-amz-date",
	    "ff11897932ad3f4e8b18135d722051e5"
	    "ac45fc38421b1da7b9d196a0fe09473a");
}

/* The call of this outlet, with a session's token, as botocore signs it. */
static void
test_a_batch_is_signed_as_botocore_does(void **state)
{
	static const struct aws_sign_header headers[] = {
		{ "content-type", "application/x-amz-json-1.0" },
		{ "host", "127.0.0.1:4566" },
		{ "x-amz-date", DATE },
		{ "x-amz-security-token", "TOKEN/with+signs==" },
		{ "x-amz-target", "AmazonSQS.SendMessageBatch" },
	};
	const struct aws_sign_request req = { .method = "POST",
		.service = "sqs",
		.region = "eu-west-1",
		.headers = headers,
		.nheaders = 5,
		.body = "{\"a\":1}",
		.body_len = 7,
		.date = DATE };

	(void)state;
	assert_signed(&req,
	    "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
	    "48525ee5d98e174e9a594e22f0d94508"
	    "5869854670441e2062d23c4ec8838b2f");
}

/* Nothing is cut: what does not fit is not signed. */
static void
test_what_is_too_long_is_not_signed(void **state)
{
	char region[200];
	struct aws_sign_request req = { .method = "GET",
		.service = "service",
		.region = region,
		.headers = vanilla,
		.nheaders = 2,
		.body = "",
		.date = DATE };
	char got[AWS_SIGN_MAX];

	(void)state;
	memset(region, 'r', sizeof(region) - 1);
	region[sizeof(region) - 1] = '\0';
	assert_int_equal(aws_sign(&req, &keys, got), -1);
	region[9] = '\0';
	assert_int_equal(aws_sign(&req, &keys, got), 0);
}

static void
test_the_date_is_utc(void **state)
{
	char date[AWS_SIGN_DATE_LEN + 1];

	(void)state;
	aws_sign_date(1440938160999, date);
	assert_string_equal(date, DATE);
	aws_sign_date(0, date);
	assert_string_equal(date, "19700101T000000Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_get_is_signed_as_published,
		    setup),
		cmocka_unit_test_setup(test_a_post_is_signed_as_published,
		    setup),
		cmocka_unit_test_setup(test_a_body_is_signed_as_published,
		    setup),
		cmocka_unit_test_setup(test_a_batch_is_signed_as_botocore_does,
		    setup),
		cmocka_unit_test_setup(test_what_is_too_long_is_not_signed,
		    setup),
		cmocka_unit_test(test_the_date_is_utc),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
