/* What jobs send together, and how each of them ends. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <jansson.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/pubsub.h"
#include "test/lib/client_case.h"
#include "test/lib/heap.h"
#include "test/lib/rsa_keys.h"
#include "test/lib/settings.h"

#define ANSWER(status, body)                                                   \
	"HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body
#define TWO_IDS ANSWER("200 OK", "{\"messageIds\":[\"11\",\"22\"]}")
#define ONE_ID ANSWER("200 OK", "{\"messageIds\":[\"11\"]}")
#define BODY "{\"orders\":[{\"id\":1}],\"brand_id\":7}"
#define CALLS 3

/* How each call has ended. */
static struct ended {
	unsigned n;
	struct handler_result result;
	char answer[64];
} ended[CALLS];

static char calls[CALLS];

static struct handler_call *
call_of(size_t i)
{
	return ((struct handler_call *)&calls[i]);
}

static void
finish_cb(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	struct ended *e = &ended[(char *)call - calls];

	(void)arg;
	e->n++;
	e->result = *result;
	(void)snprintf(e->answer, sizeof(e->answer), "%.*s",
	    (int)result->answer_len, (const char *)result->answer);
}

static _Alignas(max_align_t) char settings[512];
static char *file;

#define SETTING(type, key)                                                     \
	(*(type *)settings_field(&handler_pubsub, settings, key))

static int
setup(void **state)
{
	struct client_case *c;
	json_t *account;

	assert_int_equal(client_setup(state), 0);
	c = *state;
	c->env.finish = finish_cb;
	memset(ended, 0, sizeof(ended));
	memset(settings, 0, sizeof(settings));
	assert_true(handler_pubsub.settings_size <= sizeof(settings));
	account = json_pack("{s:s, s:s, s:s}", "type", "service_account",
	    "client_email", "a@b.example", "private_key", rsa_key_2048);
	file = json_dumps(account, 0);
	json_decref(account);
	assert_non_null(file);
	return (0);
}

static int
teardown(void **state)
{
	free(file);
	return (client_teardown(state));
}

static struct handler_instance *
pubsub_to(struct client_case *c)
{
	static char project[] = "demo-kitchen", topic[] = "orders", url[64];
	const struct handler_options opt = { .name = "out",
		.settings = settings,
		.timeout_ms = 600000,
		.concurrency = 64 };
	char reason[HANDLER_REASON_MAX] = "";
	struct handler_instance *h;

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", c->far.port);
	SETTING(char *, "project") = project;
	SETTING(char *, "topic") = topic;
	SETTING(char *, "endpoint") = url;
	SETTING(struct key_secret, "credentials_file") =
	    (struct key_secret){ .bytes = file, .len = strlen(file) };
	h = handler_pubsub.open(&c->env, &opt, reason);
	if (h == NULL)
		fail_msg("%s", reason);
	return (h);
}

static const struct store_order orders[] = { { .place = 0, .order_id = "1" } };

static struct store_event event = {
	.id = 9,
	.event_id = "evt-1",
	.scope = "",
	.type = "klikit.order.created.v2",
	.orders = orders,
	.norders = 1,
	.body = (void *)(uintptr_t)BODY,
	.body_len = sizeof(BODY) - 1,
};

static enum handler_verdict
run(struct handler_instance *h, size_t i, struct handler_result *ret_result)
{
	const struct handler_job job = { .call = call_of(i),
		.id = 5,
		.ev = &event,
		.place = STORE_WHOLE_EVENT,
		.attempt = 1 };

	memset(ret_result, 0, sizeof(*ret_result));
	return (handler_pubsub.run(h, &job, ret_result));
}

/* Begin n jobs in one turn of the loop. */
static void
begin(struct handler_instance *h, size_t n)
{
	struct handler_result result;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(run(h, i, &result), HANDLER_PENDING);
	handler_pubsub.flush(h);
}

static unsigned
count_ended(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < CALLS; i++)
		n += ended[i].n;
	return (n);
}

static void
wait_ended(struct client_case *c, unsigned n)
{
	while (count_ended() < n)
		assert_int_equal(event_base_loop(c->env.base, EVLOOP_ONCE), 0);
}

static void
test_jobs_of_a_turn_are_one_request(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = pubsub_to(c);

	far_play(&c->far, FAR_CLOSE, TWO_IDS);
	begin(h, 2);
	assert_int_equal(count_ended(), 0);
	wait_ended(c, 2);
	assert_int_equal(c->far.nrequests, 1);
	assert_non_null(strstr(c->far.request,
	    "POST /v1/projects/demo-kitchen/topics/orders:publish "));
	assert_non_null(strstr(c->far.request, "\r\nAuthorization: Bearer ey"));
	assert_non_null(strstr(c->far.request, "},{\"data\":\""));
	assert_int_equal(ended[0].result.verdict, HANDLER_DONE);
	assert_string_equal(ended[0].answer, "11");
	assert_int_equal(ended[1].result.verdict, HANDLER_DONE);
	assert_string_equal(ended[1].answer, "22");
	handler_pubsub.close(h);
}

