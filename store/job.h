/*
 * job.h -- the states of a job and the moves between them.
 *
 * Owns: the one table that says which move is legal. Pure.
 *
 *   READY --> RUNNING --> DONE      DONE and DEAD are ends: a replay is
 *              |  ^ \               a new job, linked to the old one.
 *              v  |  +---> DEAD     READY and WAITING may also end at
 *            WAITING -------^       once: cancelled, already, too old.
 *
 * A job may be born at an end, only to be seen (struct store_job_spec).
 */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include <stdbool.h>

enum job_state {
	JOB_READY,   /* never tried */
	JOB_RUNNING, /* a handler has it */
	JOB_WAITING, /* tried; due again at its due time */
	JOB_DONE,    /* end: the handler accepted it */
	JOB_DEAD,    /* end: given up, with a reason; can be replayed */
	JOB_NSTATES
};

/* May a job go from one state to the other in one step? */
bool job_may_move(enum job_state from, enum job_state to);

/* Is this state an end? */
bool job_is_end(enum job_state state);

/* The state's name as it stands in the database and in lists; static. */
const char *job_state_name(enum job_state state);

/* The state of that name. Returns 0, or -1 if there is none. */
int job_state_parse(const char *name, enum job_state *ret_state);

#endif /* STORE_JOB_H */
