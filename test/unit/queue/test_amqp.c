/* The type amqp against a broker in the same loop. */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/amqp.h"
#include "handlers/queue/amqp_method.h"
#include "test/lib/client_case.h"
#include "test/lib/heap.h"
#include "test/lib/settings.h"

#define BODY "{\"orders\":[{\"id\":1}],\"brand_id\":7}"
#define CALLS 4

/* What it does with the messages that it has got. */
enum broker_act { BROKER_ACKS, BROKER_KEEPS, BROKER_REFUSES_TWO };

static struct broker {
	enum broker_act act;
	struct evconnlistener *listener;
	struct bufferevent *bev; /* the last connection; NULL: none */
	bool greeted;
	struct amqp_out hello; /* what it says until messages may come */
	unsigned nconnections;
	uint64_t npublished; /* on this connection */
	unsigned together;   /* most that were out at once */
} broker;

/* What finish() was called with, by call. */
static struct finished {
	unsigned n;
	struct handler_result result;
} finished[CALLS];

static int64_t timeout_ms;  /* of the next handler */
static char dummies[CALLS]; /* their addresses are dispatch's calls */
static _Alignas(max_align_t) char settings[512];

/* -- The broker -- */

static void
put_method(struct amqp_out *out, uint16_t channel, enum amqp_method method,
    const void *bytes, size_t len)
{
	size_t mark = amqp_frame_begin(out, AMQP_FRAME_METHOD, channel);

	amqp_put_u32(out, (uint32_t)method);
	amqp_put_bytes(out, bytes, len);
	amqp_frame_end(out, mark);
}

/* All of the login at once: what is asked for is known. */
static void
broker_hello(struct amqp_out *out)
{
	put_method(out, 0, AMQP_CONNECTION_START,
	    "\x00\x09\x00\x00\x00\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x00",
	    19);
	put_method(out, 0, AMQP_CONNECTION_TUNE,
	    "\x00\x01\x00\x02\x00\x00\x00\x3c", 8);
	put_method(out, 0, AMQP_CONNECTION_OPEN_OK, "", 1);
	put_method(out, 1, AMQP_CHANNEL_OPEN_OK, "\0\0\0", 4);
	put_method(out, 1, AMQP_CONFIRM_SELECT_OK, "", 0);
	assert_false(out->failed);
}

/* Without memory of its own, which may have run out. */
static void
broker_ack(uint64_t tag)
{
	uint8_t ack[] = { 1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0,
		0, (uint8_t)tag, 0, AMQP_FRAME_END };

	bufferevent_write(broker.bev, ack, sizeof(ack));
}

static void
broker_refuse(void)
{
	struct amqp_out out = { .bytes = NULL };

	put_method(&out, 1, AMQP_CHANNEL_CLOSE,
	    "\x01\x96\x09too large\x00\x3c\x00\x28", 16);
	bufferevent_write(broker.bev, out.bytes, out.len);
	amqp_out_fini(&out);
}

static void
broker_published(void)
{
	broker.npublished++;
	switch (broker.act) {
	case BROKER_ACKS:
		broker_ack(broker.npublished);
		break;
	case BROKER_KEEPS:
		break;
	case BROKER_REFUSES_TWO:
		if (broker.npublished > broker.together)
			broker.together = (unsigned)broker.npublished;
		if (broker.nconnections > 1)
			broker_ack(broker.npublished);
		else if (broker.npublished == 2)
			broker_refuse();
		break;
	}
}

/* bufferevent */
static void
broker_read_cb(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct amqp_frame frame;
	const char *reason;
	size_t size;

	(void)arg;
	if (!broker.greeted && evbuffer_get_length(in) >= 8) {
		evbuffer_drain(in, 8);
		broker.greeted = true;
		bufferevent_write(bev, broker.hello.bytes, broker.hello.len);
	}
	while (broker.greeted &&
	       amqp_frame_read(evbuffer_pullup(in, -1), evbuffer_get_length(in),
		   &frame, &size, &reason) == AMQP_FRAME_WHOLE) {
		evbuffer_drain(in, size);
		if (frame.type == AMQP_FRAME_BODY)
			broker_published();
	}
}

/* bufferevent */
static void
broker_event_cb(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	if (bev == broker.bev)
		broker.bev = NULL;
	bufferevent_free(bev);
}

/* evconnlistener */
static void
broker_accept_cb(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *addr, int len, void *arg)
{
	(void)addr;
	(void)len;
	(void)arg;
	if (broker.bev != NULL)
		bufferevent_free(broker.bev);
	broker.bev = bufferevent_socket_new(evconnlistener_get_base(listener),
	    fd, BEV_OPT_CLOSE_ON_FREE);
	broker.greeted = false;
	broker.npublished = 0;
	broker.nconnections++;
	bufferevent_setcb(broker.bev, broker_read_cb, NULL, broker_event_cb,
	    NULL);
	bufferevent_enable(broker.bev, EV_READ | EV_WRITE);
}

