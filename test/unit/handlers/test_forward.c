/* What a job sends, and how its attempt ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/registry.h"
#include "test/lib/client_case.h"
#include "test/lib/heap.h"
#include "test/lib/settings.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BODY                                                                   \
	"{\"orders\":[{\"id\":1, \"total\":84.50},{\"id\":2},{\"x\":3}],"      \
	"\"brand_id\":7}"

/* What finish() was told last. */
static struct {
	unsigned n;
	struct handler_call *call;
	struct handler_result result;
	char answer[8];
} finished;

/* What sign() was told last. */
static struct {
	char secret[16];
	char body[256];
} signed_;

static int dummies[2];
static struct handler_call *const call_a = (struct handler_call *)&dummies[0];
static struct handler_call *const call_b = (struct handler_call *)&dummies[1];

static void
finish_cb(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	(void)arg;
	finished.n++;
	finished.call = call;
	finished.result = *result;
	assert_in_range(result->answer_len, 0, sizeof(finished.answer) - 1);
	if (result->answer_len > 0)
		memcpy(finished.answer, result->answer, result->answer_len);
	finished.answer[result->answer_len] = '\0';
}

static int
sign_cb(void *arg, const void *secret, size_t secret_len, const void *body,
    size_t body_len, char ret_hex[65])
{
	(void)arg;
	snprintf(signed_.secret, sizeof(signed_.secret), "%.*s",
	    (int)secret_len, (const char *)secret);
	snprintf(signed_.body, sizeof(signed_.body), "%.*s", (int)body_len,
	    (const char *)body);
	memset(ret_hex, 'c', 64);
	ret_hex[64] = '\0';
	return (0);
}

/* What the handlers of a test are opened with, beside their url. */
static _Alignas(max_align_t) char settings[512];

#define SETTING(type, key)                                                     \
	(*(type *)settings_field(&handler_forward, settings, key))

static int
forward_setup(void **state)
{
	struct client_case *c;

	client_setup(state);
	c = *state;
	c->env.finish = finish_cb;
	c->env.sign = sign_cb;
	memset(&finished, 0, sizeof(finished));
	memset(&signed_, 0, sizeof(signed_));
	memset(settings, 0, sizeof(settings));
	assert_true(handler_forward.settings_size <= sizeof(settings));
	far_play(&c->far, FAR_ANSWER, OK);
	return (0);
}

static struct handler_instance *
try_open(struct client_case *c, char reason[HANDLER_REASON_MAX])
{
	const struct handler_options opt = { .name = "pos",
		.settings = settings,
		.timeout_ms = 600000 };

	return (handler_forward.open(&c->env, &opt, reason));
}

/* Open a handler that posts to the far side. */
static struct handler_instance *
forward_to(struct client_case *c)
{
	char url[64], reason[HANDLER_REASON_MAX] = "";
	struct handler_instance *h;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/in", c->far.port);
	SETTING(char *, "url") = url;
	h = try_open(c, reason);
	if (h == NULL)
		fail_msg("%s", reason);
	memset(url, '?', sizeof(url)); /* nothing of it is kept */
	return (h);
}

static const struct store_order orders[] = {
	{ .place = 0, .order_id = "1" },
	{ .place = 1, .order_id = "2\n%\xc3\xa9" },
};

static struct store_event event = {
	.id = 9,
	.event_id = "evt-1",
	.scope = "",
	.type = "klikit.order.created.v2",
	.digest = { 0xab, 0xcd },
	.secret = "default",
	.orders = orders,
	.norders = 2,
	.body = (void *)(uintptr_t)BODY,
	.body_len = sizeof(BODY) - 1,
};

static enum handler_verdict
run(struct handler_instance *h, int32_t place, struct handler_call *call,
    struct handler_result *ret_result)
{
	const struct handler_job job = { .call = call,
		.id = 5,
		.ev = &event,
		.place = place,
		.attempt = 3 };

	memset(ret_result, 0, sizeof(*ret_result));
	return (h->type->run(h, &job, ret_result));
}

