/* Calls of an outlet, with time that passes when the test says so. */
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/calls.h"
#include "test/lib/fake_clock.h"
#include "test/lib/heap.h"

#define TIMEOUT_MS 5000
#define MANY 3000

struct world {
	struct handler_env env;
	struct queue_calls *calls;
	char names[MANY]; /* their addresses are dispatch's calls */
	unsigned nlate, nfinished;
	struct handler_call *finished; /* the last */
	char answer[16];               /* of its result */
	bool ends_late;                /* late() ends the call */
	bool frees;                    /* finish() frees the calls */
	struct queue_call *late;
};

static void
world_finish(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	struct world *w = arg;

	w->nfinished++;
	w->finished = call;
	if (result->answer != NULL)
		memcpy(w->answer, result->answer, result->answer_len);
	if (w->frees) {
		queue_calls_free(w->calls);
		w->calls = NULL;
	}
}

static void
world_late_cb(void *arg, struct queue_call *qc)
{
	struct world *w = arg;

	w->nlate++;
	w->late = qc;
	if (w->ends_late)
		queue_call_end(w->calls, qc, &(struct handler_result){ 0 });
}

static int
setup(void **state)
{
	struct world *w = heap_alloc(sizeof(*w));

	fake_clock_reset();
	w->env.base = event_base_new();
	w->env.finish = world_finish;
	w->env.arg = w;
	w->ends_late = true;
	w->calls = queue_calls_new(&w->env, TIMEOUT_MS, world_late_cb, w);
	assert_non_null(w->calls);
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	queue_calls_free(w->calls);
	event_base_free(w->env.base);
	free(w);
	return (0);
}

static struct handler_call *
call_of(struct world *w, size_t i)
{
	return ((struct handler_call *)&w->names[i]);
}

static struct queue_call *
add(struct world *w, size_t i)
{
	struct queue_call *qc = queue_call_add(w->calls, call_of(w, i));

	assert_non_null(qc);
	assert_ptr_equal(qc->call, call_of(w, i));
	return (qc);
}

