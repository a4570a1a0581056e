/* What a puller is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include <jansson.h>

#include "handlers/hub/hub_text.h"
#include "store/base/base64.h"

#define BODY "{ \"orders\": [\xc3\xa4, 84.50] }\n\x01"

static const struct store_event event = {
	.id = 9,
	.event_id = "evt-\"1\"",
	.scope = "",
	.type = "klikit.order.created.v2",
	.brand = "7",
	.branch = "12",
	.digest = { 0xab, 0xcd },
	.secret = "default",
	.received_at_ms = 1782378851007,
	.body = (void *)(uintptr_t)BODY,
	.body_len = sizeof(BODY) - 1,
};

static char *
text_of(const char *headers, unsigned attempt, size_t *ret_len)
{
	static const struct message_signer nobody;
	static const struct handler_env env;
	struct store_event ev = event;
	const struct handler_job job = { .ev = &ev,
		.place = STORE_WHOLE_EVENT,
		.attempt = attempt };
	struct handler_result result = { .code = 0 };
	struct message m;
	char *text;

	ev.headers = (char *)(uintptr_t)headers;
	assert_int_equal(message_make(&m, &env, &nobody, &job, &result),
	    HANDLER_DONE);
	text = hub_text_new(&job, &m, ret_len);
	message_fini(&m);
	assert_non_null(text);
	assert_int_equal(strlen(text), *ret_len);
	return (text);
}

/* A batch of n jobs like each other, read back. */
static json_t *
batch_of(size_t n, const char *text, size_t len)
{
	struct hub_text_job jobs[100];
	json_t *root;
	size_t size;
	char *json;

	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct hub_text_job){ INT64_MAX - (int64_t)i,
			"0123456789abcdef0123456789abcdef", 86400000, text,
			len };
	assert_non_null(json = hub_text_batch(jobs, n, &size));
	assert_int_equal(strlen(json), size);
	assert_non_null(root = json_loads(json, 0, NULL));
	free(json);
	return (root);
}

static const char *
header(const json_t *job, const char *name)
{
	const json_t *all = json_object_get(job, "headers");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *pair = json_array_get(all, i);

		if (strcmp(json_string_value(json_array_get(pair, 0)), name) ==
		    0)
			return (json_string_value(json_array_get(pair, 1)));
	}
	return (NULL);
}

static void
test_a_job_comes_whole(void **state)
{
	size_t len, got;
	char *text = text_of(NULL, 3, &len), body[256];
	json_t *root = batch_of(1, text, len);
	const json_t *job = json_array_get(json_object_get(root, "jobs"), 0);
	const char *coded = json_string_value(json_object_get(job, "body"));

	(void)state;
	assert_string_equal(json_string_value(json_object_get(job, "id")),
	    "9223372036854775807");
	assert_string_equal(json_string_value(json_object_get(job, "lease")),
	    "0123456789abcdef0123456789abcdef");
	assert_int_equal(json_integer_value(json_object_get(job, "lease_ms")),
	    86400000);
	assert_int_equal(json_integer_value(json_object_get(job, "attempt")),
	    3);
	assert_string_equal(json_string_value(json_object_get(job, "event_id")),
	    "evt-\"1\"");
	assert_true(json_integer_value(json_object_get(job, "received_at")) ==
		    1782378851007);
	assert_string_equal(header(job, "x-klikit-event-id"), "evt-\"1\"");
	assert_string_equal(header(job, "x-klikitd-attempt"), "3");
	assert_non_null(header(job, "x-klikit-signature"));
	assert_null(header(job, "x-klikitd-scope"));
	assert_int_equal(base64_decode(coded, strlen(coded), body, &got), 0);
	assert_int_equal(got, sizeof(BODY) - 1);
	assert_memory_equal(body, BODY, got);
	json_decref(root);
	free(text);
}

/* What came with the event goes on, but for what was the hub's alone. */
static void
test_headers_go_on(void **state)
{
	static const char came[] =
	    "Host: hub\nUser-Agent: klikit/1\nAuthorization: (12 bytes)\n"
	    "x-own-token: (9 bytes)\nContent-Type: application/json; v=2\n"
	    "X-Forwarded-For: 10.0.0.1\nX-Real-IP: 10.0.0.1\nVia: 1.1 a\n"
	    "Proxy-Connection: close\nX-KLIKITD-Attempt: 7\n"
	    "idempotency-key: theirs\nX-Note: (12 bytes\nno field\n"
	    "X-Request-Id: a: b\nX-Empty: \n";
	static const char *const gone[] = { "Host", "Authorization",
		"x-own-token", "X-Forwarded-For", "X-Real-IP", "Via",
		"Proxy-Connection", "X-KLIKITD-Attempt", "idempotency-key" };
	size_t len;
	char *text = text_of(came, 1, &len);
	json_t *root = batch_of(1, text, len);
	const json_t *job = json_array_get(json_object_get(root, "jobs"), 0);

	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		assert_null(header(job, gone[i]));
	assert_string_equal(header(job, "User-Agent"), "klikit/1");
	assert_string_equal(header(job, "X-Request-Id"), "a: b");
	assert_string_equal(header(job, "X-Note"), "(12 bytes");
	assert_string_equal(header(job, "X-Empty"), "");
	assert_string_equal(header(job, "Content-Type"),
	    "application/json; v=2");
	assert_string_equal(header(job, "x-klikitd-attempt"), "1");
	assert_string_equal(header(job, "x-klikit-event-id"), "evt-\"1\"");
	json_decref(root);
	free(text);
}

/* A box takes so many of a job, and refuses all of a batch for one more. */
static void
test_headers_are_bounded(void **state)
{
	char came[4096], *at = came, *text;
	const json_t *job;
	json_t *root;
	size_t len;

	(void)state;
	for (int i = 0; i < HUB_HEADER_NAME_MAX + 1; i++)
		*at++ = 'x';
	at += sprintf(at, ": long\n");
	for (int i = 0; i < 100; i++)
		at += sprintf(at, "x-%d: v\n", i);
	text = text_of(came, 1, &len);
	root = batch_of(1, text, len);
	job = json_array_get(json_object_get(root, "jobs"), 0);
	assert_int_equal(json_array_size(json_object_get(job, "headers")),
	    HUB_HEADERS_MAX);
	assert_string_equal(header(job, "x-0"), "v");
	json_decref(root);
	free(text);
}

static void
test_a_batch_has_all_of_them(void **state)
{
	size_t len;
	char *text = text_of(NULL, 1, &len);
	json_t *root = batch_of(100, text, len);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(root, "jobs")), 100);
	json_decref(root);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_job_comes_whole),
		cmocka_unit_test(test_headers_go_on),
		cmocka_unit_test(test_headers_are_bounded),
		cmocka_unit_test(test_a_batch_has_all_of_them),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