/* Run a job and let its attempt end. */
static void
attempt(struct client_case *c, struct handler_instance *h, int32_t place)
{
	struct handler_result result;
	unsigned n = finished.n;

	assert_int_equal(run(h, place, call_a, &result), HANDLER_PENDING);
	assert_int_equal(finished.n, n);
	while (finished.n == n)
		event_base_loop(c->env.base, EVLOOP_ONCE);
	assert_int_equal(finished.n, n + 1);
	assert_ptr_equal(finished.call, call_a);
}

static void
assert_request(struct client_case *c, const char *head, const char *body)
{
	char expected[2048];

	snprintf(expected, sizeof(expected),
	    "POST /in HTTP/1.1\r\n%sHost: 127.0.0.1:%u\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    head, c->far.port, strlen(body), body);
	assert_string_equal(c->far.request, expected);
}

#define SIGNED(hex) "x-klikit-signature: " hex "\r\n"
#define ZEROS60 "000000000000000000000000000000000000000000000000000000000000"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define COMMON                                                                 \
	"Content-Type: application/json\r\nx-klikit-event-id: evt-1\r\n"       \
	"x-klikit-event-type: klikit.order.created.v2\r\n"                     \
	"x-klikitd-attempt: 3\r\n"
#define ORDER_0 "{\"brand_id\":7,\"orders\":[{\"id\":1, \"total\":84.50}]}"
#define ORDER_1 "{\"brand_id\":7,\"orders\":[{\"id\":2}]}"

/* A whole event goes out as it came, with klikit's own signature. */
static void
test_forward_sends_the_event(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);

	attempt(c, h, STORE_WHOLE_EVENT);
	assert_request(c,
	    COMMON "Idempotency-Key: evt-1\r\n" SIGNED("abcd" ZEROS60), BODY);
	assert_int_equal(finished.result.verdict, HANDLER_DONE);
	assert_int_equal(finished.result.code, 200);
	assert_string_equal(finished.answer, "ok");
	h->type->close(h);
}

/* An order goes out alone, under a key of its own, without a signature. */
static void
test_forward_sends_an_order(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);

	attempt(c, h, 0);
	assert_request(c, COMMON "Idempotency-Key: evt-1:1\r\n", ORDER_0);
	attempt(c, h, 1);
	assert_request(c, COMMON "Idempotency-Key: evt-1:2%0A%25%C3%A9\r\n",
	    ORDER_1);
	h->type->close(h);
}

/* Within another scope the same ids are others, and their keys say so. */
static void
test_forward_names_the_scope(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);

	event.scope = "sandbox";
	attempt(c, h, STORE_WHOLE_EVENT);
	assert_request(c,
	    COMMON "x-klikitd-scope: sandbox\r\n"
		   "Idempotency-Key: sandbox:evt-1\r\n" SIGNED("abcd" ZEROS60),
	    BODY);
	attempt(c, h, 0);
	assert_request(c,
	    COMMON "x-klikitd-scope: sandbox\r\n"
		   "Idempotency-Key: sandbox:evt-1:1\r\n",
	    ORDER_0);
	event.scope = "";
	h->type->close(h);
}

/* What klikit did not sign is sent without a signature. */
static void
test_forward_of_an_unsigned_event(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);

	event.secret = NULL;
	attempt(c, h, STORE_WHOLE_EVENT);
	assert_request(c, COMMON "Idempotency-Key: evt-1\r\n", BODY);
	event.secret = "default";
	h->type->close(h);
}

/* What has no order id is sent, if asked for, under a key that no order has. */
static void
test_forward_names_a_place_without_id(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);

	attempt(c, h, 2);
	assert_request(c, COMMON "Idempotency-Key: evt-1::place-2\r\n",
	    "{\"brand_id\":7,\"orders\":[{\"x\":3}]}");
	h->type->close(h);
}

/* With a secret of its own, what is sent is signed, whatever it is. */
static void
test_forward_signs_anew(void **state)
{
	struct client_case *c = *state;
	char secret[] = "mine, not yours";
	struct handler_instance *h;

	SETTING(struct key_secret, "sign_secret_file") =
	    (struct key_secret){ .bytes = secret, .len = 4 };
	h = forward_to(c);
	memset(secret, '?', sizeof(secret) - 1);
	attempt(c, h, STORE_WHOLE_EVENT);
	assert_request(c, COMMON "Idempotency-Key: evt-1\r\n" SIGNED(C64),
	    BODY);
	assert_string_equal(signed_.secret, "mine");
	assert_string_equal(signed_.body, BODY);
	attempt(c, h, 1);
	assert_request(c,
	    COMMON "Idempotency-Key: evt-1:2%0A%25%C3%A9\r\n" SIGNED(C64),
	    ORDER_1);
	assert_string_equal(signed_.body, ORDER_1);
	h->type->close(h);
}