static void
pass(struct world *w, int64_t ms)
{
	fake_clock_pass_ms(ms);
	for (int i = 0; i < 3; i++)
		event_base_loop(w->env.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* They wait in their order, and are sent in the order of sending. */
static void
test_calls_keep_their_order(void **state)
{
	struct world *w = *state;
	struct queue_call *qc[4];

	assert_null(queue_calls_waiting(w->calls));
	assert_null(queue_calls_sent(w->calls));
	for (size_t i = 0; i < 4; i++)
		qc[i] = add(w, i);
	assert_ptr_equal(queue_calls_waiting(w->calls), qc[0]);
	assert_ptr_equal(TAILQ_NEXT(qc[0], next), qc[1]);
	queue_call_sent(w->calls, qc[1]);
	queue_call_sent(w->calls, qc[0]);
	assert_true(qc[0]->sent);
	assert_false(qc[2]->sent);
	assert_ptr_equal(queue_calls_waiting(w->calls), qc[2]);
	assert_ptr_equal(queue_calls_sent(w->calls), qc[1]);
	assert_ptr_equal(TAILQ_NEXT(qc[1], next), qc[0]);
	queue_call_sent(w->calls, qc[1]); /* once more */
	assert_ptr_equal(queue_calls_sent(w->calls), qc[0]);
	for (size_t i = 0; i < 4; i++)
		queue_calls_cancel(w->calls, call_of(w, i));
	assert_null(queue_calls_waiting(w->calls));
	assert_null(queue_calls_sent(w->calls));
	assert_int_equal(w->nfinished, 0);
}

/* A call ends once; its result may point into it. */
static void
test_calls_end(void **state)
{
	struct world *w = *state;
	struct queue_call *qc = add(w, 7);
	struct handler_result result = { .answer = NULL };

	qc->bytes = strdup("request");
	qc->more = strdup("answer");
	result.answer = qc->more;
	result.answer_len = 7;
	queue_call_sent(w->calls, qc);
	queue_call_end(w->calls, qc, &result);
	assert_int_equal(w->nfinished, 1);
	assert_ptr_equal(w->finished, call_of(w, 7));
	assert_string_equal(w->answer, "answer");
	assert_null(queue_calls_sent(w->calls));
	queue_calls_cancel(w->calls, call_of(w, 7)); /* not there */
	pass(w, 2 * TIMEOUT_MS);
	assert_int_equal(w->nlate, 0);
}

/* Each deadline is reported once, in time, sent or not. */
static void
test_calls_are_late(void **state)
{
	struct world *w = *state;
	struct queue_call *first, *second;

	w->ends_late = false;
	first = add(w, 0);
	queue_call_sent(w->calls, first);
	pass(w, 1000);
	second = add(w, 1);
	pass(w, TIMEOUT_MS - 1001);
	assert_int_equal(w->nlate, 0);
	pass(w, 1);
	assert_int_equal(w->nlate, 1);
	assert_ptr_equal(w->late, first);
	pass(w, 999);
	assert_int_equal(w->nlate, 1);
	pass(w, 1);
	assert_int_equal(w->nlate, 2);
	assert_ptr_equal(w->late, second);
	pass(w, 3 * TIMEOUT_MS);
	assert_int_equal(w->nlate, 2);
	queue_call_end(w->calls, first, &(struct handler_result){ 0 });
	queue_calls_cancel(w->calls, call_of(w, 1));
	assert_int_equal(w->nfinished, 1);
}

/* A deadline whose call has ended wakes nobody, and hides no later one. */
static void
test_calls_that_ended_are_not_late(void **state)
{
	struct world *w = *state;

	add(w, 0);
	pass(w, 2000);
	add(w, 1);
	queue_calls_cancel(w->calls, call_of(w, 0));
	pass(w, 4999);
	assert_int_equal(w->nlate, 0);
	pass(w, 1);
	assert_int_equal(w->nlate, 1);
	assert_int_equal(w->nfinished, 1);
}

/* While they are held their clocks stand still. */
static void
test_calls_are_held(void **state)
{
	struct world *w = *state;

	add(w, 0);
	pass(w, 4000);
	queue_calls_hold(w->calls, true);
	queue_calls_hold(w->calls, true);
	pass(w, 100000);
	add(w, 1); /* its clock stands, too */
	pass(w, 100000);
	assert_int_equal(w->nlate, 0);
	queue_calls_hold(w->calls, false);
	queue_calls_hold(w->calls, false);
	pass(w, 999);
	assert_int_equal(w->nlate, 0);
	pass(w, 1);
	assert_int_equal(w->nlate, 1);
	assert_ptr_equal(w->finished, call_of(w, 0));
	pass(w, 3999);
	assert_int_equal(w->nlate, 1);
	pass(w, 1);
	assert_int_equal(w->nlate, 2);
}

/* The last end may free them all, from within the timer, too. */
static void
test_calls_are_freed_from_within(void **state)
{
	struct world *w = *state;

	w->frees = true;
	add(w, 0);
	pass(w, TIMEOUT_MS);
	assert_int_equal(w->nfinished, 1);
	assert_null(w->calls);
}

/* Thousands are found again, in any order. */
static void
test_calls_are_many(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < MANY; i++)
		queue_call_sent(w->calls, add(w, i));
	for (size_t i = 0; i < MANY; i += 2)
		queue_calls_cancel(w->calls, call_of(w, (i * 7) % MANY));
	pass(w, TIMEOUT_MS);
	assert_int_equal(w->nlate, MANY / 2);
	assert_null(queue_calls_sent(w->calls));
}

/* Without memory there is no call, and none is lost. */
static void
test_calls_survive_lack_of_memory(void **state)
{
	struct world *w = *state;
	struct queue_call *qc = add(w, 0);

	heap_fail(0, 2);
	assert_null(queue_call_add(w->calls, call_of(w, 1)));
	assert_null(queue_calls_new(&w->env, 1, world_late_cb, w));
	assert_int_equal(heap_heal(), 0);
	assert_ptr_equal(queue_calls_waiting(w->calls), qc);
	assert_null(TAILQ_NEXT(qc, next));
	queue_calls_cancel(w->calls, call_of(w, 0));
}

int
main(void)
{
#define CALLS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CALLS_TEST(test_calls_keep_their_order),
		CALLS_TEST(test_calls_end),
		CALLS_TEST(test_calls_are_late),
		CALLS_TEST(test_calls_that_ended_are_not_late),
		CALLS_TEST(test_calls_are_held),
		CALLS_TEST(test_calls_are_freed_from_within),
		CALLS_TEST(test_calls_are_many),
		CALLS_TEST(test_calls_survive_lack_of_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
