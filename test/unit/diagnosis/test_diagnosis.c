#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/auth/signature.h"
#include "server/diagnosis/redact.h"
#include "server/config/config.h"
#include "server/diagnosis/diagnosis.h"
#include "server/diagnosis/diagnosis_keys.h"
#include "store/base/base64.h"
#include "store/base/hex.h"

#define NOW INT64_C(1750000000000)
#define SECRET "CANARY-5ecret"
#define BODY "{\"b\":[1,2.50],\"a\":\"caf\xc3\xa9 <&> a/b\"}"

#define SIGNATURE_MAX 256

static const struct diagnosis_keys *
keys_of(struct config_secret *secrets, size_t n)
{
	const struct config cfg = { .secrets = secrets, .nsecrets = n };
	struct diagnosis_keys *keys = diagnosis_keys_new(&cfg);

	assert_non_null(keys);
	return (keys);
}

static const struct diagnosis_keys *
keys_for(const char *secret)
{
	struct config_secret one = { .name = (char *)"default",
		.source = (char *)"/etc/secret",
		.bytes = (char *)secret,
		.len = strlen(secret) };

	return (keys_of(&one, 1));
}

/* The header's value for a message under a secret. */
static const char *
sign(const char *secret, const char *message)
{
	static char text[SIGNATURE_MAX];
	const struct iovec seg = { (void *)message, strlen(message) };
	struct signature_key *key = signature_key_new(secret, strlen(secret));
	unsigned char mac[SIGNATURE_LEN];

	assert_non_null(key);
	assert_int_equal(signature_mac(key, &seg, 1, mac), 0);
	signature_key_free(key);
	hex_encode(mac, sizeof(mac), text);
	return (text);
}

/* Run to the end in steps of so much work; no text may tell a secret. */
static enum diagnosis_code
examine(const struct diagnosis_input *in, const struct diagnosis_keys *keys,
    size_t work, struct diagnosis_finding *ret)
{
	struct diagnosis *d = diagnosis_new(in, keys);
	unsigned steps = 0;

	assert_non_null(d);
	while (!diagnosis_run(d, work, ret))
		assert_in_range(steps++, 0, 100000);
	diagnosis_free(d);
	assert_in_range(strlen(ret->text), 20, DIAGNOSIS_TEXT_MAX - 2);
	assert_null(strstr(ret->text, "CANARY"));
	assert_false(redact_is_mac(ret->text));
	return (ret->code);
}

static struct diagnosis_finding last;

/* A delivery with that body and signature, at a server with that secret. */
static enum diagnosis_code
found(const char *configured, const char *body, const char *signature)
{
	const struct diagnosis_header headers[] = {
		{ "Host", "example" },
		{ "X-Klikit-Signature", signature },
		{ "x-klikit-event-id", "ev-1" },
		{ "x-klikit-event-type", "t" },
	};
	const struct diagnosis_input in = { .cause = REJECT_SIGNATURE,
		.headers = headers,
		.nheaders = 4,
		.body = body,
		.body_len = strlen(body),
		.size = strlen(body),
		.at_ms = NOW };
	const struct diagnosis_keys *keys = keys_for(configured);
	struct diagnosis_finding by_steps;
	enum diagnosis_code code = examine(&in, keys, SIZE_MAX, &last);

	/* However small the steps are, they lead to the same. */
	assert_int_equal(examine(&in, keys, 1, &by_steps), code);
	assert_string_equal(by_steps.text, last.text);
	diagnosis_keys_free((struct diagnosis_keys *)keys);
	return (code);
}