static void
test_what_is_cancelled_takes_no_other_along(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = pubsub_to(c);

	far_play(&c->far, FAR_CLOSE, TWO_IDS);
	begin(h, 2);                          /* they wait for the token */
	handler_pubsub.cancel(h, call_of(2)); /* unknown */
	wait_ended(c, 2);
	far_play(&c->far, FAR_DEAF, "");
	begin(h, 2); /* they are sent */
	handler_pubsub.cancel(h, call_of(0));
	far_play(&c->far, FAR_CLOSE, TWO_IDS);
	handler_pubsub.cancel(h, call_of(1)); /* the last: it is dropped */
	client_settle(c);
	assert_int_equal(count_ended(), 2);
	begin(h, 3);
	handler_pubsub.cancel(h, call_of(1)); /* in the midst */
	far_play(&c->far, FAR_CLOSE,
	    ANSWER("200 OK", "{\"messageIds\":[\"1\",\"2\",\"3\"]}"));
	wait_ended(c, 4);
	assert_string_equal(ended[0].answer, "1");
	assert_int_equal(ended[1].n, 1);
	assert_string_equal(ended[2].answer, "3");
	handler_pubsub.close(h);
}

static void
test_it_closes_while_a_token_is_made(void **state)
{
	struct client_case *c = *state;
	unsigned nfds = far_count_fds();
	struct handler_instance *h = pubsub_to(c);
	struct handler_result result;

	begin(h, 2);
	assert_int_equal(run(h, 2, &result), HANDLER_PENDING);
	for (size_t i = 0; i < CALLS; i++)
		handler_pubsub.cancel(h, call_of(i));
	handler_pubsub.close(h);
	assert_int_equal(count_ended(), 0);
	while (far_count_fds() > nfds) /* the thread ends by itself */
		(void)sched_yield();
}

/* It is not known which: the request is cut in halves until it is. */
static void
test_a_refused_request_is_cut_in_halves(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = pubsub_to(c);

	far_play(&c->far, FAR_CLOSE, ANSWER("400 Bad Request", "{}"));
	begin(h, 3);
	wait_ended(c, 3);
	assert_int_equal(c->far.nrequests, 5); /* 3, 1, 2, 1, 1 */
	for (size_t i = 0; i < CALLS; i++) {
		assert_int_equal(ended[i].n, 1);
		assert_int_equal(ended[i].result.verdict, HANDLER_DEAD);
	}
	handler_pubsub.close(h);
}

static void
test_a_token_is_renewed_once(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = pubsub_to(c);

	far_play(&c->far, FAR_CLOSE, ANSWER("401 Unauthorized", "{}"));
	begin(h, 2);
	wait_ended(c, 2);
	assert_int_equal(c->far.nrequests, 2);
	assert_int_equal(ended[0].result.verdict, HANDLER_RETRY);
	assert_true(ended[0].result.pause);
	handler_pubsub.close(h);
}

/* Whatever fails: each job ends once, and not as done. */
static void
test_without_memory_jobs_are_tried_again(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = pubsub_to(c);
	struct handler_result result;
	enum handler_verdict verdict[2];
	unsigned n;

	far_play(&c->far, FAR_CLOSE, TWO_IDS);
	begin(h, 2); /* there is a token from now on */
	wait_ended(c, 2);
	for (size_t at = 0;; at++) {
		memset(ended, 0, sizeof(ended));
		heap_fail(at, 1);
		n = 0;
		for (size_t i = 0; i < 2; i++) {
			verdict[i] = run(h, i, &result);
			n += verdict[i] == HANDLER_PENDING;
		}
		far_play(&c->far, FAR_CLOSE, n == 2 ? TWO_IDS : ONE_ID);
		if (n > 0)
			handler_pubsub.flush(h);
		wait_ended(c, n);
		if (heap_heal() > 0)
			break;
		for (size_t i = 0; i < 2; i++) {
			assert_int_equal(ended[i].n,
			    verdict[i] == HANDLER_PENDING);
			assert_true(verdict[i] == HANDLER_PENDING ||
				    verdict[i] == HANDLER_RETRY);
			assert_false(ended[i].result.pause);
		}
	}
	assert_int_equal(ended[1].result.verdict, HANDLER_DONE);
	handler_pubsub.close(h);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_jobs_of_a_turn_are_one_request),
		TEST(test_what_is_cancelled_takes_no_other_along),
		TEST(test_it_closes_while_a_token_is_made),
		TEST(test_a_refused_request_is_cut_in_halves),
		TEST(test_a_token_is_renewed_once),
		TEST(test_without_memory_jobs_are_tried_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
