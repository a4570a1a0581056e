/* The type sqs at work: batches, groups, cancelled jobs, memory that fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/aws_files.h"
#include "handlers/queue/sqs.h"
#include "test/lib/client_case.h"
#include "test/lib/heap.h"
#include "test/lib/settings.h"

#define BODY "{\"orders\":[{\"id\":1}]}"
#define NJOBS 4

static struct {
	unsigned n;
	struct handler_call *calls[64];
	struct handler_result last;
} finished;

static char names[NJOBS]; /* their addresses are dispatch's calls */
static struct store_order orders[NJOBS];
static struct store_event events[NJOBS];
static _Alignas(max_align_t) char settings[512];
static char text[4096];

#define SETTING(type, key)                                                     \
	(*(type *)settings_field(&handler_sqs, settings, key))

static void
finish_cb(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	(void)arg;
	finished.calls[finished.n++ % 64] = call;
	finished.last = *result;
}

static const char *
variable_cb(void *arg, const char *name)
{
	(void)arg;
	if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
		return ("AKIATEST");
	return (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? "secret" : NULL);
}

static int64_t
now_cb(void *arg)
{
	(void)arg;
	return (1750000000000);
}

static int
setup(void **state)
{
	struct client_case *c;

	client_setup(state);
	c = *state;
	c->env.finish = finish_cb;
	c->env.variable = variable_cb;
	c->env.now_ms = now_cb;
	memset(&finished, 0, sizeof(finished));
	memset(settings, 0, sizeof(settings));
	assert_true(handler_sqs.settings_size <= sizeof(settings));
	return (0);
}

static struct handler_instance *
open_queue(struct client_case *c, const char *queue)
{
	static char url[96], region[] = "eu-west-1";
	const struct handler_options opt = { .name = "aws",
		.settings = settings,
		.timeout_ms = 600000,
		.concurrency = 40 };
	char reason[HANDLER_REASON_MAX];
	struct handler_instance *h;

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/1/%s",
	    c->far.port, queue);
	SETTING(char *, "queue_url") = url;
	SETTING(char *, "region") = region;
	h = handler_sqs.open(&c->env, &opt, reason);
	if (h == NULL)
		fail_msg("%s", reason);
	return (h);
}

static struct handler_call *
call_of(int n)
{
	return ((struct handler_call *)&names[n]);
}

/* A job of its own event and order. */
static enum handler_verdict
run(struct handler_instance *h, int n, const char *order,
    struct handler_result *ret_result)
{
	const struct handler_job job = { .call = call_of(n),
		.id = n,
		.ev = &events[n],
		.place = STORE_WHOLE_EVENT,
		.attempt = 1 };

	orders[n] = (struct store_order){ .place = 0, .order_id = order };
	events[n] = (struct store_event){ .event_id = "evt",
		.scope = "",
		.type = "t",
		.orders = &orders[n],
		.norders = 1,
		.body = (void *)(uintptr_t)BODY,
		.body_len = sizeof(BODY) - 1 };
	memset(ret_result, 0, sizeof(*ret_result));
	return (h->type->run(h, &job, ret_result));
}

/* An answer in which n entries fail. */
static void
answer_failed(struct client_case *c, int n)
{
	char body[1024] = "{\"Failed\":[";

	for (int i = 0; i < n; i++)
		(void)snprintf(body + strlen(body), sizeof(body) - strlen(body),
		    "%s{\"Id\":\"%d\",\"Code\":\"InternalError\","
		    "\"Message\":\"m\"}",
		    i == 0 ? "" : ",", i);
	(void)strcat(body, "]}");
	(void)snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
	    body);
	far_play(&c->far, FAR_ANSWER, text);
}

static void
wait_finished(const struct client_case *c, unsigned n)
{
	while (finished.n < n)
		event_base_loop(c->env.base, EVLOOP_ONCE);
	assert_int_equal(finished.n, n);
}

static unsigned
count_entries(const char *request)
{
	unsigned n = 0;

	while ((request = strstr(request, "\"MessageBody\"")) != NULL) {
		request++;
		n++;
	}
	return (n);
}

