/*
 * How attempts begin, a statement for all of a batch: start_jobs() in
 * schema/003_jobs.sql.
 */
#include "store/postgres/job_result.h"
#include "store/postgres/postgres.h"

static const struct pg_statement start = { "start",
	JOB_RESULT_OF "start_jobs($1::int8, $2::int8[], $3::int8[], "
		      "$4::int8[]) AS r" };

int
start_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct job_ops *all;
	struct pg_args *a;

	if (job_ops_pick(b, ops, n, NULL, &all) == -1)
		return (-1);
	/* One that may end without having run leaves its lanes. */
	for (size_t i = 0; i < n; i++)
		if (ops[i]->in.start.skip != 0 &&
		    pg_batch_lock_job(b, ops[i]->in.start.job) == -1)
			return (-1);
	if ((a = job_args_new(b)) == NULL)
		return (-1);
	pg_arg_int(a, pg_batch_receiver(b));
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, ops[i]->in.start.job);
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, ops[i]->in.start.skip);
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, ops[i]->in.start.now_ms);
	return (pg_batch_add(b, &start, a, job_result_take, all));
}
