/* What an outlet sends of a job: bodies, keys, attributes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/body/message.h"
#include "test/lib/heap.h"

#define BODY                                                                   \
	"{\"orders\":[{\"id\":1, \"total\":84.50},{\"id\":2},{\"x\":3}],"      \
	"\"brand_id\":7}"
#define ORDER_0 "{\"brand_id\":7,\"orders\":[{\"id\":1, \"total\":84.50}]}"
#define ORDER_1 "{\"brand_id\":7,\"orders\":[{\"id\":2}]}"
#define PLACE_2 "{\"brand_id\":7,\"orders\":[{\"x\":3}]}"
#define ABCD "abcd000000000000000000000000000000000000000000000000000000000000"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const struct store_order orders[] = {
	{ .place = 0, .order_id = "1" },
	{ .place = 1, .order_id = "2\n%\xc3\xa9" },
};

static const struct store_event event = {
	.id = 9,
	.event_id = "evt-1",
	.scope = "",
	.type = "klikit.order.created.v2",
	.brand = "7",
	.branch = "12",
	.digest = { 0xab, 0xcd },
	.secret = "default",
	.received_at_ms = 1782378851007,
	.orders = orders,
	.norders = 2,
	.body = (void *)(uintptr_t)BODY,
	.body_len = sizeof(BODY) - 1,
};

/* -- What signs -- */

static bool sign_fails;
static char signed_by[16], signed_body[256];

static int
sign_cb(void *arg, const void *secret, size_t secret_len, const void *body,
    size_t body_len, char ret_hex[65])
{
	(void)arg;
	if (sign_fails)
		return (-1);
	(void)snprintf(signed_by, sizeof(signed_by), "%.*s", (int)secret_len,
	    (const char *)secret);
	(void)snprintf(signed_body, sizeof(signed_body), "%.*s", (int)body_len,
	    (const char *)body);
	memset(ret_hex, 'c', 64);
	ret_hex[64] = '\0';
	return (0);
}

static const struct handler_env env = { .sign = sign_cb };
static const struct message_signer nobody;

static enum handler_verdict
make(struct message *m, const struct message_signer *signer,
    const struct store_event *ev, int32_t place, int64_t guards)
{
	const struct handler_job job = { .ev = ev,
		.place = place,
		.guards = guards,
		.attempt = 3 };
	struct handler_result result = { .code = 0 };
	enum handler_verdict verdict;

	verdict = message_make(m, &env, signer, &job, &result);
	assert_int_equal(verdict == HANDLER_DONE, result.reason[0] == '\0');
	return (verdict);
}

