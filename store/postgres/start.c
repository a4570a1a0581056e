/*
 * How attempts begin, a statement for all of a batch: start_jobs() in
 * schema/003_jobs.sql.
 */
#include <stdlib.h>
#include <string.h>

#include "store/postgres/job_result.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

static const struct pg_statement start = { "start",
	JOB_RESULT_OF "start_jobs($1::int8, $2::int8[], $3::int8[], "
		      "$4::int8[]) AS r" };
static const struct pg_statement start_headers = { "start_headers",
	"SELECT u.ord, coalesce(h.headers, '') || coalesce(e.own_headers, '') "
	"FROM unnest($1::int8[]) WITH ORDINALITY AS u (job, ord) "
	"JOIN jobs AS j ON j.id = u.job JOIN events AS e ON e.id = j.event "
	"LEFT JOIN header_sets AS h ON h.id = e.header_set" };

static bool
wants_headers(struct store_op *op)
{
	return (op->in.start.headers);
}

/* pg_take_fn: what the header fields of their events said; arg: job_ops. */
static int
headers_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	const struct job_ops *all = arg;

	(void)b;
	for (int row = 0; row < PQntuples(res); row++) {
		int64_t ord = pg_int(res, row, 0);
		struct store_result *r;
		struct store_event *ev;

		if (ord < 1 || (uint64_t)ord > all->n)
			return (-1);
		r = &all->ops[ord - 1]->res;
		if (r->rc != STORE_OK || r->nrunnable != 1)
			continue;
		ev = r->runnable[0].ev;
		free(ev->headers);
		if ((ev->headers = strdup(PQgetvalue(res, row, 1))) == NULL)
			return (-1);
	}
	return (0);
}

/* Behind the start of those jobs: what came with the events of some. */
static int
add_headers(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct job_ops *all;
	struct pg_args *a;

	if (job_ops_pick(b, ops, n, wants_headers, &all) == -1)
		return (-1);
	if (all->n == 0)
		return (0);
	if ((a = job_args_new(b)) == NULL)
		return (-1);
	pg_arg_array(a, PG_INT8S, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_int(a, all->ops[i]->in.start.job);
	return (pg_batch_add(b, &start_headers, a, headers_take, all));
}

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
	if (pg_batch_add(b, &start, a, job_result_take, all) == -1)
		return (-1);
	return (add_headers(b, ops, n));
}
