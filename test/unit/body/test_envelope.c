#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "handlers/body/envelope.h"

#define BODY_MAX (1024 * 1024)

/* Scan a copy of exactly len bytes, so that reading past it is seen. */
static enum envelope_rc
scan_bytes(const void *bytes, size_t len, struct envelope *ret_env)
{
	void *copy = malloc(len);
	enum envelope_rc rc;

	if (len > 0)
		memcpy(copy, bytes, len);
	rc = envelope_scan(copy, len, ret_env);
	free(copy);
	return (rc);
}

/* Only the result of scanning text. */
static enum envelope_rc
scan_rc(const char *text)
{
	struct envelope env = { .norders = 0 };
	enum envelope_rc rc = scan_bytes(text, strlen(text), &env);

	if (rc == ENVELOPE_OK)
		envelope_fini(&env);
	else
		assert_null(env.memory);
	return (rc);
}

static void
scan(const char *text, struct envelope *ret_env)
{
	assert_int_equal(scan_bytes(text, strlen(text), ret_env), ENVELOPE_OK);
}

/* Text equal, where NULL equals only NULL. */
static void
assert_text(const char *text, const char *want)
{
	if (want == NULL)
		assert_null(text);
	else {
		assert_non_null(text);
		assert_string_equal(text, want);
	}
}

static void
assert_order(const struct store_order *o, const struct store_order *want)
{
	assert_int_equal(o->place, want->place);
	assert_text(o->order_id, want->order_id);
	assert_text(o->status, want->status);
	assert_text(o->updated_at, want->updated_at);
	assert_text(o->external_id, want->external_id);
}

/* Scan the order alone, in a small batch, and in one that is not small. */
static void
assert_value(const char *field, const char *json, const char *want)
{
	const char *got[5];
	struct envelope env;
	char body[4096];

	static const char *const others[] = { "", ",7", ",7,7,7,7,7,7,7,7" };

	for (size_t k = 0; k < 3; k++) {
		snprintf(body, sizeof(body),
		    "{\"orders\":[{\"x\":0,\"%s\":%s,\"id\":5}%s]}", field,
		    json, others[k]);
		scan(body, &env);
		assert_int_equal(env.norders, 1);
		got[0] = env.orders[0].status;
		got[1] = env.orders[0].updated_at;
		got[2] = env.orders[0].external_id;
		got[3] = env.orders[0].order_id;
		if (strcmp(field, "status") == 0)
			assert_text(got[0], want);
		else if (strcmp(field, "updated_at") == 0)
			assert_text(got[1], want);
		else if (strcmp(field, "external_id") == 0)
			assert_text(got[2], want);
		else
			assert_text(got[3], want);
		envelope_fini(&env);
	}
}

/* -- The payloads -- */

/* What the samples say, and their last order. */
static const struct {
	const char *file;
	size_t norders;
	const char *brand;
	const char *branch;
	struct store_order last;
} payloads[] = {
	{ "created-small.json", 1, "910", "2041",
	    { 0, "9100001", "1", "2026-06-25T09:14:11Z", "GF-1001" } },
	{ "created-typical.json", 1, "910", "2041",
	    { 0, "9100002", "1", "2026-06-25T09:14:12Z", "GF-20260625-K7X9" } },
	{ "status-updated-ready.json", 1, "910", "2041",
	    { 0, "9100002", "4", "2026-06-25T09:31:40Z", "GF-20260625-K7X9" } },
	{ "status-updated-cancelled.json", 1, "910", "2041",
	    { 0, "9100003", "3", "2026-06-25T10:04:27Z", "FP-883120" } },
	{ "cart-updated.json", 1, "910", "2041",
	    { 0, "9100004", "1", "2026-06-25T11:47:19Z", "QR-T12-0044" } },
	{ "created-batch-5.json", 5, "910", "2041",
	    { 4, "9100014", "1", "2026-06-25T12:00:14Z", "KL-77248" } },
	{ "created-unicode.json", 1, "910", "2041",
	    { 0, "9100020", "1", "2026-06-25T13:05:01Z", "UN-20260625-日本" } },
	{ "created-large.json", 1, "910", "2041",
	    { 0, "9100030", "1", "2026-06-25T14:00:03Z", "CT-20260625-BIG" } },
	{ "roundtrip-traps.json", 1, "910", "2041",
	    { 0, "9007199254740993", "2", "2026-06-25T15:00:00.000Z",
		"RT/0001" } },
};