static unsigned
broker_port(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	assert_int_equal(getsockname(evconnlistener_get_fd(broker.listener),
			     (struct sockaddr *)&sin, &len),
	    0);
	return (ntohs(sin.sin_port));
}

/* -- The handler -- */

static void
finish_cb(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	size_t i = (size_t)((char *)call - dummies);

	(void)arg;
	assert_in_range(i, 0, CALLS - 1);
	finished[i].n++;
	finished[i].result = *result;
}

static int
amqp_setup(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct client_case *c;

	client_setup(state);
	c = *state;
	c->env.finish = finish_cb;
	memset(finished, 0, sizeof(finished));
	memset(&broker, 0, sizeof(broker));
	timeout_ms = 600000;
	broker.listener = evconnlistener_new_bind(c->env.base, broker_accept_cb,
	    NULL, LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr *)&sin,
	    sizeof(sin));
	assert_non_null(broker.listener);
	broker_hello(&broker.hello);
	return (0);
}

static int
amqp_teardown(void **state)
{
	if (broker.bev != NULL)
		bufferevent_free(broker.bev);
	evconnlistener_free(broker.listener);
	amqp_out_fini(&broker.hello);
	return (client_teardown(state));
}

#define SETTING(type, key)                                                     \
	(*(type *)settings_field(&handler_amqp, settings, key))

static struct handler_instance *
try_open(struct client_case *c, char reason[HANDLER_REASON_MAX])
{
	const struct handler_options opt = { .name = "rabbit",
		.settings = settings,
		.timeout_ms = timeout_ms,
		.concurrency = CALLS };
	struct handler_instance *h;
	char url[64];

	assert_true(handler_amqp.settings_size <= sizeof(settings));
	memset(settings, 0, sizeof(settings));
	(void)snprintf(url, sizeof(url), "amqp://127.0.0.1:%u", broker_port());
	SETTING(char *, "url") = url;
	SETTING(char *, "exchange") = url + strlen(url);
	SETTING(char *, "routing_key") = url + 1;
	h = handler_amqp.open(&c->env, &opt, reason);
	memset(url, '?', sizeof(url)); /* nothing of it is kept */
	return (h);
}

static struct handler_instance *
open_one(struct client_case *c)
{
	char reason[HANDLER_REASON_MAX] = "";
	struct handler_instance *h = try_open(c, reason);

	if (h == NULL)
		fail_msg("%s", reason);
	return (h);
}

static struct handler_call *
call_of(size_t i)
{
	return ((struct handler_call *)&dummies[i]);
}

/* The event of a call, each of its own. */
static enum handler_verdict
run(struct handler_instance *h, size_t i, struct handler_result *ret_result)
{
	char event_id[] = "evt-0";
	const struct store_event event = { .id = 9,
		.event_id = event_id,
		.scope = "",
		.type = "klikit.order.created.v2",
		.body = (void *)(uintptr_t)BODY,
		.body_len = sizeof(BODY) - 1 };
	const struct handler_job job = { .call = call_of(i),
		.id = 5,
		.ev = &event,
		.place = STORE_WHOLE_EVENT,
		.attempt = 1 };

	event_id[4] = (char)('0' + i);
	memset(ret_result, 0, sizeof(*ret_result));
	return (h->type->run(h, &job, ret_result));
}

static void
begin(struct handler_instance *h, size_t i)
{
	struct handler_result result;

	assert_int_equal(run(h, i, &result), HANDLER_PENDING);
	h->type->flush(h);
	assert_int_equal(finished[i].n, 0);
}

static void
wait_finished(struct client_case *c, size_t i)
{
	while (finished[i].n == 0)
		event_base_loop(c->env.base, EVLOOP_ONCE);
	assert_int_equal(finished[i].n, 1);
}

static void
wait_published(struct client_case *c, uint64_t n)
{
	while (broker.npublished < n)
		event_base_loop(c->env.base, EVLOOP_ONCE);
}

/* -- The tests -- */

static void
test_a_job_is_done_when_it_is_confirmed(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = open_one(c);

	broker.act = BROKER_KEEPS;
	assert_false(h->type->lasting->connected(h));
	begin(h, 0);
	begin(h, 1);
	wait_published(c, 2);
	assert_true(h->type->lasting->connected(h));
	assert_int_equal(finished[0].n + finished[1].n, 0);
	broker_ack(2);
	wait_finished(c, 1);
	assert_int_equal(finished[1].result.verdict, HANDLER_DONE);
	assert_int_equal(finished[0].n, 0);
	broker_ack(1);
	wait_finished(c, 0);
	h->type->close(h);
}

