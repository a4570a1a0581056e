/*
 * How much there is. The server's disk is not seen from here, and its log is
 * not only ours.
 */
#include <stdio.h>

#include "store/postgres/lists_sql.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* The row of LIST_FIGURES: as list_row_fn. */
static int
figures_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_figures *f = ret_row;

	(void)op;
	f->lanes_blocked = (uint64_t)pg_int(res, row, 0);
	f->bytes = pg_int(res, row, 1);
	f->receivers = (uint64_t)pg_int(res, row, 2);
	f->alarms = (uint64_t)pg_int(res, row, 3);
	f->free_bytes = -1;
	return (0);
}

enum store_rc
measure_read(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	static const struct list_ask ask = { LIST_FIGURES,
		sizeof(struct store_figures), figures_row };
	struct store_figures *f;
	struct pg_args args;
	enum store_rc rc;
	void *rows = NULL;
	size_t nhandlers;

	if ((rc = list_handlers(c, op, reason)) != STORE_OK)
		return (rc);
	nhandlers = op->nrows;
	pg_args_init(&args, &op->res_mem);
	if ((rc = list_rows(c, op, &ask, &args, &rows, reason)) != STORE_OK)
		return (rc);
	if ((f = rows) == NULL) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "the database gave no figures");
		return (STORE_FAILED);
	}
	f->handlers = op->handlers;
	f->nhandlers = op->nrows = nhandlers;
	op->figures = f;
	return (STORE_OK);
}
