/* The receivers that share the database, as each of them shows all. */
#include "store/postgres/lists_sql.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* One row of LIST_RECEIVERS: as list_row_fn. */
static int
receiver_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_receiver_info *info = ret_row;
	struct arena *a = &op->res_mem;

	info->number = pg_int(res, row, 0);
	info->started_at_ms = pg_int(res, row, 3);
	info->alive = pg_bool(res, row, 4);
	if (pg_text(res, row, 1, a, &info->name) == -1 ||
	    pg_text(res, row, 2, a, &info->version) == -1)
		return (-1);
	return (pg_text(res, row, 5, a, &info->report));
}

enum store_rc
list_receivers(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	static const struct list_ask ask = { LIST_RECEIVERS,
		sizeof(struct store_receiver_info), receiver_row };
	struct pg_args args;
	enum store_rc rc;
	void *rows = NULL;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, STORE_PAGE_MAX);
	rc = list_rows(c, op, &ask, &args, &rows, reason);
	op->receivers = rows;
	return (rc);
}

void
receivers_find_own(struct store_op *op, int64_t receiver)
{
	for (size_t i = 0; i < op->nrows && receiver != 0; i++)
		op->receivers[i].own = op->receivers[i].number == receiver;
}