/* Own headers are sent, and win over ours of the same name. */
static void
test_forward_sends_own_headers(void **state)
{
	static const char *const headers[] = { "Authorization: Bearer x",
		"content-type: text/json", "X-Klikit-Signature: none" };
	struct client_case *c = *state;
	struct handler_instance *h;

	SETTING(struct key_list, "header") =
	    (struct key_list){ (char **)headers, 3 };
	h = forward_to(c);
	attempt(c, h, STORE_WHOLE_EVENT);
	assert_request(c,
	    "Authorization: Bearer x\r\ncontent-type: text/json\r\n"
	    "X-Klikit-Signature: none\r\nx-klikit-event-id: evt-1\r\n"
	    "x-klikit-event-type: klikit.order.created.v2\r\n"
	    "x-klikitd-attempt: 3\r\nIdempotency-Key: evt-1\r\n",
	    BODY);
	h->type->close(h);
}

/* TLS that cannot be had is reported, in words. */
static void
test_forward_says_why_tls_cannot_be_had(void **state)
{
	char url[] = "https://pos.example/", ca_file[] = "/ca.pem";
	char reason[HANDLER_REASON_MAX] = "";
	struct client_case *c = *state;

	SETTING(char *, "url") = url;
	SETTING(char *, "ca_file") = ca_file;
	assert_null(try_open(c, reason));
	assert_string_equal(reason, "/ca.pem: no such file");
}

/* Without what it is to send, a job is dead at once. */
static void
test_forward_needs_a_body(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);
	struct store_event purged = event;
	const struct handler_job job = { .call = call_a,
		.ev = &purged,
		.place = STORE_WHOLE_EVENT,
		.attempt = 1 };
	struct handler_result result = { .code = 0 };

	purged.body = NULL;
	assert_int_equal(h->type->run(h, &job, &result), HANDLER_DEAD);
	assert_string_equal(result.reason, "the body was purged");
	assert_int_equal(run(h, 3, call_a, &result), HANDLER_DEAD);
	assert_string_equal(result.reason,
	    "the body has no order at that place");
	assert_int_equal(c->far.naccepted, 0);
	h->type->close(h);
}

/* A far side that drops the connection leaves the outcome unknown. */
static void
test_forward_knows_what_it_does_not_know(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);

	far_play(&c->far, FAR_CLOSE, "");
	attempt(c, h, STORE_WHOLE_EVENT);
	assert_int_equal(finished.result.verdict, HANDLER_RETRY);
	assert_true(finished.result.unknown);
	assert_string_equal(finished.result.reason,
	    "the connection was lost before the answer");
	far_play(&c->far, FAR_ANSWER,
	    "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n");
	attempt(c, h, STORE_WHOLE_EVENT);
	assert_int_equal(finished.result.verdict, HANDLER_DEAD);
	assert_string_equal(finished.result.reason,
	    "pos answered 409 Conflict");
	h->type->close(h);
	SETTING(bool, "on_conflict") = true;
	h = forward_to(c);
	attempt(c, h, STORE_WHOLE_EVENT);
	assert_int_equal(finished.result.verdict, HANDLER_DONE);
	h->type->close(h);
}

/* Of two attempts at once one can be ended without the other. */
static void
test_forward_cancels_one(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);
	struct handler_result result;

	far_play(&c->far, FAR_ANSWER, "");
	assert_int_equal(run(h, 0, call_a, &result), HANDLER_PENDING);
	assert_int_equal(run(h, 1, call_b, &result), HANDLER_PENDING);
	client_wait_requests(c, 2);
	h->type->cancel(h, call_a);
	far_hang_up(&c->far, false);
	while (finished.n == 0)
		event_base_loop(c->env.base, EVLOOP_ONCE);
	client_settle(c);
	assert_int_equal(finished.n, 1);
	assert_ptr_equal(finished.call, call_b);
	h->type->close(h);
}

