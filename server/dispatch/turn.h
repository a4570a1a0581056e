/*
 * turn.h -- which job of a handler is next.
 *
 * Pure: it chooses among the jobs of a backlog, as far as the gate and the pace
 * let them begin.
 *
 * What was not tried before goes first, the oldest and the newest by turns;
 * what was tried before has one turn in four, and all of them when nothing else
 * is there, as far as its share of the calls goes (see gate.h). So a few jobs
 * that fail for ever hold up no other, and are not held up for ever either.
 */
#ifndef SERVER_TURN_H
#define SERVER_TURN_H

#include "server/dispatch/backlog.h"
#include "server/dispatch/gate.h"
#include "server/dispatch/pace.h"

/* Whose turn was last, of one handler. All private; zero at the start. */
struct turns {
	bool newest;      /* the last untried one: of the newest */
	bool once;        /* the last tried one: tried once */
	unsigned untried; /* taken since one that was tried before */
};

/* One moment, by the two clocks that matter. */
struct moment {
	int64_t us; /* monotonic */
	struct steady_time steady;
};

/* All that the choice depends on; borrowed. */
struct turn {
	const struct turns *turns;
	const struct backlog *backlog;
	const struct gate *gate; /* NULL for a projection, which has none */
	const struct pace *pace;
	struct moment now;
};

/*
 * The run that may begin now, still in the backlog, and what it is for the
 * gate; NULL: none may.
 */
struct run *turn_choose(const struct turn *t, enum gate_class *ret_class);

/* In how many us that may change by itself; INT64_MAX: it may now, or not. */
int64_t turn_next_us(const struct turn *t);

/* A run of that class has had its turn. */
void turn_taken(struct turns *turns, enum gate_class class);

#endif /* SERVER_TURN_H */
