/* What is sent to klikit, and what its answers mean. */
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/klikit/klikit_request.h"

static struct key_list
list_of(char **items, size_t n)
{
	return ((struct key_list){ .items = items, .n = n });
}

/* -- The request -- */

/* The id stands in the path wherever it is asked for, and adds no part. */
static void
test_klikit_path(void **state)
{
	char *path;

	(void)state;
	path = klikit_path("/v1/partner/", "/orders/{order}/status", "7585307");
	assert_string_equal(path, "/v1/partner/orders/7585307/status");
	free(path);
	path = klikit_path("/", "/{order}?id={order}", "a/b %\xc3\xa9");
	assert_string_equal(path, "/a%2Fb%20%25%C3%A9?id=a%2Fb%20%25%C3%A9");
	free(path);
}

/* A short key stays as it is; a long one is always the same, and short. */
static void
test_klikit_key(void **state)
{
	char job[200], key[KLIKIT_KEY_MAX + 1], other[KLIKIT_KEY_MAX + 1];

	(void)state;
	memset(job, 'k', sizeof(job));
	job[KLIKIT_KEY_MAX] = '\0';
	assert_int_equal(klikit_key(job, key), 0);
	assert_string_equal(key, job);
	job[KLIKIT_KEY_MAX] = 'k';
	job[sizeof(job) - 1] = '\0';
	assert_int_equal(klikit_key(job, key), 0);
	assert_int_equal(strlen(key), KLIKIT_KEY_MAX);
	assert_int_equal(klikit_key(job, other), 0);
	assert_string_equal(key, other);
	job[0] = 'j';
	assert_int_equal(klikit_key(job, other), 0);
	assert_string_not_equal(key, other);
}

/* The verdict for that body; what is sent is compared. */
static enum handler_verdict
request(const char *asked, int64_t at_ms, const char *want)
{
	static char *items[] = { (char *)"accept: accepted" };
	const struct key_list statuses = list_of(items, 1);
	const struct store_event ev = { .body = (void *)(uintptr_t)asked,
		.body_len = asked == NULL ? 0 : strlen(asked) };
	struct handler_result result = { .code = 0 };
	struct klikit_change change = { NULL, NULL };
	enum handler_verdict verdict;

	verdict = klikit_request(&ev, &statuses, at_ms, &change, &result);
	if (verdict != HANDLER_DONE) {
		assert_null(want);
		assert_string_not_equal(result.reason, "");
		return (verdict);
	}
	assert_string_equal(change.order, "5");
	assert_string_equal(change.body, want);
	free(change.order);
	free(change.body);
	return (verdict);
}

static void
test_klikit_request_body(void **state)
{
	(void)state;
	(void)request("{\"order\":\"5\",\"status\":\"accept\",\"by\":\"me\"}",
	    0, "{\"status\":\"accepted\"}");
	(void)request("{\"order\":\"5\",\"status\":\"accepted\"}",
	    1750000000000,
	    "{\"status\":\"accepted\","
	    "\"occurred_at\":\"2025-06-15T15:06:40.000Z\"}");
	(void)request("{\"order\":\"5\",\"status\":\"accept\",\"note\":\"n\","
		      "\"occurred_at\":\"then\"}",
	    1750000000000,
	    "{\"status\":\"accepted\",\"note\":\"n\",\"occurred_at\":"
	    "\"then\"}");
}

/* What can never be sent is dead. */
static void
test_klikit_request_dead(void **state)
{
	(void)state;
	assert_int_equal(request(NULL, 0, NULL), HANDLER_DEAD);
	assert_int_equal(request("{}", 0, NULL), HANDLER_DEAD);
	assert_int_equal(request("no json", 0, NULL), HANDLER_DEAD);
	assert_int_equal(request("{\"order\":\"5\",\"status\":\"fry\"}", 0,
			     NULL),
	    HANDLER_DEAD);
}

/* -- Its answer -- */

static struct handler_result
judge(int status, const char *body, bool again)
{
	const struct http_client_answer answer = { .end = HTTP_CLIENT_ANSWERED,
		.status = status,
		.retry_after_ms = 7000,
		.body = body,
		.body_len = strlen(body) };
	struct handler_result result = { .code = 0 };

	klikit_verdict(&answer, "api", again, &result);
	assert_int_equal(result.code, status);
	return (result);
}

#define ENVELOPE                                                               \
	"{\"request_id\":\"r1\",\"error\":{\"code\":\"state_x\","              \
	"\"message\":\"not\\nso\"}}"

