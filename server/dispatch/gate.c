#include "server/dispatch/gate.h"

/* Doubt in all that makes a far side count as down. */
#define DOUBT_MAX (GATE_DOWN_CALLS * GATE_BAD_ANSWERS)

void
gate_init(struct gate *g, size_t concurrency, int64_t first_wait_us)
{
	*g = (struct gate){
		.concurrency = concurrency,
		.first_wait_us = first_wait_us,
		.window = concurrency,
		.begun_us = INT64_MIN / 2,
	};
}

void
gate_inherit(struct gate *g, const struct gate *old)
{
	struct gate own = *g;

	*g = *old;
	g->concurrency = own.concurrency;
	g->first_wait_us = own.first_wait_us;
	if (g->window == old->concurrency || g->window > g->concurrency)
		g->window = g->concurrency;
}

/* Calls of jobs that were tried before, at once. */
static size_t
tried_max(const struct gate *g)
{
	return (g->window > 1 ? g->window / 2 : 1);
}

/* The time from which on such a call may begin, if there is room. */
static int64_t
from_us(const struct gate *g, enum gate_class class)
{
	int64_t us = g->probing ? g->probe_us : 0;

	switch (class) {
	case GATE_UNTRIED:
		break;
	case GATE_TRIED:
		if (!g->probing)
			us = g->tried_us;
		break;
	case GATE_NEWCOMER:
		us = g->begun_us + GATE_NEWCOMER_GAP_US;
		if (us < g->hold_us)
			us = g->hold_us;
		break;
	}
	return (us);
}

/* Is there room for such a call? */
static bool
has_room(const struct gate *g, enum gate_class class)
{
	switch (class) {
	case GATE_UNTRIED:
		break;
	case GATE_TRIED:
		if (!g->probing && g->tried >= tried_max(g))
			return (false);
		break;
	case GATE_NEWCOMER: /* a probe that hangs does not hold it up */
		return (g->probing && g->under_way < g->concurrency);
	}
	return (g->under_way < g->window);
}

bool
gate_allows(const struct gate *g, enum gate_class class, int64_t now_us)
{
	return (has_room(g, class) && from_us(g, class) <= now_us);
}

bool
gate_doubts(const struct gate *g)
{
	return (g->doubt > 0 || g->window < g->concurrency);
}

int64_t
gate_next_us(const struct gate *g, enum gate_class class, int64_t now_us)
{
	int64_t us = from_us(g, class);

	return (has_room(g, class) && us > now_us ? us : INT64_MAX);
}

void
gate_count(struct gate *g, enum gate_class class)
{
	g->under_way++;
	g->tried += class == GATE_TRIED;
}

void
gate_begin(struct gate *g, enum gate_class class, int64_t now_us)
{
	int64_t gap_us = g->first_wait_us;

	gate_count(g, class);
	g->begun_us = now_us;
	if (class != GATE_TRIED)
		return;
	if (gap_us > GATE_TRIED_GAP_US)
		gap_us = GATE_TRIED_GAP_US;
	if (g->tried_failed >= GATE_TRIED_CALLS)
		g->tried_us = now_us + gap_us;
}

void
gate_end(struct gate *g, enum gate_class class)
{
	g->under_way--;
	g->tried -= class == GATE_TRIED;
}

/* How much doubt a failure raises that far side works at all. */
static unsigned
doubt_of(enum gate_class class, enum handler_fault fault)
{
	switch (fault) {
	case HANDLER_FAULT_JOB:
		return (class == GATE_TRIED ? 0 : DOUBT_MAX / GATE_BAD_ANSWERS);
	case HANDLER_FAULT_UNCLEAR:
		return (class == GATE_TRIED ? 0 : DOUBT_MAX / GATE_DOWN_CALLS);
	case HANDLER_FAULT_DOWN:
		break;
	}
	return (DOUBT_MAX / GATE_DOWN_CALLS);
}

bool
gate_failed(struct gate *g, enum gate_class class, enum handler_fault fault,
    int64_t retry_after_us, int64_t now_us)
{
	bool begins = false;
	int64_t wait_us = g->first_wait_us;

	g->failed++;
	g->tried_failed += class == GATE_TRIED;
	if (g->doubt < DOUBT_MAX)
		g->doubt += doubt_of(class, fault);
	if (!g->probing && g->doubt >= DOUBT_MAX) {
		g->probing = true;
		g->window = 1;
		begins = true;
	}
	if (!g->probing)
		return (false);
	if (retry_after_us > GATE_HOLD_MAX_US)
		retry_after_us = GATE_HOLD_MAX_US;
	if (retry_after_us > 0)
		g->hold_us = now_us + retry_after_us;
	if (retry_after_us > wait_us)
		wait_us = retry_after_us;
	if (begins || retry_after_us > 0 || class != GATE_NEWCOMER)
		g->probe_us = now_us + wait_us;
	return (begins);
}

bool
gate_answered(struct gate *g, enum gate_class class)
{
	bool probing = g->probing;

	g->probing = false;
	g->failed = 0;
	g->doubt = 0;
	g->hold_us = 0;
	if (class == GATE_TRIED) {
		g->tried_failed = 0;
		g->tried_us = 0;
	}
	g->window *= 2;
	if (g->window > g->concurrency)
		g->window = g->concurrency;
	return (probing);
}

void
gate_hurry(struct gate *g)
{
	g->probe_us = 0;
	g->hold_us = 0;
	g->tried_us = 0;
}