/* Waiting or out, its call never ends; a late confirmation is nobody's. */
static void
test_a_cancelled_job_is_gone(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = open_one(c);

	broker.act = BROKER_KEEPS;
	begin(h, 0);
	begin(h, 1);
	h->type->cancel(h, call_of(1)); /* it waits */
	begin(h, 2);
	wait_published(c, 2);
	h->type->cancel(h, call_of(0)); /* it is out */
	broker_ack(1);
	broker_ack(2);
	wait_finished(c, 2);
	assert_int_equal(finished[2].result.verdict, HANDLER_DONE);
	assert_int_equal(finished[0].n + finished[1].n, 0);
	h->type->close(h);
}

/* Which one the broker has refused it does not say: each goes alone then. */
static void
test_suspects_go_alone(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = open_one(c);

	broker.act = BROKER_REFUSES_TWO;
	begin(h, 0);
	begin(h, 1);
	wait_finished(c, 0);
	wait_finished(c, 1);
	assert_int_equal(broker.together, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(finished[i].result.verdict, HANDLER_RETRY);
		assert_true(finished[i].result.unknown);
		finished[i].n = 0;
	}
	broker.act = BROKER_KEEPS;
	broker.npublished = 0;
	begin(h, 0);
	begin(h, 1);
	begin(h, 2);
	wait_published(c, 1);
	for (unsigned turns = 0; turns < 20; turns++)
		event_base_loop(c->env.base, EVLOOP_NONBLOCK);
	assert_int_equal(broker.npublished, 1);
	broker_ack(1);
	wait_published(c, 2);
	assert_int_equal(broker.npublished, 2);
	broker_ack(2);
	wait_published(c, 3);
	broker_ack(3);
	wait_finished(c, 2);
	h->type->close(h);
}

/*
 * What is never confirmed keeps its place; so a suspect, which goes alone, may
 * have to wait for a connection of its own.
 */
static void
test_a_suspect_does_not_wait_for_ever(void **state)
{
	static const uint8_t heartbeat[] = { 8, 0, 0, 0, 0, 0, 0, 0xce };
	struct client_case *c = *state;
	struct handler_instance *h;

	timeout_ms = 500;
	h = open_one(c);
	broker.act = BROKER_REFUSES_TWO;
	begin(h, 0);
	begin(h, 1);
	wait_finished(c, 0);
	wait_finished(c, 1);
	broker.act = BROKER_KEEPS;
	broker.npublished = 0;
	begin(h, 2);
	wait_published(c, 1);
	bufferevent_write(broker.bev, heartbeat, sizeof(heartbeat));
	wait_finished(c, 2);
	assert_true(finished[2].result.unknown);
	assert_int_equal(broker.nconnections, 2); /* it is alive */
	finished[0].n = 0;
	begin(h, 0);
	wait_finished(c, 0);
	assert_int_equal(finished[0].result.verdict, HANDLER_RETRY);
	assert_false(finished[0].result.unknown);
	broker.npublished = 0;
	broker.act = BROKER_ACKS;
	finished[0].n = 0;
	begin(h, 0);
	wait_finished(c, 0);
	assert_int_equal(finished[0].result.verdict, HANDLER_DONE);
	assert_int_equal(broker.nconnections, 3);
	h->type->close(h);
}

/* Wherever memory ends, a job is pending and ends, or is to be retried. */
static void
test_a_job_runs_out_of_memory(void **state)
{
	struct client_case *c = *state;
	struct handler_instance *h = open_one(c);
	struct handler_result result;
	enum handler_verdict verdict;
	size_t left = 0;

	broker.act = BROKER_ACKS;
	begin(h, 0); /* the connection is there, and stays */
	wait_finished(c, 0);
	for (size_t n = 0; left == 0; n++) {
		finished[0].n = 0;
		heap_fail(n, 1);
		verdict = run(h, 0, &result);
		if (verdict == HANDLER_PENDING)
			h->type->flush(h);
		left = heap_heal(); /* the broker has memory */
		if (verdict == HANDLER_PENDING) {
			wait_finished(c, 0);
			result = finished[0].result;
		}
		if (left > 0)
			assert_int_equal(result.verdict, HANDLER_DONE);
		else if (verdict != HANDLER_PENDING)
			assert_string_equal(result.reason, "out of memory");
	}
	h->type->close(h);
}

static void
test_opening_runs_out_of_memory(void **state)
{
	struct client_case *c = *state;
	char reason[HANDLER_REASON_MAX];
	struct handler_instance *h;
	size_t left = 0;

	for (size_t n = 0; left == 0; n++) {
		heap_fail(n, 1);
		h = try_open(c, reason);
		left = heap_heal();
		if (left == 0) {
			assert_null(h);
			assert_non_null(strstr(reason, "out of memory"));
		} else {
			assert_non_null(h);
			h->type->close(h);
		}
	}
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, amqp_setup, amqp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_job_is_done_when_it_is_confirmed),
		CASE(test_a_cancelled_job_is_gone),
		CASE(test_suspects_go_alone),
		CASE(test_a_suspect_does_not_wait_for_ever),
		CASE(test_a_job_runs_out_of_memory),
		CASE(test_opening_runs_out_of_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