/* What is wrong with the secret here, or at the sender. */
static void
test_what_happened_to_the_secret(void **state)
{
	static const struct {
		const char *here, *there;
		enum diagnosis_code code;
	} cases[] = {
		{ SECRET "\n", SECRET, DIAGNOSIS_SECRET_NEWLINE },
		{ SECRET, SECRET "\n", DIAGNOSIS_SECRET_NEWLINE },
		{ SECRET, SECRET "\r\n", DIAGNOSIS_SECRET_NEWLINE },
		{ " " SECRET, SECRET, DIAGNOSIS_SECRET_BLANKS },
		{ SECRET "\t ", SECRET, DIAGNOSIS_SECRET_BLANKS },
		{ SECRET, SECRET " ", DIAGNOSIS_SECRET_BLANKS },
		{ "\"" SECRET "\"", SECRET, DIAGNOSIS_SECRET_QUOTED },
		{ SECRET, "\"" SECRET "\"", DIAGNOSIS_SECRET_QUOTED },
		{ SECRET, "'" SECRET "'", DIAGNOSIS_SECRET_QUOTED },
		{ "WEBHOOK_SECRET=" SECRET, SECRET,
		    DIAGNOSIS_SECRET_ASSIGNMENT },
		{ "\xef\xbb\xbf" SECRET, SECRET, DIAGNOSIS_SECRET_BOM },
		{ "30313233343536373839", "0123456789",
		    DIAGNOSIS_SECRET_ENCODED },
		{ "0123456789", "30313233343536373839",
		    DIAGNOSIS_SECRET_ENCODED },
		{ "MDEyMzQ1Njc4OUpL", "0123456789JK",
		    DIAGNOSIS_SECRET_ENCODED },
		{ "0123456789JK", "MDEyMzQ1Njc4OUpL",
		    DIAGNOSIS_SECRET_ENCODED },
		{ SECRET, "canary-5ecret", DIAGNOSIS_SECRET_CASE },
		{ "abc", "ABC", DIAGNOSIS_SECRET_CASE },
		{ SECRET, "another", DIAGNOSIS_SECRET_WRONG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(found(cases[i].here, BODY,
				     sign(cases[i].there, BODY)),
		    cases[i].code);
	assert_int_equal(found(SECRET "\n", BODY, sign(SECRET, BODY)),
	    DIAGNOSIS_SECRET_NEWLINE);
	assert_non_null(strstr(last.text, "secret default (/etc/secret)"));
}

/* HMAC with no key at all. */
static void
test_an_empty_secret_at_the_sender(void **state)
{
	static const char nul[] = "";
	const struct iovec seg = { (void *)BODY, strlen(BODY) };
	struct signature_key *key = signature_key_new(nul, 1);
	char text[SIGNATURE_TEXT_LEN + 1];
	unsigned char mac[SIGNATURE_LEN];

	(void)state;
	assert_int_equal(signature_mac(key, &seg, 1, mac), 0);
	signature_key_free(key);
	hex_encode(mac, sizeof(mac), text);
	assert_int_equal(found(SECRET, BODY, text), DIAGNOSIS_SECRET_EMPTY);
}

/* A secret past its date is named with the date; a valid one is no fault. */
static void
test_secrets_have_dates(void **state)
{
	struct config_secret two[] = {
		{ .name = (char *)"now",
		    .source = (char *)"f1",
		    .bytes = (char *)"other",
		    .len = 5 },
		{ .name = (char *)"old",
		    .source = (char *)"f2",
		    .bytes = (char *)SECRET,
		    .len = strlen(SECRET),
		    .valid_until_ms = INT64_C(1577836800000) },
	};
	const struct diagnosis_header h = { "x-klikit-signature",
		sign(SECRET, BODY) };
	struct diagnosis_input in = { .cause = REJECT_SIGNATURE,
		.headers = &h,
		.nheaders = 1,
		.body = BODY,
		.body_len = strlen(BODY),
		.size = strlen(BODY),
		.at_ms = NOW };
	const struct diagnosis_keys *keys = keys_of(two, 2);

	(void)state;
	assert_int_equal(examine(&in, keys, SIZE_MAX, &last),
	    DIAGNOSIS_SECRET_EXPIRED);
	assert_non_null(strstr(last.text, "secret old (f2)"));
	assert_non_null(strstr(last.text, "2020-01-01T00:00:00Z"));
	in.at_ms = INT64_C(1577836800000);
	assert_int_equal(examine(&in, keys, SIZE_MAX, &last),
	    DIAGNOSIS_VERIFIES_NOW);
	diagnosis_keys_free((struct diagnosis_keys *)keys);
}

/* What was signed is another form of what came. */
static void
test_what_happened_to_the_body(void **state)
{
	static const struct {
		const char *came, *signed_as;
		enum diagnosis_code code;
	} cases[] = {
		{ BODY "\n", BODY, DIAGNOSIS_BODY_NEWLINE },
		{ BODY "\r\n", BODY, DIAGNOSIS_BODY_NEWLINE },
		{ BODY " \n\n", BODY, DIAGNOSIS_BODY_NEWLINE },
		{ BODY, BODY "\n", DIAGNOSIS_BODY_NEWLINE },
		{ BODY, BODY "\r\n", DIAGNOSIS_BODY_NEWLINE },
		{ "{\n\"a\":\n1}", "{\r\n\"a\":\r\n1}",
		    DIAGNOSIS_BODY_LINE_ENDS },
		{ "{\r\n\"a\":\r\n1}", "{\n\"a\":\n1}",
		    DIAGNOSIS_BODY_LINE_ENDS },
		{ BODY, "\xef\xbb\xbf" BODY, DIAGNOSIS_BODY_BOM },
		{ "\xef\xbb\xbf" BODY, BODY, DIAGNOSIS_BODY_BOM },
		{ "{ \"b\": 1,\n \"a\": 2 }", "{\"b\":1,\"a\":2}",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "{\"b\":1,\"a\":2}", "{\"b\": 1, \"a\": 2}",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "{\"b\":1,\"a\":2}", "{\n  \"b\": 1,\n  \"a\": 2\n}",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "{\"b\":1,\"a\":2}", "{\n    \"b\": 1,\n    \"a\": 2\n}\n",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "[\"<&>\"]", "[\"\\u003c\\u0026\\u003e\"]",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "[\"\\u003c\\u0026\\u003e\"]", "[\"<&>\"]",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "[\"caf\xc3\xa9\"]", "[\"caf\\u00e9\"]",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "[ \"caf\\u00e9\" ]", "[ \"caf\xc3\xa9\" ]",
		    DIAGNOSIS_BODY_RESERIALISED },
		{ "[\"a/b\"]", "[\"a\\/b\"]", DIAGNOSIS_BODY_RESERIALISED },
		{ "[\"a\\/b\"]", "[\"a/b\"]", DIAGNOSIS_BODY_RESERIALISED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(found(SECRET, cases[i].came,
				     sign(SECRET, cases[i].signed_as)),
		    cases[i].code);
	(void)found(SECRET, "{\"b\":1,\"a\":2}",
	    sign(SECRET, "{\n  \"a\": 2,\n  \"b\": 1\n}\n"));
	assert_non_null(strstr(last.text, "indented by 2 blanks, its names "
					  "sorted, a newline at its end"));
}

/* The right signature, written in another way; or of another thing. */
static void
test_what_is_signed_and_how_it_is_written(void **state)
{
	char hex[SIGNATURE_MAX], text[SIGNATURE_MAX * 2];
	unsigned char bytes[SIGNATURE_LEN];

	(void)state;
	strcpy(hex, sign(SECRET, BODY));
	for (size_t i = 0; i <= SIGNATURE_TEXT_LEN; i++)
		text[i] = (char)toupper((unsigned char)hex[i]);
	assert_int_equal(found(SECRET, BODY, text),
	    DIAGNOSIS_SIGNATURE_UPPERCASE);
	assert_int_equal(found("another", BODY, text),
	    DIAGNOSIS_SIGNATURE_UPPERCASE);
	assert_non_null(strstr(last.text, "none of the secrets"));
	assert_int_equal(found(SECRET "\n", BODY, text),
	    DIAGNOSIS_SECRET_NEWLINE);
	assert_non_null(strstr(last.text, "besides, the signature is in cap"));
	(void)snprintf(text, sizeof(text), "sha256=%s", hex);
	assert_int_equal(found(SECRET, BODY, text),
	    DIAGNOSIS_SIGNATURE_PREFIXED);
	(void)snprintf(text, sizeof(text), "\"%s\"", hex);
	assert_int_equal(found(SECRET, BODY, text), DIAGNOSIS_SIGNATURE_PADDED);
	assert_int_equal(hex_decode(hex, SIGNATURE_LEN, bytes), 0);
	(void)base64_encode(bytes, sizeof(bytes), text);
	assert_int_equal(found(SECRET, BODY, text), DIAGNOSIS_SIGNATURE_BASE64);
	(void)snprintf(text, sizeof(text), "t=1750000000,v1=%s",
	    sign(SECRET, "1750000000." BODY));
	assert_int_equal(found(SECRET, BODY, text),
	    DIAGNOSIS_SIGNATURE_OLD_SCHEME);
	assert_non_null(strstr(last.text, "the secret is right"));
	assert_int_equal(found("another", BODY, text),
	    DIAGNOSIS_SIGNATURE_OLD_SCHEME);
	assert_non_null(strstr(last.text, "none of the secrets"));
	assert_int_equal(found(SECRET, BODY,
			     "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
	    DIAGNOSIS_SIGNATURE_OTHER_HASH);
	assert_int_equal(found(SECRET, BODY, "valid"),
	    DIAGNOSIS_SIGNATURE_MALFORMED);

	assert_int_equal(signature_sha256(BODY, strlen(BODY), bytes), 0);
	hex_encode(bytes, sizeof(bytes), text);
	assert_int_equal(found(SECRET, BODY, text),
	    DIAGNOSIS_SIGNED_WITHOUT_KEY);
	assert_int_equal(found(SECRET, BODY, sign(SECRET, "ev-1" BODY)),
	    DIAGNOSIS_SIGNED_MORE);
	assert_int_equal(found(SECRET, BODY, sign(SECRET, "ev-1." BODY)),
	    DIAGNOSIS_SIGNED_MORE);
}

/* Where nothing matches, the body and the headers still tell something. */
static void
test_what_the_body_looks_like(void **state)
{
	char zeros[SIGNATURE_TEXT_LEN + 1];

	(void)state;
	memset(zeros, '0', sizeof(zeros));
	zeros[SIGNATURE_TEXT_LEN] = '\0';
	assert_int_equal(found(SECRET, "", zeros), DIAGNOSIS_BODY_EMPTY);
	assert_int_equal(found(SECRET, "\x1f\x8b\x08zzz", zeros),
	    DIAGNOSIS_BODY_COMPRESSED);
	assert_int_equal(found(SECRET, "{\"orders\":[{", zeros),
	    DIAGNOSIS_BODY_TRUNCATED);
	assert_int_equal(found(SECRET, "payload=%7B%7D", zeros),
	    DIAGNOSIS_BODY_NOT_JSON);
	assert_int_equal(found(SECRET, "{\"event_id\":\"e\",\"data\":{}}",
			     zeros),
	    DIAGNOSIS_BODY_OLD_DESIGN);
	assert_int_equal(found(SECRET, "\xef\xbb\xbf{\"a\"", zeros),
	    DIAGNOSIS_BODY_TRUNCATED);
}

/* The finding on a delivery with these headers and a wrong signature. */
static enum diagnosis_code
found_with(const char *name, const char *value, const char *body, size_t len,
    size_t size)
{
	char zeros[SIGNATURE_TEXT_LEN + 1] = "";
	const struct diagnosis_header headers[] = {
		{ "x-klikit-signature", memset(zeros, '0', 64) },
		{ name, value },
	};
	const struct diagnosis_input in = { .cause = REJECT_SIGNATURE,
		.headers = headers,
		.nheaders = 2,
		.body = body,
		.body_len = len,
		.size = size,
		.at_ms = NOW };
	const struct diagnosis_keys *keys = keys_for(SECRET);
	enum diagnosis_code code = examine(&in, keys, SIZE_MAX, &last);

	diagnosis_keys_free((struct diagnosis_keys *)keys);
	return (code);
}

static void
test_what_headers_tell_of_the_body(void **state)
{
	(void)state;
	assert_int_equal(found_with("Content-Encoding", "br", "\x8b", 1, 1),
	    DIAGNOSIS_BODY_COMPRESSED);
	assert_non_null(strstr(last.text, "turn off the compression"));
	assert_int_equal(found_with("content-encoding", "GZIP", "{}", 2, 2),
	    DIAGNOSIS_BODY_COMPRESSED);
	assert_non_null(strstr(last.text, "unpacked"));
	assert_int_equal(found_with("Content-Encoding", "identity", "{}", 2, 2),
	    DIAGNOSIS_SECRET_WRONG);
	assert_int_equal(found_with("Content-Length", "3", "{}", 2, 2),
	    DIAGNOSIS_BODY_TRUNCATED);
	assert_int_equal(found_with("Content-Length", "2", "{}", 2, 2),
	    DIAGNOSIS_SECRET_WRONG);
	assert_null(strstr(last.text, "proxy"));
	assert_int_equal(found_with("X-Forwarded-For", "CANARY", "{}", 2, 2),
	    DIAGNOSIS_SECRET_WRONG);
	assert_non_null(strstr(last.text, "a proxy, as X-Forwarded-For says"));
	assert_int_equal(found_with("a", "b", "{}", 2, 3000000),
	    DIAGNOSIS_BODY_TOO_LARGE);
}

/* Headers that are missing, empty, or come under other names. */
static void
test_missing_headers(void **state)
{
	static const struct {
		struct diagnosis_header headers[3];
		enum diagnosis_code code;
		const char *word;
	} cases[] = {
		{ { { "Host", "x" } }, DIAGNOSIS_HEADERS_MISSING,
		    "none of klikit's" },
		{ { { "X-Klikit-Signature", "CANARY" } },
		    DIAGNOSIS_HEADERS_MISSING,
		    "x-klikit-event-id, x-klikit-event-type;" },
		{ { { "x-klikit-signature", "CANARY" },
		      { "x-klikit-event-id", "" },
		      { "x-klikit-event-type", "t" } },
		    DIAGNOSIS_HEADERS_EMPTY, "x-klikit-event-id" },
		{ { { "X_Klikit_Signature", "CANARY" },
		      { "x-klikit-event-id", "e" },
		      { "x-klikit-event-type", "t" } },
		    DIAGNOSIS_HEADERS_RENAMED, "X_Klikit_Signature" },
		{ { { "x-klikit-signature", "CANARY" },
		      { "x-klikit-event-id", "e" }, { "X-Klikit-Event", "t" } },
		    DIAGNOSIS_HEADERS_RENAMED, "X-Klikit-Event" },
		{ { { "HTTP_XKLIKITSIGNATURE", "CANARY" } },
		    DIAGNOSIS_HEADERS_RENAMED, "HTTP_XKLIKITSIGNATURE" },
		{ { { "X-Klikit-Webhook-Id", "CANARY" } },
		    DIAGNOSIS_HEADERS_RENAMED, "X-Klikit-Webhook-Id" },
	};
	struct diagnosis_input in = { .cause = REJECT_HEADERS_MISSING };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in.headers = cases[i].headers;
		in.nheaders = 0;
		while (in.nheaders < 3 &&
		       cases[i].headers[in.nheaders].name != NULL)
			in.nheaders++;
		assert_int_equal(examine(&in, NULL, SIZE_MAX, &last),
		    cases[i].code);
		assert_non_null(strstr(last.text, cases[i].word));
	}
	in.cause = REJECT_HEADERS_INVALID;
	assert_int_equal(examine(&in, NULL, SIZE_MAX, &last),
	    DIAGNOSIS_HEADERS_INVALID);
}

/* Signed, and yet refused. */
static void
test_signed_bodies_that_are_refused(void **state)
{
	static const struct {
		const char *body;
		enum diagnosis_code code;
	} cases[] = {
		{ "", DIAGNOSIS_BODY_EMPTY },
		{ "\xef\xbb\xbf{}", DIAGNOSIS_BODY_BOM },
		{ "{\"a\":", DIAGNOSIS_BODY_TRUNCATED },
		{ "{\"a\":}", DIAGNOSIS_BODY_NOT_JSON },
		{ "\x1f\x8b\x08", DIAGNOSIS_BODY_COMPRESSED },
		{ "17", DIAGNOSIS_JSON_INVALID },
	};
	struct diagnosis_input in = { .cause = REJECT_INVALID_JSON };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in.body = cases[i].body;
		in.body_len = in.size = strlen(cases[i].body);
		assert_int_equal(examine(&in, NULL, SIZE_MAX, &last),
		    cases[i].code);
		assert_non_null(strstr(last.text, "signature is right"));
	}
	in.cause = REJECT_TOO_MANY_ORDERS;
	assert_int_equal(examine(&in, NULL, SIZE_MAX, &last),
	    DIAGNOSIS_ORDERS_TOO_MANY);
	in.cause = REJECT_ID_CONFLICT;
	assert_int_equal(examine(&in, NULL, SIZE_MAX, &last),
	    DIAGNOSIS_ID_CONFLICT);
	in.cause = REJECT_NOT_FOR_ENDPOINT;
	assert_int_equal(examine(&in, NULL, SIZE_MAX, &last),
	    DIAGNOSIS_NOT_FOR_ENDPOINT);
	assert_non_null(strstr(last.text, "signature is right"));
}

/* What a secret of another endpoint has signed is known as that. */
static void
test_a_secret_of_another_endpoint_is_named(void **state)
{
	static const struct {
		const char *opens, *message;
		enum diagnosis_code code;
		const char *text;
	} cases[] = {
		{ "pizza", BODY, DIAGNOSIS_SECRET_ELSEWHERE,
		    "its signature is right with secret p (/etc/p), but that "
		    "opens endpoint pizza, and it came to endpoint burger; "
		    "have "
		    "klikit send it to the other one's URL, or sign it with a "
		    "secret of this one" },
		{ NULL, BODY, DIAGNOSIS_SECRET_ELSEWHERE,
		    "its signature is right with secret p (/etc/p), but that "
		    "opens no endpoint, and it came to endpoint burger; name "
		    "the secret in the section of that one" },
		{ "burger", BODY, DIAGNOSIS_VERIFIES_NOW,
		    "its signature is right with secret p (/etc/p), which was "
		    "not in force yet when it came" },
		{ "pizza", BODY "\n", DIAGNOSIS_BODY_NEWLINE,
		    "; besides, that secret opens endpoint pizza, and it came "
		    "to endpoint burger" },
	};
	struct diagnosis_header h = { .name = "x-klikit-signature" };
	struct config_secret one = { .name = (char *)"p",
		.source = (char *)"/etc/p",
		.bytes = (char *)SECRET,
		.len = strlen(SECRET) };
	struct diagnosis_input in = { .cause = REJECT_SIGNATURE,
		.headers = &h,
		.nheaders = 1,
		.body = BODY,
		.body_len = strlen(BODY),
		.size = strlen(BODY),
		.endpoint = "burger",
		.at_ms = NOW };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct diagnosis_keys *keys;

		one.endpoint = cases[i].opens;
		keys = keys_of(&one, 1);
		h.value = sign(SECRET, cases[i].message);
		assert_int_equal(examine(&in, keys, SIZE_MAX, &last),
		    cases[i].code);
		assert_non_null(strstr(last.text, cases[i].text));
		assert_true(last.known);
		diagnosis_keys_free((struct diagnosis_keys *)keys);
	}
}

/* One step of the largest body does a bounded amount of work. */
static void
test_steps_are_many_for_a_large_body(void **state)
{
	size_t len = DIAGNOSIS_BODY_MAX;
	char *body = malloc(len), zeros[SIGNATURE_TEXT_LEN + 1] = "";
	const struct diagnosis_header h = { "x-klikit-signature",
		memset(zeros, '0', 64) };
	const struct diagnosis_input in = { .cause = REJECT_SIGNATURE,
		.headers = &h,
		.nheaders = 1,
		.body = body,
		.body_len = len,
		.size = len };
	const struct diagnosis_keys *keys = keys_for(SECRET);
	struct diagnosis *d = diagnosis_new(&in, keys);
	unsigned steps = 1;

	(void)state;
	assert_non_null(body);
	memset(body, ' ', len);
	memcpy(body, "[\"a\",\"b\"", 8);
	body[len - 1] = ']';
	while (!diagnosis_run(d, 1, &last))
		steps++;
	assert_int_equal(last.code, DIAGNOSIS_SECRET_WRONG);
	/* A key, or a form, at a time. */
	assert_in_range(steps, 20, 200);
	diagnosis_free(d);
	diagnosis_keys_free((struct diagnosis_keys *)keys);
	free(body);
}

/* Words are stable: programs compare them. */
static void
test_words_are_unique(void **state)
{
	(void)state;
	for (int a = 0; a < DIAGNOSIS_NCODES; a++) {
		assert_int_equal(strspn(diagnosis_code_name(a),
				     "abcdefghijklmnopqrstuvwxyz_0123456789"),
		    strlen(diagnosis_code_name(a)));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(diagnosis_code_name(a),
			    diagnosis_code_name(b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_happened_to_the_secret),
		cmocka_unit_test(test_an_empty_secret_at_the_sender),
		cmocka_unit_test(test_secrets_have_dates),
		cmocka_unit_test(test_what_happened_to_the_body),
		cmocka_unit_test(test_what_is_signed_and_how_it_is_written),
		cmocka_unit_test(test_what_the_body_looks_like),
		cmocka_unit_test(test_what_headers_tell_of_the_body),
		cmocka_unit_test(test_missing_headers),
		cmocka_unit_test(test_signed_bodies_that_are_refused),
		cmocka_unit_test(test_a_secret_of_another_endpoint_is_named),
		cmocka_unit_test(test_steps_are_many_for_a_large_body),
		cmocka_unit_test(test_words_are_unique),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
