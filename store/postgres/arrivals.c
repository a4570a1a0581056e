/* How an event came, and was answered: LIST_ARRIVAL. */
#include "store/postgres/lists_sql.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* As list_row_fn. */
static int
arrival_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_arrival *arrival = ret_row;
	const char *answers;

	if (pg_text(res, row, 0, &op->res_mem, &arrival->headers) == -1 ||
	    pg_text(res, row, 1, &op->res_mem, &arrival->own_headers) == -1 ||
	    pg_text(res, row, 2, &op->res_mem, &answers) == -1)
		return (-1);
	arrival->answered =
	    store_answers_find(answers, op->in.event, &arrival->answer) == 0;
	return (0);
}

enum store_rc
get_arrival(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	static const struct list_ask ask = { LIST_ARRIVAL,
		sizeof(struct store_arrival), arrival_row };
	struct store_arrival *row;
	struct pg_args args;
	enum store_rc rc;
	void *rows = NULL;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, op->in.event);
	rc = list_rows(c, op, &ask, &args, &rows, reason);
	if (rc == STORE_OK && op->nrows == 1) {
		row = rows;
		op->arrival = *row;
	}
	return (rc);
}
