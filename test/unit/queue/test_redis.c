/* The type redis, with a far side that says what the test says. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/handler.h"
#include "test/lib/client_case.h"
#include "test/lib/fake_clock.h"
#include "test/lib/heap.h"
#include "test/lib/raw_side.h"
#include "test/lib/settings.h"

extern const struct handler handler_redis;

#define BODY "{\"orders\":[{\"id\":1}],\"brand_id\":7}"
#define CALLS 4
#define TIMEOUT_MS 10000 /* of a clock that stands still */

struct world {
	struct client_case *c;
	struct raw_side raw;
	struct handler_instance *h;
	size_t seen; /* of what it got */
	char settings[512];
};

/* What finish() was called with, by call. */
static struct finished {
	unsigned n;
	struct handler_result result;
	char answer[64];
} finished[CALLS];

static char dummies[CALLS]; /* their addresses are dispatch's calls */

static void
finish_cb(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	size_t i = (size_t)((char *)call - dummies);

	(void)arg;
	assert_in_range(i, 0, CALLS - 1);
	finished[i].n++;
	finished[i].result = *result;
	(void)snprintf(finished[i].answer, sizeof(finished[i].answer), "%.*s",
	    (int)result->answer_len,
	    result->answer == NULL ? "" : (const char *)result->answer);
}

static int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	void *c = NULL;

	assert_non_null(w);
	fake_clock_reset();
	client_setup(&c);
	w->c = c;
	w->c->env.finish = finish_cb;
	memset(finished, 0, sizeof(finished));
	raw_open(&w->raw, w->c->env.base);
	*state = w;
	return (0);
}

static int
world_teardown(void **state)
{
	struct world *w = *state;
	void *c = w->c;

	if (w->h != NULL)
		w->h->type->close(w->h);
	raw_close(&w->raw);
	free(w);
	return (client_teardown(&c));
}

#define SETTING(w, type, key)                                                  \
	(*(type *)settings_field(&handler_redis, (w)->settings, key))

static void
open_one(struct world *w)
{
	const struct handler_options opt = { .name = "kitchen",
		.settings = w->settings,
		.timeout_ms = TIMEOUT_MS,
		.concurrency = CALLS };
	char reason[HANDLER_REASON_MAX] = "";
	char url[64], stream[] = "orders";

	assert_true(handler_redis.settings_size <= sizeof(w->settings));
	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u", w->raw.port);
	SETTING(w, char *, "url") = url;
	SETTING(w, char *, "stream") = stream;
	SETTING(w, int64_t, "dedup") = 1000;
	w->h = handler_redis.open(&w->c->env, &opt, reason);
	memset(url, '?', sizeof(url) - 1); /* nothing of it is kept */
	memset(stream, '?', sizeof(stream) - 1);
	if (w->h == NULL)
		fail_msg("%s", reason);
}

static struct handler_call *
call_of(size_t i)
{
	return ((struct handler_call *)&dummies[i]);
}

static enum handler_verdict
run(struct world *w, size_t i, struct handler_result *ret_result)
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
	return (w->h->type->run(w->h, &job, ret_result));
}

static void
begin(struct world *w, size_t i)
{
	struct handler_result result;

	assert_int_equal(run(w, i, &result), HANDLER_PENDING);
	w->h->type->flush(w->h);
}