/* A body and what stands beside it, as "name=value" and a newline each. */
static void
assert_message(const struct message *m, const char *body,
    const char *attributes)
{
	char text[2048] = "";
	size_t len = 0;

	assert_int_equal(m->body_len, strlen(body));
	assert_memory_equal(m->body, body, m->body_len);
	for (size_t i = 0; i < m->nattributes; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s=%s\n", m->attributes[i].name, m->attributes[i].value);
	assert_string_equal(text, attributes);
}

static void
assert_made(const struct store_event *ev, int32_t place, const char *body,
    const char *attributes)
{
	struct message m;

	assert_int_equal(make(&m, &nobody, ev, place, 0), HANDLER_DONE);
	assert_message(&m, body, attributes);
	message_fini(&m);
}

static void
assert_key(const struct store_event *ev, int32_t place, int64_t guards,
    const char *key)
{
	struct message m;

	assert_int_equal(make(&m, &nobody, ev, place, guards), HANDLER_DONE);
	assert_string_equal(m.key, key);
	assert_string_equal(message_attribute(&m, "idempotency-key"), key);
	message_fini(&m);
}

#define EVENT                                                                  \
	"klikit-event-id=evt-1\n"                                              \
	"klikit-event-type=klikit.order.created.v2\n"
#define FROM "klikit-brand-id=7\nklikit-branch-id=12\n"
#define TRY "klikitd-attempt=3\nreceived-at=2026-06-25T09:14:11.007Z\n"

/* -- Bodies and attributes -- */

/* A whole event goes out as it came, with klikit's own signature. */
static void
test_message_of_an_event(void **state)
{
	struct message m;

	(void)state;
	assert_made(&event, STORE_WHOLE_EVENT, BODY,
	    EVENT FROM "klikit-signature=" ABCD
		       "\nidempotency-key=evt-1\n" TRY);
	assert_int_equal(make(&m, &nobody, &event, STORE_WHOLE_EVENT, 0),
	    HANDLER_DONE);
	assert_ptr_equal(m.body, event.body); /* nothing was copied */
	assert_null(m.order);
	assert_string_equal(m.signature, ABCD);
	assert_null(message_attribute(&m, "klikit-order-id"));
	message_fini(&m);
}

/* An order goes out alone; klikit's signature does not fit that. */
static void
test_message_of_an_order(void **state)
{
	struct message m;

	(void)state;
	assert_made(&event, 0, ORDER_0,
	    EVENT FROM "klikit-order-id=1\nidempotency-key=evt-1:1\n" TRY);
	assert_made(&event, 1, ORDER_1,
	    EVENT FROM "klikit-order-id=2\n%\xc3\xa9\n"
		       "idempotency-key=evt-1:2%0A%25%C3%A9\n" TRY);
	assert_int_equal(make(&m, &nobody, &event, 1, 0), HANDLER_DONE);
	assert_ptr_equal(m.order, &orders[1]);
	message_fini(&m);
}

/* What has no order id is sent, if asked for. */
static void
test_message_of_a_place_without_id(void **state)
{
	(void)state;
	assert_made(&event, 2, PLACE_2,
	    EVENT FROM "idempotency-key=evt-1::place-2\n" TRY);
}

/* What klikit did not sign, or does not name, is left out. */
static void
test_message_without_what_is_not_there(void **state)
{
	struct store_event ev = event;

	(void)state;
	ev.secret = NULL;
	ev.brand = NULL;
	ev.branch = "";
	assert_made(&ev, STORE_WHOLE_EVENT, BODY,
	    EVENT "idempotency-key=evt-1\n" TRY);
}

/* Another scope stands in the key and beside the body. */
static void
test_message_names_the_scope(void **state)
{
	struct store_event ev = event;

	(void)state;
	ev.scope = "sandbox";
	assert_made(&ev, 0, ORDER_0,
	    EVENT FROM
	    "klikit-order-id=1\nidempotency-key=sandbox:evt-1:1\n" TRY
	    "klikitd-scope=sandbox\n");
	assert_key(&ev, STORE_WHOLE_EVENT, 0, "sandbox:evt-1");
}

/* With a secret of its own, what is sent is signed, whatever it is. */
static void
test_message_signs_anew(void **state)
{
	char bytes[] = "mine, not yours";
	const struct key_secret file = { .bytes = bytes, .len = 4 };
	struct message_signer signer;
	struct message m;

	(void)state;
	assert_int_equal(message_signer_init(&signer, &file), 0);
	memset(bytes, '?', sizeof(bytes) - 1); /* it was copied */
	assert_int_equal(make(&m, &signer, &event, 1, 0), HANDLER_DONE);
	assert_string_equal(m.signature, C64);
	assert_string_equal(signed_by, "mine");
	assert_string_equal(signed_body, ORDER_1);
	message_fini(&m);
	assert_int_equal(make(&m, &signer, &event, STORE_WHOLE_EVENT, 0),
	    HANDLER_DONE);
	assert_string_equal(message_attribute(&m, "klikit-signature"), C64);
	assert_string_equal(signed_body, BODY);
	message_fini(&m);
	message_signer_fini(&signer);
	message_signer_fini(&signer);
}

/* -- Keys -- */

/* An alarm is another thing than the job whose alarm it is. */
static void
test_message_key_of_an_alarm(void **state)
{
	(void)state;
	assert_key(&event, STORE_WHOLE_EVENT, 12, "evt-1::alarm-12");
	assert_key(&event, 0, 13, "evt-1:1:alarm-13");
	assert_key(&event, 2, 13, "evt-1::place-2:alarm-13");
}

/* A replay that asked for a new key is another thing, also when repeated. */
static void
test_message_key_of_a_replay(void **state)
{
	static const struct {
		int32_t place;
		const char *key;
	} keys[] = {
		{ STORE_WHOLE_EVENT, "evt-1::replay-81" },
		{ 0, "evt-1:1:replay-81" },
		{ 2, "evt-1::place-2:replay-81" },
	};
	struct handler_job job = { .id = 99, .ev = &event, .key_of = 81 };
	struct handler_result result = { .code = 0 };
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		job.place = keys[i].place;
		assert_int_equal(message_make(&m, &env, &nobody, &job, &result),
		    HANDLER_DONE);
		assert_string_equal(m.key, keys[i].key);
		message_fini(&m);
	}
}

/* An id that looks like the parts of a key is no other's key. */
static void
test_message_keys_are_of_one_order(void **state)
{
	static const struct store_order odd[] = {
		{ .place = 0, .order_id = ":alarm-12" },
		{ .place = 1, .order_id = "a:b" },
	};
	struct store_event ev = event;

	(void)state;
	ev.orders = odd;
	assert_key(&ev, 0, 0, "evt-1:%3Aalarm-12");
	assert_key(&ev, 1, 0, "evt-1:a%3Ab");
}