/* Every sample gives its brand, its branch and its orders. */
static void
test_envelope_reads_the_payloads(void **state)
{
	static char body[BODY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		struct envelope env;
		char path[512];
		size_t len;
		FILE *fp;

		snprintf(path, sizeof(path), "%s/%s", PAYLOAD_DIR,
		    payloads[i].file);
		assert_non_null(fp = fopen(path, "rb"));
		len = fread(body, 1, BODY_MAX, fp);
		fclose(fp);
		assert_int_equal(scan_bytes(body, len, &env), ENVELOPE_OK);
		assert_int_equal(env.norders, payloads[i].norders);
		assert_int_equal(env.strays, 0);
		assert_text(env.brand, payloads[i].brand);
		assert_text(env.branch, payloads[i].branch);
		assert_order(&env.orders[env.norders - 1], &payloads[i].last);
		envelope_fini(&env);
	}
}

/* -- What is a body -- */

/* A body is one JSON object or array; whether it has orders or not. */
static void
test_envelope_takes_objects_and_arrays(void **state)
{
	static const char *const good[] = { "{}", "[]", " \t\r\n{} \r\n",
		"[{\"id\":1}]", "{\"orders\":null}", "{\"orders\":{\"id\":1}}",
		"{\"orders\":\"[1]\"}", "{\"orders\":[]}", "{\"Orders\":[1]}",
		"[[{\"orders\":[{\"id\":1}]}]]", "{\"orders\":7}" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct envelope env;

		scan(good[i], &env);
		assert_int_equal(env.norders, 0);
		assert_int_equal(env.strays, 0);
		assert_null(env.brand);
		assert_null(env.branch);
		envelope_fini(&env);
		assert_null(env.memory);
	}
}

