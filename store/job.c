/* The table of moves, and the names that the database and lists show. */
#include <string.h>

#include "store/job.h"

#define TO(s) (1u << JOB_##s)
static const struct {
	const char *name;
	unsigned next; /* states reachable in one step */
} states[] = {
	[JOB_READY] = { "ready", TO(RUNNING) | TO(DONE) | TO(DEAD) },
	[JOB_RUNNING] = { "running", TO(DONE) | TO(WAITING) | TO(DEAD) },
	[JOB_WAITING] = { "waiting", TO(RUNNING) | TO(DONE) | TO(DEAD) },
	[JOB_DONE] = { "done", 0 },
	[JOB_DEAD] = { "dead", 0 },
};
#undef TO
_Static_assert(sizeof(states) / sizeof(states[0]) == JOB_NSTATES,
    "every job state has a row");

static bool
job_is_state(enum job_state state)
{
	return ((unsigned)state < JOB_NSTATES);
}

bool
job_may_move(enum job_state from, enum job_state to)
{
	if (!job_is_state(from) || !job_is_state(to))
		return (false);
	return ((states[from].next & (1u << to)) != 0);
}

bool
job_is_end(enum job_state state)
{
	return (job_is_state(state) && states[state].next == 0);
}

const char *
job_state_name(enum job_state state)
{
	return (job_is_state(state) ? states[state].name : "unknown");
}

int
job_state_parse(const char *name, enum job_state *ret_state)
{
	for (int s = 0; s < JOB_NSTATES; s++) {
		if (strcmp(states[s].name, name) == 0) {
			*ret_state = (enum job_state)s;
			return (0);
		}
	}
	return (-1);
}
