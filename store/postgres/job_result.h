/*
 * job_result.h -- private to store/postgres/: statements whose rows are of the
 * SQL type job_result, which says what came of operations on jobs.
 */
#ifndef STORE_POSTGRES_JOB_RESULT_H
#define STORE_POSTGRES_JOB_RESULT_H

#include "store/op.h"
#include "store/postgres/pipe.h"

/* The beginning of such a statement, up to the function that it calls. */
#define JOB_RESULT_OF                                                          \
	"SELECT r.ord, r.what, r.words, r.id, r.handler, r.place, "            \
	"r.attempts, r.replay, r.guards, r.due_at, (r.event).id, "             \
	"(r.event).event_id, (r.event).scope, (r.event).type, "                \
	"(r.event).origin, (r.event).repeat_of, (r.event).original, "          \
	"(r.event).brand, (r.event).branch, (r.event).signature, "             \
	"(r.event).secret, (r.event).peer, (r.event).received_at, "            \
	"(r.event).came_at, (r.event).body_size, (r.event).body, "             \
	"(r.event).places, (r.event).order_ids, (r.event).statuses, "          \
	"(r.event).updated_ats, (r.event).external_ids, (r.event).endpoint, "  \
	"CASE WHEN r.replay THEN (SELECT j.key_of FROM jobs AS j "             \
	"WHERE j.id = r.id) END FROM "

/* The operations of one statement; each names another job (regroup.c). */
struct job_ops {
	struct store_op **ops;
	size_t n;
};

/*
 * Those of ops[0..n) for which takes is true (NULL: all), in the batch's
 * memory. Returns 0, or -1 when out of memory.
 */
int job_ops_pick(struct pg_batch *b, struct store_op *const *ops, size_t n,
    bool (*takes)(struct store_op *op), struct job_ops **ret_all);

/*
 * Values for a statement, in the batch's memory. Returns NULL when out of
 * memory.
 */
struct pg_args *job_args_new(struct pg_batch *b);

/*
 * pg_take_fn: sets the res of all operations of the struct job_ops that arg is;
 * ord, from 1 on, says which one a row is of.
 */
int job_result_take(struct pg_batch *b, const PGresult *res, void *arg);

#endif /* STORE_POSTGRES_JOB_RESULT_H */