/* Anything else is refused, and leaves the result alone. */
static void
test_envelope_refuses_what_is_no_body(void **state)
{
	static const char *const bad[] = { "", " ", "null", "true", "7",
		"\"{}\"", "{", "[", "{}}", "{} {}", "{\"a\"}", "{\"a\":}",
		"{a:1}", "{'a':1}", "{\"a\":1,}", "[1,]", "[01]", "[+1]",
		"[.5]", "[1.]", "[1e]", "[NaN]", "[Infinity]", "[0x1]", "[-]",
		"[nul]", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}", "{\"a\":\"", "[1] // no", "/**/{}",
		"\xef\xbb\xbf{}", "\xff\xfe{}", "\xa0{}", "orders=1" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(scan_rc(bad[i]), ENVELOPE_INVALID);
}

/* An object or array is no key; what only looks so, in a string, is let
   through. */
static void
test_envelope_refuses_keys_that_are_no_strings(void **state)
{
	static const char *const bad[] = {
		"{{\"a\":\"b\"}:1}", "{[\"a\"]:1}",
		"{\"a\":1,{\"b\":\"c\"} \t\r\n:2}",
		"{\"orders\":[{[\"a\",\"b\",\"c\",\"d\"]:1,\"id\":1}]}",
		"{\"orders\":[{{\"x\":1,\"y\":\"d\"}:1,\"id\":1},{\"id\":2}]}"
	};
	static const char *const good[] = { "{\"a\":\"}:\",\"b\":[\"]:\"]}",
		"{\"}\":1,\"]\" :2}", "{\"\\\"}:\":[]}" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(scan_rc(bad[i]), ENVELOPE_INVALID);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(scan_rc(good[i]), ENVELOPE_OK);
}

/* A NUL byte is never part of JSON, wherever it stands. */
static void
test_envelope_refuses_nul_bytes(void **state)
{
	static const char text[] = "{\"orders\":[{\"id\":\"a\"}]}\n";
	char body[sizeof(text)];
	struct envelope env = { .norders = 0 };

	(void)state;
	/* The last one stands after the whole of a valid body. */
	for (size_t i = 0; i < sizeof(text); i++) {
		memcpy(body, text, sizeof(text) - 1);
		body[sizeof(text) - 1] = ' ';
		body[i] = '\0';
		assert_int_equal(scan_bytes(body, sizeof(body), &env),
		    ENVELOPE_INVALID);
		assert_null(env.memory);
	}
}

/* Depth is counted over arrays and objects, but not in strings. */
static void
test_envelope_depth_is_limited(void **state)
{
	static char body[8 * ENVELOPE_DEPTH_MAX + 64];
	char *p = body;

	(void)state;
	memset(body, '[', ENVELOPE_DEPTH_MAX);
	memset(body + ENVELOPE_DEPTH_MAX, ']', ENVELOPE_DEPTH_MAX);
	assert_int_equal(scan_rc(body), ENVELOPE_OK);
	memset(body, '[', ENVELOPE_DEPTH_MAX + 1);
	memset(body + ENVELOPE_DEPTH_MAX + 1, ']', ENVELOPE_DEPTH_MAX + 1);
	assert_int_equal(scan_rc(body), ENVELOPE_INVALID);

	/* Objects, one too many. */
	memset(body, 0, sizeof(body));
	for (int i = 0; i < ENVELOPE_DEPTH_MAX; i++, p += 5)
		memcpy(p, "{\"a\":", 5);
	memcpy(p, "{}", 2);
	memset(p + 2, '}', ENVELOPE_DEPTH_MAX);
	assert_int_equal(scan_rc(body), ENVELOPE_INVALID);
	memcpy(p, "12", 2);
	assert_int_equal(scan_rc(body), ENVELOPE_OK);

	/* Brackets in a string, after quotes and backslashes. */
	memset(body, 0, sizeof(body));
	memset(body, '{', 3 * ENVELOPE_DEPTH_MAX);
	memcpy(body, "{\"a\\\\\\\"[\":\"", 11);
	memcpy(body + 3 * ENVELOPE_DEPTH_MAX, "\\\"\",\"b\":[[]]}", 14);
	assert_int_equal(scan_rc(body), ENVELOPE_OK);
	/* A string that never ends, nor its last escape. */
	memset(body, '[', 3 * ENVELOPE_DEPTH_MAX);
	memcpy(body, "[\"", 2);
	memcpy(body + 3 * ENVELOPE_DEPTH_MAX, "\\", 2);
	assert_int_equal(scan_rc(body), ENVELOPE_INVALID);
}

/* Siblings do not add up to depth. */
static void
test_envelope_depth_is_not_number(void **state)
{
	static char body[3 * ENVELOPE_DEPTH_MAX * 3 + 64];
	char *p = body;

	(void)state;
	*p++ = '[';
	for (int i = 0; i < 3 * ENVELOPE_DEPTH_MAX; i++, p += 3)
		memcpy(p, "[],", 3);
	memcpy(p - 1, "]", 2);
	assert_int_equal(scan_rc(body), ENVELOPE_OK);
}

/* -- Orders -- */

/* ENVELOPE_ORDERS_MAX orders are read, one more is refused. */
static void
test_envelope_number_of_orders_is_limited(void **state)
{
	static char body[64 + 24 * (ENVELOPE_ORDERS_MAX + 1)];
	char *p = body;
	struct envelope env;

	(void)state;
	p += sprintf(p, "{\"orders\":[{\"id\":0}");
	for (int i = 1; i < ENVELOPE_ORDERS_MAX; i++)
		p += sprintf(p, ",{\"id\":%d}", i);
	strcpy(p, "]}");
	scan(body, &env);
	assert_int_equal(env.norders, ENVELOPE_ORDERS_MAX);
	for (int i = 0; i < ENVELOPE_ORDERS_MAX; i++) {
		assert_int_equal(env.orders[i].place, i);
		assert_int_equal(atoi(env.orders[i].order_id), i);
	}
	envelope_fini(&env);
	strcpy(p, ",0]}"); /* strays count */
	assert_int_equal(scan_rc(body), ENVELOPE_TOO_MANY);
}

/* Batches of every small size are read whole, in their order. */
static void
test_envelope_batches_of_every_size(void **state)
{
	(void)state;
	for (int n = 1; n <= 12; n++) {
		struct envelope env;
		char body[1024], id[8], *p = body;

		p += sprintf(p, "{\"orders\":[");
		for (int i = 0; i < n; i++)
			p += sprintf(p,
			    "%s{\"status\":%d,\"id\":\"n%d\",\"external_id\":"
			    "\"x\"}",
			    i == 0 ? "" : ",", i, i);
		strcpy(p, "]}");
		scan(body, &env);
		assert_int_equal(env.norders, n);
		for (int i = 0; i < n; i++) {
			sprintf(id, "n%d", i);
			assert_order(&env.orders[i],
			    &(struct store_order){ i, id, id + 1, NULL, "x" });
		}
		envelope_fini(&env);
	}
}

/* What has no usable id is a stray, and the others keep their places. */
static void
test_envelope_counts_strays(void **state)
{
	static const char *const strays[] = { "7", "null", "\"{}\"", "[]",
		"[{\"id\":1}]", "{}", "{\"ID\":1}", "{\"id\":null}",
		"{\"id\":\"\"}", "{\"id\":true}", "{\"id\":{}}", "{\"id\":[1]}",
		"{\"a\":{\"id\":1}}" };
	struct envelope env;
	char body[256];

	(void)state;
	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		snprintf(body, sizeof(body), "{\"orders\":[%s]}", strays[i]);
		scan(body, &env);
		assert_int_equal(env.norders, 0);
		assert_int_equal(env.strays, 1);
		envelope_fini(&env);
		snprintf(body, sizeof(body),
		    "{\"orders\":[%s,{\"id\":1},%s,{\"id\":\"b\"}]}", strays[i],
		    strays[i]);
		scan(body, &env);
		assert_int_equal(env.strays, 2);
		assert_int_equal(env.norders, 2);
		assert_order(&env.orders[0],
		    &(struct store_order){ .place = 1, .order_id = "1" });
		assert_order(&env.orders[1],
		    &(struct store_order){ .place = 3, .order_id = "b" });
		envelope_fini(&env);
		snprintf(body, sizeof(body),
		    "{\"orders\":[%s,{\"id\":1},0,0,0,0,0,0,%s,{\"id\":2}]}",
		    strays[i], strays[i]);
		scan(body, &env);
		assert_int_equal(env.strays, 8);
		assert_int_equal(env.norders, 2);
		assert_order(&env.orders[1],
		    &(struct store_order){ .place = 9, .order_id = "2" });
		envelope_fini(&env);
	}
}

/* Of keys that stand twice the first counts, at each level. */
static void
test_envelope_first_of_equal_keys_counts(void **state)
{
	struct envelope env;

	(void)state;
	scan("{\"brand_id\":1,\"orders\":[{\"id\":2,\"status\":null,"
	     "\"id\":3,\"status\":4}],\"brand_id\":5,\"orders\":[]}",
	    &env);
	assert_text(env.brand, "1");
	assert_int_equal(env.norders, 1);
	assert_text(env.orders[0].order_id, "2");
	assert_text(env.orders[0].status, NULL);
	envelope_fini(&env);
}

/* -- Values -- */

/* Numbers are given digit for digit. */
static void
test_envelope_numbers_keep_their_digits(void **state)
{
	static const char *const numbers[] = { "7585307", "9007199254740993",
		"9223372036854775808", "123456789012345678901234567890", "1e3",
		"1E+03", "-0", "0", "84.50", "-1.20e-1", "0.000",
		"1e999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char body[256];
		struct envelope env;

		snprintf(body, sizeof(body),
		    "{\"brand_id\":%s,\"branch_id\" : %s ,\"orders\":[{\"id\""
		    ":%s}]}",
		    numbers[i], numbers[i], numbers[i]);
		scan(body, &env);
		assert_text(env.brand, numbers[i]);
		assert_text(env.branch, numbers[i]);
		assert_text(env.orders[0].order_id, numbers[i]);
		envelope_fini(&env);
		assert_value("status", numbers[i], numbers[i]);
	}
}

/* Strings are decoded; those without clean text are given as they stand. */
static void
test_envelope_strings_are_decoded_or_raw(void **state)
{
	static const struct {
		const char *json;
		const char *want;
	} cases[] = {
		{ "\"\"", "" },
		{ "\"ABC-123\"", "ABC-123" },
		{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t" },
		{ "\"caf\\u00e9 \\uD83C\\udf5c\"",
		    "caf\xc3\xa9 \xf0\x9f\x8d\x9c" },
		{ "\"\xf0\x9f\x8d\x9c \xe2\x82\xac\"",
		    "\xf0\x9f\x8d\x9c \xe2\x82\xac" },
		{ "\"\\uffff\\u0001\"", "\xef\xbf\xbf\x01" },
		{ "\"],}{[\"", "],}{[" },
		{ "\"a\\u0000b\"", "\"a\\u0000b\"" },
		{ "\"\\ud800\"", "\"\\ud800\"" },
		{ "\"\\udc00\\ud800\"", "\"\\udc00\\ud800\"" },
		{ "\"\\ud83c\\u0041\"", "\"\\ud83c\\u0041\"" },
		{ "\"\\ud83c\\\\\"", "\"\\ud83c\\\\\"" },
		{ "\"\\ud83c\\ud83c\"", "\"\\ud83c\\ud83c\"" },
		{ "\"\xff\"", "\"?\"" },
		{ "\"a\xc3\"", "\"a?\"" },
		{ "\"\xe2\x82\"", "\"??\"" },
		{ "\"\xed\xa0\x80\"", "\"???\"" },
		{ "\"\xc0\x80\\n\"", "\"??\\n\"" },
		{ "\"\xf4\x90\x80\x80 \xc3\xa9\"", "\"???? \xc3\xa9\"" },
		{ "null", NULL },
		{ "true", NULL },
		{ "false", NULL },
		{ "[]", NULL },
		{ "{\"id\":1}", NULL },
		{ "[\"],\",[{}],-1]", NULL },
	};
	static const char *const fields[] = { "status", "updated_at",
		"external_id" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t k = 0; k < 3; k++)
			assert_value(fields[k], cases[i].json, cases[i].want);
	}
}

/* ENVELOPE_TEXT_MAX bytes are a value, one more counts as absent. */
static void
test_envelope_length_of_values_is_limited(void **state)
{
	char json[6 * ENVELOPE_TEXT_MAX + 16], want[ENVELOPE_TEXT_MAX + 1];
	char digits[ENVELOPE_TEXT_MAX + 2];

	(void)state;
	memset(digits, '9', sizeof(digits) - 1);
	digits[ENVELOPE_TEXT_MAX] = '\0';
	assert_value("status", digits, digits);
	assert_value("id", digits, digits);
	digits[ENVELOPE_TEXT_MAX] = '9';
	digits[ENVELOPE_TEXT_MAX + 1] = '\0';
	assert_value("status", digits, NULL);

	/* It is the decoded text that counts. */
	json[0] = '"';
	for (int i = 0; i < ENVELOPE_TEXT_MAX; i++)
		memcpy(json + 1 + 6 * i, "\\u0041", 6);
	strcpy(json + 1 + 6 * ENVELOPE_TEXT_MAX, "\"");
	memset(want, 'A', ENVELOPE_TEXT_MAX);
	want[ENVELOPE_TEXT_MAX] = '\0';
	assert_value("external_id", json, want);
	strcpy(json + 1 + 6 * ENVELOPE_TEXT_MAX, "B\"");
	assert_value("external_id", json, NULL);
	/* As it stands it is too long, and so it is absent. */
	memcpy(json + 1, "\\ud800", 6);
	assert_value("external_id", json, NULL);
}

/* What was made of one body is its own, whatever is scanned after it. */
static void
test_envelope_records_are_their_own(void **state)
{
	struct envelope a, b;

	(void)state;
	scan("{\"brand_id\":1,\"orders\":[{\"id\":\"a\"}]}", &a);
	assert_int_equal(scan_rc("{"), ENVELOPE_INVALID);
	scan("{\"brand_id\":2,\"orders\":[{\"id\":\"b\"},{\"id\":\"c\"}]}", &b);
	assert_text(a.brand, "1");
	assert_text(a.orders[0].order_id, "a");
	assert_text(b.orders[1].order_id, "c");
	envelope_fini(&a);
	envelope_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope_reads_the_payloads),
		cmocka_unit_test(test_envelope_takes_objects_and_arrays),
		cmocka_unit_test(test_envelope_refuses_what_is_no_body),
		cmocka_unit_test(
		    test_envelope_refuses_keys_that_are_no_strings),
		cmocka_unit_test(test_envelope_refuses_nul_bytes),
		cmocka_unit_test(test_envelope_depth_is_limited),
		cmocka_unit_test(test_envelope_depth_is_not_number),
		cmocka_unit_test(test_envelope_number_of_orders_is_limited),
		cmocka_unit_test(test_envelope_batches_of_every_size),
		cmocka_unit_test(test_envelope_counts_strays),
		cmocka_unit_test(test_envelope_first_of_equal_keys_counts),
		cmocka_unit_test(test_envelope_numbers_keep_their_digits),
		cmocka_unit_test(test_envelope_strings_are_decoded_or_raw),
		cmocka_unit_test(test_envelope_length_of_values_is_limited),
		cmocka_unit_test(test_envelope_records_are_their_own),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