static void
turn(struct world *w)
{
	event_base_loop(w->c->env.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	(void)sched_yield();
}

/* Behind what was seen already. */
static void
wait_for(struct world *w, const char *text)
{
	char *at;

	while ((at = strstr(w->raw.got + w->seen, text)) == NULL)
		turn(w);
	w->seen = (size_t)(at - w->raw.got) + strlen(text);
}

static void
wait_finished(struct world *w, size_t i)
{
	while (finished[i].n == 0)
		turn(w);
	assert_int_equal(finished[i].n, 1);
}

/* A first job, with the login before it; it is done. */
static void
log_in(struct world *w)
{
	begin(w, 0);
	wait_for(w, "klikitd:kitchen\r\n");
	assert_false(w->h->type->lasting->connected(w->h));
	raw_say(&w->raw, "+OK\r\n");
	wait_for(w, "LOAD\r\n");
	raw_say(&w->raw, "$3\r\nabc\r\n");
	wait_for(w, "klikitd-attempt\r\n");
	assert_true(w->h->type->lasting->connected(w->h));
	assert_int_equal(finished[0].n, 0);
	raw_say(&w->raw, "*2\r\n$3\r\n1-0\r\n:0\r\n");
	wait_finished(w, 0);
	assert_int_equal(finished[0].result.verdict, HANDLER_DONE);
	assert_string_equal(finished[0].answer, "1-0");
}

/* -- The tests -- */

static void
test_answers_come_in_order(void **state)
{
	struct world *w = *state;

	open_one(w);
	log_in(w);
	begin(w, 1);
	begin(w, 2);
	wait_for(w, "{orders}:d:evt-2");
	raw_say(&w->raw, "*2\r\n$3\r\n2-0\r\n:0\r\n*2\r\n$3\r\n3-0\r\n:1\r\n");
	wait_finished(w, 2);
	assert_string_equal(finished[1].answer, "2-0");
	assert_string_equal(finished[2].answer, "3-0, added before");
	assert_int_equal(finished[2].result.verdict, HANDLER_DONE);
}

/* Its answer comes all the same, and is nobody else's. */
static void
test_a_cancelled_job_is_gone(void **state)
{
	struct world *w = *state;

	open_one(w);
	log_in(w);
	begin(w, 1);
	begin(w, 2);
	begin(w, 3);
	wait_for(w, "{orders}:d:evt-3");
	w->h->type->cancel(w->h, call_of(2));
	raw_say(&w->raw,
	    "*2\r\n$3\r\n2-0\r\n:0\r\n-OOM full\r\n*2\r\n$3\r\n4-0\r\n:0\r\n");
	wait_finished(w, 3);
	assert_string_equal(finished[1].answer, "2-0");
	assert_string_equal(finished[3].answer, "4-0");
	assert_int_equal(finished[2].n, 0);
}

/* Nothing is written meanwhile: who does not answer does not read, either. */
static void
test_a_late_answer_is_passed_over(void **state)
{
	struct world *w = *state;

	open_one(w);
	log_in(w);
	begin(w, 1);
	wait_for(w, "{orders}:d:evt-1");
	fake_clock_pass_ms(TIMEOUT_MS);
	wait_finished(w, 1);
	assert_int_equal(finished[1].result.verdict, HANDLER_RETRY);
	assert_true(finished[1].result.unknown);
	assert_string_equal(finished[1].result.reason,
	    "kitchen has not answered within 10s");
	begin(w, 2);
	for (unsigned turns = 0; turns < 20; turns++)
		turn(w);
	assert_null(strstr(w->raw.got, "evt-2"));
	raw_say(&w->raw, "*2\r\n$3\r\n7-0\r\n:0\r\n");
	wait_for(w, "{orders}:d:evt-2");
	raw_say(&w->raw, "*2\r\n$3\r\n8-0\r\n:0\r\n");
	wait_finished(w, 2);
	assert_string_equal(finished[2].answer, "8-0");
	assert_int_equal(finished[1].n, 1);
}

/* Nothing was done: the script, and the same once more; then it is enough. */
static void
test_a_script_that_is_gone(void **state)
{
	struct world *w = *state;

	open_one(w);
	log_in(w);
	begin(w, 1);
	begin(w, 2);
	wait_for(w, "{orders}:d:evt-2");
	raw_say(&w->raw, "-NOSCRIPT a\r\n-NOSCRIPT b\r\n");
	wait_for(w, "LOAD\r\n");
	wait_for(w, "{orders}:d:evt-1");
	wait_for(w, "{orders}:d:evt-2");
	/* One load was enough for both. */
	raw_say(&w->raw,
	    "$3\r\nabc\r\n*2\r\n$3\r\n2-0\r\n:0\r\n-NOSCRIPT c\r\n");
	wait_finished(w, 2);
	assert_string_equal(finished[1].answer, "2-0");
	assert_int_equal(finished[2].result.verdict, HANDLER_RETRY);
	assert_false(finished[2].result.unknown);
}

/* What has left may have been done; what has not waits for the next one. */
static void
test_a_connection_that_is_lost(void **state)
{
	struct world *w = *state;

	open_one(w);
	log_in(w);
	begin(w, 1);
	wait_for(w, "{orders}:d:evt-1");
	raw_hang_up(&w->raw, false);
	wait_finished(w, 1);
	assert_int_equal(finished[1].result.verdict, HANDLER_RETRY);
	assert_true(finished[1].result.unknown);
	assert_int_equal(finished[1].result.fault, HANDLER_FAULT_UNCLEAR);
}

/* Wherever memory ends, a job is pending and ends, or is to be retried. */
static void
test_a_job_runs_out_of_memory(void **state)
{
	struct world *w = *state;
	struct handler_result result;
	enum handler_verdict verdict;
	size_t left = 0;

	open_one(w);
	log_in(w);
	for (size_t n = 0; left == 0; n++) {
		finished[1].n = 0;
		heap_fail(n, 1);
		verdict = run(w, 1, &result);
		left = heap_heal();
		if (verdict != HANDLER_PENDING) {
			assert_int_equal(verdict, HANDLER_RETRY);
			assert_string_equal(result.reason, "out of memory");
			continue;
		}
		w->h->type->flush(w->h);
		wait_for(w, "{orders}:d:evt-1");
		raw_say(&w->raw, "*2\r\n$3\r\n2-0\r\n:0\r\n");
		wait_finished(w, 1);
		assert_int_equal(finished[1].result.verdict, HANDLER_DONE);
	}
}

static void
test_an_open_runs_out_of_memory(void **state)
{
	struct world *w = *state;
	char reason[HANDLER_REASON_MAX];
	size_t left = 0, failures = 0;

	open_one(w); /* fills the settings */
	w->h->type->close(w->h);
	w->h = NULL;
	for (size_t n = 0; left == 0; n++) {
		char url[64], stream[] = "orders";
		const struct handler_options opt = { .name = "kitchen",
			.settings = w->settings,
			.timeout_ms = TIMEOUT_MS,
			.concurrency = CALLS };
		struct handler_instance *h;

		(void)snprintf(url, sizeof(url), "redis://127.0.0.1:1/0");
		SETTING(w, char *, "url") = url;
		SETTING(w, char *, "stream") = stream;
		heap_fail(n, 1);
		h = handler_redis.open(&w->c->env, &opt, reason);
		left = heap_heal();
		if (h != NULL) {
			h->type->close(h);
			continue;
		}
		failures++;
		assert_non_null(strstr(reason, "out of memory"));
	}
	assert_true(failures > 3);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers_come_in_order),
		TEST(test_a_cancelled_job_is_gone),
		TEST(test_a_late_answer_is_passed_over),
		TEST(test_a_script_that_is_gone),
		TEST(test_a_connection_that_is_lost),
		TEST(test_a_job_runs_out_of_memory),
		TEST(test_an_open_runs_out_of_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
