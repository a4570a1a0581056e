/*
 * A batch in fewer statements. Appends come before finishes and these before
 * starts: what an append queues behind a job moves up when a finish ends that
 * job, so whichever comes first, one of the two says which jobs may run.
 */
#include "store/postgres/regroup.h"

#define ROW_BYTES 512 /* about; of texts beside the bodies */

/* The job that op names, of those that are sorted; 0: none. */
static int64_t
named_job(const struct store_op *op)
{
	switch (pg_kinds[op->kind].group) {
	case PG_FINISHES:
		return (op->in.finish.job);
	case PG_STARTS:
		return (op->in.start.job);
	case PG_IN_PLACE:
	case PG_APPENDS:
		break;
	}
	return (0);
}

static bool
is_named(struct store_op *const *ops, size_t n, int64_t job)
{
	for (size_t i = 0; i < n; i++)
		if (named_job(ops[i]) == job)
			return (true);
	return (false);
}

size_t
regroup_next(struct store_op *const *ops, size_t n)
{
	int64_t job;

	for (size_t i = 0; i < n; i++) {
		if (pg_kinds[ops[i]->kind].group == PG_IN_PLACE)
			return (i == 0 ? 1 : i);
		job = named_job(ops[i]);
		if (job != 0 && is_named(ops, i, job))
			return (i);
	}
	return (n);
}

size_t
regroup_pick(struct store_op *const *ops, size_t n, enum pg_group group,
    struct store_op **list)
{
	size_t picked = 0;

	for (size_t i = 0; i < n; i++)
		if (pg_kinds[ops[i]->kind].group == group)
			list[picked++] = ops[i];
	return (picked);
}

size_t
regroup_bytes(const struct store_op *op)
{
	size_t bytes = store_op_rows(op) * ROW_BYTES;

	if (op->kind == STORE_OP_APPEND && op->in.append.ev->body != NULL)
		bytes += op->in.append.ev->body_len;
	return (bytes);
}

size_t
regroup_fits(struct store_op *const *ops, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += regroup_bytes(ops[i]);
		if (i > 0 && bytes > REGROUP_BYTES)
			return (i);
	}
	return (n);
}