/* A repeat is what it repeats; a replay gives all but the attempt again. */
static void
test_message_of_the_same_thing_again(void **state)
{
	struct handler_job job = { .id = 5, .ev = &event, .attempt = 3 };
	struct handler_result result = { .code = 0 };
	struct store_event ev = event;
	struct message m;

	(void)state;
	ev.event_id = "evt-8";
	ev.original = "evt-1";
	assert_key(&ev, 0, 0, "evt-1:1");
	job.id = 77; /* the new job of a replay */
	job.attempt = 1;
	assert_int_equal(message_make(&m, &env, &nobody, &job, &result),
	    HANDLER_DONE);
	assert_message(&m, ORDER_0,
	    EVENT FROM "klikit-order-id=1\nidempotency-key=evt-1:1\n"
		       "klikitd-attempt=1\n"
		       "received-at=2026-06-25T09:14:11.007Z\n");
	message_fini(&m);
}

/* The longest of everything fits, whole. */
static void
test_message_key_of_the_longest(void **state)
{
	char id[256], order_id[256], scope[65], key[MESSAGE_KEY_MAX], *end;
	const struct store_order order = { .order_id = order_id };
	struct store_event ev = event;

	(void)state;
	memset(id, 'e', 255);
	memset(order_id, '%', 255);
	memset(scope, 's', 64);
	id[255] = order_id[255] = scope[64] = '\0';
	ev.event_id = id;
	ev.scope = scope;
	ev.orders = &order;
	ev.norders = 1;
	end = key + sprintf(key, "%s:%s:", scope, id);
	for (int i = 0; i < 255; i++)
		end += sprintf(end, "%%25");
	(void)sprintf(end, ":alarm-9223372036854775807");
	assert_key(&ev, 0, INT64_MAX, key);
}

/* -- What cannot be made -- */

/* Without what it is to send, a job is dead. */
static void
test_message_needs_a_body(void **state)
{
	struct handler_result result = { .code = 0 };
	struct store_event purged = event;
	struct handler_job job = { .ev = &purged, .place = 3 };
	struct message m;

	(void)state;
	assert_int_equal(message_make(&m, &env, &nobody, &job, &result),
	    HANDLER_DEAD);
	assert_string_equal(result.reason,
	    "the body has no order at that place");
	purged.body = NULL;
	assert_int_equal(message_make(&m, &env, &nobody, &job, &result),
	    HANDLER_DEAD);
	assert_string_equal(result.reason, "the body was purged");
}

/* Out of memory is no verdict on the job, and leaves nothing behind. */
static void
test_message_runs_out_of_memory(void **state)
{
	char bytes[] = "mine";
	const struct key_secret file = { .bytes = bytes, .len = 4 };
	const struct handler_job job = { .ev = &event };
	struct handler_result result = { .code = 0 };
	struct message_signer signer;
	struct message m;

	(void)state;
	heap_fail(0, 1);
	assert_int_equal(message_signer_init(&signer, &file), -1);
	assert_null(signer.secret);
	heap_heal();
	heap_fail(0, 1); /* the order that is cut out */
	assert_int_equal(message_make(&m, &env, &nobody, &job, &result),
	    HANDLER_RETRY);
	heap_heal();
	assert_string_equal(result.reason, "out of memory");
	assert_int_equal(result.fault, HANDLER_FAULT_UNCLEAR);
	assert_int_equal(message_signer_init(&signer, &file), 0);
	sign_fails = true;
	memset(&result, 0, sizeof(result));
	assert_int_equal(message_make(&m, &env, &signer, &job, &result),
	    HANDLER_RETRY);
	assert_string_equal(result.reason, "out of memory");
	sign_fails = false;
	message_signer_fini(&signer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_of_an_event),
		cmocka_unit_test(test_message_of_an_order),
		cmocka_unit_test(test_message_of_a_place_without_id),
		cmocka_unit_test(test_message_without_what_is_not_there),
		cmocka_unit_test(test_message_names_the_scope),
		cmocka_unit_test(test_message_signs_anew),
		cmocka_unit_test(test_message_key_of_an_alarm),
		cmocka_unit_test(test_message_key_of_a_replay),
		cmocka_unit_test(test_message_keys_are_of_one_order),
		cmocka_unit_test(test_message_of_the_same_thing_again),
		cmocka_unit_test(test_message_key_of_the_longest),
		cmocka_unit_test(test_message_needs_a_body),
		cmocka_unit_test(test_message_runs_out_of_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
