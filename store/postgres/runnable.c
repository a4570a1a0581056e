/* Find what may run, and claim what nobody has: claim_jobs(). */
#include "store/postgres/job_result.h"
#include "store/postgres/postgres.h"

static const struct pg_statement claim = { "claim",
	JOB_RESULT_OF "claim_jobs($1::int8, $2::int8, $3::int8, $4::int8) "
		      "AS r" };

static int
claim_one(struct pg_batch *b, struct store_op *op)
{
	struct job_ops *all;
	struct pg_args *a;

	if (job_ops_pick(b, &op, 1, NULL, &all) == -1 ||
	    (a = job_args_new(b)) == NULL)
		return (-1);
	pg_arg_int(a, pg_batch_receiver(b));
	pg_arg_int(a, op->in.runnable.handler);
	pg_arg_int(a, (int64_t)op->in.runnable.limit);
	pg_arg_int(a, op->in.runnable.now.ms);
	return (pg_batch_add(b, &claim, a, job_result_take, all));
}

int
runnable_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (claim_one(b, ops[i]) == -1)
			return (-1);
	return (0);
}