/* -- What doctor asks -- */

static struct {
	enum handler_level level;
	char text[256];
	unsigned done;
} looked;

static void
found_cb(void *arg, enum handler_level level, const char *text,
    const char *advice)
{
	(void)arg;
	assert_int_equal(level == HANDLER_FINE, advice == NULL);
	looked.level = level;
	(void)snprintf(looked.text, sizeof(looked.text), "%s", text);
}

static void
done_cb(void *arg)
{
	(void)arg;
	looked.done++;
}

static const struct handler_inspection inspection = { found_cb, done_cb, NULL };

static void
inspect(struct client_case *c, struct handler_instance *h)
{
	memset(&looked, 0, sizeof(looked));
	assert_int_equal(h->type->inspect(h, &inspection), 0);
	assert_int_equal(looked.done, 0);
	while (looked.done == 0)
		event_base_loop(c->env.base, EVLOOP_ONCE);
	client_settle(c);
	assert_int_equal(looked.done, 1);
}

/* The far side is connected to, and gets no request. */
static void
test_forward_is_inspected(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);
	char text[64], url[64], reason[HANDLER_REASON_MAX];
	int fd;

	inspect(c, h);
	(void)snprintf(text, sizeof(text), "127.0.0.1 port %u: reached",
	    c->far.port);
	assert_int_equal(looked.level, HANDLER_FINE);
	assert_string_equal(looked.text, text);
	assert_int_equal(c->far.nrequests, 0);
	h->type->close(h);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/",
	    far_refuse(&fd));
	SETTING(char *, "url") = url;
	h = try_open(c, reason);
	inspect(c, h);
	assert_int_equal(looked.level, HANDLER_WRONG);
	assert_non_null(strstr(looked.text, ": not reached: "));
	h->type->close(h);
	(void)close(fd);
}

/* It may be closed at any time, and run out of memory anywhere. */
static void
test_forward_is_closed_while_inspected(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h;
	size_t left = 0;

	h = forward_to(c);
	assert_int_equal(h->type->inspect(h, &inspection), 0);
	h->type->close(h);
	for (size_t n = 0; left == 0; n++) {
		int rc;

		h = forward_to(c);
		memset(&looked, 0, sizeof(looked));
		heap_fail(n, 1);
		rc = h->type->inspect(h, &inspection);
		while (rc == 0 && looked.done == 0)
			event_base_loop(c->env.base, EVLOOP_ONCE);
		left = heap_heal();
		h->type->close(h);
	}
	assert_int_equal(looked.level, HANDLER_FINE);
}

/* Wherever memory ends, a job is pending and ends, or is to be retried. */
static void
test_forward_runs_out_of_memory(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = forward_to(c);
	struct handler_result result;
	enum handler_verdict verdict;
	size_t left = 0;

	for (size_t n = 0; left == 0; n++) {
		unsigned before = finished.n;

		heap_fail(n, 1);
		verdict = run(h, 0, call_a, &result);
		while (verdict == HANDLER_PENDING && finished.n == before)
			event_base_loop(c->env.base, EVLOOP_ONCE);
		left = heap_heal();
		if (verdict == HANDLER_PENDING)
			result = finished.result;
		if (left > 0)
			assert_int_equal(result.verdict, HANDLER_DONE);
		else
			assert_string_equal(result.reason, "out of memory");
	}
	h->type->close(h);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, forward_setup, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_forward_sends_the_event),
		CASE(test_forward_sends_an_order),
		CASE(test_forward_names_the_scope),
		CASE(test_forward_of_an_unsigned_event),
		CASE(test_forward_names_a_place_without_id),
		CASE(test_forward_signs_anew),
		CASE(test_forward_sends_own_headers),
		CASE(test_forward_says_why_tls_cannot_be_had),
		CASE(test_forward_needs_a_body),
		CASE(test_forward_knows_what_it_does_not_know),
		CASE(test_forward_cancels_one),
		CASE(test_forward_is_inspected),
		CASE(test_forward_is_closed_while_inspected),
		CASE(test_forward_runs_out_of_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