/* The number to ask klikit by is kept of every answer. */
static void
test_klikit_verdict_done(void **state)
{
	struct handler_result result;

	(void)state;
	result = judge(200, " {\"request_id\":\"r1\",\"data\":{}}", false);
	assert_int_equal(result.verdict, HANDLER_DONE);
	assert_string_equal(result.detail, "request_id r1");
	assert_int_equal(judge(204, "", false).verdict, HANDLER_DONE);
}

/* A page of somebody else is not klikit's word. */
static void
test_klikit_verdict_of_a_portal(void **state)
{
	(void)state;
	assert_int_equal(judge(200, "<html>", false).verdict, HANDLER_RETRY);
	assert_int_equal(judge(200, "", false).verdict, HANDLER_RETRY);
	assert_int_equal(judge(302, "", false).verdict, HANDLER_RETRY);
}

static void
test_klikit_verdict_retry(void **state)
{
	static const int some[] = { 408, 425, 429, 500, 502, 503 };
	struct handler_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		result = judge(some[i], ENVELOPE, false);
		assert_int_equal(result.verdict, HANDLER_RETRY);
		assert_int_equal(result.retry_after_ms, 7000);
		assert_false(result.pause);
		assert_string_equal(result.detail,
		    "state_x: not so; request_id r1");
	}
}

/* A person has to mend the credentials; meanwhile nothing is lost. */
static void
test_klikit_verdict_pause(void **state)
{
	static const int some[] = { 401, 403 };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		assert_int_equal(judge(some[i], ENVELOPE, false).verdict,
		    HANDLER_RETRY);
		assert_true(judge(some[i], ENVELOPE, false).pause);
	}
}

/* Refused is refused; a repeat may have been too late. */
static void
test_klikit_verdict_dead(void **state)
{
	static const int some[] = { 400, 404, 409, 410, 422 };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		assert_int_equal(judge(some[i], ENVELOPE, false).verdict,
		    HANDLER_DEAD);
	assert_null(strstr(judge(409, ENVELOPE, false).reason, "earlier try"));
	assert_non_null(
	    strstr(judge(409, ENVELOPE, true).reason, "earlier try"));
}

static void
test_klikit_verdict_without_an_answer(void **state)
{
	const struct http_client_answer answer = { .end = HTTP_CLIENT_UNKNOWN,
		.reason = "no answer" };
	struct handler_result result = { .code = 0 };

	(void)state;
	klikit_verdict(&answer, "api", false, &result);
	assert_int_equal(result.verdict, HANDLER_RETRY);
	assert_true(result.unknown);
	assert_string_equal(result.reason, "no answer");
}

/* -- Doctor -- */

static enum handler_level
look(int status, const char *body)
{
	const struct http_client_answer answer = { .end = HTTP_CLIENT_ANSWERED,
		.status = status,
		.body = body,
		.body_len = strlen(body) };
	char text[HANDLER_REASON_MAX];
	const char *advice;
	enum handler_level level = klikit_found(&answer, text, &advice);

	assert_int_equal(level == HANDLER_FINE, advice == NULL);
	return (level);
}

static void
test_klikit_found(void **state)
{
	(void)state;
	assert_int_equal(look(200, "{}"), HANDLER_FINE);
	assert_int_equal(look(200, "<html>"), HANDLER_WRONG);
	assert_int_equal(look(302, ""), HANDLER_WRONG);
	assert_int_equal(look(401, "{}"), HANDLER_WRONG);
	assert_int_equal(look(403, "{}"), HANDLER_WRONG);
	assert_int_equal(look(404, "{}"), HANDLER_WRONG);
	assert_int_equal(look(429, "{}"), HANDLER_DOUBTFUL);
	assert_int_equal(look(503, "{}"), HANDLER_DOUBTFUL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_klikit_path),
		cmocka_unit_test(test_klikit_key),
		cmocka_unit_test(test_klikit_request_body),
		cmocka_unit_test(test_klikit_request_dead),
		cmocka_unit_test(test_klikit_verdict_done),
		cmocka_unit_test(test_klikit_verdict_of_a_portal),
		cmocka_unit_test(test_klikit_verdict_retry),
		cmocka_unit_test(test_klikit_verdict_pause),
		cmocka_unit_test(test_klikit_verdict_dead),
		cmocka_unit_test(test_klikit_verdict_without_an_answer),
		cmocka_unit_test(test_klikit_found),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
