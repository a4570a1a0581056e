/*
 * run_move(): every pair of states is tried, on a run that is really in the
 * first one. What the table forbids ends the program.
 */
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/dispatch/dispatch_private.h"
#include "test/lib/dispatch_world.h"

/* How a run comes into each state; ends with RUN_ENDED. */
static const enum run_state ways[RUN_NSTATES][5] = {
	[RUN_MADE] = { RUN_ENDED },
	[RUN_QUEUED] = { RUN_QUEUED, RUN_ENDED },
	[RUN_FRESH] = { RUN_FRESH, RUN_ENDED },
	[RUN_STARTING] = { RUN_QUEUED, RUN_STARTING, RUN_ENDED },
	[RUN_CALLING] = { RUN_FRESH, RUN_STARTING, RUN_CALLING, RUN_ENDED },
	[RUN_RECORDING] = { RUN_QUEUED, RUN_STARTING, RUN_RECORDING,
	    RUN_ENDED },
	[RUN_UNRECORDED] = { RUN_QUEUED, RUN_STARTING, RUN_UNRECORDED,
	    RUN_ENDED },
	[RUN_WAITING] = { RUN_QUEUED, RUN_RECORDING, RUN_WAITING, RUN_ENDED },
};

/* A run of the first handler, an old job with a big body, in that state. */
static struct run *
run_in(struct world *w, enum run_state at)
{
	struct run *run = calloc(1, sizeof(*run));
	struct store_event ev = {
		.event_id = "e",
		.type = "t",
		.secret = "s",
		.peer = "p",
	};

	assert_non_null(run);
	run->d = w->d;
	run->job.id = 1;
	run->job.handler = 1;
	run->job.ev = store_event_new(&ev);
	run->load = (struct pace_load){ .old = true, .big = true };
	run->outlet = true;
	assert_non_null(run->job.ev);
	for (const enum run_state *to = ways[at]; *to != RUN_ENDED; to++)
		run_move(run, *to);
	assert_int_equal(run->state, at);
	return (run);
}

/* The run is in the one list of its state, and counted where it counts. */
static void
assert_counted(const struct world *w, const struct run *run)
{
	const struct dispatch *d = w->d;
	const struct live_handler *live = &d->handlers[0];
	enum run_state s = run->state;
	bool in_store = s == RUN_STARTING || s == RUN_RECORDING;
	bool called = s == RUN_STARTING || s == RUN_CALLING;
	const struct {
		enum run_state state;
		const struct run_queue *q;
	} lists[] = {
		{ RUN_QUEUED, &live->backlog.untried },
		{ RUN_FRESH, &live->backlog.fresh },
		{ RUN_WAITING, &live->backlog.waiting },
		{ RUN_STARTING, &d->starting },
		{ RUN_CALLING, &d->calling },
		{ RUN_RECORDING, &d->recording },
		{ RUN_UNRECORDED, &d->unrecorded },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct run_queue *q = lists[i].q;

		assert_int_equal(q->n, lists[i].state == s);
		assert_ptr_equal(TAILQ_FIRST(&q->list),
		    lists[i].state == s ? run : NULL);
	}
	assert_int_equal(dispatch_recording(d), in_store);
	assert_int_equal(dispatch_busy(d),
	    in_store || s == RUN_CALLING || s == RUN_UNRECORDED);
	assert_int_equal(d->pace.records, in_store || s == RUN_UNRECORDED);
	assert_int_equal(d->pace.old, in_store);
	assert_int_equal(d->pace.big, s == RUN_STARTING);
	assert_int_equal(live->gate.under_way, called);
	assert_int_equal(live->shared->calls, s == RUN_CALLING);
}

/* Does a child that makes the move die of an assertion? */
static bool
is_refused(struct run *run, enum run_state to)
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		(void)fclose(stderr); /* the assertion's words */
		(void)signal(SIGABRT, SIG_DFL);
		run_move(run, to);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* A run goes where the table lets it, into one list; elsewhere it is a bug. */
static void
test_every_pair_of_states(void **state)
{
	struct world *w = *state;

	w->outlets = 1;
	world_handlers(w, 1, 0);
	for (int from = 0; from < RUN_ENDED; from++) {
		for (int to = 0; to < RUN_ENDED; to++) {
			struct run *run = run_in(w, from);

			assert_counted(w, run);
			if (run_may_move(from, to)) {
				run_move(run, to);
				assert_counted(w, run);
			} else {
				assert_true(is_refused(run, to));
			}
			if (run->state == RUN_MADE)
				run_move(run, RUN_QUEUED);
			run_free(run);
		}
	}
	assert_int_equal(dispatch_busy(w->d), 0);
}

/* What a call that began under another gate counts is counted again. */
static void
test_calls_are_counted_again_for_a_new_gate(void **state)
{
	static const enum run_state at[] = { RUN_STARTING, RUN_CALLING,
		RUN_RECORDING };
	struct world *w = *state;
	struct gate *gate;
	struct run *runs[3];

	w->outlets = 1;
	world_handlers(w, 1, 0);
	for (size_t i = 0; i < 3; i++)
		runs[i] = run_in(w, at[i]);
	gate = &w->d->handlers[0].gate;
	gate->under_way = 9;
	runs_recount(w->d, &w->d->handlers[0]);
	assert_int_equal(gate->under_way, 2);
	for (size_t i = 0; i < 3; i++)
		run_free(runs[i]);
	assert_int_equal(gate->under_way, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_every_pair_of_states),
		world_test(test_calls_are_counted_again_for_a_new_gate),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
