#include "server/dispatch/turn.h"

/* Untried jobs that are taken before one that was tried has its turn. */
#define UNTRIED_BETWEEN 3

/* run, if it is there and neither its age nor its size lets it rest. */
static struct run *
unless_rest(const struct turn *t, struct run *run)
{
	if (run != NULL && pace_allows_load(t->pace,
			       pace_load(&run->job, t->now.steady), t->now.us))
		return (run);
	return (NULL);
}

/* The next of two queues that take turns; the first of each. */
static struct run *
take_turns(const struct turn *t, const struct run_queue *next,
    const struct run_queue *other)
{
	struct run *run = unless_rest(t, TAILQ_FIRST(&next->list));

	return (run != NULL ? run : unless_rest(t, TAILQ_FIRST(&other->list)));
}

/*
 * Of those not tried before: the oldest or one of the newest. A far side that
 * is in doubt gets the very newest in turn, lest a row of bad ones hide it.
 */
static struct run *
choose_untried(const struct turn *t)
{
	const struct backlog *b = t->backlog;

	if (t->turns->newest)
		return (take_turns(t, &b->untried, &b->fresh));
	if (t->gate != NULL && gate_doubts(t->gate))
		return (unless_rest(t, backlog_newest(b)));
	return (take_turns(t, &b->fresh, &b->untried));
}

static struct run *
choose_tried(const struct turn *t)
{
	const struct backlog *b = t->backlog;

	if (t->turns->once)
		return (take_turns(t, &b->tried_more, &b->tried_once));
	return (take_turns(t, &b->tried_once, &b->tried_more));
}

/* The newest, if it came in after the last call began; else NULL. */
static struct run *
newcomer(const struct turn *t)
{
	struct run *run = backlog_newest(t->backlog);

	if (t->gate == NULL || run == NULL || run->came_us < t->gate->begun_us)
		return (NULL);
	return (run);
}

static bool
gate_lets(const struct turn *t, enum gate_class class)
{
	return (t->gate == NULL || gate_allows(t->gate, class, t->now.us));
}

struct run *
turn_choose(const struct turn *t, enum gate_class *ret_class)
{
	struct run *tried = NULL, *untried = NULL;

	if (!pace_allows(t->pace, t->now.us))
		return (NULL);
	if (gate_lets(t, GATE_UNTRIED))
		untried = choose_untried(t);
	if (gate_lets(t, GATE_TRIED))
		tried = choose_tried(t);
	*ret_class = GATE_TRIED;
	if (tried != NULL &&
	    (untried == NULL || t->turns->untried >= UNTRIED_BETWEEN))
		return (tried);
	*ret_class = GATE_UNTRIED;
	if (untried != NULL || !gate_lets(t, GATE_NEWCOMER))
		return (untried);
	*ret_class = GATE_NEWCOMER;
	return (newcomer(t));
}

/* When the gate lets one of that class begin that it does not let now. */
static int64_t
gate_us(const struct turn *t, enum gate_class class)
{
	int64_t us;

	if (t->gate == NULL)
		return (INT64_MAX);
	us = gate_next_us(t->gate, class, t->now.us);
	return (us == INT64_MAX ? us : us - t->now.us);
}

static int64_t
least(int64_t a, int64_t b)
{
	return (a < b ? a : b);
}

int64_t
turn_next_us(const struct turn *t)
{
	bool untried = backlog_untried(t->backlog) > 0;
	bool tried = backlog_tried(t->backlog) > 0;
	int64_t next_us = INT64_MAX;

	if (!untried && !tried)
		return (INT64_MAX);
	if (untried)
		next_us = gate_us(t, GATE_UNTRIED);
	if (tried)
		next_us = least(next_us, gate_us(t, GATE_TRIED));
	if (newcomer(t) != NULL)
		next_us = least(next_us, gate_us(t, GATE_NEWCOMER));
	if (choose_untried(t) == NULL && choose_tried(t) == NULL)
		next_us = least(next_us, pace_next_us(t->pace, t->now.us));
	return (next_us);
}

void
turn_taken(struct turns *turns, enum gate_class class)
{
	if (class == GATE_TRIED) {
		turns->once = !turns->once;
		turns->untried = 0;
	} else {
		turns->newest = !turns->newest;
		turns->untried++;
	}
}
