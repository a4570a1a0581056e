#include "server/dispatch/run.h"

#define TO(s) (1u << RUN_##s)
static const struct {
	const char *name;
	unsigned next; /* states that can be reached in one step */
} states[] = {
	[RUN_MADE] = { "made", TO(QUEUED) | TO(FRESH) | TO(STARTING) },
	[RUN_QUEUED] = { "queued",
	    TO(STARTING) | TO(CALLING) | TO(RECORDING) | TO(ENDED) },
	[RUN_FRESH] = { "fresh",
	    TO(STARTING) | TO(CALLING) | TO(RECORDING) | TO(ENDED) },
	[RUN_WAITING] = { "waiting", TO(QUEUED) | TO(ENDED) },
	[RUN_STARTING] = { "starting",
	    TO(CALLING) | TO(RECORDING) | TO(UNRECORDED) | TO(ENDED) },
	[RUN_CALLING] = { "calling",
	    TO(RECORDING) | TO(UNRECORDED) | TO(ENDED) },
	/* To itself: the store refused one outcome, and gets another. */
	[RUN_RECORDING] = { "recording",
	    TO(RECORDING) | TO(UNRECORDED) | TO(WAITING) | TO(ENDED) },
	/* To itself: it could not be taken again; others are tried first. */
	[RUN_UNRECORDED] = { "unrecorded",
	    TO(RECORDING) | TO(UNRECORDED) | TO(ENDED) },
	[RUN_ENDED] = { "ended", 0 },
};
#undef TO
_Static_assert(sizeof(states) / sizeof(states[0]) == RUN_NSTATES,
    "every state of a run has a row");

bool
run_may_move(enum run_state from, enum run_state to)
{
	return ((states[from].next & (1u << to)) != 0);
}

const char *
run_state_name(enum run_state state)
{
	return (states[state].name);
}

void
run_queue_init(struct run_queue *q)
{
	TAILQ_INIT(&q->list);
	q->n = 0;
}

void
run_queue_put(struct run_queue *q, struct run *run)
{
	TAILQ_INSERT_TAIL(&q->list, run, link);
	q->n++;
}

void
run_queue_remove(struct run_queue *q, struct run *run)
{
	TAILQ_REMOVE(&q->list, run, link);
	q->n--;
}

struct run *
run_queue_find(const struct run_queue *q, int64_t job)
{
	struct run *run;

	TAILQ_FOREACH (run, &q->list, link) {
		if (run->job.id == job)
			break;
	}
	return (run);
}