/* What one turn has gathered is one call, and each job ends by itself. */
static void
test_a_turn_is_one_call(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = open_queue(c, "orders");
	struct handler_result result;

	answer_failed(c, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(run(h, i, "1", &result), HANDLER_PENDING);
	h->type->flush(h);
	assert_int_equal(finished.n, 0);
	wait_finished(c, 3);
	assert_int_equal(c->far.nrequests, 1);
	assert_int_equal(count_entries(c->far.request), 3);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(finished.calls[i], call_of(i));
	assert_int_equal(finished.last.verdict, HANDLER_RETRY);
	assert_string_equal(finished.last.reason, "SQS has trouble of its own");
	assert_string_equal(finished.last.detail, "InternalError: m");
	assert_false(finished.last.unknown);
	h->type->close(h);
}

/* In a FIFO queue a group has one message under way. */
static void
test_a_group_waits_for_its_message(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = open_queue(c, "orders.fifo");
	struct handler_result result;

	answer_failed(c, 2);
	assert_int_equal(run(h, 0, "1", &result), HANDLER_PENDING);
	assert_int_equal(run(h, 1, "1", &result), HANDLER_PENDING);
	assert_int_equal(run(h, 2, "2", &result), HANDLER_PENDING);
	h->type->flush(h);
	wait_finished(c, 2);
	assert_ptr_equal(finished.calls[0], call_of(0));
	assert_ptr_equal(finished.calls[1], call_of(2));
	assert_int_equal(count_entries(c->far.request), 2);
	wait_finished(c, 3);
	assert_ptr_equal(finished.calls[2], call_of(1));
	assert_int_equal(c->far.nrequests, 2);
	assert_int_equal(count_entries(c->far.request), 1);
	h->type->close(h);
}

/* Waiting or sent, one or all: no finish(), and nothing is left. */
static void
test_jobs_are_cancelled_at_any_time(void **state)
{
	struct client_case *c = *state;

	for (unsigned turns = 0; turns < 10; turns++) {
		struct handler_instance *h = open_queue(c, "orders.fifo");
		struct handler_result result;

		memset(&finished, 0, sizeof(finished));
		far_play(&c->far, FAR_ANSWER, ""); /* none comes */
		for (int i = 0; i < NJOBS; i++)
			assert_int_equal(run(h, i, i < 2 ? "1" : "2", &result),
			    HANDLER_PENDING);
		if (turns > 0)
			h->type->flush(h);
		for (unsigned i = 1; i < turns; i++)
			event_base_loop(c->env.base, EVLOOP_NONBLOCK);
		h->type->cancel(h, (struct handler_call *)text); /* nobody's */
		for (int i = 0; i < NJOBS; i++)
			h->type->cancel(h, call_of(i));
		assert_int_equal(finished.n, 0);
		h->type->close(h);
		client_settle(c);
	}
}

/* The others of its batch end as they would. */
static void
test_one_of_a_batch_is_cancelled(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = open_queue(c, "orders");
	struct handler_result result;

	answer_failed(c, 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(run(h, i, "1", &result), HANDLER_PENDING);
	h->type->flush(h);
	h->type->cancel(h, call_of(0));
	wait_finished(c, 1);
	assert_ptr_equal(finished.calls[0], call_of(1));
	h->type->close(h);
}

/* Wherever memory runs out, each job ends, and none twice. */
static void
test_memory_runs_out(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = open_queue(c, "orders.fifo");
	bool whole = false;

	answer_failed(c, 1);
	for (size_t n = 0; !whole; n++) {
		enum handler_verdict verdict;
		struct handler_result result;

		memset(&finished, 0, sizeof(finished));
		heap_fail(n, 1);
		verdict = run(h, 0, "1", &result);
		if (verdict == HANDLER_PENDING)
			h->type->flush(h);
		whole = heap_heal() == 1;
		if (verdict != HANDLER_PENDING) {
			assert_int_equal(verdict, HANDLER_RETRY);
			assert_string_equal(result.reason, "out of memory");
			continue;
		}
		h->type->flush(h); /* as the next turn does */
		wait_finished(c, 1);
	}
	h->type->close(h);
}

/* The region of a queue's host, as AWS names its endpoints. */
static void
test_a_host_names_its_region(void **state)
{
	static const struct {
		const char *host;
		const char *region; /* NULL: none */
	} cases[] = {
		{ "sqs.eu-west-1.amazonaws.com", "eu-west-1" },
		{ "sqs-fips.us-east-2.amazonaws.com", "us-east-2" },
		{ "sqs.cn-north-1.amazonaws.com.cn", "cn-north-1" },
		{ "sqs.eu-west-1.api.aws", "eu-west-1" },
		{ "vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1" },
		{ "queue.amazonaws.com", "us-east-1" },
		{ "eu-central-1.queue.amazonaws.com", "eu-central-1" },
		{ "sqs.eu-west-1.example.com", NULL },
		{ "sqs..amazonaws.com", NULL },
		{ "sqs.EU_1.amazonaws.com", NULL },
		{ "mysqs.eu-west-1.amazonaws.com", NULL },
		{ "127.0.0.1", NULL },
		{ "", NULL },
	};
	char region[AWS_REGION_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = aws_region_of_host(cases[i].host, region);

		assert_int_equal(rc, cases[i].region == NULL ? -1 : 0);
		if (rc == 0)
			assert_string_equal(region, cases[i].region);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_turn_is_one_call),
		T(test_a_group_waits_for_its_message),
		T(test_jobs_are_cancelled_at_any_time),
		T(test_one_of_a_batch_is_cancelled),
		T(test_memory_runs_out),
		cmocka_unit_test(test_a_host_names_its_region),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
